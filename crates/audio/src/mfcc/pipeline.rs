//! The frame loop, in single or double precision.
//!
//! The least time for a frame of 400 samples, 512 points, 23 bands and 13
//! coefficients: the real FFT takes about 2.5 N log2 N = 11.5 kFLOP, window, mean
//! and pre-emphasis 2.5 k, power 0.8 k, bands 1 k, cosines 0.3 k, logarithms 0.5 k.
//! Together that is 17 kFLOP, or 0.4 microseconds at 42 GFLOP/s (one addition and
//! one multiplication of eight lanes per cycle at 2.6 GHz; processors with 16 lanes
//! or several such units could be faster, but the FFT's code is for eight). With
//! 128 bands and 40 coefficients, bands take 2 k, cosines 5 k and logarithms
//! 2.6 k: 22 kFLOP, 0.5 microseconds. Memory is not the limit: 640 bytes in, 52
//! (160) out, and all tables and buffers (under 20 kB; 30 kB with 128 bands) stay
//! in the first-level cache.
//!
//! Measured on one core of a 2.6 GHz EPYC (`scripts/bench_audio.py`, or
//! `cargo run -p audio --example bench`): 0.8 microseconds, twice that least time.
//! More than half of it is the FFT, whose last step (from half as many complex
//! points to real ones, a quarter of the work) does not fill the lanes. With 128
//! bands and 40 coefficients it is 1.1 microseconds, also twice the least time.
//!
//! Everything except the FFT rounds the same way with vectors of any width
//! ([`vectorised`]). The FFT is planned for the processor, so results on two
//! kinds of processor may differ in the last bits. On one processor they never
//! differ, whatever the thread and the number of frames.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

use super::config::{Floor, Log, MelShape, MfccConfig, PreEmphasis, Spectrum, Zeroth};
use super::cosine::CosineTransform;
use super::framing::FrameGrid;
use super::tables;
use crate::error::AudioError;
use crate::simd::{LANES, Real, dot, largest, sum, sum_of, vectorised};

/// Settings with their tables, for one sample rate.
pub(crate) struct Pipeline<T: Real> {
    pub(crate) frames: FrameGrid,
    /// The window, times the input scale.
    window: Vec<T>,
    input_scale: T,
    remove_dc: bool,
    pub(super) pre_emphasis: PreEmphasis,
    fft: Arc<dyn RealToComplex<T>>,
    spectrum: Spectrum,
    bands: Vec<Band>,
    /// Weights of all bands, one band after the other, each padded with zeros to
    /// a multiple of [`LANES`].
    weights: Vec<T>,
    /// Bins from this one on belong to no band.
    bins: usize,
    log: Log,
    floor: Floor,
    top_db: Option<T>,
    n_mfcc: usize,
    cosines: CosineTransform<T>,
    zeroth: Zeroth,
    /// The column that an energy replaces.
    energy_column: usize,
}

/// A band's first bin and its range of `weights`.
struct Band {
    start: usize,
    from: usize,
    to: usize,
}

/// The mel spectrum of a clip, `[frames, n_mels]`, and the energy of each frame
/// if it is needed.
struct Mel<T> {
    powers: Vec<T>,
    energies: Vec<T>,
}

impl<T: Real> Pipeline<T> {
    pub(crate) fn new(config: &MfccConfig, sample_rate: u32) -> Result<Self, AudioError> {
        config.validate()?;
        let frames = FrameGrid::new(config, sample_rate)?;
        let (window_length, n_fft) = (frames.window_length, frames.n_fft);
        let rate = f64::from(sample_rate);
        let mut f_max = config.f_max.unwrap_or(rate / 2.0);
        if config.mel_shape == MelShape::OpenSmile {
            // As openSMILE does.
            f_max = f_max.min(rate / 2.0);
        }
        if f_max > rate / 2.0 {
            return Err(AudioError::settings(format!(
                "f_max is {f_max} Hz, it must not be above half the sample rate, {} Hz",
                rate / 2.0
            )));
        }
        if config.f_min >= f_max {
            return Err(AudioError::settings(format!(
                "f_min is {} Hz, it must be below f_max, {f_max} Hz",
                config.f_min
            )));
        }

        // Constant factors are multiplied into the tables.
        let window = tables::window(config.window, config.window_periodic, window_length)
            .into_iter()
            .map(|w| T::new(w * config.input_scale))
            .collect();
        let per_bin = match config.spectrum {
            Spectrum::PowerPerPoint => 1.0 / n_fft as f64,
            Spectrum::Power | Spectrum::Magnitude => 1.0,
        };
        let mut bands = Vec::with_capacity(config.n_mels);
        let mut weights = Vec::new();
        let mut bins = 0;
        for band in tables::mel_bands(config, rate, window_length, n_fft, f_max) {
            let from = weights.len();
            weights.extend(band.weights.iter().map(|w| T::new(w * per_bin)));
            weights.resize(from + band.weights.len().next_multiple_of(LANES), T::ZERO);
            bins = bins.max(band.start + band.weights.len());
            bands.push(Band {
                start: band.start,
                from,
                to: weights.len(),
            });
        }
        if config.zeroth == Zeroth::SpectralEnergy {
            bins = n_fft / 2 + 1;
        }

        Ok(Pipeline {
            frames,
            window,
            input_scale: T::new(config.input_scale),
            remove_dc: config.remove_dc,
            pre_emphasis: config.pre_emphasis,
            fft: RealFftPlanner::new().plan_fft_forward(n_fft),
            spectrum: config.spectrum,
            bands,
            weights,
            bins,
            log: config.log,
            floor: config.floor,
            top_db: config.top_db.map(T::new),
            n_mfcc: config.n_mfcc,
            cosines: CosineTransform::new(config),
            zeroth: config.zeroth,
            energy_column: if config.zeroth_last {
                config.n_mfcc - 1
            } else {
                0
            },
        })
    }

    /// `[frames / average, n_mfcc]`.
    pub(crate) fn mfcc(&self, samples: &[T], average: usize) -> Vec<T> {
        let Mel {
            mut powers,
            energies,
        } = self.mel(samples, average);
        self.take_log(&mut powers);
        let n_mels = self.bands.len();
        let mut out = vec![T::ZERO; powers.len() / n_mels * self.n_mfcc];
        for (mel, row) in powers
            .chunks_exact_mut(n_mels)
            .zip(out.chunks_exact_mut(self.n_mfcc))
        {
            self.cosine_transform(mel, row);
        }
        for (energy, row) in energies.iter().zip(out.chunks_exact_mut(self.n_mfcc)) {
            row[self.energy_column] = self.above_floor(*energy).ln();
        }
        out
    }

    /// `[frames / average, n_mels]`.
    pub(crate) fn log_mel(&self, samples: &[T], average: usize) -> Vec<T> {
        let mut powers = self.mel(samples, average).powers;
        self.take_log(&mut powers);
        powers
    }

    fn mel(&self, samples: &[T], average: usize) -> Mel<T> {
        let emphasised;
        let samples = match self.pre_emphasis {
            PreEmphasis::Signal(k) if !samples.is_empty() => {
                let k = T::new(k);
                let mut all = Vec::with_capacity(samples.len());
                all.push(samples[0]);
                all.extend(samples.windows(2).map(|w| w[1] - k * w[0]));
                emphasised = all;
                &emphasised[..]
            }
            _ => samples,
        };
        let frames = self.frames.count(samples.len());
        let rows = frames.div_ceil(average);
        let n_mels = self.bands.len();
        let wants_energy = self.wants_energy();
        let mut powers = vec![T::ZERO; rows * n_mels];
        let mut energies = vec![T::ZERO; if wants_energy { rows } else { 0 }];
        let mut scratch = Scratch::new(self);
        for t in 0..frames {
            let row = t / average;
            let mel = &mut powers[row * n_mels..(row + 1) * n_mels];
            let energy = self.add_frame(samples, 0, t, &mut scratch, mel);
            if wants_energy {
                energies[row] += energy;
            }
        }
        if average > 1 {
            for row in 0..rows {
                let count = average.min(frames - row * average);
                let share = T::new(1.0 / count as f64);
                for value in &mut powers[row * n_mels..(row + 1) * n_mels] {
                    *value *= share;
                }
                if let Some(energy) = energies.get_mut(row) {
                    *energy *= share;
                }
            }
        }
        Mel { powers, energies }
    }

    /// Adds the mel spectrum of frame `t` to `mel` and returns the frame's energy
    /// (0 if it is not needed). `kept` is the signal from sample `first` on.
    pub(crate) fn add_frame(
        &self,
        kept: &[T],
        first: usize,
        t: usize,
        scratch: &mut Scratch<T>,
        mel: &mut [T],
    ) -> T {
        let energy = self.spectrum(kept, first, t, scratch);
        let power = &scratch.power[..];
        vectorised(
            #[inline(always)]
            || {
                for (band, out) in self.bands.iter().zip(mel) {
                    let weights = &self.weights[band.from..band.to];
                    *out += dot(weights, &power[band.start..band.start + weights.len()]);
                }
            },
        );
        energy
    }

    /// Writes the coefficients of one row, from its mel spectrum and energy, to
    /// `out`; overwrites `mel`.
    pub(super) fn finish_row(&self, mel: &mut [T], energy: T, out: &mut [T]) {
        self.take_log(mel);
        self.cosine_transform(mel, out);
        if self.wants_energy() {
            out[self.energy_column] = self.above_floor(energy).ln();
        }
    }

    fn wants_energy(&self) -> bool {
        matches!(
            self.zeroth,
            Zeroth::RawEnergy | Zeroth::WindowedEnergy | Zeroth::SpectralEnergy
        )
    }

    /// Writes the spectrum of frame `t` to `scratch.power` and returns the frame's
    /// energy (0 if it is not needed).
    fn spectrum(&self, kept: &[T], first: usize, t: usize, scratch: &mut Scratch<T>) -> T {
        let frame = self.frames.gather_from(kept, first, t, &mut scratch.frame);
        let (input, power) = (&mut scratch.input, &mut scratch.power[..self.bins]);
        let before = vectorised(
            #[inline(always)]
            || self.window(frame, input),
        );
        self.fft
            .process_with_scratch(input, &mut scratch.bins, &mut scratch.fft)
            .expect("the buffers were made for this transform");
        let after = vectorised(
            #[inline(always)]
            || self.powers(&scratch.bins, power),
        );
        if self.zeroth == Zeroth::SpectralEnergy {
            after
        } else {
            before
        }
    }

    /// Mean removal, pre-emphasis, window, and zeros up to the length of the
    /// transform. Returns the energy of the samples if it is needed.
    #[inline(always)]
    fn window(&self, frame: &[T], input: &mut [T]) -> T {
        let length = self.window.len();
        let (input, padding) = input.split_at_mut(length);
        let frame = &frame[..length];
        let mean = if self.remove_dc {
            sum(frame) * T::new(1.0 / length as f64)
        } else {
            T::ZERO
        };
        let k = match self.pre_emphasis {
            PreEmphasis::PerFrame(k) => T::new(k),
            PreEmphasis::Off | PreEmphasis::Signal(_) => T::ZERO,
        };
        let rest_of_mean = mean - k * mean;
        input[0] = (frame[0] - k * frame[0] - rest_of_mean) * self.window[0];
        for (((y, x), w), previous) in input[1..]
            .iter_mut()
            .zip(&frame[1..])
            .zip(&self.window[1..])
            .zip(frame)
        {
            *y = (*x - k * *previous - rest_of_mean) * *w;
        }
        // The transform overwrites its input, so the zeros are written each time.
        padding.fill(T::ZERO);
        match self.zeroth {
            Zeroth::RawEnergy => sum_of(frame, |x| {
                let x = (x - mean) * self.input_scale;
                x * x
            }),
            Zeroth::WindowedEnergy => sum_of(input, |x| x * x),
            _ => T::ZERO,
        }
    }

    /// Writes the spectrum that is summed over bands. Returns its sum if needed.
    #[inline(always)]
    fn powers(&self, bins: &[Complex<T>], power: &mut [T]) -> T {
        for (p, bin) in power.iter_mut().zip(bins) {
            *p = bin.re * bin.re + bin.im * bin.im;
        }
        if self.spectrum == Spectrum::Magnitude {
            for p in power.iter_mut() {
                *p = p.sqrt();
            }
        }
        if self.zeroth != Zeroth::SpectralEnergy {
            return T::ZERO;
        }
        let energy = sum(power);
        if self.spectrum == Spectrum::PowerPerPoint {
            energy * T::new(1.0 / self.frames.n_fft as f64)
        } else {
            energy
        }
    }

    #[inline(always)]
    fn above_floor(&self, x: T) -> T {
        match self.floor {
            Floor::AtLeast(floor) => {
                let floor = T::new(floor);
                if x > floor { x } else { floor }
            }
            Floor::Add(offset) => x + T::new(offset),
            Floor::ReplaceZero(floor) => {
                if x == T::ZERO {
                    T::new(floor)
                } else {
                    x
                }
            }
        }
    }

    pub(super) fn take_log(&self, powers: &mut [T]) {
        let unit = match self.log {
            Log::Natural => T::new(1.0),
            Log::Decibel => T::new(10.0 / std::f64::consts::LN_10),
        };
        vectorised(
            #[inline(always)]
            || {
                for value in powers.iter_mut() {
                    *value = self.above_floor(*value);
                }
                for value in powers.iter_mut() {
                    *value = value.ln_in_loop() * unit;
                }
            },
        );
        if let Some(top_db) = self.top_db {
            vectorised(
                #[inline(always)]
                || {
                    let lowest = largest(powers) - top_db;
                    for value in powers.iter_mut() {
                        *value = if *value < lowest { lowest } else { *value };
                    }
                },
            );
        }
    }

    /// Writes the coefficients of a log-mel spectrum to `out`; overwrites `mel`.
    fn cosine_transform(&self, mel: &mut [T], out: &mut [T]) {
        vectorised(
            #[inline(always)]
            || self.cosines.apply(mel, out),
        );
    }
}

/// Buffers of one computation.
#[derive(Clone, Debug)]
pub(crate) struct Scratch<T: Real> {
    frame: Vec<T>,
    input: Vec<T>,
    bins: Vec<Complex<T>>,
    fft: Vec<Complex<T>>,
    /// The spectrum, followed by zeros for the zeros that pad the weights.
    power: Vec<T>,
}

impl<T: Real> Scratch<T> {
    pub(crate) fn new(pipeline: &Pipeline<T>) -> Self {
        Scratch {
            frame: vec![T::ZERO; pipeline.window.len()],
            input: pipeline.fft.make_input_vec(),
            bins: pipeline.fft.make_output_vec(),
            fft: pipeline.fft.make_scratch_vec(),
            power: vec![T::ZERO; pipeline.frames.n_fft / 2 + 1 + LANES],
        }
    }
}
