//! The clips to train and validate on, and the batches of an epoch.
//!
//! A training clip sounds different in every epoch: it comes in one of its
//! variants (speeds, vocal tracts), is cropped at random, has some of its frames
//! masked, and is normalised by the statistics of the training set or, where
//! the settings ask for it, of some other clips of its speaker. So the network
//! learns to use whatever is known of a voice.

use audio::{Features, FrameMasks, Frames};
use model::{Enrolment, MOST_CLASS_WEIGHT, Normalisation};
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, RngExt};

use crate::TrainingError;
use crate::settings::{EnrolmentDraws, Training};

/// Clips that decide which epoch is kept, normalised.
#[derive(Clone, Debug, Default)]
pub struct ValidationClips {
    /// Normalised features of each clip.
    pub features: Vec<Features>,
    /// Label of each clip.
    pub labels: Vec<usize>,
}

impl ValidationClips {
    /// Clips with this normalisation applied.
    ///
    /// # Errors
    ///
    /// Where the clips' features are not those of the normalisation.
    pub fn new<'a>(
        clips: impl IntoIterator<Item = (&'a Features, usize)>,
        normalisation: &Normalisation,
    ) -> Result<Self, TrainingError> {
        let mut result = Self::default();
        for (features, label) in clips {
            result.features.push(normalisation.apply(features)?);
            result.labels.push(label);
        }
        Ok(result)
    }
}

/// A clip to learn from.
#[derive(Clone, Debug)]
pub struct TrainingClip<'a> {
    /// Its features before normalisation, once for each variant.
    pub variants: Vec<&'a Features>,
    /// Its label.
    pub label: usize,
    /// Its speaker, as a number from 0.
    pub speaker: usize,
    /// The answer to each auxiliary question, where it has one.
    pub auxiliary: Vec<Option<usize>>,
}

/// Clips to learn from.
#[derive(Clone, Debug)]
pub struct TrainingClips<'a> {
    clips: Vec<TrainingClip<'a>>,
    normalisation: Normalisation,
    /// The sums of each clip and variant, where speakers are enrolled.
    sums: Vec<Vec<Enrolment>>,
    /// The clips of each speaker.
    by_speaker: Vec<Vec<usize>>,
}

/// A clip as a batch has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Normalised and changed at random.
    pub features: Features,
    /// Its label.
    pub label: usize,
    /// The answer to each auxiliary question, where it has one.
    pub auxiliary: Vec<Option<usize>>,
}

impl<'a> TrainingClips<'a> {
    /// Clips with the normalisation of the training set, as for an unknown
    /// speaker; `enrolment` says whether that of their own speakers will be
    /// needed too.
    pub fn new(
        clips: Vec<TrainingClip<'a>>,
        normalisation: Normalisation,
        enrolment: bool,
    ) -> Self {
        let speakers = clips.iter().map(|clip| clip.speaker + 1).max().unwrap_or(0);
        let mut by_speaker = vec![Vec::new(); speakers];
        for (index, clip) in clips.iter().enumerate() {
            by_speaker[clip.speaker].push(index);
        }
        let sums = |clip: &TrainingClip| clip.variants.iter().map(|f| Enrolment::of(f)).collect();
        let sums = match enrolment {
            true => clips.iter().map(sums).collect(),
            false => Vec::new(),
        };
        Self {
            clips,
            normalisation,
            sums,
            by_speaker,
        }
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.clips.len()
    }

    /// The clips.
    pub fn clips(&self) -> &[TrainingClip<'a>] {
        &self.clips
    }

    /// The normalisation of the training set.
    pub fn normalisation(&self) -> &Normalisation {
        &self.normalisation
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.clips.is_empty()
    }

    /// Answers there are to each auxiliary question.
    pub fn auxiliary_answers(&self) -> Vec<usize> {
        let questions = self.clips.first().map_or(0, |clip| clip.auxiliary.len());
        let answers =
            |question: usize| self.clips.iter().filter_map(move |c| c.auxiliary[question]);
        (0..questions)
            .map(|question| answers(question).max().map_or(0, |highest| highest + 1))
            .collect()
    }

    /// A factor for every label that makes all labels count the same: the number
    /// of clips, divided by the number of labels and by the clips of the label. It
    /// is at most [`MOST_CLASS_WEIGHT`], so that a label with a handful of
    /// clips cannot drown the others. A label without a clip has 1.
    pub fn class_weights(&self, labels: usize) -> Vec<f32> {
        let mut counts = vec![0usize; labels];
        for clip in &self.clips {
            counts[clip.label] += 1;
        }
        let present = counts.iter().filter(|count| **count > 0).count();
        counts
            .iter()
            .map(|&count| match count {
                0 => 1.0,
                count => {
                    (self.len() as f32 / (present * count) as f32).min(MOST_CLASS_WEIGHT as f32)
                }
            })
            .collect()
    }

    /// One pass over all clips in random order, in batches. Clips of like
    /// length go into a batch together, so that little of it is padding.
    ///
    /// # Errors
    ///
    /// Where the clips' features are not alike.
    pub fn epoch(
        &self,
        settings: &Training,
        rng: &mut impl Rng,
    ) -> Result<Vec<Vec<Sample>>, TrainingError> {
        let mut samples = (0..self.clips.len())
            .map(|index| self.sample(index, settings, rng))
            .collect::<Result<Vec<_>, _>>()?;
        samples.shuffle(rng);
        // Sorted only within some batches' worth of clips: who meets whom stays random.
        for neighbours in samples.chunks_mut(8 * settings.batch_size) {
            neighbours.sort_by_key(|sample| sample.features.frames.len());
        }
        let mut batches: Vec<_> = samples
            .chunks(settings.batch_size)
            .map(<[_]>::to_vec)
            .collect();
        batches.shuffle(rng);
        Ok(batches)
    }

    fn sample(
        &self,
        index: usize,
        settings: &Training,
        rng: &mut impl Rng,
    ) -> Result<Sample, TrainingError> {
        let clip = &self.clips[index];
        let variant = rng.random_range(0..clip.variants.len());
        let mut features = self.normalised(index, variant, settings.enrolment.as_ref(), rng)?;
        if settings.crop < 1.0 {
            features.frames = cropped(&features.frames, settings.crop, rng);
        }
        if let Some(masks) = &settings.masks {
            features.frames = masked(&features.frames, masks, rng)?;
        }
        Ok(Sample {
            features,
            label: clip.label,
            auxiliary: clip.auxiliary.clone(),
        })
    }

    /// A clip in one of its variants, normalised as a stranger's, or by other clips
    /// of its speaker where these draws say so.
    ///
    /// # Errors
    ///
    /// Where the clips' features are not alike.
    pub fn normalised(
        &self,
        index: usize,
        variant: usize,
        draws: Option<&EnrolmentDraws>,
        rng: &mut impl Rng,
    ) -> Result<Features, TrainingError> {
        let heard = self.clips[index].variants[variant];
        Ok(match draws {
            Some(draws) => self.enrolled(index, variant, draws, rng)?.apply(heard)?,
            None => self.normalisation.apply(heard)?,
        })
    }

    /// The normalisation by some other clips of the same speaker, in the same variant.
    fn enrolled(
        &self,
        index: usize,
        variant: usize,
        draws: &EnrolmentDraws,
        rng: &mut impl Rng,
    ) -> Result<Normalisation, TrainingError> {
        if rng.random::<f64>() < draws.unknown {
            return Ok(self.normalisation.clone());
        }
        let count = rng.random_range(draws.least..=draws.most);
        let own = &self.by_speaker[self.clips[index].speaker];
        let mut speaker = Enrolment::new();
        for &other in own
            .sample(rng, count + 1)
            .filter(|&&other| other != index)
            .take(count)
        {
            // A variant may have failed for a clip that is too short for it.
            if let Some(sums) = self.sums[other].get(variant) {
                speaker.merge(sums);
            }
        }
        Ok(self.normalisation.adapted(&speaker)?)
    }
}

/// A random piece of at least the `least` share of the frames.
fn cropped(frames: &Frames, least: f64, rng: &mut impl Rng) -> Frames {
    let share = rng.random_range(least..=1.0);
    let kept = ((frames.len() as f64 * share).round() as usize).clamp(1, frames.len().max(1));
    let begin = rng.random_range(0..=frames.len().saturating_sub(kept));
    let columns = frames.columns();
    let data = &frames.data()[begin * columns..(begin + kept) * columns];
    Frames::new(data.to_vec(), columns)
}

fn masked(
    frames: &Frames,
    masks: &FrameMasks,
    rng: &mut impl Rng,
) -> Result<Frames, TrainingError> {
    Ok(masks.apply(frames, rng.random())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    fn features(length: usize, value: f32) -> Features {
        Features::new(Frames::new(vec![value; length], 1), vec![length as f32])
    }

    fn clips<'a>(features: &'a [Features], enrolment: bool) -> TrainingClips<'a> {
        let clips = features
            .iter()
            .enumerate()
            .map(|(k, features)| TrainingClip {
                variants: vec![features],
                label: k % 3,
                speaker: k % 2,
                auxiliary: Vec::new(),
            });
        let normalisation = Normalisation::fit(features).unwrap();
        TrainingClips::new(clips.collect(), normalisation, enrolment)
    }

    fn plain() -> Training {
        Training {
            batch_size: 8,
            crop: 1.0,
            masks: None,
            enrolment: None,
            ..Training::default()
        }
    }

    #[test]
    fn an_epoch_holds_every_clip_once_with_its_label() {
        let features: Vec<Features> = (0..70).map(|k| features(k + 1, 0.0)).collect();
        let clips = clips(&features, false);
        let batches = clips
            .epoch(&plain(), &mut ChaCha8Rng::seed_from_u64(1))
            .unwrap();
        assert_eq!(batches.len(), 9);
        let mut seen: Vec<(usize, usize)> = batches
            .concat()
            .iter()
            .map(|sample| (sample.features.frames.len(), sample.label))
            .collect();
        seen.sort();
        let expected: Vec<(usize, usize)> = (0..70).map(|k| (k + 1, k % 3)).collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_clip_is_normalised_by_its_speakers_other_clips() {
        // Speaker 0 says 5, speaker 1 says -5: measured by themselves both are near 0.
        let of = |k: usize| features(4, if k.is_multiple_of(2) { 5.0 } else { -5.0 });
        let features: Vec<Features> = (0..40).map(of).collect();
        let training = Training {
            enrolment: Some(EnrolmentDraws {
                least: 19,
                most: 19,
                unknown: 0.0,
            }),
            ..plain()
        };
        let values = |training: &Training| -> Vec<f32> {
            let clips = clips(&features, true);
            let batches = clips.epoch(training, &mut ChaCha8Rng::seed_from_u64(1));
            let samples = batches.unwrap().concat();
            samples
                .iter()
                .map(|s| s.features.frames.data()[0])
                .collect()
        };
        assert!(
            values(&plain())
                .iter()
                .all(|v| (v.abs() - 1.0).abs() < 1e-4)
        );
        assert!(values(&training).iter().all(|v| v.abs() < 0.5));
    }

    #[test]
    fn a_crop_keeps_neighbours_and_at_least_its_share() {
        let data: Vec<f32> = (0..50).map(|v| v as f32).collect();
        let frames = Frames::new(data, 1);
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        for _ in 0..200 {
            let piece = cropped(&frames, 0.6, &mut rng);
            assert!((30..=50).contains(&piece.len()));
            assert!(piece.data().windows(2).all(|pair| pair[1] == pair[0] + 1.0));
        }
    }

    #[test]
    fn class_weights_make_every_label_count_the_same() {
        let heard = features(1, 0.0);
        let clips = [0, 0, 0, 0, 1, 3].map(|label| TrainingClip {
            variants: vec![&heard],
            label,
            speaker: 0,
            auxiliary: Vec::new(),
        });
        let normalisation = Normalisation::fit([&heard]).unwrap();
        let clips = TrainingClips::new(clips.to_vec(), normalisation, false);
        let weights = clips.class_weights(4);
        assert_eq!(weights[0] * 4.0, weights[1]);
        assert_eq!(weights[1], weights[3]);
        assert_eq!(weights[2], 1.0);
    }

    #[test]
    fn the_weight_of_a_label_with_one_clip_is_bounded() {
        let heard = features(1, 0.0);
        let clips = (0..101).map(|index| TrainingClip {
            variants: vec![&heard],
            label: usize::from(index == 100),
            speaker: 0,
            auxiliary: Vec::new(),
        });
        let normalisation = Normalisation::fit([&heard]).unwrap();
        let clips = TrainingClips::new(clips.collect(), normalisation, false);
        assert_eq!(clips.class_weights(2)[1], MOST_CLASS_WEIGHT as f32);
    }
}
