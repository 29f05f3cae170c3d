//! Where frames lie, how many there are, and what is beyond the ends.

use super::config::Framing;
use super::real::Real;

/// The frames over a signal, in samples.
#[derive(Clone, Debug)]
pub(crate) struct FrameGrid {
    pub(crate) framing: Framing,
    pub(crate) window_length: usize,
    pub(crate) hop: usize,
    pub(crate) n_fft: usize,
}

impl FrameGrid {
    /// Number of frames that `samples` samples give.
    pub(crate) fn count(&self, samples: usize) -> usize {
        let whole = |length: usize| match samples.checked_sub(length) {
            Some(rest) => 1 + rest / self.hop,
            None => 0,
        };
        if samples == 0 {
            return 0;
        }
        match self.framing {
            // An odd transform is half a sample off centre, and the padding
            // one sample short of it.
            Framing::CenteredZero | Framing::CenteredReflect => {
                1 + (samples - self.n_fft % 2) / self.hop
            }
            Framing::WholeTransform => whole(self.n_fft),
            Framing::WholeWindow => whole(self.window_length),
            Framing::Mirrored => (samples + self.hop / 2) / self.hop,
            Framing::PaddedTail => {
                1 + samples
                    .saturating_sub(self.window_length)
                    .div_ceil(self.hop)
            }
        }
    }

    /// The smallest number of samples that gives a frame.
    pub(crate) fn samples_needed(&self) -> usize {
        match self.framing {
            Framing::CenteredZero | Framing::CenteredReflect | Framing::PaddedTail => 1,
            Framing::WholeTransform => self.n_fft,
            Framing::WholeWindow => self.window_length,
            Framing::Mirrored => self.hop - self.hop / 2,
        }
    }

    /// The samples under window `t`: a part of `samples`, or at the ends
    /// `buffer` with the padding.
    pub(crate) fn gather<'a, T: Real>(
        &self,
        samples: &'a [T],
        t: usize,
        buffer: &'a mut [T],
    ) -> &'a [T] {
        let length = self.window_length;
        // A window shorter than the transform lies in its middle.
        let inset = (self.n_fft - length) / 2;
        let at = (t * self.hop) as isize;
        let start = match self.framing {
            Framing::CenteredZero | Framing::CenteredReflect => {
                at - (self.n_fft / 2) as isize + inset as isize
            }
            Framing::WholeTransform => at + inset as isize,
            Framing::WholeWindow | Framing::PaddedTail => at,
            Framing::Mirrored => at + (self.hop / 2) as isize - (length / 2) as isize,
        };
        if start >= 0 && start as usize + length <= samples.len() {
            return &samples[start as usize..start as usize + length];
        }
        let n = samples.len() as isize;
        for (i, out) in buffer.iter_mut().enumerate() {
            let i = start + i as isize;
            *out = if (0..n).contains(&i) {
                samples[i as usize]
            } else {
                match self.framing {
                    Framing::CenteredReflect => samples[reflect(i, n, false)],
                    Framing::Mirrored => samples[reflect(i, n, true)],
                    _ => T::ZERO,
                }
            };
        }
        buffer
    }
}

/// Where index `i` falls in `0..n` when the signal is mirrored at its ends,
/// again and again if it is shorter than the padding.
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
