//! The command line: what the user says, and nothing of what is done.

mod bench;
mod models;
mod sound;
mod training;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::corpus::LabelSet;

pub use bench::{Bench, BenchFormat, Lengths, Work};
pub use models::{Classify, Evaluate, Export, ExportFormat, Format, Info, ModelChoice};
pub use sound::{Block, Features, Plot, Preset, Synth, TableFormat};
pub use training::{Corpus, CrossValidate, Ensemble, Train};

/// Hears a voice and says which emotion it carries.
///
/// Train on a folder of labelled recordings, classify new ones, and see how
/// good the model is on speakers it never heard.
#[derive(Parser, Debug)]
#[command(name = "runner", version, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Train a model on a corpus, tested on speakers it never heard
    Train(Train),
    /// Test every speaker unheard: all folds of a protocol, over several seeds
    CrossValidate(CrossValidate),
    /// Show what folders of recordings hold: labels, speakers, what does not fit
    Corpus(Corpus),
    /// Say which emotion recordings carry
    Classify(Classify),
    /// Measure a model on a corpus
    Evaluate(Evaluate),
    /// Show what a model is, where it comes from and how good it was found
    Info(Info),
    /// List the backends and graphics adapters usable here, and why one is not
    Devices(Devices),
    /// Write the features of recordings as tables
    Features(Features),
    /// Draw a recording: waveform, spectrogram, MFCC, pitch and intensity
    Plot(Plot),
    /// Put several models into one, whose probabilities are averaged
    Ensemble(Ensemble),
    /// Write a model as ONNX, or its recurrent layers for PyTorch
    Export(Export),
    /// Write a small synthetic speech-like corpus, to try things without data
    Synth(Synth),
    /// Time recurrent layers on this machine: training, inference, streaming
    Bench(Bench),
}

/// `runner devices`.
#[derive(Args, Debug)]
pub struct Devices {
    /// Only compute something small on the graphics card: whether the process
    /// survives it is what `--backend auto` wants to know.
    #[arg(long, hide = true)]
    pub trial: bool,
}

/// How recordings are read.
#[derive(Args, Clone, Debug, Default)]
pub struct CorpusOptions {
    /// How to read the folders: auto (by what they hold), the name of a built-in card, the path of
    /// your own, folders (one per label) or manifest; for several folders one for all, or one for
    /// each as in ravdess+emodb [default: auto]
    #[arg(long, value_name = "NAME|CARD.toml")]
    pub corpus: Option<String>,
    /// Rename, merge and drop labels as this file says
    #[arg(long, value_name = "MAP.toml")]
    pub labels: Option<PathBuf>,
    /// Which labels several corpora are used with, where they differ
    #[arg(long, value_enum, value_name = "RULE")]
    pub label_set: Option<LabelSet>,
    /// Who speaks in a folder per label: a regular expression with a group `(?<speaker>...)`, looked for in each file's path
    #[arg(long, value_name = "REGEX")]
    pub speaker_pattern: Option<String>,
}
