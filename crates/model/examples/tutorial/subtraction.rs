//! Subtraction, bit by bit: what `binary_subtraction` and `variants` learn.
//!
//! `a - b` is done from the right: at each place the difference of two bits,
//! less what the place before it borrowed. A network that reads the bits from
//! the least significant one has to remember one thing only, the borrow.

use burn::tensor::activation::{log_sigmoid, sigmoid};
use burn::tensor::{Device, Tensor};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use recurrent::RecurrentConfig;

use super::{Network, Outcome, Training, rmse, tensor, values};

/// Bits of a number.
pub const BITS: usize = 8;
/// Pairs in all.
pub const PAIRS: usize = 10_000;
/// Pairs of a training step.
const BATCH: usize = 128;
/// Adam's learning rate.
const RATE: f64 = 0.01;
/// Training ends when an epoch's mean cross-entropy a bit is below this.
pub const ENOUGH: f64 = 1e-3;
/// Or after this many epochs.
pub const MOST_EPOCHS: usize = 100;

/// A number and one that is not larger.
pub type Pair = (u8, u8);

/// A pair that is always held out, so that it can be shown.
const SHOWN: Pair = (250, 134);

/// [`PAIRS`] different pairs `a >= b` that need a borrow: those where some bit
/// of b is set that is not set in a. The last ones are to be held out.
pub fn pairs(seed: u64) -> Vec<Pair> {
    let mut all: Vec<Pair> = (0..=u8::MAX)
        .flat_map(|a| (0..=a).map(move |b| (a, b)))
        .filter(|(a, b)| !a & b != 0)
        .filter(|&pair| pair != SHOWN)
        .collect();
    all.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    all.truncate(PAIRS - 1);
    all.push(SHOWN);
    all
}

/// The bits of a number, the least significant one first.
fn bits(number: u8) -> impl Iterator<Item = f32> {
    (0..BITS).map(move |place| f32::from(number >> place & 1))
}

/// `[batch, 8, 2]`: at each step a bit of a and one of b.
pub fn questions(pairs: &[Pair], device: &Device) -> Tensor<3> {
    let bits: Vec<f32> = pairs
        .iter()
        .flat_map(|&(a, b)| bits(a).zip(bits(b)))
        .flat_map(|(a, b)| [a, b])
        .collect();
    tensor(&bits, [pairs.len(), BITS, 2], device)
}

/// `[batch, 8, 1]`: at each step a bit of the difference.
fn answers(pairs: &[Pair], device: &Device) -> Tensor<3> {
    let bits: Vec<f32> = pairs.iter().flat_map(|&(a, b)| bits(a - b)).collect();
    tensor(&bits, [pairs.len(), BITS, 1], device)
}

/// What the network takes the differences to be.
pub fn subtract(network: &Network, pairs: &[Pair], device: &Device) -> Outcome<Vec<f32>> {
    let probabilities = values(sigmoid(network.forward(questions(pairs, device))))?;
    Ok(probabilities
        .chunks(BITS)
        .map(|bits| {
            let places = bits.iter().zip(0..);
            places
                .map(|(&bit, place)| if bit > 0.5 { 2f32.powi(place) } else { 0.0 })
                .sum()
        })
        .collect())
}

/// The differences, and how far off they are.
pub fn errors(network: &Network, pairs: &[Pair], device: &Device) -> Outcome<(Vec<f32>, f64)> {
    let right: Vec<f32> = pairs.iter().map(|&(a, b)| f32::from(a - b)).collect();
    let found = subtract(network, pairs, device)?;
    let error = rmse(&found, &right);
    Ok((
        found.iter().zip(&right).map(|(f, r)| f - r).collect(),
        error,
    ))
}

/// One epoch of a training.
pub struct Epoch {
    /// Mean cross-entropy of a bit.
    pub loss: f64,
    /// RMSE of the differences of the held-out pairs.
    pub held_out: f64,
}

/// Trains a network of these layers until the training's own loss is low;
/// nothing is decided by the held-out pairs. `seen` gets every epoch as it ends.
pub fn train(
    config: &RecurrentConfig,
    (training, held_out): (&[Pair], &[Pair]),
    seed: u64,
    device: &Device,
    mut seen: impl FnMut(usize, &Epoch, &Network) -> Outcome<()>,
) -> Outcome<(Network, Vec<Epoch>)> {
    let mut learner = Training::new(config, 1, RATE, seed, device);
    let autodiff = device.clone().autodiff();
    let mut order = training.to_vec();
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut epochs = Vec::new();
    while epochs.len() < MOST_EPOCHS {
        order.shuffle(&mut random);
        let mut sum = 0.0;
        for batch in order.chunks(BATCH) {
            let logits = learner.network.forward(questions(batch, &autodiff));
            let loss = binary_cross_entropy(logits, answers(batch, &autodiff));
            sum += learner.step(loss) * batch.len() as f64;
        }
        let network = learner.trained();
        let epoch = Epoch {
            loss: sum / order.len() as f64,
            held_out: errors(&network, held_out, device)?.1,
        };
        seen(epochs.len() + 1, &epoch, &network)?;
        let done = epoch.loss < ENOUGH;
        epochs.push(epoch);
        if done {
            break;
        }
    }
    Ok((learner.trained(), epochs))
}

/// −y log σ(z) − (1 − y) log σ(−z), the mean over all bits: the cross-entropy
/// of the sigmoid, computed from what goes into it, which cannot overflow.
fn binary_cross_entropy(logits: Tensor<3>, target: Tensor<3>) -> Tensor<1> {
    let one = target.clone() * log_sigmoid(logits.clone());
    let zero = (target * -1.0 + 1.0) * log_sigmoid(logits * -1.0);
    ((one + zero) * -1.0).mean()
}
