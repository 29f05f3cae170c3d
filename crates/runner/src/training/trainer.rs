//! Epochs of steps, validation after each, and which epoch is kept.
//!
//! An ensemble is trained one network after the other, each with a seed of its
//! own. Epochs are counted through: the second of two networks of 30 epochs
//! begins with epoch 31.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use audio::Features;
use burn::grad_clipping::GradientClippingConfig;
use burn::module::Module;
use burn::optim::{AdamWConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Int, Tensor};
use model::burn;
use model::parameters::{Parameters, average, parameters, with_parameters};
use model::recurrent::{Dropout, Init};
use model::{Batch, Classifier, Description, Model, cross_entropy};
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_distr::{Beta, Distribution};

use super::auxiliary::AuxiliaryHeads;
use super::schedule::learning_rate;
use super::{Clips, Sample, TrainingClips};
use crate::report::{ConfusionMatrix, EpochMetrics};
use crate::settings::Training;

/// A training under way.
pub struct Trainer {
    settings: Training,
    seed: u64,
    description: Description,
    device: Device,
    /// What the networks begin with, where that is another model's.
    first: Vec<Parameters>,
    /// The networks that are done, and the epochs they took.
    done: Vec<Parameters>,
    epochs_done: usize,
    present: Present,
    /// Of a checkpoint, until the heads are made.
    auxiliary_state: Option<(Parameters, Vec<u8>)>,
}

/// The network being trained.
#[derive(Clone)]
struct Present {
    classifier: Classifier,
    optimizer: ModuleOptimizer,
    /// Of the weights so far; empty where none is taken.
    average: Parameters,
    /// Made with the first batch, of as many answers as its clips have.
    auxiliary: Option<AuxiliaryHeads>,
    epoch: usize,
    best: Option<Best>,
}

/// Where a training stands, to be kept and gone on from.
pub(super) struct State {
    pub done: Vec<Parameters>,
    pub epochs_done: usize,
    pub epoch: usize,
    pub best: Option<Best>,
    pub weights: Parameters,
    pub average: Parameters,
    pub optimizer: Vec<u8>,
    pub auxiliary: Option<(Parameters, Vec<u8>)>,
}

/// The best epoch so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Best {
    /// Its number, from 1.
    pub epoch: usize,
    /// Its UAR on the validation speakers; without any, no epoch is better than the last.
    pub uar: Option<f64>,
    /// Its loss on them, which decides between equal UARs.
    pub loss: Option<f64>,
    /// Its weights.
    pub parameters: Parameters,
}

impl Present {
    fn new(description: &Description, settings: &Training, seed: u64, device: &Device) -> Self {
        let clip = GradientClippingConfig::Norm(settings.gradient_clip);
        let optimizer = AdamWConfig::new()
            .with_weight_decay(settings.weight_decay as f32)
            .with_epsilon(1e-8)
            .with_grad_clipping(Some(clip));
        Self {
            classifier: description.init(&mut Init::new(seed, device)),
            optimizer: optimizer.init(),
            average: Parameters::new(),
            auxiliary: None,
            epoch: 0,
            best: None,
        }
    }

    /// Whether the last epoch is done, or no epoch got better for too long.
    fn is_done(&self, settings: &Training) -> bool {
        let without_progress = self.best.as_ref().map_or(0, |best| self.epoch - best.epoch);
        self.epoch >= settings.epochs || without_progress >= settings.patience
    }

    /// The weights that are judged and kept: the average, where one is taken.
    fn kept(&self) -> Parameters {
        match self.average.is_empty() {
            true => parameters(&self.classifier),
            false => self.average.clone(),
        }
    }
}

impl Trainer {
    /// A training from initial weights on `device`.
    pub fn new(description: &Description, settings: &Training, seed: u64, device: &Device) -> Self {
        let device = device.clone().autodiff();
        Self {
            settings: settings.clone(),
            seed,
            description: description.clone(),
            first: Vec::new(),
            done: Vec::new(),
            epochs_done: 0,
            present: Present::new(description, settings, seed, &device),
            auxiliary_state: None,
            device,
        }
    }

    /// Begins with the weights of another model's networks, each with one of
    /// them in turn; what has another shape there, as the head of other labels
    /// has, keeps its weights drawn by the seed.
    ///
    /// # Errors
    ///
    /// Where the features are not the same: the weights would mean nothing.
    pub fn begin_with(&mut self, model: &Model) -> Result<()> {
        ensure!(
            model.description.features == self.description.features,
            "it takes other features than this training's"
        );
        let members = model.members.iter();
        self.first = members
            .map(|member| parameters(&member.classifier))
            .collect();
        self.present = self.network(0);
        Ok(())
    }

    /// A network of the ensemble before its first step.
    fn network(&self, member: usize) -> Present {
        let seed = self.member_seed(member);
        let mut present = Present::new(&self.description, &self.settings, seed, &self.device);
        if let Some(first) = self.first.get(member % self.first.len().max(1)) {
            let mut weights = parameters(&present.classifier);
            for (name, array) in &mut weights {
                if let Some(known) = first.get(name).filter(|known| known.shape == array.shape) {
                    *array = known.clone();
                }
            }
            // Of the same names and shapes by construction.
            if let Ok(classifier) = with_parameters(present.classifier.clone(), &weights) {
                present.classifier = classifier;
            }
        }
        present
    }

    /// Epochs done, of all networks.
    pub fn epoch(&self) -> usize {
        self.epochs_done + self.present.epoch
    }

    /// The best epoch so far of the present network, where one is done.
    pub fn best(&self) -> Option<&Best> {
        self.present.best.as_ref()
    }

    /// Whether all networks are done.
    pub fn is_done(&self) -> bool {
        self.done.len() + 1 >= self.settings.members && self.present.is_done(&self.settings)
    }

    /// Most epochs of all networks together.
    pub fn epochs_at_most(settings: &Training) -> usize {
        settings.epochs * settings.members
    }

    /// The networks, each with the weights of its best epoch; the present one
    /// with those it has where no epoch is done.
    pub fn classifiers(&self) -> Result<Vec<Classifier>> {
        let network = self.present.classifier.valid();
        let last = match &self.present.best {
            None => self.present.kept(),
            Some(best) => best.parameters.clone(),
        };
        let all = self.done.iter().chain([&last]);
        all.map(|weights| with_parameters(network.clone(), weights).map_err(anyhow::Error::msg))
            .collect()
    }

    /// The seed of a network of the ensemble: the training's for the first.
    fn member_seed(&self, member: usize) -> u64 {
        self.seed.wrapping_add(member as u64 * 1_000_003)
    }

    /// One pass over the training clips, then the validation.
    ///
    /// `interrupted` is asked before each step; where it is set, what the epoch
    /// did so far is dropped and `None` returned. `step_done` hears after each
    /// step how many of how many are done.
    pub fn run_epoch(
        &mut self,
        train: &TrainingClips,
        validation: &Clips,
        interrupted: &AtomicBool,
        mut step_done: impl FnMut(usize, usize),
    ) -> Result<Option<EpochMetrics>> {
        if self.present.is_done(&self.settings) {
            self.begin_next();
        }
        let begin = Instant::now();
        let mut rng = ChaCha8Rng::seed_from_u64(self.member_seed(self.done.len()));
        rng.set_stream(self.present.epoch as u64 + 1);
        let weights = train.class_weights(self.description.labels.len());
        let batches = train.epoch(&self.settings, &mut rng)?;

        self.begin_auxiliary(&train.auxiliary_answers())?;
        let before = self.present.clone();
        let (mut loss_sum, mut correct, mut rate) = (0.0, 0usize, 0.0);
        for (index, batch) in batches.iter().enumerate() {
            if interrupted.load(Ordering::Relaxed) {
                self.present = before;
                return Ok(None);
            }
            let step = self.present.epoch * batches.len() + index;
            let steps = self.settings.epochs * batches.len();
            rate = learning_rate(self.settings.learning_rate, step, steps);
            let (loss, right) = self.step(batch, &weights, rate, &mut rng)?;
            ensure!(
                loss.is_finite(),
                "the loss is no longer a number in epoch {}: take a lower learning rate than {}",
                self.epoch() + 1,
                self.settings.learning_rate
            );
            loss_sum += loss * batch.len() as f64;
            correct += right;
            step_done(index + 1, batches.len());
        }
        self.present.epoch += 1;

        let (validation_loss, validation_uar) = self.validate(validation, &weights)?;
        self.keep_if_best(validation_loss, validation_uar);
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

    /// One step: its loss, and how many clips were taken for what they are.
    fn step(
        &mut self,
        batch: &[Sample],
        weights: &[f32],
        rate: f64,
        rng: &mut ChaCha8Rng,
    ) -> Result<(f64, usize)> {
        let targets: Vec<usize> = batch.iter().map(|sample| sample.label).collect();
        let clips: Vec<&Features> = batch.iter().map(|sample| &sample.features).collect();
        let inputs = Batch::new(&clips, &self.device);
        let network = &self.present.classifier;
        let pooled = network.pooled(&inputs, &mut Dropout::training(rng));
        let heads = self.present.auxiliary.as_ref();
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
        let present = &mut self.present;
        if let Some(heads) = &mut present.auxiliary {
            heads.step(rate, &mut all);
        }
        present.classifier = present
            .optimizer
            .step(rate, present.classifier.clone(), gradients);
        if self.settings.average > 0.0 {
            let decay = self.settings.average as f32;
            average(&present.classifier, &mut present.average, decay);
        }
        Ok((loss.into_scalar(), count_correct(logits, &targets)?))
    }

    /// The auxiliary heads before their first step, or as a checkpoint left them.
    fn begin_auxiliary(&mut self, answers: &[usize]) -> Result<()> {
        if answers.is_empty() || self.present.auxiliary.is_some() {
            return Ok(());
        }
        let width = self.present.classifier.head.weight.dims()[1];
        let seed = self.member_seed(self.done.len());
        let mut heads = AuxiliaryHeads::new(width, answers, seed, &self.device);
        if let Some((weights, optimizer)) = self.auxiliary_state.take() {
            heads.set_state(&weights, optimizer)?;
        }
        self.present.auxiliary = Some(heads);
        Ok(())
    }

    /// Puts the finished network away and begins the next one.
    fn begin_next(&mut self) {
        let kept = match self.present.best.take() {
            Some(best) => best.parameters,
            None => self.present.kept(),
        };
        self.done.push(kept);
        self.epochs_done += self.present.epoch;
        self.present = self.network(self.done.len());
        // What a checkpoint left is of the network put away.
        self.auxiliary_state = None;
    }

    /// Loss and UAR on the validation clips; nothing without any.
    fn validate(&self, clips: &Clips, weights: &[f32]) -> Result<(Option<f64>, Option<f64>)> {
        if clips.labels.is_empty() {
            return Ok((None, None));
        }
        let classifier = with_parameters(self.present.classifier.valid(), &self.present.kept())
            .map_err(anyhow::Error::msg)?;
        let device = self.device.clone().inner();
        let mut matrix = ConfusionMatrix::new(self.description.labels.iter().cloned());
        let mut loss_sum = 0.0;
        let batches = clips.features.chunks(self.settings.batch_size);
        for (features, labels) in batches.zip(clips.labels.chunks(self.settings.batch_size)) {
            let batch = Batch::new(&features.iter().collect::<Vec<_>>(), &device);
            let logits = classifier.logits(&batch, &mut Dropout::inference());
            let loss: f64 = cross_entropy(logits.clone(), labels, weights, 0.0).into_scalar();
            loss_sum += loss * labels.len() as f64;
            for (row, label) in rows(logits)?.iter().zip(labels) {
                matrix.add(*label, highest(row));
            }
        }
        Ok((Some(loss_sum / clips.labels.len() as f64), matrix.uar()))
    }

    fn keep_if_best(&mut self, loss: Option<f64>, uar: Option<f64>) {
        let present = &mut self.present;
        let better = match (&present.best, uar, loss) {
            (Some(best), Some(uar), Some(loss)) => {
                let (best_uar, best_loss) = (best.uar.unwrap_or(0.0), best.loss.unwrap_or(loss));
                uar > best_uar || (uar == best_uar && loss < best_loss)
            }
            // The first epoch, or no validation speakers: the last epoch is kept.
            _ => true,
        };
        if better {
            present.best = Some(Best {
                epoch: present.epoch,
                uar,
                loss,
                parameters: present.kept(),
            });
        }
    }

    pub(super) fn state(&self) -> Result<State> {
        let present = &self.present;
        let optimizer = present
            .optimizer
            .into_bytes()
            .context("the optimiser's state cannot be saved")?;
        let auxiliary = present.auxiliary.as_ref().map(AuxiliaryHeads::state);
        Ok(State {
            auxiliary: auxiliary.transpose()?,
            done: self.done.clone(),
            epochs_done: self.epochs_done,
            epoch: present.epoch,
            best: present.best.clone(),
            weights: parameters(&present.classifier),
            average: present.average.clone(),
            optimizer: optimizer.to_vec(),
        })
    }

    pub(super) fn set_state(&mut self, state: State) -> Result<()> {
        let present = &mut self.present;
        present.classifier = with_parameters(present.classifier.clone(), &state.weights)
            .map_err(anyhow::Error::msg)
            .context("the checkpoint is of another network")?;
        present.optimizer = present
            .optimizer
            .clone()
            .from_bytes(burn::tensor::Bytes::from_bytes_vec(state.optimizer))
            .context("the optimiser's state cannot be read")?;
        present.epoch = state.epoch;
        present.best = state.best;
        present.average = state.average;
        self.auxiliary_state = state.auxiliary;
        self.done = state.done;
        self.epochs_done = state.epochs_done;
        Ok(())
    }
}

/// Which clip of a batch each is mixed with, and its own share.
struct Mix {
    share: f32,
    others: Vec<usize>,
}

/// A mix for a batch, where clips are to be mixed.
fn mix(clips: usize, strength: f64, rng: &mut ChaCha8Rng) -> Option<Mix> {
    let shares = Beta::new(strength, strength)
        .ok()
        .filter(|_| strength > 0.0)?;
    let share = shares.sample(rng);
    let mut others: Vec<usize> = (0..clips).collect();
    others.shuffle(rng);
    Some(Mix {
        // The larger part is the clip's own, so that the answers can be counted.
        share: share.max(1.0 - share) as f32,
        others,
    })
}

fn count_correct(logits: Tensor<2>, targets: &[usize]) -> Result<usize> {
    let rows = rows(logits)?;
    Ok(rows
        .iter()
        .zip(targets)
        .filter(|(row, target)| highest(row) == **target)
        .count())
}

/// The rows of a matrix on the host.
pub fn rows(tensor: Tensor<2>) -> Result<Vec<Vec<f32>>> {
    let columns = tensor.dims()[1];
    let flat: Vec<f32> = tensor
        .try_into_vec_as()
        .map_err(|error| anyhow::anyhow!("the device did not give its result back: {error:?}"))?;
    Ok(flat.chunks(columns).map(<[f32]>::to_vec).collect())
}

/// The place of the highest score; the first of equals.
pub fn highest(row: &[f32]) -> usize {
    (0..row.len()).fold(0, |best, k| if row[k] > row[best] { k } else { best })
}
