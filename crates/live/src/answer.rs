//! What the model says to a stretch of sound.

use audio::{Pitch, PitchConfig, Recording};
use model::{Classification, Prepared, Recognizer};

use crate::{Event, LiveError, RATE, Update};

/// A stretch of sound to be classified.
pub(crate) struct Task {
    pub(crate) recording: Recording,
    /// The encoder's, if the model has one.
    pub(crate) embedding: Option<Vec<f32>>,
}

impl Task {
    /// The answer, with what it was made from; none where the sound is too short or
    /// nobody speaks in it.
    pub(crate) fn answer(&self, recognizer: &Recognizer) -> Result<Option<Answer>, LiveError> {
        let prepared = match recognizer.prepare_with(&self.recording, self.embedding.clone()) {
            Ok(prepared) => prepared,
            Err(model::ModelError::Audio(audio::AudioError::TooShort { .. })) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let said = recognizer.classify_many(&[&prepared])?.pop();
        Ok(said
            .filter(Classification::is_speech)
            .map(|said| Answer { said, prepared }))
    }
}

pub(crate) struct Answer {
    pub(crate) said: Classification,
    pub(crate) prepared: Prepared,
}

/// What is to be done, in order. Answers are computed for several steps at once.
pub(crate) enum Step {
    /// An event that needs no answer.
    Say(Event),
    /// A hop of so many seconds.
    Hop {
        update: Update,
        seconds: f64,
        task: Option<Task>,
        /// Its samples and some before, where somebody speaks.
        recent: Vec<f32>,
    },
    /// The end of an utterance.
    End { start: f64, end: f64, task: Task },
}

/// What was computed for a step.
#[derive(Default)]
pub(crate) struct Computed {
    pub(crate) answer: Option<Answer>,
    pub(crate) pitch: Option<f64>,
}

impl Step {
    pub(crate) fn compute(
        &self,
        recognizer: &Recognizer,
        pitch: &Pitch,
    ) -> Result<Computed, LiveError> {
        Ok(match self {
            Step::Say(_) => Computed::default(),
            Step::Hop { task, recent, .. } => Computed {
                answer: match task {
                    Some(task) => task.answer(recognizer)?,
                    None => None,
                },
                pitch: median_pitch(pitch, recent),
            },
            Step::End { task, .. } => Computed {
                answer: task.answer(recognizer)?,
                pitch: None,
            },
        })
    }
}

/// Pitch as it is told: of the voices of men, women and children.
pub(crate) fn pitch() -> Result<Pitch, LiveError> {
    Ok(Pitch::new(&PitchConfig::default(), RATE)?)
}

fn median_pitch(pitch: &Pitch, samples: &[f32]) -> Option<f64> {
    let mut voiced = pitch.track(samples).frequencies();
    voiced.retain(|hertz| *hertz > 0.0);
    voiced.sort_by(f64::total_cmp);
    voiced.get(voiced.len() / 2).copied()
}
