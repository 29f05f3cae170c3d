//! The `runner` command: see [`runner::cli`] for what it takes.

use std::process::ExitCode;

use clap::Parser;
use runner::cli::{Cli, Command};
use runner::commands;

fn main() -> ExitCode {
    // Wrong usage ends the process here, with exit code 2.
    let cli = Cli::parse();
    let result = match cli.command {
        Command::Train(args) => commands::train::run(args),
        Command::CrossValidate(args) => commands::cross_validate::run(args),
        Command::Corpus(args) => commands::corpus::run(args),
        Command::Classify(args) => commands::classify::run(args),
        Command::Evaluate(args) => commands::evaluate::run(args),
        Command::Info(args) => commands::info::run(args),
        Command::Devices(args) => commands::devices::run(args),
        Command::Features(args) => commands::features::run(args),
        Command::Plot(args) => commands::plot::run(args),
        Command::Ensemble(args) => commands::ensemble::run(args),
        Command::Export(args) => commands::export::run(args),
        Command::Synth(args) => commands::synth::run(args),
        Command::Bench(args) => commands::bench::run(args),
    };
    match result {
        Ok(code) => code,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// A reader that has seen enough, `runner classify … | head` say, is no error.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    })
}
