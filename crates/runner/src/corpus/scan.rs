//! Finding a corpus's recordings in a folder, by the names its card describes.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

use super::names::NameReader;
use super::walk::{Found, below, walk};
use super::{CorpusCard, speaker_order};

/// One labelled recording, or a part of one.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct Clip {
    /// The file: the scanned folder joined with the way to it.
    pub path: PathBuf,
    /// The part of the file that it is; `None` is all of it.
    pub segment: Option<Segment>,
    /// The channel to take, counted from 0; `None` is the mean of all.
    pub channel: Option<usize>,
    /// Index into [`CorpusCard::label_names`].
    pub label: usize,
    /// The speaker, named as in the card's table where it has one;
    /// [`UNKNOWN_SPEAKER`](super::UNKNOWN_SPEAKER) where nobody knows.
    pub speaker: String,
    /// Index into [`Corpus::members`].
    pub member: usize,
    /// Every named part of the name: its meaning where the card tells it, else
    /// the code as it stands. Label and speaker are among them.
    pub parts: BTreeMap<String, String>,
}

/// From when to when, in seconds of the file.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq)]
pub struct Segment {
    /// Where it starts.
    pub start: f64,
    /// Where it ends; `None` is the end of the file.
    pub end: Option<f64>,
}

/// A sound file that does not belong to the corpus, and why.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Skipped {
    /// The file, as in [`Clip::path`].
    pub path: PathBuf,
    /// One line for people.
    pub reason: String,
}

/// The recordings of one corpus, or of several under common labels.
#[derive(Clone, Debug)]
pub struct Corpus {
    /// What it is. Of several corpora, or of one that no card describes, a
    /// card that the program made.
    pub card: CorpusCard,
    /// The folder that was scanned, or one that all members lie in.
    pub root: PathBuf,
    /// The corpora it is made of; one, as a rule.
    pub members: Vec<Member>,
    /// Its recordings in the order of their paths, member by member; never empty.
    pub clips: Vec<Clip>,
    /// The sound files that do not fit, in the same order.
    pub skipped: Vec<Skipped>,
}

/// One of the corpora that a [`Corpus`] is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name, which no other member has.
    pub name: String,
    /// Whose numbers or names its speakers have: corpora of the same actors
    /// have the same entry.
    pub people: String,
    /// How it was read, as `--corpus` takes it: the name or path of a card,
    /// `folders` or `manifest`.
    pub read_as: String,
    /// Why it was read so.
    pub why: String,
    /// Its folder.
    pub root: PathBuf,
}

impl Corpus {
    /// Finds the recordings of the corpus `card` below the folder `root`.
    ///
    /// Sub-folders are walked in the order of their names, links are followed;
    /// `.wav` and `.flac` files in any case are read by name; hidden files and
    /// folders and the `._` files of macOS are passed over. A sound file that
    /// does not fit is listed in [`Corpus::skipped`]. A recording that is there
    /// twice under one name (a copy of the tree inside the tree) counts once.
    ///
    /// # Errors
    /// `root` is missing, not a folder, unreadable, or holds no recording of
    /// this corpus: the message names it, shows some of the names that did not
    /// fit beside one that would, and says where to get the corpus.
    pub fn scan(root: &Path, card: CorpusCard) -> Result<Corpus> {
        let hint = format!(
            "the recordings of {} were expected there. {}",
            card.name,
            card.where_to_get()
        );
        let found = walk(root, &hint)?;
        Self::scan_found(root, card, found)
    }

    /// [`scan`](Self::scan) of a folder that was walked already.
    pub(super) fn scan_found(root: &Path, card: CorpusCard, found: Found) -> Result<Corpus> {
        let reader = NameReader::new(&card)?;
        let mut clips: Vec<Clip> = Vec::new();
        let mut skipped = found.unreadable;
        let mut first_of: HashMap<(String, BTreeMap<String, String>), PathBuf> = HashMap::new();
        for path in found.sounds {
            let named = match reader.read_path(&path) {
                Ok(named) => named,
                Err(reason) => {
                    skipped.push(Skipped { path, reason });
                    continue;
                }
            };
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            let key = (stem.into_owned(), named.parts.clone());
            if let Some(first) = first_of.get(&key) {
                let first = below(root, first).display();
                skipped.push(Skipped {
                    reason: format!("the same recording, by its name, as {first}"),
                    path,
                });
                continue;
            }
            first_of.insert(key, path.clone());
            clips.push(Clip {
                path,
                segment: None,
                channel: card.files.channel,
                label: named.label,
                speaker: named.speaker,
                member: 0,
                parts: named.parts,
            });
        }
        skipped.sort_by(|a, b| a.path.cmp(&b.path));
        if clips.is_empty() {
            bail!(nothing_found(root, &card, &skipped, &found.others));
        }
        let member = Member {
            name: card.name.clone(),
            people: card.people().to_owned(),
            read_as: card.name.clone(),
            why: "as asked for".to_owned(),
            root: root.to_path_buf(),
        };
        Ok(Corpus {
            card,
            root: root.to_path_buf(),
            members: vec![member],
            clips,
            skipped,
        })
    }

    /// The speakers there are clips of, numbers by value.
    pub fn speakers(&self) -> Vec<String> {
        let mut speakers: Vec<String> = self.clips.iter().map(|c| c.speaker.clone()).collect();
        speakers.sort_by(|a, b| speaker_order(a, b));
        speakers.dedup();
        speakers
    }
}

fn nothing_found(
    root: &Path,
    card: &CorpusCard,
    skipped: &[Skipped],
    others: &[PathBuf],
) -> String {
    let short = |path: &Path| below(root, path).display().to_string();
    let mut text = format!("{}: ", root.display());
    if !skipped.is_empty() {
        text += &format!(
            "none of its {} sound files is a recording of {}:\n",
            skipped.len(),
            card.name
        );
        for skipped in skipped.iter().take(3) {
            text += &format!("  {}: {}\n", short(&skipped.path), skipped.reason);
        }
    } else {
        text += &no_sounds(root, others);
    }
    text += &format!("A right name is {}", card.files.example);
    if let Some(form) = &card.files.form {
        text += &format!(" ({form})");
    }
    text += &format!(
        ".\n{}; if these are recordings of another corpus, name its card with --corpus",
        card.where_to_get()
    );
    text
}

/// That there is no sound file, and what there is.
pub(super) fn no_sounds(root: &Path, others: &[PathBuf]) -> String {
    if others.is_empty() {
        return "there is no file in it\n".to_owned();
    }
    let mut text = "there is no .wav or .flac file in it, but other files:\n".to_owned();
    for path in others.iter().take(3) {
        text += &format!("  {}\n", below(root, path).display());
    }
    text
}

#[cfg(test)]
mod tests;
