//! The synthetic corpus as a folder of files.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::SAMPLE_RATE;
use super::manner::{EMOTIONS, Speaker};
use super::random::Random;
use super::sentence::track;
use super::voice::render;
use crate::CorpusError;
use crate::error::ensure;

/// The file that marks a folder as a synthetic corpus.
pub const MARKER: &str = "SYNTHETIC.txt";
/// First line of that file, by which it is recognised.
const MARKER_LINE: &str = "Synthetic speech-like corpus";
/// Start of the name of the hidden folder that is written first.
const PARTIAL: &str = ".synthetic-partial-";

/// The size and the seed of a synthetic corpus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SynthSettings {
    /// Number of speakers, 1 to 24. Odd ones are men, even ones women.
    pub speakers: usize,
    /// Clips of every emotion and speaker, 1 to 8. Neutral has half as many,
    /// rounded up, since it has no strong intensity, as in RAVDESS (8 and 4).
    pub takes_per_emotion: usize,
    /// The seed of speakers and takes.
    pub seed: u64,
}

impl SynthSettings {
    fn check(&self) -> Result<(), String> {
        ensure!(
            (1..=24).contains(&self.speakers),
            "{} synthetic speakers: choose from 1 to 24, the numbers that the names have room for",
            self.speakers
        );
        ensure!(
            (1..=8).contains(&self.takes_per_emotion),
            "{} takes of each emotion: choose from 1 to 8, the numbers that the names have room for",
            self.takes_per_emotion
        );
        Ok(())
    }
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
#[non_exhaustive]
pub struct SynthReport {
    /// Number of clips.
    pub clips: usize,
    /// Number of speakers.
    pub speakers: usize,
    /// Total length of the clips in seconds.
    pub seconds: f64,
}

/// One clip to write, by the parts of its name.
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

        // The background of a room: low-pass noise, of root mean square 1.
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

/// Writes a synthetic corpus into the folder `dir`, which is created if needed.
///
/// A synthetic corpus that is there already is replaced. Anything else there is an
/// error, and stays untouched. The clips are computed in parallel and written into a
/// hidden folder, which is moved into place when all are there: an interrupted run
/// leaves no incomplete corpus. `progress` is called from any thread with the number
/// of finished clips and of all clips.
///
/// # Errors
///
/// [`CorpusError::Synth`] where the settings are out of range or the folder holds
/// other things, [`CorpusError::Io`] or [`CorpusError::Audio`] where something cannot
/// be written. The message names the folder or the file.
pub fn write_corpus(
    dir: &Path,
    settings: &SynthSettings,
    progress: impl Fn(usize, usize) + Sync,
) -> Result<SynthReport, CorpusError> {
    settings.check().map_err(CorpusError::synth)?;
    let old = check_folder(dir)?;
    fs::create_dir_all(dir).map_err(CorpusError::io(dir, "cannot create the folder"))?;
    // Inside the folder, since its parent may be on another disk or not be ours.
    let partial = tempfile::Builder::new()
        .prefix(PARTIAL)
        .tempdir_in(dir)
        .map_err(CorpusError::io(dir, "cannot write into the folder"))?;
    let report = write_clips(partial.path(), settings, progress)?;
    let marker = partial.path().join(MARKER);
    fs::write(&marker, marker_text(settings, &report))
        .map_err(CorpusError::io(&marker, "cannot write the file"))?;

    // The marker is removed last and moved first: a folder with clips always says
    // what they are.
    for name in old {
        let path = dir.join(&name);
        let removed = match path.is_dir() {
            true => fs::remove_dir_all(&path),
            false => fs::remove_file(&path),
        };
        removed.map_err(CorpusError::io(&path, "cannot be replaced"))?;
    }
    let actors = (1..=settings.speakers).map(actor);
    for name in [MARKER.to_owned()].into_iter().chain(actors) {
        let path = dir.join(&name);
        fs::rename(partial.path().join(&name), &path)
            .map_err(CorpusError::io(&path, "cannot be written"))?;
    }
    Ok(report)
}

/// Writes the folders of all speakers with their clips.
fn write_clips(
    folder: &Path,
    settings: &SynthSettings,
    progress: impl Fn(usize, usize) + Sync,
) -> Result<SynthReport, CorpusError> {
    let plans = Plan::all(settings);
    let speakers: Vec<Speaker> = (1..=settings.speakers)
        .map(|number| Speaker::draw(settings.seed, number as u64))
        .collect();
    for number in 1..=settings.speakers {
        let path = folder.join(actor(number));
        fs::create_dir(&path).map_err(CorpusError::io(&path, "cannot create the folder"))?;
    }
    let done = AtomicUsize::new(0);
    let samples: Vec<usize> = plans
        .par_iter()
        .map(|plan| -> Result<usize, CorpusError> {
            let samples = plan.samples(&speakers[plan.speaker - 1], settings.seed);
            audio::write_wav(folder.join(plan.path()), &samples, SAMPLE_RATE)?;
            progress(1 + done.fetch_add(1, Ordering::Relaxed), plans.len());
            Ok(samples.len())
        })
        .collect::<Result<_, _>>()?;
    Ok(SynthReport {
        clips: plans.len(),
        speakers: settings.speakers,
        seconds: samples.iter().sum::<usize>() as f64 / f64::from(SAMPLE_RATE),
    })
}

fn actor(number: usize) -> String {
    format!("Actor_{number:02}")
}

/// Refuses a folder that holds anything but a synthetic corpus. Returns the names
/// of what is to be replaced, the marker last.
fn check_folder(dir: &Path) -> Result<Vec<String>, CorpusError> {
    match fs::metadata(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(CorpusError::io(dir, "cannot open the folder")(error)),
        Ok(meta) if !meta.is_dir() => {
            return Err(CorpusError::synth(format!(
                "{}: a file; the synthetic corpus is a folder, give another name",
                dir.display()
            )));
        }
        Ok(_) => {}
    }
    let mut names: Vec<String> = fs::read_dir(dir)
        .and_then(|entries| {
            entries
                .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
                .collect()
        })
        .map_err(CorpusError::io(dir, "cannot read the folder"))?;
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
        return Err(CorpusError::synth(format!(
            "{}: holds other things than a synthetic corpus ({}{}), among which it would be lost; \
             give a new or an empty folder",
            dir.display(),
            foreign[..foreign.len().min(3)].join(", "),
            if foreign.len() > 3 { ", ..." } else { "" }
        )));
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
