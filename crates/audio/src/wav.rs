//! Samples out, WAV files of one channel.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{AudioError, Source};

/// How samples are stored in a WAV file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SampleFormat {
    /// 16-bit integers, what every program reads; values beyond full scale are clipped.
    #[default]
    Int16,
    /// 32-bit floats, exactly the samples given.
    Float32,
}

/// Writes `samples` (full scale +-1) as a 16-bit WAV of one channel.
///
/// The file appears under its name only once it is whole.
///
/// # Errors
///
/// [`AudioError::Io`] naming the file, [`AudioError::Settings`] for 0 Hz or
/// more samples than a WAV can hold (4 GB).
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
    if sample_rate == 0 {
        return Err(AudioError::settings(format!(
            "{}: a sample rate of 0 Hz cannot be written",
            path.display()
        )));
    }
    let bits = match format {
        SampleFormat::Int16 => 16,
        SampleFormat::Float32 => 32,
    };
    if samples.len() as u64 * (bits / 8) > u64::from(u32::MAX) - 128 {
        return Err(AudioError::settings(format!(
            "{}: {} samples are more than a WAV file holds; write it in parts",
            path.display(),
            samples.len()
        )));
    }
    let temporary = beside(path);
    let written = write(&temporary, samples, sample_rate, bits as u16)
        .and_then(|()| fs::rename(&temporary, path));
    written.map_err(|source| {
        // Best effort: the error to report is the first one.
        let _ = fs::remove_file(&temporary);
        AudioError::Io {
            path: Source::file(path),
            source,
        }
    })
}

/// A name in the same folder, so that the rename stays on one file system.
fn beside(path: &Path) -> PathBuf {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(
        ".{}-{}.tmp",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    ));
    path.with_file_name(name)
}

fn write(path: &Path, samples: &[f32], sample_rate: u32, bits: u16) -> io::Result<()> {
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
    let mut writer = hound::WavWriter::create(path, spec).map_err(into_io)?;
    for &sample in samples {
        if bits == 16 {
            // 32768, the factor by which readers divide: a file read and written is unchanged.
            let scaled = (sample * 32768.0).round().clamp(-32768.0, 32767.0);
            writer.write_sample(scaled as i16)
        } else {
            writer.write_sample(sample)
        }
        .map_err(into_io)?;
    }
    writer.finalize().map_err(into_io)
}

fn into_io(error: hound::Error) -> io::Error {
    match error {
        hound::Error::IoError(e) => e,
        other => io::Error::other(other),
    }
}
