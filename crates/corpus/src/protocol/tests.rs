use super::*;
use crate::testing::{corpus_of, tree};
use crate::{CorpusCard, UNKNOWN_SPEAKER};

/// The actors of RAVDESS from `first` to `last`, with 30 clips each.
fn ravdess(first: u32, last: u32) -> Corpus {
    let names: Vec<String> = (first..=last).map(|actor| actor.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    corpus_of(CorpusCard::ravdess(), &names, 30)
}

/// The name of every fold with its test speakers.
fn tested(folds: &Folds) -> Vec<(&str, String)> {
    (folds.folds().iter())
        .map(|fold| (&*fold.name, fold.test.join(" ")))
        .collect()
}

fn error_of(name: &str, corpus: &Corpus) -> String {
    Folds::new(name, corpus).unwrap_err().to_string()
}

/// The folds are part of what a published figure means, so they must never change.
#[test]
fn the_drawn_folds_are_those_they_always_were() {
    let corpus = ravdess(1, 12);
    let folds = Folds::new("k5", &corpus).unwrap();
    assert_eq!(
        tested(&folds),
        [
            ("1", "2 4 7".to_owned()),
            ("2", "6 9 11".to_owned()),
            ("3", "3 8".to_owned()),
            ("4", "1 10".to_owned()),
            ("5", "5 12".to_owned()),
        ]
    );
    assert_eq!(folds.title(), "5 folds of speakers, drawn by seed 1");
    let split = folds.split(0, &corpus, 1, true).unwrap();
    assert_eq!(split.validation_speakers, ["6", "9"]);
    assert_eq!(split.train.len(), 7 * 30);
    let split = folds.split(0, &corpus, 1, false).unwrap();
    assert!(split.validation.is_empty());
    assert_eq!(split.train.len(), 9 * 30);
}

#[test]
fn more_folds_than_speakers_cannot_be_drawn() {
    let error = error_of("k13", &ravdess(1, 12));
    assert!(error.contains("13 folds cannot be made of 12"), "{error}");
    assert!(error_of("k1", &ravdess(1, 12)).contains("from 2 to 12"));
}

#[test]
fn published_folds_are_run_with_the_speakers_that_are_there() {
    let all = Folds::new("luna5", &ravdess(1, 24)).unwrap();
    assert_eq!(all.folds().len(), 5);
    assert!(!all.source().is_empty() && all.speaker_disjoint());
    assert!(all.absent().is_empty() && all.impossible().is_empty());

    let few: Vec<&str> = all.folds()[1].test.iter().map(String::as_str).collect();
    let corpus = corpus_of(CorpusCard::ravdess(), &few, 1);
    let folds = Folds::new("luna5", &corpus).unwrap();
    assert_eq!((folds.name(), folds.folds().len()), ("luna5", 1));
    assert_eq!(folds.impossible().len(), 4);
    assert_eq!(folds.absent().len(), 24 - few.len());
    let error = error_of("luna5", &corpus_of(CorpusCard::ravdess(), &["x"], 1));
    assert!(error.contains("none of the test speakers of `luna5`"));
}

#[test]
fn leaving_one_speaker_out_makes_a_fold_of_each() {
    let corpus = corpus_of(CorpusCard::ravdess(), &["a:2", "a:10", "b:1"], 2);
    let folds = Folds::new("loso", &corpus).unwrap();
    let expected = [("a-2", "a:2"), ("a-10", "a:10"), ("b-1", "b:1")];
    let expected = expected.map(|(name, speaker)| (name, speaker.to_owned()));
    assert_eq!(tested(&folds), expected);
}

#[test]
fn nested_folds_leave_a_fold_out_altogether() {
    let corpus = ravdess(1, 12);
    let folds = Folds::new("nested-k3", &corpus).unwrap();
    assert_eq!(folds.folds().len(), 6);
    let (fold, _) = (tested(&folds).iter().enumerate())
        .find(|(_, (name, _))| *name == "1-without-2")
        .unwrap();
    let split = folds.split(fold, &corpus, 1, true).unwrap();
    assert_eq!(split.test_speakers, ["4", "5", "9", "10"]);
    assert_eq!(split.validation_speakers, ["2"]);
    assert_eq!(split.train_speakers, ["1", "8", "11"]);
    let speaker_of = |clip: &usize| &corpus.clips[*clip].speaker;
    assert!((split.train.iter()).all(|clip| split.train_speakers.contains(speaker_of(clip))));
    assert_eq!((split.train.len(), split.validation.len()), (90, 30));

    let two = Folds::new("nested-k2", &corpus).unwrap();
    let error = two.split(0, &corpus, 1, true).unwrap_err().to_string();
    assert!(error.contains("nobody is left to train on"), "{error}");
}

#[test]
fn only_folds_that_hold_out_each_speaker_once_can_be_nested() {
    let corpus = ravdess(1, 12);
    for name in ["nested-leaky-random", "nested-nested-k3"] {
        let error = error_of(name, &corpus);
        assert!(error.contains("cannot be nested"), "{error}");
    }
}

#[test]
fn random_folds_test_every_clip_once_and_are_those_they_always_were() {
    let corpus = ravdess(1, 12);
    let folds = Folds::new(LEAKY, &corpus).unwrap();
    assert!(!folds.speaker_disjoint());
    let splits: Vec<Split> = (0..5)
        .map(|fold| folds.split(fold, &corpus, 1, true).unwrap())
        .collect();
    assert_eq!(
        splits[0].test[..8],
        [0, 4, 17, 25, 26, 29, 30, 44],
        "the draw of seed 1"
    );
    assert_eq!(splits[4].test.iter().sum::<usize>(), 13_844);
    let mut all: Vec<usize> = splits.iter().flat_map(|s| s.test.clone()).collect();
    all.sort_unstable();
    assert_eq!(all, (0..360).collect::<Vec<_>>());
    assert_eq!(splits[0].validation.len(), 288 / 6);
    assert_eq!(splits[0].test_speakers, splits[0].train_speakers);
}

#[test]
fn unknown_speakers_allow_random_folds_alone() {
    let corpus = corpus_of(CorpusCard::emodb(), &[UNKNOWN_SPEAKER], 10);
    let error = Folds::new("loso", &corpus).unwrap_err();
    assert!(matches!(error, CorpusError::Speakers { .. }), "{error:?}");
    assert!(error.to_string().contains("`loso` keeps speakers apart"));
    assert_eq!(error.hint(), Some(&crate::Hint::SpeakerPattern));
    assert!(Folds::new(LEAKY, &corpus).is_ok());
}

#[test]
fn a_file_gives_fixed_lists_and_its_mistakes_are_refused_with_names() {
    let corpus = ravdess(1, 4);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mine.toml");
    let name = path.to_str().unwrap();
    let write = |folds: &str| {
        let head = "name = 'mine'\ntitle = 'Mine'\nsource = ''\n";
        std::fs::write(&path, format!("{head}folds = [{folds}]")).unwrap();
    };
    write("{ name = 'one', test = ['01', '2'] }, { name = 'two', test = ['3'] }");
    let folds = Folds::new(name, &corpus).unwrap();
    let expected = [("one", "1 2".to_owned()), ("two", "3".to_owned())];
    assert_eq!(tested(&folds), expected);

    for (folds, what) in [
        (
            "{ name = 'one', test = ['1'] }, { name = 'two', test = ['2', '01'] }",
            "tests speakers twice, so its folds are not apart: 1 (in one and two)",
        ),
        (
            "{ name = 'one', test = ['1'] }, { name = 'one', test = ['2'] }",
            "\"one\" is the name of two folds",
        ),
        (
            "{ name = '../one', test = ['1'] }",
            "\"../one\" cannot be the name of a fold",
        ),
        ("{ name = 'one' }", "not a protocol; it has name, title"),
    ] {
        write(folds);
        let error = error_of(name, &corpus);
        assert!(error.contains(what), "{error}");
        assert!(error.contains("mine.toml"), "{error}");
    }
    let error = error_of("luna7", &corpus);
    assert!(error.contains("luna5, emobox6, loso, loco, k5"), "{error}");
}

#[test]
fn the_same_recording_in_two_folds_is_refused_with_both_names() {
    let dir = tree(&[
        "03-01-01-01-01-01-01.wav",
        "03-01-03-01-01-01-01.wav",
        "03-01-01-01-01-01-02.wav",
    ]);
    let corpus = Corpus::scan(dir.path(), CorpusCard::ravdess()).unwrap();
    let content = |contents: [&str; 3]| {
        for (clip, content) in corpus.clips.iter().zip(contents) {
            std::fs::write(&clip.path, content).unwrap();
        }
    };
    let speakers: Vec<&str> = corpus.clips.iter().map(|c| &*c.speaker).collect();
    assert_eq!(speakers, ["1", "2", "1"]);
    content(["a", "b", "a"]);
    Folds::new("loso", &corpus).expect("both are in one fold");
    content(["a", "b", "b"]);
    let error = error_of("loso", &corpus);
    assert!(error.contains("the same recording is in two folds"));
    for name in ["03-01-01-01-01-01-02.wav", "03-01-03-01-01-01-01.wav"] {
        assert!(error.contains(name), "{error}");
    }
    assert!(!error.contains("03-01-01-01-01-01-01.wav"), "{error}");
}

#[test]
fn a_fold_that_is_not_there_is_an_error() {
    let corpus = ravdess(1, 4);
    let folds = Folds::new("k2", &corpus).unwrap();
    let error = folds.split(2, &corpus, 1, true).unwrap_err().to_string();
    assert!(error.contains("`k2` has 2 folds, and fold 2"), "{error}");
}
