//! The front door: a recording in, an emotion with its probability out.

use std::path::Path;

use audio::{FeatureExtractor, Features, Recording};
use burn::tensor::{Device, Tensor};
use serde::Serialize;

#[cfg(doc)]
use crate::Familiarity;
use crate::{Backend, Batch, Description, Enrolment, Model, ModelError, few_shot};

/// Says which emotion a voice carries.
///
/// Opening reads the model and prepares the feature extraction; classifying
/// changes nothing, so one recogniser serves many threads.
///
/// ```no_run
/// use model::Recognizer;
///
/// let recognizer = Recognizer::open("model.safetensors")?;
/// let emotion = recognizer.classify_file("voice.wav")?;
/// println!("{} ({:.0} %)", emotion.label(), 100.0 * emotion.probability());
/// # Ok::<(), model::ModelError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Recognizer {
    model: Model,
    extractor: FeatureExtractor,
    device: Device,
    /// What is added to the logarithms of the probabilities; empty for nothing.
    offsets: Vec<f64>,
}

impl Recognizer {
    /// Opens a model file on the backend that [`Backend::Auto`] chooses.
    ///
    /// # Errors
    ///
    /// As [`Model::load`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ModelError> {
        Self::open_on(path, Backend::Auto)
    }

    /// Opens a model file on a chosen backend.
    ///
    /// # Errors
    ///
    /// As [`Model::load`], and [`ModelError::Backend`] where the backend cannot be used here.
    pub fn open_on(path: impl AsRef<Path>, backend: Backend) -> Result<Self, ModelError> {
        let device = backend.device()?;
        Self::new(Model::load(path, &device)?, device)
    }

    /// Wraps a model whose network is on `device`.
    ///
    /// # Errors
    ///
    /// [`ModelError::Audio`] where the model's feature settings cannot be used.
    pub fn new(model: Model, device: Device) -> Result<Self, ModelError> {
        Ok(Self {
            extractor: model.description.features.extractor()?,
            model,
            device,
            offsets: Vec::new(),
        })
    }

    /// The labels, the settings and the provenance of the model.
    pub fn description(&self) -> &Description {
        &self.model.description
    }

    /// The model itself.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Gives the model back.
    pub fn into_model(self) -> Model {
        self.model
    }

    /// Classifies an audio file.
    ///
    /// # Errors
    ///
    /// [`ModelError::Audio`] where the file cannot be decoded or holds no frame of sound.
    pub fn classify_file(&self, path: impl AsRef<Path>) -> Result<Classification, ModelError> {
        self.classify(&Recording::open(path)?)
    }

    /// Classifies the bytes of an audio file.
    ///
    /// # Errors
    ///
    /// As [`classify_file`](Self::classify_file).
    pub fn classify_bytes(&self, bytes: Vec<u8>) -> Result<Classification, ModelError> {
        self.classify(&Recording::from_bytes(bytes)?)
    }

    /// Classifies mono samples of full scale ±1 at `sample_rate` Hz.
    ///
    /// # Errors
    ///
    /// [`ModelError::Audio`] where a sample is not a number, the rate is 0, or
    /// the samples hold no frame of sound.
    pub fn classify_samples(
        &self,
        samples: Vec<f32>,
        sample_rate: u32,
    ) -> Result<Classification, ModelError> {
        self.classify(&Recording::from_samples(samples, sample_rate)?)
    }

    /// Classifies a decoded recording.
    ///
    /// # Errors
    ///
    /// [`ModelError::Audio`] where the recording holds no frame of sound.
    pub fn classify(&self, recording: &Recording) -> Result<Classification, ModelError> {
        let features = self.extractor.extract(recording)?;
        let mut answer = self.classify_features(&[&features])?.remove(0);
        if recording.sample_rate >= audio::VadSettings::LOWEST_RATE {
            let speech = audio::speech_segments(recording, &audio::VadSettings::default())?;
            answer.speech_seconds = Some(speech.iter().map(audio::Segment::duration).sum());
        }
        Ok(answer)
    }

    /// Classifies features that the model's own settings made, several clips
    /// in one pass of the network.
    ///
    /// # Errors
    ///
    /// [`ModelError::Settings`] where the features are not of these settings.
    pub fn classify_features(
        &self,
        clips: &[&Features],
    ) -> Result<Vec<Classification>, ModelError> {
        if clips.is_empty() {
            return Ok(Vec::new());
        }
        let labels = &self.model.description.labels;
        let mut sums = vec![vec![0.0f64; labels.len()]; clips.len()];
        for member in &self.model.members {
            let normalised = clips
                .iter()
                .map(|clip| member.normalisation.apply(clip))
                .collect::<Result<Vec<Features>, _>>()?;
            let batch = Batch::new(&normalised.iter().collect::<Vec<_>>(), &self.device);
            let probabilities = rows(member.classifier.probabilities(&batch))?;
            for (sums, row) in sums.iter_mut().zip(probabilities) {
                for (sum, probability) in sums.iter_mut().zip(row) {
                    *sum += f64::from(probability);
                }
            }
        }
        let temperature = f64::from(self.model.description.temperature);
        let familiarity = self.model.familiarity.as_ref();
        Ok(sums
            .into_iter()
            .zip(clips)
            .map(|(row, clip)| {
                let mut scores = tempered(&row, temperature);
                if !self.offsets.is_empty() {
                    scores = few_shot::moved(&scores, &self.offsets);
                }
                let scores = labels.iter().cloned().zip(scores);
                Classification {
                    scores: scores.collect(),
                    speech_seconds: None,
                    unfamiliarity: familiarity.map(|f| f.unfamiliarity(&clip.functionals)),
                }
            })
            .collect())
    }

    /// A recogniser for one speaker, of whom some clips have been heard: their
    /// voice is measured by its own statistics. No label is needed; about ten
    /// clips (half a minute) give most of what can be gained.
    ///
    /// # Errors
    ///
    /// [`ModelError::Settings`] where the clips' features are not of the
    /// model's settings.
    pub fn enrolled(&self, speaker: &Enrolment) -> Result<Self, ModelError> {
        let mut recognizer = self.clone();
        for member in &mut recognizer.model.members {
            member.normalisation = member.normalisation.adapted(speaker)?;
        }
        Ok(recognizer)
    }

    /// A recogniser for one speaker by some clips of theirs with the place of
    /// each one's label: it is enrolled, and labels that it says of these clips
    /// too often or too rarely are corrected for. A few clips of every label
    /// are wanted; with clips of one label alone it would say that more often.
    ///
    /// # Errors
    ///
    /// [`ModelError::Settings`] where a label does not exist, or the clips'
    /// features are not of the model's settings.
    pub fn taught(&self, clips: &[(&Features, usize)]) -> Result<Self, ModelError> {
        let labels = self.model.description.labels.len();
        if let Some((_, label)) = clips.iter().find(|(_, label)| *label >= labels) {
            return Err(ModelError::Settings {
                what: format!("there is no label {label}, the model has {labels}"),
            });
        }
        let mut speaker = Enrolment::new();
        for (features, _) in clips {
            speaker.merge(&Enrolment::of(features));
        }
        let mut recognizer = self.enrolled(&speaker)?;
        recognizer.offsets.clear();
        let features: Vec<&Features> = clips.iter().map(|(features, _)| *features).collect();
        let answers = recognizer.classify_features(&features)?;
        let said = answers.iter().zip(clips).map(|(answer, (_, label))| {
            let probabilities = answer.scores().iter().map(|(_, p)| *p);
            (probabilities.collect(), *label)
        });
        recognizer.offsets = few_shot::offsets(&said.collect::<Vec<_>>());
        Ok(recognizer)
    }

    /// The features that the model's own settings make of a recording.
    ///
    /// # Errors
    ///
    /// [`ModelError::Audio`] where the recording holds no frame of sound.
    pub fn features(&self, recording: &Recording) -> Result<Features, ModelError> {
        Ok(self.extractor.extract(recording)?)
    }
}

/// Probabilities in proportion to `weights ^ (1 / temperature)`.
fn tempered(weights: &[f64], temperature: f64) -> Vec<f32> {
    let powers: Vec<f64> = weights.iter().map(|w| w.powf(1.0 / temperature)).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|power| (power / sum) as f32).collect()
}

/// The rows of `[rows, columns]` on the host.
pub(crate) fn rows(tensor: Tensor<2>) -> Result<Vec<Vec<f32>>, ModelError> {
    let columns = tensor.dims()[1];
    let flat: Vec<f32> = tensor
        .try_into_vec_as()
        .map_err(|error| ModelError::Backend {
            backend: "device".into(),
            what: format!("the result could not be read back: {error:?}"),
        })?;
    Ok(flat.chunks(columns).map(<[f32]>::to_vec).collect())
}

/// What a recogniser says of one recording.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Classification {
    scores: Vec<(String, f32)>,
    speech_seconds: Option<f64>,
    unfamiliarity: Option<f32>,
}

impl Classification {
    /// Every label with its probability, in the model's order; they add up to 1.
    pub fn scores(&self) -> &[(String, f32)] {
        &self.scores
    }

    /// Seconds in which somebody speaks, as the audio crate's voice-activity
    /// detector hears it. Not known of features, nor below 8 kHz.
    pub fn speech_seconds(&self) -> Option<f64> {
        self.speech_seconds
    }

    /// Whether there is any speech to judge; true where that is not known.
    pub fn is_speech(&self) -> bool {
        self.speech_seconds != Some(0.0)
    }

    /// How unlike the training clips the recording is ([`Familiarity`]): above
    /// 1 it is further from them than 99 of 100 recordings of the same kind by
    /// other speakers, and the probabilities are worth little. Not known
    /// of models whose features have no functionals.
    pub fn unfamiliarity(&self) -> Option<f32> {
        self.unfamiliarity
    }

    /// Whether the recording is like those trained on; true where that is not known.
    pub fn is_familiar(&self) -> bool {
        self.unfamiliarity.is_none_or(|distance| distance <= 1.0)
    }

    /// The place of the most probable label; the first of equals.
    pub fn index(&self) -> usize {
        (0..self.scores.len()).fold(0, |best, k| {
            if self.scores[k].1 > self.scores[best].1 {
                k
            } else {
                best
            }
        })
    }

    /// The most probable label.
    pub fn label(&self) -> &str {
        self.scores.get(self.index()).map_or("", |(label, _)| label)
    }

    /// The probability of the most probable label.
    pub fn probability(&self) -> f32 {
        self.scores
            .get(self.index())
            .map_or(0.0, |(_, probability)| *probability)
    }
}
