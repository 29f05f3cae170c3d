//! One file for each command: its arguments and what it does.

pub mod bench;
pub mod cache;
pub mod classify;
pub mod corpus;
pub mod cross_validate;
pub mod devices;
pub mod ensemble;
pub mod evaluate;
pub mod explain;
pub mod export;
pub mod features;
pub mod info;
pub mod listen;
pub mod plot;
pub mod select;
pub mod serve;
pub mod synth;
pub mod timeline;
pub mod train;
