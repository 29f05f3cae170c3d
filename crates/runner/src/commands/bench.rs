//! `runner bench`: what recurrent layers cost on this machine.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use model::recurrent::{CellKind, kernel};

use crate::benchmark::{self, Patience, Row, Shape};
use crate::cli::{self, BenchFormat, Work};

/// Times every work with every cell on every backend.
pub fn run(args: cli::Bench) -> Result<ExitCode> {
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
        let backend = backend.resolve();
        for &cell in &args.cell {
            let shape = Shape {
                cell,
                input: args.input,
                hidden: args.hidden,
                layers: args.layers,
                bidirectional: args.bidirectional,
                lengths: Shape::lengths(args.batch, args.frames, args.lengths),
            };
            for work in works(&args, cell) {
                // Streaming goes past the backends: once is enough.
                if work == Work::Stream && index > 0 {
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
        BenchFormat::Text => print!("{}", text(&args, &rows)?),
    }
    Ok(ExitCode::SUCCESS)
}

/// What was asked for, or else everything that the network can do.
fn works(args: &cli::Bench, cell: CellKind) -> Vec<Work> {
    if !args.work.is_empty() {
        return args.work.clone();
    }
    let mut works = vec![Work::Train, Work::Infer, Work::One];
    if !args.bidirectional && cell != CellKind::PeepholeFull {
        works.push(Work::Stream);
    }
    works
}

/// The table for people.
fn text(args: &cli::Bench, rows: &[Row]) -> Result<String> {
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
