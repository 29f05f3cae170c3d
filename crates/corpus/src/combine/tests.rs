use super::*;
use crate::testing::tree;
use crate::{CorpusSource, Folds, LabelMap, Sources, split_by_speaker};

/// Sources of these folders with this map and rule, as `auto` reads them.
fn sources(dirs: &[&Path], map: &str, rule: Option<LabelSet>) -> Sources {
    Sources {
        label_set: rule,
        labels: toml::from_str(map).unwrap(),
        corpora: (dirs.iter())
            .map(|dir| CorpusSource {
                dir: dir.to_path_buf(),
                corpus: "auto".into(),
                name: None,
                speaker_pattern: None,
                labels: LabelMap::default(),
            })
            .collect(),
    }
}

/// Two actors of RAVDESS and two of EmoDB, happy and neutral and one more.
fn two() -> tempfile::TempDir {
    tree(&[
        "r/Actor_03/03-01-01-01-01-01-03.wav",
        "r/Actor_03/03-01-02-01-01-01-03.wav",
        "r/Actor_10/03-01-03-01-01-01-10.wav",
        "e/03a01Na.wav",
        "e/03a01La.wav",
        "e/16a01Fa.wav",
    ])
}

const MAP: &str = "[rename]\nhappy = 'happiness'\n";

#[test]
fn speakers_carry_their_corpus_and_labels_are_those_of_all() {
    let dir = two();
    let (r, e) = (dir.path().join("r"), dir.path().join("e"));
    let corpus = sources(&[&r, &e], MAP, Some(LabelSet::Common))
        .open()
        .unwrap();
    assert_eq!(corpus.card.name, "ravdess+emodb");
    assert_eq!(
        corpus.card.label_names(),
        ["neutral", "happiness", "disgust"]
    );
    assert_eq!(
        corpus.speakers(),
        ["emodb:03", "emodb:16", "ravdess:3", "ravdess:10"]
    );
    // Calm and boredom are of one corpus only.
    assert_eq!(corpus.clips.len(), 4);
    assert!(
        corpus
            .clips
            .iter()
            .all(|c| c.path.starts_with(&corpus.root))
    );
    assert!(corpus.card.licence.contains("CC BY-NC-SA") && corpus.card.licence.contains("emodb:"));
    assert!(corpus.card.sex("emodb:16").is_some());

    let asked = ["ravdess:03".to_owned()];
    let split = split_by_speaker(&corpus, Some(&asked), Some(&[]), 1).unwrap();
    assert_eq!(split.test_speakers, ["ravdess:3"]);
    assert_eq!(split.train.len(), 3);
}

#[test]
fn all_labels_are_another_choice() {
    let dir = two();
    let (r, e) = (dir.path().join("r"), dir.path().join("e"));
    let corpus = sources(&[&r, &e], MAP, Some(LabelSet::All)).open().unwrap();
    assert_eq!(corpus.clips.len(), 6);
    let labels = corpus.card.label_names();
    assert_eq!((labels[0].as_str(), labels.len()), ("neutral", 12));
}

#[test]
fn labels_that_differ_need_a_rule() {
    let dir = two();
    let (r, e) = (dir.path().join("r"), dir.path().join("e"));
    let error = sources(&[&r, &e], MAP, None)
        .open()
        .unwrap_err()
        .to_string();
    for part in [
        "ravdess: neutral, calm",
        "emodb: anger",
        "now neutral, happiness, disgust",
    ] {
        assert!(error.contains(part), "{error}");
    }
    let error = sources(&[&r, &e], MAP, None).open().unwrap_err();
    assert_eq!(error.hint(), Some(&Hint::LabelSet));
    let map = "drop = ['neutral', 'disgust']";
    let error = sources(&[&r, &e], map, Some(LabelSet::Common))
        .open()
        .unwrap_err();
    assert!(
        error.to_string().contains("fewer than two labels"),
        "{error}"
    );
    assert_eq!(error.hint(), Some(&Hint::LabelMap));
    let error = sources(&[&r, &e], "drop = ['bordom']", None)
        .open()
        .unwrap_err();
    assert!(error.to_string().contains("no label \"bordom\""), "{error}");
}

#[test]
fn the_same_actors_in_two_corpora_are_the_same_speakers() {
    let dir = tree(&[
        "speech/03-01-01-01-01-01-01.wav",
        "speech/03-01-03-01-01-01-02.wav",
        "song/03-02-01-01-01-01-01.wav",
    ]);
    let (speech, song) = (dir.path().join("speech"), dir.path().join("song"));
    let rule = Some(LabelSet::Common);
    let corpus = sources(&[&speech, &song], "", rule).open().unwrap();
    assert_eq!(corpus.speakers(), ["ravdess:1", "ravdess:2"]);
    assert_eq!(corpus.members[1].name, "ravdess-song");
    // So that no corpus can be left out without leaving its actors in.
    let error = Folds::new("loco", &corpus).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("ravdess:1 (in ravdess and ravdess-song)"),
        "{error}"
    );
}

#[test]
fn leaving_one_corpus_out_tests_each_by_a_model_of_the_others() {
    let dir = two();
    let (r, e) = (dir.path().join("r"), dir.path().join("e"));
    let corpus = sources(&[&r, &e], MAP, Some(LabelSet::Common))
        .open()
        .unwrap();
    // The files are empty, and so alike; what is tested here is who is where.
    for (index, clip) in corpus.clips.iter().enumerate() {
        std::fs::write(&clip.path, index.to_string()).unwrap();
    }
    let folds = Folds::new("loco", &corpus).unwrap();
    let tested: Vec<(&str, &[String])> = (folds.folds().iter())
        .map(|fold| (fold.name.as_str(), &fold.test[..]))
        .collect();
    let names = |a: &str, b: &str| vec![a.to_owned(), b.to_owned()];
    assert_eq!(
        tested,
        [
            ("ravdess", &names("ravdess:3", "ravdess:10")[..]),
            ("emodb", &names("emodb:03", "emodb:16")[..])
        ]
    );
    let alone = sources(&[&r], "", None).open().unwrap();
    let error = Folds::new("loco", &alone).unwrap_err();
    assert!(
        error.to_string().contains("there is only ravdess"),
        "{error}"
    );
}

#[test]
fn two_corpora_of_one_name_are_an_error() {
    let dir = two();
    let r = dir.path().join("r");
    let error = sources(&[&r, &r], "", None).open().unwrap_err().to_string();
    assert!(error.contains("both called ravdess"), "{error}");
}

#[test]
fn a_label_set_is_read_from_its_name() {
    for set in [LabelSet::Common, LabelSet::All] {
        assert_eq!(set.to_string().parse::<LabelSet>().unwrap(), set);
    }
    let error = "most".parse::<LabelSet>().unwrap_err().to_string();
    assert_eq!(error, "\"most\" is not a label set; write common or all");
}
