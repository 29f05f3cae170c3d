//! `runner corpus`: what a folder of recordings holds.

use std::process::ExitCode;

use anyhow::Result;

use crate::cli;
use crate::corpus::AUTO;

/// Reads the recordings as a training would, and prints them counted.
pub fn run(args: cli::Corpus) -> Result<ExitCode> {
    let sources = super::sources(&args.dirs, AUTO, &args.options)?;
    let corpus = sources.open()?;
    for member in &corpus.members {
        println!("{}", super::how_read(member));
    }
    println!("{}", corpus.card.title);
    println!("Licence: {}", corpus.card.licence);
    println!("\n{}", corpus.counts());
    // All of them: this command is there to find out what is wrong.
    for skipped in &corpus.skipped {
        println!("skipped: {}: {}", skipped.path.display(), skipped.reason);
    }
    println!(
        "{} recordings of {} speakers, {} files skipped",
        corpus.clips.len(),
        corpus.speakers().len(),
        corpus.skipped.len()
    );
    Ok(ExitCode::SUCCESS)
}
