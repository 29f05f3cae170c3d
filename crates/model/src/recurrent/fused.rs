//! The fused recurrence as an operation of Burn with its own backward: by
//! [`kernel`](super::kernel) for the backends whose tensors lie in the
//! processor's memory, by kernels of [`gpu`](super::gpu) on a graphics card.
//!
//! Burn's own operations record a graph node for each small step; this one is
//! a single node for a whole layer. Both directions of a layer write into the
//! same buffer, so that nothing is put together afterwards nor taken apart on
//! the way back, and back-propagation reads the hidden states from that
//! buffer, which the layer above keeps anyway. What neither knows is taken
//! step by step, by [`layer`](super::layer).

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
use burn::tensor::{DType, Tensor, TensorData};

use super::kernel::{self, Formula, Returning, Sequences, Sizes, Tape, Weights};

use std::sync::{Arc, Once};

/// What the operation needs beside tensors.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub formula: Formula,
    pub lengths: Arc<[usize]>,
    /// One or two, whose hidden states lie beside each other in the outputs.
    pub ways: Vec<Way>,
    /// Whether the tensors `h` and `c` are initial states, or placeholders.
    pub initial: bool,
    /// Whether the final states are asked for, as rows behind the outputs.
    pub states: bool,
}

impl Call {
    /// Rows of final states behind the outputs.
    pub fn state_rows(&self) -> usize {
        if self.states {
            self.formula.states()
        } else {
            0
        }
    }
}

/// One walk along time.
#[derive(Clone, Debug)]
pub(super) struct Way {
    pub reverse: bool,
    /// Recurrent dropout, `[batch, hidden]`.
    pub mask: Option<Arc<[f32]>>,
}

/// The tensors of the operation beside its inputs `[batch, time, input]`, in its
/// order: input weights, recurrent weights, bias, peephole weights, and initial
/// hidden and cell states `[batch, hidden]`; what a cell lacks is a placeholder.
/// Those of two ways lie below each other.
pub(super) type Operands = [Tensor<2>; 6];

/// Whether the operation takes this input for a layer of so many hidden units.
pub(super) fn takes(input: &Tensor<3>, hidden: usize) -> bool {
    let most_units = match input.device().inner().as_dispatch() {
        DispatchDevice::Flex(_) => usize::MAX,
        #[cfg(feature = "ndarray")]
        DispatchDevice::NdArray(_) => usize::MAX,
        // A card has no empty tensors.
        #[cfg(feature = "wgpu")]
        DispatchDevice::Cube(_) if !input.dims().contains(&0) => super::gpu::MOST_UNITS,
        #[allow(unreachable_patterns)]
        _ => 0,
    };
    hidden <= most_units && input.dtype() == DType::F32
}

/// Outputs `[batch, time, ways * hidden]`, with the rows of the final states
/// behind them where `call` asks for them.
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
#[backend_extension(Flex, NdArray: cfg(feature = "ndarray"), Cube: cfg(feature = "wgpu"), Autodiff)]
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

/// A backend that runs the operation as a whole.
pub(super) trait Fused: Backend {
    /// What a forward pass leaves for the way back.
    type Tape: Clone + std::fmt::Debug + Send + Sync + 'static;

    /// The outputs, and the tape, which is empty unless it is to be kept.
    fn forward(
        tensors: &[FloatTensor<Self>; 7],
        call: &Call,
        keep: bool,
    ) -> (FloatTensor<Self>, Self::Tape);

    /// The gradients of the operation's tensors, in their order; none of those
    /// that are placeholders, and of the inputs only where `wants_inputs`.
    fn backward(
        tensors: [FloatTensor<Self>; 7],
        outputs: FloatTensor<Self>,
        gradients: FloatTensor<Self>,
        call: &Call,
        tape: Self::Tape,
        wants_inputs: bool,
    ) -> [Option<FloatTensor<Self>>; 7];
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

/// The operation without gradients, on a [`Fused`] backend.
macro_rules! without_gradients {
    ($backend:ty) => {
        impl RecurrentOps for $backend {
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
                <Self as Fused>::forward(&tensors, &call, false).0
            }
        }
    };
}

without_gradients!(Flex);
#[cfg(feature = "ndarray")]
without_gradients!(NdArray);
#[cfg(feature = "wgpu")]
without_gradients!(burn::backend::Cube);

/// The operation's arguments as the kernel takes them.
struct Borrowed<'a> {
    sizes: Sizes,
    ways: Vec<(Weights<'a>, Sequences<'a>)>,
}

impl<'a> Borrowed<'a> {
    fn new<B: Host>(values: &'a [B::Values; 7], inputs: [usize; 3], call: &'a Call) -> Self {
        let [_, time, input] = inputs;
        let [x, rest @ ..] = values.each_ref().map(B::slice);
        let count = call.ways.len();
        let hidden = rest[2].len() / (count * call.formula.bias_blocks());
        let ways = call.ways.iter().enumerate().map(|(index, way)| {
            let part = |values: &'a [f32]| {
                let numbers = values.len() / count;
                &values[index * numbers..][..numbers]
            };
            let [ih, hh, bias, peephole, h, c] = rest.map(part);
            let initial = |values: &'a [f32]| call.initial.then_some(values);
            let weights = Weights {
                input: ih,
                recurrent: hh,
                bias,
                peephole,
            };
            let sequences = Sequences {
                inputs: x,
                lengths: &call.lengths,
                time,
                reverse: way.reverse,
                h: initial(h),
                c: initial(c).filter(|_| call.formula.has_cell()),
                mask: way.mask.as_deref(),
                states: call.state_rows(),
                row: count * hidden,
                column: index * hidden,
            };
            (weights, sequences)
        });
        Borrowed {
            sizes: Sizes { input, hidden },
            ways: ways.collect(),
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

fn tensor<B: Backend>(values: Vec<f32>, shape: &[usize], device: &DeviceOf<B>) -> FloatTensor<B> {
    B::float_from_data(TensorData::new(values, shape.to_vec()), device)
}

impl<B: Host> Fused for B {
    /// One for every way.
    type Tape = Vec<Tape>;

    fn forward(
        tensors: &[FloatTensor<B>; 7],
        call: &Call,
        keep: bool,
    ) -> (FloatTensor<B>, Vec<Tape>) {
        keep_pages();
        let device = tensors[0].device();
        let [batch, time, input] = tensors[0].shape().dims();
        let values = tensors.clone().map(B::values);
        let Borrowed { sizes, ways } = Borrowed::new::<B>(&values, [batch, time, input], call);
        let shape = [batch, time + call.state_rows(), ways.len() * sizes.hidden];
        let mut outputs = vec![0.0; shape.iter().product()];
        let mut tapes = Vec::with_capacity(ways.len());
        for (weights, sequences) in &ways {
            tapes.extend(kernel::forward(
                call.formula,
                sizes,
                weights,
                sequences,
                &mut outputs,
                keep,
            ));
        }
        (tensor::<B>(outputs, &shape, &device), tapes)
    }

    fn backward(
        tensors: [FloatTensor<B>; 7],
        outputs: FloatTensor<B>,
        gradients: FloatTensor<B>,
        call: &Call,
        tapes: Vec<Tape>,
        wants_inputs: bool,
    ) -> [Option<FloatTensor<B>>; 7] {
        let gradients = B::values(gradients);
        let outputs = B::values(outputs);
        let device = tensors[0].device();
        let shapes = tensors.each_ref().map(|tensor| tensor.shape().to_vec());
        let shape: [usize; 3] = tensors[0].shape().dims();
        let values = tensors.map(B::values);
        let Borrowed { sizes, ways } = Borrowed::new::<B>(&values, shape, call);
        let mut inputs = wants_inputs.then(|| vec![0.0; shape.iter().product()]);
        let mut parts: [Vec<f32>; 6] = Default::default();
        for ((weights, sequences), tape) in ways.iter().zip(tapes) {
            let of_way = kernel::backward(
                call.formula,
                sizes,
                weights,
                sequences,
                Returning {
                    tape,
                    outputs: B::slice(&outputs),
                    gradients: B::slice(&gradients),
                },
                inputs.as_deref_mut(),
            );
            let of_way = [
                of_way.input,
                of_way.recurrent,
                of_way.bias,
                of_way.peephole,
                of_way.h,
                of_way.c,
            ];
            for (part, values) in parts.iter_mut().zip(of_way) {
                part.extend(values);
            }
        }
        let [ih, hh, bias, peephole, h, c] = parts;
        let mut shapes = shapes.iter();
        [inputs.unwrap_or_default(), ih, hh, bias, peephole, h, c].map(|values| {
            let shape = shapes.next()?;
            let whole = values.len() == shape.iter().product::<usize>();
            whole.then(|| tensor::<B>(values, shape, &device))
        })
    }
}

/// The derivative; its formulas are the kernels'.
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
        // The graph is walked once as a rule, and then the tape is nobody else's.
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
