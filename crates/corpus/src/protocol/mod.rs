//! Evaluation protocols: which speakers are tested in which fold.
//!
//! In every fold whole speakers are held out, so that a model is tested on voices
//! it never heard. A protocol has a name:
//!
//! | name | folds |
//! |---|---|
//! | `luna5`, `emobox6`, ... | those on the corpus's card, as published |
//! | `FILE.toml` | fixed lists from a file, in the form of the cards' `[[protocols]]` |
//! | `loso` | every speaker is a fold (leave one speaker out) |
//! | `loco` | every corpus is a fold, where there are several (leave one corpus out) |
//! | `k5`, `k10`, ... | so many folds of speakers, drawn with seed 1 and balanced by sex |
//! | `nested-luna5`, `nested-k5`, ... | a fold for every ordered pair of the protocol's folds: one is left out altogether, and the other is tested by a model of the rest. Settings are compared on these: whatever is best over the pairs that leave a fold out was chosen without that fold |
//! | `leaky-random` | five random folds of *clips*. Every voice is in training too, so this measures how well speakers are remembered; it is there to show by how much that flatters |
//!
//! Clips of unknown speakers are in one fold together. Where all speakers are
//! unknown, only `leaky-random` is possible.
//!
//! A protocol that has a speaker in two folds is refused with the names, and so is
//! one that has the same recording in two folds under different names.
//!
//! | file | |
//! |---|---|
//! | `published.rs` | folds from a card or a file |
//! | `drawn.rs` | `loso`, `loco`, `k5` |
//! | `nested.rs` | `nested-...` |
//! | `leaky.rs` | `leaky-random` |
//! | `shared.rs` | what two folds must not share |

mod drawn;
mod leaky;
mod nested;
mod published;
mod shared;

use crate::speakers::sorted;
use crate::split::refuse_unknown_speakers;
use crate::{Corpus, CorpusError, Fold, Protocol, Split, same_speaker, split_by_speaker};

pub use drawn::LOCO;
pub use leaky::LEAKY;

/// The seed of everything drawn: a protocol is the same whatever is trained.
const SEED: u64 = 1;

/// The folds of a protocol on the speakers that a corpus has.
///
/// ```
/// # use corpus::synth::{SynthSettings, write_corpus};
/// # use corpus::{AUTO, Folds, Sources};
/// # let folder = tempfile::tempdir().unwrap();
/// # let folder = folder.path().to_path_buf();
/// # write_corpus(&folder, &SynthSettings { speakers: 4, takes_per_emotion: 1, seed: 1 }, |_, _| {})?;
/// let corpus = Sources::new(&[folder], AUTO)?.open()?; // of speakers 1 to 4
/// let folds = Folds::new("loso", &corpus)?;
/// assert_eq!(folds.folds().len(), 4);
/// assert_eq!(folds.folds()[2].test, ["3"]);
///
/// let split = folds.split(2, &corpus, 42, true)?;
/// assert_eq!(split.test_speakers, ["3"]);
/// assert_eq!((split.train_speakers.len(), split.validation_speakers.len()), (2, 1));
/// # Ok::<(), corpus::CorpusError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Folds {
    name: String,
    title: String,
    source: String,
    folds: Vec<Fold>,
    held_out: HeldOut,
    absent: Vec<String>,
    impossible: Vec<String>,
}

/// What a fold holds out.
#[derive(Clone, Debug)]
enum HeldOut {
    /// Its test speakers.
    Speakers,
    /// Its test speakers, and these altogether, for each fold.
    Pairs(Vec<Vec<String>>),
    /// These clips, ascending, for each fold.
    Clips(Vec<Vec<usize>>),
}

impl Folds {
    /// The folds of the protocol `name` on `corpus`.
    ///
    /// # Errors
    ///
    /// [`CorpusError::Protocol`] for an unknown name, with those there are, for a
    /// speaker or a recording in two folds, and for a protocol that does not suit
    /// the corpus; [`CorpusError::Io`] and [`CorpusError::File`] for a protocol's
    /// file; [`CorpusError::Speakers`] for a corpus with none of the speakers, or
    /// of unknown speakers.
    pub fn new(name: &str, corpus: &Corpus) -> Result<Self, CorpusError> {
        if name == LEAKY {
            return Ok(leaky::folds(corpus));
        }
        let speakers = corpus.speakers();
        refuse_unknown_speakers(corpus, &speakers).map_err(|error| match error {
            CorpusError::Speakers { what, hint } => CorpusError::Speakers {
                what: format!("the protocol `{name}` keeps speakers apart: {what}"),
                hint,
            },
            other => other,
        })?;
        if let Some(inner) = name.strip_prefix(nested::PREFIX) {
            return nested::folds(name, Self::new(inner, corpus)?);
        }
        let protocol = match published::on_card(name, corpus) {
            Some(protocol) => protocol,
            None => match drawn::protocol(name, corpus, &speakers)? {
                Some(protocol) => protocol,
                None => published::from_file(name, corpus)?,
            },
        };
        let folds = Self::of_present(name, protocol, corpus, &speakers)?;
        shared::refuse_names(&folds)?;
        shared::refuse_speakers(&folds)?;
        shared::refuse_recordings(&folds, corpus)?;
        Ok(folds)
    }

    /// The folds of a protocol with those of their speakers that are in the corpus.
    fn of_present(
        name: &str,
        protocol: Protocol,
        corpus: &Corpus,
        speakers: &[String],
    ) -> Result<Self, CorpusError> {
        let mut absent = Vec::new();
        let mut impossible = Vec::new();
        let mut folds = Vec::new();
        for fold in protocol.folds {
            let mut test = Vec::new();
            for speaker in &fold.test {
                match same_speaker(speaker, speakers.iter().map(String::as_str)) {
                    Some(known) => test.push(known.to_owned()),
                    None => absent.push(speaker.clone()),
                }
            }
            match test.is_empty() {
                true => impossible.push(fold.name),
                false => folds.push(Fold { test, ..fold }),
            }
        }
        if folds.is_empty() {
            return Err(CorpusError::speakers(format!(
                "{}: none of the test speakers of `{name}` is in the corpus, which has {}",
                corpus.root.display(),
                speakers.join(", ")
            )));
        }
        Ok(Self {
            name: name.to_owned(),
            title: protocol.title,
            source: protocol.source,
            folds,
            held_out: HeldOut::Speakers,
            absent: sorted(absent),
            impossible,
        })
    }

    /// The protocol to use where none is named: the first of the corpus's card,
    /// else to leave one corpus out of several, else to leave one speaker out.
    pub fn default_protocol(corpus: &Corpus) -> String {
        match corpus.card.protocols.first() {
            Some(protocol) => protocol.name.clone(),
            None if corpus.members.len() > 1 => LOCO.to_owned(),
            None => "loso".to_owned(),
        }
    }

    /// The protocol's name, as it was asked for.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is, in words.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The publication it is from; empty where there is none.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The folds that can be run, each with the test speakers that are in the
    /// corpus.
    pub fn folds(&self) -> &[Fold] {
        &self.folds
    }

    /// One of the folds alone; none where there is no fold of this name.
    pub fn only(&self, name: &str) -> Self {
        let is_wanted = |fold: &Fold| fold.name == name;
        let wanted: Vec<bool> = self.folds.iter().map(is_wanted).collect();
        let held_out = match &self.held_out {
            HeldOut::Speakers => HeldOut::Speakers,
            HeldOut::Pairs(all) => HeldOut::Pairs(chosen(all, &wanted)),
            HeldOut::Clips(all) => HeldOut::Clips(chosen(all, &wanted)),
        };
        Self {
            folds: chosen(&self.folds, &wanted),
            held_out,
            ..self.clone()
        }
    }

    /// Whether tested speakers are kept out of the training: false for
    /// [`LEAKY`] only.
    pub fn speaker_disjoint(&self) -> bool {
        !matches!(self.held_out, HeldOut::Clips(_))
    }

    /// Test speakers of whom the corpus has no clip.
    pub fn absent(&self) -> &[String] {
        &self.absent
    }

    /// Names of the folds that cannot be run, since none of their test speakers is
    /// in the corpus.
    pub fn impossible(&self) -> &[String] {
        &self.impossible
    }

    /// The split of a fold, by its index in [`folds`](Self::folds). `corpus` must
    /// be the one that the folds were made for.
    ///
    /// The validation speakers, on whom the epoch to keep is chosen, are drawn with
    /// `seed` from those that are not tested. Where `validate` is false there are
    /// none.
    ///
    /// # Errors
    ///
    /// [`CorpusError::Speakers`] where nobody is left to train on,
    /// [`CorpusError::Protocol`] where there is no such fold.
    pub fn split(
        &self,
        fold: usize,
        corpus: &Corpus,
        seed: u64,
        validate: bool,
    ) -> Result<Split, CorpusError> {
        let Some(Fold { name, test }) = self.folds.get(fold) else {
            return Err(CorpusError::protocol(format!(
                "the protocol `{}` has {} folds, and fold {fold} (counted from 0) is asked for",
                self.name,
                self.folds.len()
            )));
        };
        if let HeldOut::Clips(clips) = &self.held_out {
            return Ok(leaky::split(&clips[fold], corpus, seed, validate));
        }
        let validation = (!validate).then_some(&[][..]);
        let split = split_by_speaker(corpus, Some(test), validation, seed)?;
        match &self.held_out {
            HeldOut::Pairs(left_out) => nested::leave_out(split, &left_out[fold], corpus, name),
            _ => Ok(split),
        }
    }
}

fn chosen<T: Clone>(all: &[T], wanted: &[bool]) -> Vec<T> {
    let both = all.iter().zip(wanted);
    both.filter(|(_, wanted)| **wanted)
        .map(|(one, _)| one.clone())
        .collect()
}

#[cfg(test)]
mod tests;
