//! The corpus card: what a corpus is and how its file names are read.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::CorpusError;
use crate::error::toml_text;

/// What a corpus is, as a TOML file that people can read.
///
/// The file is checked when it is loaded (see [`CorpusCard::validate`]). An
/// unknown entry is an error, so that a misspelt one is noticed.
/// `datasets/README.md` explains how to write a card.
///
/// ```
/// let card = corpus::CorpusCard::emodb();
/// assert_eq!(card.files.example, "03a01Fa.wav");
/// assert_eq!(card.label_names()[0], "anger");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorpusCard {
    /// Short name: what the corpus is asked for by, and what a model remembers.
    pub name: String,
    /// The corpus's full name.
    pub title: String,
    /// What it contains, in a few lines.
    pub description: String,
    /// Language spoken, as an ISO 639-1 code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Terms of use, in words.
    pub licence: String,
    /// The publication to cite.
    pub citation: String,
    /// The page that describes it and leads to its download.
    pub homepage: String,
    /// A command that downloads it, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetch: Option<String>,
    /// The corpus that has the same speakers under the same names. A speaker of
    /// both is one person, and is trained on or tested in both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speakers_of: Option<String>,
    /// The classes: the code in the file name and the name, in the order of a
    /// model's outputs. Codes that share a name are one class.
    pub labels: Vec<Label>,
    /// What to know before using it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quirks: Vec<String>,
    /// Where it can be downloaded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Source>,
    /// Codes of labels that are no class, with the reason: what raters disagreed
    /// about, say. Their files are left out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left_out: BTreeMap<String, String>,
    /// How its files are named.
    pub files: FileNames,
    /// The tables beside the recordings that tell what the names do not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<LabelTable>,
    /// What the codes of the other parts of a name mean, by the part's name, the
    /// group in the pattern.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parts: BTreeMap<String, Part>,
    /// The speakers by name. Empty: any speaker that the file names give.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub speakers: BTreeMap<String, Speaker>,
    /// The speakers held out by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<DefaultSplit>,
    /// Folds that publications use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub protocols: Vec<Protocol>,
}

/// One code of the label table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// As written in the file name.
    pub code: String,
    /// The class.
    pub name: String,
    /// A remark for people, such as the word in the corpus's own language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Label {
    /// A class whose code is its name.
    pub(crate) fn of_class(name: String) -> Self {
        Self {
            code: name.clone(),
            name,
            note: None,
        }
    }
}

/// One place to download a corpus from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Who offers it.
    pub title: String,
    /// Address of the archive, or of the page that leads to it.
    pub url: String,
    /// The archive's file name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive: Option<String>,
    /// Its size in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Its MD5 sum, as 32 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub md5: Option<String>,
    /// How many recordings it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<usize>,
}

/// How the files of a corpus are named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileNames {
    /// Regular expression with named groups. The whole file name without its
    /// extension must match, so that a corpus is read whatever its audio format.
    pub pattern: String,
    /// Regular expression for the name of the folder that a file lies in.
    /// Groups that are in both patterns must agree. Groups that are only here
    /// are parts of the file too. A folder that does not match says nothing,
    /// which is an error only where the label or the speaker comes from it alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// Regular expression for the end of the whole path, from the start of some
    /// folder's name on, without the extension, its parts joined by `/`. For corpora
    /// whose folders above the last one tell something. A path that does not match is
    /// not one of the corpus. Groups that are in the other patterns too must agree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// A path that fits, shown when no file does.
    pub example: String,
    /// The parts of the name in words, shown beside the example.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<String>,
    /// The group that holds the label's code.
    pub label: String,
    /// The group that holds the speaker, or several in braces: `{sex}{number}`.
    pub speaker: String,
    /// The channel to take from files with several, counted from 0. Without it,
    /// the mean of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<usize>,
}

/// Tables with a line for each recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelTable {
    /// Regular expression for the whole name of such a table, with the extension.
    /// Its groups are parts of every line.
    pub file: String,
    /// For tables with the names of columns in the first line: column by group.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub columns: BTreeMap<String, String>,
    /// For other text: a regular expression with groups for a whole line. Lines that
    /// do not match are passed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
}

/// What the codes of one part of a file name mean.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Meaning by code. Empty: any code, kept as it is.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub codes: BTreeMap<String, String>,
    /// The codes that belong to this card. Files with another of the codes are
    /// left out. Empty: all belong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
}

/// A speaker's sex, as the corpus documents it. Test and validation speakers
/// are drawn balanced by it, since it shifts pitch and formants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sex {
    /// A woman.
    Female,
    /// A man.
    Male,
}

/// What the corpus says about a speaker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Speaker {
    /// As documented.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sex: Option<Sex>,
    /// Age in years when recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age: Option<u8>,
}

/// The speakers held out by default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DefaultSplit {
    /// Speakers to test on.
    pub test: Vec<String>,
    /// Speakers to choose the stopping point on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub validation: Vec<String>,
}

/// Folds that a publication uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Protocol {
    /// Short name.
    pub name: String,
    /// What it is, in words.
    pub title: String,
    /// The publication.
    pub source: String,
    /// Its folds. No speaker is in two.
    pub folds: Vec<Fold>,
}

/// One fold: the speakers it tests on; all others train.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fold {
    /// As the publication calls it.
    pub name: String,
    /// Its test speakers.
    pub test: Vec<String>,
}

impl CorpusCard {
    /// RAVDESS, speech.
    pub fn ravdess() -> Self {
        Self::builtin("ravdess").expect("ravdess is a built-in card")
    }

    /// Berlin EmoDB.
    pub fn emodb() -> Self {
        Self::builtin("emodb").expect("emodb is a built-in card")
    }

    /// The built-in card of this name, in any case.
    pub fn builtin(name: &str) -> Option<Self> {
        let mut cards = datasets::CARDS.iter();
        let (_, text) = cards.find(|(n, _)| n.eq_ignore_ascii_case(name))?;
        // A test loads every built-in card, so this cannot fail for a user.
        Some(Self::parse(text).expect("built-in cards are valid"))
    }

    /// Names of the built-in cards.
    pub fn builtin_names() -> Vec<&'static str> {
        datasets::CARDS.iter().map(|(name, _)| *name).collect()
    }

    /// Loads and checks a card from a TOML file.
    ///
    /// # Errors
    ///
    /// [`CorpusError::Io`] where the file cannot be read; [`CorpusError::Card`],
    /// which names the file, where it is not a card or contradicts itself.
    pub fn load(path: &Path) -> Result<Self, CorpusError> {
        let text = std::fs::read_to_string(path)
            .map_err(CorpusError::io(path, "cannot read the corpus card"))?;
        Self::parse(&text).map_err(|what| CorpusError::Card {
            path: Some(path.to_path_buf()),
            what,
        })
    }

    /// The built-in card of this name, else the card in the file at this path.
    ///
    /// # Errors
    ///
    /// [`CorpusError::Card`] where there is neither; else as [`load`](Self::load).
    pub fn named(name_or_path: &str) -> Result<Self, CorpusError> {
        if let Some(card) = Self::builtin(name_or_path) {
            return Ok(card);
        }
        let path = Path::new(name_or_path);
        let wrong = |what: String| Err(CorpusError::Card { path: None, what });
        if !path.exists() {
            return wrong(format!(
                "{name_or_path}: neither a built-in corpus card ({}) nor a file; give one of \
                 these names, the path of your own card (a TOML file), or auto, folders or manifest",
                Self::builtin_names().join(", ")
            ));
        }
        if !path.is_file() {
            return wrong(format!(
                "{name_or_path}: a folder, not a corpus card; the card is a TOML file that says \
                 how the files in such a folder are named"
            ));
        }
        Self::load(path)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let card: Self = toml::from_str(text).map_err(|error| toml_text(&error))?;
        card.check()?;
        Ok(card)
    }

    /// The class names in the order of a model's outputs, each once.
    pub fn label_names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for label in &self.labels {
            if !names.contains(&label.name) {
                names.push(label.name.clone());
            }
        }
        names
    }

    /// The name of the set of people who speak: this corpus's own, or that of
    /// the corpus with the same speakers ([`speakers_of`](Self::speakers_of)).
    pub fn people(&self) -> &str {
        self.speakers_of.as_deref().unwrap_or(&self.name)
    }

    /// A card for recordings that were read without one. Nothing is known about
    /// them but their labels, and no file name can be read by it.
    pub(crate) fn unwritten(name: String, title: String, labels: Vec<String>) -> Self {
        Self {
            name,
            title,
            description: String::new(),
            language: None,
            licence: "not stated: recordings without a corpus card".into(),
            citation: String::new(),
            homepage: String::new(),
            fetch: None,
            speakers_of: None,
            labels: labels.into_iter().map(Label::of_class).collect(),
            quirks: Vec::new(),
            sources: Vec::new(),
            files: FileNames {
                pattern: String::new(),
                folder: None,
                path: None,
                example: String::new(),
                form: None,
                label: String::new(),
                speaker: String::new(),
                channel: None,
            },
            left_out: BTreeMap::new(),
            table: None,
            parts: BTreeMap::new(),
            speakers: BTreeMap::new(),
            split: None,
            protocols: Vec::new(),
        }
    }

    /// The speaker's sex, where the card knows it.
    pub fn sex(&self, speaker: &str) -> Option<Sex> {
        self.speakers.get(speaker)?.sex
    }

    /// Where to get the corpus, in one sentence without a full stop.
    pub fn where_to_get(&self) -> String {
        match &self.fetch {
            Some(command) => format!("Get it with `{command}`, or from {}", self.homepage),
            None => format!("Get it from {}", self.homepage),
        }
    }
}

mod validate;

#[cfg(test)]
mod tests;
