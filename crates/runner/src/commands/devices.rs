//! `runner devices`: which backends are usable here, and why one is not.

use std::process::ExitCode;

use anyhow::Result;
use model::Backend;

/// Lists the backends; the one that `auto` stands for is marked.
pub fn run() -> Result<ExitCode> {
    let auto = Backend::Auto.resolve();
    for backend in Backend::CONCRETE {
        let mark = if backend == auto { "* " } else { "  " };
        match backend.describe() {
            Ok(what) => println!("{mark}{:<8} {what}", backend.to_string()),
            Err(error) => println!("{mark}{:<8} not usable: {error}", backend.to_string()),
        }
    }
    println!("\n* is what `--backend auto` takes.");
    Ok(ExitCode::SUCCESS)
}
