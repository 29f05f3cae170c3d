//! MFCCs of whole signals.

use std::sync::Arc;

use super::config::MfccConfig;
use super::framing::FrameGrid;
use super::pipeline::Pipeline;
use crate::error::AudioError;
use crate::frames::Frames;

/// Computes MFCCs at one sample rate: the settings with their tables, ready to be
/// used by many threads. Clones share the tables.
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
    pub(super) config: MfccConfig,
    sample_rate: u32,
    pub(crate) pipeline: Arc<Pipeline<f32>>,
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
    /// [`AudioError::Settings`] if the settings do not fit each other or the
    /// sample rate (`f_max` above half of it, for example).
    pub fn new(config: &MfccConfig, sample_rate: u32) -> Result<Self, AudioError> {
        Ok(Mfcc {
            config: config.clone(),
            sample_rate,
            pipeline: Arc::new(Pipeline::new(config, sample_rate)?),
        })
    }

    /// MFCCs of `samples` (full scale ±1): `[frames, n_mfcc]`. No frames if there
    /// are too few samples for one.
    pub fn compute(&self, samples: &[f32]) -> Frames {
        self.compute_averaged(samples, 1)
    }

    /// MFCCs of the mean mel spectrum of every `average` consecutive frames:
    /// `[frames / average rounded up, n_mfcc]`. The last mean is over the
    /// remaining frames.
    ///
    /// The mean is of powers, before the logarithm, which gives a smoother
    /// spectrum than a longer window.
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

    /// The logarithm of the mean mel spectrum of every `average` consecutive
    /// frames, see [`compute_averaged`](Self::compute_averaged).
    pub fn log_mel_averaged(&self, samples: &[f32], average: usize) -> Frames {
        Frames::new(
            self.pipeline.log_mel(samples, average.max(1)),
            self.config.n_mels,
        )
    }

    /// [`compute`](Self::compute) in double precision, row-major; for comparison
    /// with other implementations. Each call prepares its tables again.
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

    pub(crate) fn grid(&self) -> &FrameGrid {
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
