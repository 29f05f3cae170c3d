//! Dropout whose masks come from a seeded generator that the caller owns.

use burn::tensor::{Tensor, TensorData};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Draws dropout masks while training, and changes nothing otherwise.
///
/// Burn's `Dropout` draws from one generator for the whole process. Here each
/// training has its own, so that its results are repeatable even when several
/// trainings run side by side.
pub struct Dropout<'a>(Option<&'a mut ChaCha8Rng>);

impl<'a> Dropout<'a> {
    /// Masks from `rng`.
    pub fn training(rng: &'a mut ChaCha8Rng) -> Self {
        Self(Some(rng))
    }

    /// No masks: every tensor comes out as it went in.
    pub fn inference() -> Self {
        Self(None)
    }

    /// Sets each element to zero with `probability` and divides the others by
    /// `1 - probability`, so that the expected value stays the same (Srivastava
    /// et al., 2014).
    pub fn apply<const D: usize>(&mut self, input: Tensor<D>, probability: f64) -> Tensor<D> {
        let Some(mask) = self.mask(input.shape().num_elements(), probability) else {
            return input;
        };
        let device = input.device();
        let mask = Tensor::from_data(TensorData::new(mask, input.dims()), &device);
        input * mask
    }

    /// A mask of `count` factors: 0 with `probability`, `1 / (1 - probability)`
    /// otherwise. `None` at inference, and where the probability is 0.
    pub fn mask(&mut self, count: usize, probability: f64) -> Option<Vec<f32>> {
        let rng = self.0.as_mut().filter(|_| probability > 0.0)?;
        let keep = 1.0 - probability;
        let scale = (1.0 / keep) as f32;
        let threshold = (keep * f64::from(u32::MAX)) as u32;
        let mut factor = || {
            if rng.random::<u32>() <= threshold {
                scale
            } else {
                0.0
            }
        };
        Some((0..count).map(|_| factor()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;
    use rand::SeedableRng;

    #[test]
    fn keeps_the_expectation_and_drops_the_share_asked_for() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let ones = Tensor::<2>::ones([200, 200], &Device::flex());
        let values = Dropout::training(&mut rng)
            .apply(ones, 0.3)
            .try_to_vec_as::<f32>()
            .unwrap();
        let zeros = values.iter().filter(|v| **v == 0.0).count() as f64 / values.len() as f64;
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        assert!((zeros - 0.3).abs() < 0.01, "{zeros}");
        assert!((mean - 1.0).abs() < 0.02, "{mean}");
    }

    #[test]
    fn inference_changes_nothing() {
        let input = Tensor::<1>::from_floats([1.0, -2.0], &Device::flex());
        let output = Dropout::inference().apply(input.clone(), 0.9);
        assert_eq!(input.into_data(), output.into_data());
    }
}
