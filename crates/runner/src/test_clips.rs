//! The recordings that a finished model is tested with: those of speakers that it has
//! not heard, unless others are asked for.

use anyhow::Result;
use audio::Features;
use corpus::{Clip, Corpus, Excerpt, same_speaker};
use model::Description;
use training::{Event, Exposure, Failed, Observer, Stage, TrainedOn, Variant, extract_all};

use crate::output::{ensure_some, list};
use crate::terminal::Terminal;

/// Clips of a corpus, and their features.
pub struct TestClips<'a> {
    /// Those that could be read.
    pub readable: Vec<(&'a Clip, Features)>,
    /// Whether the model was trained on their speakers.
    pub exposure: Exposure,
    failed: Vec<Failed>,
}

impl<'a> TestClips<'a> {
    /// Reads the clips of the speakers asked for, or of all that the model was not
    /// trained on.
    ///
    /// # Errors
    ///
    /// If there is no such clip.
    pub fn read(
        corpus: &'a Corpus,
        description: &Description,
        speakers: Option<&[String]>,
        terminal: &Terminal,
    ) -> Result<Self> {
        let trained_on = TrainedOn::new(&description.provenance, corpus);
        let is_wanted = |clip: &&Clip| match speakers {
            Some(names) => same_speaker(&clip.speaker, names.iter().map(String::as_str)).is_some(),
            None => !trained_on.contains(corpus, clip),
        };
        let clips: Vec<&Clip> = corpus.clips.iter().filter(is_wanted).collect();
        ensure_some(
            clips.len(),
            "no recording of the speakers asked for; by default those that the model was trained \
             on are left out, `--speakers` names others",
        )?;
        let excerpts: Vec<Excerpt> = clips.iter().map(|clip| Excerpt::from(*clip)).collect();
        terminal.notice(Event::Begin {
            stage: Stage::Features,
            steps: excerpts.len() as u64,
            done: 0,
        });
        let plain = (&Variant::default(), 0);
        let extracted = extract_all(&excerpts, &description.features, plain, None, terminal)?;
        terminal.notice(Event::End);
        let exposure = trained_on.exposure(corpus, &clips);
        let readable = clips.into_iter().zip(extracted.features);
        Ok(Self {
            readable: readable
                .filter_map(|(clip, features)| Some((clip, features?)))
                .collect(),
            exposure,
            failed: extracted.failed,
        })
    }

    /// Those that could be read, with borrowed features.
    pub fn pairs(&self) -> Vec<(&'a Clip, &Features)> {
        let pairs = self.readable.iter();
        pairs.map(|(clip, features)| (*clip, features)).collect()
    }

    /// Those that could be read, without their features.
    pub fn clips(&self) -> Vec<&'a Clip> {
        self.readable.iter().map(|(clip, _)| *clip).collect()
    }

    /// Lists what could not be read, and says whether there was any.
    pub fn report_failures(&self) -> bool {
        let failed: Vec<&str> = self.failed.iter().map(|f| &*f.message).collect();
        list("error", &failed);
        !failed.is_empty()
    }
}
