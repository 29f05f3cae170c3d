//! Batch training, evaluation and inference behind the `runner` command.
//!
//! Data flow one way:
//!
//! 1. [`corpus`]: a folder of recordings becomes labelled clips, split by speaker;
//! 2. [`sound`] and [`features`]: clips become features, in parallel, kept in a cache;
//! 3. [`training`]: features become a network;
//! 4. [`protocol`] and [`cross_validation`]: every speaker tested unheard;
//! 5. [`report`]: the network's answers become figures, pictures and tables;
//! 6. [`run_folder`]: all of it lands in one folder.
//!
//! [`commands`] has one file for each command, [`cli`] what they take,
//! [`settings`] what a training depends on, [`trial`] where it can run,
//! [`synth`] a voice for machines without a corpus, [`benchmark`] what
//! recurrent layers cost.

pub mod benchmark;
pub mod cli;
pub mod commands;
pub mod corpus;
pub mod cross_validation;
pub mod evaluation;
pub mod features;
pub mod progress;
pub mod protocol;
pub mod report;
pub mod run_folder;
pub mod settings;
pub mod sound;
pub mod sound_files;
pub mod synth;
pub mod tables;
pub mod training;
pub mod trial;
