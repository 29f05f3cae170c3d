//! From a sequence of hidden states to one vector, with padding left out.

use burn::module::{Module, Param};
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::recurrent::Init;

/// How a sequence becomes one vector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoolingKind {
    /// The mean over the frames.
    Mean,
    /// The mean and the standard deviation over the frames.
    MeanDeviation,
    /// Mean and standard deviation weighted by a learned attention (the
    /// attentive statistics of Okabe, Koshinaka and Shinoda, 2018).
    #[default]
    Attention,
}

impl PoolingKind {
    /// Numbers in the pooled vector for `hidden` numbers a frame.
    pub fn output(self, hidden: usize) -> usize {
        match self {
            PoolingKind::Mean => hidden,
            PoolingKind::MeanDeviation | PoolingKind::Attention => 2 * hidden,
        }
    }
}

/// A pooling with what it has learned.
#[derive(Module, Debug)]
pub struct Pooling {
    /// `[hidden, 1]`, with [`PoolingKind::Attention`] only.
    pub attention: Option<Param<Tensor<2>>>,
    deviation: bool,
}

impl Pooling {
    /// Attention begins at zero, which is the plain mean.
    pub fn new(kind: PoolingKind, hidden: usize, init: &mut Init) -> Self {
        Self {
            attention: (kind == PoolingKind::Attention).then(|| init.constant(0.0, [hidden, 1])),
            deviation: kind != PoolingKind::Mean,
        }
    }

    /// # Shapes
    ///
    /// - frames: `[batch, time, hidden]`
    /// - lengths: `batch` numbers from 1 to `time`
    /// - result: `[batch, hidden]`, or `[batch, 2 * hidden]` with deviations
    pub fn forward(&self, frames: Tensor<3>, lengths: &[usize]) -> Tensor<2> {
        let inside = inside(lengths, frames.dims()[1], &frames.device());
        let weights = match &self.attention {
            None => inside.clone() / inside.sum_dim(1),
            Some(attention) => {
                let scores = frames.clone().matmul(attention.val().unsqueeze::<3>());
                // Far below any score, yet finite: padding gets weight zero.
                softmax(scores + (inside - 1.0) * 1e9, 1)
            }
        };
        let mean = (frames.clone() * weights.clone()).sum_dim(1);
        if !self.deviation {
            return mean.squeeze_dim(1);
        }
        let variance = ((frames - mean.clone()).square() * weights).sum_dim(1);
        // The square root's slope at zero is infinite.
        let deviation = (variance + 1e-6).sqrt();
        Tensor::cat(vec![mean, deviation], 2).squeeze_dim(1)
    }
}

/// `[batch, time, 1]`: 1 inside each sequence, 0 in its padding.
fn inside(lengths: &[usize], time: usize, device: &Device) -> Tensor<3> {
    let values: Vec<f32> = lengths
        .iter()
        .flat_map(|&length| (0..time).map(move |t| if t < length { 1.0 } else { 0.0 }))
        .collect();
    Tensor::from_data(TensorData::new(values, [lengths.len(), time, 1]), device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_and_deviation_leave_padding_out() {
        let device = Device::flex();
        let frames =
            Tensor::<3>::from_floats([[[1.0], [3.0], [1e6]], [[2.0], [4.0], [9.0]]], &device);
        for kind in [PoolingKind::MeanDeviation, PoolingKind::Attention] {
            let pooling = Pooling::new(kind, 1, &mut Init::new(0, &device));
            let pooled = pooling.forward(frames.clone(), &[2, 3]);
            // Deviations 1 and sqrt(26 / 3) by hand.
            let expected = Tensor::from_floats([[2.0, 1.0], [5.0, 2.943_92]], &device);
            assert!(
                pooled.clone().all_close(expected, None, Some(1e-4)),
                "{kind:?}: {pooled}"
            );
        }
    }
}
