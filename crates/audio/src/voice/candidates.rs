//! Pitch candidates of a single frame: the peaks of its autocorrelation.
//!
//! Boersma, P. (1993), "Accurate short-term analysis of the fundamental
//! frequency and the harmonics-to-noise ratio of a sampled sound", Proceedings
//! of the Institute of Phonetic Sciences 17, 97-110. Steps, by the paper's
//! numbers:
//!
//! - 3.2, 3.3: cut out a frame of some periods of the lowest pitch, subtract
//!   the mean around its middle, multiply by the window;
//! - 3.5 to 3.10: autocorrelation by FFT, divided by that of the window;
//! - 3.11: its peaks are candidates: frequency 1 / lag, strength the height,
//!   both interpolated between samples by sinc functions.
//!
//! The candidates depend only on the frame's own samples; only the choice between
//! them depends on other frames.
//!
//! Most of the time of a frame, about four fifths, goes into two real transforms: at
//! 48 kHz with a lowest pitch of 75 Hz they have 2816 points and take about 80 kFLOP
//! each, over 45 kB that stay in the first two caches. The rest is the window, the
//! search for peaks, and three scalar products of 140 values for each peak that the
//! path can use.

use std::f64::consts::PI;
use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use serde::{Deserialize, Serialize};

use super::sinc;

/// Samples on either side for a first estimate of a peak's height...
const ROUGH_DEPTH: usize = 30;
/// ... and for refining the remaining peaks.
const FINE_DEPTH: usize = 70;
/// Likewise for the Gaussian window, whose precision is meant for harmonics-to-noise
/// ratios far above those of speech.
const FINEST_DEPTH: usize = 700;

/// The window applied to a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PitchWindow {
    /// A raised cosine, three periods of the lowest pitch long.
    Hann,
    /// Praat's "very accurate": a Gaussian six periods long, with an effective length
    /// of three periods.
    Gaussian,
}

/// A possible pitch of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PitchCandidate {
    /// Frequency in Hz.
    pub frequency: f64,
    /// The autocorrelation at this period, from 0 (noise) to 1 (perfectly
    /// periodic): the share of the power that is periodic.
    pub strength: f64,
}

/// Finds the candidates of frames: the tables for given settings and a sample rate.
#[derive(Clone)]
pub(crate) struct Analyser {
    sample_rate: f64,
    settings: Settings,
    window: Vec<f64>,
    /// 1 over the window's normalised autocorrelation, by lag.
    correction: Vec<f64>,
    /// Samples in a period of the lowest pitch.
    period: usize,
    /// Samples of a frame before and after its middle: half the window, or a period if
    /// that is more.
    reach: usize,
    /// Peaks are searched below this lag.
    max_lag: usize,
    /// The autocorrelation is computed up to this lag.
    last_lag: usize,
    fine_depth: usize,
    rough: Arc<sinc::Table>,
    /// None for depths at which the table would be too large.
    fine: Option<Arc<sinc::Table>>,
    forward: Arc<dyn RealToComplex<f64>>,
    inverse: Arc<dyn ComplexToReal<f64>>,
}

/// The settings of the analysis of frames.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Settings {
    pub(crate) window: PitchWindow,
    /// Effective length of the window in periods of `floor`; a Gaussian is physically
    /// twice as long.
    pub(crate) periods: f64,
    pub(crate) floor: f64,
    pub(crate) ceiling: f64,
    /// Number of candidates, including the unvoiced one.
    pub(crate) max_candidates: usize,
    pub(crate) voicing_threshold: f64,
    pub(crate) octave_cost: f64,
    /// Whether only candidates that may be the strongest are needed.
    pub(crate) strongest_only: bool,
}

impl Settings {
    /// Length of the window in seconds.
    pub(crate) fn window_seconds(&self) -> f64 {
        self.physical_periods() / self.floor
    }

    fn physical_periods(&self) -> f64 {
        match self.window {
            PitchWindow::Hann => self.periods,
            PitchWindow::Gaussian => 2.0 * self.periods,
        }
    }
}

/// Buffers for the analysis of frames, one after the other.
pub(crate) struct Scratch {
    frame: Vec<f64>,
    spectrum: Vec<Complex<f64>>,
    fft: Vec<Complex<f64>>,
    /// The autocorrelation from lag `-margin` to `last_lag`.
    r: Vec<f64>,
    peaks: Vec<Peak>,
}

#[derive(Clone, Copy)]
struct Peak {
    /// The sample that is higher than its neighbours.
    lag: usize,
    /// Its position between samples, at first from a parabola.
    position: f64,
    strength: f64,
    /// Strength minus the octave cost, which decides the candidates kept.
    rank: f64,
}

impl Analyser {
    /// `None` if a window has fewer than four samples.
    pub(crate) fn new(settings: Settings, sample_rate: u32) -> Option<Self> {
        let rate = f64::from(sample_rate);
        let period = (rate / settings.floor).floor() as usize;
        let half = ((settings.window_seconds() * rate).floor() as usize / 2).saturating_sub(1);
        if half < 2 || period == 0 {
            return None;
        }
        let length = 2 * half;
        let window = window(settings.window, length);
        // Up to here the division by the window's autocorrelation is safe: half of a
        // Hann window, a quarter of a Gaussian.
        let (share, fine_depth) = match settings.window {
            PitchWindow::Hann => (0.5, FINE_DEPTH),
            PitchWindow::Gaussian => (0.25, FINEST_DEPTH),
        };
        let safe_lag = (length as f64 * share).floor() as usize;
        let max_lag = ((length as f64 / settings.physical_periods()).floor() as usize + 2)
            .min(length)
            .min(safe_lag);
        // As far as interpolation reaches.
        let last_lag = (max_lag + fine_depth).min(safe_lag);

        let size = fft_size(length + last_lag + 1);
        let mut planner = RealFftPlanner::new();
        let (forward, inverse) = (
            planner.plan_fft_forward(size),
            planner.plan_fft_inverse(size),
        );
        let mut analyser = Analyser {
            sample_rate: rate,
            settings,
            window: Vec::new(),
            correction: vec![1.0; last_lag + 1],
            period,
            reach: period.max(half),
            max_lag,
            last_lag,
            fine_depth,
            rough: Arc::new(sinc::Table::new(ROUGH_DEPTH)),
            fine: (fine_depth <= FINE_DEPTH).then(|| Arc::new(sinc::Table::new(fine_depth))),
            forward,
            inverse,
        };
        let mut scratch = analyser.scratch();
        scratch.frame[..length].copy_from_slice(&window);
        analyser.autocorrelate(&mut scratch);
        let margin = analyser.margin();
        analyser.correction = scratch.r[margin..].iter().map(|r| 1.0 / r).collect();
        analyser.window = window;
        Some(analyser)
    }

    pub(crate) fn scratch(&self) -> Scratch {
        let scratch_length = self
            .forward
            .get_scratch_len()
            .max(self.inverse.get_scratch_len());
        Scratch {
            frame: self.forward.make_input_vec(),
            spectrum: self.forward.make_output_vec(),
            fft: vec![Complex::default(); scratch_length],
            r: vec![0.0; self.margin() + self.last_lag + 1],
            peaks: Vec::new(),
        }
    }

    /// Samples in a frame.
    pub(crate) fn frame_length(&self) -> usize {
        2 * self.reach
    }

    /// The greatest number of voiced candidates of a frame.
    pub(crate) fn max_candidates(&self) -> usize {
        self.settings.max_candidates - 1
    }

    /// Number of negative lags kept for interpolation.
    fn margin(&self) -> usize {
        self.fine_depth.min(self.last_lag)
    }

    /// Appends the candidates of a frame of [`frame_length`](Self::frame_length)
    /// samples to `candidates`. Returns the greatest absolute value near the middle of
    /// the windowed frame; 0 for a constant frame, which has no candidates. If `worth`
    /// is false for that value, the frame is not analysed further, because its
    /// transforms take most of the time.
    pub(crate) fn analyse(
        &self,
        samples: &[f32],
        scratch: &mut Scratch,
        candidates: &mut Vec<PitchCandidate>,
        worth: impl Fn(f64) -> bool,
    ) -> f64 {
        let half = self.window.len() / 2;
        let about_middle = |n: usize| &samples[self.reach - n..self.reach + n];
        let mean = sum(about_middle(self.period)) / (2 * self.period) as f64;
        let (frame, padding) = scratch.frame.split_at_mut(2 * half);
        let samples = about_middle(half);
        for ((out, &x), &w) in frame.iter_mut().zip(samples).zip(&self.window) {
            *out = (f64::from(x) - mean) * w;
        }
        padding.fill(0.0);
        let reach = (self.period / 2 + 1).min(half);
        let peak = frame[half - reach..half + reach]
            .iter()
            .fold(0.0, |m: f64, x| if x.abs() > m { x.abs() } else { m });
        if peak == 0.0 || !peak.is_finite() {
            return 0.0;
        }
        if !worth(peak) {
            return peak;
        }
        self.autocorrelate(scratch);
        self.find_peaks(scratch);
        self.refine(scratch, candidates);
        peak
    }

    /// From `scratch.frame` to `scratch.r`, normalised and corrected for the window.
    fn autocorrelate(&self, scratch: &mut Scratch) {
        let Scratch {
            frame,
            spectrum,
            fft,
            r,
            ..
        } = scratch;
        // The buffers have the lengths of the transforms, and a power spectrum has no
        // imaginary part, so neither can fail.
        let _ = self.forward.process_with_scratch(frame, spectrum, fft);
        for bin in spectrum.iter_mut() {
            *bin = Complex::new(bin.norm_sqr(), 0.0);
        }
        let _ = self.inverse.process_with_scratch(spectrum, frame, fft);
        let margin = self.margin();
        let scale = 1.0 / frame[0];
        let (negative, positive) = r.split_at_mut(margin);
        for ((r, &sum), &correction) in positive.iter_mut().zip(&*frame).zip(&self.correction) {
            *r = sum * scale * correction;
        }
        positive[0] = 1.0;
        for (r, &mirrored) in negative.iter_mut().rev().zip(&positive[1..]) {
            *r = mirrored;
        }
    }

    /// The local maxima above half the voicing threshold; if there are too many, those
    /// of the highest rank.
    fn find_peaks(&self, scratch: &mut Scratch) {
        let margin = self.margin();
        let Scratch { r, peaks, .. } = scratch;
        peaks.clear();
        let threshold = 0.5 * self.settings.voicing_threshold;
        for (i, around) in r[margin + 1..].windows(3).enumerate() {
            let (left, top, right) = (around[0], around[1], around[2]);
            let lag = i + 2;
            if lag >= self.max_lag {
                break;
            }
            if top > threshold && top > left && top >= right {
                let position = lag as f64 + 0.5 * (right - left) / (2.0 * top - left - right);
                peaks.push(Peak {
                    lag,
                    position,
                    strength: top,
                    rank: 0.0,
                });
            }
        }
        let most = self.max_candidates();
        if self.settings.strongest_only {
            let at = |step| self.rough(r, step);
            for peak in peaks.iter_mut() {
                let start = peak.position + margin as f64;
                peak.strength = folded(sinc::peak(at, peak.lag + margin, start).1);
            }
        }
        if peaks.len() > most {
            for peak in peaks.iter_mut() {
                self.rank(r, peak);
            }
        }
        if peaks.len() > most {
            peaks.select_nth_unstable_by(most, |a, b| b.rank.total_cmp(&a.rank));
            peaks.truncate(most);
            peaks.sort_unstable_by_key(|peak| peak.lag);
        }
    }

    fn rank(&self, r: &[f64], peak: &mut Peak) {
        let x = peak.position + self.margin() as f64;
        let strength = folded(self.rough(r, (x * sinc::PHASES as f64).round() as usize));
        let octaves = (self.settings.floor * peak.position / self.sample_rate).log2();
        peak.rank = strength - self.settings.octave_cost * octaves;
    }

    fn rough(&self, r: &[f64], step: usize) -> f64 {
        self.rough
            .at(r, step)
            .unwrap_or_else(|| sinc::interpolate_at(r, step, ROUGH_DEPTH))
    }

    fn fine(&self, r: &[f64], step: usize) -> f64 {
        self.fine
            .as_ref()
            .and_then(|table| table.at(r, step))
            .unwrap_or_else(|| sinc::interpolate_at(r, step, self.fine_depth))
    }

    /// Position and height of the peaks at full precision. Peaks above the ceiling
    /// took part in the selection, but are not candidates.
    fn refine(&self, scratch: &Scratch, candidates: &mut Vec<PitchCandidate>) {
        let margin = self.margin();
        let Scratch { r, peaks, .. } = scratch;
        let shortest = self.sample_rate / self.settings.ceiling;
        // Rough heights are within a few thousandths of the fine ones.
        let strongest = peaks.iter().fold(0.0, |m: f64, p| m.max(p.strength));
        for peak in peaks {
            if (peak.lag + 1) as f64 <= shortest {
                continue;
            }
            if self.settings.strongest_only && peak.strength < strongest - 0.02 {
                continue;
            }
            let at = |step| self.fine(r, step);
            let (x, strength) = sinc::peak(at, peak.lag + margin, peak.position + margin as f64);
            let frequency = self.sample_rate / (x - margin as f64);
            if frequency < self.settings.ceiling {
                candidates.push(PitchCandidate {
                    frequency,
                    strength: folded(strength),
                });
            }
        }
    }
}

/// Heights above 1 result from the division by the window's autocorrelation; the
/// farther from 1, the less reliable they are.
fn folded(strength: f64) -> f64 {
    if strength > 1.0 {
        1.0 / strength
    } else {
        strength
    }
}

fn sum(samples: &[f32]) -> f64 {
    let (parts, rest) = samples.as_chunks::<8>();
    let mut sums = [0.0f64; 8];
    for part in parts {
        for (sum, &x) in sums.iter_mut().zip(part) {
            *sum += f64::from(x);
        }
    }
    sums.iter().sum::<f64>() + rest.iter().map(|&x| f64::from(x)).sum::<f64>()
}

/// Equation 28, and for the Gaussian the postscript of the paper.
fn window(shape: PitchWindow, length: usize) -> Vec<f64> {
    let full = (length + 1) as f64;
    let edge = (-12.0f64).exp();
    (1..=length)
        .map(|i| {
            let x = i as f64 / full;
            match shape {
                PitchWindow::Hann => 0.5 - 0.5 * (2.0 * PI * x).cos(),
                PitchWindow::Gaussian => {
                    ((-48.0 * (x - 0.5) * (x - 0.5)).exp() - edge) / (1.0 - edge)
                }
            }
        })
        .collect()
}

/// A length of at least `needed` that is fast to transform. Between powers of two,
/// 11/16 and 14/16 of the next power are faster than that power (RustFFT 6 on x86-64,
/// forward and back: 16 and 19 us for 2816 and 3584, 23 us for 4096, but 20 us for
/// 3072), except for short transforms.
fn fft_size(needed: usize) -> usize {
    let power = needed.next_power_of_two().max(4);
    let sixteenths = |n: usize| power / 16 * n;
    [sixteenths(11), sixteenths(14)]
        .into_iter()
        .find(|&size| power >= 2048 && size >= needed)
        .unwrap_or(power)
}
