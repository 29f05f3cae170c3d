//! Few-shot adaptation to one speaker: correcting labels that the model
//! predicts too often or too rarely for a few labelled clips.
//!
//! Eight clips are enough to fit one number per label, its offset, which is
//! added to the logarithm of the label's probability. The offsets make the given
//! labels as probable as possible while a normal prior keeps them near zero
//! (vector scaling with biases only; Guo et al., 2017). A label without a clip
//! hardly changes.

use audio::Features;

use crate::{Enrolment, ModelError, Recognizer};

/// Standard deviation of the prior: in 95 of 100 cases a label's odds change at
/// most by a factor of e.
const PRIOR_DEVIATION: f64 = 0.5;
/// Steps of gradient descent. The function is convex, so there is one minimum.
const STEPS: usize = 300;
/// Length of a step, as a share of the longest safe one.
const STEP: f64 = 0.3;

impl Recognizer {
    /// Few-shot adaptation: a recogniser for one speaker, from a few clips and
    /// the index of each one's label. The speaker is enrolled; then labels that
    /// the model predicts too often or too rarely for these clips are corrected.
    ///
    /// Give a few clips of every label: with clips of one label only, the
    /// recogniser would just predict that one more often.
    ///
    /// # Errors
    ///
    /// [`ModelError::Settings`] if there is no label with that index, or the
    /// clips' features are not of the model's settings.
    pub fn few_shot(&self, clips: &[(&Features, usize)]) -> Result<Self, ModelError> {
        let labels = self.description().labels.len();
        if let Some((_, label)) = clips.iter().find(|(_, label)| *label >= labels) {
            return Err(ModelError::Settings {
                what: format!("there is no label {label}; the model has {labels}, counted from 0"),
            });
        }
        let mut speaker = Enrolment::new();
        for (features, _) in clips {
            speaker.merge(&Enrolment::of(features));
        }
        let mut recognizer = self.enrolled(&speaker)?;
        recognizer.offsets.clear();
        let features: Vec<&Features> = clips.iter().map(|(features, _)| *features).collect();
        let answers = recognizer.classify_features(&features)?;
        let predicted = answers.iter().zip(clips).map(|(answer, (_, label))| {
            let probabilities = answer.scores().iter().map(|(_, p)| *p);
            (probabilities.collect(), *label)
        });
        recognizer.offsets = offsets(&predicted.collect::<Vec<_>>());
        Ok(recognizer)
    }
}

/// The offset of each label, from clips with their predicted probabilities and
/// the index of the true label.
fn offsets(clips: &[(Vec<f32>, usize)]) -> Vec<f64> {
    let labels = clips
        .first()
        .map_or(0, |(probabilities, _)| probabilities.len());
    let mut offsets = vec![0.0; labels];
    for _ in 0..STEPS {
        let mut gradient: Vec<f64> = offsets
            .iter()
            .map(|offset| offset / (PRIOR_DEVIATION * PRIOR_DEVIATION))
            .collect();
        for (probabilities, right) in clips {
            let moved = moved(probabilities, &offsets);
            for (gradient, p) in gradient.iter_mut().zip(&moved) {
                *gradient += f64::from(*p);
            }
            if let Some(gradient) = gradient.get_mut(*right) {
                *gradient -= 1.0;
            }
        }
        // An upper bound of the curvature, so that no step is too long.
        let curvature = clips.len() as f64 / 4.0 + 1.0 / (PRIOR_DEVIATION * PRIOR_DEVIATION);
        for (offset, gradient) in offsets.iter_mut().zip(gradient) {
            *offset -= STEP * gradient / curvature;
        }
    }
    offsets
}

/// Probabilities with the offsets added to their logarithms.
pub(crate) fn moved(probabilities: &[f32], offsets: &[f64]) -> Vec<f32> {
    let pairs = probabilities.iter().zip(offsets);
    let weights: Vec<f64> = pairs.map(|(p, o)| f64::from(*p) * o.exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| (weight / sum) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_that_is_predicted_too_often_becomes_less_probable() {
        // Always predicted as the second label, but half of the clips have the first.
        let clips: Vec<(Vec<f32>, usize)> =
            (0..8).map(|clip| (vec![0.3, 0.6, 0.1], clip % 2)).collect();
        let offsets = offsets(&clips);
        assert!(offsets[0] > 0.0 && offsets[1] < 0.0, "{offsets:?}");
        let after = moved(&[0.3, 0.6, 0.1], &offsets);
        assert!((after.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert!((after[0] - after[1]).abs() < 0.2, "{after:?}");
        // At the minimum the gradient is zero.
        let pull = |label: usize, share: f64| {
            offsets[label] / (PRIOR_DEVIATION * PRIOR_DEVIATION)
                + 8.0 * (f64::from(after[label]) - share)
        };
        assert!(pull(0, 0.5).abs() < 1e-3 && pull(2, 0.0).abs() < 1e-3);
    }

    #[test]
    fn without_clips_nothing_changes() {
        assert!(offsets(&[]).is_empty());
        assert_eq!(moved(&[0.25, 0.75], &[0.0, 0.0]), [0.25, 0.75]);
    }
}
