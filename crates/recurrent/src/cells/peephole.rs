//! The LSTM with peephole connections (Gers and Schmidhuber, 2000): the gates
//! see the cell state.
//!
//! ```text
//! i_t = σ(W_ii x_t + W_hi h_{t-1} + P_i c_{t-1} + b_i)
//! f_t = σ(W_if x_t + W_hf h_{t-1} + P_f c_{t-1} + b_f)
//! g_t = tanh(W_ig x_t + W_hg h_{t-1} + b_g)
//! c_t = f_t * c_{t-1} + i_t * g_t
//! o_t = σ(W_io x_t + W_ho h_{t-1} + P_o c_t + b_o)
//! h_t = o_t * tanh(c_t)
//! ```
//!
//! The output gate sees the new cell state. The matrices `P` are diagonal, as
//! published, or full, so that every gate sees every cell. The fused kernel
//! computes diagonal ones; full ones go step by step.

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use burn::tensor::activation::{sigmoid, tanh};

use super::{Cell, CellWeights, State, block};
use crate::kernel::Formula;
use crate::{Init, WeightInit};

/// A layer of LSTM cells with peepholes, in one direction.
#[derive(Module, Debug)]
pub struct PeepholeLstm {
    /// Input weights, `[4 * hidden, input]`, in the blocks i, f, g, o.
    pub weight_ih: Param<Tensor<2>>,
    /// Recurrent weights, `[4 * hidden, hidden]`.
    pub weight_hh: Param<Tensor<2>>,
    /// Biases, `[4 * hidden]`.
    pub bias: Param<Tensor<1>>,
    /// Peephole weights of the gates i, f and o: the diagonals, `[3, hidden]`,
    /// or the full matrices stacked by rows, `[3 * hidden, hidden]`.
    pub peephole: Param<Tensor<2>>,
}

/// The form of the peephole weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peepholes {
    /// Every gate sees its own cell.
    Diagonal,
    /// Every gate sees all cells.
    Full,
}

impl PeepholeLstm {
    /// Initial weights. The peephole weights are zero; the forget gate's bias is
    /// [`WeightInit::forget_bias`].
    pub fn new(
        input: usize,
        hidden: usize,
        peepholes: Peepholes,
        how: &WeightInit,
        init: &mut Init,
    ) -> Self {
        let mut bias = vec![0.0; 4 * hidden];
        bias[hidden..2 * hidden].fill(how.forget_bias);
        let rows = match peepholes {
            Peepholes::Diagonal => 3,
            Peepholes::Full => 3 * hidden,
        };
        Self {
            weight_ih: how.input(4, hidden, input, init),
            weight_hh: how.recurrent(4, hidden, init),
            bias: init.values(bias, [4 * hidden]),
            peephole: init.constant(0.0, [rows, hidden]),
        }
    }

    /// Whether the peepholes are diagonal or full. With one unit both are the
    /// same, and the answer is diagonal.
    pub fn peepholes(&self) -> Peepholes {
        if self.peephole.dims()[0] == 3 {
            Peepholes::Diagonal
        } else {
            Peepholes::Full
        }
    }

    /// What gate `number` of i, f and o sees of the cell state, `[batch, hidden]`.
    fn seen(&self, number: usize, cell: Tensor<2>) -> Tensor<2> {
        let hidden = self.hidden();
        match self.peepholes() {
            Peepholes::Diagonal => cell * self.peephole.val().narrow(0, number, 1),
            Peepholes::Full => {
                let matrix = self.peephole.val().narrow(0, number * hidden, hidden);
                cell.matmul(matrix.transpose())
            }
        }
    }
}

impl Cell for PeepholeLstm {
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
        match self.peepholes() {
            Peepholes::Diagonal => Some(Formula::Peephole),
            Peepholes::Full => None,
        }
    }

    fn peephole(&self) -> Option<Tensor<2>> {
        Some(self.peephole.val())
    }

    fn step(&self, projected: Tensor<2>, recurrent: Tensor<2>, state: State) -> State {
        let hidden = self.hidden();
        let gates = projected + recurrent.matmul(self.weight_hh.val().transpose());
        let gate = |number| block(&gates, number, hidden);
        let before = state.c.unwrap_or_else(|| state.h.zeros_like());
        let i = sigmoid(gate(0) + self.seen(0, before.clone()));
        let f = sigmoid(gate(1) + self.seen(1, before.clone()));
        let c = f * before + i * tanh(gate(2));
        let o = sigmoid(gate(3) + self.seen(2, c.clone()));
        State {
            h: o * tanh(c.clone()),
            c: Some(c),
        }
    }
}
