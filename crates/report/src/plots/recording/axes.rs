//! Axes of a panel: from values to pixels, and which numbers are shown.

use plotters::style::RGBColor;

use crate::ReportError;
use crate::plots::canvas::Canvas;
use crate::plots::colours::{GRID, MUTED, RULE};
use crate::plots::lettering::{Align, Lettering};

pub(super) const NUMBERS: Lettering = Lettering::new(11.5).colour(MUTED);

/// The least distance between numbers of the vertical axis, centre to centre.
const BETWEEN_NUMBERS: f64 = 18.0;
const TICK: f64 = 4.0;

/// How values are spaced on the vertical axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Spacing {
    /// Equal differences are equally far apart.
    Even,
    /// Equal ratios are equally far apart.
    Logarithmic,
    /// Equal differences on the mel scale (O'Shaughnessy's, as in HTK) are equally
    /// far apart.
    Mel,
}

impl Spacing {
    fn of(self, value: f64) -> f64 {
        match self {
            Spacing::Even => value,
            Spacing::Logarithmic => value.ln(),
            Spacing::Mel => mel(value),
        }
    }
}

/// The mel value of a frequency in Hz.
pub(super) fn mel(hertz: f64) -> f64 {
    2595.0 * (1.0 + hertz / 700.0).log10()
}

/// The frequency in Hz of a mel value.
pub(super) fn hertz(mel: f64) -> f64 {
    700.0 * (10f64.powf(mel / 2595.0) - 1.0)
}

/// The rectangle of a panel, in pixels.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Place {
    pub(super) fn right(self) -> f64 {
        self.left + self.width
    }

    pub(super) fn bottom(self) -> f64 {
        self.top + self.height
    }
}

/// A rectangle with time to the right and a value upwards.
#[derive(Clone, Copy)]
pub(super) struct Axes {
    pub(super) place: Place,
    pub(super) duration: f64,
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) spacing: Spacing,
}

impl Axes {
    /// The horizontal position of a time, kept within the panel.
    pub(super) fn x(&self, seconds: f64) -> f64 {
        self.place.left + (seconds / self.duration).clamp(0.0, 1.0) * self.place.width
    }

    /// The vertical position of a value, kept within the panel.
    pub(super) fn y(&self, value: f64) -> f64 {
        let [low, high, value] = [self.low, self.high, value].map(|v| self.spacing.of(v));
        let position = ((value - low) / (high - low)).clamp(0.0, 1.0);
        self.place.bottom() - position * self.place.height
    }

    /// Grid lines at these times and values.
    pub(super) fn draw_grid(
        &self,
        canvas: &Canvas,
        times: &[f64],
        values: &[f64],
    ) -> Result<(), ReportError> {
        let Place { left, top, .. } = self.place;
        let (right, bottom) = (self.place.right(), self.place.bottom());
        for &time in times {
            let x = self.x(time);
            canvas.line(&[(x, top), (x, bottom)], 1.0, GRID)?;
        }
        for &value in values {
            let y = self.y(value);
            canvas.line(&[(left, y), (right, y)], 1.0, GRID)?;
        }
        Ok(())
    }

    /// The frame, the ticks of both axes, and the numbers of the vertical axis.
    pub(super) fn draw_frame(
        &self,
        canvas: &Canvas,
        times: &[f64],
        values: &[(f64, String)],
        colour: RGBColor,
    ) -> Result<(), ReportError> {
        let Place { left, top, .. } = self.place;
        let (right, bottom) = (self.place.right(), self.place.bottom());
        let corners = [
            (left, top),
            (right, top),
            (right, bottom),
            (left, bottom),
            (left, top),
        ];
        canvas.line(&corners, 1.0, colour)?;
        for &time in times {
            let x = self.x(time);
            canvas.line(&[(x, bottom), (x, bottom + TICK)], 1.0, RULE)?;
        }
        for (value, text) in values {
            let y = self.y(*value);
            canvas.line(&[(left - TICK, y), (left, y)], 1.0, RULE)?;
            canvas.text((left - TICK - 4.0, y), text, NUMBERS.align(Align::Right))?;
        }
        Ok(())
    }

    /// The values that are on the axis and far enough from each other. Earlier ones
    /// are preferred.
    pub(super) fn with_room(&self, values: impl IntoIterator<Item = f64>) -> Vec<f64> {
        let mut kept: Vec<f64> = Vec::new();
        for value in values {
            let on_axis = (self.low..=self.high).contains(&value);
            let y = self.y(value);
            let free = |&other: &f64| (self.y(other) - y).abs() >= BETWEEN_NUMBERS;
            if on_axis && kept.iter().all(free) {
                kept.push(value);
            }
        }
        kept
    }
}

/// Multiples of a step between `low` and `high`. The step is 1, 2 or 5 times a power
/// of ten, and at least a part in `most` of the range.
pub(super) fn even_values(low: f64, high: f64, most: usize) -> Vec<f64> {
    multiples(low, high, nice_step((high - low) / most.max(1) as f64))
}

/// The smallest 1, 2 or 5 times a power of ten that is at least `step`.
fn nice_step(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    // Rounding must not turn a step of exactly 2 into 5.
    [1.0, 2.0, 5.0, 10.0]
        .map(|factor| factor * power)
        .into_iter()
        .find(|nice| *nice >= 0.999_999 * step)
        .unwrap_or(10.0 * power)
}

fn multiples(low: f64, high: f64, step: f64) -> Vec<f64> {
    let slack = 1e-9 * (high - low);
    let first = ((low - slack) / step).ceil() as i64;
    let last = ((high + slack) / step).floor() as i64;
    (first..=last).map(|n| n as f64 * step).collect()
}

/// The time axis: times in seconds, their texts, and the unit of the texts.
pub(super) struct TimeAxis {
    pub(super) times: Vec<f64>,
    pub(super) texts: Vec<String>,
    pub(super) unit: &'static str,
}

impl TimeAxis {
    /// The axis of a recording of `duration` seconds, with about `most` times or fewer.
    pub(super) fn new(duration: f64, most: usize) -> Self {
        let least = duration / most.max(1) as f64;
        // Minutes and hours are not divided by ten.
        let clock = [
            10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 14_400.0,
            21_600.0, 43_200.0, 86_400.0,
        ];
        let step = if duration < 60.0 {
            nice_step(least)
        } else {
            clock
                .into_iter()
                .find(|step| *step >= least)
                .unwrap_or_else(|| 86_400.0 * nice_step(least / 86_400.0))
        };
        let times = multiples(0.0, duration, step);
        let decimals = (-step.log10()).ceil().max(0.0) as usize;
        let text = |&time: &f64| {
            let whole = time.round() as u64;
            match duration {
                ..60.0 => format!("{time:.decimals$}"),
                ..3600.0 => format!("{}:{:02}", whole / 60, whole % 60),
                _ => format!("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60),
            }
        };
        TimeAxis {
            texts: times.iter().map(text).collect(),
            times,
            unit: match duration {
                ..60.0 => "seconds",
                ..3600.0 => "minutes:seconds",
                _ => "hours:minutes:seconds",
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_on_a_clock() {
        let texts = |duration| TimeAxis::new(duration, 10).texts;
        assert_eq!(texts(0.5).first().unwrap(), "0.00");
        assert_eq!(texts(0.5).last().unwrap(), "0.50");
        assert_eq!(
            texts(3.4),
            ["0.0", "0.5", "1.0", "1.5", "2.0", "2.5", "3.0"]
        );
        assert_eq!(texts(20.0).len(), 11);
        assert_eq!(texts(61.0)[..3], ["0:00", "0:10", "0:20"]);
        assert_eq!(texts(3700.0)[..3], ["0:00:00", "0:10:00", "0:20:00"]);
    }

    #[test]
    fn every_duration_has_a_few_numbers() {
        for duration in [
            1e-5, 0.003, 0.1, 0.77, 1.0, 9.9, 59.9, 60.0, 599.0, 3599.0, 9e4, 1e7,
        ] {
            let count = TimeAxis::new(duration, 12).times.len();
            assert!((3..=13).contains(&count), "{count} at {duration} s");
        }
    }

    #[test]
    fn values_are_round_numbers_within_the_bounds() {
        assert_eq!(even_values(-1.0, 1.0, 4), [-1.0, -0.5, 0.0, 0.5, 1.0]);
        assert_eq!(even_values(12.0, 71.0, 4), [20.0, 40.0, 60.0]);
    }

    #[test]
    fn mel_and_hertz_are_inverse() {
        for frequency in [0.0, 50.0, 1000.0, 8000.0] {
            assert!((hertz(mel(frequency)) - frequency).abs() < 1e-9);
        }
        assert!((mel(1000.0) - 1000.0).abs() < 0.1);
    }
}
