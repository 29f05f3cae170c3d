//! Networks of several layers: stacked, stateful, live, and on a graphics card.

use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use recurrent::{CellKind, Dropout, Init, Recurrent, RecurrentConfig, State, Stateful, parameters};

use crate::card::card;

fn random<const D: usize>(shape: [usize; D], seed: u64, device: &Device) -> Tensor<D> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let count = shape.iter().product();
    let values: Vec<f32> = (0..count).map(|_| rng.random_range(-1.0..1.0)).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// A network with every option of a layer.
fn rich(cell: CellKind) -> RecurrentConfig {
    RecurrentConfig {
        layers: 3,
        residual: true,
        layer_norm: true,
        projection: Some(9),
        ..RecurrentConfig::new(cell, 5, 12)
    }
}

fn run(network: &Recurrent, input: Tensor<3>, lengths: &[usize]) -> Tensor<3> {
    network.forward(input, lengths, &mut Dropout::inference())
}

fn close(a: Tensor<3>, b: Tensor<3>, tolerance: f64) -> bool {
    a.all_close(b, Some(tolerance), Some(tolerance))
}

#[test]
fn the_count_of_parameters_is_known_before_a_network_is_made() {
    let device = Device::flex();
    for cell in CellKind::ALL {
        for bidirectional in [false, true] {
            let config = RecurrentConfig {
                bidirectional,
                ..rich(cell)
            };
            let network = config.init(&mut Init::new(1, &device));
            let counted: usize = parameters::parameters(&network)
                .values()
                .map(|array| array.values.len())
                .sum();
            assert_eq!(counted, config.parameter_count(), "{cell:?}");
        }
    }
}

#[test]
fn padding_and_other_sequences_change_nothing_in_a_deep_bidirectional_network() {
    let device = Device::flex();
    for cell in CellKind::ALL {
        let config = RecurrentConfig {
            bidirectional: true,
            ..rich(cell)
        };
        let network = config.init(&mut Init::new(1, &device));
        let lengths = [9, 3, 1, 6];
        let input = random([4, 9, 5], 2, &device);
        let together = run(&network, input.clone(), &lengths);
        for (row, &length) in lengths.iter().enumerate() {
            let cut = |t: &Tensor<3>| t.clone().narrow(0, row, 1).narrow(1, 0, length);
            let alone = run(&network, cut(&input), &[length]);
            assert!(
                close(cut(&together), alone, 2e-6),
                "{cell:?}, sequence {row}"
            );
        }
    }
}

#[test]
fn a_state_carried_over_chunks_equals_the_whole_sequence() {
    let device = Device::flex();
    for cell in CellKind::ALL {
        let network = rich(cell).init(&mut Init::new(3, &device));
        let input = random([2, 24, 5], 4, &device);
        let whole = run(&network, input.clone(), &[24, 24]);
        for size in [1, 5, 24] {
            let mut carried = Stateful::new();
            let mut parts = Vec::new();
            for at in (0..24).step_by(size) {
                let size = size.min(24 - at);
                let chunk = input.clone().narrow(1, at, size);
                let outputs = carried
                    .forward(&network, chunk, &[size; 2], &mut Dropout::inference())
                    .unwrap();
                parts.push(outputs);
            }
            assert!(
                close(Tensor::cat(parts, 1), whole.clone(), 2e-6),
                "{cell:?} by {size}"
            );
        }
    }
}

#[test]
fn a_reset_forgets_only_the_sequences_it_names() {
    let device = Device::flex();
    let network = rich(CellKind::Lstm).init(&mut Init::new(3, &device));
    let input = random([2, 6, 5], 4, &device);
    let inference = || Dropout::inference();
    let fresh = run(&network, input.clone(), &[6, 6]);
    let mut carried = Stateful::new();
    let chunk = |carried: &mut Stateful| {
        carried
            .forward(&network, input.clone(), &[6, 6], &mut inference())
            .unwrap()
    };
    chunk(&mut carried);
    let mut kept = carried.clone();
    carried.reset_sequences(&[1]);
    let (after, unforgetting) = (chunk(&mut carried), chunk(&mut kept));
    let row = |t: &Tensor<3>, row| t.clone().narrow(0, row, 1);
    assert!(
        close(row(&after, 1), row(&fresh, 1), 1e-6),
        "the second begins anew"
    );
    assert!(
        close(row(&after, 0), row(&unforgetting, 0), 1e-6),
        "the first goes on"
    );
    assert!(
        !close(row(&after, 0), row(&fresh, 0), 1e-4),
        "the state matters"
    );
    carried.reset();
    assert!(close(chunk(&mut carried), fresh, 1e-6));
}

#[test]
fn no_gradient_passes_a_detached_state() {
    let device = Device::flex().autodiff();
    let network = rich(CellKind::Gru).init(&mut Init::new(3, &device));
    for detach in [false, true] {
        let first = random([1, 4, 5], 1, &device).require_grad();
        let second = random([1, 4, 5], 2, &device);
        let mut carried = Stateful::new();
        let forward = |carried: &mut Stateful, chunk| {
            carried
                .forward(&network, chunk, &[4], &mut Dropout::inference())
                .unwrap()
        };
        forward(&mut carried, first.clone());
        if detach {
            carried.detach();
        }
        let gradients = forward(&mut carried, second).sum().backward();
        assert_eq!(first.grad(&gradients).is_none(), detach);
    }
}

#[test]
fn a_bidirectional_network_can_neither_carry_a_state_nor_go_live() {
    let device = Device::flex();
    let config = RecurrentConfig {
        bidirectional: true,
        ..rich(CellKind::Lstm)
    };
    let network = config.init(&mut Init::new(1, &device));
    let chunk = random([1, 4, 5], 1, &device);
    let carried = Stateful::new().forward(&network, chunk, &[4], &mut Dropout::inference());
    assert!(carried.unwrap_err().to_string().contains("bidirectional"));
    let live = |network: &Recurrent| network.live().unwrap_err().to_string();
    assert!(live(&network).contains("bidirectional"));
    assert!(live(&Recurrent::from_layers(Vec::new())).contains("without layers"));
}

#[test]
fn frame_by_frame_equals_the_whole_sequence_for_every_cell_with_a_kernel() {
    let device = Device::flex();
    for cell in CellKind::ALL {
        let network = rich(cell).init(&mut Init::new(5, &device));
        if cell == CellKind::PeepholeFull {
            assert!(network.live().is_err());
            continue;
        }
        let input = random([1, 20, 5], 6, &device);
        let whole = run(&network, input.clone(), &[20])
            .try_to_vec_as::<f32>()
            .unwrap();
        let frames = input.try_to_vec_as::<f32>().unwrap();
        let mut live = network.live().unwrap();
        // Twice, to see that a reset forgets everything.
        for _ in 0..2 {
            for (frame, expected) in frames.chunks(5).zip(whole.chunks(9)) {
                for (a, e) in live.step(frame).iter().zip(expected) {
                    assert!((a - e).abs() < 5e-6, "{cell:?}: {a}, expected {e}");
                }
            }
            live.reset();
        }
    }
}

#[test]
fn a_recurrent_mask_is_one_for_a_whole_sequence_and_drops_nothing_at_inference() {
    let device = Device::flex();
    let config = RecurrentConfig {
        recurrent_dropout: 0.5,
        ..RecurrentConfig::new(CellKind::Rnn, 1, 1)
    };
    // One unit that passes its state on: with a mask it does so always or never.
    let network = config.init(&mut Init::new(1, &device));
    let input = Tensor::<3>::zeros([64, 10, 1], &device);
    let start = || {
        let h = Tensor::<2>::ones([64, 1], &device) * 0.01;
        Some(vec![State { h, c: None }])
    };
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let mut training = Dropout::training(&mut rng);
    let (outputs, _) = network
        .forward_from(input.clone(), &[10; 64], start(), &mut training)
        .unwrap();
    let values = outputs.try_to_vec_as::<f32>().unwrap();
    let silent = values
        .chunks(10)
        .filter(|row| row.iter().all(|v| *v == 0.0))
        .count();
    let alive = values
        .chunks(10)
        .filter(|row| row.iter().all(|v| *v != 0.0))
        .count();
    assert_eq!(silent + alive, 64);
    assert!((20..44).contains(&silent), "{silent} of 64 are dropped");
    let (outputs, _) = network
        .forward_from(input, &[10; 64], start(), &mut Dropout::inference())
        .unwrap();
    assert!(
        outputs
            .try_to_vec_as::<f32>()
            .unwrap()
            .iter()
            .all(|v| *v != 0.0)
    );
}

/// Values and gradients of a small network on a device.
fn trial(cell: CellKind, device: &Device) -> (Vec<f32>, Vec<f32>) {
    let device = device.clone().autodiff();
    let config = RecurrentConfig {
        bidirectional: true,
        ..RecurrentConfig::new(cell, 4, 6)
    };
    let network = config.init(&mut Init::new(1, &device));
    let input = random([3, 7, 4], 1, &device).require_grad();
    let outputs = run(&network, input.clone(), &[7, 2, 5]);
    let gradients = outputs.clone().square().sum().backward();
    (
        outputs.try_to_vec_as::<f32>().unwrap(),
        input
            .grad(&gradients)
            .unwrap()
            .try_to_vec_as::<f32>()
            .unwrap(),
    )
}

#[test]
fn a_graphics_card_equals_the_processor_for_every_cell() {
    let Some(card) = card() else {
        return eprintln!("skipped: no graphics card");
    };
    for cell in CellKind::ALL {
        let (values, slopes) = trial(cell, &Device::flex());
        let (card_values, card_slopes) = trial(cell, &card);
        for (a, b) in values
            .iter()
            .chain(&slopes)
            .zip(card_values.iter().chain(&card_slopes))
        {
            assert!((a - b).abs() < 1e-4, "{cell:?}: {a} and {b}");
        }
    }
}
