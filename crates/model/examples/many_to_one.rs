//! A whole sequence in, one number out; and the two ways to lay out a batch.
//!
//! `cargo run -p model --example many_to_one`
//!
//! A hundred random sequences of five steps of ten numbers, each with a random
//! number to say at its end. There is nothing to understand in them, only to
//! learn by heart: two layers of 50 LSTM cells do it, and the falling loss
//! shows that gradients reach the first step of the first layer.

use std::path::Path;

use burn::tensor::{Device, Tensor};
use model::Linear;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use recurrent::{Cell, CellKind, RecurrentConfig, State};

use tutorial::picture::{BLUE, Panel, Series, beside};
use tutorial::{Network, Outcome, Training, mse, tensor, values};

mod tutorial;

const SEQUENCES: usize = 100;
const STEPS: usize = 5;
const FEATURES: usize = 10;
const BATCH: usize = 100;
const EPOCHS: usize = 100;

/// What came out.
pub struct Found {
    /// Mean loss of each epoch.
    pub losses: Vec<f64>,
    /// The largest difference between the two layouts' outputs.
    pub layouts_differ_by: f32,
}

fn main() -> Outcome<()> {
    tutorial::start(run)
}

/// Trains, prints and draws.
pub fn run(device: &Device, seed: u64, out: &Path) -> Outcome<Found> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut normal = |count: usize| -> Vec<f32> {
        StandardNormal
            .sample_iter(&mut random)
            .take(count)
            .collect()
    };
    let inputs = normal(SEQUENCES * STEPS * FEATURES);
    let targets = normal(SEQUENCES);

    let config = RecurrentConfig {
        layers: 2,
        ..RecurrentConfig::new(CellKind::Lstm, FEATURES, 50)
    };
    let mut training = Training::new(&config, 1, 0.001, seed, device);
    let autodiff = device.clone().autodiff();
    let mut losses = Vec::new();
    for epoch in 1..=EPOCHS {
        let mut sum = 0.0;
        for (batch, target) in inputs
            .chunks(BATCH * STEPS * FEATURES)
            .zip(targets.chunks(BATCH))
        {
            let input = tensor(batch, [BATCH, STEPS, FEATURES], &autodiff);
            let target = tensor(target, [BATCH, 1], &autodiff);
            sum += training.step(mse(training.network.last(input), target));
        }
        let loss = sum / (SEQUENCES / BATCH) as f64;
        losses.push(loss);
        if epoch == 1 || epoch % 10 == 0 {
            println!("epoch {epoch:3}   loss {loss:.6}");
        }
    }
    let fell = losses[0] / losses[EPOCHS - 1];
    println!("the loss fell {fell:.0} fold over {EPOCHS} epochs\n");

    let network = training.trained();
    let batch_first = tensor(&inputs, [SEQUENCES, STEPS, FEATURES], device);
    let layouts_differ_by = compare_layouts(&network, batch_first)?;

    beside(
        &out.join("many_to_one.svg"),
        560.0,
        &[Panel::new(
            "Learning 100 random sequences by heart",
            "epoch",
            "mean squared error",
            vec![Series::counted("", BLUE, &losses)],
        )
        .logarithmic()],
    )?;
    Ok(Found {
        losses,
        layouts_differ_by,
    })
}

/// Runs the same sequences in both layouts and gives the largest difference.
///
/// Batch first, `[batch, time, features]`, keeps a sequence in one piece: that
/// is how recordings come. Time first, `[time, batch, features]`, keeps
/// together what a recurrent layer needs next: step t of all sequences.
fn compare_layouts(network: &Network, batch_first: Tensor<3>) -> Outcome<f32> {
    let time_first = batch_first.clone().swap_dims(0, 1);
    println!("batch first {:?}", batch_first.dims());
    println!("time first  {:?}", time_first.dims());

    let of_batches = network.last(batch_first);
    let of_steps = walk_time_first(network, time_first);
    let difference = (of_batches - of_steps).abs().max();
    let difference = values(difference)?[0];
    println!("largest difference of their outputs: {difference:.1e}\n");
    Ok(difference)
}

/// The network by hand: the first index is the step, and a step is a matrix
/// `[batch, features]`.
fn walk_time_first(network: &Network, time_first: Tensor<3>) -> Tensor<2> {
    let [time, batch, _] = time_first.dims();
    let mut steps: Vec<Tensor<2>> = (0..time)
        .map(|t| time_first.clone().narrow(0, t, 1).squeeze_dim(0))
        .collect();
    for layer in &network.recurrent.layers {
        let cell = &layer.forward;
        let zeros = Tensor::zeros([batch, cell.hidden()], &time_first.device());
        let mut state = State {
            h: zeros.clone(),
            c: Some(zeros),
        };
        for step in &mut steps {
            let projected = cell.project(step.clone());
            state = cell.step(projected, state.h.clone(), state);
            *step = state.h.clone();
        }
    }
    let linear: &Linear = &network.linear;
    linear.forward(steps.remove(time - 1))
}
