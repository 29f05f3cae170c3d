//! The header of a WAV file, parsed here so that nothing in it is trusted.
//!
//! The field names are those of
//! [RFC 2361](https://www.rfc-editor.org/rfc/rfc2361) and of
//! [EBU Tech 3306](https://tech.ebu.ch/docs/tech/tech3306v1_1.pdf) (RF64), whose
//! `ds64` chunk holds lengths in 64 bits where the 32-bit ones say 0xFFFFFFFF.
//! The result is the checked format and the part of the file that holds the
//! samples. Uncompressed samples are read from there ([`Pcm`](super::pcm::Pcm));
//! for the rest Symphonia gets a [plain header](Layout::header) and that part, so
//! that its own reader never sees an unusual header: it multiplies channels by
//! bytes in 16 bits without a check, allocates what LIST chunks ask for, and does
//! not support RF64.

use std::io::{self, Read};

use super::source::Reader;

/// No recorder writes more channels; Symphonia knows 26.
const CHANNELS: std::ops::RangeInclusive<u16> = 1..=26;

/// The most chunks before the samples, so that a long file of empty chunks is
/// refused quickly.
const CHUNKS_AT_MOST: usize = 10_000;

/// How the samples are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codec {
    /// Integers of this many bytes, left-justified in them; one byte is unsigned.
    Int(u16),
    /// Floating-point numbers of this many bytes.
    Float(u16),
    ALaw,
    MuLaw,
    AdpcmMs,
    AdpcmIma,
    /// MPEG audio frames in a WAV file.
    Mpeg,
}

/// What is wrong with a header.
#[derive(Debug)]
pub(super) enum Fault {
    Io(io::Error),
    Corrupt(String),
    Unsupported(String),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            Fault::Corrupt("it ends within the header".into())
        } else {
            Fault::Io(error)
        }
    }
}

/// A WAV file, read up to its samples.
#[derive(Debug)]
pub(super) struct Layout {
    codec: Codec,
    pub(super) channels: u16,
    pub(super) sample_rate: u32,
    block_align: u16,
    /// Bytes of samples, if the header or the length of the file tells.
    pub(super) data_length: Option<u64>,
    /// Samples per channel by the `fact` chunk: the last block of a compressed
    /// file is padded, and only this chunk tells how far.
    fact: Option<u64>,
}

impl Layout {
    /// Reads from the start of the file to the first sample.
    pub(super) fn read(file: &mut Reader) -> Result<Layout, Fault> {
        let corrupt = |what: &str| Err(Fault::Corrupt(what.to_owned()));
        let [riff, riff_length, _wave] = [bytes(file)?, bytes::<4>(file)?, bytes(file)?];
        let is_64 = matches!(&riff, b"RF64" | b"BW64");
        let mut data_64 = None;
        let mut format = None;
        let mut fact = None;
        for _ in 0..CHUNKS_AT_MOST {
            if file.peek(8)?.len() < 8 {
                return match format {
                    Some(_) => corrupt("it has no data chunk, and so no samples"),
                    None => corrupt("it has no format chunk"),
                };
            }
            let id: [u8; 4] = bytes(file)?;
            let length = u32::from_le_bytes(bytes(file)?);
            let mut left = u64::from(length);
            match &id {
                b"fmt " => {
                    // The largest known format has 50 bytes; the rest is ignored.
                    let mut content = vec![0; length.min(64) as usize];
                    file.read_exact(&mut content)?;
                    left -= content.len() as u64;
                    format = Some(Format::parse(&content)?);
                }
                b"ds64" if is_64 && length >= 24 => {
                    let _riff_64 = bytes::<8>(file)?;
                    data_64 = Some(u64::from_le_bytes(bytes(file)?));
                    left -= 16;
                }
                b"fact" if length >= 4 => {
                    fact = Some(u64::from(u32::from_le_bytes(bytes(file)?)));
                    left -= 4;
                }
                b"data" => {
                    let Some(format) = format else {
                        return corrupt("it has no format chunk before its samples");
                    };
                    let stated = match (length, data_64) {
                        (u32::MAX, stated) => stated,
                        // A recorder that lost power left both lengths at 0.
                        (0, _) if riff_length == [0; 4] => None,
                        (length, _) => Some(u64::from(length)),
                    };
                    let rest = file.length().map(|end| end - file.position().min(end));
                    return Ok(Layout {
                        data_length: match (stated, rest) {
                            (Some(stated), Some(rest)) => Some(stated.min(rest)),
                            (one, other) => one.or(other),
                        },
                        fact: fact.filter(|n| !matches!(n, 0 | 0xFFFF_FFFF)),
                        ..format
                    });
                }
                _ => {}
            }
            file.skip(left)?;
            // A padding byte follows a chunk of odd length, but some writers omit it.
            if length % 2 == 1 && !is_chunk(file.peek(4)?) {
                file.skip(1)?;
            }
        }
        corrupt("its header has too many chunks and no samples")
    }

    pub(super) fn codec(&self) -> Codec {
        self.codec
    }

    /// Bytes of one sample of every channel, or of one compressed block.
    fn block(&self) -> u64 {
        let channels = u64::from(self.channels);
        match self.codec {
            Codec::Int(width) | Codec::Float(width) => u64::from(width) * channels,
            Codec::ALaw | Codec::MuLaw => channels,
            Codec::AdpcmMs | Codec::AdpcmIma => u64::from(self.block_align),
            Codec::Mpeg => 1,
        }
    }

    /// Samples per channel, if the length is known.
    pub(super) fn samples(&self) -> Option<u64> {
        match self.codec {
            Codec::AdpcmMs | Codec::AdpcmIma => {
                let blocks = self.data_length.map(|n| n / self.block());
                let there = blocks.map(|n| n.saturating_mul(self.samples_per_block()));
                match (there, self.fact) {
                    (Some(there), Some(fact)) => Some(there.min(fact)),
                    (one, other) => one.or(other),
                }
            }
            Codec::Mpeg => None,
            _ => self.data_length.map(|n| n / self.block()),
        }
    }

    /// The block of an ADPCM file: bytes, and samples per channel.
    pub(super) fn adpcm_block(&self) -> Option<(usize, u64)> {
        matches!(self.codec, Codec::AdpcmMs | Codec::AdpcmIma)
            .then(|| (usize::from(self.block_align), self.samples_per_block()))
    }

    /// Samples per channel in a block of ADPCM: the first (Microsoft: the first
    /// two) are in the block's header, the others have four bits each.
    fn samples_per_block(&self) -> u64 {
        let channels = u64::from(self.channels);
        let (header, in_header) = match self.codec {
            Codec::AdpcmMs => (7 * channels, 2),
            _ => (4 * channels, 1),
        };
        (u64::from(self.block_align).saturating_sub(header)) * 2 / channels + in_header
    }

    /// A header with only the format, for samples up to the end.
    pub(super) fn header(&self) -> Vec<u8> {
        const TO_THE_END: u32 = u32::MAX;
        let (tag, bits, extension): (u16, u16, &[u8]) = match self.codec {
            Codec::ALaw => (6, 8, &[0, 0]),
            Codec::MuLaw => (7, 8, &[0, 0]),
            // Symphonia assumes the seven standard pairs of coefficients here.
            Codec::AdpcmMs => (2, 4, &const { extension::<34>() }),
            Codec::AdpcmIma => (0x11, 4, &const { extension::<4>() }),
            // Read without a demuxer, or by one that needs no WAV header.
            Codec::Int(_) | Codec::Float(_) | Codec::Mpeg => return Vec::new(),
        };
        let block = self.block() as u16;
        let mut header = Vec::with_capacity(80);
        header.extend(b"RIFF");
        header.extend(TO_THE_END.to_le_bytes());
        header.extend(b"WAVEfmt ");
        header.extend((16 + extension.len() as u32).to_le_bytes());
        header.extend(tag.to_le_bytes());
        header.extend(self.channels.to_le_bytes());
        header.extend(self.sample_rate.to_le_bytes());
        header.extend(
            self.sample_rate
                .wrapping_mul(u32::from(block))
                .to_le_bytes(),
        );
        header.extend(block.to_le_bytes());
        header.extend(bits.to_le_bytes());
        header.extend(extension);
        header.extend(b"data");
        header.extend(TO_THE_END.to_le_bytes());
        header
    }
}

/// Whether a known chunk begins here: one that is needed, or one that often
/// comes before it.
fn is_chunk(start: &[u8]) -> bool {
    matches!(start, b"data" | b"fmt " | b"fact" | b"ds64" | b"LIST")
}

/// The extension of a format, `N` bytes: its length, then zeros.
const fn extension<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    bytes[0] = N as u8 - 2;
    bytes
}

fn bytes<const N: usize>(file: &mut Reader) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// The `fmt ` chunk.
struct Format;

impl Format {
    /// Checks the chunk's content; the lengths are filled in later.
    fn parse(content: &[u8]) -> Result<Layout, Fault> {
        let u16_at = |at: usize| {
            let two = content.get(at..at + 2)?;
            Some(u16::from_le_bytes([two[0], two[1]]))
        };
        let short = || Fault::Corrupt("its format chunk is too short".into());
        let mut tag = u16_at(0).ok_or_else(short)?;
        let channels = u16_at(2).ok_or_else(short)?;
        let rate: [u8; 4] = *content
            .get(4..)
            .and_then(|r| r.first_chunk())
            .ok_or_else(short)?;
        let block_align = u16_at(12).ok_or_else(short)?;
        // The oldest form of the chunk ends before the bits.
        let bits = u16_at(14).unwrap_or(0);
        if tag == 0xFFFE {
            // The actual format is at the start of a GUID with a fixed end.
            tag = u16_at(24).ok_or_else(short)?;
            const REST: [u8; 12] = [0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71];
            const AMBISONIC: [u8; 12] =
                [0x21, 7, 0xD3, 0x11, 0x86, 0x44, 0xC8, 0xC1, 0xCA, 0, 0, 0];
            let rest = content.get(28..40).ok_or_else(short)?;
            if rest != REST && rest != AMBISONIC {
                return Err(Fault::Unsupported(
                    "it is a WAV file in a private format (an unknown GUID)".into(),
                ));
            }
        }
        if !CHANNELS.contains(&channels) {
            return Err(Fault::Corrupt(format!(
                "the header states {channels} channels (allowed: 1 to {})",
                CHANNELS.end()
            )));
        }
        let unsupported = |what: &str| Err(Fault::Unsupported(format!("it is a WAV file {what}")));
        let width = width(bits, block_align, channels);
        let codec = match (tag, width) {
            (1, Some(width @ 1..=4)) => Codec::Int(width),
            (1, _) => return unsupported(&format!("of {bits}-bit integers")),
            (3, Some(width @ (4 | 8))) if bits.is_multiple_of(32) => Codec::Float(width),
            (3, _) => return unsupported(&format!("of {bits}-bit floating-point numbers")),
            (6, _) if bits == 8 => Codec::ALaw,
            (7, _) if bits == 8 => Codec::MuLaw,
            (2 | 0x11, _) => {
                let (codec, header) = match tag {
                    2 => (Codec::AdpcmMs, 7),
                    _ => (Codec::AdpcmIma, 4),
                };
                if bits != 4 || channels > 2 {
                    return unsupported(&format!("of ADPCM, {bits} bits, {channels} channels"));
                }
                if block_align <= header * channels {
                    return Err(Fault::Corrupt(format!(
                        "the header states ADPCM blocks of {block_align} bytes"
                    )));
                }
                codec
            }
            (0x50 | 0x55, _) => Codec::Mpeg,
            _ => {
                let name = match tag {
                    0x31 => " (GSM 6.10)",
                    0x40 | 0x45 | 0x64 => " (G.72x)",
                    0x160..=0x163 => " (Windows Media)",
                    _ => "",
                };
                return unsupported(&format!("of format 0x{tag:04X}{name}"));
            }
        };
        Ok(Layout {
            codec,
            channels,
            sample_rate: u32::from_le_bytes(rate),
            block_align,
            data_length: None,
            fact: None,
        })
    }
}

/// Bytes of a sample: as many as the bits need. If the bits do not fill whole
/// bytes, or are 24 in blocks of four bytes, `block_align` decides. (Otherwise it
/// is ignored, because writers often get this field wrong.)
fn width(bits: u16, block_align: u16, channels: u16) -> Option<u16> {
    let needed = bits.div_ceil(8);
    let there = block_align / channels;
    let whole = block_align.is_multiple_of(channels) && there >= needed;
    match bits {
        0 => None,
        24 if whole && there == 4 => Some(4),
        _ if bits.is_multiple_of(8) => Some(needed),
        _ => (whole && there == needed).then_some(needed),
    }
}
