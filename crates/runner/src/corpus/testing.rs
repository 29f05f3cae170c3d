//! What the tests of corpora share.

use std::fs;

/// A folder with these files in it, all empty: names are all that is looked at.
pub(super) fn tree(files: &[&str]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for file in files {
        let path = dir.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, b"").unwrap();
    }
    dir
}

/// The first TOML block below a heading of `datasets/README.md`.
pub(super) fn readme_example(heading: &str) -> &'static str {
    let readme = include_str!("../../../../datasets/README.md");
    let (_, section) = readme.split_once(heading).unwrap();
    let (_, rest) = section.split_once("```toml\n").unwrap();
    rest.split_once("```").unwrap().0
}
