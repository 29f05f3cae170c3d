//! The commands that ask models, and those about them.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use model::Backend;

use super::CorpusOptions;

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

fn share(text: &str) -> Result<f32, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("a number from 0 to 1 is wanted".into()),
    }
}
