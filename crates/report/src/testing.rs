//! Results for the tests of several modules.

use metrics::cross_validation::{AdaptationTest, Design, FoldResult, Summary};
use metrics::{EpochMetrics, Prediction, Predictions};

/// Two folds with two seeds. With seed 1, one of three calm clips is called
/// angry; all else is right.
pub(crate) fn summary(speaker_disjoint: bool) -> Summary {
    let design = Design {
        corpus: "A & B".into(),
        protocol: "two".into(),
        title: "two folds".into(),
        source: "Nobody, 2000".into(),
        speaker_disjoint,
        folds: ["A", "B"].map(String::from).to_vec(),
        speakers: ["a", "b"].map(String::from).to_vec(),
        absent_speakers: vec!["c".into()],
        impossible_folds: vec!["C".into()],
    };
    Summary::new(&design, &results()).unwrap()
}

/// The results that [`summary`] sums up.
pub(crate) fn results() -> Vec<(FoldResult, Predictions)> {
    vec![
        result("A", 1, &[("a", 0, 0, 0.9), ("a", 0, 1, 0.6)]),
        result("B", 1, &[("b", 0, 0, 0.9), ("b", 1, 1, 0.9)]),
        result("A", 2, &[("a", 0, 0, 0.9), ("a", 0, 0, 0.9)]),
        result("B", 2, &[("b", 0, 0, 0.9), ("b", 1, 1, 0.9)]),
    ]
}

/// Rows are speaker, true class, predicted class and its probability.
fn result(fold: &str, seed: u64, rows: &[(&str, usize, usize, f32)]) -> (FoldResult, Predictions) {
    let mut predictions = Predictions::new(["calm", "<angry>"]);
    for (index, &(speaker, label, predicted, confidence)) in rows.iter().enumerate() {
        let mut probabilities = vec![1.0 - confidence; 2];
        probabilities[predicted] = confidence;
        let row = Prediction {
            path: format!("{speaker}-{index}.wav").into(),
            speaker: speaker.into(),
            label: Some(label),
            predicted,
            probabilities,
        };
        predictions.push(row).unwrap();
    }
    let result = FoldResult {
        fold: fold.into(),
        seed,
        epoch: 2,
        parameters: 1234,
        seconds: 2.0,
        adaptation: vec![AdaptationTest {
            clips: Some(1),
            labelled: false,
            confusion_matrix: predictions.confusion_matrix(),
        }],
        epochs: epochs(3),
    };
    (result, predictions)
}

/// Epochs of a training that goes well.
pub(crate) fn epochs(count: usize) -> Vec<EpochMetrics> {
    let metrics = |epoch| EpochMetrics {
        epoch,
        train_loss: 2.0 / epoch as f64,
        train_accuracy: 1.0 - 0.9 / epoch as f64,
        validation_loss: Some(1.0 + 1.0 / epoch as f64),
        validation_uar: Some(0.6 - 0.5 / epoch as f64),
        learning_rate: 1e-3,
        seconds: 1.0,
    };
    (1..=count).map(metrics).collect()
}
