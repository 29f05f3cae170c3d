//! How fast somebody speaks, measured by syllable nuclei instead of words.
//!
//! De Jong, N. H. and Wempe, T. (2009), "Praat script to detect syllable nuclei
//! and measure speech rate automatically", Behavior Research Methods 41,
//! 385-390. A nucleus is a peak of intensity that is loud enough, is followed by
//! a dip before the next peak, and is voiced.

use serde::{Deserialize, Serialize};

use super::intensity::{Intensity, IntensityConfig, IntensityTrack};
use super::pitch::{Pitch, PitchConfig, check};
use super::sinc;
use crate::error::AudioError;

/// Intensity is smoothed over periods of this pitch in Hz, with Praat's default step
/// for it.
const INTENSITY_FLOOR: f64 = 50.0;
const INTENSITY_STEP: f64 = 0.8 / INTENSITY_FLOOR;
/// Frames on either side for the interpolation of a peak.
const DEPTH: usize = 70;
/// Stretches of sound shorter than this, in seconds, count as silence.
const SHORTEST_SOUND: f64 = 0.1;

/// What counts as a syllable and as a pause. The defaults are those of the script.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpeakingRateConfig {
    /// Sound that lies more than this many dB below the loudest (the 99 % quantile) is
    /// silence.
    pub silence_db: f64,
    /// A peak counts if the intensity falls by more than this many dB before the next.
    pub min_dip: f64,
    /// Silence of at least this many seconds is a pause.
    pub min_pause: f64,
}

impl Default for SpeakingRateConfig {
    fn default() -> Self {
        SpeakingRateConfig {
            silence_db: 25.0,
            min_dip: 2.0,
            min_pause: 0.3,
        }
    }
}

/// Speaking rate analysis at one sample rate.
#[derive(Clone, Debug)]
pub struct SpeakingRate {
    config: SpeakingRateConfig,
    sample_rate: u32,
    intensity: Intensity,
    pitch: Pitch,
}

/// The syllables of a recording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Syllables {
    /// The times of the nuclei (their loudest moments) in seconds.
    pub nuclei: Vec<f64>,
    /// Start and end of the stretches between pauses in seconds.
    pub sounding: Vec<(f64, f64)>,
    /// Length of the recording in seconds.
    pub duration: f64,
}

impl Syllables {
    /// Seconds of sound without pauses.
    pub fn sounding_time(&self) -> f64 {
        self.sounding.iter().map(|(start, end)| end - start).sum()
    }

    /// Number of pauses between stretches of sound, before the first and after the last.
    pub fn pauses(&self) -> usize {
        let before = self.sounding.first().is_some_and(|s| s.0 > 0.0);
        let after = self.sounding.last().is_some_and(|s| s.1 < self.duration);
        self.sounding.len().saturating_sub(1) + usize::from(before) + usize::from(after)
    }

    /// Syllables per second, including pauses.
    pub fn speech_rate(&self) -> f64 {
        rate(self.nuclei.len(), self.duration)
    }

    /// Syllables per second of sound, excluding pauses.
    pub fn articulation_rate(&self) -> f64 {
        rate(self.nuclei.len(), self.sounding_time())
    }
}

fn rate(count: usize, seconds: f64) -> f64 {
    if seconds > 0.0 {
        count as f64 / seconds
    } else {
        0.0
    }
}

impl SpeakingRate {
    /// Prepares the tables for `sample_rate` Hz.
    ///
    /// # Errors
    ///
    /// [`AudioError::Settings`] if a setting is out of range, or the sample rate is too
    /// low for speech.
    pub fn new(config: &SpeakingRateConfig, sample_rate: u32) -> Result<Self, AudioError> {
        check("silence_db", config.silence_db, 0.0, 300.0)?;
        check("min_dip", config.min_dip, 0.0, 300.0)?;
        check("min_pause", config.min_pause, 0.0, 3600.0)?;
        let intensity = IntensityConfig {
            time_step: INTENSITY_STEP,
            floor: INTENSITY_FLOOR,
            subtract_mean: true,
        };
        // To Pitch (ac)... 0.02 30 4 no 0.03 0.25 0.01 0.35 0.25 450
        let pitch = PitchConfig {
            time_step: 0.02,
            floor: 30.0,
            ceiling: 450.0,
            max_candidates: 4,
            voicing_threshold: 0.25,
            voiced_unvoiced_cost: 0.25,
            ..PitchConfig::default()
        };
        Ok(SpeakingRate {
            config: config.clone(),
            sample_rate,
            intensity: Intensity::new(&intensity, sample_rate)?,
            pitch: Pitch::new(&pitch, sample_rate)?,
        })
    }

    /// The syllables of a whole recording; none if it is shorter than 0.128 s.
    pub fn syllables(&self, samples: &[f32]) -> Syllables {
        let duration = samples.len() as f64 / f64::from(self.sample_rate);
        let track = self.intensity.track(samples);
        let (Some(minimum), Some(loud)) = (track.minimum(), track.quantile(0.99)) else {
            return Syllables {
                nuclei: Vec::new(),
                sounding: Vec::new(),
                duration,
            };
        };
        let silence = loud - self.config.silence_db;
        let threshold = silence.max(minimum);
        let sounding = sounding(&track, silence, minimum, self.config.min_pause, duration);
        let peaks: Vec<(f64, f64)> = peaks(&track.decibels)
            .into_iter()
            .filter(|&(_, value)| value > threshold)
            .collect();
        // A peak is valid if the dip before the next one is deep enough, so the last
        // peak never counts.
        let pitch = self.pitch.track(samples);
        let nuclei = peaks
            .windows(2)
            .filter(|pair| {
                let between = pair[0].0.ceil() as usize..=pair[1].0.floor() as usize;
                let dip = track.decibels[between]
                    .iter()
                    .copied()
                    .min_by(f64::total_cmp);
                dip.is_some_and(|dip| (pair[0].1 - dip).abs() > self.config.min_dip)
            })
            .map(|pair| track.times[0] + pair[0].0 * track.time_step)
            .filter(|&time| sounding.iter().any(|&(a, b)| (a..b).contains(&time)))
            .filter(|&time| pitch.at(time).is_some())
            .collect();
        Syllables {
            nuclei,
            sounding,
            duration,
        }
    }

    /// The settings.
    pub fn config(&self) -> &SpeakingRateConfig {
        &self.config
    }
}

/// Position (in frames) and height of every peak.
fn peaks(y: &[f64]) -> Vec<(f64, f64)> {
    let at = |step: usize| sinc::interpolate_at(y, step, DEPTH);
    y.windows(3)
        .enumerate()
        .filter(|(_, w)| w[1] > w[0] && w[1] >= w[2])
        .map(|(i, w)| {
            let start = i as f64 + 1.0 + sinc::vertex(w[0], w[1], w[2]).0;
            let (x, _) = sinc::peak(at, i + 1, start);
            (x, sinc::interpolate(y, x, 2))
        })
        .collect()
}

/// The stretches of sound above `threshold`: short ones are dropped, then short
/// silences are filled.
fn sounding(
    track: &IntensityTrack,
    threshold: f64,
    minimum: f64,
    min_pause: f64,
    duration: f64,
) -> Vec<(f64, f64)> {
    if threshold < minimum || min_pause > duration || SHORTEST_SOUND > duration {
        return vec![(0.0, duration)];
    }
    // Alternating stretches as (end, whether it is sound).
    let mut stretches: Vec<(f64, bool)> = Vec::new();
    let ends = track.times.iter().skip(1).copied().chain([duration]);
    for (&value, end) in track.decibels.iter().zip(ends) {
        extend(&mut stretches, end, value >= threshold);
    }
    for (kind, shortest) in [(true, SHORTEST_SOUND), (false, min_pause)] {
        let mut start = 0.0;
        let mut merged = Vec::new();
        for (end, sounds) in stretches {
            let short = sounds == kind && end - start < shortest;
            extend(&mut merged, end, sounds != short);
            start = end;
        }
        stretches = merged;
    }
    let mut start = 0.0;
    let mut out = Vec::new();
    for (end, sounds) in stretches {
        if sounds {
            out.push((start, end));
        }
        start = end;
    }
    out
}

fn extend(stretches: &mut Vec<(f64, bool)>, end: f64, sounds: bool) {
    match stretches.last_mut() {
        Some(last) if last.1 == sounds => last.0 = end,
        _ => stretches.push((end, sounds)),
    }
}
