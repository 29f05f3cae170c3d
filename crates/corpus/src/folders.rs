//! A folder per label: recordings that somebody sorted, `anger/a.wav`,
//! `joy/b.mp3`.
//!
//! The names of the sub-folders are the labels. A regular expression with a group
//! `speaker` finds the speaker in the path below the folder (`joy/ann_03.wav`).
//! Without it the speakers are unknown, and no voice can be held out: such a
//! corpus is refused wherever speakers must be kept apart. To call every file a
//! speaker of its own would pass unnoticed, and would leak.
//!
//! Where the labels are at another level (`train/joy/a.wav`, `ann/joy/1.wav`), the
//! same pattern finds them with a group `label`, and the part of a split with a group
//! `split`. Without it, sub-folders with the name of a part or a bare number are
//! refused: they are hardly labels.

use std::collections::BTreeMap;
use std::path::Path;

use audio::Channels;
use regex::Regex;

use crate::duplicates::OneOfEach;
use crate::error::ensure;
use crate::manifest::Part;
use crate::manifest::fields::part_named;
use crate::speakers::{check_speaker, sorted};
use crate::spelling::{Spelling, key, speaker_key};
use crate::walk::{Found, below};
use crate::{
    Clip, Corpus, CorpusCard, CorpusError, DefaultSplit, Hint, Member, Skipped, UNKNOWN_SPEAKER,
    is_unknown,
};

/// Names of emotions by which folders are recognised. A folder of another name is
/// a label only where the caller asks for `folders`: it could be a speaker's.
const EMOTIONS: [&str; 36] = [
    "afraid",
    "anger",
    "angry",
    "annoyed",
    "anxiety",
    "anxious",
    "bored",
    "boredom",
    "calm",
    "contempt",
    "disgust",
    "disgusted",
    "elation",
    "embarrassment",
    "excited",
    "excitement",
    "fear",
    "fearful",
    "frustrated",
    "frustration",
    "happiness",
    "happy",
    "interest",
    "irony",
    "joy",
    "joyful",
    "neutral",
    "pleasant_surprise",
    "pride",
    "relief",
    "sad",
    "sadness",
    "shame",
    "surprise",
    "surprised",
    "worried",
];

/// Whether a word names an emotion.
fn is_emotion(word: &str) -> bool {
    EMOTIONS.contains(&&*word.to_lowercase())
}

/// What the sub-folders of a folder look like.
pub(crate) enum Look {
    /// Every sound file lies below a sub-folder named after an emotion, and there
    /// are at least two of these.
    Labels(Vec<String>),
    /// Some sound files do. This folder or file is the first that does not.
    Mixed(String),
    /// Anything else.
    Other,
}

/// How the sub-folders that hold sound files are named.
pub(crate) fn look(root: &Path, found: &Found) -> Look {
    let mut labels: Vec<String> = Vec::new();
    let mut odd: Option<String> = None;
    for path in &found.sounds {
        match label_of(root, path) {
            Some(label) if is_emotion(&label) => {
                if !labels.contains(&label) {
                    labels.push(label);
                }
            }
            Some(folder) => odd = odd.or(Some(folder)),
            None => odd = odd.or(Some(below(root, path).display().to_string())),
        }
    }
    match (labels.len(), odd) {
        (0, _) => Look::Other,
        (1, None) => Look::Other,
        (_, Some(odd)) => Look::Mixed(odd),
        (_, None) => Look::Labels(labels),
    }
}

/// Reads a folder per label. `name` becomes that of the corpus.
///
/// A recording that a folder has in two formats counts once, as with a
/// [card](Corpus::scan).
///
/// # Errors
///
/// [`CorpusError::Layout`] for fewer than two labels, or where no recording's
/// speaker can be found; [`CorpusError::Sources`] for a wrong speaker pattern.
pub(crate) fn read(
    root: &Path,
    name: String,
    found: Found,
    speaker_pattern: Option<&str>,
) -> Result<Corpus, CorpusError> {
    if found.sounds.is_empty() {
        return Err(CorpusError::layout(root, found.no_sounds(root)));
    }
    let pattern = speaker_pattern.map(speaker_regex).transpose();
    let pattern = pattern.map_err(CorpusError::sources)?;
    let labels_in_pattern = pattern.as_ref().is_some_and(|p| has_group(p, "label"));
    if !labels_in_pattern {
        refuse_odd_labels(root, &found)?;
    }
    let label_of = |path: &Path| match &pattern {
        Some(pattern) if labels_in_pattern => group_of(pattern, "label", below(root, path)),
        _ => label_of(root, path),
    };
    let spelling: Vec<String> = found.sounds.iter().filter_map(|p| label_of(p)).collect();
    let spelling = Spelling::new(spelling.iter().map(String::as_str), key);
    let label_of = |path: &Path| label_of(path).map(|label| spelling.of(&label).into_owned());
    let labels = labels(&found, label_of).map_err(|what| CorpusError::layout(root, what))?;
    let once = OneOfEach::new((found.sounds.iter()).map(|p| (p.with_extension(""), p.as_path())));
    let (mut clips, mut skipped) = (Vec::new(), found.unreadable);
    for path in &found.sounds {
        let clip = match once.instead_of(&path.with_extension(""), path, root) {
            Some(reason) => Err(reason),
            None => clip(root, path, label_of(path), &labels, pattern.as_ref()),
        };
        match clip {
            Ok(clip) => clips.push(clip),
            Err(reason) => skipped.push(Skipped {
                path: path.clone(),
                reason,
            }),
        }
    }
    skipped.sort_by(|a, b| a.path.cmp(&b.path));
    if let ([], Some(first)) = (clips.as_slice(), skipped.first()) {
        let what = format!(
            "none of its {} sound files can be used; {}: {}",
            skipped.len(),
            below(root, &first.path).display(),
            first.reason
        );
        return Err(CorpusError::layout(root, what));
    }
    let speakers = Spelling::new(clips.iter().map(|clip| clip.speaker.as_str()), speaker_key);
    for clip in &mut clips {
        clip.speaker = speakers.of(&clip.speaker).into_owned();
    }
    let notes = [spelling.notes("label"), speakers.notes("speaker")].concat();
    let split = match &pattern {
        Some(pattern) if has_group(pattern, "split") => {
            Some(split(root, &clips, pattern).map_err(|what| CorpusError::layout(root, what))?)
        }
        _ => None,
    };
    Ok(Corpus {
        card: CorpusCard {
            split,
            ..CorpusCard::unwritten(name.clone(), format!("{name} (a folder per label)"), labels)
        },
        root: root.to_path_buf(),
        members: vec![Member {
            name: name.clone(),
            people: name,
            read_as: "folders".to_owned(),
            why: "as asked for".to_owned(),
            root: root.to_path_buf(),
        }],
        clips,
        skipped,
        notes,
    })
}

/// Refuses sub-folders whose names are hardly labels.
fn refuse_odd_labels(root: &Path, found: &Found) -> Result<(), CorpusError> {
    let mut names: Vec<String> = found
        .sounds
        .iter()
        .filter_map(|p| label_of(root, p))
        .collect();
    names.sort();
    names.dedup();
    let odd = |is_odd: fn(&str) -> bool| -> Vec<&str> {
        names
            .iter()
            .map(String::as_str)
            .filter(|name| is_odd(name))
            .take(3)
            .collect()
    };
    let parts = odd(|name| part_named(name).is_ok());
    let numbers = odd(|name| name.chars().all(|c| c.is_ascii_digit()));
    let (names, are, pattern) = if !parts.is_empty() {
        (parts, "named after parts of a split", SPLIT_FIRST)
    } else if !numbers.is_empty() {
        (numbers, "bare numbers", SPEAKER_FIRST)
    } else {
        return Ok(());
    };
    let what = format!(
        "its sub-folders {} are {are}, so they are hardly labels. If the labels are one level \
         below, say so by the speaker pattern '{pattern}'; if they are labels all the same, by \
         '^(?<label>[^/]+)/'. A card can read any other layout (datasets/README.md)",
        names.join(", ")
    );
    Err(CorpusError::layout(root, what).with_hint(Hint::SpeakerPattern))
}

/// Patterns for labels at the second level.
const SPLIT_FIRST: &str = "^(?<split>[^/]+)/(?<label>[^/]+)/";
const SPEAKER_FIRST: &str = "^(?<speaker>[^/]+)/(?<label>[^/]+)/";

/// The pattern for a folder whose labels are at the second level; none where they are
/// not.
pub(crate) fn labels_below(root: &Path, found: &Found) -> Option<&'static str> {
    let mut is_split = true;
    for path in &found.sounds {
        let parts: Vec<_> = below(root, path)
            .iter()
            .map(|p| p.to_string_lossy())
            .collect();
        let [first, second, _, ..] = parts.as_slice() else {
            return None;
        };
        if !is_emotion(second) {
            return None;
        }
        is_split &= part_named(first).is_ok();
    }
    (!found.sounds.is_empty()).then_some(match is_split {
        true => SPLIT_FIRST,
        false => SPEAKER_FIRST,
    })
}

/// The speakers of each part of the split that the paths name.
fn split(root: &Path, clips: &[Clip], pattern: &Regex) -> Result<DefaultSplit, String> {
    let mut part_of: BTreeMap<&str, (Part, &Path)> = BTreeMap::new();
    for clip in clips {
        let path = below(root, &clip.path);
        let name = group_of(pattern, "split", path).unwrap_or_default();
        let part = part_named(&name)
            .map_err(|_| format!("{}: {name:?} is no part of a split", path.display()))?;
        ensure!(
            !is_unknown(&clip.speaker),
            "its folders name the parts of a split, but nobody says who speaks, so one voice could \
             be in two parts. Add a group `speaker` to the pattern where the paths tell it, or \
             leave the group `split` away"
        );
        let (first, other) = *part_of.entry(&clip.speaker).or_insert((part, path));
        ensure!(
            first == part,
            "the speaker {} is in two parts of the split, with {} and {}; a voice that is trained \
             on must not be tested. Leave the group `split` away to have speakers drawn",
            clip.speaker,
            other.display(),
            path.display()
        );
    }
    let speakers = |part: Part| -> Vec<String> {
        let of_part = part_of.iter().filter(|(_, (other, _))| *other == part);
        sorted(of_part.map(|(speaker, _)| (*speaker).to_owned()).collect())
    };
    Ok(DefaultSplit {
        test: speakers(Part::Test),
        validation: speakers(Part::Validation),
    })
}

/// The labels in the order of their names.
fn labels(
    found: &Found,
    label_of: impl Fn(&Path) -> Option<String>,
) -> Result<Vec<String>, String> {
    let mut labels: Vec<String> = found
        .sounds
        .iter()
        .filter_map(|path| label_of(path))
        .collect();
    labels.sort();
    labels.dedup();
    ensure!(
        labels.len() >= 2,
        "a folder per label needs at least two sub-folders with recordings, named after the \
         labels; here there is {}",
        match labels.as_slice() {
            [] => "none".to_owned(),
            labels => format!("only {}", labels.join(", ")),
        }
    );
    Ok(labels)
}

/// The recording as a clip, or why it cannot be one.
fn clip(
    root: &Path,
    path: &Path,
    label: Option<String>,
    labels: &[String],
    pattern: Option<&Regex>,
) -> Result<Clip, String> {
    let label = label.ok_or("it is in no label's folder")?;
    let speaker = match pattern {
        Some(pattern) if has_group(pattern, "speaker") => speaker_of(pattern, below(root, path))?,
        _ => UNKNOWN_SPEAKER.to_owned(),
    };
    Ok(Clip {
        path: path.to_path_buf(),
        segment: None,
        channels: Channels::Mix,
        track: None,
        label: labels.iter().position(|other| *other == label).unwrap_or(0),
        speaker,
        member: 0,
        parts: Default::default(),
    })
}

/// The sub-folder of `root` that a file lies below.
fn label_of(root: &Path, path: &Path) -> Option<String> {
    let mut parts = path.strip_prefix(root).ok()?.components();
    let first = parts.next()?.as_os_str().to_string_lossy().into_owned();
    parts.next().map(|_| first)
}

fn speaker_regex(pattern: &str) -> Result<Regex, String> {
    let regex = Regex::new(pattern).map_err(|error| {
        format!("the speaker pattern {pattern:?} is not a regular expression: {error}")
    })?;
    ensure!(
        has_group(&regex, "speaker") || has_group(&regex, "label"),
        "the speaker pattern {pattern:?} has no group named speaker; write (?<speaker>...) around \
         the part that tells who speaks"
    );
    Ok(regex)
}

fn has_group(pattern: &Regex, group: &str) -> bool {
    pattern.capture_names().any(|name| name == Some(group))
}

/// What a group of the pattern finds in the path below the folder, whose parts are
/// joined by `/` on every system.
fn group_of(pattern: &Regex, group: &str, path: &Path) -> Option<String> {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    let text = parts.join("/");
    let found = pattern.captures(&text)?.name(group)?;
    Some(found.as_str().to_owned())
}

fn speaker_of(pattern: &Regex, path: &Path) -> Result<String, String> {
    let speaker = group_of(pattern, "speaker", path).ok_or_else(|| {
        let pattern = pattern.as_str();
        format!("the speaker pattern {pattern:?} finds no speaker in its path")
    })?;
    check_speaker(&speaker)?;
    Ok(speaker)
}

#[cfg(test)]
mod tests;
