//! Applying steps to recordings.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::level::{amplitude, limit, mean_power};
use super::step::{Augmentation, Step};
use super::{clips, codec, filter, noise, reverb, stretch};
use crate::error::AudioError;
use crate::recording::{Recording, SAMPLE_RATES};
use crate::resample::change_speed;

/// Applies a list of steps to recordings, one after the other.
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
    /// [`AudioError::Settings`] naming the step, the setting, its value and the
    /// allowed range; also if a step needs backgrounds, see
    /// [`with_backgrounds`](Self::with_backgrounds).
    pub fn new(steps: Vec<Step>) -> Result<Self, AudioError> {
        Self::with_backgrounds(steps, Vec::new())
    }

    /// Checks the steps and keeps recordings (street, room, babble) for
    /// [`Augmentation::Background`].
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), and if a background is silent or its sample rate is
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
                    "step {}: background needs recordings, but none are given",
                    i + 1
                )));
            }
        }
        for (i, background) in backgrounds.iter().enumerate() {
            if !SAMPLE_RATES.contains(&background.sample_rate) {
                return Err(AudioError::settings(format!(
                    "background {} has a sample rate of {} Hz, it must be {} to {}",
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

    /// The recording after the steps that `seed` selects. For training, combine the
    /// seed of the run, the epoch and the index of the recording into the seed.
    pub fn apply(&self, recording: &Recording, seed: u64) -> Recording {
        let mut result = recording.clone();
        limit(&mut result.samples);
        for (i, step) in self.steps.iter().enumerate() {
            // Each step has its own random stream.
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(i as u64);
            if rng.random::<f64>() < step.probability {
                result = apply(&step.augmentation, result, &self.backgrounds, &mut rng);
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

/// One step on one recording.
fn apply(
    augmentation: &Augmentation,
    mut recording: Recording,
    backgrounds: &[Recording],
    rng: &mut ChaCha8Rng,
) -> Recording {
    let rate = f64::from(recording.sample_rate);
    let samples = &mut recording.samples;
    match augmentation {
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

/// A value drawn uniformly from a range.
fn between([low, high]: &[f64; 2], rng: &mut ChaCha8Rng) -> f64 {
    low + (high - low) * rng.random::<f64>()
}
