//! What two folds must not share: names, speakers and recordings.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::Folds;
use crate::{Corpus, CorpusError, Fold};

/// Refuses a name that two folds share, or that cannot be that of a folder of
/// results: the results of one fold would replace those of another.
pub(super) fn refuse_names(folds: &Folds) -> Result<(), CorpusError> {
    let mut names = BTreeSet::new();
    for Fold { name, .. } in &folds.folds {
        let wrong = match names.insert(name) {
            true if !name.is_empty() && !name.contains(['/', '\\']) => continue,
            true => "cannot be the name of a fold; use letters and digits",
            false => "is the name of two folds; give each its own",
        };
        return Err(CorpusError::protocol(format!(
            "the protocol `{}`: {name:?} {wrong}",
            folds.name
        )));
    }
    Ok(())
}

/// Refuses a speaker in two folds.
pub(super) fn refuse_speakers(folds: &Folds) -> Result<(), CorpusError> {
    let mut fold_of = BTreeMap::new();
    let mut shared = Vec::new();
    for fold in &folds.folds {
        for speaker in &fold.test {
            if let Some(other) = fold_of.insert(speaker, &fold.name) {
                shared.push(format!("{speaker} (in {other} and {})", fold.name));
            }
        }
    }
    match shared.is_empty() {
        true => Ok(()),
        false => Err(CorpusError::protocol(format!(
            "the protocol `{}` tests speakers twice, so its folds are not apart: {}",
            folds.name,
            shared.join(", ")
        ))),
    }
}

/// Refuses a recording in two folds under different names: it would be both trained
/// on and tested.
pub(super) fn refuse_recordings(folds: &Folds, corpus: &Corpus) -> Result<(), CorpusError> {
    let fold_of: BTreeMap<&str, usize> = (folds.folds.iter().enumerate())
        .flat_map(|(index, fold)| fold.test.iter().map(move |s| (s.as_str(), index)))
        .collect();
    let place = |clip: usize| fold_of.get(corpus.clips[clip].speaker.as_str());
    let shared: Vec<String> = same_recordings(corpus)
        .into_iter()
        .filter(|same| same.iter().any(|clip| place(*clip) != place(same[0])))
        .map(|same| {
            let names = (same.iter()).map(|&clip| corpus.clips[clip].path.display().to_string());
            names.collect::<Vec<_>>().join(" = ")
        })
        .collect();
    match shared.is_empty() {
        true => Ok(()),
        false => Err(CorpusError::protocol(format!(
            "the same recording is in two folds under different names, so it would be both trained \
             on and tested: {}; remove all but one",
            shared.join("; ")
        ))),
    }
}

/// Clips whose files have the same bytes, in groups of two and more. Only files of
/// the same length and hash are compared.
fn same_recordings(corpus: &Corpus) -> Vec<Vec<usize>> {
    let mut by_length: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    // Clips that are segments of one file are not the same recording.
    let mut files = BTreeSet::new();
    for (index, clip) in corpus.clips.iter().enumerate() {
        if !files.insert(&clip.path) {
            continue;
        }
        // A file that cannot be read is reported where it is decoded.
        if let Ok(file) = clip.path.metadata() {
            by_length.entry(file.len()).or_default().push(index);
        }
    }
    let mut groups = Vec::new();
    for clips in by_length.into_values().filter(|clips| clips.len() > 1) {
        let mut by_content: BTreeMap<u64, Vec<(usize, Vec<u8>)>> = BTreeMap::new();
        for clip in clips {
            let Ok(bytes) = std::fs::read(&corpus.clips[clip].path) else {
                continue;
            };
            let mut hasher = DefaultHasher::new();
            bytes.hash(&mut hasher);
            let alike = by_content.entry(hasher.finish()).or_default();
            // The bytes are kept once for each content.
            match alike.first().is_some_and(|(_, first)| *first == bytes) {
                true => alike.push((clip, Vec::new())),
                false if alike.is_empty() => alike.push((clip, bytes)),
                false => {}
            }
        }
        let same = by_content.into_values().filter(|same| same.len() > 1);
        groups.extend(same.map(|same| same.into_iter().map(|(clip, _)| clip).collect()));
    }
    groups
}
