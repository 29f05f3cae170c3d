//! `--corpus auto`: what a folder holds, told by what is in it.
//!
//! Every way to read the folder is tried on its names, and one must remain:
//!
//! - a built-in card, where files have names that it reads;
//! - a manifest, where there is a file `manifest.csv`;
//! - a folder per label, where all sound files lie in sub-folders that are
//!   called like emotions.
//!
//! Two that fit are an error with both names, not a choice by some order: a
//! folder of RAVDESS's files sorted by hand may be sorted otherwise than its
//! names say. A card must read at least half of the sound files; some stray
//! recordings of a corpus do not make a folder that corpus.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};

use super::folders::{self, Look};
use super::names::NameReader;
use super::scan::no_sounds;
use super::walk::{Found, below};
use super::{CorpusCard, manifest};

/// A way to read a folder.
pub(super) enum Kind {
    /// By a card.
    Card(Box<CorpusCard>),
    /// As a folder per label.
    Folders,
    /// By this manifest.
    Manifest(PathBuf),
}

/// Finds out how to read `root`, and why so.
///
/// # Errors
///
/// No way fits, or more than one.
pub(super) fn detect(root: &Path, found: &Found) -> Result<(Kind, String)> {
    let shown = root.display();
    let sounds = found.sounds.len();
    let mut fitting: Vec<(String, Kind, String)> = Vec::new();
    for name in CorpusCard::builtin_names() {
        let Some(card) = CorpusCard::builtin(name) else {
            continue;
        };
        let read = fits(&card, &found.sounds)?;
        if read > 0 {
            ensure!(
                2 * read >= sounds,
                "{shown}: {read} of its {sounds} sound files are named as those of {name}, which \
                 is too few to take the folder for it; say --corpus {name} to read these alone"
            );
            let why = format!("{read} of {sounds} sound files are named as its card says");
            fitting.push((name.to_owned(), Kind::Card(Box::new(card)), why));
        }
    }
    let list = root.join(manifest::FILE);
    if list.is_file() {
        let why = format!("there is a {}", manifest::FILE);
        fitting.push(("manifest".to_owned(), Kind::Manifest(list), why));
    }
    let look = folders::look(root, found);
    if let Look::Labels(labels) = &look {
        let why = format!("the sub-folders are {}", labels.join(", "));
        fitting.push(("folders".to_owned(), Kind::Folders, why));
    }
    if fitting.len() > 1 {
        let names: Vec<String> = (fitting.iter())
            .map(|(name, _, why)| format!("\n  --corpus {name}: {why}"))
            .collect();
        bail!(
            "{shown}: can be read in {} ways; say which is meant:{}",
            fitting.len(),
            names.concat()
        );
    }
    match fitting.pop() {
        Some((_, kind, why)) => Ok((kind, why)),
        None => bail!(nothing_fits(root, found, &look)),
    }
}

/// How many of the files a card reads.
fn fits(card: &CorpusCard, sounds: &[PathBuf]) -> Result<usize> {
    let reader = NameReader::new(card)?;
    Ok((sounds.iter())
        .filter(|path| reader.read_path(path).is_ok())
        .count())
}

fn nothing_fits(root: &Path, found: &Found, look: &Look) -> String {
    let mut text = format!("{}: ", root.display());
    if found.sounds.is_empty() {
        text += &no_sounds(root, &found.others);
    } else {
        text += &format!(
            "none of its {} sound files is named as in a corpus known here:\n",
            found.sounds.len()
        );
        for path in found.sounds.iter().take(3) {
            text += &format!("  {}\n", below(root, path).display());
        }
    }
    if let Look::Mixed(odd) = look {
        text += &format!(
            "Some sub-folders are called like emotions, but not all ({odd}); if all of them are \
             labels, say --corpus folders.\n"
        );
    }
    text += "Right names are";
    for name in CorpusCard::builtin_names() {
        if let Some(card) = CorpusCard::builtin(name) {
            text += &format!("\n  {name}: {}", card.files.example);
        }
    }
    text += "\nOtherwise sort the recordings into a folder per label (--corpus folders), list \
             them in a manifest.csv, or write a card (datasets/README.md)";
    text
}

#[cfg(test)]
mod tests;
