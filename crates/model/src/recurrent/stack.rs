//! Layers above each other, each in one direction or in both.

use std::sync::Arc;

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::cells::{AnyCell, Cell, CellKind, State};
use super::{Direction, Dropout, Init, Walk, WeightInit, walk, walk_both};
use crate::{Linear, ModelError};

/// The shape of a [`Recurrent`] network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RecurrentConfig {
    /// What the layers are made of.
    pub cell: CellKind,
    /// Features of a frame.
    pub input: usize,
    /// Hidden units of a layer and direction.
    pub hidden: usize,
    /// Layers.
    pub layers: usize,
    /// Whether every layer also walks backwards.
    pub bidirectional: bool,
    /// Add a layer's input to its output where both have the same width.
    pub residual: bool,
    /// Bring each layer's output to mean 0 and deviation 1 over its units
    /// before learned scales (Ba, Kiros and Hinton, 2016).
    pub layer_norm: bool,
    /// Reduce each layer's output to this many features by a learned matrix.
    pub projection: Option<usize>,
    /// Share of the units dropped between layers while training.
    pub dropout: f64,
    /// Share of the hidden state's units dropped on their way into the
    /// recurrent product while training, the same ones at every step.
    pub recurrent_dropout: f64,
    /// How weights begin.
    pub weights: WeightInit,
}

impl Default for RecurrentConfig {
    fn default() -> Self {
        RecurrentConfig {
            cell: CellKind::Lstm,
            input: 1,
            hidden: 64,
            layers: 1,
            bidirectional: false,
            residual: false,
            layer_norm: false,
            projection: None,
            dropout: 0.0,
            recurrent_dropout: 0.0,
            weights: WeightInit::default(),
        }
    }
}

impl RecurrentConfig {
    /// One layer of this cell in one direction.
    pub fn new(cell: CellKind, input: usize, hidden: usize) -> Self {
        RecurrentConfig {
            cell,
            input,
            hidden,
            ..Self::default()
        }
    }

    /// Features of a frame of the result.
    pub fn output(&self) -> usize {
        self.projection
            .unwrap_or(self.hidden * if self.bidirectional { 2 } else { 1 })
    }

    /// What the parameters count.
    pub fn parameter_count(&self) -> usize {
        let directions = 1 + usize::from(self.bidirectional);
        let after = self
            .projection
            .map_or(0, |to| to * (self.hidden * directions + 1))
            + if self.layer_norm {
                2 * self.output()
            } else {
                0
            };
        (0..self.layers)
            .map(|layer| {
                if layer == 0 {
                    self.input
                } else {
                    self.output()
                }
            })
            .map(|input| directions * self.cell.parameter_count(input, self.hidden) + after)
            .sum()
    }

    /// A network with initial weights.
    pub fn init(&self, init: &mut Init) -> Recurrent {
        let widths: Vec<usize> = (0..self.layers)
            .map(|layer| {
                if layer == 0 {
                    self.input
                } else {
                    self.output()
                }
            })
            .collect();
        let mut cells = |wanted: bool| -> Vec<Option<AnyCell>> {
            let cell = |&input: &usize| {
                wanted.then(|| self.cell.init(input, self.hidden, &self.weights, init))
            };
            widths.iter().map(cell).collect()
        };
        let forward = cells(true);
        let backward = cells(self.bidirectional);
        let hidden = self.hidden * if self.bidirectional { 2 } else { 1 };
        let layers = forward
            .into_iter()
            .flatten()
            .zip(backward)
            .map(|(forward, backward)| RecurrentLayer {
                forward,
                backward,
                projection: self.projection.map(|to| Linear::new(hidden, to, init)),
                norm: self.layer_norm.then(|| LayerNorm::new(self.output(), init)),
            })
            .collect();
        Recurrent {
            layers,
            residual: self.residual,
            dropout: self.dropout,
            recurrent_dropout: self.recurrent_dropout,
        }
    }
}

/// One layer with what follows it.
#[derive(Module, Debug)]
pub struct RecurrentLayer {
    /// The cell that walks forward.
    pub forward: AnyCell,
    /// The cell that walks backward, if there is one.
    pub backward: Option<AnyCell>,
    /// A matrix over the outputs.
    pub projection: Option<Linear>,
    /// A normalisation over the units.
    pub norm: Option<LayerNorm>,
}

/// Recurrent layers above each other.
#[derive(Module, Debug)]
pub struct Recurrent {
    /// From the input up.
    pub layers: Vec<RecurrentLayer>,
    residual: bool,
    dropout: f64,
    recurrent_dropout: f64,
}

impl Recurrent {
    /// Layers that have come from elsewhere, without dropout.
    pub fn from_layers(layers: Vec<RecurrentLayer>) -> Self {
        Recurrent {
            layers,
            residual: false,
            dropout: 0.0,
            recurrent_dropout: 0.0,
        }
    }

    /// Whether any layer walks backwards, and so needs whole sequences.
    pub fn is_bidirectional(&self) -> bool {
        self.layers.iter().any(|layer| layer.backward.is_some())
    }

    /// Whether inputs are added to outputs of the same width.
    pub fn is_residual(&self) -> bool {
        self.residual
    }

    /// The hidden states of the last layer, forward and backward beside each other.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, time, input]`
    /// - lengths: `batch` numbers up to `time`
    /// - result: `[batch, time, output]`; what stands behind a sequence's end
    ///   means nothing.
    pub fn forward(
        &self,
        input: Tensor<3>,
        lengths: &[usize],
        dropout: &mut Dropout<'_>,
    ) -> Tensor<3> {
        self.run(input, lengths, None, false, dropout).0
    }

    /// The same from given states, with the states after it: one for each
    /// layer and direction, the backward one behind the forward one, as in
    /// PyTorch's `h_n`.
    ///
    /// # Errors
    ///
    /// [`ModelError::Settings`] where the number of states is not that of the
    /// layers and directions.
    pub fn forward_from(
        &self,
        input: Tensor<3>,
        lengths: &[usize],
        states: Option<Vec<State>>,
        dropout: &mut Dropout<'_>,
    ) -> Result<(Tensor<3>, Vec<State>), ModelError> {
        let directions: usize = self
            .layers
            .iter()
            .map(|layer| 1 + usize::from(layer.backward.is_some()))
            .sum();
        if let Some(states) = &states
            && states.len() != directions
        {
            return Err(ModelError::Settings {
                what: format!(
                    "{} states were given, but the network has {directions} layers and directions",
                    states.len()
                ),
            });
        }
        Ok(self.run(input, lengths, states, true, dropout))
    }

    fn run(
        &self,
        mut frames: Tensor<3>,
        lengths: &[usize],
        states: Option<Vec<State>>,
        final_state: bool,
        dropout: &mut Dropout<'_>,
    ) -> (Tensor<3>, Vec<State>) {
        let mut states = states.into_iter().flatten();
        let mut after = Vec::new();
        for (index, layer) in self.layers.iter().enumerate() {
            if index > 0 {
                frames = dropout.apply(frames, self.dropout);
            }
            let mut way = |cell: &AnyCell, direction: Direction| Walk {
                lengths,
                direction,
                state: states.next(),
                mask: dropout
                    .mask(lengths.len() * cell.hidden(), self.recurrent_dropout)
                    .map(Arc::from),
                final_state,
            };
            let forward = way(&layer.forward, Direction::Forward);
            let mut outputs = match &layer.backward {
                None => {
                    let (outputs, state) = walk(&layer.forward, frames.clone(), forward);
                    after.extend(state);
                    outputs
                }
                Some(cell) => {
                    let walks = [forward, way(cell, Direction::Backward)];
                    let (outputs, states) =
                        walk_both([&layer.forward, cell], frames.clone(), walks);
                    after.extend(states);
                    outputs
                }
            };
            if let Some(projection) = &layer.projection {
                outputs = projection.forward_frames(outputs);
            }
            if self.residual && outputs.dims() == frames.dims() {
                outputs = outputs + frames;
            }
            if let Some(norm) = &layer.norm {
                outputs = norm.forward(outputs);
            }
            frames = outputs;
        }
        (frames, after)
    }
}

/// Normalisation over the features of each frame, with learned scale and shift.
#[derive(Module, Debug)]
pub struct LayerNorm {
    /// Scales, `[features]`.
    pub weight: Param<Tensor<1>>,
    /// Shifts, `[features]`.
    pub bias: Param<Tensor<1>>,
}

impl LayerNorm {
    /// Added to the variance, as PyTorch does.
    pub const EPSILON: f32 = 1e-5;

    /// Scales of 1 and shifts of 0.
    pub fn new(features: usize, init: &mut Init) -> Self {
        LayerNorm {
            weight: init.constant(1.0, [features]),
            bias: init.constant(0.0, [features]),
        }
    }

    /// Each frame with mean 0 and deviation 1 over its features, scaled and shifted.
    pub fn forward(&self, frames: Tensor<3>) -> Tensor<3> {
        let centred = frames.clone() - frames.mean_dim(2);
        let deviation = (centred.clone().square().mean_dim(2) + Self::EPSILON).sqrt();
        centred / deviation * self.weight.val().unsqueeze() + self.bias.val().unsqueeze()
    }
}
