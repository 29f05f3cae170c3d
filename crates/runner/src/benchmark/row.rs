//! What was measured, as a line of a report.

use model::Backend;
use recurrent::{CellKind, kernel};
use serde::Serialize;

use super::{Measured, Shape};
use crate::commands::bench::Work;

/// One line of the report, as JSON has it.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// What was timed.
    pub work: Work,
    /// Where; `cpu` for streaming, which goes past the backends.
    pub backend: String,
    /// The cell.
    pub cell: CellKind,
    /// Features of a frame.
    pub input: usize,
    /// Hidden units of a layer and direction.
    pub hidden: usize,
    /// Layers.
    pub layers: usize,
    /// Whether layers also walk backwards.
    pub bidirectional: bool,
    /// Sequences at once.
    pub batch: usize,
    /// Frames of the longest sequence; 1 for streaming.
    pub frames: usize,
    /// Frames of each sequence, where they differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lengths: Option<Vec<usize>>,
    /// Threads that may work.
    pub threads: usize,
    /// The vector instructions of the kernel.
    pub instructions: &'static str,
    /// Milliseconds of the middle run.
    pub median_ms: f64,
    /// Milliseconds of the shortest run.
    pub min_ms: f64,
    /// Runs that were timed.
    pub runs: usize,
    /// The formulas' operations over the middle run's time.
    pub gflops: f64,
    /// Streaming: milliseconds of a frame's bare matrix-vector products, the middle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub products_median_ms: Option<f64>,
    /// The same, the shortest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub products_min_ms: Option<f64>,
    /// Training, if asked for: bytes by which the process grew at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_bytes: Option<usize>,
    /// Beside it: bytes that back-propagation must keep.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activation_bytes: Option<usize>,
}

impl Row {
    /// The line of one work; `memory` is that of a training.
    pub fn new(
        work: Work,
        shape: &Shape,
        backend: Backend,
        measured: &Measured,
        memory: Option<usize>,
    ) -> Self {
        let milliseconds = |seconds: f64| 1000.0 * seconds;
        let products = measured.products.as_ref();
        let time = shape.time();
        let (batch, frames) = match work {
            Work::Train | Work::Infer | Work::Frozen => (shape.lengths.len(), time),
            Work::One => (1, time),
            Work::Stream => (1, 1),
        };
        let unlike = batch > 1 && shape.lengths.iter().any(|&n| n != time);
        Row {
            work,
            backend: match work {
                Work::Stream | Work::Frozen => "cpu".into(),
                _ => backend.to_string(),
            },
            cell: shape.cell,
            input: shape.input,
            hidden: shape.hidden,
            layers: shape.layers,
            bidirectional: shape.bidirectional,
            batch,
            frames,
            lengths: unlike.then(|| shape.lengths.clone()),
            threads: if work == Work::Stream {
                1
            } else {
                rayon::current_num_threads()
            },
            instructions: kernel::instructions(),
            median_ms: milliseconds(measured.times.median()),
            min_ms: milliseconds(measured.times.min()),
            runs: measured.times.count(),
            gflops: measured.operations / measured.times.median() / 1e9,
            products_median_ms: products.map(|times| milliseconds(times.median())),
            products_min_ms: products.map(|times| milliseconds(times.min())),
            peak_bytes: memory,
            activation_bytes: memory.map(|_| shape.activation_bytes()),
        }
    }
}
