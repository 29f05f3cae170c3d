//! Initial weights from a seed.
//!
//! Burn's own initialisers draw from one generator for the whole process, so
//! two trainings side by side would change each other's weights. Here every
//! training owns its generator: the same seed gives the same weights, whatever
//! else runs. Parameter ids are counted from 1 for the same reason: after a
//! restart, the state of an optimiser finds its parameters again.

use burn::module::{Param, ParamId};
use burn::tensor::{Device, Tensor, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal, Uniform};
use serde::{Deserialize, Serialize};

/// The initial weights of a recurrent layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WeightInit {
    /// The input weights.
    pub input: InputWeights,
    /// The recurrent weights.
    pub recurrent: RecurrentWeights,
    /// The bias of the forget gate, if the cell has one. With 1 a cell remembers
    /// until it has learned to forget (Jozefowicz et al., 2015).
    pub forget_bias: f32,
}

impl Default for WeightInit {
    fn default() -> Self {
        WeightInit {
            input: InputWeights::Glorot,
            recurrent: RecurrentWeights::Orthogonal,
            forget_bias: 1.0,
        }
    }
}

/// The distribution of initial input weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum InputWeights {
    /// [`Init::glorot`].
    Glorot,
    /// Uniform in ±1/sqrt(hidden), as in PyTorch.
    Uniform,
}

/// The distribution of initial recurrent weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum RecurrentWeights {
    /// [`Init::orthogonal`].
    Orthogonal,
    /// [`Init::glorot`].
    Glorot,
    /// Uniform in ±1/sqrt(hidden), as in PyTorch.
    Uniform,
}

impl WeightInit {
    pub(crate) fn input(
        &self,
        blocks: usize,
        hidden: usize,
        input: usize,
        init: &mut Init,
    ) -> Param<Tensor<2>> {
        match self.input {
            InputWeights::Glorot => init.glorot(blocks, hidden, input),
            InputWeights::Uniform => init.uniform(hidden, [blocks * hidden, input]),
        }
    }

    pub(crate) fn recurrent(
        &self,
        blocks: usize,
        hidden: usize,
        init: &mut Init,
    ) -> Param<Tensor<2>> {
        match self.recurrent {
            RecurrentWeights::Orthogonal => init.orthogonal(blocks, hidden),
            RecurrentWeights::Glorot => init.glorot(blocks, hidden, hidden),
            RecurrentWeights::Uniform => init.uniform(hidden, [blocks * hidden, hidden]),
        }
    }
}

/// Draws initial parameters on one device from a seed.
pub struct Init {
    /// None draws nothing: every parameter is zero.
    rng: Option<ChaCha8Rng>,
    device: Device,
    next_id: u64,
}

impl Init {
    /// Parameters on `device`, drawn from `seed`.
    pub fn new(seed: u64, device: &Device) -> Self {
        Self {
            rng: Some(ChaCha8Rng::seed_from_u64(seed)),
            device: device.clone(),
            next_id: 1,
        }
    }

    /// Parameters on `device` that are all zero, to be replaced by given ones: drawing
    /// them first would take longer than reading a model.
    pub fn blank(device: &Device) -> Self {
        Self {
            rng: None,
            device: device.clone(),
            next_id: 1,
        }
    }

    /// A parameter with these values, row by row.
    pub fn values<const D: usize>(
        &mut self,
        values: Vec<f32>,
        shape: [usize; D],
    ) -> Param<Tensor<D>> {
        let id = ParamId::from(self.next_id);
        self.next_id += 1;
        let tensor = Tensor::from_data(TensorData::new(values, shape), &self.device);
        Param::initialized(id, tensor).set_require_grad(true)
    }

    /// The same value everywhere.
    pub fn constant<const D: usize>(&mut self, value: f32, shape: [usize; D]) -> Param<Tensor<D>> {
        self.values(vec![value; shape.iter().product()], shape)
    }

    /// `blocks` matrices `[rows, columns]`, stacked by rows, uniform in
    /// ±sqrt(6 / (rows + columns)) (Glorot and Bengio, 2010).
    pub fn glorot(&mut self, blocks: usize, rows: usize, columns: usize) -> Param<Tensor<2>> {
        let bound = (6.0 / (rows + columns) as f32).sqrt();
        self.within(bound, [blocks * rows, columns])
    }

    /// A matrix uniform in ±1/sqrt(`hidden`), as in PyTorch's recurrent layers.
    pub fn uniform(&mut self, hidden: usize, shape: [usize; 2]) -> Param<Tensor<2>> {
        self.within((1.0 / hidden as f32).sqrt(), shape)
    }

    fn within(&mut self, bound: f32, shape: [usize; 2]) -> Param<Tensor<2>> {
        let uniform = Uniform::new_inclusive(-bound, bound).expect("a finite bound");
        let Some(rng) = &mut self.rng else {
            return self.constant(0.0, shape);
        };
        let count = shape[0] * shape[1];
        let values = (0..count).map(|_| uniform.sample(rng)).collect();
        self.values(values, shape)
    }

    /// `blocks` random orthogonal matrices `[size, size]`, stacked by rows, by
    /// Gram-Schmidt on Gaussian rows (Saxe, McClelland and Ganguli, 2014). The
    /// recurrent product then keeps the length of the state.
    pub fn orthogonal(&mut self, blocks: usize, size: usize) -> Param<Tensor<2>> {
        let Some(rng) = &mut self.rng else {
            return self.constant(0.0, [blocks * size, size]);
        };
        let mut values = Vec::with_capacity(blocks * size * size);
        for _ in 0..blocks {
            let mut rows: Vec<Vec<f64>> = Vec::with_capacity(size);
            while rows.len() < size {
                let mut row: Vec<f64> = StandardNormal.sample_iter(&mut *rng).take(size).collect();
                // Twice, because rounding makes one pass inexact.
                for _ in 0..2 {
                    for earlier in &rows {
                        let along: f64 = earlier.iter().zip(&row).map(|(a, b)| a * b).sum();
                        row.iter_mut()
                            .zip(earlier)
                            .for_each(|(r, e)| *r -= along * e);
                    }
                }
                let norm = row.iter().map(|r| r * r).sum::<f64>().sqrt();
                if norm > 1e-6 {
                    row.iter_mut().for_each(|r| *r /= norm);
                    rows.push(row);
                }
            }
            values.extend(rows.into_iter().flatten().map(|value| value as f32));
        }
        self.values(values, [blocks * size, size])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orthogonal_rows_have_unit_length_and_right_angles() {
        let size = 17;
        let weight = Init::new(3, &Device::flex()).orthogonal(2, size).val();
        for block in 0..2 {
            let rows = weight
                .clone()
                .slice([block * size..(block + 1) * size, 0..size]);
            let product = rows.clone().matmul(rows.transpose());
            let identity = Tensor::eye(size, &Device::flex());
            assert!(product.all_close(identity, None, Some(1e-5)));
        }
    }

    #[test]
    fn the_seed_decides_the_weights() {
        let draw = |seed| {
            Init::new(seed, &Device::flex())
                .glorot(4, 3, 5)
                .val()
                .into_data()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        let mut blank = Init::blank(&Device::flex());
        for zero in [blank.glorot(2, 3, 3), blank.orthogonal(2, 3)] {
            assert_eq!(zero.val().abs().sum().into_scalar::<f32>(), 0.0);
        }
    }
}
