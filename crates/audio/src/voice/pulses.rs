//! Glottal pulses: where each period of a voice begins.
//!
//! Praat's cross-correlation method (manual, "Sound & Pitch: To PointProcess
//! (cc)": <https://www.fon.hum.uva.nl/praat/manual/Sound___Pitch__To_PointProcess__cc_.html>):
//! each voiced stretch starts with the extreme sample near its middle; from there to
//! both ends, the next pulse is where a period of sound correlates most with the last
//! one, 0.8 to 1.25 periods away.

use super::grid::{sample_above, sample_below, sample_nearest, sample_time};
use super::pitch::PitchTrack;
use super::sinc::vertex;

/// The least correlation of a pulse with the previous one...
const RESEMBLANCE: f64 = 0.3;
/// ... and its least peak as a share of the recording's peak.
const LOUDNESS: f64 = 0.01;
/// The same for the one pulse that may lie beyond a voiced stretch.
const RESEMBLANCE_BEYOND: f64 = 0.7;
const LOUDNESS_BEYOND: f64 = 0.023333;

/// The pulses of a voice; see [`Pulses::find`].
#[derive(Clone, Debug, PartialEq)]
pub struct Pulses {
    /// The times of the pulses in seconds, in order.
    pub times: Vec<f64>,
}

impl Pulses {
    /// The pulses of a recording whose pitch is `track`.
    pub fn find(samples: &[f32], sample_rate: u32, track: &PitchTrack) -> Self {
        let mut times: Vec<f64> = Vec::new();
        if sample_rate == 0 {
            return Pulses { times };
        }
        let sound = Sound {
            samples,
            rate: sample_rate,
            peak: samples
                .iter()
                .fold(0.0, |m: f64, &x| m.max(f64::from(x.abs()))),
        };
        // The last pulse of the previous stretch, which the next must not repeat.
        let mut last = f64::NEG_INFINITY;
        for (start, end) in track.voiced_intervals() {
            let middle = 0.5 * (start + end);
            let Some(f0) = track.at(middle) else { continue };
            let Some(first) = sound.extreme(middle - 0.5 / f0, middle + 0.5 / f0) else {
                continue;
            };
            times.push(first);
            let before = last;
            sound.follow(track, first, -1.0, (start, end), |time, f0| {
                if time - before > 0.8 / f0 {
                    times.push(time);
                }
            });
            sound.follow(track, first, 1.0, (start, end), |time, _| {
                times.push(time);
                last = time;
            });
        }
        times.sort_unstable_by(f64::total_cmp);
        times.dedup();
        Pulses { times }
    }
}

struct Sound<'a> {
    samples: &'a [f32],
    rate: u32,
    peak: f64,
}

/// The best match of a stretch of sound.
struct Match {
    correlation: f64,
    time: f64,
    /// The greatest absolute sample of the match.
    peak: f64,
}

impl Sound<'_> {
    /// Goes from pulse to pulse, forwards or backwards, to the end of the voiced
    /// `stretch`; calls `found` with the time of each and the pitch there.
    fn follow(
        &self,
        track: &PitchTrack,
        from: f64,
        direction: f64,
        stretch: (f64, f64),
        mut found: impl FnMut(f64, f64),
    ) {
        let mut time = from;
        while let Some(f0) = track.at(time) {
            let (a, b) = (time + direction * 0.8 / f0, time + direction * 1.25 / f0);
            let best = self
                .best_match(time, 1.0 / f0, a.min(b), a.max(b))
                // A period without a match is skipped.
                .unwrap_or(Match {
                    correlation: -1.0,
                    time: time + direction / f0,
                    peak: 0.0,
                });
            time = best.time;
            if time < stretch.0 && direction < 0.0 || time > stretch.1 && direction > 0.0 {
                if best.correlation > RESEMBLANCE_BEYOND && best.peak > LOUDNESS_BEYOND * self.peak
                {
                    found(time, f0);
                }
                return;
            }
            if best.correlation > RESEMBLANCE
                && (best.peak == 0.0 || best.peak > LOUDNESS * self.peak)
            {
                found(time, f0);
            }
        }
    }

    /// The time of the sample farthest from 0, refined by a parabola.
    fn extreme(&self, from: f64, to: f64) -> Option<f64> {
        let last = self.samples.len() as i64 - 1;
        let low = sample_below(from, self.rate).clamp(0, last.max(0)) as usize;
        let high = sample_above(to, self.rate).clamp(0, last.max(0)) as usize;
        let part = self.samples.get(low..=high)?;
        let (mut lowest, mut highest) = (0, 0);
        for (i, &x) in part.iter().enumerate() {
            if x < part[lowest] {
                lowest = i;
            }
            if x > part[highest] {
                highest = i;
            }
        }
        if lowest == highest {
            return Some(sample_time((low + high) as f64 / 2.0, self.rate));
        }
        let at = if part[lowest].abs() > part[highest].abs() {
            lowest
        } else {
            highest
        };
        let offset = if at == 0 || at + 1 == part.len() {
            0.0
        } else {
            let value = |i: usize| f64::from(part[i]);
            let (left, middle, right) = (value(at - 1), value(at), value(at + 1));
            let curvature = 2.0 * middle - left - right;
            0.5 * (right - left) / curvature
        };
        Some(sample_time((low + at) as f64 + offset, self.rate))
    }

    /// Where, between `from` and `to`, the sound correlates most with the `width`
    /// seconds around `time`.
    fn best_match(&self, time: f64, width: f64, from: f64, to: f64) -> Option<Match> {
        let half = 0.5 * width;
        let left = sample_nearest(time - half, self.rate);
        let right = sample_nearest(time + half, self.rate);
        let first = sample_below(from - half, self.rate);
        let last = sample_above(to - half, self.rate);
        // Correlations at three neighbouring places, the middle of which may be a
        // maximum.
        let (mut before, mut middle) = (0.0, 0.0);
        let mut best: Option<(f64, f64, i64, f64)> = None;
        for start in first..=last {
            let after = self.correlation(left, right, start);
            if best.is_none_or(|(highest, ..)| middle > highest)
                && middle >= before
                && middle >= after
            {
                let (offset, top) = vertex(before, middle, after);
                best = Some((middle, top, start, offset));
            }
            (before, middle) = (middle, after);
        }
        let (_, correlation, start, offset) = best?;
        let at = (start - 1) as f64 + offset;
        Some(Match {
            correlation,
            time: time + (at - left as f64) / f64::from(self.rate),
            peak: self
                .overlap(left, right, start)
                .1
                .iter()
                .fold(0.0, |m: f64, &x| m.max(f64::from(x.abs()))),
        })
    }

    /// The samples from `left` to `right`, and as many from `start` on, as far as both
    /// exist.
    fn overlap(&self, left: i64, right: i64, start: i64) -> (&[f32], &[f32]) {
        let n = self.samples.len() as i64;
        let shift = start - left;
        let low = left.max(0).max(-shift);
        let high = (right + 1).min(n).min(n - shift);
        if low >= high {
            return (&[], &[]);
        }
        let part = |from: i64, to: i64| &self.samples[from as usize..to as usize];
        (part(low, high), part(low + shift, high + shift))
    }

    fn correlation(&self, left: i64, right: i64, start: i64) -> f64 {
        let (a, b) = self.overlap(left, right, start);
        let mut sums = [[0.0f64; 8]; 3];
        let (a_parts, a_rest) = a.as_chunks::<8>();
        let (b_parts, b_rest) = b.as_chunks::<8>();
        let mut add = |k: usize, x: f32, y: f32| {
            let (x, y) = (f64::from(x), f64::from(y));
            sums[0][k] += x * y;
            sums[1][k] += x * x;
            sums[2][k] += y * y;
        };
        for (a, b) in a_parts.iter().zip(b_parts) {
            for k in 0..8 {
                add(k, a[k], b[k]);
            }
        }
        for (k, (&x, &y)) in a_rest.iter().zip(b_rest).enumerate() {
            add(k, x, y);
        }
        let [product, a, b] = sums.map(|s| s.iter().sum::<f64>());
        if product == 0.0 {
            0.0
        } else {
            product / (a * b).sqrt()
        }
    }
}
