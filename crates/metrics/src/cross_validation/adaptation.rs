//! The figures of models that are adapted to the speakers they are tested on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{FoldResult, Spread};
use crate::{ConfusionMatrix, MetricsError, Predictions};

/// The test of one training, repeated with a model that was adapted to each test
/// speaker with some of the speaker's own clips. Those clips are called enrolled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdaptationTest {
    /// How many clips of each speaker were enrolled. They are left out of the
    /// test. `None` if all clips were enrolled, which are then tested too.
    pub clips: Option<usize>,
    /// Whether the clips were enrolled with their labels (few-shot). Then `clips`
    /// is the number for each label.
    #[serde(default)]
    pub labelled: bool,
    /// The answers of all draws of enrolled clips.
    pub confusion_matrix: ConfusionMatrix,
}

/// The pooled figure of all adaptation tests with the same number of clips.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdaptationRow {
    /// As [`AdaptationTest::clips`].
    pub clips: Option<usize>,
    /// As [`AdaptationTest::labelled`].
    #[serde(default)]
    pub labelled: bool,
    /// The number of answers of one seed, over all draws.
    pub answers: u64,
    /// The pooled UAR.
    pub uar: Option<Spread>,
}

impl AdaptationRow {
    /// Which clips were enrolled, in words: `5 clips`, `1 labelled clip per class`.
    pub fn enrolled(&self) -> String {
        match (self.labelled, self.clips) {
            (true, Some(1)) => "1 labelled clip per class".into(),
            (true, Some(clips)) => format!("{clips} labelled clips per class"),
            (_, Some(1)) => "1 clip".into(),
            (_, Some(clips)) => format!("{clips} clips"),
            (_, None) => "all clips".into(),
        }
    }
}

/// A row for each number of clips: without labels first, all clips last among
/// them, then with labels.
pub(super) fn rows(
    results: &[(FoldResult, Predictions)],
) -> Result<Vec<AdaptationRow>, MetricsError> {
    // Sorted by this key. No number is larger than the one for all clips.
    const ALL: usize = usize::MAX;
    let mut pools: BTreeMap<(bool, usize), BTreeMap<u64, ConfusionMatrix>> = BTreeMap::new();
    for (result, _) in results {
        for test in &result.adaptation {
            let key = (test.labelled, test.clips.unwrap_or(ALL));
            let matrix = &test.confusion_matrix;
            let empty = || ConfusionMatrix::new(matrix.labels().iter().cloned());
            let by_seed = pools.entry(key).or_default();
            let pooled = by_seed.entry(result.seed).or_insert_with(empty);
            pooled.merge(matrix)?;
        }
    }
    let row = |((labelled, clips), by_seed): ((bool, usize), BTreeMap<u64, ConfusionMatrix>)| {
        let values: Vec<f64> = by_seed.values().filter_map(ConfusionMatrix::uar).collect();
        AdaptationRow {
            clips: (clips != ALL).then_some(clips),
            labelled,
            answers: by_seed.values().next().map_or(0, ConfusionMatrix::total),
            uar: Spread::of(&values),
        }
    };
    Ok(pools.into_iter().map(row).collect())
}
