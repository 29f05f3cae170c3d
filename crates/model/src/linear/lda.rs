//! Linear discriminant analysis, in closed form.
//!
//! Every label has a mean, all share one covariance, and a clip's score for a label is
//! the logarithm of that Gaussian's density and of the label's share `p_c` of all
//! clips, up to what all labels have in common:
//!
//! ```text
//! score_c(x) = mean_c' S⁻¹ x - ½ mean_c' S⁻¹ mean_c + ln p_c,   S = (1-λ) S_w + λ tr(S_w)/d I
//! ```
//!
//! `S_w` is the mean of the labels' covariances and `λ` the shrinkage, without which
//! a few hundred clips could not tell the covariance of several hundred numbers
//! (Friedman, 1989; scikit-learn's `LinearDiscriminantAnalysis(solver="eigen",
//! shrinkage=λ)`, with equal priors where labels are balanced).

use burn::tensor::{Device, Tensor, TensorData};

use super::Solution;
use super::method::{LinearClips, MOST_CLASS_WEIGHT};
use crate::ModelError;
use crate::matrix::{cholesky, solve};

/// The weights and biases of all labels that have clips.
pub(super) fn fit(
    clips: &LinearClips,
    labels: usize,
    size: usize,
    shrinkage: f64,
    balanced: bool,
) -> Result<Solution, ModelError> {
    let (means, counts) = means(clips, labels, size);
    let weights = match balanced {
        true => equal_weights(&counts),
        false => vec![1.0 / clips.len() as f64; labels],
    };
    let mut covariance = covariance(clips, &means, &weights, size)?;
    shrink(&mut covariance, size, shrinkage);
    let factor = cholesky(covariance, size).ok_or_else(|| ModelError::Settings {
        what: "the covariance of the training clips cannot be inverted; raise the shrinkage".into(),
    })?;
    let mut solution = Solution::new(labels, size);
    let shares = shares(&counts, balanced);
    for (label, mean) in means.chunks_exact(size).enumerate() {
        if counts[label] == 0 {
            continue;
        }
        let row = solve(&factor, mean);
        let half: f64 = row.iter().zip(mean).map(|(w, m)| w * m).sum::<f64>() / 2.0;
        solution.set(label, row.into_iter(), shares[label].ln() - half);
    }
    Ok(solution)
}

/// The labels' shares of all clips, up to a common factor: where labels are balanced
/// all the same, but for labels of a few clips.
fn shares(counts: &[usize], balanced: bool) -> Vec<f64> {
    let present = counts.iter().filter(|count| **count > 0).count();
    let mean = counts.iter().sum::<usize>() as f64 / present.max(1) as f64;
    let share = |&count: &usize| match balanced {
        true => (MOST_CLASS_WEIGHT * count as f64 / mean).min(1.0),
        false => count as f64 / mean,
    };
    counts.iter().map(share).collect()
}

/// The mean of each label's clips, and how many it has.
pub(crate) fn means(clips: &LinearClips, labels: usize, size: usize) -> (Vec<f64>, Vec<usize>) {
    let mut means = vec![0.0; labels * size];
    let mut counts = vec![0; labels];
    for (row, &label) in clips.rows.chunks_exact(size).zip(&clips.labels) {
        counts[label] += 1;
        let mean = &mut means[label * size..(label + 1) * size];
        mean.iter_mut()
            .zip(row)
            .for_each(|(m, x)| *m += f64::from(*x));
    }
    for (mean, &count) in means.chunks_exact_mut(size).zip(&counts) {
        mean.iter_mut().for_each(|m| *m /= count.max(1) as f64);
    }
    (means, counts)
}

/// What a clip of each label counts in a covariance in which all labels with clips
/// count the same. The weights of all clips sum to 1.
pub(crate) fn equal_weights(counts: &[usize]) -> Vec<f64> {
    let present = counts.iter().filter(|count| **count > 0).count() as f64;
    let weight = |&count: &usize| 1.0 / (present * count.max(1) as f64);
    counts.iter().map(weight).collect()
}

/// The covariance within labels, to which a clip counts with its label's weight. The
/// product is that of Burn's CPU backend, which is many times faster than a plain loop.
pub(crate) fn covariance(
    clips: &LinearClips,
    means: &[f64],
    weights: &[f64],
    size: usize,
) -> Result<Vec<f64>, ModelError> {
    let mut centred = Vec::with_capacity(clips.rows.len());
    for (row, &label) in clips.rows.chunks_exact(size).zip(&clips.labels) {
        let factor = weights[label].sqrt();
        let mean = &means[label * size..(label + 1) * size];
        centred.extend(
            row.iter()
                .zip(mean)
                .map(|(x, m)| ((f64::from(*x) - m) * factor) as f32),
        );
    }
    let centred = TensorData::new(centred, [clips.len(), size]);
    let centred = Tensor::<2>::from_data(centred, &Device::flex());
    let product = centred.clone().transpose().matmul(centred);
    let product: Vec<f32> = product
        .try_into_vec_as()
        .map_err(|error| ModelError::Backend {
            backend: "flex".into(),
            what: format!("the covariance could not be computed: {error:?}"),
        })?;
    Ok(product.into_iter().map(f64::from).collect())
}

/// Mixes in a multiple of the identity with the same trace. Clips that do not vary
/// within their labels, as of one clip each, have a covariance of zero; any multiple
/// of the identity then gives the same answers.
fn shrink(covariance: &mut [f64], size: usize, shrinkage: f64) {
    let trace: f64 = covariance.iter().step_by(size + 1).sum();
    let diagonal = (shrinkage * trace / size as f64).max(1e-6);
    covariance
        .iter_mut()
        .for_each(|value| *value *= 1.0 - shrinkage);
    let on_diagonal = covariance.iter_mut().step_by(size + 1);
    on_diagonal.for_each(|value| *value += diagonal);
}
