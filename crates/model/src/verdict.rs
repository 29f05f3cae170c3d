//! What a classification means: a label, or a reason not to trust one.
//!
//! The network gives every recording its probabilities, also silence, music and
//! recordings on which it is undecided. A [`Verdict`] says which of these it is.
//!
//! The checks are made in this order, and the first that applies decides:
//!
//! 1. nobody speaks ([`Verdict::NoSpeech`]);
//! 2. the most probable label is less probable than the recogniser's abstention threshold
//!    ([`RecognizerBuilder::abstain_below`](crate::RecognizerBuilder::abstain_below)), so the
//!    recogniser abstains ([`Verdict::Unsure`]);
//! 3. the recording is out-of-distribution ([`Verdict::Unfamiliar`]);
//! 4. otherwise the label is the answer ([`Verdict::Label`]).

use std::fmt;

use serde::Serialize;

#[cfg(doc)]
use crate::Classification;

/// What a [`Classification`] means; made by [`Classification::verdict`].
///
/// As JSON it is an object with the field `verdict`, which is `label`,
/// `unfamiliar`, `unsure` or `no_speech`, and the fields of that variant.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict<'a> {
    /// The recording has this label.
    Label {
        /// The most probable label.
        label: &'a str,
        /// Its probability, 0 to 1.
        probability: f32,
    },
    /// The recording is out-of-distribution: unlike those that the model was
    /// trained on. It still gets a label, but the probabilities are unreliable.
    Unfamiliar {
        /// The most probable label.
        label: &'a str,
        /// Its probability, 0 to 1, unreliable here.
        probability: f32,
        /// How far the recording is from the training's, above 1 ([`Classification::unfamiliarity`]).
        unfamiliarity: f32,
    },
    /// No label is probable enough; the recogniser abstains.
    Unsure {
        /// The most probable label.
        best: &'a str,
        /// Its probability, below the threshold.
        probability: f32,
        /// The probability from which the recogniser would give a label.
        threshold: f32,
    },
    /// Nobody speaks.
    NoSpeech,
}

impl<'a> Verdict<'a> {
    /// The label, if there is one: also of an unfamiliar recording, but not
    /// where the recogniser abstains or nobody speaks.
    pub fn label(&self) -> Option<&'a str> {
        match *self {
            Verdict::Label { label, .. } | Verdict::Unfamiliar { label, .. } => Some(label),
            Verdict::Unsure { .. } | Verdict::NoSpeech => None,
        }
    }

    /// Why there is no label; `None` if there is one.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Verdict::Label { .. } | Verdict::Unfamiliar { .. } => None,
            Verdict::Unsure { .. } => Some(Reason::Unsure),
            Verdict::NoSpeech => Some(Reason::NoSpeech),
        }
    }
}

/// For people: `angry (87 %)`.
impl fmt::Display for Verdict<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Label { label, probability } => {
                write!(f, "{label} ({:.0} %)", 100.0 * probability)
            }
            Verdict::Unfamiliar {
                label,
                probability,
                unfamiliarity,
            } => write!(
                f,
                "{label} ({:.0} %), unreliable: unlike the training recordings (unfamiliarity {unfamiliarity:.2})",
                100.0 * probability
            ),
            Verdict::Unsure {
                best, probability, ..
            } => write!(f, "unsure, at most {best} ({:.0} %)", 100.0 * probability),
            Verdict::NoSpeech => f.write_str("no speech"),
        }
    }
}

/// Why a recording gets no label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub enum Reason {
    /// Nobody speaks: `no speech`.
    #[serde(rename = "no speech")]
    NoSpeech,
    /// The recogniser abstains: `unsure`.
    #[serde(rename = "unsure")]
    Unsure,
}

impl Reason {
    /// The word for machine-readable output, the same as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Reason::NoSpeech => "no speech",
            Reason::Unsure => "unsure",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verdict_says_the_same_to_people_and_to_programs() {
        let label = Verdict::Label {
            label: "angry",
            probability: 0.87,
        };
        let unfamiliar = Verdict::Unfamiliar {
            label: "angry",
            probability: 0.87,
            unfamiliarity: 1.44,
        };
        let unsure = Verdict::Unsure {
            best: "angry",
            probability: 0.25,
            threshold: 0.5,
        };
        let cases = [
            (
                label,
                "angry (87 %)",
                r#"{"verdict":"label","label":"angry","probability":0.87}"#,
            ),
            (
                unfamiliar,
                "angry (87 %), unreliable: unlike the training recordings (unfamiliarity 1.44)",
                r#"{"verdict":"unfamiliar","label":"angry","probability":0.87,"unfamiliarity":1.44}"#,
            ),
            (
                unsure,
                "unsure, at most angry (25 %)",
                r#"{"verdict":"unsure","best":"angry","probability":0.25,"threshold":0.5}"#,
            ),
            (Verdict::NoSpeech, "no speech", r#"{"verdict":"no_speech"}"#),
        ];
        for (verdict, text, json) in cases {
            assert_eq!(verdict.to_string(), text);
            assert_eq!(serde_json::to_string(&verdict).unwrap(), json);
            assert_eq!(verdict.label().is_some(), verdict.reason().is_none());
        }
        for reason in [Reason::NoSpeech, Reason::Unsure] {
            let json = serde_json::to_string(&reason).unwrap();
            assert_eq!(json, format!("\"{reason}\""));
        }
    }
}
