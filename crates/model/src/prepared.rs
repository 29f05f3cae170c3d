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
/// [`Recognizer::prepare`] and [`Recognizer::prepare_stream`].
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared {
    pub(crate) features: Features,
    speech_seconds: Option<f64>,
    /// The other pieces of a long recording.
    further: Vec<Prepared>,
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
            further: Vec::new(),
        })
    }

    /// Features whose recording is not at hand; how much speech it contains is
    /// then unknown. They must be of the model's settings.
    pub fn from_features(features: Features) -> Self {
        Self {
            features,
            speech_seconds: None,
            further: Vec::new(),
        }
    }

    /// The pieces of a long recording, at least one.
    pub(crate) fn joined(mut pieces: Vec<Prepared>) -> Self {
        let further = pieces.split_off(1);
        Self {
            further,
            ..pieces.remove(0)
        }
    }

    /// The pieces that the recording was prepared in; one, but for
    /// [long ones](Recognizer::prepare_stream).
    pub fn pieces(&self) -> impl Iterator<Item = &Prepared> {
        std::iter::once(self).chain(&self.further)
    }

    /// The features, before the model's normalisation; of a long recording, those of
    /// its first [piece](Self::pieces).
    pub fn features(&self) -> &Features {
        &self.features
    }

    /// [`features`](Self::features), without copying them.
    pub fn into_features(self) -> Features {
        self.features
    }

    /// How many seconds contain speech; `None` if unknown
    /// ([`Classification::speech_seconds`](crate::Classification::speech_seconds)).
    pub fn speech_seconds(&self) -> Option<f64> {
        let further = self.further.iter().map(Prepared::speech_seconds);
        std::iter::once(self.speech_seconds).chain(further).sum()
    }
}

impl Prepared {
    /// As [`speech_seconds`](Self::speech_seconds), of this piece alone.
    pub(crate) fn own_speech_seconds(&self) -> Option<f64> {
        self.speech_seconds
    }
}

impl Enrolment {
    /// What some recordings of one speaker tell about the voice, for
    /// [`Recognizer::enrolled`]. No label is needed.
    pub fn from_clips(clips: &[&Prepared]) -> Self {
        let mut speaker = Self::new();
        for clip in clips.iter().flat_map(|clip| clip.pieces()) {
            speaker.merge(&Self::of(clip.features()));
        }
        speaker
    }
}
