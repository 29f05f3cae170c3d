//! Reading file names by a card: strictly, and with a reason when it fails.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use regex::Regex;

use crate::label_table::{LabelLines, codes};

use crate::{CorpusCard, same_speaker};

/// What a name says.
#[derive(Debug)]
pub(crate) struct Named {
    /// Index into the card's label names.
    pub label: usize,
    /// As the card's table of speakers writes it.
    pub speaker: String,
    /// Every named part: its meaning where the card gives it, else its code.
    pub parts: BTreeMap<String, String>,
}

/// Why a name cannot be read.
#[derive(Debug)]
pub(crate) struct Unread {
    /// One line for people.
    pub reason: String,
    /// Whether the file belongs to the corpus, but is not part of the card: a
    /// video of RAVDESS, say.
    pub left_out: bool,
}

impl From<String> for Unread {
    fn from(reason: String) -> Self {
        Self {
            reason,
            left_out: false,
        }
    }
}

/// Reads file names by a card.
pub(crate) struct NameReader<'a> {
    card: &'a CorpusCard,
    file: Regex,
    folder: Option<Regex>,
    path: Option<Regex>,
    lines: Option<LabelLines>,
    label_names: Vec<String>,
}

impl<'a> NameReader<'a> {
    /// Compiles the card's patterns.
    ///
    /// # Errors
    ///
    /// Which pattern is not a regular expression, and why.
    pub(crate) fn new(card: &'a CorpusCard) -> Result<Self, String> {
        let compile = |entry: &str, pattern: &str| {
            whole(pattern).map_err(|error| format!("{entry}: {error}"))
        };
        let folder = card.files.folder.as_deref();
        Ok(Self {
            file: compile("files.pattern", &card.files.pattern)?,
            folder: folder.map(|f| compile("files.folder", f)).transpose()?,
            path: (card.files.path.as_deref())
                .map(|path| compile("files.path", &format!("(?:.*/)?(?:{path})")))
                .transpose()?,
            lines: None,
            label_names: card.label_names(),
            card,
        })
    }

    /// The same, with the tables among `files` where the card has such.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), and which table cannot be read.
    pub(crate) fn with_tables(card: &'a CorpusCard, files: &[PathBuf]) -> Result<Self, String> {
        let mut reader = Self::new(card)?;
        if let Some(table) = &card.table {
            reader.lines = Some(table.read(files, &card.name_groups()?)?);
        }
        Ok(reader)
    }

    /// Whether a path has the form that the card describes.
    pub(crate) fn check_path(&self, path: &Path) -> Result<(), Unread> {
        Ok(self.codes(path).map(|_| ())?)
    }

    /// Reads a path: the file's name, its folder's, and the whole where the card says so.
    pub(crate) fn read_path(&self, path: &Path) -> Result<Named, Unread> {
        let mut codes = self.codes(path)?;
        // This comes first: files that the card leaves out are no mistake, and
        // may have codes that the card does not know.
        if let Some(unread) = self.left_out(&codes) {
            return Err(unread);
        }
        if let Some(lines) = &self.lines {
            lines.complete(&mut codes)?;
        }
        let mut parts = self.meanings(&codes)?;

        let group = &self.card.files.label;
        let code = codes.get(group).ok_or_else(|| self.missing(group))?;
        if let Some(why) = self.card.left_out.get(code) {
            return Err(Unread {
                reason: format!("not part of this card: {group} {code} ({why})"),
                left_out: true,
            });
        }
        let label = (self.card.labels.iter())
            .find(|label| label.code == *code)
            .ok_or_else(|| {
                let known = self.card.labels.iter().map(|l| (&l.code, &l.name));
                unknown(group, code, known)
            })?;
        parts.insert(group.clone(), label.name.clone());

        let code = self.speaker(&codes)?;
        let group = match self.card.files.speaker.contains('{') {
            true => "speaker",
            false => &self.card.files.speaker,
        };
        let speaker = if self.card.speakers.is_empty() {
            code.as_str()
        } else {
            same_speaker(&code, self.card.speakers.keys().map(String::as_str))
                .ok_or_else(|| format!("unknown {group} {code}: not among the card's speakers"))?
        };
        parts.insert(group.to_owned(), speaker.to_owned());

        Ok(Named {
            label: (self.label_names.iter())
                .position(|name| *name == label.name)
                .expect("every label has its name in the list of names"),
            speaker: speaker.to_owned(),
            parts,
        })
    }

    /// The speaker's code, of one group or of several.
    fn speaker(&self, codes: &BTreeMap<String, String>) -> Result<String, String> {
        let files = &self.card.files;
        let groups = files.speaker_groups()?;
        if groups == [files.speaker.as_str()] {
            let code = codes.get(&files.speaker);
            return code.cloned().ok_or_else(|| self.missing(&files.speaker));
        }
        let mut speaker = files.speaker.clone();
        for group in groups {
            let code = codes.get(group).ok_or_else(|| self.missing(group))?;
            speaker = speaker.replace(&format!("{{{group}}}"), code);
        }
        Ok(speaker)
    }

    /// Why the card leaves out a file with these codes, if it does.
    fn left_out(&self, codes: &BTreeMap<String, String>) -> Option<Unread> {
        self.card.parts.iter().find_map(|(name, part)| {
            let code = codes.get(name)?;
            if part.only.is_empty() || part.only.contains(code) {
                return None;
            }
            Some(match part.codes.get(code) {
                Some(meaning) => Unread {
                    reason: format!("not part of this card: {name} {code} ({meaning})"),
                    left_out: true,
                },
                None => unknown(name, code, part.codes.iter()).into(),
            })
        })
    }

    /// Every part's meaning where the card gives it, else its code.
    fn meanings(
        &self,
        codes: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>, String> {
        let mut parts = BTreeMap::new();
        for (name, code) in codes {
            let known = self.card.parts.get(name).map(|part| &part.codes);
            let meaning = match known {
                Some(known) if !known.is_empty() => (known.get(code))
                    .ok_or_else(|| unknown(name, code, known.iter()))?
                    .clone(),
                _ => code.clone(),
            };
            parts.insert(name.clone(), meaning);
        }
        Ok(parts)
    }

    /// The code of every named group, from the file's name, its folder's and the path.
    fn codes(&self, path: &Path) -> Result<BTreeMap<String, String>, String> {
        let stem = (path.file_stem().and_then(OsStr::to_str))
            .ok_or_else(|| "its name is not valid Unicode".to_owned())?;
        let wrong_form = || {
            let form = self.card.files.form.as_deref();
            format!(
                "the name does not have the form {}",
                form.unwrap_or(&self.card.files.example)
            )
        };
        let found = self.file.captures(stem).ok_or_else(wrong_form)?;
        let mut all = codes(&self.file, &found);
        let folder = folder_name(path);
        let mut agree = |of_part: BTreeMap<String, String>| {
            for (name, code) in of_part {
                match all.get(&name) {
                    Some(in_name) if *in_name != code => {
                        return Err(format!(
                            "{name} {in_name} in its name, but {code} in its folder {folder}"
                        ));
                    }
                    _ => all.insert(name, code),
                };
            }
            Ok(())
        };
        if let Some(found) = self
            .folder
            .as_ref()
            .and_then(|regex| regex.captures(&folder))
            && let Some(regex) = &self.folder
        {
            agree(codes(regex, &found))?;
        }
        if let Some(regex) = &self.path {
            let whole = whole_path(path);
            let found = regex.captures(&whole).ok_or_else(wrong_form)?;
            agree(codes(regex, &found))?;
        }
        Ok(all)
    }

    fn missing(&self, group: &str) -> String {
        format!(
            "neither its name nor its folder tells the {group}; a name that fits is {}",
            self.card.files.example
        )
    }
}

fn unknown<'a>(
    part: &str,
    code: &str,
    known: impl Iterator<Item = (&'a String, &'a String)>,
) -> String {
    let known: Vec<String> = known.map(|(c, name)| format!("{c} {name}")).collect();
    format!("unknown {part} {code}: the card has {}", known.join(", "))
}

/// Name of the folder a file lies in, also where the path given is ".".
fn folder_name(path: &Path) -> String {
    let Some(parent) = path.parent() else {
        return String::new();
    };
    match parent.file_name() {
        Some(name) => name.to_string_lossy().into_owned(),
        None => (parent.canonicalize().ok())
            .and_then(|p| p.file_name().map(|n| n.to_string_lossy().into_owned()))
            .unwrap_or_default(),
    }
}

/// The whole path without the extension, its parts joined by `/` on every system.
fn whole_path(path: &Path) -> String {
    let full = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let full = full.with_extension("");
    let parts: Vec<_> = full.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

/// Compiles a pattern so that it must match the whole text.
///
/// # Errors
///
/// That it is not a regular expression, and why.
pub(crate) fn whole(pattern: &str) -> Result<Regex, String> {
    // Compiled alone first: `a)|(b` must not become valid by the brackets.
    Regex::new(pattern)
        .and_then(|_| Regex::new(&format!("^(?:{pattern})$")))
        .map_err(|error| format!("not a regular expression: {error}"))
}
