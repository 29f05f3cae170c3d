//! From sin t to cos t: what a single number does not say, five in a row do.
//!
//! `cargo run -p model --example sine_to_cosine`
//!
//! sin t = 0.5 happens twice in a period, once on the way up, where cos t is
//! +0.87, and once on the way down, where it is −0.87. From one sample nobody
//! can tell. A network that has seen the samples before it can. So it reads
//! windows of five samples, and says the cosine at the last of them.

use std::f32::consts::PI;
use std::path::Path;

use burn::tensor::Device;
use recurrent::{CellKind, RecurrentConfig};

use tutorial::picture::{BLUE, GREEN, GREY, Panel, Series, Style, VERMILION, below};
use tutorial::{Outcome, Training, mse, tensor, values};

mod tutorial;

const POINTS: usize = 200;
const WINDOW: usize = 5;
const ENOUGH: f64 = 1e-4;
const MOST_EPOCHS: usize = 5000;

/// What came out.
pub struct Found {
    /// Epochs of training.
    pub epochs: usize,
    /// MSE on the first half, which was trained on.
    pub train: f64,
    /// MSE on the second half.
    pub test: f64,
}

fn main() -> Outcome<()> {
    tutorial::start(run)
}

/// Trains, prints and draws.
pub fn run(device: &Device, seed: u64, out: &Path) -> Outcome<Found> {
    let t: Vec<f32> = (0..POINTS)
        .map(|k| 12.0 * PI * k as f32 / (POINTS - 1) as f32)
        .collect();
    let sine: Vec<f32> = t.iter().map(|t| t.sin()).collect();
    let cosine: Vec<f32> = t.iter().map(|t| t.cos()).collect();

    // Every window whose last sample lies in a half, and the cosine there.
    let windows = |ends: std::ops::Range<usize>, device: &Device| {
        let inputs: Vec<f32> = ends
            .clone()
            .flat_map(|end| sine[end + 1 - WINDOW..=end].iter().copied())
            .collect();
        (
            tensor(&inputs, [ends.len(), WINDOW, 1], device),
            tensor(&cosine[ends.clone()], [ends.len(), 1], device),
        )
    };
    let first = WINDOW - 1..POINTS / 2;
    // The second half's windows reach back into no sample of the first.
    let second = POINTS / 2 + WINDOW - 1..POINTS;

    let (input, target) = windows(first.clone(), &device.clone().autodiff());
    let config = RecurrentConfig::new(CellKind::Lstm, 1, 16);
    let mut training = Training::new(&config, 1, 0.01, seed, device);
    let mut losses = Vec::new();
    for epoch in 0..=MOST_EPOCHS {
        let loss = mse(training.network.last(input.clone()), target.clone());
        let value: f64 = loss.clone().into_scalar();
        losses.push(value);
        if epoch % 20 == 0 {
            println!("after {epoch:4} epochs: training MSE {value:.6}");
        }
        if value <= ENOUGH {
            break; // before the next step, which may lead away again
        }
        training.step(loss);
    }
    let epochs = losses.len() - 1;

    let network = training.trained();
    let check = |ends: std::ops::Range<usize>| -> Outcome<(Vec<f32>, f64)> {
        let (input, target) = windows(ends, device);
        let said = network.last(input);
        let error: f64 = mse(said.clone(), target).into_scalar();
        Ok((values(said)?, error))
    };
    let (said_first, train) = check(first.clone())?;
    let (said_second, test) = check(second.clone())?;
    println!("after {epochs:4} epochs: training MSE {train:.6}, test MSE {test:.6}");

    let wave = |name: &str, colour, style, ends: std::ops::Range<usize>, values: &[f32]| {
        let points = t[ends].iter().zip(values);
        Series::new(
            name,
            colour,
            style,
            points.map(|(&x, &y)| (x.into(), y.into())),
        )
    };
    below(
        &out.join("sine_to_cosine.svg"),
        860.0,
        &[
            Panel::new(
                "The cosine, said from five samples of the sine",
                "t",
                "",
                vec![
                    wave("sin t, read", GREY, Style::Dashes, 0..POINTS, &sine),
                    wave("cos t, right", GREEN, Style::Line, 0..POINTS, &cosine),
                    wave(
                        "said, first half (trained on)",
                        BLUE,
                        Style::Dots,
                        first,
                        &said_first,
                    ),
                    wave(
                        "said, second half",
                        VERMILION,
                        Style::Dots,
                        second,
                        &said_second,
                    ),
                ],
            )
            .height(280.0),
            Panel::new(
                "Training",
                "epoch",
                "mean squared error",
                vec![Series::new(
                    "",
                    BLUE,
                    Style::Line,
                    (0..).map(f64::from).zip(losses),
                )],
            )
            .logarithmic()
            .height(220.0),
        ],
    )?;
    Ok(Found {
        epochs,
        train,
        test,
    })
}
