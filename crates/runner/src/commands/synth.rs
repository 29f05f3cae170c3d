//! `affekt synth`: a synthetic corpus to keep.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use corpus::synth::{SynthSettings, write_corpus};

use crate::terminal;

/// `affekt synth`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The folder to write; made if need be
    pub dir: PathBuf,
    /// Speakers
    #[arg(long, default_value_t = 12)]
    pub speakers: usize,
    /// Recordings of each emotion and speaker
    #[arg(long, default_value_t = 4)]
    pub takes: usize,
    /// The seed: the same one writes the same bytes
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// Writes the corpus and says what it is.
pub fn run(args: &Args) -> Result<ExitCode> {
    let settings = SynthSettings {
        speakers: args.speakers,
        takes_per_emotion: args.takes,
        seed: args.seed,
    };
    write(&args.dir, &settings)?;
    println!(
        "Wrote a synthetic corpus to {}. Train on it with `affekt train {}`.",
        args.dir.display(),
        args.dir.display()
    );
    Ok(ExitCode::SUCCESS)
}

/// Writes a corpus under a progress bar.
pub fn write(dir: &Path, settings: &SynthSettings) -> Result<()> {
    let bar = terminal::bar("synthetic voices", 0);
    write_corpus(dir, settings, |done, total| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
    })?;
    bar.finish_and_clear();
    Ok(())
}
