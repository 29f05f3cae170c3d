//! The command line: the list of commands. What each takes is in its own file
//! below [`crate::commands`].

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::commands::{
    bench, cache, classify, corpus, cross_validate, devices, ensemble, evaluate, explain, export,
    features, info, listen, plot, select, serve, synth, timeline, train,
};

/// Hears a voice and says which emotion it carries.
///
/// Classify recordings, train on a folder of labelled ones, and see how good a
/// model is on speakers that it never heard.
#[derive(Parser, Debug)]
#[command(name = "affekt", version, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Say which emotion recordings carry
    Classify(classify::Args),
    /// Listen to a microphone, a pipe or a file, live: bars, JSON lines, OSC, lamps
    Listen(Box<listen::Args>),
    /// Say when in recordings which emotion is heard: segments, subtitles, labels
    Timeline(timeline::Args),
    /// Say which seconds and which features decide a label
    Explain(explain::Args),
    /// Serve a page, a wall of light, and an API for programs
    Serve(Box<serve::Args>),
    /// Train a model on a corpus and test it on held-out speakers
    Train(train::Args),
    /// Measure a recipe: test every speaker with models that never heard them
    CrossValidate(cross_validate::Args),
    /// Choose among recipes without the speakers that the choice is measured on
    Select(select::Args),
    /// Measure a model on a corpus
    Evaluate(evaluate::Args),
    /// Show what folders of recordings hold: labels, speakers, what does not fit
    Corpus(corpus::Args),
    /// Show what a model is, where it comes from and how good it was found to be
    Info(info::Args),
    /// Draw a recording: waveform, spectrogram, MFCCs, pitch and intensity
    Plot(plot::Args),
    /// Write the features of recordings as tables
    Features(features::Args),
    /// Combine several models into one that averages their probabilities
    Ensemble(ensemble::Args),
    /// Write a model as ONNX, or its recurrent layers for PyTorch
    Export(export::Args),
    /// Write a small synthetic corpus, to try things without data
    Synth(synth::Args),
    /// List the backends and graphics cards that can be used here
    Devices(devices::Args),
    /// Show or clear the features that are kept from earlier trainings
    Cache(cache::Args),
    /// Time recurrent layers on this machine: training, inference, streaming
    Bench(bench::Args),
}

impl Command {
    /// Does it. The exit code is 0, or 1 where some inputs failed.
    ///
    /// # Errors
    ///
    /// Where nothing could be done; the message is for people.
    pub fn run(self) -> Result<ExitCode> {
        match self {
            Command::Classify(args) => classify::run(&args),
            Command::Listen(args) => listen::run(&args),
            Command::Timeline(args) => timeline::run(&args),
            Command::Explain(args) => explain::run(&args),
            Command::Serve(args) => serve::run(&args),
            Command::Train(args) => train::run(&args),
            Command::CrossValidate(args) => cross_validate::run(&args),
            Command::Select(args) => select::run(&args),
            Command::Evaluate(args) => evaluate::run(&args),
            Command::Corpus(args) => corpus::run(&args),
            Command::Info(args) => info::run(&args),
            Command::Plot(args) => plot::run(&args),
            Command::Features(args) => features::run(&args),
            Command::Ensemble(args) => ensemble::run(&args),
            Command::Export(args) => export::run(&args),
            Command::Synth(args) => synth::run(&args),
            Command::Devices(args) => devices::run(&args),
            Command::Cache(args) => cache::run(&args),
            Command::Bench(args) => bench::run(&args),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
