//! The confusion matrix and the figures that follow from it.

use serde::{Deserialize, Serialize};

use crate::MetricsError;

/// How often each class was predicted as each class.
///
/// Rows are the true classes, columns the predicted ones. All figures are
/// fractions from 0 to 1. A figure that would be a division by zero, such as the
/// recall of a class without clips, is `None`.
///
/// # UAR and accuracy
///
/// The main figure of this field is [`uar`](Self::uar), the unweighted average
/// recall. The recall of a class is the fraction of its clips that were
/// predicted as that class; UAR is the mean of the recalls, in which every class
/// has the same weight. It is also called balanced accuracy or macro recall.
///
/// [`accuracy`](Self::accuracy) gives every clip the same weight, so it favours a
/// recogniser that prefers the large classes. If nine clips in ten are neutral,
/// always answering "neutral" has an accuracy of 0.9. With eight classes its UAR
/// is 0.125, which is the chance level. If all classes have the same size, the two
/// figures are equal.
///
/// # Pooling
///
/// [`merge`](Self::merge) adds up the matrices of several folds. Figures of the
/// sum are taken over all held-out predictions. They differ from the mean of the
/// folds' figures if the folds differ in size.
///
/// ```
/// use metrics::ConfusionMatrix;
///
/// let mut matrix = ConfusionMatrix::new(["calm", "angry"]);
/// matrix.add(0, 0);
/// matrix.add(0, 0);
/// matrix.add(0, 1);
/// matrix.add(1, 1);
/// assert_eq!(matrix.accuracy(), Some(0.75));
/// assert_eq!(matrix.uar(), Some((2.0 / 3.0 + 1.0) / 2.0));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct ConfusionMatrix {
    labels: Vec<String>,
    counts: Vec<Vec<u64>>,
}

impl ConfusionMatrix {
    /// A matrix of zeros over these classes, in this order.
    pub fn new<L: Into<String>>(labels: impl IntoIterator<Item = L>) -> Self {
        let labels: Vec<String> = labels.into_iter().map(Into::into).collect();
        let counts = vec![vec![0; labels.len()]; labels.len()];
        Self { labels, counts }
    }

    /// The matrix of `(true class, predicted class)` pairs, as indices into `labels`.
    ///
    /// # Panics
    ///
    /// If an index is not below the number of labels.
    pub fn from_pairs<L: Into<String>>(
        labels: impl IntoIterator<Item = L>,
        pairs: impl IntoIterator<Item = (usize, usize)>,
    ) -> Self {
        let mut matrix = Self::new(labels);
        for (truth, predicted) in pairs {
            matrix.add(truth, predicted);
        }
        matrix
    }

    /// Counts one clip of class `truth` that was predicted as `predicted`.
    ///
    /// # Panics
    ///
    /// If an index is not below the number of labels. Indices that come from a
    /// file are checked when the file is read.
    pub fn add(&mut self, truth: usize, predicted: usize) {
        self.counts[truth][predicted] += 1;
    }

    /// Adds the counts of another matrix over the same classes.
    ///
    /// # Errors
    ///
    /// [`MetricsError::Mismatch`] if the labels or their order differ. Then
    /// nothing is added.
    pub fn merge(&mut self, other: &Self) -> Result<(), MetricsError> {
        if self.labels != other.labels {
            return Err(MetricsError::Mismatch {
                what: format!(
                    "confusion matrices over different classes cannot be added: [{}] and [{}]",
                    self.labels.join(", "),
                    other.labels.join(", "),
                ),
            });
        }
        for (row, other_row) in self.counts.iter_mut().zip(&other.counts) {
            for (count, other_count) in row.iter_mut().zip(other_row) {
                *count += other_count;
            }
        }
        Ok(())
    }

    /// The class names, in the order of rows and columns.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// The counts, `[true class][predicted class]`.
    pub fn counts(&self) -> &[Vec<u64>] {
        &self.counts
    }

    /// The number of clips.
    pub fn total(&self) -> u64 {
        self.counts.iter().flatten().sum()
    }

    /// The number of clips of each true class.
    pub fn supports(&self) -> Vec<u64> {
        self.counts.iter().map(|row| row.iter().sum()).collect()
    }

    /// How often each class was predicted.
    pub fn predicted_counts(&self) -> Vec<u64> {
        (0..self.labels.len())
            .map(|class| self.counts.iter().map(|row| row[class]).sum())
            .collect()
    }

    /// The fraction of all clips that were predicted correctly; `None` without
    /// clips.
    pub fn accuracy(&self) -> Option<f64> {
        ratio(self.hits().sum(), self.total())
    }

    /// Of the clips of each class, the fraction predicted as that class; `None`
    /// for a class without clips.
    pub fn recalls(&self) -> Vec<Option<f64>> {
        self.hits()
            .zip(self.supports())
            .map(|(hits, support)| ratio(hits, support))
            .collect()
    }

    /// Of the predictions of each class, the fraction that is correct; `None` for
    /// a class that was never predicted (scikit-learn's default is 0).
    pub fn precisions(&self) -> Vec<Option<f64>> {
        self.hits()
            .zip(self.predicted_counts())
            .map(|(hits, predicted)| ratio(hits, predicted))
            .collect()
    }

    /// The harmonic mean of precision and recall of each class,
    /// `2 TP / (2 TP + FP + FN)`. 0 for a class that has clips and was never
    /// predicted, and for one that was predicted and has no clips; `None` for a
    /// class with neither.
    pub fn f1_scores(&self) -> Vec<Option<f64>> {
        self.hits()
            .zip(self.supports().into_iter().zip(self.predicted_counts()))
            .map(|(hits, (support, predicted))| ratio(2 * hits, support + predicted))
            .collect()
    }

    /// Unweighted average recall: the mean of the recalls of the classes that
    /// have clips; `None` without clips.
    pub fn uar(&self) -> Option<f64> {
        mean_of_present(&self.recalls())
    }

    /// The mean of the F1 scores of the classes that have clips or were predicted;
    /// `None` without clips.
    pub fn macro_f1(&self) -> Option<f64> {
        mean_of_present(&self.f1_scores())
    }

    /// The diagonal: the clips of each class that were predicted correctly.
    fn hits(&self) -> impl Iterator<Item = u64> {
        self.counts
            .iter()
            .enumerate()
            .map(|(class, row)| row[class])
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn mean_of_present(values: &[Option<f64>]) -> Option<f64> {
    let present: Vec<f64> = values.iter().copied().flatten().collect();
    (!present.is_empty()).then(|| present.iter().sum::<f64>() / present.len() as f64)
}

/// What a file holds, before the check that it is square.
#[derive(Deserialize)]
struct Unchecked {
    labels: Vec<String>,
    counts: Vec<Vec<u64>>,
}

impl TryFrom<Unchecked> for ConfusionMatrix {
    type Error = String;

    fn try_from(Unchecked { labels, counts }: Unchecked) -> Result<Self, String> {
        let classes = labels.len();
        if counts.len() != classes || counts.iter().any(|row| row.len() != classes) {
            return Err(format!(
                "a confusion matrix of {classes} labels needs {classes} rows of {classes} counts"
            ));
        }
        Ok(Self { labels, counts })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: Option<f64>, expected: f64) -> bool {
        got.is_some_and(|value| (value - expected).abs() < 1e-12)
    }

    /// Derived by hand. 10 of class a (8 right, 2 as b), 4 of b (1 right, 3 as
    /// a), 2 of c (both right):
    /// accuracy 11/16; recalls 8/10, 1/4, 2/2; UAR (0.8 + 0.25 + 1) / 3;
    /// predicted 11, 3, 2, so precisions 8/11, 1/3, 2/2.
    fn by_hand() -> ConfusionMatrix {
        ConfusionMatrix {
            labels: ["a", "b", "c"].map(String::from).to_vec(),
            counts: vec![vec![8, 2, 0], vec![3, 1, 0], vec![0, 0, 2]],
        }
    }

    #[test]
    fn figures_equal_those_derived_by_hand() {
        let matrix = by_hand();
        assert_eq!(matrix.total(), 16);
        assert_eq!(matrix.supports(), [10, 4, 2]);
        assert_eq!(matrix.predicted_counts(), [11, 3, 2]);
        assert_eq!(matrix.accuracy(), Some(11.0 / 16.0));
        assert_eq!(matrix.recalls(), [Some(0.8), Some(0.25), Some(1.0)]);
        assert!(close(matrix.uar(), 2.05 / 3.0));
        assert_eq!(
            matrix.precisions(),
            [Some(8.0 / 11.0), Some(1.0 / 3.0), Some(1.0)]
        );
        // F1 of a: precision 8/11 and recall 4/5 have the harmonic mean 16/21.
        assert!(close(matrix.f1_scores()[0], 16.0 / 21.0));
    }

    /// The numbers are scikit-learn 1.9.1's:
    ///
    /// ```python
    /// import numpy as np
    /// from sklearn.metrics import *
    /// rng = np.random.default_rng(7)
    /// y_true = rng.choice(4, 60, p=[.5, .3, .2, 0])      # class 3 has no samples
    /// y_pred = np.where(rng.random(60) < .6, y_true, rng.choice([0, 1, 3], 60))
    /// print(y_true.tolist(), y_pred.tolist())
    /// each = dict(average=None, labels=range(4), zero_division=np.nan)
    /// print(confusion_matrix(y_true, y_pred, labels=range(4)).tolist())
    /// print(accuracy_score(y_true, y_pred))
    /// print(recall_score(y_true, y_pred, **each), precision_score(y_true, y_pred, **each))
    /// print(f1_score(y_true, y_pred, **each), f1_score(y_true, y_pred, average="macro"))
    /// print(recall_score(y_true, y_pred, average="macro", labels=[0, 1, 2]))
    /// print(balanced_accuracy_score(y_true, y_pred))     # the same as the line above
    /// ```
    #[test]
    fn figures_equal_scikit_learns() {
        let truth = [
            1, 2, 1, 0, 0, 2, 0, 2, 1, 0, 0, 0, 0, 0, 1, 1, 2, 1, 1, 2, 0, 0, 1, 0, 0, 1, 0, 2, 1,
            1, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 2, 1, 2, 1, 1, 0, 1, 1, 2, 0, 1, 0, 0, 0, 0, 2, 0,
            2, 1,
        ];
        let predicted = [
            3, 0, 3, 0, 0, 2, 0, 2, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 2, 0, 3, 1, 0, 3, 1, 0, 2, 1,
            1, 0, 1, 0, 0, 1, 1, 0, 0, 2, 0, 3, 3, 1, 2, 3, 1, 0, 3, 1, 2, 3, 3, 0, 0, 0, 1, 0, 0,
            2, 3,
        ];
        let pairs = truth.into_iter().zip(predicted);
        let matrix = ConfusionMatrix::from_pairs(["0", "1", "2", "3"], pairs);

        assert_eq!(
            matrix.counts(),
            [[22, 3, 0, 4], [2, 11, 0, 6], [3, 0, 8, 1], [0, 0, 0, 0]]
        );
        assert!(close(matrix.accuracy(), 0.6833333333333333));
        let recalls = matrix.recalls();
        assert!(close(recalls[0], 0.7586206896551724));
        assert!(close(recalls[1], 0.5789473684210527));
        assert!(close(recalls[2], 0.6666666666666666));
        assert_eq!(recalls[3], None);
        let precisions = matrix.precisions();
        assert!(close(precisions[0], 0.8148148148148148));
        assert!(close(precisions[1], 0.7857142857142857));
        assert_eq!(precisions[2..], [Some(1.0), Some(0.0)]);
        let f1_scores = matrix.f1_scores();
        assert!(close(f1_scores[0], 0.7857142857142857));
        assert!(close(f1_scores[1], 0.6666666666666666));
        assert!(close(f1_scores[2], 0.8));
        assert_eq!(f1_scores[3], Some(0.0));
        assert!(close(matrix.uar(), 0.668078241580964));
        assert!(close(matrix.macro_f1(), 0.5630952380952381));
    }

    #[test]
    fn always_predicting_the_largest_class_has_high_accuracy_and_chance_level_uar() {
        let neutral_every_time = (0..8).flat_map(|class| {
            let samples = if class == 0 { 63 } else { 1 };
            std::iter::repeat_n((class, 0), samples)
        });
        let matrix = ConfusionMatrix::from_pairs((0..8).map(|i| i.to_string()), neutral_every_time);
        assert_eq!(matrix.accuracy(), Some(0.9));
        assert_eq!(matrix.uar(), Some(1.0 / 8.0));
    }

    #[test]
    fn a_matrix_without_clips_has_no_figures() {
        let empty = ConfusionMatrix::new(["a", "b"]);
        assert_eq!(
            (empty.accuracy(), empty.uar(), empty.macro_f1()),
            (None, None, None)
        );
        assert_eq!(empty.recalls(), [None, None]);
        assert_eq!(empty.precisions(), [None, None]);
        assert_eq!(empty.f1_scores(), [None, None]);
    }

    #[test]
    fn merging_folds_equals_counting_them_together() {
        let first = [(0, 0), (0, 1), (1, 1)];
        let second = [(0, 0), (1, 0), (1, 0), (1, 1)];
        let mut pooled = ConfusionMatrix::from_pairs(["a", "b"], first);
        pooled
            .merge(&ConfusionMatrix::from_pairs(["a", "b"], second))
            .unwrap();
        let together = first.into_iter().chain(second);
        assert_eq!(pooled, ConfusionMatrix::from_pairs(["a", "b"], together));
    }

    #[test]
    fn merging_other_classes_is_refused_and_changes_nothing() {
        let mut matrix = by_hand();
        let error = matrix
            .merge(&ConfusionMatrix::new(["a", "c", "b"]))
            .unwrap_err();
        assert!(
            error.to_string().contains("[a, b, c] and [a, c, b]"),
            "{error}"
        );
        assert_eq!(matrix, by_hand());
    }

    #[test]
    fn json_round_trips_and_a_ragged_matrix_is_refused() {
        let json = serde_json::to_string(&by_hand()).unwrap();
        assert_eq!(
            serde_json::from_str::<ConfusionMatrix>(&json).unwrap(),
            by_hand()
        );
        let ragged = r#"{"labels": ["a", "b"], "counts": [[1, 2], [3]]}"#;
        let error = serde_json::from_str::<ConfusionMatrix>(ragged).unwrap_err();
        assert!(error.to_string().contains("2 rows of 2 counts"), "{error}");
    }
}
