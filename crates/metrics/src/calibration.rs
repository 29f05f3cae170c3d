//! Whether predicted probabilities match how often the answers are right.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::{Deserialize, Serialize};

use crate::Predictions;

/// Bins of equal width over the probabilities from 0 to 1.
const BINS: usize = 15;

/// How well the predicted probabilities match how often the answers are right.
///
/// Predictions are sorted into 15 bins of equal width by the probability of the
/// predicted class, which is called their confidence. In a well calibrated
/// recogniser the accuracy in each bin equals the mean confidence there. The
/// measure is that of Guo, Pleiss, Sun and Weinberger, *On Calibration of Modern
/// Neural Networks* (ICML 2017).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Calibration {
    /// The bins, from the least to the most confident.
    pub bins: Vec<CalibrationBin>,
    /// Expected calibration error (ECE): the mean gap between accuracy and
    /// confidence, each bin weighted by its number of clips. From 0 (well
    /// calibrated) to 1; 0 without clips.
    pub error: f64,
}

/// The clips whose confidence is in one range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CalibrationBin {
    /// Number of clips.
    pub clips: usize,
    /// Their mean confidence, from 0 to 1; 0 without clips.
    pub confidence: f64,
    /// The fraction of them that is right; 0 without clips.
    pub accuracy: f64,
}

impl Calibration {
    /// The calibration of all these predictions together. Clips without a true
    /// label are left out.
    pub fn of<'a>(predictions: impl IntoIterator<Item = &'a Predictions>) -> Self {
        let mut bins = vec![CalibrationBin::default(); BINS];
        for row in predictions.into_iter().flat_map(Predictions::rows) {
            let (Some(label), Some(&confidence)) =
                (row.label, row.probabilities.get(row.predicted))
            else {
                continue;
            };
            let confidence = f64::from(confidence);
            let bin = &mut bins[((confidence * BINS as f64) as usize).min(BINS - 1)];
            bin.clips += 1;
            bin.confidence += confidence;
            bin.accuracy += f64::from(u8::from(label == row.predicted));
        }
        let total: usize = bins.iter().map(|bin| bin.clips).sum();
        let mut error = 0.0;
        for bin in bins.iter_mut().filter(|bin| bin.clips > 0) {
            let clips = bin.clips as f64;
            error += (bin.accuracy - bin.confidence).abs() / total as f64;
            bin.confidence /= clips;
            bin.accuracy /= clips;
        }
        Self { bins, error }
    }

    /// The 95 % confidence interval of the expected calibration error, by the
    /// percentile bootstrap over speakers: as many as there are, drawn with
    /// replacement, 1000 times, the same every time. `None` with fewer than two
    /// speakers. The error of a resample is larger on average than that of the
    /// whole, since chance moves every bin; so the draws are shifted to have the
    /// whole's error as their median.
    pub fn interval(predictions: &Predictions) -> Option<[f64; 2]> {
        let speakers = predictions.speakers();
        if speakers.len() < 2 {
            return None;
        }
        let of_speaker: Vec<Predictions> = speakers
            .iter()
            .map(|speaker| predictions.filtered(|row| row.speaker == *speaker))
            .collect();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut errors: Vec<f64> = (0..1000)
            .map(|_| {
                let draw = |_| &of_speaker[rng.random_range(0..of_speaker.len())];
                Self::of((0..of_speaker.len()).map(draw)).error
            })
            .collect();
        errors.sort_by(f64::total_cmp);
        let shift = Self::of([predictions]).error - errors[500];
        Some([25, 975].map(|at| (errors[at] + shift).max(0.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Prediction;

    /// Clips of class 0, each called class 0 or 1 with this confidence.
    fn answers(answers: &[(usize, f32)]) -> Predictions {
        let mut predictions = Predictions::new(["a", "b"]);
        for &(predicted, confidence) in answers {
            let mut probabilities = vec![1.0 - confidence; 2];
            probabilities[predicted] = confidence;
            let row = Prediction {
                path: "x.wav".into(),
                speaker: "1".into(),
                label: Some(0),
                predicted,
                probabilities,
            };
            predictions.push(row).unwrap();
        }
        predictions
    }

    #[test]
    fn the_error_is_the_weighted_gap_derived_by_hand() {
        // At 0.75: 3 of 4 right, no gap. At 1: 0 of 1 right, a gap of 1.
        let sure = answers(&[(0, 0.75), (0, 0.75), (0, 0.75), (1, 0.75)]);
        let wrong = answers(&[(1, 1.0)]);
        assert_eq!(Calibration::of([&sure]).error, 0.0);
        assert_eq!(Calibration::of([&wrong]).error, 1.0);
        let both = Calibration::of([&sure, &wrong]);
        assert!((both.error - 0.2).abs() < 1e-12);
        let filled: Vec<_> = both.bins.iter().filter(|bin| bin.clips > 0).collect();
        assert_eq!((filled[0].clips, filled[0].accuracy), (4, 0.75));
        assert_eq!((filled[1].clips, filled[1].accuracy), (1, 0.0));
    }

    #[test]
    fn the_interval_holds_the_error_and_narrows_with_more_speakers() {
        let speakers = |count: usize| {
            let mut all = Predictions::new(["a", "b"]);
            for speaker in 0..count {
                for clip in 0..20 {
                    // Said with .7, right in 40 to 80 of 100 by speaker.
                    let right = clip < 8 + 4 * (speaker % 3);
                    let mut one = answers(&[(usize::from(!right), 0.7)]).rows()[0].clone();
                    one.speaker = speaker.to_string();
                    all.push(one).unwrap();
                }
            }
            all
        };
        let width = |count| {
            let all = speakers(count);
            let [low, high] = Calibration::interval(&all).unwrap();
            let error = Calibration::of([&all]).error;
            assert!(low <= error && error <= high, "{low} {error} {high}");
            high - low
        };
        assert!(width(60) < width(6));
        assert_eq!(Calibration::interval(&speakers(1)), None);
        let again = Calibration::interval(&speakers(6));
        assert_eq!(again, Calibration::interval(&speakers(6)));
    }

    #[test]
    fn clips_without_a_label_do_not_count() {
        let mut predictions = Predictions::new(["a"]);
        let row = Prediction {
            path: "x.wav".into(),
            speaker: "1".into(),
            label: None,
            predicted: 0,
            probabilities: vec![1.0],
        };
        predictions.push(row).unwrap();
        let calibration = Calibration::of([&predictions]);
        assert_eq!(calibration.error, 0.0);
        assert!(calibration.bins.iter().all(|bin| bin.clips == 0));
    }
}
