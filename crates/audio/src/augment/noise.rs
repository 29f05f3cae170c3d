//! Generated noise and noise from recordings, added at a given ratio.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};

use super::level::{amplitude, mean_power};
use crate::recording::Recording;

/// The spectrum of a noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Colour {
    /// The same power at every frequency; Gaussian.
    White,
    /// Falling by 3 dB per octave, closer to rooms and streets; Gaussian.
    Pink,
}

/// `length` samples of noise at an arbitrary level.
pub(crate) fn generate(colour: Colour, length: usize, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let white = rng.sample_iter::<f32, _>(StandardNormal);
    match colour {
        Colour::White => white.take(length).collect(),
        Colour::Pink => {
            let mut filter = Pinking::default();
            white
                .map(|x| filter.next(f64::from(x)) as f32)
                .skip(SETTLING)
                .take(length)
                .collect()
        }
    }
}

/// Samples after which the slowest pole has settled (0.99886^8192 is -81 dB).
const SETTLING: usize = 8192;

/// Turns white noise into pink: Paul Kellet's sum of first-order low-pass filters ("refined", within
/// 0.05 dB of -3 dB an octave from 1/5000 of the sample rate up;
/// [musicdsp.org 76](https://www.musicdsp.org/en/latest/Filters/76-pink-noise-filter.html)).
#[derive(Default)]
struct Pinking {
    states: [f64; 6],
    before: f64,
}

impl Pinking {
    /// Pole and gain of each low-pass filter.
    const STAGES: [(f64, f64); 6] = [
        (0.99886, 0.0555179),
        (0.99332, 0.0750759),
        (0.96900, 0.1538520),
        (0.86650, 0.3104856),
        (0.55000, 0.5329522),
        (-0.7616, -0.0168980),
    ];

    fn next(&mut self, white: f64) -> f64 {
        let mut sum = self.before + white * 0.5362;
        for (state, (pole, gain)) in self.states.iter_mut().zip(Self::STAGES) {
            *state = pole * *state + gain * white;
            sum += *state;
        }
        self.before = white * 0.115926;
        sum
    }
}

/// `length` samples of `recording` at `sample_rate`, from a random place on and
/// repeated as needed.
pub(crate) fn excerpt(
    recording: &Recording,
    length: usize,
    sample_rate: u32,
    rng: &mut ChaCha8Rng,
) -> Vec<f32> {
    let (own, wanted) = (u64::from(recording.sample_rate), u64::from(sample_rate));
    let needed = (length as u64 * own).div_ceil(wanted.max(1)) as usize;
    let start = rng.random_range(0..recording.samples.len());
    let mut samples: Vec<f32> = recording
        .samples
        .iter()
        .copied()
        .cycle()
        .skip(start)
        .take(needed)
        .collect();
    if own != wanted {
        let piece = Recording::of(samples, recording.sample_rate);
        // At rates that cannot be resampled to, the difference is inaudible.
        samples = piece.resample(sample_rate).unwrap_or(piece).samples;
    }
    samples.resize(length, 0.0);
    samples
}

/// Adds `noise` so that the ratio of mean powers is `snr_db`. If the samples or the
/// noise are silent, the samples are not changed.
pub(crate) fn add(samples: &mut [f32], noise: &[f32], snr_db: f64) {
    let (signal, power) = (mean_power(samples), mean_power(noise));
    if signal == 0.0 || power == 0.0 {
        return;
    }
    let gain = (signal / power).sqrt() * amplitude(-snr_db);
    for (x, &n) in samples.iter_mut().zip(noise) {
        *x = (f64::from(*x) + gain * f64::from(n)) as f32;
    }
}
