//! Coefficients of different size on one scale.

use audio::Frames;

/// Each column minus its mean, divided by its standard deviation; 0 for a constant
/// column. Frames for which `counts` is false become NaN and are left out of mean
/// and deviation, so that pauses do not change how the voice is drawn.
pub(super) fn standardised(frames: &Frames, counts: impl Fn(usize) -> bool) -> Frames {
    let counts: Vec<bool> = (0..frames.len()).map(counts).collect();
    let chosen = || {
        frames
            .rows()
            .zip(&counts)
            .filter(|row| *row.1)
            .map(|row| row.0)
    };
    let mean_of = |value: &dyn Fn(&[f32]) -> f64| {
        chosen().map(value).sum::<f64>() / chosen().count().max(1) as f64
    };
    let statistics: Vec<(f64, f64)> = (0..frames.columns())
        .map(|j| {
            let mean = mean_of(&|row| f64::from(row[j]));
            let variance = mean_of(&|row| (f64::from(row[j]) - mean).powi(2));
            (mean, variance.sqrt())
        })
        .collect();
    let standard = |(&value, &(mean, deviation)): (&f32, &(f64, f64))| {
        // Because of rounding, a constant differs from its mean.
        if deviation > 1e-4 {
            ((f64::from(value) - mean) / deviation) as f32
        } else {
            0.0
        }
    };
    let mut values = Vec::with_capacity(frames.data().len());
    for (row, &counts) in frames.rows().zip(&counts) {
        let cells = row.iter().zip(&statistics);
        values.extend(cells.map(|cell| if counts { standard(cell) } else { f32::NAN }));
    }
    Frames::new(values, frames.columns())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standardised_columns_have_mean_0_and_deviation_1() {
        let frames = Frames::new(vec![1.0, 5.0, 2.0, 5.0, 3.0, 5.0, 4.0, 5.0, 99.0, 5.0], 2);
        let values = standardised(&frames, |frame| frame < 4);
        let first: Vec<f32> = values.column(0).take(4).collect();
        assert!((first.iter().sum::<f32>()).abs() < 1e-6);
        assert!((first.iter().map(|v| v * v).sum::<f32>() / 4.0 - 1.0).abs() < 1e-6);
        assert!(values.column(1).take(4).all(|v| v == 0.0));
        assert!(values.row(4).iter().all(|v| v.is_nan()));
    }
}
