//! The LSTM (Hochreiter and Schmidhuber, 1997; forget gate by Gers,
//! Schmidhuber and Cummins, 2000).
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
//! The blocks of the weights are i, f, g, o.

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use burn::tensor::activation::{sigmoid, tanh};

use super::{Cell, CellWeights, State, block};
use crate::kernel::Formula;
use crate::{Init, WeightInit};

/// A layer of LSTM cells in one direction.
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
    /// Initial weights. The forget gate's bias is [`WeightInit::forget_bias`], the
    /// other biases are zero.
    pub fn new(input: usize, hidden: usize, how: &WeightInit, init: &mut Init) -> Self {
        let mut bias = vec![0.0; 4 * hidden];
        bias[hidden..2 * hidden].fill(how.forget_bias);
        Self {
            weight_ih: how.input(4, hidden, input, init),
            weight_hh: how.recurrent(4, hidden, init),
            bias: init.values(bias, [4 * hidden]),
        }
    }
}

impl Cell for Lstm {
    fn has_cell(&self) -> bool {
        true
    }

    fn weights(&self) -> CellWeights<'_> {
        CellWeights {
            weight_ih: &self.weight_ih,
            weight_hh: &self.weight_hh,
            bias: &self.bias,
        }
    }

    fn formula(&self) -> Option<Formula> {
        Some(Formula::Lstm)
    }

    fn step(&self, projected: Tensor<2>, recurrent: Tensor<2>, state: State) -> State {
        let hidden = self.hidden();
        let gates = projected + recurrent.matmul(self.weight_hh.val().transpose());
        let gate = |number| block(&gates, number, hidden);
        let (i, f, g, o) = (
            sigmoid(gate(0)),
            sigmoid(gate(1)),
            tanh(gate(2)),
            sigmoid(gate(3)),
        );
        let mut c = i * g;
        if let Some(before) = state.c {
            c = f * before + c;
        }
        State {
            h: o * tanh(c.clone()),
            c: Some(c),
        }
    }
}
