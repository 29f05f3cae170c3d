//! Finding a corpus's recordings in a folder, by the names its card describes.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use walkdir::{DirEntry, WalkDir};

use super::names::NameReader;
use super::{CorpusCard, speaker_order};

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
