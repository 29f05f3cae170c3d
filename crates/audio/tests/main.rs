//! The tests of the crate from outside, as one program: it links only once.

mod api;
mod augmentation;
mod blocks;
#[cfg(feature = "all-formats")]
mod cases;
mod common;
mod decoding;
mod features;
#[cfg(feature = "all-formats")]
mod formats;
mod headers;
#[cfg(feature = "all-formats")]
mod matrix;
mod references;
mod spectral;
mod speech;
mod streaming;
mod streaming_blocks;
mod vad;
mod voice;
mod voice_properties;
