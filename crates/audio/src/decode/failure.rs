//! Failures of demuxers and codecs as errors of this crate.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use symphonia::core::errors::Error;

use crate::error::{AudioError, Source};

/// A step of decoding that failed.
#[derive(Debug)]
pub(super) enum Failure {
    NotBuiltIn(&'static str),
    /// What it is instead of something that can be decoded.
    Unsupported(String),
    Symphonia(Error),
    /// An error that is complete already.
    Whole(AudioError),
}

impl From<AudioError> for Failure {
    fn from(error: AudioError) -> Self {
        Failure::Whole(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Symphonia(error.into())
    }
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
            Failure::NotBuiltIn(feature) => unsupported(
                name,
                format!("this build does not include it (feature `{feature}`)"),
            ),
            Failure::Unsupported(what) => {
                unsupported(name, format!("this is {what}, which is not supported"))
            }
            Failure::Whole(error) => error,
        }
    }
}

/// Runs a step of a demuxer or codec, and turns a panic into an error.
///
/// Some builds check their arithmetic for overflow, and it is not safe for every
/// input; one bad file must not stop a program that decodes many. The state left
/// behind is not used again, because the error ends the decoding. (In builds
/// where panics abort, this changes nothing.)
pub(super) fn guarded<T>(step: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(step)).unwrap_or_else(|_| {
        // Not a `DecodeError`, after which decoding continues.
        Err(Failure::Symphonia(Error::LimitError("the decoder failed")))
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
            what: "it has more bytes than the limit allows".into(),
        },
        Error::IoError(source) => AudioError::Io {
            path: name.clone(),
            source,
        },
        Error::Unsupported(what) if !what.contains("missing") => unsupported(name, what.to_owned()),
        other => corrupt(name, &format!("{other} in {doing}")),
    }
}
