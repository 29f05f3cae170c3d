//! `affekt cross-validate`: protocols, what is refused, and going on after a stop.

use std::path::Path;

use crate::harness::run;

/// A small synthetic corpus and a short training, for what does not depend on skill.
fn corpus() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let made = run(
        folder.path(),
        &["synth", "voices", "--speakers", "4", "--takes", "1"],
    );
    assert_eq!(made.code, 0, "{made:?}");
    folder
}

fn validate(folder: &Path, protocol: &str, more: &[&str]) -> crate::harness::Outcome {
    let mut arguments = vec!["cross-validate", "voices", "--protocol", protocol];
    arguments.extend(["--epochs", "2", "--backend", "flex"]);
    arguments.extend(more);
    run(folder, &arguments)
}

fn read(folder: &Path, file: &str) -> String {
    std::fs::read_to_string(folder.join(file)).unwrap()
}

#[test]
fn every_clip_is_tested_once_a_seed_and_a_stopped_run_ends_as_an_unstopped_one() {
    let folder = corpus();
    let folder = folder.path();
    let whole = validate(folder, "k2", &["--seeds", "2", "--out", "a"]);
    assert_eq!(whole.code, 0, "{whole:?}");
    for file in [
        "report.html",
        "results.json",
        "folds.csv",
        "classes.csv",
        "speakers.csv",
    ] {
        assert!(!read(folder, &format!("a/{file}")).is_empty(), "{file}");
    }
    let predictions = read(folder, "a/predictions.csv");
    let results: serde_json::Value = serde_json::from_str(&read(folder, "a/results.json")).unwrap();
    let clips = results["clips"].as_u64().unwrap() as usize;
    assert_eq!(predictions.lines().count(), 1 + 2 * clips);
    let mut tested: Vec<String> = predictions
        .lines()
        .skip(1)
        .map(|line| {
            line.split(',')
                .skip(1)
                .take(2)
                .collect::<Vec<_>>()
                .join(",")
        })
        .collect();
    tested.sort();
    tested.dedup();
    assert_eq!(tested.len(), 2 * clips, "each clip once for each seed");
    // Adapted figures stand apart, and the report shows them.
    let adapted = results["enrolled"].as_array().unwrap();
    assert_eq!(adapted[0]["clips"], 1);
    assert!(adapted.last().unwrap()["clips"].is_null());
    assert!(read(folder, "a/report.html").contains("UAR after speaker adaptation"));
    // One file is the whole report.
    assert!(!read(folder, "a/report.html").contains("src=\"http"));

    // As if killed before the last training's result was written.
    std::fs::remove_file(folder.join("a/folds/2-seed2/result.json")).unwrap();
    std::fs::remove_file(folder.join("a/predictions.csv")).unwrap();
    let again = validate(folder, "k2", &["--seeds", "2", "--out", "a"]);
    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!(read(folder, "a/predictions.csv"), predictions);
    // And on one thread, into another folder.
    let other = validate(folder, "k2", &["--seeds", "2", "--out", "b", "--jobs", "1"]);
    assert_eq!(other.code, 0, "{other:?}");
    assert_eq!(read(folder, "b/predictions.csv"), predictions);

    let different = validate(folder, "loso", &["--out", "a"]);
    assert_eq!(different.code, 1);
    assert!(
        different.stderr.contains("another protocol"),
        "{different:?}"
    );
}

#[test]
fn nested_folds_leave_a_fold_out_altogether() {
    let folder = corpus();
    let folder = folder.path();
    let nested = validate(folder, "nested-k2", &["--out", "a"]);
    assert_eq!(
        nested.code, 1,
        "with one of two folds out nobody is left to train on: {nested:?}"
    );
    let nested = validate(folder, "nested-k4", &["--out", "b"]);
    assert_eq!(nested.code, 0, "{nested:?}");
    // 4 speakers, 12 pairs of folds of one speaker each, 2 speakers to train on.
    let folds = read(folder, "b/folds.csv");
    assert_eq!(folds.lines().count(), 1 + 12);
    let info = run(folder, &["info", "b/folds/1-without-2-seed1", "--json"]).ok();
    let model: serde_json::Value = serde_json::from_str(&info.stdout).unwrap();
    let speakers = |part: &str| model["provenance"][part].as_array().unwrap().clone();
    let heard = [speakers("train_speakers"), speakers("validation_speakers")].concat();
    assert_eq!(heard.len(), 2, "{model}");
    assert!(!heard.contains(&speakers("test_speakers")[0]));
}

#[test]
fn random_splits_are_called_leaky_wherever_they_are_reported() {
    let folder = corpus();
    let leaky = validate(folder.path(), "leaky-random", &["--out", "a"]);
    assert_eq!(leaky.code, 0, "{leaky:?}");
    assert!(leaky.stdout.contains("leaky"), "{leaky:?}");
    assert!(leaky.stderr.contains("warning"), "{leaky:?}");
    assert!(read(folder.path(), "a/report.html").contains("also trained on"));
    assert!(read(folder.path(), "a/results.json").contains("\"speaker_disjoint\": false"));
}

#[test]
fn a_protocol_that_mixes_its_folds_is_refused_with_names() {
    let folder = corpus();
    let folder = folder.path();
    let fold = |name, speaker| format!("[[folds]]\nname = \"{name}\"\ntest = [\"{speaker}\"]\n");
    let head = "name = \"p\"\ntitle = \"t\"\nsource = \"s\"\n";
    let file = |folds: &[String]| {
        let text = format!("{head}{}", folds.concat());
        std::fs::write(folder.join("p.toml"), text).unwrap();
    };
    file(&[fold("one", "1"), fold("two", "1")]);
    let twice = validate(folder, "p.toml", &["--out", "a"]);
    assert_eq!(twice.code, 1);
    assert!(twice.stderr.contains("1 (in one and two)"), "{twice:?}");

    // The same recording of one speaker under the name of another.
    file(&[fold("one", "1"), fold("two", "2")]);
    let names = |speaker: &str| -> Vec<std::path::PathBuf> {
        let mut files: Vec<_> = std::fs::read_dir(folder.join(format!("voices/Actor_{speaker}")))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        files
    };
    let (one, two) = (names("01"), names("02"));
    std::fs::copy(&one[0], &two[0]).unwrap();
    let copied = validate(folder, "p.toml", &["--out", "a"]);
    assert_eq!(copied.code, 1);
    for path in [&one[0], &two[0]] {
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(copied.stderr.contains(name), "{copied:?}");
    }

    let unknown = validate(folder, "luna7", &["--out", "a"]);
    assert_eq!(unknown.code, 1);
    assert!(
        unknown.stderr.contains("luna5, emobox6, loso"),
        "{unknown:?}"
    );
}
