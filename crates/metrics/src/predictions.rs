//! The answers of a recogniser, one row a clip.

use std::path::PathBuf;

use crate::{ConfusionMatrix, MetricsError};

/// The answer of a recogniser for one clip.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// The file, relative to the root of its corpus, so that results can be
    /// compared between machines and do not show anybody's folders.
    pub path: PathBuf,
    /// The speaker, as the corpus names them.
    pub speaker: String,
    /// The true class as an index into the labels, if it is known.
    pub label: Option<usize>,
    /// The predicted class as an index into the labels.
    pub predicted: usize,
    /// The probability of each class, in the order of the labels.
    pub probabilities: Vec<f32>,
}

/// Predictions over one list of labels. Every row fits that list.
///
/// As a file, they are described at [`PredictionsCsv`](crate::PredictionsCsv).
#[derive(Debug, Clone, PartialEq)]
pub struct Predictions {
    labels: Vec<String>,
    rows: Vec<Prediction>,
}

impl Predictions {
    /// No predictions yet, over these classes. Labels must be distinct and not
    /// empty, or the CSV file cannot be read back.
    pub fn new<L: Into<String>>(labels: impl IntoIterator<Item = L>) -> Self {
        let labels = labels.into_iter().map(Into::into).collect();
        Self {
            labels,
            rows: Vec::new(),
        }
    }

    /// Adds one prediction.
    ///
    /// # Errors
    ///
    /// [`MetricsError::Mismatch`] if a class is not among the labels, if the
    /// probabilities are not one per label, or if the path is absolute.
    pub fn push(&mut self, prediction: Prediction) -> Result<(), MetricsError> {
        match self.misfit(&prediction) {
            None => {
                self.rows.push(prediction);
                Ok(())
            }
            Some(what) => Err(MetricsError::Mismatch { what }),
        }
    }

    /// Why a prediction does not fit the labels, if it does not.
    fn misfit(&self, prediction: &Prediction) -> Option<String> {
        let classes = self.labels.len();
        let path = prediction.path.display();
        let mut indices = prediction.label.iter().chain([&prediction.predicted]);
        if let Some(class) = indices.find(|class| **class >= classes) {
            return Some(format!("{path}: class {class} of {classes} does not exist"));
        }
        let probabilities = prediction.probabilities.len();
        if probabilities != classes {
            return Some(format!(
                "{path}: {probabilities} probabilities for {classes} labels"
            ));
        }
        (prediction.path.is_absolute())
            .then(|| format!("{path}: must be relative to the root of the corpus"))
    }

    /// The class names, in the order of the probabilities.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// The predictions, in the order in which they were added.
    pub fn rows(&self) -> &[Prediction] {
        &self.rows
    }

    /// The speakers, each once, in alphabetical order.
    pub fn speakers(&self) -> Vec<&str> {
        let mut speakers: Vec<&str> = self.rows.iter().map(|row| &*row.speaker).collect();
        speakers.sort_unstable();
        speakers.dedup();
        speakers
    }

    /// The rows for which this holds.
    pub fn filtered(&self, holds: impl Fn(&Prediction) -> bool) -> Self {
        let kept = self.rows.iter().filter(|row| holds(row));
        Self {
            labels: self.labels.clone(),
            rows: kept.cloned().collect(),
        }
    }

    /// The confusion matrix of the rows whose true class is known.
    pub fn confusion_matrix(&self) -> ConfusionMatrix {
        let known = self
            .rows
            .iter()
            .filter_map(|row| Some((row.label?, row.predicted)));
        ConfusionMatrix::from_pairs(&self.labels, known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prediction(path: &str, label: Option<usize>, predicted: usize) -> Prediction {
        Prediction {
            path: path.into(),
            speaker: "03".into(),
            label,
            predicted,
            probabilities: vec![0.2, 0.3, 0.5],
        }
    }

    #[test]
    fn the_confusion_matrix_counts_the_rows_whose_label_is_known() {
        let mut predictions = Predictions::new(["a", "b", "c"]);
        for (label, predicted) in [(Some(0), 0), (Some(1), 2), (None, 1)] {
            predictions
                .push(prediction("x.wav", label, predicted))
                .unwrap();
        }
        let matrix = predictions.confusion_matrix();
        assert_eq!(matrix.labels(), predictions.labels());
        assert_eq!(matrix.counts(), [[1, 0, 0], [0, 0, 1], [0, 0, 0]]);
    }

    #[test]
    fn rows_that_do_not_fit_the_labels_are_refused() {
        let mut predictions = Predictions::new(["a", "b", "c"]);
        let good = prediction("x.wav", Some(0), 2);
        let mut refusal = |row: Prediction| predictions.push(row).unwrap_err().to_string();

        let message = refusal(Prediction {
            label: Some(3),
            ..good.clone()
        });
        assert_eq!(message, "x.wav: class 3 of 3 does not exist");
        let message = refusal(Prediction {
            predicted: 4,
            ..good.clone()
        });
        assert_eq!(message, "x.wav: class 4 of 3 does not exist");
        let message = refusal(Prediction {
            probabilities: vec![1.0],
            ..good.clone()
        });
        assert_eq!(message, "x.wav: 1 probabilities for 3 labels");
        let here = std::env::current_dir().unwrap();
        let message = refusal(Prediction { path: here, ..good });
        assert!(message.contains("relative to the root"), "{message}");
        assert!(predictions.rows().is_empty());
    }

    #[test]
    fn each_speaker_is_named_once_in_alphabetical_order() {
        let mut predictions = Predictions::new(["a", "b", "c"]);
        for speaker in ["b", "a", "b"] {
            let row = Prediction {
                speaker: speaker.into(),
                ..prediction("x.wav", None, 0)
            };
            predictions.push(row).unwrap();
        }
        assert_eq!(predictions.speakers(), ["a", "b"]);
    }
}
