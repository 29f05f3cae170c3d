//! `runner devices`: which backends are usable here, and why one is not.

use std::process::ExitCode;

use anyhow::Result;
use model::Backend;

use crate::{cli, trial};

/// Lists the backends; the one that `auto` stands for is marked.
pub fn run(args: cli::Devices) -> Result<ExitCode> {
    if args.trial {
        trial::compute()?;
        return Ok(ExitCode::SUCCESS);
    }
    let auto = trial::usable(Backend::Auto)?;
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
