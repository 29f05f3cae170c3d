//! Masks over features: SpecAugment.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::error::AudioError;
use crate::frames::Frames;

/// Masks random bands of columns and stretches of frames, so that a model does not
/// rely on any single one ([Park et al. 2019](https://arxiv.org/abs/1904.08779);
/// their time warp, which they found to matter least, is left out).
///
/// ```
/// use audio::{FrameMasks, Frames};
/// let log_mel = Frames::new(vec![1.0; 200 * 80], 80);
/// let masked = FrameMasks::ld().apply(&log_mel, 7)?;
/// assert_eq!((masked.len(), masked.columns()), (200, 80));
/// assert_eq!(masked, FrameMasks::ld().apply(&log_mel, 7)?);
/// # Ok::<(), audio::AudioError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrameMasks {
    /// Number of bands masked.
    pub frequency_masks: usize,
    /// The widest band in columns; the width is drawn uniformly from 0 up. Meant for
    /// columns ordered by frequency, such as log-mel bands.
    pub frequency_width: usize,
    /// Number of stretches masked.
    pub time_masks: usize,
    /// The longest stretch in frames; the length is drawn uniformly from 0 up.
    pub time_width: usize,
    /// The longest stretch as a share of all frames, 0 to 1.
    pub time_share: f64,
    /// The value of masked features.
    pub fill: MaskFill,
}

/// The value of masked features.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MaskFill {
    /// 0, for features whose mean has been subtracted.
    Zero,
    /// The mean of the column over the clip.
    Mean,
}

impl FrameMasks {
    /// The paper's policy LB (LibriSpeech basic), for 80 mel bands every 10
    /// ms: a band of up to 27 and a stretch of up to a second.
    pub const fn lb() -> Self {
        FrameMasks {
            frequency_masks: 1,
            frequency_width: 27,
            time_masks: 1,
            time_width: 100,
            time_share: 1.0,
            fill: MaskFill::Mean,
        }
    }

    /// The paper's policy LD (LibriSpeech double): LB with two masks of each.
    pub const fn ld() -> Self {
        FrameMasks {
            frequency_masks: 2,
            time_masks: 2,
            ..Self::lb()
        }
    }

    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// [`AudioError::Settings`] if `time_share` is not 0 to 1 or there are more than
    /// 1000 masks.
    pub fn validate(&self) -> Result<(), AudioError> {
        if !(0.0..=1.0).contains(&self.time_share) {
            return Err(AudioError::settings(format!(
                "time_share is {}, it must be 0 to 1",
                self.time_share
            )));
        }
        for (name, masks) in [
            ("frequency_masks", self.frequency_masks),
            ("time_masks", self.time_masks),
        ] {
            if masks > 1000 {
                return Err(AudioError::settings(format!(
                    "{name} is {masks}, it must be 0 to 1000"
                )));
            }
        }
        Ok(())
    }

    /// The frames with masks drawn from `seed`, in the same shape.
    ///
    /// # Errors
    ///
    /// As [`validate`](Self::validate).
    pub fn apply(&self, frames: &Frames, seed: u64) -> Result<Frames, AudioError> {
        self.validate()?;
        let (length, columns) = (frames.len(), frames.columns());
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let fill: Vec<f32> = match self.fill {
            MaskFill::Zero => vec![0.0; columns],
            MaskFill::Mean => (0..columns)
                .map(|j| {
                    let sum: f64 = frames.column(j).map(f64::from).sum();
                    (sum / length.max(1) as f64) as f32
                })
                .collect(),
        };
        // Draw all masks before changing anything.
        let mut hidden_columns = vec![false; columns];
        for _ in 0..self.frequency_masks {
            let (from, to) = place(self.frequency_width, columns, &mut rng);
            hidden_columns[from..to].fill(true);
        }
        let mut hidden_frames = vec![false; length];
        let longest = (self.time_share * length as f64).floor() as usize;
        for _ in 0..self.time_masks {
            let (from, to) = place(self.time_width.min(longest), length, &mut rng);
            hidden_frames[from..to].fill(true);
        }
        let mut data = frames.data().to_vec();
        for (row, &hidden) in data.chunks_exact_mut(columns.max(1)).zip(&hidden_frames) {
            for ((value, &fill), &column) in row.iter_mut().zip(&fill).zip(&hidden_columns) {
                if hidden || column {
                    *value = fill;
                }
            }
        }
        Ok(Frames::new(data, columns))
    }
}

/// Start and end of a random run of 0 to `widest` places out of `length`.
fn place(widest: usize, length: usize, rng: &mut ChaCha8Rng) -> (usize, usize) {
    let width = rng.random_range(0..=widest.min(length));
    let start = rng.random_range(0..=length - width);
    (start, start + width)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All values differ.
    fn ramp(length: usize, columns: usize) -> Frames {
        let data = (0..length * columns).map(|i| i as f32 + 1.0).collect();
        Frames::new(data, columns)
    }

    #[test]
    fn whole_columns_and_whole_frames_are_masked_and_nothing_else() {
        let frames = ramp(50, 20);
        let mut widths = Vec::new();
        for seed in 0..200 {
            let masks = FrameMasks {
                frequency_masks: 1,
                frequency_width: 5,
                time_masks: 1,
                time_width: 30,
                time_share: 0.2,
                fill: MaskFill::Zero,
            };
            let masked = masks.apply(&frames, seed).unwrap();
            let gone = |t: usize, j: usize| masked.row(t)[j] == 0.0;
            let columns: Vec<usize> = (0..20).filter(|&j| (0..50).all(|t| gone(t, j))).collect();
            let rows: Vec<usize> = (0..50).filter(|&t| (0..20).all(|j| gone(t, j))).collect();
            for t in 0..50 {
                for j in 0..20 {
                    if rows.contains(&t) || columns.contains(&j) {
                        assert!(gone(t, j));
                    } else {
                        assert_eq!(masked.row(t)[j], frames.row(t)[j]);
                    }
                }
            }
            assert!(columns.len() <= 5 && rows.len() <= 10);
            for run in [&columns, &rows] {
                assert!(run.windows(2).all(|w| w[1] == w[0] + 1), "one run each");
            }
            widths.push((columns.len(), rows.len()));
        }
        for width in 0..=5 {
            assert!(widths.iter().any(|w| w.0 == width), "{width} columns");
        }
        assert!(widths.iter().any(|w| w.1 == 10) && widths.iter().any(|w| w.1 == 0));
    }

    #[test]
    fn masks_are_filled_with_the_mean_of_the_column() {
        let frames = ramp(9, 4);
        let masks = FrameMasks {
            frequency_masks: 0,
            time_share: 0.5,
            ..FrameMasks::lb()
        };
        let mut hidden = 0;
        for seed in 0..20 {
            let masked = masks.apply(&frames, seed).unwrap();
            for t in 0..9 {
                if masked.row(t) != frames.row(t) {
                    assert_eq!(masked.row(t), frames.row(4), "the mean of a ramp");
                    hidden += 1;
                }
            }
        }
        assert!(hidden > 10);
    }

    #[test]
    fn any_shape_works_and_the_seed_decides() {
        for (length, columns) in [(0, 0), (0, 13), (1, 1), (1, 80), (300, 1), (3, 2)] {
            let frames = ramp(length, columns);
            let masked = FrameMasks::ld().apply(&frames, 3).unwrap();
            assert_eq!((masked.len(), masked.columns()), (length, columns));
        }
        let frames = ramp(100, 40);
        let of = |seed| FrameMasks::lb().apply(&frames, seed).unwrap();
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
        let wrong = FrameMasks {
            time_share: 1.5,
            ..FrameMasks::lb()
        };
        assert!(wrong.apply(&frames, 0).is_err());
    }
}
