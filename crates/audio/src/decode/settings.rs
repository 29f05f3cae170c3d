//! What to take from a file, and how much.

use serde::{Deserialize, Serialize};

use crate::error::{AudioError, Source};

/// Which channel of a file to take.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Channels {
    /// The mean of all channels. Two channels of opposite polarity cancel each other
    /// out in it; [`Reading::notes`](crate::Reading::notes) says so.
    #[default]
    Mix,
    /// Only this one, counted from 0.
    One(usize),
    /// The one with the most power. The file is decoded twice; a pipe is read into
    /// memory first.
    Loudest,
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
///     start: 60.0,                // of the second minute
///     end: Some(120.0),
///     limits: DecodeLimits { max_seconds: Some(600.0), ..DecodeLimits::default() },
///     ..DecodeSettings::default()
/// };
/// # let _ = settings;
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DecodeSettings {
    /// Which channel to take.
    pub channels: Channels,
    /// Which audio track of a container to take, counted from 0; `None` is the one
    /// that a player would take.
    pub track: Option<usize>,
    /// Seconds to leave out at the start.
    pub start: f64,
    /// Where to stop, in seconds from the start of the file; `None` is its end.
    pub end: Option<f64>,
    /// The largest share of the sound that may be lost to damage, 0 to 1. More is
    /// [`AudioError::Corrupt`]; less is told by
    /// [`Recording::reading`](crate::Recording::reading).
    pub max_lost: f64,
    /// How much to accept.
    pub limits: DecodeLimits,
}

impl Default for DecodeSettings {
    /// The mean of all channels of the first track, all of it, with at most a tenth
    /// lost.
    fn default() -> Self {
        DecodeSettings {
            channels: Channels::Mix,
            track: None,
            start: 0.0,
            end: None,
            max_lost: 0.1,
            limits: DecodeLimits::default(),
        }
    }
}

impl DecodeSettings {
    /// Checks the numbers that a caller chose.
    pub(super) fn check(&self) -> Result<(), AudioError> {
        if !(self.start >= 0.0 && self.start.is_finite()) {
            return Err(AudioError::settings(format!(
                "the start is {} s, it must be 0 s or later",
                self.start
            )));
        }
        if let Some(end) = self.end.filter(|end| end.is_nan() || *end <= self.start) {
            return Err(AudioError::settings(format!(
                "the end ({end} s) must be later than the start ({} s)",
                self.start
            )));
        }
        if !(0.0..=1.0).contains(&self.max_lost) {
            return Err(AudioError::settings(format!(
                "the largest share that may be lost is {}, it must be 0 to 1",
                self.max_lost
            )));
        }
        Ok(())
    }
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
