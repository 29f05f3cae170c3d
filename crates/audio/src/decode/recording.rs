//! A whole file as a [`Recording`].

use std::path::Path;

use super::decoder::Decoder;
use super::settings::DecodeSettings;
use crate::error::AudioError;
use crate::recording::Recording;

impl Recording {
    /// Reads an audio file, whatever its extension: WAV, FLAC, MP3, M4A and the
    /// other kinds named by the [features](crate#kinds-of-file) of this crate.
    /// Several channels are averaged.
    ///
    /// # Errors
    ///
    /// [`AudioError::Io`], [`AudioError::Unsupported`] or
    /// [`AudioError::Corrupt`], each naming the file; [`AudioError::TooLong`]
    /// beyond 4 GiB of samples. What cannot be read is
    /// told by [`reading`](Recording::reading); more than a tenth of the sound is
    /// [`AudioError::Corrupt`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, AudioError> {
        Self::open_with(path, &DecodeSettings::default())
    }

    /// [`open`](Self::open) with a choice of channel and with limits.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), and [`AudioError::Settings`] if the file does not
    /// have the channel.
    pub fn open_with(
        path: impl AsRef<Path>,
        settings: &DecodeSettings,
    ) -> Result<Self, AudioError> {
        Decoder::open(path, settings)?.read_to_end()
    }

    /// Decodes the content of an audio file from memory.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), without the file's name.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, AudioError> {
        Self::from_bytes_with(bytes, &DecodeSettings::default())
    }

    /// [`from_bytes`](Self::from_bytes) with a choice of channel and with limits.
    ///
    /// # Errors
    ///
    /// As [`open_with`](Self::open_with), without the file's name.
    pub fn from_bytes_with(bytes: &[u8], settings: &DecodeSettings) -> Result<Self, AudioError> {
        // A decoder owns its bytes. Copying them takes a small part of the time
        // that decoding takes.
        Decoder::from_bytes(bytes.to_vec(), settings)?.read_to_end()
    }
}
