//! A layer's weights in the kernel's layout: padded, in panels, with the gates
//! side by side.

use super::lanes::padded;
use super::product::{Panels, WIDTH};
use super::rules::Rule;
use super::{Sizes, Weights};

/// The weights, packed once per call, or once for the life of a
/// [`Stepper`](super::Stepper).
#[derive(Clone, Debug)]
pub(super) struct Packed {
    /// Input weights, `[input, projected slots * hidden]`.
    pub input: Panels,
    /// Recurrent weights, `[hidden, reached slots * hidden]`. A panel has one vector
    /// of units for every slot, so that a tile computes whole gates.
    pub recurrent: Panels,
    /// `W_hn` of the GRU that resets before the product, `[hidden, hidden]`.
    pub reset: Option<Panels>,
    /// One value for every slot and unit.
    pub bias: Vec<f32>,
    /// Three values for every unit.
    pub peephole: Vec<f32>,
}

/// The transposed weights, for back-propagation.
pub(super) struct PackedBack {
    /// `[projected slots * hidden, input]`.
    pub input: Option<Panels>,
    /// `[reached slots * hidden, hidden]`.
    pub recurrent: Panels,
    /// `[hidden, hidden]`.
    pub reset: Option<Panels>,
}

/// The weights of one unit of a block, from `[blocks * hidden, columns]`; `None`
/// in the padding.
fn row(values: &[f32], hidden: usize, columns: usize, block: usize, unit: usize) -> Option<&[f32]> {
    (unit < hidden).then(|| &values[(block * hidden + unit) * columns..][..columns])
}

impl Packed {
    pub fn new<R: Rule>(sizes: Sizes, weights: &Weights<'_>, lanes: usize) -> Self {
        let Sizes { input, hidden } = sizes;
        let wide = padded(hidden);
        let ih = |block, unit| row(weights.input, hidden, input, block, unit);
        let hh = |block, unit| row(weights.recurrent, hidden, hidden, block, unit);
        let mut bias = vec![0.0; R::SLOTS * wide];
        for (slot, &block) in R::INPUT_BLOCKS.iter().enumerate() {
            bias[slot * wide..][..hidden]
                .copy_from_slice(&weights.bias[block * hidden..(block + 1) * hidden]);
        }
        // The recurrent bias of the candidate, if the reset gate scales it.
        let own = R::INPUT_BLOCKS.len() * hidden;
        if R::SLOTS > R::PROJECTED && weights.bias.len() > own {
            bias[R::PROJECTED * wide..][..hidden].copy_from_slice(&weights.bias[own..]);
        }
        let mut peephole = vec![0.0; 3 * wide];
        if R::PEEPHOLE {
            for (gate, values) in weights.peephole.chunks_exact(hidden).enumerate() {
                peephole[gate * wide..][..hidden].copy_from_slice(values);
            }
        }
        Packed {
            input: Panels::from_columns(
                input,
                R::PROJECTED * wide / lanes,
                WIDTH,
                lanes,
                |vector, lane| {
                    let column = vector * lanes + lane;
                    ih(R::INPUT_BLOCKS[column / wide], column % wide)
                },
            ),
            recurrent: Panels::from_columns(
                wide,
                R::REACHED * wide / lanes,
                R::REACHED,
                lanes,
                |vector, lane| {
                    let unit = vector / R::REACHED * lanes + lane;
                    hh(R::RECURRENT_BLOCKS[vector % R::REACHED], unit)
                },
            ),
            reset: R::RESET_BEFORE.then(|| {
                Panels::from_columns(wide, wide / lanes, 1, lanes, |vector, lane| {
                    hh(2, vector * lanes + lane)
                })
            }),
            bias,
            peephole,
        }
    }

    /// The number of weights that one step reads.
    pub fn step_numbers(&self) -> usize {
        self.input.len() + self.recurrent.len() + self.reset.as_ref().map_or(0, Panels::len)
    }
}

impl PackedBack {
    pub fn new<R: Rule>(sizes: Sizes, weights: &Weights<'_>, lanes: usize, input: bool) -> Self {
        let wide = padded(sizes.hidden);
        let Sizes {
            input: columns,
            hidden,
        } = sizes;
        let ih = |block, unit| row(weights.input, hidden, columns, block, unit);
        let hh = |block, unit| row(weights.recurrent, hidden, hidden, block, unit);
        PackedBack {
            input: input.then(|| {
                Panels::from_rows(R::PROJECTED * wide, padded(columns), lanes, |k| {
                    ih(R::INPUT_BLOCKS[k / wide], k % wide)
                })
            }),
            recurrent: Panels::from_rows(R::REACHED * wide, wide, lanes, |k| {
                hh(R::RECURRENT_BLOCKS[k / wide], k % wide)
            }),
            reset: R::RESET_BEFORE.then(|| Panels::from_rows(wide, wide, lanes, |k| hh(2, k))),
        }
    }
}
