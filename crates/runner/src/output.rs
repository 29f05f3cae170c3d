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

/// The format that was asked for, else the one that the ending of the output file
/// tells, else the first: `endings` are all of them, without the dot, in lower case.
///
/// # Errors
///
/// Where the ending is not among them, and for Parquet without a file.
pub fn format<F: Copy + PartialEq>(
    asked: Option<F>,
    out: Option<&Path>,
    endings: &[(&str, F)],
) -> Result<F> {
    let of_parquet = endings.iter().find(|(ending, _)| *ending == "parquet");
    if out.is_none() && asked.is_some() && asked == of_parquet.map(|(_, format)| *format) {
        bail!("Parquet is written into a file: add --out FILE.parquet");
    }
    let (None, Some(out)) = (asked, out) else {
        return Ok(asked.unwrap_or(endings[0].1));
    };
    let ending = out.extension().unwrap_or_default().to_string_lossy();
    let found = endings
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(&ending));
    found.map(|(_, format)| *format).with_context(|| {
        let known: Vec<_> = endings.iter().map(|(e, _)| format!(".{e}")).collect();
        format!(
            "{}: the ending tells the format ({}); for another name give --format",
            out.display(),
            known.join(", ")
        )
    })
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

/// Something to read, or why it cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The file, or `-` for standard input.
    pub path: PathBuf,
    /// Why it cannot be read, with the path.
    pub failure: Option<String>,
}

/// The recordings that paths on the command line stand for. A file is taken whatever
/// its name, a folder is searched; what cannot be read of it is among them.
pub fn recordings(inputs: &[PathBuf]) -> Vec<Input> {
    let mut all = Vec::new();
    let input = |path: &Path, failure| Input {
        path: path.to_path_buf(),
        failure,
    };
    for path in inputs {
        if path == Path::new("-") {
            all.push(input(path, None));
            continue;
        }
        match corpus::walk::recordings(path) {
            Ok(found) => {
                all.extend(found.sounds.iter().map(|sound| input(sound, None)));
                let unreadable = found.unreadable.iter();
                all.extend(unreadable.map(|skipped| {
                    let path = &skipped.path;
                    input(
                        path,
                        Some(format!("{}: {}", path.display(), skipped.reason)),
                    )
                }));
            }
            Err(error) => all.push(input(path, Some(error.to_string()))),
        }
    }
    all
}

/// Minutes, seconds and hundredths.
pub fn clock(seconds: f64) -> String {
    let all = (seconds * 100.0).round() as u64;
    format!("{}:{:02}.{:02}", all / 6000, all / 100 % 60, all % 100)
}

/// A number with its word: `1 clip`, `2 clips`.
pub fn count(count: usize, word: &str) -> String {
    format!("{count} {}", plural(count, word))
}

/// A word as it follows a number.
pub fn plural(count: usize, word: &str) -> String {
    match count {
        1 => word.to_owned(),
        _ => format!("{word}s"),
    }
}
