//! Large buffers kept from one call to the next.
//!
//! A training step keeps tens of megabytes between its two passes. Fresh from
//! the operating system every page of them costs a fault when it is first
//! touched, which together took as long as the arithmetic.

use std::sync::{Mutex, PoisonError};

/// Buffers at rest.
static BUFFERS: Mutex<Vec<Vec<f32>>> = Mutex::new(Vec::new());

/// As many buffers are kept at most.
const MOST: usize = 128;

/// An empty buffer with room for `capacity` numbers.
pub(super) fn take(capacity: usize) -> Vec<f32> {
    let mut buffers = BUFFERS.lock().unwrap_or_else(PoisonError::into_inner);
    // The tightest of those that are large enough, but none far too large.
    let fitting = buffers
        .iter()
        .enumerate()
        .filter(|(_, b)| (capacity..=2 * capacity).contains(&b.capacity()))
        .min_by_key(|(_, b)| b.capacity())
        .map(|(index, _)| index);
    match fitting {
        Some(index) => buffers.swap_remove(index),
        None => {
            drop(buffers);
            Vec::with_capacity(capacity)
        }
    }
}

/// Takes a buffer back.
pub(super) fn give(mut buffer: Vec<f32>) {
    // Small ones cost nothing to make.
    if buffer.capacity() < 4096 {
        return;
    }
    buffer.clear();
    let mut buffers = BUFFERS.lock().unwrap_or_else(PoisonError::into_inner);
    if buffers.len() == MOST {
        // What has waited longest was for other shapes.
        buffers.remove(0);
    }
    buffers.push(buffer);
}
