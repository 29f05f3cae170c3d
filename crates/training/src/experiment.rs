//! The one way to train: a corpus, a split and settings in, a tested model out.
//!
//! Every training goes the same way, whether it stands alone or is one fold of
//! a cross-validation:
//!
//! 1. [`Dataset::new`]: the split's clips with their features;
//! 2. [`Dataset::clips`]: normalised by the statistics of the training clips;
//! 3. [`Trainer::run_epoch`], again and again, until the settings or the
//!    validation speakers say that it is enough;
//! 4. the [temperature](crate::temperature) from the validation clips, and
//!    what the training clips look like ([`model::Familiarity`]);
//! 5. [`predict`]: the answers on held-out speakers.
//!
//! Nothing before step 5 reads a clip of a held-out speaker.

use burn::tensor::Device;
use corpus::{Corpus, Split};
use metrics::cross_validation::AdaptationTest;
use metrics::{ConfusionMatrix, EpochMetrics, Predictions};
use model::{Description, Model, Normalisation, Recognizer};

use crate::dataset::{Dataset, describe};
use crate::evaluation::predict;
use crate::settings::Settings;
use crate::trainer::Trainer;
use crate::{Event, FeatureTable, Observer, Stage, TrainingError, enrolment, temperature};

/// A training that is about to be done.
pub struct Experiment<'a> {
    /// The recordings.
    pub corpus: &'a Corpus,
    /// Which of them train, validate and test.
    pub split: &'a Split,
    /// The features of its clips.
    pub features: &'a FeatureTable,
    /// What the training depends on.
    pub settings: &'a Settings,
    /// Where it is computed.
    pub device: &'a Device,
    /// The model to fine-tune; none trains from weights drawn by the seed.
    pub fine_tune: Option<&'a Model>,
    /// Whether the test is also done after speaker adaptation.
    pub speaker_adaptation: bool,
}

/// Where the epochs of a training are kept, so that it can be resumed.
pub trait Journal {
    /// Brings the trainer to where it was interrupted, and returns the epochs
    /// done until then; none for a new training.
    ///
    /// # Errors
    ///
    /// Where what was kept cannot be read or is of other settings.
    fn resume(&mut self, trainer: &mut Trainer) -> Result<Vec<EpochMetrics>, TrainingError>;

    /// Keeps an epoch that is done.
    ///
    /// # Errors
    ///
    /// Where it cannot be written.
    fn epoch(&mut self, trainer: &Trainer, metrics: &EpochMetrics) -> Result<(), TrainingError>;
}

/// Keeps nothing.
impl Journal for () {
    fn resume(&mut self, _: &mut Trainer) -> Result<Vec<EpochMetrics>, TrainingError> {
        Ok(Vec::new())
    }

    fn epoch(&mut self, _: &Trainer, _: &EpochMetrics) -> Result<(), TrainingError> {
        Ok(())
    }
}

/// How a training ended.
#[derive(Debug)]
pub enum Outcome {
    /// All epochs that were needed are done.
    Finished(Box<Fitted>),
    /// The observer interrupted it; the journal has everything up to this epoch.
    Interrupted {
        /// Epochs done.
        epoch: usize,
    },
}

/// A trained model with its test on held-out speakers.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// The model; the figures of its test are noted in it.
    pub model: Model,
    /// Its answers on the held-out speakers' clips.
    pub predictions: Predictions,
    /// The test after speaker adaptation, if that was asked for.
    pub adaptation: Vec<AdaptationTest>,
    /// The learning curves.
    pub epochs: Vec<EpochMetrics>,
    /// The epoch whose weights were kept, of an ensemble's last network.
    pub best_epoch: usize,
}

impl Fitted {
    /// How often each label was recognised as each, of held-out speakers.
    pub fn confusion_matrix(&self) -> ConfusionMatrix {
        self.predictions.confusion_matrix()
    }
}

impl Experiment<'_> {
    /// Trains and tests. `journal` keeps every epoch; `()` keeps none.
    ///
    /// # Errors
    ///
    /// Where the settings do not fit the recordings, no training clip could be
    /// read, the loss diverges, or the device or the journal fails.
    pub fn run(
        &self,
        journal: &mut dyn Journal,
        observer: &dyn Observer,
    ) -> Result<Outcome, TrainingError> {
        let Settings { training, seed, .. } = self.settings;
        let dataset = Dataset::new(self.corpus, self.split, self.features, &training.auxiliary)?;
        let description = describe(self.corpus, self.split, self.settings)?;
        let (train, validation, normalisation) = dataset.clips(self.settings)?;

        let mut trainer = Trainer::new(&description, training, *seed, self.device);
        if let Some(model) = self.fine_tune {
            trainer.fine_tune(model)?;
        }
        let mut epochs = journal.resume(&mut trainer)?;
        let steps = train.len().div_ceil(training.batch_size);
        observer.notice(Event::Begin {
            stage: Stage::Training,
            steps: (Trainer::epochs_at_most(training) * steps) as u64,
            done: (trainer.epoch() * steps) as u64,
        });
        while !trainer.is_done() {
            let Some(metrics) = trainer.run_epoch(&train, &validation, observer)? else {
                let epoch = trainer.epoch();
                return Ok(Outcome::Interrupted { epoch });
            };
            observer.notice(Event::Epoch(&metrics));
            journal.epoch(&trainer, &metrics)?;
            epochs.push(metrics);
        }
        observer.notice(Event::End);

        let recognizer = self.calibrated(&trainer, &dataset, &normalisation, description)?;
        let fitted = self.tested(recognizer, &dataset, epochs)?;
        Ok(Outcome::Finished(Box::new(fitted)))
    }

    /// The trained networks as a recogniser: with what the training clips look
    /// like and, where there are validation speakers, with the temperature that
    /// calibrates the probabilities of their clips.
    fn calibrated(
        &self,
        trainer: &Trainer,
        dataset: &Dataset<'_>,
        normalisation: &Normalisation,
        description: Description,
    ) -> Result<Recognizer, TrainingError> {
        let mut model = Model::ensemble(trainer.classifiers()?, normalisation, description);
        model.familiarity = dataset.familiarity()?;
        model.description.provenance.epoch = trainer.best().map_or(0, |best| best.epoch);
        if dataset.validation.is_empty() {
            return Ok(Recognizer::new(model, self.device.clone())?);
        }
        model.description.temperature = 1.0;
        let recognizer = Recognizer::new(model, self.device.clone())?;
        let answers = predict(&recognizer, self.corpus, &dataset.validation)?;
        let mut model = recognizer.into_model();
        model.description.temperature = temperature::fit(&answers);
        Ok(Recognizer::new(model, self.device.clone())?)
    }

    /// Tests on the held-out speakers, and notes the figures in the model.
    fn tested(
        &self,
        recognizer: Recognizer,
        dataset: &Dataset<'_>,
        epochs: Vec<EpochMetrics>,
    ) -> Result<Fitted, TrainingError> {
        let adaptation = match self.speaker_adaptation {
            true => enrolment::curve(&recognizer, &dataset.test, self.settings.seed)?,
            false => Vec::new(),
        };
        let predictions = predict(&recognizer, self.corpus, &dataset.test)?;
        let mut model = recognizer.into_model();
        let matrix = predictions.confusion_matrix();
        let provenance = &mut model.description.provenance;
        provenance.test_uar = matrix.uar();
        provenance.test_accuracy = matrix.accuracy();
        Ok(Fitted {
            best_epoch: provenance.epoch,
            model,
            predictions,
            adaptation,
            epochs,
        })
    }
}
