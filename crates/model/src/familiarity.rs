//! Whether a clip is out-of-distribution: how far it is from the training clips.
//!
//! A network gives probabilities for everything, also for music, noise and
//! telephone lines. So a model keeps the mean and the covariance of its training
//! clips' functionals (the statistics of whole utterances). How far a new clip
//! is from them is measured by the Mahalanobis distance, which counts each
//! direction in units of the training clips' deviation along it (Lee et al.,
//! 2018, use it for the same purpose).
//!
//! The covariance is shrunk towards its diagonal by a tenth, because a few
//! hundred clips are too few to estimate the covariance of many functionals
//! (Ledoit and Wolf, 2004).

use crate::ModelError;
use recurrent::parameters::{Array, Parameters};

/// The share of the diagonal in the shrunk covariance.
const SHRINKAGE: f64 = 0.1;

/// The distribution of the training clips' functionals.
#[derive(Clone, Debug, PartialEq)]
pub struct Familiarity {
    /// The functionals' means.
    mean: Vec<f32>,
    /// The inverse of the covariance's Cholesky factor: its lower triangle, row by row.
    whitening: Vec<f32>,
    /// 99 of 100 clips of unseen speakers have a smaller distance.
    limit: f32,
}

impl Familiarity {
    /// Estimates the distribution from the functionals of some training clips.
    /// The limit of what is familiar is 1 until [`set_limit`](Self::set_limit).
    ///
    /// # Errors
    ///
    /// [`ModelError::Settings`] if there are fewer than two clips, if they have
    /// different numbers of functionals, or if a functional is not finite.
    pub fn fit<'a>(clips: impl Iterator<Item = &'a [f32]> + Clone) -> Result<Self, ModelError> {
        let wrong = |what: &str| ModelError::Settings { what: what.into() };
        let count = clips.clone().count();
        let size = clips.clone().next().map_or(0, <[f32]>::len);
        if count < 2 || size == 0 || clips.clone().any(|clip| clip.len() != size) {
            return Err(wrong(
                "familiarity needs at least two clips with the same functionals",
            ));
        }
        let mut mean = vec![0.0f64; size];
        for clip in clips.clone() {
            for (mean, value) in mean.iter_mut().zip(clip) {
                *mean += f64::from(*value) / count as f64;
            }
        }
        let mut covariance = vec![0.0f64; size * size];
        for clip in clips {
            let centred: Vec<f64> = clip
                .iter()
                .zip(&mean)
                .map(|(v, m)| f64::from(*v) - m)
                .collect();
            for (row, a) in covariance.chunks_exact_mut(size).zip(&centred) {
                for (sum, b) in row.iter_mut().zip(&centred) {
                    *sum += a * b / count as f64;
                }
            }
        }
        for (i, row) in covariance.chunks_exact_mut(size).enumerate() {
            // A functional that never changes must not count: give it a huge variance.
            let variance = if row[i] > 1e-12 { row[i] } else { 1e12 };
            row.iter_mut().for_each(|value| *value *= 1.0 - SHRINKAGE);
            row[i] = variance;
        }
        let factor = cholesky(covariance, size)
            .ok_or_else(|| wrong("a functional of the training clips is not finite"))?;
        let whitening = inverse(&factor, size);
        let lower = (0..size).flat_map(|i| whitening[i * size..i * size + i + 1].iter());
        Ok(Self {
            mean: mean.iter().map(|m| *m as f32).collect(),
            whitening: lower.map(|v| *v as f32).collect(),
            limit: 1.0,
        })
    }

    /// The distance of a clip from the training clips, as the root mean square
    /// over the functionals: about 1 for a training clip. NaN if the number of
    /// functionals differs.
    pub fn distance(&self, functionals: &[f32]) -> f32 {
        if functionals.len() != self.mean.len() {
            return f32::NAN;
        }
        let centred: Vec<f32> = functionals
            .iter()
            .zip(&self.mean)
            .map(|(v, m)| v - m)
            .collect();
        let mut sum = 0.0f64;
        let mut row = 0;
        for i in 0..centred.len() {
            let weights = &self.whitening[row..row + i + 1];
            let dot: f32 = weights.iter().zip(&centred).map(|(w, c)| w * c).sum();
            sum += f64::from(dot).powi(2);
            row += i + 1;
        }
        (sum / centred.len().max(1) as f64).sqrt() as f32
    }

    /// The distance divided by the limit: above 1 a clip is out-of-distribution.
    pub fn unfamiliarity(&self, functionals: &[f32]) -> f32 {
        self.distance(functionals) / self.limit
    }

    /// Sets the limit to the 99th percentile of these distances, which should be
    /// of clips by unseen speakers. Distances that are not finite are left out;
    /// with no others the limit stays.
    pub fn set_limit(&mut self, mut distances: Vec<f32>) {
        distances.retain(|distance| distance.is_finite());
        distances.sort_by(f32::total_cmp);
        if let Some(last) = distances.len().checked_sub(1) {
            let at = (last as f64 * 0.99).round() as usize;
            self.limit = distances[at].max(f32::MIN_POSITIVE);
        }
    }

    /// As named arrays, for a model file.
    pub(crate) fn parameters(&self) -> Parameters {
        let array = |values: &[f32]| Array {
            shape: vec![values.len()],
            values: values.to_vec(),
        };
        Parameters::from([
            ("mean".into(), array(&self.mean)),
            ("whitening".into(), array(&self.whitening)),
            ("limit".into(), array(&[self.limit])),
        ])
    }

    /// From named arrays; `None` if they do not fit this number of functionals.
    pub(crate) fn from_parameters(parameters: &Parameters, functionals: usize) -> Option<Self> {
        let values = |name: &str| Some(parameters.get(name)?.values.clone());
        let (mean, whitening) = (values("mean")?, values("whitening")?);
        let limit = *values("limit")?.first()?;
        let sound = mean.len() == functionals
            && whitening.len() == functionals * (functionals + 1) / 2
            && limit > 0.0
            && limit.is_finite()
            && mean.iter().chain(&whitening).all(|v| v.is_finite());
        sound.then_some(Self {
            mean,
            whitening,
            limit,
        })
    }
}

/// The lower triangular `L` with `L Lᵀ = matrix`; `None` if the matrix is not
/// positive definite.
fn cholesky(mut matrix: Vec<f64>, size: usize) -> Option<Vec<f64>> {
    for j in 0..size {
        for i in j..size {
            let dot: f64 = (0..j)
                .map(|k| matrix[i * size + k] * matrix[j * size + k])
                .sum();
            let rest = matrix[i * size + j] - dot;
            matrix[i * size + j] = if i == j {
                // NaN too.
                if rest.partial_cmp(&0.0) != Some(std::cmp::Ordering::Greater) {
                    return None;
                }
                rest.sqrt()
            } else {
                rest / matrix[j * size + j]
            };
        }
    }
    Some(matrix)
}

/// The inverse of a lower triangular matrix; its upper part is not read.
fn inverse(lower: &[f64], size: usize) -> Vec<f64> {
    let mut inverse = vec![0.0; size * size];
    for j in 0..size {
        inverse[j * size + j] = 1.0 / lower[j * size + j];
        for i in j + 1..size {
            let dot: f64 = (j..i)
                .map(|k| lower[i * size + k] * inverse[k * size + j])
                .sum();
            inverse[i * size + j] = -dot / lower[i * size + i];
        }
    }
    inverse
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// Clips of three functionals: the second is nearly twice the first, the third constant.
    fn clips(count: usize, seed: u64) -> Vec<[f32; 3]> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let clip = |_| {
            let first: f32 = rng.random_range(-1.0..1.0);
            [first, 2.0 * first + rng.random_range(-0.1..0.1), 7.0]
        };
        (0..count).map(clip).collect()
    }

    #[test]
    fn an_unusual_combination_is_far_even_if_each_functional_is_usual() {
        let train = clips(500, 1);
        let mut familiarity = Familiarity::fit(train.iter().map(|c| &c[..])).unwrap();
        let others = clips(500, 2);
        familiarity.set_limit(others.iter().map(|c| familiarity.distance(c)).collect());
        let flagged = |clips: &[[f32; 3]]| {
            let far = clips.iter().filter(|c| familiarity.unfamiliarity(*c) > 1.0);
            far.count()
        };
        assert!(flagged(&clips(500, 3)) < 20);
        let odd: Vec<[f32; 3]> = train.iter().map(|c| [c[0], -c[1], 7.0]).collect();
        assert!(flagged(&odd) > 250, "{}", flagged(&odd));
        assert!(familiarity.unfamiliarity(&[9.0, 18.0, 7.0]) > 1.0);
        assert!(familiarity.distance(&[1.0]).is_nan());
    }

    #[test]
    fn the_whitening_is_the_inverse_of_the_cholesky_factor() {
        let matrix = vec![4.0, 2.0, 0.6, 2.0, 5.0, 1.0, 0.6, 1.0, 3.0];
        let factor = cholesky(matrix.clone(), 3).unwrap();
        let inverse = inverse(&factor, 3);
        for i in 0..3 {
            for j in 0..=i {
                let product: f64 = (j..=i)
                    .map(|k| inverse[i * 3 + k] * factor[k * 3 + j])
                    .sum();
                assert!((product - f64::from(u8::from(i == j))).abs() < 1e-12);
                let square: f64 = (0..=j).map(|k| factor[i * 3 + k] * factor[j * 3 + k]).sum();
                assert!((square - matrix[i * 3 + j]).abs() < 1e-12);
            }
        }
        assert!(cholesky(vec![1.0, 2.0, 2.0, 1.0], 2).is_none());
    }
}
