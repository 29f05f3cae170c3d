//! What the tutorial's examples share: their arguments, a small network, one
//! step of training, and pictures ([`picture`]).
//!
//! Every example has a function `run` from a device, a seed and a folder to
//! what it found, so that `tests/tutorials.rs` can check its claim.

// Each example takes some of this and leaves the rest.
#![allow(dead_code)]

pub mod picture;
pub mod subtraction;
pub mod voices;

use std::error::Error;
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Tensor, TensorData};
use clap::Parser;
use model::{Backend, Linear};
use recurrent::{Dropout, Init, Recurrent, RecurrentConfig};

/// What an example gives back.
pub type Outcome<T> = Result<T, Box<dyn Error>>;

/// The arguments of all examples.
#[derive(Parser)]
pub struct Arguments {
    /// What computes: auto, flex, ndarray or wgpu. These networks are so small
    /// that a processor is faster than a graphics card.
    #[arg(long, default_value_t = Backend::Flex)]
    pub backend: Backend,
    /// Decides the initial weights and everything drawn at random.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The folder for the picture; made if need be.
    #[arg(long, value_name = "FOLDER", default_value = "target/tutorials")]
    pub out: PathBuf,
}

/// Reads the arguments and runs an example.
pub fn start<T>(run: impl Fn(&Device, u64, &Path) -> Outcome<T>) -> Outcome<()> {
    let arguments = Arguments::parse();
    std::fs::create_dir_all(&arguments.out)?;
    run(&arguments.backend.device()?, arguments.seed, &arguments.out)?;
    Ok(())
}

/// Recurrent layers, then one matrix that every step's hidden state goes through.
#[derive(Module, Debug)]
pub struct Network {
    /// The recurrent layers.
    pub recurrent: Recurrent,
    /// From hidden states to outputs.
    pub linear: Linear,
}

impl Network {
    /// Initial weights drawn from `seed`.
    pub fn new(config: &RecurrentConfig, outputs: usize, seed: u64, device: &Device) -> Self {
        let init = &mut Init::new(seed, device);
        Network {
            recurrent: config.init(init),
            linear: Linear::new(config.output(), outputs, init),
        }
    }

    /// `[batch, time, input]` to `[batch, time, outputs]`, from the state zero.
    pub fn forward(&self, input: Tensor<3>) -> Tensor<3> {
        let [batch, time, _] = input.dims();
        let lengths = vec![time; batch];
        let hidden = self
            .recurrent
            .forward(input, &lengths, &mut Dropout::inference());
        self.linear.forward_frames(hidden)
    }

    /// The outputs of the last step alone: `[batch, time, input]` to `[batch, outputs]`.
    pub fn last(&self, input: Tensor<3>) -> Tensor<2> {
        let [batch, time, _] = input.dims();
        let lengths = vec![time; batch];
        let hidden = self
            .recurrent
            .forward(input, &lengths, &mut Dropout::inference());
        self.linear
            .forward(hidden.narrow(1, time - 1, 1).squeeze_dim(1))
    }
}

/// A network that is being trained by Adam (Kingma and Ba, 2015).
pub struct Training {
    /// The network as it is now, on a device that keeps track of gradients.
    pub network: Network,
    /// Adam's learning rate.
    pub rate: f64,
    optimizer: ModuleOptimizer,
}

impl Training {
    /// Begins with weights drawn from `seed`.
    pub fn new(
        config: &RecurrentConfig,
        outputs: usize,
        rate: f64,
        seed: u64,
        device: &Device,
    ) -> Self {
        Training {
            network: Network::new(config, outputs, seed, &device.clone().autodiff()),
            optimizer: AdamConfig::new().with_epsilon(1e-8).init(),
            rate,
        }
    }

    /// One step down the gradient of `loss`; gives its value.
    pub fn step(&mut self, loss: Tensor<1>) -> f64 {
        let value: f64 = loss.clone().into_scalar();
        let gradients = GradientsParams::from_grads(loss.backward(), &self.network);
        self.network = self
            .optimizer
            .step(self.rate, self.network.clone(), gradients);
        value
    }

    /// The network without what training needs.
    pub fn trained(&self) -> Network {
        self.network.valid()
    }
}

/// A tensor of these values, row by row.
pub fn tensor<const D: usize>(values: &[f32], shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
}

/// The values of a tensor, row by row.
pub fn values<const D: usize>(tensor: Tensor<D>) -> Outcome<Vec<f32>> {
    tensor
        .try_into_vec_as()
        .map_err(|error| format!("the device did not give its result back: {error:?}").into())
}

/// The mean of the squared differences.
pub fn mse<const D: usize>(prediction: Tensor<D>, target: Tensor<D>) -> Tensor<1> {
    (prediction - target).square().mean()
}

/// The root of the mean of the squared differences, of numbers on the host.
pub fn rmse(prediction: &[f32], target: &[f32]) -> f64 {
    let sum: f64 = prediction
        .iter()
        .zip(target)
        .map(|(p, t)| f64::from(p - t).powi(2))
        .sum();
    (sum / prediction.len() as f64).sqrt()
}
