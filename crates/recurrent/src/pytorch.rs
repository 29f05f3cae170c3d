//! Weights from PyTorch, and back to it.
//!
//! [`read`] reads the `state_dict` of an `nn.LSTM`, `nn.GRU` or `nn.RNN` from a
//! `.safetensors`, `.pt` or `.pth` file. [`to_bytes`] writes one that
//! `load_state_dict` accepts.
//!
//! ```no_run
//! # use burn::tensor::Device;
//! use recurrent::pytorch;
//!
//! let network = pytorch::read("weights.pt", &pytorch::Options::default(), &Device::flex())?;
//! std::fs::write("again.safetensors", pytorch::to_bytes(&network)?)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! ```python
//! network = torch.nn.LSTM(40, 64, num_layers=2, bidirectional=True, batch_first=True)
//! network.load_state_dict(safetensors.torch.load_file("again.safetensors"))
//! ```
//!
//! # Names and layout
//!
//! Layer `N` has `weight_ih_lN`, `weight_hh_lN`, `bias_ih_lN` and `bias_hh_lN`,
//! and the same with `_reverse` for its backward direction. In a larger network
//! the module's name comes before them as a prefix. The gates have the same
//! order in PyTorch and here (LSTM i, f, g, o; GRU r, z, n), so the matrices are
//! taken as they are. PyTorch has two biases. Only their sum matters, except for
//! the GRU's candidate:
//!
//! | here | PyTorch |
//! |---|---|
//! | `bias` | `bias_ih + bias_hh`; of the GRU's n, `bias_ih` alone |
//! | `bias_hn` | the block n of the GRU's `bias_hh` |
//!
//! [`to_bytes`] writes the sum as `bias_ih` and zeros as `bias_hh`. When training
//! continues in PyTorch, both biases receive the full gradient, so their sum
//! moves twice as far per step as the one bias does here.
//!
//! Source: the formulas in the documentation of `torch.nn.LSTM`,
//! `torch.nn.GRU` and `torch.nn.RNN`.

mod file;

use std::collections::HashMap;
use std::path::Path;

use burn::tensor::Device;

use crate::RecurrentError;
use crate::kernel::Formula;
use crate::parameters::{Array, Parameters, parameters, to_safetensors};
use crate::{Cell, CellKind, Recurrent};
use file::File;

/// What a file of weights does not say by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The module's name before its tensors, for example `encoder.lstm`; empty if
    /// the tensors have none. Only needed if the file holds several recurrent
    /// networks.
    pub prefix: Option<String>,
    /// The kind of cell. The shapes tell [`CellKind::Lstm`], [`CellKind::Gru`]
    /// and [`CellKind::Rnn`] apart; [`CellKind::RnnRelu`] has to be set here.
    pub cell: Option<CellKind>,
}

/// Reads a recurrent network saved by PyTorch onto `device`. It has no dropout,
/// which PyTorch does not save.
///
/// The first bytes tell the file's format. Numbers of 16 and 64 bits are
/// converted to 32 bits.
///
/// # Errors
///
/// [`RecurrentError::Io`] if the file cannot be read. [`RecurrentError::Weights`]
/// if it is damaged, or if it holds no recurrent network, several of them without
/// a prefix to choose by, or one with a projection (`proj_size`).
pub fn read(
    path: impl AsRef<Path>,
    options: &Options,
    device: &Device,
) -> Result<Recurrent, RecurrentError> {
    let path = path.as_ref();
    let name = path.display().to_string();
    let file = match File::open(path)? {
        Ok(file) => file,
        Err(what) => return Err(RecurrentError::Weights { name, what }),
    };
    file.network(options, device)
        .map_err(|what| RecurrentError::Weights { name, what })
}

/// A network's weights with PyTorch's names and layout, without a prefix.
///
/// # Errors
///
/// [`RecurrentError::Export`] if PyTorch has no such network: another kind of
/// cell, residual connections, normalisation, a projection, or layers of
/// different kinds or sizes.
pub fn state_dict(network: &Recurrent) -> Result<Parameters, RecurrentError> {
    let shape = Shape::of(network)?;
    let mut ours = parameters(network);
    let mut state = Parameters::new();
    for (layer, direction) in shape.places() {
        let theirs = |part: &str| place(part, layer, direction);
        let mut take = |part: &str| {
            ours.remove(&format!("layers.{layer}.{direction}.{part}"))
                .ok_or_else(|| unlike("layers with different parts"))
        };
        state.insert(theirs("weight_ih"), take("weight_ih")?);
        state.insert(theirs("weight_hh"), take("weight_hh")?);
        let bias = take("bias")?;
        let mut other = vec![0.0; bias.values.len()];
        if shape.cell == CellKind::Gru {
            other[2 * shape.hidden..].copy_from_slice(&take("bias_hn")?.values);
        }
        let other = Array {
            shape: bias.shape.clone(),
            values: other,
        };
        state.insert(theirs("bias_ih"), bias);
        state.insert(theirs("bias_hh"), other);
    }
    Ok(state)
}

/// A network as a safetensors file for PyTorch. Its metadata hold the arguments
/// of the module: `module`, `input_size`, `hidden_size`, `num_layers`,
/// `bidirectional` and, for an RNN, `nonlinearity`.
///
/// # Errors
///
/// As [`state_dict`].
pub fn to_bytes(network: &Recurrent) -> Result<Vec<u8>, RecurrentError> {
    let shape = Shape::of(network)?;
    let (module, nonlinearity) = match shape.cell {
        CellKind::Gru => ("GRU", None),
        CellKind::Rnn => ("RNN", Some("tanh")),
        CellKind::RnnRelu => ("RNN", Some("relu")),
        _ => ("LSTM", None),
    };
    let mut metadata = HashMap::from([
        ("format".to_string(), "pt".to_string()),
        ("module".to_string(), module.to_string()),
        ("input_size".to_string(), shape.input.to_string()),
        ("hidden_size".to_string(), shape.hidden.to_string()),
        ("num_layers".to_string(), shape.layers.to_string()),
        ("bidirectional".to_string(), shape.bidirectional.to_string()),
    ]);
    if let Some(nonlinearity) = nonlinearity {
        metadata.insert("nonlinearity".into(), nonlinearity.into());
    }
    to_safetensors(&state_dict(network)?, metadata, |_| false)
}

/// The arguments of PyTorch's module.
struct Shape {
    cell: CellKind,
    input: usize,
    hidden: usize,
    layers: usize,
    bidirectional: bool,
}

impl Shape {
    fn of(network: &Recurrent) -> Result<Self, RecurrentError> {
        let first = network
            .layers
            .first()
            .ok_or_else(|| unlike("a network without layers"))?;
        let cell = match first.forward.formula() {
            Some(Formula::Lstm) => CellKind::Lstm,
            Some(Formula::GruResetAfter) => CellKind::Gru,
            Some(Formula::Tanh) => CellKind::Rnn,
            Some(Formula::Relu) => CellKind::RnnRelu,
            Some(Formula::Peephole) | None => return Err(unlike("an LSTM with peepholes")),
            Some(Formula::Coupled) => return Err(unlike("an LSTM with coupled gates")),
            Some(Formula::GruResetBefore) => {
                return Err(unlike("a GRU that resets before the product"));
            }
        };
        let shape = Shape {
            cell,
            input: first.forward.input(),
            hidden: first.forward.hidden(),
            layers: network.layers.len(),
            bidirectional: first.backward.is_some(),
        };
        if network.is_residual() {
            return Err(unlike("a network with residual connections"));
        }
        let directions = 1 + usize::from(shape.bidirectional);
        for (index, layer) in network.layers.iter().enumerate() {
            if layer.norm.is_some() {
                return Err(unlike("a network with layer normalisation"));
            }
            if layer.projection.is_some() {
                return Err(unlike("a network with projected outputs"));
            }
            let input = match index {
                0 => shape.input,
                _ => directions * shape.hidden,
            };
            let alike = layer.backward.is_some() == shape.bidirectional
                && [Some(&layer.forward), layer.backward.as_ref()]
                    .into_iter()
                    .flatten()
                    .all(|cell| {
                        cell.formula() == first.forward.formula()
                            && (cell.input(), cell.hidden()) == (input, shape.hidden)
                    });
            if !alike {
                return Err(unlike("a network whose layers differ in kind or size"));
            }
        }
        Ok(shape)
    }

    /// All layers and directions, the latter by their names in this crate.
    fn places(&self) -> impl Iterator<Item = (usize, &'static str)> + use<> {
        let directions: &[&str] = match self.bidirectional {
            true => &["forward", "backward"],
            false => &["forward"],
        };
        (0..self.layers).flat_map(|layer| directions.iter().map(move |&d| (layer, d)))
    }
}

fn unlike(what: &str) -> RecurrentError {
    RecurrentError::Export {
        what: format!("PyTorch's nn.LSTM, nn.GRU and nn.RNN have no counterpart of {what}"),
    }
}

/// The name of a tensor in PyTorch.
fn place(part: &str, layer: usize, direction: &str) -> String {
    let reverse = match direction {
        "backward" => "_reverse",
        _ => "",
    };
    format!("{part}_l{layer}{reverse}")
}
