//! Settings of voice activity detection.

use serde::{Deserialize, Serialize};

use crate::error::AudioError;

/// Thresholds and times of voice activity detection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VadSettings {
    /// Speech begins when the bands exceed their background by this many dB on average.
    pub enter_db: f64,
    /// It lasts until they exceed it by less than this many dB.
    pub leave_db: f64,
    /// Lower levels count as this level, in dB relative to white noise of full scale.
    /// This separates dither and digital silence from sound.
    pub quietest_db: f64,
    /// The background is the lowest level of this many seconds.
    pub memory: f64,
    /// Pauses up to this many seconds are part of a segment (hang-over).
    pub pause: f64,
    /// Segments shorter than this many seconds are dropped.
    pub shortest: f64,
    /// Seconds added on either side of a segment. Segments that then touch are
    /// merged.
    pub padding: f64,
}

impl Default for VadSettings {
    fn default() -> Self {
        VadSettings {
            enter_db: 1.5,
            leave_db: 0.6,
            quietest_db: -75.0,
            memory: 2.0,
            pause: 0.3,
            shortest: 0.1,
            padding: 0.1,
        }
    }
}

impl VadSettings {
    /// The lowest sample rate in Hz; below it there are too few bands to average.
    pub const LOWEST_RATE: u32 = 8_000;

    /// Checks all settings.
    ///
    /// # Errors
    ///
    /// [`AudioError::Settings`] naming the setting, its value and the allowed range.
    pub fn validate(&self) -> Result<(), AudioError> {
        let check = |name: &str, value: f64, low: f64, high: f64| {
            if (low..=high).contains(&value) {
                Ok(())
            } else {
                Err(AudioError::settings(format!(
                    "vad.{name} is {value}, it must be {low} to {high}"
                )))
            }
        };
        check("enter_db", self.enter_db, 0.0, 100.0)?;
        check("leave_db", self.leave_db, 0.0, self.enter_db)?;
        check("quietest_db", self.quietest_db, -200.0, 0.0)?;
        check("memory", self.memory, 0.1, 60.0)?;
        check("pause", self.pause, 0.0, 60.0)?;
        check("shortest", self.shortest, 0.0, 60.0)?;
        check("padding", self.padding, 0.0, 30.0)
    }
}
