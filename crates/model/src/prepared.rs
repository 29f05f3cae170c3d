//! What a recogniser needs of a recording, computed once.
//!
//! Decoding a file and extracting its features take longer than the network
//! does. A [`Prepared`] keeps the result, so that one recording can be enrolled
//! and classified, or classified by several models with the same feature
//! settings, at the cost of preparing it once.

use audio::{Features, Recording, Segment, VadSettings};

#[cfg(doc)]
use crate::Recognizer;
use crate::{Enrolment, ModelError};

/// The features of a recording and how long somebody speaks in it; made by
/// [`Recognizer::prepare`].
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared {
    features: Features,
    speech_seconds: Option<f64>,
}

impl Prepared {
    /// Features and speech of a recording, with the model's extractor.
    pub(crate) fn new(
        features: Features,
        recording: &Recording,
        extracts_encoder: bool,
    ) -> Result<Self, ModelError> {
        let speech_seconds = if recording.sample_rate() >= VadSettings::LOWEST_RATE {
            let speech = audio::speech_segments(recording, &VadSettings::default())?;
            Some(speech.iter().map(Segment::duration).sum())
        } else {
            None
        };
        // The encoder's front end has the last word: it passed nothing on.
        let has_input = !features.encoder.is_empty() || !extracts_encoder;
        let speech_seconds = if has_input { speech_seconds } else { Some(0.0) };
        Ok(Self {
            features,
            speech_seconds,
        })
    }

    /// Features whose recording is not at hand; how much speech it contains is
    /// then unknown. They must be of the model's settings.
    pub fn from_features(features: Features) -> Self {
        Self {
            features,
            speech_seconds: None,
        }
    }

    /// The features, before the model's normalisation.
    pub fn features(&self) -> &Features {
        &self.features
    }

    /// The features, without copying them.
    pub fn into_features(self) -> Features {
        self.features
    }

    /// How many seconds contain speech; `None` if unknown
    /// ([`Classification::speech_seconds`](crate::Classification::speech_seconds)).
    pub fn speech_seconds(&self) -> Option<f64> {
        self.speech_seconds
    }
}

impl Enrolment {
    /// What some recordings of one speaker tell about the voice, for
    /// [`Recognizer::enrolled`]. No label is needed.
    pub fn from_clips(clips: &[&Prepared]) -> Self {
        let mut speaker = Self::new();
        for clip in clips {
            speaker.merge(&Self::of(clip.features()));
        }
        speaker
    }
}
