//! A layer's whole walk along time as one kernel on a graphics card, and its
//! way back as another.
//!
//! A workgroup takes one sequence, its threads the units. The hidden state is
//! in the workgroup's shared memory, where every thread reads it for its own
//! unit's gates, so that a step costs two barriers and no launch. The formulas
//! are those of [`cells`](super::super::cells) and of the CPU kernel's `rules`.
//!
//! | formula | what a frame keeps, in blocks of `hidden` |
//! |---|---|
//! | LSTM, peephole | i f g o |
//! | coupled | i g o |
//! | GRU, reset after | r z n q, with q = `W_hn h + b_hn` |
//! | GRU, reset before | r z n s, with s = `r * h` |
//! | plain | h |
//!
//! and behind them the hidden state before the step as the product saw it, and
//! what else the step started from: the cell state, or the GRU's hidden state.

use cubecl::prelude::*;

use crate::recurrent::kernel::Formula;

/// What is known of a walk before it is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Plan {
    pub formula: Formula,
    /// As many hidden units as shared memory has room for.
    pub room: usize,
    /// Whether `start` holds initial states.
    pub initial: bool,
    /// Whether `start` holds the mask of the recurrent dropout.
    pub masked: bool,
    /// Whether the final states are written behind the outputs.
    pub states: bool,
    /// Whether `kept` is written.
    pub keep: bool,
}

/// Of a walk, what a compiled kernel is told.
#[derive(CubeLaunch, CubeType, Clone, Copy)]
pub(super) struct Course {
    pub hidden: u32,
    /// 1 where it goes from each sequence's last frame to its first.
    pub reverse: u32,
    /// Where in a row of the outputs its units begin.
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

fn is_gru(formula: Formula) -> bool {
    matches!(formula, Formula::GruResetAfter | Formula::GruResetBefore)
}

#[cube]
fn squash(x: f32) -> f32 {
    // Beyond 9 it is 1 in single precision; some drivers overflow there.
    let x = clamp(x, -9.0, 9.0);
    x.tanh()
}

#[cube]
fn sigmoid(x: f32) -> f32 {
    0.5 + 0.5 * squash(0.5 * x)
}

/// A gradient through the logistic function whose value is `a`.
#[cube]
fn through_sigmoid(a: f32, d: f32) -> f32 {
    a * (1.0 - a) * d
}

/// A gradient through the hyperbolic tangent whose value is `a`.
#[cube]
fn through_tanh(a: f32, d: f32) -> f32 {
    (1.0 - a * a) * d
}

/// The frame that step `t` meets.
#[cube]
fn frame_of(t: usize, length: usize, course: &Course) -> usize {
    if course.reverse == 1 {
        length - 1 - t
    } else {
        t
    }
}

/// The walk of every sequence, a workgroup for each.
///
/// - `projected`: what the inputs contribute, `[batch, time, blocks * hidden]`
/// - `weight`: recurrent weights, transposed, `[hidden, blocks * hidden]`
/// - `extra`: peephole weights `[3, hidden]`, or the bias `b_hn`
/// - `start`: initial h, initial c and mask, `[3, batch, hidden]`
/// - `lengths`: `[batch]`, as floats
/// - `outputs`: `[batch, time + states, row]`, zero before
/// - `kept`: `[batch, time, (slots + 2) * hidden]`, zero before
#[cube(launch)]
pub(super) fn forward_walk(
    projected: &Tensor<f32>,
    weight: &Tensor<f32>,
    extra: &Tensor<f32>,
    start: &Tensor<f32>,
    lengths: &Tensor<f32>,
    outputs: &mut Tensor<f32>,
    kept: &mut Tensor<f32>,
    course: &Course,
    #[comptime] plan: Plan,
) {
    let hidden = course.hidden as usize;
    let column = course.column as usize;
    let room = comptime!(plan.room);
    let blocks = comptime!(plan.formula.blocks());
    let slots = comptime!(slots(plan.formula));
    let has_cell = comptime!(plan.formula.has_cell());
    let gru = comptime!(is_gru(plan.formula));
    let reset_before = comptime!(plan.formula == Formula::GruResetBefore);
    // The blocks that the product of the state itself reaches.
    let reached = comptime!(if reset_before { 2usize } else { blocks });
    let columns = blocks * hidden;
    let kept_row = (slots + 2) * hidden;

    let sequence = CUBE_POS_X as usize;
    let threads = CUBE_DIM_X as usize;
    let batch = lengths.shape(0);
    let time = projected.shape(1);
    let rows = outputs.shape(1);
    let row = outputs.shape(2);
    let length = u32::cast_from(lengths[sequence]) as usize;

    // A thread alone reads and writes its units of these two; `seen`, the
    // state through the mask, is read by all.
    let mut h = Shared::<[f32]>::new_slice(room);
    let mut c = Shared::<[f32]>::new_slice(room);
    let mut seen = Shared::<[f32]>::new_slice(room);
    let mut resets = Shared::<[f32]>::new_slice(comptime!(if reset_before { room } else { 1 }));

    let mut unit = UNIT_POS_X as usize;
    while unit < hidden {
        h[unit] = 0.0;
        c[unit] = 0.0;
        if comptime!(plan.initial) {
            h[unit] = start[sequence * hidden + unit];
            c[unit] = start[(batch + sequence) * hidden + unit];
        }
        seen[unit] = h[unit];
        if comptime!(plan.masked) {
            seen[unit] = h[unit] * start[(2 * batch + sequence) * hidden + unit];
        }
        unit += threads;
    }
    sync_cube();

    for t in 0..time {
        if comptime!(reset_before) {
            if t < length {
                let frame = frame_of(t, length, course);
                let at = (sequence * time + frame) * columns;
                let mut unit = UNIT_POS_X as usize;
                while unit < hidden {
                    let mut r = projected[at + unit];
                    for k in 0..hidden {
                        r += seen[k] * weight[k * columns + unit];
                    }
                    resets[unit] = sigmoid(r) * seen[unit];
                    if comptime!(plan.keep) {
                        let to = (sequence * time + frame) * kept_row + unit;
                        kept[to] = sigmoid(r);
                        kept[to + 3 * hidden] = resets[unit];
                    }
                    unit += threads;
                }
            }
            sync_cube();
        }
        if t < length {
            let frame = frame_of(t, length, course);
            let at = (sequence * time + frame) * columns;
            let to = (sequence * time + frame) * kept_row;
            let mut unit = UNIT_POS_X as usize;
            while unit < hidden {
                let mut z = Array::<f32>::new(4usize);
                #[unroll]
                for block in 0..blocks {
                    z[block] = projected[at + block * hidden + unit];
                }
                // The product on the reset gate stands alone.
                let mut q = 0.0;
                if comptime!(plan.formula == Formula::GruResetAfter) {
                    q = extra[unit];
                }
                for k in 0..hidden {
                    let state = seen[k];
                    let from = k * columns + unit;
                    #[unroll]
                    for block in 0..reached {
                        if comptime!(plan.formula == Formula::GruResetAfter && block == 2) {
                            q += state * weight[from + block * hidden];
                        } else {
                            z[block] += state * weight[from + block * hidden];
                        }
                    }
                    if comptime!(reset_before) {
                        z[2usize] += resets[k] * weight[from + 2 * hidden];
                    }
                }
                if comptime!(plan.keep) {
                    kept[to + slots * hidden + unit] = seen[unit];
                    if comptime!(has_cell) {
                        kept[to + (slots + 1) * hidden + unit] = c[unit];
                    }
                    if comptime!(gru) {
                        kept[to + (slots + 1) * hidden + unit] = h[unit];
                    }
                }
                match comptime!(plan.formula) {
                    Formula::Lstm | Formula::Peephole => {
                        let before = c[unit];
                        if comptime!(plan.formula == Formula::Peephole) {
                            z[0usize] += extra[unit] * before;
                            z[1usize] += extra[hidden + unit] * before;
                        }
                        let i = sigmoid(z[0usize]);
                        let f = sigmoid(z[1usize]);
                        let g = squash(z[2usize]);
                        let cell = f * before + i * g;
                        if comptime!(plan.formula == Formula::Peephole) {
                            z[3usize] += extra[2 * hidden + unit] * cell;
                        }
                        let o = sigmoid(z[3usize]);
                        c[unit] = cell;
                        h[unit] = o * squash(cell);
                        if comptime!(plan.keep) {
                            kept[to + unit] = i;
                            kept[to + hidden + unit] = f;
                            kept[to + 2 * hidden + unit] = g;
                            kept[to + 3 * hidden + unit] = o;
                        }
                    }
                    Formula::Coupled => {
                        let before = c[unit];
                        let i = sigmoid(z[0usize]);
                        let g = squash(z[1usize]);
                        let o = sigmoid(z[2usize]);
                        let cell = before + i * (g - before);
                        c[unit] = cell;
                        h[unit] = o * squash(cell);
                        if comptime!(plan.keep) {
                            kept[to + unit] = i;
                            kept[to + hidden + unit] = g;
                            kept[to + 2 * hidden + unit] = o;
                        }
                    }
                    Formula::GruResetAfter => {
                        let r = sigmoid(z[0usize]);
                        let u = sigmoid(z[1usize]);
                        let n = squash(z[2usize] + r * q);
                        h[unit] = n + u * (h[unit] - n);
                        if comptime!(plan.keep) {
                            kept[to + unit] = r;
                            kept[to + hidden + unit] = u;
                            kept[to + 2 * hidden + unit] = n;
                            kept[to + 3 * hidden + unit] = q;
                        }
                    }
                    Formula::GruResetBefore => {
                        let u = sigmoid(z[1usize]);
                        let n = squash(z[2usize]);
                        h[unit] = n + u * (h[unit] - n);
                        if comptime!(plan.keep) {
                            kept[to + hidden + unit] = u;
                            kept[to + 2 * hidden + unit] = n;
                        }
                    }
                    Formula::Tanh => {
                        h[unit] = squash(z[0usize]);
                        if comptime!(plan.keep) {
                            kept[to + unit] = h[unit];
                        }
                    }
                    Formula::Relu => {
                        h[unit] = max(z[0usize], 0.0);
                        if comptime!(plan.keep) {
                            kept[to + unit] = h[unit];
                        }
                    }
                }
                outputs[(sequence * rows + frame) * row + column + unit] = h[unit];
                unit += threads;
            }
        }
        sync_cube();
        let mut unit = UNIT_POS_X as usize;
        while unit < hidden {
            seen[unit] = h[unit];
            if comptime!(plan.masked) {
                seen[unit] = h[unit] * start[(2 * batch + sequence) * hidden + unit];
            }
            unit += threads;
        }
        sync_cube();
    }
    if comptime!(plan.states) {
        let mut unit = UNIT_POS_X as usize;
        while unit < hidden {
            let to = (sequence * rows + time) * row + column + unit;
            outputs[to] = h[unit];
            if comptime!(has_cell) {
                outputs[to + row] = c[unit];
            }
            unit += threads;
        }
    }
}

/// The way back of every sequence, a workgroup for each.
///
/// - `gradients`: of the outputs, `[batch, time + states, row]`
/// - `kept`: what [`forward_walk`] kept
/// - `weight`: recurrent weights, `[blocks * hidden, hidden]`
/// - `extra`, `start`, `lengths`: as for [`forward_walk`]
/// - `sums`: the gradients of the sums under the gates, `[batch, time, bias
///   blocks * hidden]`, zero before; what is added behind the blocks is the
///   recurrent one of the GRU's candidate
/// - `start_gradients`: of the initial h and c, `[2, batch, hidden]`
#[cube(launch)]
pub(super) fn backward_walk(
    gradients: &Tensor<f32>,
    kept: &Tensor<f32>,
    weight: &Tensor<f32>,
    extra: &Tensor<f32>,
    start: &Tensor<f32>,
    lengths: &Tensor<f32>,
    sums: &mut Tensor<f32>,
    start_gradients: &mut Tensor<f32>,
    course: &Course,
    #[comptime] plan: Plan,
) {
    let hidden = course.hidden as usize;
    let column = course.column as usize;
    let room = comptime!(plan.room);
    let blocks = comptime!(plan.formula.blocks());
    let all_blocks = comptime!(plan.formula.bias_blocks());
    let slots = comptime!(slots(plan.formula));
    let has_cell = comptime!(plan.formula.has_cell());
    let reset_before = comptime!(plan.formula == Formula::GruResetBefore);
    let reset_after = comptime!(plan.formula == Formula::GruResetAfter);
    let reached = comptime!(if reset_before { 2usize } else { blocks });
    let sums_row = all_blocks * hidden;
    let kept_row = (slots + 2) * hidden;

    let sequence = CUBE_POS_X as usize;
    let threads = CUBE_DIM_X as usize;
    let batch = lengths.shape(0);
    let time = sums.shape(1);
    let rows = gradients.shape(1);
    let row = gradients.shape(2);
    let length = u32::cast_from(lengths[sequence]) as usize;

    // Gradients of the recurrent sums of the step that came before on the way
    // back, read by all; the other three belong to their units' threads.
    let mut later = Shared::<[f32]>::new_slice(comptime!(blocks * room));
    let mut dc = Shared::<[f32]>::new_slice(room);
    let mut direct = Shared::<[f32]>::new_slice(room);
    let mut masked = Shared::<[f32]>::new_slice(room);

    let mut unit = UNIT_POS_X as usize;
    while unit < hidden {
        #[unroll]
        for block in 0..blocks {
            later[block * hidden + unit] = 0.0;
        }
        dc[unit] = 0.0;
        direct[unit] = 0.0;
        masked[unit] = 0.0;
        if comptime!(plan.states) {
            let from = (sequence * rows + time) * row + column + unit;
            direct[unit] = gradients[from];
            if comptime!(has_cell) {
                dc[unit] = gradients[from + row];
            }
        }
        unit += threads;
    }
    sync_cube();

    for back in 0..time {
        let t = time - 1 - back;
        if t < length {
            let frame = frame_of(t, length, course);
            let from = (sequence * time + frame) * kept_row;
            let to = (sequence * time + frame) * sums_row;
            let mut unit = UNIT_POS_X as usize;
            while unit < hidden {
                let mut through = masked[unit];
                for k in 0..reached * hidden {
                    through += later[k] * weight[k * hidden + unit];
                }
                if comptime!(plan.masked) {
                    through *= start[(2 * batch + sequence) * hidden + unit];
                }
                let above = gradients[(sequence * rows + frame) * row + column + unit];
                let dh = above + direct[unit] + through;
                direct[unit] = 0.0;
                match comptime!(plan.formula) {
                    Formula::Lstm | Formula::Peephole => {
                        let i = kept[from + unit];
                        let f = kept[from + hidden + unit];
                        let g = kept[from + 2 * hidden + unit];
                        let o = kept[from + 3 * hidden + unit];
                        let before = kept[from + (slots + 1) * hidden + unit];
                        let squashed = squash(f * before + i * g);
                        let zo = through_sigmoid(o, dh * squashed);
                        let mut d = dc[unit] + through_tanh(squashed, dh * o);
                        if comptime!(plan.formula == Formula::Peephole) {
                            d += extra[2 * hidden + unit] * zo;
                        }
                        let zi = through_sigmoid(i, d * g);
                        let zf = through_sigmoid(f, d * before);
                        let mut d_before = d * f;
                        if comptime!(plan.formula == Formula::Peephole) {
                            d_before += extra[unit] * zi + extra[hidden + unit] * zf;
                        }
                        dc[unit] = d_before;
                        sums[to + unit] = zi;
                        sums[to + hidden + unit] = zf;
                        sums[to + 2 * hidden + unit] = through_tanh(g, d * i);
                        sums[to + 3 * hidden + unit] = zo;
                    }
                    Formula::Coupled => {
                        let i = kept[from + unit];
                        let g = kept[from + hidden + unit];
                        let o = kept[from + 2 * hidden + unit];
                        let before = kept[from + (slots + 1) * hidden + unit];
                        let squashed = squash(before + i * (g - before));
                        let d = dc[unit] + through_tanh(squashed, dh * o);
                        dc[unit] = d - d * i;
                        sums[to + unit] = through_sigmoid(i, d * (g - before));
                        sums[to + hidden + unit] = through_tanh(g, d * i);
                        sums[to + 2 * hidden + unit] = through_sigmoid(o, dh * squashed);
                    }
                    Formula::GruResetAfter | Formula::GruResetBefore => {
                        let r = kept[from + unit];
                        let u = kept[from + hidden + unit];
                        let n = kept[from + 2 * hidden + unit];
                        let before = kept[from + (slots + 1) * hidden + unit];
                        let zn = through_tanh(n, dh - dh * u);
                        direct[unit] = dh * u;
                        sums[to + hidden + unit] = through_sigmoid(u, dh * (before - n));
                        sums[to + 2 * hidden + unit] = zn;
                        if comptime!(reset_after) {
                            let q = kept[from + 3 * hidden + unit];
                            sums[to + unit] = through_sigmoid(r, zn * q);
                            sums[to + 3 * hidden + unit] = zn * r;
                        } else {
                            // Nobody else reads this block before the barrier.
                            later[2 * hidden + unit] = zn;
                        }
                    }
                    Formula::Tanh => {
                        sums[to + unit] = through_tanh(kept[from + unit], dh);
                    }
                    Formula::Relu => {
                        sums[to + unit] = select(kept[from + unit] > 0.0, dh, 0.0);
                    }
                }
                unit += threads;
            }
        }
        sync_cube();
        if comptime!(reset_before) {
            // Through W_hn to the reset state, from there to r and to h.
            if t < length {
                let frame = frame_of(t, length, course);
                let from = (sequence * time + frame) * kept_row;
                let to = (sequence * time + frame) * sums_row;
                let mut unit = UNIT_POS_X as usize;
                while unit < hidden {
                    let mut ds = 0.0;
                    for k in 2 * hidden..3 * hidden {
                        ds += later[k] * weight[k * hidden + unit];
                    }
                    let r = kept[from + unit];
                    let seen = kept[from + slots * hidden + unit];
                    sums[to + unit] = through_sigmoid(r, ds * seen);
                    masked[unit] = ds * r;
                    unit += threads;
                }
            }
            sync_cube();
        }
        if t < length {
            let frame = frame_of(t, length, course);
            let to = (sequence * time + frame) * sums_row;
            let mut unit = UNIT_POS_X as usize;
            while unit < hidden {
                #[unroll]
                for block in 0..reached {
                    let at = comptime!(if reset_after && block == 2 {
                        3usize
                    } else {
                        block
                    });
                    later[block * hidden + unit] = sums[to + at * hidden + unit];
                }
                unit += threads;
            }
        }
        sync_cube();
    }

    let mut unit = UNIT_POS_X as usize;
    while unit < hidden {
        let mut through = masked[unit];
        for k in 0..reached * hidden {
            through += later[k] * weight[k * hidden + unit];
        }
        if comptime!(plan.masked) {
            through *= start[(2 * batch + sequence) * hidden + unit];
        }
        start_gradients[sequence * hidden + unit] = direct[unit] + through;
        start_gradients[(batch + sequence) * hidden + unit] = dc[unit];
        unit += threads;
    }
}
