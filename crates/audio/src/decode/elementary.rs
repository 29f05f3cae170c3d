//! Streams that are nothing but frames: MPEG audio and AAC in ADTS.
//!
//! The frames are found here, one after the other, because no header says how many
//! there are: what the first frame states is that of the encoder's last run, and
//! wrong once files are joined or cut. So nothing stated is a limit, every byte is
//! either part of a frame, part of a tag, or counted as lost, and each frame says
//! its own rate and channels, which may change.
//!
//! A stream may begin anywhere, also within a frame or behind an HTTP header:
//! reading starts at the first frame that another follows.

use std::io::{self, Read};

use super::failure::{Failure, guarded};
use super::input::Piece;
use super::kind::id3_length;
use super::packets::{self, Packets};
use super::source::View;
use super::{adts, mpeg};

/// The longest frame of any kind here, and room for the next header.
const LONGEST: usize = 8192 + 16;
/// Bytes read at once.
const BYTES_AT_ONCE: usize = 64 << 10;
/// Bytes before the first frame that are no loss: a header of another protocol, a
/// cut frame.
const LEAD_AT_MOST: u64 = 4096;

/// Which frames to look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Mpeg,
    Adts,
}

impl Family {
    pub(super) fn name(self) -> &'static str {
        match self {
            Family::Mpeg => "MP3",
            Family::Adts => "AAC",
        }
    }
}

/// A frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Header {
    Mpeg(mpeg::Header),
    Adts(adts::Header),
}

impl Header {
    fn parse(family: Family, bytes: &[u8]) -> Option<Header> {
        match family {
            Family::Mpeg => mpeg::Header::parse(bytes).map(Header::Mpeg),
            Family::Adts => adts::Header::parse(bytes).map(Header::Adts),
        }
    }

    /// Bytes, where the header says.
    fn length(&self) -> Option<usize> {
        match self {
            Header::Mpeg(header) => header.length,
            Header::Adts(header) => Some(header.length),
        }
    }

    pub(super) fn sample_rate(&self) -> u32 {
        match self {
            Header::Mpeg(header) => header.sample_rate,
            Header::Adts(header) => header.sample_rate,
        }
    }

    pub(super) fn channels(&self) -> usize {
        match self {
            Header::Mpeg(header) => header.channels,
            Header::Adts(header) => header.channels,
        }
    }

    /// Samples per channel.
    pub(super) fn samples(&self) -> usize {
        match self {
            Header::Mpeg(header) => header.samples,
            Header::Adts(header) => header.blocks * 1024,
        }
    }

    fn is_like(&self, other: &Header) -> bool {
        match (self, other) {
            (Header::Mpeg(one), Header::Mpeg(other)) => one.is_like(other),
            (Header::Adts(one), Header::Adts(other)) => one.is_like(other),
            _ => false,
        }
    }
}

/// What [`Frames::next`] found.
pub(super) enum Found<'a> {
    /// A whole frame: its header, its length, and its bytes with some that follow.
    Frame(Header, usize, &'a [u8]),
    /// Seconds of bytes that are no frame and no tag, at the rate of the frames
    /// before them, or of the first.
    Lost(f64),
    End,
}

/// The frames of a stream.
pub(super) struct Frames {
    source: View,
    family: Family,
    ahead: Vec<u8>,
    at: usize,
    at_end: bool,
    /// The last frame's header; `None` until one is confirmed, and after a loss.
    last: Option<Header>,
    /// Whether there was a frame yet.
    begun: bool,
    skipped: u64,
    /// Whether what was skipped is all zeros.
    zeros: bool,
    /// Of the frames so far.
    seconds: f64,
    bytes: u64,
}

impl Frames {
    pub(super) fn new(source: View, family: Family) -> Self {
        Frames {
            source,
            family,
            ahead: Vec::new(),
            at: 0,
            at_end: false,
            last: None,
            begun: false,
            skipped: 0,
            zeros: true,
            seconds: 0.0,
            bytes: 0,
        }
    }

    /// The next frame, or what is lost before it.
    pub(super) fn next(&mut self) -> io::Result<Found<'_>> {
        loop {
            self.refill()?;
            let rest = &self.ahead[self.at..];
            if rest.is_empty() {
                // Zeros at the end are room that a recorder did not need.
                if self.zeros {
                    self.skipped = 0;
                }
                return Ok(self.lost().map_or(Found::End, Found::Lost));
            }
            if let Some(bytes) = tag(rest) {
                self.skip(bytes)?;
                continue;
            }
            if let Some(before) = tag_that_ends(rest) {
                // The tag's items came before this, its footer.
                self.skipped = self.skipped.saturating_sub(before);
                self.skip(32)?;
                continue;
            }
            match self.frame_here() {
                Some((header, length)) if length <= self.ahead.len() - self.at => {
                    let seconds = header.samples() as f64 / f64::from(header.sample_rate());
                    if self.bytes == 0 {
                        (self.seconds, self.bytes) = (seconds, length as u64);
                    }
                    if let Some(lost) = self.lost() {
                        return Ok(Found::Lost(lost));
                    }
                    self.last = Some(header);
                    self.begun = true;
                    self.seconds += seconds;
                    self.bytes += length as u64;
                    let from = self.at;
                    self.at += length;
                    return Ok(Found::Frame(header, length, &self.ahead[from..]));
                }
                _ => {
                    self.last = None;
                    self.zeros = rest[0] == 0 && (self.zeros || self.skipped == 0);
                    self.at += 1;
                    self.skipped += 1;
                }
            }
        }
    }

    /// A frame at this place: its header, and its length in bytes. After a frame the
    /// next one is believed; elsewhere another must follow, because the sync is only
    /// eleven bits.
    fn frame_here(&self) -> Option<(Header, usize)> {
        let rest = &self.ahead[self.at..];
        let header = Header::parse(self.family, rest)?;
        let length = match header.length() {
            Some(length) => length,
            None => free_length(&header, rest)?,
        };
        if self.last.is_some_and(|last| last.is_like(&header)) && header.length().is_some() {
            return Some((header, length));
        }
        match rest.get(length..) {
            Some(next) => {
                let ends = next.is_empty() || tag(next).is_some();
                let goes_on =
                    Header::parse(self.family, next).is_some_and(|next| next.is_like(&header));
                (goes_on || ends && self.begun).then_some((header, length))
            }
            None => None,
        }
    }

    /// What was skipped, once, in seconds.
    fn lost(&mut self) -> Option<f64> {
        let lost = std::mem::take(&mut self.skipped);
        let least = match self.begun {
            false => LEAD_AT_MOST,
            true => 0,
        };
        (lost > least).then(|| lost as f64 * self.seconds / self.bytes.max(1) as f64)
    }

    fn refill(&mut self) -> io::Result<()> {
        if self.at_end || self.ahead.len() - self.at >= 2 * LONGEST {
            return Ok(());
        }
        self.ahead.drain(..self.at);
        self.at = 0;
        let wanted = (BYTES_AT_ONCE - self.ahead.len()) as u64;
        let read = (&mut self.source)
            .take(wanted)
            .read_to_end(&mut self.ahead)?;
        self.at_end = (read as u64) < wanted;
        Ok(())
    }

    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        let there = (self.ahead.len() - self.at) as u64;
        self.at += bytes.min(there) as usize;
        if bytes > there {
            io::copy(&mut (&mut self.source).take(bytes - there), &mut io::sink())?;
        }
        Ok(())
    }
}

/// A stream of frames with the decoder that they need.
pub(super) struct Elementary {
    frames: Frames,
    codec: Option<Codec>,
    /// What the first frame says of the encoder's delay, and of how many follow.
    tag: Option<mpeg::Tag>,
    /// Frames after the one with the tag, and their samples.
    count: u64,
    samples: u64,
    ended: bool,
}

/// A decoder, and what it was made for.
struct Codec {
    of: (u8, u32, usize),
    decoder: Box<dyn Packets>,
}

impl Elementary {
    pub(super) fn new(source: View, family: Family) -> Self {
        Elementary {
            frames: Frames::new(source, family),
            codec: None,
            tag: None,
            count: 0,
            samples: 0,
            ended: false,
        }
    }

    pub(super) fn next(&mut self, interleaved: &mut Vec<f32>) -> Result<Piece, Failure> {
        if self.ended {
            return Ok(Piece::End);
        }
        let (header, length, bytes) = match self.frames.next()? {
            Found::Lost(seconds) => return Ok(Piece::Lost { seconds }),
            Found::End => return Ok(self.end()),
            Found::Frame(header, length, bytes) => (header, length, bytes),
        };
        let frame = &bytes[..length];
        if let (Header::Mpeg(mpeg), 0, None) = (&header, self.count, self.tag) {
            self.tag = mpeg::Tag::of(mpeg, frame);
            if self.tag.is_some() {
                return Ok(Piece::Nothing);
            }
        }
        self.count += 1;
        let (sample_rate, channels) = (header.sample_rate(), header.channels());
        let codec = match &mut self.codec {
            Some(codec) if codec.of == of(&header) => codec,
            codec => codec.insert(Codec::new(&header)?),
        };
        // In free format the frame's length is only known by the next frame.
        let whole = match header.length() {
            Some(_) => frame,
            None => bytes,
        };
        let decoded = guarded(|| Ok(codec.decode(&header, whole, interleaved)))?;
        if let Some((sample_rate, channels)) = decoded {
            self.cut(interleaved, channels);
            return Ok(Piece::Samples {
                sample_rate,
                channels,
            });
        }
        // Silence of the same length is cut in the same way.
        let channels = channels.max(1);
        interleaved.clear();
        interleaved.resize(header.samples() * channels, 0.0);
        self.cut(interleaved, channels);
        let kept = interleaved.len() / channels;
        interleaved.clear();
        Ok(Piece::Lost {
            seconds: kept as f64 / f64::from(sample_rate),
        })
    }

    /// Drops what the encoder added at the start and at the end, if it said.
    fn cut(&mut self, interleaved: &mut Vec<f32>, channels: usize) {
        let samples = interleaved.len() / channels;
        let from = self.samples;
        self.samples += samples as u64;
        let Some(tag) = self.tag else { return };
        let per_frame = samples as u64;
        let end = tag.frames.map_or(u64::MAX, |n| n * per_frame);
        let sound_end = end.saturating_sub(tag.padding as u64);
        // Behind the promised end, where files were joined, all is kept.
        let kept = |at: u64| at >= tag.delay as u64 && !(sound_end..end).contains(&at);
        let mut to = 0;
        for (at, frame) in (from..).zip(0..samples) {
            if kept(at) {
                interleaved.copy_within(frame * channels..(frame + 1) * channels, to);
                to += channels;
            }
        }
        interleaved.truncate(to);
    }

    /// The end, or what the first frame promises after it.
    fn end(&mut self) -> Piece {
        self.ended = true;
        let promised = self.tag.and_then(|tag| tag.frames).unwrap_or(0);
        let (seconds, count) = (self.frames.seconds, self.count);
        match promised.checked_sub(count) {
            // A frame more or less is another way to count.
            Some(missing @ 2..) if count > 0 => Piece::Missing {
                seconds: missing as f64 * seconds / (count + 1) as f64,
            },
            _ => Piece::End,
        }
    }
}

/// What a decoder is made for: the layer or 10 and the profile of AAC, the rate, the
/// channels.
fn of(header: &Header) -> (u8, u32, usize) {
    let kind = match header {
        Header::Mpeg(mpeg) => mpeg.layer,
        Header::Adts(adts) => 10 + adts.profile,
    };
    (kind, header.sample_rate(), header.channels())
}

impl Codec {
    fn new(header: &Header) -> Result<Self, Failure> {
        let decoder = match header {
            Header::Mpeg(_) => packets::mpeg()?,
            Header::Adts(adts) if adts.blocks > 1 => {
                let what = "AAC in ADTS frames of several blocks";
                return Err(Failure::Unsupported(what.into()));
            }
            Header::Adts(adts) => packets::aac(&adts.config())?,
        };
        Ok(Codec {
            of: of(header),
            decoder,
        })
    }

    /// Appends a frame's samples; returns its rate and its channels, or `None` if it
    /// cannot be decoded.
    fn decode(
        &mut self,
        header: &Header,
        frame: &[u8],
        interleaved: &mut Vec<f32>,
    ) -> Option<(u32, usize)> {
        let packet = match header {
            Header::Mpeg(_) => frame,
            Header::Adts(adts) => &frame[adts.before..],
        };
        self.decoder.decode(packet, interleaved)
    }
}

/// The length of a frame in free format: up to the next header with the same fields.
fn free_length(header: &Header, rest: &[u8]) -> Option<usize> {
    let Header::Mpeg(first) = header else {
        return None;
    };
    let next = (24..rest.len().min(LONGEST)).find(|at| {
        mpeg::Header::parse(&rest[*at..]).is_some_and(|next| {
            next.is_like(first) && next.length.is_none() && next.sample_rate == first.sample_rate
        })
    });
    // The last one ends with the file.
    next.or((rest.len() < LONGEST).then_some(rest.len()))
}

/// The length of a tag that begins here.
fn tag(rest: &[u8]) -> Option<u64> {
    if let Some(length) = id3_length(rest) {
        return Some(length);
    }
    let u32_at = |at: usize| Some(u32::from_le_bytes(*rest.get(at..)?.first_chunk()?));
    if rest.starts_with(b"TAG") {
        // ID3v1, and its extension before it.
        return Some(if rest.starts_with(b"TAG+") { 227 } else { 128 });
    }
    if rest.starts_with(b"APETAGEX") && u32_at(20)? >> 29 & 1 == 1 {
        // A header: it counts the items and the footer, which is found by itself.
        return Some(u64::from(u32_at(12)?).max(32));
    }
    if rest.starts_with(b"LYRICSBEGIN") {
        let ends = |end: &[u8]| matches!(end, b"LYRICS200" | b"LYRICSEND");
        let at = rest.windows(9).position(ends)?;
        return Some(at as u64 + 9);
    }
    None
}

/// How many bytes before this place belong to the APE tag whose footer is here.
fn tag_that_ends(rest: &[u8]) -> Option<u64> {
    let u32_at = |at: usize| Some(u32::from_le_bytes(*rest.get(at..)?.first_chunk()?));
    rest.starts_with(b"APETAGEX")
        .then(|| u32_at(12).map(|size| u64::from(size).saturating_sub(32)))?
}

/// How far [`family_within`] looks.
pub(super) const SEARCH: usize = 32 << 10;

/// The family of a stream that does not begin with a frame: the first place where
/// four frames follow each other.
pub(super) fn family_within(bytes: &[u8]) -> Option<Family> {
    const IN_A_ROW: usize = 4;
    for at in 0..bytes.len() {
        if bytes[at] != 0xFF {
            continue;
        }
        for family in [Family::Mpeg, Family::Adts] {
            let Some(first) = Header::parse(family, &bytes[at..]) else {
                continue;
            };
            let mut next = at;
            let frames = (0..IN_A_ROW).take_while(|_| {
                let header = bytes
                    .get(next..)
                    .and_then(|rest| Header::parse(family, rest));
                match header
                    .filter(|h| h.is_like(&first))
                    .and_then(|h| h.length())
                {
                    Some(length) => {
                        next += length;
                        true
                    }
                    None => false,
                }
            });
            if frames.count() == IN_A_ROW {
                return Some(family);
            }
        }
    }
    None
}
