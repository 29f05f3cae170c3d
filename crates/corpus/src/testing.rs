//! What the tests share.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use crate::{Clip, Corpus, CorpusCard};

/// A folder with these files in it, all empty: only names are looked at.
pub(crate) fn tree(files: &[&str]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for file in files {
        let path = dir.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, b"").unwrap();
    }
    dir
}

/// A corpus of these speakers with so many clips of each, which are not on the disk.
pub(crate) fn corpus_of(card: CorpusCard, speakers: &[&str], clips_of_each: usize) -> Corpus {
    let labels = card.label_names().len();
    let clips = (speakers.iter())
        .flat_map(|speaker| {
            (0..clips_of_each).map(move |clip| Clip {
                path: PathBuf::from(format!("{speaker}-{clip}.wav")),
                label: clip % labels,
                speaker: (*speaker).to_owned(),
                segment: None,
                channels: audio::Channels::Mix,
                track: None,
                member: 0,
                parts: BTreeMap::new(),
            })
        })
        .collect();
    Corpus {
        card,
        root: PathBuf::from("corpus"),
        members: Vec::new(),
        clips,
        skipped: Vec::new(),
        notes: Vec::new(),
    }
}

/// The first TOML block below a heading of `datasets/README.md`.
pub(crate) fn readme_example(heading: &str) -> &'static str {
    let readme = datasets::README;
    let (_, section) = readme.split_once(heading).unwrap();
    let (_, rest) = section.split_once("```toml\n").unwrap();
    rest.split_once("```").unwrap().0
}
