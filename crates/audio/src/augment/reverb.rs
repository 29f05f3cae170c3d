//! The reverberation of a generic room: direct sound, then decaying noise.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use realfft::RealFftPlanner;

use super::level::{amplitude, mean_power};

/// Direct sound 1 at sample 0, and from sample 1 on Gaussian noise with the envelope
/// `10^(-3 t / rt60)` ([Polack's model](https://doi.org/10.1016/0003-682X(93)90054-A)),
/// with an energy `direct_db` below that of the direct sound. It ends after a decay
/// of 72 dB.
pub(crate) fn impulse_response(
    rate: f64,
    rt60: f64,
    direct_db: f64,
    rng: &mut ChaCha8Rng,
) -> Vec<f32> {
    let length = (1.2 * rt60 * rate).ceil().max(1.0) as usize;
    let per_sample = 10f64.powf(-3.0 / (rt60 * rate));
    let mut envelope = 1.0;
    let mut response = vec![0.0f64; 1 + length];
    for h in &mut response[1..] {
        envelope *= per_sample;
        *h = envelope * rng.sample::<f64, _>(StandardNormal);
    }
    let energy: f64 = response.iter().map(|h| h * h).sum();
    let scale = if energy > 0.0 {
        amplitude(-direct_db) / energy.sqrt()
    } else {
        0.0
    };
    let mut response: Vec<f32> = response.iter().map(|h| (h * scale) as f32).collect();
    response[0] = 1.0;
    response
}

/// `samples` convolved with `response`, at the same length and mean power.
pub(crate) fn apply(samples: &[f32], response: &[f32]) -> Vec<f32> {
    let before = mean_power(samples);
    if before == 0.0 {
        return samples.to_vec();
    }
    let mut out = convolve(samples, response);
    out.truncate(samples.len());
    let after = mean_power(&out);
    if after > 0.0 {
        let gain = (before / after).sqrt();
        for x in &mut out {
            *x = (f64::from(*x) * gain) as f32;
        }
    }
    out
}

/// The convolution, `samples.len() + kernel.len() - 1` samples, by FFTs over blocks
/// as long as `kernel` (overlap-add). A kernel longer than the samples is cut to
/// their length.
fn convolve(samples: &[f32], kernel: &[f32]) -> Vec<f32> {
    // The end of a longer response would only affect what is cut off anyway.
    let kernel = &kernel[..kernel.len().min(samples.len())];
    let size = (2 * kernel.len()).next_power_of_two().max(256);
    let block = size - kernel.len() + 1;
    let mut planner = RealFftPlanner::<f32>::new();
    let (forward, inverse) = (
        planner.plan_fft_forward(size),
        planner.plan_fft_inverse(size),
    );
    const FITS: &str = "the buffers were made for this transform";
    let mut time = vec![0.0; size];
    time[..kernel.len()].copy_from_slice(kernel);
    let mut filter = forward.make_output_vec();
    forward.process(&mut time, &mut filter).expect(FITS);
    let mut bins = forward.make_output_vec();
    let mut out = vec![0.0; samples.len() + kernel.len() - 1];
    let scale = 1.0 / size as f32;
    for (i, chunk) in samples.chunks(block).enumerate() {
        time[..chunk.len()].copy_from_slice(chunk);
        time[chunk.len()..].fill(0.0);
        forward.process(&mut time, &mut bins).expect(FITS);
        for (x, h) in bins.iter_mut().zip(&filter) {
            *x *= h;
        }
        bins[0].im = 0.0;
        bins[size / 2].im = 0.0;
        inverse.process(&mut bins, &mut time).expect(FITS);
        for (y, x) in out[i * block..].iter_mut().zip(&time) {
            *y += x * scale;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn the_fft_gives_the_convolution_by_definition() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut noise =
            |n: usize| -> Vec<f32> { (0..n).map(|_| rng.random::<f32>() - 0.5).collect() };
        for (n, m) in [(1, 1), (5, 3), (1000, 130), (700, 699), (1024, 256)] {
            let (a, b) = (noise(n), noise(m));
            let fast = convolve(&a, &b);
            assert_eq!(fast.len(), n + m - 1);
            for (t, &y) in fast.iter().enumerate() {
                let from = t.saturating_sub(n - 1);
                let slow: f32 = (from..m.min(t + 1)).map(|k| b[k] * a[t - k]).sum();
                assert!((y - slow).abs() < 1e-4, "{n} {m}: {y}, not {slow}");
            }
        }
    }

    /// Time for 60 dB, from the slope of the remaining energy between -5 and -35 dB
    /// (Schroeder 1965; T30 of ISO 3382).
    fn schroeder(response: &[f32], rate: f64) -> f64 {
        let mut left: Vec<f64> = response.iter().map(|&h| f64::from(h).powi(2)).collect();
        for i in (0..left.len() - 1).rev() {
            left[i] += left[i + 1];
        }
        let db: Vec<f64> = left.iter().map(|e| 10.0 * (e / left[0]).log10()).collect();
        let first = db.iter().position(|&d| d <= -5.0).unwrap();
        let last = db.iter().position(|&d| d <= -35.0).unwrap();
        // Least-squares line.
        let n = (last - first) as f64;
        let mean_t = (first + last - 1) as f64 / 2.0;
        let mean_d = db[first..last].iter().sum::<f64>() / n;
        let (mut up, mut down) = (0.0, 0.0);
        for (t, d) in db.iter().enumerate().take(last).skip(first) {
            let x = t as f64 - mean_t;
            up += x * (d - mean_d);
            down += x * x;
        }
        -60.0 / (up / down * rate)
    }

    #[test]
    fn the_reverberation_time_and_the_direct_sound_are_as_requested() {
        for seed in 0..5 {
            for rate in [16_000.0, 48_000.0] {
                for (rt60, direct_db) in [(0.2, 0.0), (0.5, 6.0), (1.5, -5.0)] {
                    let mut rng = ChaCha8Rng::seed_from_u64(seed);
                    let response = impulse_response(rate, rt60, direct_db, &mut rng);
                    let measured = schroeder(&response[1..], rate);
                    println!("RT60 {rt60}: {measured:.4}");
                    assert!(
                        (measured / rt60 - 1.0).abs() < 0.1,
                        "{measured}, not {rt60}"
                    );
                    let tail: f64 = response[1..].iter().map(|&h| f64::from(h).powi(2)).sum();
                    let ratio = -10.0 * tail.log10();
                    assert!((ratio - direct_db).abs() < 0.01, "{ratio} dB");
                }
            }
        }
    }
}
