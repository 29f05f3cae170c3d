//! Where a panel stands, and which numbers stand beside it.

use plotters::style::RGBColor;

use crate::report::plots::page::{Align, GRID, Lettering, MUTED, Page, RULE};

pub(super) const NUMBERS: Lettering = Lettering::new(11.5).colour(MUTED);

/// Between numbers of the vertical axis, middle to middle, at least.
const BETWEEN_NUMBERS: f64 = 18.0;
const TICK: f64 = 4.0;

/// How values become heights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Spacing {
    Even,
    /// Equal ratios are equally far apart.
    Logarithmic,
    /// Equal distances on the mel scale of O'Shaughnessy (HTK's) are.
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

/// Mel of a frequency in Hz.
pub(super) fn mel(hertz: f64) -> f64 {
    2595.0 * (1.0 + hertz / 700.0).log10()
}

/// The frequency in Hz of a mel.
pub(super) fn hertz(mel: f64) -> f64 {
    700.0 * (10f64.powf(mel / 2595.0) - 1.0)
}

/// A panel's rectangle on the page, in pixels.
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

/// A rectangle in which time runs to the right and a value upwards.
#[derive(Clone, Copy)]
pub(super) struct Axes {
    pub(super) place: Place,
    pub(super) duration: f64,
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) spacing: Spacing,
}

impl Axes {
    /// The page's `x` of a moment, kept within the panel.
    pub(super) fn x(&self, seconds: f64) -> f64 {
        self.place.left + (seconds / self.duration).clamp(0.0, 1.0) * self.place.width
    }

    /// The page's `y` of a value, kept within the panel.
    pub(super) fn y(&self, value: f64) -> f64 {
        let [low, high, value] = [self.low, self.high, value].map(|v| self.spacing.of(v));
        let position = ((value - low) / (high - low)).clamp(0.0, 1.0);
        self.place.bottom() - position * self.place.height
    }

    /// Grid lines at these moments and values.
    pub(super) fn draw_grid(
        &self,
        page: &Page,
        times: &[f64],
        values: &[f64],
    ) -> anyhow::Result<()> {
        let Place { left, top, .. } = self.place;
        let (right, bottom) = (self.place.right(), self.place.bottom());
        for &time in times {
            let x = self.x(time);
            page.line(&[(x, top), (x, bottom)], 1.0, GRID)?;
        }
        for &value in values {
            let y = self.y(value);
            page.line(&[(left, y), (right, y)], 1.0, GRID)?;
        }
        Ok(())
    }

    /// The frame and the ticks of both axes, with the numbers of the vertical one.
    pub(super) fn draw_frame(
        &self,
        page: &Page,
        times: &[f64],
        values: &[(f64, String)],
        colour: RGBColor,
    ) -> anyhow::Result<()> {
        let Place { left, top, .. } = self.place;
        let (right, bottom) = (self.place.right(), self.place.bottom());
        let corners = [
            (left, top),
            (right, top),
            (right, bottom),
            (left, bottom),
            (left, top),
        ];
        page.line(&corners, 1.0, colour)?;
        for &time in times {
            let x = self.x(time);
            page.line(&[(x, bottom), (x, bottom + TICK)], 1.0, RULE)?;
        }
        for (value, text) in values {
            let y = self.y(*value);
            page.line(&[(left - TICK, y), (left, y)], 1.0, RULE)?;
            page.text((left - TICK - 4.0, y), text, NUMBERS.align(Align::Right))?;
        }
        Ok(())
    }

    /// Those of the values that lie on the axis and leave each other room; the
    /// earlier ones have precedence.
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

/// Whole multiples of a step of 1, 2 or 5 times a power of ten, at most `most`
/// of them between `low` and `high`.
pub(super) fn even_values(low: f64, high: f64, most: usize) -> Vec<f64> {
    multiples(low, high, nice_step((high - low) / most.max(1) as f64))
}

/// The least of 1, 2, 5, 10, ... times a power of ten that is at least `step`.
fn nice_step(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    // Rounding must not push a step of exactly 2 up to 5.
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

/// The horizontal axis: moments in seconds, their texts, and what they count.
pub(super) struct TimeAxis {
    pub(super) times: Vec<f64>,
    pub(super) texts: Vec<String>,
    pub(super) unit: &'static str,
}

impl TimeAxis {
    /// At most `most` moments of a recording of `duration` seconds.
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
    fn time_is_counted_as_on_a_clock() {
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
    fn every_duration_has_between_two_and_the_most_numbers() {
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
