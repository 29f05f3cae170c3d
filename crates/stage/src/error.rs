//! What can go wrong.

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StageError {
    /// A setting cannot be used: correct it.
    #[error("{what}")]
    Settings {
        /// Which, and what is allowed.
        what: String,
    },
    /// A palette cannot be read: correct the file.
    #[error("the palette: {what}")]
    Palette {
        /// Where in it and what is wrong.
        what: String,
    },
}
