//! A recogniser's answers on labelled clips.

use std::path::Path;

use anyhow::{Context, Result};
use audio::Features;
use model::{Description, Recognizer};
use serde::Serialize;

use crate::corpus::{Clip, Corpus};
use crate::report::plots::confusion_matrix_svg;
use crate::report::{ConfusionMatrix, Prediction, Predictions, write_atomically};

/// Clips put through the network at once.
pub const BATCH: usize = 64;

/// The recogniser's answer for each clip that has features, in their order.
/// The corpus's labels must be the model's, as [`Corpus::in_order_of`] makes them.
pub fn predict(
    recognizer: &Recognizer,
    corpus: &Corpus,
    clips: &[(&Clip, &Features)],
) -> Result<Predictions> {
    let mut predictions = Predictions::new(recognizer.description().labels.clone());
    for chunk in clips.chunks(BATCH) {
        let features: Vec<&Features> = chunk.iter().map(|(_, features)| *features).collect();
        let answers = recognizer.classify_features(&features)?;
        for ((clip, _), answer) in chunk.iter().zip(answers) {
            let probabilities: Vec<f32> = answer.scores().iter().map(|(_, p)| *p).collect();
            predictions.push(Prediction {
                path: clip
                    .path
                    .strip_prefix(&corpus.root)
                    .unwrap_or(&clip.path)
                    .into(),
                speaker: clip.speaker.clone(),
                label: Some(clip.label),
                predicted: answer.index(),
                probabilities,
            })?;
        }
    }
    Ok(predictions)
}

/// The figures of some predictions, for programs.
#[derive(Serialize)]
struct Report<'a> {
    clips: u64,
    accuracy: Option<f64>,
    uar: Option<f64>,
    recalls: Vec<(&'a str, Option<f64>)>,
    speakers: Vec<String>,
    confusion_matrix: &'a ConfusionMatrix,
    description: &'a Description,
}

/// Writes `predictions.csv`, `report.json` and `confusion_matrix.svg` into
/// `folder`; the picture's title says whose voices they are.
pub fn write(
    folder: &Path,
    predictions: &Predictions,
    description: &Description,
    title: &str,
) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("{}", folder.display()))?;
    let matrix = predictions.confusion_matrix();
    let mut speakers: Vec<String> = predictions
        .rows()
        .iter()
        .map(|r| r.speaker.clone())
        .collect();
    speakers.sort();
    speakers.dedup();
    let report = Report {
        clips: matrix.total(),
        accuracy: matrix.accuracy(),
        uar: matrix.uar(),
        recalls: matrix
            .labels()
            .iter()
            .map(String::as_str)
            .zip(matrix.recalls())
            .collect(),
        speakers,
        confusion_matrix: &matrix,
        description,
    };
    predictions.write(&folder.join("predictions.csv"))?;
    let json = serde_json::to_string_pretty(&report)?;
    write_atomically(&folder.join("report.json"), json.as_bytes())?;
    let svg = confusion_matrix_svg(&matrix, title)?;
    write_atomically(&folder.join("confusion_matrix.svg"), svg.as_bytes())
}
