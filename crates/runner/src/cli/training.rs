//! The commands that make models.

use std::path::PathBuf;

use clap::Args;
use model::Backend;

use super::CorpusOptions;

/// `runner corpus`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  runner corpus ravdess/                        found by its file names
  runner corpus sorted/ --speaker-pattern '/(?<speaker>[a-z]+)_'
  runner corpus calls/manifest.csv
  runner corpus ravdess/ emodb/wav/ --labels map.toml --label-set common

A folder is one of
  a known corpus       ravdess, ravdess-song, emodb, crema-d, tess, savee, emovo, nemo,
                       or one with a card of your own
  a folder per label   anger/a.wav, joy/b.wav
  a manifest           manifest.csv: path,label,speaker[,start,end][,split]
Nothing is guessed: a file that does not fit is listed with the reason, and a
folder that can be read in two ways is an error. datasets/README.md has it all.")]
pub struct Corpus {
    /// Folders, manifests (.csv) or a list of corpora (.toml)
    #[arg(required = true, value_name = "DIR|FILE")]
    pub dirs: Vec<PathBuf>,
    /// How they are read.
    #[command(flatten)]
    pub options: CorpusOptions,
}

/// `runner train`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  runner train                                  the synthetic corpus: tries everything out
  runner train ravdess/                         RAVDESS; test speakers from its card
  runner train ravdess/ --test-speakers 1,4,9,22 --seed 3
  runner train sorted/                          a folder per label: sorted/joy/ann_1.wav
  runner train ravdess/ emodb/ --labels map.toml --label-set common
  runner train --resume runs/2026-01-31-ravdess

A run folder holds model.safetensors, settings.toml, metrics.jsonl,
predictions.csv, report.json, confusion_matrix.svg and learning_curves.svg.
Nothing is chosen on the test speakers: the epoch is chosen on the validation
speakers, and the normalisation comes from the training speakers.")]
pub struct Train {
    /// Folders of recordings, manifests (.csv) or a list of corpora (.toml); without any, a
    /// synthetic corpus is made and trained on
    #[arg(value_name = "DIR|FILE")]
    pub dirs: Vec<PathBuf>,
    /// How they are read.
    #[command(flatten)]
    pub corpus: CorpusOptions,
    /// Take the settings from a file, such as an earlier run's settings.toml, or a recipe of the program: emotion (the best), plain; options given here win
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Begin with the networks of another model, and take its features and shape
    #[arg(long, value_name = "FILE|RUN")]
    pub from: Option<PathBuf>,
    /// A cross-validation of the same settings, whose figures are written into the model
    #[arg(long, value_name = "FOLDER")]
    pub results: Option<PathBuf>,
    /// Go on with an interrupted run
    #[arg(long, value_name = "RUN", conflicts_with_all = ["from", "dirs", "config", "out", "name", "corpus", "labels", "label_set", "speaker_pattern", "seed", "backend", "batch_size", "learning_rate", "hidden", "layers", "test_speakers", "validation_speakers"])]
    pub resume: Option<PathBuf>,
    /// The run's folder [default: runs/DATE-NAME]
    #[arg(long, value_name = "FOLDER", conflicts_with = "name")]
    pub out: Option<PathBuf>,
    /// The run's name in the default folder [default: the corpus's name]
    #[arg(long)]
    pub name: Option<String>,
    /// Speakers to test on, never heard in training: 1,4,9,22
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub test_speakers: Option<Vec<String>>,
    /// Speakers that decide which epoch is kept; "none" trains all epochs and keeps the last
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub validation_speakers: Option<Vec<String>>,
    /// Most passes over the training clips
    #[arg(long)]
    pub epochs: Option<usize>,
    /// Clips a training step
    #[arg(long)]
    pub batch_size: Option<usize>,
    /// Highest learning rate of the schedule
    #[arg(long)]
    pub learning_rate: Option<f64>,
    /// Hidden units of each LSTM layer and direction
    #[arg(long)]
    pub hidden: Option<usize>,
    /// LSTM layers above each other
    #[arg(long)]
    pub layers: Option<usize>,
    /// The seed of everything random; the same seed gives the same result on the CPU
    #[arg(long)]
    pub seed: Option<u64>,
    /// Where to compute: auto, flex, ndarray or wgpu
    #[arg(long)]
    pub backend: Option<Backend>,
    /// Extract features anew and keep none
    #[arg(long)]
    pub no_cache: bool,
}

/// `runner cross-validate`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  runner cross-validate ravdess/                          Luna-Jimenez's five folds, one seed
  runner cross-validate ravdess/ --seeds 5 --out results/luna5
  runner cross-validate emodb/ --protocol loso
  runner cross-validate ravdess/ emodb/ --protocol loco --labels map.toml --label-set common
  runner cross-validate ravdess/ --protocol k10 --config recipe.toml

Protocols: those of the corpus's card (ravdess: luna5, emobox6), loso (leave one
speaker out), loco (leave one of several corpora out), k5, k10 and so on (folds
of speakers), a TOML file of fixed lists, and leaky-random, which tests voices
that were trained on and is no measure of anything but that. nested- before any of
them (nested-luna5) is for comparing recipes: it leaves each fold out in turn and
tests the others.

The folder holds report.html (all at a glance), results.json, predictions.csv,
folds.csv, classes.csv, speakers.csv, settings.toml, and under folds/ each
training's model and predictions. Run the same command again to go on after an
interruption.")]
pub struct CrossValidate {
    /// Folders of recordings, manifests (.csv) or a list of corpora (.toml)
    #[arg(required = true, value_name = "DIR|FILE")]
    pub dirs: Vec<PathBuf>,
    /// How they are read.
    #[command(flatten)]
    pub corpus: CorpusOptions,
    /// Which folds [default: the first of the corpus's card, else loso; loco of several corpora]
    #[arg(long, value_name = "NAME|FILE.toml")]
    pub protocol: Option<String>,
    /// Trainings of each fold, with the seeds 1, 2, ...
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub seeds: u64,
    /// The results' folder [default: runs/DATE-CORPUS-PROTOCOL]
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// Take the settings from a file, such as an earlier run's settings.toml, or a recipe of the program: emotion (the best), plain
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Most passes over the training clips
    #[arg(long)]
    pub epochs: Option<usize>,
    /// Trainings at once [default: the number of processors]
    #[arg(long)]
    pub jobs: Option<usize>,
    /// Where to compute: auto, flex, ndarray or wgpu
    #[arg(long)]
    pub backend: Option<Backend>,
    /// Extract features anew and keep none
    #[arg(long)]
    pub no_cache: bool,
}

/// `runner ensemble`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  runner ensemble runs/a runs/b runs/c --out both.safetensors
  runner ensemble results/folds/*/model.safetensors --out all-folds.safetensors

The models must have been trained with the same settings but for the seed and
the speakers. Training with `members` in its settings gives an ensemble at once.")]
pub struct Ensemble {
    /// Model files and runs' folders, two at least
    #[arg(required = true, num_args = 2.., value_name = "FILE|RUN")]
    pub models: Vec<PathBuf>,
    /// The file to write, replaced if it is there
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}
