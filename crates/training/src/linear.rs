//! Linear classifiers of a training: solved, and calibrated by speakers that were
//! left out.
//!
//! Every variant of every training clip counts once, normalised as a stranger's or
//! by other clips of its speaker, as `enrolment` draws it. There are no epochs.
//!
//! The probabilities of a classifier are too certain on the clips that it was
//! solved from. So the training speakers are divided into five groups, and each
//! group is classified by classifiers solved from the other four. The temperatures
//! come from these *out-of-fold* answers: no speaker is set aside for them, and the
//! classifiers that are kept come from all training speakers.

use audio::{FeatureSpec, Features};
use model::{LinearClassifier, LinearClips, Normalisation};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::clips::{TrainingClip, TrainingClips};
use crate::settings::{Settings, Training};
use crate::{TrainingError, temperature};

/// Groups of speakers that are left out in turn.
const GROUPS: usize = 5;

/// The linear classifiers of a training, and the temperature of their average.
pub(crate) struct Fitted {
    pub classifiers: Vec<LinearClassifier>,
    /// None where there are too few speakers to leave any out.
    pub temperature: Option<f32>,
}

/// Solves and calibrates the settings' linear classifiers.
pub(crate) fn fit(
    clips: &TrainingClips<'_>,
    labels: usize,
    settings: &Settings,
) -> Result<Fitted, TrainingError> {
    let mut classifiers = solve(clips, labels, settings)?;
    let held_out = out_of_fold(clips.clips(), labels, settings)?;
    if held_out.is_empty() {
        return Ok(Fitted {
            classifiers,
            temperature: None,
        });
    }
    // Each by itself first, so that none dominates the average by its certainty alone.
    let mut cooled: Vec<(Vec<f64>, usize)> = Vec::new();
    for (place, classifier) in classifiers.iter_mut().enumerate() {
        let own = held_out
            .iter()
            .map(|clip| (logarithms(&clip.scores[place]), clip.label));
        let warmth = temperature::of_logarithms(&own.collect::<Vec<_>>());
        classifier.cool(warmth);
        cooled.resize_with(held_out.len(), || (vec![0.0; labels], 0));
        for (sum, clip) in cooled.iter_mut().zip(&held_out) {
            sum.1 = clip.label;
            let probabilities = softmax(&clip.scores[place], warmth);
            for (sum, p) in sum.0.iter_mut().zip(probabilities) {
                *sum += f64::from(classifier.share) * p;
            }
        }
    }
    for (sums, _) in &mut cooled {
        let total: f64 = sums.iter().sum();
        sums.iter_mut()
            .for_each(|p| *p = (*p / total).max(1e-30).ln());
    }
    Ok(Fitted {
        classifiers,
        temperature: Some(temperature::of_logarithms(&cooled)),
    })
}

/// A clip as classifiers that never heard its speaker score it.
struct HeldOut {
    /// Of each linear classifier.
    scores: Vec<Vec<f32>>,
    label: usize,
}

fn out_of_fold(
    clips: &[TrainingClip<'_>],
    labels: usize,
    settings: &Settings,
) -> Result<Vec<HeldOut>, TrainingError> {
    let speakers = clips.iter().map(|clip| clip.speaker + 1).max().unwrap_or(0);
    let groups = speakers.min(GROUPS);
    let mut held_out = Vec::new();
    if groups < 2 {
        return Ok(held_out);
    }
    for group in 0..groups {
        let is_out = |clip: &&TrainingClip<'_>| clip.speaker % groups == group;
        let rest: Vec<TrainingClip<'_>> =
            clips.iter().filter(|clip| !is_out(clip)).cloned().collect();
        let heard = rest.iter().flat_map(|clip| clip.variants.iter().copied());
        let normalisation = Normalisation::fit(heard)?;
        let rest = TrainingClips::new(rest, normalisation, settings.training.enrolment.is_some());
        let classifiers = solve(&rest, labels, settings)?;
        for clip in clips.iter().filter(is_out) {
            let scores = classifiers.iter().map(|classifier| {
                let range = classifier.inputs.range(&settings.features);
                classifier.scores(clip.variants[0], &range)
            });
            held_out.push(HeldOut {
                scores: scores.collect::<Result<_, _>>()?,
                label: clip.label,
            });
        }
    }
    Ok(held_out)
}

fn solve(
    clips: &TrainingClips<'_>,
    labels: usize,
    settings: &Settings,
) -> Result<Vec<LinearClassifier>, TrainingError> {
    let Settings {
        training: Training {
            linear, enrolment, ..
        },
        features,
        seed,
        ..
    } = settings;
    let mut sets = vec![LinearClips::default(); linear.len()];
    let mut rng = ChaCha8Rng::seed_from_u64(*seed);
    for (index, clip) in clips.clips().iter().enumerate() {
        for variant in 0..clip.variants.len() {
            let heard = clips.normalised(index, variant, enrolment.as_ref(), &mut rng)?;
            add(&mut sets, linear, features, &heard, clip.label);
        }
    }
    let solved = linear.iter().zip(&sets).map(|(linear, set)| {
        let normalisation = clips.normalisation().clone();
        let mut classifier =
            LinearClassifier::fit(set, labels, linear.shrinkage, linear.inputs, normalisation)?;
        classifier.share = linear.share;
        Ok(classifier)
    });
    solved.collect()
}

fn add(
    sets: &mut [LinearClips],
    linear: &[crate::settings::Linear],
    spec: &FeatureSpec,
    heard: &Features,
    label: usize,
) {
    for (set, linear) in sets.iter_mut().zip(linear) {
        set.push(&heard.functionals[linear.inputs.range(spec)], label);
    }
}

fn logarithms(scores: &[f32]) -> Vec<f64> {
    scores.iter().map(|score| f64::from(*score)).collect()
}

fn softmax(scores: &[f32], temperature: f32) -> impl Iterator<Item = f64> {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers = scores
        .iter()
        .map(move |s| f64::from((s - most) / temperature).exp());
    let powers: Vec<f64> = powers.collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(move |power| power / sum)
}
