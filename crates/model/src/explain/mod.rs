//! Why a recording gets its label: which seconds and which features decide.
//!
//! The **score** that is explained is the logarithm of the odds, `ln p / (1 - p)`, of a
//! label's final probability: after the mean over the ensemble, the temperature and the
//! corrections of a few-shot adaptation. It is 0 where the label is as probable as all
//! others together; a change of 0.7 doubles or halves the odds.
//!
//! | question | how | file |
//! |---|---|---|
//! | which seconds? | occlusion: a window becomes silent, everything runs again | `occlusion.rs` |
//! | which seconds, by another way? | integrated gradients over frames (feature `train`) | `gradients.rs`, `states.rs` |
//! | which features? | a group's numbers become the training's means | `groups.rs`, `point.rs` |
//!
//! Attribution is not cause: it says what this model's score reacts to.

#[cfg(feature = "train")]
mod gradients;
mod groups;
mod occlusion;
mod point;
#[cfg(feature = "train")]
mod states;
#[cfg(test)]
mod tests;

use audio::Recording;
use serde::Serialize;

use self::point::Point;
use crate::{ModelError, Recognizer};

#[cfg(feature = "train")]
pub use gradients::IntegratedGradients;
pub use groups::{FeatureGroup, GroupPlaces, feature_groups};
pub use occlusion::Window;

/// How a recording is explained.
#[derive(Clone, Debug, PartialEq)]
pub struct ExplainSettings {
    /// The label whose score is explained; none is the most probable one.
    pub label: Option<usize>,
    /// Seconds of a window that becomes silent, 0.02 to 10.
    pub window: f64,
    /// Seconds from one window to the next, 0.01 to 10.
    pub hop: f64,
    /// Steps of the integrated gradients, 1 to 1024.
    pub steps: usize,
}

impl Default for ExplainSettings {
    fn default() -> Self {
        Self {
            label: None,
            window: 0.25,
            hop: 0.125,
            steps: 128,
        }
    }
}

impl ExplainSettings {
    fn validate(&self, labels: usize) -> Result<(), ModelError> {
        let wrong = |what: String| Err(ModelError::Settings { what });
        for (name, value, least) in [("window", self.window, 0.02), ("hop", self.hop, 0.01)] {
            if !(least..=10.0).contains(&value) {
                return wrong(format!("{name} is {value} s, it must be {least} to 10"));
            }
        }
        if self.hop > self.window {
            return wrong(format!(
                "hop is {} s and window {} s, so there would be gaps between the windows",
                self.hop, self.window
            ));
        }
        if !(1..=1024).contains(&self.steps) {
            return wrong(format!("steps is {}, it must be 1 to 1024", self.steps));
        }
        match self.label {
            Some(label) if label >= labels => wrong(format!(
                "there is no label {label}; the model has {labels}, counted from 0"
            )),
            _ => Ok(()),
        }
    }
}

/// Why a recording gets a label. Times are seconds from its start.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// The label that is explained.
    pub label: usize,
    /// Its probability.
    pub probability: f32,
    /// Its score, the logarithm of the odds of the probability.
    pub score: f64,
    /// What each window does to the score.
    pub windows: Vec<Window>,
    /// What each group of features does to the score.
    pub groups: Vec<GroupChange>,
    /// Integrated gradients.
    #[cfg(feature = "train")]
    pub gradients: IntegratedGradients,
}

/// What a group of features does to the score.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct GroupChange {
    /// The group.
    pub group: FeatureGroup,
    /// How many numbers: columns of the frames and functionals.
    pub numbers: usize,
    /// The score minus that with all these numbers at the training's mean.
    pub change: f64,
}

impl Explanation {
    /// The effect of windows over time, in steps of `step` seconds: for the middle of
    /// each, its time and the mean over the windows that it is in.
    pub fn curve(&self, step: f64) -> Vec<(f64, f64)> {
        let end = self.windows.iter().fold(0.0, |end: f64, w| end.max(w.end));
        let middles = (0..(end / step).ceil() as usize).map(|k| (k as f64 + 0.5) * step);
        let mean = |time: f64| {
            let here = self
                .windows
                .iter()
                .filter(|w| w.start <= time && time < w.end);
            let changes: Vec<f64> = here.filter_map(|w| w.change).collect();
            let count = changes.len();
            (count > 0).then(|| (time, changes.into_iter().sum::<f64>() / count as f64))
        };
        middles.filter_map(mean).collect()
    }
}

impl Recognizer {
    /// Explains the score of a label for a recording: which seconds and which features
    /// decide it.
    ///
    /// # Errors
    ///
    /// [`ModelError::Settings`] for settings out of range, where nobody speaks, and for
    /// a recording longer than [`Recognizer::WHOLE`]; [`ModelError::Audio`] as
    /// [`classify`](Self::classify).
    pub fn explain(
        &self,
        recording: &Recording,
        settings: &ExplainSettings,
    ) -> Result<Explanation, ModelError> {
        settings.validate(self.description().labels.len())?;
        let wrong = |what: String| Err(ModelError::Settings { what });
        if recording.duration() > Self::WHOLE {
            return wrong(format!(
                "it has {:.0} s, and at most {:.0} s are explained at once; choose a part by \
                 its start and end",
                recording.duration(),
                Self::WHOLE
            ));
        }
        let prepared = self.prepare(recording)?;
        if prepared.speech_seconds() == Some(0.0) {
            return wrong("nobody speaks in it, so there is no label to explain".into());
        }
        let answer = self.classify_many(&[&prepared])?.remove(0);
        let label = settings.label.unwrap_or_else(|| answer.index());
        let features = prepared.features();
        let point = Point::new(self, features)?;
        let groups = feature_groups(&self.description().features);
        let points: Vec<Point> = std::iter::once(point.clone())
            .chain(groups.iter().map(|places| point.without(places)))
            .collect();
        let scores = self.scores_at(&points, label)?;
        let score = scores[0];
        let groups = (groups.iter().zip(&scores[1..])).map(|(places, without)| GroupChange {
            group: places.group,
            numbers: places.columns.len() + places.functionals.len(),
            change: score - without,
        });
        Ok(Explanation {
            label,
            probability: answer.scores()[label].1,
            score,
            groups: groups.collect(),
            windows: occlusion::windows(self, recording, label, score, settings)?,
            #[cfg(feature = "train")]
            gradients: gradients::integrated(
                self,
                (recording, features),
                &point,
                label,
                settings.steps,
            )?,
        })
    }
}
