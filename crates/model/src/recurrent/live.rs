//! A network one frame at a time, for live use.
//!
//! No tensors, no graph, no allocation: the weights are packed once, and a
//! frame costs little more than reading them.

use burn::tensor::Tensor;

use super::cells::Cell;
use super::kernel::{Sizes, Stepper, Weights};
use super::{LayerNorm, Recurrent};
use crate::ModelError;

/// A network that takes frames as they come; made by [`Recurrent::live`].
///
/// Its outputs for the frames of a sequence are those of [`Recurrent::forward`].
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

/// The values of a tensor on whatever device it lies.
fn values<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, ModelError> {
    tensor
        .try_to_vec_as::<f32>()
        .map_err(|error| ModelError::Settings {
            what: format!("the weights cannot be read from their device: {error:?}"),
        })
}

impl Recurrent {
    /// Prepares the network for frames that come one by one, on the CPU.
    ///
    /// # Errors
    ///
    /// [`ModelError::Settings`] for a network that walks backwards, which
    /// needs whole sequences, and for full peephole matrices, which have no kernel.
    pub fn live(&self) -> Result<Live, ModelError> {
        if self.is_bidirectional() {
            return Err(ModelError::Settings {
                what: "a bidirectional network cannot go frame by frame; train it with \
                       `bidirectional = false`"
                    .into(),
            });
        }
        let layers = self.layers.iter().map(|layer| {
            let cell = &layer.forward;
            let formula = cell.formula().ok_or_else(|| ModelError::Settings {
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
            layers: layers.collect::<Result<_, ModelError>>()?,
            residual: self.is_residual(),
        })
    }
}

impl Live {
    /// Takes the features of one frame and gives the last layer's output.
    ///
    /// # Panics
    ///
    /// Where the frame has fewer numbers than the network's input.
    pub fn step<'a>(&'a mut self, frame: &'a [f32]) -> &'a [f32] {
        let mut input = frame;
        for layer in &mut self.layers {
            layer.step(input, self.residual);
            input = &layer.output;
        }
        input
    }

    /// Only the matrix-vector products of the layers' steps: what
    /// `runner bench` measures [`step`](Self::step) against. The states stay
    /// as they are, and nothing useful comes out.
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

    /// A new sequence begins.
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
