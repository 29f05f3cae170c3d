//! From a finished training to a model that knows what it knows.

use anyhow::Result;
use model::burn::tensor::Device;
use model::{Description, Model, Normalisation, Recognizer};

use super::{Parts, Trainer, calibration};
use crate::corpus::Corpus;
use crate::evaluation;
use crate::report::{ConfusionMatrix, Predictions};

/// The networks of a training as a recogniser: with what the training clips
/// look like and, where there are validation speakers, with the temperature
/// that makes the probabilities of their clips mean what they say.
///
/// # Errors
///
/// Where the device does not give its results back.
pub fn finish(
    trainer: &Trainer,
    parts: &Parts<'_>,
    normalisation: &Normalisation,
    description: Description,
    corpus: &Corpus,
    device: &Device,
) -> Result<Recognizer> {
    let mut model = Model::ensemble(trainer.classifiers()?, normalisation, description);
    model.familiarity = parts.familiarity()?;
    model.description.provenance.epoch = trainer.best().map_or(0, |best| best.epoch);
    if parts.validation.is_empty() {
        return Ok(Recognizer::new(model, device.clone())?);
    }
    model.description.temperature = 1.0;
    let recognizer = Recognizer::new(model, device.clone())?;
    let answers = evaluation::predict(&recognizer, corpus, &parts.validation)?;
    let mut model = recognizer.into_model();
    model.description.temperature = calibration::temperature(&answers);
    Ok(Recognizer::new(model, device.clone())?)
}

/// A model with what it said of speakers it never heard.
pub struct Tested {
    /// The model, the figures noted in it.
    pub model: Model,
    /// Its answers.
    pub predictions: Predictions,
    /// Their confusion matrix.
    pub matrix: ConfusionMatrix,
}

/// Tests a recogniser on the speakers it never heard and notes the figures in it.
///
/// # Errors
///
/// Where the device does not give its results back.
pub fn test(recognizer: Recognizer, parts: &Parts<'_>, corpus: &Corpus) -> Result<Tested> {
    let predictions = evaluation::predict(&recognizer, corpus, &parts.test)?;
    let mut model = recognizer.into_model();
    let matrix = predictions.confusion_matrix();
    model.description.provenance.test_uar = matrix.uar();
    model.description.provenance.test_accuracy = matrix.accuracy();
    Ok(Tested {
        model,
        predictions,
        matrix,
    })
}
