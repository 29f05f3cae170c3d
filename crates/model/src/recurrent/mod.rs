//! Recurrent layers over batches of sequences of unlike length.
//!
//! A batch is `[batch, time, features]`, padded at its end, with the length of
//! every sequence beside it. Padding is neither read nor computed: each
//! sequence gives exactly what it gives alone, its gradients included, in
//! both directions.
//!
//! - [`Cell`] is what happens from one frame to the next: [`Lstm`],
//!   [`PeepholeLstm`], [`CoupledLstm`], [`Gru`], [`Rnn`];
//! - [`walk`] takes one of them along a batch of sequences, [`walk_both`] two;
//! - [`Recurrent`] stacks layers of them: bidirectional, residual, with
//!   dropout, normalisation and projection;
//! - [`Stateful`] carries a state over chunks, [`Live`] goes frame by frame;
//! - [`pytorch`] takes weights from PyTorch and gives them back;
//! - [`kernel`] is the arithmetic on the CPU, without tensors.

mod cells;
mod dropout;
// burn-ndarray is deprecated in favour of Flex, and ours to drop when Burn does.
#[allow(deprecated)]
mod fused;
#[cfg(feature = "wgpu")]
mod gpu;
mod init;
pub mod kernel;
mod layer;
mod live;
pub mod pytorch;
mod stack;
mod stateful;

pub use cells::{
    Activation, AnyCell, Cell, CellKind, CellWeights, CoupledLstm, Gru, Lstm, PeepholeLstm,
    Peepholes, Reset, Rnn, State,
};
pub use dropout::Dropout;
pub use init::{Init, InputWeights, RecurrentWeights, WeightInit};
pub use layer::{Direction, Walk, walk, walk_both};
pub use live::Live;
pub use stack::{LayerNorm, Recurrent, RecurrentConfig, RecurrentLayer};
pub use stateful::Stateful;
