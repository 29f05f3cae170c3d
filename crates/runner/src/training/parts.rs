//! From a corpus and its split to what a training takes.

use std::path::Path;

use anyhow::{Result, ensure};
use audio::Features;
use model::{Description, Normalisation, Provenance};

use super::{Clips, TrainingClips};
use crate::corpus::{Clip, Corpus, Split};
use crate::features::extract_all;
use crate::progress;
use crate::settings::Settings;
use crate::sound::Sound;
use crate::synth::MARKER;

/// The features of the three parts of a corpus, before normalisation.
pub struct Parts<'a> {
    /// Each training clip at each speed, with its label.
    pub train: Vec<(Vec<Features>, usize)>,
    /// The clips that decide which epoch is kept.
    pub validation: Vec<(&'a Clip, Features)>,
    /// The clips of speakers never heard.
    pub test: Vec<(&'a Clip, Features)>,
    /// What is wrong with the clips that are in none.
    pub failed: Vec<String>,
}

/// The features of a corpus's clips: of each clip as it is, and of those to
/// train on at every speed.
pub struct FeatureTable {
    plain: Vec<Option<Features>>,
    speeds: Vec<Vec<Option<Features>>>,
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
        let speeds = &settings.training.speeds;
        let bar = progress::bar(
            "features",
            (train.len() * speeds.len() + others.len()) as u64,
        );
        let mut failed = Vec::new();
        let mut extract = |indices: &[usize], speed: f64| -> Result<Vec<Option<Features>>> {
            let sounds: Vec<Sound> = indices
                .iter()
                .map(|&index| Sound::from(&corpus.clips[index]))
                .collect();
            let (features, failures) = extract_all(
                &corpus.root,
                &sounds,
                &settings.features,
                speed,
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
        let plain = extract(others, 1.0)?;
        let speeds = speeds
            .iter()
            .map(|&speed| extract(train, speed))
            .collect::<Result<_>>()?;
        bar.finish_and_clear();
        failed.sort();
        failed.dedup();
        Ok(Self {
            plain,
            speeds,
            failed,
        })
    }
}

impl<'a> Parts<'a> {
    /// Extracts the features of every clip of the split.
    ///
    /// # Errors
    ///
    /// Where no training clip can be read.
    pub fn extract(
        corpus: &'a Corpus,
        split: &Split,
        settings: &Settings,
        cache: Option<&Path>,
    ) -> Result<Self> {
        let others = [&split.validation[..], &split.test].concat();
        let table = FeatureTable::extract(corpus, &split.train, &others, settings, cache)?;
        let parts = Self::select(corpus, split, &table)?;
        Ok(Self {
            failed: table.failed,
            ..parts
        })
    }

    /// The parts of a split, out of features that were extracted before.
    ///
    /// # Errors
    ///
    /// Where no training clip has features.
    pub fn select(corpus: &'a Corpus, split: &Split, table: &FeatureTable) -> Result<Self> {
        let plain = |indices: &[usize]| -> Vec<(&'a Clip, Features)> {
            let with = |&index: &usize| Some((&corpus.clips[index], table.plain[index].clone()?));
            indices.iter().filter_map(with).collect()
        };
        let variants = |&index: &usize| {
            let heard = table.speeds.iter().filter_map(|clips| clips[index].clone());
            (heard.collect::<Vec<_>>(), corpus.clips[index].label)
        };
        let train: Vec<_> = split
            .train
            .iter()
            .map(variants)
            .filter(|(variants, _)| !variants.is_empty())
            .collect();
        ensure!(
            !train.is_empty(),
            "no training clip could be read:\n{}",
            table.failed.join("\n")
        );
        Ok(Self {
            train,
            validation: plain(&split.validation),
            test: plain(&split.test),
            failed: Vec::new(),
        })
    }

    /// What the model will be, its normalisation taken from the training clips alone.
    pub fn describe(
        &self,
        corpus: &Corpus,
        split: &Split,
        settings: &Settings,
    ) -> Result<Description> {
        let description = Description {
            labels: corpus.card.label_names(),
            features: settings.features.clone(),
            normalisation: Normalisation::fit(self.train.iter().flat_map(|(clips, _)| clips))?,
            architecture: settings.architecture.clone(),
            provenance: provenance(corpus, split, settings),
        };
        description.validate()?;
        Ok(description)
    }

    /// The training clips and the validation clips, normalised.
    pub fn normalised(&self, normalisation: &Normalisation) -> Result<(TrainingClips, Clips)> {
        let train = self
            .train
            .iter()
            .map(|(variants, label)| (variants.as_slice(), *label));
        let validation = self
            .validation
            .iter()
            .map(|(clip, features)| (features, clip.label));
        Ok((
            TrainingClips::new(train, normalisation)?,
            Clips::new(validation, normalisation)?,
        ))
    }
}

/// Whether a program made the recordings, or some of them.
pub fn is_synthetic(corpus: &Corpus) -> bool {
    let mut roots = corpus.members.iter().map(|member| &member.root);
    roots.any(|root| root.join(MARKER).is_file())
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
        date: jiff::Zoned::now().strftime("%Y-%m-%d").to_string(),
        ..Provenance::default()
    }
}
