//! Levels of samples.

/// Larger samples (240 dB above full scale) would overflow single precision in
/// transforms and sums of squares.
const LOUDEST: f32 = 1e12;

/// Makes all samples finite and at most [`LOUDEST`].
pub(super) fn limit(samples: &mut [f32]) {
    for x in samples {
        *x = if x.is_nan() {
            0.0
        } else {
            x.clamp(-LOUDEST, LOUDEST)
        };
    }
}

/// The factor for samples that corresponds to a gain in dB.
pub(super) fn amplitude(db: f64) -> f64 {
    10f64.powf(db / 20.0)
}

/// Mean square.
pub(super) fn mean_power(samples: &[f32]) -> f64 {
    let sum: f64 = samples.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
    sum / samples.len().max(1) as f64
}
