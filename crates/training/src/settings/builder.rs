//! Settings in layers: defaults, a recipe or file, a model to fine-tune, single values.

use std::path::Path;

use model::Model;
use serde::Serialize;
use serde_json::Value;

use super::{LinearKind, Settings, named_features};
use crate::trainer::has_networks;
use crate::{TrainingError, recipes};

/// Collects layers of settings on top of the defaults; a later layer wins.
///
/// Layers are merged as RFC 7396 says: tables setting by setting, while lists
/// are replaced as a whole. The features of a file replace those below.
#[derive(Clone, Debug)]
pub struct SettingsBuilder {
    merged: Value,
    /// What a message says the settings are from.
    from: Vec<String>,
}

impl Default for SettingsBuilder {
    fn default() -> Self {
        Self {
            // Plain data: there is nothing in it that JSON lacks.
            merged: serde_json::to_value(Settings::default()).unwrap_or_default(),
            from: Vec::new(),
        }
    }
}

impl SettingsBuilder {
    /// A recipe by its name, or else a file.
    ///
    /// # Errors
    ///
    /// [`TrainingError::Settings`] where there is neither, with the names of the recipes.
    pub fn recipe_or_file(self, name: impl AsRef<Path>) -> Result<Self, TrainingError> {
        let path = name.as_ref();
        match path.to_str().and_then(recipes::recipe) {
            Some(text) => self.document(text, format!("recipe {}", path.display())),
            None if !path.exists() => Err(TrainingError::settings(format!(
                "{}: neither a file nor a recipe ({})",
                path.display(),
                recipes::names()
            ))),
            None => self.file(path),
        }
    }

    /// A TOML file.
    ///
    /// # Errors
    ///
    /// [`TrainingError::Io`] where it cannot be read, [`TrainingError::Settings`]
    /// where it is not TOML.
    pub fn file(self, path: &Path) -> Result<Self, TrainingError> {
        let text = std::fs::read_to_string(path).map_err(TrainingError::io(path))?;
        self.document(&text, path.display().to_string())
    }

    /// The features and the network of a model that will be fine-tuned.
    ///
    /// # Errors
    ///
    /// [`TrainingError::Settings`] where the model has no network, or they cannot be
    /// written as TOML.
    pub fn fine_tuned(self, model: &Model, from: &Path) -> Result<Self, TrainingError> {
        has_networks(model)?;
        #[derive(Serialize)]
        struct Layer<'a> {
            from: &'a Path,
            architecture: &'a model::Architecture,
            features: &'a audio::FeatureSpec,
        }
        let layer = Layer {
            from,
            architecture: &model.description.architecture,
            features: &model.description.features,
        };
        let text = toml::to_string(&layer);
        let text = text.map_err(|error| TrainingError::settings(error.to_string()))?;
        let mut below = self;
        // All of the model's architecture counts, also what it leaves unset.
        below.merged["architecture"] = Value::Null;
        below.document(&text, "the model to fine-tune".into())
    }

    /// A linear classifier on the functionals in the place of all networks. Nobody
    /// validates: there are no epochs to choose from, and what is chosen is chosen by
    /// training speakers left out of a fit.
    ///
    /// # Errors
    ///
    /// [`TrainingError::Settings`] where it cannot be written as TOML.
    pub fn classifier(self, kind: LinearKind) -> Result<Self, TrainingError> {
        let layer = serde_json::json!({
            "validation_speakers": [],
            "training": {
                "members": 0,
                "linear": [{ "kind": kind, "inputs": "functionals" }],
            },
        });
        self.merge(layer, "one linear classifier".into())
    }

    /// One setting by its path, as in `training.mixup` and `0.2`; the number of an entry
    /// of a list counts from 0, as in `training.linear.0.cost`. The value is written as
    /// in TOML; quotes around text may be left out.
    ///
    /// # Errors
    ///
    /// [`TrainingError::Settings`] where the path cannot be one.
    pub fn set(self, path: &str, value: &str) -> Result<Self, TrainingError> {
        let is_key = |key: &str| {
            !key.is_empty()
                && (key.chars()).all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
        };
        if !path.split('.').all(is_key) {
            return Err(TrainingError::settings(format!(
                "`{path}` is not the path of a setting; write it as in `training.mixup`"
            )));
        }
        let as_written = format!("{path} = {value}");
        let text = match as_written.parse::<toml::Table>() {
            Ok(_) => as_written,
            Err(_) => format!("{path} = {}", toml::Value::String(value.to_owned())),
        };
        self.layer(&text, format!("{path}={value}"))
    }

    /// The settings, checked.
    ///
    /// # Errors
    ///
    /// [`TrainingError::Settings`] where a setting is unknown, of the wrong
    /// type or out of its range, with where the settings are from.
    pub fn build(self) -> Result<Settings, TrainingError> {
        let wrong = |what: String| match self.from.is_empty() {
            true => TrainingError::settings(what),
            false => TrainingError::settings(format!("{} ({what})", self.from.join(", "))),
        };
        let settings: Settings = serde_path_to_error::deserialize(&self.merged)
            .map_err(|error| wrong(error.to_string()))?;
        settings
            .validate()
            .map_err(|error| wrong(error.to_string()))?;
        Ok(settings)
    }

    /// A whole file: its features replace all that is below them.
    fn document(mut self, text: &str, from: String) -> Result<Self, TrainingError> {
        let mut layer = parse(text, &from)?;
        if let Some(features) = layer.get_mut("features") {
            expand(features);
            self.merged["features"] = Value::Null;
        }
        self.merge(layer, from)
    }

    /// One setting. Features by a name replace all that is below them; parts of
    /// features change those parts.
    fn layer(mut self, text: &str, from: String) -> Result<Self, TrainingError> {
        let mut layer = parse(text, &from)?;
        of_entries(&mut layer, &self.merged, &from)?;
        if let Some(features) = layer.get_mut("features") {
            if features.is_string() {
                self.merged["features"] = Value::Null;
            }
            expand(features);
        }
        self.merge(layer, from)
    }

    fn merge(mut self, layer: Value, from: String) -> Result<Self, TrainingError> {
        json_patch::merge(&mut self.merged, &layer);
        self.from.push(from);
        Ok(self)
    }
}

/// TOML as the values that are merged.
fn parse(text: &str, from: &str) -> Result<Value, TrainingError> {
    toml::from_str(text).map_err(|error| TrainingError::settings(format!("{from}: {error}")))
}

/// Where `layer` names entries of a list by their numbers, puts the list of `below`
/// there with these entries changed.
fn of_entries(layer: &mut Value, below: &Value, from: &str) -> Result<(), TrainingError> {
    let Value::Object(changes) = layer else {
        return Ok(());
    };
    let Value::Array(list) = below else {
        let known = |key: &str| below.get(key).filter(|below| !below.is_null());
        return changes.iter_mut().try_for_each(|(key, change)| {
            known(key).map_or(Ok(()), |below| of_entries(change, below, from))
        });
    };
    let mut list = list.clone();
    for (key, change) in changes {
        let count = list.len();
        let entry = key.parse().ok().and_then(|at: usize| list.get_mut(at));
        let entry = entry.ok_or_else(|| {
            TrainingError::settings(format!(
                "{from}: `{key}` is not the number of an entry; there are {count}, counted from 0"
            ))
        })?;
        of_entries(change, entry, from)?;
        json_patch::merge(entry, change);
    }
    *layer = Value::Array(list);
    Ok(())
}

/// Writes out features that are given by a name, so that later layers can
/// change some of them. An unknown name stays, and is refused in the end.
fn expand(features: &mut Value) {
    let named = features.as_str().and_then(named_features);
    if let Some(Ok(written_out)) = named.map(serde_json::to_value) {
        *features = written_out;
    }
}

#[cfg(test)]
mod tests {
    use audio::FeatureSpec;

    use super::*;
    use crate::settings::Linear;

    fn set(path: &str, value: &str) -> Result<Settings, TrainingError> {
        Settings::builder()
            .recipe_or_file("emotion")?
            .set(path, value)?
            .build()
    }

    #[test]
    fn a_value_changes_its_setting_and_no_other() {
        let recipe = Settings::builder().recipe_or_file("emotion").unwrap();
        let mut expected = recipe.build().unwrap();
        expected.training.mixup = 0.25;
        assert_eq!(set("training.mixup", "0.25").unwrap(), expected);
    }

    #[test]
    fn a_recipe_through_the_builder_is_what_toml_makes_of_it() {
        for (name, text) in recipes::RECIPES {
            let built = Settings::builder().recipe_or_file(name).unwrap();
            let parsed: Settings = toml::from_str(text).unwrap();
            assert_eq!(built.build().unwrap(), parsed, "{name}");
        }
    }

    #[test]
    fn tables_lists_and_text_can_be_set() {
        let settings = set("training.enrolment.most", "9").unwrap();
        let draws = settings.training.enrolment.unwrap();
        assert_eq!((draws.least, draws.most, draws.unknown), (1, 9, 0.4));
        let settings = set("training.variants", "[{ speed = 0.5 }]").unwrap();
        assert_eq!(settings.training.variants.len(), 1);
        let settings = set("training.linear.0.share", "0.5").unwrap();
        let [linear] = &settings.training.linear[..] else {
            panic!("one linear classifier")
        };
        assert_eq!((linear.share, linear.shrinkage), (0.5, Some(0.5)));
        let settings = set("architecture.cell", "gru").unwrap();
        assert_eq!(settings.architecture.cell, recurrent::CellKind::Gru);
        let settings = set("features.mfcc.n_mfcc", "15").unwrap();
        let recipe = Settings::builder().recipe_or_file("emotion").unwrap();
        let mut features = recipe.build().unwrap().features;
        features.mfcc.n_mfcc = 15;
        assert_eq!(settings.features, features);
        let scratch = Settings::builder().recipe_or_file("emotion-scratch");
        let settings = scratch.unwrap().set("features", "recommended").unwrap();
        let settings = settings.build().unwrap();
        assert_eq!(settings.features, FeatureSpec::recommended());
        let settings = set("validation_speakers", "[\"3\"]").unwrap();
        assert_eq!(settings.validation_speakers.unwrap(), ["3"]);
    }

    #[test]
    fn a_classifier_takes_the_place_of_the_networks_and_nothing_else() {
        let recipe = || Settings::builder().recipe_or_file("emotion").unwrap();
        let builder = recipe().classifier(LinearKind::Svm).unwrap();
        let builder = builder.set("training.linear.0.cost", "0.5").unwrap();
        let settings = builder.build().unwrap();
        let mut expected = recipe().build().unwrap();
        expected.training.members = 0;
        expected.training.linear = vec![Linear {
            kind: LinearKind::Svm,
            inputs: model::LinearInputs::Functionals,
            cost: Some(0.5),
            ..Linear::default()
        }];
        assert_eq!(settings, expected);
    }

    #[test]
    fn what_cannot_be_set_is_named() {
        for (path, value, named) in [
            (
                "training.linear.1.share",
                "1",
                "there are 1, counted from 0",
            ),
            ("training.linear.0.shares", "1", "shares"),
            ("training.linear.0.cost", "1", "`lda` has a shrinkage"),
            ("training.linear.0.kind", "svm", "the others have a cost"),
            ("training.mixing", "1", "mixing"),
            ("training.mixup", "much", "mixup"),
            ("training.mixup", "-1", "mixup must be from 0"),
            ("training..mixup", "1", "training..mixup"),
            ("features", "mfcc", "recommended"),
        ] {
            let error = set(path, value).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }
}
