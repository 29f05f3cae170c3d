//! Linear support vector machines, one label against the rest.
//!
//! For every label, with `y = 1` for its clips and `y = -1` for all others, the weights
//! `w` are those with the smallest
//!
//! ```text
//! ½ w'w + C Σ s_i max(0, 1 - y_i w'x_i)        (hinge)
//! ½ w'w + C Σ s_i max(0, 1 - y_i w'x_i)²       (squared hinge)
//! ```
//!
//! where `C` is the cost, `s_i` what the clip counts, and every `x_i` has a 1 behind
//! its numbers whose weight is the bias, as in LIBLINEAR (`-B 1`) and scikit-learn's
//! `LinearSVC(dual=True)`. A clip's score for the label is the margin `w'x`.
//!
//! The dual problem has a variable `α_i` for every clip, and `w = Σ α_i y_i x_i`. It is
//! solved by coordinate descent: one variable after the other is set to what is best
//! with all others as they are, in an order drawn anew in every pass; variables that
//! stay at a bound are set aside (Hsieh, Chang, Lin, Keerthi and Sundararajan, "A dual
//! coordinate descent method for large-scale linear SVM", ICML 2008, algorithm 3).

use rayon::prelude::*;

use super::Solution;
use super::method::{LinearClips, SvmLoss};
use crate::matrix::dot;

/// The largest difference between two projected gradients at the end.
const TOLERANCE: f64 = 1e-6;
/// With a cost far above the useful ones the descent is slow. It ends after so many
/// visits of a clip, a second or two for each label, though not before so many passes.
const VISITS: usize = 10_000_000;
const PASSES_AT_LEAST: usize = 1000;

/// The weights and biases of all labels that have clips. `weights` is what a clip of
/// each label counts.
pub(super) fn fit(
    clips: &LinearClips,
    present: &[usize],
    size: usize,
    (cost, loss): (f64, SvmLoss),
    weights: &[f64],
) -> Solution {
    let rows = clips.with_ones(size);
    let costs: Vec<f64> = clips.labels.iter().map(|&l| cost * weights[l]).collect();
    let of_label = |&label: &usize| {
        let signs = clips.labels.iter();
        let signs: Vec<f64> = signs
            .map(|&l| if l == label { 1.0 } else { -1.0 })
            .collect();
        (label, Dual::new(&rows, &signs, &costs, loss).solved())
    };
    let solved: Vec<(usize, Vec<f64>)> = present.par_iter().map(of_label).collect();
    let mut solution = Solution::new(weights.len(), size);
    for (label, w) in solved {
        solution.set(label, w[..size].iter().copied(), w[size]);
    }
    solution
}

/// The dual problem of one label against the rest.
struct Dual<'a> {
    /// Of each clip, with the 1.
    rows: Vec<&'a [f64]>,
    signs: &'a [f64],
    /// What is added to the diagonal of the dual's matrix.
    diagonal: Vec<f64>,
    /// The largest value of each variable.
    bound: Vec<f64>,
    /// The diagonal of the dual's matrix.
    curvature: Vec<f64>,
}

impl<'a> Dual<'a> {
    fn new(rows: &'a [f64], signs: &'a [f64], costs: &[f64], loss: SvmLoss) -> Self {
        let rows: Vec<&[f64]> = rows.chunks_exact(rows.len() / signs.len()).collect();
        let (diagonal, bound): (Vec<f64>, Vec<f64>) = costs
            .iter()
            .map(|&cost| match loss {
                SvmLoss::Hinge => (0.0, cost),
                SvmLoss::SquaredHinge => (0.5 / cost, f64::INFINITY),
            })
            .unzip();
        let squares = rows.iter().zip(&diagonal).map(|(row, d)| dot(row, row) + d);
        Self {
            curvature: squares.collect(),
            rows,
            signs,
            diagonal,
            bound,
        }
    }

    /// The weights, the bias last.
    fn solved(&self) -> Vec<f64> {
        let mut w = vec![0.0; self.rows.first().map_or(0, |row| row.len())];
        let mut alpha = vec![0.0; self.rows.len()];
        let mut order: Vec<usize> = (0..self.rows.len()).collect();
        let mut active = order.len();
        let mut draws = Draws(1);
        // The projected gradients of the pass before, which say who is set aside.
        let mut before = (f64::NEG_INFINITY, f64::INFINITY);
        for _ in 0..(VISITS / order.len().max(1)).max(PASSES_AT_LEAST) {
            draws.shuffle(&mut order[..active]);
            let mut now = (f64::INFINITY, f64::NEG_INFINITY);
            let mut place = 0;
            while place < active {
                let i = order[place];
                let gradient =
                    self.signs[i] * dot(&w, self.rows[i]) - 1.0 + self.diagonal[i] * alpha[i];
                let is_low = alpha[i] <= 0.0;
                let is_high = alpha[i] >= self.bound[i];
                if (is_low && gradient > before.1) || (is_high && gradient < before.0) {
                    active -= 1;
                    order.swap(place, active);
                    continue;
                }
                let projected = match (is_low, is_high) {
                    (true, _) => gradient.min(0.0),
                    (_, true) => gradient.max(0.0),
                    _ => gradient,
                };
                now = (now.0.min(projected), now.1.max(projected));
                if projected.abs() > 1e-14 {
                    let next = (alpha[i] - gradient / self.curvature[i]).clamp(0.0, self.bound[i]);
                    let step = (next - alpha[i]) * self.signs[i];
                    w.iter_mut()
                        .zip(self.rows[i])
                        .for_each(|(w, x)| *w += step * x);
                    alpha[i] = next;
                }
                place += 1;
            }
            if active == 0 || now.1 - now.0 <= TOLERANCE {
                if active == order.len() {
                    break;
                }
                // Whoever was set aside is asked once more.
                active = order.len();
                before = (f64::NEG_INFINITY, f64::INFINITY);
                continue;
            }
            let below = if now.0 < 0.0 {
                now.0
            } else {
                f64::NEG_INFINITY
            };
            let above = if now.1 > 0.0 { now.1 } else { f64::INFINITY };
            before = (below, above);
        }
        w
    }
}

/// Orders that look random, the same in every fit (Vigna's SplitMix64). The solution
/// does not depend on them.
struct Draws(u64);

impl Draws {
    fn shuffle(&mut self, order: &mut [usize]) {
        for last in (1..order.len()).rev() {
            order.swap(last, (self.next() % (last as u64 + 1)) as usize);
        }
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
