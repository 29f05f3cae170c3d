//! Results as text, JSON, CSV and Parquet, on standard output or in a file.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use model::{Classification, Reason, Verdict};
use report::tables::{Kind, Records, Value};
use report::text::bar;
use serde::Serialize;

use super::Format;
use super::clip::Clip;
use crate::output::write_file;

/// One result for programs, or why there is none.
#[derive(Serialize)]
pub struct Record<'a> {
    path: String,
    /// None for the mean of all channels.
    channel: Option<String>,
    /// None where there is a reason to give none.
    label: Option<&'a str>,
    no_label_because: Option<Reason>,
    probability: Option<f32>,
    /// Length of the sound, with what is silent because it was lost.
    seconds: Option<f64>,
    /// What of it could not be read.
    seconds_lost: Option<f64>,
    speech_seconds: Option<f64>,
    unfamiliarity: Option<f32>,
    /// Why the recording could not be classified.
    error: Option<&'a str>,
    probabilities: serde_json::Map<String, serde_json::Value>,
}

impl<'a> Record<'a> {
    /// The answer for a recording.
    pub fn new(
        path: &Path,
        channel: Option<String>,
        clip: &Clip,
        classification: &'a Classification,
    ) -> Self {
        let verdict = classification.verdict();
        let scores = classification.scores().iter();
        Self {
            path: path.display().to_string(),
            channel,
            label: verdict.label(),
            no_label_because: verdict.reason(),
            probability: Some(classification.probability()),
            seconds: Some(clip.seconds),
            seconds_lost: Some(clip.loss.seconds),
            speech_seconds: classification.speech_seconds(),
            unfamiliarity: classification.unfamiliarity(),
            error: None,
            probabilities: scores
                .map(|(label, p)| (label.clone(), (*p).into()))
                .collect(),
        }
    }

    /// Why there is no answer.
    pub fn failed(path: &Path, channel: Option<String>, error: &'a str) -> Self {
        Self {
            path: path.display().to_string(),
            channel,
            label: None,
            no_label_because: None,
            probability: None,
            seconds: None,
            seconds_lost: None,
            speech_seconds: None,
            unfamiliarity: None,
            error: Some(error),
            probabilities: serde_json::Map::new(),
        }
    }

    fn row(&self, labels: &[String]) -> Vec<Value> {
        let number = |n: Option<f32>| Value::number(n.map(shortest));
        let first = [
            Value::Text(self.path.clone()),
            Value::text(self.channel.as_deref()),
            Value::text(self.label),
            Value::text(self.no_label_because.map(Reason::as_str)),
            number(self.probability),
            Value::number(self.seconds),
            Value::number(self.seconds_lost),
            Value::number(self.speech_seconds),
            number(self.unfamiliarity),
            Value::text(self.error),
        ];
        let probabilities = labels.iter().map(|label| {
            let probability = self.probabilities.get(label).and_then(|p| p.as_f64());
            number(probability.map(|p| p as f32))
        });
        first.into_iter().chain(probabilities).collect()
    }
}

/// The double with the fewest digits that is the same single.
fn shortest(number: f32) -> f64 {
    number.to_string().parse().unwrap_or(f64::from(number))
}

fn records(labels: &[String]) -> Records {
    let first = [
        ("path", Kind::Text),
        ("channel", Kind::Text),
        ("label", Kind::Text),
        ("no_label_because", Kind::Text),
        ("probability", Kind::Number),
        ("seconds", Kind::Number),
        ("seconds_lost", Kind::Number),
        ("speech_seconds", Kind::Number),
        ("unfamiliarity", Kind::Number),
        ("error", Kind::Text),
    ];
    let first = first.map(|(name, kind)| (name.to_owned(), kind));
    let labels = labels
        .iter()
        .map(|label| (format!("p_{label}"), Kind::Number));
    Records::new(first.into_iter().chain(labels))
}

/// Results in one of the formats: as they come on standard output, or at the end in
/// a file.
pub struct Results {
    format: Format,
    labels: Vec<String>,
    /// None for standard output.
    file: Option<PathBuf>,
    /// For the file.
    bytes: Vec<u8>,
    /// For Parquet, which is written in columns.
    records: Records,
    count: usize,
}

impl Results {
    /// Writes the beginning.
    ///
    /// # Errors
    ///
    /// Where standard output cannot be written.
    pub fn begin(format: Format, labels: &[String], file: Option<&Path>) -> Result<Self> {
        let mut results = Self {
            format,
            labels: labels.to_vec(),
            file: file.map(Path::to_path_buf),
            bytes: Vec::new(),
            records: records(labels),
            count: 0,
        };
        match format {
            Format::Json => results.put(b"[")?,
            Format::Csv => results.put(&records(labels).csv()?)?,
            _ => {}
        }
        Ok(results)
    }

    /// Writes a result. `answer` is for people; a failure has none, and is said on
    /// standard error instead.
    ///
    /// # Errors
    ///
    /// Where standard output cannot be written.
    pub fn write(&mut self, record: &Record, answer: Option<&Classification>) -> Result<()> {
        let bytes = match self.format {
            Format::Text => {
                let channel = record.channel.as_ref();
                let channel = channel.map_or(String::new(), |c| format!(" (channel {c})"));
                let name = format!("{}{channel}", record.path);
                answer
                    .map_or(String::new(), |answer| text(&name, answer))
                    .into_bytes()
            }
            Format::Jsonl => format!("{}\n", serde_json::to_string(record)?).into_bytes(),
            Format::Json => {
                let comma = if self.count == 0 { "" } else { "," };
                format!("{comma}\n  {}", serde_json::to_string(record)?).into_bytes()
            }
            Format::Csv => {
                let mut one = records(&self.labels);
                one.push(record.row(&self.labels))?;
                one.csv_lines()?
            }
            Format::Parquet => {
                self.records.push(record.row(&self.labels))?;
                Vec::new()
            }
        };
        self.count += 1;
        self.put(&bytes)
    }

    /// Writes the end, and the file.
    ///
    /// # Errors
    ///
    /// Where it cannot be written.
    pub fn end(mut self) -> Result<()> {
        match self.format {
            Format::Json => self.put(b"\n]\n")?,
            Format::Parquet => self.bytes = self.records.parquet()?,
            _ => {}
        }
        match &self.file {
            Some(file) => write_file(file, &self.bytes),
            None => Ok(()),
        }
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        if self.file.is_some() {
            self.bytes.extend_from_slice(bytes);
            return Ok(());
        }
        let mut out = std::io::stdout().lock();
        out.write_all(bytes)?;
        out.flush()?;
        Ok(())
    }
}

/// A result for people: the verdict, and a bar for every label.
fn text(name: &str, classification: &Classification) -> String {
    let verdict = classification.verdict();
    let mut text = format!("{name}: {verdict}\n");
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
