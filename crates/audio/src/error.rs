//! What can go wrong, sorted by what the caller can do about it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Where audio came from: a file, or bytes in memory. Its `Display` starts the
/// error messages.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// A file on disk.
    File(PathBuf),
    /// Bytes passed in memory (standard input, a network request).
    Memory,
}

impl Source {
    pub(crate) fn file(path: &Path) -> Self {
        Source::File(path.to_path_buf())
    }

    /// As a word of a command.
    fn quoted(&self) -> String {
        match self {
            Source::File(path) => quoted(path),
            Source::Memory => "INPUT".into(),
        }
    }

    /// The name of a WAV beside it, as a word of a command.
    fn converted(&self) -> String {
        match self {
            Source::File(path) if path.extension().is_some_and(|e| e == "wav") => {
                quoted(&path.with_extension("converted.wav"))
            }
            Source::File(path) => quoted(&path.with_extension("wav")),
            Source::Memory => "OUTPUT.wav".into(),
        }
    }
}

/// A path as a word of a shell's command.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+,".contains(c);
    match text.chars().all(plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
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
/// There is a variant for each thing a caller can do: check the disk, convert
/// the file, replace it, cut it, use a longer recording, or correct the settings.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AudioError {
    /// The file could not be read or written: check the path, the permissions
    /// and the free space.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: Source,
        /// What the operating system reported.
        source: io::Error,
    },

    /// The content is not a kind of audio that is read: convert it.
    #[error("{path}: {what}; convert it, for example with: ffmpeg -i {} {}", path.quoted(), path.converted())]
    Unsupported {
        /// The file.
        path: Source,
        /// What was found instead.
        what: String,
    },

    /// This build leaves the kind of file out: turn the feature on.
    #[error(
        "{path}: this is {what} audio, which this build does not include (feature `{feature}`)"
    )]
    NotBuiltIn {
        /// The file.
        path: Source,
        /// The kind of file.
        what: String,
        /// The cargo feature of this crate.
        feature: String,
    },

    /// The content is audio of a known kind, but damaged: get the file again.
    #[error("{path}: {what}; the file is damaged, get it again from its source")]
    Corrupt {
        /// The file.
        path: Source,
        /// What is wrong with it.
        what: String,
    },

    /// The file exceeds a limit of [`DecodeLimits`](crate::DecodeLimits): cut it
    /// into parts, raise the limit, or read it block by block with
    /// [`Decoder`](crate::Decoder).
    #[error("{path}: {what}; cut the file into parts, or raise the limit")]
    TooLong {
        /// The file.
        path: Source,
        /// Which limit, and what the file has.
        what: String,
    },

    /// There is less audio than one analysis frame: use a longer recording.
    #[error(
        "the recording has {seconds:.4} s of sound, and one frame needs {needed:.4} s; \
         use a longer recording"
    )]
    TooShort {
        /// Seconds of sound in the recording (after trimming, if trimming is on).
        seconds: f64,
        /// Seconds needed for the first frame.
        needed: f64,
    },

    /// A setting needs the whole recording, which a stream does not have:
    /// change the setting.
    #[error("{setting} the whole recording, which a stream does not have; {instead}")]
    WholeRecording {
        /// The setting and what it needs the whole recording for.
        setting: String,
        /// What to set instead.
        instead: String,
    },

    /// A setting is out of range or does not fit the others: correct it.
    #[error("{what}")]
    Settings {
        /// Which setting, its value, and the values allowed.
        what: String,
    },
}

impl AudioError {
    pub(crate) fn settings(what: impl Into<String>) -> Self {
        AudioError::Settings { what: what.into() }
    }

    pub(crate) fn zero_rate() -> Self {
        Self::settings("the sample rate is 0 Hz, it must be above 0")
    }
}
