//! The sound files below a folder.
//!
//! Whatever reads a folder of recordings reads it by [`walk`]: a corpus to train
//! on, and recordings to classify. The rules are the same everywhere:
//!
//! - a sound file is known by its extension, in any case (`.wav`, `.mp3`, ...);
//! - the order is fixed: sub-folders and files by the bytes of their names;
//! - hidden files and folders (`.trash`, the `._` files of macOS) and
//!   `__MACOSX` are passed over silently. The folder asked for may be hidden;
//! - links are followed. A link that leads back to a folder above it, a broken
//!   link and a folder that cannot be read are reported in [`Found::unreadable`],
//!   and the walk goes on.
//!
//! A path that somebody names directly is taken whatever its name:
//! [`recordings`].
//!
//! ```
//! # let folder = tempfile::tempdir().unwrap();
//! # let root = folder.path();
//! for name in ["b.mp3", "a.WAV", "notes.txt", ".hidden.wav"] {
//!     std::fs::write(root.join(name), "").unwrap();
//! }
//! let found = corpus::walk::walk(root)?;
//! assert_eq!(found.sounds, [root.join("a.WAV"), root.join("b.mp3")]);
//! assert_eq!(found.others, [root.join("notes.txt")]);
//! # Ok::<(), corpus::CorpusError>(())
//! ```

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use audio::{EXTENSIONS, is_audio_name};
use walkdir::WalkDir;

use crate::{CorpusError, Skipped};

/// The extensions of kinds of file that keep the samples as they are.
const LOSSLESS: [&str; 7] = ["wav", "wave", "flac", "aif", "aiff", "aifc", "caf"];

/// What lies below a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Found {
    /// Sound files in the order of their paths.
    pub sounds: Vec<PathBuf>,
    /// Other files, in the same order.
    pub others: Vec<PathBuf>,
    /// Folders that could not be read and links that could not be followed,
    /// with the reason.
    pub unreadable: Vec<Skipped>,
}

/// Walks the folder `root` by the [rules](self) above. A folder without sound
/// files is no error; [`Found::sounds`] is then empty.
///
/// # Errors
///
/// [`CorpusError::Layout`] where `root` does not exist or is not a folder,
/// [`CorpusError::Io`] where it cannot be read.
pub fn walk(root: &Path) -> Result<Found, CorpusError> {
    walk_for(root, None)
}

/// The recordings that `path` stands for: every sound file below it if it is a
/// folder, else the path itself, whatever its name. That a file exists and can be
/// decoded is found out when it is opened.
///
/// # Errors
///
/// As [`walk`], and [`CorpusError::Layout`] for a folder without a sound file.
pub fn recordings(path: &Path) -> Result<Found, CorpusError> {
    if !path.is_dir() {
        return Ok(Found {
            sounds: vec![path.to_path_buf()],
            ..Found::default()
        });
    }
    let found = walk(path)?;
    match found.sounds.is_empty() {
        true => Err(CorpusError::layout(path, found.no_sounds(path))),
        false => Ok(found),
    }
}

/// Whether this kind of file, as a rule, keeps the samples as they are.
pub(crate) fn is_lossless_name(path: &Path) -> bool {
    has_extension(path, &LOSSLESS)
}

/// [`walk`]; `expected` ends the message about a folder that does not exist.
pub(crate) fn walk_for(root: &Path, expected: Option<&str>) -> Result<Found, CorpusError> {
    check_folder(root, expected)?;
    let mut found = Found::default();
    let entries = WalkDir::new(root).follow_links(true).sort_by_file_name();
    for entry in entries
        .into_iter()
        .filter_entry(|e| e.depth() == 0 || !is_hidden(e.file_name()))
    {
        match entry {
            Ok(entry) if entry.file_type().is_file() => {
                let path = entry.into_path();
                match is_audio_name(&path) {
                    true => found.sounds.push(path),
                    false => found.others.push(path),
                }
            }
            Ok(_) => {}
            Err(error) if error.depth() == 0 => {
                return Err(CorpusError::io(root, "cannot read the folder")(
                    error.into(),
                ));
            }
            Err(error) => found.unreadable.extend(unreadable(root, &error)),
        }
    }
    Ok(found)
}

/// What to report of a failed step of the walk; nothing for a hidden link.
fn unreadable(root: &Path, error: &walkdir::Error) -> Option<Skipped> {
    let path = error.path().unwrap_or(root);
    if path.file_name().is_some_and(is_hidden) {
        return None;
    }
    let reason = match (error.loop_ancestor(), error.io_error()) {
        (Some(_), _) => "a link that leads back to a folder above it".to_owned(),
        (None, Some(error)) => format!("cannot be read: {error}"),
        (None, None) => format!("cannot be read: {error}"),
    };
    Some(Skipped {
        path: path.to_path_buf(),
        reason,
    })
}

impl Found {
    /// That there is no sound file, and what there is.
    pub(crate) fn no_sounds(&self, root: &Path) -> String {
        let mut text = match (self.others.is_empty(), self.unreadable.is_empty()) {
            (true, true) => return "there is no file in it".to_owned(),
            (true, false) => "there is no sound file in it that can be reached:".to_owned(),
            (false, _) => format!(
                "there is no sound file in it ({}), but other files:",
                kinds()
            ),
        };
        for path in self.others.iter().take(3) {
            text += &format!("\n  {}", below(root, path).display());
        }
        for skipped in self.unreadable.iter().take(3) {
            let path = below(root, &skipped.path).display();
            text += &format!("\n  {path}: {}", skipped.reason);
        }
        text
    }
}

/// `path` as seen from `root`, for people.
pub(crate) fn below<'a>(root: &Path, path: &'a Path) -> &'a Path {
    path.strip_prefix(root).unwrap_or(path)
}

fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".") || name == "__MACOSX"
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    (path.extension().and_then(OsStr::to_str))
        .is_some_and(|ext| extensions.iter().any(|e| ext.eq_ignore_ascii_case(e)))
}

fn check_folder(root: &Path, expected: Option<&str>) -> Result<(), CorpusError> {
    let meta = match std::fs::metadata(root) {
        Ok(meta) => meta,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let what = match expected {
                Some(expected) => format!("there is no such folder; {expected}"),
                None => "there is no such folder".to_owned(),
            };
            return Err(CorpusError::layout(root, what));
        }
        Err(error) => return Err(CorpusError::io(root, "cannot open the folder")(error)),
    };
    match meta.is_dir() {
        true => Ok(()),
        false => Err(CorpusError::layout(
            root,
            match has_extension(root, &["zip", "tar", "gz", "7z"]) {
                true => "a file, not a folder; unpack it and give the folder",
                false => "a file, not a folder; give the folder that holds the recordings",
            },
        )),
    }
}

/// The extensions that are looked for, for messages.
fn kinds() -> String {
    let kinds: Vec<String> = EXTENSIONS.iter().map(|e| format!(".{e}")).collect();
    kinds.join(", ")
}

#[cfg(test)]
mod tests;
