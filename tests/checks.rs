//! The check of recordings before a training.

use std::path::Path;

use crate::harness::run;

/// Recordings of four speakers in three emotions, and their manifest.
fn corpus(folder: &Path) -> String {
    let mut lines = "path,label,speaker,split\n".to_owned();
    for (speaker, split) in [
        ("ann", "train"),
        ("bob", "train"),
        ("cat", "validation"),
        ("dan", "test"),
    ] {
        for (place, emotion) in ["angry", "calm", "sad"].iter().enumerate() {
            for take in 1..=5u32 {
                let name = format!("{speaker}_{emotion}_{take}.wav");
                let seed = name
                    .bytes()
                    .fold(7u32, |s, b| s.wrapping_mul(31) + u32::from(b));
                let hertz = 90.0 + 60.0 * place as f32 + (seed % 1000) as f32 / 40.0;
                let samples: Vec<f32> = (0..8000)
                    .map(|n| 0.3 * (n as f32 * hertz * std::f32::consts::TAU / 16_000.0).sin())
                    .collect();
                audio::write_wav(folder.join(&name), &samples, 16_000).unwrap();
                lines += &format!("{name},{emotion},{speaker},{split}\n");
            }
        }
    }
    std::fs::write(folder.join("list.csv"), &lines).unwrap();
    lines
}

#[test]
fn one_sound_on_both_sides_of_the_split_stops_a_training_before_the_first_epoch() {
    let folder = tempfile::tempdir().unwrap();
    corpus(folder.path());
    let check = run(folder.path(), &["corpus", "list.csv", "--check"]).ok();
    assert_eq!(
        check.last_line(),
        "checked: 0 errors, 0 warnings",
        "{}",
        check.stderr
    );

    std::fs::copy(
        folder.path().join("ann_sad_1.wav"),
        folder.path().join("dan_sad_1.wav"),
    )
    .unwrap();
    let check = run(folder.path(), &["corpus", "list.csv", "--check"]);
    assert_eq!(check.code, 1);
    assert!(
        check.stderr.contains("ann_sad_1.wav = dan_sad_1.wav"),
        "{}",
        check.stderr
    );
    let train = [
        "train", "list.csv", "--config", "plain", "--epochs", "1", "--out", "run",
    ];
    let stopped = run(folder.path(), &train);
    assert_eq!(stopped.code, 1);
    assert!(stopped.stderr.contains("--no-check"), "{}", stopped.stderr);
    assert!(!folder.path().join("run").exists());
    run(folder.path(), &[&train[..], &["--no-check"]].concat()).ok();
}

#[test]
fn warnings_are_listed_once_with_their_clips_and_the_training_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let lines = corpus(folder.path());
    audio::write_wav(folder.path().join("ann_sad_1.wav"), &[0.0; 8000], 16_000).unwrap();
    std::fs::write(folder.path().join("bob_sad_1.wav"), "no sound").unwrap();
    std::fs::write(
        folder.path().join("list.csv"),
        lines.replace("ann,", "Ann,").replacen("Ann,", "ann,", 3),
    )
    .unwrap();
    let train = [
        "train", "list.csv", "--config", "plain", "--epochs", "1", "--out", "run",
    ];
    let said = run(folder.path(), &train).ok().stderr;
    for what in [
        "note: speaker Ann, also written ann",
        "warning: 1 clip is silent\n  ann_sad_1.wav: nothing but zeros",
        "warning: 1 clip cannot be read\n",
    ] {
        assert!(said.contains(what), "{what}\n{said}");
    }
}
