//! What can go wrong.

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LiveError {
    /// A setting is out of its range: correct it.
    #[error("{what}")]
    Settings {
        /// Which setting, its value and the range.
        what: String,
    },
    /// A text is no speaker profile, or one of another version.
    #[error("this is no speaker profile, or one of another version ({what})")]
    Profile {
        /// What is wrong.
        what: String,
    },
    /// Samples or their rate cannot be used; see the error inside.
    #[error(transparent)]
    Audio(#[from] audio::AudioError),
    /// The model or its device; see the error inside.
    #[error(transparent)]
    Model(#[from] model::ModelError),
}
