//! The LSTM with coupled input and forget gates (Greff et al., 2017): a cell
//! forgets as much as it takes in.
//!
//! ```text
//! i_t = σ(W_ii x_t + W_hi h_{t-1} + b_i)       input gate
//! f_t = 1 - i_t                                forget gate
//! g_t = tanh(W_ig x_t + W_hg h_{t-1} + b_g)    candidate
//! o_t = σ(W_io x_t + W_ho h_{t-1} + b_o)       output gate
//! c_t = f_t * c_{t-1} + i_t * g_t
//! h_t = o_t * tanh(c_t)
//! ```
//!
//! The blocks of the weights are i, g, o: three quarters of the LSTM's. The cell
//! is a weighted mean of its past and the candidate, so it stays within ±1.

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use burn::tensor::activation::{sigmoid, tanh};

use super::{Cell, CellWeights, State, block};
use crate::kernel::Formula;
use crate::{Init, WeightInit};

/// A layer of LSTM cells with coupled input and forget gates, in one direction.
#[derive(Module, Debug)]
pub struct CoupledLstm {
    /// Input weights, `[3 * hidden, input]`.
    pub weight_ih: Param<Tensor<2>>,
    /// Recurrent weights, `[3 * hidden, hidden]`.
    pub weight_hh: Param<Tensor<2>>,
    /// Biases, `[3 * hidden]`.
    pub bias: Param<Tensor<1>>,
}

impl CoupledLstm {
    /// Initial weights. The input gate's bias is the forget gate's with its sign
    /// reversed.
    pub fn new(input: usize, hidden: usize, how: &WeightInit, init: &mut Init) -> Self {
        let mut bias = vec![0.0; 3 * hidden];
        bias[..hidden].fill(-how.forget_bias);
        Self {
            weight_ih: how.input(3, hidden, input, init),
            weight_hh: how.recurrent(3, hidden, init),
            bias: init.values(bias, [3 * hidden]),
        }
    }
}

impl Cell for CoupledLstm {
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
        Some(Formula::Coupled)
    }

    fn step(&self, projected: Tensor<2>, recurrent: Tensor<2>, state: State) -> State {
        let hidden = self.hidden();
        let gates = projected + recurrent.matmul(self.weight_hh.val().transpose());
        let gate = |number| block(&gates, number, hidden);
        let (i, g, o) = (sigmoid(gate(0)), tanh(gate(1)), sigmoid(gate(2)));
        let c = match state.c {
            Some(before) => before.clone() + i * (g - before),
            None => i * g,
        };
        State {
            h: o * tanh(c.clone()),
            c: Some(c),
        }
    }
}
