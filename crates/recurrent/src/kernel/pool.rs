//! Large buffers, reused from call to call.
//!
//! A training step keeps tens of megabytes between its two passes. In memory
//! fresh from the operating system, every page costs a fault when it is first
//! touched; together these took as long as the arithmetic.

use std::sync::{Mutex, PoisonError};

/// The buffers that are not in use.
static BUFFERS: Mutex<Vec<Vec<f32>>> = Mutex::new(Vec::new());

/// The most buffers that are kept.
const MOST: usize = 128;

/// An empty buffer with room for `capacity` numbers.
pub(super) fn take(capacity: usize) -> Vec<f32> {
    let mut buffers = BUFFERS.lock().unwrap_or_else(PoisonError::into_inner);
    // The smallest one that is large enough, but none that is far too large.
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
    // Small ones cost nothing to allocate.
    if buffer.capacity() < 4096 {
        return;
    }
    buffer.clear();
    let mut buffers = BUFFERS.lock().unwrap_or_else(PoisonError::into_inner);
    if buffers.len() == MOST {
        // The one that has waited longest was probably for other sizes.
        buffers.remove(0);
    }
    buffers.push(buffer);
}
