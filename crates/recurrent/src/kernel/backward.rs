//! Back-propagation through time for one group of sequences.

use std::marker::PhantomData;

use pulp::{Simd, WithSimd};

use super::forward::{Kept, STEPS_AT_ONCE, States, gather_inputs, mask_rows, multiplied};
use super::lanes::{apart, load, padded, store};
use super::plan::Group;
use super::product::{Panels, Product, TransposedProduct, WIDTH};
use super::rules::{Around, Rule, reset_back};
use super::weights::{Packed, PackedBack};
use super::{Sequences, Sizes};

/// Gradients of a group, padded; the columns of the matrices are slots of units.
#[derive(Clone, Debug)]
pub(super) struct GroupGradients {
    /// `[input, projected slots * hidden]`
    pub input: Panels,
    /// `[hidden, reached slots * hidden]`
    pub recurrent: Panels,
    /// `[hidden, hidden]`, if the reset comes before the product
    pub reset: Option<Panels>,
    /// `[slots * hidden]`
    pub bias: Vec<f32>,
    /// `[3 * hidden]`
    pub peephole: Vec<f32>,
    /// Of the initial states, `[rows, hidden]`
    pub h: Vec<f32>,
    pub c: Vec<f32>,
}

/// The backward pass of one group.
pub(super) struct Backward<'a, R> {
    pub sizes: Sizes,
    pub packed: &'a Packed,
    pub back: &'a PackedBack,
    pub group: &'a Group,
    pub sequences: &'a Sequences<'a>,
    pub kept: Kept,
    /// The outputs, `[batch, time + states, row]`.
    pub outputs: &'a [f32],
    /// Their gradients.
    pub output_gradients: &'a [f32],
    /// What the gradients of the inputs are added to, `[time, input]` for every
    /// sequence of the group; `None` if they are not wanted.
    pub inputs: Option<Vec<&'a mut [f32]>>,
    pub rule: PhantomData<R>,
}

impl<R: Rule> WithSimd for Backward<'_, R> {
    type Output = GroupGradients;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> GroupGradients {
        let Backward {
            sizes,
            packed,
            back,
            group,
            sequences,
            mut kept,
            outputs,
            output_gradients,
            inputs: mut to_inputs,
            ..
        } = self;
        let Sizes { input, hidden } = sizes;
        let wide = padded(hidden);
        let width = apart(R::SLOTS * wide);
        let stride = apart(input);
        let before_stride = apart(hidden);
        let rows = group.sequences.len();
        let mask = mask_rows(group, sequences, hidden);
        let row_of_output = |row: usize, t: usize| sequences.output(group.sequences[row], t);

        let zero = |depth: usize, slots: usize| {
            Panels::zero(depth, slots * wide / S::F32_LANES, WIDTH, S::F32_LANES)
        };
        let mut gradients = GroupGradients {
            input: zero(input, R::PROJECTED),
            recurrent: zero(hidden, R::REACHED),
            reset: R::RESET_BEFORE.then(|| zero(hidden, 1)),
            bias: vec![0.0; width],
            peephole: vec![0.0; if R::PEEPHOLE { 3 * wide } else { 0 }],
            h: vec![0.0; rows * wide],
            c: vec![0.0; rows * wide],
        };
        let mut inputs = vec![0.0; rows * STEPS_AT_ONCE * stride];
        let mut input_gradients = vec![0.0; if to_inputs.is_some() { inputs.len() } else { 0 }];
        let mut before = vec![0.0; rows * STEPS_AT_ONCE * before_stride];
        let mut scratch = vec![0.0; rows * STEPS_AT_ONCE * WIDTH * S::F32_LANES];
        let mut masked = vec![0.0; if mask.is_some() { before.len() } else { 0 }];
        let mut through = vec![0.0; rows * wide];
        let mut from_above = vec![0.0; rows * wide];
        let initial = States::initial(group, sequences, hidden);

        // A sequence starts with the gradients of its final states. Without
        // frames these are the gradients of its initial states.
        let enter = |row: usize, gradients: &mut GroupGradients| {
            if sequences.states == 0 {
                return;
            }
            let at = row_of_output(row, sequences.time);
            gradients.h[row * wide..][..hidden].copy_from_slice(&output_gradients[at..][..hidden]);
            if R::CELL {
                let at = row_of_output(row, sequences.time + 1);
                gradients.c[row * wide..][..hidden]
                    .copy_from_slice(&output_gradients[at..][..hidden]);
            }
        };
        for row in 0..rows {
            if group.lengths[row] == 0 {
                enter(row, &mut gradients);
            }
        }

        let mut end = group.steps();
        while end > 0 {
            let begin = end.saturating_sub(STEPS_AT_ONCE);
            // The hidden states before each step of the block.
            let mut to = before.chunks_exact_mut(before_stride);
            for t in begin..end {
                for (row, to) in (0..group.active(t)).zip(&mut to) {
                    let from = if t == 0 {
                        &initial.h[row * wide..]
                    } else {
                        &outputs[row_of_output(row, group.frame(row, t - 1, sequences.reverse))..]
                    };
                    to[..hidden].copy_from_slice(&from[..hidden]);
                }
            }
            for t in (begin..end).rev() {
                let active = group.active(t);
                for row in group.active(t + 1)..active {
                    enter(row, &mut gradients);
                }
                for row in 0..active {
                    let frame = group.frame(row, t, sequences.reverse);
                    let at = row_of_output(row, frame);
                    from_above[row * wide..][..hidden]
                        .copy_from_slice(&output_gradients[at..][..hidden]);
                }
                let at = group.offsets[t];
                // Rows have the same order at every step, so this step's rows
                // are the first rows of the step before.
                let (cells_before, cells) = if !R::CELL {
                    (&[][..], &[][..])
                } else if t == 0 {
                    (&initial.c[..], &kept.cells[..])
                } else {
                    (
                        &kept.cells[group.offsets[t - 1] * wide..],
                        &kept.cells[at * wide..],
                    )
                };
                let from = (at - group.offsets[begin]) * before_stride;
                let before = &before[from..from + active * before_stride];
                let recurrent = match &mask {
                    Some(mask) => {
                        let masked = &mut masked[from..from + active * before_stride];
                        let rows = masked.chunks_exact_mut(before_stride);
                        for ((to, from), mask) in rows
                            .zip(before.chunks_exact(before_stride))
                            .zip(mask.chunks_exact(wide))
                        {
                            multiplied(from, mask, to);
                        }
                        &*masked
                    }
                    None => before,
                };
                simd.vectorize(StepBack {
                    packed,
                    back,
                    rows: active,
                    slots: &mut kept.slots[at * width..(at + active) * width],
                    before,
                    recurrent,
                    before_stride,
                    mask: mask.as_deref(),
                    cells_before,
                    cells,
                    from_above: &from_above,
                    through: &mut through,
                    gradients: &mut gradients,
                    wide,
                    rule: PhantomData::<R>,
                });
            }

            // The gradients of the weights and the inputs, while those of the
            // gates of these steps are still in the cache.
            let (first, last) = (group.offsets[begin], group.offsets[end]);
            gather_inputs(group, sequences, input, stride, begin, end, &mut inputs);
            let slots = &kept.slots[first * width..last * width];
            let before = if mask.is_some() { &masked } else { &before };
            let [to_input, to_recurrent] = [&mut gradients.input, &mut gradients.recurrent];
            // If both products have the same slots, these are packed once.
            if R::FIRST == 0 && R::PROJECTED == R::REACHED {
                simd.vectorize(TransposedProduct {
                    depth: last - first,
                    a: [(&inputs, stride), (before, before_stride)],
                    b: slots,
                    b_stride: width,
                    c: [to_input, to_recurrent],
                    scratch: &mut scratch,
                });
            } else {
                simd.vectorize(TransposedProduct {
                    depth: last - first,
                    a: [(&inputs, stride)],
                    b: slots,
                    b_stride: width,
                    c: [to_input],
                    scratch: &mut scratch,
                });
                simd.vectorize(TransposedProduct {
                    depth: last - first,
                    a: [(before, before_stride)],
                    b: &slots[R::FIRST * wide..],
                    b_stride: width,
                    c: [to_recurrent],
                    scratch: &mut scratch,
                });
            }
            if let Some(reset) = &mut gradients.reset {
                simd.vectorize(TransposedProduct {
                    depth: last - first,
                    a: [(&slots[3 * wide..], width)],
                    b: slots,
                    b_stride: width,
                    c: [reset],
                    scratch: &mut scratch,
                });
            }
            if let (Some(to), Some(panels)) = (&mut to_inputs, &back.input) {
                input_gradients.fill(0.0);
                simd.vectorize(Product {
                    rows: last - first,
                    a: &kept.slots[first * width..last * width],
                    a_stride: width,
                    b: panels,
                    c: &mut input_gradients,
                    c_stride: stride,
                });
                let mut row_of = input_gradients.chunks_exact(stride);
                for t in begin..end {
                    for (row, values) in (0..group.active(t)).zip(&mut row_of) {
                        let frame = group.frame(row, t, sequences.reverse);
                        let to = &mut to[row][frame * input..][..input];
                        for (to, value) in to.iter_mut().zip(values) {
                            *to += value;
                        }
                    }
                }
            }
            end = begin;
        }
        gradients
    }
}

/// One step backwards for some rows. In `slots` the gradients of the
/// pre-activations replace the activated gates.
struct StepBack<'a, R> {
    packed: &'a Packed,
    back: &'a PackedBack,
    rows: usize,
    slots: &'a mut [f32],
    before: &'a [f32],
    recurrent: &'a [f32],
    /// The distance between the rows of `before` and `recurrent`.
    before_stride: usize,
    mask: Option<&'a [f32]>,
    cells_before: &'a [f32],
    cells: &'a [f32],
    from_above: &'a [f32],
    /// Scratch: gradients through the recurrent weights.
    through: &'a mut [f32],
    gradients: &'a mut GroupGradients,
    wide: usize,
    rule: PhantomData<R>,
}

impl<R: Rule> WithSimd for StepBack<'_, R> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let StepBack {
            packed,
            back,
            rows,
            slots,
            before,
            recurrent,
            before_stride,
            mask,
            cells_before,
            cells,
            from_above,
            through,
            gradients,
            wide,
            ..
        } = self;
        let width = apart(R::SLOTS * wide);
        let zero = simd.splat_f32s(0.0);
        let GroupGradients {
            bias,
            peephole: peephole_gradients,
            h,
            c,
            ..
        } = gradients;

        // Row by row, in the order of the gates in memory.
        for row in 0..rows {
            for unit in (0..wide).step_by(S::F32_LANES) {
                let at = row * wide + unit;
                let base = row * width + unit;
                let mut gates = [zero; 4];
                for (slot, gate) in gates.iter_mut().enumerate().take(R::SLOTS) {
                    *gate = load::<S>(slots, base + slot * wide);
                }
                let mut peephole = [zero; 3];
                if R::PEEPHOLE {
                    for (gate, p) in peephole.iter_mut().enumerate() {
                        *p = load::<S>(&packed.peephole, gate * wide + unit);
                    }
                }
                let cell = |values: &[f32]| if R::CELL { load::<S>(values, at) } else { zero };
                let around = Around {
                    h_before: load::<S>(before, row * before_stride + unit),
                    c_before: cell(cells_before),
                    c: cell(cells),
                    peephole,
                };
                let dh = simd.add_f32s(load::<S>(h, at), load::<S>(from_above, at));
                let flow = R::backward(simd, gates, around, dh, load::<S>(c, at));
                for (slot, value) in flow.slots.iter().enumerate().take(R::SLOTS) {
                    store::<S>(slots, base + slot * wide, *value);
                }
                store::<S>(h, at, flow.h);
                store::<S>(c, at, flow.c);
                if R::PEEPHOLE {
                    for (gate, value) in flow.peephole.into_iter().enumerate() {
                        add::<S>(simd, peephole_gradients, gate * wide + unit, value);
                    }
                }
            }
        }

        let through = &mut through[..rows * wide];
        through.fill(0.0);
        if let Some(panels) = &back.reset {
            // Through W_hn to the reset state, from there to r and to h.
            simd.vectorize(Product {
                rows,
                a: slots,
                a_stride: width,
                b: panels,
                c: through,
                c_stride: wide,
            });
            for row in 0..rows {
                for unit in (0..wide).step_by(S::F32_LANES) {
                    let at = row * wide + unit;
                    let slot = row * width + wide + unit;
                    let (zr, dh) = reset_back(
                        simd,
                        load::<S>(slots, slot),
                        load::<S>(recurrent, row * before_stride + unit),
                        load::<S>(through, at),
                    );
                    store::<S>(slots, slot, zr);
                    store::<S>(through, at, dh);
                }
            }
        }
        for at in (0..R::SLOTS * wide).step_by(S::F32_LANES) {
            let mut sum = zero;
            for row in 0..rows {
                sum = simd.add_f32s(sum, load::<S>(slots, row * width + at));
            }
            add::<S>(simd, bias, at, sum);
        }
        simd.vectorize(Product {
            rows,
            a: &slots[R::FIRST * wide..],
            a_stride: width,
            b: &back.recurrent,
            c: through,
            c_stride: wide,
        });
        for at in (0..rows * wide).step_by(S::F32_LANES) {
            let mut value = load::<S>(through, at);
            if let Some(mask) = mask {
                value = simd.mul_f32s(value, load::<S>(mask, at));
            }
            let total = simd.add_f32s(load::<S>(h, at), value);
            store::<S>(h, at, total);
        }
    }
}

/// Adds `vector` to `values` from `at` on.
#[inline(always)]
fn add<S: Simd>(simd: S, values: &mut [f32], at: usize, vector: S::f32s) {
    store::<S>(values, at, simd.add_f32s(load::<S>(values, at), vector));
}
