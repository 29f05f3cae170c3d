//! One step of every cell on vectors of units: forward, and its derivative by hand.
//!
//! A frame has up to four numbers per unit, the *slots*. Before the step they
//! hold the inputs' part of the gates, after it the activated gates for
//! back-propagation, and after that the gradients of the pre-activations. The
//! input product fills the first [`Rule::PROJECTED`] slots, and the recurrent
//! product adds to [`Rule::REACHED`] slots starting at [`Rule::FIRST`], so both
//! write contiguous ranges.
//!
//! | cell | slots | blocks of its weights |
//! |---|---|---|
//! | LSTM, peephole | i f g o | i f g o |
//! | coupled | i g o | i g o |
//! | GRU, reset after | n r z q, with q = `W_hn h + b_hn` | r z n |
//! | GRU, reset before | n r z s, with s = `r * h` | r z n |
//! | plain | h | h |

use pulp::Simd;

use super::lanes::{sigmoid, tanh};

/// The result of a step for one vector of units.
pub(super) struct Next<V> {
    pub kept: [V; 4],
    pub h: V,
    pub c: V,
}

/// The gradients of a step for one vector of units.
pub(super) struct Back<V> {
    /// Gradients of the pre-activations, by slot.
    pub slots: [V; 4],
    /// Of the hidden state before, without the part through the recurrent weights.
    pub h: V,
    pub c: V,
    pub peephole: [V; 3],
}

/// The states before and after a step, and the units' peephole weights.
pub(super) struct Around<V> {
    pub h_before: V,
    pub c_before: V,
    pub c: V,
    pub peephole: [V; 3],
}

/// The formulas of one cell.
pub(super) trait Rule: Copy + Send + Sync + 'static {
    const SLOTS: usize;
    const PROJECTED: usize;
    const FIRST: usize;
    const REACHED: usize;
    /// The block of the input weights for each slot of the input product.
    const INPUT_BLOCKS: &'static [usize];
    /// The block of the recurrent weights for each slot of the recurrent product.
    const RECURRENT_BLOCKS: &'static [usize];
    /// Whether there is a cell state besides the hidden state.
    const CELL: bool = false;
    const PEEPHOLE: bool = false;
    /// Whether a second recurrent product, of the reset state, is added to slot 0.
    const RESET_BEFORE: bool = false;

    fn forward<S: Simd>(simd: S, z: [S::f32s; 4], around: Around<S::f32s>) -> Next<S::f32s>;

    fn backward<S: Simd>(
        simd: S,
        kept: [S::f32s; 4],
        around: Around<S::f32s>,
        dh: S::f32s,
        dc: S::f32s,
    ) -> Back<S::f32s>;
}

/// `a (1 - a) d`: a gradient through the logistic function whose value is `a`.
#[inline(always)]
fn through_sigmoid<S: Simd>(simd: S, a: S::f32s, d: S::f32s) -> S::f32s {
    let slope = simd.mul_f32s(a, simd.sub_f32s(simd.splat_f32s(1.0), a));
    simd.mul_f32s(slope, d)
}

/// `(1 - a²) d`: a gradient through the hyperbolic tangent whose value is `a`.
#[inline(always)]
fn through_tanh<S: Simd>(simd: S, a: S::f32s, d: S::f32s) -> S::f32s {
    simd.mul_f32s(simd.sub_f32s(simd.splat_f32s(1.0), simd.mul_f32s(a, a)), d)
}

/// The LSTM, with or without peephole connections.
#[derive(Clone, Copy)]
pub(super) struct LstmRule<const PEEPHOLE: bool>;

impl<const PEEPHOLE: bool> Rule for LstmRule<PEEPHOLE> {
    const SLOTS: usize = 4;
    const PROJECTED: usize = 4;
    const FIRST: usize = 0;
    const REACHED: usize = 4;
    const INPUT_BLOCKS: &'static [usize] = &[0, 1, 2, 3];
    const RECURRENT_BLOCKS: &'static [usize] = &[0, 1, 2, 3];
    const CELL: bool = true;
    const PEEPHOLE: bool = PEEPHOLE;

    #[inline(always)]
    fn forward<S: Simd>(simd: S, z: [S::f32s; 4], around: Around<S::f32s>) -> Next<S::f32s> {
        let [mut zi, mut zf, zg, mut zo] = z;
        let Around {
            c_before, peephole, ..
        } = around;
        if PEEPHOLE {
            zi = simd.mul_add_e_f32s(peephole[0], c_before, zi);
            zf = simd.mul_add_e_f32s(peephole[1], c_before, zf);
        }
        let (i, f, g) = (sigmoid(simd, zi), sigmoid(simd, zf), tanh(simd, zg));
        let c = simd.mul_add_e_f32s(f, c_before, simd.mul_f32s(i, g));
        if PEEPHOLE {
            zo = simd.mul_add_e_f32s(peephole[2], c, zo);
        }
        let o = sigmoid(simd, zo);
        Next {
            kept: [i, f, g, o],
            h: simd.mul_f32s(o, tanh(simd, c)),
            c,
        }
    }

    #[inline(always)]
    fn backward<S: Simd>(
        simd: S,
        kept: [S::f32s; 4],
        around: Around<S::f32s>,
        dh: S::f32s,
        dc: S::f32s,
    ) -> Back<S::f32s> {
        let [i, f, g, o] = kept;
        let Around {
            c_before,
            c,
            peephole,
            ..
        } = around;
        let zero = simd.splat_f32s(0.0);
        let squashed = tanh(simd, c);
        let zo = through_sigmoid(simd, o, simd.mul_f32s(dh, squashed));
        let mut dc = simd.add_f32s(dc, through_tanh(simd, squashed, simd.mul_f32s(dh, o)));
        if PEEPHOLE {
            dc = simd.mul_add_e_f32s(peephole[2], zo, dc);
        }
        let zi = through_sigmoid(simd, i, simd.mul_f32s(dc, g));
        let zf = through_sigmoid(simd, f, simd.mul_f32s(dc, c_before));
        let zg = through_tanh(simd, g, simd.mul_f32s(dc, i));
        let mut dc_before = simd.mul_f32s(dc, f);
        let mut slopes = [zero; 3];
        if PEEPHOLE {
            dc_before = simd.mul_add_e_f32s(peephole[0], zi, dc_before);
            dc_before = simd.mul_add_e_f32s(peephole[1], zf, dc_before);
            slopes = [
                simd.mul_f32s(zi, c_before),
                simd.mul_f32s(zf, c_before),
                simd.mul_f32s(zo, c),
            ];
        }
        Back {
            slots: [zi, zf, zg, zo],
            h: zero,
            c: dc_before,
            peephole: slopes,
        }
    }
}

/// The LSTM whose forget gate is one minus the input gate.
#[derive(Clone, Copy)]
pub(super) struct CoupledRule;

impl Rule for CoupledRule {
    const SLOTS: usize = 3;
    const PROJECTED: usize = 3;
    const FIRST: usize = 0;
    const REACHED: usize = 3;
    const INPUT_BLOCKS: &'static [usize] = &[0, 1, 2];
    const RECURRENT_BLOCKS: &'static [usize] = &[0, 1, 2];
    const CELL: bool = true;

    #[inline(always)]
    fn forward<S: Simd>(simd: S, z: [S::f32s; 4], around: Around<S::f32s>) -> Next<S::f32s> {
        let (i, g, o) = (sigmoid(simd, z[0]), tanh(simd, z[1]), sigmoid(simd, z[2]));
        // (1 - i) c + i g = c + i (g - c)
        let c_before = around.c_before;
        let c = simd.mul_add_e_f32s(i, simd.sub_f32s(g, c_before), c_before);
        Next {
            kept: [i, g, o, o],
            h: simd.mul_f32s(o, tanh(simd, c)),
            c,
        }
    }

    #[inline(always)]
    fn backward<S: Simd>(
        simd: S,
        kept: [S::f32s; 4],
        around: Around<S::f32s>,
        dh: S::f32s,
        dc: S::f32s,
    ) -> Back<S::f32s> {
        let [i, g, o, _] = kept;
        let zero = simd.splat_f32s(0.0);
        let squashed = tanh(simd, around.c);
        let zo = through_sigmoid(simd, o, simd.mul_f32s(dh, squashed));
        let dc = simd.add_f32s(dc, through_tanh(simd, squashed, simd.mul_f32s(dh, o)));
        let through_i = simd.mul_f32s(dc, simd.sub_f32s(g, around.c_before));
        Back {
            slots: [
                through_sigmoid(simd, i, through_i),
                through_tanh(simd, g, simd.mul_f32s(dc, i)),
                zo,
                zero,
            ],
            h: zero,
            c: simd.sub_f32s(dc, simd.mul_f32s(dc, i)),
            peephole: [zero; 3],
        }
    }
}

/// The GRU with its reset gate before or after the recurrent product.
#[derive(Clone, Copy)]
pub(super) struct GruRule<const BEFORE: bool>;

impl<const BEFORE: bool> Rule for GruRule<BEFORE> {
    const SLOTS: usize = 4;
    const PROJECTED: usize = 3;
    const FIRST: usize = 1;
    const REACHED: usize = if BEFORE { 2 } else { 3 };
    const INPUT_BLOCKS: &'static [usize] = &[2, 0, 1];
    const RECURRENT_BLOCKS: &'static [usize] = if BEFORE { &[0, 1] } else { &[0, 1, 2] };
    const RESET_BEFORE: bool = BEFORE;

    /// With the reset before the product, slots 1 and 2 are already activated
    /// ([`reset`]) and slot 0 has its second product.
    #[inline(always)]
    fn forward<S: Simd>(simd: S, z: [S::f32s; 4], around: Around<S::f32s>) -> Next<S::f32s> {
        let [zn, zr, zz, last] = z;
        let (r, u, n) = if BEFORE {
            (zr, zz, tanh(simd, zn))
        } else {
            let r = sigmoid(simd, zr);
            let n = tanh(simd, simd.mul_add_e_f32s(r, last, zn));
            (r, sigmoid(simd, zz), n)
        };
        // (1 - z) n + z h = n + z (h - n)
        let h = simd.mul_add_e_f32s(u, simd.sub_f32s(around.h_before, n), n);
        Next {
            kept: [n, r, u, last],
            h,
            c: h,
        }
    }

    /// With the reset before the product, the gradient of slot 1 is computed later
    /// ([`reset_back`]).
    #[inline(always)]
    fn backward<S: Simd>(
        simd: S,
        kept: [S::f32s; 4],
        around: Around<S::f32s>,
        dh: S::f32s,
        dc: S::f32s,
    ) -> Back<S::f32s> {
        let [n, r, u, last] = kept;
        let zero = simd.splat_f32s(0.0);
        let dn = simd.sub_f32s(dh, simd.mul_f32s(dh, u));
        let zn = through_tanh(simd, n, dn);
        let through_z = simd.mul_f32s(dh, simd.sub_f32s(around.h_before, n));
        let zz = through_sigmoid(simd, u, through_z);
        let (zr, last) = if BEFORE {
            (r, last)
        } else {
            let zr = through_sigmoid(simd, r, simd.mul_f32s(zn, last));
            (zr, simd.mul_f32s(zn, r))
        };
        Back {
            slots: [zn, zr, zz, last],
            h: simd.mul_f32s(dh, u),
            c: dc,
            peephole: [zero; 3],
        }
    }
}

/// The first half of a step that resets before the product: the gates r and z,
/// and `s = r * h`.
#[inline(always)]
pub(super) fn reset<S: Simd>(simd: S, zr: S::f32s, zz: S::f32s, h: S::f32s) -> [S::f32s; 3] {
    let r = sigmoid(simd, zr);
    [r, sigmoid(simd, zz), simd.mul_f32s(r, h)]
}

/// Its derivative: from the gradient of s, those of the pre-activation of r and
/// of h.
#[inline(always)]
pub(super) fn reset_back<S: Simd>(
    simd: S,
    r: S::f32s,
    h: S::f32s,
    ds: S::f32s,
) -> (S::f32s, S::f32s) {
    let zr = through_sigmoid(simd, r, simd.mul_f32s(ds, h));
    (zr, simd.mul_f32s(ds, r))
}

/// The plain recurrent cell with tanh or a rectifier.
#[derive(Clone, Copy)]
pub(super) struct PlainRule<const RELU: bool>;

impl<const RELU: bool> Rule for PlainRule<RELU> {
    const SLOTS: usize = 1;
    const PROJECTED: usize = 1;
    const FIRST: usize = 0;
    const REACHED: usize = 1;
    const INPUT_BLOCKS: &'static [usize] = &[0];
    const RECURRENT_BLOCKS: &'static [usize] = &[0];

    #[inline(always)]
    fn forward<S: Simd>(simd: S, z: [S::f32s; 4], _: Around<S::f32s>) -> Next<S::f32s> {
        let h = if RELU {
            simd.max_f32s(z[0], simd.splat_f32s(0.0))
        } else {
            tanh(simd, z[0])
        };
        Next {
            kept: [h; 4],
            h,
            c: h,
        }
    }

    #[inline(always)]
    fn backward<S: Simd>(
        simd: S,
        kept: [S::f32s; 4],
        _: Around<S::f32s>,
        dh: S::f32s,
        dc: S::f32s,
    ) -> Back<S::f32s> {
        let zero = simd.splat_f32s(0.0);
        let slot = if RELU {
            let on = simd.greater_than_f32s(kept[0], zero);
            simd.select_f32s(on, dh, zero)
        } else {
            through_tanh(simd, kept[0], dh)
        };
        Back {
            slots: [slot, zero, zero, zero],
            h: zero,
            c: dc,
            peephole: [zero; 3],
        }
    }
}
