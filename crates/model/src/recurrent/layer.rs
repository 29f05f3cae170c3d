//! One layer in one direction over a batch of sequences.
//!
//! On the CPU backends a layer is one operation ([`fused`]); elsewhere
//! it is walked step by step, with the inputs' part of the gates computed for
//! all frames beforehand, so that a step is left with one product. Both give
//! the same numbers, to rounding.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};

use super::cells::{Cell, State};
use super::fused::{self, Call};
use super::kernel::Formula;

/// Which way a layer walks along time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the first frame to the last.
    Forward,
    /// From the last frame of each sequence to its first.
    Backward,
}

/// How a layer is to walk.
#[derive(Clone, Debug)]
pub struct Walk<'a> {
    /// Frames of each sequence, at most those of the batch; what stands behind
    /// them is padding, which is neither read nor computed.
    pub lengths: &'a [usize],
    /// Which way.
    pub direction: Direction,
    /// The state before the first step; zero if absent.
    pub state: Option<State>,
    /// Recurrent dropout: factors of the hidden state on its way into the
    /// recurrent product, `[batch, hidden]` row by row, the same at every step
    /// (Gal and Ghahramani, 2016).
    pub mask: Option<Arc<[f32]>>,
    /// Whether the state after the last step is asked for.
    pub final_state: bool,
}

impl<'a> Walk<'a> {
    /// From the state zero, without dropout.
    pub fn new(lengths: &'a [usize], direction: Direction) -> Self {
        Walk {
            lengths,
            direction,
            state: None,
            mask: None,
            final_state: false,
        }
    }
}

/// The hidden state after every frame, and the state after the last step.
///
/// # Shapes
///
/// - input: `[batch, time, input]`
/// - result: `[batch, time, hidden]`, zero behind each sequence's end; the
///   state is that after each sequence's own last step.
///
/// # Panics
///
/// Where shapes or lengths do not fit each other.
pub fn walk(cell: &dyn Cell, input: Tensor<3>, walk: Walk<'_>) -> (Tensor<3>, Option<State>) {
    let [batch, time, _] = input.dims();
    assert_eq!(batch, walk.lengths.len(), "one length for each sequence");
    assert!(
        walk.lengths.iter().all(|&length| length <= time),
        "no sequence is longer than the batch"
    );
    match cell.formula() {
        Some(formula) if fused::runs_on(&input.device()) && fused::takes(input.dtype()) => {
            in_one(cell, formula, input, walk)
        }
        _ => stepwise(cell, input, walk),
    }
}

/// The whole layer as one operation.
fn in_one(
    cell: &dyn Cell,
    formula: Formula,
    input: Tensor<3>,
    walk: Walk<'_>,
) -> (Tensor<3>, Option<State>) {
    let time = input.dims()[1];
    let device = input.device();
    let weights = cell.weights();
    let absent = || Tensor::<2>::zeros([1, 1], &device.clone().inner());
    let initial = walk.state.is_some();
    let (h, c) = match walk.state {
        Some(State { h, c }) => (h, c.unwrap_or_else(absent)),
        None => (absent(), absent()),
    };
    let operands = [
        weights.weight_ih.val(),
        weights.weight_hh.val(),
        cell.kernel_bias().unsqueeze(),
        cell.peephole().unwrap_or_else(absent),
        h,
        c,
    ];
    let call = Call {
        formula,
        lengths: walk.lengths.into(),
        reverse: walk.direction == Direction::Backward,
        mask: walk.mask,
        initial,
        states: walk.final_state,
    };
    let packed = fused::sequence(input, operands, call);
    if !walk.final_state {
        return (packed, None);
    }
    let row = |at| packed.clone().narrow(1, at, 1).squeeze_dim(1);
    let state = State {
        h: row(time),
        c: formula.has_cell().then(|| row(time + 1)),
    };
    (packed.narrow(1, 0, time), Some(state))
}

/// The layer in steps of Burn's own operations, for every backend.
pub(super) fn stepwise(
    cell: &dyn Cell,
    input: Tensor<3>,
    walk: Walk<'_>,
) -> (Tensor<3>, Option<State>) {
    let [batch, time, features] = input.dims();
    let hidden = cell.hidden();
    let device = input.device();
    let zeros = || Tensor::<2>::zeros([batch, hidden], &device);
    let mut state = walk.state.unwrap_or_else(|| State {
        h: zeros(),
        c: cell.has_cell().then(zeros),
    });
    if time == 0 {
        return (Tensor::zeros([batch, 0, hidden], &device), Some(state));
    }
    let mask = walk
        .mask
        .map(|mask| Tensor::from_data(TensorData::new(mask.to_vec(), [batch, hidden]), &device));
    let projected = cell
        .project(input.reshape([batch * time, features]))
        .reshape([batch as i32, time as i32, -1]);
    let mut outputs = Vec::with_capacity(time);
    let mut step = |(t, projected): (usize, Tensor<2>)| {
        let recurrent = match &mask {
            Some(mask) => state.h.clone() * mask.clone(),
            None => state.h.clone(),
        };
        let next = cell.step(projected, recurrent, state.clone());
        state = match inside(t, walk.lengths, &device) {
            // Outside of its sequence a state stays as it is.
            Some(inside) => State {
                h: state.h.clone() + (next.h - state.h.clone()) * inside.clone(),
                c: next
                    .c
                    .zip(state.c.clone())
                    .map(|(next, before)| before.clone() + (next - before) * inside.clone()),
            },
            None => next,
        };
        outputs.push(state.h.clone());
    };
    let steps = steps_of(projected).into_iter().enumerate();
    match walk.direction {
        Direction::Forward => steps.for_each(&mut step),
        Direction::Backward => {
            steps.rev().for_each(&mut step);
            outputs.reverse();
        }
    }
    let outputs = Tensor::stack(outputs, 1) * all_inside(walk.lengths, time, &device);
    (outputs, Some(state))
}

/// The steps of `[batch, time, columns]` one by one, by halving: the gradient
/// of a part cut out of a tensor is as large as the whole tensor, so cutting
/// every step out of the whole would take quadratic time.
fn steps_of(sequence: Tensor<3>) -> Vec<Tensor<2>> {
    match sequence.dims()[1] {
        0 => Vec::new(),
        1 => vec![sequence.squeeze_dim(1)],
        time => {
            let half = time / 2;
            let mut steps = steps_of(sequence.clone().narrow(1, 0, half));
            steps.extend(steps_of(sequence.narrow(1, half, time - half)));
            steps
        }
    }
}

/// `[batch, 1]`: 1 where frame `t` lies inside the sequence, 0 in its padding;
/// `None` where it lies inside all of them.
fn inside(t: usize, lengths: &[usize], device: &Device) -> Option<Tensor<2>> {
    if lengths.iter().all(|length| t < *length) {
        return None;
    }
    let values: Vec<f32> = lengths.iter().map(|&n| f32::from(t < n)).collect();
    let shape = [values.len(), 1];
    Some(Tensor::from_data(TensorData::new(values, shape), device))
}

/// `[batch, time, 1]`: 1 inside the sequences.
fn all_inside(lengths: &[usize], time: usize, device: &Device) -> Tensor<3> {
    let values: Vec<f32> = lengths
        .iter()
        .flat_map(|&n| (0..time).map(move |t| f32::from(t < n)))
        .collect();
    Tensor::from_data(TensorData::new(values, [lengths.len(), time, 1]), device)
}

#[cfg(test)]
mod tests;
