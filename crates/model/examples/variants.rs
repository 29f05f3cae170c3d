//! Five cells at the same task: the subtraction of `binary_subtraction`.
//!
//! `cargo run -p model --example variants`
//!
//! All have 32 hidden units, the same pairs, the same optimiser, the same
//! seed. They differ in their gates, and so in what they have to learn with.

use std::path::Path;
use std::time::Instant;

use burn::tensor::Device;
use recurrent::{CellKind, RecurrentConfig};

use tutorial::Outcome;
use tutorial::picture::{BLACK, BLUE, GREEN, PURPLE, Panel, Series, VERMILION, beside};
use tutorial::subtraction::{MOST_EPOCHS, PAIRS, pairs, train};

mod tutorial;

const HIDDEN: usize = 32;

/// What came out for one cell.
pub struct Found {
    /// Its name.
    pub name: &'static str,
    /// Parameters, those of the linear layer included.
    pub parameters: usize,
    /// The first epoch after which no held-out pair was wrong any more.
    pub epochs_to_zero: Option<usize>,
    /// RMSE on the held-out pairs at the end.
    pub held_out: f64,
}

fn main() -> Outcome<()> {
    tutorial::start(run)
}

/// Trains, prints and draws.
pub fn run(device: &Device, seed: u64, out: &Path) -> Outcome<Vec<Found>> {
    let pairs = pairs(seed);
    let parts = pairs.split_at(PAIRS * 9 / 10);
    let cells = [
        ("LSTM", CellKind::Lstm, BLUE),
        ("peephole", CellKind::Peephole, VERMILION),
        ("coupled", CellKind::Coupled, GREEN),
        ("GRU", CellKind::Gru, PURPLE),
        ("plain RNN", CellKind::Rnn, BLACK),
    ];
    println!("cell        parameters   epochs to zero error   epochs in all   seconds   a epoch");
    let (mut found, mut losses, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    for (name, cell, colour) in cells {
        let config = RecurrentConfig::new(cell, 2, HIDDEN);
        let begin = Instant::now();
        let (_, epochs) = train(&config, parts, seed, device, |_, _, _| Ok(()))?;
        let seconds = begin.elapsed().as_secs_f64();
        let loss: Vec<f64> = epochs.iter().map(|epoch| epoch.loss).collect();
        let held: Vec<f64> = epochs.iter().map(|epoch| epoch.held_out).collect();
        let wrong = held.iter().rposition(|&error| error > 0.0);
        let first_right = wrong.map_or(1, |last_wrong| last_wrong + 2);
        let epochs_to_zero = (first_right <= epochs.len()).then_some(first_right);
        let parameters = config.parameter_count() + HIDDEN + 1;
        let to_zero = match epochs_to_zero {
            Some(epoch) => epoch.to_string(),
            None => format!("not in {MOST_EPOCHS}"),
        };
        println!(
            "{name:10} {parameters:11} {to_zero:>22} {:15} {seconds:9.1} {:9.2}",
            epochs.len(),
            seconds / epochs.len() as f64
        );
        losses.push(Series::counted(name, colour, &loss));
        errors.push(Series::counted(name, colour, &held));
        found.push(Found {
            name,
            parameters,
            epochs_to_zero,
            held_out: held.last().copied().unwrap_or(f64::NAN),
        });
    }
    beside(
        &out.join("variants.svg"),
        480.0,
        &[
            Panel::new(
                "Loss in training",
                "epoch",
                "cross-entropy of a bit",
                losses,
            )
            .logarithmic(),
            Panel::new("Error on held-out pairs", "epoch", "RMSE", errors),
        ],
    )?;
    Ok(found)
}
