//! A network of recurrent layers, each in one direction or in both.

use std::sync::Arc;

use burn::module::Module;
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::cells::{AnyCell, Cell, CellKind, State};
use crate::init::{Init, WeightInit};
use crate::layer::{Direction, Walk, walk, walk_both};
use crate::{Dropout, LayerNorm, Linear, RecurrentError};

/// The shape of a [`Recurrent`] network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RecurrentConfig {
    /// The kind of cell.
    pub cell: CellKind,
    /// Features per frame.
    pub input: usize,
    /// Hidden units per layer and direction.
    pub hidden: usize,
    /// Number of layers.
    pub layers: usize,
    /// Whether every layer also has a backward direction.
    pub bidirectional: bool,
    /// Add a layer's input to its output where both have the same width.
    pub residual: bool,
    /// Normalise each layer's output over its units ([`LayerNorm`]).
    pub layer_norm: bool,
    /// Map each layer's output to this many features by a [`Linear`] layer.
    pub projection: Option<usize>,
    /// Probability of dropping a unit between layers while training.
    pub dropout: f64,
    /// Probability of dropping a unit of the hidden state, as the recurrent
    /// product sees it, while training: the same units at every step of a
    /// sequence (Gal and Ghahramani, 2016).
    pub recurrent_dropout: f64,
    /// The initial weights.
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
    /// One forward layer of this cell.
    pub fn new(cell: CellKind, input: usize, hidden: usize) -> Self {
        RecurrentConfig {
            cell,
            input,
            hidden,
            ..Self::default()
        }
    }

    /// Features per frame of the result.
    pub fn output(&self) -> usize {
        self.projection
            .unwrap_or(self.hidden * if self.bidirectional { 2 } else { 1 })
    }

    /// The number of parameters.
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

    /// A network with initial weights. Every size must be at least 1.
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

/// One layer: its cells, and the projection and normalisation after them.
#[derive(Module, Debug)]
pub struct RecurrentLayer {
    /// The cell of the forward direction.
    pub forward: AnyCell,
    /// The cell of the backward direction.
    pub backward: Option<AnyCell>,
    /// The projection of the outputs.
    pub projection: Option<Linear>,
    /// The normalisation of the outputs.
    pub norm: Option<LayerNorm>,
}

/// A network of recurrent layers, made by [`RecurrentConfig::init`].
#[derive(Module, Debug)]
pub struct Recurrent {
    /// The layers, the one that reads the input first.
    pub layers: Vec<RecurrentLayer>,
    residual: bool,
    dropout: f64,
    recurrent_dropout: f64,
}

impl Recurrent {
    /// A network of given layers, without dropout and residual connections.
    pub fn from_layers(layers: Vec<RecurrentLayer>) -> Self {
        Recurrent {
            layers,
            residual: false,
            dropout: 0.0,
            recurrent_dropout: 0.0,
        }
    }

    /// Whether any layer has a backward direction, and so needs whole sequences.
    pub fn is_bidirectional(&self) -> bool {
        self.layers.iter().any(|layer| layer.backward.is_some())
    }

    /// Whether a layer's input is added to its output where the widths agree.
    pub fn is_residual(&self) -> bool {
        self.residual
    }

    /// The hidden states of the last layer, forward units before backward ones.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, time, input]`
    /// - lengths: `batch` numbers up to `time`
    /// - result: `[batch, time, output]`; the values in the padding have no meaning
    ///
    /// # Panics
    ///
    /// If shapes or lengths do not fit each other or the network.
    pub fn forward(
        &self,
        input: Tensor<3>,
        lengths: &[usize],
        dropout: &mut Dropout<'_>,
    ) -> Tensor<3> {
        self.run(input, lengths, None, false, dropout).0
    }

    /// The same from given initial states, with the final states. There is one
    /// state for each layer and direction, ordered as PyTorch's `h_n`: layer by
    /// layer, forward before backward.
    ///
    /// # Errors
    ///
    /// [`RecurrentError::Settings`] where there are not as many states as layers
    /// and directions.
    ///
    /// # Panics
    ///
    /// As [`forward`](Self::forward).
    pub fn forward_from(
        &self,
        input: Tensor<3>,
        lengths: &[usize],
        states: Option<Vec<State>>,
        dropout: &mut Dropout<'_>,
    ) -> Result<(Tensor<3>, Vec<State>), RecurrentError> {
        let directions: usize = self
            .layers
            .iter()
            .map(|layer| 1 + usize::from(layer.backward.is_some()))
            .sum();
        if let Some(states) = &states
            && states.len() != directions
        {
            return Err(RecurrentError::Settings {
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
