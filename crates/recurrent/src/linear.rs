//! The linear layer.

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use crate::Init;

/// `y = W x + b`, with the weights laid out as in PyTorch's `nn.Linear`.
#[derive(Module, Debug)]
pub struct Linear {
    /// `[output, input]`.
    pub weight: Param<Tensor<2>>,
    /// `[output]`.
    pub bias: Param<Tensor<1>>,
}

impl Linear {
    /// Weights by [`Init::glorot`], biases of zero.
    pub fn new(input: usize, output: usize, init: &mut Init) -> Self {
        Self {
            weight: init.glorot(1, output, input),
            bias: init.constant(0.0, [output]),
        }
    }

    /// `[batch, input]` to `[batch, output]`.
    pub fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        input.matmul(self.weight.val().transpose()) + self.bias.val().unsqueeze()
    }

    /// The same for every frame of a batch: `[batch, time, input]` to `[batch, time, output]`.
    pub fn forward_frames(&self, input: Tensor<3>) -> Tensor<3> {
        let [batch, time, features] = input.dims();
        let output = self.bias.dims()[0];
        self.forward(input.reshape([batch * time, features]))
            .reshape([batch, time, output])
    }
}
