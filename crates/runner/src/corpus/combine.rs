//! Several corpora as one, over common labels.
//!
//! - Every speaker gets the corpus in front, `ravdess:1`, since number 1 of
//!   another corpus is somebody else. Corpora of the same people (RAVDESS
//!   speech and song) share the name in front, so that a speaker of both is
//!   one, and is trained on or tested in both.
//! - Labels are compared by name, after every label map. Where the corpora have
//!   the same ones, nothing needs saying; where not, a [`LabelSet`] must be
//!   chosen, since both choices change what a figure means.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use super::card::{DefaultSplit, Speaker};
use super::labels::relabel;
use super::walk::below;
use super::{Corpus, CorpusCard};

/// Which labels several corpora have in common use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LabelSet {
    /// Those that every corpus has; clips of others are left out
    Common,
    /// Those that any corpus has; a label may have clips of one corpus alone,
    /// which lets a model tell the corpora apart instead of the emotions
    All,
}

impl fmt::Display for LabelSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LabelSet::Common => "common",
            LabelSet::All => "all",
        })
    }
}

/// Puts corpora together.
///
/// # Errors
///
/// Two of the same name; labels that differ where no rule was given, or that
/// leave fewer than two; folders that cannot be found again.
pub(super) fn combine(corpora: Vec<Corpus>, rule: Option<LabelSet>) -> Result<Corpus> {
    let labels = common_labels(&corpora, rule)?;
    let mut card = joined_card(&corpora, &labels);
    let mut roots = Vec::new();
    let mut members: Vec<super::Member> = Vec::new();
    let (mut clips, mut skipped) = (Vec::new(), Vec::new());
    let mut splits = Vec::new();
    for mut corpus in corpora {
        let same: Vec<Option<String>> = corpus.card.label_names().into_iter().map(Some).collect();
        relabel(&mut corpus, &same, &labels)?;
        let Some(mut member) = corpus.members.pop() else {
            bail!("{}: a corpus without members", corpus.root.display());
        };
        if let Some(twin) = members.iter().find(|other| other.name == member.name) {
            bail!(
                "{} and {} are both called {}; list the corpora in a TOML file, each with a `name` \
                 (datasets/README.md shows one)",
                twin.root.display(),
                member.root.display(),
                member.name
            );
        }
        let in_front = |speaker: &str| format!("{}:{speaker}", member.people);
        for (speaker, about) in &corpus.card.speakers {
            let about: Speaker = about.clone();
            card.speakers.insert(in_front(speaker), about);
        }
        splits.push(corpus.card.split.as_ref().map(|split| DefaultSplit {
            test: split.test.iter().map(|s| in_front(s)).collect(),
            validation: split.validation.iter().map(|s| in_front(s)).collect(),
        }));
        // Full paths, so that all of them can be seen from one folder.
        let full = (member.root.canonicalize())
            .with_context(|| format!("{}: cannot be found again", member.root.display()))?;
        for mut clip in corpus.clips {
            clip.path = full.join(below(&member.root, &clip.path));
            clip.speaker = in_front(&clip.speaker);
            clip.member = members.len();
            clips.push(clip);
        }
        skipped.extend(corpus.skipped);
        member.root.clone_from(&full);
        roots.push(full);
        members.push(member);
    }
    card.split = joined_split(splits);
    Ok(Corpus {
        card,
        root: common_root(&roots),
        members,
        clips,
        skipped,
    })
}

/// The labels in the order of the first corpus that has each.
fn common_labels(corpora: &[Corpus], rule: Option<LabelSet>) -> Result<Vec<String>> {
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
    match rule {
        _ if common.len() == all.len() => Ok(all),
        None => bail!(
            "the corpora have different labels:{}\nBring the names together with a label map \
             (--labels MAP.toml), then say which to use: --label-set common (those that all have, \
             at present {}) or --label-set all",
            table(),
            match common.as_slice() {
                [] => "none".to_owned(),
                common => common.join(", "),
            }
        ),
        Some(LabelSet::All) => Ok(all),
        Some(LabelSet::Common) => {
            ensure!(
                common.len() >= 2,
                "fewer than two labels are in every corpus:{}\nA label map (--labels MAP.toml) \
                 brings their names together",
                table()
            );
            Ok(common)
        }
    }
}

/// A card that speaks for all of them.
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
    let unique = |speakers: Vec<String>| -> Vec<String> {
        let each: BTreeMap<String, ()> = speakers.into_iter().map(|s| (s, ())).collect();
        each.into_keys().collect()
    };
    Some(DefaultSplit {
        test: unique(splits.iter().flat_map(|s| s.test.clone()).collect()),
        validation: unique(splits.iter().flat_map(|s| s.validation.clone()).collect()),
    })
}

/// The lowest folder that all lie in.
fn common_root(roots: &[PathBuf]) -> PathBuf {
    let Some(first) = roots.first() else {
        return PathBuf::new();
    };
    (first.ancestors())
        .find(|folder| roots.iter().all(|root| root.starts_with(folder)))
        .unwrap_or(Path::new(""))
        .to_path_buf()
}

#[cfg(test)]
mod tests;
