//! Label maps: labels renamed, merged and dropped, as a small TOML file.
//!
//! Corpora disagree about names (`angry`, `anger`) and about how many classes to
//! distinguish. A map says what to do with the labels of a corpus:
//!
//! ```toml
//! drop = ["surprised"]     # its clips are left out
//!
//! [rename]
//! angry = "anger"          # another name
//! calm = "neutral"         # labels with the same new name become one class
//! ```
//!
//! A label that the map does not name stays as it is. A label that no corpus has
//! is an error, since it is likely a typing mistake.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::card::Label;
use crate::error::{ensure, toml_text};
use crate::{Corpus, CorpusError, Hint};

/// What to do with the labels of a corpus.
///
/// ```
/// let map: corpus::LabelMap = toml::from_str("drop = ['calm']\nrename = { angry = 'anger' }")?;
/// assert!(map.drop.contains("calm"));
/// assert_eq!(map.rename["angry"], "anger");
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LabelMap {
    /// Labels whose clips are left out.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub drop: BTreeSet<String>,
    /// New name by old name. Labels with the same new name become one class.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub rename: BTreeMap<String, String>,
}

impl LabelMap {
    /// Reads a map from a TOML file.
    ///
    /// # Errors
    ///
    /// [`CorpusError::Io`] where the file cannot be read, [`CorpusError::File`]
    /// where it is not a label map or contradicts itself.
    pub fn load(path: &Path) -> Result<Self, CorpusError> {
        let text = std::fs::read_to_string(path)
            .map_err(CorpusError::io(path, "cannot read the label map"))?;
        let map: Result<Self, String> = toml::from_str(&text).map_err(|error| {
            format!(
                "not a label map; it has drop = [\"label\", ...] and [rename] with \
                 old = \"new\": {}",
                toml_text(&error)
            )
        });
        map.and_then(|map: Self| map.validate().map(|()| map))
            .map_err(CorpusError::file(path))
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.drop.is_empty() && self.rename.is_empty()
    }

    fn validate(&self) -> Result<(), String> {
        for (old, new) in &self.rename {
            ensure!(
                !new.trim().is_empty(),
                "rename: the new name of {old:?} is empty; to leave its clips out, put it into drop"
            );
            ensure!(
                !self.drop.contains(old),
                "{old:?} is both renamed and dropped"
            );
        }
        Ok(())
    }

    /// Refuses a map with a label that is not among `known`.
    pub(crate) fn check(&self, known: &[String]) -> Result<(), String> {
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

    /// The label's new name; `None` where its clips are left out.
    pub(crate) fn get<'a>(&'a self, label: &'a str) -> Option<&'a str> {
        match self.drop.contains(label) {
            true => None,
            false => Some(self.rename.get(label).map_or(label, String::as_str)),
        }
    }

    /// Gives the corpus its new labels, in the order of the old ones.
    ///
    /// # Errors
    ///
    /// [`CorpusError::Labels`] where the map contradicts itself, or fewer than two
    /// labels or no clip would be left.
    pub(crate) fn apply(&self, corpus: &mut Corpus) -> Result<(), CorpusError> {
        if self.is_empty() {
            return Ok(());
        }
        self.validate().map_err(CorpusError::labels)?;
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
        if order.len() < 2 {
            return Err(CorpusError::labels(format!(
                "{}: the label map leaves {} of {}; at least two classes are needed",
                corpus.root.display(),
                match order.as_slice() {
                    [] => "nothing".to_owned(),
                    order => format!("only {}", order.join(", ")),
                },
                old.join(", ")
            )));
        }
        relabel(corpus, &new, &order)
    }
}

impl Corpus {
    /// Gives the same clips the labels `order`, those of a model, by name.
    ///
    /// # Errors
    ///
    /// [`CorpusError::Labels`] where a label of the corpus is not among them.
    pub fn in_order_of(&mut self, order: &[String]) -> Result<(), CorpusError> {
        let old = self.card.label_names();
        let missing: Vec<&str> = (old.iter())
            .filter(|label| !order.contains(label))
            .map(String::as_str)
            .collect();
        if !missing.is_empty() {
            let what = format!(
                "the model has the labels {}, but the corpus has {}; use a label map that renames \
                 or drops {}",
                order.join(", "),
                old.join(", "),
                missing.join(", ")
            );
            return Err(CorpusError::labels(what).with_hint(Hint::LabelMap));
        }
        let same: Vec<Option<String>> = old.into_iter().map(Some).collect();
        relabel(self, &same, order)
    }
}

/// Makes `order` the labels of a corpus. `new` is the new name of each old label,
/// by its index. Clips whose label has none, or one that is not in `order`, are
/// left out.
pub(crate) fn relabel(
    corpus: &mut Corpus,
    new: &[Option<String>],
    order: &[String],
) -> Result<(), CorpusError> {
    let place = |label: usize| {
        let name = new.get(label)?.as_ref()?;
        order.iter().position(|other| other == name)
    };
    corpus.clips.retain_mut(|clip| match place(clip.label) {
        Some(label) => {
            clip.label = label;
            true
        }
        None => false,
    });
    if corpus.clips.is_empty() {
        return Err(CorpusError::labels(format!(
            "{}: no recording has one of the labels {}",
            corpus.root.display(),
            order.join(", ")
        )));
    }
    corpus.card.labels = order.iter().cloned().map(Label::of_class).collect();
    Ok(())
}

#[cfg(test)]
mod tests;
