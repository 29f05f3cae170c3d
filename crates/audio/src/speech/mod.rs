//! Speech at one level, and nothing else: what a recogniser should hear.
//!
//! A recogniser that follows the gain of a recording is wrong as soon as somebody
//! turns a knob. This front end removes what a microphone and a sound card add. It
//! is the input of the pretrained speech encoder, whose states mean something else
//! at another level (6 dB cost a third of the accuracy), and the other features can
//! be computed from it too:
//!
//! ```text
//! samples ─ high-pass (20 Hz) ─ mel powers of frames ─ levelled ─ speech only
//!                                    │                   │            │
//!                                    └─ frame levels ── level.rs ── gate.rs
//! ```
//!
//! - A high-pass of first order removes an offset.
//! - A frame is 25 ms, every 10 ms, centred; 40 mel bands from 0 to 8000 Hz on
//!   Slaney's scale, of the power, without a logarithm: what
//!   `librosa.feature.melspectrogram(n_fft=400, hop_length=160, n_mels=40)` gives.
//! - The level of active speech is brought to -30 dB of full scale ([`level`]).
//!   Frames louder than nearly all speech are held down, so a click weighs little.
//! - Frames without speech are left out ([`gate`]). For what follows they do not
//!   exist: silence before, within and after the speech changes nothing.
//!
//! It is causal but for a look-ahead of about .45 s, and what was heard more than
//! a second or two ago no longer counts. A file is read as if it were a stream,
//! so a file and a stream have the same rows to the last bit.

mod gate;
mod level;
mod stream;

use serde::{Deserialize, Serialize};

use crate::error::AudioError;
use crate::mfcc::{FftLength, MelNorm, MelScale, MfccConfig, Span, Zeroth};

pub(crate) use stream::Levelled;
pub use stream::SpeechStream;

/// Mel bands of a frame.
const BANDS: usize = 40;
/// The only rate that these bands are defined for, in Hz.
const SAMPLE_RATE: u32 = 16_000;

/// To which level speech is brought, and what counts as speech.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SpeechLevel {
    /// The level that active speech is brought to, in dB of full scale (a mean
    /// square of 1 is 0 dB), -90 to 0.
    pub level_db: f64,
    /// Frames this many dB below the loud ones no longer count as speech, 10 to 60.
    pub speech_range_db: f64,
}

impl Default for SpeechLevel {
    /// The level that the shipped encoder was trained at.
    fn default() -> Self {
        SpeechLevel {
            level_db: -30.0,
            speech_range_db: 30.0,
        }
    }
}

impl SpeechLevel {
    /// Columns of a row.
    pub const COLUMNS: usize = BANDS;

    /// Checks all settings, for features at `sample_rate` Hz.
    ///
    /// # Errors
    ///
    /// [`AudioError::Settings`] naming the setting, its value and the allowed range.
    pub fn validate(&self, sample_rate: u32) -> Result<(), AudioError> {
        let check = |name: &str, value: f64, low: f64, high: f64| {
            if (low..=high).contains(&value) {
                return Ok(());
            }
            Err(AudioError::settings(format!(
                "the speech level's {name} is {value}, it must be {low} to {high}"
            )))
        };
        check("level_db", self.level_db, -90.0, 0.0)?;
        check("speech_range_db", self.speech_range_db, 10.0, 60.0)?;
        if sample_rate != SAMPLE_RATE {
            return Err(AudioError::settings(format!(
                "sample_rate is {sample_rate} Hz, and features at a speech level need {SAMPLE_RATE} Hz"
            )));
        }
        Ok(())
    }
}

/// The mel bands; `warp` as in [`MfccConfig::warp`].
fn bands(warp: f64) -> MfccConfig {
    MfccConfig {
        window_length: Span::Samples(400),
        hop_length: Span::Samples(160),
        n_fft: FftLength::Samples(400),
        n_mels: BANDS,
        n_mfcc: BANDS,
        mel_scale: MelScale::Slaney,
        mel_norm: MelNorm::Area,
        top_db: None,
        // The frame's power is needed beside its bands.
        zeroth: Zeroth::WindowedEnergy,
        warp,
        ..MfccConfig::librosa()
    }
}
