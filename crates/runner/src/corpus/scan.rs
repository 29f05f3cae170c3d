//! Finding a corpus's recordings in a folder, by the names its card describes.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use regex::Regex;
use serde::{Deserialize, Serialize};
use walkdir::{DirEntry, WalkDir};

use super::card::whole;
use super::{CorpusCard, same_speaker, speaker_order};

/// Sound files that are looked at, by extension, in any case.
const EXTENSIONS: [&str; 2] = ["wav", "flac"];

/// One recording, as far as its name tells.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Clip {
    /// The file: the scanned folder joined with the way to it.
    pub path: PathBuf,
    /// Index into [`CorpusCard::label_names`].
    pub label: usize,
    /// The speaker, named as in the card's table where it has one.
    pub speaker: String,
    /// Every named part of the name: its meaning where the card tells it, else
    /// the code as it stands. Label and speaker are among them.
    pub parts: BTreeMap<String, String>,
}

/// A sound file that does not belong to the corpus, and why.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Skipped {
    /// The file, as in [`Clip::path`].
    pub path: PathBuf,
    /// One line for people.
    pub reason: String,
}

/// A corpus in a folder.
#[derive(Clone, Debug)]
pub struct Corpus {
    /// What it is.
    pub card: CorpusCard,
    /// The folder that was scanned.
    pub root: PathBuf,
    /// Its recordings in the order of their paths; never empty.
    pub clips: Vec<Clip>,
    /// The sound files that do not fit, in the same order.
    pub skipped: Vec<Skipped>,
}

/// How many clips there are by label and by speaker. Displays as a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Label and number of clips, in the card's order.
    pub labels: Vec<(String, usize)>,
    /// Speaker and number of clips of each label, in the order of speakers.
    pub speakers: Vec<(String, Vec<usize>)>,
}

impl Corpus {
    /// Finds the recordings of the corpus `card` below the folder `root`.
    ///
    /// Sub-folders are walked in the order of their names, links are followed;
    /// `.wav` and `.flac` files in any case are read by name; hidden files and
    /// folders and the `._` files of macOS are passed over. A sound file that
    /// does not fit is listed in [`Corpus::skipped`]. A recording that is there
    /// twice under one name (a copy of the tree inside the tree) counts once.
    ///
    /// # Errors
    /// `root` is missing, not a folder, unreadable, or holds no recording of
    /// this corpus: the message names it, shows some of the names that did not
    /// fit beside one that would, and says where to get the corpus.
    pub fn scan(root: &Path, card: CorpusCard) -> Result<Corpus> {
        check_folder(root, &card)?;
        let reader = NameReader::new(&card)?;

        let mut clips: Vec<Clip> = Vec::new();
        let mut skipped: Vec<Skipped> = Vec::new();
        let mut first_of: HashMap<(String, BTreeMap<String, String>), PathBuf> = HashMap::new();
        let mut others: Vec<PathBuf> = Vec::new();

        let walk = WalkDir::new(root).follow_links(true).sort_by_file_name();
        for entry in walk
            .into_iter()
            .filter_entry(|e| e.depth() == 0 || !is_hidden(e))
        {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) if error.depth() == 0 => {
                    return Err(error)
                        .with_context(|| format!("{}: cannot read the folder", root.display()));
                }
                Err(error) => {
                    skipped.push(Skipped {
                        path: error.path().unwrap_or(root).to_path_buf(),
                        reason: match error.loop_ancestor() {
                            Some(_) => "a link that leads back to a folder above it".to_owned(),
                            None => format!(
                                "cannot be read: {}",
                                (error.io_error())
                                    .map_or_else(|| error.to_string(), |e| e.to_string())
                            ),
                        },
                    });
                    continue;
                }
            };
            if !entry.file_type().is_file() {
                continue;
            }
            let path = entry.into_path();
            if !is_sound(&path) {
                others.push(path);
                continue;
            }
            match reader.read_path(&path) {
                Ok(named) => {
                    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
                    let key = (stem.into_owned(), named.parts.clone());
                    if let Some(first) = first_of.get(&key) {
                        let first = first.strip_prefix(root).unwrap_or(first);
                        skipped.push(Skipped {
                            reason: format!(
                                "the same recording, by its name, as {}",
                                first.display()
                            ),
                            path,
                        });
                        continue;
                    }
                    first_of.insert(key, path.clone());
                    clips.push(Clip {
                        path,
                        label: named.label,
                        speaker: named.speaker,
                        parts: named.parts,
                    });
                }
                Err(reason) => skipped.push(Skipped { path, reason }),
            }
        }

        if clips.is_empty() {
            bail!(nothing_found(root, &card, &skipped, &others));
        }
        Ok(Corpus {
            card,
            root: root.to_path_buf(),
            clips,
            skipped,
        })
    }

    /// The speakers there are clips of, numbers by value.
    pub fn speakers(&self) -> Vec<String> {
        let mut speakers: Vec<String> = self.clips.iter().map(|c| c.speaker.clone()).collect();
        speakers.sort_by(|a, b| speaker_order(a, b));
        speakers.dedup();
        speakers
    }

    /// How many clips there are by label and by speaker.
    pub fn counts(&self) -> Counts {
        let names = self.card.label_names();
        let mut totals = vec![0; names.len()];
        let mut speakers: Vec<(String, Vec<usize>)> = (self.speakers().into_iter())
            .map(|speaker| (speaker, vec![0; names.len()]))
            .collect();
        let place: HashMap<String, usize> = (speakers.iter().enumerate())
            .map(|(i, (speaker, _))| (speaker.clone(), i))
            .collect();
        for clip in &self.clips {
            totals[clip.label] += 1;
            speakers[place[&clip.speaker]].1[clip.label] += 1;
        }
        Counts {
            labels: names.into_iter().zip(totals).collect(),
            speakers,
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let speaker_width = (self.speakers.iter())
            .map(|(s, _)| s.chars().count())
            .chain([7])
            .max()
            .unwrap_or(7);
        let widths: Vec<usize> = (self.labels.iter())
            .map(|(name, _)| name.chars().count().max(5))
            .collect();
        write!(f, "{:speaker_width$}", "speaker")?;
        for ((name, _), width) in self.labels.iter().zip(&widths) {
            write!(f, "  {name:>width$}")?;
        }
        writeln!(f, "  {:>5}", "all")?;
        let total: Vec<usize> = self.labels.iter().map(|(_, n)| *n).collect();
        let rows = (self.speakers.iter()).map(|(s, counts)| (s.as_str(), counts));
        for (speaker, counts) in rows.chain([("all", &total)]) {
            write!(f, "{speaker:>speaker_width$}")?;
            for (count, width) in counts.iter().zip(&widths) {
                write!(f, "  {count:>width$}")?;
            }
            writeln!(f, "  {:>5}", counts.iter().sum::<usize>())?;
        }
        Ok(())
    }
}

/// What a name tells.
#[derive(Debug)]
pub(super) struct Named {
    label: usize,
    speaker: String,
    parts: BTreeMap<String, String>,
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

fn is_hidden(entry: &DirEntry) -> bool {
    let name = entry.file_name().as_encoded_bytes();
    name.starts_with(b".") || name == b"__MACOSX"
}

fn is_sound(path: &Path) -> bool {
    (path.extension().and_then(OsStr::to_str))
        .is_some_and(|ext| EXTENSIONS.iter().any(|e| ext.eq_ignore_ascii_case(e)))
}

fn check_folder(root: &Path, card: &CorpusCard) -> Result<()> {
    let shown = root.display();
    let meta = match std::fs::metadata(root) {
        Ok(meta) => meta,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => bail!(
            "{shown}: there is no such folder; the recordings of {} were expected there. {}",
            card.name,
            card.where_to_get()
        ),
        Err(error) => return Err(error).with_context(|| format!("{shown}: cannot be opened")),
    };
    if !meta.is_dir() {
        let is_archive = (root.extension().and_then(OsStr::to_str))
            .is_some_and(|e| ["zip", "tar", "gz", "7z"].contains(&&*e.to_ascii_lowercase()));
        bail!(
            "{shown}: a file, not a folder; {}",
            if is_archive {
                "unpack it and give the folder"
            } else {
                "give the folder that holds the recordings"
            }
        );
    }
    Ok(())
}

fn nothing_found(
    root: &Path,
    card: &CorpusCard,
    skipped: &[Skipped],
    others: &[PathBuf],
) -> String {
    let short = |path: &Path| {
        path.strip_prefix(root)
            .unwrap_or(path)
            .display()
            .to_string()
    };
    let mut text = format!("{}: ", root.display());
    if !skipped.is_empty() {
        text += &format!(
            "none of its {} sound files is a recording of {}:\n",
            skipped.len(),
            card.name
        );
        for skipped in skipped.iter().take(3) {
            text += &format!("  {}: {}\n", short(&skipped.path), skipped.reason);
        }
    } else if !others.is_empty() {
        text += "there is no .wav or .flac file in it, but other files:\n";
        for path in others.iter().take(3) {
            text += &format!("  {}\n", short(path));
        }
    } else {
        text += "there is no file in it\n";
    }
    text += &format!("A right name is {}", card.files.example);
    if let Some(form) = &card.files.form {
        text += &format!(" ({form})");
    }
    text += &format!(
        ".\n{}; if these are recordings of another corpus, name its card with --corpus",
        card.where_to_get()
    );
    text
}

#[cfg(test)]
mod tests;
