//! What is prepared for one ratio of rates: block lengths, transforms and filter.
//!
//! A resampler is a low-pass filter between two sampling grids. On spectra that
//! is cheap: transform a stretch of samples at the first rate, multiply the bins
//! below the lower Nyquist frequency by the filter's spectrum, drop the bins
//! above it or fill them with zeros, and transform back with the length that the
//! stretch has at the second rate. A product of spectra is a circular
//! convolution, so the ends of the stretch are wrong for as far as the filter
//! reaches; stretches overlap by that much and only the middle is kept ("overlap-save", [Smith, *Spectral Audio Signal
//! Processing*](https://ccrma.stanford.edu/~jos/sasp/Overlap_Save_Method.html)).
//!
//! The filter is a sinc under a Kaiser window, with its middle at time 0. It is
//! even, so its spectrum is real: one product each for the real and imaginary
//! part of a bin, and no delay. It is designed at the lower rate; the part of its
//! spectrum that repeats above the Nyquist frequency is not used.
//!
//! From 48 to 16 kHz a stretch is 6144 samples and gives 1408 of its 2048: two
//! real transforms, 250 kFLOP, or 178 a sample.

use std::sync::{Arc, Mutex, PoisonError};

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

/// Samples of the lower rate that the filter reaches to each side.
pub(super) const REACH: usize = 320;

/// The cut-off (half amplitude) as a share of the lower Nyquist frequency.
const CUT_OFF: f64 = 0.9875;

/// Kaiser's shape parameter for 120 dB, `0.1102 (A - 8.7)`. With this reach and
/// cut-off the filter passes 0 to 97.5 % of the lower Nyquist frequency within
/// 1e-5, and is at -110 dB at that frequency.
const KAISER_BETA: f64 = 0.1102 * (120.0 - 8.7);

/// The least number of samples of the lower rate in a stretch.
const SHORTER_STRETCH: usize = 2048;

/// Plans kept for the next recording of the same rates.
const PLANS_KEPT: usize = 8;

/// Plans for longer stretches are not kept: for rates without a common divisor
/// the tables can take a hundred megabytes.
const KEPT_STRETCH: usize = 1 << 17;

/// Everything about a ratio that does not change with the samples.
pub(super) struct Plan {
    /// The ratio in lowest terms: `up` samples for each `down`.
    pub(super) up: usize,
    pub(super) down: usize,
    /// A stretch is `down * units` samples, and `up * units` at the other rate.
    units: usize,
    /// How many of these units are wrong at each end.
    margin: usize,
    /// The filter's spectrum times the scale factor that the transforms leave
    /// out, for the bins below the lower Nyquist frequency.
    response: Vec<f32>,
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
}

/// Buffers of one resampler.
pub(super) struct Work {
    samples: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    resampled: Vec<f32>,
    resampled_spectrum: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
}

/// Plans made before; the most recently used one is last.
pub(super) struct Plans(Mutex<Vec<Arc<Plan>>>);

/// The plans of this process, for all of its threads.
pub(super) static PLANS: Plans = Plans(Mutex::new(Vec::new()));

impl Plans {
    /// The plan for `up / down`, in lowest terms: a kept one, or a new one.
    pub(super) fn get(&self, up: usize, down: usize) -> Arc<Plan> {
        let is_it = |plan: &Arc<Plan>| (plan.up, plan.down) == (up, down);
        let kept = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        {
            let mut kept = kept();
            if let Some(at) = kept.iter().position(is_it) {
                kept[at..].rotate_left(1);
                return Arc::clone(&kept[kept.len() - 1]);
            }
        }
        // Made outside the lock: odd ratios take a while.
        let plan = Arc::new(Plan::new(up, down));
        let mut kept = kept();
        if plan.larger_stretch() <= KEPT_STRETCH && !kept.iter().any(is_it) {
            if kept.len() == PLANS_KEPT {
                kept.remove(0);
            }
            kept.push(Arc::clone(&plan));
        }
        plan
    }
}

impl Plan {
    fn new(up: usize, down: usize) -> Plan {
        let lower = up.min(down);
        let margin = REACH.div_ceil(lower);
        // At least half of a stretch is kept. Powers of two are the fastest.
        let units = SHORTER_STRETCH
            .div_ceil(lower)
            .max(4 * margin)
            .next_power_of_two();
        let mut planner = RealFftPlanner::new();
        let forward = planner.plan_fft_forward(down * units);
        let inverse = planner.plan_fft_inverse(up * units);
        let scale = 1.0 / (down * units) as f64;
        let response = low_pass(lower * units)
            .into_iter()
            .map(|h| (h * scale) as f32)
            .collect();
        Plan {
            up,
            down,
            units,
            margin,
            response,
            forward,
            inverse,
        }
    }

    /// Samples of a stretch.
    pub(super) fn stretch(&self) -> usize {
        self.down * self.units
    }

    /// Samples of a stretch at the higher of the two rates.
    fn larger_stretch(&self) -> usize {
        self.up.max(self.down) * self.units
    }

    /// Samples at the start of a stretch that come from the previous one; zeros
    /// in the first.
    pub(super) fn before(&self) -> usize {
        self.down * self.margin
    }

    /// Samples from one stretch to the next.
    pub(super) fn step(&self) -> usize {
        self.down * (self.units - 2 * self.margin)
    }

    pub(super) fn work(&self) -> Work {
        let scratch = self.forward.get_scratch_len();
        let scratch = scratch.max(self.inverse.get_scratch_len());
        Work {
            samples: self.forward.make_input_vec(),
            spectrum: self.forward.make_output_vec(),
            resampled: self.inverse.make_output_vec(),
            resampled_spectrum: self.inverse.make_input_vec(),
            scratch: vec![Complex::default(); scratch],
        }
    }

    /// The middle of a stretch, [`step`](Self::step) samples, at the other rate.
    pub(super) fn convert<'a>(&self, stretch: &[f32], work: &'a mut Work) -> &'a [f32] {
        work.samples.copy_from_slice(stretch);
        self.forward
            .process_with_scratch(&mut work.samples, &mut work.spectrum, &mut work.scratch)
            .expect("the buffers were made for this transform");
        let (kept, above) = work.resampled_spectrum.split_at_mut(self.response.len());
        for ((out, bin), h) in kept.iter_mut().zip(&work.spectrum).zip(&self.response) {
            *out = bin * h;
        }
        above.fill(Complex::default());
        // 0 for a real signal; the transform leaves some rounding error there.
        kept[0].im = 0.0;
        self.inverse
            .process_with_scratch(
                &mut work.resampled_spectrum,
                &mut work.resampled,
                &mut work.scratch,
            )
            .expect("the buffers were made for this transform");
        let margin = self.up * self.margin;
        &work.resampled[margin..work.resampled.len() - margin]
    }
}

/// The spectrum of the low-pass filter for a circular convolution over `n`
/// samples of the lower rate (an even number), below the Nyquist frequency:
/// `n / 2` bins, 1 at 0 Hz.
fn low_pass(n: usize) -> Vec<f64> {
    let half = |i: usize| {
        let x = i as f64;
        let part = x / REACH as f64;
        bessel_i0(KAISER_BETA * (1.0 - part * part).sqrt()) * sinc(CUT_OFF * x)
    };
    let mut taps = vec![0.0; n];
    for i in 0..=REACH {
        let tap = half(i);
        taps[i] = tap;
        taps[(n - i) % n] = tap;
    }
    let sum: f64 = taps.iter().sum();
    let transform = RealFftPlanner::new().plan_fft_forward(n);
    let mut spectrum = transform.make_output_vec();
    transform
        .process(&mut taps, &mut spectrum)
        .expect("the buffers were made for this transform");
    spectrum[..n / 2].iter().map(|bin| bin.re / sum).collect()
}

fn sinc(x: f64) -> f64 {
    let x = std::f64::consts::PI * x;
    if x == 0.0 { 1.0 } else { x.sin() / x }
}

/// The modified Bessel function of the first kind, order 0, by its power series
/// ([DLMF 10.25.2](https://dlmf.nist.gov/10.25#E2)): all terms are positive.
fn bessel_i0(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let (mut sum, mut term, mut k) = (1.0, 1.0, 1.0);
    while term > sum * f64::EPSILON {
        term *= quarter / (k * k);
        sum += term;
        k += 1.0;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_keeps_97_percent_of_the_band_and_ends_at_nyquist() {
        for n in [2048, 16_384] {
            let response = low_pass(n);
            let bin = |part: f64| (part * n as f64 / 2.0) as usize;
            for (k, h) in response.iter().enumerate() {
                assert!(k > bin(0.975) || (h - 1.0).abs() < 1e-5, "bin {k}: {h}");
            }
            let last = response[n / 2 - 1].abs();
            assert!(last < 1e-4, "{last} beside Nyquist");
        }

        let response = low_pass(16_384);
        assert!(response[8_191].abs() < 1e-5, "{}", response[8_191]);
    }

    #[test]
    fn plans_are_kept_and_the_one_longest_unused_goes_first() {
        let plans = Plans(Mutex::new(Vec::new()));
        let (first, second) = (plans.get(1, 3), plans.get(1, 2));
        assert!(Arc::ptr_eq(&first, &plans.get(1, 3)));
        for down in 4..4 + PLANS_KEPT - 1 {
            let plan = plans.get(1, down);
            assert_eq!((plan.up, plan.down), (1, down));
        }
        assert!(Arc::ptr_eq(&first, &plans.get(1, 3)));
        assert!(!Arc::ptr_eq(&second, &plans.get(1, 2)));
        assert_eq!(second.response, plans.get(1, 2).response);
    }

    #[test]
    fn huge_plans_are_not_kept() {
        let plans = Plans(Mutex::new(Vec::new()));
        let huge = plans.get(1, 127);
        assert!(!Arc::ptr_eq(&huge, &plans.get(1, 127)));
    }

    #[test]
    fn a_stretch_is_margins_and_a_middle_of_half_or_more() {
        for (up, down) in [(1, 3), (3, 1), (160, 441), (147, 320), (16_000, 16_001)] {
            let plan = Plan::new(up, down);
            assert_eq!(plan.step() + 2 * plan.before(), plan.stretch());
            assert!(plan.step() * 2 >= plan.stretch());
            assert!(plan.up.min(plan.down) * plan.margin >= REACH);
        }
    }
}
