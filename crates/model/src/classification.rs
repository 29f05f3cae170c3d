//! A recogniser's answer for one recording.

use serde::Serialize;

use crate::Verdict;
#[cfg(doc)]
use crate::{Familiarity, Recognizer};

/// A [`Recognizer`]'s answer for one recording: a probability for every label,
/// and what is known about how far to trust it.
///
/// [`verdict`](Self::verdict) sums it up; the other functions give the numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Classification {
    pub(crate) scores: Vec<(String, f32)>,
    pub(crate) speech_seconds: Option<f64>,
    pub(crate) unfamiliarity: Option<f32>,
    /// The recogniser's abstention threshold.
    pub(crate) abstain_below: f32,
}

impl Classification {
    /// What the numbers mean: a label, or the reason why there is none.
    pub fn verdict(&self) -> Verdict<'_> {
        let (label, probability) = (self.label(), self.probability());
        if !self.is_speech() {
            return Verdict::NoSpeech;
        }
        if probability < self.abstain_below {
            return Verdict::Unsure {
                best: label,
                probability,
                threshold: self.abstain_below,
            };
        }
        match self.unfamiliarity {
            Some(unfamiliarity) if !self.is_familiar() => Verdict::Unfamiliar {
                label,
                probability,
                unfamiliarity,
            },
            _ => Verdict::Label { label, probability },
        }
    }

    /// Every label with its probability, in the model's order; they add up to 1.
    pub fn scores(&self) -> &[(String, f32)] {
        &self.scores
    }

    /// How many seconds of the recording contain speech, as found by the audio
    /// crate's voice-activity detector. `None` if that is unknown: for features
    /// without their recording, and below 8 kHz.
    pub fn speech_seconds(&self) -> Option<f64> {
        self.speech_seconds
    }

    /// Whether anybody speaks; true if that is unknown.
    pub fn is_speech(&self) -> bool {
        self.speech_seconds != Some(0.0)
    }

    /// How far the recording is from those that the model was trained on
    /// ([`Familiarity`]). Above 1 it is out-of-distribution: farther away than
    /// 99 of 100 recordings of the training's kind by unseen speakers. `None`
    /// for a model whose features have no functionals.
    pub fn unfamiliarity(&self) -> Option<f32> {
        self.unfamiliarity
    }

    /// Whether the recording is like those that the model was trained on; true
    /// if that is unknown.
    pub fn is_familiar(&self) -> bool {
        self.unfamiliarity.is_none_or(|distance| distance <= 1.0)
    }

    /// The index of the most probable label; of equally probable ones, the first.
    pub fn index(&self) -> usize {
        (0..self.scores.len()).fold(0, |best, k| {
            if self.scores[k].1 > self.scores[best].1 {
                k
            } else {
                best
            }
        })
    }

    /// The most probable label, whatever the [verdict](Self::verdict) is.
    pub fn label(&self) -> &str {
        self.scores.get(self.index()).map_or("", |(label, _)| label)
    }

    /// The probability of the most probable label.
    pub fn probability(&self) -> f32 {
        self.scores
            .get(self.index())
            .map_or(0.0, |(_, probability)| *probability)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(calm: f32, speech: Option<f64>, unfamiliarity: Option<f32>) -> Classification {
        Classification {
            scores: vec![("calm".into(), calm), ("angry".into(), 1.0 - calm)],
            speech_seconds: speech,
            unfamiliarity,
            abstain_below: 0.6,
        }
    }

    #[test]
    fn the_first_check_that_applies_decides() {
        let (label, probability) = ("calm", 0.75);
        let unsure = Verdict::Unsure {
            best: "calm",
            probability: 0.55,
            threshold: 0.6,
        };
        // Everything at once: no speech, unsure, unfamiliar.
        assert_eq!(
            answer(0.55, Some(0.0), Some(2.0)).verdict(),
            Verdict::NoSpeech
        );
        assert_eq!(answer(0.55, Some(1.0), Some(2.0)).verdict(), unsure);
        let unfamiliar = Verdict::Unfamiliar {
            label,
            probability,
            unfamiliarity: 2.0,
        };
        assert_eq!(answer(0.75, Some(1.0), Some(2.0)).verdict(), unfamiliar);
        let plain = Verdict::Label { label, probability };
        assert_eq!(answer(0.75, Some(1.0), Some(1.0)).verdict(), plain);
        // What is unknown is no reason against a label.
        assert_eq!(answer(0.75, None, None).verdict(), plain);
        assert_eq!(answer(0.55, None, None).verdict(), unsure);
    }

    #[test]
    fn the_threshold_itself_is_probable_enough_and_ties_go_to_the_first_label() {
        let mut tie = answer(0.5, None, None);
        assert_eq!((tie.index(), tie.label()), (0, "calm"));
        assert_eq!(tie.verdict().label(), None);
        tie.abstain_below = 0.5;
        assert_eq!(tie.verdict().label(), Some("calm"));
        // Unlike anything: a distance that is not a number is not familiar.
        assert!(!answer(0.9, None, Some(f32::NAN)).is_familiar());
    }
}
