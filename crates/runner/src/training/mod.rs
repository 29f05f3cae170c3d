//! Training a classifier: one epoch at a time, resumable, repeatable.
//!
//! - [`parts`]: from a corpus and its split to features, description and clips;
//! - [`data`]: the clips of each part, normalised, and their batches;
//! - [`schedule`]: the learning rate over the steps;
//! - [`trainer`]: an epoch of steps, validation, and which epoch is kept;
//! - [`auxiliary`]: second questions that the network is asked meanwhile;
//! - [`calibration`]: the temperature that makes probabilities mean what they say;
//! - [`finish`]: the model of it, calibrated and tested;
//! - [`checkpoint`]: everything a training needs to go on, in one file.
//!
//! Everything random in an epoch comes from a generator made of the seed and
//! the epoch's number alone, so a resumed training takes the same way as one
//! that was never interrupted.

pub mod auxiliary;
pub mod calibration;
pub mod checkpoint;
pub mod data;
pub mod finish;
pub mod parts;
pub mod schedule;
pub mod trainer;

pub use data::{Clips, Sample, TrainingClip, TrainingClips};
pub use parts::{FeatureTable, Parts, is_synthetic};
pub use trainer::Trainer;
