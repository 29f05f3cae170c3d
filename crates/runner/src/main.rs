//! The `affekt` command: see [`cli`] for what it takes.
//!
//! Everything that the program decides lives in the library crates. Here are
//! the command line ([`commands`], one file a command), the terminal
//! ([`terminal`]) and what several commands share.

mod backend;
mod benchmark;
mod check;
mod cli;
mod commands;
mod corpus_options;
mod decode_options;
mod encoder_process;
mod error_message;
mod live_options;
mod model_options;
mod output;
mod settings_options;
mod sound;
mod stage_output;
mod sturdiness;
mod terminal;
mod test_clips;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;

fn main() -> ExitCode {
    // Wrong usage ends the process here, with exit code 2.
    match Cli::parse().command.run() {
        Ok(code) => code,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", error_message::message(&error));
            ExitCode::FAILURE
        }
    }
}

/// A reader that has seen enough, such as `affekt classify ... | head`, is not an error.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    })
}
