//! Cross-validation: every fold and seed trained, every voice tested unheard.
//!
//! One folder holds it all. While it runs, `folds/F0-seed1/` and so on appear
//! one by one, each complete or not there, so that a run that was stopped goes
//! on where it was. Each also measures what is gained by knowing the speaker
//! ([`enrolment`]). At the end [`summary`] pools the predictions of all folds
//! and [`page`] shows them.

pub mod enrolment;
pub mod page;
pub mod summary;
mod tasks;

pub use enrolment::Enrolled;
pub use summary::Summary;
pub use tasks::{Task, TaskResult, Tasks};
