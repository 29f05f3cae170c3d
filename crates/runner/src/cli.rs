//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use model::Backend;
use model::recurrent::CellKind;

use crate::corpus::LabelSet;

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

/// Which model, and where it computes.
#[derive(Args, Debug)]
pub struct ModelChoice {
    /// A model file, a run's folder, or `newest` for the newest under runs/ [default: the model that comes with the program]
    #[arg(long, short, value_name = "FILE|RUN")]
    pub model: Option<PathBuf>,
    /// Where to compute: auto, flex, ndarray or wgpu
    #[arg(long, default_value_t = Backend::Auto)]
    pub backend: Backend,
}

/// `runner classify`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  runner classify voice.wav
  runner classify interviews/ --format csv > emotions.csv
  sox call.mp3 -t wav - | runner classify - --format json
  runner classify interviews/ --speaker           all of them are of one voice
  runner classify voice.wav --at-least 0.5        no label where no emotion has 50 %

Where nobody speaks there is no label. A recording that is unlike those the
model was trained on (music, noise, another microphone) is marked: its
unfamiliarity is above 1, and its probabilities are worth little.

With --speaker the voice is measured by its own recordings before any is
classified, which helps from three recordings on and most from ten. With
--taught some recordings of the speaker come with their labels; a few of every
label are wanted.

A file that cannot be read is reported, the rest go on, and the exit code is 1.")]
pub struct Classify {
    /// Recordings, folders of recordings, or - for a WAV from standard input
    #[arg(required = true, value_name = "FILE|DIR|-")]
    pub inputs: Vec<PathBuf>,
    /// Which model, and where it computes.
    #[command(flatten)]
    pub model: ModelChoice,
    /// All recordings are of one speaker: adapt the model to the voice first
    #[arg(long)]
    pub speaker: bool,
    /// Labelled recordings of the one speaker, a table with the columns path and label: adapt the model to the voice and to what it mistakes in it
    #[arg(long, value_name = "TABLE.csv", conflicts_with = "speaker")]
    pub taught: Option<PathBuf>,
    /// Give no label where the most probable one is less probable than this
    #[arg(long, value_name = "PROBABILITY", default_value_t = 0.0, value_parser = share)]
    pub at_least: f32,
    /// text for people; json, jsonl (one object a line) and csv for programs
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// How `classify` writes.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON list.
    Json,
    /// One JSON object a line, as each is ready.
    Jsonl,
    /// A table with a header.
    Csv,
}

/// `runner evaluate`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  runner evaluate runs/2026-01-31-ravdess ravdess/          the speakers it never heard
  runner evaluate runs/2026-01-31-ravdess emodb/ --corpus auto --labels map.toml

Without --corpus the folders are read as those of the training were. Labels are
compared by name; the model must know all that the recordings have, and a map
renames or drops what it does not. A model that was trained with a map is
evaluated with the same one.")]
pub struct Evaluate {
    /// A model file or a run's folder
    pub model: PathBuf,
    /// Folders of recordings, manifests (.csv) or a list of corpora (.toml)
    #[arg(required = true, value_name = "DIR|FILE")]
    pub dirs: Vec<PathBuf>,
    /// How they are read.
    #[command(flatten)]
    pub corpus: CorpusOptions,
    /// Only these speakers [default: those the model was not trained on]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub speakers: Option<Vec<String>>,
    /// Write predictions.csv, report.json and confusion_matrix.svg there
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// Where to compute: auto, flex, ndarray or wgpu
    #[arg(long, default_value_t = Backend::Auto)]
    pub backend: Backend,
}

/// `runner info`.
#[derive(Args, Debug)]
pub struct Info {
    /// A model file, a run's folder, or `newest` for the newest under runs/ [default: the model that comes with the program]
    pub model: Option<PathBuf>,
    /// Everything as JSON
    #[arg(long)]
    pub json: bool,
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

/// `runner export`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  runner export runs/2026-01-31-ravdess --format onnx --out emotions.onnx
  runner export model.safetensors --format pytorch --out lstm.safetensors

onnx (operator set 17) holds the whole way from features to probabilities, the
normalisation too. It takes
  frames       [batch, time, columns]   features as they are, padded at the end
  lengths      [batch]                  frames of each clip, 64-bit integers
  functionals  [batch, functionals]     only where the model has them
and gives probabilities [batch, labels]. Its metadata name the labels, the
columns and the settings that the features are made with.

pytorch holds the recurrent layers alone, under PyTorch's names, as safetensors:
  network = torch.nn.LSTM(20, 64, bidirectional=True, batch_first=True)
  network.load_state_dict(safetensors.torch.load_file(\"lstm.safetensors\"))
The sizes stand in the file's metadata; their input is normalised already.")]
pub struct Export {
    /// A model file or a run's folder
    #[arg(value_name = "FILE|RUN")]
    pub model: PathBuf,
    /// onnx for other runtimes, pytorch to go on there
    #[arg(long, value_enum)]
    pub format: ExportFormat,
    /// Which of an ensemble's networks goes to PyTorch
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub member: usize,
    /// The file to write, replaced if it is there
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// What `export` writes.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// Open Neural Network Exchange: the whole model
    Onnx,
    /// safetensors with the names of torch.nn: the recurrent layers
    Pytorch,
}

/// `runner synth`.
#[derive(Args, Debug)]
pub struct Synth {
    /// The folder to write; made if need be
    pub dir: PathBuf,
    /// Speakers
    #[arg(long, default_value_t = 12)]
    pub speakers: usize,
    /// Recordings of each emotion and speaker
    #[arg(long, default_value_t = 4)]
    pub takes: usize,
    /// The seed: the same one writes the same bytes
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// `runner features`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  runner features voice.wav --preset librosa --format npy --out voice.npy
  runner features interviews/ --preset kaldi --format parquet --out tables/
  runner features voice.wav --format csv --out -
  runner features voice.wav --preset recommended --blocks mfcc,prosody,spectral --out voice.npy

A folder gives a table for each recording, under the same names. A file that
cannot be read is reported, the rest go on, and the exit code is 1.")]
pub struct Features {
    /// A recording, or a folder of recordings
    pub input: PathBuf,
    /// Whose frames and MFCCs to compute
    #[arg(long, value_enum, default_value_t = Preset::Librosa)]
    pub preset: Preset,
    /// What to measure of the preset's frames, in the order of the columns, separated by commas [default: the preset's]
    #[arg(long, value_enum, value_name = "BLOCK,...", value_delimiter = ',')]
    pub blocks: Vec<Block>,
    /// npy: an array [frames, columns]; csv and parquet: named columns and the time
    #[arg(long, value_enum, default_value_t = TableFormat::Npy)]
    pub format: TableFormat,
    /// The file to write, or a folder for a folder; - writes CSV to standard output
    #[arg(long, value_name = "PATH")]
    pub out: PathBuf,
    /// Resample to this rate in Hz first [default: the recording's own]
    #[arg(long, value_name = "HZ")]
    pub sample_rate: Option<u32>,
    /// Coefficients of a frame [default: the preset's]
    #[arg(long, value_name = "N")]
    pub n_mfcc: Option<usize>,
}

/// The MFCCs of a reference tool, or the frames that models see.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
#[value(rename_all = "snake_case")]
pub enum Preset {
    /// librosa.feature.mfcc
    Librosa,
    /// torchaudio.transforms.MFCC
    Torchaudio,
    /// Kaldi's compute-mfcc-feats
    Kaldi,
    /// python_speech_features.mfcc
    PythonSpeechFeatures,
    /// HTK, as openSMILE's MFCC12_0
    Htk,
    /// What a model trained with the default settings sees: 16 kHz, trimmed
    Recommended,
    /// The same, with prosody
    Emotion,
}

/// A measure of frames, by its default settings.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
#[value(rename_all = "snake_case")]
pub enum Block {
    /// Cepstral coefficients
    Mfcc,
    /// Logarithm of the mel spectrum
    LogMel,
    /// Log F0, voicing, strength and level, also relative to the recording's
    Prosody,
    /// F0 in Hz and voicing
    Pitch,
    /// Sound pressure level in dB
    Intensity,
    /// Zero crossings, centroid, bandwidth, roll-off, flatness, flux
    Spectral,
    /// Energy by pitch class
    Chroma,
    /// Harmonics-to-noise ratio in dB
    Harmonicity,
}

/// How `features` writes.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableFormat {
    /// NumPy's array file, 32-bit floats.
    Npy,
    /// Text with a header.
    Csv,
    /// Apache Parquet.
    Parquet,
}

/// `runner plot`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  runner plot voice.wav                         writes voice.svg into this folder
  runner plot interview.mp3 --out pictures/interview.svg

One SVG picture, which every browser shows: waveform with the speech shaded, mel
spectrogram, MFCCs as the recommended settings make them, pitch and intensity.
Recordings of any length give a picture of less than a megabyte.")]
pub struct Plot {
    /// The recording
    pub file: PathBuf,
    /// The picture to write, replaced if it is there [default: the recording's name with .svg, in this folder, which must not be there yet]
    #[arg(long, value_name = "PICTURE.svg")]
    pub out: Option<PathBuf>,
}

/// `runner bench`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  runner bench                                  LSTM, 40 inputs, 128 units, 32 x 300 frames
  runner bench --cell gru --hidden 64 --threads 1
  runner bench --work train --layers 2 --bidirectional --hidden 96 --lengths 100-300
  runner bench --backend flex,ndarray --work train,infer --format json

A training step is the forward pass, the mean of the squared outputs as the
loss, and its gradients of all weights; no optimiser. The gradient of the inputs
is not asked for. Streaming goes frame by frame on one core, whatever the
backend; beside it stand its bare matrix-vector products over the same packed
weights. GFLOP/s counts the operations that the formulas need, not more.")]
pub struct Bench {
    /// What to time [default: all that the network can do]
    #[arg(long, value_enum, value_name = "LIST", value_delimiter = ',')]
    pub work: Vec<Work>,
    /// Where to compute: flex, ndarray, wgpu
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_values_t = [Backend::Flex])]
    pub backend: Vec<Backend>,
    /// lstm, peephole, peephole_full, coupled, gru, gru_reset_before, rnn, rnn_relu
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = cell_kind, default_value = "lstm")]
    pub cell: Vec<CellKind>,
    /// Features of a frame
    #[arg(long, default_value_t = 40, value_parser = at_least_one)]
    pub input: usize,
    /// Hidden units of a layer and direction
    #[arg(long, default_value_t = 128, value_parser = at_least_one)]
    pub hidden: usize,
    /// Layers above each other
    #[arg(long, default_value_t = 1, value_parser = at_least_one)]
    pub layers: usize,
    /// Let every layer also walk backwards
    #[arg(long)]
    pub bidirectional: bool,
    /// Sequences of a batch
    #[arg(long, default_value_t = 32, value_parser = at_least_one)]
    pub batch: usize,
    /// Frames of every sequence
    #[arg(long, default_value_t = 300, value_parser = at_least_one)]
    pub frames: usize,
    /// Draw the lengths of a batch's sequences from this range, the same ones every time: 100-300
    #[arg(long, value_name = "LEAST-MOST", value_parser = lengths)]
    pub lengths: Option<Lengths>,
    /// Threads [default: one for each core]
    #[arg(long, value_parser = at_least_one)]
    pub threads: Option<usize>,
    /// Most timed runs of each work
    #[arg(long, default_value_t = 20, value_parser = at_least_one)]
    pub runs: usize,
    /// Time each work for so long at most, though three runs at least
    #[arg(long, default_value_t = 5.0)]
    pub seconds: f64,
    /// Also measure the first training's peak memory (Linux)
    #[arg(long)]
    pub memory: bool,
    /// A table for people, or a JSON list for programs
    #[arg(long, value_enum, default_value_t = BenchFormat::Text)]
    pub format: BenchFormat,
}

/// What `bench` times.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Work {
    /// A training step: forward, loss over all outputs, gradients of all weights.
    Train,
    /// Inference of a batch.
    Infer,
    /// Inference of one sequence.
    One,
    /// One frame of a live stream.
    Stream,
}

/// How `bench` writes.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum BenchFormat {
    /// For people.
    Text,
    /// One JSON list.
    Json,
}

/// A range of lengths, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lengths {
    /// Of the shortest possible sequence.
    pub least: usize,
    /// Of the longest possible one.
    pub most: usize,
}

fn lengths(text: &str) -> Result<Lengths, String> {
    let parsed = text
        .split_once('-')
        .and_then(|(least, most)| Some((least.parse().ok()?, most.parse().ok()?)));
    match parsed {
        Some((least, most)) if 0 < least && least <= most => Ok(Lengths { least, most }),
        _ => Err("two numbers of frames are wanted, the smaller one first: 100-300".into()),
    }
}

fn share(text: &str) -> Result<f32, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("a number from 0 to 1 is wanted".into()),
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("at least 1 is wanted".into()),
        Ok(number) => Ok(number),
        Err(error) => Err(format!("{error}")),
    }
}

fn cell_kind(name: &str) -> Result<CellKind, String> {
    serde_json::from_value(name.into()).map_err(|error| error.to_string())
}
