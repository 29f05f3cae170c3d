//! A network that takes one frame at a time, for live use.
//!
//! It works without tensors and allocates nothing: the weights are packed
//! once, and a frame costs little more than reading them from memory.

use burn::tensor::Tensor;

use crate::RecurrentError;
use crate::cells::Cell;
use crate::kernel::{Sizes, Stepper, Weights};
use crate::{LayerNorm, Recurrent};

/// A network that takes frames one by one, made by [`Recurrent::live`].
///
/// For the frames of a sequence it gives the outputs of [`Recurrent::forward`],
/// to rounding.
#[derive(Clone, Debug)]
pub struct Live {
    layers: Vec<LiveLayer>,
    residual: bool,
}

#[derive(Clone, Debug)]
struct LiveLayer {
    stepper: Stepper,
    projection: Option<(Vec<f32>, Vec<f32>)>,
    norm: Option<(Vec<f32>, Vec<f32>)>,
    output: Vec<f32>,
}

/// The values of a tensor, from whatever device it is on.
pub(crate) fn values<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, RecurrentError> {
    tensor
        .try_to_vec_as::<f32>()
        .map_err(|error| RecurrentError::Device {
            what: format!("{error:?}"),
        })
}

impl Recurrent {
    /// Prepares the network for frames that come one by one, on the CPU. The
    /// weights are copied: later changes of the network have no effect.
    ///
    /// # Errors
    ///
    /// [`RecurrentError::Settings`] if the network is bidirectional, which needs
    /// whole sequences, has full peephole matrices, which have no kernel, or
    /// has no layers. [`RecurrentError::Device`] if its weights cannot be read.
    pub fn live(&self) -> Result<Live, RecurrentError> {
        if self.is_bidirectional() {
            return Err(RecurrentError::Settings {
                what: "a bidirectional network cannot go frame by frame; train it with \
                       `bidirectional = false`"
                    .into(),
            });
        }
        if self.layers.is_empty() {
            return Err(RecurrentError::Settings {
                what: "a network without layers cannot go frame by frame".into(),
            });
        }
        let layers = self.layers.iter().map(|layer| {
            let cell = &layer.forward;
            let formula = cell.formula().ok_or_else(|| RecurrentError::Settings {
                what: "a network with full peephole matrices cannot go frame by frame".into(),
            })?;
            let sizes = Sizes {
                input: cell.input(),
                hidden: cell.hidden(),
            };
            let weights = cell.weights();
            let stepper = Stepper::new(
                formula,
                sizes,
                &Weights {
                    input: &values(weights.weight_ih.val())?,
                    recurrent: &values(weights.weight_hh.val())?,
                    bias: &values(cell.kernel_bias())?,
                    peephole: &cell.peephole().map_or(Ok(Vec::new()), values)?,
                },
            );
            let projection = match &layer.projection {
                Some(linear) => Some((values(linear.weight.val())?, values(linear.bias.val())?)),
                None => None,
            };
            let norm = match &layer.norm {
                Some(norm) => Some((values(norm.weight.val())?, values(norm.bias.val())?)),
                None => None,
            };
            let width = projection
                .as_ref()
                .map_or(sizes.hidden, |(_, bias)| bias.len());
            Ok(LiveLayer {
                stepper,
                projection,
                norm,
                output: vec![0.0; width],
            })
        });
        Ok(Live {
            layers: layers.collect::<Result<_, RecurrentError>>()?,
            residual: self.is_residual(),
        })
    }
}

impl Live {
    /// Takes the features of one frame and gives the last layer's output.
    ///
    /// # Panics
    ///
    /// If the frame has fewer numbers than the network's input.
    pub fn step(&mut self, frame: &[f32]) -> &[f32] {
        let mut input = frame;
        for layer in &mut self.layers {
            layer.step(input, self.residual);
            input = &layer.output;
        }
        self.layers.last().map_or(&[], |layer| &layer.output)
    }

    /// Only the matrix-vector products of the layers' steps: the yardstick for
    /// the time of a [`step`](Self::step). The states stay as they are, and the
    /// results are thrown away.
    ///
    /// # Panics
    ///
    /// As [`step`](Self::step).
    pub fn products(&mut self, frame: &[f32]) {
        let mut input = frame;
        for layer in &mut self.layers {
            layer.stepper.products(input);
            input = &layer.output;
        }
    }

    /// Starts a new sequence: all states become zero.
    pub fn reset(&mut self) {
        for layer in &mut self.layers {
            layer.stepper.reset();
        }
    }
}

impl LiveLayer {
    fn step(&mut self, input: &[f32], residual: bool) {
        let hidden = self.stepper.step(input);
        match &self.projection {
            None => self.output.copy_from_slice(hidden),
            Some((weight, bias)) => {
                let rows = weight.chunks_exact(hidden.len());
                for ((output, row), bias) in self.output.iter_mut().zip(rows).zip(bias) {
                    *output = bias + row.iter().zip(hidden).map(|(w, h)| w * h).sum::<f32>();
                }
            }
        }
        if residual && input.len() == self.output.len() {
            for (output, input) in self.output.iter_mut().zip(input) {
                *output += input;
            }
        }
        if let Some((scale, shift)) = &self.norm {
            let count = self.output.len() as f32;
            let mean = self.output.iter().sum::<f32>() / count;
            let square = |v: &f32| (v - mean).powi(2);
            let variance = self.output.iter().map(square).sum::<f32>() / count;
            let deviation = (variance + LayerNorm::EPSILON).sqrt();
            for ((output, scale), shift) in self.output.iter_mut().zip(scale).zip(shift) {
                *output = (*output - mean) / deviation * scale + shift;
            }
        }
    }
}
