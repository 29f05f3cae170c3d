//! Levelled speech, from samples as they arrive.

use std::collections::VecDeque;
use std::f64::consts::PI;
use std::sync::Arc;

use super::gate::{DELAY, Gate};
use super::level::Level;
use super::{BANDS, SAMPLE_RATE, SpeechLevel, bands};
use crate::error::AudioError;
use crate::frames::Frames;
use crate::mfcc::Mfcc;
use crate::mfcc::buffer::FrameBuffer;
use crate::mfcc::pipeline::Scratch;

/// The high-pass's cut-off in Hz.
const CUT_OFF: f64 = 20.0;
/// Samples from one frame to the next.
const HOP: usize = 160;
/// A frame is judged by the levels of so many frames after it.
const LOOK_AHEAD: usize = 30;
/// Nothing is judged before so many frames of loud speech are known,
const FIRST_ACTIVE: usize = 50;
/// but no frame waits for more than so many frames.
const WAIT_AT_MOST: usize = 200;

/// The mel bands of speech, levelled, from samples that arrive in chunks of any size.
///
/// The rows are those of [`extract`](crate::FeatureExtractor::extract) for all
/// samples together, bit for bit. Memory is bounded. A clone is cheap: ending it tells
/// which frames would be speech if the signal ended here.
///
/// ```
/// use audio::{SpeechLevel, SpeechStream};
/// let mut stream = SpeechStream::new(&SpeechLevel::default(), 16_000)?;
/// // A second of a hum that comes and goes, between seconds of silence.
/// let hum = |n: usize| 0.1 * (n as f32 * 0.08).sin() * (n as f32 * 0.001).sin();
/// let silence = vec![0.0; 16_000];
/// let voice: Vec<f32> = (0..16_000).map(hum).collect();
/// let mut frames = Vec::new();
/// for chunk in [&silence, &voice, &silence] {
///     stream.push(chunk, |frame, row| {
///         assert_eq!(row.len(), SpeechLevel::COLUMNS);
///         frames.push(frame);
///     });
/// }
/// stream.finish(|frame, _| frames.push(frame));
/// // The frames of the hum alone, with a tenth of a second on either side.
/// assert!(frames[0] >= 90 && frames[frames.len() - 1] <= 211);
/// # Ok::<(), audio::AudioError>(())
/// ```
#[derive(Clone, Debug)]
pub struct SpeechStream {
    mfcc: Arc<Mfcc>,
    high_pass: HighPass,
    buffer: FrameBuffer,
    scratch: Scratch<f32>,
    judge: Judge,
}

/// A frame of speech.
#[derive(Clone, Debug)]
struct Row {
    frame: usize,
    /// Levelled mel powers.
    mel: [f32; BANDS],
    /// The factor of the powers that levelled them.
    gain: f64,
}

/// A recording as it should be heard.
pub(crate) struct Levelled {
    /// The mel powers of the frames of speech.
    pub rows: Frames,
    /// The number of each of them; frame `n` is centred on sample `160 n`.
    pub frames: Vec<usize>,
    /// The samples from the first to the last frame of speech, without offset, with
    /// one gain for all that brings speech to the level; all samples where there is
    /// no speech.
    pub samples: Vec<f32>,
    /// How many samples before them were left out.
    pub start: usize,
}

/// Levels frames and lets those of speech pass.
#[derive(Clone, Debug)]
struct Judge {
    fresh: Level,
    level: Level,
    /// Frames that are not judged yet, with their mean square.
    waiting: VecDeque<((usize, [f32; BANDS]), f64)>,
    gate: Gate<Row>,
    /// Frames heard.
    heard: usize,
}

impl SpeechStream {
    /// A stream of samples at `sample_rate` Hz, which must be 16000.
    ///
    /// # Errors
    ///
    /// As [`SpeechLevel::validate`].
    pub fn new(config: &SpeechLevel, sample_rate: u32) -> Result<Self, AudioError> {
        Self::warped(config, sample_rate, 1.0)
    }

    /// The same with the vocal tract's length changed, see
    /// [`MfccConfig::warp`](crate::MfccConfig::warp).
    pub(crate) fn warped(
        config: &SpeechLevel,
        sample_rate: u32,
        warp: f64,
    ) -> Result<Self, AudioError> {
        config.validate(sample_rate)?;
        let mfcc = Mfcc::new(&bands(warp), SAMPLE_RATE)?;
        let level = Level::new(config.level_db, config.speech_range_db);
        Ok(SpeechStream {
            high_pass: HighPass::new(),
            buffer: FrameBuffer::new(mfcc.grid()),
            scratch: Scratch::new(&mfcc.pipeline),
            mfcc: Arc::new(mfcc),
            judge: Judge {
                fresh: level.clone(),
                level,
                waiting: VecDeque::new(),
                gate: Gate::new(),
                heard: 0,
            },
        })
    }

    /// Takes the next samples, any number of them, and calls `each` with the
    /// number and the powers of every frame of speech that is decided. Frame `n`
    /// is centred on sample `160 n`.
    pub fn push(&mut self, samples: &[f32], mut each: impl FnMut(usize, &[f32])) {
        self.hear(samples, &mut |row| each(row.frame, &row.mel));
    }

    fn hear(&mut self, samples: &[f32], each: &mut impl FnMut(Row)) {
        let mut filtered = [0.0; 1024];
        for piece in samples.chunks(filtered.len()) {
            let filtered = &mut filtered[..piece.len()];
            self.high_pass.apply(piece, filtered);
            let (mfcc, scratch, judge) = (&self.mfcc, &mut self.scratch, &mut self.judge);
            self.buffer.push(filtered, |kept, first, t| {
                let mut mel = [0.0; BANDS];
                let energy = mfcc.pipeline.add_frame(kept, first, t, scratch, &mut mel);
                judge.hear((t, mel), energy, each);
            });
        }
    }

    /// Ends the signal: calls `each` with the frames still waiting. The stream is
    /// then ready for another signal.
    pub fn finish(&mut self, mut each: impl FnMut(usize, &[f32])) {
        self.end(&mut |row| each(row.frame, &row.mel));
    }

    fn end(&mut self, each: &mut impl FnMut(Row)) {
        let (mfcc, scratch, judge) = (&self.mfcc, &mut self.scratch, &mut self.judge);
        self.buffer.finish(|kept, first, t| {
            let mut mel = [0.0; BANDS];
            let energy = mfcc.pipeline.add_frame(kept, first, t, scratch, &mut mel);
            judge.hear((t, mel), energy, each);
        });
        judge.finish(each);
        self.high_pass = HighPass::new();
    }

    /// A whole recording at 16 kHz.
    pub(crate) fn level(mut self, samples: &[f32]) -> Levelled {
        let (mut data, mut frames) = (Vec::new(), Vec::new());
        let mut decibels = 0.0;
        let mut keep = |row: Row| {
            data.extend_from_slice(&row.mel);
            frames.push(row.frame);
            decibels += row.gain.log10();
        };
        self.hear(samples, &mut keep);
        self.end(&mut keep);
        let rows = Frames::new(data, BANDS);
        let speech = match (frames.first(), frames.last()) {
            (Some(first), Some(last)) => HOP * first..(HOP * (last + 1)).min(samples.len()),
            _ => 0..samples.len(),
        };
        let start = speech.start;
        // The gain of a power is the square of that of a sample.
        let gain = 10f64.powf(0.5 * decibels / rows.len().max(1) as f64) as f32;
        let mut filtered = vec![0.0; samples.len()];
        HighPass::new().apply(samples, &mut filtered);
        let samples = filtered[speech].iter().map(|x| x * gain).collect();
        Levelled {
            rows,
            frames,
            samples,
            start,
        }
    }

    /// The middle of a frame, in seconds from the first sample.
    pub(crate) fn seconds(frame: usize) -> f64 {
        (HOP * frame) as f64 / f64::from(SAMPLE_RATE)
    }

    /// The delay of a row after the last sample of its frame, in seconds, once
    /// the first half second of speech has been heard.
    pub fn look_ahead(&self) -> f64 {
        (LOOK_AHEAD + DELAY) as f64 * 160.0 / f64::from(SAMPLE_RATE)
    }
}

impl Judge {
    /// Takes a frame with the energy of its windowed samples.
    fn hear(&mut self, frame: (usize, [f32; BANDS]), energy: f32, each: &mut impl FnMut(Row)) {
        let power = f64::from(energy) / WINDOW_ENERGY;
        self.level.add(power);
        self.waiting.push_back((frame, power));
        self.heard += 1;
        while let Some(((frame, _), _)) = self.waiting.front() {
            let after = self.heard - frame;
            let is_known = self.level.active_frames() >= FIRST_ACTIVE;
            if after <= LOOK_AHEAD || !(is_known || after >= WAIT_AT_MOST) {
                break;
            }
            self.judge(each);
        }
    }

    /// Judges the first frame that waits.
    fn judge(&mut self, each: &mut impl FnMut(Row)) {
        let Some(((frame, mut mel), power)) = self.waiting.pop_front() else {
            return;
        };
        let decision = self.level.decide(power);
        mel.iter_mut().for_each(|x| *x *= decision.gain as f32);
        let row = Row {
            frame,
            mel,
            gain: decision.gain,
        };
        if let Some(row) = self.gate.push(row, decision.is_speech) {
            each(row);
        }
    }

    fn finish(&mut self, each: &mut impl FnMut(Row)) {
        while !self.waiting.is_empty() {
            self.judge(each);
        }
        self.gate.finish(each);
        self.level.clone_from(&self.fresh);
        self.heard = 0;
    }
}

/// The sum of the squares of a periodic Hann window of 400 samples.
const WINDOW_ENERGY: f64 = 150.0;

/// `y[n] = (1 + a)/2 (x[n] - x[n-1]) + a y[n-1]`, which removes an offset.
#[derive(Clone, Copy, Debug)]
struct HighPass {
    pole: f64,
    input: f64,
    output: f64,
}

impl HighPass {
    fn new() -> Self {
        HighPass {
            pole: (-2.0 * PI * CUT_OFF / f64::from(SAMPLE_RATE)).exp(),
            input: 0.0,
            output: 0.0,
        }
    }

    fn apply(&mut self, samples: &[f32], out: &mut [f32]) {
        let gain = 0.5 * (1.0 + self.pole);
        for (y, &x) in out.iter_mut().zip(samples) {
            let x = f64::from(x);
            self.output = gain * (x - self.input) + self.pole * self.output;
            self.input = x;
            *y = self.output as f32;
        }
    }
}
