//! A manifest: a CSV file with a line for each clip.
//!
//! ```csv
//! path,label,speaker,start,end,split
//! calls/0001.wav,angry,ann,0.0,2.4,train
//! calls/0001.wav,neutral,bob,2.4,,test
//! ```
//!
//! `path` (from the manifest's folder), `label` and `speaker` must be there;
//! `start` and `end` (in seconds; empty means the file's own) and `split`
//! (train, validation or test) may be. The speaker is empty on every line where
//! nobody knows who speaks. A split is by whole speakers, as everywhere.
//!
//! A manifest was written on purpose, so nothing in it is passed over: whatever
//! is wrong is an error with the line's number.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use csv::StringRecord;

use super::{
    Clip, Corpus, CorpusCard, DefaultSplit, Member, Segment, UNKNOWN_SPEAKER, check_speaker,
    speaker_order,
};

/// The name a manifest has in the folder it describes.
pub(super) const FILE: &str = "manifest.csv";

const COLUMNS: [&str; 6] = ["path", "label", "speaker", "start", "end", "split"];
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

/// Reads the manifest `file`.
///
/// # Errors
///
/// It cannot be read, a column is missing or unknown, a line contradicts itself
/// or another; the message names the file and the line.
pub(super) fn read(file: &Path, name: String) -> Result<Corpus> {
    let lines = read_lines(file)?;
    let at = |line: &Line| format!("{}, line {}", file.display(), line.number);

    let first = lines
        .first()
        .ok_or_else(|| anyhow!("{}: there is no line below the head", file.display()))?;
    let mut seen: HashMap<(&Path, Option<[u64; 2]>), u64> = HashMap::new();
    for line in &lines {
        ensure!(
            line.speaker.is_some() == first.speaker.is_some(),
            "{}: {} a speaker, unlike line {}; give every line one, or none where nobody knows: \
             a clip of an unknown voice could be of any of the others",
            at(line),
            if line.speaker.is_some() {
                "has"
            } else {
                "has not"
            },
            first.number
        );
        ensure!(
            line.part.is_some() == first.part.is_some(),
            "{}: the split is empty on some lines; write train, validation or test on every one",
            at(line)
        );
        ensure!(
            line.part.is_none() || line.speaker.is_some(),
            "{}: a split needs speakers, so that no voice is in two parts",
            at(line)
        );
        let bounds = line
            .segment
            .map(|s| [s.start.to_bits(), s.end.unwrap_or(-1.0).to_bits()]);
        if let Some(before) = seen.insert((&line.path, bounds), line.number) {
            bail!(
                "{}: the same recording as on line {before}: {}",
                at(line),
                line.path.display()
            );
        }
    }
    let split = split(file, &lines)?;

    let mut labels: Vec<String> = lines.iter().map(|line| line.label.clone()).collect();
    labels.sort();
    labels.dedup();
    ensure!(
        labels.len() >= 2,
        "{}: all lines have the label {}; a recogniser needs at least two classes",
        file.display(),
        labels.join(", ")
    );
    let root = match file.parent() {
        Some(folder) if folder != Path::new("") => folder.to_path_buf(),
        _ => PathBuf::from("."),
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

fn read_lines(file: &Path) -> Result<Vec<Line>> {
    let shown = file.display();
    let opened = File::open(file).with_context(|| format!("{shown}: cannot read the manifest"))?;
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(opened);
    let head = reader
        .headers()
        .with_context(|| format!("{shown}: cannot read the head"))?
        .clone();
    let columns = columns(&head).with_context(|| shown.to_string())?;
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut lines = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| {
            let line = error.position().map_or(0, csv::Position::line);
            anyhow!("{shown}, line {line}: not as many fields as the head has names: {error}")
        })?;
        let number = record.position().map_or(0, csv::Position::line);
        let line = line(&record, &columns, folder, number)
            .with_context(|| format!("{shown}, line {number}"))?;
        lines.push(line);
    }
    Ok(lines)
}

/// Where each of [`COLUMNS`] is.
fn columns(head: &StringRecord) -> Result<[Option<usize>; COLUMNS.len()]> {
    // A mark that some spreadsheets put in front of the first name.
    let names: Vec<&str> = head
        .iter()
        .map(|name| name.trim_start_matches('\u{feff}'))
        .collect();
    for (index, name) in names.iter().enumerate() {
        ensure!(
            COLUMNS.contains(name),
            "line 1: unknown column {name:?}; a manifest has {}",
            COLUMNS.join(", ")
        );
        ensure!(
            !names[..index].contains(name),
            "line 1: the column {name} is there twice"
        );
    }
    let places = COLUMNS.map(|name| names.iter().position(|other| *other == name));
    for (name, place) in COLUMNS.iter().zip(places).take(REQUIRED) {
        ensure!(
            place.is_some(),
            "line 1: there is no column {name}; the head is path,label,speaker and, as you need \
             them, start, end and split"
        );
    }
    Ok(places)
}

fn line(
    record: &StringRecord,
    columns: &[Option<usize>; COLUMNS.len()],
    folder: &Path,
    number: u64,
) -> Result<Line> {
    let [path, label, speaker, start, end, part] = columns.map(|place| {
        place
            .and_then(|place| record.get(place))
            .filter(|field| !field.is_empty())
    });
    let path = PathBuf::from(path.context("the path is empty")?);
    let full = folder.join(&path);
    ensure!(full.is_file(), "{}: there is no such file", full.display());
    if let Some(speaker) = speaker {
        check_speaker(speaker)?;
    }
    let start = seconds("start", start)?;
    let end = seconds("end", end)?;
    if let Some(end) = end {
        ensure!(
            end > start.unwrap_or(0.0),
            "the clip ends at {end} s, not after its start at {} s",
            start.unwrap_or(0.0)
        );
    }
    Ok(Line {
        number,
        path,
        label: label.context("the label is empty")?.to_owned(),
        speaker: speaker.map(str::to_owned),
        segment: (start.is_some() || end.is_some()).then_some(Segment {
            start: start.unwrap_or(0.0),
            end,
        }),
        part: part.map(part_named).transpose()?,
    })
}

fn seconds(column: &str, field: Option<&str>) -> Result<Option<f64>> {
    let Some(field) = field else { return Ok(None) };
    let value: f64 = (field.parse().ok())
        .filter(|value: &f64| value.is_finite() && *value >= 0.0)
        .with_context(|| format!("{column} = {field:?}: a number of seconds is wanted"))?;
    Ok(Some(value))
}

fn part_named(name: &str) -> Result<Part> {
    Ok(match name {
        "train" => Part::Train,
        "validation" => Part::Validation,
        "test" => Part::Test,
        _ => bail!("split = {name:?}: it is train, validation or test"),
    })
}

/// The speakers of each part, none of whom may be in two.
fn split(file: &Path, lines: &[Line]) -> Result<Option<DefaultSplit>> {
    let mut part_of: BTreeMap<&str, (Part, u64)> = BTreeMap::new();
    for line in lines {
        let (Some(part), Some(speaker)) = (line.part, &line.speaker) else {
            return Ok(None);
        };
        let (first, number) = *part_of.entry(speaker).or_insert((part, line.number));
        ensure!(
            first == part,
            "{}, line {}: the speaker {speaker} is in another part of the split on line {number}; \
             a voice that is trained on must not be tested",
            file.display(),
            line.number
        );
    }
    let speakers = |part: Part| -> Vec<String> {
        let mut speakers: Vec<String> = (part_of.iter())
            .filter(|(_, (other, _))| *other == part)
            .map(|(speaker, _)| (*speaker).to_owned())
            .collect();
        speakers.sort_by(|a, b| speaker_order(a, b));
        speakers
    };
    ensure!(
        !speakers(Part::Train).is_empty() && !speakers(Part::Test).is_empty(),
        "{}: the split has no speaker to {}",
        file.display(),
        match speakers(Part::Train).is_empty() {
            true => "train on",
            false => "test",
        }
    );
    Ok(Some(DefaultSplit {
        test: speakers(Part::Test),
        validation: speakers(Part::Validation),
    }))
}

#[cfg(test)]
mod tests;
