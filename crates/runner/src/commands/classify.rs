//! `runner classify`: which emotion recordings carry.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, ensure};
use audio::Features;
use model::{Classification, Enrolment, Recognizer};
use rayon::prelude::*;
use serde::Serialize;

use crate::cli::{self, Format};
use crate::features::message;
use crate::report::text::bar;
use crate::trial::usable;
use crate::{run_folder, sound_files};

/// Files classified between two writes: enough to keep every core busy.
const CHUNK: usize = 64;

/// Classifies every input; a bad one is reported and the rest go on.
pub fn run(args: cli::Classify) -> Result<ExitCode> {
    let device = usable(args.model.backend)?.device()?;
    let (model, _) = run_folder::open_model(args.model.model.as_deref(), &device)?;
    let mut recognizer = Recognizer::new(model, device)?;
    let (inputs, mut failures) = expand(&args.inputs);
    if args.speaker {
        recognizer = recognizer.enrolled(&enrolment(&recognizer, &inputs))?;
    }
    if let Some(table) = &args.taught {
        recognizer = taught(&recognizer, table)?;
    }

    let labels = recognizer.description().labels.clone();
    let mut output = Output::new(args.format, args.at_least, labels);
    output.begin()?;
    for inputs in inputs.chunks(CHUNK) {
        let results: Vec<_> = inputs
            .par_iter()
            .map(|input| classify(&recognizer, input).map_err(|error| message(input, &error)))
            .collect();
        for (input, result) in inputs.iter().zip(results) {
            match result {
                Ok(classification) => output.write(input, &classification)?,
                Err(message) => failures.push(message),
            }
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

/// What the recordings say of their one speaker's voice. Those that cannot be
/// read are reported where they are classified; standard input can be read but
/// once, and counts for nothing here.
fn enrolment(recognizer: &Recognizer, inputs: &[PathBuf]) -> Enrolment {
    let clips: Vec<Enrolment> = inputs
        .par_iter()
        .filter(|input| *input != Path::new("-"))
        .filter_map(|input| {
            let recording = audio::Recording::open(input).ok()?;
            Some(Enrolment::of(&recognizer.features(&recording).ok()?))
        })
        .collect();
    let mut speaker = Enrolment::new();
    clips.iter().for_each(|clip| speaker.merge(clip));
    speaker
}

/// The recogniser for the speaker of the labelled recordings in a table. Their
/// paths are seen from the table's folder.
fn taught(recognizer: &Recognizer, table: &Path) -> Result<Recognizer> {
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
            format!("{name}, line {line}: the model has no label `{label}`, it has {known}")
        })?;
        let path = table
            .parent()
            .unwrap_or(Path::new(""))
            .join(field(path_column));
        let features = audio::Recording::open(&path)
            .map_err(model::ModelError::from)
            .and_then(|recording| recognizer.features(&recording))
            .map_err(|error| anyhow!("{name}, line {line}: {}", message(&path, &error)))?;
        clips.push((features, place));
    }
    let clips: Vec<(&Features, usize)> = clips.iter().map(|(f, place)| (f, *place)).collect();
    ensure!(!clips.is_empty(), "{name}: no recording is named");
    Ok(recognizer.taught(&clips)?)
}

fn classify(recognizer: &Recognizer, input: &Path) -> Result<Classification, model::ModelError> {
    if input != Path::new("-") {
        return recognizer.classify_file(input);
    }
    let mut bytes = Vec::new();
    std::io::stdin()
        .read_to_end(&mut bytes)
        .map_err(|source| model::ModelError::Io {
            path: "standard input".into(),
            source,
        })?;
    recognizer.classify_bytes(bytes)
}

/// The files that the inputs stand for, and what is wrong with the others.
fn expand(inputs: &[PathBuf]) -> (Vec<PathBuf>, Vec<String>) {
    let (mut files, mut failures) = (Vec::new(), Vec::new());
    for input in inputs {
        if !input.is_dir() {
            files.push(input.clone());
            continue;
        }
        let (found, failed) = sound_files::below(input);
        files.extend(found);
        failures.extend(failed);
    }
    (files, failures)
}

/// One result for programs.
#[derive(Serialize)]
struct Record<'a> {
    path: String,
    /// None where there is a reason to give none.
    label: Option<&'a str>,
    no_label_because: Option<&'static str>,
    probability: f32,
    speech_seconds: Option<f64>,
    unfamiliarity: Option<f32>,
    probabilities: serde_json::Map<String, serde_json::Value>,
}

impl<'a> Record<'a> {
    fn new(input: &Path, classification: &'a Classification, at_least: f32) -> Self {
        let reason = no_label_because(classification, at_least);
        Self {
            path: input.display().to_string(),
            label: reason.is_none().then(|| classification.label()),
            no_label_because: reason,
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

/// Why a recording gets no label, if it gets none.
fn no_label_because(classification: &Classification, at_least: f32) -> Option<&'static str> {
    if !classification.is_speech() {
        return Some("no speech");
    }
    (classification.probability() < at_least).then_some("unsure")
}

/// Results in one of the formats, on standard output.
struct Output {
    format: Format,
    at_least: f32,
    labels: Vec<String>,
    count: usize,
}

impl Output {
    fn new(format: Format, at_least: f32, labels: Vec<String>) -> Self {
        Self {
            format,
            at_least,
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

    fn write(&mut self, input: &Path, classification: &Classification) -> Result<()> {
        let record = Record::new(input, classification, self.at_least);
        let text = match self.format {
            Format::Text => text(&record, classification),
            Format::Jsonl => format!("{}\n", serde_json::to_string(&record)?),
            Format::Json => format!(
                "{}\n  {}",
                if self.count == 0 { "" } else { "," },
                serde_json::to_string(&record)?
            ),
            Format::Csv => {
                let number = |n: Option<f64>| n.map_or(String::new(), |n| n.to_string());
                let first = [
                    record.path.clone(),
                    record.label.unwrap_or_default().into(),
                    record.no_label_because.unwrap_or_default().into(),
                    record.probability.to_string(),
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

fn text(record: &Record, classification: &Classification) -> String {
    let sure = format!(
        "{} ({:.0} %)",
        classification.label(),
        100.0 * classification.probability()
    );
    let mut text = match record.no_label_because {
        None => format!("{}: {sure}\n", record.path),
        Some("no speech") => return format!("{}: no speech\n", record.path),
        Some(reason) => format!("{}: {reason}, at most {sure}\n", record.path),
    };
    if let Some(distance) = record
        .unfamiliarity
        .filter(|_| !classification.is_familiar())
    {
        text += &format!(
            "  unlike what the model was trained on (unfamiliarity {distance:.1}): \
             do not rely on this\n"
        );
    }
    let width = classification
        .scores()
        .iter()
        .map(|(label, _)| label.chars().count())
        .max()
        .unwrap_or(0);
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
