//! Recordings changed at random, so that a model learns from more than it was
//! given.
//!
//! An [`Augmenter`] is a list of [`Step`]s, each taken with a probability.
//! What a step draws depends on the seed and its place in the list alone: the
//! same seed gives the same recording on any thread and machine of the same
//! kind, and a change of one step leaves the draws of the others.
//!
//! Nothing here clips unless it says so: samples may leave +-1, as those of
//! floating-point files do. Nothing gives samples that are not finite; what is
//! beyond +-1e12, 240 dB above full scale, is put there.
//!
//! Features are changed elsewhere: masks over frames by
//! [`FrameMasks`](crate::FrameMasks), vocal tract length by
//! [`MfccConfig::warp`](crate::MfccConfig::warp).

mod clips;
mod codec;
mod filter;
mod masks;
mod noise;
mod reverb;
mod stretch;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

pub use clips::concatenate;
pub use masks::{FrameMasks, MaskFill};
pub use noise::Colour;

use crate::error::AudioError;
use crate::recording::Recording;
use crate::resample::{SAMPLE_RATES, SPEEDS, change_speed};

/// One way to change a recording. Settings in pairs are bounds, `[low, high]`:
/// every use draws a value between them, each as likely as any other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Augmentation {
    /// Adds noise. The ratio is of mean powers over the whole recording, its
    /// pauses included. A silent recording stays silent.
    Noise {
        /// Its spectrum.
        colour: Colour,
        /// Signal to noise in dB, -60 to 120.
        snr_db: [f64; 2],
    },
    /// Adds a piece of one of the augmenter's backgrounds, resampled to the
    /// recording's rate, from a random place on, repeated where it is shorter
    /// than the recording. The ratio as in `Noise`.
    Background {
        /// Signal to background in dB, -60 to 120.
        snr_db: [f64; 2],
    },
    /// Louder or softer.
    Gain {
        /// Gain in dB, -120 to 60.
        db: [f64; 2],
        /// Cut off at +-1, as an overdriven microphone does.
        #[serde(default)]
        clip: bool,
    },
    /// Faster or slower, pitch and tempo together, by [`change_speed`]. The
    /// length changes.
    Speed {
        /// Factor, 0.25 to 4; 0.9 to 1.1 is usual.
        factor: [f64; 2],
    },
    /// Higher or lower at the same tempo and length. Formants move with the
    /// pitch, so that a large shift sounds like another speaker.
    Pitch {
        /// Semitones, -24 to 24.
        semitones: [f64; 2],
    },
    /// Faster or slower at the same pitch. The length changes.
    Tempo {
        /// Factor, 0.25 to 4: at 2 the recording is half as long.
        factor: [f64; 2],
    },
    /// A room: the recording convolved with an impulse response of a direct
    /// sound and noise that decays exponentially. Length and mean power stay;
    /// what rings on beyond the end is cut.
    Reverb {
        /// Time in which the reverberation decays by 60 dB, in seconds, 0.01
        /// to 10.
        rt60: [f64; 2],
        /// Energy of the direct sound over that of the reverberation in dB,
        /// -60 to 60.
        direct_db: [f64; 2],
    },
    /// Butterworth high-pass. Cut-offs of half the sample rate and more act as
    /// 0.49 of it.
    HighPass {
        /// Frequency at which it is 3 dB down, in Hz.
        hertz: [f64; 2],
        /// Steepness: 6 dB an octave each; 2, 4, 6 or 8.
        order: usize,
    },
    /// Butterworth low-pass. Cut-offs of half the sample rate and more do
    /// nothing.
    LowPass {
        /// Frequency at which it is 3 dB down, in Hz.
        hertz: [f64; 2],
        /// Steepness: 6 dB an octave each; 2, 4, 6 or 8.
        order: usize,
    },
    /// Mu-law coding in 8 bits and back (ITU-T G.711). Clips at +-1.
    MuLaw,
    /// Rounded to fewer bits. Clips at +-1.
    Bits {
        /// Bits of a sample, 2 to 24.
        bits: [u32; 2],
        /// Adds triangular dither of two steps' width before rounding, which
        /// turns distortion into steady noise.
        dither: bool,
    },
    /// A telephone line: 300 to 3400 Hz (Butterworth, order 8 either side), at
    /// 8 kHz, through mu-law, and back. Clips at +-1. A recording of under 8
    /// kHz keeps its rate.
    Telephone,
    /// A random excerpt. A shorter recording stays whole.
    Crop {
        /// Its length in seconds, above 0.
        seconds: [f64; 2],
    },
}

/// An augmentation and how often it is used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Share of recordings that it is applied to, 0 to 1.
    pub probability: f64,
    /// What is done to them.
    pub augmentation: Augmentation,
}

/// Applies steps one after the other.
///
/// ```
/// use audio::{Augmentation, Augmenter, Colour, Recording, Step};
///
/// let tone: Vec<f32> = (0..16_000).map(|n| 0.1 * (n as f32 * 0.1).sin()).collect();
/// let recording = Recording::from_samples(tone, 16_000)?;
/// let augmenter = Augmenter::new(vec![
///     Step {
///         probability: 0.5,
///         augmentation: Augmentation::Tempo { factor: [0.9, 1.1] },
///     },
///     Step {
///         probability: 1.0,
///         augmentation: Augmentation::Noise { colour: Colour::Pink, snr_db: [5.0, 30.0] },
///     },
/// ])?;
/// let noisy = augmenter.apply(&recording, 7);
/// assert_eq!(noisy, augmenter.apply(&recording, 7));
/// assert_ne!(noisy, augmenter.apply(&recording, 8));
/// # Ok::<(), audio::AudioError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Augmenter {
    steps: Vec<Step>,
    backgrounds: Vec<Recording>,
}

impl Augmenter {
    /// Checks the steps.
    ///
    /// # Errors
    ///
    /// [`AudioError::Settings`] naming the step, the setting, its value and its
    /// bounds; also where a step wants backgrounds, which
    /// [`with_backgrounds`](Self::with_backgrounds) takes.
    pub fn new(steps: Vec<Step>) -> Result<Self, AudioError> {
        Self::with_backgrounds(steps, Vec::new())
    }

    /// Checks the steps and keeps recordings (street, room, babble) for
    /// [`Augmentation::Background`].
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), and where a background is silent or its rate
    /// outside [`SAMPLE_RATES`].
    pub fn with_backgrounds(
        steps: Vec<Step>,
        backgrounds: Vec<Recording>,
    ) -> Result<Self, AudioError> {
        for (i, step) in steps.iter().enumerate() {
            step.validate()
                .map_err(|what| AudioError::settings(format!("step {}: {what}", i + 1)))?;
            if backgrounds.is_empty()
                && matches!(step.augmentation, Augmentation::Background { .. })
            {
                return Err(AudioError::settings(format!(
                    "step {}: background needs recordings, and there are none",
                    i + 1
                )));
            }
        }
        for (i, background) in backgrounds.iter().enumerate() {
            if !SAMPLE_RATES.contains(&background.sample_rate) {
                return Err(AudioError::settings(format!(
                    "background {} has a rate of {} Hz, it must be {} to {}",
                    i + 1,
                    background.sample_rate,
                    SAMPLE_RATES.start(),
                    SAMPLE_RATES.end()
                )));
            }
            if mean_power(&background.samples) == 0.0 {
                return Err(AudioError::settings(format!(
                    "background {} is silent",
                    i + 1
                )));
            }
        }
        Ok(Augmenter { steps, backgrounds })
    }

    /// The recording after all steps that `seed` selects. For training, make
    /// the seed from the run's seed, the epoch and the recording's place.
    pub fn apply(&self, recording: &Recording, seed: u64) -> Recording {
        let mut result = recording.clone();
        limit(&mut result.samples);
        for (i, step) in self.steps.iter().enumerate() {
            // A stream of its own for each step.
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(i as u64);
            if rng.random::<f64>() < step.probability {
                result = step.augmentation.apply(result, &self.backgrounds, &mut rng);
                limit(&mut result.samples);
            }
        }
        result
    }

    /// The steps.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }
}

impl Augmentation {
    fn apply(
        &self,
        mut recording: Recording,
        backgrounds: &[Recording],
        rng: &mut ChaCha8Rng,
    ) -> Recording {
        let rate = f64::from(recording.sample_rate);
        let samples = &mut recording.samples;
        match self {
            Augmentation::Noise { colour, snr_db } => {
                let ratio = between(snr_db, rng);
                let noise = noise::generate(*colour, samples.len(), rng);
                noise::add(samples, &noise, ratio);
            }
            Augmentation::Background { snr_db } => {
                let ratio = between(snr_db, rng);
                let background = &backgrounds[rng.random_range(0..backgrounds.len())];
                let piece = noise::excerpt(background, samples.len(), recording.sample_rate, rng);
                noise::add(samples, &piece, ratio);
            }
            Augmentation::Gain { db, clip } => {
                let gain = amplitude(between(db, rng));
                for x in samples {
                    *x = (f64::from(*x) * gain) as f32;
                    if *clip {
                        *x = x.clamp(-1.0, 1.0);
                    }
                }
            }
            Augmentation::Speed { factor } => {
                return change_speed(&recording, between(factor, rng));
            }
            Augmentation::Pitch { semitones } => {
                let factor = (between(semitones, rng) / 12.0).exp2();
                return stretch::pitch(&recording, factor);
            }
            Augmentation::Tempo { factor } => {
                *samples = stretch::tempo(samples, recording.sample_rate, between(factor, rng));
            }
            Augmentation::Reverb { rt60, direct_db } => {
                let (rt60, direct_db) = (between(rt60, rng), between(direct_db, rng));
                let response = reverb::impulse_response(rate, rt60, direct_db, rng);
                *samples = reverb::apply(samples, &response);
            }
            Augmentation::HighPass { hertz, order } => {
                let cutoff = between(hertz, rng).min(0.49 * rate);
                filter::butterworth(filter::Pass::High, cutoff / rate, *order).run(samples);
            }
            Augmentation::LowPass { hertz, order } => {
                let cutoff = between(hertz, rng);
                if cutoff < 0.5 * rate {
                    filter::butterworth(filter::Pass::Low, cutoff / rate, *order).run(samples);
                }
            }
            Augmentation::MuLaw => codec::mu_law(samples),
            Augmentation::Bits { bits, dither } => {
                let bits = rng.random_range(bits[0]..=bits[1]);
                codec::quantise(samples, bits, *dither, rng);
            }
            Augmentation::Telephone => return codec::telephone(recording),
            Augmentation::Crop { seconds } => {
                let length = (between(seconds, rng) * rate).round().max(1.0) as usize;
                clips::crop(samples, length, rng);
            }
        }
        recording
    }
}

impl Step {
    fn validate(&self) -> Result<(), String> {
        let bounds = |name: &str, [low, high]: [f64; 2], from: f64, to: f64| {
            // Written so that NaN fails.
            if low >= from && low <= high && high <= to {
                Ok(())
            } else {
                Err(format!(
                    "{name} is [{low}, {high}], it must rise and be {from} to {to}"
                ))
            }
        };
        if !(0.0..=1.0).contains(&self.probability) {
            return Err(format!(
                "probability is {}, it must be 0 to 1",
                self.probability
            ));
        }
        match &self.augmentation {
            Augmentation::Noise { snr_db, .. } | Augmentation::Background { snr_db } => {
                bounds("snr_db", *snr_db, -60.0, 120.0)
            }
            Augmentation::Gain { db, .. } => bounds("db", *db, -120.0, 60.0),
            Augmentation::Speed { factor } | Augmentation::Tempo { factor } => {
                bounds("factor", *factor, *SPEEDS.start(), *SPEEDS.end())
            }
            Augmentation::Pitch { semitones } => bounds("semitones", *semitones, -24.0, 24.0),
            Augmentation::Reverb { rt60, direct_db } => {
                bounds("rt60", *rt60, 0.01, 10.0)?;
                bounds("direct_db", *direct_db, -60.0, 60.0)
            }
            Augmentation::HighPass { hertz, order } | Augmentation::LowPass { hertz, order } => {
                if ![2, 4, 6, 8].contains(order) {
                    return Err(format!("order is {order}, it must be 2, 4, 6 or 8"));
                }
                bounds("hertz", *hertz, 1.0, f64::from(*SAMPLE_RATES.end()))
            }
            Augmentation::Bits { bits, .. } => {
                let [low, high] = bits.map(f64::from);
                bounds("bits", [low, high], 2.0, 24.0)
            }
            Augmentation::Crop { seconds } => bounds("seconds", *seconds, 0.001, 1e6),
            Augmentation::MuLaw | Augmentation::Telephone => Ok(()),
        }
    }
}

/// Beyond this, 240 dB above full scale, single precision runs out in
/// transforms and sums of squares.
const LOUDEST: f32 = 1e12;

fn limit(samples: &mut [f32]) {
    for x in samples {
        *x = if x.is_nan() {
            0.0
        } else {
            x.clamp(-LOUDEST, LOUDEST)
        };
    }
}

/// A value between the two, each as likely as any other.
fn between([low, high]: &[f64; 2], rng: &mut ChaCha8Rng) -> f64 {
    low + (high - low) * rng.random::<f64>()
}

/// The factor on samples that a gain in dB is.
fn amplitude(db: f64) -> f64 {
    10f64.powf(db / 20.0)
}

/// Mean square.
fn mean_power(samples: &[f32]) -> f64 {
    let sum: f64 = samples.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
    sum / samples.len().max(1) as f64
}
