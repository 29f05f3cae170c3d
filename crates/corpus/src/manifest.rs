//! A manifest: a CSV file with a line for each clip.
//!
//! ```csv
//! path,label,speaker,start,end,split
//! calls/0001.wav,angry,ann,0.0,2.4,train
//! calls/0001.wav,neutral,bob,2.4,,test
//! ```
//!
//! | column | |
//! |---|---|
//! | `path` | from the manifest's folder |
//! | `label` | the class |
//! | `speaker` | empty on every line if nobody knows who speaks |
//! | `start`, `end` | optional, in seconds; empty is the beginning or the end of the file |
//! | `split` | optional: `train`, `validation` or `test`, the same on all lines of a speaker |
//!
//! A manifest was written on purpose, so nothing in it is passed over: whatever is
//! wrong is an error with the number of the line.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::{Path, PathBuf};

use csv::StringRecord;

use crate::error::ensure;
use crate::speakers::{check_speaker, sorted};
use crate::{
    Clip, Corpus, CorpusCard, CorpusError, DefaultSplit, Member, Segment, UNKNOWN_SPEAKER,
};

/// The name of a manifest in the folder that it describes.
pub(crate) const FILE: &str = "manifest.csv";

const COLUMNS: [&str; 6] = ["path", "label", "speaker", "start", "end", "split"];
/// How many of the columns, from the first, must be there.
const REQUIRED: usize = 3;

/// The part of a split that a line belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Train,
    Validation,
    Test,
}

/// One line, checked by itself.
struct Line {
    number: u64,
    path: PathBuf,
    label: String,
    speaker: Option<String>,
    segment: Option<Segment>,
    part: Option<Part>,
}

/// A mistake: in this line, if it is in one, and what is wrong.
struct Mistake(Option<u64>, String);

/// A mistake in no single line.
impl From<String> for Mistake {
    fn from(what: String) -> Self {
        Self(None, what)
    }
}

/// Reads the manifest `file`. `name` becomes that of the corpus.
///
/// # Errors
///
/// [`CorpusError::Io`] where it cannot be read; [`CorpusError::Table`] where a
/// column is missing or unknown, or a line contradicts itself or another.
pub(crate) fn read(file: &Path, name: String) -> Result<Corpus, CorpusError> {
    let opened = File::open(file).map_err(CorpusError::io(file, "cannot read the manifest"))?;
    let folder = file.parent().unwrap_or(Path::new(""));
    let content = || -> Result<_, Mistake> {
        let lines = read_lines(opened, folder)?;
        check_together(&lines)?;
        Ok((split(&lines)?, labels(&lines)?, lines))
    };
    let (split, labels, lines) = content().map_err(|Mistake(line, what)| CorpusError::Table {
        path: file.to_path_buf(),
        line,
        what,
    })?;
    let root = match folder == Path::new("") {
        true => PathBuf::from("."),
        false => folder.to_path_buf(),
    };
    let clips = lines.into_iter().map(|line| Clip {
        path: root.join(line.path),
        segment: line.segment,
        channel: None,
        label: labels.iter().position(|l| *l == line.label).unwrap_or(0),
        speaker: line.speaker.unwrap_or_else(|| UNKNOWN_SPEAKER.to_owned()),
        member: 0,
        parts: BTreeMap::new(),
    });
    Ok(Corpus {
        clips: clips.collect(),
        card: CorpusCard {
            split,
            ..CorpusCard::unwritten(name.clone(), format!("{name} (a manifest)"), labels)
        },
        members: vec![Member {
            name: name.clone(),
            people: name,
            read_as: "manifest".to_owned(),
            why: "as asked for".to_owned(),
            root: root.clone(),
        }],
        root,
        skipped: Vec::new(),
    })
}

fn read_lines(file: File, folder: &Path) -> Result<Vec<Line>, Mistake> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(file);
    let head =
        (reader.headers()).map_err(|error| format!("cannot read the first line: {error}"))?;
    let columns = columns(head).map_err(|what| Mistake(Some(1), what))?;
    let mut lines = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| {
            let what = match error.kind() {
                csv::ErrorKind::UnequalLengths {
                    expected_len, len, ..
                } => format!("has {len} fields, but the first line has {expected_len}"),
                _ => format!("cannot be read: {error}"),
            };
            Mistake(error.position().map(csv::Position::line), what)
        })?;
        let number = record.position().map_or(0, csv::Position::line);
        let line = line(&record, &columns, folder, number);
        lines.push(line.map_err(|what| Mistake(Some(number), what))?);
    }
    Ok(lines)
}

/// Where each of [`COLUMNS`] is.
fn columns(head: &StringRecord) -> Result<[Option<usize>; COLUMNS.len()], String> {
    // Some spreadsheets put a byte order mark in front of the first name.
    let names: Vec<&str> = head
        .iter()
        .map(|name| name.trim_start_matches('\u{feff}'))
        .collect();
    for (index, name) in names.iter().enumerate() {
        ensure!(
            COLUMNS.contains(name),
            "unknown column {name:?}; a manifest has {}",
            COLUMNS.join(", ")
        );
        ensure!(
            !names[..index].contains(name),
            "the column {name} is there twice"
        );
    }
    let places = COLUMNS.map(|name| names.iter().position(|other| *other == name));
    for (name, place) in COLUMNS.iter().zip(places).take(REQUIRED) {
        ensure!(
            place.is_some(),
            "there is no column {name}; the first line is path,label,speaker and, if needed, \
             start, end and split"
        );
    }
    Ok(places)
}

fn line(
    record: &StringRecord,
    columns: &[Option<usize>; COLUMNS.len()],
    folder: &Path,
    number: u64,
) -> Result<Line, String> {
    let [path, label, speaker, start, end, part] = columns.map(|place| {
        place
            .and_then(|place| record.get(place))
            .filter(|field| !field.is_empty())
    });
    let path = PathBuf::from(path.ok_or("the path is empty")?);
    let full = folder.join(&path);
    ensure!(full.is_file(), "{}: there is no such file", full.display());
    if let Some(speaker) = speaker {
        check_speaker(speaker)?;
    }
    let start = seconds("start", start)?;
    let end = seconds("end", end)?;
    if let Some(end) = end {
        let start = start.unwrap_or(0.0);
        ensure!(
            end > start,
            "the clip ends at {end} s, which is not after its start at {start} s"
        );
    }
    Ok(Line {
        number,
        path,
        label: label.ok_or("the label is empty")?.to_owned(),
        speaker: speaker.map(str::to_owned),
        segment: (start.is_some() || end.is_some()).then_some(Segment {
            start: start.unwrap_or(0.0),
            end,
        }),
        part: part.map(part_named).transpose()?,
    })
}

fn seconds(column: &str, field: Option<&str>) -> Result<Option<f64>, String> {
    let Some(field) = field else { return Ok(None) };
    match field.parse() {
        Ok(value) if f64::is_finite(value) && value >= 0.0 => Ok(Some(value)),
        _ => Err(format!(
            "{column} = {field:?}: write a number of seconds, 0 or more"
        )),
    }
}

fn part_named(name: &str) -> Result<Part, String> {
    match name {
        "train" => Ok(Part::Train),
        "validation" => Ok(Part::Validation),
        "test" => Ok(Part::Test),
        _ => Err(format!("split = {name:?}: write train, validation or test")),
    }
}

/// What lines must have in common, and what must differ.
fn check_together(lines: &[Line]) -> Result<(), Mistake> {
    let first = (lines.first())
        .ok_or_else(|| "there is no line below the first, the names of the columns".to_owned())?;
    let mut seen: HashMap<(&Path, Option<[u64; 2]>), u64> = HashMap::new();
    for line in lines {
        let wrong = |what: String| Err(Mistake(Some(line.number), what));
        if line.speaker.is_some() != first.speaker.is_some() {
            return wrong(format!(
                "has {} speaker, unlike line {}; give a speaker on every line, or on none where \
                 nobody knows: a clip of an unknown voice could be of any of the others",
                if line.speaker.is_some() { "a" } else { "no" },
                first.number
            ));
        }
        if line.part.is_some() != first.part.is_some() {
            return wrong(
                "the split is empty on some lines; write train, validation or test on every one"
                    .to_owned(),
            );
        }
        if line.part.is_some() && line.speaker.is_none() {
            return wrong("a split needs speakers, so that no voice is in two parts".to_owned());
        }
        let bounds = (line.segment).map(|s| [s.start.to_bits(), s.end.unwrap_or(-1.0).to_bits()]);
        if let Some(before) = seen.insert((&line.path, bounds), line.number) {
            return wrong(format!(
                "the same recording as on line {before}: {}",
                line.path.display()
            ));
        }
    }
    Ok(())
}

/// The labels in the order of their names.
fn labels(lines: &[Line]) -> Result<Vec<String>, String> {
    let mut labels: Vec<String> = lines.iter().map(|line| line.label.clone()).collect();
    labels.sort();
    labels.dedup();
    ensure!(
        labels.len() >= 2,
        "all lines have the label {}; at least two classes are needed",
        labels.join(", ")
    );
    Ok(labels)
}

/// The speakers of each part, none of whom may be in two.
fn split(lines: &[Line]) -> Result<Option<DefaultSplit>, Mistake> {
    let mut part_of: BTreeMap<&str, (Part, u64)> = BTreeMap::new();
    for line in lines {
        let (Some(part), Some(speaker)) = (line.part, &line.speaker) else {
            return Ok(None);
        };
        let (first, number) = *part_of.entry(speaker).or_insert((part, line.number));
        if first != part {
            let what = format!(
                "the speaker {speaker} is in another part of the split on line {number}; a voice \
                 that is trained on must not be tested"
            );
            return Err(Mistake(Some(line.number), what));
        }
    }
    let speakers = |part: Part| -> Vec<String> {
        let of_part = part_of.iter().filter(|(_, (other, _))| *other == part);
        sorted(of_part.map(|(speaker, _)| (*speaker).to_owned()).collect())
    };
    for (part, purpose) in [(Part::Train, "train on"), (Part::Test, "test")] {
        if speakers(part).is_empty() {
            return Err(format!("the split has no speaker to {purpose}").into());
        }
    }
    Ok(Some(DefaultSplit {
        test: speakers(Part::Test),
        validation: speakers(Part::Validation),
    }))
}

#[cfg(test)]
mod tests;
