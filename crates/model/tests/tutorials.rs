//! The tutorial's examples: each is run, and its claim checked, over three seeds.
//!
//! They are taken in as modules, so that what is tested is what is there now,
//! whether or not the examples themselves have been built.

// Every example has the file that they share as a module of its own, and a
// `main` that is not called here.
#![allow(clippy::duplicate_mod, dead_code)]

#[path = "../examples/binary_subtraction.rs"]
mod binary_subtraction;
#[path = "../examples/emotion_sequence.rs"]
mod emotion_sequence;
#[path = "../examples/gates.rs"]
mod gates;
#[path = "../examples/many_to_one.rs"]
mod many_to_one;
#[path = "../examples/next_number.rs"]
mod next_number;
#[path = "../examples/sine_to_cosine.rs"]
mod sine_to_cosine;
#[path = "../examples/stateful_sine.rs"]
mod stateful_sine;
#[path = "../examples/variants.rs"]
mod variants;

use std::error::Error;
use std::path::Path;

use burn::tensor::Device;
use gates::{Kind, Weights, by_hand, by_library};
use model::Backend;

const SEEDS: [u64; 3] = [1, 2, 3];

/// Runs an example with each seed and hands on what it found; it must have left its picture.
fn with_seeds<T>(
    name: &str,
    run: impl Fn(&Device, u64, &Path) -> Result<T, Box<dyn Error>>,
    check: impl Fn(u64, T),
) {
    let device = Backend::Flex.device().unwrap();
    for seed in SEEDS {
        let folder = tempfile::tempdir().unwrap();
        let found = run(&device, seed, folder.path()).unwrap();
        let picture = std::fs::read_to_string(folder.path().join(name).with_extension("svg"));
        assert!(picture.unwrap().starts_with("<svg"), "{name}, seed {seed}");
        check(seed, found);
    }
}

#[test]
fn next_number_is_learned_and_not_extrapolated() {
    with_seeds("next_number", next_number::run, |seed, found| {
        assert!(found.loss < 0.001, "seed {seed}: loss {}", found.loss);
        // It has heard 2, 3 and 4 at other places; after 5 nothing is known.
        let last = found.beyond[3];
        assert!((4.5..5.9).contains(&last), "seed {seed}: {last} after 5");
    });
}

#[test]
fn many_to_one_is_learned_by_heart_and_layouts_agree() {
    with_seeds("many_to_one", many_to_one::run, |seed, found| {
        let fell = found.losses[0] / found.losses[found.losses.len() - 1];
        assert!(fell > 10.0, "seed {seed}: the loss fell {fell} fold");
        let off = found.layouts_differ_by;
        assert!(off < 1e-5, "seed {seed}: the layouts differ by {off}");
    });
}

#[test]
fn subtraction_of_held_out_pairs_is_without_error() {
    with_seeds(
        "binary_subtraction",
        binary_subtraction::run,
        |seed, found| {
            assert_eq!(found.held_out, 0.0, "seed {seed}, {} epochs", found.epochs);
        },
    );
}

#[test]
fn a_carried_state_knows_the_wave_and_goes_on_alone() {
    with_seeds("stateful_sine", stateful_sine::run, |seed, found| {
        let factor = found.reset / found.carried;
        assert!(factor > 30.0, "seed {seed}: {factor} times better");
        assert!(found.free < 0.02, "seed {seed}: RMSE {} alone", found.free);
    });
}

#[test]
fn the_cosine_is_said_from_five_samples_of_the_sine() {
    with_seeds("sine_to_cosine", sine_to_cosine::run, |seed, found| {
        assert!(
            found.train <= 1.01e-4,
            "seed {seed}: {} in training",
            found.train
        );
        assert!(
            found.test <= 2e-4,
            "seed {seed}: {} in the test",
            found.test
        );
    });
}

#[test]
fn every_cell_learns_to_subtract() {
    with_seeds("variants", variants::run, |seed, found| {
        let parameters = [4513, 4609, 3393, 3425, 1153];
        assert_eq!(
            found.iter().map(|f| f.parameters).collect::<Vec<_>>(),
            parameters
        );
        for cell in found {
            assert_eq!(cell.held_out, 0.0, "seed {seed}: {}", cell.name);
            assert!(cell.epochs_to_zero.is_some(), "seed {seed}: {}", cell.name);
        }
    });
}

#[test]
fn gates_by_hand_are_those_of_the_crate() {
    with_seeds("gates", gates::run, |seed, found| {
        for cell in found {
            assert!(
                cell.off < 1e-6,
                "seed {seed}: {:?} by {}",
                cell.kind,
                cell.off
            );
        }
    });
}

/// Buzzing vowels of four speakers, named as in RAVDESS: sad is low, quiet and
/// slow, angry high, loud and fast, neutral between them.
fn write_voices(folder: &Path) {
    for speaker in 1..=4 {
        for (emotion, octaves, amplitude, syllables) in [
            (1, 0.0, 0.15, 3.5),
            (4, -0.4, 0.05, 2.0),
            (5, 0.6, 0.4, 5.0),
        ] {
            for take in 1..=4 {
                let hertz = 100.0 * 2f64.powf(octaves + 0.1 * speaker as f64 + 0.02 * take as f64);
                let sample = |n: usize| {
                    let t = n as f64 / 16_000.0;
                    let phase = std::f64::consts::TAU * hertz * t;
                    let buzz: f64 = (1..=12).map(|k| (k as f64 * phase).sin() / k as f64).sum();
                    let opening = (std::f64::consts::PI * syllables * t).sin().powi(2);
                    (0.5 * amplitude * buzz * opening) as f32
                };
                let samples: Vec<f32> = (0..20_000).map(sample).collect();
                let name = format!("03-01-{emotion:02}-01-01-{take:02}-{speaker:02}.wav");
                audio::write_wav(folder.join(name), &samples, 16_000).unwrap();
            }
        }
    }
}

#[test]
fn emotions_are_followed_row_by_row_on_made_up_voices() {
    let corpus = tempfile::tempdir().unwrap();
    write_voices(corpus.path());
    let asked = corpus.path().join("03-01-05-01-01-02-03.wav");
    let task = emotion_sequence::Task {
        corpus: corpus.path(),
        recording: Some(&asked),
        speakers: 4,
    };
    let run = |device: &Device, seed, out: &Path| emotion_sequence::run(device, seed, out, &task);
    with_seeds("emotion_sequence", run, |seed, found| {
        // Guessing among the three that are there gives a third.
        assert!(found.accuracy > 0.6, "seed {seed}: {}", found.accuracy);
        assert_eq!(found.probabilities.len(), found.rows);
        for row in &found.probabilities {
            assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5, "seed {seed}");
        }
        let off = found.chunks_differ_by;
        assert!(off < 1e-4, "seed {seed}: chunks differ by {off}");
    });
}

#[test]
fn emotions_are_followed_in_a_real_recording() {
    let Some(ravdess) = std::env::var_os("RAVDESS_DIR") else {
        eprintln!("skipped: RAVDESS_DIR is not set");
        return;
    };
    let corpus = Path::new(&ravdess);
    let asked = corpus.join("Actor_16/03-01-05-02-01-01-16.wav");
    let task = emotion_sequence::Task {
        corpus,
        recording: Some(&asked),
        speakers: 4,
    };
    let folder = tempfile::tempdir().unwrap();
    let device = Backend::Flex.device().unwrap();
    let found = emotion_sequence::run(&device, 1, folder.path(), &task).unwrap();
    assert!(
        found.accuracy > 0.15,
        "guessing gives 0.125, this {}",
        found.accuracy
    );
    assert!(found.chunks_differ_by < 1e-4);
}

const C: gates::Vector = [0.5, 0.6, 0.4];
const H: gates::Vector = [0.3, 0.8, 0.69];
const X: gates::Vector = [0.2, 1.3, 0.7];

/// The step by hand and by the crate must both give this.
fn assert_step(kind: Kind, weights: &Weights, h: &[f64], c: Option<&[f64]>) {
    let device = Backend::Flex.device().unwrap();
    let close = |what: &str, is: &[f64], should: &[f64]| {
        assert_eq!(is.len(), should.len());
        for (a, b) in is.iter().zip(should) {
            assert!(
                (a - b).abs() < 1e-6,
                "{kind:?}: {what} {is:?}, not {should:?}"
            );
        }
    };
    let wide = |values: Vec<f32>| values.into_iter().map(f64::from).collect::<Vec<_>>();
    let lines = by_hand(kind, weights, X, H, C);
    let (own_h, own_c) = by_library(kind, weights, (X, H, C), &device).unwrap();
    close("h by hand", &lines.last().unwrap().value, h);
    close("h of the crate", &wide(own_h), h);
    if let Some(c) = c {
        let cell = lines.iter().find(|line| line.symbol == "c").unwrap();
        close("c by hand", &cell.value, c);
        close("c of the crate", &wide(own_c.unwrap()), c);
    }
}

/// PyTorch's cells, from `scripts/gates_fixture.py`.
#[test]
fn lstm_and_gru_steps_are_those_of_pytorch() {
    let fixture = include_str!("fixtures/gates.json");
    let fixture: serde_json::Value = serde_json::from_str(fixture).unwrap();
    for (name, kind) in [("lstm", Kind::Lstm), ("gru", Kind::Gru)] {
        for case in fixture[name].as_array().unwrap() {
            let numbers = |field: &str| -> Vec<f64> {
                let field = case[field].as_array().unwrap();
                field.iter().map(|value| value.as_f64().unwrap()).collect()
            };
            let narrow = |values: &[f64]| values.iter().map(|&v| v as f32).collect::<Vec<_>>();
            // PyTorch has two biases; only the GRU's candidate keeps them apart.
            let mut bias = numbers("bias_ih");
            let own = numbers("bias_hh");
            let shared = if kind == Kind::Gru { 6 } else { 12 };
            for (bias, own) in bias.iter_mut().zip(&own[..shared]) {
                *bias += own;
            }
            let weights = Weights {
                input: narrow(&numbers("weight_ih")),
                recurrent: narrow(&numbers("weight_hh")),
                bias: narrow(&bias),
                extra: narrow(&own[shared..]),
            };
            let c = (kind == Kind::Lstm).then(|| numbers("c"));
            assert_step(kind, &weights, &numbers("h"), c.as_deref());
        }
    }
}

/// With unit matrices and no biases every gate of a cell gets x + h of that
/// cell alone, and the formulas are ones of single numbers.
fn unit_weights(blocks: usize, extra: Vec<f32>) -> Weights {
    let unit = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
    Weights {
        input: unit.repeat(blocks),
        recurrent: unit.repeat(blocks),
        bias: vec![0.0; 3 * blocks],
        extra,
    }
}

fn logistic(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

#[test]
fn peephole_steps_are_as_derived_by_hand() {
    // P_i = 1, P_f = -1, P_o = 2, for each of the three cells.
    let peepholes = [[1.0; 3], [-1.0; 3], [2.0; 3]].concat();
    let (mut h, mut c) = (Vec::new(), Vec::new());
    for k in 0..3 {
        let z = X[k] + H[k];
        let cell = logistic(z - C[k]) * C[k] + logistic(z + C[k]) * z.tanh();
        h.push(logistic(z + 2.0 * cell) * cell.tanh());
        c.push(cell);
    }
    assert_step(Kind::Peephole, &unit_weights(4, peepholes), &h, Some(&c));
}

#[test]
fn coupled_steps_are_as_derived_by_hand() {
    let (mut h, mut c) = (Vec::new(), Vec::new());
    for k in 0..3 {
        let z = X[k] + H[k];
        // A mean of the old cell and the candidate, weighted by the gate.
        let cell = C[k] + logistic(z) * (z.tanh() - C[k]);
        h.push(logistic(z) * cell.tanh());
        c.push(cell);
    }
    assert_step(Kind::Coupled, &unit_weights(3, Vec::new()), &h, Some(&c));
}
