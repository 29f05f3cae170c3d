//! The voice that a session learns.
//!
//! The statistics of every finished utterance are added to a [`Profile`]; from some
//! seconds of speech on, the model is adapted to it. An utterance whose embedding is
//! far from those before is another speaker's.

use model::{Encoder, Enrolment, Recognizer};
use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::{LiveError, SessionSettings};

/// What is known of a voice: statistics, no sound.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Statistics of the features, for the model's adaptation.
    enrolment: Enrolment,
    /// Seconds of speech.
    seconds: f64,
    /// The encoder's mean state, weighted by seconds of speech; empty without one.
    mean_state: Vec<f64>,
}

/// What a file with a profile calls itself.
const FORMAT: &str = "affekt speaker profile 1";

/// A profile as it is in a file.
#[derive(Serialize, Deserialize)]
struct Named {
    format: String,
    #[serde(flatten)]
    profile: Profile,
}

impl From<&Profile> for Named {
    fn from(profile: &Profile) -> Self {
        Named {
            format: FORMAT.to_owned(),
            profile: profile.clone(),
        }
    }
}

impl Profile {
    /// Seconds of speech that it was learned from.
    pub fn seconds(&self) -> f64 {
        self.seconds
    }

    /// The statistics that adapt a model.
    pub fn enrolment(&self) -> &Enrolment {
        &self.enrolment
    }

    /// As text, to be kept in a file.
    pub fn to_json(&self) -> String {
        // Numbers and lists of numbers: nothing in it can fail.
        serde_json::to_string(&Named::from(self)).unwrap_or_default() + "\n"
    }

    /// From the text of [`to_json`](Self::to_json).
    ///
    /// # Errors
    ///
    /// [`LiveError::Profile`] if it is something else.
    pub fn from_json(text: &str) -> Result<Self, LiveError> {
        let wrong = |what: String| LiveError::Profile { what };
        let named: Named = serde_json::from_str(text).map_err(|e| wrong(e.to_string()))?;
        if named.format != FORMAT {
            return Err(wrong(format!("its format is {:?}", named.format)));
        }
        Ok(named.profile)
    }

    fn add(&mut self, answer: &Answer, seconds: f64) {
        let clip = Enrolment::from_clips(&[&answer.prepared]);
        self.enrolment.merge(&clip);
        self.seconds += seconds;
        let state = mean_state(answer);
        self.mean_state.resize(state.len(), 0.0);
        let share = seconds / self.seconds;
        for (mean, value) in self.mean_state.iter_mut().zip(state) {
            *mean += share * (value - *mean);
        }
    }

    /// Cosine between the mean states of an utterance and of the profile.
    fn likeness(&self, answer: &Answer) -> Option<f64> {
        let state = mean_state(answer);
        if state.is_empty() || self.seconds == 0.0 || state.len() != self.mean_state.len() {
            return None;
        }
        let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let norms = product(&state, &state) * product(&self.mean_state, &self.mean_state);
        Some(product(&state, &self.mean_state) / norms.sqrt())
    }
}

/// The encoder's mean state over an utterance; it begins the embedding, which ends the
/// functionals.
fn mean_state(answer: &Answer) -> Vec<f64> {
    let functionals = &answer.prepared.features().functionals;
    let Some(begin) = functionals.len().checked_sub(Encoder::EMBEDDING) else {
        return Vec::new();
    };
    let state = &functionals[begin..begin + Encoder::UNITS];
    state.iter().map(|value| f64::from(*value)).collect()
}

/// What an utterance told of its voice.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Learned {
    /// To the voice so far.
    pub(crate) likeness: Option<f64>,
    /// Whether it is plainly another one.
    pub(crate) is_other: bool,
}

/// A model that follows a voice.
pub(crate) struct Voice {
    plain: Recognizer,
    adapted: Recognizer,
    profile: Profile,
    is_adapted: bool,
    learns: bool,
    /// Speech before the first adaptation.
    after: f64,
    /// Speech of an utterance that is worth learning from.
    least: f64,
    /// Below this likeness it is another voice.
    other_below: Option<f64>,
}

impl Voice {
    pub(crate) fn new(recognizer: Recognizer, settings: &SessionSettings) -> Self {
        Self {
            adapted: recognizer.clone(),
            plain: recognizer,
            profile: Profile::default(),
            is_adapted: false,
            learns: settings.learn,
            after: settings.learn_after,
            least: settings.first,
            other_below: settings.new_voice_below,
        }
    }

    /// The model as it came.
    pub(crate) fn plain(&self) -> &Recognizer {
        &self.plain
    }

    /// The model for the voice as far as it is known.
    pub(crate) fn adapted(&self) -> &Recognizer {
        &self.adapted
    }

    pub(crate) fn is_adapted(&self) -> bool {
        self.is_adapted
    }

    pub(crate) fn profile(&self) -> &Profile {
        &self.profile
    }

    pub(crate) fn reset(&mut self) {
        self.profile = Profile::default();
        self.adapted = self.plain.clone();
        self.is_adapted = false;
    }

    pub(crate) fn set_profile(&mut self, profile: Profile) -> Result<(), LiveError> {
        self.adapted = self.plain.enrolled(&profile.enrolment)?;
        self.is_adapted = true;
        self.profile = profile;
        Ok(())
    }

    /// Learns from an utterance.
    pub(crate) fn learn(&mut self, answer: &Answer) -> Result<Learned, LiveError> {
        let seconds = answer.prepared.speech_seconds().unwrap_or(0.0);
        if seconds < self.least {
            return Ok(Learned::default());
        }
        let likeness = self.profile.likeness(answer);
        let is_other = likeness
            .zip(self.other_below)
            .is_some_and(|(likeness, below)| likeness < below);
        if is_other && self.learns {
            self.reset();
        }
        if self.learns {
            self.profile.add(answer, seconds);
            if self.profile.seconds >= self.after {
                self.adapted = self.plain.enrolled(&self.profile.enrolment)?;
                self.is_adapted = true;
            }
        }
        Ok(Learned { likeness, is_other })
    }
}
