//! Numbers beside the axes.

/// Each value with its text.
pub(super) fn labelled(values: Vec<f64>, text: impl Fn(f64) -> String) -> Vec<(f64, String)> {
    values
        .into_iter()
        .map(|value| (value, text(value)))
        .collect()
}

/// The number of decimals that all of these values need.
pub(super) fn decimals(values: &[f64]) -> usize {
    let largest = values.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    let written = |value: f64, decimals: i32| {
        let power = 10f64.powi(decimals);
        ((value * power).round() / power - value).abs() <= 1e-6 * largest
    };
    (0..12)
        .find(|&decimals| values.iter().all(|&value| written(value, decimals)))
        .map_or(12, |decimals| decimals as usize)
}

/// A number with a true minus sign, and no sign for 0.
pub(super) fn signed(value: f64, decimals: usize) -> String {
    let text = match value.abs() {
        0.0 => "0".to_owned(),
        // In full it would not fit beside the axis.
        ..1e-3 | 1e4.. => format!("{value:.1e}"),
        _ => format!("{value:.decimals$}"),
    };
    text.replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_decimals_they_need() {
        assert_eq!(decimals(&[-1.0, 0.0, 1.0]), 0);
        assert_eq!(decimals(&[-0.1, -0.05, 0.0, 0.05, 0.1]), 2);
        assert_eq!(decimals(&[3.0 * 0.1, 0.2]), 1);
    }

    #[test]
    fn numbers_have_a_true_minus_sign() {
        assert_eq!(signed(-0.25, 2), "−0.25");
        assert_eq!([0.0, -0.0].map(|zero| signed(zero, 2)), ["0", "0"]);
        assert_eq!([-5e8, 5e-8].map(|v| signed(v, 9)), ["−5.0e8", "5.0e−8"]);
    }
}
