//! Whether a card makes sense: every entry that speaks of another is checked.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use super::CorpusCard;
use crate::corpus::names::{NameReader, whole};
use crate::corpus::same_speaker;

impl CorpusCard {
    /// Checks that the card does not contradict itself.
    ///
    /// # Errors
    /// Says which entry is wrong and why: a pattern that is no regular
    /// expression or lacks a group that another entry speaks of, a table that
    /// names a code twice, an example that does not fit, folds that share a
    /// speaker, a speaker who is not in the table.
    pub fn validate(&self) -> Result<()> {
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
            "labels: a recogniser needs at least two classes"
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

        let groups = self.groups()?;
        let known = groups.iter().cloned().collect::<Vec<_>>().join(", ");
        for (entry, group) in [
            ("files.label", &self.files.label),
            ("files.speaker", &self.files.speaker),
        ] {
            ensure!(
                groups.contains(group),
                "{entry} = {group:?}: the pattern has no such group, only {known}"
            );
        }
        ensure!(
            self.files.label != self.files.speaker,
            "files.label and files.speaker are the same group"
        );
        for (name, part) in &self.parts {
            ensure!(
                groups.contains(name),
                "parts.{name}: the pattern has no such group, only {known}"
            );
            ensure!(
                *name != self.files.label && *name != self.files.speaker,
                "parts.{name}: the codes of the label are in `labels`, the speakers in `speakers`"
            );
            for code in &part.only {
                ensure!(
                    part.codes.is_empty() || part.codes.contains_key(code),
                    "parts.{name}.only: code {code:?} is not among the codes"
                );
            }
        }

        self.validate_speakers()?;

        // A card whose own example does not fit would turn every file away.
        let reader = NameReader::new(self)?;
        if let Err(reason) = reader.read_path(Path::new(&self.files.example)) {
            bail!(
                "files.example = {:?} does not fit: {reason}",
                self.files.example
            );
        }
        Ok(())
    }

    fn validate_speakers(&self) -> Result<()> {
        let listed = |entry: &str, speakers: &[String]| -> Result<()> {
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
        let disjoint = |entry: &str, lists: &[&[String]]| -> Result<()> {
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

    /// The named groups of the file and the folder pattern.
    fn groups(&self) -> Result<BTreeSet<String>> {
        let mut groups = BTreeSet::new();
        let patterns = [
            ("files.pattern", Some(&self.files.pattern)),
            ("files.folder", self.files.folder.as_ref()),
        ];
        for (entry, pattern) in patterns {
            let Some(pattern) = pattern else { continue };
            let regex = whole(pattern).with_context(|| format!("{entry}: not a pattern"))?;
            groups.extend(regex.capture_names().flatten().map(str::to_owned));
        }
        Ok(groups)
    }
}
