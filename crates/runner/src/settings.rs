//! Everything a training depends on, as one TOML file.
//!
//! A run folder holds the settings it was made with (`settings.toml`), and
//! `runner train --config settings.toml` takes them back. Some come with the
//! program: the recipes below `crates/runner/recipes`, each with what it gave,
//! are taken by their names, as in `--config plain`.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use audio::{Augmenter, FeatureSpec, FrameMasks, Step};
use model::{Architecture, Backend};
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

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
    /// Speakers never heard in training; unset, the corpus card's or a fifth of all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_speakers: Option<Vec<String>>,
    /// Speakers that decide which epoch is kept; unset, some of the others. An
    /// empty list trains for all epochs and keeps the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_speakers: Option<Vec<String>>,
    /// A model whose networks the training begins with; unset, with weights
    /// drawn by the seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<PathBuf>,
    /// How the network is trained.
    pub training: Training,
    /// The network.
    pub architecture: Architecture,
    /// From samples to features: a specification, or the name of one
    /// (`"recommended"`, `"emotion"`).
    #[serde(deserialize_with = "features")]
    pub features: FeatureSpec,
}

/// A feature specification, written out or by its name.
fn features<'de, D: Deserializer<'de>>(deserializer: D) -> Result<FeatureSpec, D::Error> {
    struct SpecOrName;
    impl<'de> Visitor<'de> for SpecOrName {
        type Value = FeatureSpec;

        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str("a feature specification, \"recommended\" or \"emotion\"")
        }

        fn visit_str<E: de::Error>(self, name: &str) -> Result<FeatureSpec, E> {
            match name {
                "recommended" => Ok(FeatureSpec::recommended()),
                "emotion" => Ok(FeatureSpec::emotion()),
                other => Err(E::invalid_value(de::Unexpected::Str(other), &self)),
            }
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<FeatureSpec, A::Error> {
            FeatureSpec::deserialize(de::value::MapAccessDeserializer::new(map))
        }
    }
    deserializer.deserialize_any(SpecOrName)
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
    /// How a training clip is heard; one of these is drawn anew for each clip
    /// and epoch. Their features are extracted once and kept.
    pub variants: Vec<Variant>,
    /// A clip is cut to a random piece of at least this share; 1 leaves it whole.
    pub crop: f64,
    /// Frames and columns hidden at random (SpecAugment).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub masks: Option<FrameMasks>,
    /// Clips of a batch are mixed with others by shares drawn from
    /// Beta(mixup, mixup), after the pooling (Zhang et al., 2018; Verma et al.,
    /// 2019); 0 is off.
    pub mixup: f64,
    /// The kept weights are a moving average of those of all steps, which keeps
    /// this share of itself at each; 0 keeps the last step's.
    pub average: f64,
    /// Normalise clips by what other clips say of their speaker, so that the
    /// model gains from enrolment; unset, only by the training set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enrolment: Option<EnrolmentDraws>,
    /// Second questions that the network is asked in training.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub auxiliary: Vec<Auxiliary>,
    /// What the logarithms of the probabilities are divided by where there are
    /// no validation speakers to tell it.
    pub temperature: f32,
    /// Networks that are trained, each with a seed of its own, and whose
    /// probabilities the model averages.
    pub members: usize,
}

/// How a training clip is heard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Variant {
    /// Faster or slower, pitch with it.
    pub speed: f64,
    /// The vocal tract's length: frequencies times this before the mel filters.
    pub warp: f64,
    /// Further changes, one after the other; what they draw at random depends
    /// on the variant and the file's name and nothing else.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
}

impl Default for Variant {
    fn default() -> Self {
        Self {
            speed: 1.0,
            warp: 1.0,
            steps: Vec::new(),
        }
    }
}

/// A second question that the network is asked in training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auxiliary {
    /// `speaker`, `sex`, or a part of the file's name, as RAVDESS's `intensity`.
    pub part: String,
    /// How much its gradient counts in the network; negative to make the
    /// network forget the answer.
    pub weight: f64,
}

/// How many of a speaker's other clips a training clip is normalised by.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EnrolmentDraws {
    /// At least.
    pub least: usize,
    /// At most; each number as likely.
    pub most: usize,
    /// Share of clips that are heard as a stranger's instead.
    pub unknown: f64,
}

impl Default for EnrolmentDraws {
    fn default() -> Self {
        Self {
            least: 3,
            most: 60,
            unknown: 0.0,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 1,
            backend: Backend::Auto,
            corpus: crate::corpus::AUTO.into(),
            test_speakers: None,
            validation_speakers: None,
            from: None,
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
            variants: [0.9, 1.0, 1.1]
                .map(|speed| Variant {
                    speed,
                    ..Variant::default()
                })
                .to_vec(),
            crop: 1.0,
            masks: None,
            mixup: 0.0,
            average: 0.0,
            enrolment: None,
            auxiliary: Vec::new(),
            temperature: 1.0,
            members: 1,
        }
    }
}

/// The recipes that come with the program, by their names.
const RECIPES: [(&str, &str); 2] = [
    ("emotion", include_str!("../recipes/emotion.toml")),
    ("plain", include_str!("../recipes/plain.toml")),
];

impl Settings {
    /// Reads settings from a TOML file, or the recipe of this name; what it
    /// does not say has its default.
    ///
    /// # Errors
    ///
    /// Where there is neither, or it is not one of settings.
    pub fn load(path: &Path) -> Result<Self> {
        let recipe = RECIPES.iter().find(|(name, _)| path == Path::new(name));
        let text = match recipe {
            Some((_, text)) => (*text).to_owned(),
            None => std::fs::read_to_string(path).with_context(|| {
                let names = RECIPES.map(|(name, _)| name).join(", ");
                format!("{}: neither a file nor a recipe ({names})", path.display())
            })?,
        };
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
            !t.variants.is_empty(),
            "variants must list at least one way to hear a clip; [{{}}] changes nothing"
        );
        for variant in &t.variants {
            ensure!(
                (0.25..=4.0).contains(&variant.speed),
                "a variant's speed must be from 0.25 to 4"
            );
            ensure!(
                (0.5..=2.0).contains(&variant.warp),
                "a variant's warp must be from 0.5 to 2"
            );
            Augmenter::new(variant.steps.clone())?;
        }
        ensure!(
            t.crop > 0.0 && t.crop <= 1.0,
            "crop must be above 0 and at most 1, which leaves clips whole"
        );
        if let Some(masks) = &t.masks {
            masks.validate()?;
        }
        ensure!(
            (0.0..=100.0).contains(&t.mixup),
            "mixup must be from 0, which is off, to 100"
        );
        ensure!(
            (0.0..1.0).contains(&t.average),
            "average must be from 0, which is off, to below 1"
        );
        if let Some(draws) = &t.enrolment {
            ensure!(
                draws.least <= draws.most && (0.0..=1.0).contains(&draws.unknown),
                "enrolment draws from `least` to `most` clips, `unknown` being a share from 0 to 1"
            );
        }
        for Auxiliary { part, weight } in &t.auxiliary {
            ensure!(
                weight.is_finite() && weight.abs() <= 100.0,
                "the weight of the auxiliary question `{part}` must be from -100 to 100"
            );
        }
        ensure!(
            t.temperature.is_finite() && t.temperature > 0.0,
            "temperature must be above 0; 1 changes nothing"
        );
        ensure!(
            (1..=100).contains(&t.members),
            "members must be from 1 to 100"
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
    fn every_recipe_can_be_used_and_a_name_that_is_none_is_told() {
        for (name, _) in RECIPES {
            Settings::load(Path::new(name)).unwrap();
        }
        let error = format!("{:#}", Settings::load(Path::new("emotional")).unwrap_err());
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
