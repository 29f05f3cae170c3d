//! Writing files and messages, alike for all commands.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// How many of a long list of files are named.
const NAMED: usize = 10;

/// Writes a file whole or not at all.
///
/// # Errors
///
/// Where it cannot be written; the message names it.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    audio::write_atomically(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// Says on standard error what happened to some files.
pub fn list<T: AsRef<str>>(what: &str, lines: &[T]) {
    for line in lines.iter().take(NAMED) {
        eprintln!("{what}: {}", line.as_ref());
    }
    if lines.len() > NAMED {
        eprintln!("{what}: and {} more", lines.len() - NAMED);
    }
}

/// Fails where nothing is left to work on.
///
/// # Errors
///
/// With this message, where `count` is 0.
pub fn ensure_some(count: usize, what: &str) -> Result<()> {
    if count == 0 {
        bail!("{what}");
    }
    Ok(())
}

/// The recordings that paths on the command line stand for, and what is wrong
/// with the others. A file is taken whatever its name, a folder is searched.
pub fn recordings(inputs: &[PathBuf]) -> (Vec<PathBuf>, Vec<String>) {
    let (mut files, mut failures) = (Vec::new(), Vec::new());
    for input in inputs {
        if input == Path::new("-") {
            files.push(input.clone());
            continue;
        }
        match corpus::walk::recordings(input) {
            Ok(found) => {
                files.extend(found.sounds);
                let unreadable = found.unreadable.iter();
                failures.extend(unreadable.map(|s| format!("{}: {}", s.path.display(), s.reason)));
            }
            Err(error) => failures.push(error.to_string()),
        }
    }
    (files, failures)
}

/// A word as it follows a number.
pub fn plural(count: usize, word: &str) -> String {
    match count {
        1 => word.to_owned(),
        _ => format!("{word}s"),
    }
}
