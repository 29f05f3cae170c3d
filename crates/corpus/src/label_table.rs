//! Labels that a corpus keeps in a table beside its recordings, as MELD and IEMOCAP
//! do, by the entry `[table]` of its card.
//!
//! A line of the table belongs to the recordings that agree with it in every group
//! that both have. MELD's `train_sent_emo.csv` has the groups `part` (from the
//! table's name), `dialogue`, `utterance`, `emotion` and `speaker` (from its
//! columns); the path `train_splits/dia0_utt3.mp4` has `part`, `dialogue` and
//! `utterance`, so the line tells its emotion and its speaker.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use regex::Regex;

use crate::card::LabelTable;
use crate::error::ensure;
use crate::file_names::whole;
use crate::table;

type Codes = BTreeMap<String, String>;

/// The lines of a card's tables.
pub(crate) struct LabelLines {
    /// The groups that the tables and the names share.
    shared: Vec<String>,
    /// Lines by the values of the shared groups; none where two contradict each other.
    lines: HashMap<Vec<String>, Option<Codes>>,
    /// The tables that were read.
    files: usize,
}

impl LabelTable {
    /// The groups that its lines have.
    ///
    /// # Errors
    ///
    /// Where a pattern is not a regular expression, or the table says neither which
    /// columns it has nor how a line is written.
    pub(crate) fn groups(&self) -> Result<BTreeSet<String>, String> {
        ensure!(
            self.line.is_some() == self.columns.is_empty(),
            "table: give `columns` for a table with names in its first line, or `line` for another"
        );
        let mut groups = named_groups(&self.regex()?);
        if let Some(line) = self.line_regex()? {
            groups.extend(named_groups(&line));
        }
        groups.extend(self.columns.keys().cloned());
        Ok(groups)
    }

    fn regex(&self) -> Result<Regex, String> {
        whole(&self.file).map_err(|error| format!("table.file: {error}"))
    }

    fn line_regex(&self) -> Result<Option<Regex>, String> {
        let line = self.line.as_deref();
        line.map(|line| whole(line).map_err(|error| format!("table.line: {error}")))
            .transpose()
    }

    /// Reads the tables among `files`. `names` are the groups of the recordings' names.
    ///
    /// # Errors
    ///
    /// Which table cannot be read, and why.
    pub(crate) fn read(
        &self,
        files: &[PathBuf],
        names: &BTreeSet<String>,
    ) -> Result<LabelLines, String> {
        let (file, line) = (self.regex()?, self.line_regex()?);
        let mut read = LabelLines {
            shared: self.groups()?.intersection(names).cloned().collect(),
            lines: HashMap::new(),
            files: 0,
        };
        for path in files {
            let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
            let Some(found) = file.captures(name) else {
                continue;
            };
            let of_file = codes(&file, &found);
            read.files += 1;
            match &line {
                Some(line) => {
                    let bytes = std::fs::read(path)
                        .map_err(|error| format!("{}: cannot be read: {error}", path.display()))?;
                    for text in String::from_utf8_lossy(&bytes).lines() {
                        if let Some(found) = line.captures(text.trim_end()) {
                            read.add(of_file.clone(), codes(line, &found));
                        }
                    }
                }
                None => self.columns_of(path, &of_file, &mut read)?,
            }
        }
        Ok(read)
    }

    fn columns_of(
        &self,
        path: &Path,
        of_file: &Codes,
        read: &mut LabelLines,
    ) -> Result<(), String> {
        let known = |name: &str| self.columns.values().any(|column| column == name);
        let table = table::read(path, known).map_err(|error| error.to_string())?;
        let mut places = Vec::new();
        for (group, column) in &self.columns {
            let place = table.head.iter().position(|name| name == column);
            let place =
                place.ok_or_else(|| format!("{}: there is no column {column}", path.display()))?;
            places.push((group, place));
        }
        for (_, row) in &table.rows {
            let fields = places
                .iter()
                .map(|(group, place)| ((*group).clone(), row[*place].clone()));
            read.add(of_file.clone(), fields.collect());
        }
        Ok(())
    }
}

impl LabelLines {
    fn add(&mut self, mut codes: Codes, of_line: Codes) {
        codes.extend(of_line);
        let Some(key) = self.key(&codes) else { return };
        let known = self.lines.entry(key).or_insert_with(|| Some(codes.clone()));
        if known.as_ref() != Some(&codes) {
            *known = None;
        }
    }

    fn key(&self, codes: &Codes) -> Option<Vec<String>> {
        self.shared
            .iter()
            .map(|group| codes.get(group).cloned())
            .collect()
    }

    /// Adds what the tables say of a recording whose name has these codes.
    ///
    /// # Errors
    ///
    /// Where no line is about it, or several that contradict each other.
    pub(crate) fn complete(&self, codes: &mut Codes) -> Result<(), String> {
        let line = self.key(codes).and_then(|key| self.lines.get(&key));
        match (line, self.files) {
            (Some(Some(line)), _) => {
                codes.extend(line.clone());
                Ok(())
            }
            (Some(None), _) => Err("two lines of the tables contradict each other".to_owned()),
            (None, 0) => Err("the table of its labels is not in the folder".to_owned()),
            (None, _) => Err("no line of the tables is about it".to_owned()),
        }
    }
}

fn named_groups(regex: &Regex) -> BTreeSet<String> {
    regex.capture_names().flatten().map(str::to_owned).collect()
}

/// The groups that matched, with their text.
pub(crate) fn codes(regex: &Regex, found: &regex::Captures) -> Codes {
    let names = regex.capture_names().flatten();
    // A part that may be absent, and is, has no code.
    names
        .filter_map(|name| Some((name, found.name(name).filter(|m| !m.is_empty())?)))
        .map(|(name, code)| (name.to_owned(), code.as_str().to_owned()))
        .collect()
}
