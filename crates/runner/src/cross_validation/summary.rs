//! What a cross-validation found, in figures.
//!
//! The predictions of all folds of one seed are pooled before a figure is
//! taken of them; seeds give its mean and its spread. The interval says how
//! far the figure could have come out otherwise with other speakers of the
//! same kind: speakers are drawn with replacement (the bootstrap of Efron,
//! 1979), since clips of one speaker do not vary independently.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::{Deserialize, Serialize};

use super::TaskResult;
use crate::corpus::speaker_order;
use crate::protocol::Folds;
use crate::report::{ConfusionMatrix, Predictions};

/// The summary's name in the folder of a cross-validation.
pub const RESULTS: &str = "results.json";
/// Draws of the bootstrap.
const DRAWS: usize = 2000;
/// Bins of the calibration error (Guo et al., 2017).
const BINS: usize = 15;

/// A figure over the seeds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Mean over the seeds.
    pub mean: f64,
    /// Sample standard deviation over the seeds; none for a single one.
    pub deviation: Option<f64>,
}

impl Spread {
    /// Of these values; none of no value.
    pub fn of(values: &[f64]) -> Option<Self> {
        let n = values.len() as f64;
        if values.is_empty() {
            return None;
        }
        let mean = values.iter().sum::<f64>() / n;
        let squares = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
        Some(Spread {
            mean,
            deviation: (values.len() > 1).then(|| (squares / (n - 1.0)).sqrt()),
        })
    }
}

/// Clips whose highest probability lies in one range, over all seeds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// How many.
    pub clips: usize,
    /// The mean of their highest probabilities.
    pub confidence: f64,
    /// The share of them that was right.
    pub accuracy: f64,
}

/// A part of the results with its figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The fold, the class or the speaker.
    pub name: String,
    /// Clips of one seed.
    pub clips: u64,
    /// UAR of a fold, recall of a class, accuracy of a speaker.
    pub figure: Option<Spread>,
}

/// The figures of models that know some clips of each speaker they are tested on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Adapted {
    /// Clips of each, kept out of the test; none where all were known and tested.
    pub clips: Option<usize>,
    /// Whether `clips` is of each label, and the labels were known too.
    #[serde(default)]
    pub labelled: bool,
    /// Answers, of all draws, of one seed.
    pub answers: u64,
    /// Pooled unweighted average recall.
    pub uar: Option<Spread>,
}

impl Adapted {
    /// What is known of a speaker, in words.
    pub fn known(&self) -> String {
        match (self.labelled, self.clips) {
            (true, Some(clips)) => format!("{clips} of each label"),
            (_, Some(1)) => "1 clip".into(),
            (_, Some(clips)) => format!("{clips} clips"),
            (_, None) => "all clips".into(),
        }
    }
}

/// All figures of a cross-validation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The corpus's title.
    pub corpus: String,
    /// The protocol's name.
    pub protocol: String,
    /// The protocol in words.
    pub protocol_title: String,
    /// Where the protocol is from.
    pub protocol_source: String,
    /// False where the tested speakers are in training too.
    pub speaker_disjoint: bool,
    /// Test speakers that the folder lacks.
    pub absent_speakers: Vec<String>,
    /// Folds that could not be run for lack of all their speakers.
    pub impossible_folds: Vec<String>,
    /// Seeds.
    pub seeds: u64,
    /// Speakers that were tested.
    pub speakers: usize,
    /// Clips that were tested, of one seed.
    pub clips: u64,
    /// Pooled unweighted average recall.
    pub uar: Option<Spread>,
    /// 95 % interval of the mean UAR over speakers.
    pub uar_interval: Option<[f64; 2]>,
    /// Pooled accuracy.
    pub accuracy: Option<Spread>,
    /// What guessing is worth.
    pub chance: f64,
    /// Expected calibration error, of the clips of all seeds.
    pub calibration_error: f64,
    /// From the least to the most confident.
    pub bins: Vec<Bin>,
    /// UAR by fold.
    pub folds: Vec<Row>,
    /// Recall by class.
    pub classes: Vec<Row>,
    /// Accuracy by speaker.
    pub speaker_rows: Vec<Row>,
    /// All seeds' predictions together.
    pub confusion_matrix: ConfusionMatrix,
    /// Adapted: the same with some of each tested speaker's clips known.
    pub enrolled: Vec<Adapted>,
    /// Numbers in the networks of a model.
    pub parameters: usize,
    /// Seconds of training of all folds of a seed, on one thread.
    pub training_seconds: Spread,
}

impl Summary {
    /// Reads the figures that a cross-validation left in its folder.
    ///
    /// # Errors
    ///
    /// Where there are none, or they cannot be read.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        let file = folder.join(RESULTS);
        let text = std::fs::read_to_string(&file)
            .with_context(|| format!("{}: not a finished cross-validation", file.display()))?;
        serde_json::from_str(&text).with_context(|| file.display().to_string())
    }

    /// What a model keeps of them.
    pub fn for_model(&self) -> model::CrossValidation {
        let mean = |spread: Option<Spread>| spread.map_or(0.0, |spread| spread.mean);
        model::CrossValidation {
            protocol: self.protocol_title.clone(),
            speakers: self.speakers,
            clips: self.clips,
            seeds: self.seeds,
            uar: mean(self.uar),
            uar_deviation: self.uar.and_then(|uar| uar.deviation),
            uar_interval: self.uar_interval,
            accuracy: mean(self.accuracy),
            calibration_error: self.calibration_error,
            recalls: (self.classes.iter())
                .map(|row| (row.name.clone(), mean(row.figure)))
                .collect(),
            adapted: (self.enrolled.iter().filter(|adapted| !adapted.labelled))
                .map(|adapted| (adapted.clips, mean(adapted.uar)))
                .collect(),
        }
    }

    /// The figures of all tasks' results.
    ///
    /// # Errors
    ///
    /// Where the predictions are not over the same labels.
    pub fn new(
        corpus: &str,
        folds: &Folds,
        results: &[(TaskResult, Predictions)],
    ) -> anyhow::Result<Self> {
        let labels = results
            .first()
            .map(|(_, predictions)| predictions.labels().to_vec())
            .unwrap_or_default();
        let seeds: Vec<u64> = {
            let mut seeds: Vec<u64> = results.iter().map(|(result, _)| result.seed).collect();
            seeds.sort_unstable();
            seeds.dedup();
            seeds
        };
        let empty = || ConfusionMatrix::new(labels.iter().cloned());
        let mut by_seed: BTreeMap<u64, ConfusionMatrix> = BTreeMap::new();
        let mut by_fold: BTreeMap<(&str, u64), ConfusionMatrix> = BTreeMap::new();
        let mut by_speaker: BTreeMap<(String, u64), ConfusionMatrix> = BTreeMap::new();
        let mut all = empty();
        for (result, predictions) in results {
            let matrix = predictions.confusion_matrix();
            all.merge(&matrix)?;
            by_seed
                .entry(result.seed)
                .or_insert_with(empty)
                .merge(&matrix)?;
            by_fold
                .entry((&result.fold, result.seed))
                .or_insert_with(empty)
                .merge(&matrix)?;
            for row in predictions.rows() {
                if let Some(label) = row.label {
                    by_speaker
                        .entry((row.speaker.clone(), result.seed))
                        .or_insert_with(empty)
                        .add(label, row.predicted);
                }
            }
        }
        let over_seeds = |figure: &dyn Fn(&ConfusionMatrix) -> Option<f64>| {
            let values: Vec<f64> = by_seed.values().filter_map(figure).collect();
            Spread::of(&values)
        };
        let count = |matrix: &ConfusionMatrix| matrix.total() / seeds.len().max(1) as u64;
        let rows_of_folds = folds.folds.iter().map(|fold| {
            let of_fold = || {
                seeds
                    .iter()
                    .filter_map(|s| by_fold.get(&(fold.name.as_str(), *s)))
            };
            let values: Vec<f64> = of_fold().filter_map(ConfusionMatrix::uar).collect();
            Row {
                name: fold.name.clone(),
                clips: of_fold().next().map_or(0, ConfusionMatrix::total),
                figure: Spread::of(&values),
            }
        });
        let rows_of_classes = labels.iter().enumerate().map(|(class, label)| Row {
            name: label.clone(),
            clips: all.supports()[class] / seeds.len().max(1) as u64,
            figure: over_seeds(&|matrix| matrix.recalls()[class]),
        });
        let mut speakers: Vec<String> = by_speaker.keys().map(|(s, _)| s.clone()).collect();
        speakers.sort_by(|a, b| speaker_order(a, b));
        speakers.dedup();
        let rows_of_speakers = speakers.iter().map(|speaker| {
            let of_speaker = || {
                seeds
                    .iter()
                    .filter_map(|s| by_speaker.get(&(speaker.clone(), *s)))
            };
            let values: Vec<f64> = of_speaker().filter_map(ConfusionMatrix::accuracy).collect();
            Row {
                name: speaker.clone(),
                clips: of_speaker().next().map_or(0, ConfusionMatrix::total),
                figure: Spread::of(&values),
            }
        });
        let (bins, calibration_error) = calibration(results);
        let seconds: Vec<f64> = seeds
            .iter()
            .map(|seed| {
                let of_seed = results.iter().filter(|(result, _)| result.seed == *seed);
                of_seed.map(|(result, _)| result.seconds).sum()
            })
            .collect();
        Ok(Summary {
            corpus: corpus.into(),
            protocol: folds.name.clone(),
            protocol_title: folds.title.clone(),
            protocol_source: folds.source.clone(),
            speaker_disjoint: folds.speaker_disjoint,
            absent_speakers: folds.absent.clone(),
            impossible_folds: folds.impossible.clone(),
            seeds: seeds.len() as u64,
            speakers: speakers.len(),
            clips: count(&all),
            uar: over_seeds(&ConfusionMatrix::uar),
            uar_interval: interval(&speakers, &seeds, &by_speaker, &empty())?,
            accuracy: over_seeds(&ConfusionMatrix::accuracy),
            chance: 1.0 / labels.len().max(1) as f64,
            calibration_error,
            bins,
            folds: rows_of_folds.collect(),
            classes: rows_of_classes.collect(),
            speaker_rows: rows_of_speakers.collect(),
            confusion_matrix: all,
            enrolled: adapted(results)?,
            parameters: results.first().map_or(0, |(result, _)| result.parameters),
            training_seconds: Spread::of(&seconds).unwrap_or(Spread {
                mean: 0.0,
                deviation: None,
            }),
        })
    }
}

/// The pooled UAR for each number of clips that are known.
fn adapted(results: &[(TaskResult, Predictions)]) -> anyhow::Result<Vec<Adapted>> {
    let mut by_clips: BTreeMap<(bool, usize), BTreeMap<u64, ConfusionMatrix>> = BTreeMap::new();
    for (result, _) in results {
        for enrolled in &result.enrolled {
            // All of them last, those with labels behind the others.
            let clips = (enrolled.labelled, enrolled.clips.unwrap_or(usize::MAX));
            let matrix = &enrolled.confusion_matrix;
            let empty = || ConfusionMatrix::new(matrix.labels().iter().cloned());
            let seeds = by_clips.entry(clips).or_default();
            let pooled = seeds.entry(result.seed).or_insert_with(empty);
            pooled.merge(matrix)?;
        }
    }
    let row = |((labelled, clips), seeds): ((bool, usize), BTreeMap<u64, ConfusionMatrix>)| {
        let values: Vec<f64> = seeds.values().filter_map(ConfusionMatrix::uar).collect();
        Adapted {
            clips: (clips != usize::MAX).then_some(clips),
            labelled,
            answers: seeds.values().next().map_or(0, ConfusionMatrix::total),
            uar: Spread::of(&values),
        }
    };
    Ok(by_clips.into_iter().map(row).collect())
}

/// The range that holds the mean UAR in 95 of 100 draws of as many speakers.
fn interval(
    speakers: &[String],
    seeds: &[u64],
    by_speaker: &BTreeMap<(String, u64), ConfusionMatrix>,
    empty: &ConfusionMatrix,
) -> anyhow::Result<Option<[f64; 2]>> {
    if speakers.len() < 2 {
        return Ok(None);
    }
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut figures = Vec::with_capacity(DRAWS);
    for _ in 0..DRAWS {
        let drawn: Vec<&String> = speakers
            .iter()
            .map(|_| &speakers[rng.random_range(0..speakers.len())])
            .collect();
        let mut values = Vec::with_capacity(seeds.len());
        for seed in seeds {
            let mut pooled = empty.clone();
            for speaker in &drawn {
                if let Some(matrix) = by_speaker.get(&((*speaker).clone(), *seed)) {
                    pooled.merge(matrix)?;
                }
            }
            values.extend(pooled.uar());
        }
        figures.extend(Spread::of(&values).map(|spread| spread.mean));
    }
    figures.sort_by(f64::total_cmp);
    let at = |share: f64| figures[((figures.len() - 1) as f64 * share).round() as usize];
    Ok((!figures.is_empty()).then(|| [at(0.025), at(0.975)]))
}

/// Bins of equal width by the highest probability, and the mean gap between
/// confidence and accuracy, weighted by the clips of each bin.
fn calibration(results: &[(TaskResult, Predictions)]) -> (Vec<Bin>, f64) {
    let mut bins = vec![Bin::default(); BINS];
    let rows = results
        .iter()
        .flat_map(|(_, predictions)| predictions.rows());
    for row in rows {
        let (Some(label), Some(&confidence)) = (row.label, row.probabilities.get(row.predicted))
        else {
            continue;
        };
        let confidence = f64::from(confidence);
        let bin = ((confidence * BINS as f64) as usize).min(BINS - 1);
        bins[bin].clips += 1;
        bins[bin].confidence += confidence;
        bins[bin].accuracy += f64::from(u8::from(label == row.predicted));
    }
    let total: usize = bins.iter().map(|bin| bin.clips).sum();
    let mut error = 0.0;
    for bin in bins.iter_mut().filter(|bin| bin.clips > 0) {
        let clips = bin.clips as f64;
        error += (bin.accuracy - bin.confidence).abs() / total as f64;
        bin.confidence /= clips;
        bin.accuracy /= clips;
    }
    (bins, error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::Fold;
    use crate::cross_validation::Enrolled;
    use crate::report::Prediction;

    fn result(
        fold: &str,
        seed: u64,
        rows: &[(&str, usize, usize, f32)],
    ) -> (TaskResult, Predictions) {
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
        let result = TaskResult {
            fold: fold.into(),
            seed,
            epoch: 1,
            parameters: 10,
            seconds: 2.0,
            enrolled: vec![Enrolled {
                clips: None,
                labelled: false,
                confusion_matrix: predictions.confusion_matrix(),
            }],
            epochs: Vec::new(),
        };
        (result, predictions)
    }

    fn folds() -> Folds {
        Folds {
            name: "two".into(),
            title: "two folds".into(),
            source: String::new(),
            speaker_disjoint: true,
            folds: ["A", "B"]
                .map(|name| Fold {
                    name: name.into(),
                    test: vec![name.to_lowercase()],
                })
                .to_vec(),
            absent: Vec::new(),
            impossible: Vec::new(),
            clips: None,
            left_out: Vec::new(),
        }
    }

    #[test]
    fn figures_are_of_the_pooled_predictions_of_each_seed() {
        // Seed 1: calm 2 of 3 right, angry 1 of 1. Seed 2: all right.
        let results = [
            result("A", 1, &[("a", 0, 0, 0.9), ("a", 0, 1, 0.6)]),
            result("B", 1, &[("b", 0, 0, 0.9), ("b", 1, 1, 0.9)]),
            result("A", 2, &[("a", 0, 0, 0.9), ("a", 0, 0, 0.9)]),
            result("B", 2, &[("b", 0, 0, 0.9), ("b", 1, 1, 0.9)]),
        ];
        let summary = Summary::new("corpus", &folds(), &results).unwrap();
        let uar = summary.uar.unwrap();
        assert!((uar.mean - (5.0 / 6.0 + 1.0) / 2.0).abs() < 1e-12);
        assert!((uar.deviation.unwrap() - (1.0f64 / 6.0) / 2f64.sqrt()).abs() < 1e-12);
        assert_eq!(summary.enrolled[0].uar.unwrap(), uar);
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
}
