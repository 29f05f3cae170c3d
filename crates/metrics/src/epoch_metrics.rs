//! The figures of one epoch of training.

use serde::{Deserialize, Serialize};

/// The figures of one epoch of training. Accuracy and UAR are fractions from 0
/// to 1. A figure that is not finite (a loss that diverged) is `null` in JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochMetrics {
    /// The epoch, counted from 1.
    pub epoch: usize,
    /// Mean loss over the training samples, measured while training: with dropout
    /// and augmentation, and with weights that change from batch to batch.
    #[serde(deserialize_with = "null_is_nan")]
    pub train_loss: f64,
    /// Accuracy over the same samples.
    #[serde(deserialize_with = "null_is_nan")]
    pub train_accuracy: f64,
    /// Mean loss over the validation speakers after the epoch, if there are any.
    pub validation_loss: Option<f64>,
    /// UAR over the validation speakers after the epoch, if there are any.
    pub validation_uar: Option<f64>,
    /// The learning rate at the end of the epoch.
    pub learning_rate: f64,
    /// How long the epoch took, in seconds, validation included.
    pub seconds: f64,
}

/// JSON has no NaN: it is written as `null`, which a plain `f64` would refuse.
fn null_is_nan<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diverged_loss_survives_json() {
        let metrics = EpochMetrics {
            epoch: 3,
            train_loss: f64::NAN,
            train_accuracy: 0.5,
            validation_loss: None,
            validation_uar: Some(0.25),
            learning_rate: 1e-3,
            seconds: 1.5,
        };
        let json = serde_json::to_string(&metrics).unwrap();
        assert!(json.contains("\"train_loss\":null"), "{json}");
        let read: EpochMetrics = serde_json::from_str(&json).unwrap();
        assert!(read.train_loss.is_nan());
        assert_eq!(
            (read.train_accuracy, read.validation_uar),
            (0.5, Some(0.25))
        );
    }
}
