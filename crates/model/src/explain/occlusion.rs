//! Which seconds decide: one window after the other is made silent, and the whole
//! recogniser runs again (Zeiler and Fergus, 2014).

use audio::Recording;
use rayon::prelude::*;
use serde::Serialize;

use super::{ExplainSettings, Point};
use crate::{ModelError, Recognizer};

/// Seconds over which the sound fades out and in at a window's ends, so that they
/// do not click.
const FADE: f64 = 0.005;
/// The most windows: of long recordings they are longer and farther apart.
const MOST_WINDOWS: usize = 400;

/// What a window of the recording does to the score.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Window {
    /// Where it begins, in seconds.
    pub start: f64,
    /// Where it ends.
    pub end: f64,
    /// The score of the whole recording minus that with silence in this window: above
    /// 0 where the window speaks for the label. None where no speech would be left.
    pub change: Option<f64>,
}

/// The windows, each with its effect.
pub(super) fn windows(
    recognizer: &Recognizer,
    recording: &Recording,
    label: usize,
    score: f64,
    settings: &ExplainSettings,
) -> Result<Vec<Window>, ModelError> {
    let duration = recording.duration();
    let stretch = (duration / settings.hop / MOST_WINDOWS as f64).max(1.0);
    let (length, hop) = (settings.window * stretch, settings.hop * stretch);
    let count = (((duration - length) / hop).ceil().max(0.0) as usize) + 1;
    let places: Vec<(f64, f64)> = (0..count)
        .map(|k| k as f64 * hop)
        .map(|start| (start, (start + length).min(duration)))
        .collect();
    let has_encoder = recognizer.model().encoder.is_some();
    let heard = places.par_iter().map(|&(start, end)| {
        let features = recognizer.features(&silenced(recording, start, end)?)?;
        match has_encoder && features.encoder.is_empty() {
            true => Ok(None),
            false => Point::new(recognizer, &features).map(Some),
        }
    });
    let points: Vec<Option<Point>> = heard.collect::<Result<_, ModelError>>()?;
    let known: Vec<Point> = points.iter().flatten().cloned().collect();
    let mut scores = recognizer.scores_at(&known, label)?.into_iter();
    let window = |((start, end), point): ((f64, f64), &Option<Point>)| Window {
        start,
        end,
        change: point.as_ref().and_then(|_| Some(score - scores.next()?)),
    };
    Ok(places.into_iter().zip(&points).map(window).collect())
}

/// The recording with silence from `start` to `end`.
fn silenced(recording: &Recording, start: f64, end: f64) -> Result<Recording, ModelError> {
    let rate = f64::from(recording.sample_rate());
    let mut samples = recording.samples().to_vec();
    let at = |seconds: f64| ((seconds * rate).round() as usize).min(samples.len());
    let (from, to) = (at(start), at(end));
    let fade = (FADE * rate).max(1.0);
    for (k, sample) in samples[from..to].iter_mut().enumerate() {
        let inside = (k + 1).min(to - from - k) as f64 / fade;
        *sample *= (1.0 - inside).max(0.0) as f32;
    }
    Ok(Recording::from_samples(samples, recording.sample_rate())?)
}
