//! The recordings that a path on the command line stands for.

use std::path::{Path, PathBuf};

use walkdir::WalkDir;

/// Files looked for in a folder; a file named on the command line is decoded
/// whatever its name.
const EXTENSIONS: [&str; 16] = [
    "wav", "wave", "flac", "aif", "aiff", "aifc", "caf", "mp3", "ogg", "oga", "opus", "m4a", "mp4",
    "aac", "mka", "webm",
];

/// The recordings below `folder` in the order of their names, hidden ones left
/// out, and what could not be looked into.
pub fn below(folder: &Path) -> (Vec<PathBuf>, Vec<String>) {
    let (mut files, mut failures) = (Vec::new(), Vec::new());
    for entry in WalkDir::new(folder).sort_by_file_name() {
        match entry {
            Ok(entry) if entry.file_type().is_file() && is_sound(entry.path()) => {
                files.push(entry.into_path());
            }
            Ok(_) => {}
            Err(error) => failures.push(error.to_string()),
        }
    }
    if files.is_empty() {
        failures.push(format!(
            "{}: no recording in this folder; looked for {}",
            folder.display(),
            EXTENSIONS
                .map(|extension| format!(".{extension}"))
                .join(", ")
        ));
    }
    (files, failures)
}

fn is_sound(path: &Path) -> bool {
    let hidden = path
        .file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with('.'));
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    !hidden && extension.is_some_and(|extension| EXTENSIONS.contains(&&*extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_recordings_by_extension_in_order_and_leaves_hidden_ones() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("b");
        std::fs::create_dir(&inner).unwrap();
        for name in ["c.WAV", "a.flac", "b/x.mp3", "._c.wav", "notes.txt"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let (files, failures) = below(folder.path());
        let names: Vec<_> = files
            .iter()
            .map(|file| file.strip_prefix(folder.path()).unwrap().to_str().unwrap())
            .collect();
        assert_eq!(names, ["a.flac", "b/x.mp3", "c.WAV"]);
        assert!(failures.is_empty());
        assert_eq!(below(&folder.path().join("nowhere")).1.len(), 2);
    }
}
