//! `affekt classify`: which emotion recordings carry.

mod clip;
mod results;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, ensure};
use audio::Features;
use corpus::{CorpusError, labelled_clips};
use model::{Enrolment, Prepared, Recognizer};
use rayon::prelude::*;
use training::with_path;

use self::clip::{Clip, STEPS, Task, named, prepare, tasks};
use self::results::{Record, Results};
use crate::decode_options::DecodeOptions;
use crate::model_options::ModelOptions;
use crate::output::{self, count, recordings};
use crate::terminal;

/// Recordings between two writes: enough to keep every core busy, and as many
/// as the network takes at once.
const CHUNK: usize = Recognizer::BATCH;

/// `affekt classify`.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  affekt classify voice.wav
  affekt classify interviews/ --format csv > emotions.csv
  sox call.mp3 -t wav - | affekt classify - --format json
  affekt classify interviews/ --speaker           all of them are one speaker's
  affekt classify voice.wav --abstain-below 0.5   no label below 50 %
  affekt classify call.wav --channel each         agent and customer, one by one
  affekt classify interviews/ --out emotions.parquet

There is no label where nobody speaks. A recording that is unlike the training
data (music, noise, another microphone) is marked: its unfamiliarity is above 1,
and its probabilities are unreliable.

--speaker adapts the model to the voice, by the statistics of all recordings,
before any is classified. It helps from three recordings on, and most from ten.
--few-shot takes some labelled recordings of the speaker, a few of every label.

A file that cannot be read is reported, the rest go on, and the exit code is 1; in the
formats for programs its line has an `error`. What of a damaged file cannot be read is
told in seconds (seconds_lost); above a share (--max-lost) it is an error.

A recording of more than five minutes is classified in pieces of a minute, and the
answer is their mean, weighted by the speech in each; `affekt timeline` says when which
emotion is heard.")]
pub struct Args {
    /// Recordings, folders of recordings, or - for a WAV from standard input
    #[arg(required = true, value_name = "FILE|DIR|-")]
    pub inputs: Vec<PathBuf>,
    /// Which model, and where it computes.
    #[command(flatten)]
    pub model: ModelOptions,
    /// Which part of each recording to read.
    #[command(flatten)]
    pub part: DecodeOptions,
    /// All recordings are of one speaker: adapt the model to the voice first
    #[arg(long)]
    pub speaker: bool,
    /// Adapt the model to a speaker by labelled recordings: a table with the columns path and label
    #[arg(
        long,
        value_name = "TABLE.csv",
        conflicts_with = "speaker",
        alias = "taught"
    )]
    pub few_shot: Option<PathBuf>,
    /// Abstain where the most probable label is less probable than this
    #[arg(long, value_name = "PROBABILITY", default_value_t = 0.0, value_parser = probability, alias = "at-least")]
    pub abstain_below: f32,
    /// text for people; json, jsonl (one object a line), csv and parquet for programs [default: by the ending of --out, else text]
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// Write into this file, whole or not at all, instead of standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// How `classify` writes.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON list.
    Json,
    /// One JSON object a line, as each is ready.
    Jsonl,
    /// A table with a header.
    Csv,
    /// The same table as Apache Parquet, in a file.
    Parquet,
}

impl Args {
    fn format(&self) -> Result<Format> {
        let endings = [
            ("txt", Format::Text),
            ("json", Format::Json),
            ("jsonl", Format::Jsonl),
            ("ndjson", Format::Jsonl),
            ("csv", Format::Csv),
            ("parquet", Format::Parquet),
        ];
        output::format(self.format, self.out.as_deref(), &endings)
    }
}

fn probability(text: &str) -> Result<f32, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("not a probability from 0 to 1".into()),
    }
}

/// A recording with its features, or why it has none.
type Heard = (PathBuf, Option<String>, Result<Clip, String>);

/// Classifies every input; a bad one is reported and the rest go on.
pub fn run(args: &Args) -> Result<ExitCode> {
    let format = args.format()?;
    let builder = args.model.recognizer()?;
    let mut recognizer = builder.abstain_below(args.abstain_below).build()?;
    if let Some(table) = &args.few_shot {
        recognizer = few_shot(&recognizer, table)?;
    }
    let part = args.part.part.settings();
    let inputs = recordings(&args.inputs);
    let bar = terminal::bar("recordings", inputs.len() as u64 * STEPS);
    let labels = recognizer.description().labels.clone();
    let mut results = Results::begin(format, &labels, args.out.as_deref())?;
    let (mut failures, mut all) = (Vec::new(), 0);
    // A speaker's recordings are enrolled before the first is classified, so
    // all of them are prepared first; they are decoded once all the same.
    let chunk = if args.speaker { inputs.len() } else { CHUNK };
    for inputs in inputs.chunks(chunk.max(1)) {
        let heard: Vec<Vec<Heard>> = (inputs.par_iter())
            .map(|input| {
                let tasks = match &input.failure {
                    Some(failure) => Err(failure.clone()),
                    None => tasks(input, args.part.channel, &part)
                        .map_err(|error| named(&input.path, error)),
                };
                let tasks = match tasks {
                    Ok(tasks) => tasks,
                    Err(failure) => return vec![(input.path.clone(), None, Err(failure))],
                };
                bar.inc_length(STEPS * (tasks.len() as u64).saturating_sub(1));
                let heard = |task: Task| {
                    let clip = prepare(&recognizer, &task, &part, &bar);
                    let clip = clip.map_err(|error| named(&task.path, error));
                    (task.path.clone(), task.channel(), clip)
                };
                tasks.into_iter().map(heard).collect()
            })
            .collect();
        let heard: Vec<Heard> = heard.into_iter().flatten().collect();
        let clips = heard.iter().filter_map(|(.., clip)| clip.as_ref().ok());
        let prepared: Vec<&Prepared> = clips.map(|clip| &clip.prepared).collect();
        if args.speaker {
            recognizer = recognizer.enrolled(&Enrolment::from_clips(&prepared))?;
        }
        let mut answers = recognizer.classify_many(&prepared)?.into_iter();
        bar.suspend(|| {
            for (path, channel, clip) in &heard {
                all += 1;
                match clip {
                    Ok(clip) => {
                        let Some(answer) = answers.next() else {
                            continue;
                        };
                        for note in &clip.notes {
                            eprintln!("note: {}: {note}", path.display());
                        }
                        let record = Record::new(path, channel.clone(), clip, &answer);
                        results.write(&record, Some(&answer))?;
                    }
                    Err(failure) => {
                        let record = Record::failed(path, channel.clone(), failure);
                        results.write(&record, None)?;
                        failures.push(failure.clone());
                    }
                }
            }
            Ok::<(), anyhow::Error>(())
        })?;
    }
    bar.finish_and_clear();
    results.end()?;

    for failure in &failures {
        eprintln!("error: {failure}");
    }
    if failures.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("{} of {} failed", failures.len(), count(all, "input"));
    Ok(ExitCode::FAILURE)
}

/// The recogniser for the speaker of the labelled recordings in a table, whose
/// paths start from the table's folder.
fn few_shot(recognizer: &Recognizer, table: &Path) -> Result<Recognizer> {
    let name = table.display();
    let (listed, notes) = labelled_clips(table)?;
    for note in notes {
        eprintln!("note: {name}: {note}");
    }
    let labels = &recognizer.description().labels;
    let mut clips = Vec::new();
    for clip in &listed {
        let line = clip.line;
        let same = |known: &&String| known.to_lowercase() == clip.label.to_lowercase();
        let place = labels
            .iter()
            .position(|known| same(&known))
            .with_context(|| {
                let known = labels.join(", ");
                format!(
                    "{name}, line {line}: the model has no label `{}`; it has {known}",
                    clip.label
                )
            })?;
        let recording = clip.excerpt().open();
        let recording = recording.map_err(|error: CorpusError| {
            anyhow!("{name}, line {line}: {}", with_path(&clip.path, error))
        })?;
        let features = recognizer.features(&recording);
        let features = features
            .map_err(|error| anyhow!("{name}, line {line}: {}", with_path(&clip.path, error)))?;
        clips.push((features, place));
    }
    let clips: Vec<(&Features, usize)> = clips.iter().map(|(f, place)| (f, *place)).collect();
    ensure!(!clips.is_empty(), "{name}: names no recording");
    Ok(recognizer.few_shot(&clips)?)
}
