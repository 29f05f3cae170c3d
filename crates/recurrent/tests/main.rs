//! The crate from outside, in one program.

mod card;
mod networks;
mod pytorch;
