//! What a user names to train or test on: folders, and how to read them.
//!
//! The same can stand in a TOML file, which is also what a run folder keeps
//! as `data.toml`:
//!
//! ```toml
//! label_set = "common"
//! labels = { drop = ["calm", "boredom"], rename = { happy = "happiness" } }
//!
//! [[corpora]]
//! dir = "ravdess"              # from this file's folder
//!
//! [[corpora]]
//! dir = "emodb/wav"
//! corpus = "emodb"             # auto where nothing is said
//! labels = { rename = { fear = "fearful" } }   # of this one alone, before the other map
//! ```

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use super::combine::{LabelSet, combine};
use super::detect::{Kind, detect};
use super::walk::walk;
use super::{Corpus, CorpusCard, LabelMap, folders, manifest, short_name};

/// The name of a corpus that is told by what the folder holds.
pub const AUTO: &str = "auto";

/// Recordings to train or test on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sources {
    /// The labels of several corpora, where they differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_set: Option<LabelSet>,
    /// What to do with the labels of all of them.
    #[serde(default, skip_serializing_if = "LabelMap::is_empty")]
    pub labels: LabelMap,
    /// The corpora, at least one.
    pub corpora: Vec<CorpusSource>,
}

/// One corpus to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorpusSource {
    /// Its folder, or a manifest.
    pub dir: PathBuf,
    /// `auto`, a card's name or path, `folders` or `manifest`.
    #[serde(default = "auto")]
    pub corpus: String,
    /// What to call it among others; without it, the card's or folder's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where the speaker stands in the paths of a folder per label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speaker_pattern: Option<String>,
    /// What to do with its labels, before the map of all.
    #[serde(default, skip_serializing_if = "LabelMap::is_empty")]
    pub labels: LabelMap,
}

fn auto() -> String {
    AUTO.to_owned()
}

impl Sources {
    /// What `paths` name: folders, manifests (`.csv`) or one list of corpora
    /// (`.toml`). `corpus` says how to read them: one name for all, or as many
    /// as there are paths with a plus between (`ravdess+emodb`).
    ///
    /// # Errors
    ///
    /// A list that is none, or that stands beside other paths; a number of
    /// names that is not that of the paths.
    pub fn new(paths: &[PathBuf], corpus: &str) -> Result<Self> {
        let is_list = |path: &PathBuf| has_extension(path, "toml");
        if let Some(list) = paths.iter().find(|path| is_list(path)) {
            ensure!(
                paths.len() == 1,
                "{}: a list of corpora stands alone; add the other folders to it",
                list.display()
            );
            return Self::load(list);
        }
        let names = names_for(corpus, paths.len())?;
        let sources = paths.iter().zip(names).map(|(dir, corpus)| CorpusSource {
            dir: dir.clone(),
            corpus,
            name: None,
            speaker_pattern: None,
            labels: LabelMap::default(),
        });
        Ok(Self {
            label_set: None,
            labels: LabelMap::default(),
            corpora: sources.collect(),
        })
    }

    /// Reads a list of corpora from a TOML file; folders are seen from its own.
    ///
    /// # Errors
    ///
    /// It cannot be read, is not of this form, or names no corpus.
    pub fn load(path: &Path) -> Result<Self> {
        let shown = path.display();
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("{shown}: cannot read the list of corpora"))?;
        let mut sources: Self = toml::from_str(&text).with_context(|| {
            format!("{shown}: not a list of corpora; it has [[corpora]] with dir and corpus")
        })?;
        ensure!(
            !sources.corpora.is_empty(),
            "{shown}: names no corpus; it has [[corpora]] with dir and corpus"
        );
        let folder = path.parent().unwrap_or(Path::new(""));
        for source in &mut sources.corpora {
            source.dir = folder.join(&source.dir);
            // A card's path is seen from the file's folder, too.
            let card = folder.join(&source.corpus);
            if has_extension(&card, "toml") && card.is_file() {
                source.corpus = card.to_string_lossy().into_owned();
            }
        }
        Ok(sources)
    }

    /// Reads them, maps their labels, and puts several together.
    ///
    /// # Errors
    ///
    /// Where one cannot be read, a label map names what is not there, or they do
    /// not go together.
    pub fn open(&self) -> Result<Corpus> {
        let mut corpora = Vec::new();
        for source in &self.corpora {
            let corpus = source.read()?;
            let known = corpus.card.label_names();
            (source.labels.check(&known)).with_context(|| source.dir.display().to_string())?;
            corpora.push(source.labelled(corpus)?);
        }
        let labels = corpora.iter().flat_map(|c| c.card.label_names());
        self.labels.check(&labels.collect::<Vec<_>>())?;
        self.together(corpora, self.label_set)
    }

    /// Reads them for a model that knows `labels`, in whose order they come.
    ///
    /// Here a label map may name what is not there, so that the one that several
    /// corpora were trained with serves for each of them: a label that a slip
    /// of the pen leaves unmapped is one that the model does not know.
    ///
    /// # Errors
    ///
    /// Where one cannot be read, or has a label that is not among `labels`.
    pub fn open_for(&self, labels: &[String]) -> Result<Corpus> {
        let corpora = (self.corpora.iter())
            .map(|source| source.labelled(source.read()?))
            .collect::<Result<_>>()?;
        let mut corpus = self.together(corpora, Some(LabelSet::All))?;
        corpus.in_order_of(labels)?;
        Ok(corpus)
    }

    fn together(&self, mut corpora: Vec<Corpus>, rule: Option<LabelSet>) -> Result<Corpus> {
        for corpus in &mut corpora {
            self.labels.apply(corpus)?;
        }
        match corpora.len() {
            1 => corpora.pop().context("no corpus is named"),
            _ => combine(corpora, rule),
        }
    }

    /// These sources as they were read: whole paths, and what `auto` found.
    pub fn resolved(&self, corpus: &Corpus) -> Self {
        let mut resolved = self.clone();
        for (source, member) in resolved.corpora.iter_mut().zip(&corpus.members) {
            if let Ok(full) = source.dir.canonicalize() {
                source.dir = full;
            }
            source.corpus.clone_from(&member.read_as);
            let card = Path::new(&source.corpus);
            let is_own = CorpusCard::builtin(&source.corpus).is_none() && card.is_file();
            if let (Ok(full), true) = (card.canonicalize(), is_own) {
                source.corpus = full.to_string_lossy().into_owned();
            }
        }
        resolved
    }
}

impl Corpus {
    /// How it was read, as `--corpus` takes it: `ravdess`, or `ravdess+emodb`.
    pub fn read_as(&self) -> String {
        let names: Vec<&str> = self.members.iter().map(|m| m.read_as.as_str()).collect();
        names.join("+")
    }
}

impl CorpusSource {
    fn labelled(&self, mut corpus: Corpus) -> Result<Corpus> {
        self.labels.apply(&mut corpus)?;
        Ok(corpus)
    }

    fn read(&self) -> Result<Corpus> {
        let mut corpus = self.read_unnamed()?;
        if let (Some(name), Some(member)) = (&self.name, corpus.members.first_mut()) {
            ensure!(
                short_name(name) == *name,
                "{}: name = {name:?}: give letters, digits, '-', '_' and '.'",
                self.dir.display()
            );
            // The people of a card stay the same people under another name.
            if member.people == member.name && corpus.card.homepage.is_empty() {
                member.people.clone_from(name);
            }
            member.name.clone_from(name);
            corpus.card.name.clone_from(name);
        }
        Ok(corpus)
    }

    fn read_unnamed(&self) -> Result<Corpus> {
        let dir = &self.dir;
        let shown = dir.display();
        let by_pattern = |reader: &str| -> Result<()> {
            ensure!(
                self.speaker_pattern.is_none(),
                "{shown}: --speaker-pattern is for a folder per label; here {reader} tells who speaks"
            );
            Ok(())
        };
        if has_extension(dir, "csv") {
            ensure!(
                [AUTO, "manifest"].contains(&self.corpus.as_str()),
                "{shown}: a CSV file is read as a manifest, not as --corpus {}",
                self.corpus
            );
            by_pattern("the manifest")?;
            let stem = dir.file_stem().unwrap_or_default();
            let name = match stem == OsStr::new("manifest") {
                true => folder_name(dir.parent().unwrap_or(Path::new("."))),
                false => short_name(&stem.to_string_lossy()),
            };
            return manifest::read(dir, name);
        }
        let (kind, found, why) = match self.corpus.as_str() {
            AUTO => {
                let found = walk(
                    dir,
                    "a folder of recordings was expected there. Where to get \
                    known corpora is in datasets/README.md; RAVDESS: scripts/fetch-ravdess ravdess",
                )?;
                let (kind, why) = detect(dir, &found)?;
                (kind, Some(found), Some(why))
            }
            "folders" => (Kind::Folders, None, None),
            "manifest" => (Kind::Manifest(dir.join(manifest::FILE)), None, None),
            card => (Kind::Card(Box::new(CorpusCard::named(card)?)), None, None),
        };
        let mut corpus = match kind {
            Kind::Card(card) => {
                by_pattern("the card")?;
                match found {
                    Some(found) => Corpus::scan_found(dir, *card, found)?,
                    None => Corpus::scan(dir, *card)?,
                }
            }
            Kind::Folders => {
                let found = match found {
                    Some(found) => found,
                    None => walk(dir, "a folder per label was expected there")?,
                };
                let pattern = self.speaker_pattern.as_deref();
                folders::read(dir, folder_name(dir), found, pattern)?
            }
            Kind::Manifest(file) => {
                by_pattern("the manifest")?;
                manifest::read(&file, folder_name(dir))?
            }
        };
        if let Some(member) = corpus.members.first_mut() {
            match why {
                Some(why) => member.why = why,
                // A card of one's own is found again by its path, not by its name.
                None => member.read_as.clone_from(&self.corpus),
            }
        }
        Ok(corpus)
    }
}

/// As many names as there are paths.
fn names_for(corpus: &str, paths: usize) -> Result<Vec<String>> {
    let names: Vec<String> = corpus.split('+').map(str::to_owned).collect();
    match names.len() {
        // A card's path may have a plus in it.
        _ if paths == 1 || Path::new(corpus).exists() => Ok(vec![corpus.to_owned(); paths]),
        1 => Ok(vec![corpus.to_owned(); paths]),
        n if n == paths => Ok(names),
        n => bail!(
            "--corpus {corpus}: {n} names for {paths} folders; give one for all, or one for each"
        ),
    }
}

fn has_extension(path: &Path, extension: &str) -> bool {
    (path.extension()).is_some_and(|e| e.eq_ignore_ascii_case(extension)) && !path.is_dir()
}

/// A corpus's name from that of its folder.
fn folder_name(dir: &Path) -> String {
    let full = dir.canonicalize().unwrap_or_else(|_| dir.to_path_buf());
    short_name(&full.file_name().unwrap_or_default().to_string_lossy())
}

#[cfg(test)]
mod tests;
