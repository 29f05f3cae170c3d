//! The state carried from chunk to chunk of a long sequence.
//!
//! ```no_run
//! # use recurrent::{CellKind, Dropout, Init, RecurrentConfig, Stateful};
//! # use burn::tensor::{Device, Tensor};
//! # let device = Device::flex();
//! # let chunks: Vec<Tensor<3>> = Vec::new();
//! let network = RecurrentConfig::new(CellKind::Lstm, 1, 64).init(&mut Init::new(1, &device));
//! let mut carried = Stateful::new();
//! for chunk in chunks {
//!     let lengths = [chunk.dims()[1]];
//!     let outputs = carried.forward(&network, chunk, &lengths, &mut Dropout::inference())?;
//!     // ... loss.backward(), a step of the optimiser ...
//!     carried.detach(); // gradients end at the boundary between two chunks
//! }
//! # Ok::<(), recurrent::RecurrentError>(())
//! ```

use burn::tensor::{Tensor, TensorData};

use crate::RecurrentError;
use crate::{Dropout, Recurrent, State};

/// The states of a network between two chunks.
///
/// The network is not part of it, because training changes it between chunks.
#[derive(Clone, Debug, Default)]
pub struct Stateful {
    states: Option<Vec<State>>,
}

impl Stateful {
    /// No state: the next chunk starts new sequences.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs a chunk `[batch, time, input]` from the state after the last one.
    ///
    /// # Errors
    ///
    /// [`RecurrentError::Settings`] if the network is bidirectional, or if the
    /// chunk has another number of sequences than the last one.
    pub fn forward(
        &mut self,
        network: &Recurrent,
        chunk: Tensor<3>,
        lengths: &[usize],
        dropout: &mut Dropout<'_>,
    ) -> Result<Tensor<3>, RecurrentError> {
        if network.is_bidirectional() {
            return Err(RecurrentError::Settings {
                what: "a bidirectional network cannot carry its state: its backward direction \
                       starts at the end, which has not come yet"
                    .into(),
            });
        }
        if let Some(state) = self.states.as_ref().and_then(|states| states.first()) {
            let (had, has) = (state.h.dims()[0], lengths.len());
            if had != has {
                return Err(RecurrentError::Settings {
                    what: format!("the carried state has {had} sequences, but the chunk has {has}"),
                });
            }
        }
        let (outputs, states) =
            network.forward_from(chunk, lengths, self.states.take(), dropout)?;
        self.states = Some(states);
        Ok(outputs)
    }

    /// Cuts the gradient here: back-propagation from later chunks stops at this
    /// state (truncated back-propagation through time; Williams and Peng, 1990).
    pub fn detach(&mut self) {
        for state in self.states.iter_mut().flatten() {
            state.h = state.h.clone().detach();
            state.c = state.c.take().map(Tensor::detach);
        }
    }

    /// Forgets all states: the next chunk starts new sequences.
    pub fn reset(&mut self) {
        self.states = None;
    }

    /// Forgets the states of the sequences at these indices of the batch, and
    /// keeps the others.
    pub fn reset_sequences(&mut self, sequences: &[usize]) {
        for state in self.states.iter_mut().flatten() {
            let batch = state.h.dims()[0];
            let kept: Vec<f32> = (0..batch)
                .map(|sequence| f32::from(!sequences.contains(&sequence)))
                .collect();
            let kept = Tensor::<2>::from_data(TensorData::new(kept, [batch, 1]), &state.h.device());
            state.h = state.h.clone() * kept.clone();
            state.c = state.c.take().map(|c| c * kept);
        }
    }

    /// The states, one for each layer; `None` before the first chunk.
    pub fn states(&self) -> Option<&[State]> {
        self.states.as_deref()
    }
}
