//! `affekt explain`: which seconds and which features decide a label.

mod corpus;
mod recording;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use model::explain::ExplainSettings;

use crate::corpus_options::CorpusOptions;
use crate::decode_options::OneChannelOptions;
use crate::model_options::ModelOptions;
use crate::output::write_file;

/// `affekt explain`.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  affekt explain voice.wav
  affekt explain voice.wav --label sad --format json
  affekt explain voice.wav --out voice.svg            the curves below the spectrogram
  affekt explain ravdess/ --model runs/2026-01-31-ravdess --out features.html

The score of a label is its log-odds, ln(p / (1 - p)): 0 where the label is as probable
as all others together. 0.7 more doubles the odds.

For a recording:
  occlusion             a window is silenced; if the score falls, it spoke for the label
  features              the score with one group of features at its training mean
  integrated gradients  every number gets a part of the score; the parts add up

For a corpus, one group of features is permuted between the clips. The more UAR is lost,
the more the model needs that group. Only speakers that were not in training count,
unless --speakers names some.

All this says what the model reacts to, not what causes an emotion (docs/explain.md).")]
pub struct Args {
    /// A recording; or a folder of labelled ones, a manifest (.csv) or a list of corpora (.toml)
    #[arg(value_name = "FILE|DIR")]
    pub input: PathBuf,
    /// Which model, and where it computes.
    #[command(flatten)]
    pub model: ModelOptions,
    /// Which part of the recording to read.
    #[command(flatten)]
    pub part: OneChannelOptions,
    /// How a folder is read.
    #[command(flatten)]
    pub corpus: CorpusOptions,
    /// Of a folder: only these speakers [default: those the model was not trained on]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub speakers: Option<Vec<String>>,
    /// Explain this label's score [default: the most probable label; of a folder, the right one]
    #[arg(long, value_name = "LABEL")]
    pub label: Option<String>,
    /// Seconds of a window that is silenced
    #[arg(long, value_name = "SECONDS", default_value_t = ExplainSettings::default().window)]
    pub window: f64,
    /// Seconds from one window to the next
    #[arg(long, value_name = "SECONDS", default_value_t = ExplainSettings::default().hop)]
    pub hop: f64,
    /// Steps of the integrated gradients
    #[arg(long, value_name = "N", default_value_t = ExplainSettings::default().steps)]
    pub steps: usize,
    /// Of a folder: how often each group of features is permuted
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = at_least_one)]
    pub repeats: usize,
    /// Of a folder: the seed of the permutations
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Of a folder: how many recordings are on the page
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub pictures: usize,
    /// text for people, json for programs, svg to look at (of a recording), html (of a folder) [default: by the ending of --out, else text]
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// Write into this file, whole or not at all, instead of standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// How `explain` writes.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object.
    Json,
    /// A picture of a recording.
    Svg,
    /// A page about a corpus.
    Html,
}

impl Args {
    fn format(&self) -> Result<Format> {
        let endings = [
            ("txt", Format::Text),
            ("json", Format::Json),
            ("svg", Format::Svg),
            ("html", Format::Html),
        ];
        crate::output::format(self.format, self.out.as_deref(), &endings)
    }

    fn settings(&self, labels: &[String]) -> Result<ExplainSettings> {
        let place = |wanted: &String| {
            let found = labels.iter().position(|l| l.eq_ignore_ascii_case(wanted));
            found.with_context(|| {
                let known = labels.join(", ");
                format!("the model has no label `{wanted}`; it has {known}")
            })
        };
        Ok(ExplainSettings {
            label: self.label.as_ref().map(place).transpose()?,
            window: self.window,
            hop: self.hop,
            steps: self.steps,
        })
    }

    fn write(&self, text: &str) -> Result<()> {
        match &self.out {
            Some(out) => write_file(out, text.as_bytes()),
            None => {
                print!("{text}");
                Ok(())
            }
        }
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("it must be at least 1".into()),
        Ok(count) => Ok(count),
        Err(error) => Err(error.to_string()),
    }
}

/// Explains a recording, or a model on a corpus.
pub fn run(args: &Args) -> Result<ExitCode> {
    let is_list = |ending: &str| {
        ["csv", "toml"]
            .iter()
            .any(|e| ending.eq_ignore_ascii_case(e))
    };
    let ending = args.input.extension().unwrap_or_default();
    match args.input.is_dir() || is_list(&ending.to_string_lossy()) {
        true => corpus::run(args),
        false => recording::run(args),
    }
}
