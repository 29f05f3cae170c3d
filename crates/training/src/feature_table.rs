//! The features of a corpus's clips, extracted once for all trainings.

use audio::Features;
use corpus::{Corpus, Excerpt};

use crate::extraction::extract_all;
use crate::settings::{Settings, Variant};
use crate::{Event, FeatureStore, Observer, Stage, TrainingError};

/// The features of a corpus's clips: of each clip as it is, and of those to
/// train on in every variant. Lists are in the order of [`Corpus::clips`].
#[derive(Clone, Debug)]
pub struct FeatureTable {
    plain: Vec<Option<Features>>,
    variants: Vec<Vec<Option<Features>>>,
    failed: Vec<String>,
}

impl FeatureTable {
    /// Extracts what the named clips need, `train` in every variant and
    /// `others` as they are. A clip that cannot be read is left out and listed.
    ///
    /// # Errors
    ///
    /// Where the feature settings cannot be used, or the store not be written.
    pub fn extract(
        corpus: &Corpus,
        train: &[usize],
        others: &[usize],
        settings: &Settings,
        store: Option<&FeatureStore>,
        observer: &dyn Observer,
    ) -> Result<Self, TrainingError> {
        let variants = &settings.training.variants;
        observer.notice(Event::Begin {
            stage: Stage::Features,
            steps: (train.len() * variants.len() + others.len()) as u64,
            done: 0,
        });
        let mut failed = Vec::new();
        let mut extract = |indices: &[usize], variant: &Variant, draw: usize| {
            let clips = indices.iter().map(|&index| &corpus.clips[index]);
            let excerpts: Vec<Excerpt> = clips.map(Excerpt::from).collect();
            let variant = (variant, draw as u64);
            let extracted = extract_all(&excerpts, &settings.features, variant, store, observer)?;
            failed.extend(extracted.failed.into_iter().map(|failed| failed.message));
            let mut by_clip = vec![None; corpus.clips.len()];
            for (&index, features) in indices.iter().zip(extracted.features) {
                by_clip[index] = features;
            }
            Ok::<_, TrainingError>(by_clip)
        };
        let plain = extract(others, &Variant::default(), 0)?;
        let variants = variants.iter().enumerate();
        let variants = variants
            .map(|(draw, variant)| extract(train, variant, draw))
            .collect::<Result<_, _>>()?;
        if let Some(store) = store {
            store.trim()?;
        }
        observer.notice(Event::End);
        failed.sort();
        failed.dedup();
        Ok(Self {
            plain,
            variants,
            failed,
        })
    }

    /// What is wrong with the clips that have no features, each once.
    pub fn failed(&self) -> &[String] {
        &self.failed
    }

    /// The features of a clip as it is.
    pub(crate) fn plain(&self, clip: usize) -> Option<&Features> {
        self.plain[clip].as_ref()
    }

    /// The features of a clip in every variant that could be extracted.
    pub(crate) fn variants(&self, clip: usize) -> Vec<&Features> {
        let all = self.variants.iter();
        all.filter_map(|clips| clips[clip].as_ref()).collect()
    }
}
