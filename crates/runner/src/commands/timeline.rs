//! `affekt timeline`: emotion over the time of a recording.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};
use audio::Decoder;
use live::{Event, Timeline, Verdict, message};
use model::Recognizer;
use report::segments::{self, Segment};
use training::with_path;

use crate::decode_options::OneChannelOptions;
use crate::live_options::LiveOptions;
use crate::model_options::ModelOptions;
use crate::output::{self, count, recordings, write_file};
use crate::terminal;

/// Steps of the progress bar for each recording.
const STEPS: u64 = 1000;

/// Seconds of sound that are handed over at once, so that all cores have something to do.
const AT_ONCE: f64 = 8.0;

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

An answer is about the last three seconds of speech; there is one every quarter of a
second. Neighbouring times with the same label are one segment. Without a label are
silence, speech that no emotion stands out in (unsure), and less than a second of speech.

One voice is assumed. The model learns it as it listens: after ten seconds of speech the
answers are adapted to it. --no-learn leaves that out.

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
    /// text for people; csv, json, jsonl and parquet for programs; rttm, audacity, vtt, srt and textgrid for tools [default: by the ending of --out, else text]
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
        ];
        output::format(self.format, self.out.as_deref(), &endings)
    }
}

/// The segments of a recording.
struct Listened {
    path: PathBuf,
    segments: Vec<Segment>,
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
            Format::Audacity | Format::Vtt | Format::Srt | Format::Textgrid
        )
    {
        bail!(
            "this format is for one recording, and there are {}",
            inputs.len()
        );
    }
    let bar = terminal::bar("recordings", inputs.len() as u64 * STEPS);
    let (mut listened, mut failures) = (Vec::new(), Vec::new());
    for input in &inputs {
        let done = bar.position();
        let progress = |share: f64| bar.set_position(done + (share * STEPS as f64) as u64);
        let segments = match &input.failure {
            Some(failure) => Err(failure.clone()),
            None => listen(args, &recognizer, &input.path, progress)
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
        false => written(format, &recognizer.description().labels, &listened)?,
    };
    match &args.out {
        Some(out) => write_file(out, &bytes)?,
        None => std::io::stdout().write_all(&bytes)?,
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

fn listen(
    args: &Args,
    recognizer: &Recognizer,
    path: &Path,
    progress: impl Fn(f64),
) -> Result<Listened> {
    let mut decoder = Decoder::open(path, &args.part.settings())?;
    let rate = decoder.sample_rate();
    let mut session = args.live.session(recognizer, rate)?;
    let labels = session.labels().to_vec();
    let mut timeline = Timeline::new(args.look_ahead);
    let mut updates = String::new();
    let mut take = |event: Event| {
        if args.updates {
            updates += &format!("{}\n", message(&event, &labels));
        }
        if let Event::Update(update) = event {
            timeline.push(update);
        }
    };
    let at_once = (AT_ONCE * f64::from(rate)) as usize;
    let mut waiting: Vec<f32> = Vec::with_capacity(2 * at_once);
    while let Some(block) = decoder.next_block()? {
        waiting.extend_from_slice(block);
        if waiting.len() >= at_once {
            session.push(&waiting, &mut take)?;
            waiting.clear();
        }
        if let Some(share) = decoder.progress() {
            progress(share);
        }
    }
    session.push(&waiting, &mut take)?;
    session.finish(&mut take)?;
    timeline.finish();
    args.live.save(&session)?;
    let seconds = decoder.position() as f64 / f64::from(decoder.sample_rate());
    for note in decoder.reading().notes(seconds) {
        eprintln!("note: {}: {note}", path.display());
    }
    let segment = |span: &live::Span| Segment {
        start: span.start,
        end: span.end,
        label: span.label.map(|label| labels[label].clone()),
        speech: span.verdict != Verdict::NoSpeech,
        verdict: span.verdict.name(),
        probabilities: span.probabilities.clone(),
        unfamiliarity: span.unfamiliarity,
    };
    Ok(Listened {
        path: path.to_path_buf(),
        segments: timeline.spans().iter().map(segment).collect(),
        updates,
    })
}

fn written(format: Format, labels: &[String], listened: &[Listened]) -> Result<Vec<u8>> {
    let each = |text: &dyn Fn(&Listened) -> String| -> Vec<u8> {
        listened.iter().map(text).collect::<String>().into_bytes()
    };
    let table = || -> Result<_> {
        let mut records = segments::records(labels);
        for Listened { path, segments, .. } in listened {
            for segment in segments {
                records.push(segments::row(&path.display().to_string(), segment))?;
            }
        }
        Ok(records)
    };
    Ok(match format {
        Format::Text => each(&|recording| text(recording, labels)),
        Format::Csv => table()?.csv()?,
        Format::Parquet => table()?.parquet()?,
        Format::Json => {
            let all: Vec<_> = listened
                .iter()
                .flat_map(|one| objects(one, labels))
                .collect();
            (serde_json::to_string_pretty(&all)? + "\n").into_bytes()
        }
        Format::Jsonl => each(&|one| {
            objects(one, labels)
                .map(|object| format!("{object}\n"))
                .collect()
        }),
        Format::Rttm => each(&|one| {
            let name = one.path.file_stem().unwrap_or_default().to_string_lossy();
            segments::rttm(&name, &one.segments)
        }),
        Format::Audacity => each(&|one| segments::audacity(&one.segments)),
        Format::Vtt => each(&|one| segments::vtt(&one.segments)),
        Format::Srt => each(&|one| segments::srt(&one.segments)),
        Format::Textgrid => each(&|one| segments::text_grid(&one.segments)),
    })
}

fn objects<'a>(
    recording: &'a Listened,
    labels: &'a [String],
) -> impl Iterator<Item = serde_json::Value> + 'a {
    recording.segments.iter().map(move |segment| {
        let probabilities = labels.iter().cloned().zip(segment.probabilities.iter());
        let probabilities: serde_json::Map<_, _> = probabilities
            .map(|(label, p)| (label, serde_json::json!(p)))
            .collect();
        serde_json::json!({
            "path": recording.path.display().to_string(),
            "start": segment.start,
            "end": segment.end,
            "label": segment.label,
            "verdict": segment.verdict,
            "speech": segment.speech,
            "unfamiliarity": segment.unfamiliarity,
            "probabilities": probabilities,
        })
    })
}

/// A line a segment, for people.
fn text(recording: &Listened, labels: &[String]) -> String {
    let mut text = format!("{}\n", recording.path.display());
    for segment in &recording.segments {
        let best = segment.probabilities.iter().copied().zip(labels);
        let best = best.max_by(|a, b| a.0.total_cmp(&b.0));
        let what = match (&segment.label, segment.verdict, best) {
            (Some(label), _, Some((p, _))) => format!("{label} ({:.0} %)", 100.0 * p),
            (_, "no_speech", _) => "no speech".to_owned(),
            (_, "too_little", _) => "too little speech".to_owned(),
            (_, _, Some((p, label))) => format!("unsure (at most {label}, {:.0} %)", 100.0 * p),
            _ => "unsure".to_owned(),
        };
        text += &format!(
            "  {:>9} to {:>9}  {what}\n",
            clock(segment.start),
            clock(segment.end)
        );
    }
    text
}

fn clock(seconds: f64) -> String {
    let tenths = (seconds * 100.0).round() as u64;
    format!(
        "{}:{:02}.{:02}",
        tenths / 6000,
        tenths / 100 % 60,
        tenths % 100
    )
}
