//! The clips of each part, normalised, and the batches of an epoch.

use audio::Features;
use model::{ModelError, Normalisation};
use rand::seq::SliceRandom;
use rand::{Rng, RngExt};

/// Clips with their labels.
#[derive(Clone, Debug, Default)]
pub struct Clips {
    /// Normalised features of each clip.
    pub features: Vec<Features>,
    /// Label of each clip.
    pub labels: Vec<usize>,
}

/// Clips to learn from, each heard at several speeds.
#[derive(Clone, Debug, Default)]
pub struct TrainingClips {
    /// For each clip its normalised features at each speed.
    pub variants: Vec<Vec<Features>>,
    /// Label of each clip.
    pub labels: Vec<usize>,
}

impl Clips {
    /// Clips with this normalisation applied.
    pub fn new<'a>(
        clips: impl IntoIterator<Item = (&'a Features, usize)>,
        normalisation: &Normalisation,
    ) -> Result<Self, ModelError> {
        let mut result = Self::default();
        for (features, label) in clips {
            result.features.push(normalisation.apply(features)?);
            result.labels.push(label);
        }
        Ok(result)
    }
}

impl TrainingClips {
    /// Clips with this normalisation applied to every variant.
    pub fn new<'a>(
        clips: impl IntoIterator<Item = (&'a [Features], usize)>,
        normalisation: &Normalisation,
    ) -> Result<Self, ModelError> {
        let mut result = Self::default();
        for (variants, label) in clips {
            let normalised = variants
                .iter()
                .map(|features| normalisation.apply(features));
            result.variants.push(normalised.collect::<Result<_, _>>()?);
            result.labels.push(label);
        }
        Ok(result)
    }

    /// Clips to learn from.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// A factor for every label that makes all labels count alike: the number
    /// of clips over the number of labels and the clips of the label. A label
    /// without a clip has 1.
    pub fn class_weights(&self, labels: usize) -> Vec<f32> {
        let mut counts = vec![0usize; labels];
        for label in &self.labels {
            counts[*label] += 1;
        }
        let present = counts.iter().filter(|count| **count > 0).count();
        counts
            .iter()
            .map(|&count| match count {
                0 => 1.0,
                count => self.len() as f32 / (present * count) as f32,
            })
            .collect()
    }

    /// One pass over all clips in random order: batches of (features, label),
    /// each clip at a random one of its speeds. Clips of like length go into a
    /// batch together, so that little of it is padding.
    pub fn epoch(&self, batch_size: usize, rng: &mut impl Rng) -> Vec<Vec<(&Features, usize)>> {
        let mut clips: Vec<(&Features, usize)> = self
            .variants
            .iter()
            .zip(&self.labels)
            .map(|(variants, label)| (&variants[rng.random_range(0..variants.len())], *label))
            .collect();
        clips.shuffle(rng);
        // Sorted only within some batches' worth of clips: who meets whom stays random.
        for neighbours in clips.chunks_mut(8 * batch_size) {
            neighbours.sort_by_key(|(features, _)| features.frames.len());
        }
        let mut batches: Vec<_> = clips.chunks(batch_size).map(<[_]>::to_vec).collect();
        batches.shuffle(rng);
        batches
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio::Frames;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    fn clips(count: usize) -> TrainingClips {
        let features = |length: usize| Features {
            frames: Frames::new(vec![0.0; length], 1),
            functionals: vec![length as f32],
        };
        TrainingClips {
            variants: (0..count).map(|k| vec![features(k + 1)]).collect(),
            labels: (0..count).map(|k| k % 3).collect(),
        }
    }

    #[test]
    fn an_epoch_holds_every_clip_once_with_its_label() {
        let clips = clips(70);
        let batches = clips.epoch(8, &mut ChaCha8Rng::seed_from_u64(1));
        assert_eq!(batches.len(), 9);
        let mut seen: Vec<(usize, usize)> = batches
            .concat()
            .iter()
            .map(|(features, label)| (features.frames.len(), *label))
            .collect();
        seen.sort();
        let expected: Vec<(usize, usize)> = (0..70).map(|k| (k + 1, k % 3)).collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn class_weights_make_every_label_count_alike() {
        let clips = TrainingClips {
            variants: vec![Vec::new(); 6],
            labels: vec![0, 0, 0, 0, 1, 3],
        };
        let weights = clips.class_weights(4);
        assert_eq!(weights[0] * 4.0, weights[1]);
        assert_eq!(weights[1], weights[3]);
        assert_eq!(weights[2], 1.0);
    }
}
