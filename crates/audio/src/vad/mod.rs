//! Voice activity detection: when somebody speaks.
//!
//! Every 10 ms, the level in each of 20 mel bands from 100 to 7500 Hz is compared
//! with the background of that band, its lowest level of the last two seconds. The
//! mean over the bands of how far they exceed their background, in dB, is the
//! frame's [`prominence`](VadFrame::prominence). Speech begins when it rises above
//! one threshold and lasts until it falls below a lower one. A steady sound of any
//! spectrum is background, such as a fan or mains hum, and so is silence.
//!
//! The background is tracked as in minimum statistics
//! ([Martin 2001](https://doi.org/10.1109/89.928915)). Of the detectors tried (the
//! overall level, the level by band, and the likelihood ratio of
//! [Sohn 1999](https://doi.org/10.1109/97.736233)), this one was best in noise.
//!
//! # Limitations
//!
//! - It detects what exceeds a steady background, not words: music, a door or another
//!   voice are activity too.
//! - Sound that starts with the first frame is taken for background until its first
//!   pause (about 50 ms between syllables are enough).
//! - A background that suddenly gets louder is activity for
//!   [`memory`](VadSettings::memory) seconds.
//! - Levels are smoothed: a loud sound is detected from its first or second frame until
//!   about 0.1 s after its end.
//! - It needs a sample rate of at least 8 kHz.
//!
//! # Accuracy
//!
//! Measured on 129 recordings of RAVDESS (20 actors), clean and with added noise at
//! several signal-to-noise ratios. Frames are compared with the level of the clean
//! recording: speech is what lies at most 35 dB below the loudest frame, with gaps
//! under 0.2 s filled. `pause` is 0.15 s and `padding` 0. None of the recordings were
//! used to choose the settings.
//!
//! | | speech missed | false alarms | frames wrong |
//! |---|---|---|---|
//! | clean | 2.5 % | 11.6 % | 7.1 % |
//! | white noise, 20 dB | 4.3 % | 3.0 % | 3.6 % |
//! | white noise, 10 dB | 7.7 % | 0.9 % | 4.2 % |
//! | white noise, 5 dB | 10.3 % | 0.4 % | 5.3 % |
//! | pink noise, 20 dB | 3.8 % | 2.8 % | 3.3 % |
//! | pink noise, 10 dB | 7.5 % | 0.6 % | 4.0 % |
//! | pink noise, 5 dB | 11.0 % | 0.2 % | 5.5 % |
//!
//! The false alarms on clean recordings come from their digital silence, which every
//! sound exceeds: 58 % of them are speech that fades below 35 dB, 24 % come right
//! before speech, 12 % between two stretches of it, and 6 % stand alone, mostly
//! breath. With speech defined as up to 45 dB below the loudest frame, there are 5.4 %
//! false alarms instead of 11.6 %.
//!
//! `RAVDESS_DIR=... cargo test -p audio --test integration vad:: -- --nocapture`
//! measures all of this.

mod detector;
mod segments;
mod settings;
mod stream;

pub use detector::VadFrame;
pub use segments::Segment;
pub use settings::VadSettings;
pub use stream::{VadStream, cut_speech, speech_segments, vad_frames};
