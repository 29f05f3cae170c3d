//! What can go wrong with a server as a whole.

use std::path::PathBuf;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address cannot be used: choose another one.
    #[error("cannot listen on {address}: {source}; choose another address with another port")]
    Bind {
        /// The address.
        address: String,
        /// What the operating system reported.
        source: std::io::Error,
    },
    /// A file or folder cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the operating system reported.
        source: std::io::Error,
    },
    /// The settings contradict each other.
    #[error("settings: {what}")]
    Settings {
        /// What is wrong, and what would be right.
        what: String,
    },
    /// The system gives no thread or no timer.
    #[error("the system refuses: {0}")]
    System(std::io::Error),
}
