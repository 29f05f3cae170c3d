//! The forward pass of one group of sequences.

use std::marker::PhantomData;

use pulp::{Simd, WithSimd};

use super::lanes::{apart, load, padded, store};
use super::plan::Group;
use super::pool;
use super::product::{Product, rows_of_tile, tile};
use super::rules::{Around, Rule, reset};
use super::weights::Packed;
use super::{Sequences, Sizes};

/// Steps whose inputs are projected at once. The gates of so many steps stay in
/// the second-level cache between their projection and their step.
pub(super) const STEPS_AT_ONCE: usize = 16;

/// What back-propagation needs of a group, by frame in the order of the plan.
/// It reads the hidden states from the outputs.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept {
    /// Activated gates, `[frames, slots * hidden]`.
    pub slots: Vec<f32>,
    /// Cell states after each step, `[frames, hidden]`; empty without a cell.
    pub cells: Vec<f32>,
}

impl Drop for Kept {
    fn drop(&mut self) {
        for buffer in [&mut self.slots, &mut self.cells] {
            pool::give(std::mem::take(buffer));
        }
    }
}

/// The forward pass of one group.
pub(super) struct Forward<'a, R> {
    pub sizes: Sizes,
    pub packed: &'a Packed,
    pub group: &'a Group,
    pub sequences: &'a Sequences<'a>,
    /// `[time + states, row]` for every sequence of the group.
    pub outputs: Vec<&'a mut [f32]>,
    pub keep: bool,
    pub rule: PhantomData<R>,
}

/// The states of a group's rows, `[rows, hidden]` each, padded.
pub(super) struct States {
    pub h: Vec<f32>,
    pub c: Vec<f32>,
}

impl States {
    /// The initial states of a group's sequences; zero if none are given.
    pub fn initial(group: &Group, sequences: &Sequences<'_>, hidden: usize) -> Self {
        let wide = padded(hidden);
        let gather = |given: Option<&[f32]>| {
            let mut rows = vec![0.0; group.sequences.len() * wide];
            if let Some(given) = given {
                for (row, &sequence) in rows.chunks_exact_mut(wide).zip(&group.sequences) {
                    row[..hidden].copy_from_slice(&given[sequence * hidden..][..hidden]);
                }
            }
            rows
        };
        States {
            h: gather(sequences.h),
            c: gather(sequences.c),
        }
    }
}

/// The rows of the recurrent dropout mask that belong to the group.
pub(super) fn mask_rows(
    group: &Group,
    sequences: &Sequences<'_>,
    hidden: usize,
) -> Option<Vec<f32>> {
    let wide = padded(hidden);
    sequences.mask.map(|mask| {
        let mut rows = vec![0.0; group.sequences.len() * wide];
        for (row, &sequence) in rows.chunks_exact_mut(wide).zip(&group.sequences) {
            row[..hidden].copy_from_slice(&mask[sequence * hidden..][..hidden]);
        }
        rows
    })
}

/// Copies the inputs of the steps from `t` to `end` into rows `stride` apart.
pub(super) fn gather_inputs(
    group: &Group,
    sequences: &Sequences<'_>,
    input: usize,
    stride: usize,
    t: usize,
    end: usize,
    rows: &mut [f32],
) {
    let mut row_of = rows.chunks_exact_mut(stride);
    for t in t..end {
        for (row, values) in (0..group.active(t)).zip(&mut row_of) {
            let frame = group.frame(row, t, sequences.reverse);
            let at = (group.sequences[row] * sequences.time + frame) * input;
            values[..input].copy_from_slice(&sequences.inputs[at..at + input]);
        }
    }
}

/// `a * b`, element by element.
pub(super) fn multiplied(a: &[f32], b: &[f32], into: &mut [f32]) {
    for ((into, a), b) in into.iter_mut().zip(a).zip(b) {
        *into = a * b;
    }
}

impl<R: Rule> WithSimd for Forward<'_, R> {
    type Output = Kept;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Kept {
        let Forward {
            sizes,
            packed,
            group,
            sequences,
            mut outputs,
            keep,
            ..
        } = self;
        let Sizes { input, hidden } = sizes;
        let wide = padded(hidden);
        let width = apart(R::SLOTS * wide);
        let stride = padded(input);
        let rows = group.sequences.len();
        let mask = mask_rows(group, sequences, hidden);

        let mut states = States::initial(group, sequences, hidden);
        let mut next = vec![0.0; rows * wide];
        let mut masked = vec![0.0; if mask.is_some() { rows * wide } else { 0 }];
        let mut inputs = vec![0.0; rows * STEPS_AT_ONCE * stride];
        let frames = if keep { group.frames() } else { 0 };
        let mut kept = Kept {
            slots: pool::take(frames * width),
            cells: pool::take(if R::CELL { frames * wide } else { 0 }),
        };
        let mut slots = vec![0.0; rows * STEPS_AT_ONCE * width];

        // The final state of a sequence without frames is its initial state.
        for (row, output) in outputs.iter_mut().enumerate() {
            if group.lengths[row] == 0 {
                finish::<R>(&states, row, hidden, sequences, output);
            }
        }

        let mut begin = 0;
        while begin < group.steps() {
            let end = (begin + STEPS_AT_ONCE).min(group.steps());
            let block = group.offsets[end] - group.offsets[begin];
            gather_inputs(group, sequences, input, stride, begin, end, &mut inputs);
            for row in slots.chunks_exact_mut(width).take(block) {
                row[..packed.bias.len()].copy_from_slice(&packed.bias);
            }
            simd.vectorize(Product {
                rows: block,
                a: &inputs,
                a_stride: stride,
                b: &packed.input,
                c: &mut slots,
                c_stride: width,
            });
            for t in begin..end {
                let active = group.active(t);
                let at = (group.offsets[t] - group.offsets[begin]) * width;
                if let Some(mask) = &mask {
                    multiplied(&states.h, mask, &mut masked[..active * wide]);
                }
                simd.vectorize(Step {
                    packed,
                    rows: active,
                    slots: &mut slots[at..at + active * width],
                    before: &states.h,
                    recurrent: if mask.is_some() { &masked } else { &states.h },
                    after: &mut next,
                    cells: &mut states.c,
                    wide,
                    rule: PhantomData::<R>,
                });
                std::mem::swap(&mut states.h, &mut next);
                if keep && R::CELL {
                    kept.cells.extend_from_slice(&states.c[..active * wide]);
                }
                for (row, output) in outputs.iter_mut().enumerate().take(active) {
                    let frame = group.frame(row, t, sequences.reverse);
                    output[sequences.place(frame)..][..hidden]
                        .copy_from_slice(&states.h[row * wide..][..hidden]);
                    if t + 1 == group.lengths[row] {
                        finish::<R>(&states, row, hidden, sequences, output);
                    }
                }
            }
            if keep {
                kept.slots.extend_from_slice(&slots[..block * width]);
            }
            begin = end;
        }
        kept
    }
}

/// Writes a sequence's final states after its outputs.
fn finish<R: Rule>(
    states: &States,
    row: usize,
    hidden: usize,
    sequences: &Sequences<'_>,
    output: &mut [f32],
) {
    if sequences.states == 0 {
        return;
    }
    let wide = padded(hidden);
    let at = sequences.place(sequences.time);
    output[at..][..hidden].copy_from_slice(&states.h[row * wide..][..hidden]);
    if R::CELL {
        let at = sequences.place(sequences.time + 1);
        output[at..][..hidden].copy_from_slice(&states.c[row * wide..][..hidden]);
    }
}

/// One step of some rows. `slots` has the inputs' part of the gates and is left
/// with the activated gates.
pub(super) struct Step<'a, R> {
    pub packed: &'a Packed,
    pub rows: usize,
    pub slots: &'a mut [f32],
    pub before: &'a [f32],
    /// `before`, times the dropout mask if there is one.
    pub recurrent: &'a [f32],
    pub after: &'a mut [f32],
    pub cells: &'a mut [f32],
    pub wide: usize,
    pub rule: PhantomData<R>,
}

impl<R: Rule> WithSimd for Step<'_, R> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        if R::RESET_BEFORE {
            self.each_tile::<S, true>(simd);
        }
        self.each_tile::<S, false>(simd);
    }
}

impl<R: Rule> Step<'_, R> {
    /// The outer loop is over units and the inner one over rows, so that the
    /// units' weights come from the second-level cache once, and from the first
    /// level after that.
    #[inline(always)]
    fn each_tile<S: Simd, const RESETTING: bool>(&mut self, simd: S) {
        let most = rows_of_tile::<S>();
        for unit in (0..self.wide).step_by(S::F32_LANES) {
            let mut row = 0;
            while row < self.rows {
                match (self.rows - row).min(most) {
                    1 => self.some_rows::<S, 1, RESETTING>(simd, row, unit),
                    2 => self.some_rows::<S, 2, RESETTING>(simd, row, unit),
                    3 => self.some_rows::<S, 3, RESETTING>(simd, row, unit),
                    _ => self.some_rows::<S, 4, RESETTING>(simd, row, unit),
                }
                row += most;
            }
        }
    }

    #[inline(always)]
    fn some_rows<S: Simd, const M: usize, const RESETTING: bool>(
        &mut self,
        simd: S,
        row: usize,
        unit: usize,
    ) {
        if R::RESET_BEFORE && RESETTING {
            self.reset_tile::<S, M>(simd, row, unit);
        } else if R::RESET_BEFORE {
            self.candidate_tile::<S, M>(simd, row, unit);
        } else {
            match R::REACHED {
                1 => self.tile::<S, M, 1>(simd, row, unit),
                3 => self.tile::<S, M, 3>(simd, row, unit),
                _ => self.tile::<S, M, 4>(simd, row, unit),
            }
        }
    }

    #[inline(always)]
    fn width(&self) -> usize {
        apart(R::SLOTS * self.wide)
    }

    /// A row's vector of units in a slot.
    #[inline(always)]
    fn slot<S: Simd>(&self, row: usize, slot: usize, unit: usize) -> S::f32s {
        load::<S>(self.slots, row * self.width() + slot * self.wide + unit)
    }

    /// The slots of the recurrent product, with it added.
    #[inline(always)]
    fn products<S: Simd, const M: usize, const REACHED: usize>(
        &self,
        simd: S,
        row: usize,
        unit: usize,
    ) -> [[S::f32s; REACHED]; M] {
        let mut sums = [[simd.splat_f32s(0.0); REACHED]; M];
        for (m, sums) in sums.iter_mut().enumerate() {
            for (slot, sum) in sums.iter_mut().enumerate() {
                *sum = self.slot::<S>(row + m, R::FIRST + slot, unit);
            }
        }
        let panel = self.packed.recurrent.panel(unit / S::F32_LANES * REACHED);
        let a = &self.recurrent[row * self.wide..];
        tile::<S, M, REACHED>(simd, a, self.wide, panel, &mut sums);
        sums
    }

    #[inline(always)]
    fn tile<S: Simd, const M: usize, const REACHED: usize>(
        &mut self,
        simd: S,
        row: usize,
        unit: usize,
    ) {
        let sums = self.products::<S, M, REACHED>(simd, row, unit);
        for (m, sums) in sums.iter().enumerate() {
            let mut z = [simd.splat_f32s(0.0); 4];
            for (slot, z) in z.iter_mut().enumerate().take(R::SLOTS) {
                *z = if (R::FIRST..R::FIRST + REACHED).contains(&slot) {
                    sums[slot - R::FIRST]
                } else {
                    self.slot::<S>(row + m, slot, unit)
                };
            }
            self.finish_row(simd, row + m, unit, z);
        }
    }

    /// Applies the cell's formulas to one row and one vector of units.
    #[inline(always)]
    fn finish_row<S: Simd>(&mut self, simd: S, row: usize, unit: usize, z: [S::f32s; 4]) {
        let at = row * self.wide + unit;
        let zero = simd.splat_f32s(0.0);
        let mut peephole = [zero; 3];
        if R::PEEPHOLE {
            for (gate, p) in peephole.iter_mut().enumerate() {
                *p = load::<S>(&self.packed.peephole, gate * self.wide + unit);
            }
        }
        let around = Around {
            h_before: load::<S>(self.before, at),
            c_before: if R::CELL {
                load::<S>(self.cells, at)
            } else {
                zero
            },
            c: zero,
            peephole,
        };
        let next = R::forward(simd, z, around);
        let base = row * self.width() + unit;
        for (slot, kept) in next.kept.iter().enumerate().take(R::SLOTS) {
            store::<S>(self.slots, base + slot * self.wide, *kept);
        }
        store::<S>(self.after, at, next.h);
        if R::CELL {
            store::<S>(self.cells, at, next.c);
        }
    }

    /// Reset before the product: the gates r and z, and the reset state.
    #[inline(always)]
    fn reset_tile<S: Simd, const M: usize>(&mut self, simd: S, row: usize, unit: usize) {
        let sums = self.products::<S, M, 2>(simd, row, unit);
        for (m, [zr, zz]) in sums.into_iter().enumerate() {
            let h = load::<S>(self.recurrent, (row + m) * self.wide + unit);
            let base = (row + m) * self.width() + unit;
            for (slot, value) in reset(simd, zr, zz, h).into_iter().enumerate() {
                store::<S>(self.slots, base + (slot + 1) * self.wide, value);
            }
        }
    }

    /// Reset before the product: the candidate, from the reset state in slot 3.
    #[inline(always)]
    fn candidate_tile<S: Simd, const M: usize>(&mut self, simd: S, row: usize, unit: usize) {
        let mut sums = [[simd.splat_f32s(0.0); 1]; M];
        for (m, sums) in sums.iter_mut().enumerate() {
            sums[0] = self.slot::<S>(row + m, 0, unit);
        }
        if let Some(panels) = &self.packed.reset {
            let panel = panels.panel(unit / S::F32_LANES);
            let a = &self.slots[row * self.width() + 3 * self.wide..];
            tile::<S, M, 1>(simd, a, self.width(), panel, &mut sums);
        }
        for (m, sums) in sums.iter().enumerate() {
            let mut z = [sums[0]; 4];
            for (slot, z) in z.iter_mut().enumerate().skip(1) {
                *z = self.slot::<S>(row + m, slot, unit);
            }
            self.finish_row(simd, row + m, unit, z);
        }
    }
}
