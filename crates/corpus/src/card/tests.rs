use super::*;
use crate::file_names::whole;
use crate::testing::readme_example;

#[test]
fn every_built_in_card_is_valid_and_named_as_itself() {
    for name in CorpusCard::builtin_names() {
        let card = CorpusCard::builtin(name).unwrap();
        assert_eq!(card.name, name);
        assert!(!card.licence.is_empty() && !card.citation.is_empty());
    }
    assert!(CorpusCard::builtin("RAVDESS").is_some());
    assert!(CorpusCard::builtin("other").is_none());
}

#[test]
fn a_card_survives_being_written_and_read_again() {
    for name in CorpusCard::builtin_names() {
        let card = CorpusCard::builtin(name).unwrap();
        let again = CorpusCard::parse(&toml::to_string(&card).unwrap()).unwrap();
        assert_eq!(card, again);
    }
}

#[test]
fn ravdess_has_its_eight_emotions_in_the_order_of_their_codes() {
    assert_eq!(
        CorpusCard::ravdess().label_names(),
        [
            "neutral",
            "calm",
            "happy",
            "sad",
            "angry",
            "fearful",
            "disgust",
            "surprised"
        ]
    );
}

#[test]
fn odd_ravdess_actors_are_men_and_even_ones_women() {
    let card = CorpusCard::ravdess();
    for actor in 1..=24 {
        let expected = if actor % 2 == 0 {
            Sex::Female
        } else {
            Sex::Male
        };
        assert_eq!(card.sex(&actor.to_string()), Some(expected));
    }
}

#[test]
fn the_known_ravdess_folds_cover_every_actor_once() {
    let card = CorpusCard::ravdess();
    assert_eq!(card.protocols.len(), 2);
    for protocol in &card.protocols {
        let mut actors: Vec<u32> = (protocol.folds.iter())
            .flat_map(|fold| &fold.test)
            .map(|actor| actor.parse().unwrap())
            .collect();
        actors.sort_unstable();
        assert_eq!(actors, (1..=24).collect::<Vec<_>>(), "{}", protocol.name);
    }
}

#[test]
fn codes_that_share_a_name_are_one_class() {
    let mut card = CorpusCard::ravdess();
    card.labels[1].name = "neutral".to_owned();
    card.validate().unwrap();
    assert_eq!(card.label_names().len(), 7);
}

/// A small card that is right; each test spoils one thing of it.
const SMALL: &str = r#"
name = "mine"
title = "My recordings"
description = "Two friends, two moods."
licence = "mine"
citation = "none"
homepage = "none"
labels = [{ code = "up", name = "happy" }, { code = "down", name = "sad" }]
split = { test = ["ann"], validation = ["bob"] }

[files]
pattern = '(?<who>[a-z]+)_(?<mood>[a-z]+)_(?<take>[0-9]+)'
example = "ann_up_1.wav"
label = "mood"
speaker = "who"

[parts.take]
codes = { 1 = "first", 2 = "second" }
only = ["1"]

[speakers]
ann = {}
bob = {}
"#;

#[test]
fn the_error_for_a_wrong_card_says_what_is_wrong() {
    CorpusCard::parse(SMALL).unwrap();
    for (right, wrong, message) in [
        ("title =", "titel =", "titel"),
        (
            "name = \"mine\"",
            "name = \"my corpus\"",
            "give a short name",
        ),
        (
            "(?<who>",
            "(?<who",
            "files.pattern: not a regular expression",
        ),
        ("(?<who>", "(?<whom>", "files.speaker = \"who\""),
        (
            "label = \"mood\"",
            "label = \"emotion\"",
            "only mood, take, who",
        ),
        ("label = \"mood\"", "label = \"who\"", "the same group"),
        ("[parts.take]", "[parts.tkae]", "parts.tkae"),
        (
            "only = [\"1\"]",
            "only = [\"3\"]",
            "parts.take.only: code \"3\"",
        ),
        ("code = \"down\"", "code = \"up\"", "\"up\" is there twice"),
        ("name = \"sad\"", "name = \"happy\"", "at least two classes"),
        ("ann_up_1.wav", "ann-up-1.wav", "does not fit"),
        ("ann_up_1.wav", "ann_low_1.wav", "unknown mood low"),
        ("ann_up_1.wav", "eve_up_1.wav", "unknown who eve"),
        (
            "validation = [\"bob\"]",
            "validation = [\"ann\"]",
            "\"ann\" is there twice",
        ),
        (
            "validation = [\"bob\"]",
            "validation = [\"eve\"]",
            "not in the table of speakers",
        ),
    ] {
        let spoilt = SMALL.replacen(right, wrong, 1);
        assert_ne!(spoilt, SMALL, "{right}");
        let error = CorpusCard::parse(&spoilt).unwrap_err();
        assert!(error.contains(message), "{right} -> {wrong}: {error}");
    }
}

#[test]
fn the_card_in_the_readme_is_valid() {
    let example = readme_example("## Writing a card");
    assert_eq!(CorpusCard::parse(example).unwrap().name, "mine");
}

#[test]
fn a_pattern_must_match_the_whole_name() {
    let regex = whole("a|ab").unwrap();
    assert!(regex.is_match("ab") && !regex.is_match("abc") && !regex.is_match("ab\n"));
    assert!(whole("a)|(b").is_err());
}

#[test]
fn a_card_is_found_by_name_or_by_path_and_errors_name_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mine.toml");
    std::fs::write(&path, SMALL).unwrap();
    let path = path.to_str().unwrap();
    assert_eq!(CorpusCard::named("emodb").unwrap().name, "emodb");
    assert_eq!(CorpusCard::named(path).unwrap().name, "mine");

    let error = CorpusCard::named("ravdes").unwrap_err().to_string();
    assert!(error.contains("built-in corpus card (ravdess, ravdess-song, emodb, "));
    let folder = dir.path().to_str().unwrap();
    assert!(
        CorpusCard::named(folder)
            .unwrap_err()
            .to_string()
            .contains("a folder")
    );
    std::fs::write(path, "name = 3").unwrap();
    let error = CorpusCard::named(path).unwrap_err().to_string();
    assert!(
        error.starts_with(path) && error.contains("line 1"),
        "{error}"
    );
}

#[test]
fn the_cards_have_the_speakers_and_classes_that_their_corpora_document() {
    for (name, women, men, classes) in [
        ("ravdess", 12, 12, 8),
        ("ravdess-song", 12 - 1, 12, 6),
        ("emodb", 5, 5, 7),
        ("crema-d", 43, 48, 6),
        ("tess", 2, 0, 7),
        ("savee", 0, 4, 7),
        ("emovo", 3, 3, 7),
        ("nemo", 4, 5, 6),
    ] {
        let card = CorpusCard::builtin(name).unwrap();
        let count = |sex| {
            let of_sex = card.speakers.values().filter(|s| s.sex == Some(sex));
            of_sex.count()
        };
        assert_eq!(
            (count(Sex::Female), count(Sex::Male)),
            (women, men),
            "{name}"
        );
        assert_eq!(card.label_names().len(), classes, "{name}");
    }
}
