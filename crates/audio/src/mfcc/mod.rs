//! Mel-frequency cepstral coefficients, as each of the common tools computes them.
//!
//! [`MfccConfig`] has a setting for every difference between the tools, [`Mfcc`]
//! computes. A frame goes through
//!
//! 1. framing: `window_length` samples every `hop_length`;
//! 2. mean removal, pre-emphasis, window;
//! 3. real FFT, squared magnitude: `n_fft / 2 + 1` bins;
//! 4. `n_mels` triangular bands, equally spaced on the mel scale;
//! 5. logarithm with a floor: the log-mel spectrum;
//! 6. type-II cosine transform and lifter: `n_mfcc` coefficients.
//!
//! | file | what |
//! |---|---|
//! | `config.rs`, `presets.rs` | the settings; those of each tool |
//! | `extractor.rs`, `stream.rs` | [`Mfcc`] for whole signals, [`MfccStream`] |
//! | `framing.rs`, `buffer.rs` | where frames lie; the same as samples arrive |
//! | `tables.rs`, `cosine.rs` | windows, mel bands, cosine transform |
//! | `pipeline.rs` | the frame loop |

pub(crate) mod buffer;
mod config;
mod cosine;
mod extractor;
pub(crate) mod framing;
pub(crate) mod pipeline;
mod presets;
mod stream;
pub(crate) mod tables;

pub use config::{
    DctNorm, FftLength, Floor, Framing, Lifter, Log, MelNorm, MelScale, MelShape, MfccConfig,
    PreEmphasis, Rounding, Span, Spectrum, Window, Zeroth,
};
pub use extractor::Mfcc;
pub use stream::MfccStream;
