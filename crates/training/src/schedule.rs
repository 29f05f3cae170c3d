//! The learning rate over the steps of a training.

/// Share of the steps over which the rate rises.
const WARM_UP: f64 = 0.1;

/// A linear rise over the first tenth of all steps, then half a cosine to zero
/// (one cycle, after Smith and Topin, 2019; the cosine of Loshchilov and
/// Hutter, 2017). Step 0 is the first.
pub fn learning_rate(highest: f64, step: usize, steps: usize) -> f64 {
    let warm_up = WARM_UP * steps as f64;
    let position = step as f64 + 1.0;
    if position <= warm_up {
        return highest * position / warm_up;
    }
    let progress = (position - warm_up) / (steps as f64 - warm_up);
    highest * 0.5 * (1.0 + (std::f64::consts::PI * progress.min(1.0)).cos())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rises_to_the_highest_and_ends_at_zero() {
        let rates: Vec<f64> = (0..1000)
            .map(|step| learning_rate(2.0, step, 1000))
            .collect();
        assert!((rates[99] - 2.0).abs() < 1e-9);
        assert!(rates[..100].is_sorted());
        assert!(rates[99..].iter().rev().is_sorted());
        assert!(rates[999].abs() < 1e-9 && rates.iter().all(|rate| *rate >= 0.0));
        // Going on past the end, after a resumption with fewer epochs, is harmless.
        assert_eq!(learning_rate(2.0, 1200, 1000), rates[999]);
    }
}
