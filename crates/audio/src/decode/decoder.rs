//! The samples of an open file, block by block. `opening.rs` opens it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::channels::Levels;
use super::failure::corrupt;
use super::input::{Input, Piece};
use super::loss::Loss;
use super::settings::{Channels, DecodeLimits};
use crate::error::{AudioError, Source};
use crate::recording::{Reading, Recording, SAMPLE_RATES};
use crate::resample::StreamResampler;
use crate::simd::all_finite;

/// Room is reserved for at most this many samples at once; a header can state
/// any number.
const RESERVE_AT_MOST: u64 = 1 << 22;

/// Pieces without samples in a row that are allowed without reading on in the file.
const EMPTY_AT_MOST: usize = 100_000;

/// Silence of a loss is appended in blocks of at most so many samples.
const SILENCE_AT_ONCE: u64 = 1 << 16;

/// A single loss counts as at most so many seconds. The times in a damaged file can
/// be off by years, and silence of that length would fill the memory.
const LOSS_AT_MOST: f64 = 3600.0;

/// An open audio file whose samples are decoded block by block: memory stays at
/// a few hundred kilobytes however long the file is.
///
/// ```
/// use audio::{DecodeSettings, Decoder};
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("long.wav");
/// # audio::write_wav(&path, &vec![0.25; 100_000], 16_000)?;
/// let mut decoder = Decoder::open(&path, &DecodeSettings::default())?;
/// let mut loudest = 0f32;
/// while let Some(block) = decoder.next_block()? {
///     loudest = block.iter().fold(loudest, |m, s| m.max(s.abs()));
/// }
/// assert_eq!((loudest, decoder.position()), (0.25, 100_000));
/// assert_eq!(decoder.progress(), Some(1.0));
/// # Ok::<(), audio::AudioError>(())
/// ```
pub struct Decoder {
    pub(super) input: Input,
    pub(super) name: Source,
    pub(super) take: Channels,
    pub(super) limits: DecodeLimits,
    /// The largest share of the sound that may be lost.
    pub(super) max_lost: f64,
    /// Of the first samples. What has another rate is converted to this one.
    pub(super) sample_rate: u32,
    pub(super) channels: usize,
    /// Samples in the file according to its header, for progress.
    pub(super) expected: Option<u64>,
    /// Seconds to leave out at the start, and where to stop.
    pub(super) from: f64,
    pub(super) to: Option<f64>,
    pub(super) interleaved: Vec<f32>,
    pub(super) mixed: Vec<f32>,
    pub(super) block: Vec<f32>,
    /// The first block is decoded when the file is opened, because some headers
    /// do not state the rate.
    pub(super) block_is_new: bool,
    /// Converts what has another rate, and that rate.
    pub(super) resampler: Option<(u32, StreamResampler)>,
    /// Samples of the file so far, with those left out before `from`.
    pub(super) passed: u64,
    pub(super) position: u64,
    pub(super) loss: Loss,
    /// Whether the last piece was lost.
    pub(super) losing: bool,
    /// Samples of silence still to be given for what was lost.
    pub(super) silence: u64,
    /// Rate and channels of the samples in `interleaved`, while silence that comes before
    /// them is given out.
    pub(super) waiting: Option<(u32, usize)>,
    /// Seconds lost before the rate is known.
    pub(super) lost_before: f64,
    pub(super) levels: Levels,
    pub(super) tracks: usize,
    pub(super) track: Option<usize>,
    pub(super) finished: bool,
    pub(super) file_length: Option<u64>,
    pub(super) file_position: Arc<AtomicU64>,
}

impl Decoder {
    /// Samples per second.
    pub fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    /// Channels in the file (decoded samples always have one).
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Samples returned so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Samples in the whole file if the header states it; it may be wrong.
    pub fn expected_samples(&self) -> Option<u64> {
        self.expected
    }

    /// The share that is done, 0 to 1: by samples if the header states their
    /// number, otherwise by bytes. `None` for a pipe of unknown length.
    pub fn progress(&self) -> Option<f64> {
        if self.finished {
            return Some(1.0);
        }
        let (done, all) = match (self.expected, self.file_length) {
            (Some(all), _) if all > 0 => (self.position, all),
            (_, Some(all)) if all > 0 => (self.file_position.load(Relaxed), all),
            _ => return None,
        };
        Some((done as f64 / all as f64).min(1.0))
    }

    /// The sound that could not be decoded so far. At the end all of it, with what
    /// the header promises and the file does not have.
    pub fn loss(&self) -> Loss {
        self.loss
    }

    /// What is worth knowing about how the samples were read, so far.
    pub fn reading(&self) -> Reading {
        Reading {
            loss: self.loss,
            channels: self.channels,
            tracks: self.tracks,
            track: self.track,
            is_open: self.finished && self.input.is_open(),
            cancelling: self.take == Channels::Mix && self.levels.cancel(),
            only_channel: match self.take {
                Channels::Mix => self.levels.only(),
                _ => None,
            },
        }
    }

    /// The next samples, at least one, full scale ±1; `None` at the end. The
    /// codec determines the size of the blocks, up to tens of thousands of samples.
    ///
    /// # Errors
    ///
    /// [`AudioError::Io`], [`AudioError::Corrupt`] (also where more than
    /// [`DecodeSettings::max_lost`](crate::DecodeSettings) is lost, which is known at
    /// the end), [`AudioError::Unsupported`] or [`AudioError::TooLong`].
    pub fn next_block(&mut self) -> Result<Option<&[f32]>, AudioError> {
        if !self.block_is_new {
            self.fill()?;
        }
        self.block_is_new = false;
        if self.block.is_empty() {
            return Ok(None);
        }
        self.position += self.block.len() as u64;
        Ok(Some(&self.block))
    }

    /// The rest of the file as a recording.
    ///
    /// # Errors
    ///
    /// As [`next_block`](Self::next_block).
    pub fn read_to_end(mut self) -> Result<Recording, AudioError> {
        let promised = self.expected.unwrap_or(0).min(RESERVE_AT_MOST);
        let mut samples = Vec::with_capacity(promised as usize);
        let (limits, name) = (self.limits, self.name.clone());
        while let Some(block) = self.next_block()? {
            limits.check_memory((samples.len() + block.len()) as u64, &name)?;
            samples.extend_from_slice(block);
        }
        Ok(Recording {
            samples,
            sample_rate: self.sample_rate,
            reading: self.reading(),
        })
    }

    /// Checks the header, decodes the first block, and checks again. `bounded`:
    /// the expected length is no longer than the file allows.
    pub(super) fn with_first_block(mut self, bounded: bool) -> Result<Self, AudioError> {
        if self.sample_rate != 0 {
            self.check_rate(self.sample_rate)?;
            if bounded {
                let samples = self.expected.unwrap_or(0);
                self.limits
                    .check_seconds(samples, self.sample_rate, &self.name)?;
            }
        }
        self.fill()?;
        self.block_is_new = true;
        if self.sample_rate == 0 {
            return Err(corrupt(&self.name, "nothing in it can be decoded"));
        }
        self.check_rate(self.sample_rate)?;
        if let Channels::One(n) = self.take
            && n >= self.channels
        {
            return Err(AudioError::settings(format!(
                "{}: there is no channel {n}; the file has {}, counted from 0",
                self.name, self.channels
            )));
        }
        Ok(self)
    }

    fn check_rate(&self, rate: u32) -> Result<(), AudioError> {
        if SAMPLE_RATES.contains(&rate) {
            return Ok(());
        }
        Err(corrupt(
            &self.name,
            &format!(
                "the header states a sample rate of {rate} Hz (allowed: {} to {})",
                SAMPLE_RATES.start(),
                SAMPLE_RATES.end()
            ),
        ))
    }

    /// Decodes until `block` has a sample, or leaves it empty at the end of the file.
    fn fill(&mut self) -> Result<(), AudioError> {
        self.block.clear();
        let mut empty = (0, u64::MAX);
        while self.block.is_empty() {
            if self.silence > 0 {
                self.append_silence();
                continue;
            }
            if self.finished {
                self.check_loss()?;
                break;
            }
            let at = self.file_position.load(Relaxed);
            empty = if at == empty.1 {
                (empty.0 + 1, at)
            } else {
                (0, at)
            };
            if empty.0 > EMPTY_AT_MOST {
                return Err(corrupt(&self.name, "its packets are empty"));
            }
            self.decode_piece()?;
        }
        let ahead = self.position + self.block.len() as u64;
        self.limits
            .check_seconds(ahead, self.sample_rate, &self.name)
    }

    fn decode_piece(&mut self) -> Result<(), AudioError> {
        if let Some((sample_rate, channels)) = self.waiting.take() {
            return self.samples(sample_rate, channels);
        }
        self.interleaved.clear();
        let piece = self.input.next(&mut self.interleaved);
        match piece.map_err(|e| e.in_the("the samples", &self.name))? {
            Piece::Samples {
                sample_rate,
                channels,
            } => self.samples(sample_rate, channels)?,
            Piece::Lost { seconds } => self.lost(seconds),
            Piece::Missing { seconds } => {
                let at = self.seconds_passed();
                self.loss.add(seconds, at, self.losing);
                self.loss.missing_at_end += seconds;
                self.losing = true;
            }
            Piece::Nothing => {}
            Piece::End => {
                self.finished = true;
                self.flush()?;
            }
        }
        Ok(())
    }

    /// Takes the samples in `interleaved`.
    fn samples(&mut self, sample_rate: u32, channels: usize) -> Result<(), AudioError> {
        if channels == 0 || self.interleaved.is_empty() {
            return Ok(());
        }
        self.losing = false;
        if self.passed == 0 && self.position == 0 && !self.levels.any() {
            (self.sample_rate, self.channels) = (sample_rate, channels);
            // What was lost before it had no rate.
            let seconds = std::mem::take(&mut self.lost_before);
            self.silence += (seconds * f64::from(sample_rate)).round() as u64;
        }
        self.check_rate(sample_rate)?;
        // The silence comes first, in blocks: it may be long.
        if self.silence > 0 {
            self.waiting = Some((sample_rate, channels));
            return Ok(());
        }
        self.mixed.clear();
        let is_asked_for = self.seconds_passed() >= self.from;
        self.levels.add(&self.interleaved, channels, is_asked_for);
        self.take.mix(&self.interleaved, channels, &mut self.mixed);
        self.check_samples()?;
        let current = self
            .resampler
            .as_ref()
            .map_or(self.sample_rate, |(rate, _)| *rate);
        if sample_rate != current {
            self.flush()?;
            if sample_rate != self.sample_rate {
                let resampler = StreamResampler::new(sample_rate, self.sample_rate)?;
                self.resampler = Some((sample_rate, resampler));
            }
        }
        match &mut self.resampler {
            None => {
                let mixed = std::mem::take(&mut self.mixed);
                self.append(&mixed);
                self.mixed = mixed;
            }
            Some((_, resampler)) => {
                let mut converted = Vec::new();
                resampler.push(&self.mixed, &mut converted)?;
                self.append(&converted);
            }
        }
        Ok(())
    }

    /// What the resampler holds back.
    fn flush(&mut self) -> Result<(), AudioError> {
        if let Some((_, mut resampler)) = self.resampler.take() {
            let mut converted = Vec::new();
            resampler.finish(&mut converted)?;
            self.append(&converted);
        }
        Ok(())
    }

    /// Appends to the block what lies between the start and the end asked for.
    fn append(&mut self, samples: &[f32]) {
        let rate = f64::from(self.sample_rate);
        let place = |seconds: f64| (seconds * rate).round() as u64;
        let begins = self.passed;
        self.passed += samples.len() as u64;
        let from = place(self.from).saturating_sub(begins);
        let to = self.to.map_or(u64::MAX, place);
        let end = to.saturating_sub(begins).min(samples.len() as u64);
        if from < end {
            self.block
                .extend_from_slice(&samples[from as usize..end as usize]);
        }
        self.finished |= self.passed >= to;
    }

    fn append_silence(&mut self) {
        let n = self.silence.min(SILENCE_AT_ONCE);
        self.silence -= n;
        self.append(&vec![0.0; n as usize]);
    }

    fn lost(&mut self, seconds: f64) {
        let seconds = seconds.clamp(0.0, LOSS_AT_MOST);
        let at = self.seconds_passed();
        self.loss.add(seconds, at, self.losing);
        self.losing = true;
        if self.passed == 0 && !self.levels.any() {
            self.lost_before += seconds;
        } else {
            self.silence += (seconds * f64::from(self.sample_rate)).round() as u64;
        }
    }

    fn seconds_passed(&self) -> f64 {
        (self.passed + self.silence) as f64 / f64::from(self.sample_rate.max(1)) + self.lost_before
    }

    /// At the end: whether too much is lost.
    fn check_loss(&self) -> Result<(), AudioError> {
        if self.loss.is_none() {
            return Ok(());
        }
        if !self.levels.any() {
            return Err(corrupt(&self.name, "nothing in it can be decoded"));
        }
        let there = self.seconds_passed();
        let whole = there + self.loss.missing_at_end;
        if self.loss.seconds > self.max_lost * whole {
            return Err(corrupt(&self.name, &self.loss.text(there)));
        }
        Ok(())
    }

    fn check_samples(&self) -> Result<(), AudioError> {
        if all_finite(&self.mixed) {
            return Ok(());
        }
        match self.mixed.iter().position(|s| !s.is_finite()) {
            Some(at) => Err(corrupt(
                &self.name,
                &format!(
                    "sample {} is {}, and samples must be finite",
                    self.passed + at as u64,
                    self.mixed[at]
                ),
            )),
            None => Ok(()),
        }
    }
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder")
            .field("name", &self.name)
            .field("sample_rate", &self.sample_rate)
            .field("channels", &self.channels)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}
