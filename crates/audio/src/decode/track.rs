//! A track of a container, by one of Symphonia's demuxers.

use std::io;

use symphonia::core::errors::Error;
use symphonia::core::formats::{FormatReader, Track as Header};
use symphonia::core::packet::Packet;
use symphonia::core::units::{Duration, TimeBase, Timestamp};

use super::codec::TrackCodec;
use super::container::{TrackChoice, audio_track};
use super::failure::{Failure, guarded};
use super::input::Piece;
use super::kind::Kind;
use super::mp4::Edit;
use super::structure::{self, Watched};
use crate::error::Source;

/// A jump of a track's clock by more than this many seconds is sound that is not
/// there; less is rounding.
const JUMP: f64 = 0.015;

/// By how much times in Matroska and MP4 may be off, in seconds: Matroska's are in
/// milliseconds, and encoders' delays are told in different ways.
const INEXACT_TIMES: f64 = 0.05;

/// How far the length in the header of a lossy format may be off, in seconds: it
/// counts what encoders add at the ends in different ways.
const INEXACT: f64 = 0.15;

/// A track with its demuxer and its codec.
pub(super) struct Track {
    format: Box<dyn FormatReader>,
    codec: TrackCodec,
    kind: Kind,
    name: Source,
    id: u32,
    time_base: Option<TimeBase>,
    /// Samples per channel still to be dropped at the start.
    skip: usize,
    /// Samples per channel left until the end that the header states, if the last
    /// block is padded and only the header tells how far.
    left: Option<u64>,
    /// The part that is to be heard, until the rate is known.
    edit: Option<Edit>,
    /// Bytes and samples of a block, if the demuxer does not split into blocks.
    adpcm_block: Option<(usize, u64)>,
    /// Seconds that the header promises, where it is exact.
    promised: Option<f64>,
    /// Seconds decoded or reported lost.
    given: f64,
    /// What the next packet's time is if nothing is missing.
    due: Option<Timestamp>,
    /// A packet that something is missing before.
    waiting: Option<Packet>,
    ended: bool,
    /// The container's elements; of a pipe, those so far.
    structure: Option<Watched>,
    /// When the next packet should begin if nothing is missing, in seconds, by the
    /// samples decoded.
    clock: Option<f64>,
    /// Seconds reported lost before the end.
    lost: f64,
    /// Whether what the structure tells is reported.
    is_counted: bool,
}

/// What the header of a WAV file says of its ADPCM.
#[derive(Clone, Copy)]
pub(super) struct Blocks {
    pub(super) block: (usize, u64),
    /// Samples per channel, padding not counted, as far as they are in the file.
    pub(super) samples: Option<u64>,
    /// Seconds by the header.
    pub(super) promised: Option<f64>,
}

/// Seconds that no sample of any rate is as short as.
const LESS_THAN_A_SAMPLE: f64 = 1e-6;

impl Track {
    pub(super) fn new(
        format: Box<dyn FormatReader>,
        header: &Header,
        codec: TrackCodec,
        kind: Kind,
        name: Source,
        blocks: Option<Blocks>,
        edit: Option<Edit>,
    ) -> Self {
        Track {
            id: header.id,
            time_base: header.time_base,
            skip: codec.skip(),
            promised: match blocks {
                Some(blocks) => blocks.promised,
                None => promised(header, kind, edit),
            },
            edit,
            left: blocks.and_then(|b| b.samples),
            adpcm_block: blocks.map(|b| b.block),
            given: 0.0,
            due: None,
            waiting: None,
            ended: false,
            structure: None,
            clock: None,
            lost: 0.0,
            is_counted: false,
            format,
            codec,
            kind,
            name,
        }
    }

    /// With a walk through the container, which tells what the demuxer passes over.
    pub(super) fn with_structure(self, structure: Option<Watched>) -> Self {
        Track { structure, ..self }
    }

    /// Whether a stream of the container has no mark of its end.
    pub(super) fn is_open(&self) -> bool {
        let damage = self.structure.as_ref().map(structure::damage);
        self.ended && damage.is_some_and(|damage| damage.is_open)
    }

    pub(super) fn next(&mut self, interleaved: &mut Vec<f32>) -> Result<Piece, Failure> {
        if let Some(packet) = self.waiting.take() {
            return self.decode(&packet, interleaved);
        }
        if self.ended {
            return Ok(Piece::End);
        }
        let packet = match guarded(|| Ok(self.format.next_packet()?)) {
            Ok(Some(packet)) => self.whole_blocks(packet),
            Ok(None) => return Ok(self.end()),
            // The next stream of a chained Ogg file begins.
            Err(Failure::Symphonia(Error::ResetRequired)) => return self.next_in_chain(),
            Err(Failure::Symphonia(Error::IoError(e)))
                if e.kind() == io::ErrorKind::UnexpectedEof =>
            {
                return Ok(self.end());
            }
            // Zeros at the end of a pipe, which confuse some demuxers.
            Err(_) if self.is_before_padding() => return Ok(self.end()),
            Err(e) => return Err(e),
        };
        if packet.track_id != self.id {
            return Ok(Piece::Nothing);
        }
        if let Some(seconds) = self.jump(&packet) {
            self.waiting = Some(packet);
            self.given += seconds;
            self.lost += seconds;
            return Ok(Piece::Lost { seconds });
        }
        self.decode(&packet, interleaved)
    }

    /// Whether all was read but zeros that belong to nothing.
    fn is_before_padding(&self) -> bool {
        let damage = self.structure.as_ref().map(structure::damage);
        damage.is_some_and(|damage| damage.padding > 0 && damage.damaged == 0)
    }

    /// Of ADPCM, the last packet of a truncated file still has whole blocks.
    fn whole_blocks(&self, mut packet: Packet) -> Packet {
        if let Some((bytes, samples)) = self.adpcm_block {
            let whole = packet.data.len() / bytes;
            packet.dur = Duration::from(whole as u64 * samples);
        }
        packet
    }

    /// Seconds between the end of the last packet and the start of this one, if
    /// packets between them are missing. The times in Matroska and MP4 also jump where
    /// a recorder paused, so they count only in a damaged file.
    fn jump(&mut self, packet: &Packet) -> Option<f64> {
        if self.kind != Kind::Ogg {
            let damage = self.structure.as_ref().map(structure::damage)?;
            let begins = self.seconds(u64::try_from(packet.pts.get()).ok()?)?;
            let due = self.clock.replace(begins);
            self.clock = Some(due.map_or(begins, |due| due.max(begins)));
            let seconds = begins - due?;
            return (damage.damaged > 0 && seconds > INEXACT_TIMES).then_some(seconds);
        }
        let due = self
            .due
            .replace(packet.pts.checked_add(packet.block_dur())?)?;
        let ticks = packet.pts.get().checked_sub(due.get())?;
        let seconds = self.seconds(u64::try_from(ticks).ok()?)?;
        (seconds > JUMP).then_some(seconds)
    }

    /// Ticks of the track's clock in seconds.
    fn seconds(&self, ticks: u64) -> Option<f64> {
        let base = self.time_base?;
        Some(ticks as f64 * f64::from(base.numer.get()) / f64::from(base.denom.get()))
    }

    fn decode(&mut self, packet: &Packet, interleaved: &mut Vec<f32>) -> Result<Piece, Failure> {
        let lossy = self.codec.is_lossy();
        let (sample_rate, channels) = match guarded(|| self.codec.decode(packet, interleaved)) {
            Ok(format) => format,
            // The last, incomplete packet of a truncated file.
            Err(Failure::Symphonia(Error::IoError(e)))
                if !lossy && e.kind() == io::ErrorKind::UnexpectedEof =>
            {
                return Ok(self.end());
            }
            Err(Failure::Symphonia(Error::DecodeError(_) | Error::IoError(_))) if lossy => {
                interleaved.clear();
                let seconds = self.seconds(packet.block_dur().get()).unwrap_or(0.0);
                self.given += seconds;
                self.lost += seconds;
                return Ok(Piece::Lost { seconds });
            }
            Err(e) => return Err(e),
        };
        if channels == 0 || interleaved.is_empty() {
            return Ok(Piece::Nothing);
        }
        if let Some(clock) = &mut self.clock {
            *clock += (interleaved.len() / channels) as f64 / f64::from(sample_rate.max(1));
        }
        if !self.codec.trims() {
            self.trim(packet, sample_rate, channels, interleaved);
        }
        if let Some(edit) = self.edit.take() {
            let samples = |seconds: f64| (seconds * f64::from(sample_rate)).round();
            // Of Opus both the codec and the container tell.
            self.skip = self.skip.max(samples(edit.from) as usize);
            self.left = edit.to.map(|to| samples(to - edit.from) as u64);
        }
        let frames = interleaved.len() / channels;
        let skipped = frames.min(self.skip);
        self.skip -= skipped;
        interleaved.drain(..skipped * channels);
        let mut kept = frames - skipped;
        if let Some(left) = &mut self.left {
            kept = kept.min(usize::try_from(*left).unwrap_or(kept));
            *left -= kept as u64;
            self.ended = *left == 0;
            interleaved.truncate(kept * channels);
        }
        self.given += kept as f64 / f64::from(sample_rate.max(1));
        Ok(Piece::Samples {
            sample_rate,
            channels,
        })
    }

    /// Drops what the container says the encoder added.
    fn trim(&self, packet: &Packet, rate: u32, channels: usize, interleaved: &mut Vec<f32>) {
        let samples = |ticks: Duration| {
            let seconds = self.seconds(ticks.get()).unwrap_or(0.0);
            (seconds * f64::from(rate)).round() as usize * channels
        };
        let end = samples(packet.trim_end);
        interleaved.truncate(interleaved.len().saturating_sub(end));
        let start = samples(packet.trim_start).min(interleaved.len());
        interleaved.drain(..start);
    }

    /// The end, or what the header promises after it.
    fn end(&mut self) -> Piece {
        self.ended = true;
        let by_header = self.promised.take().map_or(0.0, |all| all - self.given);
        let seconds = by_header.max(self.missing_by_structure());
        // Sums of lengths are not exact; less than a sample is none.
        match seconds > LESS_THAN_A_SAMPLE {
            true => Piece::Missing { seconds },
            false => Piece::End,
        }
    }

    /// Seconds in the bytes that are missing at the end, or damaged where no packet
    /// told so: an estimate by the bytes that are there. Once only.
    fn missing_by_structure(&mut self) -> f64 {
        let Some(damage) = self.structure.as_ref().map(structure::damage) else {
            return 0.0;
        };
        if self.is_counted {
            return 0.0;
        }
        self.is_counted = true;
        let damaged = match self.lost > 0.0 {
            true => 0,
            false => damage.damaged,
        };
        let whole = damage.bytes.saturating_sub(damaged).max(1);
        let bytes = damage.missing.saturating_add(damaged);
        bytes as f64 * self.given / whole as f64
    }

    fn next_in_chain(&mut self) -> Result<Piece, Failure> {
        let (next, parameters) = audio_track(self.format.as_ref(), TrackChoice::First, &self.name)?;
        self.id = next.id;
        self.time_base = next.time_base;
        self.codec = TrackCodec::new(&parameters, self.kind, &self.name)?;
        self.skip = self.codec.skip();
        // The length stated in the header is that of the first stream.
        self.promised = None;
        self.due = None;
        Ok(Piece::Nothing)
    }
}

/// The seconds that a header promises, less what it may be wrong by. Matroska's is
/// the length of the longest track.
fn promised(header: &Header, kind: Kind, edit: Option<Edit>) -> Option<f64> {
    let parameters = header.codec_params.as_ref()?.audio()?;
    let rate = f64::from(parameters.sample_rate?);
    match kind {
        Kind::Flac | Kind::Aiff => Some(header.num_frames? as f64 / rate),
        Kind::Mp4 | Kind::Caf | Kind::Ogg => {
            let base = header.time_base?;
            let ticks = header.duration?.get();
            // All ones: not known, as in a stream that was not ended.
            if ticks == u64::MAX || ticks == u64::from(u32::MAX) {
                return None;
            }
            let ticks = ticks as f64;
            let seconds = ticks * f64::from(base.numer.get()) / f64::from(base.denom.get());
            let (from, to) = edit.map_or((0.0, None), |edit| (edit.from, edit.to));
            Some(to.map_or(seconds, |to| to.min(seconds)) - from - INEXACT)
        }
        _ => None,
    }
}
