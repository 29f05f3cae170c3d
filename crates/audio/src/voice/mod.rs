//! Measures of a voice besides its timbre: pitch, voicing, loudness, steadiness, speed.
//!
//! | | measure | unit | equals in Praat |
//! |---|---|---|---|
//! | [`Pitch`] | fundamental frequency and voicing strength | Hz; 0 to 1 | `To Pitch (ac)` |
//! | [`PitchStream`] | the same as sound arrives | | |
//! | [`Harmonicity`] | harmonics-to-noise ratio | dB | `To Harmonicity (ac)` |
//! | [`Intensity`] | sound pressure level | dB re 2e-5 | `To Intensity` |
//! | [`Pulses`] | glottal pulses; jitter, shimmer | s; shares | `To PointProcess (cc)`, `Get jitter`, `Get shimmer` |
//! | [`SpeakingRate`] | syllable nuclei | 1/s | de Jong and Wempe's script |
//!
//! Each is written from its publication or manual page, named at the top of its
//! file, and compared with Praat through parselmouth (`scripts/voice_fixtures.py`,
//! `tests/voice.rs`). Frames are centred on their times; the first and the last lie
//! entirely within the recording.

mod candidates;
pub(crate) mod grid;
mod harmonicity;
mod intensity;
mod path;
mod perturbation;
mod pitch;
mod pulses;
mod sinc;
mod speaking_rate;
mod stream;

pub use candidates::{PitchCandidate, PitchWindow};
pub use harmonicity::{Harmonicity, HarmonicityConfig, HarmonicityTrack, harmonics_to_noise};
pub use intensity::{Intensity, IntensityConfig, IntensityTrack};
pub use path::PitchFrame;
pub use perturbation::PerturbationConfig;
pub use pitch::{Pitch, PitchConfig, PitchTrack};
pub use pulses::Pulses;
pub use speaking_rate::{SpeakingRate, SpeakingRateConfig, Syllables};
pub use stream::PitchStream;
