//! Everything a training depends on, as one TOML file.
//!
//! A run folder holds the settings it was made with (`settings.toml`), which
//! can be used again. Some settings come with the library:
//! [`RECIPES`](crate::recipes::RECIPES). [`SettingsBuilder`] puts a file or a
//! recipe and single values on top of the defaults:
//!
//! ```
//! use training::Settings;
//!
//! let settings = Settings::builder()
//!     .recipe_or_file("emotion")?
//!     .set("training.mixup", "0.2")?
//!     .set("architecture.hidden", "96")?
//!     .build()?;
//! assert_eq!(settings.training.mixup, 0.2);
//! assert_eq!(settings.training.members, 1); // the recipe's
//! # Ok::<(), training::TrainingError>(())
//! ```

mod builder;
mod change;
mod linear;
mod training;

use std::fmt;
use std::path::{Path, PathBuf};

use audio::{FeatureSpec, SpeechLevel};
use model::{Architecture, Backend};
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

pub use builder::SettingsBuilder;
pub use change::change_features;
pub use linear::{COSTS, Linear, LinearKind, SHRINKAGES};
pub use training::{Auxiliary, EnrolmentDraws, Training, Variant};

use crate::TrainingError;

/// The settings of a training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The seed of everything random: weights, order of the clips, dropout, variants.
    pub seed: u64,
    /// Where the arithmetic runs.
    pub backend: Backend,
    /// How the recordings are read: `auto`, the name of a built-in corpus card,
    /// the path of one, `folders` or `manifest`.
    pub corpus: String,
    /// Held-out speakers to test on; unset, the corpus card's or a fifth of all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_speakers: Option<Vec<String>>,
    /// Validation speakers, who decide which epoch is kept; unset, some of the
    /// others. An empty list trains for all epochs and keeps the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_speakers: Option<Vec<String>>,
    /// A model to fine-tune: training starts from its networks; unset, from
    /// weights drawn by the seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<PathBuf>,
    /// How the network is trained.
    pub training: Training,
    /// The network.
    pub architecture: Architecture,
    /// From samples to features: a specification, or the name of one
    /// (`"recommended"`, `"emotion"`, `"encoder"`, `"speech"`, `"emotion+encoder"`).
    #[serde(deserialize_with = "features")]
    pub features: FeatureSpec,
}

/// The feature specification of this name.
fn named_features(name: &str) -> Option<FeatureSpec> {
    match name {
        "recommended" => Some(FeatureSpec::recommended()),
        "emotion" => Some(FeatureSpec::emotion()),
        "encoder" => Some(FeatureSpec::encoder()),
        "speech" => Some(FeatureSpec::speech()),
        "emotion+encoder" => Some(FeatureSpec {
            trim: None,
            level: Some(SpeechLevel::default()),
            encoder: Some(SpeechLevel::default()),
            ..FeatureSpec::emotion()
        }),
        _ => None,
    }
}

/// A feature specification, written out or by its name.
fn features<'de, D: Deserializer<'de>>(deserializer: D) -> Result<FeatureSpec, D::Error> {
    struct SpecOrName;
    impl<'de> Visitor<'de> for SpecOrName {
        type Value = FeatureSpec;

        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str("a feature specification, \"recommended\", \"emotion\", \"encoder\", \"speech\" or \"emotion+encoder\"")
        }

        fn visit_str<E: de::Error>(self, name: &str) -> Result<FeatureSpec, E> {
            named_features(name).ok_or_else(|| E::invalid_value(de::Unexpected::Str(name), &self))
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<FeatureSpec, A::Error> {
            FeatureSpec::deserialize(de::value::MapAccessDeserializer::new(map))
        }
    }
    deserializer.deserialize_any(SpecOrName)
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 1,
            backend: Backend::Auto,
            corpus: corpus::AUTO.into(),
            test_speakers: None,
            validation_speakers: None,
            from: None,
            training: Training::default(),
            architecture: Architecture::default(),
            features: FeatureSpec::recommended(),
        }
    }
}

impl Settings {
    /// Puts a recipe or a file and single values on top of the defaults.
    pub fn builder() -> SettingsBuilder {
        SettingsBuilder::default()
    }

    /// Reads settings from a TOML file; what it does not say has its default.
    ///
    /// # Errors
    ///
    /// [`TrainingError::Io`] where it cannot be read, [`TrainingError::Settings`]
    /// where a setting is unknown, of the wrong type or out of its range.
    pub fn load(path: &Path) -> Result<Self, TrainingError> {
        Self::builder().file(path)?.build()
    }

    /// The settings as TOML.
    ///
    /// # Errors
    ///
    /// [`TrainingError::Settings`] where a number is too large for TOML.
    pub fn to_toml(&self) -> Result<String, TrainingError> {
        toml::to_string_pretty(self).map_err(|error| TrainingError::settings(error.to_string()))
    }

    /// Says which setting is out of its range.
    ///
    /// # Errors
    ///
    /// [`TrainingError::Settings`], or [`TrainingError::Model`] for the
    /// network's and the features' settings.
    pub fn validate(&self) -> Result<(), TrainingError> {
        self.training.validate()?;
        self.architecture.validate()?;
        self.features.validate()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_survive_toml() {
        let settings = Settings {
            seed: 7,
            test_speakers: Some(vec!["1".into(), "22".into()]),
            ..Settings::default()
        };
        let text = settings.to_toml().unwrap();
        assert_eq!(toml::from_str::<Settings>(&text).unwrap(), settings);
    }

    #[test]
    fn feature_blocks_survive_toml_and_are_short_to_write() {
        let mut settings = Settings {
            features: FeatureSpec::emotion(),
            ..Settings::default()
        };
        for block in [
            r#"measure = { spectral = ["flatness", { roll_off = 0.5 }, { chroma = {} }] }"#,
            r#"measure = "log_mel""#,
            r#"measure = { intensity = { floor = 80.0 } }
               deltas = 1
               subtract_mean = { named = ["intensity_db"] }"#,
        ] {
            settings
                .features
                .blocks
                .push(toml::from_str(block).unwrap());
        }
        settings.validate().unwrap();
        let text = settings.to_toml().unwrap();
        assert_eq!(
            toml::from_str::<Settings>(&text).unwrap(),
            settings,
            "{text}"
        );

        let odd = text.replacen("floor_db", "flor_db", 1);
        let error = toml::from_str::<Settings>(&odd).unwrap_err();
        assert!(error.to_string().contains("flor_db"), "{error}");
    }

    #[test]
    fn every_recipe_can_be_used_and_an_unknown_name_lists_them() {
        for (name, _) in crate::recipes::RECIPES {
            let builder = Settings::builder().recipe_or_file(name).unwrap();
            builder.build().unwrap();
        }
        let error = Settings::builder().recipe_or_file("emotional");
        let error = error.err().unwrap().to_string();
        assert!(error.contains("plain"), "{error}");
        let error = toml::from_str::<Settings>("features = \"mfcc\"").unwrap_err();
        assert!(error.to_string().contains("recommended"), "{error}");
    }

    #[test]
    fn an_unknown_setting_is_an_error_that_names_it() {
        let error = toml::from_str::<Settings>("[training]\nepoch = 3").unwrap_err();
        assert!(error.to_string().contains("epoch"), "{error}");
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let mut settings = Settings::default();
        settings.training.variants.clear();
        assert!(settings.validate().is_err());
    }
}
