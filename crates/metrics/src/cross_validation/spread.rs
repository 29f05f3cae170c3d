//! Mean and standard deviation.

use serde::{Deserialize, Serialize};

/// A figure over several seeds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The mean over the seeds.
    pub mean: f64,
    /// The sample standard deviation over the seeds (divided by n - 1); `None` for
    /// a single seed.
    pub deviation: Option<f64>,
}

impl Spread {
    /// The spread of these values; `None` without values.
    pub fn of(values: &[f64]) -> Option<Self> {
        let n = values.len() as f64;
        if values.is_empty() {
            return None;
        }
        let mean = values.iter().sum::<f64>() / n;
        let squares = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
        Some(Spread {
            mean,
            deviation: (values.len() > 1).then(|| (squares / (n - 1.0)).sqrt()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deviation_is_that_of_a_sample() {
        assert_eq!(Spread::of(&[]), None);
        let single = Spread::of(&[0.5]).unwrap();
        assert_eq!((single.mean, single.deviation), (0.5, None));
        // Squares 9 + 1 + 1 + 9 around the mean of 4, over n - 1 = 3.
        let several = Spread::of(&[1.0, 3.0, 5.0, 7.0]).unwrap();
        assert_eq!(several.mean, 4.0);
        assert_eq!(several.deviation, Some((20.0f64 / 3.0).sqrt()));
    }
}
