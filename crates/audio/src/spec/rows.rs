//! Where the rows of features lie in a recording.

use crate::mfcc::Mfcc;
use crate::mfcc::framing::FrameGrid;
use crate::voice::grid::sample_nearest;

/// Rows of `average` frames each; the last has the remaining frames.
#[derive(Clone, Debug)]
pub(super) struct RowGrid {
    pub(super) frames: FrameGrid,
    pub(super) average: usize,
    pub(super) sample_rate: u32,
}

impl RowGrid {
    pub(super) fn new(mfcc: &Mfcc, average: usize) -> Self {
        RowGrid {
            frames: mfcc.grid().clone(),
            average,
            sample_rate: mfcc.sample_rate(),
        }
    }

    /// Number of rows over `samples` samples.
    pub(super) fn count(&self, samples: usize) -> usize {
        self.frames.count(samples).div_ceil(self.average)
    }

    /// Time of a row in seconds, given the total number of frames.
    pub(super) fn time(&self, row: usize, frames: usize) -> f64 {
        let first = row * self.average;
        let last = (first + self.average).min(frames).max(first + 1) - 1;
        // In half samples, to be exact.
        let ends = self.frames.start(first) + self.frames.start(last);
        (ends + self.frames.window_length as isize) as f64 / (2 * self.sample_rate) as f64
    }

    /// The earliest time that a row can have: that of its first frame alone.
    pub(super) fn earliest(&self, row: usize) -> f64 {
        self.time(row, 0)
    }

    /// Whether no frame of a row depends on what follows the first `samples` samples.
    pub(super) fn is_complete(&self, row: usize, samples: usize) -> bool {
        self.frames
            .is_complete((row + 1) * self.average - 1, samples)
    }

    /// The sample nearest to `time`.
    pub(super) fn sample(&self, time: f64) -> i64 {
        sample_nearest(time, self.sample_rate)
    }

    /// Seconds from the middle of a row to the end of its last frame.
    pub(super) fn half_span(&self) -> f64 {
        let span = (self.average - 1) * self.frames.hop + self.frames.window_length;
        span as f64 / (2 * self.sample_rate) as f64
    }
}

/// Index of the frame nearest to `time`, of frames every `step` seconds from `first`.
pub(super) fn nearest(time: f64, first: f64, step: f64) -> u64 {
    ((time - first) / step).round().max(0.0) as u64
}

/// Means over the frames of each row.
#[derive(Clone, Debug)]
pub(super) struct Averager {
    average: usize,
    in_row: usize,
    sums: Vec<f64>,
    row: Vec<f32>,
}

impl Averager {
    pub(super) fn new(columns: usize, average: usize) -> Self {
        Averager {
            average,
            in_row: 0,
            sums: vec![0.0; columns],
            row: vec![0.0; columns],
        }
    }

    /// Adds a frame; calls `each` with the row if the frame completes it.
    pub(super) fn push(&mut self, frame: &[f32], each: impl FnMut(&[f32])) {
        for (sum, &x) in self.sums.iter_mut().zip(frame) {
            *sum += f64::from(x);
        }
        self.in_row += 1;
        if self.in_row == self.average {
            self.finish(each);
        }
    }

    /// Ends a row that has begun.
    pub(super) fn finish(&mut self, mut each: impl FnMut(&[f32])) {
        if self.in_row == 0 {
            return;
        }
        for (out, sum) in self.row.iter_mut().zip(&mut self.sums) {
            *out = (*sum / self.in_row as f64) as f32;
            *sum = 0.0;
        }
        self.in_row = 0;
        each(&self.row);
    }

    pub(super) fn reset(&mut self) {
        self.in_row = 0;
        self.sums.fill(0.0);
    }
}
