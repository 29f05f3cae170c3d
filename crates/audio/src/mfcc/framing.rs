//! Where frames lie, how many there are, and the padding beyond the ends.

use std::ops::Range;

use super::config::{FftLength, Framing, MfccConfig, Span};
use crate::error::AudioError;
use crate::simd::Real;

/// The grid of frames over a signal, in samples.
#[derive(Clone, Debug)]
pub(crate) struct FrameGrid {
    pub(crate) framing: Framing,
    /// Samples of a window that are used.
    pub(crate) window_length: usize,
    /// Samples of a window as asked for, by which frames are counted. The transform may
    /// cut it ([`FftLength::Cut`]).
    span: usize,
    pub(crate) hop: usize,
    pub(crate) n_fft: usize,
}

impl FrameGrid {
    /// The frames of validated settings at `sample_rate` Hz.
    pub(crate) fn new(config: &MfccConfig, sample_rate: u32) -> Result<Self, AudioError> {
        if sample_rate == 0 {
            return Err(AudioError::zero_rate());
        }
        let samples = |span: Span| span.samples(sample_rate, config.rounding);
        let (span, hop) = (samples(config.window_length), samples(config.hop_length));
        if span == 0 || hop == 0 {
            return Err(AudioError::settings(format!(
                "window_length and hop_length are {span} and {hop} samples at \
                 {sample_rate} Hz, they must be 1 or more"
            )));
        }
        let n_fft = match config.n_fft {
            FftLength::Samples(n) | FftLength::Cut(n) => n,
            FftLength::PowerOfTwo => span.next_power_of_two(),
        };
        let window_length = match config.n_fft {
            FftLength::Cut(n) => span.min(n),
            _ => span,
        };
        if window_length > n_fft || n_fft > 1 << 22 {
            return Err(AudioError::settings(format!(
                "window_length is {window_length} samples at {sample_rate} Hz, it must fit into \
                 n_fft, which is {n_fft}"
            )));
        }
        Ok(FrameGrid {
            framing: config.framing,
            window_length,
            span,
            hop,
            n_fft,
        })
    }

    /// Number of frames over `samples` samples.
    pub(crate) fn count(&self, samples: usize) -> usize {
        let whole = |length: usize| match samples.checked_sub(length) {
            Some(rest) => 1 + rest / self.hop,
            None => 0,
        };
        if samples == 0 {
            return 0;
        }
        match self.framing {
            // With an odd transform length the frame is half a sample off centre,
            // and the padding is one sample shorter.
            Framing::CenteredZero | Framing::CenteredReflect => {
                1 + (samples - self.n_fft % 2) / self.hop
            }
            Framing::WholeTransform => whole(self.n_fft),
            Framing::WholeWindow => whole(self.span),
            Framing::Mirrored => (samples + self.hop / 2) / self.hop,
            Framing::PaddedTail => 1 + samples.saturating_sub(self.span).div_ceil(self.hop),
        }
    }

    /// The least number of samples for one frame.
    pub(crate) fn samples_needed(&self) -> usize {
        match self.framing {
            Framing::CenteredZero | Framing::CenteredReflect | Framing::PaddedTail => 1,
            Framing::WholeTransform => self.n_fft,
            Framing::WholeWindow => self.span,
            Framing::Mirrored => self.hop - self.hop / 2,
        }
    }

    /// Index of the first sample of window `t`; negative before the signal.
    pub(crate) fn start(&self, t: usize) -> isize {
        let length = self.window_length;
        // A window shorter than the transform is centred in it.
        let inset = (self.n_fft - length) / 2;
        let at = (t * self.hop) as isize;
        match self.framing {
            Framing::CenteredZero | Framing::CenteredReflect => {
                at - (self.n_fft / 2) as isize + inset as isize
            }
            Framing::WholeTransform => at + inset as isize,
            Framing::WholeWindow | Framing::PaddedTail => at,
            Framing::Mirrored => at + (self.hop / 2) as isize - (length / 2) as isize,
        }
    }

    /// The part of window `t` that lies within a signal of `samples` samples.
    pub(crate) fn inside(&self, t: usize, samples: usize) -> Range<usize> {
        let start = self.start(t);
        let within = |at: isize| at.clamp(0, samples as isize) as usize;
        within(start)..within(start + self.window_length as isize)
    }

    /// Whether frame `t` does not depend on what follows the first `samples` samples.
    pub(crate) fn is_complete(&self, t: usize, samples: usize) -> bool {
        let start = self.start(t);
        // The padding before the first sample mirrors the samples after it.
        let mirrored = match self.framing {
            Framing::CenteredReflect | Framing::Mirrored => 1 - start,
            _ => 0,
        };
        let needed = (start + self.window_length as isize).max(mirrored);
        samples as isize >= needed && t < self.count(samples)
    }

    /// How many of the latest samples a frame may need that is not complete yet,
    /// or is completed only by the end of the signal.
    pub(crate) fn memory(&self) -> usize {
        self.n_fft + 2
    }

    /// The samples of window `t`: a part of `kept`, or at the ends of the signal
    /// `buffer`, filled with samples and padding. `kept` is the signal from sample
    /// `first` on.
    pub(crate) fn gather_from<'a, T: Real>(
        &self,
        kept: &'a [T],
        first: usize,
        t: usize,
        buffer: &'a mut [T],
    ) -> &'a [T] {
        let start = self.start(t);
        let n = (first + kept.len()) as isize;
        if start >= first as isize && start + self.window_length as isize <= n {
            return &kept[start as usize - first..][..self.window_length];
        }
        for (i, out) in buffer.iter_mut().enumerate() {
            let i = start + i as isize;
            *out = if (0..n).contains(&i) {
                kept[i as usize - first]
            } else {
                match self.framing {
                    Framing::CenteredReflect => kept[reflect(i, n, false) - first],
                    Framing::Mirrored => kept[reflect(i, n, true) - first],
                    _ => T::ZERO,
                }
            };
        }
        buffer
    }
}

/// The index in `0..n` for index `i` of a signal mirrored at its ends, repeatedly
/// if the signal is shorter than the padding.
fn reflect(i: isize, n: isize, repeat_end: bool) -> usize {
    let period = if repeat_end { 2 * n } else { 2 * n - 2 }.max(1);
    let i = i.rem_euclid(period);
    (if i < n {
        i
    } else {
        period - i - isize::from(repeat_end)
    }) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reflection_is_that_of_numpy_pad() {
        // numpy.pad([0, 1, 2], 5, mode="reflect") and mode="symmetric"
        let plain: Vec<usize> = (-5..8).map(|i| reflect(i, 3, false)).collect();
        assert_eq!(plain, [1, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2, 1]);
        let symmetric: Vec<usize> = (-5..8).map(|i| reflect(i, 3, true)).collect();
        assert_eq!(symmetric, [1, 2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1]);
        assert!((-5..8).all(|i| reflect(i, 1, false) == 0 && reflect(i, 1, true) == 0));
    }
}
