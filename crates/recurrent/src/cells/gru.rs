//! The gated recurrent unit (Cho et al., 2014), with either convention of its
//! reset gate.
//!
//! ```text
//! r_t = σ(W_ir x_t + W_hr h_{t-1} + b_r)                    reset gate
//! z_t = σ(W_iz x_t + W_hz h_{t-1} + b_z)                    update gate
//! n_t = tanh(W_in x_t + b_n + r_t * (W_hn h_{t-1} + b_hn))  candidate, reset after
//! n_t = tanh(W_in x_t + b_n + W_hn (r_t * h_{t-1}))         candidate, reset before
//! h_t = (1 - z_t) * n_t + z_t * h_{t-1}
//! ```
//!
//! PyTorch and cuDNN reset after the product; the published form resets before
//! it. The blocks of the weights are r, z, n.

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use burn::tensor::activation::{sigmoid, tanh};

use super::{Cell, CellWeights, State, block};
use crate::kernel::Formula;
use crate::{Init, WeightInit};

/// Where the reset gate is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {
    /// To the hidden state, before the recurrent product.
    Before,
    /// To the recurrent product, which has a bias of its own.
    After,
}

/// A layer of gated recurrent units in one direction.
#[derive(Module, Debug)]
pub struct Gru {
    /// Input weights, `[3 * hidden, input]`.
    pub weight_ih: Param<Tensor<2>>,
    /// Recurrent weights, `[3 * hidden, hidden]`.
    pub weight_hh: Param<Tensor<2>>,
    /// Biases, `[3 * hidden]`.
    pub bias: Param<Tensor<1>>,
    /// The recurrent bias `b_hn`, `[hidden]`; only with [`Reset::After`].
    pub bias_hn: Option<Param<Tensor<1>>>,
}

impl Gru {
    /// Initial weights; all biases are zero.
    pub fn new(
        input: usize,
        hidden: usize,
        reset: Reset,
        how: &WeightInit,
        init: &mut Init,
    ) -> Self {
        Self {
            weight_ih: how.input(3, hidden, input, init),
            weight_hh: how.recurrent(3, hidden, init),
            bias: init.constant(0.0, [3 * hidden]),
            bias_hn: (reset == Reset::After).then(|| init.constant(0.0, [hidden])),
        }
    }

    /// Where the reset gate is applied.
    pub fn reset(&self) -> Reset {
        match self.bias_hn {
            Some(_) => Reset::After,
            None => Reset::Before,
        }
    }
}

impl Cell for Gru {
    fn has_cell(&self) -> bool {
        false
    }

    fn weights(&self) -> CellWeights<'_> {
        CellWeights {
            weight_ih: &self.weight_ih,
            weight_hh: &self.weight_hh,
            bias: &self.bias,
        }
    }

    fn formula(&self) -> Option<Formula> {
        Some(match self.reset() {
            Reset::After => Formula::GruResetAfter,
            Reset::Before => Formula::GruResetBefore,
        })
    }

    fn kernel_bias(&self) -> Tensor<1> {
        match &self.bias_hn {
            Some(own) => Tensor::cat(vec![self.bias.val(), own.val()], 0),
            None => self.bias.val(),
        }
    }

    fn step(&self, projected: Tensor<2>, recurrent: Tensor<2>, state: State) -> State {
        let hidden = self.hidden();
        let weight = self.weight_hh.val();
        let rows = |from, blocks| weight.clone().narrow(0, from * hidden, blocks * hidden);
        let (r, z, n) = match &self.bias_hn {
            Some(own) => {
                let product = recurrent.matmul(weight.transpose());
                let sum =
                    |number| block(&projected, number, hidden) + block(&product, number, hidden);
                let r = sigmoid(sum(0));
                let reset = r.clone() * (block(&product, 2, hidden) + own.val().unsqueeze());
                (
                    r,
                    sigmoid(sum(1)),
                    tanh(block(&projected, 2, hidden) + reset),
                )
            }
            None => {
                let product = recurrent.clone().matmul(rows(0, 2).transpose());
                let sum =
                    |number| block(&projected, number, hidden) + block(&product, number, hidden);
                let r = sigmoid(sum(0));
                let reset = (r.clone() * recurrent).matmul(rows(2, 1).transpose());
                (
                    r,
                    sigmoid(sum(1)),
                    tanh(block(&projected, 2, hidden) + reset),
                )
            }
        };
        drop(r);
        State {
            h: n.clone() + z * (state.h - n),
            c: None,
        }
    }
}
