//! Progress bars and Ctrl-C: how a terminal watches long work.
//!
//! Bars are drawn on standard error, so that output stays clean for pipes, and
//! not at all where standard error is no terminal.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use metrics::EpochMetrics;
use training::{Event, Observer};

/// What the shell says of a program that Ctrl-C ended.
pub const INTERRUPTED: u8 = 130;

/// A bar with its title, its place and the time left.
pub fn bar(title: &str, length: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix:<18} {bar:30} {pos:>5}/{len} {msg} {eta:>4}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length)
        .with_style(style)
        .with_prefix(title.to_string())
}

/// Watches trainings: a bar for each stage. The first Ctrl-C interrupts, the
/// second ends the process at once.
pub struct Terminal {
    bar: Mutex<ProgressBar>,
    interrupted: Arc<AtomicBool>,
}

impl Terminal {
    /// Starts to watch for Ctrl-C; once in a process.
    ///
    /// # Errors
    ///
    /// Where the system does not allow it.
    pub fn new() -> Result<Self> {
        Ok(Self {
            bar: Mutex::new(ProgressBar::hidden()),
            interrupted: watch_for_interruption()?,
        })
    }
}

/// Whether Ctrl-C was pressed; the second time it ends the process at once. Once in a
/// process.
///
/// # Errors
///
/// Where the system does not allow it.
pub fn interruption() -> Result<impl Fn() -> bool> {
    let interrupted = watch_for_interruption()?;
    Ok(move || interrupted.load(Ordering::Relaxed))
}

fn watch_for_interruption() -> Result<Arc<AtomicBool>> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let seen = interrupted.clone();
    ctrlc::set_handler(move || {
        if seen.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(INTERRUPTED));
        }
    })
    .context("cannot watch for Ctrl-C")?;
    Ok(interrupted)
}

impl Observer for Terminal {
    fn notice(&self, event: Event<'_>) {
        let Ok(mut bar) = self.bar.lock() else {
            return;
        };
        match event {
            Event::Begin { stage, steps, done } => {
                *bar = self::bar(&stage.to_string(), steps);
                bar.set_position(done);
                bar.reset_eta();
            }
            Event::Advance(steps) => bar.inc(steps),
            Event::Epoch(metrics) => bar.set_message(message(metrics)),
            Event::End => bar.finish_and_clear(),
            _ => {}
        }
    }

    fn interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}

/// An epoch in a few words.
fn message(metrics: &EpochMetrics) -> String {
    let uar = metrics.validation_uar;
    let uar = uar.map_or(String::new(), |uar| format!(" validation UAR {uar:.3}"));
    format!(
        "epoch {} loss {:.3}{uar}",
        metrics.epoch, metrics.train_loss
    )
}
