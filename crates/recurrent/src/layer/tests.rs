//! The fused kernel against the same cells in Burn's own operations, on every
//! backend, and in parts.

use burn::tensor::Device;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::parameters::{Array, Parameters, parameters, with_parameters};
use crate::{AnyCell, CellKind, Init, WeightInit};

mod burns_own;
#[cfg(feature = "wgpu")]
#[path = "../../tests/card.rs"]
mod card;
mod differences;

const FUSED: [CellKind; 7] = [
    CellKind::Lstm,
    CellKind::Peephole,
    CellKind::Coupled,
    CellKind::Gru,
    CellKind::GruResetBefore,
    CellKind::Rnn,
    CellKind::RnnRelu,
];

/// A cell whose parameters, also biases and peepholes, are random.
fn cell(
    kind: CellKind,
    input: usize,
    hidden: usize,
    rng: &mut ChaCha8Rng,
    device: &Device,
) -> AnyCell {
    let cell = kind.init(
        input,
        hidden,
        &WeightInit::default(),
        &mut Init::new(1, device),
    );
    let random = parameters(&cell)
        .into_iter()
        .map(|(name, array)| {
            // Larger ones would make the plain cell chaotic.
            let bound = 1.0 / (hidden as f32).sqrt();
            let values = array.values.iter().map(|_| rng.random_range(-bound..bound));
            let values = values.collect();
            (name, Array { values, ..array })
        })
        .collect::<Parameters>();
    with_parameters(cell, &random).unwrap()
}

struct Case {
    kind: CellKind,
    input: usize,
    hidden: usize,
    time: usize,
    lengths: Vec<usize>,
    direction: Direction,
    state: bool,
    mask: bool,
}

impl Case {
    fn random(kind: CellKind, rng: &mut ChaCha8Rng) -> Self {
        let time = rng.random_range(1..40);
        let batch = rng.random_range(1..22);
        Case {
            kind,
            input: rng.random_range(1..40),
            hidden: rng.random_range(1..50),
            time,
            lengths: (0..batch).map(|_| rng.random_range(0..=time)).collect(),
            direction: if rng.random() {
                Direction::Forward
            } else {
                Direction::Backward
            },
            state: rng.random(),
            mask: rng.random(),
        }
    }

    fn name(&self) -> String {
        format!(
            "{:?} {}->{} {:?} {:?} state {} mask {}",
            self.kind, self.input, self.hidden, self.lengths, self.direction, self.state, self.mask
        )
    }
}

fn random<const D: usize>(shape: [usize; D], rng: &mut ChaCha8Rng, device: &Device) -> Tensor<D> {
    let values: Vec<f32> = (0..shape.iter().product())
        .map(|_| rng.random_range(-1.0..1.0))
        .collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// Outputs, final states, and every gradient of a loss that weights each output
/// differently.
fn everything(
    case: &Case,
    device: &Device,
    run: impl Fn(&dyn Cell, Tensor<3>, Walk<'_>) -> (Tensor<3>, Option<State>),
) -> Vec<(String, Vec<f32>)> {
    let rng = &mut ChaCha8Rng::seed_from_u64(7);
    let (batch, hidden) = (case.lengths.len(), case.hidden);
    let cell = cell(case.kind, case.input, hidden, rng, device);
    let input = random([batch, case.time, case.input], rng, device).require_grad();
    let h = random([batch, hidden], rng, device).require_grad();
    let c = random([batch, hidden], rng, device).require_grad();
    let mask: Vec<f32> = (0..batch * hidden)
        .map(|_| if rng.random() { 2.0 } else { 0.0 })
        .collect();
    let walk = Walk {
        lengths: &case.lengths,
        direction: case.direction,
        state: case.state.then(|| State {
            h: h.clone(),
            c: cell.has_cell().then(|| c.clone()),
        }),
        mask: case.mask.then(|| mask.into()),
        final_state: true,
    };
    let (outputs, state) = run(&cell, input.clone(), walk);
    let state = state.unwrap();
    let weight = random(outputs.dims(), rng, device);
    let mut loss = (outputs.clone() * weight).sum()
        + (state.h.clone() * random([batch, hidden], rng, device)).sum();
    if let Some(c) = &state.c {
        loss = loss + (c.clone() * random([batch, hidden], rng, device)).sum();
    }
    let gradients = loss.backward();

    let mut all = vec![
        (
            "outputs".to_string(),
            outputs.try_to_vec_as::<f32>().unwrap(),
        ),
        (
            "final h".to_string(),
            state.h.try_to_vec_as::<f32>().unwrap(),
        ),
    ];
    if let Some(c) = state.c {
        all.push(("final c".to_string(), c.try_to_vec_as::<f32>().unwrap()));
    }
    let mut push = |name: &str, gradient: Option<Vec<f32>>| {
        if let Some(gradient) = gradient {
            all.push((format!("gradient of {name}"), gradient));
        }
    };
    push(
        "input",
        input
            .grad(&gradients)
            .map(|g| g.try_to_vec_as::<f32>().unwrap()),
    );
    if case.state {
        push(
            "h",
            h.grad(&gradients)
                .map(|g| g.try_to_vec_as::<f32>().unwrap()),
        );
        push(
            "c",
            c.grad(&gradients)
                .map(|g| g.try_to_vec_as::<f32>().unwrap()),
        );
    }
    let weights = cell.weights();
    push(
        "weight_ih",
        weights
            .weight_ih
            .val()
            .grad(&gradients)
            .map(|g| g.try_to_vec_as::<f32>().unwrap()),
    );
    push(
        "weight_hh",
        weights
            .weight_hh
            .val()
            .grad(&gradients)
            .map(|g| g.try_to_vec_as::<f32>().unwrap()),
    );
    push(
        "bias",
        weights
            .bias
            .val()
            .grad(&gradients)
            .map(|g| g.try_to_vec_as::<f32>().unwrap()),
    );
    match &cell {
        AnyCell::Peephole(cell) => {
            let gradient = cell.peephole.val().grad(&gradients);
            push(
                "peephole",
                gradient.map(|g| g.try_to_vec_as::<f32>().unwrap()),
            );
        }
        AnyCell::Gru(cell) => {
            let gradient = cell.bias_hn.as_ref().and_then(|b| b.val().grad(&gradients));
            push(
                "bias_hn",
                gradient.map(|g| g.try_to_vec_as::<f32>().unwrap()),
            );
        }
        _ => {}
    }
    all
}

fn assert_close(case: &Case, actual: &[(String, Vec<f32>)], expected: &[(String, Vec<f32>)]) {
    let names = |all: &[(String, Vec<f32>)]| all.iter().map(|(n, _)| n.clone()).collect::<Vec<_>>();
    assert_eq!(names(actual), names(expected), "{}", case.name());
    for ((name, actual), (_, expected)) in actual.iter().zip(expected) {
        assert_eq!(actual.len(), expected.len(), "{name} of {}", case.name());
        let scale = expected.iter().fold(1.0f32, |m, v| m.max(v.abs()));
        for (a, e) in actual.iter().zip(expected) {
            assert!(
                (a - e).abs() <= 2e-5 * scale,
                "{name} of {}: {a}, expected {e}",
                case.name()
            );
        }
    }
}

#[test]
fn the_fused_kernel_equals_burns_operations_for_random_shapes() {
    let device = Device::flex().autodiff();
    let rng = &mut ChaCha8Rng::seed_from_u64(3);
    for kind in FUSED {
        for _ in 0..12 {
            let case = Case::random(kind, rng);
            let fused = everything(&case, &device, walk);
            let steps = everything(&case, &device, stepwise);
            assert_close(&case, &fused, &steps);
        }
    }
}

#[test]
fn both_directions_at_once_equal_each_alone_to_the_bit() {
    type Walked = (Tensor<3>, Vec<State>);
    let device = Device::flex().autodiff();
    let all = |case: &Case, run: fn([&dyn Cell; 2], Tensor<3>, [Walk<'_>; 2]) -> Walked| {
        let rng = &mut ChaCha8Rng::seed_from_u64(8);
        let (batch, hidden) = (case.lengths.len(), case.hidden);
        let cells = [0, 1].map(|_| cell(case.kind, case.input, hidden, rng, &device));
        let input = random([batch, case.time, case.input], rng, &device).require_grad();
        let walks = [Direction::Forward, Direction::Backward].map(|direction| {
            let mask: Vec<f32> = (0..batch * hidden)
                .map(|_| rng.random_range(0.0..2.0))
                .collect();
            let mut state = || random([batch, hidden], rng, &device);
            Walk {
                lengths: &case.lengths,
                direction,
                state: case.state.then(|| State {
                    h: state(),
                    c: cells[0].has_cell().then(state),
                }),
                mask: case.mask.then(|| mask.into()),
                final_state: true,
            }
        });
        let (outputs, states) = run([&cells[0], &cells[1]], input.clone(), walks);
        let states = states.into_iter().flat_map(|s| [Some(s.h), s.c]).flatten();
        let states: Vec<Tensor<2>> = states.collect();
        let mut loss = (outputs.clone() * random(outputs.dims(), rng, &device)).sum();
        for state in &states {
            loss = loss + (state.clone() * random([batch, hidden], rng, &device)).sum();
        }
        let gradients = loss.backward();
        let mut all = vec![outputs.try_to_vec_as::<f32>().unwrap()];
        all.extend(states.iter().map(|s| s.try_to_vec_as::<f32>().unwrap()));
        let gradient = input.grad(&gradients).unwrap();
        all.push(gradient.try_to_vec_as::<f32>().unwrap());
        for cell in &cells {
            let weights = cell.weights();
            for weight in [&weights.weight_ih, &weights.weight_hh] {
                let gradient = weight.val().grad(&gradients).unwrap();
                all.push(gradient.try_to_vec_as::<f32>().unwrap());
            }
            let gradient = weights.bias.val().grad(&gradients).unwrap();
            all.push(gradient.try_to_vec_as::<f32>().unwrap());
        }
        all
    };
    let rng = &mut ChaCha8Rng::seed_from_u64(5);
    for kind in FUSED {
        for _ in 0..4 {
            let case = Case::random(kind, rng);
            let apart = all(&case, |cells, input, walks| {
                let both = cells.into_iter().zip(walks);
                let (outputs, states): (Vec<_>, Vec<_>) = both
                    .map(|(cell, one)| walk(cell, input.clone(), one))
                    .unzip();
                let states = states.into_iter().flatten().collect();
                (Tensor::cat(outputs, 2), states)
            });
            assert_eq!(all(&case, walk_both), apart, "{}", case.name());
        }
    }
}

#[cfg(feature = "ndarray")]
#[allow(deprecated)]
#[test]
fn ndarray_equals_flex_with_gradients() {
    let ndarray = Device::ndarray().autodiff();
    let rng = &mut ChaCha8Rng::seed_from_u64(4);
    for kind in FUSED {
        let case = Case::random(kind, rng);
        let flex = everything(&case, &Device::flex().autodiff(), walk);
        assert_close(&case, &everything(&case, &ndarray, walk), &flex);
    }
}

#[cfg(feature = "wgpu")]
#[test]
fn a_graphics_card_equals_flex_with_gradients() {
    let Some(card) = card::card() else {
        return eprintln!("skipped: no graphics card");
    };
    let card = card.autodiff();
    let rng = &mut ChaCha8Rng::seed_from_u64(5);
    for kind in FUSED {
        // A software driver takes seconds to compile each kernel, so two cases.
        let bare = Case {
            state: false,
            mask: false,
            ..Case::random(kind, rng)
        };
        // More units than a workgroup has threads, with every option on.
        let full = Case {
            hidden: 300,
            time: 5,
            lengths: vec![5, 0, 3],
            state: true,
            mask: true,
            ..Case::random(kind, rng)
        };
        for case in [bare, full] {
            let flex = everything(&case, &Device::flex().autodiff(), walk);
            assert_close(&case, &everything(&case, &card, walk), &flex);
        }
    }
}

#[test]
fn a_padded_sequence_equals_itself_alone_to_the_bit() {
    let device = Device::flex();
    let rng = &mut ChaCha8Rng::seed_from_u64(5);
    for kind in FUSED {
        let cell = cell(kind, 6, 19, rng, &device);
        let lengths = [9, 3, 1, 6, 0, 9, 8, 2, 7, 5];
        let input = random([10, 9, 6], rng, &device);
        for direction in [Direction::Forward, Direction::Backward] {
            let together = walk(&cell, input.clone(), Walk::new(&lengths, direction)).0;
            for (row, &length) in lengths.iter().enumerate().filter(|(_, n)| **n > 0) {
                let cut = |tensor: Tensor<3>| tensor.narrow(0, row, 1).narrow(1, 0, length);
                let alone = walk(&cell, cut(input.clone()), Walk::new(&[length], direction)).0;
                cut(together.clone())
                    .into_data()
                    .assert_eq(&alone.into_data(), true);
            }
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_bit_of_outputs_and_gradients() {
    let device = Device::flex().autodiff();
    let rng = &mut ChaCha8Rng::seed_from_u64(6);
    for kind in FUSED {
        let case = Case {
            lengths: (0..40).map(|_| rng.random_range(0..=25)).collect(),
            time: 25,
            ..Case::random(kind, rng)
        };
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| everything(&case, &device, walk))
        };
        assert!(with(1) == with(3), "{}", case.name());
    }
}

#[test]
fn chunks_of_any_size_equal_the_whole_sequence() {
    let device = Device::flex();
    let rng = &mut ChaCha8Rng::seed_from_u64(8);
    for kind in CellKind::ALL {
        let cell = cell(kind, 4, 18, rng, &device);
        let input = random([3, 30, 4], rng, &device);
        let whole = walk(
            &cell,
            input.clone(),
            Walk::new(&[30; 3], Direction::Forward),
        )
        .0;
        let (mut at, mut state, mut parts) = (0, None, Vec::new());
        while at < 30 {
            let size = rng.random_range(1..=30 - at);
            let lengths = [size; 3];
            let (outputs, after) = walk(
                &cell,
                input.clone().narrow(1, at, size),
                Walk {
                    state,
                    final_state: true,
                    ..Walk::new(&lengths, Direction::Forward)
                },
            );
            state = after;
            parts.push(outputs);
            at += size;
        }
        let parts = Tensor::cat(parts, 1);
        assert!(parts.all_close(whole, None, Some(1e-6)), "{kind:?}");
    }
}
