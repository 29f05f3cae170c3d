//! Settings of prosody, and the names of its columns and functionals.

use serde::{Deserialize, Serialize};

use crate::error::AudioError;
use crate::voice::PitchConfig;

/// Names of the columns.
pub(super) const COLUMNS: [&str; 6] = [
    "prosody_log_f0",
    "prosody_log_f0_relative",
    "prosody_voiced",
    "prosody_strength",
    "prosody_level",
    "prosody_level_relative",
];

/// Names of the functionals, without the prefix `prosody_`.
pub(super) const FUNCTIONALS: [&str; 29] = [
    "log_f0_mean",
    "log_f0_deviation",
    "log_f0_p5",
    "log_f0_p50",
    "log_f0_p95",
    "log_f0_range",
    "log_f0_mean_abs_slope",
    "log_f0_rising_slope",
    "log_f0_falling_slope",
    "log_f0_trend",
    "level_mean",
    "level_deviation",
    "level_p5",
    "level_p50",
    "level_p95",
    "level_range",
    "level_mean_abs_slope",
    "level_rising_slope",
    "level_falling_slope",
    "level_trend",
    "level_voiced_mean",
    "voiced_share",
    "strength_mean",
    "strength_deviation",
    "stretches_per_second",
    "stretch_mean",
    "stretch_longest",
    "gap_mean",
    "syllables_per_second",
];

/// Settings of prosody: six columns, and functionals of its own.
///
/// | column | what |
/// |---|---|
/// | `prosody_log_f0` | natural logarithm of F0 in Hz; interpolated linearly between voiced rows, constant before the first and after the last |
/// | `prosody_log_f0_relative` | the same minus its mean over voiced rows; 0 if unvoiced |
/// | `prosody_voiced` | 1 or 0 |
/// | `prosody_strength` | the autocorrelation at the period, 0 to 1; 0 if unvoiced |
/// | `prosody_level` | mean square of the samples in the row's frames in dB of full scale, at least -100 |
/// | `prosody_level_relative` | the same minus that of the loudest row, at least [`floor_db`](Self::floor_db) |
///
/// F0, voicing and strength are those of the nearest frame of
/// [`Pitch::track`](crate::Pitch::track). If no row is voiced, `prosody_log_f0` is
/// that of the geometric middle of the pitch range.
///
/// The functionals (`prosody_log_f0_mean` ...) are statistics over rows. For log F0
/// over voiced rows, and for the level over all rows:
///
/// | functional | what |
/// |---|---|
/// | `mean`, `deviation`, `p5`, `p50`, `p95` | as for any column |
/// | `range` | `p95` minus `p5` |
/// | `mean_abs_slope`, `rising_slope`, `falling_slope` | mean change per second between neighbouring rows: of its absolute value, of rises only, of falls only; for F0 between voiced rows |
/// | `trend` | slope per second of the least-squares line |
///
/// and
///
/// | functional | what |
/// |---|---|
/// | `level_voiced_mean` | mean level of voiced rows in dB; of all rows if none is voiced |
/// | `voiced_share` | share of the rows that are voiced |
/// | `strength_mean`, `strength_deviation` | over voiced rows |
/// | `stretches_per_second` | voiced stretches (runs of voiced rows) per second |
/// | `stretch_mean`, `stretch_longest` | mean and greatest length of the voiced stretches in seconds |
/// | `gap_mean` | mean length of the gaps between them in seconds |
/// | `syllables_per_second` | [`Syllables::speech_rate`](crate::Syllables::speech_rate), at its default settings |
///
/// A statistic over no values is 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProsodyConfig {
    /// The settings of the pitch analysis.
    pub pitch: PitchConfig,
    /// The least value of `prosody_level_relative` in dB, below 0.
    pub floor_db: f64,
}

impl Default for ProsodyConfig {
    /// Praat's pitch settings; 50 dB below the loudest row.
    fn default() -> Self {
        ProsodyConfig {
            pitch: PitchConfig::default(),
            floor_db: -50.0,
        }
    }
}

impl ProsodyConfig {
    pub(super) fn validate(&self) -> Result<(), AudioError> {
        if (-300.0..0.0).contains(&self.floor_db) {
            Ok(())
        } else {
            Err(AudioError::settings(format!(
                "floor_db is {}, it must be at least -300 and below 0",
                self.floor_db
            )))
        }
    }
}
