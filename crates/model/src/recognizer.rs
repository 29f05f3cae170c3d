//! The front door: a recording in, an emotion with its probability out.

use std::path::Path;

use audio::{Features, Recording};
use burn::module::Module;
use burn::tensor::Device;

use crate::nn::rows;
use crate::{
    Backend, Batch, Classification, Description, EmbeddingStream, Enrolment, Extractor, Model,
    ModelError, Prepared, RecognizerBuilder, few_shot, long,
};

/// Recognises the emotion in a voice.
///
/// Building it reads the model and prepares the feature extraction. Classifying
/// changes nothing, so several threads can share one recogniser.
///
/// ```no_run
/// use model::Recognizer;
///
/// let recognizer = Recognizer::open("model.safetensors")?;
/// let answer = recognizer.classify_file("voice.wav")?;
/// println!("{}", answer.verdict()); // angry (87 %)
/// # Ok::<(), model::ModelError>(())
/// ```
///
/// Many recordings are fastest in batches:
///
/// ```no_run
/// use audio::Recording;
/// use model::{ModelError, Prepared, Recognizer};
///
/// let recognizer = Recognizer::builder().build()?;
/// let prepare = |path: &str| recognizer.prepare(&Recording::open(path)?);
/// let clips = ["a.wav", "b.wav", "c.wav"].map(prepare);
/// let clips = clips.into_iter().collect::<Result<Vec<Prepared>, ModelError>>()?;
/// for answer in recognizer.classify_many(&clips.iter().collect::<Vec<_>>())? {
///     println!("{}", answer.verdict());
/// }
/// # Ok::<(), ModelError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Recognizer {
    model: Model,
    pub(crate) extractor: Extractor,
    pub(crate) device: Device,
    /// A label is only given if it is at least this probable.
    pub(crate) abstain_below: f32,
    /// Added to the logarithms of the labels' probabilities ([`few_shot`]);
    /// empty for none.
    pub(crate) offsets: Vec<f64>,
}

// Threads share recognisers, and answers travel between threads.
const _: () = {
    const fn is_send_and_sync<T: Send + Sync>() {}
    is_send_and_sync::<Recognizer>();
    is_send_and_sync::<Model>();
    is_send_and_sync::<Classification>();
    is_send_and_sync::<Prepared>();
};

/// The most frames of a batch, padding included: full batches of clips of 40
/// seconds at 100 frames per second. The pretrained model needs 250 MB for them.
const BATCH_FRAMES: usize = Recognizer::BATCH * 4096;

impl Recognizer {
    /// How many recordings go through the network at once. Of recordings that
    /// are minutes long it is fewer, so that one of an hour among short ones
    /// does not pad them all to an hour.
    pub const BATCH: usize = 64;

    /// The settings of a new recogniser, each with a default.
    pub fn builder<'a>() -> RecognizerBuilder<'a> {
        RecognizerBuilder::default()
    }

    /// Opens a model file on the CPU; [`builder`](Self::builder) has more settings.
    ///
    /// # Errors
    ///
    /// As [`Model::load`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ModelError> {
        Self::builder().model_file(path.as_ref()).build()
    }

    /// Opens a model file on a chosen backend, as the [`builder`](Self::builder) does.
    ///
    /// # Errors
    ///
    /// As [`Model::load`], and [`ModelError::Backend`] if the backend cannot be used here.
    pub fn open_on(path: impl AsRef<Path>, backend: Backend) -> Result<Self, ModelError> {
        Self::builder()
            .model_file(path.as_ref())
            .backend(backend)
            .build()
    }

    /// Wraps a model, which is moved to `device` if it is on another one. It
    /// never abstains.
    ///
    /// # Errors
    ///
    /// [`ModelError::Settings`] or [`ModelError::Audio`] if the model has no
    /// network or its description cannot be used ([`Description::validate`]).
    pub fn new(mut model: Model, device: Device) -> Result<Self, ModelError> {
        // A model's fields are open, so it may not have come out of a file.
        model.description.validate()?;
        if model.members.is_empty() && model.linear.is_empty() {
            return Err(ModelError::Settings {
                what: "the model has no network and no linear classifier; it needs at least one"
                    .into(),
            });
        }
        for member in &mut model.members {
            if member.classifier.devices().iter().any(|d| *d != device) {
                member.classifier = member.classifier.clone().to_device(&device);
            }
        }
        Ok(Self {
            extractor: Extractor::with_encoder(&model.description.features, model.encoder.clone())?,
            model,
            device,
            abstain_below: 0.0,
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
    /// [`ModelError::Audio`] if the file cannot be decoded or is too short for
    /// one frame.
    pub fn classify_file(&self, path: impl AsRef<Path>) -> Result<Classification, ModelError> {
        self.classify(&Recording::open(path)?)
    }

    /// Classifies the content of an audio file.
    ///
    /// # Errors
    ///
    /// As [`classify_file`](Self::classify_file).
    pub fn classify_bytes(&self, bytes: impl AsRef<[u8]>) -> Result<Classification, ModelError> {
        self.classify(&Recording::from_bytes(bytes.as_ref())?)
    }

    /// Classifies mono samples, full scale ±1, at `sample_rate` Hz.
    ///
    /// # Errors
    ///
    /// [`ModelError::Audio`] if a sample is NaN or infinite, the rate is 0, or
    /// there are too few samples for one frame.
    pub fn classify_samples(
        &self,
        samples: &[f32],
        sample_rate: u32,
    ) -> Result<Classification, ModelError> {
        self.classify(&Recording::from_samples(samples.to_vec(), sample_rate)?)
    }

    /// Classifies a decoded recording.
    ///
    /// # Errors
    ///
    /// [`ModelError::Audio`] if the recording is too short for one frame.
    pub fn classify(&self, recording: &Recording) -> Result<Classification, ModelError> {
        let prepared = self.prepare(recording)?;
        Ok(self.classify_many(&[&prepared])?.remove(0))
    }

    /// Extracts the model's features from a recording and finds the speech in
    /// it: all that classifying or enrolling it needs.
    ///
    /// # Errors
    ///
    /// [`ModelError::Audio`] if the recording is too short for one frame.
    pub fn prepare(&self, recording: &Recording) -> Result<Prepared, ModelError> {
        self.prepare_with(recording, None)
    }

    /// As [`prepare`](Self::prepare), with the encoder's embedding of the recording as
    /// an [`EmbeddingStream`] has it. For a model without an encoder it does not matter.
    ///
    /// # Errors
    ///
    /// As [`prepare`](Self::prepare).
    pub fn prepare_with(
        &self,
        recording: &Recording,
        embedding: Option<Vec<f32>>,
    ) -> Result<Prepared, ModelError> {
        let has_encoder = self.model.encoder.is_some();
        let features = self.extractor.extract_with(recording, embedding)?;
        Prepared::new(features, recording, has_encoder)
    }

    /// The encoder's embedding of sound that is still arriving; `None` for a model
    /// without an encoder.
    ///
    /// # Errors
    ///
    /// As [`EmbeddingStream::new`].
    pub fn embedding_stream(&self) -> Result<Option<EmbeddingStream>, ModelError> {
        let level = self.extractor.spec().encoder.as_ref();
        let both = self.extractor.encoder().zip(level);
        both.map(|(encoder, level)| EmbeddingStream::new(encoder, level))
            .transpose()
    }

    /// The model's features of a recording.
    ///
    /// # Errors
    ///
    /// [`ModelError::Audio`] if the recording is too short for one frame.
    pub fn features(&self, recording: &Recording) -> Result<Features, ModelError> {
        self.extractor.extract(recording)
    }

    /// Classifies prepared recordings, [`BATCH`](Self::BATCH) of them at a time
    /// in one pass through the network; one answer for each, in their order.
    ///
    /// Padding changes nothing, but a matrix product of another number of rows
    /// rounds differently: a recording's probabilities in a batch and alone
    /// differ by a few 10⁻⁷.
    ///
    /// # Errors
    ///
    /// [`ModelError::Settings`] if a clip's features are not of the model's
    /// settings or have no frame; [`ModelError::Backend`] if the device fails.
    pub fn classify_many(&self, clips: &[&Prepared]) -> Result<Vec<Classification>, ModelError> {
        let pieces: Vec<&Prepared> = clips.iter().flat_map(|clip| clip.pieces()).collect();
        let features: Vec<&Features> = pieces.iter().map(|piece| piece.features()).collect();
        let mut answers = self.classify_features(&features)?;
        for (answer, piece) in answers.iter_mut().zip(&pieces) {
            answer.speech_seconds = piece.own_speech_seconds();
        }
        let mut answers = answers.into_iter();
        let of_clips = clips.iter().filter_map(|clip| {
            let of_clip = answers.by_ref().take(clip.pieces().count()).collect();
            long::mean(of_clip)
        });
        Ok(of_clips.collect())
    }

    /// Classifies features whose recordings are not at hand, in the same batches
    /// as [`classify_many`](Self::classify_many).
    ///
    /// # Errors
    ///
    /// As [`classify_many`](Self::classify_many).
    pub fn classify_features(
        &self,
        clips: &[&Features],
    ) -> Result<Vec<Classification>, ModelError> {
        let has_frames = self.model.description.features.columns() > 0;
        let empty = |clip: &&Features| has_frames && clip.frames.is_empty();
        if let Some(index) = clips.iter().position(empty) {
            return Err(ModelError::Settings {
                what: format!("clip {index} has no frame; leave it out"),
            });
        }
        let mut answers = Vec::with_capacity(clips.len());
        let mut rest = clips;
        while !rest.is_empty() {
            let (batch, after) = rest.split_at(batch_size(rest));
            for (clip, probabilities) in batch.iter().zip(self.probabilities(batch)?) {
                answers.push(self.answer(clip, probabilities));
            }
            rest = after;
        }
        Ok(answers)
    }

    /// The labels' probabilities for every clip of a batch.
    fn probabilities(&self, clips: &[&Features]) -> Result<Vec<Vec<f32>>, ModelError> {
        let labels = self.model.description.labels.len();
        let mut sums = vec![vec![0.0f64; labels]; clips.len()];
        let mut shares = 0.0;
        for classifier in &self.model.linear {
            let share = f64::from(classifier.share);
            shares += share;
            let range = classifier.inputs.range(&self.model.description.features);
            for (sums, clip) in sums.iter_mut().zip(clips) {
                let probabilities = classifier.probabilities(clip, &range)?;
                for (sum, probability) in sums.iter_mut().zip(probabilities) {
                    *sum += share * probability;
                }
            }
        }
        let share = f64::from(self.model.network_share);
        for member in &self.model.members {
            shares += share;
            let normalised = clips
                .iter()
                .map(|clip| member.normalisation.apply(clip))
                .collect::<Result<Vec<Features>, _>>()?;
            let batch = Batch::new(&normalised.iter().collect::<Vec<_>>(), &self.device);
            let probabilities = rows(member.classifier.probabilities(&batch))?;
            for (sums, row) in sums.iter_mut().zip(probabilities) {
                for (sum, probability) in sums.iter_mut().zip(row) {
                    *sum += share * f64::from(probability);
                }
            }
        }
        let temperature = f64::from(self.model.description.temperature);
        for sums in &mut sums {
            sums.iter_mut().for_each(|sum| *sum /= shares);
        }
        let tempered = sums.iter().map(|sums| tempered(sums, temperature));
        Ok(tempered
            .map(|probabilities| match self.offsets.is_empty() {
                true => probabilities,
                false => few_shot::moved(&probabilities, &self.offsets),
            })
            .collect())
    }

    /// Everything known about a clip that has these probabilities.
    fn answer(&self, clip: &Features, probabilities: Vec<f32>) -> Classification {
        let labels = self.model.description.labels.iter().cloned();
        let familiarity = self.model.familiarity.as_ref();
        Classification {
            scores: labels.zip(probabilities).collect(),
            speech_seconds: None,
            unfamiliarity: familiarity.map(|f| f.unfamiliarity(&clip.functionals)),
            abstain_below: self.abstain_below,
        }
    }

    /// Speaker adaptation: a recogniser for one speaker, whose voice is
    /// normalised by its own statistics. No label is needed; about ten clips
    /// (half a minute) give most of the gain.
    ///
    /// ```no_run
    /// use audio::Recording;
    /// use model::{Enrolment, Recognizer};
    ///
    /// let recognizer = Recognizer::builder().build()?;
    /// let first = recognizer.prepare(&Recording::open("first.wav")?)?;
    /// let second = recognizer.prepare(&Recording::open("second.wav")?)?;
    /// let speaker = Enrolment::from_clips(&[&first, &second]);
    /// let adapted = recognizer.enrolled(&speaker)?;
    /// // What was prepared for the enrolment can be classified too.
    /// println!("{}", adapted.classify_many(&[&first])?[0].verdict());
    /// # Ok::<(), model::ModelError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ModelError::Settings`] if the clips' features are not of the model's
    /// settings.
    pub fn enrolled(&self, speaker: &Enrolment) -> Result<Self, ModelError> {
        let mut recognizer = self.clone();
        for member in &mut recognizer.model.members {
            member.normalisation = member.normalisation.adapted(speaker)?;
        }
        for classifier in &mut recognizer.model.linear {
            classifier.normalisation = classifier.normalisation.adapted(speaker)?;
        }
        Ok(recognizer)
    }
}

/// How many of the first clips make up a batch: [`Recognizer::BATCH`], or fewer
/// if they are so long that they would need too much memory together.
fn batch_size(clips: &[&Features]) -> usize {
    let mut longest = 0;
    let fits = |(index, clip): &(usize, &&Features)| {
        longest = longest.max(clip.frames.len());
        (index + 1) * longest <= BATCH_FRAMES
    };
    let first = clips.iter().take(Recognizer::BATCH).enumerate();
    // A clip that is too long by itself still has to be classified.
    first.take_while(fits).count().max(1)
}

/// Probabilities in proportion to `weights ^ (1 / temperature)`.
fn tempered(weights: &[f64], temperature: f64) -> Vec<f32> {
    let powers: Vec<f64> = weights.iter().map(|w| w.powf(1.0 / temperature)).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|power| (power / sum) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio::Frames;

    #[test]
    fn a_batch_has_64_clips_or_fewer_if_they_are_long() {
        let clip = |frames: usize| Features::new(Frames::new(vec![0.0; frames], 1), Vec::new());
        let (short, long, huge) = (clip(4096), clip(8192), clip(BATCH_FRAMES + 1));
        assert_eq!(batch_size(&[&short; 100]), 64);
        assert_eq!(batch_size(&[&short; 3]), 3);
        assert_eq!(batch_size(&[&long; 100]), 32);
        assert_eq!(batch_size(&[&huge, &short]), 1);
        // The short clips go first, then the long one, then the rest.
        let mut mixed = vec![&short; 100];
        mixed[10] = &huge;
        assert_eq!(batch_size(&mixed), 10);
        assert_eq!(batch_size(&mixed[10..]), 1);
    }
}
