//! One file for each command of the `runner`.

pub mod bench;
pub mod classify;
pub mod corpus;
pub mod cross_validate;
pub mod devices;
pub mod ensemble;
pub mod evaluate;
pub mod export;
pub mod features;
pub mod info;
pub mod plot;
pub mod synth;
pub mod train;

use std::path::PathBuf;

use anyhow::{Result, bail, ensure};

use crate::cli::CorpusOptions;
use crate::corpus::{Corpus, LabelMap, Member, Sources};

/// How many of a long list of files are named.
const NAMED: usize = 10;
/// How many speakers of a table are shown.
const SHOWN_SPEAKERS: usize = 12;

/// What the paths and options of a command line name; `corpus` is how to read
/// them where no option says so.
fn sources(paths: &[PathBuf], corpus: &str, options: &CorpusOptions) -> Result<Sources> {
    let mut sources = Sources::new(paths, options.corpus.as_deref().unwrap_or(corpus))?;
    let list = (paths.first()).filter(|path| path.extension().is_some_and(|e| e == "toml"));
    if let (Some(list), true) = (list, options.corpus.is_some()) {
        bail!(
            "{}: the list of corpora says how each is read; --corpus does not go with it",
            list.display()
        );
    }
    if let Some(rule) = options.label_set {
        sources.label_set = Some(rule);
    }
    if let Some(file) = &options.labels {
        ensure!(
            sources.labels.is_empty(),
            "{}: the list of corpora has a label map of its own; add this one to it",
            file.display()
        );
        sources.labels = LabelMap::load(file)?;
    }
    if let Some(pattern) = &options.speaker_pattern {
        for source in &mut sources.corpora {
            source.speaker_pattern = Some(pattern.clone());
        }
    }
    Ok(sources)
}

/// Reads the recordings and says what was found.
fn scan(sources: &Sources) -> Result<Corpus> {
    let corpus = sources.open()?;
    describe(&corpus);
    Ok(corpus)
}

/// Says what the recordings are, how they were read, how many there are of
/// whom, and what was passed over.
fn describe(corpus: &Corpus) {
    eprintln!(
        "{}: {} recordings of {} speakers in {}",
        corpus.card.title,
        corpus.clips.len(),
        corpus.speakers().len(),
        corpus.root.display()
    );
    for member in &corpus.members {
        eprintln!("{}", how_read(member));
    }
    eprint!("{}", corpus.counts().short(SHOWN_SPEAKERS));
    let skipped = corpus
        .skipped
        .iter()
        .map(|skipped| format!("{}: {}", skipped.path.display(), skipped.reason));
    list("skipped", skipped.collect());
}

/// How a folder's recordings were read, and why so.
fn how_read(member: &Member) -> String {
    let root = member.root.display();
    format!("{root}: read as {} ({})", member.read_as, member.why)
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
