//! Everything a training depends on, as one TOML file.
//!
//! A run folder holds the settings it was made with (`settings.toml`), and
//! `runner train --config settings.toml` takes them back.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use audio::FeatureSpec;
use model::{Architecture, Backend};
use serde::{Deserialize, Serialize};

/// The settings of a training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The seed of everything random: weights, order of the clips, dropout, speeds.
    pub seed: u64,
    /// Where the arithmetic runs.
    pub backend: Backend,
    /// How the recordings are read: `auto`, the name of a built-in corpus card,
    /// the path of one, `folders` or `manifest`.
    pub corpus: String,
    /// Speakers never heard in training; unset, the corpus card's or a fifth of all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_speakers: Option<Vec<String>>,
    /// Speakers that decide which epoch is kept; unset, some of the others. An
    /// empty list trains for all epochs and keeps the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_speakers: Option<Vec<String>>,
    /// How the network is trained.
    pub training: Training,
    /// The network.
    pub architecture: Architecture,
    /// From samples to features.
    pub features: FeatureSpec,
}

/// How the network is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Training {
    /// Most passes over the training clips.
    pub epochs: usize,
    /// Stop after this many epochs without a better validation UAR.
    pub patience: usize,
    /// Clips a step.
    pub batch_size: usize,
    /// Highest learning rate of the schedule (10 % linear warm-up, then a cosine to zero).
    pub learning_rate: f64,
    /// Decoupled weight decay of AdamW (Loshchilov and Hutter, 2019).
    pub weight_decay: f64,
    /// Largest norm of the gradient of one parameter.
    pub gradient_clip: f32,
    /// Share of every target that is spread over all labels.
    pub label_smoothing: f32,
    /// Whether a rare label's clips count for more, so that every label counts alike.
    pub class_weights: bool,
    /// Speeds at which a training clip is heard; one is drawn anew for each clip and epoch.
    pub speeds: Vec<f64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 1,
            backend: Backend::Auto,
            corpus: crate::corpus::AUTO.into(),
            test_speakers: None,
            validation_speakers: None,
            training: Training::default(),
            architecture: Architecture::default(),
            features: FeatureSpec::recommended(),
        }
    }
}

impl Default for Training {
    fn default() -> Self {
        Self {
            epochs: 40,
            patience: 15,
            batch_size: 32,
            learning_rate: 2e-3,
            weight_decay: 1e-2,
            gradient_clip: 2.0,
            label_smoothing: 0.1,
            class_weights: true,
            speeds: vec![0.9, 1.0, 1.1],
        }
    }
}

impl Settings {
    /// Reads settings from a TOML file; what it does not name has its default.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("{}", path.display()))?;
        let settings: Self = toml::from_str(&text)
            .with_context(|| format!("{}: not a settings file", path.display()))?;
        settings
            .validate()
            .with_context(|| format!("{}", path.display()))?;
        Ok(settings)
    }

    /// The settings as TOML.
    pub fn to_toml(&self) -> Result<String> {
        Ok(toml::to_string_pretty(self)?)
    }

    /// Says which setting is out of its range.
    pub fn validate(&self) -> Result<()> {
        let t = &self.training;
        ensure!(t.epochs > 0, "epochs must be at least 1");
        ensure!(t.patience > 0, "patience must be at least 1");
        ensure!(t.batch_size > 0, "batch_size must be at least 1");
        ensure!(
            t.learning_rate.is_finite() && t.learning_rate > 0.0,
            "learning_rate must be above 0"
        );
        ensure!(
            t.weight_decay.is_finite() && t.weight_decay >= 0.0,
            "weight_decay must not be negative"
        );
        ensure!(
            t.gradient_clip.is_finite() && t.gradient_clip > 0.0,
            "gradient_clip must be above 0"
        );
        ensure!(
            (0.0..1.0).contains(&t.label_smoothing),
            "label_smoothing must be from 0 to below 1"
        );
        ensure!(
            !t.speeds.is_empty() && t.speeds.iter().all(|speed| (0.25..=4.0).contains(speed)),
            "speeds must be numbers from 0.25 to 4; [1.0] changes nothing"
        );
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
    fn an_unknown_setting_is_an_error_that_names_it() {
        let error = toml::from_str::<Settings>("[training]\nepoch = 3").unwrap_err();
        assert!(error.to_string().contains("epoch"), "{error}");
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let mut settings = Settings::default();
        settings.training.speeds.clear();
        assert!(settings.validate().is_err());
    }
}
