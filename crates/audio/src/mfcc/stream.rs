//! MFCCs of a signal that is still arriving.
//!
//! A frame is computed as soon as no later sample can change it, by the same
//! code as for whole signals, so the numbers are equal to the last bit. Only the
//! samples of the last few windows are kept, however long the stream is.

use super::config::PreEmphasis;
use super::extractor::Mfcc;
use super::framing::FrameGrid;
use super::pipeline::Scratch;
use crate::error::AudioError;

/// MFCCs, or log-mel spectra, of samples that arrive in chunks of any size.
///
/// The frames from [`push`](Self::push) and then [`finish`](Self::finish) equal
/// those of [`Mfcc::compute`] on all samples together, bit for bit. Framings
/// that centre or mirror work too: the padding before the first sample is known
/// once the first few samples have arrived, and `finish` adds the padding after
/// the last.
///
/// Memory is bounded (twice [`n_fft`](Mfcc::n_fft) samples, and the buffers of
/// one frame), and nothing is allocated after `new`.
///
/// ```
/// use audio::{Mfcc, MfccConfig, MfccStream};
/// let mfcc = Mfcc::new(&MfccConfig::kaldi(), 16_000)?;
/// let mut stream = MfccStream::new(&mfcc)?;
/// let samples: Vec<f32> = (0..16_000).map(|n| (n as f32 * 0.1).sin()).collect();
///
/// let mut rows = Vec::new();
/// for chunk in samples.chunks(333) {
///     stream.push(chunk, |frame| rows.extend_from_slice(frame));
/// }
/// stream.finish(|frame| rows.extend_from_slice(frame));
/// assert_eq!(rows, mfcc.compute(&samples).data());
/// # Ok::<(), audio::AudioError>(())
/// ```
pub struct MfccStream {
    mfcc: Mfcc,
    log_mel: bool,
    average: usize,
    /// The latest samples, after pre-emphasis if that is over the whole signal.
    kept: Vec<f32>,
    /// At most this many are kept.
    capacity: usize,
    /// Number of samples dropped before `kept`.
    first: usize,
    /// The last sample before pre-emphasis.
    previous: f32,
    /// The next frame.
    t: usize,
    /// Number of frames in the row so far; `mel` and `energy` are their sums.
    in_row: usize,
    mel: Vec<f32>,
    energy: f32,
    row: Vec<f32>,
    scratch: Scratch<f32>,
}

impl std::fmt::Debug for MfccStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MfccStream")
            .field("mfcc", &self.mfcc)
            .field("log_mel", &self.log_mel)
            .field("average", &self.average)
            .field("samples", &self.samples())
            .finish_non_exhaustive()
    }
}

impl MfccStream {
    /// A stream of the rows of [`Mfcc::compute`], `n_mfcc` values each.
    ///
    /// # Errors
    ///
    /// [`AudioError::WholeRecording`] if the settings have `top_db`, which is
    /// relative to the maximum of the whole recording.
    pub fn new(mfcc: &Mfcc) -> Result<Self, AudioError> {
        Self::averaged(mfcc, 1)
    }

    /// A stream of the rows of [`Mfcc::compute_averaged`].
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn averaged(mfcc: &Mfcc, average: usize) -> Result<Self, AudioError> {
        Self::prepare(mfcc, average.max(1), false)
    }

    /// A stream of the rows of [`Mfcc::log_mel`], `n_mels` values each.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn log_mel(mfcc: &Mfcc) -> Result<Self, AudioError> {
        Self::log_mel_averaged(mfcc, 1)
    }

    /// A stream of the rows of [`Mfcc::log_mel_averaged`].
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn log_mel_averaged(mfcc: &Mfcc, average: usize) -> Result<Self, AudioError> {
        Self::prepare(mfcc, average.max(1), true)
    }

    fn prepare(mfcc: &Mfcc, average: usize, log_mel: bool) -> Result<Self, AudioError> {
        if let Some(top_db) = mfcc.config.top_db {
            return Err(AudioError::WholeRecording {
                setting: format!("top_db, {top_db}, is relative to the loudest moment of"),
                instead: "set top_db to none; the floor keeps the logarithm finite".into(),
            });
        }
        let pipeline = &mfcc.pipeline;
        let capacity = 2 * pipeline.frames.memory();
        Ok(MfccStream {
            log_mel,
            average,
            kept: Vec::with_capacity(capacity),
            capacity,
            first: 0,
            previous: 0.0,
            t: 0,
            in_row: 0,
            mel: vec![0.0; mfcc.config.n_mels],
            energy: 0.0,
            row: vec![0.0; mfcc.config.n_mfcc],
            scratch: Scratch::new(pipeline),
            mfcc: mfcc.clone(),
        })
    }

    /// Takes the next samples, any number of them, and calls `each` with every row
    /// that they complete.
    pub fn push(&mut self, mut samples: &[f32], mut each: impl FnMut(&[f32])) {
        while !samples.is_empty() {
            if self.kept.len() == self.capacity {
                self.forget();
            }
            let room = (self.capacity - self.kept.len()).min(samples.len());
            let (now, later) = samples.split_at(room);
            self.keep(now);
            while self.frames().is_complete(self.t, self.samples()) {
                self.next_frame(&mut each);
            }
            samples = later;
        }
    }

    /// Ends the signal: calls `each` with the rows that extend beyond its end, and
    /// with the mean of the remaining frames. The stream is then ready for another
    /// signal.
    pub fn finish(&mut self, mut each: impl FnMut(&[f32])) {
        while self.t < self.frames().count(self.samples()) {
            self.next_frame(&mut each);
        }
        if self.in_row > 0 {
            self.end_row(&mut each);
        }
        self.reset();
    }

    /// Discards the signal so far; the next sample is the first of a new signal.
    pub fn reset(&mut self) {
        self.kept.clear();
        self.first = 0;
        self.t = 0;
        self.in_row = 0;
        self.mel.fill(0.0);
        self.energy = 0.0;
    }

    /// Values in a row.
    pub fn columns(&self) -> usize {
        if self.log_mel {
            self.mel.len()
        } else {
            self.row.len()
        }
    }

    /// The settings and tables that the rows are computed with.
    pub fn mfcc(&self) -> &Mfcc {
        &self.mfcc
    }

    /// Number of samples since the start of the signal.
    pub fn samples(&self) -> usize {
        self.first + self.kept.len()
    }

    fn frames(&self) -> &FrameGrid {
        &self.mfcc.pipeline.frames
    }

    /// Drops samples that no frame needs any more.
    fn forget(&mut self) {
        let start = self.frames().start(self.t).max(0) as usize;
        let latest = self.samples().saturating_sub(self.frames().memory());
        let dropped = start.min(latest).saturating_sub(self.first);
        self.kept.drain(..dropped);
        self.first += dropped;
    }

    fn keep(&mut self, samples: &[f32]) {
        let PreEmphasis::Signal(k) = self.mfcc.pipeline.pre_emphasis else {
            self.kept.extend_from_slice(samples);
            return;
        };
        let k = k as f32;
        let mut rest = samples;
        if self.samples() == 0
            && let Some((&x, others)) = samples.split_first()
        {
            self.kept.push(x);
            self.previous = x;
            rest = others;
        }
        for &x in rest {
            self.kept.push(x - k * self.previous);
            self.previous = x;
        }
    }

    fn next_frame(&mut self, each: &mut impl FnMut(&[f32])) {
        self.energy += self.mfcc.pipeline.add_frame(
            &self.kept,
            self.first,
            self.t,
            &mut self.scratch,
            &mut self.mel,
        );
        self.t += 1;
        self.in_row += 1;
        if self.in_row == self.average {
            self.end_row(each);
        }
    }

    fn end_row(&mut self, each: &mut impl FnMut(&[f32])) {
        let pipeline = &self.mfcc.pipeline;
        if self.average > 1 {
            let share = (1.0 / self.in_row as f64) as f32;
            for value in &mut self.mel {
                *value *= share;
            }
            self.energy *= share;
        }
        if self.log_mel {
            pipeline.take_log(&mut self.mel);
            each(&self.mel);
        } else {
            pipeline.finish_row(&mut self.mel, self.energy, &mut self.row);
            each(&self.row);
        }
        self.mel.fill(0.0);
        self.energy = 0.0;
        self.in_row = 0;
    }
}
