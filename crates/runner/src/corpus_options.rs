//! The options that say how recordings are read, and what was found.

use std::path::PathBuf;

use anyhow::{Result, bail, ensure};
use clap::Args;
use corpus::{Corpus, LabelMap, LabelSet, Member, Sources};

use crate::output::{self, count};

/// How many speakers of a table are shown.
const SHOWN_SPEAKERS: usize = 12;

/// How recordings are read.
#[derive(Args, Clone, Debug, Default)]
pub struct CorpusOptions {
    /// How to read the folders: auto (by what they hold), the name of a built-in corpus card, the
    /// path of your own, folders (one per label) or manifest; for several folders one for all, or
    /// one for each as in ravdess+emodb [default: auto]
    #[arg(long, value_name = "NAME|CARD.toml")]
    pub corpus: Option<String>,
    /// Rename, merge and drop labels as this file says
    #[arg(long, value_name = "MAP.toml")]
    pub labels: Option<PathBuf>,
    /// Which labels to use where several corpora differ: common (those that all have) or all
    #[arg(long, value_name = "RULE")]
    pub label_set: Option<LabelSet>,
    /// The speaker in a folder per label: a regular expression with a group `(?<speaker>...)`, searched for in each file's path; groups `label` and `split` for labels at another level (datasets/README.md)
    #[arg(long, value_name = "REGEX")]
    pub speaker_pattern: Option<String>,
}

impl CorpusOptions {
    /// The recordings that the paths of a command line name; `default` is how to
    /// read them where no option says so.
    ///
    /// # Errors
    ///
    /// Where the options contradict each other, or a file of theirs cannot be read.
    pub fn sources(&self, paths: &[PathBuf], default: &str) -> Result<Sources> {
        let mut sources = Sources::new(paths, self.corpus.as_deref().unwrap_or(default))?;
        let list = (paths.first()).filter(|path| path.extension().is_some_and(|e| e == "toml"));
        if let (Some(list), true) = (list, self.corpus.is_some()) {
            bail!(
                "{}: the list of corpora says how each is read; leave --corpus away",
                list.display()
            );
        }
        if let Some(rule) = self.label_set {
            sources.label_set = Some(rule);
        }
        if let Some(file) = &self.labels {
            ensure!(
                sources.labels.is_empty(),
                "{}: the list of corpora has a label map already; add this one to it",
                file.display()
            );
            sources.labels = LabelMap::load(file)?;
        }
        if let Some(pattern) = &self.speaker_pattern {
            for source in &mut sources.corpora {
                source.speaker_pattern = Some(pattern.clone());
            }
        }
        Ok(sources)
    }

    /// The options as they are typed, to repeat a command.
    pub fn as_typed(&self) -> String {
        let quoted = |pattern: &String| format!("'{pattern}'");
        let options = [
            ("corpus", self.corpus.clone()),
            (
                "labels",
                self.labels.as_ref().map(|file| file.display().to_string()),
            ),
            ("label-set", self.label_set.map(|rule| rule.to_string())),
            ("speaker-pattern", self.speaker_pattern.as_ref().map(quoted)),
        ];
        let given = options
            .into_iter()
            .filter_map(|(name, value)| Some(format!(" --{name} {}", value?)));
        given.collect()
    }
}

/// Reads the recordings and says what was found.
///
/// # Errors
///
/// Where they cannot be read.
pub fn open(sources: &Sources) -> Result<Corpus> {
    let corpus = sources.open()?;
    describe(&corpus);
    Ok(corpus)
}

/// Says on standard error what the recordings are, how they were read, how many
/// there are of each speaker and label, and what was skipped.
pub fn describe(corpus: &Corpus) {
    eprintln!(
        "{}: {} of {} in {}",
        corpus.card.title,
        count(corpus.clips.len(), "recording"),
        count(corpus.speakers().len(), "speaker"),
        corpus.root.display()
    );
    for member in &corpus.members {
        eprintln!("{}", how_read(member));
    }
    for note in &corpus.notes {
        eprintln!("note: {note}");
    }
    eprint!("{}", corpus.counts().short(SHOWN_SPEAKERS));
    let skipped = corpus.skipped.iter();
    let skipped = skipped.map(|skipped| format!("{}: {}", skipped.path.display(), skipped.reason));
    output::list("skipped", &skipped.collect::<Vec<_>>());
}

/// How a folder's recordings were read, and why.
pub fn how_read(member: &Member) -> String {
    let root = member.root.display();
    format!("{root}: read as {} ({})", member.read_as, member.why)
}
