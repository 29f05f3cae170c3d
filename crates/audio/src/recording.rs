//! One recording: samples and their rate.

use std::path::Path;

use crate::decode::{DecodeSettings, Decoder};
use crate::error::AudioError;
use crate::resample;
use crate::trim::{self, TrimSettings};

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
    /// Reads an audio file, whatever its extension says: WAV, FLAC, MP3, M4A and
    /// what else the [features](crate#kinds-of-file) of this crate name. Several
    /// channels are averaged.
    ///
    /// # Errors
    ///
    /// [`AudioError::Io`], [`AudioError::Unsupported`] or
    /// [`AudioError::Corrupt`], each naming the file; [`AudioError::TooLong`]
    /// beyond 4 GiB of samples. A file that ends early is not an error: what is
    /// there is returned.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, AudioError> {
        Self::open_with(path, &DecodeSettings::default())
    }

    /// [`open`](Self::open) with a choice of channel and with limits.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), and [`AudioError::Settings`] where the file
    /// lacks the channel.
    pub fn open_with(
        path: impl AsRef<Path>,
        settings: &DecodeSettings,
    ) -> Result<Self, AudioError> {
        Decoder::open(path, settings)?.read_to_end()
    }

    /// Reads the content of an audio file from memory.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), but for the file's name.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, AudioError> {
        Self::from_bytes_with(bytes, &DecodeSettings::default())
    }

    /// [`from_bytes`](Self::from_bytes) with a choice of channel and with limits.
    ///
    /// # Errors
    ///
    /// As [`open_with`](Self::open_with), but for the file's name.
    pub fn from_bytes_with(bytes: Vec<u8>, settings: &DecodeSettings) -> Result<Self, AudioError> {
        Decoder::from_bytes(bytes, settings)?.read_to_end()
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
