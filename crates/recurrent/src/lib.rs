//! Recurrent networks on [Burn](burn): LSTM, GRU and their relatives, for
//! training, for batches and for streaming.
//!
//! # A padded batch
//!
//! Sequences of different lengths go through a network together. The batch is
//! a tensor `[batch, time, features]`, padded at the end of each sequence, and
//! comes with the sequences' lengths. Padding is neither read nor computed:
//! every sequence gives what it gives alone, in both directions, and its
//! gradients are those that it has alone.
//!
//! ```
//! use recurrent::burn::tensor::{Device, Tensor};
//! use recurrent::{CellKind, Dropout, Init, RecurrentConfig};
//!
//! let device = Device::flex();
//! // Two sequences, of 3 frames and of 1, with 2 features per frame.
//! let batch = Tensor::<3>::from_floats(
//!     [[[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]], [[0.7, 0.8], [0.0, 0.0], [0.0, 0.0]]],
//!     &device,
//! );
//! let config = RecurrentConfig {
//!     bidirectional: true,
//!     ..RecurrentConfig::new(CellKind::Lstm, 2, 8)
//! };
//! let network = config.init(&mut Init::new(1, &device)); // weights from seed 1
//! let outputs = network.forward(batch, &[3, 1], &mut Dropout::inference());
//! assert_eq!(outputs.dims(), [2, 3, 16]); // forward and backward units side by side
//! ```
//!
//! To train, put the network and the batch on `device.autodiff()`, pass
//! [`Dropout::training`], and call `backward()` on a loss, as with any module
//! of Burn.
//!
//! # Streaming
//!
//! [`Live`] takes one frame at a time and remembers the state. It works on
//! plain slices and allocates nothing.
//!
//! ```
//! use recurrent::burn::tensor::Device;
//! use recurrent::{CellKind, Init, RecurrentConfig};
//!
//! let config = RecurrentConfig::new(CellKind::Gru, 2, 8);
//! let network = config.init(&mut Init::new(1, &Device::flex()));
//! let mut live = network.live()?;
//! for frame in [[0.1, 0.2], [0.3, 0.4]] {
//!     let output: &[f32] = live.step(&frame);
//!     assert_eq!(output.len(), 8);
//! }
//! live.reset(); // the next frame starts a new sequence
//! # Ok::<(), recurrent::RecurrentError>(())
//! ```
//!
//! # What is where
//!
//! | to | use |
//! |---|---|
//! | build a network of several layers | [`RecurrentConfig`], [`Recurrent`] |
//! | run one layer yourself | [`walk`], [`walk_both`] over any [`Cell`]: [`Lstm`], [`PeepholeLstm`], [`CoupledLstm`], [`Gru`], [`Rnn`] |
//! | carry the state from chunk to chunk | [`Stateful`] |
//! | stream frame by frame on the CPU | [`Live`] |
//! | run a network that is not trained any more, on the CPU | [`Frozen`] |
//! | exchange weights with PyTorch | `pytorch` (feature) |
//! | read and replace parameters by name | [`parameters`] |
//! | compute without tensors | [`kernel`] |
//!
//! Initial weights ([`Init`]) and dropout masks ([`Dropout`]) are drawn from
//! generators that the caller owns, so a training is repeatable whatever else
//! runs in the process.
//!
//! # Cargo features
//!
//! | feature | gives |
//! |---|---|
//! | `train` | gradients of the layers, on Burn's `Autodiff` |
//! | `wgpu` | graphics cards through Vulkan, Metal or DirectX 12 |
//! | `ndarray` | Burn's older CPU backend; Flex, the faster one, is always there |
//! | `pytorch` | reading and writing PyTorch's weights |
//! | `safetensors` | named parameters as the bytes of a safetensors file |
//!
//! All are on by default. A program that only runs networks needs none.

mod cells;
// burn-ndarray is deprecated in favour of Flex, and ours to drop when Burn does.
#[allow(deprecated)]
mod cpu;
mod dropout;
mod error;
mod frozen;
#[allow(deprecated)]
mod fused;
#[cfg(feature = "wgpu")]
mod gpu;
#[cfg(feature = "train")]
mod gradients;
mod init;
pub mod kernel;
mod layer;
mod layer_norm;
mod linear;
mod live;
mod mask;
mod operation;
pub mod parameters;
#[cfg(feature = "pytorch")]
pub mod pytorch;
mod stack;
mod stateful;

pub use burn;
pub use cells::{
    Activation, AnyCell, Cell, CellKind, CellWeights, CoupledLstm, Gru, Lstm, PeepholeLstm,
    Peepholes, Reset, Rnn, State,
};
pub use dropout::Dropout;
pub use error::RecurrentError;
pub use frozen::{Frozen, FrozenState};
pub use init::{Init, InputWeights, RecurrentWeights, WeightInit};
pub use layer::{Direction, Walk, walk, walk_both};
pub use layer_norm::LayerNorm;
pub use linear::Linear;
pub use live::Live;
pub use mask::padding_mask;
pub use stack::{Recurrent, RecurrentConfig, RecurrentLayer};
pub use stateful::Stateful;

// Everything that a caller keeps can be sent to and shared with other threads.
const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<AnyCell>();
    shared::<Live>();
    shared::<Frozen>();
    shared::<Recurrent>();
    shared::<RecurrentConfig>();
    shared::<RecurrentError>();
    shared::<State>();
    shared::<Stateful>();
    shared::<Walk<'_>>();
    shared::<kernel::Stepper>();
    shared::<kernel::Tape>();
    shared::<parameters::Parameters>();
};
