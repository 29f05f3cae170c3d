//! How a session listens.

use crate::{Hysteresis, LiveError, Smoothing};

/// How a session listens. All times are in seconds of sound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SessionSettings {
    /// Speech that an answer is about. A longer window is more often right and later
    /// at a change of emotion.
    pub window: f64,
    /// Speech before the first answer. Less is a guess.
    pub first: f64,
    /// From one update to the next.
    pub hop: f64,
    /// How answers are smoothed, so that bars do not jump.
    pub smoothing: Smoothing,
    /// When the label changes, so that it does not flicker.
    pub label: Hysteresis,
    /// Sound that is farther than this from the training data gets no label, and what
    /// was heard before fades: music, machines, a crowd. Speech of another corpus is
    /// about 1, chords about 2.5.
    pub unlike_above: f32,
    /// How fast the smoothed probabilities go to zero while nobody speaks: the time
    /// after which about a third is left.
    pub decay: f64,
    /// A pause that ends an utterance.
    pub pause: f64,
    /// The longest utterance; a longer one is cut here. It bounds the memory.
    pub longest_utterance: f64,
    /// Whether the voice is learned while listening: the statistics of finished
    /// utterances adapt the model.
    pub learn: bool,
    /// Speech of finished utterances before the first adaptation.
    pub learn_after: f64,
    /// An utterance that is less like the voice so far than this (the cosine between
    /// the encoder's mean states) is another speaker's: what was learned is dropped.
    /// `None` never does so.
    pub new_voice_below: Option<f64>,
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self {
            window: 3.0,
            first: 1.0,
            hop: 0.25,
            smoothing: Smoothing::default(),
            label: Hysteresis::default(),
            unlike_above: 1.5,
            decay: 1.0,
            pause: 0.5,
            longest_utterance: 30.0,
            learn: true,
            learn_after: 10.0,
            new_voice_below: None,
        }
    }
}

impl SessionSettings {
    /// For a stage: with a window of 1.5 s and a time constant of 0.15 s the label
    /// follows a change twice as fast, and flickers more.
    #[must_use]
    pub fn quick(self) -> Self {
        Self {
            window: 1.5,
            smoothing: Smoothing::Exponential { seconds: 0.15 },
            ..self
        }
    }

    /// Checks all settings.
    ///
    /// # Errors
    ///
    /// [`LiveError::Settings`] with the setting, its value and the range.
    pub fn validate(&self) -> Result<(), LiveError> {
        let check = |name: &str, value: f64, low: f64, high: f64| match value {
            value if (low..=high).contains(&value) => Ok(()),
            value => Err(LiveError::Settings {
                what: format!("{name} is {value}, it must be {low} to {high}"),
            }),
        };
        check("window", self.window, 0.5, 60.0)?;
        check("first", self.first, 0.1, self.window)?;
        check("hop", self.hop, 0.02, 10.0)?;
        check("unlike_above", f64::from(self.unlike_above), 0.0, 1e6)?;
        check("decay", self.decay, 0.01, 60.0)?;
        check("pause", self.pause, 0.1, 10.0)?;
        check(
            "longest_utterance",
            self.longest_utterance,
            self.window,
            600.0,
        )?;
        check("learn_after", self.learn_after, 0.0, 3600.0)?;
        if let Some(below) = self.new_voice_below {
            check("new_voice_below", below, -1.0, 1.0)?;
        }
        let Hysteresis { enter, leave, hold } = self.label;
        check("label.enter", f64::from(enter), 0.0, 1.0)?;
        check("label.leave", f64::from(leave), 0.0, f64::from(enter))?;
        check("label.hold", hold, 0.0, 60.0)?;
        match self.smoothing {
            Smoothing::None => Ok(()),
            Smoothing::Exponential { seconds } => check("smoothing", seconds, 0.01, 60.0),
            Smoothing::OneEuro { cutoff, beta } => {
                check("smoothing.cutoff", cutoff, 0.01, 100.0)?;
                check("smoothing.beta", beta, 0.0, 100.0)
            }
        }
    }
}
