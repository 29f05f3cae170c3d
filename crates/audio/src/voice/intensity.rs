//! Loudness over time, as sound pressure level.
//!
//! The mean power under a window, in dB relative to 2e-5 Pa squared, the
//! threshold of hearing, as if samples were pascals (Praat manual, "Sound: To
//! Intensity...": <https://www.fon.hum.uva.nl/praat/manual/Sound__To_Intensity____.html>).
//! Recordings are rarely calibrated, so only differences are meaningful.
//!
//! The window is a Kaiser window with side lobes below -190 dB. It is `6.4 / floor`
//! seconds long, and effectively half of that, so that a voice of that pitch or
//! higher shows no ripple from its individual periods.

use serde::{Deserialize, Serialize};

use super::grid::{Grid, linear, sample_nearest};
use super::pitch::check;
use super::sinc::vertex;
use crate::error::AudioError;

/// The power that is 0 dB.
const REFERENCE: f64 = 2e-5 * 2e-5;
/// The intensity of digital silence.
const SILENCE: f64 = -300.0;
/// Length of the window in periods of the floor.
const PERIODS: f64 = 6.4;

/// Settings of the intensity analysis. The defaults are Praat's, with a frame every
/// 10 ms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntensityConfig {
    /// Seconds from one frame to the next.
    pub time_step: f64,
    /// Lowest pitch in Hz whose periods are smoothed out: the window is `6.4 / floor`
    /// seconds long.
    pub floor: f64,
    /// Whether each frame's mean is subtracted, which removes a DC offset.
    pub subtract_mean: bool,
}

impl Default for IntensityConfig {
    fn default() -> Self {
        IntensityConfig {
            time_step: 0.01,
            floor: 100.0,
            subtract_mean: true,
        }
    }
}

/// Intensity analysis at one sample rate. Each clone has its own table.
#[derive(Clone, Debug)]
pub struct Intensity {
    config: IntensityConfig,
    sample_rate: u32,
    /// An odd number of weights.
    window: Vec<f64>,
}

/// Intensity over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IntensityTrack {
    /// Seconds from one frame to the next.
    pub time_step: f64,
    /// Centres of the frames in seconds.
    pub times: Vec<f64>,
    /// Intensity of each frame in dB re 2e-5; -300 for digital silence.
    pub decibels: Vec<f64>,
}

impl Intensity {
    /// Prepares the window for `sample_rate` Hz.
    ///
    /// # Errors
    ///
    /// [`AudioError::Settings`] if a setting is out of range.
    pub fn new(config: &IntensityConfig, sample_rate: u32) -> Result<Self, AudioError> {
        check("time_step", config.time_step, 1e-4, 10.0)?;
        check("floor", config.floor, 1.0, 1e5)?;
        if sample_rate == 0 {
            return Err(AudioError::zero_rate());
        }
        let half = 0.5 * PERIODS / config.floor;
        let reach = (half * f64::from(sample_rate)).floor() as i64;
        let window = (-reach..=reach)
            .map(|i| {
                let x = i as f64 / f64::from(sample_rate) / half;
                bessel_i0(
                    (2.0 * std::f64::consts::PI.powi(2) + 0.5) * (1.0 - x * x).max(0.0).sqrt(),
                )
            })
            .collect();
        Ok(Intensity {
            config: config.clone(),
            sample_rate,
            window,
        })
    }

    /// Intensity of a whole recording (`samples` at full scale ±1). No frames if there
    /// are fewer samples than a window.
    pub fn track(&self, samples: &[f32]) -> IntensityTrack {
        let grid = Grid::new(
            samples.len(),
            self.sample_rate,
            PERIODS / self.config.floor,
            self.config.time_step,
        );
        let decibels = (0..grid.count)
            .map(|i| self.frame(samples, sample_nearest(grid.time(i), self.sample_rate)))
            .collect();
        IntensityTrack {
            time_step: self.config.time_step,
            times: grid.times(),
            decibels,
        }
    }

    /// Samples in the window on either side of its middle.
    pub(crate) fn reach(&self) -> usize {
        self.window.len() / 2
    }

    /// The intensity around sample `middle`, over the part of the window that lies in
    /// the recording.
    pub(crate) fn frame(&self, samples: &[f32], middle: i64) -> f64 {
        let start = middle - (self.window.len() / 2) as i64;
        let skipped = (-start).max(0) as usize;
        let from = start.max(0) as usize;
        let samples = &samples[from.min(samples.len())..];
        let window = &self.window[skipped.min(self.window.len())..];
        let n = samples.len().min(window.len());
        let (samples, window) = (&samples[..n], &window[..n]);
        let mean = if self.config.subtract_mean {
            sum(samples, |_, x| x) / n.max(1) as f64
        } else {
            0.0
        };
        let energy = sum(samples, |i, x| (x - mean) * (x - mean) * window[i]);
        let power = energy / window.iter().sum::<f64>() / REFERENCE;
        if power < 1e-30 || power.is_nan() {
            SILENCE
        } else {
            10.0 * power.log10()
        }
    }

    /// The settings.
    pub fn config(&self) -> &IntensityConfig {
        &self.config
    }
}

impl IntensityTrack {
    /// Intensity in dB at any `time`, interpolated linearly between frames. `None` if
    /// `time` is more than half a step before the first frame or after the last.
    pub fn at(&self, time: f64) -> Option<f64> {
        linear(&self.times, self.time_step, time, |i| {
            self.decibels.get(i).copied()
        })
    }

    /// The greatest intensity, from parabolas through peaks and their neighbours.
    /// `None` without frames.
    pub fn maximum(&self) -> Option<f64> {
        self.extreme(1.0)
    }

    /// The least intensity, in the same way.
    pub fn minimum(&self) -> Option<f64> {
        self.extreme(-1.0).map(|v| -v)
    }

    fn extreme(&self, sign: f64) -> Option<f64> {
        let y: Vec<f64> = self.decibels.iter().map(|v| sign * v).collect();
        let inner = y
            .windows(3)
            .filter(|w| w[1] > w[0] && w[1] >= w[2])
            .map(|w| vertex(w[0], w[1], w[2]).1);
        let ends = [y.first(), y.last()].into_iter().flatten().copied();
        ends.chain(inner).max_by(f64::total_cmp)
    }

    /// The intensity below which a `share` from 0 to 1 of the frames lies, interpolated
    /// linearly (in order of intensity, the `i`-th of `n` frames is at a share of
    /// `(i - 1/2) / n`). `None` without frames.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let mut sorted = self.decibels.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let last = sorted.len().checked_sub(1)?;
        let place = (share * sorted.len() as f64 - 0.5).clamp(0.0, last as f64);
        let left = place.floor() as usize;
        let right = (left + 1).min(last);
        Some(sorted[left] + (place - left as f64) * (sorted[right] - sorted[left]))
    }
}

/// Sum of `f(i, x)` in eight running sums: a single one would wait for each addition.
fn sum(samples: &[f32], f: impl Fn(usize, f64) -> f64) -> f64 {
    let mut sums = [0.0; 8];
    let (parts, rest) = samples.as_chunks::<8>();
    for (p, part) in parts.iter().enumerate() {
        for (k, &x) in part.iter().enumerate() {
            sums[k] += f(8 * p + k, f64::from(x));
        }
    }
    for (k, &x) in rest.iter().enumerate() {
        sums[k] += f(8 * parts.len() + k, f64::from(x));
    }
    sums.iter().sum()
}

/// The modified Bessel function of the first kind, order 0, by its power series
/// (Abramowitz and Stegun 9.6.10).
fn bessel_i0(x: f64) -> f64 {
    let quarter = 0.25 * x * x;
    let (mut sum, mut term, mut k) = (1.0, 1.0, 1.0);
    while term > 1e-17 * sum {
        term *= quarter / (k * k);
        sum += term;
        k += 1.0;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bessel_function_is_that_of_scipy() {
        // scipy.special.i0([0, 1, 5, 20.24])
        for (x, expected) in [
            (0.0, 1.0),
            (1.0, 1.266_065_877_752_008_4),
            (5.0, 27.239_871_823_604_442),
        ] {
            assert!((bessel_i0(x) - expected).abs() < 1e-12 * expected);
        }
    }

    #[test]
    fn a_sine_of_amplitude_one_has_90_97_decibels() {
        // 10 log10(0.5 / 4e-10)
        let intensity = Intensity::new(&IntensityConfig::default(), 16_000).unwrap();
        let tone: Vec<f32> = (0..16_000).map(|n| (n as f32 * 0.1).sin()).collect();
        let track = intensity.track(&tone);
        assert_eq!(track.times.len(), 94);
        for db in track.decibels {
            assert!((db - 90.969_1).abs() < 0.01, "{db}");
        }
    }

    #[test]
    fn quantiles_and_extremes_of_known_values() {
        let track = IntensityTrack {
            time_step: 1.0,
            times: vec![0.5, 1.5, 2.5, 3.5],
            decibels: vec![1.0, 3.0, 3.0, 0.0],
        };
        assert_eq!(track.quantile(0.5), Some(2.0));
        assert_eq!(track.quantile(0.0), Some(0.0));
        assert_eq!(track.quantile(1.0), Some(3.0));
        assert_eq!(track.maximum(), Some(3.25));
        assert_eq!(track.minimum(), Some(0.0));
    }
}
