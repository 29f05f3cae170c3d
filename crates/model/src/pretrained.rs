//! The pretrained model, compiled in with the feature `pretrained`.
//!
//! `pretrained/README.md` says what it was trained on, how good it is and under
//! which terms it may be used. These are not the terms of this code: RAVDESS,
//! the corpus it was trained on, is for non-commercial use only.

use burn::tensor::Device;

use crate::{Model, ModelError, Recognizer};

/// The model file.
const BYTES: &[u8] = include_bytes!("../pretrained/ravdess.safetensors");

impl Model {
    /// The pretrained model, on `device`.
    ///
    /// # Errors
    ///
    /// As [`from_bytes`](Self::from_bytes); the file that is compiled in causes none.
    pub fn pretrained(device: &Device) -> Result<Self, ModelError> {
        Self::parse(BYTES, "the pretrained model", device)
    }
}

impl Recognizer {
    /// The pretrained model on the CPU: eight emotions, trained on acted
    /// English sentences (RAVDESS, CC BY-NC-SA 4.0: not for commercial use).
    ///
    /// # Errors
    ///
    /// As [`Model::pretrained`].
    pub fn pretrained() -> Result<Self, ModelError> {
        Self::builder().build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pretrained_model_loads_and_is_small() {
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
