//! Tables that do not depend on the samples: window, mel bands, cosine transform.
//! All are computed in double precision, whatever the precision of the frames.

use std::f64::consts::PI;

use super::config::{
    DctNorm, Lifter, MelNorm, MelScale, MelShape, MfccConfig, Span, Window, Zeroth,
};

/// The `length` values of a window.
pub(crate) fn window(shape: Window, periodic: bool, length: usize) -> Vec<f64> {
    let period = if periodic { length } else { length - 1 }.max(1) as f64;
    (0..length)
        .map(|n| {
            let angle = 2.0 * PI * n as f64 / period;
            match shape {
                // In every tool, a window of one sample is 1 (scipy, torch).
                _ if length == 1 => 1.0,
                Window::Rectangular => 1.0,
                Window::Hann => 0.5 - 0.5 * angle.cos(),
                Window::Hamming => 0.54 - 0.46 * angle.cos(),
                Window::Povey => (0.5 - 0.5 * angle.cos()).max(0.0).powf(0.85),
                Window::Blackman => 0.42 - 0.5 * angle.cos() + 0.08 * (2.0 * angle).cos(),
            }
        })
        .collect()
}

/// One mel band: the weights of the bins from `start` on. A band that lies
/// between two bins has none.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Band {
    pub(crate) start: usize,
    pub(crate) weights: Vec<f64>,
}

/// The mel bands over the `n_fft / 2 + 1` bins of the spectrum of a window of
/// `window_length` samples.
pub(crate) fn mel_bands(
    config: &MfccConfig,
    sample_rate: f64,
    window_length: usize,
    n_fft: usize,
    f_max: f64,
) -> Vec<Band> {
    let scale = config.mel_scale;
    let low = to_mel(scale, config.f_min);
    let high = to_mel(scale, f_max);
    let n = config.n_mels;
    // The edges: left, centre and right of band m are edges m, m + 1, m + 2.
    let mut mel_edges: Vec<f64> = (0..n + 2)
        .map(|i| low + (high - low) * i as f64 / (n + 1) as f64)
        .collect();
    let mut hz_edges: Vec<f64> = mel_edges.iter().map(|&m| to_hertz(scale, m)).collect();
    if config.warp != 1.0 {
        for (mel, hertz) in mel_edges.iter_mut().zip(&mut hz_edges) {
            *hertz = warped(*hertz, config.warp, sample_rate / 2.0);
            *mel = to_mel(scale, *hertz);
        }
    }
    let bins = n_fft / 2 + 1;
    let frequency = |k: usize| k as f64 * sample_rate / n_fft as f64;
    let bin_width = match config.window_length {
        Span::Milliseconds(ms) => window_length as f64 / (n_fft as f64 * ms * 0.001),
        Span::Samples(_) => sample_rate / n_fft as f64,
    };
    let nearest_bin = |hertz: f64| (hertz / bin_width + 0.5) as usize;

    let triangle = |left: f64, centre: f64, right: f64, x: f64| {
        ((x - left) / (centre - left))
            .min((right - x) / (right - centre))
            .max(0.0)
    };
    let weight = |band: usize, k: usize| -> f64 {
        match config.mel_shape {
            MelShape::LinearInHertz => {
                let e = &hz_edges[band..band + 3];
                triangle(e[0], e[1], e[2], frequency(k))
            }
            MelShape::LinearInMel => {
                let e = &mel_edges[band..band + 3];
                triangle(e[0], e[1], e[2], to_mel(scale, frequency(k)))
            }
            MelShape::OpenSmile => {
                let e = &mel_edges[band..band + 3];
                if k > nearest_bin(config.f_min) && k < nearest_bin(f_max) {
                    triangle(e[0], e[1], e[2], to_mel(scale, k as f64 * bin_width))
                } else {
                    0.0
                }
            }
            MelShape::WholeBins => {
                let bin = |i: usize| ((n_fft + 1) as f64 * hz_edges[i] / sample_rate).floor();
                let (left, centre, right) = (bin(band), bin(band + 1), bin(band + 2));
                let k = k as f64;
                if k >= left && k < centre {
                    (k - left) / (centre - left)
                } else if k >= centre && k < right {
                    (right - k) / (right - centre)
                } else {
                    0.0
                }
            }
        }
    };
    (0..n)
        .map(|band| {
            let (left, right) = (hz_edges[band], hz_edges[band + 2]);
            let height = match config.mel_norm {
                MelNorm::Peak => 1.0,
                MelNorm::Area => 2.0 / (right - left),
            };
            // A few bins more than needed on either side; `weight` decides.
            let bin = |hertz: f64| hertz * n_fft as f64 / sample_rate;
            let from = (bin(left) * 0.99) as usize;
            let to = ((bin(right) * 1.01) as usize + 3).min(bins).max(from);
            let all: Vec<f64> = (from..to).map(|k| height * weight(band, k)).collect();
            let first = all.iter().position(|&w| w > 0.0).unwrap_or(0);
            let end = all.iter().rposition(|&w| w > 0.0).map_or(first, |k| k + 1);
            Band {
                start: from + first,
                weights: all[first..end].to_vec(),
            }
        })
        .collect()
}

/// Up to this frequency in Hz, the warp scales by its factor.
const WARP_BEND: f64 = 4800.0;

/// `hertz` warped as for a vocal tract of another length (Jaitly and Hinton 2013,
/// section 3): times `alpha` up to the bend, then linear to `nyquist`, which is
/// not moved.
fn warped(hertz: f64, alpha: f64, nyquist: f64) -> f64 {
    let bend = WARP_BEND.min(0.6 * nyquist) * alpha.min(1.0);
    if hertz <= bend / alpha {
        hertz * alpha
    } else {
        nyquist - (nyquist - bend) / (nyquist - bend / alpha) * (nyquist - hertz)
    }
}

/// Hz to mel. Slaney's scale is librosa's `hz_to_mel(htk=False)`.
fn to_mel(scale: MelScale, hertz: f64) -> f64 {
    match scale {
        MelScale::Htk => 2595.0 * (1.0 + hertz / 700.0).log10(),
        MelScale::Slaney if hertz >= BEND => BEND / SLOPE + (hertz / BEND).ln() / slaney_log_step(),
        MelScale::Slaney => hertz / SLOPE,
    }
}

/// Mel to Hz.
fn to_hertz(scale: MelScale, mel: f64) -> f64 {
    match scale {
        MelScale::Htk => 700.0 * (10f64.powf(mel / 2595.0) - 1.0),
        MelScale::Slaney if mel >= BEND / SLOPE => {
            BEND * (slaney_log_step() * (mel - BEND / SLOPE)).exp()
        }
        MelScale::Slaney => mel * SLOPE,
    }
}

/// Hz per mel on the linear part of Slaney's scale.
const SLOPE: f64 = 200.0 / 3.0;
/// Where Slaney's scale becomes logarithmic, in Hz.
const BEND: f64 = 1000.0;

/// Growth of ln(Hz) per mel on the logarithmic part.
fn slaney_log_step() -> f64 {
    6.4f64.ln() / 27.0
}

/// The index of the coefficient in each output column. A zeroth coefficient that
/// is replaced by an energy still has its column.
pub(crate) fn coefficient_order(config: &MfccConfig) -> Vec<usize> {
    let first = usize::from(config.zeroth == Zeroth::Dropped);
    let mut order: Vec<usize> = (first..first + config.n_mfcc).collect();
    if config.zeroth_last && first == 0 {
        order.rotate_left(1);
    }
    order
}

/// The cosine transform with the lifter, row-major `[n_mfcc, n_mels]`, in the
/// order of the output columns.
pub(crate) fn cosines(config: &MfccConfig) -> Vec<f64> {
    let bands = config.n_mels as f64;
    let order = coefficient_order(config);
    let mut matrix = Vec::with_capacity(order.len() * config.n_mels);
    for n in order {
        let scale = match config.dct_norm {
            DctNorm::Ortho if n == 0 => (1.0 / bands).sqrt(),
            DctNorm::Ortho | DctNorm::Htk => (2.0 / bands).sqrt(),
            DctNorm::None => 2.0,
        };
        let lift = match config.lifter {
            Lifter::Off => 1.0,
            Lifter::Sine(l) => 1.0 + l / 2.0 * (PI * n as f64 / l).sin(),
            Lifter::ShiftedSine(l) => 1.0 + l / 2.0 * (PI * (n + 1) as f64 / l).sin(),
        };
        matrix.extend(
            (0..config.n_mels)
                .map(|m| scale * lift * (PI * n as f64 * (m as f64 + 0.5) / bands).cos()),
        );
    }
    matrix
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mel_and_hertz_are_inverse() {
        for scale in [MelScale::Htk, MelScale::Slaney] {
            for hertz in [0.0, 20.0, 440.0, 999.9, 1000.0, 4000.0, 22050.0] {
                let back = to_hertz(scale, to_mel(scale, hertz));
                assert!((back - hertz).abs() < 1e-9 * (1.0 + hertz), "{hertz} Hz");
            }
        }
        assert!((to_mel(MelScale::Htk, 1000.0) - 1000.0).abs() < 0.02);
        assert!((to_mel(MelScale::Slaney, 1000.0) - 15.0).abs() < 1e-12);
    }

    #[test]
    fn a_warp_scales_low_frequencies_and_keeps_order_and_range() {
        for nyquist in [4000.0, 8000.0, 24000.0] {
            for alpha in [0.5, 0.9, 1.0, 1.1, 2.0] {
                for hertz in [0.0, 100.0, 1000.0] {
                    assert!((warped(hertz, alpha, nyquist) - alpha * hertz).abs() < 1e-9);
                }
                assert!((warped(nyquist, alpha, nyquist) - nyquist).abs() < 1e-9);
                let all: Vec<f64> = (0..=1000)
                    .map(|i| warped(nyquist * f64::from(i) / 1000.0, alpha, nyquist))
                    .collect();
                assert!(all.windows(2).all(|w| w[1] > w[0]), "{alpha} {nyquist}");
                let step = nyquist / 1000.0 * 2.0 * alpha.max(1.0 / alpha);
                assert!(all.windows(2).all(|w| w[1] - w[0] < step), "no jump");
            }
        }
        // At 16 kHz, alpha 1.1: 4800/1.1 goes to 4800, halfway from there to
        // 8000 goes to halfway from 4800 to 8000.
        let bend = 4800.0 / 1.1;
        assert!((warped(bend, 1.1, 8000.0) - 4800.0).abs() < 1e-9);
        assert!((warped((bend + 8000.0) / 2.0, 1.1, 8000.0) - 6400.0).abs() < 1e-9);
    }

    #[test]
    fn the_bands_of_a_warped_bank_are_those_of_the_plain_one_times_the_factor() {
        let plain = MfccConfig {
            n_mels: 40,
            ..MfccConfig::librosa()
        };
        for mel_shape in [MelShape::LinearInHertz, MelShape::LinearInMel] {
            for warp in [0.85, 1.15] {
                let bands = |warp: f64| {
                    let config = MfccConfig {
                        warp,
                        mel_shape,
                        mel_norm: MelNorm::Peak,
                        ..plain.clone()
                    };
                    mel_bands(&config, 16_000.0, 4096, 4096, 8000.0)
                };
                let centre = |band: &Band| {
                    let total: f64 = band.weights.iter().sum();
                    let first: f64 = band
                        .weights
                        .iter()
                        .enumerate()
                        .map(|(i, w)| w * (band.start + i) as f64)
                        .sum();
                    first / total
                };
                for (a, b) in bands(1.0).iter().zip(&bands(warp)).take(25).skip(5) {
                    let ratio = centre(b) / centre(a);
                    assert!((ratio / warp - 1.0).abs() < 0.01, "{mel_shape:?}: {ratio}");
                }
            }
        }
    }

    #[test]
    fn symmetric_windows_are_symmetric() {
        for shape in [
            Window::Hann,
            Window::Hamming,
            Window::Povey,
            Window::Blackman,
        ] {
            for length in [2, 25, 400] {
                let w = window(shape, false, length);
                for n in 0..length {
                    assert!(
                        (w[n] - w[length - 1 - n]).abs() < 1e-9,
                        "{shape:?} {length}"
                    );
                }
            }
            assert_eq!(window(shape, true, 1), [1.0]);
            assert_eq!(window(shape, false, 1), [1.0]);
        }
    }

    #[test]
    fn ortho_cosines_are_orthonormal() {
        let config = MfccConfig {
            n_mels: 12,
            n_mfcc: 12,
            ..MfccConfig::librosa()
        };
        let rows = cosines(&config);
        for (i, a) in rows.chunks(12).enumerate() {
            for (j, b) in rows.chunks(12).enumerate() {
                let product: f64 = a.iter().zip(b).map(|(x, y)| x * y).sum();
                let expected = if i == j { 1.0 } else { 0.0 };
                assert!((product - expected).abs() < 1e-12, "{i} {j}");
            }
        }
    }
}
