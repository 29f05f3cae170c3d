//! Convolutions over time in front of the recurrent layers.
//!
//! A convolution combines a few neighbouring frames. With a stride above 1 it
//! leaves fewer frames to the recurrent layers:
//!
//! ```text
//! y[t] = relu(norm(W [x[t·stride - left], ..., x[t·stride - left + kernel - 1]] + b)),   left = (kernel - 1) / 2
//! ```
//!
//! Before and after a clip it sees zeros, whatever else is in the batch, so
//! neither padding nor other clips change a clip's result. The norm is over a
//! frame's channels ([`LayerNorm`]); with a norm over the batch, a clip's result
//! would depend on the other clips while training.

use burn::module::Module;
use burn::tensor::Tensor;
use burn::tensor::activation::relu;
use recurrent::{Init, LayerNorm, Linear, padding_mask};
use serde::{Deserialize, Serialize};

use crate::ModelError;

/// The shape of one convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Convolution {
    /// Features per frame of the output.
    pub channels: usize,
    /// Frames per window.
    pub kernel: usize,
    /// Frames from one window to the next.
    pub stride: usize,
}

impl Default for Convolution {
    fn default() -> Self {
        Self {
            channels: 96,
            kernel: 5,
            stride: 2,
        }
    }
}

impl Convolution {
    /// The number of output frames for `frames` input frames.
    pub fn output_frames(&self, frames: usize) -> usize {
        frames.div_ceil(self.stride)
    }

    /// The number of parameters for `input` features per frame.
    pub fn parameter_count(&self, input: usize) -> usize {
        self.channels * (self.kernel * input + 1) + 2 * self.channels
    }

    pub(crate) fn validate(&self) -> Result<(), ModelError> {
        for (name, value, most) in [
            ("channels", self.channels, 8192),
            ("kernel", self.kernel, 255),
            ("stride", self.stride, 64),
        ] {
            if !(1..=most).contains(&value) {
                return Err(ModelError::Settings {
                    what: format!(
                        "a convolution's {name} is {value}, but must be from 1 to {most}"
                    ),
                });
            }
        }
        Ok(())
    }

    /// A layer with initial weights for `input` features per frame.
    pub fn init(&self, input: usize, init: &mut Init) -> ConvolutionLayer {
        ConvolutionLayer {
            linear: Linear::new(self.kernel * input, self.channels, init),
            norm: LayerNorm::new(self.channels, init),
            kernel: self.kernel,
            stride: self.stride,
        }
    }
}

/// A convolution over time with its norm.
#[derive(Module, Debug)]
pub struct ConvolutionLayer {
    /// From the frames of a window, one after the other, to the channels:
    /// `[channels, kernel * input]`.
    pub linear: Linear,
    /// The norm over the channels of each frame.
    pub norm: LayerNorm,
    kernel: usize,
    stride: usize,
}

impl ConvolutionLayer {
    /// The settings that it was made with.
    pub fn shape(&self) -> Convolution {
        Convolution {
            channels: self.norm.weight.dims()[0],
            kernel: self.kernel,
            stride: self.stride,
        }
    }

    /// The convolution of a padded batch, and the clips' new lengths.
    ///
    /// # Shapes
    ///
    /// - frames: `[batch, time, input]`, zero in the padding
    /// - lengths: `batch` numbers from 1 to `time`
    /// - result: `[batch, time / stride (rounded up), channels]`, zero in the
    ///   padding
    pub fn forward(&self, frames: Tensor<3>, lengths: &[usize]) -> (Tensor<3>, Vec<usize>) {
        let shape = self.shape();
        let [batch, time, input] = frames.dims();
        let (kernel, stride) = (self.kernel, self.stride);
        let output = shape.output_frames(time);
        let device = frames.device();

        // With groups of `stride` frames side by side, a window is a few groups
        // in a row, and all windows are a concatenation of views.
        let left = (kernel - 1) / 2;
        let groups_per_window = kernel.div_ceil(stride);
        let groups = (output - 1 + groups_per_window).max((left + time).div_ceil(stride));
        let zeros = |count: usize| Tensor::<3>::zeros([batch, count, input], &device);
        let right = groups * stride - left - time;
        let mut padded = vec![frames];
        if left > 0 {
            padded.insert(0, zeros(left));
        }
        if right > 0 {
            padded.push(zeros(right));
        }
        let grouped = Tensor::cat(padded, 1).reshape([batch, groups, stride * input]);
        let windows = (0..groups_per_window)
            .map(|group| {
                let frames = stride.min(kernel - group * stride);
                let part = grouped.clone().narrow(1, group, output);
                part.narrow(2, 0, frames * input)
            })
            .collect();
        let windows = Tensor::cat(windows, 2);
        let channels = relu(self.norm.forward(self.linear.forward_frames(windows)));

        let lengths: Vec<usize> = lengths.iter().map(|&n| shape.output_frames(n)).collect();
        if lengths.iter().all(|&length| length == output) {
            return (channels, lengths);
        }
        let inside = padding_mask(&lengths, output, &device);
        (channels * inside, lengths)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, Distribution, TensorData};

    /// The formula, window by window.
    fn slowly(layer: &ConvolutionLayer, frames: &[Vec<f32>]) -> Vec<Vec<f32>> {
        let weight: Vec<f32> = layer.linear.weight.val().try_into_vec_as().unwrap();
        let shape = layer.shape();
        let input = frames[0].len();
        (0..shape.output_frames(frames.len()))
            .map(|t| {
                let sums: Vec<f64> = (0..shape.channels)
                    .map(|channel| {
                        let row = &weight[channel * shape.kernel * input..];
                        (0..shape.kernel * input)
                            .map(|k| {
                                let frame = t * shape.stride + k / input;
                                let frame = frame.checked_sub((shape.kernel - 1) / 2);
                                let value = frame.and_then(|f| frames.get(f));
                                value.map_or(0.0, |f| f64::from(row[k] * f[k % input]))
                            })
                            .sum()
                    })
                    .collect();
                let n = sums.len() as f64;
                let mean = sums.iter().sum::<f64>() / n;
                let variance = sums.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / n;
                let scale = 1.0 / (variance + f64::from(LayerNorm::EPSILON)).sqrt();
                sums.iter()
                    .map(|s| ((s - mean) * scale).max(0.0) as f32)
                    .collect()
            })
            .collect()
    }

    #[test]
    fn every_shape_follows_its_formula_whatever_else_is_in_the_batch() {
        let device = Device::flex();
        for (kernel, stride) in [
            (1, 1),
            (1, 3),
            (2, 1),
            (3, 1),
            (3, 3),
            (4, 2),
            (5, 2),
            (7, 4),
        ] {
            let convolution = Convolution {
                channels: 6,
                kernel,
                stride,
            };
            let layer = convolution.init(3, &mut Init::new(5, &device));
            let lengths = [11, 4, 1, 8];
            let random = Tensor::<3>::random([4, 11, 3], Distribution::Normal(0.0, 1.0), &device);
            let values: Vec<f32> = random.try_into_vec_as().unwrap();
            let clips: Vec<Vec<Vec<f32>>> = lengths
                .iter()
                .enumerate()
                .map(|(clip, &n)| {
                    let rows = values[clip * 33..].chunks(3).take(n);
                    rows.map(<[f32]>::to_vec).collect()
                })
                .collect();
            let padded: Vec<f32> = clips
                .iter()
                .flat_map(|clip| {
                    let mut flat = clip.concat();
                    flat.resize(33, 0.0);
                    flat
                })
                .collect();
            let frames = Tensor::from_data(TensorData::new(padded, [4, 11, 3]), &device);
            let (result, new_lengths) = layer.forward(frames, &lengths);
            let [_, time, channels] = result.dims();
            let result: Vec<f32> = result.try_into_vec_as().unwrap();
            for (clip, frames) in clips.iter().enumerate() {
                let expected = slowly(&layer, frames);
                assert_eq!(new_lengths[clip], expected.len());
                let rows = result[clip * time * channels..].chunks(channels);
                for (t, row) in rows.take(time).enumerate() {
                    for (k, &value) in row.iter().enumerate() {
                        let expected = expected.get(t).map_or(0.0, |row| row[k]);
                        assert!(
                            (value - expected).abs() < 1e-4,
                            "kernel {kernel}, stride {stride}: {value}, not {expected}"
                        );
                    }
                }
            }
        }
    }
}
