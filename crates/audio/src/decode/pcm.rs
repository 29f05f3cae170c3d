//! Uncompressed samples and G.711, which need no demuxer and no codec.
//!
//! Most corpora consist of such WAV files. The bytes are read into one buffer and
//! converted from there to their destination, without a copy in between.

use std::io::{self, Read};

use super::failure::Failure;
use super::input::Piece;
use super::layout::{Codec, Layout};
use super::source::Reader;
use crate::simd::vectorised;

/// Bytes read at once. Together with the converted samples they fit into the
/// first-level cache.
const BYTES_AT_ONCE: usize = 8 << 10;

/// The samples of a file, read on demand.
pub(super) struct Pcm {
    file: Reader,
    number: Number,
    big_endian: bool,
    sample_rate: u32,
    channels: usize,
    /// Bytes of samples not read yet.
    left: u64,
    /// Whether the header says how many they are.
    stated: bool,
    bytes: Vec<u8>,
    /// Bytes of an incomplete frame at the start of `bytes`.
    waiting: usize,
}

/// How a sample is stored, little-endian.
#[derive(Clone, Copy)]
enum Number {
    ALaw,
    MuLaw,
    I8,
    U8,
    I16,
    I24,
    I32,
    F32,
    F64,
}

impl Number {
    fn of(codec: Codec) -> Option<Number> {
        Some(match codec {
            Codec::ALaw => Number::ALaw,
            Codec::MuLaw => Number::MuLaw,
            Codec::SignedByte => Number::I8,
            Codec::Int(1) => Number::U8,
            Codec::Int(2) => Number::I16,
            Codec::Int(3) => Number::I24,
            Codec::Int(4) => Number::I32,
            Codec::Float(4) => Number::F32,
            Codec::Float(8) => Number::F64,
            _ => return None,
        })
    }

    fn width(self) -> usize {
        match self {
            Number::ALaw | Number::MuLaw | Number::I8 | Number::U8 => 1,
            Number::I16 => 2,
            Number::I24 => 3,
            Number::I32 | Number::F32 => 4,
            Number::F64 => 8,
        }
    }
}

impl Pcm {
    /// The samples that start at the position of `file`; the file back if they are
    /// compressed.
    pub(super) fn new(layout: &Layout, file: Reader) -> Result<Pcm, Reader> {
        let Some(number) = Number::of(layout.codec) else {
            return Err(file);
        };
        let channels = usize::from(layout.channels);
        let frame = number.width() * channels;
        // What follows the samples in the file is no part of them.
        let left = match (layout.stated, layout.there) {
            (Some(stated), _) => stated / frame as u64 * frame as u64,
            (None, there) => there.unwrap_or(u64::MAX),
        };
        Ok(Pcm {
            file,
            number,
            big_endian: layout.big_endian,
            sample_rate: layout.sample_rate,
            channels,
            left,
            stated: layout.stated.is_some(),
            bytes: vec![0; (BYTES_AT_ONCE / frame).max(1) * frame],
            waiting: 0,
        })
    }

    pub(super) fn channels(&self) -> usize {
        self.channels
    }

    /// The next samples, in whole frames.
    pub(super) fn next(&mut self, interleaved: &mut Vec<f32>) -> Result<Piece, Failure> {
        self.read(interleaved)?;
        let missing = self.left;
        Ok(if !interleaved.is_empty() {
            Piece::Samples {
                sample_rate: self.sample_rate,
                channels: self.channels,
            }
        } else if missing > 0 && self.stated {
            self.left = 0;
            let frames = missing as f64 / (self.number.width() * self.channels) as f64;
            Piece::Missing {
                seconds: frames / f64::from(self.sample_rate.max(1)),
            }
        } else {
            Piece::End
        })
    }

    /// Appends the next samples to `interleaved`, in whole frames; at the end of
    /// the samples, and only there, it appends none.
    fn read(&mut self, interleaved: &mut Vec<f32>) -> io::Result<()> {
        let frame = self.number.width() * self.channels;
        while self.waiting < frame {
            let room = &mut self.bytes[self.waiting..];
            let most = self.left.min(room.len() as u64) as usize;
            match self.file.read(&mut room[..most]) {
                // An incomplete last frame is dropped.
                Ok(0) => return Ok(()),
                Ok(n) => {
                    self.waiting += n;
                    self.left -= n as u64;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        let whole = self.waiting / frame * frame;
        if self.big_endian {
            let numbers = self.bytes[..whole].chunks_exact_mut(self.number.width());
            numbers.for_each(<[u8]>::reverse);
        }
        convert(self.number, &self.bytes[..whole], interleaved);
        self.bytes.copy_within(whole..self.waiting, 0);
        self.waiting -= whole;
        Ok(())
    }
}

/// Stored numbers to samples, full scale ±1. Dividing by a power of two does not round.
fn convert(number: Number, bytes: &[u8], out: &mut Vec<f32>) {
    vectorised(
        #[inline(always)]
        || match number {
            Number::ALaw => append(bytes, out, |[x]| A_LAW[usize::from(x)]),
            Number::MuLaw => append(bytes, out, |[x]| MU_LAW[usize::from(x)]),
            Number::I8 => append(bytes, out, |[x]| f32::from(x.cast_signed()) / 128.0),
            Number::U8 => append(bytes, out, |[x]| (f32::from(x) - 128.0) / 128.0),
            Number::I16 => append(bytes, out, |x| f32::from(i16::from_le_bytes(x)) / 32_768.0),
            Number::I24 => append(bytes, out, |[a, b, c]: [u8; 3]| {
                // Placed in the upper bytes, so that the sign is right.
                (i32::from_le_bytes([0, a, b, c]) >> 8) as f32 / 8_388_608.0
            }),
            Number::I32 => append(bytes, out, |x| {
                i32::from_le_bytes(x) as f32 / 2_147_483_648.0
            }),
            Number::F32 => append(bytes, out, f32::from_le_bytes),
            Number::F64 => append(bytes, out, |x| f64::from_le_bytes(x) as f32),
        },
    );
}

/// The samples of A-law's bytes (ITU-T G.711, table 1a), full scale ±1.
static A_LAW: [f32; 256] = {
    let mut table = [0.0; 256];
    let mut n = 0;
    while n < 256 {
        let byte = n ^ 0x55;
        let (exponent, mantissa) = (byte >> 4 & 7, (byte & 15) as i32);
        let size = match exponent {
            0 => mantissa << 4 | 8,
            _ => (mantissa << 4 | 0x108) << (exponent - 1),
        };
        let sign = if byte & 0x80 == 0 { -1 } else { 1 };
        table[n] = (sign * size) as f32 / 32_768.0;
        n += 1;
    }
    table
};

/// The samples of mu-law's bytes (ITU-T G.711, table 2a), full scale ±1.
static MU_LAW: [f32; 256] = {
    let mut table = [0.0; 256];
    let mut n = 0;
    while n < 256 {
        let byte = !n & 0xFF;
        let size = (((byte & 15) as i32) << 3 | 0x84) << (byte >> 4 & 7);
        let sign = if byte & 0x80 == 0 { 1 } else { -1 };
        table[n] = (sign * (size - 0x84)) as f32 / 32_768.0;
        n += 1;
    }
    table
};

#[inline(always)]
fn append<const N: usize>(bytes: &[u8], out: &mut Vec<f32>, sample: impl Fn([u8; N]) -> f32) {
    let (numbers, _) = bytes.as_chunks::<N>();
    let start = out.len();
    out.resize(start + numbers.len(), 0.0);
    for (out, &number) in out[start..].iter_mut().zip(numbers) {
        *out = sample(number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(number: Number, bytes: &[u8]) -> Vec<f32> {
        let mut out = Vec::new();
        convert(number, bytes, &mut out);
        out
    }

    #[test]
    fn full_scale_is_one_in_every_width() {
        assert_eq!(converted(Number::U8, &[0, 128, 192]), [-1.0, 0.0, 0.5]);
        let i16s = [i16::MIN, 0, 1 << 14].map(i16::to_le_bytes).concat();
        assert_eq!(converted(Number::I16, &i16s), [-1.0, 0.0, 0.5]);
        let i24s = [0, 0, 0x80, 0, 0, 0, 0, 0, 0x40, 0xFF, 0xFF, 0xFF];
        let least = -1.0 / 8_388_608.0;
        assert_eq!(converted(Number::I24, &i24s), [-1.0, 0.0, 0.5, least]);
        let i32s = [i32::MIN, 0, 1 << 30].map(i32::to_le_bytes).concat();
        assert_eq!(converted(Number::I32, &i32s), [-1.0, 0.0, 0.5]);
        let f32s = [-1.5f32, 0.25].map(f32::to_le_bytes).concat();
        assert_eq!(converted(Number::F32, &f32s), [-1.5, 0.25]);
        let f64s = [-1.5f64, 0.25].map(f64::to_le_bytes).concat();
        assert_eq!(converted(Number::F64, &f64s), [-1.5, 0.25]);
    }

    #[test]
    fn every_16_bit_number_is_converted_exactly() {
        let all: Vec<i16> = (i16::MIN..=i16::MAX).collect();
        let bytes: Vec<u8> = all.iter().flat_map(|x| x.to_le_bytes()).collect();
        let back = converted(Number::I16, &bytes);
        assert!(
            back.iter()
                .zip(&all)
                .all(|(s, &x)| s * 32_768.0 == f32::from(x))
        );
    }
}
