//! Normalisation of every feature to mean 0 and standard deviation 1.
//!
//! The statistics come from the training speakers only and are stored in the
//! model. Statistics of the test speakers would leak the test into the model.
//!
//! A speaker of whom several clips are known can have statistics of their own
//! (speaker adaptation). An [`Enrolment`] collects clips of one speaker, without
//! labels, and [`Normalisation::adapted`] computes their statistics, as if
//! [`PRIOR_CLIPS`] average training clips were among them. Without any clip the
//! result is the training's normalisation.

use audio::{Features, Frames};
use serde::{Deserialize, Serialize};

use crate::ModelError;

/// The number of average training clips that are mixed into the statistics of an
/// enrolled speaker.
pub const PRIOR_CLIPS: f64 = 3.0;

/// Mean and standard deviation of every column, and of every functional.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normalisation {
    /// Mean number of frames of a training clip.
    pub frames_a_clip: f32,
    /// Statistics of the frames' columns; empty where frames stay as they are.
    pub frames: Statistics,
    /// Statistics of the functionals; empty if the features have none.
    pub functionals: Statistics,
}

/// Mean and standard deviation, column by column.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statistics {
    /// Means.
    pub mean: Vec<f32>,
    /// Standard deviations, never zero.
    pub deviation: Vec<f32>,
}

impl Normalisation {
    /// The statistics of some clips. Every frame has the same weight; for the
    /// functionals every clip has the same weight.
    ///
    /// # Errors
    ///
    /// [`ModelError::Settings`] if there is no clip, or if the clips have different
    /// numbers of features.
    pub fn fit<'a>(clips: impl IntoIterator<Item = &'a Features>) -> Result<Self, ModelError> {
        let clips: Vec<&Features> = clips.into_iter().collect();
        let frames: usize = clips.iter().map(|clip| clip.frames.len()).sum();
        let without_frames = clips.iter().all(|clip| clip.frames.columns() == 0);
        Ok(Self {
            frames_a_clip: frames as f32 / clips.len().max(1) as f32,
            frames: match without_frames && !clips.is_empty() {
                true => Statistics::default(),
                false => Statistics::fit(clips.iter().flat_map(|clip| clip.frames.rows()))?,
            },
            functionals: Statistics::fit(clips.iter().map(|clip| &clip.functionals[..]))?,
        })
    }

    /// The statistics of an enrolled speaker, with [`PRIOR_CLIPS`] average clips of
    /// these statistics mixed in.
    ///
    /// # Errors
    ///
    /// [`ModelError::Settings`] if the numbers of columns or functionals differ.
    pub fn adapted(&self, enrolment: &Enrolment) -> Result<Self, ModelError> {
        if enrolment.is_empty() {
            return Ok(self.clone());
        }
        if !self.frames.mean.is_empty() {
            self.frames
                .check(enrolment.frames.sum.len(), "columns per frame")?;
        }
        self.functionals
            .check(enrolment.functionals.sum.len(), "functionals")?;
        let frames = PRIOR_CLIPS * f64::from(self.frames_a_clip);
        Ok(Self {
            frames_a_clip: self.frames_a_clip,
            frames: self.frames.mixed(frames, &enrolment.frames),
            functionals: self.functionals.mixed(PRIOR_CLIPS, &enrolment.functionals),
        })
    }

    /// Whether the statistics are usable and have these numbers of columns and
    /// functionals.
    pub(crate) fn is_sound(&self, columns: usize, functionals: usize) -> bool {
        self.frames_a_clip.is_finite()
            && self.frames_a_clip >= 0.0
            && (self.frames.is_sound(columns) || self.frames.is_sound(0))
            && self.functionals.is_sound(functionals)
    }

    /// The features minus the mean, divided by the standard deviation.
    ///
    /// # Errors
    ///
    /// [`ModelError::Settings`] if the numbers of columns or functionals differ.
    pub fn apply(&self, features: &Features) -> Result<Features, ModelError> {
        let columns = features.frames.columns();
        if !self.frames.mean.is_empty() {
            self.frames.check(columns, "columns per frame")?;
        }
        self.functionals
            .check(features.functionals.len(), "functionals")?;
        let mut data = features.frames.data().to_vec();
        for row in data.chunks_exact_mut(columns.max(1)) {
            self.frames.apply(row);
        }
        let mut functionals = features.functionals.clone();
        self.functionals.apply(&mut functionals);
        Ok(Features::new(Frames::new(data, columns), functionals))
    }
}

/// What is known of one speaker's voice: sums over clips of that speaker.
///
/// Clips are added one by one and need no labels.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrolment {
    clips: usize,
    frames: Moments,
    functionals: Moments,
}

impl Enrolment {
    /// An enrolment without clips.
    pub fn new() -> Self {
        Self::default()
    }

    /// An enrolment of one clip.
    pub fn of(features: &Features) -> Self {
        let mut enrolment = Self::default();
        enrolment.add(features);
        enrolment
    }

    /// Adds a clip. If it has other columns or functionals than the clips before
    /// it, [`Normalisation::adapted`] refuses the enrolment.
    pub fn add(&mut self, features: &Features) {
        self.clips += 1;
        for row in features.frames.rows() {
            self.frames.add(row);
        }
        self.functionals.add(&features.functionals);
    }

    /// Adds all clips of another enrolment of the same speaker.
    pub fn merge(&mut self, other: &Self) {
        self.clips += other.clips;
        self.frames.merge(&other.frames);
        self.functionals.merge(&other.functionals);
    }

    /// The number of clips.
    pub fn len(&self) -> usize {
        self.clips
    }

    /// Whether there are no clips.
    pub fn is_empty(&self) -> bool {
        self.clips == 0
    }
}

/// Sums over rows, column by column. In 64 bits the difference of squares keeps
/// more digits than the values have.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Moments {
    count: f64,
    sum: Vec<f64>,
    squares: Vec<f64>,
}

impl Moments {
    fn add(&mut self, row: &[f32]) {
        self.sized(row.len());
        self.count += 1.0;
        for ((sum, square), value) in self.sum.iter_mut().zip(&mut self.squares).zip(row) {
            let value = f64::from(*value);
            *sum += value;
            *square += value * value;
        }
    }

    fn merge(&mut self, other: &Self) {
        if other.count == 0.0 {
            return;
        }
        self.sized(other.sum.len());
        self.count += other.count;
        for (to, from) in self.sum.iter_mut().zip(&other.sum) {
            *to += from;
        }
        for (to, from) in self.squares.iter_mut().zip(&other.squares) {
            *to += from;
        }
    }

    fn sized(&mut self, columns: usize) {
        if self.count == 0.0 {
            self.sum = vec![0.0; columns];
            self.squares = vec![0.0; columns];
        } else if self.sum.len() != columns {
            // Sums over rows of different sizes mean nothing. Empty sums fit no
            // normalisation, so the error is found there.
            self.sum.clear();
            self.squares.clear();
        }
    }
}

impl Statistics {
    /// The statistics of the rows in `moments` together with `prior` rows of these
    /// statistics.
    fn mixed(&self, prior: f64, moments: &Moments) -> Self {
        let count = prior + moments.count;
        let columns = self.mean.iter().zip(&self.deviation);
        let sums = moments.sum.iter().zip(&moments.squares);
        let (mean, deviation) = columns
            .zip(sums)
            .map(|((&mean, &deviation), (sum, square))| {
                let (mean, deviation) = (f64::from(mean), f64::from(deviation));
                let mixed = (prior * mean + sum) / count;
                let power = (prior * (mean * mean + deviation * deviation) + square) / count;
                let variance = (power - mixed * mixed).max(0.0);
                // The lower limit keeps the deviation of a column that hardly
                // changes away from zero.
                (mixed as f32, variance.sqrt().max(0.05 * deviation) as f32)
            })
            .unzip();
        Self { mean, deviation }
    }

    fn fit<'a>(rows: impl Iterator<Item = &'a [f32]> + Clone) -> Result<Self, ModelError> {
        let mut count = 0u64;
        let mut sum: Vec<f64> = Vec::new();
        for row in rows.clone() {
            if count == 0 {
                sum = vec![0.0; row.len()];
            } else if row.len() != sum.len() {
                return Err(ModelError::Settings {
                    what: format!(
                        "clips with {} and with {} features cannot be combined",
                        sum.len(),
                        row.len()
                    ),
                });
            }
            count += 1;
            sum.iter_mut()
                .zip(row)
                .for_each(|(sum, value)| *sum += f64::from(*value));
        }
        if count == 0 {
            return Err(ModelError::Settings {
                what: "the normalisation needs at least one clip".into(),
            });
        }
        let mean: Vec<f64> = sum.iter().map(|sum| sum / count as f64).collect();
        // A second pass, because the difference of large squares loses digits.
        let mut squares = vec![0.0; mean.len()];
        for row in rows {
            for ((square, value), mean) in squares.iter_mut().zip(row).zip(&mean) {
                *square += (f64::from(*value) - mean).powi(2);
            }
        }
        let deviation = squares.iter().map(|square| {
            let deviation = (square / count as f64).sqrt() as f32;
            // A column that never changes carries no information and becomes zero.
            if deviation > 1e-6 { deviation } else { 1.0 }
        });
        Ok(Self {
            deviation: deviation.collect(),
            mean: mean.iter().map(|mean| *mean as f32).collect(),
        })
    }

    pub(crate) fn apply(&self, row: &mut [f32]) {
        for ((value, mean), deviation) in row.iter_mut().zip(&self.mean).zip(&self.deviation) {
            *value = (*value - mean) / deviation;
        }
    }

    pub(crate) fn check(&self, found: usize, what: &str) -> Result<(), ModelError> {
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

    /// Whether there are `count` means and deviations, all of them usable.
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
        Features::new(Frames::new(data.to_vec(), 2), functionals.to_vec())
    }

    #[test]
    fn the_clips_it_was_fitted_on_get_mean_0_and_deviation_1() {
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
    fn adaptation_moves_from_the_training_to_the_speaker() {
        let train = [
            clip(&[0.0, 1.0, 2.0, 3.0], &[1.0]),
            clip(&[4.0, 5.0], &[3.0]),
        ];
        let normalisation = Normalisation::fit(&train).unwrap();
        let speaker = clip(&[10.0, 10.0, 12.0, 14.0, 14.0, 12.0], &[20.0]);
        let adapted = |clips: usize| {
            let mut enrolment = Enrolment::new();
            for _ in 0..clips {
                enrolment.merge(&Enrolment::of(&speaker));
            }
            assert_eq!(enrolment.len(), clips);
            normalisation.adapted(&enrolment).unwrap()
        };
        assert_eq!(adapted(0), normalisation);
        // One clip of 3 frames and 3 average ones of 1.5 frames.
        let expected = (4.5 * 2.0 + 36.0) / 7.5;
        assert!((adapted(1).frames.mean[0] - expected).abs() < 1e-5);
        assert!((adapted(1).functionals.mean[0] - (3.0 * 2.0 + 20.0) / 4.0).abs() < 1e-5);
        // With many clips nothing is left of the training.
        let alone = Normalisation::fit([&speaker]).unwrap();
        let many = adapted(100_000);
        for (many, alone) in many.frames.mean.iter().zip(&alone.frames.mean) {
            assert!((many - alone).abs() < 1e-3);
        }
        for (many, alone) in many.frames.deviation.iter().zip(&alone.frames.deviation) {
            assert!((many - alone).abs() < 1e-2);
        }
        let odd = clip(&[1.0, 2.0], &[]);
        assert!(normalisation.adapted(&Enrolment::of(&odd)).is_err());
        for mixed in [[&speaker, &odd], [&odd, &speaker]] {
            let mut enrolment = Enrolment::new();
            mixed.into_iter().for_each(|clip| enrolment.add(clip));
            enrolment.add(&speaker);
            assert!(normalisation.adapted(&enrolment).is_err());
        }
    }

    #[test]
    fn other_features_are_refused() {
        let normalisation = Normalisation::fit(&[clip(&[1.0, 2.0], &[1.0])]).unwrap();
        assert!(normalisation.apply(&clip(&[1.0, 2.0], &[])).is_err());
        assert!(Normalisation::fit(&[]).is_err());
    }
}
