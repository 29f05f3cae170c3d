//! The sound files below a folder, in a fixed order.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use walkdir::{DirEntry, WalkDir};

use super::Skipped;

/// Sound files that are looked at, by extension, in any case.
const EXTENSIONS: [&str; 2] = ["wav", "flac"];

/// What lies below a folder.
pub(super) struct Found {
    /// `.wav` and `.flac` files in the order of their paths.
    pub sounds: Vec<PathBuf>,
    /// Other files.
    pub others: Vec<PathBuf>,
    /// Folders and links that could not be followed.
    pub unreadable: Vec<Skipped>,
}

/// Walks `root`: sub-folders in the order of their names, links followed;
/// hidden files and folders and the `._` files of macOS are passed over.
///
/// # Errors
///
/// `root` is missing, no folder, or cannot be read; `hint` ends the message of
/// a missing one.
pub(super) fn walk(root: &Path, hint: &str) -> Result<Found> {
    check_folder(root, hint)?;
    let mut found = Found {
        sounds: Vec::new(),
        others: Vec::new(),
        unreadable: Vec::new(),
    };
    let entries = WalkDir::new(root).follow_links(true).sort_by_file_name();
    for entry in entries
        .into_iter()
        .filter_entry(|e| e.depth() == 0 || !is_hidden(e))
    {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) if error.depth() == 0 => {
                return Err(error)
                    .with_context(|| format!("{}: cannot read the folder", root.display()));
            }
            Err(error) => {
                found.unreadable.push(Skipped {
                    path: error.path().unwrap_or(root).to_path_buf(),
                    reason: match error.loop_ancestor() {
                        Some(_) => "a link that leads back to a folder above it".to_owned(),
                        None => format!(
                            "cannot be read: {}",
                            (error.io_error()).map_or_else(|| error.to_string(), |e| e.to_string())
                        ),
                    },
                });
                continue;
            }
        };
        if !entry.file_type().is_file() {
            continue;
        }
        let path = entry.into_path();
        match is_sound(&path) {
            true => found.sounds.push(path),
            false => found.others.push(path),
        }
    }
    Ok(found)
}

/// `path` as seen from `root`, for people.
pub(super) fn below<'a>(root: &Path, path: &'a Path) -> &'a Path {
    path.strip_prefix(root).unwrap_or(path)
}

fn is_hidden(entry: &DirEntry) -> bool {
    let name = entry.file_name().as_encoded_bytes();
    name.starts_with(b".") || name == b"__MACOSX"
}

fn is_sound(path: &Path) -> bool {
    (path.extension().and_then(OsStr::to_str))
        .is_some_and(|ext| EXTENSIONS.iter().any(|e| ext.eq_ignore_ascii_case(e)))
}

fn check_folder(root: &Path, hint: &str) -> Result<()> {
    let shown = root.display();
    let meta = match std::fs::metadata(root) {
        Ok(meta) => meta,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            bail!("{shown}: there is no such folder; {hint}")
        }
        Err(error) => return Err(error).with_context(|| format!("{shown}: cannot be opened")),
    };
    if !meta.is_dir() {
        let is_archive = (root.extension().and_then(OsStr::to_str))
            .is_some_and(|e| ["zip", "tar", "gz", "7z"].contains(&&*e.to_ascii_lowercase()));
        bail!(
            "{shown}: a file, not a folder; {}",
            if is_archive {
                "unpack it and give the folder"
            } else {
                "give the folder that holds the recordings"
            }
        );
    }
    Ok(())
}
