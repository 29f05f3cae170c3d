//! Recurrent layers against Burn's own LSTM, on Flex, in the same run:
//!
//! ```sh
//! cargo bench -p recurrent --profile dev --bench recurrent
//! ```
//!
//! The dev profile of this workspace is optimised, and the bench shares its
//! build. Trust the ratios more than single times. `affekt bench` measures other
//! sizes, and `scripts/bench_recurrent.py` compares with PyTorch.
//!
//! The sizes are 40 inputs and 32 sequences of 300 frames. A training step is the
//! forward pass, the mean of the squared outputs, and the gradients of all
//! weights.

use divan::{Bencher, black_box};
use recurrent::burn::nn::{BiLstmConfig, LstmConfig};
use recurrent::burn::tensor::{Device, Distribution, Tensor};
use recurrent::{CellKind, Dropout, Init, Recurrent, RecurrentConfig};

const INPUT: usize = 40;
const BATCH: usize = 32;
const FRAMES: usize = 300;

fn main() {
    divan::main();
}

fn flex(autodiff: bool) -> Device {
    if autodiff {
        Device::flex().autodiff()
    } else {
        Device::flex()
    }
}

fn inputs(batch: usize, device: &Device) -> Tensor<3> {
    Tensor::random(
        [batch, FRAMES, INPUT],
        Distribution::Uniform(-1.0, 1.0),
        device,
    )
}

/// 100 to 300 frames, in no order.
fn various_lengths() -> Vec<usize> {
    (0..BATCH).map(|k| 100 + k * 123 % 201).collect()
}

fn network(config: RecurrentConfig, device: &Device) -> Recurrent {
    config.init(&mut Init::new(1, device))
}

fn one_layer(hidden: usize) -> RecurrentConfig {
    RecurrentConfig::new(CellKind::Lstm, INPUT, hidden)
}

fn gradients(outputs: Tensor<3>) {
    black_box(outputs.square().mean().backward());
}

#[divan::bench_group(sample_count = 10)]
mod training_step {
    use super::*;

    #[divan::bench(args = [64, 128])]
    fn ours(bencher: Bencher<'_, '_>, hidden: usize) {
        let device = flex(true);
        let network = network(one_layer(hidden), &device);
        let inputs = inputs(BATCH, &device);
        bencher.bench_local(|| {
            gradients(network.forward(inputs.clone(), &[FRAMES; BATCH], &mut Dropout::inference()));
        });
    }

    #[divan::bench(args = [64, 128])]
    fn burns_own(bencher: Bencher<'_, '_>, hidden: usize) {
        let device = flex(true);
        let lstm = LstmConfig::new(INPUT, hidden, true).init(&device);
        let inputs = inputs(BATCH, &device);
        bencher.bench_local(|| gradients(lstm.forward(inputs.clone(), None).0));
    }
}

/// Two bidirectional layers of 96 units. Burn's own computes the padding, too.
#[divan::bench_group(sample_count = 5)]
mod training_step_of_various_lengths {
    use super::*;

    #[divan::bench]
    fn ours(bencher: Bencher<'_, '_>) {
        let device = flex(true);
        let config = RecurrentConfig {
            layers: 2,
            bidirectional: true,
            ..one_layer(96)
        };
        let network = network(config, &device);
        let inputs = inputs(BATCH, &device);
        let lengths = various_lengths();
        bencher.bench_local(|| {
            gradients(network.forward(inputs.clone(), &lengths, &mut Dropout::inference()));
        });
    }

    #[divan::bench]
    fn burns_own(bencher: Bencher<'_, '_>) {
        let device = flex(true);
        let first = BiLstmConfig::new(INPUT, 96, true).init(&device);
        let second = BiLstmConfig::new(2 * 96, 96, true).init(&device);
        let inputs = inputs(BATCH, &device);
        bencher.bench_local(|| {
            let between = first.forward(inputs.clone(), None).0;
            gradients(second.forward(between, None).0);
        });
    }
}

/// One sequence, and a batch of them.
#[divan::bench_group(sample_count = 10)]
mod inference {
    use super::*;

    #[divan::bench(args = [1, BATCH])]
    fn ours(bencher: Bencher<'_, '_>, batch: usize) {
        let device = flex(false);
        let network = network(one_layer(128), &device);
        let inputs = inputs(batch, &device);
        let lengths = vec![FRAMES; batch];
        bencher.bench_local(|| {
            black_box(network.forward(inputs.clone(), &lengths, &mut Dropout::inference()));
        });
    }

    #[divan::bench(args = [1, BATCH])]
    fn burns_own(bencher: Bencher<'_, '_>, batch: usize) {
        let device = flex(false);
        let lstm = LstmConfig::new(INPUT, 128, true).init(&device);
        let inputs = inputs(batch, &device);
        bencher.bench_local(|| {
            black_box(lstm.forward(inputs.clone(), None));
        });
    }
}

/// One frame, with the state of the frames before it.
mod one_streaming_frame {
    use super::*;

    #[divan::bench]
    fn ours(bencher: Bencher<'_, '_>) {
        let mut live = network(one_layer(128), &flex(false)).live().unwrap();
        let frame = [0.5; INPUT];
        bencher.bench_local(|| {
            black_box(live.step(black_box(&frame)));
        });
    }

    /// The yardstick: a frame may take twice its time.
    #[divan::bench]
    fn bare_products(bencher: Bencher<'_, '_>) {
        let mut live = network(one_layer(128), &flex(false)).live().unwrap();
        let frame = [0.5; INPUT];
        bencher.bench_local(|| live.products(black_box(&frame)));
    }

    #[divan::bench]
    fn burns_own(bencher: Bencher<'_, '_>) {
        let device = flex(false);
        let lstm = LstmConfig::new(INPUT, 128, true).init(&device);
        let frame = inputs(1, &device).narrow(1, 0, 1);
        let mut state = None;
        bencher.bench_local(|| {
            state = Some(lstm.forward(frame.clone(), state.take()).1);
        });
    }
}
