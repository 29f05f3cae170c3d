//! Frames of a signal that is still arriving.

use super::framing::FrameGrid;

/// Splits samples that arrive in chunks of any size into the frames of a grid.
/// Only the samples that later frames may need are kept.
#[derive(Clone, Debug)]
pub(crate) struct FrameBuffer {
    grid: FrameGrid,
    /// The latest samples.
    kept: Vec<f32>,
    /// At most this many are kept.
    capacity: usize,
    /// Number of samples dropped before `kept`.
    first: usize,
    /// The next frame.
    t: usize,
}

impl FrameBuffer {
    pub(crate) fn new(grid: &FrameGrid) -> Self {
        let capacity = 2 * grid.memory();
        FrameBuffer {
            grid: grid.clone(),
            kept: Vec::with_capacity(capacity),
            capacity,
            first: 0,
            t: 0,
        }
    }

    /// Takes the next samples and calls `each` for every frame that they complete,
    /// with the arguments of [`FrameGrid::gather_from`]: the samples kept, the
    /// number dropped before them, and the index of the frame.
    pub(crate) fn push(&mut self, mut samples: &[f32], mut each: impl FnMut(&[f32], usize, usize)) {
        while !samples.is_empty() {
            if self.kept.len() == self.capacity {
                self.forget();
            }
            let room = (self.capacity - self.kept.len()).min(samples.len());
            let (now, later) = samples.split_at(room);
            self.kept.extend_from_slice(now);
            while self.grid.is_complete(self.t, self.samples()) {
                each(&self.kept, self.first, self.t);
                self.t += 1;
            }
            samples = later;
        }
    }

    /// Ends the signal: calls `each` for the frames that extend beyond its end.
    /// The next sample is then the first of a new signal.
    pub(crate) fn finish(&mut self, mut each: impl FnMut(&[f32], usize, usize)) {
        while self.t < self.grid.count(self.samples()) {
            each(&self.kept, self.first, self.t);
            self.t += 1;
        }
        self.reset();
    }

    pub(crate) fn reset(&mut self) {
        self.kept.clear();
        self.first = 0;
        self.t = 0;
    }

    fn samples(&self) -> usize {
        self.first + self.kept.len()
    }

    /// Drops samples that no frame needs any more.
    fn forget(&mut self) {
        let start = self.grid.start(self.t).max(0) as usize;
        let latest = self.samples().saturating_sub(self.grid.memory());
        let dropped = start.min(latest).saturating_sub(self.first);
        self.kept.drain(..dropped);
        self.first += dropped;
    }
}
