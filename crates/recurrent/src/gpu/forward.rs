//! The forward pass along time as one kernel.

use cubecl::prelude::*;

use super::walk::*;
use crate::kernel::Formula;

/// The forward pass of every sequence, each in a workgroup of its own.
///
/// - `projected`: the inputs' part of the gates, `[batch, time, blocks * hidden]`
/// - `weight`: recurrent weights, transposed, `[hidden, blocks * hidden]`
/// - `extra`: peephole weights `[3, hidden]`, or the bias `b_hn`
/// - `start`: initial h, initial c and mask, `[3, batch, hidden]`
/// - `lengths`: `[batch]`, as floats
/// - `outputs`: `[batch, time + states, row]`, zero at first
/// - `kept`: `[batch, time, (slots + 2) * hidden]`, zero at first
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
    let gru = comptime!(matches!(
        plan.formula,
        Formula::GruResetAfter | Formula::GruResetBefore
    ));
    let reset_before = comptime!(plan.formula == Formula::GruResetBefore);
    // Blocks with a product of the state itself, not of the reset state.
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

    // A thread reads and writes only its own units of `h` and `c`; `seen`, the
    // state through the mask, is read by all threads.
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
        seen[unit] = h[unit] * dropout(start, sequence * hidden + unit, batch * hidden, plan);
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
                    let r = sigmoid(r);
                    resets[unit] = r * seen[unit];
                    if comptime!(plan.keep) {
                        let to = (sequence * time + frame) * kept_row + unit;
                        kept[to] = r;
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
                // The product that the reset gate scales is a sum of its own.
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
            seen[unit] = h[unit] * dropout(start, sequence * hidden + unit, batch * hidden, plan);
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
