//! The plain recurrent cell (Elman, 1990). It has no gates, and its gradients
//! vanish or explode within about ten steps, which is why the others exist.
//!
//! ```text
//! h_t = tanh(W_ih x_t + W_hh h_{t-1} + b)
//! ```
//!
//! or with a rectifier, max(0, ·), instead of tanh.

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use burn::tensor::activation::{relu, tanh};

use super::{Cell, CellWeights, State};
use crate::kernel::Formula;
use crate::{Init, WeightInit};

/// The activation function of an [`Rnn`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Activation {
    /// Hyperbolic tangent.
    Tanh,
    /// max(0, ·).
    Relu,
}

/// A layer of plain recurrent cells in one direction.
#[derive(Module, Debug)]
pub struct Rnn {
    /// Input weights, `[hidden, input]`.
    pub weight_ih: Param<Tensor<2>>,
    /// Recurrent weights, `[hidden, hidden]`.
    pub weight_hh: Param<Tensor<2>>,
    /// Biases, `[hidden]`.
    pub bias: Param<Tensor<1>>,
    relu: bool,
}

impl Rnn {
    /// Initial weights; all biases are zero.
    pub fn new(
        input: usize,
        hidden: usize,
        activation: Activation,
        how: &WeightInit,
        init: &mut Init,
    ) -> Self {
        Self {
            weight_ih: how.input(1, hidden, input, init),
            weight_hh: how.recurrent(1, hidden, init),
            bias: init.constant(0.0, [hidden]),
            relu: activation == Activation::Relu,
        }
    }
}

impl Cell for Rnn {
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
        Some(if self.relu {
            Formula::Relu
        } else {
            Formula::Tanh
        })
    }

    fn step(&self, projected: Tensor<2>, recurrent: Tensor<2>, _state: State) -> State {
        let sum = projected + recurrent.matmul(self.weight_hh.val().transpose());
        State {
            h: if self.relu { relu(sum) } else { tanh(sum) },
            c: None,
        }
    }
}
