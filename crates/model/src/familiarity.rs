//! Whether a clip is out-of-distribution: how far it is from the training clips.
//!
//! A classifier gives probabilities for everything, also for music, noise and
//! telephone lines. So a model keeps what its training clips look like, in the
//! encoder's embedding or, without an encoder, in the functionals: the mean of each
//! label, and how clips differ from their label's mean. The distance of a new clip
//! is the Mahalanobis distance to the nearest of these means, which counts each
//! direction in units of the training clips' deviation along it (Lee et al., 2018).
//!
//! Some thousand clips cannot tell the deviation along a thousand directions. The
//! covariance is that of probabilistic principal components (Tipping and Bishop,
//! 1999): along the [`DIRECTIONS`] in which clips differ most it is estimated, and
//! along all others it is the same. Noise and music differ from speech along these
//! others above all.

use std::ops::Range;

use audio::FeatureSpec;

use crate::linear::{covariance, equal_weights, means};
use crate::matrix::{leading, times};
use crate::{LinearClips, LinearInputs, ModelError};
use recurrent::parameters::{Array, Parameters};

/// The directions along which the deviation is estimated.
const DIRECTIONS: usize = 64;

/// What the training clips look like.
#[derive(Clone, Debug, PartialEq)]
pub struct Familiarity {
    /// The place of the numbers among a clip's functionals.
    range: Range<usize>,
    /// What each number is divided by.
    deviation: Vec<f32>,
    /// The labels' means, divided so: `[labels, numbers]`.
    means: Vec<f32>,
    /// Directions, each divided by the clips' deviation along it: `[directions, numbers]`.
    directions: Vec<f32>,
    /// The squares of the directions' lengths before that, 1 over their variance.
    precisions: Vec<f32>,
    /// 1 over the variance along every other direction; 0 leaves those out.
    rest: f32,
    /// 99 of 100 clips of unseen speakers have a smaller distance.
    limit: f32,
}

impl Familiarity {
    /// The numbers that it is judged by: the embedding, or all functionals.
    pub fn range(spec: &FeatureSpec) -> Range<usize> {
        match spec.encoder {
            Some(_) => LinearInputs::Encoder.range(spec),
            None => LinearInputs::Functionals.range(spec),
        }
    }

    /// Estimates the distribution from the functionals of some training clips, each
    /// with its label. The limit of what is familiar is 1 until
    /// [`set_limit`](Self::set_limit).
    ///
    /// # Errors
    ///
    /// [`ModelError::Settings`] if there are fewer than two clips, if they have
    /// different numbers of functionals, or if a functional is not finite.
    pub fn fit<'a>(
        clips: impl Iterator<Item = (&'a [f32], usize)> + Clone,
        range: Range<usize>,
    ) -> Result<Self, ModelError> {
        let wrong = |what: &str| ModelError::Settings { what: what.into() };
        let size = range.len();
        let has_other = clips.clone().any(|(clip, _)| clip.len() < range.end);
        if clips.clone().count() < 2 || size == 0 || has_other {
            return Err(wrong(
                "familiarity needs at least two clips with the same functionals",
            ));
        }
        let deviation = deviations(clips.clone().map(|(clip, _)| &clip[range.clone()]), size);
        let mut set = LinearClips::default();
        let mut labels = 0;
        for (clip, label) in clips {
            let divided = clip[range.clone()].iter().zip(&deviation);
            let divided: Vec<f32> = divided.map(|(value, by)| value / by).collect();
            if !divided.iter().all(|value| value.is_finite()) {
                return Err(wrong("a functional of the training clips is not finite"));
            }
            set.push(&divided, label);
            labels = labels.max(label + 1);
        }
        let (all, counts) = means(&set, labels, size);
        let covariance = covariance(&set, &all, &equal_weights(&counts), size)?;
        let trace: f64 = covariance.iter().step_by(size + 1).sum();
        let mut directions = Vec::new();
        let mut precisions = Vec::new();
        let mut along = 0.0;
        for (variance, direction) in leading(&covariance, size, DIRECTIONS) {
            // The other directions of clips that are all alike.
            if variance <= 1e-9 * trace {
                break;
            }
            along += variance;
            let by = variance.sqrt();
            directions.extend(direction.iter().map(|x| (x / by) as f32));
            precisions.push((1.0 / variance) as f32);
        }
        let others = size - precisions.len();
        let variance = (trace - along) / others.max(1) as f64;
        let seen = all
            .chunks_exact(size)
            .zip(&counts)
            .filter(|(_, count)| **count > 0);
        Ok(Self {
            range,
            deviation,
            means: seen
                .flat_map(|(mean, _)| mean.iter().map(|m| *m as f32))
                .collect(),
            directions,
            precisions,
            rest: match others > 0 && variance > 1e-9 * trace {
                true => (1.0 / variance) as f32,
                false => 0.0,
            },
            limit: 1.0,
        })
    }

    /// The distance of a clip from the training clips, as the root mean square
    /// over the numbers: about 1 for a training clip. NaN if there are too few
    /// functionals.
    pub fn distance(&self, functionals: &[f32]) -> f32 {
        let Some(numbers) = functionals.get(self.range.clone()) else {
            return f32::NAN;
        };
        let size = numbers.len();
        let divided = numbers.iter().zip(&self.deviation);
        let divided: Vec<f32> = divided.map(|(value, by)| value / by).collect();
        let to_mean = |mean: &[f32]| {
            let apart: Vec<f32> = divided.iter().zip(mean).map(|(x, m)| x - m).collect();
            let whole = times(&apart, &apart);
            let (mut sum, mut along) = (0.0, 0.0);
            let directions = self.directions.chunks_exact(size).zip(&self.precisions);
            for (direction, precision) in directions {
                let square = times(direction, &apart).powi(2);
                sum += square;
                along += square / precision;
            }
            sum + (whole - along).max(0.0) * self.rest
        };
        // NaN stays: it is what a clip that is not finite is at.
        let nearest = self.means.chunks_exact(size).map(to_mean);
        let nearest = nearest.reduce(|a, b| if b.is_nan() || b < a { b } else { a });
        (nearest.unwrap_or(f32::NAN) / size as f32).sqrt()
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
            ("deviation".into(), array(&self.deviation)),
            ("means".into(), array(&self.means)),
            ("directions".into(), array(&self.directions)),
            ("precisions".into(), array(&self.precisions)),
            ("rest".into(), array(&[self.rest])),
            ("limit".into(), array(&[self.limit])),
        ])
    }

    /// From named arrays; `None` if they do not fit these numbers.
    pub(crate) fn from_parameters(parameters: &Parameters, range: Range<usize>) -> Option<Self> {
        let size = range.len();
        let values = |name: &str| Some(parameters.get(name)?.values.clone());
        let one = |name: &str| values(name)?.first().copied();
        let familiarity = match parameters.contains_key("whitening") {
            true => {
                Self::from_version_4(values("mean")?, &values("whitening")?, one("limit")?, range)?
            }
            false => Self {
                range,
                deviation: values("deviation")?,
                means: values("means")?,
                directions: values("directions")?,
                precisions: values("precisions")?,
                rest: one("rest")?,
                limit: one("limit")?,
            },
        };
        let f = &familiarity;
        let all = [&f.deviation, &f.means, &f.directions, &f.precisions];
        let sound = size > 0
            && f.deviation.len() == size
            && f.deviation.iter().all(|d| *d > 0.0)
            && !f.means.is_empty()
            && f.means.len().is_multiple_of(size)
            && f.directions.len() == size * f.precisions.len()
            && f.precisions.iter().all(|p| *p > 0.0)
            && f.rest >= 0.0
            && f.rest.is_finite()
            && f.limit > 0.0
            && f.limit.is_finite()
            && all
                .iter()
                .all(|values| values.iter().all(|v| v.is_finite()));
        sound.then_some(familiarity)
    }

    /// Files of version 4 have one mean, and the lower triangle of a matrix whose
    /// rows are the directions.
    fn from_version_4(
        mean: Vec<f32>,
        triangle: &[f32],
        limit: f32,
        range: Range<usize>,
    ) -> Option<Self> {
        let size = range.len();
        let mut directions = vec![0.0; size * size];
        let mut begin = 0;
        for (i, row) in directions.chunks_exact_mut(size.max(1)).enumerate() {
            row[..=i].copy_from_slice(triangle.get(begin..begin + i + 1)?);
            begin += i + 1;
        }
        Some(Self {
            range,
            deviation: vec![1.0; size],
            means: mean,
            directions,
            precisions: vec![1.0; size],
            rest: 0.0,
            limit,
        })
    }
}

/// The standard deviation of each number; a number that hardly changes counts
/// little, and one that never does is divided by 1.
fn deviations<'a>(clips: impl Iterator<Item = &'a [f32]> + Clone, size: usize) -> Vec<f32> {
    let count = clips.clone().count() as f64;
    let mut mean = vec![0.0f64; size];
    for clip in clips.clone() {
        mean.iter_mut()
            .zip(clip)
            .for_each(|(m, v)| *m += f64::from(*v) / count);
    }
    let mut squares = vec![0.0f64; size];
    for clip in clips {
        for ((square, value), mean) in squares.iter_mut().zip(clip).zip(&mean) {
            *square += (f64::from(*value) - mean).powi(2) / count;
        }
    }
    let deviation = |square: &f64| {
        if *square > 1e-12 {
            square.sqrt() as f32
        } else {
            1.0
        }
    };
    squares.iter().map(deviation).collect()
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

    fn fitted(train: &[[f32; 3]]) -> Familiarity {
        let clips = train.iter().map(|clip| (&clip[..], 0));
        Familiarity::fit(clips, 0..3).unwrap()
    }

    #[test]
    fn an_unusual_combination_is_far_even_if_each_functional_is_usual() {
        let train = clips(500, 1);
        let mut familiarity = fitted(&train);
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
        assert!(familiarity.distance(&[f32::NAN, 0.0, 7.0]).is_nan());
    }

    #[test]
    fn a_clip_at_any_labels_mean_is_familiar_and_one_between_two_is_not() {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let mut around = |at: f32| [at, -at].map(|m| m + rng.random_range(-0.5f32..0.5));
        let train: Vec<([f32; 2], usize)> = (0..400)
            .map(|n| (around(if n % 2 == 0 { 5.0 } else { -5.0 }), n % 2))
            .collect();
        let clips = train.iter().map(|(clip, label)| (&clip[..], *label));
        let familiarity = Familiarity::fit(clips, 0..2).unwrap();
        assert!(familiarity.distance(&[5.0, -5.0]) < 0.2);
        assert!(familiarity.distance(&[-5.0, 5.0]) < 0.2);
        assert!(familiarity.distance(&[0.0, 0.0]) > 5.0);
    }

    #[test]
    fn with_all_directions_it_is_the_mahalanobis_distance() {
        // numpy: x = [0.7, 0.1, 7]; the first two columns, c = np.cov(train, bias=True),
        // sqrt((x - m) @ inv(c) @ (x - m) / 3), here by the formula for two numbers.
        let train = clips(300, 5);
        let familiarity = fitted(&train);
        let count = train.len() as f64;
        let mean = |k: usize| train.iter().map(|c| f64::from(c[k])).sum::<f64>() / count;
        let (m0, m1) = (mean(0), mean(1));
        let product = |a: usize, b: usize| {
            let apart = |c: &[f32; 3], k: usize| f64::from(c[k]) - [m0, m1][k];
            train.iter().map(|c| apart(c, a) * apart(c, b)).sum::<f64>() / count
        };
        let (a, b, d) = (product(0, 0), product(0, 1), product(1, 1));
        let (x, y) = (0.7 - m0, 0.1 - m1);
        let square = (d * x * x - 2.0 * b * x * y + a * y * y) / (a * d - b * b);
        let expected = (square / 3.0).sqrt();
        let found = f64::from(familiarity.distance(&[0.7, 0.1, 7.0]));
        assert!((found / expected - 1.0).abs() < 1e-3, "{found} {expected}");
    }
}
