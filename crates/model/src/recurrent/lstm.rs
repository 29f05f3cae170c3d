//! One LSTM layer in one direction (Hochreiter and Schmidhuber, 1997; forget
//! gate by Gers, Schmidhuber and Cummins, 2000).
//!
//! With `x_t` the input, `h_t` the hidden state, `c_t` the cell and σ the
//! logistic function:
//!
//! ```text
//! i_t = σ(W_ii x_t + W_hi h_{t-1} + b_i)       input gate
//! f_t = σ(W_if x_t + W_hf h_{t-1} + b_f)       forget gate
//! g_t = tanh(W_ig x_t + W_hg h_{t-1} + b_g)    candidate
//! o_t = σ(W_io x_t + W_ho h_{t-1} + b_o)       output gate
//! c_t = f_t * c_{t-1} + i_t * g_t
//! h_t = o_t * tanh(c_t)
//! ```
//!
//! The weights lie as PyTorch keeps them, the four gates below each other in
//! the order i, f, g, o; the two biases of PyTorch, which only ever occur as
//! their sum, are one.

use burn::module::{Module, Param};
use burn::tensor::activation::{sigmoid, tanh};
use burn::tensor::{Device, Tensor, TensorData};

use super::Init;

/// Which way a layer walks along time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the first frame to the last.
    Forward,
    /// From the last frame of each sequence to its first.
    Backward,
}

/// One LSTM layer in one direction.
#[derive(Module, Debug)]
pub struct Lstm {
    /// Input weights, `[4 * hidden, input]`.
    pub weight_ih: Param<Tensor<2>>,
    /// Recurrent weights, `[4 * hidden, hidden]`.
    pub weight_hh: Param<Tensor<2>>,
    /// Biases, `[4 * hidden]`.
    pub bias: Param<Tensor<1>>,
}

impl Lstm {
    /// A layer with Glorot input weights, orthogonal recurrent weights, and
    /// biases of zero but for the forget gate's, which are 1 so that the cell
    /// remembers until it has learned to forget (Jozefowicz et al., 2015).
    pub fn new(input: usize, hidden: usize, init: &mut Init) -> Self {
        let mut bias = vec![0.0; 4 * hidden];
        bias[hidden..2 * hidden].fill(1.0);
        Self {
            weight_ih: init.glorot(4, hidden, input),
            weight_hh: init.orthogonal(4, hidden),
            bias: init.values(bias, [4 * hidden]),
        }
    }

    /// The hidden state after every step, in the order of time.
    ///
    /// # Shapes
    ///
    /// - steps: `time` tensors `[batch, input]`
    /// - lengths: `batch` numbers, each from 1 to `time`
    /// - result: `time` tensors `[batch, hidden]`; what stands behind a
    ///   sequence's end means nothing.
    ///
    /// A sequence is a list of steps rather than one tensor because the
    /// gradient of cutting a step out of a tensor is a tensor of the full size
    /// that is zero elsewhere: over a whole sequence that grows with the
    /// square of its length.
    pub fn forward(
        &self,
        steps: &[Tensor<2>],
        lengths: &[usize],
        direction: Direction,
    ) -> Vec<Tensor<2>> {
        let Some(first) = steps.first() else {
            return Vec::new();
        };
        let device = first.device();
        let batch = first.dims()[0];
        let hidden = self.weight_hh.dims()[1];

        // One product a step for both the input and the state.
        let weight = Tensor::cat(vec![self.weight_ih.val(), self.weight_hh.val()], 1).transpose();
        let bias = self.bias.val().unsqueeze::<2>();
        let mut h = Tensor::<2>::zeros([batch, hidden], &device);
        let mut c = Tensor::<2>::zeros([batch, hidden], &device);

        let mut outputs = Vec::with_capacity(steps.len());
        let mut step = |t: usize| {
            let input = Tensor::cat(vec![steps[t].clone(), h.clone()], 1);
            let gates = input.matmul(weight.clone()) + bias.clone();
            let gate = |k: usize| gates.clone().narrow(1, k * hidden, hidden);
            let (i, f, g, o) = (
                sigmoid(gate(0)),
                sigmoid(gate(1)),
                tanh(gate(2)),
                sigmoid(gate(3)),
            );
            c = f * c.clone() + i * g;
            h = o * tanh(c.clone());
            if direction == Direction::Backward
                && let Some(begun) = begun(t, lengths, &device)
            {
                c = c.clone() * begun.clone();
                h = h.clone() * begun;
            }
            outputs.push(h.clone());
        };
        match direction {
            Direction::Forward => (0..steps.len()).for_each(&mut step),
            Direction::Backward => (0..steps.len()).rev().for_each(&mut step),
        }
        if direction == Direction::Backward {
            outputs.reverse();
        }
        outputs
    }
}

/// `[batch, 1]`: 1 where step `t` lies inside the sequence, 0 in its padding;
/// `None` where it lies inside all of them.
fn begun(t: usize, lengths: &[usize], device: &Device) -> Option<Tensor<2>> {
    if lengths.iter().all(|length| t < *length) {
        return None;
    }
    let values: Vec<f32> = lengths
        .iter()
        .map(|length| if t < *length { 1.0 } else { 0.0 })
        .collect();
    let shape = [values.len(), 1];
    Some(Tensor::from_data(TensorData::new(values, shape), device))
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::nn::LstmConfig;
    use burn::tensor::Distribution;

    /// Burn's own layer keeps each gate as two linear layers; ours stacks them.
    fn from_burn(theirs: &burn::nn::Lstm, init: &mut Init) -> Lstm {
        let forget = theirs.forget_gate.as_ref().unwrap();
        let gates = [
            &theirs.input_gate,
            forget,
            &theirs.cell_gate,
            &theirs.output_gate,
        ];
        let rows = |tensors: Vec<Tensor<2>>| {
            let tensor = Tensor::cat(tensors, 0);
            (tensor.try_to_vec_as::<f32>().unwrap(), tensor.dims())
        };
        let (ih, ih_shape) = rows(
            gates
                .map(|g| g.input_transform.weight.val().transpose())
                .to_vec(),
        );
        let (hh, hh_shape) = rows(
            gates
                .map(|g| g.hidden_transform.weight.val().transpose())
                .to_vec(),
        );
        let bias = Tensor::cat(
            gates
                .map(|g| {
                    g.input_transform.bias.as_ref().unwrap().val()
                        + g.hidden_transform.bias.as_ref().unwrap().val()
                })
                .to_vec(),
            0,
        );
        let count = bias.dims()[0];
        Lstm {
            weight_ih: init.values(ih, ih_shape),
            weight_hh: init.values(hh, hh_shape),
            bias: init.values(bias.try_to_vec_as::<f32>().unwrap(), [count]),
        }
    }

    #[test]
    fn outputs_and_gradients_equal_burns_own_layer_in_both_directions() {
        let device = Device::flex().autodiff();
        for reverse in [false, true] {
            let theirs = LstmConfig::new(5, 7, true)
                .with_reverse(reverse)
                .init(&device);
            let ours = from_burn(&theirs, &mut Init::new(0, &device));
            let input = Tensor::<3>::random([3, 11, 5], Distribution::Normal(0.0, 1.0), &device);

            let (expected, _) = theirs.forward(input.clone(), None);
            let steps: Vec<Tensor<2>> = input.iter_dim(1).map(|step| step.squeeze_dim(1)).collect();
            let direction = if reverse {
                Direction::Backward
            } else {
                Direction::Forward
            };
            let actual: Tensor<3> = Tensor::stack(ours.forward(&steps, &[11; 3], direction), 1);
            assert!(
                actual
                    .clone()
                    .all_close(expected.clone(), Some(1e-5), Some(1e-6)),
                "outputs differ, reverse = {reverse}"
            );

            // A loss whose gradient differs from place to place.
            let weight =
                Tensor::<3>::random(expected.dims(), Distribution::Normal(0.0, 1.0), &device);
            let their_grads = (expected * weight.clone()).sum().backward();
            let our_grads = (actual * weight).sum().backward();
            let forget = theirs.forget_gate.as_ref().unwrap();
            let gates = [
                &theirs.input_gate,
                forget,
                &theirs.cell_gate,
                &theirs.output_gate,
            ];
            let expected = Tensor::cat(
                gates
                    .map(|g| {
                        g.hidden_transform
                            .weight
                            .val()
                            .grad(&their_grads)
                            .unwrap()
                            .transpose()
                    })
                    .to_vec(),
                0,
            );
            let actual = ours.weight_hh.val().grad(&our_grads).unwrap();
            assert!(
                actual.all_close(expected, Some(1e-4), Some(1e-5)),
                "recurrent gradients differ, reverse = {reverse}"
            );
        }
    }
}
