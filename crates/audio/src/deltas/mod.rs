//! How features change over time: deltas, by both conventions in use.

mod delta;
mod stream;

pub use delta::{DeltaMethod, delta};
pub use stream::DeltaStream;
