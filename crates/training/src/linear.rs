//! Linear classifiers of a training: fitted, and chosen and calibrated by speakers that
//! were left out.
//!
//! Every variant of every training clip counts once, normalised as a stranger's or
//! by other clips of its speaker, as `enrolment` draws it. There are no epochs.
//!
//! The probabilities of a classifier are too certain on the clips that it was
//! fitted to. So the training speakers are divided into five groups, and each
//! group is classified by classifiers fitted to the other four. From these *out-of-fold*
//! answers come
//!
//! - the cost or shrinkage, where the settings leave it open: the one with the highest
//!   UAR, and of several the one that holds the classifier back most;
//! - the temperatures.
//!
//! No speaker is set aside for them, and the classifiers that are kept come from all
//! training speakers.

use metrics::ConfusionMatrix;
use model::{LinearClassifier, LinearClips, LinearMethod, Normalisation};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::clips::{TrainingClip, TrainingClips};
use crate::settings::{Linear, Settings, Training};
use crate::{TrainingError, temperature};

/// Groups of speakers that are left out in turn.
const GROUPS: usize = 5;

/// The linear classifiers of a training, and the temperature of their average.
pub(crate) struct Fitted {
    pub classifiers: Vec<LinearClassifier>,
    /// None where there are too few speakers to leave any out.
    pub temperature: Option<f32>,
}

/// Fits, chooses and calibrates the settings' linear classifiers.
pub(crate) fn fit(
    clips: &TrainingClips<'_>,
    labels: usize,
    settings: &Settings,
) -> Result<Fitted, TrainingError> {
    let candidates: Candidates = settings
        .training
        .linear
        .iter()
        .map(Linear::candidates)
        .collect();
    let held_out = out_of_fold(clips.clips(), labels, settings, &candidates)?;
    let chosen = candidates.iter().enumerate().map(|(place, methods)| {
        let uar = |candidate: usize| uar(&held_out, (place, candidate), labels);
        match held_out.is_empty() {
            // Nobody can be asked: the middle one.
            true => methods.len() / 2,
            false => first_best((0..methods.len()).map(uar)),
        }
    });
    let chosen: Vec<usize> = chosen.collect();
    let methods = candidates.iter().zip(&chosen);
    let methods: Candidates = methods.map(|(m, &chosen)| vec![m[chosen]]).collect();
    let mut classifiers = solve(clips, labels, settings, &methods)?.concat();
    if held_out.is_empty() {
        return Ok(Fitted {
            classifiers,
            temperature: None,
        });
    }
    // Each by itself first, so that none dominates the average by its certainty alone.
    let mut cooled: Vec<(Vec<f64>, usize)> = Vec::new();
    for (place, classifier) in classifiers.iter_mut().enumerate() {
        let scores = |clip: &'_ HeldOut| logarithms(&clip.scores[place][chosen[place]]);
        let own = held_out.iter().map(|clip| (scores(clip), clip.label));
        let warmth = temperature::of_logarithms(&own.collect::<Vec<_>>());
        classifier.cool(warmth);
        cooled.resize_with(held_out.len(), || (vec![0.0; labels], 0));
        for (sum, clip) in cooled.iter_mut().zip(&held_out) {
            sum.1 = clip.label;
            let probabilities = softmax(&clip.scores[place][chosen[place]], warmth);
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

/// Of each linear classifier the ways to fit it.
type Candidates = Vec<Vec<LinearMethod>>;

/// A clip as classifiers that never heard its speaker score it.
struct HeldOut {
    /// Of each linear classifier and each of its candidates.
    scores: Vec<Vec<Vec<f32>>>,
    label: usize,
}

/// The place of the largest; the first of several.
fn first_best(figures: impl Iterator<Item = f64>) -> usize {
    let better = |best: (usize, f64), (place, figure): (usize, f64)| match figure > best.1 {
        true => (place, figure),
        false => best,
    };
    figures.enumerate().fold((0, f64::NEG_INFINITY), better).0
}

/// The UAR of a classifier's candidate on speakers left out of its fit.
fn uar(held_out: &[HeldOut], (place, candidate): (usize, usize), labels: usize) -> f64 {
    let mut matrix = ConfusionMatrix::new((0..labels).map(|label| label.to_string()));
    for clip in held_out {
        let scores = &clip.scores[place][candidate];
        let answer = first_best(scores.iter().map(|score| f64::from(*score)));
        matrix.add(clip.label, answer);
    }
    matrix.uar().unwrap_or(0.0)
}

fn out_of_fold(
    clips: &[TrainingClip<'_>],
    labels: usize,
    settings: &Settings,
    candidates: &Candidates,
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
        let classifiers = solve(&rest, labels, settings, candidates)?;
        for clip in clips.iter().filter(is_out) {
            let score = |classifier: &LinearClassifier| {
                let range = classifier.inputs.range(&settings.features);
                classifier.scores(clip.variants[0], &range)
            };
            let of_one = |candidates: &Vec<LinearClassifier>| {
                candidates.iter().map(score).collect::<Result<Vec<_>, _>>()
            };
            held_out.push(HeldOut {
                scores: classifiers.iter().map(of_one).collect::<Result<_, _>>()?,
                label: clip.label,
            });
        }
    }
    Ok(held_out)
}

/// Each linear classifier in each of the ways to fit it.
fn solve(
    clips: &TrainingClips<'_>,
    labels: usize,
    settings: &Settings,
    methods: &Candidates,
) -> Result<Vec<Vec<LinearClassifier>>, TrainingError> {
    let Training {
        linear,
        enrolment,
        class_weights,
        ..
    } = &settings.training;
    let mut sets = vec![LinearClips::default(); linear.len()];
    let mut rng = ChaCha8Rng::seed_from_u64(settings.seed);
    for (index, clip) in clips.clips().iter().enumerate() {
        for variant in 0..clip.variants.len() {
            let heard = clips.normalised(index, variant, enrolment.as_ref(), &mut rng)?;
            for (set, linear) in sets.iter_mut().zip(linear) {
                let range = linear.inputs.range(&settings.features);
                set.push(&heard.functionals[range], clip.label);
            }
        }
    }
    let one = |linear: &Linear, set: &LinearClips, method: LinearMethod| {
        let normalisation = clips.normalisation().clone();
        let (balanced, inputs) = (*class_weights, linear.inputs);
        let fitted = LinearClassifier::fit(set, labels, method, balanced, inputs, normalisation);
        let mut classifier = fitted?;
        classifier.share = linear.share;
        Ok::<_, TrainingError>(classifier)
    };
    let of_each = linear.iter().zip(&sets).zip(methods);
    let fitted = of_each.map(|((linear, set), methods)| {
        let methods = methods.iter();
        methods
            .map(|method| one(linear, set, *method))
            .collect::<Result<Vec<_>, _>>()
    });
    fitted.collect()
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
