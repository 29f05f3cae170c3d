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
//! | `channel` | optional: a number from 0, `mix` (if empty) or `loudest` |
//! | `track` | optional: a number from 0; empty is the one that a player would take |
//!
//! Tables of spreadsheets and of other programs are read where their meaning is
//! plain: other encodings and separators ([`table`](crate::table)), other names of
//! the columns (`columns.rs`), other ways to write paths and times (`fields.rs`),
//! names in several spellings ([`spelling`](crate::spelling)).
//! [`Corpus::notes`] tells what was taken for what. Nothing else is passed over: a
//! manifest was written on purpose, so whatever is wrong is an error with the number
//! of the line.

mod columns;
pub(crate) mod fields;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use audio::Channels;

use self::columns::{Columns, Needs};
use self::fields::{Files, channels, part_named, seconds, track};
use crate::error::ensure;
use crate::speakers::{check_speaker, sorted};
use crate::spelling::{Spelling, key, speaker_key};
use crate::table::{self, Table};
use crate::{
    Clip, Corpus, CorpusCard, CorpusError, DefaultSplit, Excerpt, Member, Segment, UNKNOWN_SPEAKER,
};

/// The name of a manifest in the folder that it describes.
pub(crate) const FILE: &str = "manifest.csv";
/// The endings of manifests that are named themselves.
pub(crate) const ENDINGS: [&str; 3] = ["csv", "tsv", "tab"];

/// The part of a split that a line belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Train,
    Validation,
    Test,
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }
}

/// One line, checked by itself.
struct Line {
    number: u64,
    path: PathBuf,
    label: String,
    speaker: Option<String>,
    segment: Option<Segment>,
    part: Option<Part>,
    channels: Channels,
    track: Option<usize>,
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
    let folder = file.parent().unwrap_or(Path::new(""));
    let table = table::read(file, columns::is_known)?;
    let content = || -> Result<_, Mistake> {
        let (lines, notes) = read_lines(table, folder, Needs::Speakers)?;
        check_together(&lines)?;
        Ok((split(&lines)?, labels(&lines)?, lines, notes))
    };
    let (split, labels, lines, notes) =
        content().map_err(|Mistake(line, what)| CorpusError::Table {
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
        channels: line.channels,
        track: line.track,
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
        notes,
    })
}

/// A line of a table of labelled recordings.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LabelledClip {
    /// The line, counted from 1.
    pub line: u64,
    /// The file.
    pub path: PathBuf,
    /// The label, as the table writes it.
    pub label: String,
    /// The segment, if the clip is not the whole file.
    pub segment: Option<Segment>,
    /// Which channel of it.
    pub channels: Channels,
    /// The audio track, counted from 0.
    pub track: Option<usize>,
}

impl LabelledClip {
    /// What to decode.
    pub fn excerpt(&self) -> Excerpt<'_> {
        Excerpt {
            path: &self.path,
            segment: self.segment,
            channels: self.channels,
            track: self.track,
        }
    }
}

/// Reads a table of labelled recordings, as a manifest, but for speakers and labels:
/// neither is needed to be several. Also returns what was taken for what.
///
/// # Errors
///
/// As a manifest: [`CorpusError::Io`], or [`CorpusError::Table`] with the line.
pub fn labelled_clips(file: &Path) -> Result<(Vec<LabelledClip>, Vec<String>), CorpusError> {
    let folder = file.parent().unwrap_or(Path::new(""));
    let table = table::read(file, columns::is_known)?;
    let (lines, notes) =
        read_lines(table, folder, Needs::Labels).map_err(|Mistake(line, what)| {
            CorpusError::Table {
                path: file.to_path_buf(),
                line,
                what,
            }
        })?;
    let clips = lines.into_iter().map(|line| LabelledClip {
        line: line.number,
        path: folder.join(line.path),
        label: line.label,
        segment: line.segment,
        channels: line.channels,
        track: line.track,
    });
    Ok((clips.collect(), notes))
}

/// The lines, and what was taken for what.
fn read_lines(
    table: Table,
    folder: &Path,
    needs: Needs,
) -> Result<(Vec<Line>, Vec<String>), Mistake> {
    let columns =
        Columns::find(&table.head, needs).map_err(|what| Mistake(Some(table.head_line), what))?;
    let mut notes = table.notes.clone();
    notes.extend(columns.notes.iter().cloned());
    let mut files = Files::new(folder);
    let mut lines = Vec::new();
    for (number, row) in &table.rows {
        let line = line(columns.fields(row), &mut files, *number);
        lines.push(line.map_err(|what| Mistake(Some(*number), what))?);
    }
    let clips = |count: usize| match count {
        1 => "1 path".to_owned(),
        n => format!("{n} paths"),
    };
    if files.backslashes > 0 {
        let count = clips(files.backslashes);
        notes.push(format!("{count} with backslashes, read as slashes"));
    }
    if files.accents > 0 {
        let count = clips(files.accents);
        notes.push(format!(
            "{count} whose accents are encoded otherwise than the file's name"
        ));
    }
    notes.extend(parts_taken(&table, &columns));
    notes.extend(fold(&mut lines));
    Ok((lines, notes))
}

/// Which names of the split's parts were taken for which.
fn parts_taken(table: &Table, columns: &Columns) -> Option<String> {
    let rows = table
        .rows
        .iter()
        .filter_map(|(_, row)| columns.fields(row)[5]);
    let names: BTreeSet<&str> = rows.collect();
    let taken = names.into_iter().filter_map(|name| {
        let own = part_named(name).ok()?.name();
        (name != own).then(|| format!("{name} as {own}"))
    });
    let taken: Vec<String> = taken.collect();
    (!taken.is_empty()).then(|| format!("split: {}", taken.join(", ")))
}

/// Gives every label and speaker one spelling, and says which were folded.
fn fold(lines: &mut [Line]) -> Vec<String> {
    let labels = Spelling::new(lines.iter().map(|line| line.label.as_str()), key);
    let speakers = lines.iter().filter_map(|line| line.speaker.as_deref());
    let speakers = Spelling::new(speakers, speaker_key);
    for line in lines.iter_mut() {
        line.label = labels.of(&line.label).into_owned();
        if let Some(speaker) = &mut line.speaker {
            *speaker = speakers.of(speaker).into_owned();
        }
    }
    let mut notes = labels.notes("label");
    notes.extend(speakers.notes("speaker"));
    notes
}

fn line(fields: [Option<&str>; 8], files: &mut Files, number: u64) -> Result<Line, String> {
    let [path, label, speaker, start, end, part, channel, of_tracks] = fields;
    let path = files.find(path.ok_or("the path is empty")?)?;
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
        segment: (start.is_some_and(|start| start > 0.0) || end.is_some()).then_some(Segment {
            start: start.unwrap_or(0.0),
            end,
        }),
        part: part.map(part_named).transpose()?,
        channels: channels(channel)?,
        track: track(of_tracks)?,
    })
}

/// What lines must have in common, and what must differ.
fn check_together(lines: &[Line]) -> Result<(), Mistake> {
    let first = (lines.first())
        .ok_or_else(|| "there is no line below the first, the names of the columns".to_owned())?;
    let mut seen: HashMap<_, u64> = HashMap::new();
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
        let part = (&line.path, bounds, line.channels, line.track);
        if let Some(before) = seen.insert(part, line.number) {
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
