//! The filter bank that folds a spectrum onto pitch classes.

use super::config::Chroma;

/// Weights `[n_chroma, n_fft / 2 + 1]` over the power spectrum, row-major:
/// `librosa.filters.chroma` in double precision.
///
/// Every bin is spread over the classes near its pitch by a Gaussian as wide as
/// the bin (at least one class), its weights are scaled to unit length, and a
/// second Gaussian over the octaves favours those near `ctroct`.
pub(crate) fn filter_bank(chroma: &Chroma, sample_rate: f64, n_fft: usize) -> Vec<f64> {
    let n = chroma.n_chroma;
    let classes = n as f64;
    let bins = n_fft / 2 + 1;
    let a440 = 440.0 * (chroma.tuning / classes).exp2();
    let class_at = |k: usize| {
        let hertz = k as f64 * sample_rate / n_fft as f64;
        classes * (hertz / (a440 / 16.0)).log2()
    };
    // 0 Hz has no pitch; it is placed an octave and a half below bin 1.
    let pitch = |k: usize| match k {
        0 => class_at(1) - 1.5 * classes,
        _ => class_at(k),
    };
    let half = (classes / 2.0).round_ties_even();
    let shift = if chroma.base_c { 3 * (n / 12) } else { 0 };
    let mut weights = vec![0.0; n * bins];
    let mut column = vec![0.0; n];
    for k in 0..bins {
        let at = pitch(k);
        // The very last bin of a transform has no neighbour above.
        let width = if k + 1 < n_fft {
            (pitch(k + 1) - at).max(1.0)
        } else {
            1.0
        };
        for (class, w) in column.iter_mut().enumerate() {
            let distance = (at - class as f64 + half + 10.0 * classes).rem_euclid(classes) - half;
            *w = (-0.5 * (2.0 * distance / width).powi(2)).exp();
        }
        let length = column.iter().map(|w| w * w).sum::<f64>().sqrt();
        let by_octave = chroma.octwidth.map_or(1.0, |octaves| {
            (-0.5 * ((at / classes - chroma.ctroct) / octaves).powi(2)).exp()
        });
        let scale = if length > 0.0 {
            by_octave / length
        } else {
            0.0
        };
        for class in 0..n {
            weights[class * bins + k] = column[(class + shift) % n] * scale;
        }
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bin_of_a_note_has_its_largest_weight_in_its_class() {
        let (rate, n_fft) = (16_000.0, 4096);
        let bank = filter_bank(&Chroma::default(), rate, n_fft);
        let bins = n_fft / 2 + 1;
        // C5, E5, A5
        for (hertz, class) in [(523.25, 0), (659.26, 4), (880.0, 9)] {
            let k = (hertz * n_fft as f64 / rate).round() as usize;
            let best = (0..12).max_by(|&a, &b| bank[a * bins + k].total_cmp(&bank[b * bins + k]));
            assert_eq!(best, Some(class), "{hertz} Hz");
        }
    }

    #[test]
    fn tiny_transforms_give_finite_weights() {
        for n_fft in [1, 2, 3, 4] {
            let bank = filter_bank(&Chroma::default(), 8000.0, n_fft);
            assert_eq!(bank.len(), 12 * (n_fft / 2 + 1));
            assert!(bank.iter().all(|w| w.is_finite()), "{n_fft}");
        }
    }
}
