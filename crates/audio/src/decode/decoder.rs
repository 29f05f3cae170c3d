//! A file's samples, block by block.

mod opening;

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;
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
use super::settings::{Channels, DecodeLimits, DecodeSettings};
use super::source::Reader;
use crate::error::{AudioError, Source};
use crate::mfcc::real::all_finite;
use crate::recording::Recording;
use crate::resample::SAMPLE_RATES;

/// Samples are reserved at once only up to this many; a header can promise anything.
const RESERVE_AT_MOST: u64 = 1 << 22;

/// Packets in a row that may hold nothing while the file is not read further.
const EMPTY_AT_MOST: usize = 100_000;

/// A file opened for decoding, whose samples come block by block: memory stays
/// at a few hundred kilobytes however long the file.
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
    input: Input,
    name: Source,
    take: Channels,
    limits: DecodeLimits,
    sample_rate: u32,
    channels: usize,
    /// What the header says there is, for progress.
    expected: Option<u64>,
    /// Where decoding stops even if the file goes on: the last block of a
    /// compressed WAV is filled up.
    end: Option<u64>,
    /// Samples a channel still to be thrown away at the start.
    skip: usize,
    interleaved: Vec<f32>,
    block: Vec<f32>,
    /// The first block is decoded when the file is opened, since some headers
    /// do not say the rate.
    block_is_new: bool,
    position: u64,
    damaged: u64,
    decoded: u64,
    finished: bool,
    file_length: Option<u64>,
    file_position: Arc<AtomicU64>,
}

enum Input {
    /// Plain numbers of a WAV file.
    Pcm(Pcm),
    /// Everything else.
    Track(Track),
}

/// A track with what takes it out of its file, and what decodes it.
struct Track {
    format: Box<dyn FormatReader>,
    codec: TrackCodec,
    kind: Kind,
    id: u32,
    /// Bytes and samples of a block, where the demuxer does not see to blocks.
    adpcm_block: Option<(usize, u64)>,
}

impl Decoder {
    /// Opens a file. A pipe (or a device) is read as it comes, forward only.
    ///
    /// # Errors
    ///
    /// [`AudioError::Io`], [`AudioError::Unsupported`], [`AudioError::Corrupt`]
    /// or [`AudioError::TooLong`], each naming the file; [`AudioError::Settings`]
    /// where the file lacks the channel asked for.
    pub fn open(path: impl AsRef<Path>, settings: &DecodeSettings) -> Result<Self, AudioError> {
        let name = Source::file(path.as_ref());
        let io = |source| AudioError::Io {
            path: name.clone(),
            source,
        };
        let file = File::open(path).map_err(io)?;
        let metadata = file.metadata().map_err(io)?;
        if metadata.is_dir() {
            return Err(io(io::Error::new(
                io::ErrorKind::IsADirectory,
                "is a folder, where an audio file is needed",
            )));
        }
        let reader = if metadata.is_file() {
            Reader::seekable(Box::new(file)).map_err(io)?
        } else {
            Reader::stream(Box::new(file), bytes_at_most(settings))
        };
        Self::new(reader, name, settings)
    }

    /// Decodes the content of a file from memory.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), but for the file's name.
    pub fn from_bytes(bytes: Vec<u8>, settings: &DecodeSettings) -> Result<Self, AudioError> {
        let reader = Reader::seekable(Box::new(Cursor::new(bytes))).map_err(in_memory)?;
        Self::new(reader, Source::Memory, settings)
    }

    /// Decodes what a pipe or a connection gives, as it comes. Only MP4 and CAF,
    /// which may have their index behind the samples, are read into memory first.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), but for the file's name.
    pub fn from_reader(
        reader: impl Read + Send + Sync + 'static,
        settings: &DecodeSettings,
    ) -> Result<Self, AudioError> {
        let reader = Reader::stream(Box::new(reader), bytes_at_most(settings));
        Self::new(reader, Source::Memory, settings)
    }

    /// Samples per second.
    pub fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    /// Channels in the file (what is given out is always one).
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Samples given out so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Samples in the whole file, where the header says; it may be wrong.
    pub fn expected_samples(&self) -> Option<u64> {
        self.expected
    }

    /// How much is done, 0 to 1: by samples where the header says how many
    /// there are, else by bytes. `None` for a pipe of unknown length.
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

    /// Packets of a lossy codec that could not be decoded and were passed over.
    pub fn damaged_packets(&self) -> u64 {
        self.damaged
    }

    /// The next samples, at least one, full scale +-1; `None` at the end. Blocks
    /// are as the codec makes them, up to some ten thousand samples.
    ///
    /// # Errors
    ///
    /// [`AudioError::Io`], [`AudioError::Corrupt`], [`AudioError::Unsupported`]
    /// (the rate changes on the way) or [`AudioError::TooLong`].
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

    /// Checks what the header says, decodes the first block, and checks again.
    /// `bounded`: the length expected is no longer than the file allows.
    fn with_first_block(mut self, bounded: bool) -> Result<Self, AudioError> {
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
                "{}: channel {n} is asked for, and there are {} (counted from 0)",
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
                "the header states a sample rate of {rate} Hz (taken: {} to {})",
                SAMPLE_RATES.start(),
                SAMPLE_RATES.end()
            ),
        ))
    }

    /// Decodes until there is a sample, or the file ends and `block` is empty.
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
                return Err(corrupt(&self.name, "its packets hold nothing"));
            }
            self.decode_packet()?;
        }
        if self.finished && self.decoded == 0 && self.damaged > 0 {
            return Err(corrupt(&self.name, "nothing in it can be decoded"));
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
            // A chain of Ogg streams: the next one begins.
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
            // The last packet of a file that was cut off still has whole blocks.
            let whole = packet.data.len() / bytes;
            packet.dur = Duration::from(whole as u64 * samples);
        }
        self.interleaved.clear();
        let lossy = track.codec.is_lossy();
        let (rate, channels) = match guarded(|| track.codec.decode(&packet, &mut self.interleaved))
        {
            Ok(spec) => spec,
            // The last, incomplete packet of a file that was cut off.
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
                    "its sample rate changes from {} to {rate} Hz on the way",
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
        // One channel needs no other place than the block itself.
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
                    "sample {} is {}, which is no sound",
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
        // The length stated is that of the first stream.
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

fn bytes_at_most(settings: &DecodeSettings) -> u64 {
    settings.limits.max_file_bytes.unwrap_or(u64::MAX)
}

fn in_memory(source: io::Error) -> AudioError {
    AudioError::Io {
        path: Source::Memory,
        source,
    }
}
