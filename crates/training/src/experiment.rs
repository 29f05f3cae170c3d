//! The one way to train: a corpus, a split and settings in, a tested model out.
//!
//! Every training goes the same way, whether it stands alone or is one fold of
//! a cross-validation:
//!
//! 1. [`Dataset::new`]: the split's clips with their features;
//! 2. [`Dataset::clips`]: normalised by the statistics of the training clips;
//! 3. the linear classifiers, solved, and the networks by [`Trainer::run_epoch`],
//!    again and again, until the settings or the validation speakers say that it is
//!    enough;
//! 4. the [temperature](crate::temperature) from the validation clips or from
//!    training speakers left out of a fit, and what the training clips look like
//!    ([`model::Familiarity`]);
//! 5. [`predict`]: the answers on held-out speakers.
//!
//! Nothing before step 5 reads a clip of a held-out speaker.

use std::time::Instant;

use burn::tensor::Device;
use corpus::{Corpus, Split};
use metrics::cross_validation::AdaptationTest;
use metrics::{ConfusionMatrix, EpochMetrics, Predictions};
use model::{Encoder, Member, Model, Recognizer};

use crate::clips::{TrainingClips, ValidationClips};
use crate::dataset::{Dataset, describe};
use crate::evaluation::predict;
use crate::settings::Settings;
use crate::trainer::Trainer;
use crate::{Event, FeatureTable, Observer, Stage, TrainingError, enrolment, linear, temperature};

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
    /// The epoch whose weights were kept, of an ensemble's last network; 0 without
    /// networks.
    pub best_epoch: usize,
    /// How long the training took, without its test.
    pub seconds: f64,
}

/// How the training of the networks ended.
enum Networks {
    Trained(Vec<EpochMetrics>),
    Interrupted { epoch: usize },
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
        let Settings { training, .. } = self.settings;
        let dataset = Dataset::new(self.corpus, self.split, self.features, &training.auxiliary)?;
        let description = describe(self.corpus, self.split, self.settings)?;
        let (train, validation, normalisation) = dataset.clips(self.settings)?;

        let begin = Instant::now();
        let mut model = Model::ensemble(Vec::new(), &normalisation, description);
        model.network_share = training.network_share / training.members.max(1) as f32;
        if !training.linear.is_empty() {
            let labels = model.description.labels.len();
            let fitted = linear::fit(&train, labels, self.settings)?;
            model.linear = fitted.classifiers;
            if let (0, Some(temperature)) = (training.members, fitted.temperature) {
                model.description.temperature = temperature;
            }
        }
        if self.settings.features.encoder.is_some() {
            model.encoder = Some(Encoder::pretrained()?);
        }
        let mut epochs = Vec::new();
        if training.members > 0 {
            let trained = self.networks(&mut model, (&train, &validation), journal, observer)?;
            match trained {
                Networks::Trained(all) => epochs = all,
                Networks::Interrupted { epoch } => return Ok(Outcome::Interrupted { epoch }),
            }
        }
        let seconds = begin.elapsed().as_secs_f64();
        let recognizer = self.calibrated(model, &dataset)?;
        let mut fitted = self.tested(recognizer, &dataset, epochs)?;
        fitted.seconds = seconds;
        Ok(Outcome::Finished(Box::new(fitted)))
    }

    /// Trains the networks and adds them to the model.
    fn networks(
        &self,
        model: &mut Model,
        (train, validation): (&TrainingClips<'_>, &ValidationClips),
        journal: &mut dyn Journal,
        observer: &dyn Observer,
    ) -> Result<Networks, TrainingError> {
        let Settings { training, seed, .. } = self.settings;
        let mut trainer = Trainer::new(&model.description, training, *seed, self.device);
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
            let Some(metrics) = trainer.run_epoch(train, validation, observer)? else {
                let epoch = trainer.epoch();
                return Ok(Networks::Interrupted { epoch });
            };
            observer.notice(Event::Epoch(&metrics));
            journal.epoch(&trainer, &metrics)?;
            epochs.push(metrics);
        }
        observer.notice(Event::End);
        let member = |classifier| Member {
            classifier,
            normalisation: train.normalisation().clone(),
        };
        model.members = trainer.classifiers()?.into_iter().map(member).collect();
        model.description.provenance.epoch = trainer.best().map_or(0, |best| best.epoch);
        Ok(Networks::Trained(epochs))
    }

    /// The trained model as a recogniser: with what the training clips look
    /// like and, where there are validation speakers, with the temperature that
    /// calibrates the probabilities of their clips.
    fn calibrated(
        &self,
        mut model: Model,
        dataset: &Dataset<'_>,
    ) -> Result<Recognizer, TrainingError> {
        model.familiarity = dataset.familiarity(&self.settings.features)?;
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
            seconds: 0.0,
            model,
            predictions,
            adaptation,
            epochs,
        })
    }
}
