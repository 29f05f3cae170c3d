//! Voice activity of a stream, and of whole recordings by the same stream.

use super::detector::{Detector, VadFrame};
use super::segments::{self, Segment, Segmenter};
use super::settings::VadSettings;
use crate::error::AudioError;
use crate::recording::{Recording, SAMPLE_RATES};

/// Voice activity of samples that arrive in chunks of any size.
///
/// The frames and segments equal those of [`vad_frames`] and [`speech_segments`] on
/// all samples together, which use this stream. A frame is ready with its last
/// sample. The start of a segment is known once it is long enough
/// ([`speaking_since`](Self::speaking_since)), and its end once a pause is longer than
/// both [`VadSettings::pause`] and twice [`VadSettings::padding`]. Memory is bounded,
/// and nothing is allocated after `new`.
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
    /// As [`VadSettings::validate`]; [`AudioError::Settings`] for a sample rate below
    /// 8 kHz or above [`SAMPLE_RATES`].
    pub fn new(settings: &VadSettings, sample_rate: u32) -> Result<Self, AudioError> {
        settings.validate()?;
        if !(VadSettings::LOWEST_RATE..=*SAMPLE_RATES.end()).contains(&sample_rate) {
            return Err(AudioError::settings(format!(
                "voice activity detection needs a sample rate of {} to {} Hz, not \
                 {sample_rate} Hz; resample first",
                VadSettings::LOWEST_RATE,
                SAMPLE_RATES.end()
            )));
        }
        Ok(VadStream {
            detector: Detector::new(settings, sample_rate)?,
            segmenter: Segmenter::new(settings),
        })
    }

    /// Takes the next samples, any number of them, and calls `each` with every segment
    /// that they complete.
    pub fn push(&mut self, samples: &[f32], mut each: impl FnMut(Segment)) {
        self.push_frames(samples, |_, segment| {
            segment.into_iter().for_each(&mut each)
        });
    }

    /// Like [`push`](Self::push), but calls `each` with every frame, and with the
    /// segment that the frame completes, if any.
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

    /// Ends the signal: calls `each` with the segment that lasts to its end, if there
    /// is one. The stream is then ready for another signal.
    pub fn finish(&mut self, each: impl FnMut(Segment)) {
        let duration = self.detector.seconds();
        self.segmenter.finish(duration).into_iter().for_each(each);
        self.reset();
    }

    /// Discards the signal so far; the next sample is the first of a new signal.
    pub fn reset(&mut self) {
        self.detector.reset();
        self.segmenter.reset();
    }

    /// The start of the segment that is not complete yet, if somebody is speaking or
    /// has just stopped, and the segment is long enough to count.
    pub fn speaking_since(&self) -> Option<f64> {
        self.segmenter.speaking_since()
    }
}

/// The voice activity of `recording`, every 10 ms.
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

/// The segments of `recording` in which somebody speaks, in order and disjoint.
///
/// # Errors
///
/// As [`VadStream::new`].
///
/// ```
/// use audio::{Recording, VadSettings, speech_segments};
/// // Two seconds of silence with a buzz from 0.5 to 1 s.
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

/// The speech of a long recording, cut into pieces of at most `longest` seconds. A
/// longer segment is cut at the frame of least prominence in the second half of the
/// longest possible piece.
///
/// # Errors
///
/// As [`VadStream::new`]; [`AudioError::Settings`] if `longest` is below 0.1 s.
pub fn cut_speech(
    recording: &Recording,
    settings: &VadSettings,
    longest: f64,
) -> Result<Vec<Segment>, AudioError> {
    if longest.is_nan() || longest < 0.1 {
        return Err(AudioError::settings(format!(
            "the longest piece is {longest} s, it must be 0.1 s or more"
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
