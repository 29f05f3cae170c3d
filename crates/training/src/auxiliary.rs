//! Auxiliary heads: further questions about a clip, asked in training only.
//!
//! A network can learn to tell more than the emotion, such as the intensity in
//! the name of a RAVDESS file, or the speaker's sex: what helps there may help
//! with the emotion too (multi-task learning; Caruana, 1997). With a negative
//! weight the training is adversarial: the head learns to answer while its
//! gradient reaches the network reversed, so that the pooled vector forgets,
//! for example, who speaks (Ganin and Lempitsky, 2015). The heads are not part
//! of the model.

use burn::module::Module;
use burn::optim::{AdamWConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Bytes, Device, Gradients, Int, Tensor};
use model::cross_entropy;
use recurrent::parameters::{Parameters, parameters, with_parameters};
use recurrent::{Init, Linear};

use crate::clips::Sample;
use crate::settings::Auxiliary;

/// One head for each question.
#[derive(Module, Debug)]
struct Heads {
    heads: Vec<Linear>,
}

/// The heads with their optimiser, apart from the network's: without heads a
/// training is the same to the bit as if there were none in the program.
#[derive(Clone)]
pub struct AuxiliaryHeads {
    heads: Heads,
    optimizer: ModuleOptimizer,
}

impl AuxiliaryHeads {
    /// Heads over vectors of `width` numbers with so many answers each.
    pub fn new(width: usize, answers: &[usize], seed: u64, device: &Device) -> Self {
        let mut init = Init::new(seed ^ 0xa17_1a17, device);
        let heads = answers.iter().map(|&n| Linear::new(width, n, &mut init));
        Self {
            heads: Heads {
                heads: heads.collect(),
            },
            optimizer: AdamWConfig::new().init(),
        }
    }

    /// The sum of the heads' losses on the clips that have an answer; none
    /// where no clip has any. Their gradients reach `pooled` times their weights.
    pub fn loss(
        &self,
        pooled: &Tensor<2>,
        batch: &[Sample],
        questions: &[Auxiliary],
    ) -> Option<Tensor<1>> {
        let heads = self.heads.heads.iter().zip(questions).enumerate();
        heads
            .filter_map(|(question, (head, Auxiliary { weight, .. }))| {
                let answered = batch.iter().enumerate();
                let (rows, answers): (Vec<i64>, Vec<usize>) = answered
                    .filter_map(|(row, sample)| Some((row as i64, sample.auxiliary[question]?)))
                    .unzip();
                if rows.is_empty() {
                    return None;
                }
                let weight = *weight as f32;
                // The same values, whose gradient is multiplied by the weight.
                let scaled = pooled.clone() * weight + pooled.clone().detach() * (1.0 - weight);
                let rows = Tensor::<1, Int>::from_data(rows.as_slice(), &pooled.device());
                let logits = head.forward(scaled.select(0, rows));
                let even = vec![1.0; logits.dims()[1]];
                Some(cross_entropy(logits, &answers, &even, 0.0))
            })
            .reduce(|sum, loss| sum + loss)
    }

    /// A step along the heads' share of a backward pass.
    pub fn step(&mut self, rate: f64, gradients: &mut Gradients) {
        let own = GradientsParams::from_module(gradients, &self.heads);
        self.heads = self.optimizer.step(rate, self.heads.clone(), own);
    }

    /// Weights and the optimiser's state, to be kept.
    pub fn state(&self) -> Result<(Parameters, Vec<u8>), String> {
        let optimizer = self.optimizer.into_bytes();
        let optimizer =
            optimizer.map_err(|error| format!("the auxiliary heads cannot be saved: {error}"))?;
        Ok((parameters(&self.heads), optimizer.to_vec()))
    }

    /// Takes back what [`state`](Self::state) gave.
    pub fn set_state(&mut self, weights: &Parameters, optimizer: Vec<u8>) -> Result<(), String> {
        let heads = with_parameters(self.heads.clone(), weights);
        self.heads = heads.map_err(|error| error.to_string())?;
        self.optimizer = (self.optimizer.clone())
            .from_bytes(Bytes::from_bytes_vec(optimizer))
            .map_err(|error| format!("the auxiliary heads cannot be read: {error}"))?;
        Ok(())
    }
}
