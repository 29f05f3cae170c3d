//! A timeline in every format.

use std::path::Path;

use anyhow::{Context, Result};
use report::segments;
use report::timeline::{self, PageSound, TimelinePicture};
use stage::Palette;

use super::{Format, Listened};
use crate::output::clock;

/// The longest file whose sound is put into the page itself, in bytes.
const INSIDE_AT_MOST: u64 = 64 << 20;

/// A timeline in a format.
///
/// # Errors
///
/// Where a table cannot be made or the sound of a page cannot be read.
pub fn bytes(format: Format, labels: &[String], listened: &[Listened]) -> Result<Vec<u8>> {
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
        Format::Eaf => each(&|one| segments::eaf(&one.path.display().to_string(), &one.segments)),
        Format::Svg => each(&|one| timeline::timeline_svg(&picture(one, labels))),
        Format::Html => match listened {
            [one] => page(one, labels)?.into_bytes(),
            _ => Vec::new(),
        },
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
            "speaker": segment.speaker,
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
        let speaker = segment.speaker.as_ref();
        if speaker.is_some() && !segment.speech {
            continue;
        }
        text += &format!(
            "  {:>9} to {:>9}  {}{what}\n",
            clock(segment.start),
            clock(segment.end),
            speaker.map_or(String::new(), |speaker| format!("{speaker}: ")),
        );
    }
    text
}

fn picture(one: &Listened, labels: &[String]) -> TimelinePicture {
    let palette = Palette::default();
    let colour = |label: &String| {
        let [r, g, b] = palette.colour(label).to_srgb();
        (label.clone(), format!("#{r:02x}{g:02x}{b:02x}"))
    };
    let name = one.path.file_name().unwrap_or_default().to_string_lossy();
    TimelinePicture {
        name: name.into_owned(),
        duration: one.duration,
        labels: labels.iter().map(colour).collect(),
        curves: one.curves.clone(),
        segments: one.segments.clone(),
    }
}

/// A page; the sound is in it, or beside it where the file is large.
fn page(one: &Listened, labels: &[String]) -> Result<String> {
    let what = || format!("cannot read {}", one.path.display());
    let length = std::fs::metadata(&one.path).with_context(what)?.len();
    let sound = match length <= INSIDE_AT_MOST {
        true => PageSound::Inside(
            std::fs::read(&one.path).with_context(what)?,
            kind(&one.path),
        ),
        false => {
            eprintln!(
                "note: {} is too large to be in the page; keep them in one folder",
                one.path.display()
            );
            let name = one.path.file_name().unwrap_or_default().to_string_lossy();
            PageSound::Beside(name.into_owned())
        }
    };
    Ok(timeline::timeline_html(&picture(one, labels), &sound))
}

/// The kind of a sound file, as browsers call it.
fn kind(path: &Path) -> String {
    let ending = path.extension().unwrap_or_default().to_string_lossy();
    let kind = match ending.to_lowercase().as_str() {
        "mp3" => "mpeg",
        "m4a" | "mp4" => "mp4",
        "ogg" | "opus" | "oga" => "ogg",
        "flac" => "flac",
        "webm" => "webm",
        "aac" => "aac",
        _ => "wav",
    };
    format!("audio/{kind}")
}
