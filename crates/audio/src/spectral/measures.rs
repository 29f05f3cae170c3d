//! The measures of a single frame. Formulas and sources are given at
//! [`SpectralFeature`](super::SpectralFeature).

use crate::simd::{Real, dot, sum};

/// Sums below this are silence: the smallest normal `f32`, as in librosa.
const TINY: f64 = f32::MIN_POSITIVE as f64;
/// The least power (librosa's `amin`).
const AMIN: f64 = 1e-10;
/// Samples this close to 0 count as 0 (librosa's `threshold`).
const ZERO_BAND: f64 = 1e-10;

/// Number of sign changes between neighbouring samples.
pub(crate) fn crossings<T: Real>(samples: &[T]) -> usize {
    let band = T::new(-ZERO_BAND);
    let next = samples.get(1..).unwrap_or_default();
    samples
        .iter()
        .zip(next)
        .map(|(&a, &b)| usize::from((a < band) != (b < band)))
        .sum()
}

/// Mean square in dB of full scale, at least -100.
pub(crate) fn level<T: Real>(samples: &[T]) -> T {
    let mean_square = dot(samples, samples).to_f64() / samples.len().max(1) as f64;
    T::new(10.0 * mean_square.max(AMIN).log10())
}

/// Centre of gravity in Hz; `total` is the sum of the magnitudes.
pub(crate) fn centroid<T: Real>(magnitudes: &[T], frequencies: &[T], total: T) -> T {
    if total < T::new(TINY) {
        return T::ZERO;
    }
    dot(magnitudes, frequencies) / total
}

/// Standard deviation about `centroid` in Hz.
pub(crate) fn bandwidth<T: Real>(magnitudes: &[T], frequencies: &[T], centroid: T, total: T) -> T {
    if total < T::new(TINY) {
        return T::ZERO;
    }
    let mut squares = T::ZERO;
    for (&s, &f) in magnitudes.iter().zip(frequencies) {
        let distance = f - centroid;
        squares += s * distance * distance;
    }
    (squares / total).sqrt()
}

/// The first bin at which the running sum of the magnitudes reaches `share` of
/// their total.
pub(crate) fn roll_off_bin<T: Real>(magnitudes: &[T], share: f64) -> usize {
    // In double precision and one by one: the last running sum is exactly the
    // total, so rounding cannot put the threshold out of reach.
    let total: f64 = magnitudes.iter().map(|s| s.to_f64()).sum();
    let threshold = share * total;
    let mut below = 0.0;
    for (k, s) in magnitudes.iter().enumerate() {
        below += s.to_f64();
        if below >= threshold {
            return k;
        }
    }
    magnitudes.len().saturating_sub(1)
}

/// Geometric over arithmetic mean of the powers.
pub(crate) fn flatness<T: Real>(powers: &[T]) -> T {
    // One logarithm for eight bins: the product of eight powers of at least 1e-10
    // in single precision is well within double precision.
    let mut logarithms = 0.0;
    let mut total = 0.0;
    for group in powers.chunks(8) {
        let mut product = 1.0;
        for p in group {
            let p = p.to_f64().max(AMIN);
            product *= p;
            total += p;
        }
        logarithms += product.ln();
    }
    let n = powers.len() as f64;
    T::new((logarithms / n).exp() / (total / n))
}

/// Scales the magnitudes to unit length; `powers` are their squares. Silence
/// becomes zeros.
pub(crate) fn to_unit_length<T: Real>(magnitudes: &[T], powers: &[T], unit: &mut [T]) {
    let length = sum(powers).sqrt();
    let scale = if length < T::new(TINY) {
        T::ZERO
    } else {
        T::new(1.0) / length
    };
    for (u, &s) in unit.iter_mut().zip(magnitudes) {
        *u = s * scale;
    }
}

/// Euclidean distance.
pub(crate) fn distance<T: Real>(a: &[T], b: &[T]) -> T {
    let mut squares = T::ZERO;
    for (&x, &y) in a.iter().zip(b) {
        let d = x - y;
        squares += d * d;
    }
    squares.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_is_narrow_and_noise_is_wide() {
        let frequencies: Vec<f64> = (0..100).map(f64::from).collect();
        let mut tone = vec![0.0; 100];
        tone[40] = 3.0;
        let total = sum(&tone);
        let centre = centroid(&tone, &frequencies, total);
        assert_eq!(centre, 40.0);
        assert_eq!(bandwidth(&tone, &frequencies, centre, total), 0.0);
        assert_eq!(roll_off_bin(&tone, 0.85), 40);
        let square: Vec<f64> = tone.iter().map(|s| s * s).collect();
        assert!(flatness(&square) < 1e-8);

        let flat = vec![0.5; 100];
        let total = sum(&flat);
        let centre = centroid(&flat, &frequencies, total);
        assert!((centre - 49.5).abs() < 1e-12);
        // Variance of 0 ... 99: (100^2 - 1) / 12
        let deviation = bandwidth(&flat, &frequencies, centre, total);
        assert!((deviation - (9999.0f64 / 12.0).sqrt()).abs() < 1e-9);
        assert_eq!(roll_off_bin(&flat, 0.85), 84);
        assert!((flatness(&flat) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn flux_is_between_0_and_root_2() {
        let (mut a, mut b) = ([0.0; 2], [0.0; 2]);
        to_unit_length(&[3.0, 0.0], &[9.0, 0.0], &mut a);
        to_unit_length(&[0.0, 0.1], &[0.0, 0.01], &mut b);
        assert!((distance(&a, &b) - 2.0f64.sqrt()).abs() < 1e-12);
        assert_eq!(distance(&a, &a), 0.0);
        to_unit_length(&[0.0, 0.0], &[0.0, 0.0], &mut b);
        assert!((distance(&a, &b) - 1.0f64).abs() < 1e-12);
    }

    #[test]
    fn zeros_are_positive() {
        assert_eq!(crossings(&[0.0, 1.0, 0.0, -0.0, 1e-11, -1e-11]), 0);
        assert_eq!(crossings(&[1.0, -1.0, 0.0, -1.0]), 3);
        assert_eq!(crossings::<f32>(&[]), 0);
        assert_eq!(crossings(&[-1.0]), 0);
    }
}
