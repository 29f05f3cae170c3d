//! Statistics of a feature over a whole utterance.

use crate::frames::Frames;

/// The statistics in order; names of functionals end in these.
pub(crate) const NAMES: [&str; 6] = [
    "mean",
    "deviation",
    "p5",
    "p50",
    "p95",
    "mean_abs_difference",
];

/// The statistics of every column, column by column.
///
/// The standard deviation is that of the population and percentiles interpolate
/// linearly (both numpy's defaults). The mean absolute difference is between
/// neighbouring frames, and 0 for a single frame.
pub(crate) fn functionals(frames: &Frames) -> Vec<f32> {
    let mut out = Vec::with_capacity(frames.columns() * NAMES.len());
    let mut sorted: Vec<f32> = Vec::with_capacity(frames.len());
    for column in 0..frames.columns() {
        let n = frames.len() as f64;
        let mean = frames.column(column).map(f64::from).sum::<f64>() / n;
        let variance = frames
            .column(column)
            .map(|v| (f64::from(v) - mean).powi(2))
            .sum::<f64>()
            / n;
        let steps = frames.column(column).zip(frames.column(column).skip(1));
        let difference = steps
            .map(|(a, b)| (f64::from(b) - f64::from(a)).abs())
            .sum::<f64>()
            / (n - 1.0).max(1.0);
        sorted.clear();
        sorted.extend(frames.column(column));
        sorted.sort_unstable_by(f32::total_cmp);
        out.extend([
            mean as f32,
            variance.sqrt() as f32,
            percentile(&sorted, 0.05),
            percentile(&sorted, 0.50),
            percentile(&sorted, 0.95),
            difference as f32,
        ]);
    }
    out
}

/// `numpy.percentile` of sorted values.
pub(crate) fn percentile(sorted: &[f32], share: f64) -> f32 {
    let at = share * (sorted.len() - 1) as f64;
    let below = at.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    let (low, high) = (f64::from(sorted[below]), f64::from(sorted[above]));
    (low + (high - low) * (at - below as f64)) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_are_those_of_numpy() {
        // x = numpy.array([3, 1, 4, 1, 5, 9, 2, 6], float)
        // x.mean(), x.std(), *numpy.percentile(x, [5, 50, 95]), abs(numpy.diff(x)).mean()
        let x = vec![3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0];
        let expected = [3.875, 2.570_870_5, 1.0, 3.5, 7.95, 3.857_143];
        for (value, expected) in functionals(&Frames::new(x, 1)).iter().zip(expected) {
            assert!((value - expected).abs() < 1e-6, "{value}, not {expected}");
        }
    }

    #[test]
    fn a_single_frame_has_its_values_as_statistics() {
        let values = functionals(&Frames::new(vec![2.0, -1.0], 2));
        assert_eq!(
            values,
            [
                2.0, 0.0, 2.0, 2.0, 2.0, 0.0, -1.0, 0.0, -1.0, -1.0, -1.0, 0.0
            ]
        );
    }
}
