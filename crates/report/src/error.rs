//! What can go wrong, sorted by what the caller can do about it.

use std::error::Error;

/// An error of this crate.
///
/// | variant | what to do |
/// |---|---|
/// | [`Empty`](Self::Empty) | nothing to show: skip the picture, or find more data |
/// | [`Mismatch`](Self::Mismatch) | correct the values: they do not fit together |
/// | [`TooLarge`](Self::TooLarge) | pass fewer frames |
/// | [`Encoding`](Self::Encoding) | report it: a fault here or in a library |
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// There is nothing to draw.
    #[error("nothing to draw: {what}")]
    Empty {
        /// What is missing.
        what: String,
    },
    /// Values that do not fit together.
    #[error("{what}")]
    Mismatch {
        /// Which values, and how they differ.
        what: String,
    },
    /// More values than the format can hold.
    #[error("{what}")]
    TooLarge {
        /// What is too large, and the limit.
        what: String,
    },
    /// A library could not write the format.
    #[error("cannot write {format}: {source}")]
    Encoding {
        /// The format, such as `SVG`.
        format: &'static str,
        /// What the library said.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl ReportError {
    /// Nothing to draw, for this reason.
    pub(crate) fn empty(what: impl Into<String>) -> Self {
        Self::Empty { what: what.into() }
    }

    /// Turns the error of a library into one of this crate.
    pub(crate) fn encoding<E: Into<Box<dyn Error + Send + Sync>>>(
        format: &'static str,
    ) -> impl Fn(E) -> Self {
        move |source| Self::Encoding {
            format,
            source: source.into(),
        }
    }
}
