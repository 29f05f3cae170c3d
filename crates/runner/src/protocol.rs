//! Evaluation protocols as data: which speakers are tested in which fold.
//!
//! In every fold whole speakers are set apart, so that a model is asked about
//! voices it never heard. A protocol is named:
//!
//! | name | folds |
//! |---|---|
//! | `luna5`, `emobox6`, ... | those on the corpus's card, as published |
//! | `loso` | every speaker is a fold (leave one speaker out) |
//! | `loco` | every corpus is a fold, where there are several (leave one corpus out) |
//! | `k5`, `k10`, ... | so many folds of speakers, drawn by seed 1 and balanced by sex |
//! | `nested-luna5`, `nested-k5`, ... | recipes are compared here: for every two folds of the protocol, one left out altogether and the other tested by a model of the rest. What is best over the pairs that leave a fold out was chosen without that fold |
//! | `FILE.toml` | fixed lists from a file, in the form of the cards' `[[protocols]]` |
//! | `leaky-random` | five random folds of *clips*: every voice is in training too. It measures how well a speaker is remembered, and exists to show how much that flatters |
//!
//! Clips of whom nobody knows who speaks are in one fold together; where that
//! is all clips, no protocol that keeps speakers apart is possible.
//!
//! A protocol in which a speaker is in two folds is refused with the names; so
//! is one in which the same recording is in two folds under different names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::corpus::{
    Chosen, Corpus, Fold, Protocol, Split, refuse_unknown_speakers, same_speaker, speaker_order,
    split_by_speaker,
};

/// The folds of a protocol on the speakers that a corpus has.
#[derive(Clone, Debug)]
pub struct Folds {
    /// The protocol's name, as it was asked for.
    pub name: String,
    /// In words.
    pub title: String,
    /// The publication it is from, where there is one.
    pub source: String,
    /// False for `leaky-random` only.
    pub speaker_disjoint: bool,
    /// The folds that can be run.
    pub folds: Vec<Fold>,
    /// Test speakers of whom the corpus has no clip.
    pub absent: Vec<String>,
    /// Folds none of whose test speakers is there.
    pub impossible: Vec<String>,
    pub(crate) clips: Option<Vec<Vec<usize>>>,
    /// For each fold the speakers that are neither trained on nor tested.
    pub(crate) left_out: Vec<Vec<String>>,
}

/// The name of the protocol that leaks.
pub const LEAKY: &str = "leaky-random";
/// What stands before the name of a protocol whose folds are paired.
const NESTED: &str = "nested-";
/// The name of the protocol that leaves one corpus out.
pub const LOCO: &str = "loco";
/// The seed of folds that are drawn: a protocol is the same whatever is trained.
const SEED: u64 = 1;
const LEAKY_FOLDS: usize = 5;

impl Folds {
    /// The folds of the protocol `name` on `corpus`.
    ///
    /// # Errors
    ///
    /// An unknown name, with those there are; a speaker or a recording in two
    /// folds, with their names; a corpus with none of the speakers.
    pub fn new(name: &str, corpus: &Corpus) -> Result<Self> {
        let speakers = corpus.speakers();
        if name == LEAKY {
            return Ok(leaky(corpus));
        }
        refuse_unknown_speakers(corpus, &speakers)
            .context(format!("the protocol `{name}` keeps speakers apart"))?;
        if let Some(inner) = name.strip_prefix(NESTED) {
            return Ok(nested(name, Self::new(inner, corpus)?));
        }
        let protocol = match known(name, corpus, &speakers)? {
            Some(protocol) => protocol,
            None => read(name, corpus)?,
        };
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
        ensure!(
            !folds.is_empty(),
            "{}: none of the test speakers of `{name}` is in the corpus, which has {}",
            corpus.root.display(),
            speakers.join(", ")
        );
        refuse_shared_speakers(name, &folds)?;
        absent.sort_by(|a, b| speaker_order(a, b));
        absent.dedup();
        let folds = Folds {
            name: name.into(),
            title: protocol.title,
            source: protocol.source,
            speaker_disjoint: true,
            folds,
            absent,
            impossible,
            clips: None,
            left_out: Vec::new(),
        };
        refuse_shared_recordings(&folds, corpus)?;
        Ok(folds)
    }

    /// The parts of a fold. The validation speakers, whom the kept epoch is
    /// chosen on, are drawn by `seed` from those that are not tested, or are
    /// none where `validate` is false.
    ///
    /// # Errors
    ///
    /// Where nobody is left to train on.
    pub fn split(&self, fold: usize, corpus: &Corpus, seed: u64, validate: bool) -> Result<Split> {
        let Some(clips) = &self.clips else {
            let validation = (!validate).then_some(&[][..]);
            let test = Some(&self.folds[fold].test[..]);
            let mut split = split_by_speaker(corpus, test, validation, seed)?;
            if let Some(left_out) = self.left_out.get(fold) {
                let kept = |clip: &usize| !left_out.contains(&corpus.clips[*clip].speaker);
                split.train.retain(kept);
                split.validation.retain(kept);
                split.train_speakers.retain(|s| !left_out.contains(s));
                split.validation_speakers.retain(|s| !left_out.contains(s));
            }
            return Ok(split);
        };
        let test = clips[fold].clone();
        let mut train: Vec<usize> = (0..corpus.clips.len())
            .filter(|clip| test.binary_search(clip).is_err())
            .collect();
        let mut validation = Vec::new();
        if validate {
            train.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
            validation = train.split_off(train.len() - train.len() / 6);
            train.sort_unstable();
            validation.sort_unstable();
        }
        let speakers = corpus.speakers();
        Ok(Split {
            train,
            test,
            validation_speakers: if validate {
                speakers.clone()
            } else {
                Vec::new()
            },
            validation,
            train_speakers: speakers.clone(),
            test_speakers: speakers,
            test_chosen: Chosen::Drawn { seed: SEED },
            validation_chosen: Chosen::Drawn { seed },
            absent: Vec::new(),
        })
    }
}

/// A protocol of the card, or one that is drawn.
fn known(name: &str, corpus: &Corpus, speakers: &[String]) -> Result<Option<Protocol>> {
    let drawn = |title: &str, folds: Vec<Fold>| Protocol {
        name: name.into(),
        title: title.into(),
        source: String::new(),
        folds,
    };
    if let Some(protocol) = corpus.card.protocols.iter().find(|p| p.name == name) {
        return Ok(Some(protocol.clone()));
    }
    if name == "loso" {
        let folds = speakers.iter().map(|speaker| Fold {
            // It becomes the name of a folder, where a colon is not welcome everywhere.
            name: speaker.replace(':', "-"),
            test: vec![speaker.clone()],
        });
        return Ok(Some(drawn("Leave one speaker out", folds.collect())));
    }
    if name == LOCO {
        ensure!(
            corpus.members.len() >= 2,
            "`{LOCO}` leaves one corpus out, and there is only {}: name several folders",
            corpus.card.name
        );
        let folds = (corpus.members.iter().enumerate()).map(|(index, member)| {
            let of_member = corpus.clips.iter().filter(|clip| clip.member == index);
            let mut test: Vec<String> = of_member.map(|clip| clip.speaker.clone()).collect();
            test.sort_by(|a, b| speaker_order(a, b));
            test.dedup();
            Fold {
                name: member.name.clone(),
                test,
            }
        });
        return Ok(Some(drawn("Leave one corpus out", folds.collect())));
    }
    let Some(k) = name.strip_prefix('k').and_then(|k| k.parse::<usize>().ok()) else {
        return Ok(None);
    };
    ensure!(
        (2..=speakers.len()).contains(&k),
        "`{name}`: {k} folds cannot be made of {} speakers; from 2 to {} can",
        speakers.len(),
        speakers.len()
    );
    // By sex first, then dealt out in turn: every fold has its share of each.
    let mut order = speakers.to_vec();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(SEED));
    order.sort_by_key(|speaker| corpus.card.sex(speaker));
    let folds = (0..k).map(|fold| {
        let mut test: Vec<String> = order.iter().skip(fold).step_by(k).cloned().collect();
        test.sort_by(|a, b| speaker_order(a, b));
        Fold {
            name: (fold + 1).to_string(),
            test,
        }
    });
    let title = format!("{k} folds of speakers, drawn by seed {SEED}");
    Ok(Some(drawn(&title, folds.collect())))
}

/// A protocol from a file.
fn read(name: &str, corpus: &Corpus) -> Result<Protocol> {
    let path = Path::new(name);
    if !path.exists() {
        let card = corpus.card.protocols.iter().map(|p| p.name.as_str());
        let names: Vec<&str> = card.chain(["loso", LOCO, "k5", LEAKY]).collect();
        bail!(
            "there is no protocol `{name}` for {}: known are {}, and a file of fixed lists",
            corpus.card.name,
            names.join(", ")
        );
    }
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    toml::from_str(&text).with_context(|| {
        format!(
            "{name}: not a protocol; it has name, title, source and [[folds]] with name and test"
        )
    })
}

fn refuse_shared_speakers(name: &str, folds: &[Fold]) -> Result<()> {
    let mut fold_of = BTreeMap::new();
    let mut shared = Vec::new();
    for fold in folds {
        for speaker in &fold.test {
            if let Some(other) = fold_of.insert(speaker, &fold.name) {
                shared.push(format!("{speaker} (in {other} and {})", fold.name));
            }
        }
    }
    ensure!(
        shared.is_empty(),
        "the protocol `{name}` tests speakers twice, so its folds are not apart: {}",
        shared.join(", ")
    );
    Ok(())
}

/// The same bytes under two names in two folds would be trained on and tested.
fn refuse_shared_recordings(folds: &Folds, corpus: &Corpus) -> Result<()> {
    let fold_of: BTreeMap<&str, usize> = (folds.folds.iter().enumerate())
        .flat_map(|(index, fold)| fold.test.iter().map(move |s| (s.as_str(), index)))
        .collect();
    let place = |clip: usize| fold_of.get(corpus.clips[clip].speaker.as_str());
    let shared: Vec<String> = same_recordings(corpus)?
        .into_iter()
        .filter(|same| same.iter().any(|clip| place(*clip) != place(same[0])))
        .map(|same| {
            let names = same
                .iter()
                .map(|&clip| corpus.clips[clip].path.display().to_string());
            names.collect::<Vec<_>>().join(" = ")
        })
        .collect();
    ensure!(
        shared.is_empty(),
        "the same recording is in two folds under different names, so a test would know it: {}; \
         remove all but one",
        shared.join("; ")
    );
    Ok(())
}

/// Clips whose files are the same byte for byte, in groups of two and more.
/// Files of one length are compared only if their hashes agree.
fn same_recordings(corpus: &Corpus) -> Result<Vec<Vec<usize>>> {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut by_length: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    // Clips that are parts of one file are not the same recording.
    let mut files = BTreeSet::new();
    for (index, clip) in corpus.clips.iter().enumerate() {
        if !files.insert(&clip.path) {
            continue;
        }
        // A file that cannot be read is reported where its features are wanted.
        if let Ok(file) = clip.path.metadata() {
            by_length.entry(file.len()).or_default().push(index);
        }
    }
    let mut groups = Vec::new();
    for clips in by_length.into_values().filter(|clips| clips.len() > 1) {
        let mut by_content: BTreeMap<u64, Vec<(usize, Vec<u8>)>> = BTreeMap::new();
        for clip in clips {
            let Ok(bytes) = std::fs::read(&corpus.clips[clip].path) else {
                continue;
            };
            let mut hasher = DefaultHasher::new();
            bytes.hash(&mut hasher);
            let alike = by_content.entry(hasher.finish()).or_default();
            // The bytes are kept once for each content.
            match alike.first().is_some_and(|(_, first)| *first == bytes) {
                true => alike.push((clip, Vec::new())),
                false if alike.is_empty() => alike.push((clip, bytes)),
                false => {}
            }
        }
        let same = by_content.into_values().filter(|same| same.len() > 1);
        groups.extend(same.map(|same| same.into_iter().map(|(clip, _)| clip).collect()));
    }
    Ok(groups)
}

/// Every ordered pair of a protocol's folds: the first left out, the second tested.
fn nested(name: &str, inner: Folds) -> Folds {
    let mut folds = Vec::new();
    let mut left_out = Vec::new();
    for outer in &inner.folds {
        for fold in inner.folds.iter().filter(|fold| fold.name != outer.name) {
            folds.push(Fold {
                name: format!("{}-without-{}", fold.name, outer.name),
                ..fold.clone()
            });
            left_out.push(outer.test.clone());
        }
    }
    Folds {
        name: name.into(),
        title: format!("Nested folds of: {}", inner.title),
        folds,
        left_out,
        ..inner
    }
}

fn leaky(corpus: &Corpus) -> Folds {
    let mut order: Vec<usize> = (0..corpus.clips.len()).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(SEED));
    let clips = (0..LEAKY_FOLDS).map(|fold| {
        let mut test: Vec<usize> = order
            .iter()
            .skip(fold)
            .step_by(LEAKY_FOLDS)
            .copied()
            .collect();
        test.sort_unstable();
        test
    });
    Folds {
        name: LEAKY.into(),
        title: "LEAKY: random clips are tested, and every speaker is in training too".into(),
        source: String::new(),
        speaker_disjoint: false,
        folds: (1..=LEAKY_FOLDS)
            .map(|fold| Fold {
                name: fold.to_string(),
                test: corpus.speakers(),
            })
            .collect(),
        absent: Vec::new(),
        impossible: Vec::new(),
        clips: Some(clips.collect()),
        left_out: Vec::new(),
    }
}
