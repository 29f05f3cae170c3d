//! The fused recurrence ([`kernel`](super::kernel)) as an operation of Burn
//! with its own backward, for the backends whose tensors lie in the processor's memory.
//!
//! Burn's own operations record a graph node for each small step; this one is
//! a single node for a whole layer. Other backends take the layer step by step
//! ([`stepwise`](super::stepwise)).

#[cfg(feature = "ndarray")]
use burn::backend::NdArray;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients as GradientStore;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
#[cfg(feature = "ndarray")]
use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::{Device as DeviceOf, FloatTensor};
use burn::backend::{
    Autodiff, Backend, Dispatch, DispatchDevice, Flex, TensorMetadata, backend_extension,
};
use burn::tensor::{DType, Device, Tensor, TensorData};

use super::kernel::{self, Formula, Sequences, Sizes, Tape, Weights};

use std::sync::{Arc, Once};

/// What the operation needs beside tensors.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub formula: Formula,
    pub lengths: Arc<[usize]>,
    pub reverse: bool,
    /// Recurrent dropout, `[batch, hidden]`.
    pub mask: Option<Arc<[f32]>>,
    /// Whether the tensors `h` and `c` are initial states, or placeholders.
    pub initial: bool,
    /// Whether the final states are asked for, as rows behind the outputs.
    pub states: bool,
}

/// The tensors of the operation, in its order: inputs `[batch, time, input]`,
/// input weights, recurrent weights, bias, peephole weights, and initial
/// hidden and cell states `[batch, hidden]`; what a cell lacks is a placeholder.
pub(super) type Operands = [Tensor<2>; 6];

/// Whether `device` holds its tensors where the kernel can read them.
pub(super) fn runs_on(device: &Device) -> bool {
    fn host(device: &DispatchDevice) -> bool {
        match device {
            DispatchDevice::Flex(_) => true,
            #[cfg(feature = "ndarray")]
            DispatchDevice::NdArray(_) => true,
            #[allow(unreachable_patterns)]
            _ => false,
        }
    }
    host(device.clone().inner().as_dispatch())
}

/// Outputs `[batch, time, hidden]`, with the rows of the final states behind
/// them where `call` asks for them.
pub(super) fn sequence(inputs: Tensor<3>, operands: Operands, call: Call) -> Tensor<3> {
    let [ih, hh, bias, peephole, h, c] = operands.map(Tensor::into_dispatch);
    Tensor::from_dispatch(Dispatch::recurrent_sequence(
        inputs.into_dispatch(),
        ih,
        hh,
        bias,
        peephole,
        h,
        c,
        call,
    ))
}

/// The operation that Burn dispatches to the backend of its tensors.
#[backend_extension(Flex, NdArray: cfg(feature = "ndarray"), Autodiff)]
pub(super) trait RecurrentOps: Backend {
    #[allow(clippy::too_many_arguments)]
    fn recurrent_sequence(
        inputs: FloatTensor<Self>,
        weight_ih: FloatTensor<Self>,
        weight_hh: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        peephole: FloatTensor<Self>,
        h: FloatTensor<Self>,
        c: FloatTensor<Self>,
        call: Call,
    ) -> FloatTensor<Self>;
}

/// A backend whose tensors can be read as slices.
pub(super) trait Host: Backend {
    /// A tensor's values where they can be borrowed.
    type Values;

    /// The values, row by row; copied only if they do not lie so.
    fn values(tensor: FloatTensor<Self>) -> Self::Values;

    /// Borrows them.
    fn slice(values: &Self::Values) -> &[f32];
}

impl Host for Flex {
    type Values = FloatTensor<Flex>;

    fn values(tensor: FloatTensor<Self>) -> Self::Values {
        tensor.to_contiguous()
    }

    fn slice(values: &Self::Values) -> &[f32] {
        let layout = values.layout();
        &values.storage::<f32>()[layout.start_offset()..][..layout.num_elements()]
    }
}

#[cfg(feature = "ndarray")]
impl Host for NdArray {
    type Values = Vec<f32>;

    fn values(tensor: FloatTensor<Self>) -> Self::Values {
        let data = burn::backend::try_read_sync(Self::float_into_data(tensor));
        match data {
            Some(Ok(data)) => data.iter::<f32>().collect(),
            // Its tensors lie in memory: reading them waits for nothing and loses nothing.
            _ => unreachable!("a tensor in the processor's memory can be read"),
        }
    }

    fn slice(values: &Self::Values) -> &[f32] {
        values
    }
}

impl RecurrentOps for Flex {
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
        let tensors = [inputs, weight_ih, weight_hh, bias, peephole, h, c];
        run::<Self>(&tensors, &call, false).0
    }
}

#[cfg(feature = "ndarray")]
impl RecurrentOps for NdArray {
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
        let tensors = [inputs, weight_ih, weight_hh, bias, peephole, h, c];
        run::<Self>(&tensors, &call, false).0
    }
}

/// The operation's arguments as the kernel takes them.
struct Borrowed<'a> {
    sizes: Sizes,
    weights: Weights<'a>,
    sequences: Sequences<'a>,
}

impl<'a> Borrowed<'a> {
    fn new<B: Host>(values: &'a [B::Values; 7], inputs: [usize; 3], call: &'a Call) -> Self {
        let [_, time, input] = inputs;
        let [x, ih, hh, bias, peephole, h, c] = values.each_ref().map(B::slice);
        let hidden = bias.len() / call.formula.bias_blocks();
        let initial = |values: &'a [f32]| call.initial.then_some(values);
        Borrowed {
            sizes: Sizes { input, hidden },
            weights: Weights {
                input: ih,
                recurrent: hh,
                bias,
                peephole,
            },
            sequences: Sequences {
                inputs: x,
                lengths: &call.lengths,
                time,
                reverse: call.reverse,
                h: initial(h),
                c: initial(c).filter(|_| call.formula.has_cell()),
                mask: call.mask.as_deref(),
                states: if call.states {
                    call.formula.states()
                } else {
                    0
                },
            },
        }
    }
}

/// Has glibc keep the pages of freed tensors for the next ones.
///
/// A step makes and frees some tensors of megabytes. glibc returns such memory
/// to the system, and every page that is then touched anew costs a fault:
/// together up to a third of an inference. It stops where it has seen a freed
/// block of just under 32 MiB, its limit for what it will reuse; untouched,
/// that block costs nothing. Other allocators do not notice.
fn keep_pages() {
    static ONCE: Once = Once::new();
    const LARGEST_REUSED: usize = (32 << 20) - (64 << 10);
    ONCE.call_once(|| {
        drop(std::hint::black_box(Vec::<u8>::with_capacity(
            LARGEST_REUSED,
        )))
    });
}

fn run<B: Host>(
    tensors: &[FloatTensor<B>; 7],
    call: &Call,
    keep: bool,
) -> (FloatTensor<B>, Option<Tape>) {
    keep_pages();
    let device = tensors[0].device();
    let shape: [usize; 3] = tensors[0].shape().dims();
    let values = tensors.clone().map(B::values);
    let borrowed = Borrowed::new::<B>(&values, shape, call);
    let Borrowed {
        sizes,
        weights,
        sequences,
    } = &borrowed;
    let (outputs, tape) = kernel::forward(call.formula, *sizes, weights, sequences, keep);
    let shape = [shape[0], shape[1] + sequences.states, sizes.hidden];
    (tensor::<B>(outputs, &shape, &device), tape)
}

fn tensor<B: Backend>(values: Vec<f32>, shape: &[usize], device: &DeviceOf<B>) -> FloatTensor<B> {
    B::float_from_data(TensorData::new(values, shape.to_vec()), device)
}

/// The derivative; its formulas are the kernel's.
#[derive(Debug)]
struct SequenceBackward;

impl<B: Host> Backward<B, 7> for SequenceBackward {
    type State = ([FloatTensor<B>; 7], Call, Arc<Tape>);

    fn backward(
        self,
        ops: Ops<Self::State, 7>,
        grads: &mut GradientStore,
        _checkpointer: &mut Checkpointer,
    ) {
        let (tensors, call, tape) = ops.state;
        let outputs = B::values(grads.consume::<B>(&ops.node));
        let device = tensors[0].device();
        let shapes = tensors.each_ref().map(|tensor| tensor.shape().to_vec());
        let inputs: [usize; 3] = tensors[0].shape().dims();
        let values = tensors.map(B::values);
        let borrowed = Borrowed::new::<B>(&values, inputs, &call);
        // The graph is walked once as a rule, and then the tape is nobody else's.
        let tape = Arc::try_unwrap(tape).unwrap_or_else(|shared| (*shared).clone());
        let gradients = kernel::backward(
            call.formula,
            borrowed.sizes,
            &borrowed.weights,
            &borrowed.sequences,
            tape,
            B::slice(&outputs),
            ops.parents[0].is_some(),
        );
        let parts = [
            gradients.inputs,
            gradients.input,
            gradients.recurrent,
            gradients.bias,
            gradients.peephole,
            gradients.h,
            gradients.c,
        ];
        for ((parent, values), shape) in ops.parents.into_iter().zip(parts).zip(shapes) {
            if let Some(parent) = parent
                && values.len() == shape.iter().product::<usize>()
            {
                grads.register::<B>(parent.id, tensor::<B>(values, &shape, &device));
            }
        }
    }
}

impl<B: Host, C: CheckpointStrategy> RecurrentOps for Autodiff<B, C>
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
                let (output, tape) = run::<B>(&tensors, &call, true);
                match tape {
                    Some(tape) => prepared.finish((tensors, call, Arc::new(tape)), output),
                    None => unreachable!("the tape was asked for"),
                }
            }
            OpsKind::UnTracked(prepared) => prepared.finish(run::<B>(&tensors, &call, false).0),
        }
    }
}

/// Whether the operation takes tensors of this type.
pub(super) fn takes(dtype: DType) -> bool {
    dtype == DType::F32
}
