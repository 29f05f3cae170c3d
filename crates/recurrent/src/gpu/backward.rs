//! The backward pass along time as one kernel.

use cubecl::prelude::*;

use super::walk::*;
use crate::kernel::Formula;

/// The backward pass of every sequence, each in a workgroup of its own.
///
/// - `gradients`: of the outputs, `[batch, time + states, row]`
/// - `kept`: what `forward_walk` kept
/// - `weight`: recurrent weights, `[blocks * hidden, hidden]`
/// - `extra`, `start`, `lengths`: as in the forward pass
/// - `sums`: the gradients of the gates' pre-activations, `[batch, time, bias
///   blocks * hidden]`, zero at first; the extra block of `GruResetAfter` is
///   the recurrent sum of the candidate
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

    // `later` has the gradients of the recurrent sums of the step after this
    // one and is read by all threads. Of the other three, a thread uses only
    // its own units.
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
                through *= dropout(start, sequence * hidden + unit, batch * hidden, plan);
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
                            // No other thread reads this block before the barrier.
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
        through *= dropout(start, sequence * hidden + unit, batch * hidden, plan);
        start_gradients[sequence * hidden + unit] = direct[unit] + through;
        start_gradients[(batch + sequence) * hidden + unit] = dc[unit];
        unit += threads;
    }
}
