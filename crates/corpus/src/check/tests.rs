use std::path::Path;

use super::*;
use crate::testing::corpus_of;
use crate::{CorpusCard, split_by_speaker};

fn measures(sound: u8) -> Measures {
    Measures {
        seconds: 2.0,
        seconds_lost: 0.0,
        peak: 0.5,
        level_db: -20.0,
        clipped: 0.0,
        sound: [sound; 32],
    }
}

/// Four speakers with four clips of each label, all sounds different.
fn corpus() -> (Corpus, Vec<Result<Measures, String>>, Split) {
    let corpus = corpus_of(CorpusCard::ravdess(), &["1", "2", "3", "4"], 32);
    let measured = (0..corpus.clips.len()).map(|clip| Ok(measures(clip as u8)));
    let measured = measured.collect();
    let (test, validation) = (["4".to_owned()], ["3".to_owned()]);
    let split = split_by_speaker(&corpus, Some(&test), Some(&validation), 1).unwrap();
    (corpus, measured, split)
}

fn texts(list: &[Finding]) -> Vec<&str> {
    list.iter().map(|finding| finding.what.as_str()).collect()
}

#[test]
fn a_sound_corpus_has_no_finding() {
    let (corpus, measured, split) = corpus();
    assert_eq!(check(&corpus, &measured, &[split]), Findings::default());
}

#[test]
fn one_sound_in_training_and_test_is_an_error_and_within_a_part_a_warning() {
    let (corpus, mut measured, split) = corpus();
    let (train, test) = (split.train[0], split.test[0]);
    measured[test] = Ok(measures(train as u8));
    let found = check(&corpus, &measured, std::slice::from_ref(&split));
    assert_eq!(found.errors.len(), 1, "{found:?}");
    let clips = &found.errors[0].clips[0];
    assert!(clips.contains(" = "), "{clips}");

    measured[test] = Ok(measures(test as u8));
    let other_label = split.train[1];
    measured[other_label] = Ok(measures(train as u8));
    let found = check(&corpus, &measured, &[split]);
    assert!(found.errors.is_empty());
    assert!(
        texts(&found.warnings)[0].contains("under two labels"),
        "{found:?}"
    );
}

#[test]
fn a_label_that_is_tested_and_not_trained_is_an_error() {
    let (mut corpus, measured, split) = corpus();
    let surprised = corpus.card.label_names().len() - 1;
    for clip in &split.train {
        if corpus.clips[*clip].label == surprised {
            corpus.clips[*clip].label = 0;
        }
    }
    let found = check(&corpus, &measured, std::slice::from_ref(&split));
    assert!(
        texts(&found.errors)[0].contains("the label surprised is tested"),
        "{found:?}"
    );
    // In one of several folds it is a warning.
    let found = check(&corpus, &measured, &[split.clone(), split]);
    assert!(found.errors.is_empty());
    assert!(
        texts(&found.warnings)
            .iter()
            .any(|what| what.contains("surprised is tested"))
    );
}

#[test]
fn every_kind_of_bad_clip_is_found_once_with_its_clips() {
    let (corpus, mut measured, split) = corpus();
    let change =
        |measured: &mut Vec<Result<Measures, String>>, clip: usize, by: fn(&mut Measures)| {
            by(measured[clip].as_mut().unwrap());
        };
    change(&mut measured, 0, |m| m.seconds = 0.1);
    change(&mut measured, 1, |m| m.seconds = 60.0);
    change(&mut measured, 2, |m| m.peak = 0.0);
    change(&mut measured, 3, |m| m.level_db = -60.0);
    change(&mut measured, 4, |m| m.clipped = 0.02);
    change(&mut measured, 5, |m| m.seconds_lost = 0.5);
    measured[6] = Err("1-6.wav: damaged".to_owned());
    let found = check(&corpus, &measured, &[split]);
    let expected = [
        ("1 clip cannot be read", "1-6.wav: damaged"),
        (
            "1 clip cannot be read in full",
            "1-5.wav: 0.500 s of 2.00 s",
        ),
        ("1 clip is shorter than 0.3 s", "1-0.wav: 0.10 s"),
        (
            "1 clip is far longer than the others (median 2.0 s): 19 % of all the sound, and of \
          the time",
            "1-1.wav: 60.00 s",
        ),
        ("1 clip is silent", "1-2.wav: nothing but zeros"),
        ("1 clip is very quiet", "1-3.wav: -60 dB"),
        ("1 clip is clipped", "1-4.wav: 2.0 % of the samples"),
    ];
    let short: Vec<(&str, &str)> = (found.warnings.iter())
        .map(|finding| (finding.what.as_str(), finding.clips[0].as_str()))
        .collect();
    assert_eq!(short, expected);
}

#[test]
fn small_labels_are_named_with_what_they_have() {
    let (mut corpus, measured, split) = corpus();
    // All clips of the last label but one become the first; that one is speaker 1's.
    let label = corpus.card.label_names().len() - 1;
    let mut kept = false;
    for clip in &mut corpus.clips {
        if clip.label == label && std::mem::replace(&mut kept, true) {
            clip.label = 0;
        }
    }
    let found = check(&corpus, &measured, &[split]);
    let texts = texts(&found.warnings);
    for what in [
        "are of one speaker, 1",
        "has 1 clip to train on",
        "has no clip to test on",
    ] {
        assert!(
            texts.iter().any(|text| text.contains(what)),
            "{what}: {texts:?}"
        );
    }
}

#[test]
fn the_same_sound_has_the_same_digest_in_another_kind_of_file() {
    let folder = tempfile::tempdir().unwrap();
    let samples: Vec<f32> = (0..8000).map(|n| (n as f32 * 0.02).sin()).collect();
    let recording = audio::Recording::from_samples(samples.clone(), 8000).unwrap();
    let of = |path: &Path| Measures::of(&audio::Recording::open(path).unwrap());
    let [a, b] = ["a.wav", "b.wav"].map(|name| folder.path().join(name));
    audio::write_wav(&a, &samples, 8000).unwrap();
    // With a chunk more in front of the samples.
    let mut bytes = std::fs::read(&a).unwrap();
    bytes.splice(12..12, *b"LIST\x04\0\0\0INFO");
    let size = (bytes.len() as u32 - 8).to_le_bytes();
    bytes[4..8].copy_from_slice(&size);
    std::fs::write(&b, bytes).unwrap();
    assert_eq!(of(&a), of(&b));
    let m = Measures::of(&recording);
    assert!((m.level_db + 3.01).abs() < 0.2 && m.clipped > 0.0, "{m:?}");
    // Pauses do not make it quiet.
    let with_pauses = [vec![0.0; 20_000], samples, vec![0.0; 20_000]].concat();
    let m = Measures::of(&audio::Recording::from_samples(with_pauses, 8000).unwrap());
    assert!((m.level_db + 3.01).abs() < 0.2, "{m:?}");
}
