//! One recording explained: as text, JSON or a picture.

use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, anyhow, bail};
use audio::{Reading, Recording};
use model::Recognizer;
use model::explain::{ExplainSettings, Explanation};
use report::plots::{ExplanationPicture, explanation_svg};
use report::text::bar;
use serde_json::json;
use training::with_path;

use super::{Args, Format};
use crate::commands::plot;

/// Seconds of a bar of the integrated gradients in the picture, at least.
const STEP: f64 = 0.05;
/// Characters of a bar.
const WIDTH: usize = 24;
/// The most windows in the text.
const SHOWN: usize = 5;

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let format = args.format()?;
    if format == Format::Html {
        bail!(
            "{}: a page is made of a folder of labelled recordings; of one recording choose \
             text, json or svg",
            args.input.display()
        );
    }
    let recognizer = args.model.recognizer()?.build()?;
    let labels = &recognizer.description().labels;
    let settings = args.settings(labels)?;
    let named = |error: String| anyhow!(with_path(&args.input, error));
    let recording = Recording::open_with(&args.input, &args.part.settings())
        .map_err(|error| named(error.to_string()))?;
    note(&args.input, &recording);
    let explained =
        (recognizer.explain(&recording, &settings)).map_err(|error| named(error.to_string()))?;
    let name = name(&args.input);
    let text = match format {
        Format::Json => json_of(&recognizer, &name, &recording, &explained, &settings)?,
        Format::Svg => svg_of(&recognizer, &name, &recording, &explained, &settings)?,
        _ => text_of(&recognizer, &name, &explained)?,
    };
    args.write(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn note(path: &Path, recording: &Recording) {
    let reading: &Reading = recording.reading();
    for note in reading.notes(recording.duration()) {
        eprintln!("note: {}: {note}", path.display());
    }
}

/// What a recording is called.
pub(super) fn name(path: &Path) -> String {
    path.file_name().map_or_else(
        || path.display().to_string(),
        |name| name.to_string_lossy().into(),
    )
}

fn answer(recognizer: &Recognizer, explained: &Explanation) -> String {
    format!(
        "{} ({:.1} %), score {:+.2}",
        recognizer.description().labels[explained.label],
        100.0 * explained.probability,
        explained.score
    )
}

/// A line with a bar: to say how large, not only in numbers.
fn line(text: &mut String, name: &str, value: f64, most: f64) {
    let sign = if value < 0.0 { "against" } else { "for" };
    let bar = bar(value.abs() / most.max(1e-9), WIDTH);
    let _ = writeln!(text, "  {name:<16} {value:>+7.2}  {sign:<7} {bar}");
}

fn text_of(recognizer: &Recognizer, name: &str, explained: &Explanation) -> Result<String> {
    let label = &recognizer.description().labels[explained.label];
    let mut text = format!("{name}: {}\n", answer(recognizer, explained));
    writeln!(
        text,
        "\nWhich seconds: how much the score falls where they become silent"
    )?;
    let mut windows: Vec<(f64, f64, f64)> = (explained.windows.iter())
        .filter_map(|w| Some((w.start, w.end, w.change?)))
        .collect();
    windows.sort_by(|a, b| b.2.abs().total_cmp(&a.2.abs()));
    windows.truncate(SHOWN);
    let most = windows.first().map_or(0.0, |w| w.2.abs());
    windows.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (start, end, change) in &windows {
        line(
            &mut text,
            &format!("{start:.2} to {end:.2} s"),
            *change,
            most,
        );
    }
    if windows.is_empty() {
        writeln!(text, "  the recording is too short to take a part away")?;
    }
    let shown = windows.len();
    let all = explained.windows.len();
    writeln!(text, "  the {shown} largest of {all} windows")?;
    writeln!(
        text,
        "\nWhich features: how much the score falls with a group at the training's mean"
    )?;
    let mut groups = explained.groups.clone();
    groups.sort_by(|a, b| b.change.abs().total_cmp(&a.change.abs()));
    let most = groups.first().map_or(0.0, |g| g.change.abs());
    for group in &groups {
        line(&mut text, group.group.name(), group.change, most);
    }
    let gradients = &explained.gradients;
    writeln!(
        text,
        "\nIntegrated gradients: parts of the score, from {:+.2} at the training's mean to {:+.2}",
        gradients.baseline, explained.score
    )?;
    let in_time: f64 = gradients.moments.iter().map(|(_, part)| part).sum();
    let mut parts = gradients.groups.clone();
    parts.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
    let most = parts.first().map_or(0.0, |part| part.1.abs());
    for (group, part) in &parts {
        line(&mut text, group.name(), *part, most);
    }
    writeln!(
        text,
        "  {in_time:+.2} of it have a time, {:+.2} are of the recording as a whole; gap {:+.4}",
        gradients.whole, gradients.gap
    )?;
    writeln!(
        text,
        "\nAbove 0 speaks for {label}, below 0 against it. It says what this model reacts to, not \
         what causes an emotion."
    )?;
    Ok(text)
}

fn json_of(
    recognizer: &Recognizer,
    name: &str,
    recording: &Recording,
    explained: &Explanation,
    settings: &ExplainSettings,
) -> Result<String> {
    let object = json!({
        "path": name,
        "seconds": recording.duration(),
        "label": recognizer.description().labels[explained.label],
        "probability": explained.probability,
        "score": explained.score,
        "window": settings.window,
        "hop": settings.hop,
        "windows": explained.windows,
        "groups": explained.groups,
        "gradients": explained.gradients,
    });
    Ok(serde_json::to_string_pretty(&object)? + "\n")
}

/// The picture of a recording explained.
pub(super) fn svg_of(
    recognizer: &Recognizer,
    name: &str,
    recording: &Recording,
    explained: &Explanation,
    settings: &ExplainSettings,
) -> Result<String> {
    let duration = recording.duration();
    let samples = recording.resample(plot::RATE)?;
    let step = STEP.max(duration / 400.0);
    let mut sums = vec![0.0; (duration / step).ceil().max(1.0) as usize];
    let last = sums.len() - 1;
    for (time, part) in &explained.gradients.moments {
        sums[((time / step) as usize).min(last)] += part;
    }
    let sums = sums.into_iter().enumerate();
    let occlusion_step = (settings.hop / 2.0).max(duration / 800.0);
    Ok(explanation_svg(&ExplanationPicture {
        name: name.to_owned(),
        answer: answer(recognizer, explained),
        duration,
        spectrogram: plot::spectrogram(samples.samples(), recording.sample_rate())?,
        occlusion: explained.curve(occlusion_step),
        occlusion_step,
        gradients: sums
            .map(|(k, sum)| ((k as f64 + 0.5) * step, sum))
            .collect(),
        gradients_step: step,
    })?)
}
