//! One recording: samples and their rate.

use std::path::Path;

use crate::error::AudioError;
use crate::trim::{self, TrimSettings};
use crate::{decode, resample};

/// A mono recording.
///
/// ```
/// let beep: Vec<f32> = (0..16000).map(|n| (n as f32 * 0.2).sin()).collect();
/// let recording = audio::Recording::from_samples(beep, 16000)?;
/// assert_eq!(recording.duration(), 1.0);
/// assert_eq!(recording.resample(8000)?.samples.len(), 8000);
/// # Ok::<(), audio::AudioError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// The samples, full scale +-1 (floating-point files may go beyond).
    pub samples: Vec<f32>,
    /// Samples per second.
    pub sample_rate: u32,
}

impl Recording {
    /// Reads a WAV or FLAC file, whatever its extension says. Several channels
    /// are averaged.
    ///
    /// # Errors
    ///
    /// [`AudioError::Io`], [`AudioError::Unsupported`] or
    /// [`AudioError::Corrupt`], each naming the file. A file that ends early
    /// is not an error: what is there is returned.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, AudioError> {
        decode::open(path.as_ref())
    }

    /// Reads the content of a WAV or FLAC file from memory.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), but for the file's name.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, AudioError> {
        decode::from_bytes(bytes)
    }

    /// Wraps samples that are already there.
    ///
    /// # Errors
    ///
    /// [`AudioError::Settings`] where the rate is 0 Hz or a sample is NaN or infinite.
    pub fn from_samples(samples: Vec<f32>, sample_rate: u32) -> Result<Self, AudioError> {
        if sample_rate == 0 {
            return Err(AudioError::settings("a sample rate of 0 Hz is none"));
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

    /// Length in seconds.
    pub fn duration(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.sample_rate.max(1))
    }

    /// The same sound at `sample_rate` Hz: `ceil(n * to / from)` samples, no
    /// delay added. The same rate gives a copy.
    ///
    /// # Errors
    ///
    /// [`AudioError::Settings`] where a rate is outside [`SAMPLE_RATES`](crate::SAMPLE_RATES).
    pub fn resample(&self, sample_rate: u32) -> Result<Self, AudioError> {
        resample::resample(self, sample_rate)
    }

    /// Without the silence before and after. Silence is relative to the
    /// recording's own loudest moment; see [`TrimSettings`].
    pub fn trim(&self, settings: &TrimSettings) -> Self {
        Recording {
            samples: self.samples[trim::speech(self, settings)].to_vec(),
            sample_rate: self.sample_rate,
        }
    }
}
