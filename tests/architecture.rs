//! Who may import what: the table of ARCHITECTURE.md, held by a test.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The crates of this workspace that each crate may import.
const MAY_IMPORT: [(&str, &[&str]); 12] = [
    ("audio", &[]),
    ("recurrent", &[]),
    ("datasets", &[]),
    ("metrics", &[]),
    ("model", &["audio", "recurrent"]),
    ("live", &["audio", "model"]),
    ("stage", &["live"]),
    ("corpus", &["audio", "datasets"]),
    (
        "training",
        &["audio", "corpus", "metrics", "model", "recurrent"],
    ),
    ("report", &["audio", "metrics"]),
    ("serve", &["audio", "live", "model", "report", "stage"]),
    (
        "runner",
        &[
            "audio",
            "corpus",
            "live",
            "metrics",
            "model",
            "recurrent",
            "report",
            "serve",
            "stage",
            "training",
        ],
    ),
];

/// Packages that only the command line may use.
const COMMAND_LINE: [&str; 4] = ["clap", "indicatif", "ctrlc", "anyhow"];

fn root() -> PathBuf {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs this test");
    let up = Path::new(&manifest).join("../..");
    up.canonicalize().expect("the workspace is two folders up")
}

/// Each package of the workspace with its folder and what it depends on,
/// tests and build scripts aside.
fn packages() -> BTreeMap<String, (PathBuf, BTreeSet<String>)> {
    let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root())
        .output()
        .expect("cargo metadata runs");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
    packages
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().expect("dependencies");
            let used = dependencies
                .iter()
                .filter(|dependency| dependency["kind"].is_null())
                .map(|dependency| text(&dependency["name"]));
            let manifest = PathBuf::from(text(&package["manifest_path"]));
            let folder = manifest.parent().expect("a folder").to_owned();
            (text(&package["name"]), (folder, used.collect()))
        })
        .collect()
}

#[test]
fn crates_import_only_what_the_architecture_allows() {
    let packages = packages();
    let names: BTreeSet<&str> = packages.keys().map(String::as_str).collect();
    let listed: BTreeSet<&str> = MAY_IMPORT.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, listed, "the table of this test lists every crate");
    for (name, allowed) in MAY_IMPORT {
        let (_, used) = &packages[name];
        for import in used.iter().filter(|import| names.contains(&***import)) {
            assert!(allowed.contains(&&**import), "{name} imports {import}");
        }
    }
}

#[test]
fn only_the_command_line_knows_of_terminals() {
    for (name, (folder, used)) in packages() {
        if name == "runner" {
            continue;
        }
        for import in COMMAND_LINE {
            assert!(!used.contains(import), "{name} depends on {import}");
        }
        for (file, code) in sources(&folder.join("src")) {
            for word in ["clap::", "indicatif::", "println!", "eprintln!", "print!("] {
                let lines = code
                    .lines()
                    .filter(|line| !line.trim_start().starts_with("//"));
                let found = lines.into_iter().find(|line| line.contains(word));
                assert!(found.is_none(), "{}: {}", file.display(), found.unwrap());
            }
        }
    }
}

#[test]
fn libraries_do_not_name_the_program() {
    for (name, (folder, _)) in packages() {
        if name == "runner" {
            continue;
        }
        for (file, code) in sources(&folder.join("src")) {
            for line in code.lines() {
                let is_comment = line.trim_start().starts_with("//");
                let named = line.contains("`affekt ") || line.contains("`runner ");
                assert!(is_comment || !named, "{}: {line}", file.display());
            }
        }
    }
}

/// The code of the files below a folder, up to their unit tests.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a source folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("tests.rs") {
            let code = std::fs::read_to_string(&path).expect("readable");
            let code = code.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
            found.push((path, code.to_owned()));
        }
    }
    found
}
