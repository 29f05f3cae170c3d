//! A state that is carried from window to window of a long wave.
//!
//! `cargo run -p model --example stateful_sine`
//!
//! A sine is cut into windows of 50 samples, and at every sample the network
//! says the next one. One sample does not say whether the wave is rising or
//! falling, so a network that begins each window with an empty state has to
//! guess at first. One that goes on from where the last window ended knows.
//!
//! Gradients do not follow the state over a window's edge: training costs the
//! same however long the wave is (truncated back-propagation through time).

use std::path::Path;

use burn::tensor::{Device, Tensor};
use recurrent::{CellKind, Dropout, RecurrentConfig, Stateful};

use tutorial::picture::{BLUE, GREEN, GREY, Panel, Series, Style, VERMILION, below};
use tutorial::{Network, Outcome, Training, mse, rmse, tensor, values};

mod tutorial;

const WINDOW: usize = 50;
const WINDOWS: usize = 20;
/// Radians from sample to sample; about 63 samples make a period, so windows
/// begin at ever other places of the wave.
const STEP: f64 = 0.1;
const EPOCHS: usize = 200;
const RATE: f64 = 0.003;
/// How many samples count as the first ones of a window.
const FIRST: usize = 5;
const FREE: usize = 200;

/// What came out.
pub struct Found {
    /// RMSE over the first samples of each window with the state carried.
    pub carried: f64,
    /// The same of a network that was trained and asked with an empty state
    /// for each window.
    pub reset: f64,
    /// RMSE of 200 samples said from the network's own output.
    pub free: f64,
}

fn main() -> Outcome<()> {
    tutorial::start(run)
}

fn wave(range: std::ops::Range<usize>) -> Vec<f32> {
    range.map(|k| (STEP * k as f64).sin() as f32).collect()
}

/// Runs one window and keeps the state for the next.
fn forward(network: &Network, state: &mut Stateful, window: Tensor<3>) -> Outcome<Tensor<3>> {
    let length = [window.dims()[1]];
    let hidden = state.forward(
        &network.recurrent,
        window,
        &length,
        &mut Dropout::inference(),
    )?;
    Ok(network.linear.forward_frames(hidden))
}

/// Trains on the windows one after the other, with the state carried from each
/// to the next or with an empty one for each.
fn train(carry: bool, seed: u64, device: &Device) -> Outcome<Network> {
    let config = RecurrentConfig::new(CellKind::Lstm, 1, 64);
    let mut training = Training::new(&config, 1, RATE, seed, device);
    let autodiff = device.clone().autodiff();
    for epoch in 1..=EPOCHS {
        // Long steps at first, short ones at the end.
        training.rate = RATE * (1.0 - (epoch - 1) as f64 / EPOCHS as f64);
        let mut state = Stateful::new(); // an epoch begins anew
        let mut sum = 0.0;
        for start in (0..WINDOWS).map(|window| window * WINDOW) {
            if !carry {
                state.reset();
            }
            let input = tensor(&wave(start..start + WINDOW), [1, WINDOW, 1], &autodiff);
            let target = wave(start + 1..start + WINDOW + 1);
            let target = tensor(&target, [1, WINDOW, 1], &autodiff);
            let prediction = forward(&training.network, &mut state, input)?;
            sum += training.step(mse(prediction, target));
            state.detach(); // the gradient ends here, the state goes on
        }
        if epoch % 50 == 0 {
            println!("epoch {epoch:3}   loss {:.7}", sum / WINDOWS as f64);
        }
    }
    Ok(training.trained())
}

/// Trains, prints and draws.
pub fn run(device: &Device, seed: u64, out: &Path) -> Outcome<Found> {
    println!("state carried from window to window:");
    let network = train(true, seed, device)?;
    println!("state reset before each window:");
    let resetting = train(false, seed, device)?;

    // The wave goes on where training ended, so the places of the windows on it are new.
    let end = WINDOWS * WINDOW;
    let mut state = Stateful::new();
    forward(
        &network,
        &mut state,
        tensor(&wave(0..end), [1, end, 1], device),
    )?;
    let (mut carried, mut reset) = (Vec::new(), Vec::new());
    for window in 0..WINDOWS {
        let start = end + window * WINDOW;
        let input = tensor(&wave(start..start + WINDOW), [1, WINDOW, 1], device);
        carried.push(values(forward(&network, &mut state, input.clone())?)?);
        reset.push(values(forward(&resetting, &mut Stateful::new(), input)?)?);
    }
    let right = |window: usize| {
        let start = end + window * WINDOW + 1;
        wave(start..start + WINDOW)
    };
    // RMSE at samples from..to of every window.
    let error_at = |said: &[Vec<f32>], from: usize, to: usize| {
        let cut = |windows: Vec<&[f32]>| windows.concat();
        let said = cut(said.iter().map(|window| &window[from..to]).collect());
        let right: Vec<Vec<f32>> = (0..WINDOWS).map(right).collect();
        rmse(&said, &cut(right.iter().map(|w| &w[from..to]).collect()))
    };
    let found_carried = error_at(&carried, 0, FIRST);
    let found_reset = error_at(&reset, 0, FIRST);
    println!("\nRMSE over the first {FIRST} samples of each of {WINDOWS} new windows");
    println!("  state carried  {found_carried:.5}");
    println!("  state reset    {found_reset:.5}");
    println!("  factor         {:.0}", found_reset / found_carried);

    // From here on the network hears nothing but itself.
    let begin = end + WINDOWS * WINDOW;
    let mut said = carried[WINDOWS - 1][WINDOW - 1];
    let mut free = vec![said];
    while free.len() < FREE {
        said = values(forward(
            &network,
            &mut state,
            tensor(&[said], [1, 1, 1], device),
        )?)?[0];
        free.push(said);
    }
    let true_wave = wave(begin..begin + FREE);
    let found_free = rmse(&free, &true_wave);
    println!("\nRMSE of {FREE} samples said from its own output: {found_free:.4}");

    let curve = |name: &str, colour, said: &[Vec<f32>]| {
        let errors: Vec<f64> = (0..WINDOW).map(|k| error_at(said, k, k + 1)).collect();
        Series::counted(name, colour, &errors)
    };
    below(
        &out.join("stateful_sine.svg"),
        860.0,
        &[
            Panel::new(
                "How wrong, at each sample of a window",
                "sample of the window",
                "RMSE",
                vec![
                    curve("state reset before each window", VERMILION, &reset),
                    curve("state carried", BLUE, &carried),
                ],
            )
            .logarithmic()
            .height(240.0),
            Panel::new(
                "200 samples said from its own output",
                "sample",
                "",
                vec![
                    Series::counted("true wave", GREEN, &true_wave),
                    Series::new(
                        "said (every fourth)",
                        BLUE,
                        Style::Dots,
                        (1..)
                            .zip(&free)
                            .step_by(4)
                            .map(|(k, &y)| (f64::from(k), f64::from(y))),
                    ),
                    Series::new("", GREY, Style::Line, [(1.0, 0.0), (FREE as f64, 0.0)]),
                ],
            )
            .height(260.0),
        ],
    )?;
    Ok(Found {
        carried: found_carried,
        reset: found_reset,
        free: found_free,
    })
}
