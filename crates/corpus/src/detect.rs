//! Finding out how to read a folder from what it holds.
//!
//! Every way to read the folder is tried on the names in it, and exactly one must
//! fit:
//!
//! - a built-in card fits where files have names that it reads;
//! - a manifest fits where there is a file `manifest.csv`;
//! - a folder per label fits where all sound files are in sub-folders named after
//!   emotions.
//!
//! Two that fit are an error that names both. No order decides: a folder of
//! RAVDESS files that somebody sorted by hand may be sorted otherwise than the
//! file names say. A card fits only if at least half of the sound files are named
//! as those of its corpus; a few stray recordings do not make a folder that corpus.

use std::path::{Path, PathBuf};

use crate::file_names::NameReader;
use crate::folders::{self, Look};
use crate::walk::{Found, below};
use crate::{CorpusCard, CorpusError, Hint, manifest};

/// A way to read a folder.
pub(crate) enum Kind {
    /// By a card.
    Card(Box<CorpusCard>),
    /// As a folder per label.
    Folders,
    /// By this manifest.
    Manifest(PathBuf),
}

/// A way to read a folder that fits it: the name of the way, and why it fits.
struct Fitting {
    name: String,
    kind: Kind,
    why: String,
}

/// Finds out how to read `root`, and why so.
///
/// # Errors
///
/// [`CorpusError::Layout`] where no way fits, or more than one.
pub(crate) fn detect(root: &Path, found: &Found) -> Result<(Kind, String), CorpusError> {
    let mut fitting = fitting_cards(root, found)?;
    let list = root.join(manifest::FILE);
    if list.is_file() {
        fitting.push(Fitting {
            name: "manifest".to_owned(),
            kind: Kind::Manifest(list),
            why: format!("there is a {}", manifest::FILE),
        });
    }
    let look = folders::look(root, found);
    if let Look::Labels(labels) = &look {
        fitting.push(Fitting {
            name: "folders".to_owned(),
            kind: Kind::Folders,
            why: format!("the sub-folders are {}", labels.join(", ")),
        });
    }
    if fitting.len() > 1 {
        let cards = fitting
            .iter()
            .filter(|way| matches!(way.kind, Kind::Card(_)))
            .count();
        let mut text = format!("can be read in {} ways; say which is meant:", fitting.len());
        for way in &fitting {
            text += &format!("\n  {}: {}", way.name, way.why);
        }
        let names: Vec<String> = fitting.into_iter().map(|way| way.name).collect();
        if cards == names.len() {
            text += &format!(
                "\nFor all of them, name the folder once for each and read it as {}.",
                names.join("+")
            );
        }
        return Err(CorpusError::layout(root, text).with_hint(Hint::ReadAs(names)));
    }
    match fitting.pop() {
        Some(way) => Ok((way.kind, way.why)),
        None => Err(nothing_fits(root, found, &look)),
    }
}

/// The built-in cards that read files of the folder.
fn fitting_cards(root: &Path, found: &Found) -> Result<Vec<Fitting>, CorpusError> {
    let mut fitting = Vec::new();
    let all = found.sounds.len();
    let cards = CorpusCard::builtin_names();
    for card in cards.into_iter().filter_map(CorpusCard::builtin) {
        let (read, left_out) =
            count(&card, found).map_err(|what| CorpusError::Card { path: None, what })?;
        if read == 0 {
            continue;
        }
        let name = card.name.clone();
        if 2 * (read + left_out) < all {
            let what = format!(
                "{read} of its {all} sound files are named as those of {name}, which are too few \
                 to read the folder as that corpus; name the card to read these alone"
            );
            return Err(CorpusError::layout(root, what).with_hint(Hint::ReadAs(vec![name])));
        }
        fitting.push(Fitting {
            name,
            kind: Kind::Card(Box::new(card)),
            why: format!("{read} of {all} sound files are named as its card says"),
        });
    }
    Ok(fitting)
}

/// How many of the files a card reads, and how many others belong to its corpus
/// but not to the card: a folder of RAVDESS may hold its videos, too.
fn count(card: &CorpusCard, found: &Found) -> Result<(usize, usize), String> {
    let reader = NameReader::with_tables(card, &found.others)?;
    let (mut read, mut left_out) = (0, 0);
    for path in &found.sounds {
        match reader.read_path(path) {
            Ok(_) => read += 1,
            Err(unread) => left_out += usize::from(unread.left_out),
        }
    }
    Ok((read, left_out))
}

fn nothing_fits(root: &Path, found: &Found, look: &Look) -> CorpusError {
    let mut text = match found.sounds.len() {
        0 => found.no_sounds(root),
        n => format!("none of its {n} sound files is named as in a known corpus:"),
    };
    for path in found.sounds.iter().take(3) {
        text += &format!("\n  {}", below(root, path).display());
    }
    if let Look::Mixed(odd) = look {
        text += &format!(
            "\nSome sub-folders are named after emotions, but not all ({odd}). If all of them are \
             labels, read the folder as `folders`."
        );
    }
    if let Some(pattern) = folders::labels_below(root, found) {
        text += &format!(
            "\nThe labels seem to be the names of the folders one level below. If so, read the \
             folder as `folders` with the speaker pattern '{pattern}'."
        );
    }
    text += "\nNames that fit are";
    let cards = CorpusCard::builtin_names();
    for card in cards.into_iter().filter_map(CorpusCard::builtin) {
        text += &format!("\n  {}: {}", card.name, card.files.example);
    }
    text += "\nOtherwise sort the recordings into a folder per label and read it as `folders`, list \
             them in a manifest.csv, or write a card (datasets/README.md)";
    CorpusError::layout(root, text).with_hint(Hint::ReadAs(vec!["folders".to_owned()]))
}

#[cfg(test)]
mod tests;
