//! The samples of an open file, block by block. `opening.rs` opens it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use symphonia::core::errors::Error;
use symphonia::core::formats::FormatReader;
use symphonia::core::units::Duration;

use super::codec::TrackCodec;
use super::container::audio_track;
use super::failure::{Failure, corrupt, failed, guarded, unsupported};
use super::kind::Kind;
use super::pcm::Pcm;
use super::settings::{Channels, DecodeLimits};
use crate::error::{AudioError, Source};
use crate::recording::{Recording, SAMPLE_RATES};
use crate::simd::all_finite;

/// Room is reserved for at most this many samples at once; a header can state
/// any number.
const RESERVE_AT_MOST: u64 = 1 << 22;

/// Empty packets in a row allowed without reading on in the file.
const EMPTY_AT_MOST: usize = 100_000;

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
    pub(super) sample_rate: u32,
    pub(super) channels: usize,
    /// Samples in the file according to its header, for progress.
    pub(super) expected: Option<u64>,
    /// Where decoding stops even if the file goes on: the last block of a
    /// compressed WAV is padded.
    pub(super) end: Option<u64>,
    /// Samples per channel still to be dropped at the start.
    pub(super) skip: usize,
    pub(super) interleaved: Vec<f32>,
    pub(super) block: Vec<f32>,
    /// The first block is decoded when the file is opened, because some headers
    /// do not state the rate.
    pub(super) block_is_new: bool,
    pub(super) position: u64,
    pub(super) damaged: u64,
    pub(super) decoded: u64,
    pub(super) finished: bool,
    pub(super) file_length: Option<u64>,
    pub(super) file_position: Arc<AtomicU64>,
}

pub(super) enum Input {
    /// Uncompressed samples of a WAV file.
    Pcm(Pcm),
    /// Everything else.
    Track(Track),
}

/// A track with its demuxer and its codec.
pub(super) struct Track {
    pub(super) format: Box<dyn FormatReader>,
    pub(super) codec: TrackCodec,
    pub(super) kind: Kind,
    pub(super) id: u32,
    /// Bytes and samples of a block, if the demuxer does not split into blocks.
    pub(super) adpcm_block: Option<(usize, u64)>,
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

    /// Packets of a lossy codec that could not be decoded and were skipped.
    pub fn damaged_packets(&self) -> u64 {
        self.damaged
    }

    /// The next samples, at least one, full scale ±1; `None` at the end. The
    /// codec determines the size of the blocks, up to tens of thousands of samples.
    ///
    /// # Errors
    ///
    /// [`AudioError::Io`], [`AudioError::Corrupt`], [`AudioError::Unsupported`]
    /// (the sample rate changes within the file) or [`AudioError::TooLong`].
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
        while !self.finished && self.block.is_empty() {
            let at = self.file_position.load(Relaxed);
            empty = if at == empty.1 {
                (empty.0 + 1, at)
            } else {
                (0, at)
            };
            if empty.0 > EMPTY_AT_MOST {
                return Err(corrupt(&self.name, "its packets are empty"));
            }
            self.decode_packet()?;
        }
        if self.finished && self.decoded == 0 && self.damaged > 0 {
            return Err(corrupt(&self.name, "none of its packets can be decoded"));
        }
        let ahead = self.position + self.block.len() as u64;
        self.limits
            .check_seconds(ahead, self.sample_rate, &self.name)
    }

    fn decode_packet(&mut self) -> Result<(), AudioError> {
        let Input::Track(track) = &mut self.input else {
            return self.read_pcm();
        };
        let mut packet = match guarded(|| Ok(track.format.next_packet()?)) {
            Ok(Some(packet)) => packet,
            Ok(None) => {
                self.finished = true;
                return Ok(());
            }
            // The next stream of a chained Ogg file begins.
            Err(Failure::Symphonia(Error::ResetRequired)) => return self.next_in_chain(),
            Err(Failure::Symphonia(Error::IoError(e)))
                if e.kind() == io::ErrorKind::UnexpectedEof =>
            {
                self.finished = true;
                return Ok(());
            }
            Err(Failure::Symphonia(e)) => return Err(failed(e, "the samples", &self.name)),
            Err(Failure::NotBuiltIn(_)) => unreachable!("demuxing is built in"),
        };
        if packet.track_id != track.id {
            return Ok(());
        }
        if let Some((bytes, samples)) = track.adpcm_block {
            // The last packet of a truncated file still has whole blocks.
            let whole = packet.data.len() / bytes;
            packet.dur = Duration::from(whole as u64 * samples);
        }
        self.interleaved.clear();
        let lossy = track.codec.is_lossy();
        let (rate, channels) = match guarded(|| track.codec.decode(&packet, &mut self.interleaved))
        {
            Ok(spec) => spec,
            // The last, incomplete packet of a truncated file.
            Err(Failure::Symphonia(Error::IoError(e)))
                if !lossy && e.kind() == io::ErrorKind::UnexpectedEof =>
            {
                self.finished = true;
                return Ok(());
            }
            Err(Failure::Symphonia(Error::DecodeError(_) | Error::IoError(_))) if lossy => {
                self.damaged += 1;
                return Ok(());
            }
            Err(Failure::Symphonia(e)) => return Err(failed(e, "the samples", &self.name)),
            Err(Failure::NotBuiltIn(_)) => unreachable!("the codec was made"),
        };
        if channels == 0 || self.interleaved.is_empty() {
            return Ok(());
        }
        if self.decoded == 0 {
            (self.sample_rate, self.channels) = (rate, channels);
        } else if rate != self.sample_rate {
            return Err(unsupported(
                &self.name,
                format!(
                    "its sample rate changes from {} to {rate} Hz within the file",
                    self.sample_rate
                ),
            ));
        }
        self.decoded += 1;
        self.take_channel(channels);
        self.check_samples()
    }

    fn read_pcm(&mut self) -> Result<(), AudioError> {
        let Input::Pcm(pcm) = &mut self.input else {
            return Ok(());
        };
        // One channel can be read into the block directly.
        let mono = self.channels == 1;
        let samples = if mono {
            &mut self.block
        } else {
            &mut self.interleaved
        };
        samples.clear();
        let read = pcm.read(samples);
        self.finished = samples.is_empty();
        read.map_err(|e| failed(e.into(), "the samples", &self.name))?;
        self.decoded += 1;
        if !mono {
            self.take_channel(self.channels);
        }
        self.check_samples()
    }

    /// From `interleaved` to `block`.
    fn take_channel(&mut self, channels: usize) {
        let frames = self.interleaved.len() / channels;
        let skipped = frames.min(self.skip);
        self.skip -= skipped;
        let end = match self.end {
            Some(end) => usize::try_from(end.saturating_sub(self.position)).unwrap_or(frames),
            None => frames,
        };
        let kept = skipped.min(end)..frames.min(end);
        let interleaved = &self.interleaved[kept.start * channels..kept.end * channels];
        match self.take {
            _ if channels == 1 => self.block.extend_from_slice(interleaved),
            Channels::Mix => {
                let scale = 1.0 / channels as f32;
                self.block.extend(
                    interleaved
                        .chunks_exact(channels)
                        .map(|frame| frame.iter().sum::<f32>() * scale),
                );
            }
            Channels::One(n) => self.block.extend(
                interleaved
                    .chunks_exact(channels)
                    .map(|frame| frame.get(n).copied().unwrap_or(0.0)),
            ),
        }
        self.finished |= self
            .end
            .is_some_and(|end| self.position + self.block.len() as u64 >= end);
    }

    fn check_samples(&self) -> Result<(), AudioError> {
        if all_finite(&self.block) {
            return Ok(());
        }
        match self.block.iter().position(|s| !s.is_finite()) {
            Some(at) => Err(corrupt(
                &self.name,
                &format!(
                    "sample {} is {}, and samples must be finite",
                    self.position + at as u64,
                    self.block[at]
                ),
            )),
            None => Ok(()),
        }
    }

    fn next_in_chain(&mut self) -> Result<(), AudioError> {
        let Input::Track(track) = &mut self.input else {
            return Ok(());
        };
        let (next, parameters) = audio_track(track.format.as_ref(), &self.name)?;
        track.id = next.id;
        track.codec = TrackCodec::new(&parameters, track.kind, &self.name)?;
        self.skip = track.codec.skip();
        // The length stated in the header is that of the first stream.
        self.expected = None;
        Ok(())
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
