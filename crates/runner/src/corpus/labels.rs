//! Label maps: classes renamed, merged and dropped, as a small TOML file.
//!
//! Corpora disagree about names (`angry`, `anger`) and about how fine to
//! divide. A map says what to do with the labels of a corpus:
//!
//! ```toml
//! drop = ["surprised"]     # its clips are left out
//!
//! [rename]
//! angry = "anger"          # another name
//! calm = "neutral"         # two that share a name are one class
//! ```
//!
//! A label that the map does not name stays as it is. One that no corpus has is
//! an error: it would be a slip of the pen.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::Corpus;
use super::card::Label;

/// What to do with the labels of a corpus.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LabelMap {
    /// Labels whose clips are left out.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub drop: BTreeSet<String>,
    /// New name by old name. Labels with the same new name become one.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub rename: BTreeMap<String, String>,
}

impl LabelMap {
    /// Reads a map from a TOML file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is not of this form, or contradicts itself.
    pub fn load(path: &Path) -> Result<Self> {
        let shown = path.display();
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("{shown}: cannot read the label map"))?;
        let map: Self = toml::from_str(&text).with_context(|| {
            format!("{shown}: not a label map; it has drop = [\"label\", ...] and [rename] with old = \"new\"")
        })?;
        map.validate().with_context(|| shown.to_string())?;
        Ok(map)
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.drop.is_empty() && self.rename.is_empty()
    }

    pub(super) fn validate(&self) -> Result<()> {
        for (old, new) in &self.rename {
            ensure!(
                !new.trim().is_empty(),
                "rename: {old:?} becomes an empty name; to leave its clips out, put it into drop"
            );
            ensure!(
                !self.drop.contains(old),
                "{old:?} is both renamed and dropped"
            );
        }
        Ok(())
    }

    /// Refuses a map with a label that is not among `known`.
    pub(super) fn check(&self, known: &[String]) -> Result<()> {
        let known: Vec<&str> = (known.iter().enumerate())
            .filter(|(index, label)| !known[..*index].contains(label))
            .map(|(_, label)| label.as_str())
            .collect();
        for label in self.drop.iter().chain(self.rename.keys()) {
            ensure!(
                known.contains(&label.as_str()),
                "label map: there is no label {label:?}, only {}",
                known.join(", ")
            );
        }
        Ok(())
    }

    /// The label's new name; none where its clips are left out.
    pub(super) fn get<'a>(&'a self, label: &'a str) -> Option<&'a str> {
        match self.drop.contains(label) {
            true => None,
            false => Some(self.rename.get(label).map_or(label, String::as_str)),
        }
    }

    /// The corpus under its new labels, in the order of the old ones.
    ///
    /// # Errors
    ///
    /// Where fewer than two labels or no clip would be left.
    pub(super) fn apply(&self, corpus: &mut Corpus) -> Result<()> {
        if self.is_empty() {
            return Ok(());
        }
        self.validate()?;
        let old = corpus.card.label_names();
        let new: Vec<Option<String>> = old
            .iter()
            .map(|label| self.get(label).map(str::to_owned))
            .collect();
        let mut order: Vec<String> = Vec::new();
        for label in new.iter().flatten() {
            if !order.contains(label) {
                order.push(label.clone());
            }
        }
        ensure!(
            order.len() >= 2,
            "{}: the label map leaves {} of {}; a recogniser needs at least two classes",
            corpus.root.display(),
            match order.as_slice() {
                [] => "nothing".to_owned(),
                order => format!("only {}", order.join(", ")),
            },
            old.join(", ")
        );
        relabel(corpus, &new, &order)
    }
}

impl Corpus {
    /// The same clips under the labels `order`, each of which keeps its name.
    ///
    /// # Errors
    ///
    /// A label of the corpus that is not among them, by name.
    pub fn in_order_of(&mut self, order: &[String]) -> Result<()> {
        let old = self.card.label_names();
        let missing: Vec<&str> = (old.iter())
            .filter(|label| !order.contains(label))
            .map(String::as_str)
            .collect();
        ensure!(
            missing.is_empty(),
            "the model knows {}, but the corpus has {}: they cannot be compared. A label map \
             (--labels MAP.toml) renames or drops {}",
            order.join(", "),
            old.join(", "),
            missing.join(", ")
        );
        let same: Vec<Option<String>> = old.into_iter().map(Some).collect();
        relabel(self, &same, order)
    }
}

/// Gives the label at each index its new name, drops the clips of those without
/// one or with one that is not in `order`, and makes `order` the labels.
pub(super) fn relabel(corpus: &mut Corpus, new: &[Option<String>], order: &[String]) -> Result<()> {
    let place = |label: usize| {
        let name = new[label].as_ref()?;
        order.iter().position(|other| other == name)
    };
    corpus.clips.retain_mut(|clip| match place(clip.label) {
        Some(label) => {
            clip.label = label;
            true
        }
        None => false,
    });
    ensure!(
        !corpus.clips.is_empty(),
        "{}: no recording has one of the labels {}",
        corpus.root.display(),
        order.join(", ")
    );
    corpus.card.labels = order.iter().cloned().map(Label::of_class).collect();
    Ok(())
}

#[cfg(test)]
mod tests;
