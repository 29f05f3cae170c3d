//! One frame at a time, for live use: the weights stay packed, and nothing is
//! allocated.

use std::marker::PhantomData;

use super::forward::Step;
use super::lanes::{Instructions, padded};
use super::product::Product;
use super::rules::*;
use super::weights::Packed;
use super::{Formula, Sizes, Weights, with_rule};

/// A layer that keeps its state: it takes a frame and gives the hidden state.
/// For the frames of a sequence it gives what [`forward`](super::forward) gives
/// for the whole sequence, to the bit.
#[derive(Clone, Debug)]
pub struct Stepper {
    formula: Formula,
    sizes: Sizes,
    packed: Packed,
    slots: Vec<f32>,
    h: Vec<f32>,
    next: Vec<f32>,
    c: Vec<f32>,
}

impl Stepper {
    /// Packs the weights; the state is zero.
    pub fn new(formula: Formula, sizes: Sizes, weights: &Weights<'_>) -> Self {
        let wide = padded(sizes.hidden);
        let packed =
            with_rule!(formula, R => Packed::new::<R>(sizes, weights, pulp::Arch::new().lanes()));
        Stepper {
            formula,
            sizes,
            slots: vec![0.0; packed.bias.len()],
            packed,
            h: vec![0.0; wide],
            next: vec![0.0; wide],
            c: vec![0.0; wide],
        }
    }

    /// Takes a frame of `input` numbers and gives the hidden state after it.
    ///
    /// # Panics
    ///
    /// If the frame has fewer numbers than the layer's input.
    pub fn step(&mut self, frame: &[f32]) -> &[f32] {
        let arch = pulp::Arch::new();
        self.slots.copy_from_slice(&self.packed.bias);
        let width = self.slots.len();
        arch.dispatch(Product {
            rows: 1,
            a: frame,
            a_stride: self.sizes.input,
            b: &self.packed.input,
            c: &mut self.slots,
            c_stride: width,
        });
        with_rule!(self.formula, R => arch.dispatch(Step {
            packed: &self.packed,
            rows: 1,
            slots: &mut self.slots,
            before: &self.h,
            recurrent: &self.h,
            after: &mut self.next,
            cells: &mut self.c,
            wide: padded(self.sizes.hidden),
            rule: PhantomData::<R>,
        }));
        std::mem::swap(&mut self.h, &mut self.next);
        &self.h[..self.sizes.hidden]
    }

    /// Only the matrix-vector products of a step, with the same packed weights but
    /// without gates and without a new state: the yardstick for the time of a step.
    ///
    /// # Panics
    ///
    /// If the frame has fewer numbers than the layer's input.
    pub fn products(&mut self, frame: &[f32]) {
        let arch = pulp::Arch::new();
        let Packed {
            input,
            recurrent,
            reset,
            ..
        } = &self.packed;
        let width = self.slots.len();
        let products = [
            (frame, Some(input)),
            (&self.h, Some(recurrent)),
            (&self.h, reset.as_ref()),
        ];
        for (a, panels) in products {
            if let Some(b) = panels {
                arch.dispatch(Product {
                    rows: 1,
                    a,
                    a_stride: a.len(),
                    b,
                    c: &mut self.slots,
                    c_stride: width,
                });
            }
        }
    }

    /// The hidden state.
    pub fn hidden(&self) -> &[f32] {
        &self.h[..self.sizes.hidden]
    }

    /// The cell state; zero for cells without one.
    pub fn cell(&self) -> &[f32] {
        &self.c[..self.sizes.hidden]
    }

    /// Starts a new sequence: the state becomes zero.
    pub fn reset(&mut self) {
        self.h.fill(0.0);
        self.c.fill(0.0);
    }

    /// The bytes of weights that a step reads.
    pub fn weight_bytes(&self) -> usize {
        4 * self.packed.step_numbers()
    }
}
