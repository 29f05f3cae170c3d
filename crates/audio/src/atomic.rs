//! Files that appear whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Writes a file so that its name only ever stands for complete contents.
///
/// The bytes go to a temporary file in the same folder, are flushed to the disk,
/// and the temporary file is renamed to `path`. If the process is killed or the
/// disk is full, `path` still holds the previous file (or none), never part of
/// the new one. Several threads and processes may write the same `path` at
/// once: the last to finish wins.
///
/// The file gets the permissions of any newly created file. If `path` is a
/// symbolic link, the link is replaced, not the file it points to.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("labels.txt");
/// audio::write_atomically(&path, b"calm\nangry\n")?;
/// assert_eq!(std::fs::read(&path)?, b"calm\nangry\n");
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// What the operating system reports, without the file's name: callers know it
/// and should name it. [`NotFound`](io::ErrorKind::NotFound) names the folder if
/// that does not exist. After an error nothing is left behind, and a previous
/// file at `path` is unchanged.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace(path, bytes, true)
}

/// [`write_atomically`], with the choice whether to wait for the disk. Without
/// `flush` a killed process still leaves no partial file, but a power cut may.
pub(crate) fn replace(path: &Path, bytes: &[u8], flush: bool) -> io::Result<()> {
    if path.file_name().is_none() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "this path does not end in a file name",
        ));
    }
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let (mut file, temporary) = create_in(folder)?;
    let written = file
        .write_all(bytes)
        .and_then(|()| if flush { file.sync_all() } else { Ok(()) })
        // Windows does not rename open files.
        .and_then(|()| {
            drop(file);
            fs::rename(&temporary, path)
        });
    written.inspect_err(|_| {
        // Best effort: the error to report is the first one.
        let _ = fs::remove_file(&temporary);
    })
}

/// A new, hidden file in `folder`, so that the rename stays on one file system
/// and a file left by a killed process is not taken for a result.
fn create_in(folder: &Path) -> io::Result<(File, PathBuf)> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    loop {
        // The target's name is not part of it: it may be as long as names can be.
        let name = format!(
            ".{}-{}.tmp",
            std::process::id(),
            COUNT.fetch_add(1, Relaxed)
        );
        let path = folder.join(name);
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => return Ok((file, path)),
            // Left by a killed process that had the same number, or in use by
            // one on another machine that shares the folder.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(io::Error::new(
                    io::ErrorKind::NotFound,
                    format!(
                        "the folder {} does not exist; create it first",
                        folder.display()
                    ),
                ));
            }
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[test]
    fn the_content_is_replaced_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.json");
        write_atomically(&path, b"a longer first version").unwrap();
        write_atomically(&path, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(names(folder.path()), ["model.json"]);
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_temporary_one() {
        let folder = tempfile::tempdir().unwrap();
        // A folder that is not empty cannot be renamed over.
        let path = folder.path().join("taken");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("kept"), "x").unwrap();
        assert!(write_atomically(&path, b"new").is_err());
        assert!(path.join("kept").exists());
        assert_eq!(names(folder.path()), ["taken"]);
    }

    #[test]
    fn a_missing_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = write_atomically(&folder.path().join("absent/x.csv"), b"").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(
            error.to_string().contains("absent does not exist"),
            "{error}"
        );
    }

    #[test]
    fn a_path_without_a_file_name_is_refused() {
        for path in ["", "/", ".."] {
            let error = write_atomically(Path::new(path), b"").unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{path:?}");
        }
    }

    #[test]
    fn the_longest_name_that_the_file_system_takes_can_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("n".repeat(255));
        write_atomically(&path, b"x").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"x");
    }

    #[test]
    fn temporary_files_left_by_a_killed_process_do_not_stop_a_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("result");
        let left: Vec<PathBuf> = (0..200)
            .map(|n| {
                folder
                    .path()
                    .join(format!(".{}-{n}.tmp", std::process::id()))
            })
            .collect();
        for path in &left {
            fs::write(path, "old").unwrap();
        }
        write_atomically(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert!(left.iter().all(|path| fs::read(path).unwrap() == b"old"));
    }

    /// Two threads write, two read: a reader only ever sees one of the two
    /// contents, whole.
    #[test]
    fn threads_that_write_the_same_path_never_mix_their_contents() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shared");
        let contents = [vec![b'a'; 100_000], vec![b'b'; 70_000]];
        write_atomically(&path, &contents[0]).unwrap();
        std::thread::scope(|scope| {
            for content in &contents {
                scope.spawn(|| {
                    for _ in 0..10 {
                        write_atomically(&path, content).unwrap();
                    }
                });
                scope.spawn(|| {
                    for _ in 0..200 {
                        let seen = fs::read(&path).unwrap();
                        assert!(contents.contains(&seen), "{} bytes", seen.len());
                    }
                });
            }
        });
        assert_eq!(names(folder.path()), ["shared"]);
    }

    #[cfg(unix)]
    #[test]
    fn permissions_are_those_of_an_ordinary_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mode = |name: &str| {
            let path = folder.path().join(name);
            fs::metadata(path).unwrap().permissions().mode()
        };
        fs::write(folder.path().join("plain"), "").unwrap();
        write_atomically(&folder.path().join("ours"), b"").unwrap();
        assert_eq!(mode("ours"), mode("plain"));
    }
}
