//! What recurrent layers cost on this machine, in time and memory.
//!
//! A time is taken from outside: everything is ready before the clock starts,
//! and a device has finished before it stops. The first runs are thrown away,
//! in which caches fill and buffers come from the operating system.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use burn::tensor::{Device, Tensor, TensorData};
use model::Backend;
use model::recurrent::{CellKind, Dropout, Init, Live, Recurrent, RecurrentConfig, kernel};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use crate::cli::{Lengths, Work};

/// The seed of weights, inputs and lengths.
const SEED: u64 = 1;

/// A network and a batch of sequences for it.
#[derive(Clone, Debug)]
pub struct Shape {
    /// What the layers are made of.
    pub cell: CellKind,
    /// Features of a frame.
    pub input: usize,
    /// Hidden units of a layer and direction.
    pub hidden: usize,
    /// Layers.
    pub layers: usize,
    /// Whether layers also walk backwards.
    pub bidirectional: bool,
    /// Frames of each sequence of the batch.
    pub lengths: Vec<usize>,
}

impl Shape {
    /// Lengths for a batch: all of them `frames`, or drawn from a range.
    pub fn lengths(batch: usize, frames: usize, range: Option<Lengths>) -> Vec<usize> {
        let mut rng = ChaCha8Rng::seed_from_u64(SEED);
        (0..batch)
            .map(|_| range.map_or(frames, |r| rng.random_range(r.least..=r.most)))
            .collect()
    }

    fn network(&self, device: &Device) -> Recurrent {
        RecurrentConfig {
            layers: self.layers,
            bidirectional: self.bidirectional,
            ..RecurrentConfig::new(self.cell, self.input, self.hidden)
        }
        .init(&mut Init::new(SEED, device))
    }

    /// Frames of the longest sequence.
    pub fn time(&self) -> usize {
        self.lengths.iter().copied().max().unwrap_or(0)
    }

    /// `frames * input` numbers in ±1.
    fn noise(&self, frames: usize) -> Vec<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(SEED);
        let count = frames * self.input;
        (0..count).map(|_| rng.random_range(-1.0..1.0)).collect()
    }

    fn inputs(&self, device: &Device) -> Tensor<3> {
        let shape = [self.lengths.len(), self.time(), self.input];
        let values = self.noise(shape[0] * shape[1]);
        Tensor::from_data(TensorData::new(values, shape), device)
    }

    fn directions(&self) -> usize {
        1 + usize::from(self.bidirectional)
    }

    /// The operations that the formulas need for `frames` frames, by
    /// [`kernel`]'s count: products only, and padding none.
    pub fn operations(&self, frames: usize, backward: bool) -> f64 {
        let (blocks, more) = match self.cell {
            CellKind::PeepholeFull => (4, 3),
            CellKind::Lstm | CellKind::Peephole => (4, 0),
            CellKind::Coupled | CellKind::Gru | CellKind::GruResetBefore => (3, 0),
            CellKind::Rnn | CellKind::RnnRelu => (1, 0),
        };
        let layer = |index: usize| {
            let inner = index > 0;
            let input = if inner {
                self.directions() * self.hidden
            } else {
                self.input
            };
            let of_input = blocks * self.hidden * input;
            let of_state = (blocks + more) * self.hidden * self.hidden;
            // Backwards, the gradients of the weights and those of what the
            // weights met; the inputs' own only between layers.
            let back = 2 * of_state + of_input * (1 + usize::from(inner));
            of_input + of_state + if backward { back } else { 0 }
        };
        let products: usize = (0..self.layers).map(layer).sum();
        2.0 * (products * self.directions() * frames) as f64
    }

    /// Bytes that back-propagation cannot do without: the activated gates, the
    /// cells, the hidden states and the inputs of every layer and frame.
    pub fn activation_bytes(&self) -> usize {
        let (gates, cell) = match self.cell {
            CellKind::Lstm | CellKind::Peephole | CellKind::PeepholeFull => (4, 1),
            CellKind::Coupled => (3, 1),
            CellKind::Gru | CellKind::GruResetBefore => (3, 0),
            CellKind::Rnn | CellKind::RnnRelu => (0, 0),
        };
        let layer = self.directions() * self.hidden * (gates + cell + 1);
        let frames: usize = self.lengths.iter().sum();
        4 * frames * (self.input + self.layers * layer)
    }
}

/// How often and how long a work is timed.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Most runs.
    pub runs: usize,
    /// About the longest time for them.
    pub most: Duration,
}

/// Runs that are made even where they take longer than is wanted.
const LEAST_RUNS: usize = 3;

/// Seconds of each run, in ascending order.
#[derive(Clone, Debug)]
pub struct Times(Vec<f64>);

impl Times {
    fn new(mut seconds: Vec<f64>) -> Self {
        seconds.sort_by(f64::total_cmp);
        Times(seconds)
    }

    /// Calls `run` until patience ends, a few times beforehand without the
    /// clock. A run gives its own seconds.
    fn measure(patience: Patience, mut run: impl FnMut() -> Result<f64>) -> Result<Self> {
        let begin = Instant::now();
        for _ in 0..LEAST_RUNS {
            run()?;
            if begin.elapsed() > patience.most / 4 {
                break;
            }
        }
        let begin = Instant::now();
        let mut seconds = Vec::with_capacity(patience.runs);
        while seconds.len() < patience.runs
            && (seconds.len() < LEAST_RUNS || begin.elapsed() < patience.most)
        {
            seconds.push(run()?);
        }
        Ok(Self::new(seconds))
    }

    /// The one in the middle.
    pub fn median(&self) -> f64 {
        let n = self.0.len();
        (self.0[(n - 1) / 2] + self.0[n / 2]) / 2.0
    }

    /// The shortest.
    pub fn min(&self) -> f64 {
        self.0[0]
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

/// What was measured of one work.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Of one run; of one frame for [`Work::Stream`].
    pub times: Times,
    /// Of a frame's matrix-vector products alone, for [`Work::Stream`].
    pub products: Option<Times>,
    /// Operations of one run, of one frame for [`Work::Stream`].
    pub operations: f64,
}

/// Times one work.
///
/// # Errors
///
/// A backend that is not there, and streaming where the network cannot.
pub fn time(work: Work, shape: &Shape, backend: Backend, patience: Patience) -> Result<Measured> {
    let device = backend.device()?;
    let frames: usize = shape.lengths.iter().sum();
    let measured = |times, frames, backward| Measured {
        times,
        products: None,
        operations: shape.operations(frames, backward),
    };
    match work {
        Work::Train => {
            let mut training = Training::new(shape, &device);
            let times = Times::measure(patience, || timed(|| training.step()))?;
            Ok(measured(times, frames, true))
        }
        Work::Infer | Work::One => {
            let one = Shape {
                lengths: vec![shape.time()],
                ..shape.clone()
            };
            let shape = if work == Work::One { &one } else { shape };
            let network = shape.network(&device);
            let inputs = shape.inputs(&device);
            let run = || {
                let outputs =
                    network.forward(inputs.clone(), &shape.lengths, &mut Dropout::inference());
                finished(&device)?;
                drop(outputs);
                Ok(())
            };
            let times = Times::measure(patience, || timed(run))?;
            Ok(measured(times, shape.lengths.iter().sum(), false))
        }
        Work::Stream => {
            let mut live = shape.network(&device).live()?;
            let noise = shape.noise(shape.time());
            // Turn by turn, so that both meet the same machine.
            let mut products = Vec::new();
            let times = Times::measure(patience, || {
                products.push(each_frame(shape, &noise, &mut live, Live::products));
                Ok(each_frame(shape, &noise, &mut live, |live, frame| {
                    std::hint::black_box(live.step(frame));
                }))
            })?;
            let counted = products.split_off(products.len() - times.count());
            Ok(Measured {
                products: Some(Times::new(counted)),
                ..measured(times, 1, false)
            })
        }
    }
}

/// Seconds that `step` takes for a frame, on average over all of `frames`.
fn each_frame(
    shape: &Shape,
    frames: &[f32],
    live: &mut Live,
    mut step: impl FnMut(&mut Live, &[f32]),
) -> f64 {
    live.reset();
    let begin = Instant::now();
    for frame in frames.chunks_exact(shape.input) {
        step(live, std::hint::black_box(frame));
    }
    begin.elapsed().as_secs_f64() * shape.input as f64 / frames.len() as f64
}

fn timed(run: impl FnOnce() -> Result<()>) -> Result<f64> {
    let begin = Instant::now();
    run()?;
    Ok(begin.elapsed().as_secs_f64())
}

fn finished(device: &Device) -> Result<()> {
    match device.sync() {
        Ok(()) => Ok(()),
        Err(error) => bail!("the device failed: {error:?}"),
    }
}

/// A network that is to be trained, and the batch for it.
struct Training<'a> {
    network: Recurrent,
    inputs: Tensor<3>,
    lengths: &'a [usize],
    device: Device,
}

impl<'a> Training<'a> {
    fn new(shape: &'a Shape, device: &Device) -> Self {
        let device = device.clone().autodiff();
        Training {
            network: shape.network(&device),
            inputs: shape.inputs(&device),
            lengths: &shape.lengths,
            device,
        }
    }

    fn step(&mut self) -> Result<()> {
        let outputs =
            self.network
                .forward(self.inputs.clone(), self.lengths, &mut Dropout::inference());
        let gradients = outputs.square().mean().backward();
        finished(&self.device)?;
        drop(gradients);
        Ok(())
    }
}

/// Bytes by which a training makes the process grow at most, from before its
/// network and its batch are there to the end of its third step.
///
/// What the process has at rest from earlier trainings would not count, so
/// this comes first.
///
/// # Errors
///
/// Where the operating system is not Linux, and does not tell.
pub fn training_memory(shape: &Shape, backend: Backend) -> Result<usize> {
    let device = backend.device()?;
    // Threads start and the program's own pages come in before it counts.
    let tiny = Shape {
        lengths: vec![2; shape.lengths.len().min(8)],
        ..shape.clone()
    };
    Training::new(&tiny, &device).step()?;
    let before = status_bytes("VmRSS")?;
    std::fs::write("/proc/self/clear_refs", "5").context(UNTOLD)?;
    let mut training = Training::new(shape, &device);
    for _ in 0..3 {
        training.step()?;
    }
    Ok(status_bytes("VmHWM")?.saturating_sub(before))
}

const UNTOLD: &str = "the peak memory is known on Linux only; leave --memory out";

fn status_bytes(field: &str) -> Result<usize> {
    let status = std::fs::read_to_string("/proc/self/status").context(UNTOLD)?;
    status
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))
        .and_then(|value| value.trim().strip_suffix(" kB")?.parse::<usize>().ok())
        .map(|kilobytes| kilobytes * 1024)
        .context(UNTOLD)
}

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
            Work::Train | Work::Infer => (shape.lengths.len(), time),
            Work::One => (1, time),
            Work::Stream => (1, 1),
        };
        let unlike = batch > 1 && shape.lengths.iter().any(|&n| n != time);
        Row {
            work,
            backend: match work {
                Work::Stream => "cpu".into(),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn shape() -> Shape {
        Shape {
            cell: CellKind::Lstm,
            input: 40,
            hidden: 128,
            layers: 1,
            bidirectional: false,
            lengths: vec![300; 32],
        }
    }

    #[test]
    fn operations_are_those_that_the_kernel_documents() {
        let forward = shape().operations(9600, false);
        let both = shape().operations(9600, true);
        assert_eq!((forward / 1e7).round(), 165.0);
        assert_eq!(((both - forward) / 1e7).round(), 291.0);
    }

    #[test]
    fn activations_are_gates_cells_hidden_states_and_inputs() {
        assert_eq!(shape().activation_bytes(), 4 * 9600 * (6 * 128 + 40));
    }

    #[test]
    fn lengths_come_from_their_range_and_are_always_the_same() {
        let range = Lengths { least: 3, most: 5 };
        let lengths = Shape::lengths(64, 300, Some(range));
        assert_eq!(lengths, Shape::lengths(64, 300, Some(range)));
        assert!((3..=5).all(|n| lengths.contains(&n)));
        assert!(lengths.iter().all(|n| (3..=5).contains(n)));
        assert_eq!(Shape::lengths(2, 300, None), [300, 300]);
    }

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        let times = Times::new(vec![4.0, 1.0, 2.0, 3.0]);
        assert_eq!((times.median(), times.min()), (2.5, 1.0));
    }

    #[test]
    fn every_cell_does_every_work_it_can() {
        let patience = Patience {
            runs: 1,
            most: Duration::ZERO,
        };
        for cell in CellKind::ALL {
            let shape = Shape {
                cell,
                input: 3,
                hidden: 5,
                layers: 2,
                bidirectional: false,
                lengths: vec![2, 4],
            };
            for work in [Work::Train, Work::Infer, Work::One, Work::Stream] {
                match time(work, &shape, Backend::Flex, patience) {
                    Ok(measured) => assert!(measured.times.min() > 0.0),
                    Err(_) => assert_eq!((cell, work), (CellKind::PeepholeFull, Work::Stream)),
                }
            }
        }
    }
}
