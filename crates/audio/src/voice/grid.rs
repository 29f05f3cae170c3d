//! Where the frames of an analysis lie in a recording.

/// Frames `step` seconds apart, as many as fit with their whole window in the
/// recording, centred in it as a group: the remaining time is divided between both
/// ends. These are Praat's frame times.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Grid {
    /// Centre of the first frame, in seconds.
    pub(crate) first: f64,
    pub(crate) step: f64,
    pub(crate) count: usize,
}

impl Grid {
    /// The grid over `samples` samples; empty if they are fewer than a window.
    pub(crate) fn new(samples: usize, sample_rate: u32, window: f64, step: f64) -> Self {
        // Praat's order of operations: the last bit can decide at which sample a frame
        // starts.
        let period = 1.0 / f64::from(sample_rate);
        let duration = period * samples as f64;
        let spare = (duration - window) / step;
        let count = if spare >= 0.0 {
            spare.floor() as usize + 1
        } else {
            0
        };
        Grid {
            first: 0.5 * duration - 0.5 * (count as f64 * step) + 0.5 * step,
            step,
            count,
        }
    }

    /// Centre of frame `i`, in seconds from the start of the recording.
    pub(crate) fn time(&self, i: usize) -> f64 {
        self.first + i as f64 * self.step
    }

    pub(crate) fn times(&self) -> Vec<f64> {
        (0..self.count).map(|i| self.time(i)).collect()
    }
}

/// A value at any `time`, interpolated linearly between the two frames around it. If
/// only the nearer frame has a value, that value; `None` if the nearer frame has none
/// or does not exist.
pub(crate) fn linear(
    times: &[f64],
    step: f64,
    time: f64,
    value: impl Fn(usize) -> Option<f64>,
) -> Option<f64> {
    let position = (time - times.first()?) / step;
    let (left, part) = (position.floor(), position - position.floor());
    let (near, far, part) = if part < 0.5 {
        (left, left + 1.0, part)
    } else {
        (left + 1.0, left, 1.0 - part)
    };
    let value = |i: f64| {
        if i >= 0.0 && i < times.len() as f64 {
            value(i as usize)
        } else {
            None
        }
    };
    let near = value(near)?;
    Some(value(far).map_or(near, |far| near + part * (far - near)))
}

/// The sample at or before `time`. Sample `n` covers the time from `n / rate` to
/// `(n + 1) / rate`, and so lies at `(n + 0.5) / rate`.
pub(crate) fn sample_below(time: f64, sample_rate: u32) -> i64 {
    position(time, sample_rate).floor() as i64 - 1
}

/// The sample nearest to `time`; see [`sample_below`].
pub(crate) fn sample_nearest(time: f64, sample_rate: u32) -> i64 {
    (position(time, sample_rate) + 0.5).floor() as i64 - 1
}

/// The sample at or after `time`; see [`sample_below`].
pub(crate) fn sample_above(time: f64, sample_rate: u32) -> i64 {
    position(time, sample_rate).ceil() as i64 - 1
}

/// Time of sample `n` in seconds; `n` need not be whole.
pub(crate) fn sample_time(n: f64, sample_rate: u32) -> f64 {
    (n + 0.5) / f64::from(sample_rate)
}

/// Position counted from 1, as in Praat, so that rounding is the same.
fn position(time: f64, sample_rate: u32) -> f64 {
    let period = 1.0 / f64::from(sample_rate);
    (time - 0.5 * period) / period + 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_lie_within_the_recording_and_are_centred() {
        for samples in [100, 640, 641, 1000, 16_000, 16_001] {
            let grid = Grid::new(samples, 16_000, 0.04, 0.01);
            let duration = samples as f64 / 16_000.0;
            if samples < 640 {
                assert_eq!(grid.count, 0);
                continue;
            }
            let first = grid.time(0) - 0.02;
            let last = duration - grid.time(grid.count - 1) - 0.02;
            assert!(first > -1e-9 && (first - last).abs() < 1e-9, "{samples}");
            assert!(first + last < 0.01, "{samples}: another frame would fit");
        }
    }
}
