//! Which speakers a model was trained on, so that figures on them are never
//! shown as those of unseen speakers.

use std::collections::HashSet;

use corpus::{AUTO, Clip, Corpus, CorpusCard, identity, is_unknown, people_and_name};
use model::Provenance;

use crate::is_synthetic;

/// The speakers that a model was fitted to: names of people, each within their
/// corpus, since the same name in another corpus is somebody else.
pub struct TrainedOn {
    speakers: HashSet<(String, String)>,
}

/// What is known of the speakers of some clips.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exposure {
    /// The model was trained on none of them.
    Unseen,
    /// Of some clips nobody knows who speaks: the model may have been trained on them.
    Unknown,
    /// The model was trained on some of them.
    Seen,
}

impl TrainedOn {
    /// The training and validation speakers that a model's provenance names,
    /// seen from `corpus`: nobody where one of the two is synthetic and the
    /// other is not.
    pub fn new(provenance: &Provenance, corpus: &Corpus) -> Self {
        let of_model = match CorpusCard::named(&provenance.corpus_card) {
            Ok(card) => card.people().to_owned(),
            Err(_) => provenance.corpus_card.clone(),
        };
        let same_kind = provenance.synthetic == is_synthetic(corpus);
        let speakers = provenance.train_speakers.iter();
        let speakers = speakers
            .chain(&provenance.validation_speakers)
            .filter(|_| same_kind)
            .map(|speaker| match people_and_name(speaker) {
                ("", name) => (of_model.clone(), identity(name).1),
                (people, name) => (people.to_owned(), identity(name).1),
            });
        Self {
            speakers: speakers.collect(),
        }
    }

    /// Whether the clip's speaker is known to be among them.
    pub fn contains(&self, corpus: &Corpus, clip: &Clip) -> bool {
        let Some(member) = corpus.members.get(clip.member) else {
            return false;
        };
        let (_, name) = people_and_name(&clip.speaker);
        // A folder or manifest is known to a model only by the way it was read.
        let ways = [&member.people, &member.read_as];
        !is_unknown(name)
            && ways.iter().any(|people| {
                let key = ((*people).clone(), identity(name).1);
                self.speakers.contains(&key)
            })
    }

    /// What is known of the speakers of these clips.
    pub fn exposure(&self, corpus: &Corpus, clips: &[&Clip]) -> Exposure {
        if clips.iter().any(|clip| self.contains(corpus, clip)) {
            Exposure::Seen
        } else if clips.iter().any(|clip| is_unknown(&clip.speaker)) {
            Exposure::Unknown
        } else {
            Exposure::Unseen
        }
    }
}

/// How to read `folders` folders for a model where nothing else is said: as
/// those of its training, if they were read by cards and were as many.
pub fn corpus_for(provenance: &Provenance, folders: usize) -> &str {
    match provenance.corpus_card.as_str() {
        "folders" | "manifest" => AUTO,
        cards if [1, folders].contains(&cards.split('+').count()) => cards,
        _ => AUTO,
    }
}
