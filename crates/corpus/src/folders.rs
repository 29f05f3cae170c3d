//! A folder per label: recordings that somebody sorted, `anger/a.wav`,
//! `joy/b.mp3`.
//!
//! The names of the sub-folders are the labels. A regular expression with a group
//! `speaker` finds the speaker in the path below the folder (`joy/ann_03.wav`).
//! Without it the speakers are unknown, and no voice can be held out: such a
//! corpus is refused wherever speakers must be kept apart. To call every file a
//! speaker of its own would pass unnoticed, and would leak.

use std::path::Path;

use regex::Regex;

use crate::duplicates::OneOfEach;
use crate::error::ensure;
use crate::speakers::check_speaker;
use crate::walk::{Found, below};
use crate::{Clip, Corpus, CorpusCard, CorpusError, Member, Skipped, UNKNOWN_SPEAKER};

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
    let labels = labels(root, &found).map_err(|what| CorpusError::layout(root, what))?;
    let once = OneOfEach::new((found.sounds.iter()).map(|p| (p.with_extension(""), p.as_path())));
    let (mut clips, mut skipped) = (Vec::new(), found.unreadable);
    for path in &found.sounds {
        let clip = match once.instead_of(&path.with_extension(""), path, root) {
            Some(reason) => Err(reason),
            None => clip(root, path, &labels, pattern.as_ref()),
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
    Ok(Corpus {
        card: CorpusCard::unwritten(name.clone(), format!("{name} (a folder per label)"), labels),
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
    })
}

/// The labels in the order of their names.
fn labels(root: &Path, found: &Found) -> Result<Vec<String>, String> {
    let mut labels: Vec<String> = (found.sounds.iter())
        .filter_map(|path| label_of(root, path))
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
    labels: &[String],
    pattern: Option<&Regex>,
) -> Result<Clip, String> {
    let label = label_of(root, path).ok_or("it is in no label's folder")?;
    let speaker = match pattern {
        None => UNKNOWN_SPEAKER.to_owned(),
        Some(pattern) => speaker_of(pattern, below(root, path))?,
    };
    Ok(Clip {
        path: path.to_path_buf(),
        segment: None,
        channel: None,
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
        regex.capture_names().any(|name| name == Some("speaker")),
        "the speaker pattern {pattern:?} has no group named speaker; write (?<speaker>...) around \
         the part that tells who speaks"
    );
    Ok(regex)
}

/// The speaker in the path below the folder, whose parts are joined by `/` on
/// every system.
fn speaker_of(pattern: &Regex, path: &Path) -> Result<String, String> {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    let text = parts.join("/");
    let speaker = (pattern.captures(&text))
        .and_then(|found| found.name("speaker"))
        .ok_or_else(|| {
            let pattern = pattern.as_str();
            format!("the speaker pattern {pattern:?} finds no speaker in its path")
        })?;
    check_speaker(speaker.as_str())?;
    Ok(speaker.as_str().to_owned())
}

#[cfg(test)]
mod tests;
