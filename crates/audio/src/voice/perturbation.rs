//! Jitter and shimmer: how much the periods of a voice vary.
//!
//! Definitions from Praat's manual, "Voice 2. Jitter" and "Voice 3. Shimmer"
//! (<https://www.fon.hum.uva.nl/praat/manual/Voice_2__Jitter.html>). All are
//! shares: 0.01 is 1 %. Normal voices have a local jitter below about 1.04 % and
//! a local shimmer below about 3.8 %, on sustained vowels; running speech has more.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use super::grid::{sample_above, sample_below, sample_time};
use super::pulses::Pulses;

/// Which intervals count as periods. The defaults are Praat's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerturbationConfig {
    /// Shorter intervals between pulses, in seconds, are not periods.
    pub shortest_period: f64,
    /// Longer intervals, in seconds, are not periods but pauses or unvoiced sounds.
    pub longest_period: f64,
    /// Neighbouring periods whose ratio is above this are not compared.
    pub max_period_factor: f64,
    /// Neighbouring amplitudes whose ratio is above this are not compared.
    pub max_amplitude_factor: f64,
}

impl Default for PerturbationConfig {
    fn default() -> Self {
        PerturbationConfig {
            shortest_period: 1e-4,
            longest_period: 0.02,
            max_period_factor: 1.3,
            max_amplitude_factor: 1.6,
        }
    }
}

impl PerturbationConfig {
    fn is_period(&self, seconds: f64) -> bool {
        (self.shortest_period..=self.longest_period).contains(&seconds)
    }

    /// Whether neighbouring intervals are periods of one voice.
    fn comparable(&self, intervals: &[f64]) -> bool {
        intervals.iter().all(|&p| self.is_period(p))
            && intervals
                .windows(2)
                .all(|p| factor(p[0], p[1]) <= self.max_period_factor)
    }
}

/// The ratio of the greater to the smaller of two.
fn factor(a: f64, b: f64) -> f64 {
    if a > b { a / b } else { b / a }
}

impl Pulses {
    /// Mean period in seconds over the intervals that are periods: within the limits,
    /// and comparable to the interval on at least one side. `None` without periods.
    pub fn mean_period(&self, config: &PerturbationConfig) -> Option<f64> {
        let intervals = self.intervals();
        let periods = intervals.iter().enumerate().filter(|&(i, &p)| {
            let fits = |j: Option<usize>| {
                let neighbour = j.and_then(|j| intervals.get(j));
                neighbour.is_none_or(|&q| factor(p, q) <= config.max_period_factor)
            };
            config.is_period(p) && (fits(i.checked_sub(1)) || fits(Some(i + 1)))
        });
        mean(periods.map(|(_, &p)| p))
    }

    /// Mean absolute difference between consecutive periods, relative to the
    /// mean period. `None` without two comparable periods.
    pub fn jitter_local(&self, config: &PerturbationConfig) -> Option<f64> {
        let differences = self
            .intervals()
            .windows(2)
            .filter(|p| config.comparable(p))
            .map(|p| (p[1] - p[0]).abs())
            .collect::<Vec<_>>();
        Some(mean(differences.into_iter())? / self.mean_period(config)?)
    }

    /// Relative average perturbation: mean absolute difference between a period
    /// and the mean of it and its two neighbours, relative to the mean period.
    /// `None` without three comparable periods.
    pub fn jitter_rap(&self, config: &PerturbationConfig) -> Option<f64> {
        let differences = self
            .intervals()
            .windows(3)
            .filter(|p| config.comparable(p))
            .map(|p| (p[1] - (p[0] + p[1] + p[2]) / 3.0).abs())
            .collect::<Vec<_>>();
        Some(mean(differences.into_iter())? / self.mean_period(config)?)
    }

    /// Mean absolute difference between the amplitudes of consecutive periods,
    /// relative to the mean amplitude. `None` without two comparable periods.
    ///
    /// The amplitude of a pulse is the root mean square of the sound around it, under
    /// a Hann window that reaches 0.2 periods to either side.
    pub fn shimmer_local(
        &self,
        samples: &[f32],
        sample_rate: u32,
        config: &PerturbationConfig,
    ) -> Option<f64> {
        let amplitudes: Vec<(f64, f64)> = self
            .times
            .windows(3)
            .filter_map(|t| {
                let (left, right) = (t[1] - t[0], t[2] - t[1]);
                if !config.comparable(&[left, right]) {
                    return None;
                }
                let amplitude = amplitude(samples, sample_rate, t[1], 0.2 * left, 0.2 * right)?;
                (amplitude > 0.0).then_some((t[1], amplitude))
            })
            .collect();
        let differences = amplitudes
            .windows(2)
            .filter(|p| {
                config.is_period(p[1].0 - p[0].0)
                    && factor(p[0].1, p[1].1) <= config.max_amplitude_factor
            })
            .map(|p| (p[1].1 - p[0].1).abs());
        // Praat's mean amplitude is that of all but the last.
        let (_, all_but_last) = amplitudes.split_last()?;
        Some(mean(differences)? / mean(all_but_last.iter().map(|a| a.1))?)
    }

    fn intervals(&self) -> Vec<f64> {
        self.times.windows(2).map(|t| t[1] - t[0]).collect()
    }
}

/// Root mean square around `time`; `None` for fewer than three samples.
fn amplitude(samples: &[f32], rate: u32, time: f64, left: f64, right: f64) -> Option<f64> {
    let from = sample_above(time - left, rate).max(0) as usize;
    let to = (sample_below(time + right, rate).max(0) as usize + 1).min(samples.len());
    let part = samples.get(from..to).filter(|part| part.len() >= 3)?;
    let (mut energy, mut weight) = (0.0, 0.0);
    for (i, &x) in part.iter().enumerate() {
        let distance = sample_time((from + i) as f64, rate) - time;
        let phase = distance / if distance < 0.0 { left } else { right };
        let window = 0.5 + 0.5 * (PI * phase).cos();
        energy += (f64::from(x) * window).powi(2);
        weight += window * window;
    }
    Some((energy / weight).sqrt())
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, n) = values.fold((0.0, 0usize), |(sum, n), v| (sum + v, n + 1));
    (n > 0).then(|| sum / n as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pulses(periods: &[f64]) -> Pulses {
        let mut time = 1.0;
        let mut times = vec![time];
        for p in periods {
            time += p;
            times.push(time);
        }
        Pulses { times }
    }

    #[test]
    fn jitter_of_alternating_periods_is_as_computed_by_hand() {
        // 10 and 11 ms in turn: differences of 1 ms over a mean of 10.5 ms.
        let config = PerturbationConfig::default();
        let pulses = pulses(&[0.010, 0.011, 0.010, 0.011]);
        let close =
            |a: Option<f64>, b: f64| assert!((a.unwrap() - b).abs() < 1e-9, "{a:?}, not {b}");
        close(pulses.mean_period(&config), 0.0105);
        close(pulses.jitter_local(&config), 0.001 / 0.0105);
        close(pulses.jitter_rap(&config), 0.001 * 2.0 / 3.0 / 0.0105);
    }

    #[test]
    fn pauses_are_not_periods() {
        let config = PerturbationConfig::default();
        let pulses = pulses(&[0.01, 0.01, 0.5, 0.01, 0.01]);
        assert!(pulses.jitter_local(&config).unwrap() < 1e-9);
        assert!((pulses.mean_period(&config).unwrap() - 0.01).abs() < 1e-9);
    }

    #[test]
    fn too_few_pulses_have_no_jitter() {
        let config = PerturbationConfig::default();
        for n in 0..2 {
            let pulses = pulses(&vec![0.01; n]);
            assert_eq!(pulses.jitter_local(&config), None);
            assert_eq!(pulses.jitter_rap(&config), None);
            assert_eq!(pulses.shimmer_local(&[0.5; 9000], 8000, &config), None);
        }
        assert_eq!(Pulses { times: vec![] }.mean_period(&config), None);
    }
}
