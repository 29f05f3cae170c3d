//! One file for each command of the `runner`.

pub mod bench;
pub mod classify;
pub mod cross_validate;
pub mod devices;
pub mod evaluate;
pub mod export;
pub mod features;
pub mod info;
pub mod plot;
pub mod synth;
pub mod train;

use std::path::Path;

use anyhow::{Result, bail};

use crate::corpus::{Corpus, CorpusCard};

/// How many of a long list of files are named.
const NAMED: usize = 10;

/// Finds the corpus's recordings and says what was passed over.
fn scan(dir: &Path, card: &str) -> Result<Corpus> {
    let corpus = Corpus::scan(dir, CorpusCard::named(card)?)?;
    eprintln!(
        "{}: {} recordings of {} speakers in {}",
        corpus.card.title,
        corpus.clips.len(),
        corpus.speakers().len(),
        dir.display()
    );
    let skipped = corpus
        .skipped
        .iter()
        .map(|skipped| format!("{}: {}", skipped.path.display(), skipped.reason));
    list("skipped", skipped.collect());
    Ok(corpus)
}

/// Says on standard error what happened to some files.
fn list(what: &str, lines: Vec<String>) {
    for line in lines.iter().take(NAMED) {
        eprintln!("{what}: {line}");
    }
    if lines.len() > NAMED {
        eprintln!("{what}: and {} more", lines.len() - NAMED);
    }
}

/// Refuses to go on where nothing is left.
fn ensure_some(count: usize, what: &str) -> Result<()> {
    if count == 0 {
        bail!("{what}");
    }
    Ok(())
}
