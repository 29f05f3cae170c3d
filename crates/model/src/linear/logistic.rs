//! Multinomial logistic regression.
//!
//! The probabilities of the labels are the softmax of the scores `w_c'x + b_c`, and the
//! weights are those with the smallest
//!
//! ```text
//! ½ Σ w_c'w_c + C Σ s_i (-ln p(y_i | x_i))
//! ```
//!
//! where `C` is the cost and `s_i` what the clip counts; biases are free, as in
//! scikit-learn's `LogisticRegression`. (Of two labels scikit-learn fits one vector
//! instead of two, which is this with twice the cost.)
//!
//! The function is convex, and L-BFGS finds its minimum: Newton's method with a matrix
//! made of the last steps (Nocedal and Wright, "Numerical Optimization", 2006,
//! algorithm 7.4), and steps halved until the function falls enough (their 3.1).

use std::collections::VecDeque;

use super::Solution;
use super::method::LinearClips;
use crate::matrix::dot;

/// The largest entry of the gradient at the end, of the mean over clips.
const TOLERANCE: f64 = 1e-7;
/// Far more than were ever needed.
const STEPS: usize = 3000;
/// Steps that the curvature is estimated from.
const MEMORY: usize = 20;

/// The weights and biases of all labels that have clips. `weights` is what a clip of
/// each label counts.
pub(super) fn fit(
    clips: &LinearClips,
    present: &[usize],
    size: usize,
    cost: f64,
    weights: &[f64],
) -> Solution {
    let place = |label: usize| present.iter().position(|known| *known == label);
    let mut loss = Loss {
        rows: clips.with_ones(size),
        size: size + 1,
        answers: clips.labels.iter().filter_map(|l| place(*l)).collect(),
        costs: clips.labels.iter().map(|&l| cost * weights[l]).collect(),
        decay: 1.0,
    };
    // Of the mean over clips, so that the tolerance means the same for any number.
    let total: f64 = loss.costs.iter().sum();
    loss.costs.iter_mut().for_each(|c| *c /= total);
    loss.decay = 1.0 / total;
    let w = minimum(&loss, present.len());
    let mut solution = Solution::new(weights.len(), size);
    for (label, w) in present.iter().zip(w.chunks_exact(size + 1)) {
        solution.set(*label, w[..size].iter().copied(), w[size]);
    }
    solution
}

/// What is made small.
struct Loss {
    /// Of each clip, with the 1.
    rows: Vec<f64>,
    /// Of a row.
    size: usize,
    /// Places among the labels that have clips.
    answers: Vec<usize>,
    /// What each clip's loss counts.
    costs: Vec<f64>,
    /// What the weights' squares count.
    decay: f64,
}

impl Loss {
    /// Its value, and its gradient in `gradient`.
    fn at(&self, w: &[f64], gradient: &mut [f64]) -> f64 {
        let size = self.size;
        let mut value = 0.0;
        for (g, w) in gradient.chunks_exact_mut(size).zip(w.chunks_exact(size)) {
            let (w, g) = (&w[..size - 1], g);
            value += 0.5 * self.decay * dot(w, w);
            g.iter_mut().zip(w).for_each(|(g, w)| *g = self.decay * w);
            g[size - 1] = 0.0;
        }
        let mut scores = vec![0.0; w.len() / size];
        let clips = self.answers.iter().zip(&self.costs);
        for (row, (&answer, cost)) in self.rows.chunks_exact(size).zip(clips) {
            let of_labels = scores.iter_mut().zip(w.chunks_exact(size));
            of_labels.for_each(|(score, w)| *score = dot(w, row));
            let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let right = scores[answer] - most;
            scores.iter_mut().for_each(|s| *s = (*s - most).exp());
            let sum: f64 = scores.iter().sum();
            value += cost * (sum.ln() - right);
            for (label, g) in gradient.chunks_exact_mut(size).enumerate() {
                let wanted = if label == answer { 1.0 } else { 0.0 };
                let factor = cost * (scores[label] / sum - wanted);
                g.iter_mut().zip(row).for_each(|(g, x)| *g += factor * x);
            }
        }
        value
    }
}

/// A step that was taken, and how the gradient changed by it.
struct Step {
    moved: Vec<f64>,
    changed: Vec<f64>,
    /// Their product.
    curvature: f64,
}

/// Where the loss is smallest, from zero on.
fn minimum(loss: &Loss, labels: usize) -> Vec<f64> {
    let mut w = vec![0.0; labels * loss.size];
    let mut gradient = w.clone();
    let mut value = loss.at(&w, &mut gradient);
    let mut steps: VecDeque<Step> = VecDeque::with_capacity(MEMORY);
    for _ in 0..STEPS {
        if gradient.iter().all(|g| g.abs() <= TOLERANCE) {
            break;
        }
        let direction = direction(&gradient, &steps);
        let slope = dot(&direction, &gradient);
        // Nothing is known of the curvature at first.
        let mut length = match steps.is_empty() {
            true => 1.0 / dot(&gradient, &gradient).sqrt().max(1.0),
            false => 1.0,
        };
        let mut next_gradient = vec![0.0; w.len()];
        let (next, next_value) = loop {
            let next: Vec<f64> = w
                .iter()
                .zip(&direction)
                .map(|(w, d)| w + length * d)
                .collect();
            let next_value = loss.at(&next, &mut next_gradient);
            if next_value <= value + 1e-4 * length * slope {
                break (next, next_value);
            }
            length *= 0.5;
            // As near as the digits of the loss can tell.
            if length < 1e-10 {
                return w;
            }
        };
        let moved: Vec<f64> = next.iter().zip(&w).map(|(a, b)| a - b).collect();
        let changed = next_gradient.iter().zip(&gradient);
        let changed: Vec<f64> = changed.map(|(a, b)| a - b).collect();
        let curvature = dot(&moved, &changed);
        if curvature > 0.0 {
            if steps.len() == MEMORY {
                steps.pop_front();
            }
            steps.push_back(Step {
                moved,
                changed,
                curvature,
            });
        }
        (w, gradient, value) = (next, next_gradient, next_value);
    }
    w
}

/// The direction of Newton's method by what the last steps say of the curvature.
fn direction(gradient: &[f64], steps: &VecDeque<Step>) -> Vec<f64> {
    let add = |to: &mut [f64], factor: f64, what: &[f64]| {
        to.iter_mut().zip(what).for_each(|(a, b)| *a += factor * b);
    };
    let mut direction: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut factors = Vec::with_capacity(steps.len());
    for step in steps.iter().rev() {
        let factor = dot(&step.moved, &direction) / step.curvature;
        add(&mut direction, -factor, &step.changed);
        factors.push(factor);
    }
    if let Some(last) = steps.back() {
        let scale = last.curvature / dot(&last.changed, &last.changed);
        direction.iter_mut().for_each(|d| *d *= scale);
    }
    for (step, factor) in steps.iter().zip(factors.into_iter().rev()) {
        let other = dot(&step.changed, &direction) / step.curvature;
        add(&mut direction, factor - other, &step.moved);
    }
    direction
}
