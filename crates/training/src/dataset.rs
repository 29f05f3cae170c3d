//! The clips of one split with their features: what a training takes.

use audio::{FeatureSpec, Features};
use corpus::{Clip, Corpus, Split};
use model::{Description, Encoder, Familiarity, Normalisation, Statistics};

use crate::clips::{TrainingClip, TrainingClips, ValidationClips};
use crate::provenance::provenance;
use crate::settings::{Auxiliary, Settings};
use crate::{FeatureTable, TrainingError};

/// Speakers are divided into so many groups to see how far clips of unseen
/// speakers lie from those of training speakers.
const FAMILIARITY_GROUPS: usize = 5;

/// The three parts of a corpus with their features, before normalisation.
pub struct Dataset<'a> {
    /// The clips to learn from.
    pub train: Vec<TrainingClip<'a>>,
    /// The clips that decide which epoch is kept.
    pub validation: Vec<(&'a Clip, &'a Features)>,
    /// The clips of held-out speakers.
    pub test: Vec<(&'a Clip, &'a Features)>,
}

impl<'a> Dataset<'a> {
    /// The parts of a split, out of features that were extracted before. A clip
    /// without features is left out.
    ///
    /// # Errors
    ///
    /// [`TrainingError::NoClips`] where no training clip has features,
    /// [`TrainingError::Settings`] where an auxiliary question has fewer than
    /// two answers.
    pub fn new(
        corpus: &'a Corpus,
        split: &Split,
        table: &'a FeatureTable,
        questions: &[Auxiliary],
    ) -> Result<Self, TrainingError> {
        let mut speakers: Vec<&str> = Vec::new();
        let mut answers: Vec<Vec<String>> = vec![Vec::new(); questions.len()];
        let mut train = Vec::with_capacity(split.train.len());
        for &index in &split.train {
            let clip = &corpus.clips[index];
            let variants = table.variants(index);
            if variants.is_empty() {
                continue;
            }
            let auxiliary = questions.iter().zip(&mut answers);
            train.push(TrainingClip {
                variants,
                label: clip.label,
                speaker: place(&mut speakers, clip.speaker.as_str()),
                auxiliary: auxiliary
                    .map(|(question, known)| {
                        Some(place(known, answer(corpus, clip, &question.part)?))
                    })
                    .collect(),
            });
        }
        if train.is_empty() {
            let failed = table.failed().to_vec();
            return Err(TrainingError::NoClips { failed });
        }
        let mut counted = questions.iter().zip(&answers);
        if let Some((question, answers)) = counted.find(|(_, answers)| answers.len() < 2) {
            return Err(TrainingError::settings(format!(
                "the auxiliary question `{}` has {} answer(s) in these recordings; `speaker`, \
                 `sex` and the parts of the files' names can be asked",
                question.part,
                answers.len()
            )));
        }
        let plain = |indices: &[usize]| -> Vec<(&'a Clip, &'a Features)> {
            let with = |&index: &usize| Some((&corpus.clips[index], table.plain(index)?));
            indices.iter().filter_map(with).collect()
        };
        Ok(Self {
            train,
            validation: plain(&split.validation),
            test: plain(&split.test),
        })
    }

    /// The clips to train and to validate on, with the normalisation of the
    /// training clips alone.
    ///
    /// # Errors
    ///
    /// Where the clips' features differ in their columns.
    pub fn clips(
        &self,
        settings: &Settings,
    ) -> Result<(TrainingClips<'a>, ValidationClips, Normalisation), TrainingError> {
        let heard = self
            .train
            .iter()
            .flat_map(|clip| clip.variants.iter().copied());
        let mut normalisation = Normalisation::fit(heard)?;
        if settings.features.speech_frames {
            // At its level already; other numbers mean nothing to an encoder.
            normalisation.frames = Statistics::default();
        }
        let validation = self.validation.iter();
        let validation = validation.map(|(clip, features)| (*features, clip.label));
        let enrolment = settings.training.enrolment.is_some();
        Ok((
            TrainingClips::new(self.train.clone(), normalisation.clone(), enrolment),
            ValidationClips::new(validation, &normalisation)?,
            normalisation,
        ))
    }

    /// What the training clips look like; none where there are no functionals
    /// or only one speaker. Its limit comes from clips of training speakers
    /// who were left out of a fit.
    ///
    /// # Errors
    ///
    /// Where the functionals are not finite.
    pub fn familiarity(&self, spec: &FeatureSpec) -> Result<Option<Familiarity>, TrainingError> {
        let range = Familiarity::range(spec);
        let clips: Vec<(&[f32], usize, usize)> = self
            .train
            .iter()
            .map(|clip| (&clip.variants[0].functionals[..], clip.label, clip.speaker))
            .collect();
        let speakers = clips.iter().map(|(.., speaker)| speaker + 1).max();
        let groups = speakers.unwrap_or(0).min(FAMILIARITY_GROUPS);
        if groups < 2 || range.is_empty() {
            return Ok(None);
        }
        let labelled = |(functionals, label, _): &(&'a [f32], usize, usize)| (*functionals, *label);
        let mut distances = Vec::with_capacity(clips.len());
        for group in 0..groups {
            let is_out = |speaker: usize| speaker % groups == group;
            let rest = clips.iter().filter(|(.., speaker)| !is_out(*speaker));
            let fitted = Familiarity::fit(rest.map(labelled), range.clone())?;
            let out = clips.iter().filter(|(.., speaker)| is_out(*speaker));
            distances.extend(out.map(|(functionals, ..)| fitted.distance(functionals)));
        }
        let mut familiarity = Familiarity::fit(clips.iter().map(labelled), range)?;
        familiarity.set_limit(distances);
        Ok(Some(familiarity))
    }
}

/// What the model of a training will be.
///
/// # Errors
///
/// Where the settings do not fit each other.
pub(crate) fn describe(
    corpus: &Corpus,
    split: &Split,
    settings: &Settings,
) -> Result<Description, TrainingError> {
    let description = Description {
        labels: corpus.card.label_names(),
        features: settings.features.clone(),
        architecture: settings.architecture.clone(),
        temperature: settings.training.temperature,
        provenance: provenance(corpus, split, settings),
    };
    description.validate()?;
    if settings.training.members > 0 {
        settings.architecture.fits(&description.inputs())?;
        if settings.architecture.pretrained {
            Encoder::pretrained()?;
        }
    }
    for linear in &settings.training.linear {
        if linear.inputs.range(&settings.features).is_empty() {
            return Err(TrainingError::settings(format!(
                "a linear classifier reads {:?}, and the features have none",
                linear.inputs
            )));
        }
    }
    Ok(description)
}

/// The place of `item` in `known`, to which it is added where it is new.
fn place<T: PartialEq>(known: &mut Vec<T>, item: T) -> usize {
    let found = known.iter().position(|other| *other == item);
    found.unwrap_or_else(|| {
        known.push(item);
        known.len() - 1
    })
}

/// A clip's answer to an auxiliary question.
fn answer(corpus: &Corpus, clip: &Clip, part: &str) -> Option<String> {
    match part {
        "speaker" => Some(clip.speaker.clone()),
        "sex" => Some(format!("{:?}", corpus.card.sex(&clip.speaker)?)),
        part => clip.parts.get(part).cloned(),
    }
}
