//! Epochs of steps, with validation after each.
//!
//! An ensemble is trained one network after the other, each with a seed of its
//! own. Epochs are numbered through: the second of two networks of 30 epochs
//! begins with epoch 31.

use std::time::Instant;

use audio::Features;
use burn::optim::GradientsParams;
use burn::tensor::{Bytes, Device, Int, Tensor};
use metrics::{ConfusionMatrix, EpochMetrics};
use model::{Batch, Classifier, Description, Model, ModelError, cross_entropy};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use recurrent::Dropout;
use recurrent::parameters::{Parameters, average, parameters, with_parameters};

use crate::auxiliary::AuxiliaryHeads;
use crate::clips::{Sample, TrainingClips, ValidationClips};
use crate::mixup::{Mix, mix};
use crate::network::{Best, NetworkInTraining};
use crate::schedule::learning_rate;
use crate::settings::Training;
use crate::{Event, Observer, TrainingError};

/// A training in progress.
pub struct Trainer {
    settings: Training,
    seed: u64,
    description: Description,
    device: Device,
    /// The weights to start from, where a model is fine-tuned.
    initial: Vec<Parameters>,
    /// The networks that are finished, and the epochs they took.
    finished: Vec<Parameters>,
    finished_epochs: usize,
    current: NetworkInTraining,
    /// From a checkpoint, until the heads are made.
    auxiliary_state: Option<(Parameters, Vec<u8>)>,
}

/// Everything needed to resume a training.
pub(crate) struct State {
    pub finished: Vec<Parameters>,
    pub finished_epochs: usize,
    pub epoch: usize,
    pub best: Option<Best>,
    pub weights: Parameters,
    pub average: Parameters,
    pub optimizer: Vec<u8>,
    pub auxiliary: Option<(Parameters, Vec<u8>)>,
}

impl Trainer {
    /// A training from weights drawn by `seed`, on `device`.
    pub fn new(description: &Description, settings: &Training, seed: u64, device: &Device) -> Self {
        let device = device.clone().autodiff();
        Self {
            settings: settings.clone(),
            seed,
            description: description.clone(),
            initial: Vec::new(),
            finished: Vec::new(),
            finished_epochs: 0,
            current: NetworkInTraining::new(description, settings, seed, &device),
            auxiliary_state: None,
            device,
        }
    }

    /// Fine-tunes a model: each network starts with the weights of one of the
    /// model's networks in turn. What has another shape there, as the head of
    /// other labels has, keeps its weights drawn by the seed.
    ///
    /// # Errors
    ///
    /// [`TrainingError::Settings`] where the model has no network, or the features are
    /// not the same: the weights would mean nothing.
    pub fn fine_tune(&mut self, model: &Model) -> Result<(), TrainingError> {
        if model.description.features != self.description.features {
            return Err(TrainingError::settings(
                "the model to fine-tune uses other features than this training",
            ));
        }
        has_networks(model)?;
        let members = model.members.iter();
        self.initial = members
            .map(|member| parameters(&member.classifier))
            .collect();
        self.current = self.network(0);
        Ok(())
    }

    /// A network of the ensemble before its first step.
    fn network(&self, member: usize) -> NetworkInTraining {
        let seed = self.member_seed(member);
        let mut network =
            NetworkInTraining::new(&self.description, &self.settings, seed, &self.device);
        if let Some(initial) = self.initial.get(member % self.initial.len().max(1)) {
            let mut weights = parameters(&network.classifier);
            for (name, array) in &mut weights {
                let known = initial.get(name);
                if let Some(known) = known.filter(|known| known.shape == array.shape) {
                    *array = known.clone();
                }
            }
            // The names and shapes are the network's own.
            if let Ok(classifier) = with_parameters(network.classifier.clone(), &weights) {
                network.classifier = classifier;
            }
        }
        network
    }

    /// Epochs done, of all networks.
    pub fn epoch(&self) -> usize {
        self.finished_epochs + self.current.epoch
    }

    /// The best epoch so far of the current network, where one is done.
    pub fn best(&self) -> Option<&Best> {
        self.current.best.as_ref()
    }

    /// Whether all networks are finished.
    pub fn is_done(&self) -> bool {
        self.finished.len() + 1 >= self.settings.members && self.current.is_done(&self.settings)
    }

    /// Most epochs of all networks together.
    pub fn epochs_at_most(settings: &Training) -> usize {
        settings.epochs * settings.members
    }

    /// The networks, each with the weights of its best epoch; the current one
    /// with those it has where no epoch is done.
    ///
    /// # Errors
    ///
    /// Where the weights do not fit the network: a program error.
    pub fn classifiers(&self) -> Result<Vec<Classifier>, TrainingError> {
        let last = match &self.current.best {
            None => self.current.kept(),
            Some(best) => best.parameters.clone(),
        };
        let all = self.finished.iter().chain([&last]);
        all.map(|weights| self.current.inference(weights)).collect()
    }

    /// The seed of a network of the ensemble: the training's for the first.
    fn member_seed(&self, member: usize) -> u64 {
        self.seed.wrapping_add(member as u64 * 1_000_003)
    }

    /// A factor for each label's loss, so that every label counts the same; or
    /// 1 for each, where the settings do not ask for class weights.
    fn class_weights(&self, train: &TrainingClips) -> Vec<f32> {
        let labels = self.description.labels.len();
        match self.settings.class_weights {
            true => train.class_weights(labels),
            false => vec![1.0; labels],
        }
    }

    /// One pass over the training clips, then the validation.
    ///
    /// The observer is told of every step and may interrupt: what the epoch did
    /// so far is dropped then, and `None` returned.
    ///
    /// # Errors
    ///
    /// [`TrainingError::Diverged`] where the loss is not a number any more;
    /// [`TrainingError::Model`] where the device fails.
    pub fn run_epoch(
        &mut self,
        train: &TrainingClips,
        validation: &ValidationClips,
        observer: &dyn Observer,
    ) -> Result<Option<EpochMetrics>, TrainingError> {
        if self.current.is_done(&self.settings) {
            self.begin_next();
        }
        let begin = Instant::now();
        let mut rng = ChaCha8Rng::seed_from_u64(self.member_seed(self.finished.len()));
        rng.set_stream(self.current.epoch as u64 + 1);
        let weights = self.class_weights(train);
        let batches = train.epoch(&self.settings, &mut rng)?;

        self.begin_auxiliary(&train.auxiliary_answers())?;
        let before = self.current.clone();
        let (mut loss_sum, mut correct, mut rate) = (0.0, 0usize, 0.0);
        for (index, batch) in batches.iter().enumerate() {
            if observer.interrupted() {
                self.current = before;
                return Ok(None);
            }
            let step = self.current.epoch * batches.len() + index;
            let steps = self.settings.epochs * batches.len();
            rate = learning_rate(self.settings.learning_rate, step, steps);
            let (loss, right) = self.step(batch, &weights, rate, &mut rng)?;
            if !loss.is_finite() {
                return Err(TrainingError::Diverged {
                    epoch: self.epoch() + 1,
                    learning_rate: self.settings.learning_rate,
                });
            }
            loss_sum += loss * batch.len() as f64;
            correct += right;
            observer.notice(Event::Advance(1));
        }
        self.current.epoch += 1;

        let (validation_loss, validation_uar) = self.validate(validation, &weights)?;
        self.current.keep_if_best(validation_loss, validation_uar);
        Ok(Some(EpochMetrics {
            epoch: self.epoch(),
            train_loss: loss_sum / train.len() as f64,
            train_accuracy: correct as f64 / train.len() as f64,
            validation_loss,
            validation_uar,
            learning_rate: rate,
            seconds: begin.elapsed().as_secs_f64(),
        }))
    }

    /// One step: its loss, and how many clips were recognised.
    fn step(
        &mut self,
        batch: &[Sample],
        weights: &[f32],
        rate: f64,
        rng: &mut ChaCha8Rng,
    ) -> Result<(f64, usize), TrainingError> {
        let targets: Vec<usize> = batch.iter().map(|sample| sample.label).collect();
        let clips: Vec<&Features> = batch.iter().map(|sample| &sample.features).collect();
        let inputs = Batch::new(&clips, &self.device);
        let network = &self.current.classifier;
        let pooled = network.pooled(&inputs, &mut Dropout::training(rng));
        let heads = self.current.auxiliary.as_ref();
        let asked = heads.and_then(|heads| heads.loss(&pooled, batch, &self.settings.auxiliary));
        let smoothing = self.settings.label_smoothing;
        let (logits, loss) = match mix(targets.len(), self.settings.mixup, rng) {
            None => {
                let logits = network.scores(pooled);
                let loss = cross_entropy(logits.clone(), &targets, weights, smoothing);
                (logits, loss)
            }
            Some(Mix { share, others }) => {
                let indices: Vec<i64> = others.iter().map(|&other| other as i64).collect();
                let indices = Tensor::<1, Int>::from_data(indices.as_slice(), &self.device);
                let other = pooled.clone().select(0, indices);
                let logits = network.scores(pooled * share + other * (1.0 - share));
                let mixed: Vec<usize> = others.iter().map(|&other| targets[other]).collect();
                let own = cross_entropy(logits.clone(), &targets, weights, smoothing);
                let other = cross_entropy(logits.clone(), &mixed, weights, smoothing);
                (logits, own * share + other * (1.0 - share))
            }
        };
        let whole = match asked {
            Some(asked) => loss.clone() + asked,
            None => loss.clone(),
        };
        let mut all = whole.backward();
        let gradients = GradientsParams::from_module(&mut all, network);
        let current = &mut self.current;
        if let Some(heads) = &mut current.auxiliary {
            heads.step(rate, &mut all);
        }
        current.classifier = current
            .optimizer
            .step(rate, current.classifier.clone(), gradients);
        if self.settings.average > 0.0 {
            let decay = self.settings.average as f32;
            average(&current.classifier, &mut current.average, decay);
        }
        Ok((loss.into_scalar(), count_correct(logits, &targets)?))
    }

    /// The auxiliary heads before their first step, or as a checkpoint left them.
    fn begin_auxiliary(&mut self, answers: &[usize]) -> Result<(), TrainingError> {
        if answers.is_empty() || self.current.auxiliary.is_some() {
            return Ok(());
        }
        let width = self.current.classifier.head.weight.dims()[1];
        let seed = self.member_seed(self.finished.len());
        let mut heads = AuxiliaryHeads::new(width, answers, seed, &self.device);
        if let Some((weights, optimizer)) = self.auxiliary_state.take() {
            (heads.set_state(&weights, optimizer))
                .map_err(|what| TrainingError::Model(ModelError::Settings { what }))?;
        }
        self.current.auxiliary = Some(heads);
        Ok(())
    }

    /// Puts the finished network away and begins the next one.
    fn begin_next(&mut self) {
        let kept = match self.current.best.take() {
            Some(best) => best.parameters,
            None => self.current.kept(),
        };
        self.finished.push(kept);
        self.finished_epochs += self.current.epoch;
        self.current = self.network(self.finished.len());
        // What a checkpoint left is of the network put away.
        self.auxiliary_state = None;
    }

    /// Loss and UAR on the validation clips; nothing without any.
    fn validate(
        &self,
        clips: &ValidationClips,
        weights: &[f32],
    ) -> Result<(Option<f64>, Option<f64>), TrainingError> {
        if clips.labels.is_empty() {
            return Ok((None, None));
        }
        let classifier = self.current.inference(&self.current.kept())?;
        let device = self.device.clone().inner();
        let mut matrix = ConfusionMatrix::new(self.description.labels.iter().cloned());
        let mut loss_sum = 0.0;
        let batches = clips.features.chunks(self.settings.batch_size);
        for (features, labels) in batches.zip(clips.labels.chunks(self.settings.batch_size)) {
            let batch = Batch::new(&features.iter().collect::<Vec<_>>(), &device);
            let logits = classifier.logits(&batch, &mut Dropout::inference());
            let loss: f64 = cross_entropy(logits.clone(), labels, weights, 0.0).into_scalar();
            loss_sum += loss * labels.len() as f64;
            for (row, label) in model::nn::rows(logits)?.iter().zip(labels) {
                matrix.add(*label, highest(row));
            }
        }
        Ok((Some(loss_sum / clips.labels.len() as f64), matrix.uar()))
    }

    /// Everything that a resumed training needs.
    pub(crate) fn state(&self) -> Result<State, String> {
        let current = &self.current;
        let optimizer = current.optimizer.into_bytes();
        let optimizer =
            optimizer.map_err(|error| format!("the optimiser cannot be saved: {error}"))?;
        let auxiliary = current.auxiliary.as_ref().map(AuxiliaryHeads::state);
        Ok(State {
            auxiliary: auxiliary.transpose()?,
            finished: self.finished.clone(),
            finished_epochs: self.finished_epochs,
            epoch: current.epoch,
            best: current.best.clone(),
            weights: parameters(&current.classifier),
            average: current.average.clone(),
            optimizer: optimizer.to_vec(),
        })
    }

    /// Takes back what [`state`](Self::state) gave, or says what does not fit.
    pub(crate) fn set_state(&mut self, state: State) -> Result<(), String> {
        let current = &mut self.current;
        current.classifier = with_parameters(current.classifier.clone(), &state.weights)
            .map_err(|what| format!("the checkpoint is of another network: {what}"))?;
        current.optimizer = current
            .optimizer
            .clone()
            .from_bytes(Bytes::from_bytes_vec(state.optimizer))
            .map_err(|error| format!("the optimiser's state cannot be read: {error}"))?;
        current.epoch = state.epoch;
        current.best = state.best;
        current.average = state.average;
        self.auxiliary_state = state.auxiliary;
        self.finished = state.finished;
        self.finished_epochs = state.finished_epochs;
        Ok(())
    }
}

fn count_correct(logits: Tensor<2>, targets: &[usize]) -> Result<usize, ModelError> {
    let rows = model::nn::rows(logits)?;
    let right = rows.iter().zip(targets);
    Ok(right
        .filter(|(row, target)| highest(row) == **target)
        .count())
}

/// The place of the highest score; the first of equals.
pub(crate) fn highest(row: &[f32]) -> usize {
    (0..row.len()).fold(0, |best, k| if row[k] > row[best] { k } else { best })
}

/// Says so where a model has nothing to start a training from.
pub(crate) fn has_networks(model: &Model) -> Result<(), TrainingError> {
    match model.members.is_empty() {
        true => Err(TrainingError::settings(
            "the model to fine-tune has no network, and linear classifiers are always fitted anew",
        )),
        false => Ok(()),
    }
}
