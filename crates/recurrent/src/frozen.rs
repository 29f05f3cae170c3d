//! A network that is only ever run: its weights are packed once, for whole sequences.
//!
//! [`Recurrent::forward`] packs the weights anew in every call, because training
//! changes them. For one short sequence that takes a quarter of the time. A network
//! whose weights stay as they are, as a pretrained encoder's do, is packed once and
//! shared by all threads. Like [`Live`](crate::Live) it works without tensors.

use crate::Recurrent;
use crate::RecurrentError;
use crate::cells::Cell;
use crate::kernel::{Layer, Sequences, Sizes, Weights};
use crate::live::values;

/// A network with packed weights, made by [`Recurrent::frozen`].
#[derive(Clone, Debug)]
pub struct Frozen {
    layers: Vec<Layer>,
}

/// The states of a [`Frozen`] network after a sequence; at first none, which is zero.
#[derive(Clone, Debug, Default)]
pub struct FrozenState {
    /// Hidden state, then cell state if there is one, of each layer.
    layers: Vec<[Vec<f32>; 2]>,
}

impl Recurrent {
    /// Packs the network for inference of whole sequences on the CPU. The weights are
    /// copied: later changes of the network have no effect.
    ///
    /// # Errors
    ///
    /// [`RecurrentError::Settings`] if the network is bidirectional, has residual
    /// connections, projections or normalisations, full peephole matrices or no
    /// layers. [`RecurrentError::Device`] if its weights cannot be read.
    pub fn frozen(&self) -> Result<Frozen, RecurrentError> {
        let refused = |what: &str| {
            Err(RecurrentError::Settings {
                what: format!("a network with {what} cannot be packed for inference"),
            })
        };
        let has = |part: fn(&crate::RecurrentLayer) -> bool| self.layers.iter().any(part);
        if self.layers.is_empty() {
            return refused("no layers");
        }
        if self.is_bidirectional() {
            return refused("a backward direction");
        }
        if self.is_residual() || has(|layer| layer.projection.is_some() || layer.norm.is_some()) {
            return refused("residual connections, projections or normalisations");
        }
        let mut layers = Vec::with_capacity(self.layers.len());
        for layer in &self.layers {
            let cell = &layer.forward;
            let Some(formula) = cell.formula() else {
                return refused("full peephole matrices");
            };
            let sizes = Sizes {
                input: cell.input(),
                hidden: cell.hidden(),
            };
            let weights = cell.weights();
            layers.push(Layer::new(
                formula,
                sizes,
                &Weights {
                    input: &values(weights.weight_ih.val())?,
                    recurrent: &values(weights.weight_hh.val())?,
                    bias: &values(cell.kernel_bias())?,
                    peephole: &cell.peephole().map_or(Ok(Vec::new()), values)?,
                },
            ));
        }
        Ok(Frozen { layers })
    }
}

impl Frozen {
    /// The last layer's outputs `[batch, time, hidden]` of `[batch, time, input]`; what
    /// is behind a sequence's end is zero.
    ///
    /// # Panics
    ///
    /// If `inputs` does not hold as many numbers, or a length exceeds `time`.
    pub fn batch(&self, inputs: &[f32], lengths: &[usize], time: usize) -> Vec<f32> {
        let mut outputs = Vec::new();
        let mut inputs = inputs;
        for layer in &self.layers {
            let sequences = Sequences {
                inputs,
                lengths,
                time,
                reverse: false,
                h: None,
                c: None,
                mask: None,
                states: 0,
                row: layer.hidden(),
                column: 0,
            };
            let mut next = vec![0.0; sequences.outputs()];
            layer.forward(&sequences, &mut next);
            outputs = next;
            inputs = &outputs;
        }
        outputs
    }

    /// The last layer's outputs `[frames, hidden]` of the next frames of one sequence,
    /// `[frames, input]`, from the state after the frames before, which is replaced by
    /// that after them.
    ///
    /// # Panics
    ///
    /// If `inputs` does not consist of whole frames, or the state is another network's.
    pub fn next(&self, inputs: &[f32], state: &mut FrozenState) -> Vec<f32> {
        let mut outputs: Vec<f32> = Vec::new();
        state.layers.resize(self.layers.len(), Default::default());
        for (index, layer) in self.layers.iter().enumerate() {
            let inputs = if index == 0 { inputs } else { &outputs };
            let time = inputs.len() / layer.input();
            let [h, c] = &state.layers[index];
            let given = |state: &'_ Vec<f32>| !state.is_empty();
            let sequences = Sequences {
                inputs,
                lengths: &[time],
                time,
                reverse: false,
                h: given(h).then_some(h),
                c: given(c).then_some(c),
                mask: None,
                states: layer.formula().states(),
                row: layer.hidden(),
                column: 0,
            };
            let mut next = vec![0.0; sequences.outputs()];
            layer.forward(&sequences, &mut next);
            let after = next.split_off(time * layer.hidden());
            let mut after = after.chunks_exact(layer.hidden());
            let mut take = || after.next().map_or(Vec::new(), <[f32]>::to_vec);
            state.layers[index] = [take(), take()];
            outputs = next;
        }
        outputs
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor, TensorData};

    use super::*;
    use crate::{CellKind, Dropout, Init, RecurrentConfig};

    fn network(cell: CellKind) -> Recurrent {
        RecurrentConfig {
            layers: 2,
            ..RecurrentConfig::new(cell, 5, 19)
        }
        .init(&mut Init::new(3, &Device::flex()))
    }

    fn numbers(count: usize) -> Vec<f32> {
        (0..count)
            .map(|n| ((n * 37) % 89) as f32 / 44.0 - 1.0)
            .collect()
    }

    #[test]
    fn packed_once_every_cell_gives_what_it_gave() {
        let kinds = [
            CellKind::Lstm,
            CellKind::Peephole,
            CellKind::Coupled,
            CellKind::Gru,
            CellKind::GruResetBefore,
            CellKind::Rnn,
        ];
        for cell in kinds {
            let (network, lengths) = (network(cell), [7, 11, 1]);
            let inputs = numbers(3 * 11 * 5);
            let data = TensorData::new(inputs.clone(), [3, 11, 5]);
            let tensor = Tensor::<3>::from_data(data, &Device::flex());
            let theirs = network.forward(tensor, &lengths, &mut Dropout::inference());
            let theirs: Vec<f32> = theirs.try_into_vec_as().unwrap();
            let ours = network.frozen().unwrap().batch(&inputs, &lengths, 11);
            for (sequence, length) in lengths.into_iter().enumerate() {
                let part = sequence * 11 * 19..(sequence * 11 + length) * 19;
                assert_eq!(ours[part.clone()], theirs[part], "{cell:?}");
            }
        }
    }

    #[test]
    fn in_pieces_a_sequence_has_the_outputs_of_the_whole() {
        for cell in [CellKind::Lstm, CellKind::Gru] {
            let frozen = network(cell).frozen().unwrap();
            let inputs = numbers(40 * 5);
            let whole = frozen.batch(&inputs, &[40], 40);
            let mut state = FrozenState::default();
            let mut pieces = Vec::new();
            for piece in inputs.chunks(13 * 5) {
                pieces.extend(frozen.next(piece, &mut state));
            }
            assert_eq!(pieces, whole, "{cell:?}");
        }
    }

    #[test]
    fn what_cannot_be_packed_is_refused() {
        let config = RecurrentConfig {
            bidirectional: true,
            ..RecurrentConfig::new(CellKind::Lstm, 5, 7)
        };
        let network = config.init(&mut Init::new(1, &Device::flex()));
        assert!(network.frozen().is_err());
        let empty = Recurrent::from_layers(Vec::new());
        assert!(empty.frozen().is_err());
    }
}
