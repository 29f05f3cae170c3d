//! The fused recurrence for the backends whose tensors lie in main memory, by
//! [`kernel`](crate::kernel).

use std::sync::Once;

#[cfg(feature = "ndarray")]
use burn::backend::NdArray;
#[cfg(feature = "ndarray")]
use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::{Device as DeviceOf, FloatTensor};
use burn::backend::{Backend, Flex, TensorMetadata};
use burn::tensor::TensorData;

#[cfg(feature = "train")]
use crate::kernel::Returning;
use crate::kernel::{self, Sequences, Sizes, Tape, Weights};
use crate::operation::{Call, Fused};

/// A backend whose tensors can be read as slices.
pub(crate) trait Host: Backend {
    /// A tensor's values in a form that can be borrowed.
    type Values;

    /// The values, row by row; copied only if they are laid out otherwise.
    fn values(tensor: FloatTensor<Self>) -> Self::Values;

    /// Borrows the values.
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
            // Its tensors are in main memory: reading them neither waits nor fails.
            _ => unreachable!("a tensor in main memory can be read"),
        }
    }

    fn slice(values: &Self::Values) -> &[f32] {
        values
    }
}

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

/// Makes glibc keep the pages of freed tensors for later ones.
///
/// A step allocates and frees tensors of megabytes. By default glibc returns
/// such memory to the system, and every page costs a fault when it is touched
/// again: up to a third of the time of an inference. Freeing a block of just
/// under 32 MiB once raises glibc's dynamic thresholds for this to their maximum
/// (`M_MMAP_THRESHOLD` in mallopt(3)). The block itself is never touched, so it
/// costs nothing. Other allocators are not affected.
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
    /// One tape for each way.
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

    #[cfg(feature = "train")]
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
