//! The cells: how a layer's state changes from one frame to the next.
//!
//! Notation: `x_t` is the input at step t, `h_t` the hidden state, `c_t` the
//! cell state, σ the logistic function, `*` the element-wise product, `W` are
//! matrices and `b` biases. Weights have PyTorch's layout, the blocks of the
//! gates stacked by rows. Where PyTorch has two biases of which only the sum
//! matters, there is one.

mod coupled;
mod gru;
mod lstm;
mod peephole;
mod rnn;

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

pub use coupled::CoupledLstm;
pub use gru::{Gru, Reset};
pub use lstm::Lstm;
pub use peephole::{PeepholeLstm, Peepholes};
pub use rnn::{Activation, Rnn};

use crate::kernel::Formula;
use crate::{Init, WeightInit};

/// The state of a layer between two steps, for every sequence of a batch.
#[derive(Clone, Debug)]
pub struct State {
    /// Hidden states, `[batch, hidden]`.
    pub h: Tensor<2>,
    /// Cell states, `[batch, hidden]`; `None` for cells without one.
    pub c: Option<Tensor<2>>,
}

/// One recurrent cell: the weights of a layer in one direction, and a step.
pub trait Cell {
    /// Features per frame.
    fn input(&self) -> usize {
        self.weights().weight_ih.dims()[1]
    }

    /// Hidden units.
    fn hidden(&self) -> usize {
        self.weights().weight_hh.dims()[1]
    }

    /// Whether there is a cell state besides the hidden state.
    fn has_cell(&self) -> bool;

    /// The weights that every cell has.
    fn weights(&self) -> CellWeights<'_>;

    /// The formula by which the fused kernel computes this cell, if it can.
    fn formula(&self) -> Option<Formula>;

    /// Diagonal peephole weights `[3, hidden]`, if the formula reads them.
    fn peephole(&self) -> Option<Tensor<2>> {
        None
    }

    /// The bias in the kernel's layout, `[bias blocks * hidden]`.
    fn kernel_bias(&self) -> Tensor<1> {
        self.weights().bias.val()
    }

    /// The inputs' part of the gates, for any number of frames at once:
    /// `[frames, input]` to `[frames, blocks * hidden]`.
    fn project(&self, frames: Tensor<2>) -> Tensor<2> {
        let weights = self.weights();
        frames.matmul(weights.weight_ih.val().transpose()) + weights.bias.val().unsqueeze()
    }

    /// One step, from the result of [`project`](Self::project) and the state
    /// before it.
    ///
    /// `recurrent` is the hidden state as the recurrent product sees it: that
    /// of `state`, times the mask of the recurrent dropout if there is one.
    fn step(&self, projected: Tensor<2>, recurrent: Tensor<2>, state: State) -> State;
}

/// The weights that every cell has.
#[derive(Clone, Copy, Debug)]
pub struct CellWeights<'a> {
    /// `[blocks * hidden, input]`
    pub weight_ih: &'a Param<Tensor<2>>,
    /// `[blocks * hidden, hidden]`
    pub weight_hh: &'a Param<Tensor<2>>,
    /// `[blocks * hidden]`
    pub bias: &'a Param<Tensor<1>>,
}

/// Block `number` of the gates: `hidden` columns.
fn block(gates: &Tensor<2>, number: usize, hidden: usize) -> Tensor<2> {
    gates.clone().narrow(1, number * hidden, hidden)
}

/// The kind of cell.
///
/// Exhaustive on purpose: a new kind needs an answer wherever kinds differ, in
/// exports and counts of operations for example, and the compiler lists the
/// places.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CellKind {
    /// [`Lstm`].
    #[default]
    Lstm,
    /// [`PeepholeLstm`] with one peephole weight per unit and gate.
    Peephole,
    /// [`PeepholeLstm`] with full peephole matrices.
    PeepholeFull,
    /// [`CoupledLstm`].
    Coupled,
    /// [`Gru`] as in PyTorch, reset after the product.
    Gru,
    /// [`Gru`] as first published, reset before the product.
    GruResetBefore,
    /// [`Rnn`] with tanh.
    Rnn,
    /// [`Rnn`] with rectifiers.
    RnnRelu,
}

impl CellKind {
    /// All kinds.
    pub const ALL: [CellKind; 8] = [
        CellKind::Lstm,
        CellKind::Peephole,
        CellKind::PeepholeFull,
        CellKind::Coupled,
        CellKind::Gru,
        CellKind::GruResetBefore,
        CellKind::Rnn,
        CellKind::RnnRelu,
    ];

    /// The number of parameters of a cell.
    pub fn parameter_count(self, input: usize, hidden: usize) -> usize {
        let (blocks, more) = match self {
            CellKind::Lstm => (4, 0),
            CellKind::Peephole => (4, 3 * hidden),
            CellKind::PeepholeFull => (4, 3 * hidden * hidden),
            CellKind::Coupled | CellKind::GruResetBefore => (3, 0),
            CellKind::Gru => (3, hidden),
            CellKind::Rnn | CellKind::RnnRelu => (1, 0),
        };
        blocks * hidden * (input + hidden + 1) + more
    }

    /// A cell with initial weights for `input` features per frame.
    pub fn init(self, input: usize, hidden: usize, how: &WeightInit, init: &mut Init) -> AnyCell {
        match self {
            CellKind::Lstm => AnyCell::Lstm(Lstm::new(input, hidden, how, init)),
            CellKind::Peephole => {
                let peepholes = Peepholes::Diagonal;
                AnyCell::Peephole(PeepholeLstm::new(input, hidden, peepholes, how, init))
            }
            CellKind::PeepholeFull => {
                let peepholes = Peepholes::Full;
                AnyCell::Peephole(PeepholeLstm::new(input, hidden, peepholes, how, init))
            }
            CellKind::Coupled => AnyCell::Coupled(CoupledLstm::new(input, hidden, how, init)),
            CellKind::Gru => AnyCell::Gru(Gru::new(input, hidden, Reset::After, how, init)),
            CellKind::GruResetBefore => {
                AnyCell::Gru(Gru::new(input, hidden, Reset::Before, how, init))
            }
            CellKind::Rnn => AnyCell::Rnn(Rnn::new(input, hidden, Activation::Tanh, how, init)),
            CellKind::RnnRelu => AnyCell::Rnn(Rnn::new(input, hidden, Activation::Relu, how, init)),
        }
    }
}

/// Any of the cells, chosen at run time.
#[derive(Module, Debug)]
#[non_exhaustive]
#[allow(clippy::large_enum_variant)] // a network holds a handful
pub enum AnyCell {
    /// [`CellKind::Lstm`].
    Lstm(Lstm),
    /// [`CellKind::Peephole`] and [`CellKind::PeepholeFull`].
    Peephole(PeepholeLstm),
    /// [`CellKind::Coupled`].
    Coupled(CoupledLstm),
    /// [`CellKind::Gru`] and [`CellKind::GruResetBefore`].
    Gru(Gru),
    /// [`CellKind::Rnn`] and [`CellKind::RnnRelu`].
    Rnn(Rnn),
}

impl AnyCell {
    fn get(&self) -> &dyn Cell {
        match self {
            AnyCell::Lstm(cell) => cell,
            AnyCell::Peephole(cell) => cell,
            AnyCell::Coupled(cell) => cell,
            AnyCell::Gru(cell) => cell,
            AnyCell::Rnn(cell) => cell,
        }
    }
}

impl Cell for AnyCell {
    fn has_cell(&self) -> bool {
        self.get().has_cell()
    }

    fn weights(&self) -> CellWeights<'_> {
        self.get().weights()
    }

    fn formula(&self) -> Option<Formula> {
        self.get().formula()
    }

    fn peephole(&self) -> Option<Tensor<2>> {
        self.get().peephole()
    }

    fn kernel_bias(&self) -> Tensor<1> {
        self.get().kernel_bias()
    }

    fn project(&self, frames: Tensor<2>) -> Tensor<2> {
        self.get().project(frames)
    }

    fn step(&self, projected: Tensor<2>, recurrent: Tensor<2>, state: State) -> State {
        self.get().step(projected, recurrent, state)
    }
}
