//! Resampling of a signal that is still arriving.

use std::sync::Arc;

use super::plan::{PLANS, Plan, Work};
use crate::error::AudioError;
use crate::recording::SAMPLE_RATES;
use crate::simd::{all_finite, vectorised};

/// Larger samples are limited to this. It is far above any sound, and its
/// squares and sums stay finite.
const LOUDEST: f32 = 1e12;

/// Changes the sample rate of a stream: chunks in, chunks out.
///
/// The output does not depend on how the input is cut into chunks, and equals
/// [`Recording::resample`](crate::Recording::resample) bit for bit. Up to a block
/// (two thousand samples of the lower rate, several thousand for odd ratios) is
/// held back until [`finish`](Self::finish).
///
/// ```
/// use audio::{Recording, StreamResampler};
///
/// let tone: Vec<f32> = (0..48_000).map(|n| (n as f32 * 0.05).sin()).collect();
/// let mut resampler = StreamResampler::new(48_000, 16_000)?;
/// let mut out = Vec::new();
/// for chunk in tone.chunks(1000) {
///     resampler.push(chunk, &mut out)?;
/// }
/// resampler.finish(&mut out)?;
///
/// let whole = Recording::from_samples(tone, 48_000)?.resample(16_000)?;
/// assert_eq!(out, whole.samples());
/// # Ok::<(), audio::AudioError>(())
/// ```
pub struct StreamResampler {
    from: u32,
    to: u32,
    /// `None` where the rates are the same.
    blocks: Option<Blocks>,
    taken: u64,
    given: u64,
}

/// Input, collected into the stretches that the plan converts.
struct Blocks {
    plan: Arc<Plan>,
    work: Work,
    stretch: Vec<f32>,
    /// Samples in `stretch` so far, including those of the previous stretch.
    filled: usize,
}

impl StreamResampler {
    /// From `from` to `to` Hz.
    ///
    /// # Errors
    ///
    /// [`AudioError::Settings`] if a rate is outside [`SAMPLE_RATES`].
    pub fn new(from: u32, to: u32) -> Result<Self, AudioError> {
        check_rates(from, to)?;
        Ok(Self::between(from, to))
    }

    /// Only the ratio of the two numbers matters.
    pub(super) fn between(from: u32, to: u32) -> Self {
        let divisor = gcd(from, to);
        let blocks = (from != to).then(|| {
            let plan = PLANS.get((to / divisor) as usize, (from / divisor) as usize);
            Blocks {
                work: plan.work(),
                stretch: vec![0.0; plan.stretch()],
                filled: plan.before(),
                plan,
            }
        });
        StreamResampler {
            from,
            to,
            blocks,
            taken: 0,
            given: 0,
        }
    }

    /// Takes more samples and appends to `out` the output that is ready.
    ///
    /// # Errors
    ///
    /// [`AudioError::Settings`] if a sample is NaN or infinite, which would spoil
    /// a whole block. None of `samples` is taken then.
    pub fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) -> Result<(), AudioError> {
        if !all_finite(samples)
            && let Some(bad) = samples.iter().find(|s| !s.is_finite())
        {
            let why = format!("a sample is {bad}, samples must be finite");
            return Err(cannot(self.from, self.to, &why));
        }
        self.taken += samples.len() as u64;
        let Some(blocks) = &mut self.blocks else {
            self.given += samples.len() as u64;
            out.extend_from_slice(samples);
            return Ok(());
        };
        let mut rest = samples;
        while !rest.is_empty() {
            rest = blocks.gather(rest);
            if blocks.filled == blocks.stretch.len() {
                let block = blocks.convert();
                self.given += block.len() as u64;
                out.extend_from_slice(block);
            }
        }
        Ok(())
    }

    /// Appends to `out` the output held back, so that there are `ceil(n * to / from)`
    /// samples for the `n` taken. The resampler is then ready for another stream.
    ///
    /// # Errors
    ///
    /// None at present.
    pub fn finish(&mut self, out: &mut Vec<f32>) -> Result<(), AudioError> {
        let length = self.length_after(self.taken);
        if let Some(blocks) = &mut self.blocks {
            while self.given < length {
                blocks.stretch[blocks.filled..].fill(0.0);
                let block = blocks.convert();
                let wanted = (length - self.given).min(block.len() as u64);
                self.given += wanted;
                out.extend_from_slice(&block[..wanted as usize]);
            }
            blocks.clear();
        }
        (self.taken, self.given) = (0, 0);
        Ok(())
    }

    /// Output samples for `n` input samples.
    pub(super) fn length_after(&self, n: u64) -> u64 {
        (u128::from(n) * u128::from(self.to)).div_ceil(u128::from(self.from)) as u64
    }

    /// Output samples that become ready at once.
    pub(super) fn block(&self) -> usize {
        let Some(Blocks { plan, .. }) = &self.blocks else {
            return 0;
        };
        plan.step() / plan.down * plan.up
    }
}

impl Blocks {
    /// Takes samples until the stretch is full; returns the others.
    fn gather<'a>(&mut self, samples: &'a [f32]) -> &'a [f32] {
        let room = &mut self.stretch[self.filled..];
        let (now, later) = samples.split_at(samples.len().min(room.len()));
        vectorised(
            #[inline(always)]
            || {
                for (sample, &value) in room.iter_mut().zip(now) {
                    *sample = value.clamp(-LOUDEST, LOUDEST);
                }
            },
        );
        self.filled += now.len();
        later
    }

    /// Converts the stretch and moves on to the next, which overlaps with it.
    fn convert(&mut self) -> &[f32] {
        let step = self.plan.step();
        let block = self.plan.convert(&self.stretch, &mut self.work);
        self.stretch.copy_within(step.., 0);
        self.filled = self.stretch.len() - step;
        block
    }

    fn clear(&mut self) {
        self.filled = self.plan.before();
        self.stretch[..self.filled].fill(0.0);
    }
}

impl std::fmt::Debug for StreamResampler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StreamResampler")
            .field("from", &self.from)
            .field("to", &self.to)
            .field("taken", &self.taken)
            .field("given", &self.given)
            .finish_non_exhaustive()
    }
}

fn cannot(from: u32, to: u32, why: &dyn std::fmt::Display) -> AudioError {
    AudioError::settings(format!("cannot resample from {from} to {to} Hz: {why}"))
}

pub(super) fn check_rates(from: u32, to: u32) -> Result<(), AudioError> {
    for rate in [from, to] {
        if !SAMPLE_RATES.contains(&rate) {
            let (least, most) = (SAMPLE_RATES.start(), SAMPLE_RATES.end());
            let why = format!("rates must be {least} to {most} Hz");
            return Err(cannot(from, to, &why));
        }
    }
    Ok(())
}

pub(super) fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}
