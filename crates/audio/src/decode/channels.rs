//! From several channels to one.

use super::settings::Channels;

/// Below this share of the channels' mean power, their mean is what is left of a
/// sound that is in two of them with opposite polarity.
const CANCELLED: f64 = 0.02;
/// The other channels are empty below this share of the loudest one's power.
const EMPTY: f64 = 1e-4;

impl Channels {
    /// Appends the channel taken, or the mean.
    pub(super) fn mix(self, interleaved: &[f32], channels: usize, out: &mut Vec<f32>) {
        match self {
            _ if channels == 1 => out.extend_from_slice(interleaved),
            Channels::Mix | Channels::Loudest => {
                let scale = 1.0 / channels as f32;
                let frames = interleaved.chunks_exact(channels);
                out.extend(frames.map(|frame| frame.iter().sum::<f32>() * scale));
            }
            Channels::One(n) => {
                let frames = interleaved.chunks_exact(channels);
                // A part with fewer channels has the same sound in all of them.
                out.extend(frames.map(|frame| frame[n.min(channels - 1)]));
            }
        }
    }
}

/// The power of each channel, and of their mean.
#[derive(Clone, Debug, Default)]
pub(super) struct Levels {
    each: Vec<f64>,
    mean: f64,
    /// Whether there were any samples.
    any: bool,
}

impl Levels {
    /// `counted`: whether they are part of what was asked for.
    pub(super) fn add(&mut self, interleaved: &[f32], channels: usize, counted: bool) {
        self.any = true;
        if channels == 1 || !counted {
            return;
        }
        if self.each.len() < channels {
            self.each.resize(channels, 0.0);
        }
        for frame in interleaved.chunks_exact(channels) {
            let mut sum = 0.0;
            for (power, sample) in self.each.iter_mut().zip(frame) {
                *power += f64::from(sample * sample);
                sum += sample;
            }
            self.mean += f64::from(sum * sum) / (channels * channels) as f64;
        }
    }

    pub(super) fn any(&self) -> bool {
        self.any
    }

    /// Whether the channels cancel each other out in their mean. Channels without a
    /// sound in common, or empty ones, do not: of n of those 1/n is left.
    pub(super) fn cancel(&self) -> bool {
        let channels = self.each.len() as f64;
        let power = self.each.iter().sum::<f64>() / channels.max(1.0);
        self.mean < power * CANCELLED.min(0.5 / channels.max(1.0))
    }

    /// The channel that holds all the sound, where there are others.
    pub(super) fn only(&self) -> Option<usize> {
        let loudest = self.loudest()?;
        let others = self.each.iter().enumerate().filter(|(n, _)| *n != loudest);
        let empty = others
            .clone()
            .all(|(_, power)| *power <= EMPTY * self.each[loudest]);
        (others.count() > 0 && empty && self.each[loudest] > 0.0).then_some(loudest)
    }

    /// The channel with the most power.
    pub(super) fn loudest(&self) -> Option<usize> {
        let numbered = self.each.iter().enumerate();
        numbered
            .max_by(|(_, a), (_, b)| a.total_cmp(b))
            .map(|(n, _)| n)
    }
}
