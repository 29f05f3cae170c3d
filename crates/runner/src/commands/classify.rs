//! `affekt classify`: which emotion recordings carry.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, ensure};
use audio::{DecodeSettings, Features, Loss, Recording};
use model::{Classification, Enrolment, ModelError, Prepared, Reason, Recognizer, Verdict};
use rayon::prelude::*;
use report::text::bar;
use serde::Serialize;
use training::with_path;

use crate::decode_options::DecodeOptions;
use crate::model_options::ModelOptions;
use crate::output::recordings;

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
  affekt classify call.wav --channel 1            the second channel alone

There is no label where nobody speaks. A recording that is unlike the training
data (music, noise, another microphone) is marked: its unfamiliarity is above 1,
and its probabilities are unreliable.

--speaker adapts the model to the voice, by the statistics of all recordings,
before any is classified. It helps from three recordings on, and most from ten.
--few-shot takes some labelled recordings of the speaker, a few of every label.

A file that cannot be read is reported, the rest go on, and the exit code is 1. What
of a damaged file cannot be read is told in seconds, also in the formats for programs
(seconds_lost); above a share (--max-lost) it is an error.")]
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
    /// text for people; json, jsonl (one object a line) and csv for programs
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
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
}

fn probability(text: &str) -> Result<f32, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("not a probability from 0 to 1".into()),
    }
}

/// Classifies every input; a bad one is reported and the rest go on.
pub fn run(args: &Args) -> Result<ExitCode> {
    let builder = args.model.recognizer()?;
    let mut recognizer = builder.abstain_below(args.abstain_below).build()?;
    let (inputs, mut failures) = recordings(&args.inputs);
    if let Some(table) = &args.few_shot {
        recognizer = few_shot(&recognizer, table)?;
    }

    let labels = recognizer.description().labels.clone();
    let mut output = Output::new(args.format, labels);
    output.begin()?;
    // A speaker's recordings are enrolled before the first is classified, so
    // all of them are prepared first; they are decoded once all the same.
    let chunk = if args.speaker { inputs.len() } else { CHUNK };
    for inputs in inputs.chunks(chunk.max(1)) {
        let (clips, failed) = prepare(&recognizer, inputs, &args.part.settings());
        failures.extend(failed);
        let prepared: Vec<&Prepared> = clips.iter().map(|clip| &clip.prepared).collect();
        if args.speaker {
            recognizer = recognizer.enrolled(&Enrolment::from_clips(&prepared))?;
        }
        let answers = recognizer.classify_many(&prepared)?;
        for (clip, classification) in clips.iter().zip(&answers) {
            for note in &clip.notes {
                eprintln!("note: {}: {note}", clip.input.display());
            }
            output.write(clip, classification)?;
        }
    }
    output.end()?;

    for failure in &failures {
        eprintln!("error: {failure}");
    }
    if failures.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!(
        "{} of {} inputs failed",
        failures.len(),
        failures.len() + output.count
    );
    Ok(ExitCode::FAILURE)
}

/// A recording that is decoded and prepared.
struct Clip<'a> {
    input: &'a Path,
    prepared: Prepared,
    seconds: f64,
    loss: Loss,
    /// What people should be told of how it was read.
    notes: Vec<String>,
}

/// Decodes recordings and extracts their features, in parallel; and what is
/// wrong with the others.
fn prepare<'a>(
    recognizer: &Recognizer,
    inputs: &'a [PathBuf],
    part: &DecodeSettings,
) -> (Vec<Clip<'a>>, Vec<String>) {
    let results: Vec<Result<Clip, String>> = inputs
        .par_iter()
        .map(|input| {
            let clip = read(input, part).and_then(|recording| {
                let seconds = recording.duration();
                Ok(Clip {
                    input,
                    prepared: recognizer.prepare(&recording)?,
                    seconds,
                    loss: recording.reading().loss,
                    notes: recording.reading().notes(seconds),
                })
            });
            clip.map_err(|error| with_path(input, error))
        })
        .collect();
    let (mut clips, mut failures) = (Vec::new(), Vec::new());
    for result in results {
        match result {
            Ok(clip) => clips.push(clip),
            Err(failure) => failures.push(failure),
        }
    }
    (clips, failures)
}

/// A file, or standard input for `-`.
fn read(input: &Path, part: &DecodeSettings) -> Result<Recording, ModelError> {
    if input != Path::new("-") {
        return Ok(Recording::open_with(input, part)?);
    }
    let mut bytes = Vec::new();
    let read = std::io::stdin().read_to_end(&mut bytes);
    read.map_err(|source| ModelError::Io {
        path: "standard input".into(),
        source,
    })?;
    Ok(Recording::from_bytes_with(&bytes, part)?)
}

/// The recogniser for the speaker of the labelled recordings in a table, whose
/// paths start from the table's folder.
fn few_shot(recognizer: &Recognizer, table: &Path) -> Result<Recognizer> {
    let name = table.display();
    let mut reader = csv::Reader::from_path(table).with_context(|| name.to_string())?;
    let header = reader.headers().with_context(|| name.to_string())?.clone();
    let column = |wanted: &str| {
        let place = header.iter().position(|column| column.trim() == wanted);
        place.with_context(|| format!("{name}: no column `{wanted}`; path and label are needed"))
    };
    let (path_column, label_column) = (column("path")?, column("label")?);
    let labels = &recognizer.description().labels;
    let mut clips = Vec::new();
    for record in reader.records() {
        let record = record.with_context(|| name.to_string())?;
        let line = record.position().map_or(0, csv::Position::line);
        let field = |column: usize| record.get(column).unwrap_or_default().trim();
        let label = field(label_column);
        let place = labels.iter().position(|known| known == label);
        let place = place.with_context(|| {
            let known = labels.join(", ");
            format!("{name}, line {line}: the model has no label `{label}`; it has {known}")
        })?;
        let folder = table.parent().unwrap_or(Path::new(""));
        let path = folder.join(field(path_column));
        let features = Recording::open(&path)
            .map_err(ModelError::from)
            .and_then(|recording| recognizer.features(&recording))
            .map_err(|error| anyhow!("{name}, line {line}: {}", with_path(&path, error)))?;
        clips.push((features, place));
    }
    let clips: Vec<(&Features, usize)> = clips.iter().map(|(f, place)| (f, *place)).collect();
    ensure!(!clips.is_empty(), "{name}: names no recording");
    Ok(recognizer.few_shot(&clips)?)
}

/// One result for programs.
#[derive(Serialize)]
struct Record<'a> {
    path: String,
    /// None where there is a reason to give none.
    label: Option<&'a str>,
    no_label_because: Option<Reason>,
    probability: f32,
    /// Length of the sound, with what is silent because it was lost.
    seconds: f64,
    /// What of it could not be read.
    seconds_lost: f64,
    speech_seconds: Option<f64>,
    unfamiliarity: Option<f32>,
    probabilities: serde_json::Map<String, serde_json::Value>,
}

impl<'a> Record<'a> {
    fn new(clip: &Clip, classification: &'a Classification) -> Self {
        let verdict = classification.verdict();
        Self {
            path: clip.input.display().to_string(),
            seconds: clip.seconds,
            seconds_lost: clip.loss.seconds,
            label: verdict.label(),
            no_label_because: verdict.reason(),
            speech_seconds: classification.speech_seconds(),
            unfamiliarity: classification.unfamiliarity(),
            probability: classification.probability(),
            probabilities: classification
                .scores()
                .iter()
                .map(|(label, probability)| (label.clone(), (*probability).into()))
                .collect(),
        }
    }
}

/// Results in one of the formats, on standard output.
struct Output {
    format: Format,
    labels: Vec<String>,
    count: usize,
}

impl Output {
    fn new(format: Format, labels: Vec<String>) -> Self {
        Self {
            format,
            labels,
            count: 0,
        }
    }

    fn begin(&self) -> Result<()> {
        match self.format {
            Format::Json => self.print("["),
            Format::Csv => {
                let columns = [
                    "path",
                    "label",
                    "no_label_because",
                    "probability",
                    "seconds",
                    "seconds_lost",
                    "speech_seconds",
                    "unfamiliarity",
                ];
                let columns = columns.map(String::from);
                let labels = self.labels.iter().map(|label| format!("p_{label}"));
                self.print(&csv_line(columns.into_iter().chain(labels))?)
            }
            Format::Text | Format::Jsonl => Ok(()),
        }
    }

    fn write(&mut self, clip: &Clip, classification: &Classification) -> Result<()> {
        let record = Record::new(clip, classification);
        let text = match self.format {
            Format::Text => text(&record.path, classification),
            Format::Jsonl => format!("{}\n", serde_json::to_string(&record)?),
            Format::Json => format!(
                "{}\n  {}",
                if self.count == 0 { "" } else { "," },
                serde_json::to_string(&record)?
            ),
            Format::Csv => {
                let number = |n: Option<f64>| n.map_or(String::new(), |n| n.to_string());
                let reason = record.no_label_because.map_or("", Reason::as_str);
                let first = [
                    record.path.clone(),
                    record.label.unwrap_or_default().into(),
                    reason.into(),
                    record.probability.to_string(),
                    record.seconds.to_string(),
                    record.seconds_lost.to_string(),
                    number(record.speech_seconds),
                    number(record.unfamiliarity.map(f64::from)),
                ];
                let scores = classification.scores().iter().map(|(_, p)| p.to_string());
                csv_line(first.into_iter().chain(scores))?
            }
        };
        self.count += 1;
        self.print(&text)
    }

    fn end(&self) -> Result<()> {
        match self.format {
            Format::Json => self.print("\n]\n"),
            _ => Ok(()),
        }
    }

    fn print(&self, text: &str) -> Result<()> {
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()?;
        Ok(())
    }
}

fn csv_line(fields: impl Iterator<Item = String>) -> Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(fields)?;
    let bytes = writer.into_inner().context("a line of CSV")?;
    Ok(String::from_utf8(bytes)?)
}

/// A result for people: the verdict, and a bar for every label.
fn text(path: &str, classification: &Classification) -> String {
    let verdict = classification.verdict();
    let mut text = format!("{path}: {verdict}\n");
    match verdict {
        Verdict::NoSpeech => return text,
        Verdict::Unsure { .. } if !classification.is_familiar() => {
            text += "  unlike the training recordings\n";
        }
        _ => {}
    }
    let names = classification.scores().iter().map(|(label, _)| label);
    let width = names.map(|label| label.chars().count()).max().unwrap_or(0);
    for (label, probability) in classification.scores() {
        let probability = f64::from(*probability);
        text += &format!(
            "  {label:<width$} {:>5.1} % {}\n",
            100.0 * probability,
            bar(probability, 30)
        );
    }
    text
}
