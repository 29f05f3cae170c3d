//! Voice activity: when somebody speaks.
//!
//! Every 10 ms, the level in each of 20 mel bands from 100 to 7500 Hz is
//! compared with that band's own background, the lowest level of the last two
//! seconds. The mean over the bands of how far they stand out, in dB, is the
//! frame's [`prominence`](VadFrame::prominence); speech begins where it rises
//! above one threshold and lasts until it falls below a lower one. A steady
//! sound of any colour is background, be it a fan or hum, and so is
//! silence, digital or not.
//!
//! The background is tracked as in minimum statistics
//! ([Martin 2001](https://doi.org/10.1109/89.928915)); of the detectors tried
//! (level over the whole band, the same band by band, and the likelihood
//! ratio of [Sohn 1999](https://doi.org/10.1109/97.736233)), this one was best in noise.
//!
//! # What to know
//!
//! - It hears what stands out from a steady background, not words: music, a
//!   door, another voice are activity too.
//! - Sound that is there from the very first frame is taken for background
//!   until its first pause (some 50 ms between syllables will do).
//! - A background that gets louder all at once is activity for
//!   [`memory`](VadSettings::memory) seconds.
//! - Levels are smoothed: a loud sound is heard from its first or second frame
//!   on, and until about 0.1 s after its end.
//! - It wants at least 8 kHz.
//!
//! # How well
//!
//! 129 recordings of RAVDESS (20 actors), by themselves and with noise added at a ratio of
//! speech to noise, frame by frame against the level of the clean recording
//! (no more than 35 dB below its loudest frame, gaps under 0.2 s filled), with
//! `pause` at 0.15 s and no padding. None of the recordings were used to
//! choose the settings.
//!
//! | | speech missed | false alarms | frames wrong |
//! |---|---|---|---|
//! | as it is | 2.5 % | 11.6 % | 7.1 % |
//! | white noise, 20 dB | 4.3 % | 3.0 % | 3.6 % |
//! | white noise, 10 dB | 7.7 % | 0.9 % | 4.2 % |
//! | white noise, 5 dB | 10.3 % | 0.4 % | 5.3 % |
//! | pink noise, 20 dB | 3.8 % | 2.8 % | 3.3 % |
//! | pink noise, 10 dB | 7.5 % | 0.6 % | 4.0 % |
//! | pink noise, 5 dB | 11.0 % | 0.2 % | 5.5 % |
//!
//! The false alarms on recordings as they are come from their digital silence,
//! against which everything stands out: 58 % of them are speech that fades away
//! below 35 dB, 24 % come right before speech, 12 % between two stretches of it;
//! 6 % stand by themselves, breath for the most part. Against a reference that
//! calls speech what is up to 45 dB below the loudest, they are 5.4 % instead
//! of 11.6 %.
//!
//! `RAVDESS_DIR=... cargo test -p audio --test vad real -- --nocapture`
//! measures all of this.

mod detector;
mod segments;

use serde::{Deserialize, Serialize};

use crate::error::AudioError;
use crate::recording::Recording;
use crate::resample::SAMPLE_RATES;
use detector::Detector;
use segments::Segmenter;

/// When somebody speaks: thresholds and times.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VadSettings {
    /// Speech begins where the bands stand out by this many dB on average.
    pub enter_db: f64,
    /// It lasts until they stand out by less than this many dB.
    pub leave_db: f64,
    /// Levels below this are all the same silence, in dB relative to white
    /// noise of full scale: keeps dither and digital silence apart from sound.
    pub quietest_db: f64,
    /// Seconds over which the lowest level is the background.
    pub memory: f64,
    /// Pauses up to this many seconds are part of a segment (the hang-over).
    pub pause: f64,
    /// Segments shorter than this many seconds are none.
    pub shortest: f64,
    /// Seconds added on either side of a segment. Segments that would then
    /// touch are one.
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
    /// Below this rate in Hz there are too few bands to average over.
    pub const LOWEST_RATE: u32 = 8_000;

    /// Checks all settings.
    ///
    /// # Errors
    ///
    /// [`AudioError::Settings`] naming the setting, its value and its bounds.
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

/// A stretch of speech, in seconds from the start of the recording.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// Where it begins.
    pub start: f64,
    /// Where it ends.
    pub end: f64,
}

impl Segment {
    /// Length in seconds.
    pub fn duration(&self) -> f64 {
        self.end - self.start
    }

    /// The part of `recording` that the segment is.
    pub fn of(&self, recording: &Recording) -> Recording {
        let at = |seconds: f64| {
            let sample = (seconds * f64::from(recording.sample_rate)).round();
            (sample as usize).min(recording.samples.len())
        };
        let start = at(self.start);
        Recording {
            samples: recording.samples[start..at(self.end).max(start)].to_vec(),
            sample_rate: recording.sample_rate,
        }
    }
}

/// What was heard in one frame.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct VadFrame {
    /// The middle of the frame, in seconds from the start.
    pub time: f64,
    /// How far the bands stand out from their background, on average, in dB.
    pub prominence: f32,
    /// Whether it is speech (without minimum length, pauses and padding).
    pub speech: bool,
}

/// Voice activity of samples that come in chunks of any size.
///
/// The frames and segments are those of [`vad_frames`] and
/// [`speech_segments`] on all samples together, which use this stream. A frame
/// comes with its last sample. A segment is known to have begun with its first
/// frame ([`speaking_since`](Self::speaking_since)), and to have ended when a
/// pause is longer than [`VadSettings::pause`] and twice
/// [`VadSettings::padding`]. Memory is bounded, and nothing is allocated after
/// `new`.
///
/// ```
/// use audio::{VadSettings, VadStream};
/// let mut stream = VadStream::new(&VadSettings::default(), 16_000)?;
/// let mut segments = Vec::new();
/// for chunk in [0.0; 16_000].chunks(480) {
///     stream.push(chunk, |segment| segments.push(segment));
/// }
/// stream.finish(|segment| segments.push(segment));
/// assert!(segments.is_empty()); // nobody spoke
/// # Ok::<(), audio::AudioError>(())
/// ```
#[derive(Debug)]
pub struct VadStream {
    detector: Detector,
    segmenter: Segmenter,
}

impl VadStream {
    /// Prepares for samples at `sample_rate` Hz.
    ///
    /// # Errors
    ///
    /// As [`VadSettings::validate`]; [`AudioError::Settings`] for a sample
    /// rate below 8 kHz or above [`SAMPLE_RATES`](crate::SAMPLE_RATES).
    pub fn new(settings: &VadSettings, sample_rate: u32) -> Result<Self, AudioError> {
        settings.validate()?;
        if !(VadSettings::LOWEST_RATE..=*SAMPLE_RATES.end()).contains(&sample_rate) {
            return Err(AudioError::settings(format!(
                "voice activity is found at {} to {} Hz, not at {sample_rate} Hz: \
                 resample first",
                VadSettings::LOWEST_RATE,
                SAMPLE_RATES.end()
            )));
        }
        Ok(VadStream {
            detector: Detector::new(settings, sample_rate)?,
            segmenter: Segmenter::new(settings),
        })
    }

    /// Takes the next samples, none or many, and calls `each` with every
    /// segment that they complete.
    pub fn push(&mut self, samples: &[f32], mut each: impl FnMut(Segment)) {
        self.push_frames(samples, |_, segment| {
            segment.into_iter().for_each(&mut each)
        });
    }

    /// The same, and calls `each` with every frame, and with the segment that
    /// the frame completes, if it does.
    pub fn push_frames(
        &mut self,
        samples: &[f32],
        mut each: impl FnMut(VadFrame, Option<Segment>),
    ) {
        let segmenter = &mut self.segmenter;
        let (from, to) = self.detector.edges();
        self.detector.push(samples, |frame| {
            each(
                frame,
                segmenter.push(frame.time + from, frame.time + to, frame.speech),
            );
        });
    }

    /// Ends the signal: calls `each` with the segment that lasts to its end,
    /// if there is one. The stream is then ready for another signal.
    pub fn finish(&mut self, each: impl FnMut(Segment)) {
        let duration = self.detector.seconds();
        self.segmenter.finish(duration).into_iter().for_each(each);
        self.reset();
    }

    /// Forgets the signal so far; the next sample is the first of another.
    pub fn reset(&mut self) {
        self.detector.reset();
        self.segmenter.reset();
    }

    /// Where the segment began that is not complete yet, if somebody speaks or
    /// has just stopped, and it is long enough to be a segment.
    pub fn speaking_since(&self) -> Option<f64> {
        self.segmenter.speaking_since()
    }
}

/// What is heard in `recording`, every 10 ms.
///
/// # Errors
///
/// As [`VadStream::new`].
pub fn vad_frames(
    recording: &Recording,
    settings: &VadSettings,
) -> Result<Vec<VadFrame>, AudioError> {
    let mut stream = VadStream::new(settings, recording.sample_rate)?;
    let mut frames = Vec::new();
    stream.push_frames(&recording.samples, |frame, _| frames.push(frame));
    Ok(frames)
}

/// Where somebody speaks in `recording`, in order and apart.
///
/// # Errors
///
/// As [`VadStream::new`].
///
/// ```
/// use audio::{Recording, VadSettings, speech_segments};
/// // Half a second of a buzz, half a second into two seconds of silence.
/// let buzz = |n: usize| (1..30).map(|k| (n as f32 * 0.05 * k as f32).sin()).sum::<f32>() * 0.02;
/// let samples = (0..32_000).map(|n| if n / 8_000 == 1 { buzz(n) } else { 0.0 }).collect();
/// let recording = Recording::from_samples(samples, 16_000)?;
///
/// let segments = speech_segments(&recording, &VadSettings::default())?;
/// assert_eq!(segments.len(), 1);
/// assert!((segments[0].start - 0.4).abs() < 0.05); // with 0.1 s of padding
/// assert!((segments[0].end - 1.15).abs() < 0.06);
/// # Ok::<(), audio::AudioError>(())
/// ```
pub fn speech_segments(
    recording: &Recording,
    settings: &VadSettings,
) -> Result<Vec<Segment>, AudioError> {
    let mut stream = VadStream::new(settings, recording.sample_rate)?;
    let mut segments = Vec::new();
    stream.push(&recording.samples, |segment| segments.push(segment));
    stream.finish(|segment| segments.push(segment));
    Ok(segments)
}

/// The speech of a long recording, cut into pieces of at most `longest`
/// seconds. A segment that is longer is cut where it is quietest (where its
/// frames stand out least), in the second half of what a piece may be.
///
/// # Errors
///
/// As [`VadStream::new`]; [`AudioError::Settings`] where `longest` is below
/// 0.1 s.
pub fn cut_speech(
    recording: &Recording,
    settings: &VadSettings,
    longest: f64,
) -> Result<Vec<Segment>, AudioError> {
    if longest.is_nan() || longest < 0.1 {
        return Err(AudioError::settings(format!(
            "pieces of at most {longest} s are too short, it must be 0.1 s or more"
        )));
    }
    let mut stream = VadStream::new(settings, recording.sample_rate)?;
    let (mut frames, mut segments) = (Vec::new(), Vec::new());
    stream.push_frames(&recording.samples, |frame, segment| {
        frames.push(frame);
        segments.extend(segment);
    });
    stream.finish(|segment| segments.push(segment));
    let mut pieces = Vec::new();
    for segment in segments {
        segments::cut(segment, &frames, longest, |piece| pieces.push(piece));
    }
    Ok(pieces)
}
