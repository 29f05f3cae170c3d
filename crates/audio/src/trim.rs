//! Cutting the silence before and after speech.
//!
//! Corpora are recorded at all levels, so silence is relative to the
//! recording's own loudest frame, as in `librosa.effects.trim`.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::error::AudioError;
use crate::recording::Recording;

/// Levels are those of frames of this many seconds...
const FRAME: f64 = 0.025;
/// ... which start this many seconds apart.
const HOP: f64 = 0.010;

/// What counts as silence at the ends of a recording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrimSettings {
    /// Frames this many dB below the loudest one are silence.
    pub threshold_db: f64,
    /// Seconds kept before the first and after the last frame that is not silence.
    pub margin: f64,
}

impl Default for TrimSettings {
    /// 35 dB, 0.1 s.
    fn default() -> Self {
        TrimSettings {
            threshold_db: 35.0,
            margin: 0.1,
        }
    }
}

impl TrimSettings {
    /// Checks both values.
    ///
    /// # Errors
    ///
    /// [`AudioError::Settings`] if a value is negative or not finite.
    pub fn validate(&self) -> Result<(), AudioError> {
        for (name, value) in [("threshold_db", self.threshold_db), ("margin", self.margin)] {
            if !(value.is_finite() && value >= 0.0) {
                return Err(AudioError::settings(format!(
                    "trim.{name} is {value}, it must be 0 or more"
                )));
            }
        }
        Ok(())
    }
}

impl Recording {
    /// The recording without the silence before and after the speech. Silence is
    /// relative to the recording's own loudest moment; see [`TrimSettings`].
    pub fn trim(&self, settings: &TrimSettings) -> Self {
        Recording {
            samples: self.samples[speech(self, settings)].to_vec(),
            sample_rate: self.sample_rate,
            reading: self.reading,
        }
    }
}

/// The samples between the silences; all of them if all frames are silent.
pub(crate) fn speech(recording: &Recording, settings: &TrimSettings) -> Range<usize> {
    let samples = &recording.samples;
    let rate = f64::from(recording.sample_rate);
    let frame = ((FRAME * rate) as usize).max(1);
    let hop = ((HOP * rate) as usize).max(1);
    if samples.len() <= frame {
        return 0..samples.len();
    }
    // The last frame is moved back so that it ends with the recording: the mean
    // over a short remainder could be loud by chance.
    let last = samples.len() - frame;
    let starts = (0..last).step_by(hop).chain([last]);
    let power = |start: usize| -> f64 {
        samples[start..start + frame]
            .iter()
            .map(|&s| f64::from(s) * f64::from(s))
            .sum()
    };
    let powers: Vec<(usize, f64)> = starts.map(|s| (s, power(s))).collect();
    let loudest = powers.iter().fold(0.0, |m: f64, &(_, p)| m.max(p));
    let threshold = loudest * 10f64.powf(-settings.threshold_db / 10.0);
    let loud = |&&(_, p): &&(usize, f64)| p > 0.0 && p >= threshold;
    let (Some(first), Some(last)) = (powers.iter().find(loud), powers.iter().rev().find(loud))
    else {
        return 0..samples.len();
    };
    let margin = (settings.margin * rate) as usize;
    let from = first.0.saturating_sub(margin);
    let to = (last.0 + frame).saturating_add(margin).min(samples.len());
    from..to
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 16_000;

    /// One second of silence with a soft click track, half a second of tone, one second of silence.
    fn padded(level: f32) -> Recording {
        let mut samples = vec![0.0; 16_000];
        samples.extend((0..8_000).map(|n| level * (n as f32 * 0.3).sin()));
        samples.extend(vec![0.0; 16_000]);
        // Noise 60 dB below the tone is silence at any level of the tone.
        for (n, s) in samples.iter_mut().enumerate() {
            *s += level * 1e-3 * if n % 2 == 0 { 1.0 } else { -1.0 };
        }
        Recording::from_samples(samples, RATE).unwrap()
    }

    #[test]
    fn silence_goes_and_the_margin_stays() {
        let trimmed = padded(0.5).trim(&TrimSettings::default());
        let expected = 0.5 + 2.0 * 0.1;
        assert!(
            (trimmed.duration() - expected).abs() <= 2.0 * FRAME,
            "{} s left of {expected}",
            trimmed.duration()
        );
    }

    #[test]
    fn the_cut_does_not_depend_on_the_level() {
        let settings = TrimSettings::default();
        assert_eq!(
            speech(&padded(0.5), &settings),
            speech(&padded(0.0005), &settings)
        );
    }

    #[test]
    fn digital_silence_is_left_alone() {
        let silence = Recording::from_samples(vec![0.0; 5_000], RATE).unwrap();
        assert_eq!(silence.trim(&TrimSettings::default()), silence);
    }

    #[test]
    fn short_and_empty_recordings_are_left_alone() {
        for n in [0, 1, 2, 399, 400, 401] {
            let short = Recording::from_samples(vec![0.1; n], RATE).unwrap();
            assert_eq!(short.trim(&TrimSettings::default()), short, "{n} samples");
        }
    }

    #[test]
    fn a_huge_margin_is_the_whole_recording() {
        let settings = TrimSettings {
            margin: 1e300,
            ..Default::default()
        };
        assert_eq!(padded(0.5).trim(&settings), padded(0.5));
    }

    #[test]
    fn negative_settings_are_refused() {
        for bad in [-1.0, f64::NAN, f64::INFINITY] {
            let settings = TrimSettings {
                threshold_db: bad,
                ..Default::default()
            };
            assert!(settings.validate().is_err(), "{bad}");
        }
    }
}
