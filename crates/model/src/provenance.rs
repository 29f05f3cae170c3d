//! Where a model comes from and how good it was found to be: what its card is made of.

use serde::{Deserialize, Serialize};

/// Where a model comes from, and how good it was found to be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Provenance {
    /// Title of the corpus it was trained on, for people.
    pub corpus: String,
    /// Name of that corpus's card, for programs.
    pub corpus_card: String,
    /// Whether a program made the recordings, so that the figures say nothing of people.
    pub synthetic: bool,
    /// Licence terms that follow from the corpus.
    pub licence: String,
    /// Speakers trained on.
    pub train_speakers: Vec<String>,
    /// Speakers that decided when to stop.
    pub validation_speakers: Vec<String>,
    /// Speakers never heard in training.
    pub test_speakers: Vec<String>,
    /// The seed of everything random.
    pub seed: u64,
    /// Version of the program that trained it.
    pub program_version: String,
    /// Day of the training, `2026-01-31`.
    pub date: String,
    /// Epoch the weights are of, from 1.
    pub epoch: usize,
    /// Unweighted average recall on the test speakers, 0 to 1.
    pub test_uar: Option<f64>,
    /// Accuracy on the test speakers, 0 to 1.
    pub test_accuracy: Option<f64>,
    /// How good models of the same settings were found by cross-validation: a
    /// model that is trained on all speakers has none left to be tested on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cross_validation: Option<CrossValidation>,
}

/// What a cross-validation found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CrossValidation {
    /// The folds, in words.
    pub protocol: String,
    /// Speakers tested, each by models that never heard them.
    pub speakers: usize,
    /// Clips tested.
    pub clips: u64,
    /// Seeds that every fold was trained with.
    pub seeds: u64,
    /// Unweighted average recall over all predictions of a seed, mean over seeds.
    pub uar: f64,
    /// Its deviation over seeds, where there were several.
    pub uar_deviation: Option<f64>,
    /// Its 95 % interval over speakers.
    pub uar_interval: Option<[f64; 2]>,
    /// Accuracy, likewise.
    pub accuracy: f64,
    /// Expected calibration error.
    pub calibration_error: f64,
    /// Recall of each class.
    pub recalls: Vec<(String, f64)>,
    /// UAR with some unlabelled clips of each speaker known; no number of
    /// clips stands for all, the tested ones among them.
    pub adapted: Vec<(Option<usize>, f64)>,
}
