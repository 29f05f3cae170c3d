//! One layer over a batch of sequences.
//!
//! Usually a layer is one fused operation ([`fused`]). What that cannot do, such
//! as full peephole matrices, is computed step by step with Burn's own
//! operations. The inputs' part of the gates is then computed for all frames
//! beforehand, so that a step needs only one product. Both ways give the same
//! numbers, to rounding.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};

use crate::cells::{Cell, State};
use crate::fused;
use crate::kernel::Formula;
use crate::mask::{mask_of, padding_mask};
use crate::operation::{Call, Way};

/// The direction in which a layer reads a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the first frame to the last.
    Forward,
    /// From the last frame of each sequence to its first.
    Backward,
}

/// How a layer reads a batch of sequences.
#[derive(Clone, Debug)]
pub struct Walk<'a> {
    /// Frames of each sequence, at most those of the batch. The rest is padding,
    /// which is neither read nor computed.
    pub lengths: &'a [usize],
    /// The direction.
    pub direction: Direction,
    /// The state before the first step; zero if `None`.
    pub state: Option<State>,
    /// Recurrent dropout: factors by which the recurrent product sees the hidden
    /// state, `[batch, hidden]` row by row, the same at every step (Gal and
    /// Ghahramani, 2016).
    pub mask: Option<Arc<[f32]>>,
    /// Whether the state after the last step is wanted.
    pub final_state: bool,
}

impl<'a> Walk<'a> {
    /// From a zero state, without dropout, without a final state.
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

/// The hidden state after every frame, and the state after the last step if
/// [`Walk::final_state`] asks for it.
///
/// # Shapes
///
/// - input: `[batch, time, input]`
/// - result: `[batch, time, hidden]`, zero in the padding; the state is the one
///   after each sequence's own last step
///
/// # Panics
///
/// If shapes or lengths do not fit each other.
pub fn walk(cell: &dyn Cell, input: Tensor<3>, walk: Walk<'_>) -> (Tensor<3>, Option<State>) {
    check(&input, &walk);
    match formula(cell, &input) {
        Some(formula) => {
            let (outputs, mut states) = in_one(&[cell], formula, input, vec![walk]);
            (outputs, states.pop())
        }
        None => stepwise(cell, input, walk),
    }
}

/// Two cells along the same sequences, usually one in each direction.
///
/// It is one operation that writes the outputs of both cells side by side, so
/// nothing has to be concatenated, nor split again in back-propagation.
///
/// # Shapes
///
/// - input: `[batch, time, input]`
/// - result: `[batch, time, hidden + hidden]`, the first cell's states first,
///   and the final state of each walk that asks for it
///
/// # Panics
///
/// If shapes or lengths do not fit each other.
pub fn walk_both(
    cells: [&dyn Cell; 2],
    input: Tensor<3>,
    walks: [Walk<'_>; 2],
) -> (Tensor<3>, Vec<State>) {
    walks.iter().for_each(|walk| check(&input, walk));
    let [first, second] = &walks;
    let alike = cells[0].hidden() == cells[1].hidden()
        && first.lengths == second.lengths
        && first.state.is_some() == second.state.is_some()
        && first.final_state == second.final_state;
    match cells.map(|cell| formula(cell, &input)) {
        [Some(formula), Some(other)] if alike && formula == other => {
            in_one(&cells, formula, input, walks.into())
        }
        _ => {
            let (outputs, states): (Vec<_>, Vec<_>) = cells
                .into_iter()
                .zip(walks)
                .map(|(cell, one)| walk(cell, input.clone(), one))
                .unzip();
            (
                Tensor::cat(outputs, 2),
                states.into_iter().flatten().collect(),
            )
        }
    }
}

fn check(input: &Tensor<3>, walk: &Walk<'_>) {
    let [batch, time, _] = input.dims();
    assert_eq!(batch, walk.lengths.len(), "one length for each sequence");
    assert!(
        walk.lengths.iter().all(|&length| length <= time),
        "no sequence is longer than the batch"
    );
}

/// The cell's formula, if the fused operation can compute it for this input.
fn formula(cell: &dyn Cell, input: &Tensor<3>) -> Option<Formula> {
    cell.formula()
        .filter(|_| fused::takes(input, cell.hidden()))
}

/// Cells of one formula and size over the same sequences, as one operation.
fn in_one(
    cells: &[&dyn Cell],
    formula: Formula,
    input: Tensor<3>,
    walks: Vec<Walk<'_>>,
) -> (Tensor<3>, Vec<State>) {
    let time = input.dims()[1];
    let device = input.device().inner();
    let absent = || Tensor::<2>::zeros([1, 1], &device);
    let below = |mut parts: Vec<Tensor<2>>| match parts.len() {
        1 => parts.swap_remove(0),
        _ => Tensor::cat(parts, 0),
    };
    let of_cells = |part: &dyn Fn(&dyn Cell) -> Tensor<2>| {
        below(cells.iter().map(|&cell| part(cell)).collect())
    };
    let (lengths, states) = (walks[0].lengths, walks[0].final_state);
    let initial = walks[0].state.is_some();
    let (mut h, mut c, mut ways) = (Vec::new(), Vec::new(), Vec::new());
    for walk in walks {
        let (hidden, cell) = walk.state.map_or((None, None), |s| (Some(s.h), s.c));
        h.push(hidden.unwrap_or_else(absent));
        c.push(cell.unwrap_or_else(absent));
        ways.push(Way {
            reverse: walk.direction == Direction::Backward,
            mask: walk.mask,
        });
    }
    let operands = [
        of_cells(&|cell| cell.weights().weight_ih.val()),
        of_cells(&|cell| cell.weights().weight_hh.val()),
        of_cells(&|cell| cell.kernel_bias().unsqueeze()),
        of_cells(&|cell| cell.peephole().unwrap_or_else(absent)),
        below(h),
        below(c),
    ];
    let call = Call {
        formula,
        lengths: lengths.into(),
        ways,
        initial,
        states,
    };
    let packed = fused::sequence(input, operands, call);
    if !states {
        return (packed, Vec::new());
    }
    let after = cells.iter().enumerate().map(|(way, cell)| {
        let row = |at| {
            let row: Tensor<2> = packed.clone().narrow(1, at, 1).squeeze_dim(1);
            row.narrow(1, way * cell.hidden(), cell.hidden())
        };
        State {
            h: row(time),
            c: formula.has_cell().then(|| row(time + 1)),
        }
    });
    let after = after.collect();
    (packed.narrow(1, 0, time), after)
}

/// The layer step by step in Burn's own operations, which every backend has.
pub(crate) fn stepwise(
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
            // In the padding of its sequence a state stays as it is.
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
    let outputs = Tensor::stack(outputs, 1) * padding_mask(walk.lengths, time, &device);
    (outputs, Some(state))
}

/// The steps of `[batch, time, columns]` one by one, by halving. The gradient
/// of a slice is as large as the whole tensor, so cutting every step out of
/// the whole would take quadratic time.
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
/// `None` if it lies inside all of them.
fn inside(t: usize, lengths: &[usize], device: &Device) -> Option<Tensor<2>> {
    if lengths.iter().all(|length| t < *length) {
        return None;
    }
    Some(mask_of(lengths, t..t + 1, device).squeeze_dim(1))
}

#[cfg(all(test, feature = "train"))]
mod tests;
