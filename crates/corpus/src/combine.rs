//! Several corpora as one, over common labels.
//!
//! - Every speaker gets the corpus in front, `ravdess:1`, since number 1 of another
//!   corpus is somebody else. Corpora of the same people (RAVDESS speech and song)
//!   share the name in front: a speaker of both is one person, and is trained on
//!   or tested in both.
//! - Labels are compared by name, after every label map. Where the corpora have
//!   different labels, a [`LabelSet`] must be chosen, since the choice changes what
//!   a figure means.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::card::DefaultSplit;
use crate::labels::relabel;
use crate::spelling::{Spelling, key};
use crate::walk::below;
use crate::{Corpus, CorpusCard, CorpusError, Hint, Member};

/// Which labels several corpora are used with, where they differ.
///
/// ```
/// use corpus::LabelSet;
///
/// assert_eq!("common".parse::<LabelSet>()?, LabelSet::Common);
/// assert_eq!(LabelSet::All.to_string(), "all");
/// # Ok::<(), corpus::CorpusError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LabelSet {
    /// Those that every corpus has. Clips with other labels are left out.
    Common,
    /// Those that any corpus has. Where a label has clips of one corpus only, a
    /// model may tell the corpora apart instead of the emotions.
    All,
}

impl FromStr for LabelSet {
    type Err = CorpusError;

    /// # Errors
    ///
    /// [`CorpusError::Labels`] where `name` is neither `common` nor `all`.
    fn from_str(name: &str) -> Result<Self, CorpusError> {
        match name {
            "common" => Ok(LabelSet::Common),
            "all" => Ok(LabelSet::All),
            other => Err(CorpusError::labels(format!(
                "{other:?} is not a label set; write common or all"
            ))),
        }
    }
}

impl fmt::Display for LabelSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LabelSet::Common => "common",
            LabelSet::All => "all",
        })
    }
}

/// Combines corpora, each of which has one member, over common labels.
///
/// # Errors
///
/// [`CorpusError::Labels`] for labels that differ where no set was chosen, or where
/// fewer than two are left; [`CorpusError::Sources`] for two corpora with the same
/// name; [`CorpusError::Io`] for a folder that no longer exists.
pub(crate) fn combine(
    mut corpora: Vec<Corpus>,
    set: Option<LabelSet>,
) -> Result<Corpus, CorpusError> {
    let notes = one_spelling(&mut corpora);
    let labels = common_labels(&corpora, set)?;
    let mut whole = Corpus {
        card: joined_card(&corpora, &labels),
        root: PathBuf::new(),
        members: Vec::new(),
        clips: Vec::new(),
        skipped: Vec::new(),
        notes,
    };
    let mut splits = Vec::new();
    for mut corpus in corpora {
        let same: Vec<Option<String>> = corpus.card.label_names().into_iter().map(Some).collect();
        relabel(&mut corpus, &same, &labels)?;
        splits.push(add(&mut whole, corpus)?);
    }
    whole.card.split = joined_split(splits);
    whole.root = common_root(&whole.members);
    Ok(whole)
}

/// Gives labels that differ in their spelling alone one spelling in all corpora, and
/// says which.
fn one_spelling(corpora: &mut [Corpus]) -> Vec<String> {
    let names: Vec<String> = corpora.iter().flat_map(|c| c.card.label_names()).collect();
    let spelling = Spelling::new(names.iter().map(String::as_str), key);
    for label in corpora
        .iter_mut()
        .flat_map(|corpus| &mut corpus.card.labels)
    {
        label.name = spelling.of(&label.name).into_owned();
    }
    spelling.notes("label")
}

/// Adds the clips, the speakers and the member of a corpus. Returns its default
/// split under the new names of the speakers.
fn add(whole: &mut Corpus, mut corpus: Corpus) -> Result<Option<DefaultSplit>, CorpusError> {
    // Whatever reads a folder makes one member.
    let Some(mut member) = corpus.members.pop() else {
        return Ok(None);
    };
    if let Some(twin) = whole.members.iter().find(|other| other.name == member.name) {
        return Err(CorpusError::sources(format!(
            "{} and {} are both called {}; list the corpora in a TOML file, each with a `name` \
             (datasets/README.md shows one)",
            twin.root.display(),
            member.root.display(),
            member.name
        )));
    }
    // Full paths, so that all of them can be seen from one folder.
    member.root = (member.root.canonicalize()).map_err(CorpusError::io(
        &member.root,
        "cannot find the folder again",
    ))?;
    let in_front = |speaker: &String| format!("{}:{speaker}", member.people);
    for (speaker, about) in &corpus.card.speakers {
        (whole.card.speakers).insert(in_front(speaker), about.clone());
    }
    for mut clip in corpus.clips {
        clip.path = member.root.join(below(&corpus.root, &clip.path));
        clip.speaker = in_front(&clip.speaker);
        clip.member = whole.members.len();
        whole.clips.push(clip);
    }
    whole.skipped.extend(corpus.skipped);
    whole.notes.extend(corpus.notes);
    let split = corpus.card.split.as_ref().map(|split| DefaultSplit {
        test: split.test.iter().map(in_front).collect(),
        validation: split.validation.iter().map(in_front).collect(),
    });
    whole.members.push(member);
    Ok(split)
}

/// The labels in the order of the first corpus that has each.
fn common_labels(corpora: &[Corpus], set: Option<LabelSet>) -> Result<Vec<String>, CorpusError> {
    let of_each: Vec<Vec<String>> = corpora.iter().map(|c| c.card.label_names()).collect();
    let mut all: Vec<String> = Vec::new();
    for label in of_each.iter().flatten() {
        if !all.contains(label) {
            all.push(label.clone());
        }
    }
    let common: Vec<String> = (all.iter())
        .filter(|label| of_each.iter().all(|labels| labels.contains(label)))
        .cloned()
        .collect();
    let table = || -> String {
        let rows = corpora.iter().zip(&of_each);
        rows.map(|(corpus, labels)| format!("\n  {}: {}", corpus.card.name, labels.join(", ")))
            .collect()
    };
    match set {
        _ if common.len() == all.len() => Ok(all),
        Some(LabelSet::All) => Ok(all),
        Some(LabelSet::Common) if common.len() >= 2 => Ok(common),
        Some(LabelSet::Common) => Err(CorpusError::labels(format!(
            "fewer than two labels are in every corpus:{}\nA label map can give them the same names",
            table()
        ))
        .with_hint(Hint::LabelMap)),
        None => Err(CorpusError::labels(format!(
            "the corpora have different labels:{}\nGive the same names to the same emotions with a \
             label map, then choose a label set: common (those that all corpora have, now {}) or all",
            table(),
            match common.as_slice() {
                [] => "none".to_owned(),
                common => common.join(", "),
            }
        ))
        .with_hint(Hint::LabelSet)),
    }
}

/// A card that stands for all of them.
fn joined_card(corpora: &[Corpus], labels: &[String]) -> CorpusCard {
    let each = |text: fn(&CorpusCard) -> &str, between: &str| -> String {
        let texts: Vec<&str> = corpora.iter().map(|c| text(&c.card)).collect();
        texts.join(between)
    };
    let licences: Vec<String> = (corpora.iter())
        .map(|c| format!("{}: {}", c.card.name, c.card.licence))
        .collect();
    CorpusCard {
        licence: licences.join(" "),
        citation: each(|card| &card.citation, " "),
        ..CorpusCard::unwritten(
            each(|card| &card.name, "+"),
            each(|card| &card.title, "; "),
            labels.to_vec(),
        )
    }
}

/// The default splits together, where every corpus has one.
fn joined_split(splits: Vec<Option<DefaultSplit>>) -> Option<DefaultSplit> {
    let splits: Vec<DefaultSplit> = splits.into_iter().collect::<Option<_>>()?;
    // In the order of their bytes.
    let together = |of: fn(&DefaultSplit) -> &[String]| -> Vec<String> {
        let speakers: BTreeSet<&String> = splits.iter().flat_map(of).collect();
        speakers.into_iter().cloned().collect()
    };
    Some(DefaultSplit {
        test: together(|split| &split.test),
        validation: together(|split| &split.validation),
    })
}

/// The lowest folder that all are in.
fn common_root(members: &[Member]) -> PathBuf {
    let Some(first) = members.first() else {
        return PathBuf::new();
    };
    (first.root.ancestors())
        .find(|folder| members.iter().all(|member| member.root.starts_with(folder)))
        .unwrap_or(Path::new(""))
        .to_path_buf()
}

#[cfg(test)]
mod tests;
