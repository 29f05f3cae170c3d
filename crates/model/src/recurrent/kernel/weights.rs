//! A layer's weights as the kernel reads them: padded, in panels, gates side by side.

use super::lanes::padded;
use super::product::Panels;
use super::rules::Rule;
use super::{Sizes, Weights};

/// Packed once for a call, or once for the life of a [`Stepper`](super::Stepper).
#[derive(Clone, Debug)]
pub(super) struct Packed {
    /// Input weights `[input, projected slots * hidden]`.
    pub input: Panels,
    /// Recurrent weights `[hidden, reached slots * hidden]`; a panel holds one
    /// vector of units for every slot, so that a tile ends with whole gates.
    pub recurrent: Panels,
    /// For the GRU that resets before the product: `W_hn`, `[hidden, hidden]`.
    pub reset: Option<Panels>,
    /// One value for every slot and unit.
    pub bias: Vec<f32>,
    /// Three values for every unit.
    pub peephole: Vec<f32>,
}

/// The transposes, for back-propagation.
pub(super) struct PackedBack {
    /// `[projected slots * hidden, input]`.
    pub input: Option<Panels>,
    /// `[reached slots * hidden, hidden]`.
    pub recurrent: Panels,
    /// `[hidden, hidden]`.
    pub reset: Option<Panels>,
}

/// The padded element `(unit of a block, column)` of weights `[blocks * hidden, columns]`.
fn element(values: &[f32], hidden: usize, columns: usize) -> impl Fn(usize, usize, usize) -> f32 {
    move |block, unit, column| {
        if unit < hidden && column < columns {
            values[(block * hidden + unit) * columns + column]
        } else {
            0.0
        }
    }
}

impl Packed {
    pub fn new<R: Rule>(sizes: Sizes, weights: &Weights<'_>, lanes: usize) -> Self {
        let Sizes { input, hidden } = sizes;
        let wide = padded(hidden);
        let ih = element(weights.input, hidden, input);
        let hh = element(weights.recurrent, hidden, hidden);
        let mut bias = vec![0.0; R::SLOTS * wide];
        for (slot, &block) in R::INPUT_BLOCKS.iter().enumerate() {
            bias[slot * wide..][..hidden]
                .copy_from_slice(&weights.bias[block * hidden..(block + 1) * hidden]);
        }
        // The recurrent bias of the candidate, where the reset gate scales it.
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
            input: Panels::plain(input, R::PROJECTED * wide, lanes, |k, column| {
                ih(R::INPUT_BLOCKS[column / wide], column % wide, k)
            }),
            // Vector v of the panels: units from (v / reached) * lanes, slot v % reached.
            recurrent: Panels::new(
                wide,
                R::REACHED * wide / lanes,
                R::REACHED,
                lanes,
                |v| (v % R::REACHED) * wide + (v / R::REACHED) * lanes,
                |k, column| hh(R::RECURRENT_BLOCKS[column / wide], column % wide, k),
            ),
            reset: R::RESET_BEFORE.then(|| {
                Panels::new(
                    wide,
                    wide / lanes,
                    1,
                    lanes,
                    |v| v * lanes,
                    |k, c| hh(2, c, k),
                )
            }),
            bias,
            peephole,
        }
    }

    /// Numbers in the weights that one step reads.
    pub fn step_numbers(&self) -> usize {
        self.input.len() + self.recurrent.len() + self.reset.as_ref().map_or(0, Panels::len)
    }
}

impl PackedBack {
    pub fn new<R: Rule>(sizes: Sizes, weights: &Weights<'_>, lanes: usize, input: bool) -> Self {
        let wide = padded(sizes.hidden);
        let ih = element(weights.input, sizes.hidden, sizes.input);
        let hh = element(weights.recurrent, sizes.hidden, sizes.hidden);
        PackedBack {
            input: input.then(|| {
                Panels::plain(
                    R::PROJECTED * wide,
                    padded(sizes.input),
                    lanes,
                    |k, column| ih(R::INPUT_BLOCKS[k / wide], k % wide, column),
                )
            }),
            recurrent: Panels::plain(R::REACHED * wide, wide, lanes, |k, column| {
                hh(R::RECURRENT_BLOCKS[k / wide], k % wide, column)
            }),
            reset: R::RESET_BEFORE
                .then(|| Panels::plain(wide, wide, lanes, |k, column| hh(2, k, column))),
        }
    }
}
