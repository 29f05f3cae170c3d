//! [`SpectralShape`] for whole signals, and the frame loop that the stream shares.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

use super::config::{ChromaNorm, SpectralConfig, SpectralFeature};
use super::{chroma, measures};
use crate::error::AudioError;
use crate::frames::Frames;
use crate::mfcc::framing::FrameGrid;
use crate::mfcc::tables;
use crate::simd::{Real, dot, sum};

/// The most weights in a chroma filter bank, so that settings from a file cannot
/// ask for gigabytes.
const MOST_WEIGHTS: usize = 1 << 22;

/// Measures spectra at one sample rate: the settings with their tables, ready to
/// be used by many threads. Clones share the tables.
///
/// ```
/// use audio::{SpectralConfig, SpectralShape};
/// let shape = SpectralShape::new(&SpectralConfig::librosa(), 16_000)?;
/// let tone: Vec<f32> = (0..16_000).map(|n| (n as f32 * 0.1).sin()).collect();
/// let frames = shape.compute(&tone);
/// assert_eq!((frames.len(), frames.columns()), (32, 19));
/// let level = shape.column_names().iter().position(|name| name == "rms_db").unwrap();
/// assert!((frames.row(16)[level] + 3.0).abs() < 0.1); // a sine of amplitude 1
/// # Ok::<(), audio::AudioError>(())
/// ```
#[derive(Clone)]
pub struct SpectralShape {
    config: SpectralConfig,
    sample_rate: u32,
    pub(super) pipeline: Arc<Pipeline<f32>>,
}

impl std::fmt::Debug for SpectralShape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SpectralShape")
            .field("config", &self.config)
            .field("sample_rate", &self.sample_rate)
            .finish_non_exhaustive()
    }
}

impl SpectralShape {
    /// Prepares the tables for `sample_rate` Hz.
    ///
    /// # Errors
    ///
    /// [`AudioError::Settings`] if the settings do not fit each other or the
    /// sample rate.
    pub fn new(config: &SpectralConfig, sample_rate: u32) -> Result<Self, AudioError> {
        Ok(SpectralShape {
            config: config.clone(),
            sample_rate,
            pipeline: Arc::new(Pipeline::new(config, sample_rate)?),
        })
    }

    /// The measures of `samples` (full scale ±1): `[frames, columns]`, with the
    /// columns named by [`column_names`](Self::column_names). No frames if there
    /// are too few samples for one. Silence gives finite numbers.
    pub fn compute(&self, samples: &[f32]) -> Frames {
        Frames::new(self.pipeline.compute(samples), self.pipeline.columns)
    }

    /// [`compute`](Self::compute) in double precision, row-major; for comparison
    /// with other implementations. Each call prepares its tables again.
    pub fn compute_f64(&self, samples: &[f64]) -> Vec<f64> {
        Pipeline::new(&self.config, self.sample_rate)
            .expect("the same settings were valid before")
            .compute(samples)
    }

    /// Names of the columns.
    pub fn column_names(&self) -> Vec<String> {
        self.config.column_names()
    }

    /// The settings.
    pub fn config(&self) -> &SpectralConfig {
        &self.config
    }

    /// The sample rate that the tables are for, in Hz.
    pub fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    /// Distance between two frames in samples.
    pub fn hop_length(&self) -> usize {
        self.pipeline.grid.hop
    }

    /// Number of frames over `samples` samples.
    pub fn frame_count(&self, samples: usize) -> usize {
        self.pipeline.grid.count(samples)
    }

    /// The least number of samples for one frame.
    pub fn samples_needed(&self) -> usize {
        self.pipeline.grid.samples_needed()
    }
}

/// Settings with their tables, in single or double precision.
pub(super) struct Pipeline<T: Real> {
    pub(super) grid: FrameGrid,
    window: Vec<T>,
    fft: Arc<dyn RealToComplex<T>>,
    /// Frequencies of the bins in Hz.
    frequencies: Vec<T>,
    measures: Vec<Measure<T>>,
    pub(super) columns: usize,
}

/// A feature with its tables.
struct Measure<T> {
    feature: SpectralFeature,
    /// Chroma's weights, `[classes, bins]`; empty for the others.
    bank: Vec<T>,
}

/// Buffers of one computation.
pub(super) struct Scratch<T> {
    frame: Vec<T>,
    input: Vec<T>,
    bins: Vec<Complex<T>>,
    fft: Vec<Complex<T>>,
    powers: Vec<T>,
    magnitudes: Vec<T>,
    /// The magnitudes scaled to unit length, of this frame and the previous one.
    unit: Vec<T>,
    unit_before: Vec<T>,
}

impl<T: Real> Pipeline<T> {
    fn new(config: &SpectralConfig, sample_rate: u32) -> Result<Self, AudioError> {
        config.validate()?;
        let grid = FrameGrid::new(&config.frames(), sample_rate)?;
        let rate = f64::from(sample_rate);
        for feature in &config.features {
            let weights = feature.columns() * (grid.n_fft / 2 + 1);
            if matches!(feature, SpectralFeature::Chroma(_)) && weights > MOST_WEIGHTS {
                return Err(AudioError::settings(format!(
                    "n_chroma is {} and n_fft {}, they must give {MOST_WEIGHTS} weights at most, \
                     not {weights}",
                    feature.columns(),
                    grid.n_fft
                )));
            }
        }
        let bank = |feature: &SpectralFeature| match feature {
            SpectralFeature::Chroma(chroma) => chroma::filter_bank(chroma, rate, grid.n_fft),
            _ => Vec::new(),
        };
        let measures = config
            .features
            .iter()
            .map(|feature| Measure {
                feature: *feature,
                bank: bank(feature).into_iter().map(T::new).collect(),
            })
            .collect();
        Ok(Pipeline {
            window: tables::window(config.window, config.window_periodic, grid.window_length)
                .into_iter()
                .map(T::new)
                .collect(),
            fft: RealFftPlanner::new().plan_fft_forward(grid.n_fft),
            frequencies: (0..grid.n_fft / 2 + 1)
                .map(|k| T::new(k as f64 * rate / grid.n_fft as f64))
                .collect(),
            measures,
            columns: config.features.iter().map(|f| f.columns()).sum(),
            grid,
        })
    }

    /// `[frames, columns]`.
    fn compute(&self, samples: &[T]) -> Vec<T> {
        let frames = self.grid.count(samples.len());
        let mut out = vec![T::ZERO; frames * self.columns];
        let mut scratch = self.scratch();
        for (t, row) in out.chunks_exact_mut(self.columns).enumerate() {
            self.measure(samples, 0, t, &mut scratch, row);
        }
        out
    }

    pub(super) fn scratch(&self) -> Scratch<T> {
        let bins = self.frequencies.len();
        Scratch {
            frame: vec![T::ZERO; self.window.len()],
            input: self.fft.make_input_vec(),
            bins: self.fft.make_output_vec(),
            fft: self.fft.make_scratch_vec(),
            powers: vec![T::ZERO; bins],
            magnitudes: vec![T::ZERO; bins],
            unit: vec![T::ZERO; bins],
            unit_before: vec![T::ZERO; bins],
        }
    }

    /// Measures frame `t`; `scratch` still holds the previous frame. `kept` is the
    /// signal from sample `first` on.
    pub(super) fn measure(
        &self,
        kept: &[T],
        first: usize,
        t: usize,
        scratch: &mut Scratch<T>,
        mut row: &mut [T],
    ) {
        let length = self.window.len();
        let frame = self.grid.gather_from(kept, first, t, &mut scratch.frame);
        let timed_only = |measure: &Measure<T>| {
            use SpectralFeature::{Rms, ZeroCrossingRate};
            matches!(measure.feature, ZeroCrossingRate | Rms)
        };
        if !self.measures.iter().all(timed_only) {
            for ((y, &x), &w) in scratch.input.iter_mut().zip(frame).zip(&self.window) {
                *y = x * w;
            }
            // The transform overwrites its input, so the zeros are written each time.
            scratch.input[length..].fill(T::ZERO);
            self.fft
                .process_with_scratch(&mut scratch.input, &mut scratch.bins, &mut scratch.fft)
                .expect("the buffers were made for this transform");
            for (p, bin) in scratch.powers.iter_mut().zip(&scratch.bins) {
                *p = bin.re * bin.re + bin.im * bin.im;
            }
            for (s, p) in scratch.magnitudes.iter_mut().zip(&scratch.powers) {
                *s = p.sqrt();
            }
        }
        let (powers, magnitudes) = (&scratch.powers[..], &scratch.magnitudes[..]);
        let total = sum(magnitudes);
        let centre = measures::centroid(magnitudes, &self.frequencies, total);
        for Measure { feature, bank } in &self.measures {
            let (cell, rest) = row.split_at_mut(feature.columns());
            match feature {
                SpectralFeature::ZeroCrossingRate => {
                    let inside = self.grid.inside(t, first + kept.len());
                    let inside = &kept[inside.start - first..inside.end - first];
                    let crossings = measures::crossings(inside);
                    cell[0] = T::new(crossings as f64 / length as f64);
                }
                SpectralFeature::Rms => cell[0] = measures::level(frame),
                SpectralFeature::Centroid => cell[0] = centre,
                SpectralFeature::Bandwidth => {
                    cell[0] = measures::bandwidth(magnitudes, &self.frequencies, centre, total);
                }
                SpectralFeature::RollOff(share) => {
                    cell[0] = self.frequencies[measures::roll_off_bin(magnitudes, *share)];
                }
                SpectralFeature::Flatness => cell[0] = measures::flatness(powers),
                SpectralFeature::Flux => {
                    std::mem::swap(&mut scratch.unit, &mut scratch.unit_before);
                    measures::to_unit_length(magnitudes, powers, &mut scratch.unit);
                    cell[0] = match t {
                        0 => T::ZERO,
                        _ => measures::distance(&scratch.unit, &scratch.unit_before),
                    };
                }
                SpectralFeature::Chroma(chroma) => fold(powers, bank, chroma.norm, cell),
            }
            row = rest;
        }
    }
}

/// Power by pitch class.
fn fold<T: Real>(powers: &[T], bank: &[T], norm: ChromaNorm, classes: &mut [T]) {
    for (class, weights) in classes.iter_mut().zip(bank.chunks_exact(powers.len())) {
        *class = dot(weights, powers);
    }
    let divisor = match norm {
        ChromaNorm::None => return,
        ChromaNorm::Max => classes
            .iter()
            .fold(T::ZERO, |m, &c| if c > m { c } else { m }),
        ChromaNorm::Sum => sum(classes),
        ChromaNorm::Length => dot(classes, classes).sqrt(),
    };
    if divisor > T::new(f64::from(f32::MIN_POSITIVE)) {
        for class in classes {
            *class = *class / divisor;
        }
    }
}
