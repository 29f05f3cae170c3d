//! The crate from outside, in one program. The tutorial's examples, which
//! take minutes, have a program of their own.

mod common;
mod file;
#[cfg(feature = "onnx")]
mod onnx;
mod recognizer;
