//! How a network is trained: the settings below `[training]`.

use audio::{Augmenter, FrameMasks, Step};
use serde::{Deserialize, Serialize};

use super::Linear;
use crate::TrainingError;

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
    /// probabilities the model averages; 0 for linear classifiers alone.
    pub members: usize,
    /// How much all networks together count in that average beside the shares of
    /// the linear classifiers.
    pub network_share: f32,
    /// Linear classifiers ([`LinearClassifier`](model::LinearClassifier)).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub linear: Vec<Linear>,
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
            network_share: 1.0,
            linear: Vec::new(),
        }
    }
}

/// Settings of [`Training`] that only networks have.
const OF_NETWORKS: [&str; 13] = [
    "epochs",
    "patience",
    "batch_size",
    "learning_rate",
    "weight_decay",
    "gradient_clip",
    "label_smoothing",
    "crop",
    "masks",
    "mixup",
    "average",
    "auxiliary",
    "network_share",
];

impl Training {
    /// Whether nothing but a network reads the setting of this path, as
    /// `training.epochs` or `architecture.hidden`.
    pub fn only_networks_read(path: &str) -> bool {
        let mut keys = path.split('.');
        match (keys.next(), keys.next()) {
            (Some("architecture"), _) => true,
            (Some("training"), Some(key)) => OF_NETWORKS.contains(&key),
            _ => false,
        }
    }

    /// Says which setting is out of its range.
    ///
    /// # Errors
    ///
    /// [`TrainingError::Settings`], or [`TrainingError::Model`] for an
    /// augmentation's settings.
    pub fn validate(&self) -> Result<(), TrainingError> {
        let above_zero = |value: f64| value.is_finite() && value > 0.0;
        let ranges = [
            (self.epochs > 0, "epochs must be at least 1"),
            (self.patience > 0, "patience must be at least 1"),
            (self.batch_size > 0, "batch_size must be at least 1"),
            (
                above_zero(self.learning_rate),
                "learning_rate must be above 0",
            ),
            (
                self.weight_decay.is_finite() && self.weight_decay >= 0.0,
                "weight_decay must not be negative",
            ),
            (
                above_zero(self.gradient_clip.into()),
                "gradient_clip must be above 0",
            ),
            (
                (0.0..1.0).contains(&self.label_smoothing),
                "label_smoothing must be from 0 to below 1",
            ),
            (
                !self.variants.is_empty(),
                "variants must list at least one way to hear a clip; [{}] changes nothing",
            ),
            (
                self.crop > 0.0 && self.crop <= 1.0,
                "crop must be above 0 and at most 1, which leaves clips whole",
            ),
            (
                (0.0..=100.0).contains(&self.mixup),
                "mixup must be from 0, which is off, to 100",
            ),
            (
                (0.0..1.0).contains(&self.average),
                "average must be from 0, which is off, to below 1",
            ),
            (
                self.enrolment.is_none_or(|draws| {
                    draws.least <= draws.most && (0.0..=1.0).contains(&draws.unknown)
                }),
                "enrolment draws from `least` to `most` clips, and `unknown` is a share from 0 to 1",
            ),
            (
                above_zero(self.temperature.into()),
                "temperature must be above 0; 1 changes nothing",
            ),
            (
                (0..=100).contains(&self.members),
                "members must be from 0 to 100",
            ),
            (
                self.members > 0 || !self.linear.is_empty(),
                "members is 0, so there must be at least one linear classifier",
            ),
            (
                above_zero(self.network_share.into()),
                "network_share must be above 0",
            ),
            (
                self.linear.len() <= 100,
                "there can be at most 100 linear classifiers",
            ),
        ];
        if let Some((_, what)) = ranges.iter().find(|(holds, _)| !holds) {
            return Err(TrainingError::settings(*what));
        }
        for variant in &self.variants {
            variant.validate()?;
        }
        for linear in &self.linear {
            linear.validate()?;
        }
        if let Some(masks) = &self.masks {
            masks.validate()?;
        }
        for Auxiliary { part, weight } in &self.auxiliary {
            if !weight.is_finite() || weight.abs() > 100.0 {
                return Err(TrainingError::settings(format!(
                    "the weight of the auxiliary question `{part}` must be from -100 to 100"
                )));
            }
        }
        Ok(())
    }
}

impl Variant {
    fn validate(&self) -> Result<(), TrainingError> {
        if !(0.25..=4.0).contains(&self.speed) {
            return Err(TrainingError::settings(
                "a variant's speed must be from 0.25 to 4",
            ));
        }
        if !(0.5..=2.0).contains(&self.warp) {
            return Err(TrainingError::settings(
                "a variant's warp must be from 0.5 to 2",
            ));
        }
        Augmenter::new(self.steps.clone())?;
        Ok(())
    }
}
