//! Writing WAV files of one channel.

use std::io::{self, Cursor};
use std::path::Path;

use crate::atomic::replace;
use crate::error::{AudioError, Source};

/// How samples are stored in a WAV file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SampleFormat {
    /// 16-bit integers, which every program reads; values beyond full scale are clipped.
    #[default]
    Int16,
    /// 32-bit floats, exactly the samples given.
    Float32,
}

/// Writes `samples` (full scale ±1) as a 16-bit WAV file of one channel.
///
/// The file appears at `path` only once it is complete, so a killed process leaves
/// no partial file. It is put together in memory first.
///
/// # Errors
///
/// [`AudioError::Io`] naming the file; [`AudioError::Settings`] if the rate is
/// 0 Hz or there are more samples than a WAV file can hold (4 GB).
pub fn write_wav(
    path: impl AsRef<Path>,
    samples: &[f32],
    sample_rate: u32,
) -> Result<(), AudioError> {
    write_wav_as(path, samples, sample_rate, SampleFormat::Int16)
}

/// [`write_wav`] in a format of your choice.
///
/// # Errors
///
/// As [`write_wav`].
pub fn write_wav_as(
    path: impl AsRef<Path>,
    samples: &[f32],
    sample_rate: u32,
    format: SampleFormat,
) -> Result<(), AudioError> {
    let path = path.as_ref();
    let refused = |why: &str| AudioError::settings(format!("{}: {why}", path.display()));
    if sample_rate == 0 {
        return Err(refused("a sample rate of 0 Hz cannot be written"));
    }
    let bits: u16 = match format {
        SampleFormat::Int16 => 16,
        SampleFormat::Float32 => 32,
    };
    if samples.len() as u64 * u64::from(bits / 8) > u64::from(u32::MAX) - 128 {
        return Err(refused(&format!(
            "{} samples are more than a WAV file holds; write it in parts",
            samples.len()
        )));
    }
    encode(samples, sample_rate, bits)
        // Not flushed: that takes about 10 ms, and corpora have thousands of files.
        .and_then(|bytes| replace(path, &bytes, false))
        .map_err(|source| AudioError::Io {
            path: Source::file(path),
            source,
        })
}

/// The bytes of a WAV file; `bits` is 16 (integers) or 32 (floats).
fn encode(samples: &[f32], sample_rate: u32, bits: u16) -> io::Result<Vec<u8>> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate,
        bits_per_sample: bits,
        sample_format: if bits == 16 {
            hound::SampleFormat::Int
        } else {
            hound::SampleFormat::Float
        },
    };
    let into_io = |error| match error {
        hound::Error::IoError(e) => e,
        other => io::Error::other(other),
    };
    let mut bytes = Vec::with_capacity(samples.len() * usize::from(bits / 8) + 128);
    let mut writer = hound::WavWriter::new(Cursor::new(&mut bytes), spec).map_err(into_io)?;
    for &sample in samples {
        if bits == 16 {
            // 32768 is the factor that readers divide by, so a file that is read
            // and written again does not change.
            let scaled = (sample * 32768.0).round().clamp(-32768.0, 32767.0);
            writer.write_sample(scaled as i16)
        } else {
            writer.write_sample(sample)
        }
        .map_err(into_io)?;
    }
    writer.finalize().map_err(into_io)?;
    Ok(bytes)
}
