//! The corpus card: what a corpus is and how its file names are read.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

/// The cards that are part of the program, with their names.
const BUILTIN: [(&str, &str); 8] = [
    ("ravdess", include_str!("../../../../datasets/ravdess.toml")),
    (
        "ravdess-song",
        include_str!("../../../../datasets/ravdess-song.toml"),
    ),
    ("emodb", include_str!("../../../../datasets/emodb.toml")),
    ("crema-d", include_str!("../../../../datasets/crema-d.toml")),
    ("tess", include_str!("../../../../datasets/tess.toml")),
    ("savee", include_str!("../../../../datasets/savee.toml")),
    ("emovo", include_str!("../../../../datasets/emovo.toml")),
    ("nemo", include_str!("../../../../datasets/nemo.toml")),
];

/// What a corpus is: one TOML file, read by people and obeyed by the program.
///
/// The file is checked when it is loaded (see [`CorpusCard::validate`]); an
/// entry that is not known is an error, so that a misspelt one is noticed.
/// `datasets/README.md` explains how to write one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorpusCard {
    /// Short name, as typed on a command line and stored in a model.
    pub name: String,
    /// The corpus's full name.
    pub title: String,
    /// What it holds, in a few lines.
    pub description: String,
    /// Language spoken, as an ISO 639-1 code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Terms of use, in words.
    pub licence: String,
    /// The publication to cite.
    pub citation: String,
    /// The page to read about it and get it from.
    pub homepage: String,
    /// A command that gets it, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetch: Option<String>,
    /// The corpus whose speakers these are too, by the same names. Together
    /// the two are tested as one set of people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speakers_of: Option<String>,
    /// The classes: code in the file name and name, in the order of a model's
    /// outputs. Codes that share a name are one class.
    pub labels: Vec<Label>,
    /// What to know before trusting it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quirks: Vec<String>,
    /// Where it can be downloaded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Source>,
    /// How its files are named.
    pub files: FileNames,
    /// What the codes of the other parts of a name mean, by the part's name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parts: BTreeMap<String, Part>,
    /// Who speaks, by the speaker's name. Empty: whoever the file names say.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub speakers: BTreeMap<String, Speaker>,
    /// Who is held out when nothing is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<DefaultSplit>,
    /// Divisions into folds that the literature uses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub protocols: Vec<Protocol>,
}

/// One code of the label table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// As it stands in the file name.
    pub code: String,
    /// The class.
    pub name: String,
    /// For people; the original word, say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Label {
    /// A class that is its own code.
    pub(super) fn of_class(name: String) -> Self {
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
    /// Whose place it is.
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
    /// Regular expression with named groups that the whole name, without its
    /// extension, must match.
    pub pattern: String,
    /// Regular expression for the name of the folder that a file lies in.
    /// Groups that are in both must agree; groups that are only here are parts
    /// of the file too. A folder of another form is passed over, unless the
    /// label or the speaker is known from it alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// A path that fits, shown when nothing does.
    pub example: String,
    /// The parts of the name in words, shown beside the example.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<String>,
    /// The group that holds the label's code.
    pub label: String,
    /// The group that holds the speaker.
    pub speaker: String,
    /// The channel to take of files with several, counted from 0; without it,
    /// the mean of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<usize>,
}

/// What the codes of one part of a file name mean.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Meaning by code. Empty: any code, taken as it is.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub codes: BTreeMap<String, String>,
    /// The codes that belong to this card; files with another known code are
    /// left out. Empty: all.
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

/// The speakers held out when nothing is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DefaultSplit {
    /// Speakers to test on.
    pub test: Vec<String>,
    /// Speakers to choose the stopping point on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub validation: Vec<String>,
}

/// A known division of the speakers into folds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Protocol {
    /// Short name.
    pub name: String,
    /// In words.
    pub title: String,
    /// The publication it is from.
    pub source: String,
    /// Its folds; each speaker is in one.
    pub folds: Vec<Fold>,
}

/// One fold: the speakers it tests on; all others train.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fold {
    /// As the source calls it.
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

    /// The built-in card of this name, or none.
    pub fn builtin(name: &str) -> Option<Self> {
        let (_, text) = BUILTIN.iter().find(|(n, _)| n.eq_ignore_ascii_case(name))?;
        // A test loads every built-in card, so this cannot fail for a user.
        Some(Self::parse(text).expect("built-in cards are valid"))
    }

    /// Names of the built-in cards.
    pub fn builtin_names() -> Vec<&'static str> {
        BUILTIN.iter().map(|(name, _)| *name).collect()
    }

    /// Loads and checks a card from a TOML file.
    ///
    /// # Errors
    /// The file cannot be read, is not TOML of this form, or contradicts
    /// itself; the message names the file.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("{}: cannot read the corpus card", path.display()))?;
        Self::parse(&text).with_context(|| {
            format!(
                "{}: not a usable corpus card (datasets/README.md says how to write one)",
                path.display()
            )
        })
    }

    /// The built-in card of this name, else the card in the file of this path.
    ///
    /// # Errors
    /// There is neither, or the file is not a valid card.
    pub fn named(name_or_path: &str) -> Result<Self> {
        if let Some(card) = Self::builtin(name_or_path) {
            return Ok(card);
        }
        let path = Path::new(name_or_path);
        ensure!(
            path.exists(),
            "{name_or_path}: neither a built-in corpus card ({}) nor a file; \
             give one of these names, the path of your own card (a TOML file), or auto, folders \
             or manifest",
            Self::builtin_names().join(", ")
        );
        ensure!(
            path.is_file(),
            "{name_or_path}: a folder, not a corpus card; the card is a TOML file that says \
             how the files in such a folder are named"
        );
        Self::load(path)
    }

    fn parse(text: &str) -> Result<Self> {
        let card: Self = toml::from_str(text)?;
        card.validate()?;
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

    /// The name of the set of people who speak.
    pub fn people(&self) -> &str {
        self.speakers_of.as_deref().unwrap_or(&self.name)
    }

    /// A card for recordings that were read without one: nothing is known of
    /// them but their labels, and no file name is read by it.
    pub(super) fn unwritten(name: String, title: String, labels: Vec<String>) -> Self {
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
                example: String::new(),
                form: None,
                label: String::new(),
                speaker: String::new(),
                channel: None,
            },
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

    /// Where to get the corpus, as one line for an error message.
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
