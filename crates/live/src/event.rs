//! What a session has to say.

use model::Classification;

/// What a session has to say.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// Somebody began to speak.
    Begin {
        /// When, in seconds of the session.
        at: f64,
    },
    /// The state after a hop.
    Update(Update),
    /// Somebody stopped speaking.
    End(Utterance),
}

/// The state of a session after a hop of sound.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Update {
    /// The beginning of the sound that the answer is about, in seconds of the session.
    pub audio_start: f64,
    /// The end of it, which is now.
    pub audio_end: f64,
    /// The model's probabilities, in the order of its labels; none where there is too
    /// little speech for an answer.
    pub raw: Option<Vec<f32>>,
    /// Smoothed over time; they decay while nobody speaks, and then do not add up to 1.
    pub smooth: Vec<f32>,
    /// The label at present, by its number.
    pub label: Option<usize>,
    /// What the numbers mean.
    pub verdict: Verdict,
    /// Whether somebody speaks now.
    pub speech: bool,
    /// How far the sound is from the training data; above 1 the answer is unreliable.
    pub unfamiliarity: Option<f32>,
    /// Level of the hop in dB below full scale, at least -120.
    pub level_db: f64,
    /// Median pitch of the hop in Hz; none where nothing is voiced.
    pub pitch_hz: Option<f64>,
    /// Whether the model is adapted to the voice.
    pub adapted: bool,
    /// Seconds of sound that waited behind this hop
    /// ([`Session::set_waiting`](crate::Session::set_waiting)).
    pub lag: f64,
    /// Seconds of sound lost since the session began
    /// ([`Session::skip`](crate::Session::skip)).
    pub dropped: f64,
}

/// What an update means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// Nobody speaks.
    NoSpeech,
    /// Somebody speaks, but not long enough yet for an answer.
    TooLittle,
    /// No label is probable enough.
    Unsure,
    /// The sound is unlike the training data: there may be a label, not to be relied on.
    Unfamiliar,
    /// There is a label.
    Label,
}

impl Verdict {
    /// As it is written in JSON and tables.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::NoSpeech => "no_speech",
            Verdict::TooLittle => "too_little",
            Verdict::Unsure => "unsure",
            Verdict::Unfamiliar => "unfamiliar",
            Verdict::Label => "label",
        }
    }
}

/// What was said between two pauses.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Utterance {
    /// When it began, in seconds of the session.
    pub start: f64,
    /// When it ended.
    pub end: f64,
    /// The answer for all of it; none if it is too short for one.
    pub answer: Option<Classification>,
    /// The label of the answer; none if it abstains, or the sound is too unlike the
    /// training data ([`SessionSettings::unlike_above`](crate::SessionSettings)).
    pub label: Option<String>,
    /// How like the voice so far it is, at most 1; none without an encoder, for a short
    /// utterance, and for the first one.
    pub likeness: Option<f64>,
    /// Whether the voice was plainly another one than before, so that what was learned
    /// of the old one was dropped.
    pub new_voice: bool,
}
