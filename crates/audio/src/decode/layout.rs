//! Where in a file the samples are and how they are stored, for kinds of file that
//! are a header and then samples: WAV, Wave64, AU, SPHERE.
//!
//! The headers are parsed here, so that nothing in them is trusted. Uncompressed
//! samples are read by [`Pcm`](super::pcm::Pcm); for ADPCM Symphonia gets a
//! [plain header](Layout::header) and the part with the samples.

use std::io::{self, Read};

use super::source::Reader;

/// How the samples are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codec {
    /// Integers of this many bytes, left-justified in them; one byte is unsigned.
    Int(u16),
    /// Signed integers of one byte.
    SignedByte,
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
    /// The format comes after the samples, and a pipe cannot return.
    NeedsSeeking,
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

/// A file of samples after a header, read up to the first of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) codec: Codec,
    /// Whether a number's first byte is its highest.
    pub(super) big_endian: bool,
    pub(super) channels: u16,
    pub(super) sample_rate: u32,
    /// Bytes of a compressed block.
    pub(super) block_align: u16,
    /// Bytes of samples by the header, which may be more than the file has; `None`
    /// where it does not tell.
    pub(super) stated: Option<u64>,
    /// Bytes after the header, unless the file is a pipe.
    pub(super) there: Option<u64>,
    /// Samples per channel by the `fact` chunk: the last block of a compressed
    /// file is padded, and only this chunk tells how far.
    pub(super) fact: Option<u64>,
}

impl Layout {
    /// Bytes of samples, if the header or the length of the file tells.
    pub(super) fn data_length(&self) -> Option<u64> {
        match (self.stated, self.there) {
            (Some(stated), Some(there)) => Some(stated.min(there)),
            (one, other) => one.or(other),
        }
    }

    /// Seconds of samples by the header.
    pub(super) fn promised(&self) -> Option<f64> {
        let stated = Layout {
            there: None,
            ..*self
        };
        Some(stated.samples()? as f64 / f64::from(self.sample_rate.max(1)))
    }

    /// Bytes of one sample of every channel, or of one compressed block.
    fn block(&self) -> u64 {
        let channels = u64::from(self.channels);
        match self.codec {
            Codec::Int(width) | Codec::Float(width) => u64::from(width) * channels,
            Codec::SignedByte | Codec::ALaw | Codec::MuLaw => channels,
            Codec::AdpcmMs | Codec::AdpcmIma => u64::from(self.block_align),
            Codec::Mpeg => 1,
        }
    }

    /// Samples per channel, if the length is known.
    pub(super) fn samples(&self) -> Option<u64> {
        match self.codec {
            Codec::AdpcmMs | Codec::AdpcmIma => {
                let blocks = self.data_length().map(|n| n / self.block());
                let there = blocks.map(|n| n.saturating_mul(self.samples_per_block()));
                match (there, self.fact) {
                    (Some(there), Some(fact)) => Some(there.min(fact)),
                    (one, other) => one.or(other),
                }
            }
            Codec::Mpeg => None,
            _ => self.data_length().map(|n| n / self.block()),
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
            // Symphonia assumes the seven standard pairs of coefficients here.
            Codec::AdpcmMs => (2, 4, &const { extension::<34>() }),
            Codec::AdpcmIma => (0x11, 4, &const { extension::<4>() }),
            // Read without a demuxer.
            _ => return Vec::new(),
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

/// The extension of a format, `N` bytes: its length, then zeros.
const fn extension<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    bytes[0] = N as u8 - 2;
    bytes
}

/// The next bytes.
pub(super) fn bytes<const N: usize>(file: &mut Reader) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}
