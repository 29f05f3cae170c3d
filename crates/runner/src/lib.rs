//! Batch training, evaluation and inference behind the `runner` command.

pub mod corpus;
pub mod report;
pub mod synth;
