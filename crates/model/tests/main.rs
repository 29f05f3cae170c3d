//! The crate from outside, in one program. The tutorial's examples, which
//! take minutes, have a program of their own.

mod common;
#[cfg(feature = "pretrained")]
mod encoder;
mod file;
#[cfg(feature = "onnx")]
mod onnx;
mod recognizer;
