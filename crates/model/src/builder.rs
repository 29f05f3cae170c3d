//! Building a recogniser: which model, where it computes, when it abstains, for whom.

use std::path::PathBuf;

use burn::tensor::Device;

use crate::{Backend, Enrolment, Model, ModelError, Recognizer};

/// The settings of a [`Recognizer`], made by [`Recognizer::builder`].
///
/// Every setting has a default: the pretrained model, on the CPU, that never
/// abstains and knows no speaker.
///
/// ```no_run
/// use model::Recognizer;
///
/// let recognizer = Recognizer::builder()
///     .model_file("model.safetensors")
///     .abstain_below(0.5)
///     .build()?;
/// println!("{}", recognizer.classify_file("voice.wav")?.verdict());
/// # Ok::<(), model::ModelError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct RecognizerBuilder<'a> {
    source: Source<'a>,
    backend: Backend,
    abstain_below: f32,
    speaker: Option<Enrolment>,
}

/// Where the model comes from.
#[derive(Clone, Debug)]
enum Source<'a> {
    Pretrained,
    File(PathBuf),
    Bytes(&'a [u8]),
    // Boxed: it is much larger than the others.
    Model(Box<Model>),
}

impl Default for RecognizerBuilder<'_> {
    fn default() -> Self {
        Self {
            source: Source::Pretrained,
            backend: Backend::Flex,
            abstain_below: 0.0,
            speaker: None,
        }
    }
}

impl<'a> RecognizerBuilder<'a> {
    /// Reads the model from this file. Of several models, the one named last is taken.
    pub fn model_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.source = Source::File(path.into());
        self
    }

    /// Reads the model from the content of a model file.
    pub fn model_bytes(mut self, bytes: &'a [u8]) -> Self {
        self.source = Source::Bytes(bytes);
        self
    }

    /// Takes a model that is already in memory. It is moved to the backend if
    /// it is on another device.
    pub fn model(mut self, model: Model) -> Self {
        self.source = Source::Model(Box::new(model));
        self
    }

    /// Computes on this backend instead of the CPU. [`Backend::Auto`] is the
    /// CPU here; to use a graphics card, ask [`Backend::usable`] first.
    pub fn backend(mut self, backend: Backend) -> Self {
        self.backend = backend;
        self
    }

    /// Abstains if the most probable label is less probable than this, 0 to 1:
    /// the verdict is then [`Verdict::Unsure`](crate::Verdict::Unsure). With 0,
    /// the default, the recogniser never abstains.
    pub fn abstain_below(mut self, probability: f32) -> Self {
        self.abstain_below = probability;
        self
    }

    /// Adapts the model to an enrolled speaker, as [`Recognizer::enrolled`] does.
    pub fn speaker(mut self, speaker: Enrolment) -> Self {
        self.speaker = Some(speaker);
        self
    }

    /// Opens the model.
    ///
    /// # Errors
    ///
    /// - [`ModelError::Settings`] if the abstention threshold is not from 0 to 1, if the enrolled
    ///   clips do not have the model's features, or if no model was chosen and the pretrained one is
    ///   not compiled in;
    /// - [`ModelError::Backend`] if the backend cannot be used here;
    /// - the errors of [`Model::load`] for a file, of [`Model::from_bytes`] for bytes;
    /// - [`ModelError::Audio`] if the model's feature settings cannot be used.
    pub fn build(self) -> Result<Recognizer, ModelError> {
        if !(0.0..=1.0).contains(&self.abstain_below) {
            return Err(ModelError::Settings {
                what: format!(
                    "the abstention threshold is {}, but must be a probability from 0 to 1",
                    self.abstain_below
                ),
            });
        }
        let device = self.backend.device()?;
        let model = match self.source {
            Source::Pretrained => pretrained(&device)?,
            Source::File(path) => Model::load(path, &device)?,
            Source::Bytes(bytes) => Model::from_bytes(bytes, &device)?,
            Source::Model(model) => *model,
        };
        let mut recognizer = Recognizer::new(model, device)?;
        recognizer.abstain_below = self.abstain_below;
        match self.speaker {
            Some(speaker) => recognizer.enrolled(&speaker),
            None => Ok(recognizer),
        }
    }
}

#[cfg(feature = "pretrained")]
fn pretrained(device: &Device) -> Result<Model, ModelError> {
    Model::pretrained(device)
}

#[cfg(not(feature = "pretrained"))]
fn pretrained(_: &Device) -> Result<Model, ModelError> {
    Err(ModelError::Settings {
        what: "no model was chosen, and the pretrained model is not compiled in; \
               choose a model file, or build with the cargo feature `pretrained`"
            .into(),
    })
}
