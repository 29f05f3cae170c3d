//! Progress bars, drawn on standard error so that output stays clean for pipes.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar with its title, place and time left; hidden where standard error is no terminal.
pub fn bar(title: &str, length: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix:<18} {bar:30} {pos:>5}/{len} {msg} {eta:>4}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length)
        .with_style(style)
        .with_prefix(title.to_string())
}
