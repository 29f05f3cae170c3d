//! Linear classifiers over a clip's functionals: three ways to fit one, one way to ask it.
//!
//! A classifier has a weight for every input and label, and a bias for every label.
//! A clip's scores are linear in its normalised functionals, and its probabilities are
//! the softmax of the scores. The ways to fit it ([`LinearMethod`]) are:
//!
//! - [`lda`]: linear discriminant analysis, in closed form. Of the pretrained encoder's
//!   embedding it makes a better classifier than networks trained by gradient descent,
//!   in two seconds.
//! - [`logistic`]: multinomial logistic regression.
//! - [`svm`]: a linear support vector machine, one label against the rest.
//!
//! All three have one solution for given clips, and find it without chance: no
//! epochs, no learning rate, no seed. scikit-learn's classifiers are what the tests
//! compare them with.
//!
//! The solvers are this crate's own. linfa's logistic regression (0.8) takes no
//! weights for clips, its SVM has weights for two labels only, and they bring a second
//! ndarray and an optimiser framework; the crate `liblinear` binds C++.

mod lda;
mod logistic;
mod method;
mod stored;
mod svm;
#[cfg(test)]
mod tests;

use std::ops::Range;

use audio::{FeatureSpec, Features};
use serde::{Deserialize, Serialize};

use crate::matrix::times;
use crate::{Encoder, ModelError, Normalisation};
pub(crate) use lda::{covariance, equal_weights, means};
use method::clip_weights;
pub use method::{LinearClips, LinearMethod, MOST_CLASS_WEIGHT, SvmLoss};
pub(crate) use stored::LinearHeader;

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
    /// How it was fitted; files of earlier versions do not say, and it was LDA.
    pub method: Option<LinearMethod>,
    /// How the functionals are normalised before.
    pub normalisation: Normalisation,
    /// How much its probabilities count in the mean of the model's members.
    pub share: f32,
    /// `[labels, inputs]`.
    weight: Vec<f32>,
    /// One for each label.
    bias: Vec<f32>,
}

/// Of a label without clips: less probable than any other.
const NEVER: f32 = -1e4;

/// Weights `[labels, inputs]` and biases.
struct Solution {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Solution {
    /// Of labels that all have no clips.
    fn new(labels: usize, size: usize) -> Self {
        Self {
            weight: vec![0.0; labels * size],
            bias: vec![NEVER; labels],
        }
    }

    /// Those of a label.
    fn set(&mut self, label: usize, weight: impl ExactSizeIterator<Item = f64>, bias: f64) {
        let size = weight.len();
        let own = &mut self.weight[label * size..(label + 1) * size];
        own.iter_mut().zip(weight).for_each(|(w, x)| *w = x as f32);
        self.bias[label] = bias as f32;
    }
}

impl LinearClassifier {
    /// Fits a classifier to clips whose numbers, of `inputs`, are normalised.
    /// Where labels are `balanced`, they count the same, however many clips they have,
    /// as long as their clips need no more than [`MOST_CLASS_WEIGHT`] for that. A label
    /// without clips is never the most probable.
    ///
    /// # Errors
    ///
    /// [`ModelError::Settings`] if there are fewer than two labels with clips, the
    /// clips have no numbers, one of them is not finite, or a setting of the method is
    /// out of its range.
    pub fn fit(
        clips: &LinearClips,
        labels: usize,
        method: LinearMethod,
        balanced: bool,
        inputs: LinearInputs,
        normalisation: Normalisation,
    ) -> Result<Self, ModelError> {
        let wrong = |what: &str| Err(ModelError::Settings { what: what.into() });
        let size = clips.rows.len() / clips.len().max(1);
        if size == 0 {
            return wrong("a linear classifier needs clips with functionals");
        }
        let mut counts = vec![0; labels];
        clips.labels.iter().for_each(|label| counts[*label] += 1);
        let present: Vec<usize> = (0..labels).filter(|label| counts[*label] > 0).collect();
        if present.len() < 2 {
            return wrong("a linear classifier needs clips of at least two labels");
        }
        if !clips.rows.iter().all(|value| value.is_finite()) {
            return wrong("a functional of the training clips is not finite");
        }
        method.validate()?;
        let weights = clip_weights(&counts, balanced);
        let solution = match method {
            LinearMethod::Lda { shrinkage } => lda::fit(clips, labels, size, shrinkage, balanced)?,
            LinearMethod::Logistic { cost } => logistic::fit(clips, &present, size, cost, &weights),
            LinearMethod::Svm { cost, loss } => {
                svm::fit(clips, &present, size, (cost, loss), &weights)
            }
        };
        Ok(LinearClassifier {
            inputs,
            method: Some(method),
            normalisation,
            share: 1.0,
            weight: solution.weight,
            bias: solution.bias,
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
        Ok(self.scores_of(&self.normalised(clip)?[range.clone()]))
    }

    /// All functionals of a clip, normalised.
    ///
    /// # Errors
    ///
    /// As [`scores`](Self::scores).
    pub(crate) fn normalised(&self, clip: &Features) -> Result<Vec<f32>, ModelError> {
        let statistics = &self.normalisation.functionals;
        statistics.check(clip.functionals.len(), "functionals")?;
        let mut row = clip.functionals.clone();
        statistics.apply(&mut row);
        Ok(row)
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
}

/// Probabilities in proportion to the scores' powers.
pub(crate) fn softmax(scores: &[f32]) -> Vec<f64> {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f64> = scores.iter().map(|s| f64::from(s - most).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}
