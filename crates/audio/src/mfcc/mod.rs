//! Mel-frequency cepstral coefficients, as each of the common tools computes them.
//!
//! [`MfccConfig`] holds every switch by which the tools differ, [`Mfcc`]
//! computes. A frame goes through
//!
//! 1. framing: `window_length` samples every `hop_length`;
//! 2. mean removal, pre-emphasis, window;
//! 3. real FFT, squared magnitude: `n_fft / 2 + 1` bins;
//! 4. `n_mels` triangular bands, equally spaced on the mel scale;
//! 5. logarithm with a floor: the log-mel spectrum;
//! 6. type-II cosine transform and lifter: `n_mfcc` coefficients.

pub(crate) mod buffer;
mod config;
mod cosine;
pub(crate) mod framing;
mod logarithm;
mod pipeline;
mod presets;
pub(crate) mod real;
mod stream;
pub(crate) mod tables;

use std::sync::Arc;

pub use config::{
    DctNorm, FftLength, Floor, Framing, Lifter, Log, MelNorm, MelScale, MelShape, MfccConfig,
    PreEmphasis, Rounding, Span, Spectrum, Window, Zeroth,
};
use pipeline::Pipeline;
pub use stream::MfccStream;

use crate::error::AudioError;
use crate::frames::Frames;

/// Computes MFCCs at one sample rate: the settings with their tables, ready to
/// use from many threads. A clone shares the tables.
///
/// ```
/// use audio::{Mfcc, MfccConfig};
/// let mfcc = Mfcc::new(&MfccConfig::kaldi(), 16000)?;
/// let second = vec![0.1; 16000];
/// let frames = mfcc.compute(&second);
/// assert_eq!((frames.len(), frames.columns()), (98, 13));
/// # Ok::<(), audio::AudioError>(())
/// ```
#[derive(Clone)]
pub struct Mfcc {
    config: MfccConfig,
    sample_rate: u32,
    pipeline: Arc<Pipeline<f32>>,
}

impl std::fmt::Debug for Mfcc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mfcc")
            .field("config", &self.config)
            .field("sample_rate", &self.sample_rate)
            .finish_non_exhaustive()
    }
}

impl Mfcc {
    /// Prepares the tables for `sample_rate` Hz.
    ///
    /// # Errors
    ///
    /// [`AudioError::Settings`] where the settings contradict each other or
    /// the sample rate (`f_max` above half of it, say).
    pub fn new(config: &MfccConfig, sample_rate: u32) -> Result<Self, AudioError> {
        Ok(Mfcc {
            config: config.clone(),
            sample_rate,
            pipeline: Arc::new(Pipeline::new(config, sample_rate)?),
        })
    }

    /// MFCCs of `samples` (full scale +-1): `[frames, n_mfcc]`. Too few
    /// samples for a frame give no frames.
    pub fn compute(&self, samples: &[f32]) -> Frames {
        self.compute_averaged(samples, 1)
    }

    /// MFCCs over the mean mel spectrum of each `average` frames in a row:
    /// `[frames / average rounded up, n_mfcc]`. The last mean is over the
    /// frames that are left.
    ///
    /// The mean is of powers, before the logarithm, which makes a smoother
    /// spectrum than a longer window does.
    pub fn compute_averaged(&self, samples: &[f32], average: usize) -> Frames {
        Frames::new(
            self.pipeline.mfcc(samples, average.max(1)),
            self.config.n_mfcc,
        )
    }

    /// The log-mel spectrum of `samples`: `[frames, n_mels]`.
    pub fn log_mel(&self, samples: &[f32]) -> Frames {
        self.log_mel_averaged(samples, 1)
    }

    /// The logarithm of the mean mel spectrum of each `average` frames in a
    /// row, as [`compute_averaged`](Self::compute_averaged) has it.
    pub fn log_mel_averaged(&self, samples: &[f32], average: usize) -> Frames {
        Frames::new(
            self.pipeline.log_mel(samples, average.max(1)),
            self.config.n_mels,
        )
    }

    /// [`compute`](Self::compute) in double precision, row-major; for
    /// comparison with other implementations, as it makes its tables anew.
    pub fn compute_f64(&self, samples: &[f64]) -> Vec<f64> {
        self.in_double().mfcc(samples, 1)
    }

    /// [`log_mel`](Self::log_mel) in double precision, row-major.
    pub fn log_mel_f64(&self, samples: &[f64]) -> Vec<f64> {
        self.in_double().log_mel(samples, 1)
    }

    fn in_double(&self) -> Pipeline<f64> {
        Pipeline::new(&self.config, self.sample_rate).expect("the same settings were valid before")
    }

    pub(crate) fn grid(&self) -> &framing::FrameGrid {
        &self.pipeline.frames
    }

    /// The settings.
    pub fn config(&self) -> &MfccConfig {
        &self.config
    }

    /// The sample rate that the tables are for, in Hz.
    pub fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    /// Samples from one frame to the next.
    pub fn hop_length(&self) -> usize {
        self.pipeline.frames.hop
    }

    /// Samples under the window.
    pub fn window_length(&self) -> usize {
        self.pipeline.frames.window_length
    }

    /// Points of the Fourier transform.
    pub fn n_fft(&self) -> usize {
        self.pipeline.frames.n_fft
    }

    /// Number of frames that `samples` samples give.
    pub fn frame_count(&self, samples: usize) -> usize {
        self.pipeline.frames.count(samples)
    }

    /// The smallest number of samples that gives a frame.
    pub fn samples_needed(&self) -> usize {
        self.pipeline.frames.samples_needed()
    }
}
