//! `affekt corpus`: what a folder of recordings holds.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use corpus::AUTO;

use crate::corpus_options::{CorpusOptions, how_read};

/// `affekt corpus`.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  affekt corpus ravdess/                        found by its file names
  affekt corpus sorted/ --speaker-pattern '/(?<speaker>[a-z]+)_'
  affekt corpus calls/manifest.csv
  affekt corpus ravdess/ emodb/wav/ --labels map.toml --label-set common

A folder is one of
  a known corpus       ravdess, ravdess-song, emodb, crema-d, tess, savee, emovo, nemo,
                       or one with a card of your own
  a folder per label   anger/a.wav, joy/b.wav
  a manifest           manifest.csv: path,label,speaker[,start,end][,split]
Nothing is guessed: a file that does not fit is listed with the reason, and a
folder that can be read in two ways is an error. datasets/README.md has it all.")]
pub struct Args {
    /// Folders, manifests (.csv) or a list of corpora (.toml)
    #[arg(required = true, value_name = "DIR|FILE")]
    pub dirs: Vec<PathBuf>,
    /// How they are read.
    #[command(flatten)]
    pub options: CorpusOptions,
}

/// Reads the recordings as a training would, and prints them counted.
pub fn run(args: &Args) -> Result<ExitCode> {
    let sources = args.options.sources(&args.dirs, AUTO)?;
    let corpus = sources.open()?;
    for member in &corpus.members {
        println!("{}", how_read(member));
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
