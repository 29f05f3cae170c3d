//! A linear classifier over a clip's functionals, solved in closed form.
//!
//! Linear discriminant analysis: every label has a mean, all share one covariance,
//! and a clip's score for a label is the logarithm of that Gaussian's density, up
//! to what all labels have in common:
//!
//! ```text
//! score_c(x) = mean_c' S⁻¹ x - ½ mean_c' S⁻¹ mean_c,   S = (1-λ) S_w + λ tr(S_w)/d I
//! ```
//!
//! `S_w` is the mean of the labels' covariances and `λ` the shrinkage, without which
//! a few hundred clips could not tell the covariance of several hundred numbers
//! (Friedman, 1989; scikit-learn's `LinearDiscriminantAnalysis(solver="eigen",
//! shrinkage=λ)` with equal priors). Of the pretrained encoder's embedding it makes
//! a better classifier than networks trained by gradient descent, in two seconds.

use std::ops::Range;

use audio::{FeatureSpec, Features};
use burn::tensor::{Device, Tensor, TensorData};
use recurrent::parameters::{Array, Parameters};
use serde::{Deserialize, Serialize};

use crate::matrix::{cholesky, solve, times};
use crate::{Encoder, ModelError, Normalisation};

/// Which of a clip's functionals a linear classifier reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LinearInputs {
    /// The encoder's embedding.
    #[default]
    Encoder,
    /// The functionals without the embedding.
    Functionals,
    /// Both.
    All,
}

impl LinearInputs {
    /// Their places among a clip's functionals.
    pub fn range(self, spec: &FeatureSpec) -> Range<usize> {
        let before = spec.functional_names().len();
        let embedding = spec.encoder.as_ref().map_or(0, |_| Encoder::EMBEDDING);
        match self {
            LinearInputs::Encoder => before..before + embedding,
            LinearInputs::Functionals => 0..before,
            LinearInputs::All => 0..before + embedding,
        }
    }
}

/// A linear classifier of a model, with its normalisation.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearClassifier {
    /// What it reads.
    pub inputs: LinearInputs,
    /// How the functionals are normalised before.
    pub normalisation: Normalisation,
    /// How much its probabilities count in the mean of the model's members.
    pub share: f32,
    /// `[labels, inputs]`.
    weight: Vec<f32>,
    /// One for each label.
    bias: Vec<f32>,
}

/// Normalised clips to fit a linear classifier to.
#[derive(Clone, Debug, Default)]
pub struct LinearClips {
    rows: Vec<f32>,
    labels: Vec<usize>,
}

impl LinearClips {
    /// Adds the normalised numbers of a clip.
    pub fn push(&mut self, row: &[f32], label: usize) {
        self.rows.extend_from_slice(row);
        self.labels.push(label);
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }
}

/// How much more a clip of a rare label may count than the mean clip. The weight that
/// makes all labels count the same is 1.9 for the rarest label of RAVDESS and 1.7 for
/// EmoDB's; a single clip among a hundred would have 25, and drown the other labels.
pub const MOST_CLASS_WEIGHT: f64 = 4.0;

/// How much a label with `count` clips counts beside one that counts in full.
fn class_share(count: usize, counts: &[usize]) -> f64 {
    let present = counts.iter().filter(|count| **count > 0).count();
    let mean = counts.iter().sum::<usize>() as f64 / present.max(1) as f64;
    (MOST_CLASS_WEIGHT * count as f64 / mean).min(1.0)
}

impl LinearClassifier {
    /// Fits a classifier to clips whose numbers, of `inputs`, are normalised.
    /// Labels count the same, however many clips they have, as long as their clips
    /// need no more than [`MOST_CLASS_WEIGHT`] for that; a label without clips is never
    /// the most probable.
    ///
    /// # Errors
    ///
    /// [`ModelError::Settings`] if there are fewer than two labels with clips, the
    /// clips have no numbers, or one of them is not finite.
    pub fn fit(
        clips: &LinearClips,
        labels: usize,
        shrinkage: f64,
        inputs: LinearInputs,
        normalisation: Normalisation,
    ) -> Result<Self, ModelError> {
        let wrong = |what: &str| ModelError::Settings { what: what.into() };
        let size = clips.rows.len() / clips.len().max(1);
        if size == 0 {
            return Err(wrong("a linear classifier needs clips with functionals"));
        }
        let (means, counts) = means(clips, labels, size);
        if counts.iter().filter(|count| **count > 0).count() < 2 {
            return Err(wrong(
                "a linear classifier needs clips of at least two labels",
            ));
        }
        let mut covariance = covariance(clips, &means, &counts, size)?;
        shrink(&mut covariance, size, shrinkage);
        let factor = cholesky(covariance, size)
            .ok_or_else(|| wrong("a functional of the training clips is not finite"))?;
        let mut weight = Vec::with_capacity(labels * size);
        let mut bias = Vec::with_capacity(labels);
        for (mean, &count) in means.chunks_exact(size).zip(&counts) {
            let row = solve(&factor, mean);
            let half: f64 = row.iter().zip(mean).map(|(w, m)| w * m).sum::<f64>() / 2.0;
            // A label that nobody has shown: less probable than any other.
            bias.push(match count {
                0 => -1e4,
                count => (class_share(count, &counts).ln() - half) as f32,
            });
            weight.extend(row.into_iter().map(|w| w as f32));
        }
        Ok(LinearClassifier {
            inputs,
            normalisation,
            share: 1.0,
            weight,
            bias,
        })
    }

    /// Divides all scores by a temperature, so that the probabilities are less
    /// certain where it is above 1.
    pub fn cool(&mut self, temperature: f32) {
        let all = self.weight.iter_mut().chain(&mut self.bias);
        all.for_each(|value| *value /= temperature);
    }

    /// The logarithms of the labels' probabilities, up to a common number.
    ///
    /// # Errors
    ///
    /// [`ModelError::Settings`] if the clip has other functionals than the model.
    pub fn scores(&self, clip: &Features, range: &Range<usize>) -> Result<Vec<f32>, ModelError> {
        let statistics = &self.normalisation.functionals;
        statistics.check(clip.functionals.len(), "functionals")?;
        let mut row = clip.functionals.clone();
        statistics.apply(&mut row);
        Ok(self.scores_of(&row[range.clone()]))
    }

    /// The scores of normalised numbers, of its inputs alone.
    pub(crate) fn scores_of(&self, row: &[f32]) -> Vec<f32> {
        let of_label = |(weight, bias): (&[f32], &f32)| times(weight, row) + bias;
        let weights = self.weight.chunks_exact(row.len().max(1));
        weights.zip(&self.bias).map(of_label).collect()
    }

    /// What a label's score gains by one more of each of its inputs, normalised; a row
    /// for each label.
    #[cfg(feature = "train")]
    pub(crate) fn weights(&self) -> impl Iterator<Item = &[f32]> {
        let inputs = self.weight.len() / self.bias.len().max(1);
        self.weight.chunks_exact(inputs.max(1))
    }

    /// The labels' probabilities.
    ///
    /// # Errors
    ///
    /// As [`scores`](Self::scores).
    pub fn probabilities(
        &self,
        clip: &Features,
        range: &Range<usize>,
    ) -> Result<Vec<f64>, ModelError> {
        Ok(softmax(&self.scores(clip, range)?))
    }

    /// The number of its weights.
    pub fn parameter_count(&self) -> usize {
        self.weight.len() + self.bias.len()
    }

    /// As named arrays, for a model file.
    pub(crate) fn parameters(&self) -> Parameters {
        let labels = self.bias.len();
        Parameters::from([
            (
                "weight".into(),
                Array {
                    shape: vec![labels, self.weight.len() / labels.max(1)],
                    values: self.weight.clone(),
                },
            ),
            (
                "bias".into(),
                Array {
                    shape: vec![labels],
                    values: self.bias.clone(),
                },
            ),
        ])
    }

    /// From named arrays; `None` if they are not of so many labels and inputs.
    pub(crate) fn from_parameters(
        parameters: &Parameters,
        labels: usize,
        size: usize,
        inputs: LinearInputs,
        normalisation: Normalisation,
        share: f32,
    ) -> Option<Self> {
        let (weight, bias) = (parameters.get("weight")?, parameters.get("bias")?);
        let fits = weight.shape == [labels, size]
            && bias.shape == [labels]
            && share.is_finite()
            && share > 0.0
            && weight
                .values
                .iter()
                .chain(&bias.values)
                .all(|v| v.is_finite());
        fits.then(|| LinearClassifier {
            inputs,
            normalisation,
            share,
            weight: weight.values.clone(),
            bias: bias.values.clone(),
        })
    }
}

/// Probabilities in proportion to the scores' powers.
pub(crate) fn softmax(scores: &[f32]) -> Vec<f64> {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f64> = scores.iter().map(|s| f64::from(s - most).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
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

/// The mean of the labels' covariances. The product is that of Burn's CPU backend,
/// which is many times faster than a plain loop.
pub(crate) fn covariance(
    clips: &LinearClips,
    means: &[f64],
    counts: &[usize],
    size: usize,
) -> Result<Vec<f64>, ModelError> {
    let present = counts.iter().filter(|count| **count > 0).count() as f64;
    let mut centred = Vec::with_capacity(clips.rows.len());
    for (row, &label) in clips.rows.chunks_exact(size).zip(&clips.labels) {
        let factor = (1.0 / (present * counts[label] as f64)).sqrt();
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

#[cfg(test)]
mod tests {
    use audio::Frames;

    use super::*;

    /// The numbers of the Python code below.
    fn clips() -> (Vec<[f32; 3]>, Vec<usize>) {
        let value = |n: usize, k: usize| ((n * 37 + k * 53) % 89) as f32 / 44.0 - 1.0;
        let labels: Vec<usize> = (0..60).map(|n| n % 3).collect();
        let rows = labels.iter().enumerate().map(|(n, label)| {
            let mut row = [value(n, 1), value(n, 2), value(n, 3)];
            row[*label] += 0.8;
            row
        });
        (rows.collect(), labels)
    }

    fn normalisation(rows: &[[f32; 3]]) -> Normalisation {
        let clips: Vec<Features> = rows.iter().map(features).collect();
        Normalisation::fit(&clips).unwrap()
    }

    fn features(row: &[f32; 3]) -> Features {
        Features::new(Frames::new(Vec::new(), 0), row.to_vec())
    }

    #[test]
    fn probabilities_are_those_of_scikit_learns_discriminant_analysis() {
        // value = lambda n, k: ((n * 37 + k * 53) % 89) / 44 - 1
        // y = np.arange(60) % 3
        // x = np.array([[value(n, k) for k in (1, 2, 3)] for n in range(60)])
        // x[np.arange(60), y] += .8
        // z = (x - x.mean(0)) / x.std(0)
        // S = sum(np.cov(z[y == c].T, bias=True) for c in range(3)) / 3
        // S = .5 * S + .5 * np.trace(S) / 3 * np.eye(3)
        // LinearDiscriminantAnalysis(solver="lsqr", priors=[1/3] * 3, covariance_estimator=
        //     an estimator whose covariance_ is S).fit(z, y).predict_proba(z[:3])
        const THEIRS: [[f64; 3]; 3] = [
            [0.5547549, 0.0611672, 0.3840779],
            [0.0602747, 0.8678782, 0.0718471],
            [0.0379449, 0.0248507, 0.9372044],
        ];
        let (rows, labels) = clips();
        let normalisation = normalisation(&rows);
        let mut set = LinearClips::default();
        for (row, label) in rows.iter().zip(&labels) {
            let normalised = normalisation.apply(&features(row)).unwrap();
            set.push(&normalised.functionals, *label);
        }
        let inputs = LinearInputs::Functionals;
        let fitted = LinearClassifier::fit(&set, 3, 0.5, inputs, normalisation).unwrap();
        for (row, theirs) in rows.iter().zip(THEIRS) {
            let ours = fitted.probabilities(&features(row), &(0..3)).unwrap();
            for (a, b) in ours.iter().zip(theirs) {
                assert!((a - b).abs() < 1e-5, "{ours:?} {theirs:?}");
            }
        }
    }

    #[test]
    fn a_label_without_clips_is_never_the_answer_and_one_label_is_refused() {
        let (rows, labels) = clips();
        let mut set = LinearClips::default();
        for (row, label) in rows.iter().zip(&labels) {
            set.push(row, *label);
        }
        let inputs = LinearInputs::Functionals;
        let fit = |set: &LinearClips, labels| {
            LinearClassifier::fit(set, labels, 0.5, inputs, normalisation(&rows))
        };
        let fitted = fit(&set, 4).unwrap();
        for row in &rows {
            let probabilities = fitted.probabilities(&features(row), &(0..3)).unwrap();
            assert!(probabilities[3] < 1e-6);
        }
        let mut one = LinearClips::default();
        rows.iter().for_each(|row| one.push(row, 0));
        assert!(fit(&one, 3).is_err());
        assert!(fit(&LinearClips::default(), 3).is_err());
        let mut odd = set.clone();
        odd.push(&[f32::NAN, 0.0, 0.0], 1);
        assert!(fit(&odd, 3).is_err());
    }
}
