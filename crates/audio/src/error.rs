//! What can go wrong, sorted by what the caller can do about it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Where the audio came from, for messages: a file, or bytes in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file on disk.
    File(PathBuf),
    /// Bytes handed over in memory (standard input, a network request).
    Memory,
}

impl Source {
    pub(crate) fn file(path: &Path) -> Self {
        Source::File(path.to_path_buf())
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::File(path) => write!(f, "{}", path.display()),
            Source::Memory => f.write_str("audio in memory"),
        }
    }
}

/// Any error of this crate.
///
/// Each variant is one thing a caller can do: look at the disk, convert the
/// file, replace it, find a longer recording, or correct the settings.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AudioError {
    /// The file could not be read or written: check the path, the permissions, the disk.
    #[error("{path}: {source}")]
    Io {
        /// The file concerned.
        path: Source,
        /// What the operating system said.
        source: io::Error,
    },

    /// The content is not a kind of audio that this build reads: convert it.
    #[error("{path}: {what}; convert it to WAV or FLAC")]
    Unsupported {
        /// The file concerned.
        path: Source,
        /// What was found instead.
        what: String,
    },

    /// The content is audio of a known kind, but broken: replace the file.
    #[error("{path}: {what}; the file is damaged, get it again from its source")]
    Corrupt {
        /// The file concerned.
        path: Source,
        /// What is wrong with it.
        what: String,
    },

    /// The file goes beyond a limit of [`DecodeLimits`](crate::DecodeLimits): cut
    /// it, raise the limit, or take it block by block with [`Decoder`](crate::Decoder).
    #[error("{path}: {what}; cut the file into parts, or raise the limit")]
    TooLong {
        /// The file concerned.
        path: Source,
        /// Which limit, and what the file has.
        what: String,
    },

    /// There is less audio than one analysis frame: find a longer recording.
    #[error(
        "the recording has {seconds:.4} s of sound, and one frame needs {needed:.4} s; \
         use a longer recording"
    )]
    TooShort {
        /// Seconds of sound there are (after trimming, if trimming is on).
        seconds: f64,
        /// Seconds that the first frame needs.
        needed: f64,
    },

    /// A setting looks at the whole recording, and a stream has none: change it.
    #[error("{setting} the whole recording, which a stream does not have; {instead}")]
    WholeRecording {
        /// Which setting, and what it does to the whole recording.
        setting: String,
        /// What to set instead.
        instead: String,
    },

    /// A setting is out of range or does not fit the others: correct it.
    #[error("{what}")]
    Settings {
        /// Which setting, its value, and what it may be.
        what: String,
    },
}

impl AudioError {
    pub(crate) fn settings(what: impl Into<String>) -> Self {
        AudioError::Settings { what: what.into() }
    }
}
