//! From a corpus and its split to what a training takes.

use std::path::Path;

use anyhow::{Result, ensure};
use audio::Features;
use model::{Description, Familiarity, Normalisation, Provenance};

use super::{Clips, TrainingClip, TrainingClips};
use crate::corpus::{Clip, Corpus, Split};
use crate::features::extract_all;
use crate::progress;
use crate::settings::{Auxiliary, Settings, Variant};
use crate::sound::Sound;
use crate::synth::MARKER;

/// The features of the three parts of a corpus, before normalisation.
pub struct Parts<'a> {
    /// The clips to learn from.
    pub train: Vec<TrainingClip<'a>>,
    /// The clips that decide which epoch is kept.
    pub validation: Vec<(&'a Clip, &'a Features)>,
    /// The clips of speakers never heard.
    pub test: Vec<(&'a Clip, &'a Features)>,
}

/// The features of a corpus's clips: of each clip as it is, and of those to
/// train on in every variant.
pub struct FeatureTable {
    plain: Vec<Option<Features>>,
    variants: Vec<Vec<Option<Features>>>,
    /// What is wrong with the clips that have none.
    pub failed: Vec<String>,
}

impl FeatureTable {
    /// Extracts, under a progress bar, what the named clips need; a clip that
    /// cannot be read is left out and listed.
    ///
    /// # Errors
    ///
    /// Where the settings of the features or the cache do not work.
    pub fn extract(
        corpus: &Corpus,
        train: &[usize],
        others: &[usize],
        settings: &Settings,
        cache: Option<&Path>,
    ) -> Result<Self> {
        let variants = &settings.training.variants;
        let bar = progress::bar(
            "features",
            (train.len() * variants.len() + others.len()) as u64,
        );
        let mut failed = Vec::new();
        let mut extract = |indices: &[usize], variant: &Variant| -> Result<Vec<Option<Features>>> {
            let sounds: Vec<Sound> = indices
                .iter()
                .map(|&index| Sound::from(&corpus.clips[index]))
                .collect();
            let (features, failures) = extract_all(
                &corpus.root,
                &sounds,
                &settings.features,
                variant,
                cache,
                &bar,
            )?;
            failed.extend(failures.into_iter().map(|failure| failure.message));
            let mut by_clip = vec![None; corpus.clips.len()];
            for (&index, features) in indices.iter().zip(features) {
                by_clip[index] = features;
            }
            Ok(by_clip)
        };
        let plain = extract(others, &Variant::default())?;
        let variants = variants
            .iter()
            .map(|variant| extract(train, variant))
            .collect::<Result<_>>()?;
        bar.finish_and_clear();
        failed.sort();
        failed.dedup();
        Ok(Self {
            plain,
            variants,
            failed,
        })
    }
}

impl<'a> Parts<'a> {
    /// The parts of a split, out of features that were extracted before.
    ///
    /// # Errors
    ///
    /// Where no training clip has features.
    pub fn select(
        corpus: &'a Corpus,
        split: &Split,
        table: &'a FeatureTable,
        questions: &[Auxiliary],
    ) -> Result<Self> {
        let plain = |indices: &[usize]| -> Vec<(&'a Clip, &'a Features)> {
            let with = |&index: &usize| Some((&corpus.clips[index], table.plain[index].as_ref()?));
            indices.iter().filter_map(with).collect()
        };
        let mut speakers: Vec<&str> = Vec::new();
        let mut answers: Vec<Vec<String>> = vec![Vec::new(); questions.len()];
        let mut train = Vec::with_capacity(split.train.len());
        for &index in &split.train {
            let clip = &corpus.clips[index];
            let heard = table
                .variants
                .iter()
                .filter_map(|clips| clips[index].as_ref());
            let variants: Vec<&Features> = heard.collect();
            if variants.is_empty() {
                continue;
            }
            let known = speakers.iter().position(|speaker| *speaker == clip.speaker);
            let speaker = known.unwrap_or_else(|| {
                speakers.push(&clip.speaker);
                speakers.len() - 1
            });
            let auxiliary = questions.iter().zip(&mut answers).map(|(question, known)| {
                let answer = answer(corpus, clip, &question.part)?;
                let place = known.iter().position(|other| *other == answer);
                Some(place.unwrap_or_else(|| {
                    known.push(answer);
                    known.len() - 1
                }))
            });
            train.push(TrainingClip {
                variants,
                label: clip.label,
                speaker,
                auxiliary: auxiliary.collect(),
            });
        }
        for (question, answers) in questions.iter().zip(&answers) {
            ensure!(
                answers.len() > 1 || train.is_empty(),
                "the auxiliary question `{}` has {} answer(s) in these recordings; speaker, sex \
                 and the parts of the files' names can be asked",
                question.part,
                answers.len()
            );
        }
        ensure!(
            !train.is_empty(),
            "no training clip could be read:\n{}",
            table.failed.join("\n")
        );
        Ok(Self {
            train,
            validation: plain(&split.validation),
            test: plain(&split.test),
        })
    }

    /// What the model will be.
    ///
    /// # Errors
    ///
    /// Where the settings do not fit each other.
    pub fn describe(
        &self,
        corpus: &Corpus,
        split: &Split,
        settings: &Settings,
    ) -> Result<Description> {
        let description = Description {
            labels: corpus.card.label_names(),
            features: settings.features.clone(),
            architecture: settings.architecture.clone(),
            temperature: settings.training.temperature,
            provenance: provenance(corpus, split, settings),
        };
        description.validate()?;
        Ok(description)
    }

    /// The clips to train and to validate on, with the normalisation of the
    /// training clips alone.
    ///
    /// # Errors
    ///
    /// Where the clips' features are not alike.
    pub fn clips(&self, settings: &Settings) -> Result<(TrainingClips<'a>, Clips, Normalisation)> {
        let heard = self
            .train
            .iter()
            .flat_map(|clip| clip.variants.iter().copied());
        let normalisation = Normalisation::fit(heard)?;
        let validation = self.validation.iter();
        let validation = validation.map(|(clip, features)| (*features, clip.label));
        let enrolment = settings.training.enrolment.is_some();
        Ok((
            TrainingClips::new(self.train.clone(), normalisation.clone(), enrolment),
            Clips::new(validation, &normalisation)?,
            normalisation,
        ))
    }
}

/// A clip's answer to an auxiliary question.
fn answer(corpus: &Corpus, clip: &Clip, part: &str) -> Option<String> {
    match part {
        "speaker" => Some(clip.speaker.clone()),
        "sex" => Some(format!("{:?}", corpus.card.sex(&clip.speaker)?)),
        part => clip.parts.get(part).cloned(),
    }
}

/// Speakers are divided into so many groups to see how far clips of unheard
/// voices lie from those of heard ones.
const FAMILIARITY_GROUPS: usize = 5;

impl Parts<'_> {
    /// What the training clips look like; none where there are no functionals
    /// or only one speaker. Its limit comes from clips of training speakers
    /// who were left out of a fit.
    ///
    /// # Errors
    ///
    /// Where the functionals are not finite.
    pub fn familiarity(&self) -> Result<Option<Familiarity>> {
        let clips: Vec<(&[f32], usize)> = self
            .train
            .iter()
            .map(|clip| (&clip.variants[0].functionals[..], clip.speaker))
            .collect();
        let speakers = clips.iter().map(|(_, speaker)| speaker + 1).max();
        let groups = speakers.unwrap_or(0).min(FAMILIARITY_GROUPS);
        if groups < 2 || clips.iter().all(|(functionals, _)| functionals.is_empty()) {
            return Ok(None);
        }
        let mut distances = Vec::with_capacity(clips.len());
        for group in 0..groups {
            let is_out = |speaker: &usize| speaker % groups == group;
            let rest = clips.iter().filter(|(_, speaker)| !is_out(speaker));
            let fitted = Familiarity::fit(rest.map(|(functionals, _)| *functionals))?;
            let out = clips.iter().filter(|(_, speaker)| is_out(speaker));
            distances.extend(out.map(|(functionals, _)| fitted.distance(functionals)));
        }
        let mut familiarity = Familiarity::fit(clips.iter().map(|(functionals, _)| *functionals))?;
        familiarity.set_limit(distances);
        Ok(Some(familiarity))
    }
}

/// Whether a program made the recordings, or some of them.
pub fn is_synthetic(corpus: &Corpus) -> bool {
    let mut roots = corpus.members.iter().map(|member| &member.root);
    roots.any(|root| root.join(MARKER).is_file())
}

/// The day, or the one that `SOURCE_DATE_EPOCH` names in seconds since 1970, by
/// which a model can be made again to the same bytes
/// (<https://reproducible-builds.org/specs/source-date-epoch/>).
fn today() -> String {
    let named = std::env::var("SOURCE_DATE_EPOCH").ok();
    let named = named.and_then(|seconds| jiff::Timestamp::from_second(seconds.parse().ok()?).ok());
    let day = match named {
        Some(time) => time.to_zoned(jiff::tz::TimeZone::UTC),
        None => jiff::Zoned::now(),
    };
    day.strftime("%Y-%m-%d").to_string()
}

fn provenance(corpus: &Corpus, split: &Split, settings: &Settings) -> Provenance {
    let synthetic = is_synthetic(corpus);
    let (title, licence) = match synthetic {
        true => (
            "synthetic voices (a program's, not people's)",
            "none: nobody's recordings",
        ),
        false => (&*corpus.card.title, &*corpus.card.licence),
    };
    Provenance {
        corpus: title.into(),
        licence: licence.into(),
        corpus_card: settings.corpus.clone(),
        synthetic,
        train_speakers: split.train_speakers.clone(),
        validation_speakers: split.validation_speakers.clone(),
        test_speakers: split.test_speakers.clone(),
        seed: settings.seed,
        program_version: env!("CARGO_PKG_VERSION").into(),
        date: today(),
        ..Provenance::default()
    }
}
