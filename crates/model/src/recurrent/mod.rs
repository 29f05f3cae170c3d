//! Recurrent layers over batches of sequences of unlike length.
//!
//! A batch is `[batch, time, features]`, padded at its end, with the length of
//! every sequence beside it. Padding never reaches a result: the forward
//! direction reads it only after the sequence has ended, and the backward
//! direction holds its state at zero until the sequence begins.

mod dropout;
mod init;
mod lstm;
mod stack;

pub use dropout::Dropout;
pub use init::Init;
pub use lstm::{Direction, Lstm};
pub use stack::{LstmStack, LstmStackConfig};
