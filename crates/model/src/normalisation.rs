//! Bringing every feature to mean 0 and deviation 1.
//!
//! The statistics come from the training speakers alone and travel inside the
//! model: a model that saw the test speakers' statistics has seen the test.

use audio::{Features, Frames};
use serde::{Deserialize, Serialize};

use crate::ModelError;

/// Mean and standard deviation of every column, and of every functional.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normalisation {
    /// Of the frames' columns.
    pub frames: Statistics,
    /// Of the functionals; empty where the features have none.
    pub functionals: Statistics,
}

/// Mean and standard deviation, column by column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statistics {
    /// Means.
    pub mean: Vec<f32>,
    /// Standard deviations, never zero.
    pub deviation: Vec<f32>,
}

impl Normalisation {
    /// The statistics of some clips: every frame counts alike, and every clip
    /// counts alike for the functionals.
    ///
    /// # Errors
    ///
    /// [`ModelError::Settings`] where there is no clip or the clips' features differ in number.
    pub fn fit<'a>(clips: impl IntoIterator<Item = &'a Features>) -> Result<Self, ModelError> {
        let clips: Vec<&Features> = clips.into_iter().collect();
        Ok(Self {
            frames: Statistics::fit(clips.iter().flat_map(|clip| clip.frames.rows()))?,
            functionals: Statistics::fit(clips.iter().map(|clip| &clip.functionals[..]))?,
        })
    }

    /// The features less the mean, over the deviation.
    ///
    /// # Errors
    ///
    /// [`ModelError::Settings`] where the numbers of columns differ.
    pub fn apply(&self, features: &Features) -> Result<Features, ModelError> {
        let columns = features.frames.columns();
        self.frames.check(columns, "columns a frame")?;
        self.functionals
            .check(features.functionals.len(), "functionals")?;
        let mut data = features.frames.data().to_vec();
        for row in data.chunks_exact_mut(columns.max(1)) {
            self.frames.apply(row);
        }
        let mut functionals = features.functionals.clone();
        self.functionals.apply(&mut functionals);
        Ok(Features {
            frames: Frames::new(data, columns),
            functionals,
        })
    }
}

impl Statistics {
    fn fit<'a>(rows: impl Iterator<Item = &'a [f32]> + Clone) -> Result<Self, ModelError> {
        let mut count = 0u64;
        let mut sum: Vec<f64> = Vec::new();
        for row in rows.clone() {
            if count == 0 {
                sum = vec![0.0; row.len()];
            } else if row.len() != sum.len() {
                return Err(ModelError::Settings {
                    what: format!("clips of {} and {} features together", sum.len(), row.len()),
                });
            }
            count += 1;
            sum.iter_mut()
                .zip(row)
                .for_each(|(sum, value)| *sum += f64::from(*value));
        }
        if count == 0 {
            return Err(ModelError::Settings {
                what: "no clip to take the normalisation from".into(),
            });
        }
        let mean: Vec<f64> = sum.iter().map(|sum| sum / count as f64).collect();
        // In a second pass, because the difference of large squares loses digits.
        let mut squares = vec![0.0; mean.len()];
        for row in rows {
            for ((square, value), mean) in squares.iter_mut().zip(row).zip(&mean) {
                *square += (f64::from(*value) - mean).powi(2);
            }
        }
        let deviation = squares.iter().map(|square| {
            let deviation = (square / count as f64).sqrt() as f32;
            // A column that never changes says nothing: leave it at zero.
            if deviation > 1e-6 { deviation } else { 1.0 }
        });
        Ok(Self {
            deviation: deviation.collect(),
            mean: mean.iter().map(|mean| *mean as f32).collect(),
        })
    }

    fn apply(&self, row: &mut [f32]) {
        for ((value, mean), deviation) in row.iter_mut().zip(&self.mean).zip(&self.deviation) {
            *value = (*value - mean) / deviation;
        }
    }

    fn check(&self, found: usize, what: &str) -> Result<(), ModelError> {
        if found == self.mean.len() {
            return Ok(());
        }
        Err(ModelError::Settings {
            what: format!(
                "{found} {what}, but the normalisation has {}",
                self.mean.len()
            ),
        })
    }

    /// Whether there are as many deviations as means, `count` of each, all usable.
    pub(crate) fn is_sound(&self, count: usize) -> bool {
        self.mean.len() == count
            && self.deviation.len() == count
            && self.mean.iter().all(|mean| mean.is_finite())
            && self.deviation.iter().all(|d| d.is_finite() && *d > 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clip(data: &[f32], functionals: &[f32]) -> Features {
        Features {
            frames: Frames::new(data.to_vec(), 2),
            functionals: functionals.to_vec(),
        }
    }

    #[test]
    fn what_it_was_fitted_on_comes_out_with_mean_0_and_deviation_1() {
        let clips = [
            clip(&[1.0, 7.0, 2.0, 7.0, 6.0, 7.0], &[10.0]),
            clip(&[-3.0, 7.0], &[30.0]),
        ];
        let normalisation = Normalisation::fit(&clips).unwrap();
        let normalised: Vec<Features> = clips
            .iter()
            .map(|clip| normalisation.apply(clip).unwrap())
            .collect();
        let column: Vec<f32> = normalised
            .iter()
            .flat_map(|clip| clip.frames.rows().map(|row| row[0]).collect::<Vec<_>>())
            .collect();
        let mean = column.iter().sum::<f32>() / 4.0;
        let square = column.iter().map(|value| value * value).sum::<f32>() / 4.0;
        assert!(mean.abs() < 1e-6 && (square - 1.0).abs() < 1e-6);
        // A constant column becomes zero, not a division by zero.
        assert!(
            normalised
                .iter()
                .all(|c| c.frames.rows().all(|row| row[1] == 0.0))
        );
        assert_eq!(normalised[0].functionals, [-1.0]);
    }

    #[test]
    fn other_features_are_refused() {
        let normalisation = Normalisation::fit(&[clip(&[1.0, 2.0], &[1.0])]).unwrap();
        assert!(normalisation.apply(&clip(&[1.0, 2.0], &[])).is_err());
        assert!(Normalisation::fit(&[]).is_err());
    }
}
