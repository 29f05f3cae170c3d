//! `affekt devices`: which backends can be used here, why one cannot, and the microphones.

use std::process::{Command, ExitCode};

use anyhow::Result;
use model::Backend;

use crate::backend;
use crate::sound::microphone;

/// `affekt devices`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Only compute something small on the graphics card: whether the process
    /// survives it decides what `--backend auto` takes.
    #[arg(long, hide = true)]
    pub probe: bool,
}

/// Lists the backends; the one that `auto` takes is marked.
pub fn run(args: &Args) -> Result<ExitCode> {
    if args.probe {
        Backend::Wgpu.self_test()?;
        return Ok(ExitCode::SUCCESS);
    }
    let auto = backend::usable(Backend::Auto)?;
    for backend in Backend::CONCRETE {
        let mark = if backend == auto { "* " } else { "  " };
        match backend.describe() {
            Ok(what) => println!("{mark}{:<8} {what}", backend.to_string()),
            Err(error) => println!("{mark}{:<8} not usable: {error}", backend.to_string()),
        }
    }
    println!(
        "\n* is what `--backend auto` takes.\n\nMicrophones for `affekt listen --input NAME`:"
    );
    match microphone::list() {
        Ok(list) if list.is_empty() => println!("  none"),
        Ok(list) => {
            for (name, description, is_default) in list {
                let mark = if is_default { "* " } else { "  " };
                println!("{mark}{name}\n    {description}");
            }
        }
        Err(error) => println!("  none: {error:#}"),
    }
    Ok(ExitCode::SUCCESS)
}

/// The command by which this program tries the graphics card in a process of
/// its own; none where the system does not tell where the program is.
pub fn probe() -> Option<Command> {
    let mut command = Command::new(std::env::current_exe().ok()?);
    command.args(["devices", "--probe"]);
    Some(command)
}
