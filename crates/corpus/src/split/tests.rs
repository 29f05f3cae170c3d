use std::collections::{BTreeSet, HashSet};

use super::*;
use crate::CorpusCard;
use crate::testing::corpus_of;

/// A corpus of these speakers with three clips each; nothing is on the disk.
fn corpus(card: CorpusCard, speakers: &[&str]) -> Corpus {
    corpus_of(card, speakers, 3)
}

fn ravdess(speakers: impl IntoIterator<Item = u32>) -> Corpus {
    let names: Vec<String> = speakers.into_iter().map(|s| s.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    corpus(CorpusCard::ravdess(), &names)
}

/// The twenty actors that are not the card's test speakers.
fn twenty() -> Corpus {
    ravdess((1..=24).filter(|a| ![1, 4, 9, 22].contains(a)))
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|n| (*n).to_owned()).collect()
}

fn women(corpus: &Corpus, speakers: &[String]) -> usize {
    (speakers.iter())
        .filter(|s| corpus.card.sex(s) == Some(Sex::Female))
        .count()
}

/// No speaker in two parts, every clip in one, the lists of speakers true.
fn check(corpus: &Corpus, split: &Split) {
    let mut seen = HashSet::new();
    let mut whose: Vec<BTreeSet<&str>> = Vec::new();
    for (indices, speakers) in [
        (&split.train, &split.train_speakers),
        (&split.validation, &split.validation_speakers),
        (&split.test, &split.test_speakers),
    ] {
        assert!(indices.is_sorted());
        assert!(indices.iter().all(|i| seen.insert(*i)), "a clip twice");
        let set: BTreeSet<&str> = (indices.iter())
            .map(|&i| corpus.clips[i].speaker.as_str())
            .collect();
        assert_eq!(set, speakers.iter().map(String::as_str).collect());
        assert!(whose.iter().all(|other| other.is_disjoint(&set)));
        whose.push(set);
    }
    assert_eq!(seen.len(), corpus.clips.len());
    assert!(!split.train.is_empty());
}

#[test]
fn no_speaker_is_in_two_parts_whatever_the_corpus_and_the_seed() {
    for n in 2..=24 {
        for seed in 0..20 {
            for first in [1, 3] {
                let corpus = ravdess((first..first + n).filter(|a| *a <= 24));
                check(
                    &corpus,
                    &split_by_speaker(&corpus, None, None, seed).unwrap(),
                );
            }
        }
    }
}

#[test]
fn the_cards_own_split_is_the_default_where_it_is_present() {
    let corpus = ravdess(1..=24);
    let split = split_by_speaker(&corpus, None, None, 7).unwrap();
    check(&corpus, &split);
    assert_eq!(split.test_speakers, ["1", "4", "9", "22"]);
    assert_eq!(split.validation_speakers, ["11", "12", "19", "20"]);
    assert_eq!(split.test_chosen, Chosen::Card);
    assert!(split.absent.is_empty());

    let corpus = ravdess(1..=12);
    let split = split_by_speaker(&corpus, None, None, 7).unwrap();
    check(&corpus, &split);
    assert_eq!(split.test_speakers, ["1", "4", "9"]);
    assert_eq!(split.validation_speakers, ["11", "12"]);
    assert_eq!(split.absent, ["19", "20", "22"]);
}

#[test]
fn without_them_a_fifth_is_drawn_balanced_by_sex() {
    let corpus = twenty();
    for seed in 0..50 {
        let split = split_by_speaker(&corpus, None, None, seed).unwrap();
        check(&corpus, &split);
        assert_eq!(split.test_chosen, Chosen::Drawn { seed });
        assert_eq!(split.test_speakers.len(), 4);
        assert_eq!(women(&corpus, &split.test_speakers), 2);
        assert_eq!(split.validation_speakers.len(), 3);
        assert!((1..=2).contains(&women(&corpus, &split.validation_speakers)));
    }
}

#[test]
fn the_draw_is_fixed_by_the_seed_and_reaches_everybody() {
    let corpus = twenty();
    let draw = |seed| {
        split_by_speaker(&corpus, None, None, seed)
            .unwrap()
            .test_speakers
    };
    assert_eq!(draw(3), draw(3));
    let reached: HashSet<String> = (0..100).flat_map(draw).collect();
    assert_eq!(reached.len(), 20);
}

/// The draw is part of what a run's seed means, so it must never change.
#[test]
fn the_draw_of_seed_42_is_the_one_it_always_was() {
    let split = split_by_speaker(&twenty(), None, None, 42).unwrap();
    assert_eq!(
        (split.test_speakers, split.validation_speakers),
        (names(&["3", "8", "23", "24"]), names(&["12", "17", "21"]))
    );
}

#[test]
fn speakers_asked_for_are_found_with_and_without_their_zero() {
    let corpus = twenty();
    let asked = names(&["02", "5", " 14"]);
    let split = split_by_speaker(&corpus, Some(&asked), None, 0).unwrap();
    check(&corpus, &split);
    assert_eq!(split.test_speakers, ["2", "5", "14"]);
    assert_eq!(split.test_chosen, Chosen::Asked);

    let corpus = self::corpus(CorpusCard::emodb(), &["03", "08", "16"]);
    let split = split_by_speaker(&corpus, Some(&names(&["3"])), None, 0).unwrap();
    assert_eq!(split.test_speakers, ["03"]);
}

#[test]
fn absent_speakers_are_noted_if_one_is_present_else_an_error() {
    let corpus = twenty();
    let split = split_by_speaker(&corpus, Some(&names(&["1", "2"])), None, 0).unwrap();
    assert_eq!(split.test_speakers, ["2"]);
    assert_eq!(split.absent, ["1"]);

    let asked = names(&["1", "4", "9", "22"]);
    let error = split_by_speaker(&corpus, Some(&asked), None, 0).unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("none of the test speakers 1, 4, 9, 22"),
        "{error}"
    );
    assert!(error.contains("which has 2, 3, 5, "), "{error}");
}

#[test]
fn an_empty_list_means_nobody() {
    let corpus = twenty();
    let split = split_by_speaker(&corpus, None, Some(&[]), 0).unwrap();
    check(&corpus, &split);
    assert!(split.validation.is_empty() && !split.test.is_empty());
    let split = split_by_speaker(&corpus, Some(&[]), Some(&[]), 0).unwrap();
    check(&corpus, &split);
    assert_eq!(split.train.len(), corpus.clips.len());
}

#[test]
fn a_validation_speaker_asked_for_is_never_drawn_for_the_test() {
    for seed in 0..50 {
        let corpus = twenty();
        let asked = names(&["2", "3"]);
        let split = split_by_speaker(&corpus, None, Some(&asked), seed).unwrap();
        check(&corpus, &split);
        assert_eq!(split.validation_speakers, ["2", "3"]);
    }
    let corpus = ravdess(1..=24);
    let split = split_by_speaker(&corpus, None, Some(&names(&["1"])), 0).unwrap();
    assert_eq!(split.test_speakers, ["4", "9", "22"]);
}

#[test]
fn a_speaker_in_both_lists_is_an_error() {
    let corpus = twenty();
    let error =
        split_by_speaker(&corpus, Some(&names(&["2", "3"])), Some(&names(&["03"])), 0).unwrap_err();
    assert!(error.to_string().contains("speaker 3"));
}

#[test]
fn nobody_left_to_train_on_is_an_error() {
    let corpus = ravdess([2, 3]);
    let error = split_by_speaker(&corpus, Some(&names(&["2", "3"])), None, 0).unwrap_err();
    assert!(error.to_string().contains("nobody is left to train on"));

    let corpus = ravdess([2]);
    let error = split_by_speaker(&corpus, None, None, 0).unwrap_err();
    assert!(error.to_string().contains("one speaker only"));
}

#[test]
fn two_speakers_train_and_test_without_validation() {
    let corpus = ravdess([2, 3]);
    let split = split_by_speaker(&corpus, None, None, 0).unwrap();
    check(&corpus, &split);
    assert!(split.validation.is_empty());
}

#[test]
fn a_split_of_one_test_speaker_is_taken_where_a_manifest_says_so() {
    let mut corpus = corpus(CorpusCard::emodb(), &["03", "08", "16"]);
    corpus.card.split = Some(crate::DefaultSplit {
        test: names(&["16"]),
        validation: Vec::new(),
    });
    let split = split_by_speaker(&corpus, None, None, 1).unwrap();
    check(&corpus, &split);
    assert_eq!(split.test_speakers, ["16"]);
    assert_eq!(split.test_chosen, Chosen::Card);
}

#[test]
fn unknown_speakers_cannot_be_tested_but_may_be_trained_on() {
    let corpus = corpus(CorpusCard::emodb(), &[UNKNOWN_SPEAKER]);
    let error = split_by_speaker(&corpus, None, None, 1).unwrap_err();
    assert!(
        error.to_string().contains("nobody says who speaks"),
        "{error}"
    );
    assert_eq!(error.hint(), Some(&Hint::SpeakerPattern));
    let split = split_by_speaker(&corpus, Some(&[]), Some(&[]), 1).unwrap();
    assert_eq!(split.train.len(), 3);
}
