//! What to read: folders, and how to read them.
//!
//! The same can be written in a TOML file:
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
//! labels = { rename = { fear = "fearful" } }   # of this corpus, before the map of all
//! ```

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::combine::combine;
use crate::detect::{Kind, detect};
use crate::error::{ensure, toml_text};
use crate::walk::walk_for;
use crate::{Corpus, CorpusCard, CorpusError, LabelMap, LabelSet, folders, manifest};

/// The way to read a folder that is found out from what the folder holds.
pub const AUTO: &str = "auto";

/// What to read, as one corpus.
///
/// It is also written beside the results of a training, so that the same
/// recordings can be read again ([`resolved`](Self::resolved)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sources {
    /// Which labels to use where those of several corpora differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_set: Option<LabelSet>,
    /// What to do with the labels of all corpora.
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
    /// How to read it: [`auto`](AUTO), a card's name or path, `folders` or
    /// `manifest`.
    #[serde(default = "auto")]
    pub corpus: String,
    /// What to call it among others. Without it, the card's or the folder's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where the speaker stands in the paths of a folder per label: a regular
    /// expression with a group `speaker`, looked for in the path below `dir`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speaker_pattern: Option<String>,
    /// What to do with its labels, before the map of all corpora.
    #[serde(default, skip_serializing_if = "LabelMap::is_empty")]
    pub labels: LabelMap,
}

fn auto() -> String {
    AUTO.to_owned()
}

impl Sources {
    /// What `paths` name: folders, manifests (`.csv`), or one list of corpora
    /// (`.toml`). `corpus` says how to read them: one name for all, or one for each
    /// with a plus between (`ravdess+emodb`). Nothing is read but the list.
    ///
    /// # Errors
    ///
    /// [`CorpusError::Sources`] for a list beside other paths, or where the number
    /// of names is not that of the paths; else as [`load`](Self::load).
    pub fn new(paths: &[PathBuf], corpus: &str) -> Result<Self, CorpusError> {
        let is_list = |path: &PathBuf| has_extension(path, "toml");
        if let Some(list) = paths.iter().find(|path| is_list(path)) {
            if paths.len() > 1 {
                return Err(CorpusError::sources(format!(
                    "{}: a list of corpora stands alone; add the other folders to it",
                    list.display()
                )));
            }
            return Self::load(list);
        }
        let names = names_for(corpus, paths.len()).map_err(CorpusError::sources)?;
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

    /// Reads a list of corpora from a TOML file. Relative paths in it start from
    /// the file's own folder.
    ///
    /// # Errors
    ///
    /// [`CorpusError::Io`] where it cannot be read, [`CorpusError::File`] where it
    /// is not a list of corpora or names none.
    pub fn load(path: &Path) -> Result<Self, CorpusError> {
        const FORM: &str = "it has [[corpora]] with dir and corpus";
        let text = std::fs::read_to_string(path)
            .map_err(CorpusError::io(path, "cannot read the list of corpora"))?;
        let mut sources: Self = toml::from_str(&text).map_err(|error| {
            let error = toml_text(&error);
            CorpusError::file(path)(format!("not a list of corpora; {FORM}: {error}"))
        })?;
        if sources.corpora.is_empty() {
            return Err(CorpusError::file(path)(format!("names no corpus; {FORM}")));
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        for source in &mut sources.corpora {
            source.dir = folder.join(&source.dir);
            // The path of a card starts there, too.
            let card = folder.join(&source.corpus);
            if has_extension(&card, "toml") && card.is_file() {
                source.corpus = card.to_string_lossy().into_owned();
            }
        }
        Ok(sources)
    }

    /// Reads the corpora, maps their labels, and combines them.
    ///
    /// # Errors
    ///
    /// Any [`CorpusError`] of a corpus that cannot be read;
    /// [`CorpusError::Labels`] where a label map names a label that no corpus has,
    /// or where the labels of several corpora differ and no
    /// [`label_set`](Self::label_set) is chosen; [`CorpusError::Sources`] where
    /// there is no corpus, or two have the same name.
    pub fn open(&self) -> Result<Corpus, CorpusError> {
        let mut corpora = Vec::new();
        for source in &self.corpora {
            let corpus = source.read()?;
            let known = corpus.card.label_names();
            source
                .labels
                .check(&known)
                .map_err(|what| CorpusError::labels(format!("{}: {what}", source.dir.display())))?;
            corpora.push(source.labelled(corpus)?);
        }
        let labels = corpora.iter().flat_map(|c| c.card.label_names());
        let labels: Vec<String> = labels.collect();
        self.labels.check(&labels).map_err(CorpusError::labels)?;
        self.together(corpora, self.label_set)
    }

    /// Reads the corpora for a model with these `labels`, and gives the clips their
    /// labels in that order.
    ///
    /// Here a label map may name labels that are not there. The map that several
    /// corpora were trained with can then be used for each of them; a label that a
    /// typing mistake leaves unmapped is one that the model does not have.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), and [`CorpusError::Labels`] where a corpus has a
    /// label that is not among `labels`.
    pub fn open_for(&self, labels: &[String]) -> Result<Corpus, CorpusError> {
        let corpora = (self.corpora.iter())
            .map(|source| source.labelled(source.read()?))
            .collect::<Result<_, CorpusError>>()?;
        let mut corpus = self.together(corpora, Some(LabelSet::All))?;
        corpus.in_order_of(labels)?;
        Ok(corpus)
    }

    fn together(
        &self,
        mut corpora: Vec<Corpus>,
        set: Option<LabelSet>,
    ) -> Result<Corpus, CorpusError> {
        for corpus in &mut corpora {
            self.labels.apply(corpus)?;
        }
        match corpora.len() {
            0 => Err(CorpusError::sources(
                "there is no corpus to read; name a folder".to_owned(),
            )),
            1 => Ok(corpora.remove(0)),
            _ => combine(corpora, set),
        }
    }

    /// These sources as they were read into `corpus`: with full paths, and with
    /// what `auto` found.
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
    /// How it was read, in the words of [`Sources::new`]: `ravdess`, or
    /// `ravdess+emodb`.
    pub fn read_as(&self) -> String {
        let names: Vec<&str> = self.members.iter().map(|m| m.read_as.as_str()).collect();
        names.join("+")
    }
}

impl CorpusSource {
    fn labelled(&self, mut corpus: Corpus) -> Result<Corpus, CorpusError> {
        self.labels.apply(&mut corpus)?;
        Ok(corpus)
    }

    fn read(&self) -> Result<Corpus, CorpusError> {
        let mut corpus = self.read_unnamed()?;
        if let (Some(name), Some(member)) = (&self.name, corpus.members.first_mut()) {
            if short_name(name) != *name {
                return Err(CorpusError::sources(format!(
                    "{}: name = {name:?}: use letters, digits, '-', '_' and '.'",
                    self.dir.display()
                )));
            }
            // The people of a card stay the same people under another name.
            if member.people == member.name && corpus.card.homepage.is_empty() {
                member.people.clone_from(name);
            }
            member.name.clone_from(name);
            corpus.card.name.clone_from(name);
        }
        Ok(corpus)
    }

    /// Reads it under the name of its card or folder.
    fn read_unnamed(&self) -> Result<Corpus, CorpusError> {
        let dir = &self.dir;
        if manifest::ENDINGS
            .iter()
            .any(|ending| has_extension(dir, ending))
        {
            return self.read_table();
        }
        let (kind, found, why) = match self.corpus.as_str() {
            AUTO => {
                let expected = "a folder of recordings was expected there. Where to get known \
                                corpora is in datasets/README.md; RAVDESS: scripts/fetch-ravdess \
                                ravdess";
                let found = walk_for(dir, Some(expected))?;
                let (kind, why) = detect(dir, &found)?;
                (kind, Some(found), Some(why))
            }
            "folders" => (Kind::Folders, None, None),
            "manifest" => (Kind::Manifest(dir.join(manifest::FILE)), None, None),
            card => (Kind::Card(Box::new(CorpusCard::named(card)?)), None, None),
        };
        let mut corpus = match kind {
            Kind::Card(card) => {
                self.refuse_pattern("the card")?;
                match found {
                    Some(found) => Corpus::scan_found(dir, *card, found)?,
                    None => Corpus::scan(dir, *card)?,
                }
            }
            Kind::Folders => {
                let found = match found {
                    Some(found) => found,
                    None => walk_for(dir, Some("a folder per label was expected there"))?,
                };
                let pattern = self.speaker_pattern.as_deref();
                folders::read(dir, folder_name(dir), found, pattern)?
            }
            Kind::Manifest(file) => {
                self.refuse_pattern("the manifest")?;
                manifest::read(&file, folder_name(dir))?
            }
        };
        if let Some(member) = corpus.members.first_mut() {
            match why {
                Some(why) => member.why = why,
                // A card from a file is found again by its path, not by its name.
                None => member.read_as.clone_from(&self.corpus),
            }
        }
        Ok(corpus)
    }

    /// Reads a CSV file that is named in place of a folder.
    fn read_table(&self) -> Result<Corpus, CorpusError> {
        let file = &self.dir;
        if ![AUTO, "manifest"].contains(&self.corpus.as_str()) {
            return Err(CorpusError::sources(format!(
                "{}: a CSV file is read as a manifest, not as `{}`",
                file.display(),
                self.corpus
            )));
        }
        self.refuse_pattern("the manifest")?;
        let stem = file.file_stem().unwrap_or_default();
        let name = match stem == OsStr::new("manifest") {
            true => folder_name(file.parent().unwrap_or(Path::new("."))),
            false => short_name(&stem.to_string_lossy()),
        };
        manifest::read(file, name)
    }

    /// Refuses a speaker pattern where something else tells who speaks.
    fn refuse_pattern(&self, who_tells: &str) -> Result<(), CorpusError> {
        match self.speaker_pattern {
            None => Ok(()),
            Some(_) => Err(CorpusError::sources(format!(
                "{}: a speaker pattern is for a folder per label; here {who_tells} tells who speaks",
                self.dir.display()
            ))),
        }
    }
}

/// As many names as there are paths.
fn names_for(corpus: &str, paths: usize) -> Result<Vec<String>, String> {
    let names: Vec<String> = corpus.split('+').map(str::to_owned).collect();
    // The path of a card may have a plus in it.
    if names.len() == 1 || paths == 1 || Path::new(corpus).exists() {
        return Ok(vec![corpus.to_owned(); paths]);
    }
    ensure!(
        names.len() == paths,
        "`{corpus}`: {} names for {paths} folders; give one for all, or one for each",
        names.len()
    );
    Ok(names)
}

fn has_extension(path: &Path, extension: &str) -> bool {
    (path.extension()).is_some_and(|e| e.eq_ignore_ascii_case(extension)) && !path.is_dir()
}

/// A corpus's name from that of its folder.
fn folder_name(dir: &Path) -> String {
    let full = dir.canonicalize().unwrap_or_else(|_| dir.to_path_buf());
    short_name(&full.file_name().unwrap_or_default().to_string_lossy())
}

/// A name of letters, digits, `-`, `_` and `.`, as cards have it, from any text.
fn short_name(text: &str) -> String {
    let name: String = (text.chars())
        .map(|c| match c.is_ascii_alphanumeric() || "-_.".contains(c) {
            true => c,
            false => '-',
        })
        .collect();
    match name.is_empty() || [".", "..", AUTO].contains(&name.as_str()) {
        true => "recordings".to_owned(),
        false => name,
    }
}

#[cfg(test)]
mod tests;
