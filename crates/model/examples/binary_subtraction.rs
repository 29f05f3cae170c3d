//! Subtraction of binary numbers, learned from examples of it.
//!
//! `cargo run -p model --example binary_subtraction`
//!
//! The network gets the bits of a and of b, the least significant ones first,
//! and says at each step a bit of a − b. What it must find out by itself is the
//! borrow, and that it has to be remembered. It trains on 9000 pairs and is
//! asked about 1000 others.

use std::path::Path;

use burn::tensor::Device;
use recurrent::{CellKind, RecurrentConfig};

use tutorial::Outcome;
use tutorial::picture::{BLUE, Panel, Series, Style, VERMILION, beside};
use tutorial::subtraction::{PAIRS, errors, pairs, subtract, train};

mod tutorial;

/// What came out.
pub struct Found {
    /// RMSE of the differences of the held-out pairs.
    pub held_out: f64,
    /// Epochs of training.
    pub epochs: usize,
}

fn main() -> Outcome<()> {
    tutorial::start(run)
}

/// Trains, prints and draws.
pub fn run(device: &Device, seed: u64, out: &Path) -> Outcome<Found> {
    let pairs = pairs(seed);
    let (training, held_out) = pairs.split_at(PAIRS * 9 / 10);
    println!(
        "{} pairs to learn from, {} held out",
        training.len(),
        held_out.len()
    );

    let config = RecurrentConfig::new(CellKind::Lstm, 2, 32);
    let mut early = Vec::new();
    let (network, epochs) = train(
        &config,
        (training, held_out),
        seed,
        device,
        |number, epoch, network| {
            println!(
                "epoch {number:3}   loss {:.4}   held-out RMSE {:8.4}",
                epoch.loss, epoch.held_out
            );
            if number == 1 {
                early = errors(network, held_out, device)?.0;
            }
            Ok(())
        },
    )?;

    let (late, rmse) = errors(&network, held_out, device)?;
    println!("\nRMSE on the held-out pairs: {rmse:.4}");
    let shown: Vec<_> = held_out.iter().rev().take(5).copied().collect();
    for ((a, b), found) in shown.iter().zip(subtract(&network, &shown, device)?) {
        println!("  {a} - {b} = {found}");
    }

    let losses: Vec<f64> = epochs.iter().map(|epoch| epoch.loss).collect();
    let held: Vec<f64> = epochs.iter().map(|epoch| epoch.held_out).collect();
    let dots = |name: &str, colour, errors: &[f32]| {
        let points = errors.iter().zip(held_out);
        let points = points.map(|(&error, &(a, b))| (f64::from(a - b), f64::from(error)));
        Series::new(name, colour, Style::Dots, points)
    };
    beside(
        &out.join("binary_subtraction.svg"),
        380.0,
        &[
            Panel::new(
                "Loss in training",
                "epoch",
                "cross-entropy of a bit",
                vec![Series::counted("", BLUE, &losses)],
            )
            .logarithmic(),
            Panel::new(
                "Error on held-out pairs",
                "epoch",
                "RMSE",
                vec![Series::counted("", BLUE, &held)],
            ),
            Panel::new(
                "Every held-out pair",
                "a − b",
                "said less a − b",
                vec![
                    dots("after epoch 1", VERMILION, &early),
                    dots("at the end", BLUE, &late),
                ],
            ),
        ],
    )?;
    Ok(Found {
        held_out: rmse,
        epochs: epochs.len(),
    })
}
