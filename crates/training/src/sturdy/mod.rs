//! Sturdiness: how much accuracy is left when the sound alone is changed.
//!
//! The same clips are classified as they are and after each of a fixed list of
//! [`Disturbance`]s: another gain, an offset, a click, noise, a room, a telephone,
//! codecs, another speed, short pieces. Everything random is drawn from the clip's
//! file name, so a figure can be measured again to the last digit.
//!
//! | file | what |
//! |---|---|
//! | `disturbance.rs` | the list, and what each does to a recording |
//! | `mod.rs` | the measurement |

mod disturbance;

use audio::Recording;
use corpus::{Clip, Corpus, Excerpt};
use metrics::{Calibration, Prediction, Predictions};
use model::{Prepared, Recognizer, Verdict};
use rayon::prelude::*;
use serde::Serialize;

pub use disturbance::{Codec, Disturbance, Encode};

use crate::extraction::fnv1a;
use crate::{Event, Observer, Stage, TrainingError, with_path};

/// Answers on disturbed clips, one entry for each disturbance.
#[derive(Clone, Debug)]
pub struct Disturbed {
    /// What was done to the clips.
    pub disturbance: Disturbance,
    /// The answers.
    pub predictions: Predictions,
    /// Answers marked as unlike the training data.
    pub unlike: usize,
    /// Clips in which nobody was found to speak.
    pub no_speech: usize,
    /// Clips that the disturbance left as they were: shorter than the piece.
    pub whole: usize,
    /// Why nothing was measured, if nothing was.
    pub skipped: Option<String>,
}

/// The figures of one disturbance.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SturdyRow {
    /// Its name.
    pub disturbance: String,
    /// Whether the words stay intelligible, so that the answers should stay right.
    pub intelligible: bool,
    /// Clips that were classified.
    pub clips: usize,
    /// Unweighted average recall; none where nothing was measured.
    pub uar: Option<f64>,
    /// How much lower than that of the clips as they are.
    pub drop: Option<f64>,
    /// Expected calibration error.
    pub calibration_error: Option<f64>,
    /// Its 95 % interval, by a bootstrap over speakers.
    pub calibration_interval: Option<[f64; 2]>,
    /// The share of answers marked as unlike the training data.
    pub unlike: Option<f64>,
    /// The share of clips in which nobody was found to speak.
    pub no_speech: Option<f64>,
    /// The share of clips shorter than the piece, which stayed whole.
    pub whole: Option<f64>,
    /// Why nothing was measured, if nothing was.
    pub skipped: Option<String>,
}

/// Classifies clips as they are and after each disturbance.
///
/// `encode` writes the codecs that this library can only read; without it they are
/// skipped. Clips that cannot be read are left out; they are told by
/// [`extract_all`](crate::extract_all) before.
///
/// # Errors
///
/// Where the device fails.
pub fn disturb(
    recognizer: &Recognizer,
    corpus: &Corpus,
    clips: &[&Clip],
    encode: Result<&dyn Encode, String>,
    observer: &dyn Observer,
) -> Result<Vec<Disturbed>, TrainingError> {
    let all = Disturbance::all();
    observer.notice(Event::Begin {
        stage: Stage::Disturbances,
        steps: (all.len() * clips.len()) as u64,
        done: 0,
    });
    let mut measured = Vec::with_capacity(all.len());
    for disturbance in all {
        let one = match (disturbance.codec(), &encode) {
            (Some(_), Err(why)) => {
                observer.notice(Event::Advance(clips.len() as u64));
                Disturbed::skipped(disturbance, recognizer, why.clone())
            }
            (_, encode) => {
                let encode = encode.as_ref().ok().copied();
                one(recognizer, corpus, clips, (disturbance, encode), observer)?
            }
        };
        measured.push(one);
    }
    observer.notice(Event::End);
    Ok(measured)
}

fn one(
    recognizer: &Recognizer,
    corpus: &Corpus,
    clips: &[&Clip],
    (disturbance, encode): (Disturbance, Option<&dyn Encode>),
    observer: &dyn Observer,
) -> Result<Disturbed, TrainingError> {
    let prepare = |clip: &&Clip| -> Result<(Prepared, bool), String> {
        let recording = Excerpt::from(*clip)
            .open()
            .map_err(|error| error.to_string())?;
        let name = clip.path.file_name().unwrap_or_default().to_string_lossy();
        let seed = fnv1a(&format!("{} {name}", disturbance.name()));
        let (recording, whole): (Recording, bool) = disturbance.apply(&recording, seed, encode)?;
        let prepared = recognizer.prepare(&recording);
        let prepared = prepared.map_err(|error| with_path(&clip.path, error))?;
        observer.notice(Event::Advance(1));
        Ok((prepared, whole))
    };
    let prepared: Vec<Result<(Prepared, bool), String>> = clips.par_iter().map(prepare).collect();
    if let Some(Err(why)) = prepared.iter().find(|one| one.is_err())
        && disturbance.codec().is_some()
    {
        return Ok(Disturbed::skipped(disturbance, recognizer, why.clone()));
    }
    let readable = clips.iter().zip(&prepared);
    let readable: Vec<(&&Clip, &(Prepared, bool))> = readable
        .filter_map(|(clip, one)| Some((clip, one.as_ref().ok()?)))
        .collect();
    let clips: Vec<&Prepared> = readable.iter().map(|(_, (prepared, _))| prepared).collect();
    let answers = recognizer.classify_many(&clips)?;

    let mut result = Disturbed {
        disturbance,
        predictions: Predictions::new(recognizer.description().labels.clone()),
        unlike: 0,
        no_speech: 0,
        whole: readable.iter().filter(|(_, (_, whole))| *whole).count(),
        skipped: None,
    };
    for ((clip, _), answer) in readable.iter().zip(&answers) {
        match answer.verdict() {
            Verdict::Unfamiliar { .. } => result.unlike += 1,
            Verdict::NoSpeech => result.no_speech += 1,
            _ => {}
        }
        let path = clip.path.strip_prefix(&corpus.root).unwrap_or(&clip.path);
        result.predictions.push(Prediction {
            path: path.into(),
            speaker: clip.speaker.clone(),
            label: Some(clip.label),
            predicted: answer.index(),
            probabilities: answer.scores().iter().map(|(_, p)| *p).collect(),
        })?;
    }
    Ok(result)
}

impl Disturbed {
    fn skipped(disturbance: Disturbance, recognizer: &Recognizer, why: String) -> Self {
        Self {
            disturbance,
            predictions: Predictions::new(recognizer.description().labels.clone()),
            unlike: 0,
            no_speech: 0,
            whole: 0,
            skipped: Some(why),
        }
    }

    /// Adds the answers of another model on other clips: of another fold.
    ///
    /// # Errors
    ///
    /// Where it knows other labels.
    pub fn merge(&mut self, other: Self) -> Result<(), TrainingError> {
        for row in other.predictions.rows() {
            self.predictions.push(row.clone())?;
        }
        self.unlike += other.unlike;
        self.no_speech += other.no_speech;
        self.whole += other.whole;
        self.skipped = self.skipped.take().or(other.skipped);
        Ok(())
    }
}

/// The figures of all disturbances, of which the first changes nothing.
pub fn figures(disturbed: &[Disturbed]) -> Vec<SturdyRow> {
    let uar = |one: &Disturbed| one.predictions.confusion_matrix().uar();
    let plain = disturbed.first().and_then(uar);
    let row = |one: &Disturbed| {
        let clips = one.predictions.rows().len();
        let share = |count: usize| (clips > 0).then(|| count as f64 / clips as f64);
        let uar = uar(one);
        SturdyRow {
            disturbance: one.disturbance.name(),
            intelligible: one.disturbance.keeps_words(),
            clips,
            uar,
            drop: plain.zip(uar).map(|(plain, uar)| plain - uar),
            calibration_error: uar.map(|_| Calibration::of([&one.predictions]).error),
            calibration_interval: Calibration::interval(&one.predictions),
            unlike: share(one.unlike),
            no_speech: share(one.no_speech),
            whole: one
                .disturbance
                .is_piece()
                .then(|| share(one.whole))
                .flatten(),
            skipped: one.skipped.clone(),
        }
    };
    disturbed.iter().map(row).collect()
}

/// The largest drop of UAR among the disturbances that keep the words intelligible,
/// and of which it is.
pub fn worst_drop(rows: &[SturdyRow]) -> Option<(f64, &str)> {
    let drops = rows.iter().filter(|row| row.intelligible);
    let drops = drops.filter_map(|row| Some((row.drop?, &*row.disturbance)));
    drops.max_by(|a, b| a.0.total_cmp(&b.0))
}
