//! What the two kernels, `forward` and `backward`, have in common.
//!
//! A workgroup computes one sequence, and its threads share the hidden units.
//! The hidden state is in the workgroup's shared memory, where every thread
//! reads it for the gates of its own units, so a step costs two barriers and no
//! launch. The formulas are those of [`cells`](crate::cells) and of the CPU
//! kernel's `rules`.
//!
//! | formula | what a frame keeps, in blocks of `hidden` |
//! |---|---|
//! | LSTM, peephole | i f g o |
//! | coupled | i g o |
//! | GRU, reset after | r z n q, with q = `W_hn h + b_hn` |
//! | GRU, reset before | r z n s, with s = `r * h` |
//! | plain | h |
//!
//! and after them the hidden state before the step as the product saw it, and
//! the other state that the step started from: the cell state, or the GRU's
//! hidden state.

use cubecl::prelude::*;

use crate::kernel::Formula;

/// What a kernel is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Plan {
    pub formula: Formula,
    /// Hidden units that fit into the shared memory.
    pub room: usize,
    /// Whether `start` holds initial states.
    pub initial: bool,
    /// Whether `start` holds the mask of the recurrent dropout.
    pub masked: bool,
    /// Whether the final states are written after the outputs.
    pub states: bool,
    /// Whether `kept` is written.
    pub keep: bool,
}

/// What a compiled kernel is told at its launch.
#[derive(CubeLaunch, CubeType, Clone, Copy)]
pub(super) struct Course {
    pub hidden: u32,
    /// 1 if it goes from each sequence's last frame to its first.
    pub reverse: u32,
    /// The first column of its units in the outputs.
    pub column: u32,
}

/// Blocks of activated gates that a frame keeps.
pub(super) fn slots(formula: Formula) -> usize {
    match formula {
        Formula::Lstm | Formula::Peephole | Formula::GruResetAfter | Formula::GruResetBefore => 4,
        Formula::Coupled => 3,
        Formula::Tanh | Formula::Relu => 1,
    }
}

#[cube]
pub(super) fn squash(x: f32) -> f32 {
    // Beyond ±9 the result is ±1 in single precision; some drivers overflow there.
    let x = clamp(x, -9.0, 9.0);
    x.tanh()
}

#[cube]
pub(super) fn sigmoid(x: f32) -> f32 {
    0.5 + 0.5 * squash(0.5 * x)
}

/// A gradient through the logistic function whose value is `a`.
#[cube]
pub(super) fn through_sigmoid(a: f32, d: f32) -> f32 {
    a * (1.0 - a) * d
}

/// A gradient through the hyperbolic tangent whose value is `a`.
#[cube]
pub(super) fn through_tanh(a: f32, d: f32) -> f32 {
    (1.0 - a * a) * d
}

/// The frame that step `t` meets.
#[cube]
pub(super) fn frame_of(t: usize, length: usize, course: &Course) -> usize {
    if course.reverse == 1 {
        length - 1 - t
    } else {
        t
    }
}

/// The factor by which the recurrent product sees the hidden state, from
/// `start`, `[3, batch, hidden]`; 1 without a mask.
#[cube]
pub(super) fn dropout(
    start: &Tensor<f32>,
    place: usize,
    states: usize,
    #[comptime] plan: Plan,
) -> f32 {
    if comptime!(plan.masked) {
        start[2 * states + place]
    } else {
        f32::new(1.0)
    }
}
