//! Deltas of all frames at once, and the kernels.

use serde::{Deserialize, Serialize};

use crate::frames::Frames;

/// How deltas are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DeltaMethod {
    /// Derivative of the least-squares polynomial over `width` (odd) frames; its
    /// degree is the order of the delta. At the ends, the fit over the outermost
    /// `width` frames is used. This is `librosa.feature.delta(mode="interp")`,
    /// whose default width is 9.
    ///
    /// For a clip shorter than `width`, the fit is over its largest odd number of
    /// frames (librosa refuses such clips). Too few frames for the order give zeros.
    SavitzkyGolay {
        /// Frames under the fit, odd.
        width: usize,
    },
    /// Regression over `n` frames on either side,
    /// `sum k (x[t+k] - x[t-k]) / (2 sum k^2)`, with the end frames repeated beyond
    /// the ends; a higher order is the delta of the delta. This is the delta of
    /// HTK, torchaudio and python_speech_features; Kaldi's is the same except for
    /// the first and last `2 n` frames of the second order. The default is 2.
    ///
    /// A clip of any length works, since the ends are repeated.
    Regression {
        /// Frames on either side.
        n: usize,
    },
}

impl DeltaMethod {
    /// librosa's default.
    pub const LIBROSA: Self = DeltaMethod::SavitzkyGolay { width: 9 };
    /// HTK's and Kaldi's default.
    pub const HTK: Self = DeltaMethod::Regression { n: 2 };
}

/// The delta of the given order (1: slope, 2: curvature, ...) of every column, in
/// the same shape. Order 0 is a copy.
pub fn delta(frames: &Frames, order: usize, method: DeltaMethod) -> Frames {
    if order == 0 || frames.is_empty() {
        return frames.clone();
    }
    match method {
        DeltaMethod::SavitzkyGolay { width } => {
            let largest_odd = (frames.len() - 1) / 2 * 2 + 1;
            let half = width.min(largest_odd) / 2;
            let Some(kernel) = derivative_kernel(half, order) else {
                return Frames::new(vec![0.0; frames.data().len()], frames.columns());
            };
            // The highest derivative of a polynomial is constant, so the fit at an
            // end has the value of the first or last whole window.
            let (first, last) = (half, frames.len() - 1 - half);
            convolve(frames, &kernel, |t| t.clamp(first, last))
        }
        DeltaMethod::Regression { n } => {
            let kernel = regression_kernel(n.max(1));
            (0..order).fold(frames.clone(), |x, _| convolve(&x, &kernel, |t| t))
        }
    }
}

/// `k / (2 sum k^2)` for `k` from `-n` to `n`.
pub(super) fn regression_kernel(n: usize) -> Vec<f64> {
    let squares: f64 = (1..=n).map(|k| (k * k) as f64).sum();
    (0..=2 * n)
        .map(|i| (i as f64 - n as f64) / (2.0 * squares))
        .collect()
}

/// `y[t] = sum kernel[k] x[at(t) - half + k]`, with the end frames repeated.
fn convolve(frames: &Frames, kernel: &[f64], at: impl Fn(usize) -> usize) -> Frames {
    let (length, columns) = (frames.len(), frames.columns());
    let half = kernel.len() / 2;
    let mut data = Vec::with_capacity(length * columns);
    let mut row = vec![0.0f64; columns];
    for t in 0..length {
        row.fill(0.0);
        for (k, &weight) in kernel.iter().enumerate() {
            let i = (at(t) + k).saturating_sub(half).min(length - 1);
            for (sum, &x) in row.iter_mut().zip(frames.row(i)) {
                *sum += weight * f64::from(x);
            }
        }
        data.extend(row.iter().map(|&v| v as f32));
    }
    Frames::new(data, columns)
}

/// Weights for the `order`-th derivative of the polynomial of degree `order`
/// fitted to `2 half + 1` frames: the Gram polynomial of that degree, divided by
/// its squared norm, times `order!`. `None` if there are too few frames for the
/// degree.
pub(super) fn derivative_kernel(half: usize, order: usize) -> Option<Vec<f64>> {
    if order > 2 * half {
        return None;
    }
    let positions: Vec<f64> = (0..=2 * half).map(|i| i as f64 - half as f64).collect();
    let norm = |p: &[f64]| p.iter().map(|v| v * v).sum::<f64>();
    // Monic orthogonal polynomials: p[d+1] = x p[d] - |p[d]|^2 / |p[d-1]|^2 p[d-1].
    let mut previous = vec![0.0; positions.len()];
    let mut current = vec![1.0; positions.len()];
    let mut previous_norm = 1.0;
    for _ in 0..order {
        let n = norm(&current);
        let next = positions
            .iter()
            .zip(&current)
            .zip(&previous)
            .map(|((x, c), p)| x * c - n / previous_norm * p)
            .collect();
        previous = std::mem::replace(&mut current, next);
        previous_norm = n;
    }
    let factorial: f64 = (1..=order).map(|d| d as f64).product();
    let scale = factorial / norm(&current);
    Some(current.iter().map(|v| v * scale).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn polynomial(length: usize, f: impl Fn(f64) -> f64) -> Frames {
        Frames::new((0..length).map(|t| f(t as f64) as f32).collect(), 1)
    }

    fn assert_all(frames: &Frames, expected: f32) {
        for (t, v) in frames.data().iter().enumerate() {
            assert!(
                (v - expected).abs() < 1e-4,
                "frame {t}: {v}, not {expected}"
            );
        }
    }

    #[test]
    fn savitzky_golay_is_exact_on_polynomials_to_the_ends() {
        let line = polynomial(30, |t| 3.0 * t - 7.0);
        assert_all(&delta(&line, 1, DeltaMethod::LIBROSA), 3.0);
        let parabola = polynomial(30, |t| 0.5 * t * t - t);
        assert_all(&delta(&parabola, 2, DeltaMethod::LIBROSA), 1.0);
        let cubic = polynomial(20, |t| (t - 10.0).powi(3) / 6.0);
        assert_all(&delta(&cubic, 3, DeltaMethod::LIBROSA), 1.0);
    }

    #[test]
    fn regression_is_exact_on_lines_away_from_the_ends() {
        let slope = delta(&polynomial(30, |t| 3.0 * t), 1, DeltaMethod::HTK);
        assert_all(&Frames::new(slope.data()[2..28].to_vec(), 1), 3.0);
        // At the start: (1 (x1 - x0) + 2 (x2 - x0)) / 10
        assert!((slope.data()[0] - 1.5).abs() < 1e-6);
    }

    #[test]
    fn clips_shorter_than_the_width_are_handled() {
        for length in 0..9 {
            for order in 0..4 {
                for method in [DeltaMethod::LIBROSA, DeltaMethod::HTK] {
                    let line = polynomial(length, |t| 2.0 * t);
                    let d = delta(&line, order, method);
                    assert_eq!(d.len(), length);
                    assert!(d.data().iter().all(|v| v.is_finite()));
                }
            }
            if length > 2 {
                let line = polynomial(length, |t| 2.0 * t);
                assert_all(&delta(&line, 1, DeltaMethod::LIBROSA), 2.0);
            }
        }
        let one = polynomial(1, |_| 5.0);
        assert_all(&delta(&one, 1, DeltaMethod::LIBROSA), 0.0);
        assert_all(&delta(&one, 1, DeltaMethod::HTK), 0.0);
    }
}
