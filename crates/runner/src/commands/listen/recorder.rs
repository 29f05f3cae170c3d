//! The sound as it was heard, kept where asked for.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use hound::{SampleFormat, WavSpec, WavWriter};

/// Writes a WAV file of 16 bits under a temporary name.
pub struct Recorder {
    writer: WavWriter<BufWriter<File>>,
    part: PathBuf,
    path: PathBuf,
}

impl Recorder {
    /// Begins a file.
    ///
    /// # Errors
    ///
    /// Where it cannot be written.
    pub fn new(path: &Path, sample_rate: u32) -> Result<Self> {
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let spec = WavSpec {
            channels: 1,
            sample_rate,
            bits_per_sample: 16,
            sample_format: SampleFormat::Int,
        };
        let writer = WavWriter::create(&part, spec)
            .with_context(|| format!("cannot write {}", part.display()))?;
        Ok(Self {
            writer,
            part,
            path: path.to_path_buf(),
        })
    }

    /// Adds samples.
    ///
    /// # Errors
    ///
    /// Where the disk is full.
    pub fn write(&mut self, samples: &[f32]) -> Result<()> {
        for sample in samples {
            let value = (sample * 32_768.0).round().clamp(-32_768.0, 32_767.0);
            let written = self.writer.write_sample(value as i16);
            written.with_context(|| format!("cannot write {}", self.part.display()))?;
        }
        Ok(())
    }

    /// Completes the file under its name.
    ///
    /// # Errors
    ///
    /// Where it cannot be written.
    pub fn finish(self) -> Result<()> {
        let seconds = f64::from(self.writer.duration()) / f64::from(self.writer.spec().sample_rate);
        self.writer
            .finalize()
            .with_context(|| format!("cannot write {}", self.part.display()))?;
        std::fs::rename(&self.part, &self.path)
            .with_context(|| format!("cannot write {}", self.path.display()))?;
        eprintln!("{}: {seconds:.1} s", self.path.display());
        Ok(())
    }
}
