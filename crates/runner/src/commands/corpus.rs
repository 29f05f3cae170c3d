//! `affekt corpus`: what a folder of recordings holds.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use corpus::{AUTO, Split, split_by_speaker};
use training::Settings;

use crate::check;
use crate::corpus_options::{CorpusOptions, how_read};
use crate::output::count;
use crate::terminal::Terminal;

/// `affekt corpus`.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  affekt corpus ravdess/                        found by its file names
  affekt corpus sorted/ --speaker-pattern '/(?<speaker>[a-z]+)_'
  affekt corpus calls/manifest.csv --check      decodes every recording, too
  affekt corpus ravdess/ emodb/wav/ --labels map.toml --label-set common

A folder is one of
  a known corpus       ravdess, emodb, crema-d, iemocap and others (the table in
                       datasets/README.md), or one with a card of your own
  a folder per label   anger/a.wav, joy/b.wav
  a manifest           manifest.csv: path,label,speaker[,start,end][,split]
--check looks for what would spoil a training: recordings that cannot be read, are
silent, clipped, far too long or there twice, and labels with too few clips. `train`
does the same before its first epoch. Errors give exit code 1.

Nothing is guessed: a file that does not fit is listed with the reason, and a
folder that can be read in two ways is an error. datasets/README.md has it all.")]
pub struct Args {
    /// Folders, manifests (.csv) or a list of corpora (.toml)
    #[arg(required = true, value_name = "DIR|FILE")]
    pub dirs: Vec<PathBuf>,
    /// How they are read.
    #[command(flatten)]
    pub options: CorpusOptions,
    /// Decode every recording and look for what would spoil a training
    #[arg(long)]
    pub check: bool,
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
    for note in &corpus.notes {
        println!("note: {note}");
    }
    println!("\n{}", corpus.counts());
    // All of them: this command is there to find out what is wrong.
    for skipped in &corpus.skipped {
        println!("skipped: {}: {}", skipped.path.display(), skipped.reason);
    }
    println!(
        "{} of {}, {} skipped",
        count(corpus.clips.len(), "recording"),
        count(corpus.speakers().len(), "speaker"),
        count(corpus.skipped.len(), "file")
    );
    if !args.check {
        return Ok(ExitCode::SUCCESS);
    }
    // As `train` would split it, where it can be split.
    let split = split_by_speaker(&corpus, None, None, Settings::default().seed);
    let splits: Vec<Split> = split.into_iter().collect();
    let found = check::findings(&corpus, &splits, &Terminal::new()?);
    check::print(&found);
    println!(
        "checked: {}, {}",
        count(found.errors.len(), "error"),
        count(found.warnings.len(), "warning")
    );
    Ok(match found.errors.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}
