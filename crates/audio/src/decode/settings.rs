//! What to take from a file, and how much.

use crate::error::{AudioError, Source};

/// Which channel of a file to take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Channels {
    /// The mean of all channels.
    #[default]
    Mix,
    /// Only this one, counted from 0.
    One(usize),
}

/// The largest file to accept; beyond that it is an error
/// ([`AudioError::TooLong`]). `None` is no limit.
///
/// The limits protect a service that decodes files from others: a FLAC file of
/// one megabyte can hold an hour of silence. They are not needed against false
/// headers, for which no memory is allocated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DecodeLimits {
    /// Seconds of sound.
    pub max_seconds: Option<f64>,
    /// Bytes of the file.
    pub max_file_bytes: Option<u64>,
    /// Bytes of samples in a [`Recording`](crate::Recording), four per sample. A
    /// [`Decoder`](crate::Decoder) read block by block ignores this limit, since
    /// it only holds one block.
    pub max_memory: Option<u64>,
}

impl DecodeLimits {
    /// No limits.
    pub const NONE: DecodeLimits = DecodeLimits {
        max_seconds: None,
        max_file_bytes: None,
        max_memory: None,
    };
}

impl Default for DecodeLimits {
    /// At most 4 GiB of samples (six hours at 48 kHz), and no other limit.
    fn default() -> Self {
        DecodeLimits {
            max_memory: Some(4 << 30),
            ..DecodeLimits::NONE
        }
    }
}

/// How to decode a file.
///
/// ```
/// use audio::{Channels, DecodeLimits, DecodeSettings};
///
/// let settings = DecodeSettings {
///     channels: Channels::One(0), // the left channel
///     limits: DecodeLimits { max_seconds: Some(600.0), ..DecodeLimits::default() },
/// };
/// # let _ = settings;
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DecodeSettings {
    /// Which channel to take.
    pub channels: Channels,
    /// How much to accept.
    pub limits: DecodeLimits,
}

impl DecodeLimits {
    /// Checks a file's length.
    pub(super) fn check_file(&self, length: u64, name: &Source) -> Result<(), AudioError> {
        match self.max_file_bytes {
            Some(most) if length > most => Err(AudioError::TooLong {
                path: name.clone(),
                what: format!("the file has {length} bytes, and {most} are allowed"),
            }),
            _ => Ok(()),
        }
    }

    /// Checks a number of samples.
    pub(super) fn check_seconds(
        &self,
        samples: u64,
        sample_rate: u32,
        name: &Source,
    ) -> Result<(), AudioError> {
        match self.max_seconds {
            Some(most) if samples as f64 > most * f64::from(sample_rate) => {
                Err(AudioError::TooLong {
                    path: name.clone(),
                    what: format!("it is longer than the {most} s allowed"),
                })
            }
            _ => Ok(()),
        }
    }

    /// Checks the memory of a recording.
    pub(super) fn check_memory(&self, samples: u64, name: &Source) -> Result<(), AudioError> {
        match self.max_memory {
            Some(most) if samples.saturating_mul(4) > most => Err(AudioError::TooLong {
                path: name.clone(),
                what: format!("its samples take more than the {most} bytes allowed"),
            }),
            _ => Ok(()),
        }
    }
}
