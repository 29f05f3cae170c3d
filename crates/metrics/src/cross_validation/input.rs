//! What a summary is made from: the design, and the result of each training.

use serde::{Deserialize, Serialize};

use super::AdaptationTest;
use crate::EpochMetrics;

/// What was tested, and how.
#[derive(Clone, Debug, Default)]
pub struct Design {
    /// The title of the corpus.
    pub corpus: String,
    /// The name of the protocol.
    pub protocol: String,
    /// The title of the protocol, for people.
    pub title: String,
    /// The publication that the protocol is from; empty if there is none.
    pub source: String,
    /// Whether all speakers in a test are unseen, which means that none of their
    /// clips is in the training data.
    pub speaker_disjoint: bool,
    /// The names of the folds, in the order in which they are shown.
    pub folds: Vec<String>,
    /// The speakers of the corpus, in the order in which they are shown. The
    /// confidence interval depends on this order.
    pub speakers: Vec<String>,
    /// Test speakers of the protocol who have no clips here.
    pub absent_speakers: Vec<String>,
    /// Folds that were not run because none of their test speakers has clips here.
    pub impossible_folds: Vec<String>,
}

/// The result of one training, for one fold and seed, apart from its predictions
/// and its model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FoldResult {
    /// The name of the fold.
    pub fold: String,
    /// The seed.
    pub seed: u64,
    /// The epoch whose weights were kept.
    pub epoch: usize,
    /// The number of parameters of the model.
    pub parameters: usize,
    /// How long the training took, in seconds, on one thread.
    pub seconds: f64,
    /// The same test after speaker adaptation, for several numbers of clips. In
    /// JSON it is called `enrolled`.
    #[serde(rename = "enrolled")]
    pub adaptation: Vec<AdaptationTest>,
    /// The figures of each epoch.
    pub epochs: Vec<EpochMetrics>,
}
