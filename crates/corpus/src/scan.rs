//! Finding a corpus's recordings in a folder, by the names its card describes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use audio::Channels;
use serde::{Deserialize, Serialize};

use crate::duplicates::OneOfEach;
use crate::file_names::{NameReader, Named};
use crate::speakers::sorted;
use crate::spelling::{Spelling, speaker_key};
use crate::walk::{Found, below, walk_for};
use crate::{CorpusCard, CorpusError, Hint};

/// One labelled recording, or a part of one.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct Clip {
    /// The file: the scanned folder joined with the path below it.
    pub path: PathBuf,
    /// The part of the file that it is; `None` is all of it.
    pub segment: Option<Segment>,
    /// Which channel of it.
    pub channels: Channels,
    /// The audio track, counted from 0; `None` is the one that a player would take.
    pub track: Option<usize>,
    /// Index into [`CorpusCard::label_names`].
    pub label: usize,
    /// The speaker, named as in the card's table where it has one;
    /// [`UNKNOWN_SPEAKER`](crate::UNKNOWN_SPEAKER) where nobody knows.
    pub speaker: String,
    /// Index into [`Corpus::members`].
    pub member: usize,
    /// Every named part of the file name: its meaning where the card gives it,
    /// else its code. The label and the speaker are among them.
    pub parts: BTreeMap<String, String>,
}

/// A stretch of a recording, in seconds from its beginning.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq)]
pub struct Segment {
    /// Where it starts.
    pub start: f64,
    /// Where it ends; `None` is the end of the file.
    pub end: Option<f64>,
}

/// A file that was left out, and why.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[non_exhaustive]
pub struct Skipped {
    /// The file, as in [`Clip::path`].
    pub path: PathBuf,
    /// One line for people.
    pub reason: String,
}

/// The recordings of one corpus, or of several under common labels.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Corpus {
    /// What it is. For several corpora, or for one that no card describes, a
    /// card made up from what is known.
    pub card: CorpusCard,
    /// The folder that was scanned, or one that all members lie in.
    pub root: PathBuf,
    /// The corpora it is made of; one, as a rule.
    pub members: Vec<Member>,
    /// Its recordings in the order of their paths, member by member; never empty.
    pub clips: Vec<Clip>,
    /// The sound files that do not fit and the folders that cannot be read, in
    /// the same order.
    pub skipped: Vec<Skipped>,
    /// What was taken for what where names are written in several ways, a line for
    /// people each.
    pub notes: Vec<String>,
}

/// One of the corpora that a [`Corpus`] is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Member {
    /// Its name, which no other member has.
    pub name: String,
    /// The name of the people who speak. Corpora with the same speakers have the
    /// same entry.
    pub people: String,
    /// How it was read, in the words of [`CorpusSource::corpus`](crate::CorpusSource::corpus):
    /// the name or path of a card, `folders` or `manifest`.
    pub read_as: String,
    /// Why it was read so, in words.
    pub why: String,
    /// Its folder.
    pub root: PathBuf,
}

impl Corpus {
    /// Finds the recordings of the corpus `card` below the folder `root`.
    ///
    /// The folder is walked by the [rules](crate::walk) for all folders. A sound
    /// file whose name does not fit is listed in [`Corpus::skipped`]. A recording
    /// that is there twice under one name counts once: a copy of the tree inside
    /// the tree, or the same recording as WAV and as MP3. Of these the WAV is
    /// taken; of others, the first.
    ///
    /// # Errors
    ///
    /// [`CorpusError::Layout`] where `root` does not exist, is not a folder, or has
    /// no recording of this corpus: the message shows some of the names that did
    /// not fit beside one that would, and says where to get the corpus.
    /// [`CorpusError::Io`] where `root` cannot be read, [`CorpusError::Card`] where
    /// the card's patterns are not regular expressions.
    pub fn scan(root: &Path, card: CorpusCard) -> Result<Corpus, CorpusError> {
        let expected = format!(
            "the recordings of {} were expected there. {}",
            card.name,
            card.where_to_get()
        );
        let found = walk_for(root, Some(&expected))?;
        Self::scan_found(root, card, found)
    }

    /// [`scan`](Self::scan) of a folder that was walked already.
    pub(crate) fn scan_found(
        root: &Path,
        card: CorpusCard,
        mut found: Found,
    ) -> Result<Corpus, CorpusError> {
        let reader = NameReader::with_tables(&card, &found.others)
            .map_err(|what| CorpusError::Card { path: None, what })?;
        let mut skipped = std::mem::take(&mut found.unreadable);
        let mut named: Vec<(PathBuf, Named)> = Vec::new();
        for path in std::mem::take(&mut found.sounds) {
            match reader.read_path(&path) {
                Ok(name) => named.push((path, name)),
                Err(unread) => skipped.push(Skipped {
                    path,
                    reason: unread.reason,
                }),
            }
        }

        let key = |path: &Path, name: &Named| {
            let stem = path.file_stem().unwrap_or_default().to_os_string();
            (stem, name.parts.clone())
        };
        let once = OneOfEach::new(named.iter().map(|(path, name)| (key(path, name), &**path)));
        let doubles: Vec<Option<String>> = (named.iter())
            .map(|(path, name)| once.instead_of(&key(path, name), path, root))
            .collect();
        let mut clips = Vec::new();
        for ((path, name), double) in named.into_iter().zip(doubles) {
            match double {
                Some(reason) => skipped.push(Skipped { path, reason }),
                None => clips.push(Clip {
                    path,
                    segment: None,
                    channels: card.files.channel.map_or(Channels::Mix, Channels::One),
                    track: None,
                    label: name.label,
                    speaker: name.speaker,
                    member: 0,
                    parts: name.parts,
                }),
            }
        }
        skipped.sort_by(|a, b| a.path.cmp(&b.path));
        // A table of speakers has one spelling for each.
        let spelling = Spelling::new(clips.iter().map(|c| c.speaker.as_str()), speaker_key);
        for clip in &mut clips {
            clip.speaker = spelling.of(&clip.speaker).into_owned();
        }
        if clips.is_empty() {
            return Err(nothing_found(root, &card, &skipped, &found));
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
            notes: spelling.notes("speaker"),
        })
    }

    /// The speakers of the clips, in the [order of speakers](crate::speaker_order).
    pub fn speakers(&self) -> Vec<String> {
        sorted(self.clips.iter().map(|c| c.speaker.clone()).collect())
    }
}

/// That no sound file is a recording of the corpus, with examples.
fn nothing_found(
    root: &Path,
    card: &CorpusCard,
    skipped: &[Skipped],
    found: &Found,
) -> CorpusError {
    let mut text = match skipped.len() {
        0 => found.no_sounds(root),
        n => format!(
            "none of its {n} sound files is a recording of {}:",
            card.name
        ),
    };
    for skipped in skipped.iter().take(3) {
        let path = below(root, &skipped.path).display();
        text += &format!("\n  {path}: {}", skipped.reason);
    }
    text += &format!("\nA name that fits is {}", card.files.example);
    if let Some(form) = &card.files.form {
        text += &format!(" ({form})");
    }
    text += &format!(
        ".\n{}. If these are recordings of another corpus, read them by its card",
        card.where_to_get()
    );
    CorpusError::layout(root, text).with_hint(Hint::ReadAs(Vec::new()))
}

#[cfg(test)]
mod tests;
