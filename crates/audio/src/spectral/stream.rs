//! Spectral shape of a signal that is still arriving.

use super::shape::{Scratch, SpectralShape};
use crate::mfcc::buffer::FrameBuffer;

/// The measures of [`SpectralShape::compute`] for samples that arrive in chunks of
/// any size: the same rows, bit for bit.
///
/// Memory is bounded (samples of two transform lengths), and nothing is allocated
/// after `new`.
///
/// ```
/// use audio::{SpectralConfig, SpectralShape, SpectralStream};
/// let shape = SpectralShape::new(&SpectralConfig::librosa(), 16_000)?;
/// let samples: Vec<f32> = (0..16_000).map(|n| (n as f32 * 0.1).sin()).collect();
/// let mut stream = SpectralStream::new(&shape);
/// let mut rows = Vec::new();
/// for chunk in samples.chunks(333) {
///     stream.push(chunk, |row| rows.extend_from_slice(row));
/// }
/// stream.finish(|row| rows.extend_from_slice(row));
/// assert_eq!(rows, shape.compute(&samples).data());
/// # Ok::<(), audio::AudioError>(())
/// ```
pub struct SpectralStream {
    shape: SpectralShape,
    frames: FrameBuffer,
    scratch: Scratch<f32>,
    row: Vec<f32>,
}

impl std::fmt::Debug for SpectralStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SpectralStream")
            .field("shape", &self.shape)
            .field("frames", &self.frames)
            .finish_non_exhaustive()
    }
}

impl SpectralStream {
    /// A stream of the measures of `shape`.
    pub fn new(shape: &SpectralShape) -> Self {
        SpectralStream {
            frames: FrameBuffer::new(&shape.pipeline.grid),
            scratch: shape.pipeline.scratch(),
            row: vec![0.0; shape.pipeline.columns],
            shape: shape.clone(),
        }
    }

    /// Takes the next samples, any number of them, and calls `each` with every row
    /// that they complete.
    pub fn push(&mut self, samples: &[f32], mut each: impl FnMut(&[f32])) {
        let (pipeline, scratch, row) = (&self.shape.pipeline, &mut self.scratch, &mut self.row);
        self.frames.push(samples, |kept, first, t| {
            pipeline.measure(kept, first, t, scratch, row);
            each(row);
        });
    }

    /// Ends the signal: calls `each` with the rows that extend beyond its end. The
    /// stream is then ready for another signal.
    pub fn finish(&mut self, mut each: impl FnMut(&[f32])) {
        let (pipeline, scratch, row) = (&self.shape.pipeline, &mut self.scratch, &mut self.row);
        self.frames.finish(|kept, first, t| {
            pipeline.measure(kept, first, t, scratch, row);
            each(row);
        });
    }

    /// Discards the signal so far; the next sample is the first of a new signal.
    pub fn reset(&mut self) {
        self.frames.reset();
    }

    /// Values in a row.
    pub fn columns(&self) -> usize {
        self.row.len()
    }
}
