//! What can go wrong, sorted by what the caller can do about it.

use std::path::{Path, PathBuf};

/// An error of this crate.
///
/// | variant | what to do next |
/// |---|---|
/// | [`Io`](Self::Io) | check the path, the permissions, the disk |
/// | [`Settings`](Self::Settings) | correct the setting that is named |
/// | [`Folder`](Self::Folder) | name another folder |
/// | [`NoClips`](Self::NoClips) | look at why no clip could be read |
/// | [`Diverged`](Self::Diverged) | use a lower learning rate |
/// | [`Checkpoint`](Self::Checkpoint) | start again: the checkpoint is damaged or of other settings |
/// | [`Corpus`](Self::Corpus), [`Model`](Self::Model), [`Metrics`](Self::Metrics) | see the error inside |
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainingError {
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A setting is unknown, of the wrong type or out of its range.
    #[error("{what}")]
    Settings {
        /// Which setting, and what would be right.
        what: String,
    },
    /// A results folder cannot be used as asked.
    #[error("{}: {what}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What is wrong, and what to do.
        what: String,
    },
    /// There is nothing to train on.
    #[error("no training clip could be read:\n{}", failed.join("\n"))]
    NoClips {
        /// What is wrong with each clip.
        failed: Vec<String>,
    },
    /// The loss became infinite or not a number.
    #[error(
        "the loss is not a number any more in epoch {epoch}; use a learning rate below {learning_rate}"
    )]
    Diverged {
        /// The epoch, from 1.
        epoch: usize,
        /// The highest learning rate of the schedule.
        learning_rate: f64,
    },
    /// A checkpoint cannot be resumed.
    #[error("{}: {what}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        what: String,
    },
    /// The recordings, their labels or their speakers.
    #[error(transparent)]
    Corpus(#[from] corpus::CorpusError),
    /// The network, its features or its device.
    #[error(transparent)]
    Model(#[from] model::ModelError),
    /// Predictions and figures.
    #[error(transparent)]
    Metrics(#[from] metrics::MetricsError),
}

impl From<audio::AudioError> for TrainingError {
    fn from(error: audio::AudioError) -> Self {
        TrainingError::Model(error.into())
    }
}

impl TrainingError {
    /// For `map_err`: an error of the system about this file.
    pub(crate) fn io(path: &Path) -> impl Fn(std::io::Error) -> Self {
        move |source| TrainingError::Io {
            path: path.into(),
            source,
        }
    }

    pub(crate) fn folder(path: &Path, what: impl Into<String>) -> Self {
        TrainingError::Folder {
            path: path.into(),
            what: what.into(),
        }
    }

    pub(crate) fn settings(what: impl Into<String>) -> Self {
        TrainingError::Settings { what: what.into() }
    }
}
