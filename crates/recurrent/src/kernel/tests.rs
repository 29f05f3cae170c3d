//! The kernel gives the same with vectors of any width.

use pulp::{Scalar, Scalar128b, Scalar256b, Scalar512b, Simd, WithSimd};

use super::*;

/// Vectors that the machine may not have, emulated number by number.
#[derive(Clone, Copy)]
struct Emulated<S>(S);

impl<S: Simd> Instructions for Emulated<S> {
    fn run<Op: WithSimd>(self, operation: Op) -> Op::Output {
        self.0.vectorize(operation)
    }
}

const SIZES: Sizes = Sizes {
    input: 5,
    hidden: 21,
};
const LENGTHS: [usize; 11] = [19, 40, 1, 0, 33, 40, 7, 18, 16, 17, 2];
const TIME: usize = 40;

/// Numbers between -0.5 and 0.5 without a pattern.
fn noise(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9) | 1;
    let next = move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as f32 / u32::MAX as f32 - 0.5
    };
    std::iter::repeat_with(next).take(count).collect()
}

/// Outputs and all gradients, one after the other.
fn everything<R: Rule>(formula: Formula, instructions: impl Instructions) -> Vec<Vec<f32>> {
    let Sizes { input, hidden } = SIZES;
    let rows = formula.blocks() * hidden;
    let [ih, hh] = [noise(rows * input, 1), noise(rows * hidden, 2)];
    let [bias, peephole] = [
        noise(formula.bias_blocks() * hidden, 3),
        noise(3 * hidden, 4),
    ];
    let weights = Weights {
        input: &ih,
        recurrent: &hh,
        bias: &bias,
        peephole: &peephole,
    };
    let batch = LENGTHS.len();
    let inputs = noise(batch * TIME * input, 5);
    let [h, c, mask] = [6, 7, 8].map(|seed| noise(batch * hidden, seed));
    let sequences = Sequences {
        inputs: &inputs,
        lengths: &LENGTHS,
        time: TIME,
        reverse: true,
        h: Some(&h),
        c: Some(&c),
        mask: Some(&mask),
        states: formula.states(),
        row: hidden,
        column: 0,
    };
    let mut outputs = vec![0.0; sequences.outputs()];
    let tape = forward_of::<R>(
        instructions,
        SIZES,
        &weights,
        &sequences,
        &mut outputs,
        true,
    );
    let gradients = noise(outputs.len(), 9);
    let mut input_gradients = vec![0.0; inputs.len()];
    let returning = Returning {
        tape: tape.unwrap(),
        outputs: &outputs,
        gradients: &gradients,
    };
    let of = backward_of::<R>(
        instructions,
        SIZES,
        &weights,
        &sequences,
        returning,
        Some(&mut input_gradients),
    );
    vec![
        outputs,
        input_gradients,
        of.input,
        of.recurrent,
        of.bias,
        of.peephole,
        of.h,
        of.c,
    ]
}

fn same_with_any_vectors<R: Rule>(formula: Formula) {
    let best = everything::<R>(formula, pulp::Arch::new());
    let emulated = [
        everything::<R>(formula, Emulated(Scalar)),
        everything::<R>(formula, Emulated(Scalar128b)),
        everything::<R>(formula, Emulated(Scalar256b)),
        everything::<R>(formula, Emulated(Scalar512b)),
    ];
    for (others, lanes) in emulated.iter().zip([1, 4, 8, 16]) {
        for (index, (other, best)) in others.iter().zip(&best).enumerate() {
            assert_eq!(other.len(), best.len());
            let largest = best.iter().fold(0f32, |most, x| most.max(x.abs()));
            for (other, best) in other.iter().zip(best) {
                // Sums are rounded once or twice a step, with or without fused instructions.
                assert!(
                    (other - best).abs() <= 1e-5 * largest,
                    "{formula:?}, {lanes} lanes, values {index}: {other} is not {best}"
                );
            }
        }
    }
}

#[test]
fn vectors_of_any_width_give_the_same_outputs_and_gradients() {
    same_with_any_vectors::<LstmRule<true>>(Formula::Peephole);
    same_with_any_vectors::<GruRule<false>>(Formula::GruResetAfter);
    same_with_any_vectors::<GruRule<true>>(Formula::GruResetBefore);
}
