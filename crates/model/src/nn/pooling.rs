//! Pooling over time: from a sequence of hidden states to one vector, without
//! the padding.

use burn::module::{Module, Param};
use burn::tensor::activation::softmax;
use burn::tensor::{Int, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::ModelError;
use recurrent::{Init, padding_mask};

/// How a sequence becomes one vector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PoolingKind {
    /// The last frame of each sequence.
    Last,
    /// The mean over the frames.
    Mean,
    /// The maximum of each unit over the frames.
    Max,
    /// The mean and the standard deviation over the frames.
    MeanDeviation,
    /// Mean and standard deviation weighted by a learned attention (the
    /// attentive statistics of Okabe, Koshinaka and Shinoda, 2018).
    #[default]
    Attention,
    /// Means weighted by several learned attentions, each over all units,
    /// concatenated (Lin et al., 2017).
    MultiHead {
        /// The number of attentions.
        heads: usize,
    },
}

impl PoolingKind {
    /// The size of the pooled vector for `hidden` features per frame.
    pub fn output(self, hidden: usize) -> usize {
        match self {
            PoolingKind::Last | PoolingKind::Mean | PoolingKind::Max => hidden,
            PoolingKind::MeanDeviation | PoolingKind::Attention => 2 * hidden,
            PoolingKind::MultiHead { heads } => heads * hidden,
        }
    }

    /// The number of learned attentions.
    fn heads(self) -> usize {
        match self {
            PoolingKind::Attention => 1,
            PoolingKind::MultiHead { heads } => heads,
            _ => 0,
        }
    }

    /// The number of parameters for `hidden` features per frame.
    pub fn parameter_count(self, hidden: usize) -> usize {
        self.heads() * hidden
    }

    /// Checks the number of heads.
    ///
    /// # Errors
    ///
    /// [`ModelError::Settings`] if it is out of range.
    pub fn validate(self) -> Result<(), ModelError> {
        match self {
            PoolingKind::MultiHead { heads } if !(1..=64).contains(&heads) => {
                Err(ModelError::Settings {
                    what: format!("pooling has {heads} heads, but must have from 1 to 64"),
                })
            }
            _ => Ok(()),
        }
    }
}

/// A pooling layer with its learned attention.
#[derive(Module, Debug)]
pub struct Pooling {
    /// `[hidden, heads]`, if the pooling has attention.
    pub attention: Option<Param<Tensor<2>>>,
    #[module(skip)]
    kind: PoolingKind,
}

impl Pooling {
    /// One attention starts at zero, which gives the plain mean. Several start
    /// with different weights, or they would stay equal.
    pub fn new(kind: PoolingKind, hidden: usize, init: &mut Init) -> Self {
        let attention = match kind.heads() {
            0 => None,
            1 => Some(init.constant(0.0, [hidden, 1])),
            heads => Some(init.glorot(1, hidden, heads)),
        };
        Self { attention, kind }
    }

    /// One vector for each sequence.
    ///
    /// # Shapes
    ///
    /// - frames: `[batch, time, hidden]`
    /// - lengths: `batch` numbers from 1 to `time`
    /// - result: `[batch, output]`, of [`PoolingKind::output`]
    pub fn forward(&self, frames: Tensor<3>, lengths: &[usize]) -> Tensor<2> {
        let [batch, time, hidden] = frames.dims();
        let device = frames.device();
        match self.kind {
            PoolingKind::Last => {
                let last: Vec<i64> = lengths
                    .iter()
                    .flat_map(|&n| std::iter::repeat_n(n.saturating_sub(1) as i64, hidden))
                    .collect();
                let last = TensorData::new(last, [batch, 1, hidden]);
                let last = Tensor::<3, Int>::from_data(last, &device);
                return frames.gather(1, last).squeeze_dim(1);
            }
            PoolingKind::Max => {
                let inside = padding_mask(lengths, time, &device);
                return (frames + (inside - 1.0) * OUTSIDE)
                    .max_dim(1)
                    .squeeze_dim(1);
            }
            _ => {}
        }
        let inside = padding_mask(lengths, time, &device);
        let weights = match &self.attention {
            None => inside.clone() / inside.sum_dim(1),
            Some(attention) => {
                let scores = frames.clone().matmul(attention.val().unsqueeze::<3>());
                softmax(scores + (inside - 1.0) * OUTSIDE, 1)
            }
        };
        if let PoolingKind::MultiHead { heads } = self.kind {
            // [batch, heads, time] by [batch, time, hidden]
            let means = weights.swap_dims(1, 2).matmul(frames);
            return means.reshape([batch, heads * hidden]);
        }
        let mean = (frames.clone() * weights.clone()).sum_dim(1);
        if self.kind == PoolingKind::Mean {
            return mean.squeeze_dim(1);
        }
        let variance = ((frames - mean.clone()).square() * weights).sum_dim(1);
        // Without the constant the gradient at zero would be infinite.
        let deviation = (variance + 1e-6).sqrt();
        Tensor::cat(vec![mean, deviation], 2).squeeze_dim(1)
    }
}

/// Larger than any score, yet finite: scores lowered by it get weight zero.
const OUTSIDE: f32 = 1e9;

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, Distribution};

    #[test]
    fn a_small_example_computed_by_hand() {
        let device = Device::flex();
        let frames =
            Tensor::<3>::from_floats([[[1.0], [3.0], [1e6]], [[2.0], [4.0], [9.0]]], &device);
        let pooled = |kind| {
            let pooling = Pooling::new(kind, 1, &mut Init::new(0, &device));
            let pooled = pooling.forward(frames.clone(), &[2, 3]);
            pooled.try_to_vec_as::<f32>().unwrap()
        };
        assert_eq!(pooled(PoolingKind::Last), [3.0, 9.0]);
        assert_eq!(pooled(PoolingKind::Max), [3.0, 9.0]);
        assert_eq!(pooled(PoolingKind::Mean), [2.0, 5.0]);
        for kind in [PoolingKind::MeanDeviation, PoolingKind::Attention] {
            // Deviations 1 and sqrt(26 / 3).
            for (got, expected) in pooled(kind).iter().zip([2.0, 1.0, 5.0, 2.943_92]) {
                assert!((got - expected).abs() < 1e-4, "{kind:?}: {got}");
            }
        }
    }

    #[test]
    fn neither_padding_nor_other_sequences_change_a_pooled_vector() {
        let device = Device::flex();
        let frames = Tensor::<3>::random([3, 7, 4], Distribution::Normal(0.0, 2.0), &device);
        let lengths = [7, 2, 5];
        for kind in [
            PoolingKind::Last,
            PoolingKind::Mean,
            PoolingKind::Max,
            PoolingKind::MeanDeviation,
            PoolingKind::Attention,
            PoolingKind::MultiHead { heads: 3 },
        ] {
            let pooling = Pooling::new(kind, 4, &mut Init::new(1, &device));
            let together = pooling.forward(frames.clone(), &lengths);
            assert_eq!(together.dims(), [3, kind.output(4)]);
            for (row, &length) in lengths.iter().enumerate() {
                let cut = frames.clone().narrow(0, row, 1).narrow(1, 0, length);
                let alone = pooling.forward(cut, &[length]);
                let row = together.clone().narrow(0, row, 1);
                assert!(row.all_close(alone, Some(1e-5), Some(1e-5)), "{kind:?}");
            }
        }
    }
}
