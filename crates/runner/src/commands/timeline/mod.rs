//! `affekt timeline`: emotion over the time of a recording.

mod annotations;
mod hear;
mod score;
mod written;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use report::segments::Segment;
use training::with_path;

use crate::decode_options::OneChannelOptions;
use crate::live_options::LiveOptions;
use crate::model_options::ModelOptions;
use crate::output::{self, count, recordings, write_file};
use crate::terminal;
use annotations::annotations;
use hear::hear;

/// Steps of the progress bar for each recording.
const STEPS: u64 = 1000;

/// By default answers are moved back by so many seconds.
const LOOK_AHEAD: f64 = 1.0;

/// `affekt timeline`.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  affekt timeline interview.mp3
  affekt timeline interview.mp3 --out interview.vtt      subtitles
  affekt timeline calls/ --out calls.csv                 all of them in one table
  affekt timeline meeting.wav --format rttm > meeting.rttm
  affekt timeline meeting.wav --out meeting.html         a page with the sound and the curves
  affekt timeline meeting.wav --speakers who.rttm        each voice by itself
  affekt timeline talks/ --reference truth.rttm          how much of it is right

An answer is about the last three seconds of speech; there is one every quarter of a
second. Neighbouring times with the same label are one segment. Without a label are
silence, speech that no emotion stands out in (unsure), and less than a second of speech.

One voice is assumed, unless --speakers tells who speaks when. The model learns each voice
as it listens: after ten seconds of speech the answers are adapted to it. --no-learn
leaves that out.

--reference compares with what is right: the emotion diarization error rate (EDER) is the
share of the time with the wrong emotion.

The recording is decoded as it is needed, so that it may have any length.")]
pub struct Args {
    /// Recordings, or folders of recordings
    #[arg(required = true, value_name = "FILE|DIR")]
    pub inputs: Vec<PathBuf>,
    /// Which model, and where it computes.
    #[command(flatten)]
    pub model: ModelOptions,
    /// Which part of each recording to read.
    #[command(flatten)]
    pub part: OneChannelOptions,
    /// How to listen.
    #[command(flatten)]
    pub live: LiveOptions,
    /// Seconds that an answer is moved back in time, since its window lies in the past; 0 gives the segments as they are heard live
    #[arg(long, value_name = "SECONDS", default_value_t = LOOK_AHEAD)]
    pub look_ahead: f64,
    /// Write every update as a JSON object a line, as `listen --format jsonl` does, instead of segments
    #[arg(long, conflicts_with = "format")]
    pub updates: bool,
    /// Who speaks when: RTTM, or a table with the columns path, start, end, speaker
    #[arg(
        long,
        value_name = "FILE.rttm|FILE.csv",
        conflicts_with_all = ["speaker", "save_speaker", "updates"]
    )]
    pub speakers: Option<PathBuf>,
    /// Compare with the emotions in this file: RTTM, or a table with the columns path, start, end, label
    #[arg(long, value_name = "FILE.rttm|FILE.csv")]
    pub reference: Option<PathBuf>,
    /// The label for no emotion, in the reference and the model
    #[arg(
        long,
        value_name = "LABEL",
        default_value = "neutral",
        requires = "reference"
    )]
    pub neutral: String,
    /// text for people; csv, json, jsonl and parquet for programs; rttm, audacity, vtt, srt, textgrid and eaf for tools; svg and html to look at [default: by the ending of --out, else text]
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// Write into this file, whole or not at all, instead of standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// How `timeline` writes.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// A table with a header.
    Csv,
    /// One JSON list.
    Json,
    /// One JSON object a line.
    Jsonl,
    /// The table as Apache Parquet, in a file.
    Parquet,
    /// Rich Transcription Time Marked.
    Rttm,
    /// Labels of Audacity.
    Audacity,
    /// Subtitles for the web.
    Vtt,
    /// Subtitles.
    Srt,
    /// Praat.
    Textgrid,
    /// ELAN.
    Eaf,
    /// A picture.
    Svg,
    /// A page that plays the sound.
    Html,
}

impl Args {
    fn format(&self) -> Result<Format> {
        let endings = [
            ("txt", Format::Text),
            ("csv", Format::Csv),
            ("json", Format::Json),
            ("jsonl", Format::Jsonl),
            ("ndjson", Format::Jsonl),
            ("parquet", Format::Parquet),
            ("rttm", Format::Rttm),
            ("vtt", Format::Vtt),
            ("srt", Format::Srt),
            ("TextGrid", Format::Textgrid),
            ("eaf", Format::Eaf),
            ("svg", Format::Svg),
            ("html", Format::Html),
        ];
        output::format(self.format, self.out.as_deref(), &endings)
    }
}

/// The segments of a recording.
struct Listened {
    path: PathBuf,
    duration: f64,
    segments: Vec<Segment>,
    /// Times, and the probability of every label at each.
    curves: Vec<(f64, Vec<f32>)>,
    /// Every update, where asked for.
    updates: String,
}

/// Listens to every input; a bad one is reported and the rest go on.
pub fn run(args: &Args) -> Result<ExitCode> {
    let format = args.format()?;
    let recognizer = args.model.recognizer()?.build()?;
    let inputs = recordings(&args.inputs);
    if inputs.len() > 1
        && matches!(
            format,
            Format::Audacity
                | Format::Vtt
                | Format::Srt
                | Format::Textgrid
                | Format::Eaf
                | Format::Svg
                | Format::Html
        )
    {
        bail!(
            "this format is for one recording, and there are {}",
            inputs.len()
        );
    }
    if inputs.len() > 1 && args.live.save_speaker.is_some() {
        bail!(
            "--save-speaker is for one recording, and there are {}",
            inputs.len()
        );
    }
    let speakers = args.speakers.as_deref().map(annotations).transpose()?;
    let reference = args.reference.as_deref().map(annotations).transpose()?;
    if speakers.is_none() && !args.updates {
        eprintln!("note: one voice is assumed; --speakers tells who speaks when");
    }
    let bar = terminal::bar("recordings", inputs.len() as u64 * STEPS);
    let (mut listened, mut failures) = (Vec::new(), Vec::new());
    for input in &inputs {
        let done = bar.position();
        let progress = |share: f64| bar.set_position(done + (share * STEPS as f64) as u64);
        let segments = match &input.failure {
            Some(failure) => Err(failure.clone()),
            None => hear(args, &recognizer, &input.path, speakers.as_ref(), progress)
                .map_err(|error| with_path(&input.path, format!("{error:#}"))),
        };
        match segments {
            Ok(one) => listened.push(one),
            Err(failure) => failures.push(failure),
        }
        bar.set_position(done + STEPS);
    }
    bar.finish_and_clear();
    let bytes = match args.updates {
        true => listened
            .iter()
            .flat_map(|one| one.updates.bytes())
            .collect(),
        false => written::bytes(format, &recognizer.description().labels, &listened)?,
    };
    match &args.out {
        Some(out) => write_file(out, &bytes)?,
        None => std::io::stdout().write_all(&bytes)?,
    }
    if let Some(reference) = &reference {
        eprint!("{}", score::text(&listened, reference, &args.neutral)?);
    }
    for failure in &failures {
        eprintln!("error: {failure}");
    }
    if failures.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!(
        "{} of {} failed",
        failures.len(),
        count(inputs.len(), "input")
    );
    Ok(ExitCode::FAILURE)
}
