//! The command that measures this machine.

use clap::{Args, ValueEnum};
use model::Backend;
use model::recurrent::CellKind;

/// `runner bench`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  runner bench                                  LSTM, 40 inputs, 128 units, 32 x 300 frames
  runner bench --cell gru --hidden 64 --threads 1
  runner bench --work train --layers 2 --bidirectional --hidden 96 --lengths 100-300
  runner bench --backend flex,ndarray --work train,infer --format json

A training step is the forward pass, the mean of the squared outputs as the
loss, and its gradients of all weights; no optimiser. The gradient of the inputs
is not asked for. Streaming goes frame by frame on one core, whatever the
backend; beside it stand its bare matrix-vector products over the same packed
weights. GFLOP/s counts the operations that the formulas need, not more.")]
pub struct Bench {
    /// What to time [default: all that the network can do]
    #[arg(long, value_enum, value_name = "LIST", value_delimiter = ',')]
    pub work: Vec<Work>,
    /// Where to compute: flex, ndarray, wgpu
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_values_t = [Backend::Flex])]
    pub backend: Vec<Backend>,
    /// lstm, peephole, peephole_full, coupled, gru, gru_reset_before, rnn, rnn_relu
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = cell_kind, default_value = "lstm")]
    pub cell: Vec<CellKind>,
    /// Features of a frame
    #[arg(long, default_value_t = 40, value_parser = at_least_one)]
    pub input: usize,
    /// Hidden units of a layer and direction
    #[arg(long, default_value_t = 128, value_parser = at_least_one)]
    pub hidden: usize,
    /// Layers above each other
    #[arg(long, default_value_t = 1, value_parser = at_least_one)]
    pub layers: usize,
    /// Let every layer also walk backwards
    #[arg(long)]
    pub bidirectional: bool,
    /// Sequences of a batch
    #[arg(long, default_value_t = 32, value_parser = at_least_one)]
    pub batch: usize,
    /// Frames of every sequence
    #[arg(long, default_value_t = 300, value_parser = at_least_one)]
    pub frames: usize,
    /// Draw the lengths of a batch's sequences from this range, the same ones every time: 100-300
    #[arg(long, value_name = "LEAST-MOST", value_parser = lengths)]
    pub lengths: Option<Lengths>,
    /// Threads [default: one for each core]
    #[arg(long, value_parser = at_least_one)]
    pub threads: Option<usize>,
    /// Most timed runs of each work
    #[arg(long, default_value_t = 20, value_parser = at_least_one)]
    pub runs: usize,
    /// Time each work for so long at most, though three runs at least
    #[arg(long, default_value_t = 5.0)]
    pub seconds: f64,
    /// Also measure the first training's peak memory (Linux)
    #[arg(long)]
    pub memory: bool,
    /// A table for people, or a JSON list for programs
    #[arg(long, value_enum, default_value_t = BenchFormat::Text)]
    pub format: BenchFormat,
}

/// What `bench` times.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Work {
    /// A training step: forward, loss over all outputs, gradients of all weights.
    Train,
    /// Inference of a batch.
    Infer,
    /// Inference of one sequence.
    One,
    /// One frame of a live stream.
    Stream,
}

/// How `bench` writes.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum BenchFormat {
    /// For people.
    Text,
    /// One JSON list.
    Json,
}

/// A range of lengths, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lengths {
    /// Of the shortest possible sequence.
    pub least: usize,
    /// Of the longest possible one.
    pub most: usize,
}

fn lengths(text: &str) -> Result<Lengths, String> {
    let parsed = text
        .split_once('-')
        .and_then(|(least, most)| Some((least.parse().ok()?, most.parse().ok()?)));
    match parsed {
        Some((least, most)) if 0 < least && least <= most => Ok(Lengths { least, most }),
        _ => Err("two numbers of frames are wanted, the smaller one first: 100-300".into()),
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("at least 1 is wanted".into()),
        Ok(number) => Ok(number),
        Err(error) => Err(format!("{error}")),
    }
}

fn cell_kind(name: &str) -> Result<CellKind, String> {
    serde_json::from_value(name.into()).map_err(|error| error.to_string())
}
