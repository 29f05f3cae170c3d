//! A linear classifier in a model file: its numbers as named arrays, and what the
//! metadata say of it.

use recurrent::parameters::{Array, Parameters};
use serde::{Deserialize, Serialize};

use super::{LinearClassifier, LinearInputs, LinearMethod};
use crate::{Description, Normalisation};

impl LinearClassifier {
    /// As named arrays.
    pub(crate) fn parameters(&self) -> Parameters {
        let labels = self.bias.len();
        let size = self.weight.len() / labels.max(1);
        let array = |shape: &[usize], values: &[f32]| Array {
            shape: shape.to_vec(),
            values: values.to_vec(),
        };
        Parameters::from([
            ("weight".into(), array(&[labels, size], &self.weight)),
            ("bias".into(), array(&[labels], &self.bias)),
        ])
    }
}

/// What the metadata say of a linear classifier.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LinearHeader {
    inputs: LinearInputs,
    share: f32,
    normalisation: Normalisation,
}

impl LinearHeader {
    pub fn of(classifier: &LinearClassifier) -> Self {
        LinearHeader {
            inputs: classifier.inputs,
            share: classifier.share,
            normalisation: classifier.normalisation.clone(),
        }
    }

    /// With its weights, and how it was fitted, where that is known; `None` if they do
    /// not fit the model.
    pub fn classifier(
        self,
        parameters: &Parameters,
        method: Option<LinearMethod>,
        d: &Description,
    ) -> Option<LinearClassifier> {
        let (weight, bias) = (parameters.get("weight")?, parameters.get("bias")?);
        let mut numbers = weight.values.iter().chain(&bias.values);
        let labels = d.labels.len();
        let fits = self
            .normalisation
            .is_sound(d.features.columns(), d.functionals())
            && weight.shape == [labels, self.inputs.range(&d.features).len()]
            && bias.shape == [labels]
            && self.share.is_finite()
            && self.share > 0.0
            && numbers.all(|v| v.is_finite());
        fits.then(|| LinearClassifier {
            inputs: self.inputs,
            method,
            normalisation: self.normalisation,
            share: self.share,
            weight: weight.values.clone(),
            bias: bias.values.clone(),
        })
    }
}
