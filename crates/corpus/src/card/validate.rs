//! Whether a card makes sense: every entry that refers to another is checked.

use std::collections::BTreeSet;
use std::path::Path;

use super::{CorpusCard, FileNames};
use crate::error::ensure;
use crate::file_names::{NameReader, whole};
use crate::{CorpusError, same_speaker};

impl CorpusCard {
    /// Checks that the card does not contradict itself.
    ///
    /// # Errors
    ///
    /// [`CorpusError::Card`], which says which entry is wrong and why: a pattern
    /// that is not a regular expression or lacks a group that another entry
    /// names, a code that is there twice, an example that does not fit, folds
    /// that share a speaker, a speaker who is not in the table.
    pub fn validate(&self) -> Result<(), CorpusError> {
        (self.check()).map_err(|what| CorpusError::Card { path: None, what })
    }

    pub(super) fn check(&self) -> Result<(), String> {
        for (entry, name) in [("name", &self.name)]
            .into_iter()
            .chain(self.speakers_of.iter().map(|name| ("speakers_of", name)))
        {
            ensure!(
                !name.is_empty()
                    && (name.chars()).all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)),
                "{entry} = {name:?}: give a short name of letters, digits, '-', '_' and '.'",
            );
        }
        ensure!(
            self.label_names().len() >= 2,
            "labels: at least two classes are needed"
        );
        let mut codes = BTreeSet::new();
        for label in &self.labels {
            ensure!(
                !label.code.is_empty() && !label.name.trim().is_empty(),
                "labels: a code or a name is empty"
            );
            ensure!(
                codes.insert(&label.code),
                "labels: code {:?} is there twice",
                label.code
            );
        }

        self.check_groups()?;
        self.check_speakers()?;

        for code in self.left_out.keys() {
            ensure!(
                !codes.contains(code),
                "left_out: code {code:?} is also in `labels`"
            );
        }
        // A card whose own example does not fit would turn every file away.
        let reader = NameReader::new(self)?;
        // What only a table tells is not in a name.
        let example = match self.table {
            None => reader.read_path(Path::new(&self.files.example)).map(|_| ()),
            Some(_) => reader.check_path(Path::new(&self.files.example)),
        };
        match example {
            Ok(()) => Ok(()),
            Err(unread) => Err(format!(
                "files.example = {:?} does not fit: {}",
                self.files.example, unread.reason
            )),
        }
    }

    /// Entries that name a group of the patterns.
    fn check_groups(&self) -> Result<(), String> {
        let groups = self.groups()?;
        let known = groups.iter().cloned().collect::<Vec<_>>().join(", ");
        let speaker = self.files.speaker_groups()?;
        let label = [&self.files.label]
            .into_iter()
            .map(|group| ("files.label", group.as_str()));
        for (entry, group) in label.chain(speaker.iter().map(|group| ("files.speaker", *group))) {
            ensure!(
                groups.contains(group),
                "{entry} = {group:?}: the pattern has no such group, only {known}"
            );
        }
        ensure!(
            !speaker.contains(&self.files.label.as_str()),
            "files.label and files.speaker are the same group"
        );
        for (name, part) in &self.parts {
            ensure!(
                groups.contains(name),
                "parts.{name}: the pattern has no such group, only {known}"
            );
            let tells_speaker = speaker.len() == 1 && speaker[0] == name;
            ensure!(
                *name != self.files.label && !tells_speaker,
                "parts.{name}: the codes of the label are in `labels`, the speakers in `speakers`"
            );
            for code in &part.only {
                ensure!(
                    part.codes.is_empty() || part.codes.contains_key(code),
                    "parts.{name}.only: code {code:?} is not among the codes"
                );
            }
        }
        Ok(())
    }

    /// Entries that name speakers.
    fn check_speakers(&self) -> Result<(), String> {
        let listed = |entry: &str, speakers: &[String]| -> Result<(), String> {
            for speaker in speakers {
                ensure!(
                    self.speakers.is_empty()
                        || same_speaker(speaker, self.speakers.keys().map(String::as_str))
                            .is_some(),
                    "{entry}: speaker {speaker:?} is not in the table of speakers"
                );
            }
            Ok(())
        };
        let disjoint = |entry: &str, lists: &[&[String]]| -> Result<(), String> {
            let mut seen: Vec<&str> = Vec::new();
            for speaker in lists.iter().flat_map(|list| list.iter()) {
                ensure!(
                    same_speaker(speaker, seen.iter().copied()).is_none(),
                    "{entry}: speaker {speaker:?} is there twice"
                );
                seen.push(speaker);
            }
            Ok(())
        };

        if let Some(split) = &self.split {
            listed("split.test", &split.test)?;
            listed("split.validation", &split.validation)?;
            disjoint("split", &[&split.test, &split.validation])?;
            ensure!(!split.test.is_empty(), "split.test: names no speaker");
        }
        let mut names = BTreeSet::new();
        for protocol in &self.protocols {
            let entry = format!("protocols {:?}", protocol.name);
            ensure!(names.insert(&protocol.name), "{entry}: there twice");
            ensure!(
                protocol.folds.len() >= 2,
                "{entry}: needs at least two folds"
            );
            for fold in &protocol.folds {
                let fold_entry = format!("{entry}, fold {:?}", fold.name);
                ensure!(!fold.test.is_empty(), "{fold_entry}: names no speaker");
                listed(&fold_entry, &fold.test)?;
            }
            let lists: Vec<&[String]> = protocol.folds.iter().map(|f| &f.test[..]).collect();
            disjoint(&entry, &lists)?;
        }
        Ok(())
    }

    /// The named groups of all patterns and of the table.
    fn groups(&self) -> Result<BTreeSet<String>, String> {
        let mut groups = self.name_groups()?;
        if let Some(table) = &self.table {
            groups.extend(table.groups()?);
        }
        Ok(groups)
    }

    /// The named groups of the patterns for files, folders and paths.
    pub(crate) fn name_groups(&self) -> Result<BTreeSet<String>, String> {
        let mut groups = BTreeSet::new();
        let patterns = [
            ("files.pattern", Some(&self.files.pattern)),
            ("files.folder", self.files.folder.as_ref()),
            ("files.path", self.files.path.as_ref()),
        ];
        for (entry, pattern) in patterns {
            let Some(pattern) = pattern else { continue };
            let regex = whole(pattern).map_err(|error| format!("{entry}: {error}"))?;
            groups.extend(regex.capture_names().flatten().map(str::to_owned));
        }
        Ok(groups)
    }
}

impl FileNames {
    /// The groups that the speaker is made of: one, or those in braces.
    pub(crate) fn speaker_groups(&self) -> Result<Vec<&str>, String> {
        if !self.speaker.contains('{') {
            return Ok(vec![&self.speaker]);
        }
        let mut groups = Vec::new();
        for part in self.speaker.split('{').skip(1) {
            let (group, _) = part.split_once('}').ok_or_else(|| {
                format!("files.speaker = {:?}: a brace is not closed", self.speaker)
            })?;
            groups.push(group);
        }
        Ok(groups)
    }
}
