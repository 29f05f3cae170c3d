//! How good a recogniser is: predictions in, figures out.
//!
//! 1. [`Predictions`] hold a recogniser's answers, one row a clip. They are
//!    written and read as a CSV file.
//! 2. [`ConfusionMatrix`] counts them. Accuracy, recall, UAR, precision and F1
//!    follow from the counts.
//! 3. [`Calibration`] compares the predicted probabilities with how often the
//!    answers are right.
//! 4. [`diarization`] compares emotion over time with a reference.
//! 5. [`cross_validation`] pools the predictions of all folds and seeds: mean and
//!    standard deviation over the seeds, and a confidence interval over speakers.
//!
//! The crate knows nothing of networks and draws nothing.
//!
//! # From predictions to UAR
//!
//! ```
//! use metrics::{Calibration, Prediction, Predictions};
//!
//! let mut predictions = Predictions::new(["calm", "angry"]);
//! // File, true class, probabilities of calm and angry.
//! for (path, label, probabilities) in [
//!     ("a.wav", 0, [0.9, 0.1]),
//!     ("b.wav", 0, [0.8, 0.2]),
//!     ("c.wav", 0, [0.4, 0.6]), // calm, but called angry
//!     ("d.wav", 1, [0.3, 0.7]),
//! ] {
//!     predictions.push(Prediction {
//!         path: path.into(),
//!         speaker: "1".into(),
//!         label: Some(label),
//!         predicted: usize::from(probabilities[1] > probabilities[0]),
//!         probabilities: probabilities.to_vec(),
//!     })?;
//! }
//!
//! let matrix = predictions.confusion_matrix();
//! assert_eq!(matrix.counts(), [[2, 1], [0, 1]]);
//! assert_eq!(matrix.accuracy(), Some(3.0 / 4.0));
//! assert_eq!(matrix.uar(), Some((2.0 / 3.0 + 1.0) / 2.0)); // mean of the recalls
//!
//! let calibration = Calibration::of([&predictions]);
//! assert!((calibration.error - 0.3).abs() < 1e-6);
//! # Ok::<(), metrics::MetricsError>(())
//! ```

mod calibration;
mod confusion_matrix;
pub mod cross_validation;
pub mod diarization;
mod epoch_metrics;
mod error;
mod predictions;
mod predictions_csv;

pub use calibration::{Calibration, CalibrationBin};
pub use confusion_matrix::ConfusionMatrix;
pub use epoch_metrics::EpochMetrics;
pub use error::MetricsError;
pub use predictions::{Prediction, Predictions};
pub use predictions_csv::PredictionsCsv;

#[cfg(test)]
mod tests {
    use super::cross_validation::{AdaptationTest, Design, FoldResult, Summary};
    use super::*;

    #[test]
    fn every_type_can_be_sent_to_and_shared_between_threads() {
        fn check<T: Send + Sync>() {}
        check::<Calibration>();
        check::<ConfusionMatrix>();
        check::<EpochMetrics>();
        check::<MetricsError>();
        check::<Predictions>();
        check::<PredictionsCsv>();
        check::<(Design, FoldResult, AdaptationTest, Summary)>();
    }
}
