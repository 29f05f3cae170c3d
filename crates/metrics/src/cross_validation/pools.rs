//! The confusion matrices of all trainings, pooled in several ways.

use std::collections::{BTreeMap, BTreeSet};

use super::{FoldResult, Spread, SummaryRow};
use crate::{ConfusionMatrix, MetricsError, Predictions};

/// The confusion matrices of all trainings, pooled in several ways.
pub(super) struct Pools {
    pub(super) labels: Vec<String>,
    /// In ascending order.
    pub(super) seeds: Vec<u64>,
    /// All folds and seeds.
    pub(super) all: ConfusionMatrix,
    by_seed: BTreeMap<u64, ConfusionMatrix>,
    by_fold: BTreeMap<String, BTreeMap<u64, ConfusionMatrix>>,
    by_speaker: BTreeMap<String, BTreeMap<u64, ConfusionMatrix>>,
}

impl Pools {
    pub(super) fn new(results: &[(FoldResult, Predictions)]) -> Result<Self, MetricsError> {
        let labels = results
            .first()
            .map(|(_, predictions)| predictions.labels().to_vec())
            .unwrap_or_default();
        let seeds: BTreeSet<u64> = results.iter().map(|(result, _)| result.seed).collect();
        let empty = ConfusionMatrix::new(labels.iter().cloned());
        let mut pools = Pools {
            labels,
            seeds: seeds.into_iter().collect(),
            all: empty,
            by_seed: BTreeMap::new(),
            by_fold: BTreeMap::new(),
            by_speaker: BTreeMap::new(),
        };
        for (result, predictions) in results {
            pools.add(result, predictions)?;
        }
        Ok(pools)
    }

    fn add(&mut self, result: &FoldResult, predictions: &Predictions) -> Result<(), MetricsError> {
        let (empty, seed) = (self.empty(), result.seed);
        let matrix = predictions.confusion_matrix();
        self.all.merge(&matrix)?;
        let pooled = self.by_seed.entry(seed);
        pooled.or_insert_with(|| empty.clone()).merge(&matrix)?;
        let fold = self.by_fold.entry(result.fold.clone()).or_default();
        let pooled = fold.entry(seed);
        pooled.or_insert_with(|| empty.clone()).merge(&matrix)?;
        for row in predictions.rows() {
            if let Some(label) = row.label {
                let speaker = self.by_speaker.entry(row.speaker.clone()).or_default();
                let pooled = speaker.entry(seed);
                pooled
                    .or_insert_with(|| empty.clone())
                    .add(label, row.predicted);
            }
        }
        Ok(())
    }

    /// A matrix of zeros over the labels.
    pub(super) fn empty(&self) -> ConfusionMatrix {
        ConfusionMatrix::new(self.labels.iter().cloned())
    }

    /// Clips with a label, of one seed.
    pub(super) fn clips(&self) -> u64 {
        self.of_one_seed(self.all.total())
    }

    /// Speakers who have clips with a label.
    pub(super) fn speakers(&self) -> impl Iterator<Item = &String> {
        self.by_speaker.keys()
    }

    pub(super) fn of_speaker(&self, speaker: &str, seed: u64) -> Option<&ConfusionMatrix> {
        self.by_speaker.get(speaker)?.get(&seed)
    }

    /// A figure of the predictions of all folds, for each seed.
    pub(super) fn over_seeds(
        &self,
        figure: impl Fn(&ConfusionMatrix) -> Option<f64>,
    ) -> Option<Spread> {
        spread(&self.by_seed, figure)
    }

    /// The UAR of a fold.
    pub(super) fn fold_row(&self, fold: &str) -> SummaryRow {
        row(fold, self.by_fold.get(fold), ConfusionMatrix::uar)
    }

    /// The accuracy of a speaker.
    pub(super) fn speaker_row(&self, speaker: &str) -> SummaryRow {
        row(
            speaker,
            self.by_speaker.get(speaker),
            ConfusionMatrix::accuracy,
        )
    }

    /// The recall of each class.
    pub(super) fn class_rows(&self) -> Vec<SummaryRow> {
        let supports = self.all.supports();
        let row = |(class, label): (usize, &String)| SummaryRow {
            name: label.clone(),
            clips: self.of_one_seed(supports[class]),
            figure: self.over_seeds(|matrix| matrix.recalls()[class]),
        };
        self.labels.iter().enumerate().map(row).collect()
    }

    fn of_one_seed(&self, clips: u64) -> u64 {
        clips / self.seeds.len().max(1) as u64
    }
}

fn row(
    name: &str,
    by_seed: Option<&BTreeMap<u64, ConfusionMatrix>>,
    figure: impl Fn(&ConfusionMatrix) -> Option<f64>,
) -> SummaryRow {
    let first = by_seed.and_then(|by_seed| by_seed.values().next());
    SummaryRow {
        name: name.to_owned(),
        clips: first.map_or(0, ConfusionMatrix::total),
        figure: by_seed.and_then(|by_seed| spread(by_seed, figure)),
    }
}

fn spread(
    by_seed: &BTreeMap<u64, ConfusionMatrix>,
    figure: impl Fn(&ConfusionMatrix) -> Option<f64>,
) -> Option<Spread> {
    let values: Vec<f64> = by_seed.values().filter_map(figure).collect();
    Spread::of(&values)
}
