//! `affekt bench`: what recurrent layers cost on this machine.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use model::Backend;
use recurrent::{CellKind, kernel};

use crate::benchmark::{self, Patience, Row, Shape};

/// `affekt bench`.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  affekt bench                                  LSTM, 40 inputs, 128 units, 32 x 300 frames
  affekt bench --cell gru --hidden 64 --threads 1
  affekt bench --work train --layers 2 --bidirectional --hidden 96 --lengths 100-300
  affekt bench --backend flex,ndarray --work train,infer --format json

A training step is the forward pass, the mean of the squared outputs as the
loss, and its gradients of all weights; no optimiser. The gradient of the inputs
is not asked for. Streaming goes frame by frame on one core, whatever the
backend; beside it stand its bare matrix-vector products over the same packed
weights. GFLOP/s counts the operations that the formulas need, not more.")]
pub struct Args {
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
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Work {
    /// A training step: forward, loss over all outputs, gradients of all weights.
    Train,
    /// Inference of a batch.
    Infer,
    /// Inference of one sequence.
    One,
    /// Inference of a batch by a network that is not trained any more: its weights are
    /// packed before.
    Frozen,
    /// One frame of a live stream.
    Stream,
}

/// How `bench` writes.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
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

/// Times every work with every cell on every backend.
pub fn run(args: &Args) -> Result<ExitCode> {
    let Ok(most) = Duration::try_from_secs_f64(args.seconds) else {
        bail!("--seconds {} is no length of time", args.seconds);
    };
    if let Some(threads) = args.threads {
        // Before anything computes: the pool is made once a process.
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build_global()
            .context("the threads could not be started")?;
    }
    let patience = Patience {
        runs: args.runs,
        most,
    };
    let mut rows: Vec<Row> = Vec::new();
    let mut memory_wanted = args.memory;
    for (index, &backend) in args.backend.iter().enumerate() {
        let backend = crate::backend::usable(backend)?;
        for &cell in &args.cell {
            let shape = Shape {
                cell,
                input: args.input,
                hidden: args.hidden,
                layers: args.layers,
                bidirectional: args.bidirectional,
                lengths: Shape::lengths(args.batch, args.frames, args.lengths),
            };
            for work in works(args, cell) {
                // Streaming goes past the backends: once is enough.
                if matches!(work, Work::Stream | Work::Frozen) && index > 0 {
                    continue;
                }
                let memory = if work == Work::Train && std::mem::take(&mut memory_wanted) {
                    Some(benchmark::training_memory(&shape, backend)?)
                } else {
                    None
                };
                let measured = benchmark::time(work, &shape, backend, patience)?;
                rows.push(Row::new(work, &shape, backend, &measured, memory));
            }
        }
    }
    match args.format {
        BenchFormat::Json => println!("{}", serde_json::to_string_pretty(&rows)?),
        BenchFormat::Text => print!("{}", text(args, &rows)?),
    }
    Ok(ExitCode::SUCCESS)
}

/// What was asked for, or else everything that the network can do.
fn works(args: &Args, cell: CellKind) -> Vec<Work> {
    if !args.work.is_empty() {
        return args.work.clone();
    }
    let mut works = vec![Work::Train, Work::Infer, Work::One];
    if !args.bidirectional && cell != CellKind::PeepholeFull {
        works.extend([Work::Frozen, Work::Stream]);
    }
    works
}

/// The table for people.
fn text(args: &Args, rows: &[Row]) -> Result<String> {
    let mut text = format!(
        "{} inputs, {} hidden units, {} layer(s), {}; batch of {}, {}\n{} thread(s), {}\n\n",
        args.input,
        args.hidden,
        args.layers,
        if args.bidirectional {
            "both directions"
        } else {
            "one direction"
        },
        args.batch,
        match args.lengths {
            Some(range) => format!("{} to {} frames", range.least, range.most),
            None => format!("{} frames", args.frames),
        },
        rayon::current_num_threads(),
        kernel::instructions(),
    );
    text += &format!(
        "{:<7} {:<8} {:<17} {:>12} {:>12} {:>5} {:>8}\n",
        "work", "backend", "cell", "median", "shortest", "runs", "GFLOP/s"
    );
    for row in rows {
        let [work, cell] = [
            serde_json::to_value(row.work)?,
            serde_json::to_value(row.cell)?,
        ]
        .map(|name| name.as_str().unwrap_or_default().to_string());
        text += &format!(
            "{work:<7} {:<8} {cell:<17} {:>12} {:>12} {:>5} {:>8.1}\n",
            row.backend,
            duration(row.median_ms),
            duration(row.min_ms),
            row.runs,
            row.gflops
        );
        if let (Some(median), Some(min)) = (row.products_median_ms, row.products_min_ms) {
            text += &format!(
                "        its matrix-vector products alone {:>9} {:>12}   a frame takes {:.2} times as long\n",
                duration(median),
                duration(min),
                row.median_ms / median
            );
        }
        if let (Some(peak), Some(least)) = (row.peak_bytes, row.activation_bytes) {
            text += &format!(
                "        memory: {:.1} MB at most, {:.2} times the {:.1} MB that back-propagation must keep\n",
                peak as f64 / 1e6,
                peak as f64 / least as f64,
                least as f64 / 1e6
            );
        }
    }
    Ok(text)
}

fn duration(milliseconds: f64) -> String {
    if milliseconds < 0.1 {
        format!("{:.2} µs", 1000.0 * milliseconds)
    } else {
        format!("{milliseconds:.2} ms")
    }
}
