//! Values between samples: windowed-sinc interpolation, and the maximum near a sample.
//!
//! A band-limited function is the sum of its samples, each times
//! `sin(pi d) / (pi d)`, where `d` is the distance to it. Cut to `depth`
//! samples on either side, each half of the sum is weighted with half a Hann
//! window that ends one sample beyond the last one (Praat manual, "vector value
//! interpolation": <https://www.fon.hum.uva.nl/praat/manual/vector_value_interpolation.html>).

use std::f64::consts::PI;

/// Steps per sample that [`peak`] evaluates. A parabola through three of them is
/// within 1e-6 of the maximum of a sinc.
pub(crate) const PHASES: usize = 32;

/// `y` at position `x` (0 is the first sample), from at most `depth` samples on either
/// side. With fewer samples at the ends: the nearest value for none, linear
/// interpolation for one, a cubic for two.
pub(crate) fn interpolate(y: &[f64], x: f64, depth: usize) -> f64 {
    let last = y.len() - 1;
    if x <= 0.0 {
        return y[0];
    }
    if x >= last as f64 {
        return y[last];
    }
    let left = x.floor() as usize;
    let part = x - left as f64;
    if part == 0.0 {
        return y[left];
    }
    match depth.min(left + 1).min(last - left) {
        0 => y[(x + 0.5).floor() as usize],
        1 => y[left] * (1.0 - part) + y[left + 1] * part,
        2 if left == 0 || left + 2 > last => y[left] * (1.0 - part) + y[left + 1] * part,
        2 => cubic(&y[left - 1..left + 3], part),
        depth => {
            half(y[..=left].iter().rev().take(depth), part, depth)
                + half(y[left + 1..].iter().take(depth), 1.0 - part, depth)
        }
    }
}

/// [`interpolate`] at `step / PHASES`.
pub(crate) fn interpolate_at(y: &[f64], step: usize, depth: usize) -> f64 {
    interpolate(y, step as f64 / PHASES as f64, depth)
}

/// The cubic through `y[1]` and `y[2]`, with slopes there from their neighbours, at
/// `part` of the way.
pub(crate) fn cubic(y: &[f64], part: f64) -> f64 {
    let slope_left = 0.5 * (y[2] - y[0]);
    let slope_right = 0.5 * (y[3] - y[1]);
    let (t, rise) = (part, y[2] - y[1]);
    let bend = 3.0 * rise - 2.0 * slope_left - slope_right;
    let twist = slope_left + slope_right - 2.0 * rise;
    y[1] + t * (slope_left + t * (bend + t * twist))
}

/// One side of the sum, from the nearest sample, at `distance`, outwards.
fn half<'a>(y: impl Iterator<Item = &'a f64>, distance: f64, depth: usize) -> f64 {
    let width = distance + depth as f64;
    // The cosine of the window, rotated from one sample to the next.
    let (mut sine, mut cosine) = (PI * distance / width).sin_cos();
    let (turn_sine, turn_cosine) = (PI / width).sin_cos();
    let mut sign = (PI * distance).sin() / PI;
    let mut sum = 0.0;
    for (j, y) in y.enumerate() {
        sum += y * sign / (distance + j as f64) * (0.5 + 0.5 * cosine);
        sign = -sign;
        (sine, cosine) = (
            sine * turn_cosine + cosine * turn_sine,
            cosine * turn_cosine - sine * turn_sine,
        );
    }
    sum
}

/// [`interpolate`] at whole multiples of `1 / PHASES`, as a scalar product with
/// precomputed weights.
pub(crate) struct Table {
    depth: usize,
    /// `[PHASES, 2 * depth]`
    weights: Vec<f64>,
}

impl Table {
    pub(crate) fn new(depth: usize) -> Self {
        let mut weights = Vec::with_capacity(PHASES * 2 * depth);
        for phase in 0..PHASES {
            // The response to a single sample at each place.
            let x = (depth - 1) as f64 + phase as f64 / PHASES as f64;
            for tap in 0..2 * depth {
                let mut y = vec![0.0; 2 * depth];
                y[tap] = 1.0;
                weights.push(interpolate(&y, x, depth));
            }
        }
        Table { depth, weights }
    }

    /// `y` at `step / PHASES`. `None` if fewer than `depth` samples lie on one side.
    pub(crate) fn at(&self, y: &[f64], step: usize) -> Option<f64> {
        let (left, phase) = (step / PHASES, step % PHASES);
        if phase == 0 {
            return Some(y[left]);
        }
        let start = (left + 1).checked_sub(self.depth)?;
        let y = y.get(start..start + 2 * self.depth)?;
        let row = 2 * self.depth * phase;
        Some(dot(y, &self.weights[row..row + 2 * self.depth]))
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (a_parts, a_rest) = a.as_chunks::<8>();
    let (b_parts, b_rest) = b.as_chunks::<8>();
    for (a, b) in a_parts.iter().zip(b_parts) {
        for i in 0..8 {
            sums[i] += a[i] * b[i];
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}

/// Position (in samples) and value of the maximum near `start`, within a sample of
/// `middle`, of a function that `at` evaluates at multiples of `1 / PHASES`. Sample
/// `middle` is higher than its neighbours.
pub(crate) fn peak(at: impl Fn(usize) -> f64, middle: usize, start: f64) -> (f64, f64) {
    let low = (middle - 1) * PHASES + 1;
    let high = (middle + 1) * PHASES - 1;
    let mut centre = ((start * PHASES as f64).round() as usize).clamp(low, high);
    if at(centre) < at(middle * PHASES) {
        // The guess is in a dip between two peaks; from the sample, only one of them
        // is uphill.
        centre = middle * PHASES;
    }
    let (mut left, mut top, mut right) = (at(centre - 1), at(centre), at(centre + 1));
    while left > top && centre > low {
        (right, top) = (top, left);
        centre -= 1;
        left = at(centre - 1);
    }
    while right > top && centre < high {
        (left, top) = (top, right);
        centre += 1;
        right = at(centre + 1);
    }
    let (offset, value) = vertex(left, top, right);
    ((centre as f64 + offset) / PHASES as f64, value)
}

/// Position and height of the vertex of the parabola through the values at -1, 0 and
/// 1; the middle value if the vertex would lie outside.
pub(crate) fn vertex(left: f64, middle: f64, right: f64) -> (f64, f64) {
    let slope = 0.5 * (right - left);
    let curvature = 2.0 * middle - left - right;
    let offset = slope / curvature;
    if offset.abs() <= 1.0 {
        (offset, middle + 0.5 * slope * offset)
    } else {
        (0.0, middle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(n: usize, omega: f64) -> Vec<f64> {
        (0..n).map(|i| (omega * (i as f64 - 50.3)).cos()).collect()
    }

    #[test]
    fn a_band_limited_wave_is_reproduced_between_its_samples() {
        for omega in [0.1, 1.0, 2.0] {
            let y = wave(201, omega);
            for x in [70.0, 90.25, 100.5, 110.999] {
                let expected = (omega * (x - 50.3)).cos();
                let got = interpolate(&y, x, 70);
                assert!((got - expected).abs() < 1e-4, "{omega} {x}: {got}");
            }
        }
    }

    #[test]
    fn the_table_equals_the_sum() {
        let y = wave(201, 1.3);
        let table = Table::new(30);
        for step in (40 * PHASES)..(43 * PHASES) {
            let expected = interpolate(&y, step as f64 / PHASES as f64, 30);
            assert!((table.at(&y, step).unwrap() - expected).abs() < 1e-12);
        }
        assert_eq!(table.at(&y, 5 * PHASES + 1), None);
        assert_eq!(table.at(&y, 190 * PHASES + 1), None);
    }

    #[test]
    fn the_peak_of_a_wave_is_found_wherever_the_search_starts() {
        for omega in [0.2, 0.5, 2.0] {
            let y = wave(201, omega);
            let table = Table::new(40);
            for start in [49.2, 50.0, 50.3, 50.9] {
                let (x, value) = peak(|s| table.at(&y, s).unwrap(), 50, start);
                assert!((x - 50.3).abs() < 1e-3, "{omega} from {start}: {x}");
                assert!((value - 1.0).abs() < 1e-4, "{omega} from {start}: {value}");
            }
        }
    }

    #[test]
    fn a_cubic_is_reproduced_by_a_cubic() {
        // Slopes taken from neighbours are exact for polynomials of order two.
        let f = |x: f64| 1.0 + 2.0 * x - 0.5 * x * x;
        let y: Vec<f64> = (-1..3).map(|i| f(f64::from(i))).collect();
        assert!((cubic(&y, 0.3) - f(0.3)).abs() < 1e-12);
    }
}
