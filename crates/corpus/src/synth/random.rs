//! Random numbers that are the same in every version.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A generator keyed by what is drawn and not by the order of drawing: neither
/// threads nor more speakers or takes change a clip.
///
/// The distributions are written out here. Those of a library may change with its
/// version, and the same seed would no longer give the same corpus.
pub(super) struct Random(ChaCha8Rng);

impl Random {
    /// The generator of one subject, identified by three numbers.
    pub(super) fn new(seed: u64, subject: [u64; 3]) -> Self {
        let mut key = [0; 32];
        let words = [seed, subject[0], subject[1], subject[2]];
        for (bytes, word) in key.chunks_exact_mut(8).zip(words) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        Self(ChaCha8Rng::from_seed(key))
    }

    /// Uniform from 0 to 1, 1 excluded.
    pub(super) fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform between two values.
    pub(super) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// Normal with mean 0 and this standard deviation (Box-Muller), clamped to three
    /// standard deviations: an extreme value would not sound like a voice.
    pub(super) fn normal(&mut self, deviation: f64) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        let normal = radius * (std::f64::consts::TAU * self.uniform()).cos();
        deviation * normal.clamp(-3.0, 3.0)
    }

    /// One sample of white noise, uniform from -1 to 1.
    pub(super) fn noise(&mut self) -> f64 {
        f64::from(self.0.next_u32() as i32) / 2_147_483_648.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distributions_have_their_mean_and_deviation() {
        let mut random = Random::new(1, [2, 3, 4]);
        for (draw, mean, deviation) in [
            (
                (|r: &mut Random| r.uniform()) as fn(&mut Random) -> f64,
                0.5,
                (1.0f64 / 12.0).sqrt(),
            ),
            (|r| r.normal(2.0), 0.0, 2.0),
            (|r| r.noise(), 0.0, (1.0f64 / 3.0).sqrt()),
        ] {
            let values: Vec<f64> = (0..40_000).map(|_| draw(&mut random)).collect();
            let n = values.len() as f64;
            let m = values.iter().sum::<f64>() / n;
            let d = (values.iter().map(|v| (v - m).powi(2)).sum::<f64>() / n).sqrt();
            assert!((m - mean).abs() < 0.03 * deviation.max(1.0), "{m} {mean}");
            assert!((d / deviation - 1.0).abs() < 0.03, "{d} {deviation}");
        }
    }

    #[test]
    fn every_part_of_the_key_matters() {
        let first = |seed, subject| Random::new(seed, subject).uniform();
        let base = first(1, [2, 3, 4]);
        assert_eq!(base, first(1, [2, 3, 4]));
        for other in [
            first(0, [2, 3, 4]),
            first(1, [0, 3, 4]),
            first(1, [2, 0, 4]),
            first(1, [2, 3, 0]),
        ] {
            assert_ne!(base, other);
        }
    }
}
