//! The fused recurrence on the CPU, without tensors: a whole batch of sequences
//! in one operation, with its gradient.
//!
//! With general tensors, every step along time costs a dozen small operations,
//! each with its own memory. Here a step is one product of the state with
//! weights that are packed in the order in which they are read. Its gates are
//! computed while the sums are still in registers, and nothing is allocated on
//! the way. Back-propagation is written by hand.
//!
//! # Lower bound
//!
//! With `G` gates, `H` hidden units, `I` inputs and `F` frames (the sum of the
//! lengths; padding costs nothing), the forward pass needs `2 G H (H + I) F`
//! floating-point operations. The backward pass needs `2 G H (2 H + I) F`, and
//! another `2 G H I F` if the gradient of the inputs is wanted.
//! For an LSTM with `I` = 40 and `H` = 128 over 32 sequences of 300 frames that
//! is 1.65 and 2.91 GFLOP. A core that starts two fused multiply-adds of 16
//! numbers per cycle (AVX-512) does 64 operations per cycle. The product of the
//! state reads `4 G H²` bytes of weights per step (256 KiB here) from the
//! second-level cache, for up to eight sequences at once: 32 bytes per cycle,
//! half of what that cache delivers. For a single sequence, memory traffic is
//! the limit and not arithmetic.
//!
//! On the machine of the first measurement (an EPYC core whose peak is 233
//! GFLOP/s, measured by a loop of multiply-adds) these sizes take 10.7 ms
//! forward and 20.8 ms backward on one thread: 154 and 140 GFLOP/s, or 66 and
//! 60 % of the peak. With AVX2 only (another EPYC core, peak 100 GFLOP/s) they
//! take 24.4 ms without a tape and 40.5 ms, the shortest runs on a busy machine:
//! 68 and 72 % of the peak. The benchmark `recurrent` of this crate measures
//! other machines.
//!
//! # Modules
//!
//! `plan` cuts a batch into groups of sequences, each the work of one thread.
//! `forward` and `backward` take a group through time, `step` takes one
//! sequence frame by frame. `rules` has the formulas of the cells, `product` the
//! matrix product, `weights` packs the weights for it, `lanes` has the vectors
//! and the activation functions, `pool` reuses large buffers.

mod backward;
mod forward;
mod lanes;
mod plan;
mod pool;
mod product;
mod rules;
mod step;
#[cfg(test)]
mod tests;
mod weights;

use std::marker::PhantomData;

use rayon::prelude::*;

use backward::{Backward, GroupGradients};
use forward::{Forward, Kept};
use lanes::{Instructions, padded};
use plan::Plan;
use rules::{CoupledRule, GruRule, LstmRule, PlainRule, Rule};
use weights::{Packed, PackedBack};

pub use step::Stepper;

/// The equations of a step, which are in the documentation of the cells.
///
/// Exhaustive on purpose: whatever translates a layer, to another format for
/// example, has to handle every formula.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Formula {
    /// The LSTM; blocks of the weights i, f, g, o.
    Lstm,
    /// The same with diagonal peephole weights for i, f and o.
    Peephole,
    /// The LSTM whose forget gate is 1 - i; blocks i, g, o.
    Coupled,
    /// The GRU that resets after the product, as in PyTorch; blocks r, z, n. The
    /// bias has a fourth block, the recurrent one of n.
    GruResetAfter,
    /// The GRU that resets before the product; blocks r, z, n.
    GruResetBefore,
    /// The plain cell with tanh; one block.
    Tanh,
    /// The plain cell with a rectifier; one block.
    Relu,
}

impl Formula {
    /// Blocks of `hidden` rows in the weights.
    pub fn blocks(self) -> usize {
        match self {
            Formula::Lstm | Formula::Peephole => 4,
            Formula::Coupled | Formula::GruResetAfter | Formula::GruResetBefore => 3,
            Formula::Tanh | Formula::Relu => 1,
        }
    }

    /// Blocks of `hidden` values in the bias.
    pub fn bias_blocks(self) -> usize {
        self.blocks() + usize::from(self == Formula::GruResetAfter)
    }

    /// Whether there is a cell state besides the hidden state.
    pub fn has_cell(self) -> bool {
        matches!(self, Formula::Lstm | Formula::Peephole | Formula::Coupled)
    }

    /// Rows of final states after the outputs: the hidden state, and the cell
    /// state if there is one.
    pub fn states(self) -> usize {
        1 + usize::from(self.has_cell())
    }
}

/// The sizes of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Features per frame.
    pub input: usize,
    /// Hidden units.
    pub hidden: usize,
}

/// A layer's weights, row by row, with the blocks of the gates in the order of
/// the [`Formula`].
#[derive(Clone, Copy, Debug)]
pub struct Weights<'a> {
    /// `[blocks * hidden, input]`
    pub input: &'a [f32],
    /// `[blocks * hidden, hidden]`
    pub recurrent: &'a [f32],
    /// `[bias blocks * hidden]`
    pub bias: &'a [f32],
    /// `[3 * hidden]` for the gates i, f, o; only [`Formula::Peephole`] reads it.
    pub peephole: &'a [f32],
}

/// A batch of sequences, and how a layer reads it.
#[derive(Clone, Copy, Debug)]
pub struct Sequences<'a> {
    /// `[batch, time, input]`
    pub inputs: &'a [f32],
    /// Frames of each sequence, at most `time`.
    pub lengths: &'a [usize],
    /// Frames of every sequence, with the padding.
    pub time: usize,
    /// Whether the layer goes from the last frame to the first.
    pub reverse: bool,
    /// Initial hidden states, `[batch, hidden]`; zero if `None`.
    pub h: Option<&'a [f32]>,
    /// Initial cell states, `[batch, hidden]`; zero if `None`.
    pub c: Option<&'a [f32]>,
    /// Recurrent dropout: factors by which the recurrent product sees the hidden
    /// state, `[batch, hidden]`, the same at every step.
    pub mask: Option<&'a [f32]>,
    /// Rows of final states after each sequence's outputs: 0 or [`Formula::states`].
    pub states: usize,
    /// Numbers in a row of the outputs: the hidden units, or twice as many if
    /// both directions of a layer write side by side.
    pub row: usize,
    /// The first column of this direction's units.
    pub column: usize,
}

impl Sequences<'_> {
    /// Where this direction's row `t` starts, counted from the start of the
    /// sequence's outputs.
    fn place(&self, t: usize) -> usize {
        t * self.row + self.column
    }

    /// The same, counted from the start of all outputs.
    fn output(&self, sequence: usize, t: usize) -> usize {
        sequence * self.outputs_of_one() + self.place(t)
    }

    /// Numbers in the outputs of one sequence.
    fn outputs_of_one(&self) -> usize {
        (self.time + self.states) * self.row
    }

    /// Numbers in the outputs of all sequences, `[batch, time + states, row]`.
    pub fn outputs(&self) -> usize {
        self.lengths.len() * self.outputs_of_one()
    }
}

/// What [`backward`] needs of a [`forward`] pass besides its outputs.
#[derive(Clone, Debug)]
pub struct Tape {
    plan: Plan,
    kept: Vec<Kept>,
}

impl Tape {
    /// Bytes held.
    pub fn bytes(&self) -> usize {
        let of = |kept: &Kept| kept.slots.len() + kept.cells.len();
        4 * self.kept.iter().map(of).sum::<usize>()
    }
}

/// The results of a [`forward`] pass, and the gradients of its outputs.
#[derive(Debug)]
pub struct Returning<'a> {
    /// The tape that it returned.
    pub tape: Tape,
    /// The outputs that it wrote; the hidden states are read from them.
    pub outputs: &'a [f32],
    /// The gradients of these outputs.
    pub gradients: &'a [f32],
}

/// All gradients except that of the inputs, each in the layout of its values.
#[derive(Clone, Debug, Default)]
pub struct Gradients {
    /// Of [`Weights::input`].
    pub input: Vec<f32>,
    /// Of [`Weights::recurrent`].
    pub recurrent: Vec<f32>,
    /// Of [`Weights::bias`].
    pub bias: Vec<f32>,
    /// Of [`Weights::peephole`]; empty for other formulas.
    pub peephole: Vec<f32>,
    /// Of the initial hidden states, `[batch, hidden]`.
    pub h: Vec<f32>,
    /// Of the initial cell states, `[batch, hidden]`; empty without a cell.
    pub c: Vec<f32>,
}

/// Runs `$body` with `$rule` as the type of a formula's rule.
macro_rules! with_rule {
    ($formula:expr, $rule:ident => $body:expr) => {
        match $formula {
            Formula::Lstm => {
                type $rule = LstmRule<false>;
                $body
            }
            Formula::Peephole => {
                type $rule = LstmRule<true>;
                $body
            }
            Formula::Coupled => {
                type $rule = CoupledRule;
                $body
            }
            Formula::GruResetAfter => {
                type $rule = GruRule<false>;
                $body
            }
            Formula::GruResetBefore => {
                type $rule = GruRule<true>;
                $body
            }
            Formula::Tanh => {
                type $rule = PlainRule<false>;
                $body
            }
            Formula::Relu => {
                type $rule = PlainRule<true>;
                $body
            }
        }
    };
}
use with_rule;

/// The name of the vector instructions in use, for reports.
pub fn instructions() -> &'static str {
    match pulp::Arch::new().lanes() {
        16 => "AVX-512",
        8 => "AVX2",
        4 => "128-bit vectors",
        _ => "no vectors",
    }
}

/// Writes the outputs `[batch, time + states, row]` of this direction, and
/// leaves the padding untouched. Returns the tape for [`backward`] if `keep` is
/// set.
///
/// # Panics
///
/// If the lengths of the slices do not fit the sizes.
pub fn forward(
    formula: Formula,
    sizes: Sizes,
    weights: &Weights<'_>,
    sequences: &Sequences<'_>,
    outputs: &mut [f32],
    keep: bool,
) -> Option<Tape> {
    let best = pulp::Arch::new();
    with_rule!(formula, R => forward_of::<R>(best, sizes, weights, sequences, outputs, keep))
}

fn forward_of<R: Rule>(
    instructions: impl Instructions,
    sizes: Sizes,
    weights: &Weights<'_>,
    sequences: &Sequences<'_>,
    outputs: &mut [f32],
    keep: bool,
) -> Option<Tape> {
    let packed = Packed::new::<R>(sizes, weights, instructions.lanes());
    forward_packed::<R>(instructions, sizes, &packed, sequences, outputs, keep)
}

fn forward_packed<R: Rule>(
    instructions: impl Instructions,
    sizes: Sizes,
    packed: &Packed,
    sequences: &Sequences<'_>,
    outputs: &mut [f32],
    keep: bool,
) -> Option<Tape> {
    let plan = Plan::new(sequences.lengths);
    let kept: Vec<Kept> = dealt(&plan, outputs, sequences.outputs_of_one())
        .into_par_iter()
        .zip(&plan.groups)
        .with_max_len(1)
        .map(|(outputs, group)| {
            instructions.run(Forward {
                sizes,
                packed,
                group,
                sequences,
                outputs,
                keep,
                rule: PhantomData::<R>,
            })
        })
        .collect();
    keep.then_some(Tape { plan, kept })
}

/// A layer's weights, packed once for any number of [`forward`](Self::forward) passes.
#[derive(Clone, Debug)]
pub struct Layer {
    formula: Formula,
    sizes: Sizes,
    packed: Packed,
}

impl Layer {
    /// Packs the weights.
    ///
    /// # Panics
    ///
    /// If the lengths of the slices do not fit the sizes.
    pub fn new(formula: Formula, sizes: Sizes, weights: &Weights<'_>) -> Self {
        let lanes = pulp::Arch::new().lanes();
        Layer {
            formula,
            sizes,
            packed: with_rule!(formula, R => Packed::new::<R>(sizes, weights, lanes)),
        }
    }

    /// Its equations.
    pub fn formula(&self) -> Formula {
        self.formula
    }

    /// Features per frame.
    pub fn input(&self) -> usize {
        self.sizes.input
    }

    /// Hidden units.
    pub fn hidden(&self) -> usize {
        self.sizes.hidden
    }

    /// Writes the outputs as [`forward`] does, without a tape.
    ///
    /// # Panics
    ///
    /// If the lengths of the slices do not fit the sizes.
    pub fn forward(&self, sequences: &Sequences<'_>, outputs: &mut [f32]) {
        let best = pulp::Arch::new();
        let (sizes, packed) = (self.sizes, &self.packed);
        with_rule!(self.formula, R => {
            forward_packed::<R>(best, sizes, packed, sequences, outputs, false);
        });
    }
}

/// The parts of `values` that belong to each group's sequences, `row` numbers per
/// sequence.
fn dealt<'a>(plan: &Plan, values: &'a mut [f32], row: usize) -> Vec<Vec<&'a mut [f32]>> {
    let mut parts: Vec<Option<&mut [f32]>> = if row == 0 {
        plan.groups
            .iter()
            .flat_map(|group| group.sequences.iter().map(|_| Some(&mut [][..])))
            .collect()
    } else {
        values.chunks_exact_mut(row).map(Some).collect()
    };
    let mut take = |sequence: &usize| parts[*sequence].take().unwrap_or_default();
    plan.groups
        .iter()
        .map(|group| group.sequences.iter().map(&mut take).collect())
        .collect()
}

/// The gradients. That of the inputs, `[batch, time, input]`, is added to
/// `inputs` if given.
///
/// `sequences` and `weights` must be those of the [`forward`] pass.
///
/// # Panics
///
/// If the lengths of the slices do not fit the sizes.
pub fn backward(
    formula: Formula,
    sizes: Sizes,
    weights: &Weights<'_>,
    sequences: &Sequences<'_>,
    returning: Returning<'_>,
    inputs: Option<&mut [f32]>,
) -> Gradients {
    let best = pulp::Arch::new();
    with_rule!(formula, R => backward_of::<R>(best, sizes, weights, sequences, returning, inputs))
}

fn backward_of<R: Rule>(
    instructions: impl Instructions,
    sizes: Sizes,
    weights: &Weights<'_>,
    sequences: &Sequences<'_>,
    returning: Returning<'_>,
    inputs: Option<&mut [f32]>,
) -> Gradients {
    let Tape { plan, kept } = returning.tape;
    let packed = Packed::new::<R>(sizes, weights, instructions.lanes());
    let back = PackedBack::new::<R>(sizes, weights, instructions.lanes(), inputs.is_some());
    let destinations: Vec<Option<Vec<&mut [f32]>>> = match inputs {
        Some(inputs) => dealt(&plan, inputs, sequences.time * sizes.input)
            .into_iter()
            .map(Some)
            .collect(),
        None => plan.groups.iter().map(|_| None).collect(),
    };
    let parts: Vec<GroupGradients> = kept
        .into_par_iter()
        .zip(destinations)
        .zip(&plan.groups)
        .with_max_len(1)
        .map(|((kept, inputs), group)| {
            instructions.run(Backward {
                sizes,
                packed: &packed,
                back: &back,
                group,
                sequences,
                kept,
                outputs: returning.outputs,
                output_gradients: returning.gradients,
                inputs,
                rule: PhantomData::<R>,
            })
        })
        .collect();
    collected::<R>(sizes, sequences, &plan, parts)
}

/// The sum of the groups' gradients, in the order of the groups, without padding.
fn collected<R: Rule>(
    sizes: Sizes,
    sequences: &Sequences<'_>,
    plan: &Plan,
    parts: Vec<GroupGradients>,
) -> Gradients {
    let Sizes { input, hidden } = sizes;
    let wide = padded(hidden);
    let blocks = R::INPUT_BLOCKS.len();
    let batch = sequences.lengths.len();
    let mut sum = Gradients {
        input: vec![0.0; blocks * hidden * input],
        recurrent: vec![0.0; blocks * hidden * hidden],
        bias: vec![0.0; blocks * hidden],
        peephole: vec![0.0; if R::PEEPHOLE { 3 * hidden } else { 0 }],
        h: vec![0.0; batch * hidden],
        c: vec![0.0; if R::CELL { batch * hidden } else { 0 }],
    };
    let own_bias = R::SLOTS > R::PROJECTED && !R::RESET_BEFORE;
    if own_bias {
        sum.bias.resize((blocks + 1) * hidden, 0.0);
    }
    let add = |to: &mut [f32], from: &[f32]| {
        for (to, from) in to.iter_mut().zip(from) {
            *to += from;
        }
    };
    for (part, group) in parts.iter().zip(&plan.groups) {
        for (slot, &block) in R::INPUT_BLOCKS.iter().enumerate() {
            let to = &mut sum.bias[block * hidden..(block + 1) * hidden];
            add(to, &part.bias[slot * wide..]);
        }
        if own_bias {
            let from = &part.bias[R::PROJECTED * wide..];
            add(&mut sum.bias[blocks * hidden..], from);
        }
        if R::PEEPHOLE {
            let gates = part.peephole.chunks_exact(wide);
            for (to, from) in sum.peephole.chunks_exact_mut(hidden).zip(gates) {
                add(to, from);
            }
        }
        for (row, &sequence) in group.sequences.iter().enumerate() {
            let to = sequence * hidden..(sequence + 1) * hidden;
            sum.h[to.clone()].copy_from_slice(&part.h[row * wide..][..hidden]);
            if R::CELL {
                sum.c[to].copy_from_slice(&part.c[row * wide..][..hidden]);
            }
        }
    }
    // The sums of the matrices, whose columns are the rows of the gradients.
    let mut parts = parts.into_iter();
    if let Some(mut total) = parts.next() {
        for part in parts {
            total.input.add(&part.input);
            total.recurrent.add(&part.recurrent);
            if let (Some(total), Some(part)) = (&mut total.reset, &part.reset) {
                total.add(part);
            }
        }
        let row = |block: usize, unit: usize, columns: usize| {
            let start = (block * hidden + unit) * columns;
            start..start + columns
        };
        for unit in 0..hidden {
            for (slot, &block) in R::INPUT_BLOCKS.iter().enumerate() {
                let to = &mut sum.input[row(block, unit, input)];
                fill(to, total.input.column(slot * wide + unit));
            }
            for (slot, &block) in R::RECURRENT_BLOCKS.iter().enumerate() {
                let to = &mut sum.recurrent[row(block, unit, hidden)];
                fill(to, total.recurrent.column(slot * wide + unit));
            }
            if let Some(reset) = &total.reset {
                fill(&mut sum.recurrent[row(2, unit, hidden)], reset.column(unit));
            }
        }
    }
    sum
}

fn fill(to: &mut [f32], from: impl Iterator<Item = f32>) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = from;
    }
}
