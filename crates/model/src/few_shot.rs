//! A few labelled clips of one speaker: which labels the model says too often of them.
//!
//! With eight clips nothing can be trained but one number for each label: what
//! is added to the logarithm of its probability. They are the numbers under
//! which the labels given are most probable, held near zero by a normal prior
//! (the bias-only case of Platt's and vector scaling; Guo et al., 2017). A label
//! of which no clip is given keeps close to its own.

/// Deviation of the prior: a label's odds change by e at most in most cases.
const PRIOR_DEVIATION: f64 = 0.5;
/// Steps of the descent, which has one minimum.
const STEPS: usize = 300;
const STEP: f64 = 0.3;

/// What to add to the logarithm of each label's probability, from clips with
/// what was said of them and the place of the right label.
pub(crate) fn offsets(clips: &[(Vec<f32>, usize)]) -> Vec<f64> {
    let labels = clips
        .first()
        .map_or(0, |(probabilities, _)| probabilities.len());
    let mut offsets = vec![0.0; labels];
    for _ in 0..STEPS {
        let mut gradient: Vec<f64> = offsets
            .iter()
            .map(|offset| offset / (PRIOR_DEVIATION * PRIOR_DEVIATION))
            .collect();
        for (probabilities, right) in clips {
            let moved = moved(probabilities, &offsets);
            for (gradient, p) in gradient.iter_mut().zip(&moved) {
                *gradient += f64::from(*p);
            }
            if let Some(gradient) = gradient.get_mut(*right) {
                *gradient -= 1.0;
            }
        }
        // The curvature is at most this, so that no step goes too far.
        let curvature = clips.len() as f64 / 4.0 + 1.0 / (PRIOR_DEVIATION * PRIOR_DEVIATION);
        for (offset, gradient) in offsets.iter_mut().zip(gradient) {
            *offset -= STEP * gradient / curvature;
        }
    }
    offsets
}

/// Probabilities with the offsets added to their logarithms.
pub(crate) fn moved(probabilities: &[f32], offsets: &[f64]) -> Vec<f32> {
    let pairs = probabilities.iter().zip(offsets);
    let weights: Vec<f64> = pairs.map(|(p, o)| f64::from(*p) * o.exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| (weight / sum) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_that_is_said_too_often_is_said_less() {
        // Always "sad", though half of the clips are calm.
        let clips: Vec<(Vec<f32>, usize)> =
            (0..8).map(|clip| (vec![0.3, 0.6, 0.1], clip % 2)).collect();
        let offsets = offsets(&clips);
        assert!(offsets[0] > 0.0 && offsets[1] < 0.0, "{offsets:?}");
        let after = moved(&[0.3, 0.6, 0.1], &offsets);
        assert!((after.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert!((after[0] - after[1]).abs() < 0.2, "{after:?}");
        // At the minimum the gradient is nothing.
        let pull = |label: usize, share: f64| {
            offsets[label] / (PRIOR_DEVIATION * PRIOR_DEVIATION)
                + 8.0 * (f64::from(after[label]) - share)
        };
        assert!(pull(0, 0.5).abs() < 1e-3 && pull(2, 0.0).abs() < 1e-3);
    }

    #[test]
    fn without_clips_nothing_moves() {
        assert!(offsets(&[]).is_empty());
        assert_eq!(moved(&[0.25, 0.75], &[0.0, 0.0]), [0.25, 0.75]);
    }
}
