//! The header of a WAV file, parsed here so that nothing in it is trusted.
//!
//! The field names are those of
//! [RFC 2361](https://www.rfc-editor.org/rfc/rfc2361) and of
//! [EBU Tech 3306](https://tech.ebu.ch/docs/tech/tech3306v1_1.pdf) (RF64), whose
//! `ds64` chunk holds lengths in 64 bits where the 32-bit ones say 0xFFFFFFFF. RIFX
//! is the same with every number's highest byte first. Sony's Wave64 has the same
//! chunks, named by 16 bytes and with lengths of 64 bits.
//!
//! Chunks come in any order, the samples before the format too. A length that a
//! writer leaves for later (0 or about 2^31 or 2^32) is no length.

use std::io::{self, Read};

use super::layout::{Codec, Fault, Layout, bytes};
use super::source::Reader;

/// No recorder writes more channels; Symphonia knows 26.
const CHANNELS: std::ops::RangeInclusive<u16> = 1..=26;

/// The most chunks in a header, so that a long file of empty chunks is refused
/// quickly.
const CHUNKS_AT_MOST: usize = 10_000;

/// Lengths from here on are what a writer of a pipe puts down, which cannot return
/// to correct them: 2^31 or 2^32 less the header, rounded.
const PLACEHOLDERS: std::ops::RangeInclusive<u32> = 0x7FFF_0000..=0x8000_0000;

/// No file is longer; 64-bit lengths from here on are placeholders too.
const LENGTH_AT_MOST: u64 = 1 << 62;

/// Where the samples are.
#[derive(Clone, Copy)]
struct Data {
    position: u64,
    stated: Option<u64>,
    /// What the 32-bit length says, to know where the next chunk is.
    length: u64,
}

/// Reads a WAV file up to the first sample. If the format comes after the samples,
/// the file must be seekable.
pub(super) fn read(file: &mut Reader) -> Result<Layout, Fault> {
    let [riff, riff_length, _wave] = [bytes(file)?, bytes::<4>(file)?, bytes(file)?];
    let is_64 = matches!(&riff, b"RF64" | b"BW64");
    let big_endian = &riff == b"RIFX";
    let u32_of = |four: [u8; 4]| match big_endian {
        true => u32::from_be_bytes(four),
        false => u32::from_le_bytes(four),
    };
    let mut data_64 = None;
    let mut format = None;
    let mut fact = None;
    let mut data: Option<Data> = None;
    for _ in 0..CHUNKS_AT_MOST {
        if let (Some(format), Some(data)) = (format, data) {
            return at_the_samples(file, format, data, fact);
        }
        if file.peek(8)?.len() < 8 {
            return Err(without(format.is_some(), data.is_some()));
        }
        let id: [u8; 4] = bytes(file)?;
        let length = u32_of(bytes(file)?);
        let mut left = u64::from(length);
        match &id {
            b"fmt " => {
                // The largest known format has 50 bytes; the rest is ignored.
                let mut content = vec![0; length.min(64) as usize];
                file.read_exact(&mut content)?;
                left -= content.len() as u64;
                format = Some(parse_format(&content, big_endian)?);
            }
            b"ds64" if is_64 && length >= 24 => {
                let _riff_64 = bytes::<8>(file)?;
                data_64 = Some(u64::from_le_bytes(bytes(file)?));
                left -= 16;
            }
            b"fact" if length >= 4 => {
                fact = Some(u64::from(u32_of(bytes(file)?)));
                left -= 4;
            }
            b"data" => {
                let stated = match (length, data_64) {
                    (u32::MAX, stated) => stated.filter(|n| *n < LENGTH_AT_MOST),
                    // A recorder that lost power left both lengths at 0.
                    (0, _) if riff_length == [0; 4] => None,
                    (0, _) if !is_followed_by_a_chunk(file)? => None,
                    (length, _) if is_placeholder(length, file) => None,
                    (length, _) => Some(u64::from(length)),
                };
                data = Some(Data {
                    position: file.position(),
                    stated,
                    length: stated.unwrap_or(u64::MAX),
                });
                if format.is_some() {
                    continue;
                }
                if stated.is_none() {
                    return Err(without(false, true));
                }
                if !file.is_seekable() {
                    return Err(Fault::NeedsSeeking);
                }
            }
            _ => {}
        }
        file.skip(left)?;
        // A padding byte follows a chunk of odd length, but some writers omit it.
        if length % 2 == 1 && !is_chunk(file.peek(4)?) {
            file.skip(1)?;
        }
    }
    Err(Fault::Corrupt(
        "its header has too many chunks and no samples".into(),
    ))
}

/// What is missing at the end of the chunks.
fn without(format: bool, data: bool) -> Fault {
    Fault::Corrupt(
        match (format, data) {
            (true, _) => "it has no data chunk, and so no samples",
            (_, true) => "it has no format chunk with its samples",
            _ => "it has no format chunk",
        }
        .into(),
    )
}

fn at_the_samples(
    file: &mut Reader,
    format: Layout,
    data: Data,
    fact: Option<u64>,
) -> Result<Layout, Fault> {
    if file.position() != data.position {
        file.seek_to(data.position)?;
    }
    let there = file.length().map(|end| end.saturating_sub(data.position));
    Ok(Layout {
        stated: data.stated,
        // The format after the samples is no part of them.
        there: there.map(|there| there.min(data.length)),
        fact: fact.filter(|n| !matches!(n, 0 | 0xFFFF_FFFF)),
        ..format
    })
}

/// Whether a length is no length: one of those, and more than there is.
fn is_placeholder(length: u32, file: &Reader) -> bool {
    let rest = file.length().map(|end| end.saturating_sub(file.position()));
    (PLACEHOLDERS.contains(&length) || length >= 0xFFFF_0000)
        && rest.is_none_or(|rest| u64::from(length) > rest)
}

/// Whether a chunk of a known length follows, so that a length of 0 is meant.
fn is_followed_by_a_chunk(file: &mut Reader) -> io::Result<bool> {
    let head = file.peek(8)?;
    Ok(match head.first_chunk::<8>() {
        None => true,
        Some(head) => is_chunk(head) || head[..4].iter().all(u8::is_ascii_uppercase),
    })
}

/// Reads a Wave64 file up to the first sample.
pub(super) fn read_wave64(file: &mut Reader) -> Result<Layout, Fault> {
    let _riff: [u8; 16] = bytes(file)?;
    let _length: [u8; 8] = bytes(file)?;
    let _wave: [u8; 16] = bytes(file)?;
    let mut format = None;
    for _ in 0..CHUNKS_AT_MOST {
        if file.peek(24)?.len() < 24 {
            return Err(without(format.is_some(), false));
        }
        let id: [u8; 16] = bytes(file)?;
        // With the 24 bytes of id and length.
        let length = u64::from_le_bytes(bytes(file)?);
        let Some(mut left) = length.checked_sub(24) else {
            return Err(Fault::Corrupt(format!(
                "its header has a chunk of {length} bytes"
            )));
        };
        match (&id[..4], format) {
            (b"fmt ", _) => {
                let mut content = vec![0; left.min(64) as usize];
                file.read_exact(&mut content)?;
                left -= content.len() as u64;
                format = Some(parse_format(&content, false)?);
            }
            (b"data", Some(format)) => {
                let data = Data {
                    position: file.position(),
                    stated: Some(left),
                    length: left,
                };
                return at_the_samples(file, format, data, None);
            }
            _ => {}
        }
        // Chunks begin at multiples of eight bytes.
        file.skip(left.saturating_add((8 - length % 8) % 8))?;
    }
    Err(without(true, false))
}

/// Whether a known chunk begins here: one that is needed, or one that often
/// comes before it.
fn is_chunk(start: &[u8]) -> bool {
    let known: [&[u8]; 9] = [
        b"data", b"fmt ", b"fact", b"ds64", b"LIST", b"bext", b"cue ", b"id3 ", b"JUNK",
    ];
    known.iter().any(|id| start.starts_with(id))
}

/// Checks the content of the `fmt ` chunk; the lengths are filled in later.
fn parse_format(content: &[u8], big_endian: bool) -> Result<Layout, Fault> {
    let u16_at = |at: usize| {
        let two = content.get(at..at + 2)?;
        let two = [two[0], two[1]];
        Some(match big_endian {
            true => u16::from_be_bytes(two),
            false => u16::from_le_bytes(two),
        })
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
    if tag == 0xFFFE && content.len() >= 40 {
        // The actual format is at the start of a GUID with a fixed end.
        tag = u16_at(24).ok_or_else(short)?;
        const REST: [u8; 12] = [0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71];
        const AMBISONIC: [u8; 12] = [0x21, 7, 0xD3, 0x11, 0x86, 0x44, 0xC8, 0xC1, 0xCA, 0, 0, 0];
        let rest = content.get(28..40).ok_or_else(short)?;
        if rest != REST && rest != AMBISONIC {
            return Err(Fault::Unsupported(
                "it is a WAV file in a private format (an unknown GUID)".into(),
            ));
        }
    }
    // Without the GUID only integers are certain.
    if tag == 0xFFFE && matches!(bits, 8 | 16 | 24) {
        tag = 1;
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
        // A byte a sample, whatever the header says of the bits.
        (6, _) => Codec::ALaw,
        (7, _) => Codec::MuLaw,
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
                0x40 | 0x45 | 0x64 => " (ADPCM, G.721 or G.726)",
                0x65 | 0x28F => " (ADPCM, G.722)",
                0x3E | 0x83 => " (G.729)",
                0x42 | 0x14 => " (G.723)",
                0xFF | 0x1600 | 0x1610 => " (AAC)",
                0x2000 => " (Dolby Digital, AC-3)",
                0x2001 => " (DTS)",
                0x674F..=0x6771 => " (Vorbis)",
                0xA109 => " (Speex)",
                0xF1AC => " (FLAC)",
                0x160..=0x163 => " (Windows Media)",
                _ => "",
            };
            return unsupported(&format!("of format 0x{tag:04X}{name}"));
        }
    };
    Ok(Layout {
        codec,
        channels,
        sample_rate: match big_endian {
            true => u32::from_be_bytes(rate),
            false => u32::from_le_bytes(rate),
        },
        big_endian,
        block_align,
        stated: None,
        there: None,
        fact: None,
    })
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
