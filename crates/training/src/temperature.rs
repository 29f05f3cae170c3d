//! Temperature scaling: one number that calibrates a model's probabilities.
//!
//! The logarithms of the probabilities are divided by the temperature under
//! which the right answers on validation clips are most probable (Guo, Pleiss,
//! Sun and Weinberger, 2017). The most probable label stays the same.

use metrics::Predictions;

/// The range that is searched, and how finely.
const RANGE: [f64; 2] = [0.1, 100.0];
const STEPS: usize = 60;

/// The best temperature for these predictions, made at temperature 1; 1 where
/// none has a label.
pub fn fit(predictions: &Predictions) -> f32 {
    let rows: Vec<(Vec<f64>, usize)> = predictions
        .rows()
        .iter()
        .filter_map(|row| {
            let logarithm = |p: &f32| f64::from(*p).max(1e-30).ln();
            Some((
                row.probabilities.iter().map(logarithm).collect(),
                row.label?,
            ))
        })
        .collect();
    of_logarithms(&rows)
}

/// The best temperature for the logarithms of probabilities, each with the index of
/// the right answer; 1 where there are none.
pub(crate) fn of_logarithms(rows: &[(Vec<f64>, usize)]) -> f32 {
    if rows.is_empty() {
        return 1.0;
    }
    // The loss has one minimum over the logarithm of the temperature: golden section.
    let [mut low, mut high] = RANGE.map(f64::ln);
    let golden = (5f64.sqrt() - 1.0) / 2.0;
    for _ in 0..STEPS {
        let (a, b) = (high - golden * (high - low), low + golden * (high - low));
        if loss(rows, a.exp()) < loss(rows, b.exp()) {
            high = b;
        } else {
            low = a;
        }
    }
    (0.5 * (low + high)).exp() as f32
}

/// Mean of `-ln p` of the right answers at a temperature.
fn loss(rows: &[(Vec<f64>, usize)], temperature: f64) -> f64 {
    let sum: f64 = rows
        .iter()
        .map(|(logarithms, label)| {
            // From the largest on, so that no power is too large for a number.
            let most = logarithms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let powers = logarithms.iter().map(|l| ((l - most) / temperature).exp());
            powers.sum::<f64>().ln() - (logarithms[*label] - most) / temperature
        })
        .sum();
    sum / rows.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use metrics::Prediction;

    /// Clips that are said to be calm with `said`, of which `right` of `count` are.
    fn predictions(said: f32, right: usize, count: usize) -> Predictions {
        let mut predictions = Predictions::new(["calm", "angry"]);
        for clip in 0..count {
            let row = Prediction {
                path: format!("{clip}.wav").into(),
                speaker: "a".into(),
                label: Some(usize::from(clip >= right)),
                predicted: 0,
                probabilities: vec![said, 1.0 - said],
            };
            predictions.push(row).unwrap();
        }
        predictions
    }

    #[test]
    fn at_its_temperature_a_probability_is_the_share_that_is_right() {
        for (said, right) in [(0.9f32, 7), (0.6, 8), (0.75, 6)] {
            let temperature = f64::from(fit(&predictions(said, right, 10)));
            let (p, q) = (f64::from(said), f64::from(1.0 - said));
            let (p, q) = (p.powf(1.0 / temperature), q.powf(1.0 / temperature));
            assert!((p / (p + q) - right as f64 / 10.0).abs() < 1e-3);
        }
    }

    #[test]
    fn without_labels_nothing_is_changed() {
        assert_eq!(fit(&Predictions::new(["calm", "angry"])), 1.0);
    }
}
