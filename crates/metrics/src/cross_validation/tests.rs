use super::*;
use crate::{MetricsError, Prediction, Predictions};

fn result(fold: &str, seed: u64, rows: &[(&str, usize, usize, f32)]) -> (FoldResult, Predictions) {
    let mut predictions = Predictions::new(["calm", "angry"]);
    for (index, &(speaker, label, predicted, confidence)) in rows.iter().enumerate() {
        let mut probabilities = vec![1.0 - confidence; 2];
        probabilities[predicted] = confidence;
        predictions
            .push(Prediction {
                path: format!("{speaker}-{index}.wav").into(),
                speaker: speaker.into(),
                label: Some(label),
                predicted,
                probabilities,
            })
            .unwrap();
    }
    let result = FoldResult {
        fold: fold.into(),
        seed,
        epoch: 1,
        parameters: 10,
        seconds: 2.0,
        adaptation: vec![AdaptationTest {
            clips: None,
            labelled: false,
            confusion_matrix: predictions.confusion_matrix(),
        }],
        epochs: Vec::new(),
    };
    (result, predictions)
}

fn design() -> Design {
    Design {
        corpus: "corpus".into(),
        protocol: "two".into(),
        title: "two folds".into(),
        speaker_disjoint: true,
        folds: ["A", "B"].map(String::from).to_vec(),
        speakers: ["a", "b", "not tested"].map(String::from).to_vec(),
        ..Design::default()
    }
}

/// Seed 1: calm 2 of 3 right, angry 1 of 1. Seed 2: all right.
fn results() -> [(FoldResult, Predictions); 4] {
    [
        result("A", 1, &[("a", 0, 0, 0.9), ("a", 0, 1, 0.6)]),
        result("B", 1, &[("b", 0, 0, 0.9), ("b", 1, 1, 0.9)]),
        result("A", 2, &[("a", 0, 0, 0.9), ("a", 0, 0, 0.9)]),
        result("B", 2, &[("b", 0, 0, 0.9), ("b", 1, 1, 0.9)]),
    ]
}

#[test]
fn figures_are_of_the_pooled_predictions_of_each_seed() {
    let summary = Summary::new(&design(), &results()).unwrap();
    let uar = summary.uar.unwrap();
    assert!((uar.mean - (5.0 / 6.0 + 1.0) / 2.0).abs() < 1e-12);
    assert!((uar.deviation.unwrap() - (1.0f64 / 6.0) / 2f64.sqrt()).abs() < 1e-12);
    assert_eq!(summary.adaptation[0].uar.unwrap(), uar);
    assert_eq!(summary.accuracy.unwrap().mean, (0.75 + 1.0) / 2.0);
    assert_eq!((summary.clips, summary.speakers, summary.seeds), (4, 2, 2));
    assert_eq!(summary.folds[1].figure.unwrap().mean, 1.0);
    assert_eq!(summary.classes[0].clips, 3);
    assert_eq!(summary.speaker_rows[0].figure.unwrap().mean, 0.75);
    assert_eq!(summary.training_seconds.mean, 4.0);
    let [low, high] = summary.uar_interval.unwrap();
    assert!(low <= uar.mean && uar.mean <= high && low < high);
    // Seven clips at 0.9, all right; one at 0.6, wrong.
    let expected = (7.0 * 0.1 + 0.6) / 8.0;
    assert!((summary.calibration_error - expected).abs() < 1e-6);
}

#[test]
fn speakers_are_shown_in_the_order_of_the_design() {
    let mut design = design();
    design.speakers.reverse();
    let summary = Summary::new(&design, &results()).unwrap();
    let names: Vec<&str> = (summary.speaker_rows.iter())
        .map(|row| row.name.as_str())
        .collect();
    assert_eq!(names, ["b", "a"]);
}

#[test]
fn adaptation_is_sorted_by_clips_with_all_last_and_labelled_ones_after_that() {
    let (mut first, predictions) = result("A", 1, &[("a", 0, 0, 0.9)]);
    let test = |clips, labelled| AdaptationTest {
        clips,
        labelled,
        confusion_matrix: predictions.confusion_matrix(),
    };
    first.adaptation = vec![
        test(Some(1), true),
        test(None, false),
        test(Some(10), false),
        test(Some(1), false),
        test(Some(2), true),
    ];
    let summary = Summary::new(&design(), &[(first, predictions.clone())]).unwrap();
    let enrolled: Vec<String> = (summary.adaptation.iter())
        .map(AdaptationRow::enrolled)
        .collect();
    assert_eq!(
        enrolled,
        [
            "1 clip",
            "10 clips",
            "all clips",
            "1 labelled clip per class",
            "2 labelled clips per class"
        ]
    );
}

#[test]
fn results_that_do_not_fit_the_design_are_refused() {
    let refusal = |result| {
        let error = Summary::new(&design(), &[result]).unwrap_err();
        assert!(matches!(error, MetricsError::Mismatch { .. }), "{error:?}");
        error.to_string()
    };
    let message = refusal(result("A", 1, &[("c", 0, 0, 0.9)]));
    assert!(message.contains("speaker c"), "{message}");
    let message = refusal(result("C", 1, &[("a", 0, 0, 0.9)]));
    assert!(message.contains("fold C"), "{message}");

    let (other, _) = result("B", 1, &[]);
    let mixed = [
        result("A", 1, &[("a", 0, 0, 0.9)]),
        (other, Predictions::new(["happy"])),
    ];
    let message = Summary::new(&design(), &mixed).unwrap_err().to_string();
    assert!(message.contains("[calm, angry] and [happy]"), "{message}");
}

#[test]
fn without_results_there_are_no_figures() {
    let summary = Summary::new(&design(), &[]).unwrap();
    assert_eq!((summary.uar, summary.uar_interval), (None, None));
    assert_eq!((summary.clips, summary.speakers), (0, 0));
    assert!(summary.folds.iter().all(|row| row.figure.is_none()));
}

#[test]
fn json_is_read_back_and_keeps_its_keys() {
    let summary = Summary::new(&design(), &results()).unwrap();
    let json = serde_json::to_value(&summary).unwrap();
    assert_eq!(json["enrolled"][0]["answers"], 4);
    assert_eq!(json["speaker_rows"][0]["name"], "a");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("results.json");
    std::fs::write(&file, json.to_string()).unwrap();
    assert_eq!(Summary::read(&file).unwrap(), summary);

    std::fs::write(&file, "{}").unwrap();
    let error = Summary::read(&file).unwrap_err();
    assert!(matches!(error, MetricsError::Format { .. }), "{error:?}");
    assert!(error.to_string().contains("results.json"), "{error}");
    let error = Summary::read(&folder.path().join("none.json")).unwrap_err();
    assert!(matches!(error, MetricsError::Io { .. }), "{error:?}");
}
