//! What can go wrong, sorted by what the caller can do about it.

use std::path::PathBuf;

/// An error of this crate.
///
/// | variant | what to do next |
/// |---|---|
/// | [`Io`](Self::Io) | check the path, the permissions, the disk |
/// | [`Device`](Self::Device) | choose another device |
/// | [`Settings`](Self::Settings) | correct the settings |
/// | [`Parameters`](Self::Parameters) | take the arrays from a network of the same shape |
/// | [`Weights`](Self::Weights) | save the weights as the message says, or set the reader's options |
/// | [`Export`](Self::Export) | choose another format, or train a network that the format has |
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecurrentError {
    /// The file could not be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The device does not give the weights back.
    #[error("the weights cannot be read from their device: {what}")]
    Device {
        /// The device's error.
        what: String,
    },
    /// The settings contradict each other or the network.
    #[error("settings: {what}")]
    Settings {
        /// What is wrong, and what would be right.
        what: String,
    },
    /// The named arrays are not those of the network.
    #[error("{what}")]
    Parameters {
        /// Which array is missing, left over or of the wrong shape.
        what: String,
    },
    /// The file holds no weights that this crate can use.
    #[error("{name}: {what}")]
    Weights {
        /// The file.
        name: String,
        /// What is missing, left over or of the wrong shape, and what would help.
        what: String,
    },
    /// The format has no network that computes the same.
    #[error("cannot be exported: {what}")]
    Export {
        /// What the format does not have.
        what: String,
    },
}
