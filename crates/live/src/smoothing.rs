//! Answers that do not jump, and a label that does not flicker.

/// How answers are smoothed over time.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Smoothing {
    /// Not at all.
    None,
    /// A first-order low-pass: after so many seconds about two thirds of a change are
    /// there.
    Exponential {
        /// The time constant.
        seconds: f64,
    },
    /// The One-Euro filter ([Casiez, Roussel and Vogel
    /// 2012](https://doi.org/10.1145/2207676.2208639)): slow while little changes, fast
    /// while much does.
    OneEuro {
        /// The cut-off frequency of a signal at rest, in Hz.
        cutoff: f64,
        /// How much the cut-off grows with the speed of change.
        beta: f64,
    },
}

impl Smoothing {
    /// The One-Euro filter for probabilities several times a second.
    pub fn one_euro() -> Self {
        Self::OneEuro {
            cutoff: 0.5,
            beta: 2.0,
        }
    }
}

impl Default for Smoothing {
    fn default() -> Self {
        Self::Exponential { seconds: 0.3 }
    }
}

/// Frequency at which the One-Euro filter smooths the speed, in Hz, as its authors do.
const SPEED_CUTOFF: f64 = 1.0;

/// Probabilities smoothed over time.
#[derive(Clone, Debug)]
pub(crate) struct Smoothed {
    by: Smoothing,
    values: Vec<f64>,
    speeds: Vec<f64>,
    /// Whether there was an answer since the last silence.
    begun: bool,
}

impl Smoothed {
    pub(crate) fn new(by: Smoothing, labels: usize) -> Self {
        Self {
            by,
            values: vec![0.0; labels],
            speeds: vec![0.0; labels],
            begun: false,
        }
    }

    /// The smoothed probabilities.
    pub(crate) fn values(&self) -> Vec<f32> {
        self.values.iter().map(|value| *value as f32).collect()
    }

    /// Takes an answer, `step` seconds after the last.
    pub(crate) fn answer(&mut self, raw: &[f32], step: f64) {
        if !self.begun {
            // What is left of the last answer says nothing about this one.
            self.values = raw.iter().map(|value| f64::from(*value)).collect();
            self.speeds.fill(0.0);
            self.begun = true;
            return;
        }
        for ((value, speed), raw) in self.values.iter_mut().zip(&mut self.speeds).zip(raw) {
            let raw = f64::from(*raw);
            let share = match self.by {
                Smoothing::None => 1.0,
                Smoothing::Exponential { seconds } => 1.0 - (-step / seconds).exp(),
                Smoothing::OneEuro { cutoff, beta } => {
                    let now = (raw - *value) / step;
                    *speed += low_pass(SPEED_CUTOFF, step) * (now - *speed);
                    low_pass(cutoff + beta * speed.abs(), step)
                }
            };
            *value += share * (raw - *value);
        }
    }

    /// Nobody has spoken for `step` seconds more.
    pub(crate) fn decay(&mut self, step: f64, seconds: f64) {
        let left = (-step / seconds).exp();
        self.values.iter_mut().for_each(|value| *value *= left);
        self.begun = false;
    }
}

/// The share of a change that a low-pass lets through in `step` seconds.
fn low_pass(hertz: f64, step: f64) -> f64 {
    let tau = 1.0 / (std::f64::consts::TAU * hertz);
    1.0 / (1.0 + tau / step)
}

/// When a label is given, and when it changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hysteresis {
    /// A label is given from this smoothed probability on.
    pub enter: f32,
    /// It is taken back below this one.
    pub leave: f32,
    /// It stays at least so many seconds, unless nobody speaks.
    pub hold: f64,
}

impl Default for Hysteresis {
    fn default() -> Self {
        Self {
            enter: 0.55,
            leave: 0.40,
            hold: 0.6,
        }
    }
}

/// The label at present.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    by: Hysteresis,
    label: Option<usize>,
    /// Seconds since it changed.
    since: f64,
}

impl Held {
    pub(crate) fn new(by: Hysteresis) -> Self {
        Self {
            by,
            label: None,
            since: f64::INFINITY,
        }
    }

    pub(crate) fn set(&mut self, by: Hysteresis) {
        self.by = by;
    }

    pub(crate) fn label(&self) -> Option<usize> {
        self.label
    }

    /// Takes smoothed probabilities, `step` seconds after the last.
    pub(crate) fn take(&mut self, smooth: &[f32], step: f64) {
        self.since += step;
        if self.label.is_some() && self.since < self.by.hold {
            return;
        }
        let best = (0..smooth.len()).max_by(|&a, &b| smooth[a].total_cmp(&smooth[b]));
        let entering = best.filter(|&best| smooth[best] >= self.by.enter);
        let kept = self.label.filter(|&label| smooth[label] >= self.by.leave);
        let next = entering.or(kept);
        if next != self.label {
            self.label = next;
            self.since = 0.0;
        }
    }

    /// Nobody speaks: there is no label.
    pub(crate) fn silence(&mut self) {
        self.label = None;
        self.since = f64::INFINITY;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_answer_is_taken_as_it_is_and_the_next_by_two_thirds_in_the_time_constant() {
        let mut smooth = Smoothed::new(Smoothing::Exponential { seconds: 0.5 }, 2);
        smooth.answer(&[0.25, 0.75], 0.25);
        assert_eq!(smooth.values(), [0.25, 0.75]);
        for _ in 0..2 {
            smooth.answer(&[1.0, 0.0], 0.25);
        }
        assert!((smooth.values()[1] - 0.75 * (-1.0f32).exp()).abs() < 1e-6);
        smooth.decay(3.0, 1.0);
        assert!(smooth.values()[0] < 0.05);
        smooth.answer(&[0.5, 0.5], 0.25);
        assert_eq!(smooth.values(), [0.5, 0.5]);
    }

    #[test]
    fn the_one_euro_filter_follows_a_jump_faster_than_noise() {
        let share = |to: f32| {
            let by = Smoothing::OneEuro {
                cutoff: 0.5,
                beta: 2.0,
            };
            let mut smooth = Smoothed::new(by, 1);
            smooth.answer(&[0.5], 0.25);
            smooth.answer(&[to], 0.25);
            (smooth.values()[0] - 0.5) / (to - 0.5)
        };
        assert!(
            share(1.0) > 1.2 * share(0.55),
            "{} {}",
            share(1.0),
            share(0.55)
        );
    }

    #[test]
    fn a_label_enters_high_leaves_low_and_stays_for_a_while() {
        let by = Hysteresis {
            enter: 0.55,
            leave: 0.4,
            hold: 0.6,
        };
        let mut held = Held::new(by);
        let mut label = |first: f32| {
            held.take(&[first, 1.0 - first], 0.25);
            held.label()
        };
        assert_eq!(label(0.5), None);
        assert_eq!(label(0.6), Some(0));
        assert_eq!(label(0.2), Some(0), "held");
        assert_eq!(label(0.45), Some(0), "held");
        assert_eq!(
            label(0.47),
            Some(0),
            "no longer held, but above leave, and the other below enter"
        );
        assert_eq!(label(0.3), Some(1));
        held.silence();
        assert_eq!(held.label(), None);
    }
}
