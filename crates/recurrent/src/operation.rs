//! The fused recurrence: what the operation is told besides its tensors, and
//! what a backend must implement to run it.
//!
//! A whole layer with both its directions is one node of the graph; Burn's own
//! operations would record one for every small step. Both directions write into
//! the same buffer, so nothing is concatenated afterwards. Back-propagation
//! reads the hidden states from that buffer, which the layer above keeps anyway.
//!
//! [`layer`](crate::layer) calls [`fused`](crate::fused), where Burn picks the
//! backend: [`cpu`](crate::cpu) or `gpu`. `gradients` adds the derivative.

use std::sync::Arc;

use burn::backend::Backend;
use burn::backend::tensor::FloatTensor;

use crate::kernel::Formula;

/// What the operation needs besides tensors.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub formula: Formula,
    pub lengths: Arc<[usize]>,
    /// One or two, whose hidden states lie side by side in the outputs.
    pub ways: Vec<Way>,
    /// Whether the tensors `h` and `c` are initial states, or placeholders.
    pub initial: bool,
    /// Whether the final states are wanted, as rows after the outputs.
    pub states: bool,
}

impl Call {
    /// Rows of final states after the outputs.
    pub fn state_rows(&self) -> usize {
        if self.states {
            self.formula.states()
        } else {
            0
        }
    }
}

/// One cell's way along time.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    pub reverse: bool,
    /// Recurrent dropout, `[batch, hidden]`.
    pub mask: Option<Arc<[f32]>>,
}

/// A backend that runs the operation as a whole.
pub(crate) trait Fused: Backend {
    /// What a forward pass keeps for the backward pass.
    type Tape: Clone + std::fmt::Debug + Send + Sync + 'static;

    /// The outputs, and the tape, which is empty unless `keep` is set.
    fn forward(
        tensors: &[FloatTensor<Self>; 7],
        call: &Call,
        keep: bool,
    ) -> (FloatTensor<Self>, Self::Tape);

    /// The gradients of the operation's tensors, in their order: `None` for
    /// placeholders, and for the inputs unless `wants_inputs` is set.
    #[cfg(feature = "train")]
    fn backward(
        tensors: [FloatTensor<Self>; 7],
        outputs: FloatTensor<Self>,
        gradients: FloatTensor<Self>,
        call: &Call,
        tape: Self::Tape,
        wants_inputs: bool,
    ) -> [Option<FloatTensor<Self>>; 7];
}
