//! The features of a signal that is still arriving.

use std::collections::VecDeque;

use super::block::{Columns, Measure};
use super::feed::Feed;
use super::plan::{Made, Plan};
use super::prosody::Running;
use super::rows::RowGrid;
use super::settings::FeatureSpec;
use crate::deltas::{DeltaMethod, DeltaStream};
use crate::error::AudioError;

/// Samples are processed in pieces of this many, so that the rows that wait are
/// bounded.
const PIECE: usize = 1_024;
/// Room is reserved for at most this many rows.
const RESERVED_AT_MOST: usize = 256;

/// The frames of a [`FeatureSpec`], from samples that arrive in chunks of any size.
///
/// The input of an encoder is not among the rows: it has rows of its own, and
/// [`SpeechStream`](crate::SpeechStream) gives them.
///
/// The rows of a stream made by [`new`](Self::new) equal those of
/// [`extract`](crate::FeatureExtractor::extract) for all samples together, bit for
/// bit. Measures that need the whole recording are refused by name;
/// [`with_running_mean`](Self::with_running_mean) replaces most of them by a form
/// that only looks back. Rows are delayed if deltas or a measure need later
/// samples, see [`look_ahead`](Self::look_ahead). Memory is bounded. Nothing is
/// allocated after `new`, or with pitch, after about the first second of voice.
///
/// ```
/// use audio::{FeatureSpec, FeatureStream};
/// let mut spec = FeatureSpec::recommended().for_stream();
/// spec.blocks[0].deltas = 1;
/// // The mean over the last 3 seconds, since that of the whole is not known yet.
/// let mut stream = FeatureStream::with_running_mean(&spec, 16_000, 3.0)?;
/// let mut rows = 0;
/// for chunk in [0.1; 16_000].chunks(1_000) {
///     stream.push(chunk, |row| {
///         assert_eq!(row.len(), spec.columns());
///         rows += 1;
///     });
/// }
/// stream.finish(|_| rows += 1);
/// assert_eq!(rows, 49);
/// # Ok::<(), audio::AudioError>(())
/// ```
#[derive(Debug)]
pub struct FeatureStream {
    rows: RowGrid,
    feeds: Vec<Feed>,
    blocks: Vec<Block>,
    row: Vec<f32>,
    look_ahead: f64,
}

/// The state of one block, which turns the rows of the feeds into its columns.
#[derive(Debug)]
struct Block {
    made: Made,
    prosody: Option<Running>,
    mean: Option<RunningMean>,
    deltas: DeltaStream,
    /// The current row before deltas.
    row: Vec<f32>,
    /// Rows that wait for the other blocks, one after the other.
    ready: VecDeque<f32>,
}

impl FeatureStream {
    /// A stream of samples at `sample_rate` Hz, which must be the rate of the
    /// features; resample the signal first if it is not.
    ///
    /// # Errors
    ///
    /// [`AudioError::WholeRecording`] if `trim`, a block's `subtract_mean` or
    /// `functionals`, or `mfcc.top_db` is on, and for prosody, pitch and
    /// harmonicity; the message says what to do instead. [`AudioError::Settings`]
    /// for another sample rate, and as [`validate`](FeatureSpec::validate).
    pub fn new(spec: &FeatureSpec, sample_rate: u32) -> Result<Self, AudioError> {
        for block in &spec.blocks {
            if block.subtract_mean != Columns::None {
                return Err(AudioError::WholeRecording {
                    setting: "subtract_mean needs the mean of".into(),
                    instead: "use a running mean, or switch it off".into(),
                });
            }
            let setting = match block.measure {
                Measure::Prosody(_) => "prosody is relative to the mean and the loudest moment of",
                Measure::Pitch(_) => "pitch is found by the loudest moment and the best path of",
                _ => continue,
            };
            return Err(AudioError::WholeRecording {
                setting: setting.into(),
                instead: "use a running mean, which makes it relative to the signal so far".into(),
            });
        }
        Self::prepare(spec, sample_rate, None)
    }

    /// A stream in which measures of the whole recording are replaced by measures
    /// of the signal so far:
    ///
    /// - columns of [`subtract_mean`](super::FeatureBlock::subtract_mean) have their
    ///   mean so far subtracted;
    /// - pitch is that of a [`PitchStream`](crate::PitchStream) with a look-back of
    ///   10 frames: silence is relative to the loudest sample so far;
    /// - `prosody_log_f0` keeps the value of the last voiced row (before the first
    ///   one it is the middle of the pitch range), and `prosody_log_f0_relative` is
    ///   relative to the mean over the voiced rows so far;
    /// - `prosody_level_relative` is relative to the loudest row so far.
    ///
    /// After `seconds` of signal, older rows fade exponentially with that time
    /// constant; so does the loudest row, towards quieter ones. These columns are
    /// close to those of `extract`, but not equal, above all in the first second.
    /// The other columns are equal.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), except for the measures above;
    /// [`AudioError::Settings`] if `seconds` is not above 0.
    pub fn with_running_mean(
        spec: &FeatureSpec,
        sample_rate: u32,
        seconds: f64,
    ) -> Result<Self, AudioError> {
        if !(seconds.is_finite() && seconds > 0.0) {
            return Err(AudioError::settings(format!(
                "the running mean is over {seconds} s, it must be above 0 s"
            )));
        }
        Self::prepare(spec, sample_rate, Some(seconds))
    }

    fn prepare(
        spec: &FeatureSpec,
        sample_rate: u32,
        seconds: Option<f64>,
    ) -> Result<Self, AudioError> {
        let (_, plan) = spec.prepare()?;
        if sample_rate != spec.sample_rate {
            return Err(AudioError::settings(format!(
                "the stream is at {sample_rate} Hz and the features need {} Hz; \
                 resample the stream first",
                spec.sample_rate
            )));
        }
        refuse_whole(spec)?;
        let Plan {
            rows,
            sources,
            made,
            ..
        } = plan;
        let feeds: Vec<Feed> = sources
            .iter()
            .map(|source| Feed::new(source, &rows))
            .collect::<Result<_, _>>()?;
        let period = spec.frame_period();
        let rows_at_most = seconds.map_or(f64::INFINITY, |seconds| (seconds / period).max(1.0));
        let blocks: Vec<Block> = spec
            .blocks
            .iter()
            .zip(made)
            .map(|(block, made)| {
                let names = block.measure.column_names(&spec.mfcc);
                let chosen = block.subtract_mean.among(&names);
                let prosody = match made {
                    Made::OfProsody { prosody, .. } => Some(prosody.running(rows_at_most)),
                    _ => None,
                };
                Ok(Block {
                    made,
                    prosody,
                    mean: chosen
                        .contains(&true)
                        .then(|| RunningMean::new(chosen, rows_at_most)),
                    deltas: DeltaStream::new(names.len(), block.deltas, DeltaMethod::HTK)?,
                    row: Vec::with_capacity(names.len()),
                    ready: VecDeque::new(),
                })
            })
            .collect::<Result<_, AudioError>>()?;
        let look_ahead = spec
            .blocks
            .iter()
            .zip(&blocks)
            .map(|(block, state)| {
                let late = match state.made {
                    Made::Of(feed) | Made::OfPitch(feed) => feeds[feed].look_ahead(&rows),
                    Made::OfProsody { pitch, .. } => feeds[pitch].look_ahead(&rows),
                };
                late + 2.0 * block.deltas as f64 * period
            })
            .fold(0.0, f64::max);
        let mut stream = FeatureStream {
            row: Vec::with_capacity(spec.columns()),
            rows,
            feeds,
            blocks,
            look_ahead,
        };
        stream.reserve(period);
        Ok(stream)
    }

    /// Reserves room for all rows that may wait at once, within a limit.
    fn reserve(&mut self, period: f64) {
        let after_end = self.rows.frames.n_fft as f64 / f64::from(self.rows.sample_rate);
        let piece = PIECE as f64 / f64::from(self.rows.sample_rate);
        let rows = (2.0 * (self.look_ahead + after_end + piece) / period) as usize + 4;
        let rows = rows.min(RESERVED_AT_MOST);
        for feed in &mut self.feeds {
            feed.reserve(rows);
        }
        for block in &mut self.blocks {
            block.ready.reserve(rows * block.deltas.columns());
        }
    }

    /// Takes the next samples, any number of them, and calls `each` with every row
    /// that they complete.
    pub fn push(&mut self, samples: &[f32], mut each: impl FnMut(&[f32])) {
        for piece in samples.chunks(PIECE) {
            for feed in &mut self.feeds {
                feed.push(piece, &self.rows);
            }
            self.advance();
            self.give(&mut each);
        }
    }

    /// Ends the signal: calls `each` with the rows still delayed. The stream is
    /// then ready for another signal.
    pub fn finish(&mut self, mut each: impl FnMut(&[f32])) {
        for feed in &mut self.feeds {
            feed.finish(&self.rows);
        }
        self.advance();
        for block in &mut self.blocks {
            let ready = &mut block.ready;
            block.deltas.finish(|row| ready.extend(row));
        }
        self.give(&mut each);
        self.reset();
    }

    /// Discards the signal so far; the next sample is the first of a new signal.
    pub fn reset(&mut self) {
        for feed in &mut self.feeds {
            feed.reset();
        }
        for block in &mut self.blocks {
            block.deltas.reset();
            block.ready.clear();
            if let Some(mean) = &mut block.mean {
                mean.reset();
            }
            if let Some(prosody) = &mut block.prosody {
                prosody.reset();
            }
        }
    }

    /// Values in a row, named by [`column_names`](FeatureSpec::column_names).
    pub fn columns(&self) -> usize {
        self.blocks.iter().map(|block| block.deltas.columns()).sum()
    }

    /// The longest delay of a row after the last sample of its frames, in seconds:
    /// two rows for each order of deltas, and the later samples that pitch and
    /// intensity need.
    pub fn look_ahead(&self) -> f64 {
        self.look_ahead
    }

    /// Passes rows to the blocks as long as all feeds have one.
    fn advance(&mut self) {
        while self.feeds.iter().all(|feed| feed.front().is_some()) {
            for block in &mut self.blocks {
                block.take(&self.feeds);
            }
            for feed in &mut self.feeds {
                feed.pop();
            }
        }
    }

    /// Outputs rows as long as all blocks have one.
    fn give(&mut self, each: &mut impl FnMut(&[f32])) {
        let has_row = |block: &Block| block.ready.len() >= block.deltas.columns();
        while self.blocks.iter().all(has_row) {
            self.row.clear();
            for block in &mut self.blocks {
                let columns = block.deltas.columns();
                self.row.extend(block.ready.drain(..columns));
            }
            each(&self.row);
        }
    }
}

impl Block {
    /// Takes the next row of the feeds.
    fn take(&mut self, feeds: &[Feed]) {
        let front = |feed: usize| feeds[feed].front().unwrap_or_default();
        self.row.clear();
        match self.made {
            Made::Of(feed) => self.row.extend_from_slice(front(feed)),
            Made::OfPitch(feed) => {
                let hertz = front(feed)[0];
                self.row.extend([hertz, f32::from(u8::from(hertz > 0.0))]);
            }
            Made::OfProsody { pitch, level, .. } => {
                if let Some(prosody) = &mut self.prosody {
                    self.row.extend(prosody.next(front(pitch), front(level)[0]));
                }
            }
        }
        if let Some(mean) = &mut self.mean {
            mean.subtract_from(&mut self.row);
        }
        let ready = &mut self.ready;
        self.deltas.push(&self.row, |row| ready.extend(row));
    }
}

/// Refuses settings that no stream supports.
fn refuse_whole(spec: &FeatureSpec) -> Result<(), AudioError> {
    let refused = |setting: &str, instead: &str| {
        Err(AudioError::WholeRecording {
            setting: setting.into(),
            instead: instead.into(),
        })
    };
    if spec.trim.is_some() {
        return refused(
            "trim measures silence against the loudest moment of",
            "set trim to none, and skip silence with voice activity detection",
        );
    }
    if spec.level.is_some() {
        return refused(
            "level is one gain for",
            "set level to none, or extract segment by segment",
        );
    }
    if spec.blocks.is_empty() {
        return Err(AudioError::settings(
            "the features are the encoder's input alone, which has a stream of its own, SpeechStream",
        ));
    }
    for block in &spec.blocks {
        if block.functionals {
            return refused(
                "functionals are statistics over",
                "switch functionals off, or extract segment by segment",
            );
        }
        if matches!(block.measure, Measure::Harmonicity(_)) {
            return refused(
                "harmonicity measures silence against the loudest moment of",
                "leave the block out, or extract segment by segment",
            );
        }
    }
    Ok(())
}

/// The mean of some columns over the rows so far, in which old rows fade.
#[derive(Debug)]
struct RunningMean {
    chosen: Vec<bool>,
    rows_at_most: f64,
    rows: f64,
    means: Vec<f64>,
}

impl RunningMean {
    fn new(chosen: Vec<bool>, rows_at_most: f64) -> Self {
        RunningMean {
            means: vec![0.0; chosen.len()],
            chosen,
            rows_at_most,
            rows: 0.0,
        }
    }

    /// Adds `row` to the mean and subtracts the mean from it.
    fn subtract_from(&mut self, row: &mut [f32]) {
        self.rows = (self.rows + 1.0).min(self.rows_at_most);
        let columns = row.iter_mut().zip(&mut self.means).zip(&self.chosen);
        for ((x, mean), _) in columns.filter(|(_, chosen)| **chosen) {
            *mean += (f64::from(*x) - *mean) / self.rows;
            *x = (f64::from(*x) - *mean) as f32;
        }
    }

    fn reset(&mut self) {
        self.rows = 0.0;
        self.means.fill(0.0);
    }
}
