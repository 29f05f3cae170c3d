//! One network while it is trained: its weights, its optimiser, its best epoch.

use burn::grad_clipping::GradientClippingConfig;
use burn::module::Module;
use burn::optim::{AdamWConfig, ModuleOptimizer};
use burn::tensor::Device;
use model::{Classifier, Description, Encoder, ModelError};
use recurrent::Init;
use recurrent::parameters::{Parameters, parameters, with_parameters};

use crate::TrainingError;
use crate::auxiliary::AuxiliaryHeads;
use crate::settings::Training;

/// A network while it is trained.
#[derive(Clone)]
pub(crate) struct NetworkInTraining {
    pub classifier: Classifier,
    pub optimizer: ModuleOptimizer,
    /// The moving average of the weights; empty where none is taken.
    pub average: Parameters,
    /// Made with the first batch, of as many answers as its clips have.
    pub auxiliary: Option<AuxiliaryHeads>,
    /// Epochs done.
    pub epoch: usize,
    pub best: Option<Best>,
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

impl NetworkInTraining {
    pub fn new(description: &Description, settings: &Training, seed: u64, device: &Device) -> Self {
        let clip = GradientClippingConfig::Norm(settings.gradient_clip);
        let mut classifier = description.init(&mut Init::new(seed, device));
        // A build without the encoder refuses such settings before.
        if let (true, Ok(encoder)) = (description.architecture.pretrained, Encoder::pretrained()) {
            let weights = encoder.parameters();
            if let Ok(recurrent) = with_parameters(classifier.recurrent.clone(), &weights) {
                classifier.recurrent = recurrent;
            }
        }
        let optimizer = AdamWConfig::new()
            .with_weight_decay(settings.weight_decay as f32)
            .with_epsilon(1e-8)
            .with_grad_clipping(Some(clip));
        Self {
            classifier,
            optimizer: optimizer.init(),
            average: Parameters::new(),
            auxiliary: None,
            epoch: 0,
            best: None,
        }
    }

    /// Whether the last epoch is done, or no epoch got better for too long.
    pub fn is_done(&self, settings: &Training) -> bool {
        let without_progress = self.best.as_ref().map_or(0, |best| self.epoch - best.epoch);
        self.epoch >= settings.epochs || without_progress >= settings.patience
    }

    /// The weights that are judged and kept: the average, where one is taken.
    pub fn kept(&self) -> Parameters {
        match self.average.is_empty() {
            true => parameters(&self.classifier),
            false => self.average.clone(),
        }
    }

    /// Keeps the weights of the epoch that has just ended, if it is the best:
    /// by its UAR on the validation speakers, then by its loss on them. Without
    /// validation speakers the last epoch is the best.
    pub fn keep_if_best(&mut self, loss: Option<f64>, uar: Option<f64>) {
        let better = match (&self.best, uar, loss) {
            (Some(best), Some(uar), Some(loss)) => {
                let (best_uar, best_loss) = (best.uar.unwrap_or(0.0), best.loss.unwrap_or(loss));
                uar > best_uar || (uar == best_uar && loss < best_loss)
            }
            _ => true,
        };
        if better {
            self.best = Some(Best {
                epoch: self.epoch,
                uar,
                loss,
                parameters: self.kept(),
            });
        }
    }

    /// The network with other weights, for inference.
    ///
    /// # Errors
    ///
    /// Where they are of another network.
    pub fn inference(&self, weights: &Parameters) -> Result<Classifier, TrainingError> {
        let network = with_parameters(self.classifier.valid(), weights);
        Ok(network.map_err(ModelError::from)?)
    }
}

#[cfg(test)]
mod tests {
    use audio::FeatureSpec;
    use model::{Architecture, Provenance};

    use super::*;

    fn network() -> NetworkInTraining {
        let description = Description {
            labels: ["calm", "angry"].map(String::from).to_vec(),
            features: FeatureSpec::recommended(),
            architecture: Architecture {
                hidden: 2,
                functional_units: 2,
                ..Architecture::default()
            },
            temperature: 1.0,
            provenance: Provenance::default(),
        };
        let training = Training::default();
        NetworkInTraining::new(&description, &training, 1, &Device::flex().autodiff())
    }

    /// Goes through epochs of these validation losses and UARs.
    fn after(epochs: &[(f64, f64)]) -> NetworkInTraining {
        let mut network = network();
        for &(loss, uar) in epochs {
            network.epoch += 1;
            network.keep_if_best(Some(loss), Some(uar));
        }
        network
    }

    #[test]
    fn the_best_epoch_is_that_of_the_highest_uar() {
        let best = after(&[(1.0, 0.3), (0.9, 0.5), (0.5, 0.4)]).best.unwrap();
        assert_eq!((best.epoch, best.uar, best.loss), (2, Some(0.5), Some(0.9)));
    }

    #[test]
    fn of_equal_uars_the_lower_loss_decides_and_then_the_earlier_epoch() {
        let best = after(&[(1.0, 0.5), (0.8, 0.5), (0.8, 0.5), (0.9, 0.5)]).best;
        assert_eq!(best.unwrap().epoch, 2);
    }

    #[test]
    fn without_validation_speakers_the_last_epoch_is_kept() {
        let mut network = network();
        for _ in 0..4 {
            network.epoch += 1;
            network.keep_if_best(None, None);
        }
        assert_eq!(network.best.as_ref().unwrap().epoch, 4);
        // And patience never ends it.
        let training = Training {
            epochs: 5,
            patience: 1,
            ..Training::default()
        };
        assert!(!network.is_done(&training));
    }

    #[test]
    fn training_stops_after_so_many_epochs_without_a_better_one() {
        let training = Training {
            epochs: 100,
            patience: 2,
            ..Training::default()
        };
        let epochs = [(1.0, 0.3), (1.0, 0.5), (1.0, 0.4), (1.0, 0.4)];
        let stops: Vec<bool> = (1..=4)
            .map(|n| after(&epochs[..n]).is_done(&training))
            .collect();
        assert_eq!(stops, [false, false, false, true]);
        let short = Training {
            epochs: 2,
            ..training
        };
        assert!(after(&epochs[..2]).is_done(&short));
    }
}
