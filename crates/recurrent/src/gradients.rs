//! The derivative of the fused recurrence, for Burn's `Autodiff`.

use std::sync::Arc;

use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients as GradientStore;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;

use crate::fused::RecurrentOps;
use crate::operation::{Call, Fused};

/// The derivative. Its formulas are in the kernels.
#[derive(Debug)]
struct SequenceBackward;

impl<B: Fused> Backward<B, 7> for SequenceBackward {
    /// The operation's tensors, its outputs, and the tape.
    type State = ([FloatTensor<B>; 7], FloatTensor<B>, Call, Arc<B::Tape>);

    fn backward(
        self,
        ops: Ops<Self::State, 7>,
        grads: &mut GradientStore,
        _checkpointer: &mut Checkpointer,
    ) {
        let (tensors, outputs, call, tape) = ops.state;
        let gradients = grads.consume::<B>(&ops.node);
        // Usually the graph is walked once, and then nobody else holds the tape.
        let tape = Arc::try_unwrap(tape).unwrap_or_else(|shared| (*shared).clone());
        let wants_inputs = ops.parents[0].is_some();
        let of_tensors = B::backward(tensors, outputs, gradients, &call, tape, wants_inputs);
        for (parent, gradient) in ops.parents.into_iter().zip(of_tensors) {
            if let (Some(parent), Some(gradient)) = (parent, gradient) {
                grads.register::<B>(parent.id, gradient);
            }
        }
    }
}

impl<B: Fused, C: CheckpointStrategy> RecurrentOps for Autodiff<B, C>
where
    B: RecurrentOps,
{
    fn recurrent_sequence(
        inputs: FloatTensor<Self>,
        weight_ih: FloatTensor<Self>,
        weight_hh: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        peephole: FloatTensor<Self>,
        h: FloatTensor<Self>,
        c: FloatTensor<Self>,
        call: Call,
    ) -> FloatTensor<Self> {
        let parts = [inputs, weight_ih, weight_hh, bias, peephole, h, c].map(|t| t.into_parts());
        let tensors = parts.each_ref().map(|(tensor, _)| tensor.clone());
        let nodes = parts.map(|(_, node)| node);
        match SequenceBackward
            .prepare::<C>(nodes)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prepared) => {
                let (outputs, tape) = B::forward(&tensors, &call, true);
                let state = (tensors, outputs.clone(), call, Arc::new(tape));
                prepared.finish(state, outputs)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(B::forward(&tensors, &call, false).0),
        }
    }
}
