//! LSTM layers above each other, each in one direction or in both.

use burn::module::Module;
use burn::tensor::Tensor;

use super::{Direction, Dropout, Init, Lstm};

/// The shape of an [`LstmStack`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LstmStackConfig {
    /// Features of a frame.
    pub input: usize,
    /// Hidden units of a layer and direction.
    pub hidden: usize,
    /// Layers.
    pub layers: usize,
    /// Whether every layer also walks backwards.
    pub bidirectional: bool,
    /// Share of the units dropped between layers while training.
    pub dropout: f64,
}

impl LstmStackConfig {
    /// Features of a frame of the result.
    pub fn output(&self) -> usize {
        self.hidden * if self.bidirectional { 2 } else { 1 }
    }

    /// A stack with initial weights.
    pub fn init(&self, init: &mut Init) -> LstmStack {
        let mut layers = |count: usize| -> Vec<Lstm> {
            (0..count)
                .map(|layer| {
                    let input = if layer == 0 {
                        self.input
                    } else {
                        self.output()
                    };
                    Lstm::new(input, self.hidden, init)
                })
                .collect()
        };
        LstmStack {
            forward: layers(self.layers),
            backward: layers(if self.bidirectional { self.layers } else { 0 }),
            dropout: self.dropout,
        }
    }
}

/// Stacked LSTM layers, optionally bidirectional.
#[derive(Module, Debug)]
pub struct LstmStack {
    /// The forward direction of each layer.
    pub forward: Vec<Lstm>,
    /// The backward direction of each layer; empty where there is none.
    pub backward: Vec<Lstm>,
    dropout: f64,
}

impl LstmStack {
    /// The hidden states of the last layer, forward and backward beside each other.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, time, input]`
    /// - lengths: `batch` numbers from 1 to `time`
    /// - result: `[batch, time, output]`; what stands behind a sequence's end
    ///   means nothing.
    pub fn forward(
        &self,
        input: Tensor<3>,
        lengths: &[usize],
        dropout: &mut Dropout<'_>,
    ) -> Tensor<3> {
        let time = input.dims()[1];
        let mut steps: Vec<Tensor<2>> = (0..time)
            .map(|t| input.clone().narrow(1, t, 1).squeeze_dim(1))
            .collect();
        for (index, layer) in self.forward.iter().enumerate() {
            if index > 0 {
                steps = steps
                    .into_iter()
                    .map(|step| dropout.apply(step, self.dropout))
                    .collect();
            }
            let forward = layer.forward(&steps, lengths, Direction::Forward);
            steps = match self.backward.get(index) {
                None => forward,
                Some(layer) => forward
                    .into_iter()
                    .zip(layer.forward(&steps, lengths, Direction::Backward))
                    .map(|(forward, backward)| Tensor::cat(vec![forward, backward], 1))
                    .collect(),
            };
        }
        Tensor::stack(steps, 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, Distribution};

    #[test]
    fn a_padded_sequence_gives_what_it_gives_alone() {
        let device = Device::flex();
        let config = LstmStackConfig {
            input: 4,
            hidden: 6,
            layers: 2,
            bidirectional: true,
            dropout: 0.0,
        };
        let stack = config.init(&mut Init::new(1, &device));
        let lengths = [9, 3, 1, 6];
        // Padding of noise, not zeros: whatever stands there must not matter.
        let input = Tensor::<3>::random([4, 9, 4], Distribution::Normal(0.0, 3.0), &device);
        let together = stack.forward(input.clone(), &lengths, &mut Dropout::inference());
        for (row, &length) in lengths.iter().enumerate() {
            let cut = |tensor: Tensor<3>| tensor.narrow(0, row, 1).narrow(1, 0, length);
            let alone = stack.forward(cut(input.clone()), &[length], &mut Dropout::inference());
            assert!(
                cut(together.clone()).all_close(alone, Some(1e-5), Some(1e-6)),
                "sequence {row} of length {length}"
            );
        }
    }
}
