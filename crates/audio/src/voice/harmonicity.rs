//! Harmonics-to-noise ratio: how much of a voice is periodic.
//!
//! The height `r` of the normalised autocorrelation at the pitch period is the
//! periodic share of the power, so the ratio is `10 log10(r / (1 - r))` dB
//! (Boersma 1993, equation 4). 20 dB is 99 % periodic, which is about the value of a
//! healthy "a"; hoarse voices are well below. 0 dB is as much noise as tone.

use serde::{Deserialize, Serialize};

use super::candidates::{Analyser, PitchWindow, Settings};
use super::grid::Grid;
use super::pitch::{analyser, check, peak, relative, windows};
use crate::error::AudioError;

/// Settings of the harmonics-to-noise ratio. The defaults are those of Praat's `To
/// Harmonicity (ac)`, except [`periods`](Self::periods), which is what Praat's manual
/// recommends for this method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HarmonicityConfig {
    /// Seconds from one frame to the next.
    pub time_step: f64,
    /// Lowest pitch in Hz.
    pub floor: f64,
    /// Frames whose peak is below this share of the recording's peak are silent.
    pub silence_threshold: f64,
    /// Periods of the lowest pitch in a window (its effective length; the Gaussian
    /// window is physically twice as long). More periods give higher ratios for steady
    /// sounds, fewer follow changes faster.
    pub periods: f64,
}

impl Default for HarmonicityConfig {
    fn default() -> Self {
        HarmonicityConfig {
            time_step: 0.01,
            floor: 75.0,
            silence_threshold: 0.1,
            periods: 4.5,
        }
    }
}

/// Harmonics-to-noise analysis at one sample rate.
#[derive(Clone)]
pub struct Harmonicity {
    config: HarmonicityConfig,
    sample_rate: u32,
    analyser: Analyser,
    window_seconds: f64,
}

impl std::fmt::Debug for Harmonicity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Harmonicity")
            .field("config", &self.config)
            .field("sample_rate", &self.sample_rate)
            .finish_non_exhaustive()
    }
}

/// Harmonics-to-noise ratio over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HarmonicityTrack {
    /// Centres of the frames in seconds, placed as in a
    /// [`PitchTrack`](super::PitchTrack).
    pub times: Vec<f64>,
    /// The ratio of each frame in dB; `None` if the frame is silent or has no period.
    pub decibels: Vec<Option<f64>>,
}

impl HarmonicityTrack {
    /// Mean over the frames that have a ratio.
    pub fn mean(&self) -> Option<f64> {
        let (sum, n) = self
            .decibels
            .iter()
            .flatten()
            .fold((0.0, 0usize), |(sum, n), db| (sum + db, n + 1));
        (n > 0).then(|| sum / n as f64)
    }
}

impl Harmonicity {
    /// Prepares the tables for `sample_rate` Hz.
    ///
    /// # Errors
    ///
    /// [`AudioError::Settings`] if a setting is out of range, or the window for the
    /// floor has too few samples at this rate.
    pub fn new(config: &HarmonicityConfig, sample_rate: u32) -> Result<Self, AudioError> {
        check("time_step", config.time_step, 1e-4, 10.0)?;
        check("floor", config.floor, 1.0, 1e5)?;
        check("silence_threshold", config.silence_threshold, 0.0, 1.0)?;
        check("periods", config.periods, 1.0, 20.0)?;
        let ceiling = 0.5 * f64::from(sample_rate);
        let settings = Settings {
            window: PitchWindow::Gaussian,
            periods: config.periods,
            floor: config.floor,
            ceiling,
            max_candidates: 15.max((ceiling / config.floor) as usize),
            voicing_threshold: 0.0,
            octave_cost: 0.0,
            strongest_only: true,
        };
        Ok(Harmonicity {
            config: config.clone(),
            sample_rate,
            analyser: analyser(settings, sample_rate)?,
            window_seconds: settings.window_seconds(),
        })
    }

    /// The ratio over a whole recording. No frames if there are fewer samples than a
    /// window.
    pub fn track(&self, samples: &[f32]) -> HarmonicityTrack {
        let step = self.config.time_step;
        let grid = Grid::new(samples.len(), self.sample_rate, self.window_seconds, step);
        let peak = peak(samples);
        let mut decibels = Vec::with_capacity(grid.count);
        let mut candidates = Vec::new();
        let mut scratch = self.analyser.scratch();
        // The choice is the one of the pitch analysis without costs: the strongest
        // candidate, at most 1, against "silent".
        let silence = |local: f64| {
            if self.config.silence_threshold > 0.0 {
                (2.0 - relative(local, peak) / self.config.silence_threshold).max(0.0)
            } else {
                0.0
            }
        };
        let length = self.analyser.frame_length();
        for frame in windows(samples, self.sample_rate, grid, length) {
            candidates.clear();
            let worth = |local| silence(local) < 1.0;
            let local = self
                .analyser
                .analyse(frame, &mut scratch, &mut candidates, worth);
            let strongest = candidates.iter().fold(0.0, |m: f64, c| m.max(c.strength));
            decibels.push((strongest > silence(local)).then(|| harmonics_to_noise(strongest)));
        }
        HarmonicityTrack {
            times: grid.times(),
            decibels,
        }
    }

    /// The settings.
    pub fn config(&self) -> &HarmonicityConfig {
        &self.config
    }
}

/// Harmonics-to-noise ratio in dB for a voicing strength from 0 to 1, limited to
/// ±150 dB, which is what double precision can resolve.
pub fn harmonics_to_noise(strength: f64) -> f64 {
    let r = strength.clamp(1e-15, 1.0 - 1e-15);
    10.0 * (r / (1.0 - r)).log10()
}
