use super::*;
use crate::testing::tree;
use crate::walk::walk;

const SORTED: [&str; 4] = [
    "joy/ann_1.wav",
    "joy/more/bob_2.wav",
    "anger/ann_3.flac",
    "anger/bob_4.wav",
];

fn read_tree(dir: &tempfile::TempDir, pattern: Option<&str>) -> Result<Corpus, CorpusError> {
    let found = walk(dir.path()).unwrap();
    read(dir.path(), "sorted".into(), found, pattern)
}

#[test]
fn the_sub_folders_are_the_labels_and_a_pattern_tells_the_speakers() {
    let dir = tree(&SORTED);
    let corpus = read_tree(&dir, Some("(?<speaker>[a-z]+)_[0-9]")).unwrap();
    assert_eq!(corpus.card.label_names(), ["anger", "joy"]);
    assert_eq!(corpus.speakers(), ["ann", "bob"]);
    let labels: Vec<usize> = corpus.clips.iter().map(|clip| clip.label).collect();
    assert_eq!(labels, [0, 0, 1, 1]);
}

#[test]
fn without_a_pattern_nobody_is_known() {
    let corpus = read_tree(&tree(&SORTED), None).unwrap();
    assert_eq!(corpus.speakers(), [UNKNOWN_SPEAKER]);
}

#[test]
fn what_does_not_fit_is_listed_with_the_reason() {
    let dir = tree(&[&SORTED[..], &["stray.wav", "joy/7.wav"]].concat());
    let corpus = read_tree(&dir, Some("/(?<speaker>[a-z]+)_")).unwrap();
    let reason = |file: &str| {
        let skipped = corpus.skipped.iter().find(|s| s.path.ends_with(file));
        skipped.unwrap().reason.clone()
    };
    assert_eq!(corpus.clips.len(), 4);
    assert!(reason("stray.wav").contains("no label's folder"));
    assert!(reason("7.wav").contains("finds no speaker"));
}

#[test]
fn a_wrong_speaker_pattern_is_an_error() {
    for (pattern, what) in [
        ("(?<speaker>", "not a regular expression"),
        ("([a-z]+)_", "no group named speaker"),
        ("(?<speaker>[0-9]{9})", "none of its 4 sound files"),
        ("(?<speaker>[a-z]+/)", "one of / "),
    ] {
        let error = read_tree(&tree(&SORTED), Some(pattern)).unwrap_err();
        let error = error.to_string();
        assert!(error.contains(what), "{pattern}: {error}");
    }
}

#[test]
fn one_label_is_too_few() {
    let error = read_tree(&tree(&["joy/a.wav", "b.wav"]), None).unwrap_err();
    assert!(error.to_string().contains("only joy"), "{error}");
    let error = read_tree(&tree(&["joy/a.txt"]), None).unwrap_err();
    assert!(error.to_string().contains("no sound file in it"), "{error}");
}

#[test]
fn a_recording_in_two_formats_counts_once_and_lossless_comes_first() {
    let dir = tree(&["joy/a.mp3", "joy/a.wav", "joy/b/a.mp3", "anger/a.ogg"]);
    let corpus = read_tree(&dir, None).unwrap();
    let clips: Vec<&Path> = (corpus.clips.iter())
        .map(|clip| below(dir.path(), &clip.path))
        .collect();
    assert_eq!(
        clips,
        ["anger/a.ogg", "joy/a.wav", "joy/b/a.mp3"].map(Path::new)
    );
    assert_eq!(
        corpus.skipped[0].reason,
        "the same recording, by its name, as joy/a.wav"
    );
}

#[test]
fn names_of_splits_and_bare_numbers_are_no_labels() {
    for (files, what) in [
        (
            ["train/angry/a.wav", "test/sad/b.wav"],
            "its sub-folders test, train are named after",
        ),
        (
            ["0001/angry/a.wav", "0002/sad/b.wav"],
            "its sub-folders 0001, 0002 are bare numbers",
        ),
    ] {
        let error = read_tree(&tree(&files), None).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    }
    // Unless the pattern says so.
    let corpus = read_tree(&tree(&["1/a.wav", "2/b.wav"]), Some("^(?<label>[^/]+)/")).unwrap();
    assert_eq!(corpus.card.label_names(), ["1", "2"]);
}

#[test]
fn a_pattern_finds_labels_at_another_level_and_the_split() {
    let files = [
        "Train/Angry/ann_1.wav",
        "train/sad/ann_2.wav",
        "dev/angry/bob_1.wav",
        "test/sad/eve_1.wav",
    ];
    let pattern = "^(?<split>[^/]+)/(?<label>[^/]+)/(?<speaker>[a-z]+)_";
    let corpus = read_tree(&tree(&files), Some(pattern)).unwrap();
    assert_eq!(corpus.card.label_names(), ["angry", "sad"]);
    assert_eq!(corpus.notes, ["label angry, also written Angry"]);
    let split = corpus.card.split.unwrap();
    assert_eq!(
        (split.test, split.validation),
        (vec!["eve".into()], vec!["bob".into()])
    );
    // A speaker in two parts must not pass.
    let files = ["train/angry/ann_1.wav", "test/sad/Ann_2.wav"];
    let pattern = "^(?<split>[^/]+)/(?<label>[^/]+)/(?<speaker>[A-Za-z]+)_";
    let error = read_tree(&tree(&files), Some(pattern))
        .unwrap_err()
        .to_string();
    assert!(error.contains("is in two parts of the split"), "{error}");
}
