//! The model that comes with the crate.
//!
//! What it was trained on, how good it is and under which terms it may be used
//! is in `pretrained/README.md`: not the terms of this code, since RAVDESS is
//! for non-commercial use. The feature `pretrained` leaves it out when it is
//! turned off.

use burn::tensor::Device;

use crate::{Backend, Model, ModelError, Recognizer};

/// The model's file.
const BYTES: &[u8] = include_bytes!("../pretrained/ravdess.safetensors");

impl Model {
    /// The model that comes with the crate, onto `device`.
    ///
    /// # Errors
    ///
    /// As [`from_bytes`](Self::from_bytes), which this file does not cause.
    pub fn pretrained(device: &Device) -> Result<Self, ModelError> {
        Self::parse(BYTES, "the model that comes with the program", device)
    }
}

impl Recognizer {
    /// A recogniser with the model that comes with the crate: eight emotions,
    /// trained on acted English sentences (RAVDESS, CC BY-NC-SA 4.0: not for
    /// commercial use).
    ///
    /// # Errors
    ///
    /// [`ModelError::Backend`] where the device cannot be used.
    pub fn pretrained() -> Result<Self, ModelError> {
        let device = Backend::Auto.device()?;
        Self::new(Model::pretrained(&device)?, device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pretrained_model_can_be_used_and_is_small() {
        let model = Model::pretrained(&Device::flex()).unwrap();
        assert_eq!(model.description.labels.len(), 8);
        assert!(model.description.provenance.licence.contains("CC BY-NC-SA"));
        assert!(model.description.provenance.cross_validation.is_some());
        assert!(model.familiarity.is_some());
        assert!(BYTES.len() < 2_000_000);
        assert!(model.parameter_count() <= 1_000_000);
        assert_eq!(model.to_bytes().unwrap(), BYTES);
    }
}
