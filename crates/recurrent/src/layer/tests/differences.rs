//! The fused kernel's gradients against central differences in double precision.

use burn::module::Module;

use super::*;

/// The straightforward computation in double precision: the sum of outputs times
/// weights.
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
