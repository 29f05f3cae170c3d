//! The rows of one source, from samples as they arrive.

use std::collections::VecDeque;

use super::rows::{Averager, RowGrid, nearest};
use super::source::{Source, audible, decibels, power};
use crate::error::AudioError;
use crate::mfcc::MfccStream;
use crate::mfcc::buffer::FrameBuffer;
use crate::spectral::SpectralStream;
use crate::voice::{Intensity, Pitch, PitchFrame, PitchStream};

/// Number of later frames that the decision on a frame's pitch waits for.
const LOOK_BACK: usize = 10;

/// A source and its rows that are ready to be taken.
#[derive(Debug)]
pub(super) struct Feed {
    kind: Kind,
    ready: Ready,
}

/// Rows one after the other. They are taken from the front; the rest is moved to
/// the front once as many values have been taken as are left.
#[derive(Debug)]
struct Ready {
    columns: usize,
    values: Vec<f32>,
    taken: usize,
}

#[derive(Debug)]
enum Kind {
    /// MFCCs or log-mel spectra.
    Mel(MfccStream),
    Shape(SpectralStream, Averager),
    Level {
        frames: FrameBuffer,
        averager: Averager,
        buffer: Vec<f32>,
    },
    Intensity(IntensityRows),
    Pitch(Box<PitchRows>),
}

impl Feed {
    pub(super) fn new(source: &Source, rows: &RowGrid) -> Result<Self, AudioError> {
        let average = rows.average;
        let kind = match source {
            Source::Mfcc(mfcc) => Kind::Mel(MfccStream::averaged(mfcc, average)?),
            Source::LogMel(mfcc) => Kind::Mel(MfccStream::log_mel_averaged(mfcc, average)?),
            Source::Shape(shape) => Kind::Shape(
                SpectralStream::new(shape),
                Averager::new(source.columns(), average),
            ),
            Source::Level => Kind::Level {
                frames: FrameBuffer::new(&rows.frames),
                averager: Averager::new(1, average),
                buffer: vec![0.0; rows.frames.window_length],
            },
            Source::Intensity(intensity) => Kind::Intensity(IntensityRows::new(intensity)),
            Source::Pitch(pitch) => Kind::Pitch(Box::new(PitchRows::new(pitch))),
            Source::Harmonicity(_) => {
                return Err(AudioError::WholeRecording {
                    setting: "harmonicity measures silence against the loudest moment of".into(),
                    instead: "leave the block out, or extract segment by segment".into(),
                });
            }
        };
        Ok(Feed {
            kind,
            ready: Ready {
                columns: source.columns(),
                values: Vec::new(),
                taken: 0,
            },
        })
    }

    /// Reserves room for `rows` rows.
    pub(super) fn reserve(&mut self, rows: usize) {
        self.ready.values.reserve(rows * self.ready.columns);
    }

    pub(super) fn push(&mut self, samples: &[f32], rows: &RowGrid) {
        let ready = &mut self.ready.values;
        match &mut self.kind {
            Kind::Mel(stream) => stream.push(samples, |row| ready.extend_from_slice(row)),
            Kind::Shape(stream, averager) => stream.push(samples, |frame| {
                averager.push(frame, |row| ready.extend_from_slice(row));
            }),
            Kind::Level {
                frames,
                averager,
                buffer,
            } => frames.push(samples, |kept, first, t| {
                let power = power(rows, kept, first, t, buffer);
                averager.push(&[power], |row| ready.push(decibels(row[0])));
            }),
            Kind::Intensity(state) => state.push(samples, rows, ready),
            Kind::Pitch(state) => state.push(samples, rows, ready),
        }
    }

    /// Ends the signal. Rows that are ready can still be taken.
    pub(super) fn finish(&mut self, rows: &RowGrid) {
        let ready = &mut self.ready.values;
        match &mut self.kind {
            Kind::Mel(stream) => stream.finish(|row| ready.extend_from_slice(row)),
            Kind::Shape(stream, averager) => {
                stream.finish(|frame| averager.push(frame, |row| ready.extend_from_slice(row)));
                averager.finish(|row| ready.extend_from_slice(row));
            }
            Kind::Level {
                frames,
                averager,
                buffer,
            } => {
                frames.finish(|kept, first, t| {
                    let power = power(rows, kept, first, t, buffer);
                    averager.push(&[power], |row| ready.push(decibels(row[0])));
                });
                averager.finish(|row| ready.push(decibels(row[0])));
            }
            Kind::Intensity(state) => state.finish(rows, ready),
            Kind::Pitch(state) => state.finish(rows, ready),
        }
    }

    /// Discards the signal and its rows.
    pub(super) fn reset(&mut self) {
        self.ready.values.clear();
        self.ready.taken = 0;
        match &mut self.kind {
            Kind::Mel(stream) => stream.reset(),
            Kind::Shape(stream, averager) => {
                stream.reset();
                averager.reset();
            }
            Kind::Level {
                frames, averager, ..
            } => {
                frames.reset();
                averager.reset();
            }
            Kind::Intensity(state) => state.reset(),
            Kind::Pitch(state) => state.reset(),
        }
    }

    /// The next row, if one is ready.
    pub(super) fn front(&self) -> Option<&[f32]> {
        let Ready {
            columns,
            values,
            taken,
        } = &self.ready;
        values.get(*taken..taken + columns)
    }

    /// Removes the next row.
    pub(super) fn pop(&mut self) {
        let ready = &mut self.ready;
        ready.taken += ready.columns;
        if 2 * ready.taken >= ready.values.len() {
            ready.values.drain(..ready.taken);
            ready.taken = 0;
        }
    }

    /// The longest delay of a row after the last sample of its frames, in seconds.
    pub(super) fn look_ahead(&self, rows: &RowGrid) -> f64 {
        let after_time = match &self.kind {
            Kind::Mel(_) | Kind::Shape(..) | Kind::Level { .. } => return 0.0,
            Kind::Intensity(state) => state.after_time(rows),
            Kind::Pitch(state) => state.after_time(),
        };
        (after_time - rows.half_span()).max(0.0)
    }
}

/// Intensity at the times of rows.
#[derive(Debug)]
struct IntensityRows {
    intensity: Intensity,
    /// The latest samples.
    kept: Vec<f32>,
    /// Number of samples dropped before `kept`.
    first: usize,
    /// The next row.
    row: usize,
}

impl IntensityRows {
    fn new(intensity: &Intensity) -> Self {
        IntensityRows {
            intensity: intensity.clone(),
            kept: Vec::new(),
            first: 0,
            row: 0,
        }
    }

    fn push(&mut self, samples: &[f32], rows: &RowGrid, ready: &mut Vec<f32>) {
        self.kept.extend_from_slice(samples);
        let known = self.first + self.kept.len();
        let reach = self.intensity.reach() as i64;
        while rows.is_complete(self.row, known) {
            let middle = rows.sample(rows.time(self.row, usize::MAX));
            if middle + reach >= known as i64 {
                break;
            }
            self.measure(middle, ready);
        }
        let needed = (rows.sample(rows.earliest(self.row)) - reach).max(0) as usize;
        let dropped = needed.saturating_sub(self.first).min(self.kept.len());
        self.kept.drain(..dropped);
        self.first += dropped;
    }

    fn finish(&mut self, rows: &RowGrid, ready: &mut Vec<f32>) {
        let samples = self.first + self.kept.len();
        let frames = rows.frames.count(samples);
        while self.row < rows.count(samples) {
            let middle = rows.sample(rows.time(self.row, frames));
            self.measure(middle, ready);
        }
        self.reset();
    }

    fn measure(&mut self, middle: i64, ready: &mut Vec<f32>) {
        let level = self.intensity.frame(&self.kept, middle - self.first as i64);
        ready.push(audible(level));
        self.row += 1;
    }

    fn reset(&mut self) {
        self.kept.clear();
        self.first = 0;
        self.row = 0;
    }

    /// Seconds of signal needed after a row's time.
    fn after_time(&self, rows: &RowGrid) -> f64 {
        (self.intensity.reach() + 1) as f64 / f64::from(rows.sample_rate)
    }
}

/// F0 and strength at the times of rows.
#[derive(Debug)]
struct PitchRows {
    stream: PitchStream,
    pitch: Pitch,
    /// The latest decided frames.
    decided: VecDeque<PitchFrame>,
    /// Number of frames dropped before `decided`.
    first: u64,
    samples: usize,
    /// The next row.
    row: usize,
}

impl PitchRows {
    fn new(pitch: &Pitch) -> Self {
        PitchRows {
            stream: pitch.stream(LOOK_BACK),
            pitch: pitch.clone(),
            decided: VecDeque::new(),
            first: 0,
            samples: 0,
            row: 0,
        }
    }

    fn push(&mut self, samples: &[f32], rows: &RowGrid, ready: &mut Vec<f32>) {
        let decided = &mut self.decided;
        self.stream.push(samples, |frame| decided.push_back(frame));
        self.samples += samples.len();
        while rows.is_complete(self.row, self.samples) {
            let frame = self.frame_at(rows.time(self.row, usize::MAX));
            let Some(&frame) = self.decided.get((frame - self.first) as usize) else {
                break;
            };
            self.give(frame, ready);
        }
        // One frame is kept: if it is the last, later rows take it.
        let needed = self.frame_at(rows.earliest(self.row));
        while self.first < needed && self.decided.len() > 1 {
            self.decided.pop_front();
            self.first += 1;
        }
    }

    fn finish(&mut self, rows: &RowGrid, ready: &mut Vec<f32>) {
        let decided = &mut self.decided;
        self.stream.end(|frame| decided.push_back(frame));
        let frames = rows.frames.count(self.samples);
        let unvoiced = PitchFrame {
            frequency: None,
            strength: 0.0,
        };
        while self.row < rows.count(self.samples) {
            let i = (self.frame_at(rows.time(self.row, frames)) - self.first) as usize;
            let last = self.decided.back();
            let frame = self.decided.get(i).or(last).copied();
            self.give(frame.unwrap_or(unvoiced), ready);
        }
        self.reset();
    }

    /// Number of the frame nearest to `time`.
    fn frame_at(&self, time: f64) -> u64 {
        nearest(time, self.stream.time(0), self.pitch.config().time_step)
    }

    fn give(&mut self, frame: PitchFrame, ready: &mut Vec<f32>) {
        let hertz = frame.frequency.unwrap_or(0.0);
        ready.extend([hertz as f32, frame.strength as f32]);
        self.row += 1;
    }

    fn reset(&mut self) {
        self.stream.end(|_| {});
        self.decided.clear();
        self.first = 0;
        self.samples = 0;
        self.row = 0;
    }

    /// Seconds of signal needed after a row's time: to the nearest frame (at the
    /// start, to the first), half its window, and the look-back.
    fn after_time(&self) -> f64 {
        let step = self.pitch.config().time_step;
        let nearest = (0.5 * step).max(0.5 * self.pitch.window_seconds());
        nearest + 0.5 * self.pitch.window_seconds() + LOOK_BACK as f64 * step
    }
}
