//! What is timed: a network, a batch of sequences, and what they cannot do without.

use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use recurrent::{CellKind, Init, Recurrent, RecurrentConfig};

use crate::commands::bench::Lengths;

/// The seed of weights, inputs and lengths.
const SEED: u64 = 1;

/// A network and a batch of sequences for it.
#[derive(Clone, Debug)]
pub struct Shape {
    /// What the layers are made of.
    pub cell: CellKind,
    /// Features of a frame.
    pub input: usize,
    /// Hidden units of a layer and direction.
    pub hidden: usize,
    /// Layers.
    pub layers: usize,
    /// Whether layers also walk backwards.
    pub bidirectional: bool,
    /// Frames of each sequence of the batch.
    pub lengths: Vec<usize>,
}

impl Shape {
    /// Lengths for a batch: all of them `frames`, or drawn from a range.
    pub fn lengths(batch: usize, frames: usize, range: Option<Lengths>) -> Vec<usize> {
        let mut rng = ChaCha8Rng::seed_from_u64(SEED);
        (0..batch)
            .map(|_| range.map_or(frames, |r| rng.random_range(r.least..=r.most)))
            .collect()
    }

    pub(super) fn network(&self, device: &Device) -> Recurrent {
        RecurrentConfig {
            layers: self.layers,
            bidirectional: self.bidirectional,
            ..RecurrentConfig::new(self.cell, self.input, self.hidden)
        }
        .init(&mut Init::new(SEED, device))
    }

    /// Frames of the longest sequence.
    pub fn time(&self) -> usize {
        self.lengths.iter().copied().max().unwrap_or(0)
    }

    /// `frames * input` numbers in ±1.
    pub(super) fn noise(&self, frames: usize) -> Vec<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(SEED);
        let count = frames * self.input;
        (0..count).map(|_| rng.random_range(-1.0..1.0)).collect()
    }

    pub(super) fn inputs(&self, device: &Device) -> Tensor<3> {
        let shape = [self.lengths.len(), self.time(), self.input];
        let values = self.noise(shape[0] * shape[1]);
        Tensor::from_data(TensorData::new(values, shape), device)
    }

    fn directions(&self) -> usize {
        1 + usize::from(self.bidirectional)
    }

    /// The operations that the formulas need for `frames` frames, by
    /// [`kernel`](recurrent::kernel)'s count: products only, and padding none.
    pub fn operations(&self, frames: usize, backward: bool) -> f64 {
        let (blocks, more) = match self.cell {
            CellKind::PeepholeFull => (4, 3),
            CellKind::Lstm | CellKind::Peephole => (4, 0),
            CellKind::Coupled | CellKind::Gru | CellKind::GruResetBefore => (3, 0),
            CellKind::Rnn | CellKind::RnnRelu => (1, 0),
        };
        let layer = |index: usize| {
            let inner = index > 0;
            let input = if inner {
                self.directions() * self.hidden
            } else {
                self.input
            };
            let of_input = blocks * self.hidden * input;
            let of_state = (blocks + more) * self.hidden * self.hidden;
            // Backwards, the gradients of the weights and those of what the
            // weights met; the inputs' own only between layers.
            let back = 2 * of_state + of_input * (1 + usize::from(inner));
            of_input + of_state + if backward { back } else { 0 }
        };
        let products: usize = (0..self.layers).map(layer).sum();
        2.0 * (products * self.directions() * frames) as f64
    }

    /// Bytes that back-propagation cannot do without: the activated gates, the
    /// cells, the hidden states and the inputs of every layer and frame.
    pub fn activation_bytes(&self) -> usize {
        let (gates, cell) = match self.cell {
            CellKind::Lstm | CellKind::Peephole | CellKind::PeepholeFull => (4, 1),
            CellKind::Coupled => (3, 1),
            CellKind::Gru | CellKind::GruResetBefore => (3, 0),
            CellKind::Rnn | CellKind::RnnRelu => (0, 0),
        };
        let layer = self.directions() * self.hidden * (gates + cell + 1);
        let frames: usize = self.lengths.iter().sum();
        4 * frames * (self.input + self.layers * layer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape() -> Shape {
        Shape {
            cell: CellKind::Lstm,
            input: 40,
            hidden: 128,
            layers: 1,
            bidirectional: false,
            lengths: vec![300; 32],
        }
    }

    #[test]
    fn operations_are_those_that_the_kernel_documents() {
        let forward = shape().operations(9600, false);
        let both = shape().operations(9600, true);
        assert_eq!((forward / 1e7).round(), 165.0);
        assert_eq!(((both - forward) / 1e7).round(), 291.0);
    }

    #[test]
    fn activations_are_gates_cells_hidden_states_and_inputs() {
        assert_eq!(shape().activation_bytes(), 4 * 9600 * (6 * 128 + 40));
    }

    #[test]
    fn lengths_come_from_their_range_and_are_always_the_same() {
        let range = Lengths { least: 3, most: 5 };
        let lengths = Shape::lengths(64, 300, Some(range));
        assert_eq!(lengths, Shape::lengths(64, 300, Some(range)));
        assert!((3..=5).all(|n| lengths.contains(&n)));
        assert!(lengths.iter().all(|n| (3..=5).contains(n)));
        assert_eq!(Shape::lengths(2, 300, None), [300, 300]);
    }
}
