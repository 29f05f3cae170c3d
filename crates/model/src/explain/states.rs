//! How the parts that an embedding's numbers play are divided among the frames of
//! speech that the numbers are pooled from.
//!
//! Each statistic of a unit's states minus its mean over the training's clips is a sum
//! over frames:
//!
//! | statistic | of frame `t` |
//! |---|---|
//! | mean | `(s_t - b) / T` |
//! | deviation `d` | `((s_t - m)² / d - b) / T`: its share of the variance |
//! | difference | `(|s_t - s_(t-1)| - b) / (T - 1)`, from the second frame on |
//! | highest, lowest | all of it, at the first frame that reaches it |

use audio::Frames;

use crate::{Encoder, Statistics};

/// The sum over the embedding's numbers of slope times part, for every frame. `slopes`
/// are the mean gradients by the normalised numbers; `statistics` are of the embedding
/// alone.
pub(super) fn over_frames(
    states: &Frames,
    embedding: &[f32],
    slopes: &[f64],
    statistics: (&[f32], &[f32]),
) -> Vec<f64> {
    let (means, deviations) = statistics;
    let mut out = vec![0.0; states.len()];
    let frames = states.len() as f64;
    let steps = (frames - 1.0).max(1.0);
    for unit in 0..Encoder::UNITS {
        let number = |statistic: usize| {
            let place = statistic * Encoder::UNITS + unit;
            let slope = slopes[place] / f64::from(deviations[place]);
            (f64::from(embedding[place]), slope, f64::from(means[place]))
        };
        let [mean, deviation, difference, highest, lowest] = [0, 1, 2, 3, 4].map(number);
        let mut before = None;
        let (mut top, mut bottom) = ((0, f64::NEG_INFINITY), (0, f64::INFINITY));
        for (t, state) in states.column(unit).map(f64::from).enumerate() {
            let share = match deviation.0 > 0.0 {
                true => (state - mean.0).powi(2) / deviation.0,
                false => 0.0,
            };
            out[t] +=
                mean.1 * (state - mean.2) / frames + deviation.1 * (share - deviation.2) / frames;
            if let Some(before) = before {
                let step: f64 = state - before;
                out[t] += difference.1 * (step.abs() - difference.2) / steps;
            }
            before = Some(state);
            top = if state > top.1 { (t, state) } else { top };
            bottom = if state < bottom.1 { (t, state) } else { bottom };
        }
        if states.len() == 1 {
            out[0] -= difference.1 * difference.2;
        }
        for ((value, slope, base), (t, _)) in [(highest, top), (lowest, bottom)] {
            if let Some(out) = out.get_mut(t) {
                *out += slope * (value - base);
            }
        }
    }
    out
}

/// The part of statistics that is of the embedding, which comes last.
pub(super) fn of_embedding(statistics: &Statistics) -> (&[f32], &[f32]) {
    let first = statistics.mean.len().saturating_sub(Encoder::EMBEDDING);
    (&statistics.mean[first..], &statistics.deviation[first..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoder::Pooled;

    #[test]
    fn the_parts_of_all_frames_add_up_to_the_embeddings() {
        let value = |k: usize| ((k * 7919 + 13) % 1013) as f32 / 1013.0 - 0.4;
        for frames in [1, 2, 37] {
            let states: Vec<f32> = (0..frames * Encoder::UNITS).map(value).collect();
            let mut pooled = Pooled::default();
            states
                .chunks_exact(Encoder::UNITS)
                .for_each(|s| pooled.add(s));
            let embedding = pooled.embedding();
            let slopes: Vec<f64> = (0..Encoder::EMBEDDING)
                .map(|k| f64::from(value(k + 5)))
                .collect();
            let means: Vec<f32> = (0..Encoder::EMBEDDING).map(|k| value(k + 99)).collect();
            let deviations: Vec<f32> = (0..Encoder::EMBEDDING)
                .map(|k| value(k).abs() + 0.1)
                .collect();
            let all: f64 = (0..Encoder::EMBEDDING)
                .map(|k| slopes[k] * f64::from((embedding[k] - means[k]) / deviations[k]))
                .sum();
            let states = Frames::new(states, Encoder::UNITS);
            let parts = over_frames(&states, &embedding, &slopes, (&means, &deviations));
            let sum: f64 = parts.iter().sum();
            assert!(
                (sum - all).abs() < 1e-3,
                "{frames} frames: {sum}, not {all}"
            );
        }
    }
}
