//! What can go wrong, sorted by what the caller can do about it.

use std::path::PathBuf;

use recurrent::RecurrentError;

/// An error of this crate.
///
/// | variant | what to do next |
/// |---|---|
/// | [`Io`](Self::Io) | check the path, the permissions, the disk |
/// | [`NotAModel`](Self::NotAModel) | choose another file |
/// | [`Version`](Self::Version) | update, or train the model again |
/// | [`Corrupt`](Self::Corrupt) | copy the file again, or train the model again |
/// | [`Backend`](Self::Backend) | choose another backend, or install a driver |
/// | [`Settings`](Self::Settings) | correct the settings |
/// | [`Weights`](Self::Weights) | save the weights as the message says, or read them with other settings |
/// | [`Export`](Self::Export) | choose another format, or train a network that the format supports |
/// | [`Audio`](Self::Audio) | see [`audio::AudioError`] |
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system reported.
        source: std::io::Error,
    },
    /// The data are not a model of this crate.
    #[error("{name}: not a model file ({what}); choose a file that a training has saved")]
    NotAModel {
        /// The file, or `model` for bytes.
        name: String,
        /// What it looks like instead.
        what: String,
    },
    /// The model file has a format version that this crate does not read.
    #[error(
        "{name}: model format version {found}, but only version {supported} can be read; update, or train the model again"
    )]
    Version {
        /// The file, or `model` for bytes.
        name: String,
        /// The version in the file.
        found: String,
        /// The version that this crate reads and writes.
        supported: u32,
    },
    /// The data begin as a model file but are cut off or inconsistent.
    #[error("{name}: damaged model file ({what}); copy it again or train the model again")]
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
    /// The settings are out of range or contradict each other.
    #[error("settings: {what}")]
    Settings {
        /// What is wrong, and what would be right.
        what: String,
    },
    /// The file has no weights that can be imported.
    #[error("{name}: {what}")]
    Weights {
        /// The file.
        name: String,
        /// What is missing, superfluous or of another shape, and what would help.
        what: String,
    },
    /// The target format cannot express this network.
    #[error("cannot be exported: {what}")]
    Export {
        /// What the format lacks.
        what: String,
    },
    /// The recording could not be decoded, or its features could not be extracted.
    #[error(transparent)]
    Audio(#[from] audio::AudioError),
}

impl From<RecurrentError> for ModelError {
    fn from(error: RecurrentError) -> Self {
        match error {
            RecurrentError::Io { path, source } => Self::Io { path, source },
            RecurrentError::Weights { name, what } => Self::Weights { name, what },
            RecurrentError::Export { what } => Self::Export { what },
            RecurrentError::Settings { what } => Self::Settings { what },
            RecurrentError::Device { .. } => Self::Backend {
                backend: "device".into(),
                what: error.to_string(),
            },
            other => Self::Settings {
                what: other.to_string(),
            },
        }
    }
}
