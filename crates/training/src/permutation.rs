//! Which features a model needs on labelled clips: permutation importance (Breiman,
//! 2001; Fisher, Rudin and Dominici, 2019).
//!
//! The numbers of a group of features are exchanged between the clips, so that each has
//! those of another; everything else stays. What the model loses is what it takes from
//! the group and from nowhere else. Clips are of different lengths: columns of frames
//! are stretched to the length of the clip that gets them, each row taking the nearest.

use audio::{Features, Frames};
use metrics::ConfusionMatrix;
use model::Recognizer;
use model::explain::{FeatureGroup, GroupPlaces, feature_groups};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use crate::TrainingError;

/// Probabilities below this count as this.
const LEAST: f64 = 1e-12;

/// What a model loses without each group of features.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Permutation {
    /// How many clips.
    pub clips: usize,
    /// How many permutations of each group.
    pub repeats: usize,
    /// What they were drawn from.
    pub seed: u64,
    /// The UAR with all features as they are.
    pub uar: f64,
    /// The mean logarithm of the right label's probability.
    pub log_likelihood: f64,
    /// The groups, the one that costs most log-likelihood first.
    pub groups: Vec<Permuted>,
}

/// What is lost with a group permuted: mean and standard deviation over permutations.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Permuted {
    /// The group.
    pub group: FeatureGroup,
    /// How much the UAR falls.
    pub uar: [f64; 2],
    /// How much the mean log-likelihood falls.
    pub log_likelihood: [f64; 2],
}

/// Permutes every group `repeats` times between clips with their labels. `progress` is
/// called after each permutation.
///
/// # Errors
///
/// [`TrainingError`] where there is no clip, or the features are not the model's.
pub fn permutation(
    recognizer: &Recognizer,
    clips: &[(&Features, usize)],
    (repeats, seed): (usize, u64),
    mut progress: impl FnMut(),
) -> Result<Permutation, TrainingError> {
    let features: Vec<&Features> = clips.iter().map(|(features, _)| *features).collect();
    let labels: Vec<usize> = clips.iter().map(|(_, label)| *label).collect();
    let whole = quality(recognizer, &features, &labels)?;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut groups = Vec::new();
    for places in feature_groups(&recognizer.description().features) {
        let mut losses = Vec::with_capacity(repeats);
        for _ in 0..repeats {
            let mut order: Vec<usize> = (0..clips.len()).collect();
            order.shuffle(&mut random);
            let pairs = features.iter().zip(&order);
            let exchanged: Vec<Features> = pairs
                .map(|(clip, other)| exchanged(clip, features[*other], &places))
                .collect();
            let exchanged: Vec<&Features> = exchanged.iter().collect();
            let without = quality(recognizer, &exchanged, &labels)?;
            losses.push([whole[0] - without[0], whole[1] - without[1]]);
            progress();
        }
        groups.push(Permuted {
            group: places.group,
            uar: spread(losses.iter().map(|loss| loss[0])),
            log_likelihood: spread(losses.iter().map(|loss| loss[1])),
        });
    }
    groups.sort_by(|a, b| b.log_likelihood[0].total_cmp(&a.log_likelihood[0]));
    Ok(Permutation {
        clips: clips.len(),
        repeats,
        seed,
        uar: whole[0],
        log_likelihood: whole[1],
        groups,
    })
}

/// UAR, and the mean log-likelihood of the right labels.
fn quality(
    recognizer: &Recognizer,
    clips: &[&Features],
    labels: &[usize],
) -> Result<[f64; 2], TrainingError> {
    let answers = recognizer.classify_features(clips)?;
    let mut matrix = ConfusionMatrix::new(recognizer.description().labels.clone());
    let mut sum = 0.0;
    for (answer, &label) in answers.iter().zip(labels) {
        matrix.add(label, answer.index());
        let probability = answer
            .scores()
            .get(label)
            .map_or(0.0, |(_, p)| f64::from(*p));
        sum += probability.max(LEAST).ln();
    }
    Ok([
        matrix.uar().unwrap_or(0.0),
        sum / labels.len().max(1) as f64,
    ])
}

/// A clip with a group of features of another one.
fn exchanged(clip: &Features, other: &Features, places: &GroupPlaces) -> Features {
    let mut functionals = clip.functionals.clone();
    for &place in &places.functionals {
        functionals[place] = other.functionals[place];
    }
    let (columns, rows) = (clip.frames.columns(), clip.frames.len());
    let mut data = clip.frames.data().to_vec();
    if !places.columns.is_empty() && !other.frames.is_empty() {
        for (t, row) in data.chunks_exact_mut(columns).enumerate() {
            let from = other
                .frames
                .row((2 * t + 1) * other.frames.len() / (2 * rows));
            for &column in &places.columns {
                row[column] = from[column];
            }
        }
    }
    Features::new(Frames::new(data, columns), functionals)
}

/// Mean and standard deviation; the deviation of one value is 0.
fn spread(values: impl Iterator<Item = f64> + Clone) -> [f64; 2] {
    let count = values.clone().count().max(1) as f64;
    let mean = values.clone().sum::<f64>() / count;
    let squares: f64 = values.map(|value| (value - mean).powi(2)).sum();
    [mean, (squares / (count - 1.0).max(1.0)).sqrt()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_group_is_exchanged_and_frames_are_stretched() {
        let clip = Features::new(Frames::new(vec![1.0, 2.0, 3.0, 4.0], 2), vec![5.0, 6.0]);
        let other = Features::new(
            Frames::new((10..18).map(|x| x as f32).collect(), 2),
            vec![7.0, 8.0],
        );
        let places = GroupPlaces {
            group: FeatureGroup::Pitch,
            columns: vec![1],
            functionals: vec![0],
        };
        let got = exchanged(&clip, &other, &places);
        assert_eq!(got.frames.data(), [1.0, 13.0, 3.0, 17.0]);
        assert_eq!(got.functionals, [7.0, 6.0]);
        // From itself nothing changes.
        assert_eq!(exchanged(&clip, &clip, &places), clip);
    }

    #[test]
    fn the_spread_is_that_of_a_sample() {
        let [mean, deviation] = spread([1.0, 2.0, 3.0].into_iter());
        assert_eq!((mean, deviation), (2.0, 1.0));
        assert_eq!(spread([4.0].into_iter()), [4.0, 0.0]);
    }
}
