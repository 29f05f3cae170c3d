//! The smallest thing a recurrent network can learn: which number comes next.
//!
//! `cargo run -p model --example next_number`
//!
//! The network reads 1, 2, 3, 4 and is to say 2, 3, 4, 5: at every step the
//! number that follows. It learns that exactly. Then it reads 2, 3, 4, 5. It
//! has never seen a 5, and nobody told it that numbers go on by one: it has
//! learned four answers. What it says is printed as it is.

use std::path::Path;

use burn::tensor::Device;
use recurrent::{CellKind, InputWeights, RecurrentConfig, RecurrentWeights, WeightInit};

use tutorial::picture::{BLUE, GREY, Panel, Series, Style, VERMILION, beside};
use tutorial::{Outcome, Training, mse, tensor, values};

mod tutorial;

const EPOCHS: usize = 200;

/// What came out.
pub struct Found {
    /// Loss after the last epoch.
    pub loss: f64,
    /// What the trained network says to 2, 3, 4, 5.
    pub beyond: Vec<f32>,
}

fn main() -> Outcome<()> {
    tutorial::start(run)
}

/// Trains, prints and draws.
pub fn run(device: &Device, seed: u64, out: &Path) -> Outcome<Found> {
    let known = [1.0, 2.0, 3.0, 4.0];
    let next = [2.0, 3.0, 4.0, 5.0];

    // One sequence of four steps of one number.
    let autodiff = device.clone().autodiff();
    let input = tensor(&known, [1, 4, 1], &autodiff);
    let target = tensor(&next, [1, 4, 1], &autodiff);

    // Weights begin as in PyTorch, where the tutorial comes from.
    let config = RecurrentConfig {
        weights: WeightInit {
            input: InputWeights::Uniform,
            recurrent: RecurrentWeights::Uniform,
            forget_bias: 0.0,
        },
        ..RecurrentConfig::new(CellKind::Lstm, 1, 32)
    };
    let mut training = Training::new(&config, 1, 0.01, seed, device);
    let mut losses = Vec::new();
    for epoch in 1..=EPOCHS {
        let prediction = training.network.forward(input.clone());
        let loss = training.step(mse(prediction, target.clone()));
        losses.push(loss);
        if epoch % 20 == 0 {
            println!("epoch {epoch:3}   loss {loss:.6}");
        }
    }

    let network = training.trained();
    let say = |numbers: &[f32]| values(network.forward(tensor(numbers, [1, 4, 1], device)));
    let learned = say(&known)?;
    let beyond = say(&next)?;
    let follow = [3.0, 4.0, 5.0, 6.0];
    println!("\n  read   says   should be");
    for (block, numbers) in [(known, &learned), (next, &beyond)] {
        for (read, says) in block.iter().zip(numbers) {
            println!("  {read:4}   {says:4.2}   {:9}", read + 1.0);
        }
        println!();
    }
    let off = (beyond[3] - follow[3]).abs();
    println!(
        "After 5 it says {:.2}, which is {off:.2} away from 6:",
        beyond[3]
    );
    println!("it has learned four answers, not how to count.");

    let line = |name: &str, colour, style, from: &[f32], to: &[f32]| {
        let points = from.iter().zip(to).map(|(&x, &y)| (x.into(), y.into()));
        Series::new(name, colour, style, points)
    };
    beside(
        &out.join("next_number.svg"),
        430.0,
        &[
            Panel::new(
                "Training on 1, 2, 3, 4",
                "epoch",
                "mean squared error",
                vec![Series::counted("", BLUE, &losses)],
            )
            .logarithmic(),
            Panel::new(
                "What it says comes next",
                "number read",
                "number said",
                vec![
                    line("right", GREY, Style::Dashes, &[1.0, 5.0], &[2.0, 6.0]),
                    line("1, 2, 3, 4", BLUE, Style::Dots, &known, &learned),
                    line("2, 3, 4, 5", VERMILION, Style::Dots, &next, &beyond),
                ],
            ),
        ],
    )?;
    Ok(Found {
        loss: losses[EPOCHS - 1],
        beyond,
    })
}
