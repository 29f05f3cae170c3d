//! The synthetic corpus on the disk.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, bail, ensure};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::SAMPLE_RATE;
use super::manner::{EMOTIONS, Speaker};
use super::random::Random;
use super::sentence::track;
use super::voice::render;

/// The file that says that a folder holds a synthetic corpus.
pub const MARKER: &str = "SYNTHETIC.txt";
/// First line of that file, by which it is known.
const MARKER_LINE: &str = "Synthetic speech-like corpus";
/// Start of the name of the folder that is written before it is moved in place.
const PARTIAL: &str = ".synthetic-partial-";

/// How large a synthetic corpus to make, and which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SynthSettings {
    /// Number of speakers, 1 to 24; odd ones are men, even ones women.
    pub speakers: usize,
    /// Clips of every emotion and speaker, 1 to 8. Neutral has half as many,
    /// rounded up, since it has no strong intensity: as in RAVDESS, whose
    /// speakers have 8 and 4.
    pub takes_per_emotion: usize,
    /// Another seed, other speakers and other takes.
    pub seed: u64,
}

impl Default for SynthSettings {
    fn default() -> Self {
        Self {
            speakers: 12,
            takes_per_emotion: 4,
            seed: 1,
        }
    }
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SynthReport {
    /// Number of clips.
    pub clips: usize,
    /// Number of speakers.
    pub speakers: usize,
    /// Length of all clips together in seconds.
    pub seconds: f64,
}

/// One clip to be made, by the parts of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Plan {
    speaker: usize,
    /// 0 is neutral.
    emotion: usize,
    strong: bool,
    statement: usize,
    repetition: usize,
}

impl Plan {
    /// All clips of a corpus, in the order of their names.
    fn all(settings: &SynthSettings) -> Vec<Self> {
        let mut plans = Vec::new();
        for speaker in 1..=settings.speakers {
            for emotion in 0..EMOTIONS {
                let takes = settings.takes_per_emotion;
                let takes = if emotion == 0 {
                    takes.div_ceil(2)
                } else {
                    takes
                };
                for take in 0..takes {
                    // Intensity varies first, then the statement, so that a few
                    // takes already hold both.
                    let intensities = if emotion == 0 { 1 } else { 2 };
                    plans.push(Self {
                        speaker,
                        emotion,
                        strong: take % intensities == 1,
                        statement: take / intensities % 2,
                        repetition: take / intensities / 2,
                    });
                }
            }
        }
        plans
    }

    /// Path below the corpus's folder, as RAVDESS has it.
    fn path(&self) -> String {
        format!(
            "Actor_{actor:02}/03-01-{emotion:02}-{intensity:02}-{statement:02}-{repetition:02}-{actor:02}.wav",
            actor = self.speaker,
            emotion = self.emotion + 1,
            intensity = 1 + usize::from(self.strong),
            statement = self.statement + 1,
            repetition = self.repetition + 1,
        )
    }

    /// The clip's samples at [`SAMPLE_RATE`], full scale +-1.
    fn samples(&self, speaker: &Speaker, seed: u64) -> Vec<f32> {
        // The parts of the name as one number: a generator for every clip.
        let name = [usize::from(self.strong), self.statement, self.repetition];
        let name = (name.iter()).fold(1, |number, part| 10 * number + part);
        let key = [self.speaker, 1 + self.emotion, name].map(|part| part as u64);
        let random = &mut Random::new(seed, key);

        let (manner, rate) = speaker.take(self.emotion, self.strong, random);
        let track = track(self.statement, rate, || 1.0 + random.normal(0.08));
        let speech = render(&track, &manner, random);

        let mut pause = || (random.between(0.25, 0.35) * f64::from(SAMPLE_RATE)) as usize;
        let (before, after) = (pause(), pause());
        let mut samples = vec![0.0; before + speech.len() + after];
        samples[before..before + speech.len()].copy_from_slice(&speech);

        // The background of a room: noise that falls off, effective value 1.
        let amplitude = 10f64.powf(speaker.background / 20.0);
        let mut room = 0.0;
        (samples.iter())
            .map(|sample| {
                room = 0.8 * room + random.noise() * (3.0f64 * (1.0 - 0.64)).sqrt();
                (sample + amplitude * room) as f32
            })
            .collect()
    }
}

/// Writes a synthetic corpus into the folder `dir`, which is made if need be.
///
/// A synthetic corpus that is there already is replaced; anything else that is
/// there is an error, and stays untouched. The clips are made in parallel, in a
/// hidden folder that is moved in place when all are there, so that a run that
/// is broken off leaves no half of a corpus. `progress` is called from any
/// thread with the number of clips done and of all.
///
/// # Errors
/// The settings are out of range; the folder holds other things; something
/// cannot be written. The message names the folder or the file.
pub fn write_corpus(
    dir: &Path,
    settings: &SynthSettings,
    progress: impl Fn(usize, usize) + Sync,
) -> Result<SynthReport> {
    ensure!(
        (1..=24).contains(&settings.speakers),
        "{} synthetic speakers: the names have room for 1 to 24",
        settings.speakers
    );
    ensure!(
        (1..=8).contains(&settings.takes_per_emotion),
        "{} takes of each emotion: the names have room for 1 to 8",
        settings.takes_per_emotion
    );
    let old = check_folder(dir)?;
    fs::create_dir_all(dir).with_context(|| format!("{}: cannot be made", dir.display()))?;
    // Inside the folder, since its parent may be another disk or not ours.
    let partial = tempfile::Builder::new()
        .prefix(PARTIAL)
        .tempdir_in(dir)
        .with_context(|| format!("{}: cannot write into it", dir.display()))?;

    let plans = Plan::all(settings);
    let speakers: Vec<Speaker> = (1..=settings.speakers)
        .map(|number| Speaker::draw(settings.seed, number as u64))
        .collect();
    for number in 1..=settings.speakers {
        let folder = partial.path().join(actor(number));
        fs::create_dir(&folder).with_context(|| format!("{}: cannot be made", folder.display()))?;
    }
    let done = AtomicUsize::new(0);
    let samples: Vec<usize> = plans
        .par_iter()
        .map(|plan| -> Result<usize> {
            let samples = plan.samples(&speakers[plan.speaker - 1], settings.seed);
            audio::write_wav(partial.path().join(plan.path()), &samples, SAMPLE_RATE)?;
            progress(1 + done.fetch_add(1, Ordering::Relaxed), plans.len());
            Ok(samples.len())
        })
        .collect::<Result<_>>()?;
    let report = SynthReport {
        clips: plans.len(),
        speakers: settings.speakers,
        seconds: samples.iter().sum::<usize>() as f64 / f64::from(SAMPLE_RATE),
    };
    let marker = partial.path().join(MARKER);
    fs::write(&marker, marker_text(settings, &report))
        .with_context(|| format!("{}: cannot be written", marker.display()))?;

    // The marker goes last and comes first: a folder that holds clips always
    // says what they are.
    for name in old {
        let path = dir.join(&name);
        let removed = if path.is_dir() {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        removed.with_context(|| format!("{}: cannot be replaced", path.display()))?;
    }
    let names = [MARKER.to_owned()]
        .into_iter()
        .chain((1..=settings.speakers).map(actor));
    for name in names {
        fs::rename(partial.path().join(&name), dir.join(&name))
            .with_context(|| format!("{}: cannot be written", dir.join(&name).display()))?;
    }
    Ok(report)
}

fn actor(number: usize) -> String {
    format!("Actor_{number:02}")
}

/// Refuses a folder that holds anything but a synthetic corpus; else returns
/// the names of what is to be replaced, clips before the marker.
fn check_folder(dir: &Path) -> Result<Vec<String>> {
    let shown = dir.display();
    match fs::metadata(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("{shown}: cannot be opened")),
        Ok(meta) if !meta.is_dir() => {
            bail!("{shown}: a file; the synthetic corpus is a folder, give another name")
        }
        Ok(_) => {}
    }
    let mut names = Vec::new();
    let entries = fs::read_dir(dir).with_context(|| format!("{shown}: cannot be read"))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("{shown}: cannot be read"))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    let is_ours = fs::read_to_string(dir.join(MARKER))
        .is_ok_and(|text| text.lines().next() == Some(MARKER_LINE));
    let expected = |name: &str| {
        name.starts_with(PARTIAL)
            || is_ours && (name == MARKER || (1..=24).any(|number| name == actor(number)))
    };
    let foreign: Vec<&str> = (names.iter())
        .map(String::as_str)
        .filter(|name| !expected(name))
        .collect();
    if !foreign.is_empty() {
        bail!(
            "{shown}: holds other things than a synthetic corpus ({}{}), which would get lost among \
             it; give a new or an empty folder",
            foreign[..foreign.len().min(3)].join(", "),
            if foreign.len() > 3 { ", ..." } else { "" }
        );
    }
    names.sort_by_key(|name| name == MARKER);
    Ok(names)
}

fn marker_text(settings: &SynthSettings, report: &SynthReport) -> String {
    format!(
        "{MARKER_LINE}\n\
         \n\
         These recordings were computed by a source-filter voice. Nobody spoke them.\n\
         They bear the file names of RAVDESS so that a program that reads RAVDESS\n\
         reads them, but they are no part of it. They are for trying and testing the\n\
         software: figures measured on them say nothing about the recognition of\n\
         emotions of people.\n\
         \n\
         speakers = {}\n\
         takes_per_emotion = {}\n\
         seed = {}\n\
         clips = {}\n\
         program_version = \"{}\"\n",
        settings.speakers,
        settings.takes_per_emotion,
        settings.seed,
        report.clips,
        env!("CARGO_PKG_VERSION"),
    )
}

#[cfg(test)]
mod tests;
