//! `affekt cache`: the features that are kept from earlier trainings.

use std::process::ExitCode;

use anyhow::Result;
use training::{FeatureStore, Usage};

/// `affekt cache`.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  affekt cache                                  where the features are, and how much
  affekt cache --clear                          remove all of them

Trainings and evaluations keep the features of every clip, so that they are
extracted once. All trainings share them, several at once too. They are found
again by the content of the recording and the settings, so they are never out of
date. When they exceed the limit, those that were not used for the longest time
are removed.

AFFEKT_CACHE_DIR names another folder, AFFEKT_CACHE_LIMIT another limit in GiB.")]
pub struct Args {
    /// Remove all of them
    #[arg(long)]
    pub clear: bool,
}

/// Shows or clears the store.
pub fn run(args: &Args) -> Result<ExitCode> {
    let store = FeatureStore::of_user()?;
    if args.clear {
        let Usage { clips, bytes } = store.clear()?;
        println!("Removed the features of {clips} clips ({})", size(bytes));
        return Ok(ExitCode::SUCCESS);
    }
    let Usage { clips, bytes } = store.usage()?;
    println!("{}", store.folder().display());
    println!(
        "{clips} clips in all variants, {} of at most {}",
        size(bytes),
        size(store.limit())
    );
    Ok(ExitCode::SUCCESS)
}

/// Bytes for people.
fn size(bytes: u64) -> String {
    match bytes as f64 {
        few if few < 1e6 => format!("{:.1} kB", few / 1e3),
        more if more < 1e9 => format!("{:.1} MB", more / 1e6),
        many => format!("{:.2} GB", many / 1e9),
    }
}
