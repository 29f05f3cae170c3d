//! WAV files of uncompressed samples, which need no demuxer and no codec.
//!
//! Most corpora consist of these. The bytes are read into one buffer and
//! converted from there to their destination, without a copy in between.

use std::io::{self, Read};

use super::riff::{Codec, Layout};
use super::source::Reader;
use crate::simd::vectorised;

/// Bytes read at once. Together with the converted samples they fit into the
/// first-level cache.
const BYTES_AT_ONCE: usize = 8 << 10;

/// The samples of a WAV file, read on demand.
pub(super) struct Pcm {
    file: Reader,
    number: Number,
    channels: usize,
    /// Bytes of samples not read yet.
    left: u64,
    bytes: Vec<u8>,
    /// Bytes of an incomplete frame at the start of `bytes`.
    waiting: usize,
}

/// How a sample is stored, little-endian.
#[derive(Clone, Copy)]
enum Number {
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
            Number::U8 => 1,
            Number::I16 => 2,
            Number::I24 => 3,
            Number::I32 | Number::F32 => 4,
            Number::F64 => 8,
        }
    }
}

impl Pcm {
    /// Whether the samples are uncompressed.
    pub(super) fn is_in(layout: &Layout) -> bool {
        Number::of(layout.codec()).is_some()
    }

    /// The samples that start at the position of `file`; `None` if they are compressed.
    pub(super) fn new(layout: &Layout, file: Reader) -> Option<Pcm> {
        let number = Number::of(layout.codec())?;
        let channels = usize::from(layout.channels);
        let frame = number.width() * channels;
        Some(Pcm {
            file,
            number,
            channels,
            left: layout.data_length.unwrap_or(u64::MAX),
            bytes: vec![0; (BYTES_AT_ONCE / frame).max(1) * frame],
            waiting: 0,
        })
    }

    pub(super) fn channels(&self) -> usize {
        self.channels
    }

    /// Appends the next samples to `interleaved`, in whole frames; at the end of
    /// the samples, and only there, it appends none.
    pub(super) fn read(&mut self, interleaved: &mut Vec<f32>) -> io::Result<()> {
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
