//! Training speech-emotion models: settings and a corpus in, a tested model out.
//!
//! ```no_run
//! use corpus::{Sources, split_by_speaker};
//! use model::Backend;
//! use training::{Experiment, FeatureTable, Outcome, Settings};
//!
//! let settings = Settings::builder().recipe_or_file("plain")?.build()?;
//! let corpus = Sources::new(&["ravdess".into()], "auto")?.open()?;
//! let split = split_by_speaker(&corpus, None, None, settings.seed)?;
//! let others = [&split.validation[..], &split.test].concat();
//! let features = FeatureTable::extract(&corpus, &split.train, &others, &settings, None, &())?;
//! let experiment = Experiment {
//!     corpus: &corpus,
//!     split: &split,
//!     features: &features,
//!     settings: &settings,
//!     device: &Backend::Flex.device()?,
//!     fine_tune: None,
//!     speaker_adaptation: false,
//! };
//! if let Outcome::Finished(fitted) = experiment.run(&mut (), &())? {
//!     println!("UAR on held-out speakers: {:?}", fitted.confusion_matrix().uar());
//!     fitted.model.save("model.safetensors")?;
//! }
//! # Ok::<(), training::TrainingError>(())
//! ```
//!
//! # The way through the crate
//!
//! 1. [`Settings`] say everything that a training depends on; [`recipes`] are
//!    settings that come with the library;
//! 2. [`FeatureTable`] has the features of the clips, extracted in parallel and
//!    kept in a [`FeatureStore`];
//! 3. [`Experiment`] trains and tests one model, by the [`Trainer`] epoch by epoch;
//! 4. [`CrossValidation`] does so for every fold and seed of a protocol, and
//!    [`Selection`] chooses among recipes without the speakers that are tested;
//! 5. [`RunFolder`] keeps what a training leaves behind.
//!
//! Whoever wants to know how far it is implements [`Observer`]. This crate
//! prints nothing, draws nothing and reads no command line.
//!
//! Everything random in an epoch comes from a generator made of the seed and
//! the epoch's number alone. So the same seed gives the same model, and a
//! resumed training ends as one that was never interrupted.

mod auxiliary;
mod checkpoint;
mod clips;
mod cross_validation;
mod dataset;
pub mod enrolment;
mod epoch_log;
mod error;
mod evaluation;
#[cfg(test)]
mod every_setting;
mod experiment;
mod extraction;
mod feature_store;
mod feature_table;
mod linear;
mod mixup;
mod network;
mod observer;
mod permutation;
mod provenance;
pub mod recipes;
pub mod run_folder;
mod schedule;
mod selection;
mod settings;
pub mod sturdy;
pub mod temperature;
mod trained_on;
mod trainer;

pub use cross_validation::{CrossValidated, CrossValidation, RESULTS, claim};
pub use epoch_log::{EpochLog, read_epochs};
pub use error::TrainingError;
pub use evaluation::predict;
pub use experiment::{Experiment, Fitted, Journal, Outcome};
pub use extraction::{Extracted, Failed, extract_all, with_path};
pub use feature_store::{FeatureStore, Usage};
pub use feature_table::FeatureTable;
pub use network::Best;
pub use observer::{Event, Observer, Stage};
pub use permutation::{Permutation, Permuted, permutation};
pub use provenance::{cross_validation_for_model, is_synthetic};
pub use run_folder::RunFolder;
pub use selection::{CHOICE, Candidate, Choice, LOOKS, Selected, Selection};
pub use settings::{
    Auxiliary, COSTS, EnrolmentDraws, Linear, LinearKind, SHRINKAGES, Settings, SettingsBuilder,
    Training, Variant, change_features,
};
pub use trained_on::{Exposure, TrainedOn, corpus_for};
pub use trainer::Trainer;
