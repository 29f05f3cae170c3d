//! Reading file names by a card: strictly, and with a reason when it fails.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;

use anyhow::{Context, Result};
use regex::Regex;

use super::{CorpusCard, same_speaker};

/// What a name tells.
#[derive(Debug)]
pub(super) struct Named {
    /// Index into the card's label names.
    pub label: usize,
    /// As the card's table of speakers writes it.
    pub speaker: String,
    /// Every named part, its meaning where the card tells it.
    pub parts: BTreeMap<String, String>,
}

/// Reads file names by a card.
pub(super) struct NameReader<'a> {
    card: &'a CorpusCard,
    file: Regex,
    folder: Option<Regex>,
    label_names: Vec<String>,
}

impl<'a> NameReader<'a> {
    /// Compiles the card's patterns.
    pub(super) fn new(card: &'a CorpusCard) -> Result<Self> {
        Ok(Self {
            file: whole(&card.files.pattern).context("files.pattern")?,
            folder: match &card.files.folder {
                Some(pattern) => Some(whole(pattern).context("files.folder")?),
                None => None,
            },
            label_names: card.label_names(),
            card,
        })
    }

    /// Reads the last two parts of a path: the file's name and its folder's.
    /// The error is the reason, one line for people.
    pub(super) fn read_path(&self, path: &Path) -> Result<Named, String> {
        let stem = (path.file_stem().and_then(OsStr::to_str))
            .ok_or_else(|| "its name is not valid Unicode".to_owned())?;
        let codes = self.codes(stem, &folder_name(path))?;

        // Files of the corpus that this card leaves out come first: they are
        // no mistake, and may have codes that the card does not know.
        for (name, part) in &self.card.parts {
            let Some(code) = codes.get(name) else {
                continue;
            };
            if !part.only.is_empty() && !part.only.contains(code) {
                return Err(match part.codes.get(code) {
                    Some(meaning) => format!("not part of this card: {name} {code} ({meaning})"),
                    None => unknown(name, code, part.codes.iter()),
                });
            }
        }

        let mut parts = BTreeMap::new();
        for (name, code) in &codes {
            let codes = self.card.parts.get(name).map(|part| &part.codes);
            let meaning = match codes {
                Some(codes) if !codes.is_empty() => (codes.get(code))
                    .ok_or_else(|| unknown(name, code, codes.iter()))?
                    .clone(),
                _ => code.clone(),
            };
            parts.insert(name.clone(), meaning);
        }

        let group = &self.card.files.label;
        let code = codes.get(group).ok_or_else(|| self.missing(group))?;
        let label = (self.card.labels.iter())
            .find(|label| label.code == *code)
            .ok_or_else(|| {
                let known = self.card.labels.iter().map(|l| (&l.code, &l.name));
                unknown(group, code, known)
            })?;
        parts.insert(group.clone(), label.name.clone());

        let group = &self.card.files.speaker;
        let code = codes.get(group).ok_or_else(|| self.missing(group))?;
        let speaker = if self.card.speakers.is_empty() {
            code.as_str()
        } else {
            same_speaker(code, self.card.speakers.keys().map(String::as_str))
                .ok_or_else(|| format!("unknown {group} {code}: not among the card's speakers"))?
        };
        parts.insert(group.clone(), speaker.to_owned());

        Ok(Named {
            label: (self.label_names.iter())
                .position(|name| *name == label.name)
                .expect("every label has its name in the list of names"),
            speaker: speaker.to_owned(),
            parts,
        })
    }

    /// The code of every named group, from the file's name and its folder's.
    fn codes(&self, stem: &str, folder: &str) -> Result<BTreeMap<String, String>, String> {
        let found = self.file.captures(stem).ok_or_else(|| {
            let form = self.card.files.form.as_deref();
            format!(
                "the name does not have the form {}",
                form.unwrap_or(&self.card.files.example)
            )
        })?;
        let mut codes = BTreeMap::new();
        for name in self.file.capture_names().flatten() {
            // A part that may be absent, and is, has no code.
            if let Some(code) = found.name(name).filter(|m| !m.is_empty()) {
                codes.insert(name.to_owned(), code.as_str().to_owned());
            }
        }
        let Some(regex) = &self.folder else {
            return Ok(codes);
        };
        let Some(found) = regex.captures(folder) else {
            return Ok(codes);
        };
        for name in regex.capture_names().flatten() {
            let Some(code) = found.name(name).filter(|m| !m.is_empty()) else {
                continue;
            };
            match codes.get(name) {
                Some(in_name) if in_name != code.as_str() => {
                    return Err(format!(
                        "{name} {in_name} in its name, but {} in its folder {folder}",
                        code.as_str()
                    ));
                }
                _ => codes.insert(name.to_owned(), code.as_str().to_owned()),
            };
        }
        Ok(codes)
    }

    fn missing(&self, group: &str) -> String {
        format!(
            "neither its name nor its folder tells the {group}; a right one is {}",
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

/// Compiles a pattern so that it must match the whole text.
pub(super) fn whole(pattern: &str) -> Result<Regex, regex::Error> {
    // Compiled alone first: `a)|(b` must not become valid by the brackets.
    Regex::new(pattern)?;
    Regex::new(&format!("^(?:{pattern})$"))
}
