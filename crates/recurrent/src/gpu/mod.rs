//! The fused recurrence on a graphics card: the tensors around its two kernels,
//! `forward` and `backward`.
//!
//! What does not depend on the step before is one large product by Burn: the
//! inputs' part of the gates, and in back-propagation the gradients of weights
//! and inputs. Between them, the way along time is one launch of a kernel per
//! direction; with general tensors every step would take about fifteen.

#[cfg(feature = "train")]
mod backward;
mod forward;
mod walk;

use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Cube, TensorMetadata};
use burn::tensor::{FloatDType, Shape, Slice, TensorData};
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::{CubeCount, CubeDim};

use crate::kernel::Formula;
use crate::operation::{Call, Fused};
use walk::{CourseLaunch, Plan, slots};

/// The most hidden units whose states fit into a workgroup's shared memory, of
/// which every WebGPU implementation has at least 16 KiB.
pub(crate) const MOST_UNITS: usize = 512;

/// The most threads in a workgroup; every WebGPU implementation has as many.
const MOST_THREADS: u32 = 256;

/// What the backward pass needs of one way's forward pass.
#[derive(Clone, Debug)]
#[cfg_attr(
    not(feature = "train"),
    expect(dead_code, reason = "read by the backward pass alone")
)]
pub(crate) struct Kept {
    plan: Plan,
    /// `[batch, time, (slots + 2) * hidden]`
    kept: CubeTensor,
    extra: CubeTensor,
    start: CubeTensor,
    lengths: CubeTensor,
}

/// The tensors of one way, among those of all.
struct Part<'a> {
    tensors: &'a [CubeTensor; 7],
    ways: usize,
    way: usize,
}

impl Part<'_> {
    /// This way's rows of an operand: input weights 1, recurrent weights 2,
    /// bias 3, peephole weights 4, initial h 5 and c 6.
    fn of(&self, operand: usize) -> CubeTensor {
        let tensor = self.tensors[operand].clone();
        let count = tensor.shape()[0] / self.ways;
        rows(tensor, self.way * count, count)
    }
}

fn rows(tensor: CubeTensor, from: usize, count: usize) -> CubeTensor {
    Cube::float_slice(tensor, &[Slice::from(from..from + count)])
}

fn columns(tensor: CubeTensor, from: usize, count: usize) -> CubeTensor {
    Cube::float_slice(tensor, &[Slice::from(..), Slice::from(from..from + count)])
}

fn zeros(shape: &[usize], like: &CubeTensor) -> CubeTensor {
    Cube::float_zeros(Shape::from(shape.to_vec()), &like.device(), FloatDType::F32)
}

fn reshaped(tensor: CubeTensor, shape: &[usize]) -> CubeTensor {
    Cube::float_reshape(tensor, Shape::from(shape.to_vec()))
}

/// `aᵀ b`
#[cfg(feature = "train")]
fn transposed_product(a: &CubeTensor, b: CubeTensor) -> CubeTensor {
    Cube::float_matmul(Cube::float_transpose(a.clone()), b)
}

/// The sum of all rows.
#[cfg(feature = "train")]
fn sum_of_rows(tensor: CubeTensor) -> CubeTensor {
    Cube::float_sum_dim(tensor, 0)
}

fn threads(hidden: usize, like: &CubeTensor) -> CubeDim {
    let most = like.client.properties().hardware.max_cube_dim.0;
    let wanted = u32::try_from(hidden.next_multiple_of(32)).unwrap_or(MOST_THREADS);
    CubeDim::new_1d(wanted.min(MOST_THREADS).min(most))
}

fn course(call: &Call, way: usize, hidden: usize) -> CourseLaunch {
    CourseLaunch::new(
        hidden as u32,
        u32::from(call.ways[way].reverse),
        (way * hidden) as u32,
    )
}

impl Fused for Cube {
    type Tape = Vec<Kept>;

    fn forward(
        tensors: &[FloatTensor<Self>; 7],
        call: &Call,
        keep: bool,
    ) -> (FloatTensor<Self>, Self::Tape) {
        let inputs = &tensors[0];
        let [batch, time, input] = inputs.shape().dims();
        let ways = call.ways.len();
        let (formula, device) = (call.formula, inputs.device());
        let hidden = tensors[2].shape()[1];
        let blocks = formula.blocks();
        let data = |values: Vec<f32>, shape: &[usize]| {
            Cube::float_from_data(TensorData::new(values, shape.to_vec()), &device)
        };

        let frames = reshaped(inputs.clone(), &[batch * time, input]);
        let lengths = data(call.lengths.iter().map(|&n| n as f32).collect(), &[batch]);
        let outputs = zeros(&[batch, time + call.state_rows(), ways * hidden], inputs);
        let mut tape = Vec::new();
        for (index, way) in call.ways.iter().enumerate() {
            let part = Part {
                tensors,
                ways,
                way: index,
            };
            let plan = Plan {
                formula,
                room: hidden.next_power_of_two().max(64),
                initial: call.initial,
                masked: way.mask.is_some(),
                states: call.states,
                keep,
            };
            let bias = part.of(3);
            let sums = Cube::float_matmul(frames.clone(), Cube::float_transpose(part.of(1)));
            let projected = Cube::float_add(sums, columns(bias.clone(), 0, blocks * hidden));
            let extra = match formula {
                Formula::Peephole => part.of(4),
                Formula::GruResetAfter => columns(bias, blocks * hidden, hidden),
                _ => zeros(&[1, 1], inputs),
            };
            let absent = || zeros(&[batch, hidden], inputs);
            let start = if call.initial || way.mask.is_some() {
                let mask = way.mask.as_ref();
                Cube::float_cat(
                    vec![
                        if call.initial { part.of(5) } else { absent() },
                        if call.initial && formula.has_cell() {
                            part.of(6)
                        } else {
                            absent()
                        },
                        mask.map_or_else(absent, |mask| data(mask.to_vec(), &[batch, hidden])),
                    ],
                    0,
                )
            } else {
                zeros(&[1, 1], inputs)
            };
            let kept_row = (slots(formula) + 2) * hidden;
            let kept = match keep {
                true => zeros(&[batch, time, kept_row], inputs),
                false => zeros(&[1, 1, 1], inputs),
            };
            let [extra, start] = [extra, start].map(into_contiguous);
            forward::forward_walk::launch(
                &inputs.client,
                CubeCount::Static(batch as u32, 1, 1),
                threads(hidden, inputs),
                into_contiguous(reshaped(projected, &[batch, time, blocks * hidden]))
                    .into_tensor_arg(),
                into_contiguous(Cube::float_transpose(part.of(2))).into_tensor_arg(),
                extra.clone().into_tensor_arg(),
                start.clone().into_tensor_arg(),
                lengths.clone().into_tensor_arg(),
                outputs.clone().into_tensor_arg(),
                kept.clone().into_tensor_arg(),
                course(call, index, hidden),
                plan,
            );
            if keep {
                tape.push(Kept {
                    plan,
                    kept,
                    extra,
                    start,
                    lengths: lengths.clone(),
                });
            }
        }
        (outputs, tape)
    }

    #[cfg(feature = "train")]
    fn backward(
        tensors: [FloatTensor<Self>; 7],
        _outputs: FloatTensor<Self>,
        gradients: FloatTensor<Self>,
        call: &Call,
        tape: Self::Tape,
        wants_inputs: bool,
    ) -> [Option<FloatTensor<Self>>; 7] {
        let [batch, time, input] = tensors[0].shape().dims();
        let ways = call.ways.len();
        let formula = call.formula;
        let hidden = tensors[2].shape()[1];
        let (blocks, all_blocks) = (formula.blocks(), formula.bias_blocks());
        let gradients = into_contiguous(gradients);
        let frames = reshaped(tensors[0].clone(), &[batch * time, input]);
        let mut of_inputs: Option<CubeTensor> = None;
        let mut parts: [Vec<CubeTensor>; 6] = Default::default();
        for (index, way) in tape.into_iter().enumerate() {
            let part = Part {
                tensors: &tensors,
                ways,
                way: index,
            };
            let sums = zeros(&[batch, time, all_blocks * hidden], &gradients);
            let start_gradients = zeros(&[2 * batch, hidden], &gradients);
            backward::backward_walk::launch(
                &gradients.client,
                CubeCount::Static(batch as u32, 1, 1),
                threads(hidden, &gradients),
                gradients.clone().into_tensor_arg(),
                way.kept.clone().into_tensor_arg(),
                into_contiguous(part.of(2)).into_tensor_arg(),
                way.extra.into_tensor_arg(),
                way.start.into_tensor_arg(),
                way.lengths.into_tensor_arg(),
                sums.clone().into_tensor_arg(),
                start_gradients.clone().into_tensor_arg(),
                course(call, index, hidden),
                way.plan,
            );
            let kept_row = (slots(formula) + 2) * hidden;
            let kept = reshaped(way.kept, &[batch * time, kept_row]);
            let block = |number: usize| columns(kept.clone(), number * hidden, hidden);
            let seen = block(slots(formula));
            let sums = reshaped(sums, &[batch * time, all_blocks * hidden]);
            let sum =
                |from: usize, count: usize| columns(sums.clone(), from * hidden, count * hidden);
            let from_inputs = sum(0, blocks);
            let recurrent = match formula {
                Formula::GruResetAfter => Cube::float_cat(
                    vec![
                        transposed_product(&sum(0, 2), seen.clone()),
                        transposed_product(&sum(3, 1), seen),
                    ],
                    0,
                ),
                Formula::GruResetBefore => Cube::float_cat(
                    vec![
                        transposed_product(&sum(0, 2), seen),
                        transposed_product(&sum(2, 1), block(3)),
                    ],
                    0,
                ),
                _ => transposed_product(&from_inputs, seen),
            };
            let mut add = |operand: usize, gradient| parts[operand - 1].push(gradient);
            add(1, transposed_product(&from_inputs, frames.clone()));
            add(2, recurrent);
            add(3, sum_of_rows(sums.clone()));
            if formula == Formula::Peephole {
                let before = block(slots(formula) + 1);
                let kept_part = Cube::float_mul(block(1), before.clone());
                let written = Cube::float_mul(block(0), block(2));
                let cell = Cube::float_add(kept_part, written);
                let slopes = [(0, before.clone()), (1, before), (3, cell)]
                    .map(|(gate, c)| sum_of_rows(Cube::float_mul(sum(gate, 1), c)));
                add(4, Cube::float_cat(slopes.into(), 0));
            }
            if call.initial {
                add(5, rows(start_gradients.clone(), 0, batch));
                if formula.has_cell() {
                    add(6, rows(start_gradients, batch, batch));
                }
            }
            if wants_inputs {
                let gradient = Cube::float_matmul(from_inputs, part.of(1));
                of_inputs = Some(match of_inputs {
                    Some(sum) => Cube::float_add(sum, gradient),
                    None => gradient,
                });
            }
        }
        let [ih, hh, bias, peephole, h, c] = parts.map(|mut parts| match parts.len() {
            0 => None,
            1 => parts.pop(),
            _ => Some(Cube::float_cat(parts, 0)),
        });
        let of_inputs = of_inputs.map(|sum| reshaped(sum, &[batch, time, input]));
        [of_inputs, ih, hh, bias, peephole, h, c]
    }
}
