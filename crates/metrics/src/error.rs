//! What can go wrong, sorted by what the caller can do about it.

use std::path::PathBuf;

/// An error of this crate.
///
/// | variant | what to do |
/// |---|---|
/// | [`Io`](Self::Io) | check the path and the permissions |
/// | [`Format`](Self::Format) | correct the file, or name another one |
/// | [`Mismatch`](Self::Mismatch) | correct the values: they do not fit together |
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MetricsError {
    /// The file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The content of the file is not what it should be.
    #[error("{}: {what}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// The line, and what is wrong there.
        what: String,
    },
    /// Values that do not fit together, such as predictions over different classes.
    #[error("{what}")]
    Mismatch {
        /// Which values, and how they differ.
        what: String,
    },
}
