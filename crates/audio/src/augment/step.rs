//! What can be done to a recording, as settings.

use serde::{Deserialize, Serialize};

use super::noise::Colour;
use crate::recording::SAMPLE_RATES;
use crate::resample::SPEEDS;

/// One way to change a recording. Settings in pairs are ranges, `[low, high]`: each
/// use draws a value from them uniformly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Augmentation {
    /// Adds noise. The ratio is that of the mean powers over the whole recording,
    /// including pauses. A silent recording stays silent.
    Noise {
        /// Its spectrum.
        colour: Colour,
        /// Signal to noise in dB, -60 to 120.
        snr_db: [f64; 2],
    },
    /// Adds a part of one of the augmenter's backgrounds, resampled to the rate of
    /// the recording. It starts at a random place and is repeated if it is shorter
    /// than the recording. The ratio is defined as in `Noise`.
    Background {
        /// Signal to background in dB, -60 to 120.
        snr_db: [f64; 2],
    },
    /// Makes the recording louder or softer.
    Gain {
        /// Gain in dB, -120 to 60.
        db: [f64; 2],
        /// Whether to clip at ±1, like an overdriven microphone.
        #[serde(default)]
        clip: bool,
    },
    /// Makes the recording faster or slower, pitch and tempo together, by
    /// [`change_speed`](crate::change_speed). The length changes.
    Speed {
        /// Factor, 0.25 to 4; 0.9 to 1.1 is usual.
        factor: [f64; 2],
    },
    /// Makes the recording higher or lower at the same tempo and length. Formants
    /// move with the pitch, so a large shift sounds like another speaker.
    Pitch {
        /// Semitones, -24 to 24.
        semitones: [f64; 2],
    },
    /// Makes the recording faster or slower at the same pitch. The length changes.
    Tempo {
        /// Factor, 0.25 to 4: at 2 the recording is half as long.
        factor: [f64; 2],
    },
    /// Adds the reverberation of a room: convolves the recording with an impulse
    /// response of a direct sound and exponentially decaying noise. Length and mean
    /// power stay the same; reverberation beyond the end is cut off.
    Reverb {
        /// Time in which the reverberation decays by 60 dB, in seconds, 0.01
        /// to 10.
        rt60: [f64; 2],
        /// Energy of the direct sound over that of the reverberation in dB,
        /// -60 to 60.
        direct_db: [f64; 2],
    },
    /// Butterworth high-pass filter. Cut-offs at or above half the sample rate are
    /// treated as 0.49 of it.
    HighPass {
        /// Frequency at which it attenuates by 3 dB, in Hz.
        hertz: [f64; 2],
        /// Steepness, 6 dB per octave for each order: 2, 4, 6 or 8.
        order: usize,
    },
    /// Butterworth low-pass filter. Cut-offs at or above half the sample rate change
    /// nothing.
    LowPass {
        /// Frequency at which it attenuates by 3 dB, in Hz.
        hertz: [f64; 2],
        /// Steepness, 6 dB per octave for each order: 2, 4, 6 or 8.
        order: usize,
    },
    /// Mu-law coding in 8 bits and back (ITU-T G.711). Clips at ±1.
    MuLaw,
    /// Rounds to fewer bits. Clips at ±1.
    Bits {
        /// Bits per sample, 2 to 24.
        bits: [u32; 2],
        /// Whether to add triangular dither, two steps wide, before rounding. It
        /// turns distortion into steady noise.
        dither: bool,
    },
    /// A telephone line: 300 to 3400 Hz (Butterworth filters of order 8), resampled
    /// to 8 kHz, coded in mu-law, and back. Clips at ±1. A recording below 8 kHz is
    /// not resampled.
    Telephone,
    /// Keeps a random excerpt. A shorter recording is kept whole.
    Crop {
        /// Its length in seconds, above 0.
        seconds: [f64; 2],
    },
}

/// An augmentation and how often it is used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The share of recordings it is applied to, 0 to 1.
    pub probability: f64,
    /// What it does.
    pub augmentation: Augmentation,
}

impl Step {
    pub(super) fn validate(&self) -> Result<(), String> {
        let bounds = |name: &str, [low, high]: [f64; 2], from: f64, to: f64| {
            // Written so that NaN fails.
            if low >= from && low <= high && high <= to {
                Ok(())
            } else {
                Err(format!(
                    "{name} is [{low}, {high}], it must be a rising range within {from} to {to}"
                ))
            }
        };
        if !(0.0..=1.0).contains(&self.probability) {
            return Err(format!(
                "probability is {}, it must be 0 to 1",
                self.probability
            ));
        }
        match &self.augmentation {
            Augmentation::Noise { snr_db, .. } | Augmentation::Background { snr_db } => {
                bounds("snr_db", *snr_db, -60.0, 120.0)
            }
            Augmentation::Gain { db, .. } => bounds("db", *db, -120.0, 60.0),
            Augmentation::Speed { factor } | Augmentation::Tempo { factor } => {
                bounds("factor", *factor, *SPEEDS.start(), *SPEEDS.end())
            }
            Augmentation::Pitch { semitones } => bounds("semitones", *semitones, -24.0, 24.0),
            Augmentation::Reverb { rt60, direct_db } => {
                bounds("rt60", *rt60, 0.01, 10.0)?;
                bounds("direct_db", *direct_db, -60.0, 60.0)
            }
            Augmentation::HighPass { hertz, order } | Augmentation::LowPass { hertz, order } => {
                if ![2, 4, 6, 8].contains(order) {
                    return Err(format!("order is {order}, it must be 2, 4, 6 or 8"));
                }
                bounds("hertz", *hertz, 1.0, f64::from(*SAMPLE_RATES.end()))
            }
            Augmentation::Bits { bits, .. } => {
                let [low, high] = bits.map(f64::from);
                bounds("bits", [low, high], 2.0, 24.0)
            }
            Augmentation::Crop { seconds } => bounds("seconds", *seconds, 0.001, 1e6),
            Augmentation::MuLaw | Augmentation::Telephone => Ok(()),
        }
    }
}
