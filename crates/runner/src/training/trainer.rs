//! Epochs of steps, validation after each, and which epoch is kept.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use burn::grad_clipping::GradientClippingConfig;
use burn::module::Module;
use burn::optim::{AdamWConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Tensor};
use model::burn;
use model::parameters::{Parameters, parameters, with_parameters};
use model::recurrent::{Dropout, Init};
use model::{Batch, Classifier, Description, cross_entropy};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::schedule::learning_rate;
use super::{Clips, TrainingClips};
use crate::report::{ConfusionMatrix, EpochMetrics};
use crate::settings::Training;

/// A training under way.
pub struct Trainer {
    settings: Training,
    seed: u64,
    labels: Vec<String>,
    classifier: Classifier,
    optimizer: ModuleOptimizer,
    epoch: usize,
    best: Option<Best>,
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

impl Trainer {
    /// A training from initial weights on `device`.
    pub fn new(description: &Description, settings: &Training, seed: u64, device: &Device) -> Self {
        let device = device.clone().autodiff();
        let clip = GradientClippingConfig::Norm(settings.gradient_clip);
        let optimizer = AdamWConfig::new()
            .with_weight_decay(settings.weight_decay as f32)
            .with_epsilon(1e-8)
            .with_grad_clipping(Some(clip));
        Self {
            settings: settings.clone(),
            seed,
            labels: description.labels.clone(),
            classifier: description.init(&mut Init::new(seed, &device)),
            optimizer: optimizer.init(),
            epoch: 0,
            best: None,
        }
    }

    /// Epochs done.
    pub fn epoch(&self) -> usize {
        self.epoch
    }

    /// The best epoch so far, where one is done.
    pub fn best(&self) -> Option<&Best> {
        self.best.as_ref()
    }

    /// Whether the last epoch is done, or no epoch got better for too long.
    pub fn is_done(&self) -> bool {
        let without_progress = match &self.best {
            Some(best) => self.epoch - best.epoch,
            None => 0,
        };
        self.epoch >= self.settings.epochs || without_progress >= self.settings.patience
    }

    /// The network with the weights of the best epoch, or with the present
    /// ones where none is done.
    pub fn best_classifier(&self) -> Result<Classifier> {
        let classifier = self.classifier.valid();
        match &self.best {
            None => Ok(classifier),
            Some(best) => with_parameters(classifier, &best.parameters).map_err(anyhow::Error::msg),
        }
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
        let begin = Instant::now();
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(self.epoch as u64 + 1);
        let weights = train.class_weights(self.labels.len());
        let batches = train.epoch(self.settings.batch_size, &mut rng);
        let device = self.device();

        let before = (self.classifier.clone(), self.optimizer.clone());
        let (mut loss_sum, mut correct, mut rate) = (0.0, 0usize, 0.0);
        for (index, batch) in batches.iter().enumerate() {
            if interrupted.load(Ordering::Relaxed) {
                (self.classifier, self.optimizer) = before;
                return Ok(None);
            }
            let (clips, targets): (Vec<_>, Vec<usize>) = batch.iter().copied().unzip();
            let batch = Batch::new(&clips, &device);
            let logits = self
                .classifier
                .logits(&batch, &mut Dropout::training(&mut rng));
            let loss = cross_entropy(
                logits.clone(),
                &targets,
                &weights,
                self.settings.label_smoothing,
            );
            let gradients = GradientsParams::from_grads(loss.backward(), &self.classifier);
            let step = self.epoch * batches.len() + index;
            let steps = self.settings.epochs * batches.len();
            rate = learning_rate(self.settings.learning_rate, step, steps);
            self.classifier = self
                .optimizer
                .step(rate, self.classifier.clone(), gradients);

            let loss: f64 = loss.into_scalar();
            ensure!(
                loss.is_finite(),
                "the loss is no longer a number in epoch {}: take a lower learning rate than {}",
                self.epoch + 1,
                self.settings.learning_rate
            );
            loss_sum += loss * targets.len() as f64;
            correct += count_correct(logits, &targets)?;
            step_done(index + 1, batches.len());
        }
        self.epoch += 1;

        let (validation_loss, validation_uar) = self.validate(validation, &weights)?;
        self.keep_if_best(validation_loss, validation_uar);
        Ok(Some(EpochMetrics {
            epoch: self.epoch,
            train_loss: loss_sum / train.len() as f64,
            train_accuracy: correct as f64 / train.len() as f64,
            validation_loss,
            validation_uar,
            learning_rate: rate,
            seconds: begin.elapsed().as_secs_f64(),
        }))
    }

    /// Loss and UAR on the validation clips; nothing without any.
    fn validate(&self, clips: &Clips, weights: &[f32]) -> Result<(Option<f64>, Option<f64>)> {
        if clips.labels.is_empty() {
            return Ok((None, None));
        }
        let classifier = self.classifier.valid();
        let device = self.device().inner();
        let mut matrix = ConfusionMatrix::new(self.labels.iter().cloned());
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
        let better = match (&self.best, uar, loss) {
            (Some(best), Some(uar), Some(loss)) => {
                let (best_uar, best_loss) = (best.uar.unwrap_or(0.0), best.loss.unwrap_or(loss));
                uar > best_uar || (uar == best_uar && loss < best_loss)
            }
            // The first epoch, or no validation speakers: the last epoch is kept.
            _ => true,
        };
        if better {
            self.best = Some(Best {
                epoch: self.epoch,
                uar,
                loss,
                parameters: parameters(&self.classifier),
            });
        }
    }

    fn device(&self) -> Device {
        self.classifier
            .devices()
            .into_iter()
            .next()
            .unwrap_or_default()
    }

    pub(super) fn state(&self) -> Result<(usize, Option<&Best>, Parameters, Vec<u8>)> {
        let optimizer = self
            .optimizer
            .into_bytes()
            .context("the optimiser's state cannot be saved")?;
        let weights = parameters(&self.classifier);
        Ok((self.epoch, self.best.as_ref(), weights, optimizer.to_vec()))
    }

    pub(super) fn set_state(
        &mut self,
        epoch: usize,
        best: Option<Best>,
        weights: &Parameters,
        optimizer: Vec<u8>,
    ) -> Result<()> {
        self.classifier = with_parameters(self.classifier.clone(), weights)
            .map_err(anyhow::Error::msg)
            .context("the checkpoint is of another network")?;
        self.optimizer = self
            .optimizer
            .clone()
            .from_bytes(burn::tensor::Bytes::from_bytes_vec(optimizer))
            .context("the optimiser's state cannot be read")?;
        self.epoch = epoch;
        self.best = best;
        Ok(())
    }
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
