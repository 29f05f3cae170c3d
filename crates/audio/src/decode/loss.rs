//! Sound that could not be decoded, counted.

/// The part of a file's sound that could not be read: damaged packets, bytes that
/// belong to no packet, an end that is missing.
///
/// What is lost within a file is silent in the samples, so that all the rest stays
/// at its time. What is missing at the end is not in the samples.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Loss {
    /// Seconds; an estimate where only bytes are known.
    pub seconds: f64,
    /// Places at which something is lost.
    pub places: u64,
    /// Where the first one begins, in seconds.
    pub first_at: f64,
    /// Of these seconds, those that are missing at the end, after the last sample.
    pub missing_at_end: f64,
}

impl Loss {
    /// Whether all was read.
    pub fn is_none(&self) -> bool {
        self.places == 0
    }

    /// Adds a loss of `seconds` at `at`; `follows`: it continues the one before.
    pub(super) fn add(&mut self, seconds: f64, at: f64, follows: bool) {
        if self.places == 0 {
            self.first_at = at;
        }
        self.seconds += seconds;
        self.places += u64::from(!follows || self.places == 0);
    }

    /// In words, for a recording of so many seconds.
    pub(crate) fn text(&self, seconds: f64) -> String {
        let whole = seconds + self.missing_at_end;
        let place = match self.places {
            1 if self.missing_at_end > 0.0 => format!("all from {:.2} s on", self.first_at),
            1 => format!("at {:.2} s", self.first_at),
            places => format!("at {places} places, the first at {:.2} s", self.first_at),
        };
        format!(
            "{:.3} s of {whole:.2} s cannot be read ({place})",
            self.seconds
        )
    }
}
