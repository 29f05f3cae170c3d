//! The shape of the spectrum, frame by frame: level, zero crossings, centroid,
//! bandwidth, roll-off, flatness, flux, chroma.
//!
//! All measures are taken in one pass over the frames, with one Fourier transform
//! per frame. Where librosa has the measure, the numbers are those of librosa 0.11;
//! the fixtures are made by `scripts/spectral_fixtures.py`.

mod chroma;
mod config;
mod measures;
mod shape;
mod stream;

pub use config::{Chroma, ChromaNorm, SpectralConfig, SpectralFeature};
pub use shape::SpectralShape;
pub use stream::SpectralStream;
