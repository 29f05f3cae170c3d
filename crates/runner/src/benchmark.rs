//! What recurrent layers cost on this machine, in time and memory.
//!
//! A time is taken from outside: everything is ready before the clock starts,
//! and a device has finished before it stops. The first runs are thrown away,
//! in which caches fill and buffers come from the operating system.

mod row;
mod shape;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use burn::tensor::{Device, Tensor};
use model::Backend;
use recurrent::{Dropout, Live, Recurrent};

use crate::commands::bench::Work;

pub use row::Row;
pub use shape::Shape;

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
        Work::Frozen => {
            let network = shape.network(&device).frozen()?;
            let (time, batch) = (shape.time(), shape.lengths.len());
            let inputs = shape.noise(batch * time);
            let run = || {
                let outputs = network.batch(&inputs, &shape.lengths, time);
                drop(std::hint::black_box(outputs));
                Ok(())
            };
            let times = Times::measure(patience, || timed(run))?;
            Ok(measured(times, frames, false))
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

#[cfg(test)]
mod tests {
    use recurrent::CellKind;

    use super::*;

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
