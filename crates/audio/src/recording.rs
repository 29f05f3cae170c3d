//! One recording: samples and their rate.
//!
//! What can be done with one is a method in the file that does it: opening in
//! `decode/recording.rs`, [`Recording::resample`] in `resample/mod.rs`,
//! [`Recording::trim`] in `trim.rs`.

use std::ops::RangeInclusive;

use crate::error::AudioError;

/// The sample rates this crate reads and converts, in Hz.
///
/// The bounds keep a false header from asking for gigabytes: 1 kHz is too low
/// for any speech, 768 kHz above any converter.
pub const SAMPLE_RATES: RangeInclusive<u32> = 1_000..=768_000;

/// A mono recording: finite samples at a rate of at least 1 Hz.
///
/// ```
/// let beep: Vec<f32> = (0..16000).map(|n| (n as f32 * 0.2).sin()).collect();
/// let recording = audio::Recording::from_samples(beep, 16000)?;
/// assert_eq!(recording.duration(), 1.0);
/// assert_eq!(recording.resample(8000)?.samples().len(), 8000);
/// # Ok::<(), audio::AudioError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    pub(crate) samples: Vec<f32>,
    pub(crate) sample_rate: u32,
}

impl Recording {
    /// A recording of samples that are already decoded, full scale ±1.
    ///
    /// # Errors
    ///
    /// [`AudioError::Settings`] if the rate is 0 Hz or a sample is NaN or infinite.
    pub fn from_samples(samples: Vec<f32>, sample_rate: u32) -> Result<Self, AudioError> {
        if sample_rate == 0 {
            return Err(AudioError::zero_rate());
        }
        if let Some(at) = samples.iter().position(|s| !s.is_finite()) {
            return Err(AudioError::settings(format!(
                "sample {at} is {}, samples must be finite",
                samples[at]
            )));
        }
        Ok(Recording {
            samples,
            sample_rate,
        })
    }

    /// The samples, full scale ±1 (floating-point files may go beyond).
    pub fn samples(&self) -> &[f32] {
        &self.samples
    }

    /// The samples, without a copy.
    pub fn into_samples(self) -> Vec<f32> {
        self.samples
    }

    /// Samples per second.
    pub fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    /// Length in seconds.
    pub fn duration(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.sample_rate)
    }
}
