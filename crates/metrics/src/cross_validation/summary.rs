//! All figures of a cross-validation.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::pools::Pools;
use super::{AdaptationRow, Design, FoldResult, Spread, adaptation, bootstrap};
use crate::{Calibration, CalibrationBin, ConfusionMatrix, MetricsError, Predictions};

/// The figure of one fold, class or speaker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SummaryRow {
    /// The name of the fold, class or speaker.
    pub name: String,
    /// The number of clips of one seed.
    pub clips: u64,
    /// UAR of a fold, recall of a class, accuracy of a speaker; `None` without clips.
    pub figure: Option<Spread>,
}

/// All figures of a cross-validation. Figures are fractions from 0 to 1, and `None`
/// without clips.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Summary {
    /// The title of the corpus.
    pub corpus: String,
    /// The name of the protocol.
    pub protocol: String,
    /// The title of the protocol, for people.
    pub protocol_title: String,
    /// The publication that the protocol is from; empty if there is none.
    pub protocol_source: String,
    /// Whether all test speakers are unseen: none of their clips was trained on.
    pub speaker_disjoint: bool,
    /// Test speakers of the protocol who have no clips here.
    pub absent_speakers: Vec<String>,
    /// Folds that were not run because none of their test speakers has clips here.
    pub impossible_folds: Vec<String>,
    /// The number of seeds.
    pub seeds: u64,
    /// The number of speakers tested.
    pub speakers: usize,
    /// The number of clips tested, of one seed.
    pub clips: u64,
    /// UAR of the pooled predictions.
    pub uar: Option<Spread>,
    /// 95 % confidence interval of the mean UAR, over speakers; `None` with fewer
    /// than two.
    pub uar_interval: Option<[f64; 2]>,
    /// Accuracy of the pooled predictions.
    pub accuracy: Option<Spread>,
    /// The UAR of guessing: 1 / number of classes.
    pub chance: f64,
    /// Expected calibration error, over the clips of all seeds
    /// ([`Calibration::error`]).
    pub calibration_error: f64,
    /// [`Calibration::bins`], over the clips of all seeds.
    pub bins: Vec<CalibrationBin>,
    /// UAR of each fold.
    pub folds: Vec<SummaryRow>,
    /// Recall of each class.
    pub classes: Vec<SummaryRow>,
    /// Accuracy of each speaker.
    pub speaker_rows: Vec<SummaryRow>,
    /// The predictions of all folds and seeds.
    pub confusion_matrix: ConfusionMatrix,
    /// The figures after speaker adaptation. In JSON it is called `enrolled`.
    #[serde(rename = "enrolled")]
    pub adaptation: Vec<AdaptationRow>,
    /// The number of parameters of one model.
    pub parameters: usize,
    /// Seconds of training for all folds of one seed, on one thread.
    pub training_seconds: Spread,
}

impl Summary {
    /// The figures of all trainings.
    ///
    /// # Errors
    ///
    /// [`MetricsError::Mismatch`] if predictions are over different labels, or if a
    /// fold or speaker of the results is missing in the design.
    pub fn new(
        design: &Design,
        results: &[(FoldResult, Predictions)],
    ) -> Result<Self, MetricsError> {
        let pools = Pools::new(results)?;
        let speakers = tested_speakers(design, &pools)?;
        check_folds(design, results)?;
        let calibration = Calibration::of(results.iter().map(|(_, predictions)| predictions));
        Ok(Summary {
            corpus: design.corpus.clone(),
            protocol: design.protocol.clone(),
            protocol_title: design.title.clone(),
            protocol_source: design.source.clone(),
            speaker_disjoint: design.speaker_disjoint,
            absent_speakers: design.absent_speakers.clone(),
            impossible_folds: design.impossible_folds.clone(),
            seeds: pools.seeds.len() as u64,
            speakers: speakers.len(),
            clips: pools.clips(),
            uar: pools.over_seeds(ConfusionMatrix::uar),
            uar_interval: bootstrap::uar_interval(&pools, &speakers)?,
            accuracy: pools.over_seeds(ConfusionMatrix::accuracy),
            chance: 1.0 / pools.labels.len().max(1) as f64,
            calibration_error: calibration.error,
            bins: calibration.bins,
            folds: (design.folds.iter())
                .map(|fold| pools.fold_row(fold))
                .collect(),
            classes: pools.class_rows(),
            speaker_rows: (speakers.iter())
                .map(|speaker| pools.speaker_row(speaker))
                .collect(),
            adaptation: adaptation::rows(results)?,
            parameters: results.first().map_or(0, |(result, _)| result.parameters),
            training_seconds: training_seconds(&pools.seeds, results),
            confusion_matrix: pools.all,
        })
    }

    /// Reads the figures from a JSON file, which is this type as serde writes it.
    ///
    /// # Errors
    ///
    /// [`MetricsError::Io`] if the file cannot be read, [`MetricsError::Format`] if
    /// it holds something else.
    pub fn read(path: &Path) -> Result<Self, MetricsError> {
        let text = std::fs::read_to_string(path).map_err(|source| MetricsError::Io {
            path: path.into(),
            source,
        })?;
        serde_json::from_str(&text).map_err(|error| MetricsError::Format {
            path: path.into(),
            what: format!("not the results of a cross-validation: {error}"),
        })
    }
}

/// The speakers who were tested, in the order of the design.
fn tested_speakers(design: &Design, pools: &Pools) -> Result<Vec<String>, MetricsError> {
    let named = |speaker: &&String| design.speakers.contains(*speaker);
    if let Some(speaker) = pools.speakers().find(|speaker| !named(speaker)) {
        return Err(MetricsError::Mismatch {
            what: format!("speaker {speaker} was tested, but is not in the design"),
        });
    }
    let tested = |speaker: &&String| pools.speakers().any(|tested| tested == *speaker);
    Ok(design.speakers.iter().filter(tested).cloned().collect())
}

fn check_folds(design: &Design, results: &[(FoldResult, Predictions)]) -> Result<(), MetricsError> {
    let unknown = |(result, _): &&(FoldResult, Predictions)| !design.folds.contains(&result.fold);
    match results.iter().find(unknown) {
        None => Ok(()),
        Some((result, _)) => Err(MetricsError::Mismatch {
            what: format!("fold {} was run, but is not in the design", result.fold),
        }),
    }
}

/// The time of all folds of a seed, over the seeds; 0 without results.
fn training_seconds(seeds: &[u64], results: &[(FoldResult, Predictions)]) -> Spread {
    let of_seed = |seed: &u64| {
        let of_seed = results.iter().filter(|(result, _)| result.seed == *seed);
        of_seed.map(|(result, _)| result.seconds).sum()
    };
    let seconds: Vec<f64> = seeds.iter().map(of_seed).collect();
    Spread::of(&seconds).unwrap_or(Spread {
        mean: 0.0,
        deviation: None,
    })
}
