//! What can go wrong, sorted by what the caller can do about it.

use std::path::PathBuf;

/// An error of this crate.
///
/// | variant | what to do next |
/// |---|---|
/// | [`Io`](Self::Io) | check the path, the permissions, the disk |
/// | [`NotAModel`](Self::NotAModel) | name another file |
/// | [`Version`](Self::Version) | update this program, or train again |
/// | [`Corrupt`](Self::Corrupt) | copy or train the model again |
/// | [`Backend`](Self::Backend) | choose another backend, or install a driver |
/// | [`Settings`](Self::Settings) | correct the settings |
/// | [`Weights`](Self::Weights) | save the weights as the message says, or tell the reader more |
/// | [`Export`](Self::Export) | choose another format, or train a network that it has |
/// | [`Audio`](Self::Audio) | see [`audio::AudioError`] |
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The data are something else than a model of this crate.
    #[error("{name}: not a model of this program ({what}); train one with `runner train`")]
    NotAModel {
        /// The file, or `model` for bytes.
        name: String,
        /// What it looks like instead.
        what: String,
    },
    /// The model was written by a program whose format this one does not read.
    #[error(
        "{name}: model format version {found}, but this program reads version {supported}; update the program or train the model again"
    )]
    Version {
        /// The file, or `model` for bytes.
        name: String,
        /// The version in the file.
        found: String,
        /// The version this crate reads and writes.
        supported: u32,
    },
    /// The data began as a model but are cut off or inconsistent.
    #[error("{name}: damaged model file ({what}); copy it again or train it again")]
    Corrupt {
        /// The file, or `model` for bytes.
        name: String,
        /// What does not fit.
        what: String,
    },
    /// The chosen backend cannot be used here.
    #[error("backend {backend}: {what}")]
    Backend {
        /// The backend that was asked for.
        backend: String,
        /// Why it cannot be used, and what would help.
        what: String,
    },
    /// The settings contradict each other or themselves.
    #[error("settings: {what}")]
    Settings {
        /// What is wrong, and what would be right.
        what: String,
    },
    /// The file has no weights that could be taken over from another program.
    #[error("{name}: {what}")]
    Weights {
        /// The file.
        name: String,
        /// What is missing, too much, or of another shape, and what would help.
        what: String,
    },
    /// The format has nothing that would compute the same.
    #[error("cannot be exported: {what}")]
    Export {
        /// What has no counterpart there.
        what: String,
    },
    /// The recording could not be decoded, or its features not be extracted.
    #[error(transparent)]
    Audio(#[from] audio::AudioError),
}
