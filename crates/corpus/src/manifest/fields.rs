//! The fields of a manifest's line: paths, times, parts of a split, channels.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use audio::Channels;
use unicode_normalization::UnicodeNormalization;

use super::Part;
use crate::error::ensure;

/// What stands for "nothing" in tables that programs wrote.
fn is_nothing(field: &str) -> bool {
    let nothing = ["nan", "nat", "na", "n/a", "none", "null", "<na>"];
    nothing.iter().any(|word| field.eq_ignore_ascii_case(word))
}

/// A time in seconds: `1.5`, `1,5`, `00:01:02.5`, `0 days 00:00:01.500000` (pandas,
/// audformat). None where there is no time.
pub(super) fn seconds(column: &str, field: Option<&str>) -> Result<Option<f64>, String> {
    let Some(field) = field.filter(|field| !is_nothing(field)) else {
        return Ok(None);
    };
    match read_seconds(field) {
        Some(value) if value.is_finite() && value >= 0.0 => Ok(Some(value)),
        _ => Err(format!(
            "{column} = {field:?}: write a number of seconds, 0 or more, or a time such as \
             00:01:02.5"
        )),
    }
}

fn read_seconds(field: &str) -> Option<f64> {
    let (days, clock) = match field.split_once("day") {
        Some((days, rest)) => {
            let clock = rest.trim_start_matches('s').trim_start_matches(',').trim();
            let days: f64 = days.trim().parse().ok()?;
            (days, if clock.is_empty() { "0" } else { clock })
        }
        None => (0.0, field),
    };
    // 1,234.5 would be thousands.
    let clock = match clock.matches([',', '.']).count() {
        1 => clock.replace(',', "."),
        _ => clock.to_owned(),
    };
    let parts: Vec<&str> = clock.split(':').collect();
    if parts.len() > 3 {
        return None;
    }
    let mut seconds = 0.0;
    for part in parts {
        let value: f64 = part.parse().ok().filter(|value| *value >= 0.0)?;
        seconds = seconds * 60.0 + value;
    }
    Some(days * 86_400.0 + seconds)
}

/// The part of a split, by the names in use.
pub(crate) fn part_named(name: &str) -> Result<Part, String> {
    match name.to_lowercase().as_str() {
        "train" | "training" => Ok(Part::Train),
        "validation" | "valid" | "val" | "dev" | "devel" | "development" => Ok(Part::Validation),
        "test" | "testing" | "eval" | "evaluation" => Ok(Part::Test),
        _ => Err(format!("split = {name:?}: write train, validation or test")),
    }
}

/// A channel: its number from 0, `mix` or `loudest`.
pub(super) fn channels(field: Option<&str>) -> Result<Channels, String> {
    let Some(field) = field.filter(|field| !is_nothing(field)) else {
        return Ok(Channels::Mix);
    };
    match field.to_lowercase().as_str() {
        "mix" => Ok(Channels::Mix),
        "loudest" => Ok(Channels::Loudest),
        "each" => {
            Err("channel = \"each\": a clip is one channel; write a line for each".to_owned())
        }
        _ => number("channel", field).map(Channels::One),
    }
}

/// A track: its number from 0.
pub(super) fn track(field: Option<&str>) -> Result<Option<usize>, String> {
    let field = field.filter(|field| !is_nothing(field));
    field.map(|field| number("track", field)).transpose()
}

/// A whole number, also as pandas writes it beside empty cells: `1.0`.
fn number(column: &str, field: &str) -> Result<usize, String> {
    let digits = field.strip_suffix(".0").unwrap_or(field);
    (digits.parse()).map_err(|_| format!("{column} = {field:?}: write its number, counted from 0"))
}

/// The files that a manifest names, in whichever way their names are written.
pub(super) struct Files<'a> {
    folder: &'a Path,
    /// The names in a folder by their composed form, of the folders looked into.
    listed: HashMap<PathBuf, HashMap<String, OsString>>,
    /// Paths with `\` that are files with `/`.
    pub backslashes: usize,
    /// Paths whose accents are encoded otherwise than the files' names.
    pub accents: usize,
}

impl<'a> Files<'a> {
    pub(super) fn new(folder: &'a Path) -> Self {
        Self {
            folder,
            listed: HashMap::new(),
            backslashes: 0,
            accents: 0,
        }
    }

    /// The path of a file that is there, seen from the manifest's folder.
    pub(super) fn find(&mut self, field: &str) -> Result<PathBuf, String> {
        let path = PathBuf::from(field);
        if self.folder.join(&path).is_file() {
            return Ok(path);
        }
        let slashes = PathBuf::from(field.replace('\\', "/"));
        if slashes != path && self.folder.join(&slashes).is_file() {
            self.backslashes += 1;
            return Ok(slashes);
        }
        if let Some(found) = self.in_other_accents(&slashes) {
            self.accents += 1;
            self.backslashes += usize::from(slashes != path);
            return Ok(found);
        }
        let full = self.folder.join(&path);
        ensure!(
            !full.is_dir(),
            "{}: a folder, not a recording",
            full.display()
        );
        Err(format!("{}: there is no such file", full.display()))
    }

    /// The file whose name has the same letters, composed or decomposed.
    fn in_other_accents(&mut self, path: &Path) -> Option<PathBuf> {
        if path.to_str().is_none_or(str::is_ascii) {
            return None;
        }
        let mut found = PathBuf::new();
        for part in path.components() {
            let Component::Normal(name) = part else {
                found.push(part);
                continue;
            };
            let folder = self.folder.join(&found);
            if !folder.join(name).exists() {
                let names = self
                    .listed
                    .entry(folder.clone())
                    .or_insert_with(|| list(&folder));
                found.push(names.get(&composed(name.to_str()?))?);
            } else {
                found.push(name);
            }
        }
        self.folder.join(&found).is_file().then_some(found)
    }
}

fn composed(name: &str) -> String {
    name.nfc().collect()
}

fn list(folder: &Path) -> HashMap<String, OsString> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let name = entry.file_name();
            Some((composed(name.to_str()?), name))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_programs_write_them() {
        for (field, expected) in [
            ("1.5", Some(1.5)),
            ("1,5", Some(1.5)),
            ("0 days 00:00:00", Some(0.0)),
            ("0 days 00:00:00.900000", Some(0.9)),
            ("0 days", Some(0.0)),
            ("1 days, 0:00:01", Some(86_401.0)),
            ("00:16:16,059", Some(976.059)),
            ("1:02.5", Some(62.5)),
            ("NaT", None),
            ("nan", None),
        ] {
            assert_eq!(seconds("start", Some(field)), Ok(expected), "{field}");
        }
        for field in [
            "soon", "-1", "inf", "1:2:3:4", "1,234.5", "x days 1", "1:-2",
        ] {
            assert!(seconds("start", Some(field)).is_err(), "{field}");
        }
    }

    #[test]
    fn parts_of_a_split_have_many_names() {
        for name in ["dev", "valid", "Validation", "VAL", "devel"] {
            assert!(part_named(name) == Ok(Part::Validation), "{name}");
        }
        assert!(part_named("Train") == Ok(Part::Train));
        assert!(part_named("eval") == Ok(Part::Test));
        assert!(part_named("tset").is_err());
    }

    #[test]
    fn channels_are_numbers_or_words() {
        assert_eq!(channels(Some("1")), Ok(Channels::One(1)));
        assert_eq!(channels(Some("1.0")), Ok(Channels::One(1)));
        assert_eq!(channels(Some("Loudest")), Ok(Channels::Loudest));
        assert_eq!(channels(None), Ok(Channels::Mix));
        assert!(channels(Some("left")).is_err() && channels(Some("each")).is_err());
        assert_eq!(track(Some("2")), Ok(Some(2)));
    }

    #[test]
    fn a_file_is_found_with_backslashes_and_decomposed_accents() {
        let dir = crate::testing::tree(&["Gäste/Mu\u{308}he.wav"]);
        let mut files = Files::new(dir.path());
        for field in [
            "Ga\u{308}ste\\M\u{fc}he.wav",
            "Gäste/M\u{fc}he.wav",
            "Gäste\\Mu\u{308}he.wav",
        ] {
            let found = files.find(field).unwrap();
            assert_eq!(found, Path::new("Gäste/Mu\u{308}he.wav"), "{field}");
        }
        assert_eq!((files.backslashes, files.accents), (2, 2));
        assert!(
            files
                .find("Gäste/none.wav")
                .unwrap_err()
                .contains("no such file")
        );
        assert!(files.find("Gäste").unwrap_err().contains("a folder"));
    }
}
