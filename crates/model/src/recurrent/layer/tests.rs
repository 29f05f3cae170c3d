//! The fused kernel against the same cells in Burn's own operations, against
//! Burn's own layers, and against central differences in double precision.

use burn::module::Module;
use burn::nn::{GruConfig, LstmConfig};
use burn::tensor::{Device, Distribution};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::parameters::{Array, Parameters, parameters, with_parameters};
use crate::recurrent::{AnyCell, CellKind, Init, WeightInit};

const FUSED: [CellKind; 7] = [
    CellKind::Lstm,
    CellKind::Peephole,
    CellKind::Coupled,
    CellKind::Gru,
    CellKind::GruResetBefore,
    CellKind::Rnn,
    CellKind::RnnRelu,
];

/// A cell all of whose parameters, biases and peepholes too, are random.
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
            // Larger ones would make a plain cell chaotic.
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

/// Outputs, final states, and every gradient of a loss whose slope differs from place to place.
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
fn the_fused_kernel_gives_what_burns_operations_give_for_random_shapes() {
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
fn both_directions_at_once_give_what_each_gives_alone_to_the_bit() {
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
#[test]
fn ndarray_gives_what_flex_gives_gradients_included() {
    let ndarray = crate::Backend::Ndarray.device().unwrap().autodiff();
    let rng = &mut ChaCha8Rng::seed_from_u64(4);
    for kind in FUSED {
        let case = Case::random(kind, rng);
        let flex = everything(&case, &Device::flex().autodiff(), walk);
        assert_close(&case, &everything(&case, &ndarray, walk), &flex);
    }
}

#[cfg(feature = "wgpu")]
#[test]
fn a_graphics_card_gives_what_flex_gives_gradients_included() {
    let card = match crate::Backend::Wgpu.device() {
        Ok(card) => card.autodiff(),
        Err(error) if std::env::var_os("REQUIRE_WGPU").is_some() => panic!("{error}"),
        Err(error) => return eprintln!("skipped: {error}"),
    };
    let rng = &mut ChaCha8Rng::seed_from_u64(5);
    for kind in FUSED {
        // Every kernel is compiled anew, which takes a software driver seconds.
        let bare = Case {
            state: false,
            mask: false,
            ..Case::random(kind, rng)
        };
        // More units than a workgroup has threads, and everything at once.
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

/// Burn keeps every gate as two linear layers; ours stacks them.
fn stacked(gates: &[&burn::nn::GateController]) -> Parameters {
    let values = |tensors: Vec<Tensor<2>>| {
        let tensor = Tensor::cat(tensors, 0);
        Array {
            shape: tensor.dims().to_vec(),
            values: tensor.try_to_vec_as::<f32>().unwrap(),
        }
    };
    let bias = |linear: &burn::nn::Linear| linear.bias.as_ref().unwrap().val().unsqueeze_dim(1);
    let ih = gates
        .iter()
        .map(|g| g.input_transform.weight.val().transpose());
    let hh = gates
        .iter()
        .map(|g| g.hidden_transform.weight.val().transpose());
    let b = gates
        .iter()
        .map(|g| bias(&g.input_transform) + bias(&g.hidden_transform));
    let mut b = values(b.collect());
    b.shape.pop();
    Parameters::from([
        ("weight_ih".to_string(), values(ih.collect())),
        ("weight_hh".to_string(), values(hh.collect())),
        ("bias".to_string(), b),
    ])
}

#[test]
fn outputs_and_input_gradients_equal_burns_own_lstm_in_both_directions() {
    let device = Device::flex().autodiff();
    for reverse in [false, true] {
        let theirs = LstmConfig::new(5, 7, true)
            .with_reverse(reverse)
            .init(&device);
        let forget = theirs.forget_gate.as_ref().unwrap();
        let gates = [
            &theirs.input_gate,
            forget,
            &theirs.cell_gate,
            &theirs.output_gate,
        ];
        let ours = CellKind::Lstm.init(5, 7, &WeightInit::default(), &mut Init::new(0, &device));
        let ours = with_parameters(ours, &stacked(&gates)).unwrap();
        let direction = if reverse {
            Direction::Backward
        } else {
            Direction::Forward
        };
        compare(
            &ours,
            direction,
            |input| theirs.forward(input, None).0,
            &device,
        );
    }
}

#[test]
fn outputs_and_input_gradients_equal_burns_own_gru_with_either_reset() {
    let device = Device::flex().autodiff();
    for (kind, reset_after) in [(CellKind::Gru, true), (CellKind::GruResetBefore, false)] {
        let theirs = GruConfig::new(5, 7, true)
            .with_reset_after(reset_after)
            .init(&device);
        let gates = [&theirs.reset_gate, &theirs.update_gate, &theirs.new_gate];
        let mut weights = stacked(&gates);
        if reset_after {
            let own = theirs
                .new_gate
                .hidden_transform
                .bias
                .as_ref()
                .unwrap()
                .val();
            let own = own.try_to_vec_as::<f32>().unwrap();
            let input = theirs.new_gate.input_transform.bias.as_ref().unwrap().val();
            let bias = weights.get_mut("bias").unwrap();
            bias.values[14..].copy_from_slice(&input.try_to_vec_as::<f32>().unwrap());
            weights.insert(
                "bias_hn".to_string(),
                Array {
                    shape: vec![7],
                    values: own,
                },
            );
        }
        let ours = kind.init(5, 7, &WeightInit::default(), &mut Init::new(0, &device));
        let ours = with_parameters(ours, &weights).unwrap();
        compare(
            &ours,
            Direction::Forward,
            |input| theirs.forward(input, None),
            &device,
        );
    }
}

fn compare(
    ours: &AnyCell,
    direction: Direction,
    theirs: impl Fn(Tensor<3>) -> Tensor<3>,
    device: &Device,
) {
    let input = Tensor::<3>::random([3, 11, 5], Distribution::Normal(0.0, 1.0), device);
    let weight = Tensor::<3>::random([3, 11, 7], Distribution::Normal(0.0, 1.0), device);
    let both = |outputs: Tensor<3>, input: Tensor<3>| {
        let gradients = (outputs.clone() * weight.clone()).sum().backward();
        (outputs, input.grad(&gradients).unwrap())
    };
    let x = input.clone().require_grad();
    let (expected, slope) = both(theirs(x.clone()), x);
    let x = input.require_grad();
    let (actual, actual_slope) = both(walk(ours, x.clone(), Walk::new(&[11; 3], direction)).0, x);
    assert!(actual.all_close(expected, Some(1e-5), Some(2e-6)));
    assert!(actual_slope.all_close(slope, Some(1e-4), Some(1e-5)));
}

#[test]
fn a_padded_sequence_gives_what_it_gives_alone_to_the_bit() {
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
fn chunks_of_any_size_give_what_the_whole_sequence_gives() {
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

/// The obvious computation in double precision: the sum of outputs times weights.
#[allow(clippy::needless_range_loop)]
fn reference(
    kind: CellKind,
    p: &dyn Fn(&str, usize) -> f64,
    x: &[f64],
    n: [usize; 3],
    loss: &[f32],
) -> f64 {
    let [time, input, hidden] = n;
    let sigmoid = |v: f64| 1.0 / (1.0 + (-v).exp());
    let (mut h, mut c, mut total) = (vec![0.0; hidden], vec![0.0; hidden], 0.0);
    for t in 0..time {
        let from_input = |row: usize| -> f64 {
            p("bias", row)
                + (0..input)
                    .map(|k| p("weight_ih", row * input + k) * x[t * input + k])
                    .sum::<f64>()
        };
        let from_state = |row: usize, h: &[f64]| -> f64 {
            (0..hidden)
                .map(|k| p("weight_hh", row * hidden + k) * h[k])
                .sum::<f64>()
        };
        let before = h.clone();
        let gate = |block: usize, u: usize| {
            let row = block * hidden + u;
            from_input(row) + from_state(row, &before)
        };
        let reset: Vec<f64> = (0..hidden)
            .map(|u| {
                if matches!(kind, CellKind::GruResetBefore) {
                    sigmoid(gate(0, u)) * before[u]
                } else {
                    0.0
                }
            })
            .collect();
        for u in 0..hidden {
            match kind {
                CellKind::Lstm | CellKind::Peephole => {
                    let peep = |k: usize, c: f64| {
                        if kind == CellKind::Peephole {
                            p("peephole", k * hidden + u) * c
                        } else {
                            0.0
                        }
                    };
                    let i = sigmoid(gate(0, u) + peep(0, c[u]));
                    let f = sigmoid(gate(1, u) + peep(1, c[u]));
                    c[u] = f * c[u] + i * gate(2, u).tanh();
                    h[u] = sigmoid(gate(3, u) + peep(2, c[u])) * c[u].tanh();
                }
                CellKind::Coupled => {
                    let i = sigmoid(gate(0, u));
                    c[u] = (1.0 - i) * c[u] + i * gate(1, u).tanh();
                    h[u] = sigmoid(gate(2, u)) * c[u].tanh();
                }
                CellKind::Gru | CellKind::GruResetBefore => {
                    let row = 2 * hidden + u;
                    let z = sigmoid(gate(1, u));
                    let n = if kind == CellKind::Gru {
                        let r = sigmoid(gate(0, u));
                        (from_input(row) + r * (from_state(row, &before) + p("bias_hn", u))).tanh()
                    } else {
                        (from_input(row) + from_state(row, &reset)).tanh()
                    };
                    h[u] = (1.0 - z) * n + z * before[u];
                }
                CellKind::Rnn => h[u] = gate(0, u).tanh(),
                _ => h[u] = gate(0, u).max(0.0),
            }
        }
        total += (0..hidden)
            .map(|u| h[u] * f64::from(loss[t * hidden + u]))
            .sum::<f64>();
    }
    total
}

#[test]
fn gradients_equal_central_differences_in_double_precision() {
    let device = Device::flex().autodiff();
    let rng = &mut ChaCha8Rng::seed_from_u64(9);
    let [time, input, hidden] = [5, 3, 4];
    for kind in FUSED {
        let cell = cell(kind, input, hidden, rng, &device);
        let x = random([1, time, input], rng, &device).require_grad();
        let loss = random([1, time, hidden], rng, &device);
        let (outputs, _) = walk(&cell, x.clone(), Walk::new(&[time], Direction::Forward));
        let gradients = (outputs * loss.clone()).sum().backward();

        let arrays = parameters(&cell);
        let x64: Vec<f64> = x.clone().inner().into_data().iter::<f64>().collect();
        let loss = loss.into_data().iter::<f32>().collect::<Vec<_>>();
        let at = |changed: &str, index: usize, by: f64| {
            let value = |name: &str, k: usize| {
                let value = f64::from(arrays[name].values[k]);
                if name == changed && k == index {
                    value + by
                } else {
                    value
                }
            };
            reference(kind, &value, &x64, [time, input, hidden], &loss)
        };
        let slopes = Slopes::of(&cell, &gradients);
        assert_eq!(
            slopes.len(),
            arrays.len(),
            "{kind:?}: every parameter has a gradient"
        );
        for (name, slope) in slopes {
            for (index, actual) in slope.iter().enumerate() {
                let expected = (at(&name, index, 1e-5) - at(&name, index, -1e-5)) / 2e-5;
                assert!(
                    (f64::from(*actual) - expected).abs() < 1e-5 * expected.abs().max(1.0),
                    "{kind:?} {name}[{index}]: {actual}, expected {expected}"
                );
            }
        }
    }
}

/// Collects the gradients of a module's parameters by name.
struct Slopes<'a> {
    path: Vec<String>,
    gradients: &'a burn::tensor::Gradients,
    found: Vec<(String, Vec<f32>)>,
}

impl Slopes<'_> {
    fn of(cell: &AnyCell, gradients: &burn::tensor::Gradients) -> Vec<(String, Vec<f32>)> {
        let mut slopes = Slopes {
            path: Vec::new(),
            gradients,
            found: Vec::new(),
        };
        cell.visit(&mut slopes);
        slopes.found
    }
}

impl burn::module::ModuleVisitor for Slopes<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_string());
    }
    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }
    fn visit_float<const D: usize>(&mut self, param: &burn::module::Param<Tensor<D>>) {
        if let Some(gradient) = param.val().grad(self.gradients) {
            let name = self.path.last().cloned().unwrap_or_default();
            self.found
                .push((name, gradient.try_to_vec_as::<f32>().unwrap()));
        }
    }
}
