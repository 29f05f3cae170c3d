//! `runner synth`: a synthetic corpus to keep.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;

use crate::cli;
use crate::progress;
use crate::synth::{SynthSettings, write_corpus};

/// Writes the corpus and says what it is.
pub fn run(args: cli::Synth) -> Result<ExitCode> {
    let settings = SynthSettings {
        speakers: args.speakers,
        takes_per_emotion: args.takes,
        seed: args.seed,
    };
    write(&args.dir, &settings)?;
    println!(
        "Wrote a synthetic corpus to {}. Train on it with `runner train {}`.",
        args.dir.display(),
        args.dir.display()
    );
    Ok(ExitCode::SUCCESS)
}

/// Writes a corpus under a progress bar.
pub fn write(dir: &Path, settings: &SynthSettings) -> Result<()> {
    let bar = progress::bar("synthetic voices", 0);
    write_corpus(dir, settings, |done, total| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
    })?;
    bar.finish_and_clear();
    Ok(())
}
