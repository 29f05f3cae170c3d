//! Layer normalisation (Ba, Kiros and Hinton, 2016).

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use crate::Init;

/// Normalisation over the features of each frame, with learned scale and shift.
#[derive(Module, Debug)]
pub struct LayerNorm {
    /// Scales, `[features]`.
    pub weight: Param<Tensor<1>>,
    /// Shifts, `[features]`.
    pub bias: Param<Tensor<1>>,
}

impl LayerNorm {
    /// Added to the variance, the same number as in PyTorch.
    pub const EPSILON: f32 = 1e-5;

    /// Scales of 1 and shifts of 0.
    pub fn new(features: usize, init: &mut Init) -> Self {
        LayerNorm {
            weight: init.constant(1.0, [features]),
            bias: init.constant(0.0, [features]),
        }
    }

    /// Each frame with mean 0 and standard deviation 1 over its features, then
    /// scaled and shifted: `[batch, time, features]` in and out.
    pub fn forward(&self, frames: Tensor<3>) -> Tensor<3> {
        let centred = frames.clone() - frames.mean_dim(2);
        let deviation = (centred.clone().square().mean_dim(2) + Self::EPSILON).sqrt();
        centred / deviation * self.weight.val().unsqueeze() + self.bias.val().unsqueeze()
    }
}
