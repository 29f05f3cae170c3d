//! What goes wrong in demuxers and codecs, as errors of this crate.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use symphonia::core::errors::Error;

use crate::error::{AudioError, Source};

/// A step of decoding that failed.
pub(super) enum Failure {
    NotBuiltIn(&'static str),
    Symphonia(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Symphonia(error)
    }
}

impl Failure {
    pub(super) fn in_the(self, doing: &str, name: &Source) -> AudioError {
        match self {
            Failure::Symphonia(e) => failed(e, doing, name),
            Failure::NotBuiltIn(feature) => unsupported(name, format!("feature `{feature}`")),
        }
    }
}

/// Runs a step of a demuxer or codec, and makes an error of a panic.
///
/// Their arithmetic is checked for overflow in the builds of some users, and
/// not all of it foresees every input; a file must not end a program that
/// decodes others. The state left behind is not used again: the error ends the
/// decoding. (Where panics abort, this changes nothing.)
pub(super) fn guarded<T>(step: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(step)).unwrap_or_else(|_| {
        // Not a `DecodeError`: that one lets decoding go on.
        Err(Failure::Symphonia(Error::LimitError(
            "the decoder gave up on it",
        )))
    })
}

pub(super) fn corrupt(name: &Source, what: &str) -> AudioError {
    AudioError::Corrupt {
        path: name.clone(),
        what: what.to_owned(),
    }
}

pub(super) fn unsupported(name: &Source, what: String) -> AudioError {
    AudioError::Unsupported {
        path: name.clone(),
        what,
    }
}

pub(super) fn failed(error: Error, doing: &str, name: &Source) -> AudioError {
    match error {
        Error::IoError(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
            corrupt(name, &format!("it ends inside {doing}"))
        }
        Error::IoError(e) if e.kind() == io::ErrorKind::FileTooLarge => AudioError::TooLong {
            path: name.clone(),
            what: "it has more bytes than are allowed".into(),
        },
        Error::IoError(source) => AudioError::Io {
            path: name.clone(),
            source,
        },
        Error::Unsupported(what) if !what.contains("missing") => unsupported(name, what.to_owned()),
        other => corrupt(name, &format!("{other} in {doing}")),
    }
}
