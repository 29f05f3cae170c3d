//! Where a model comes from and how good it is: the content of its model card.

use serde::{Deserialize, Serialize};

/// Where a model comes from, and how good it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Provenance {
    /// Title of the training corpus, for people.
    pub corpus: String,
    /// Name of the corpus's card, for programs.
    pub corpus_card: String,
    /// Whether the recordings are synthetic; the results then do not apply to people.
    pub synthetic: bool,
    /// Licence terms that the corpus imposes.
    pub licence: String,
    /// Training speakers.
    pub train_speakers: Vec<String>,
    /// Validation speakers, whose clips decided when to stop.
    pub validation_speakers: Vec<String>,
    /// Test speakers, unseen in training and validation.
    pub test_speakers: Vec<String>,
    /// The random seed.
    pub seed: u64,
    /// Version of the program that trained it.
    pub program_version: String,
    /// Date of the training, such as `2026-01-31`.
    pub date: String,
    /// The epoch that the weights were taken from, counted from 1.
    pub epoch: usize,
    /// Unweighted average recall on the test speakers, 0 to 1.
    pub test_uar: Option<f64>,
    /// Accuracy on the test speakers, 0 to 1.
    pub test_accuracy: Option<f64>,
    /// The cross-validation of models with the same settings. A model trained on
    /// all speakers has no test speakers of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cross_validation: Option<CrossValidation>,
}

/// The results of a cross-validation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CrossValidation {
    /// How the folds were made, in words.
    pub protocol: String,
    /// Number of speakers tested, each with models that were not trained on them.
    pub speakers: usize,
    /// Number of clips tested.
    pub clips: u64,
    /// Number of seeds that every fold was trained with.
    pub seeds: u64,
    /// Unweighted average recall over all predictions of a seed; the mean over seeds.
    pub uar: f64,
    /// Its standard deviation over seeds, if there were several.
    pub uar_deviation: Option<f64>,
    /// Its 95 % interval over speakers.
    pub uar_interval: Option<[f64; 2]>,
    /// Accuracy over all predictions of a seed; the mean over seeds.
    pub accuracy: f64,
    /// Expected calibration error.
    pub calibration_error: f64,
    /// Recall of each class.
    pub recalls: Vec<(String, f64)>,
    /// Unweighted average recall after speaker adaptation, with the number of
    /// unlabelled clips of each speaker that were enrolled. `None` stands for
    /// all clips, including the tested ones.
    pub adapted: Vec<(Option<usize>, f64)>,
}
