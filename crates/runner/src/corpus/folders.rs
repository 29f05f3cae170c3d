//! A folder per label: recordings that somebody sorted, `anger/a.wav`,
//! `joy/b.wav`.
//!
//! The sub-folders' names are the labels. Who speaks is told by a regular
//! expression with a group `speaker`, looked for in the way from the folder to
//! the file (`joy/ann_03.wav`); without one nobody knows, and then no voice can
//! be kept apart: such a corpus is refused wherever speakers matter. Calling
//! every file a speaker of its own would pass, and would leak.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use regex::Regex;

use super::scan::no_sounds;
use super::walk::{Found, below};
use super::{Clip, Corpus, CorpusCard, Member, Skipped, UNKNOWN_SPEAKER, check_speaker};

/// Names of emotions that folders are known by. A folder of another name is a
/// label only where `--corpus folders` says so: it could be a speaker's.
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

/// Whether a word is the name of an emotion.
fn is_emotion(word: &str) -> bool {
    EMOTIONS.contains(&&*word.to_lowercase())
}

/// What the sub-folders of a folder look like.
pub(super) enum Look {
    /// Every sound file lies below a sub-folder with an emotion's name.
    Labels(Vec<String>),
    /// Some do, and then there are these.
    Mixed(String),
    /// None does.
    Other,
}

/// How the sub-folders that hold sound files are named.
pub(super) fn look(root: &Path, found: &Found) -> Look {
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

/// Reads a folder per label.
///
/// # Errors
///
/// Fewer than two labels; a pattern that is none; no recording whose speaker it
/// tells.
pub(super) fn read(
    root: &Path,
    name: String,
    found: Found,
    speaker_pattern: Option<&str>,
) -> Result<Corpus> {
    let shown = root.display();
    if found.sounds.is_empty() {
        bail!("{shown}: {}", no_sounds(root, &found.others).trim_end());
    }
    let pattern = speaker_pattern.map(speaker_regex).transpose()?;
    let mut labels: Vec<String> = (found.sounds.iter())
        .filter_map(|path| label_of(root, path))
        .collect();
    labels.sort();
    labels.dedup();
    ensure!(
        labels.len() >= 2,
        "{shown}: a folder per label needs at least two sub-folders with recordings, named after \
         the labels; here is {}",
        match labels.as_slice() {
            [] => "none".to_owned(),
            labels => format!("only {}", labels.join(", ")),
        }
    );
    let (mut clips, mut skipped) = (Vec::new(), found.unreadable);
    for path in found.sounds {
        let Some(label) = label_of(root, &path) else {
            skipped.push(Skipped {
                path,
                reason: "lies in no label's folder".to_owned(),
            });
            continue;
        };
        let speaker = match &pattern {
            None => UNKNOWN_SPEAKER.to_owned(),
            Some(pattern) => match speaker_of(pattern, below(root, &path)) {
                Ok(speaker) => speaker,
                Err(reason) => {
                    skipped.push(Skipped { path, reason });
                    continue;
                }
            },
        };
        clips.push(Clip {
            path,
            segment: None,
            channel: None,
            label: labels.iter().position(|other| *other == label).unwrap_or(0),
            speaker,
            member: 0,
            parts: Default::default(),
        });
    }
    skipped.sort_by(|a, b| a.path.cmp(&b.path));
    if let ([], Some(first)) = (clips.as_slice(), skipped.first()) {
        bail!(
            "{shown}: none of its {} sound files can be taken; {}: {}",
            skipped.len(),
            below(root, &first.path).display(),
            first.reason
        );
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

/// The sub-folder of `root` that a file lies below.
fn label_of(root: &Path, path: &Path) -> Option<String> {
    let way = path.strip_prefix(root).ok()?;
    let mut parts = way.components();
    let first = parts.next()?.as_os_str().to_string_lossy().into_owned();
    parts.next().map(|_| first)
}

fn speaker_regex(pattern: &str) -> Result<Regex> {
    let regex = Regex::new(pattern)
        .with_context(|| format!("--speaker-pattern {pattern:?}: not a regular expression"))?;
    ensure!(
        regex
            .capture_names()
            .flatten()
            .any(|name| name == "speaker"),
        "--speaker-pattern {pattern:?} has no group named speaker; write (?<speaker>...) around \
         the part that tells who speaks"
    );
    Ok(regex)
}

fn speaker_of(pattern: &Regex, way: &Path) -> Result<String, String> {
    let parts: Vec<_> = way.iter().map(|part| part.to_string_lossy()).collect();
    let text = parts.join("/");
    let speaker = (pattern.captures(&text))
        .and_then(|found| found.name("speaker"))
        .ok_or_else(|| {
            format!(
                "the speaker pattern {:?} finds nothing in it",
                pattern.as_str()
            )
        })?;
    check_speaker(speaker.as_str()).map_err(|error| error.to_string())?;
    Ok(speaker.as_str().to_owned())
}

#[cfg(test)]
mod tests;
