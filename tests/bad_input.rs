//! Wrong usage is exit code 2, failure 1, and the message says what to do.

use crate::harness::{run, run_with_input};

#[test]
fn wrong_usage_is_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [
        &["no-such-command"][..],
        &["classify"],
        &["train", "--epochs", "many"],
        &["train", "--set", "training.mixup"],
        &["classify", "a.wav", "--backend", "abacus"],
        &["train", "corpus", "--resume", "runs/a"],
    ] {
        assert_eq!(run(folder.path(), arguments).code, 2, "{arguments:?}");
    }
}

#[test]
fn help_is_worth_reading() {
    let folder = tempfile::tempdir().unwrap();
    let help = run(folder.path(), &["train", "--help"]).ok().stdout;
    for word in ["Examples", "--test-speakers", "--resume", "ravdess"] {
        assert!(help.contains(word), "{word}");
    }
}

#[test]
fn where_nothing_was_trained_the_newest_model_is_an_error_that_says_how_to_get_one() {
    let folder = tempfile::tempdir().unwrap();
    let outcome = run(folder.path(), &["classify", "--model", "newest", "a.wav"]);
    assert_eq!(outcome.code, 1);
    assert!(outcome.stderr.contains("train one"), "{}", outcome.stderr);
}

#[test]
fn a_file_that_is_no_model_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("a.safetensors"),
        "hello, I am a text file",
    )
    .unwrap();
    let outcome = run(folder.path(), &["info", "a.safetensors"]);
    assert_eq!(outcome.code, 1);
    assert!(
        outcome.stderr.contains("a.safetensors: not a model"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_missing_or_empty_corpus_folder_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let missing = run(folder.path(), &["train", "nowhere"]);
    assert_eq!(missing.code, 1);
    assert!(missing.stderr.contains("nowhere"), "{}", missing.stderr);
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    let empty = run(folder.path(), &["train", "empty"]);
    assert_eq!(empty.code, 1);
    assert!(empty.stderr.contains("empty"), "{}", empty.stderr);
    assert!(
        !folder.path().join("runs").exists(),
        "a failed start leaves nothing"
    );
}

#[test]
fn a_batch_goes_on_past_a_bad_file_and_reports_it() {
    let folder = tempfile::tempdir().unwrap();
    let voices = ["synth", "voices", "--speakers", "4", "--takes", "1"];
    run(folder.path(), &voices).ok();
    let train = [
        "train",
        "voices",
        "--out",
        "run",
        "--epochs",
        "1",
        "--set",
        "architecture.hidden=4",
        "--test-speakers",
        "1",
        "--validation-speakers",
        "none",
        "--no-cache",
        "--backend",
        "flex",
    ];
    // A recording that is none, in the midst of the training ones.
    let voice = folder.path().join("voices/Actor_02");
    let bad = std::fs::read_dir(voice)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    std::fs::write(&bad, "no sound").unwrap();
    let outcome = run(folder.path(), &train).ok();
    let name = bad.file_name().unwrap().to_str().unwrap();
    assert!(outcome.stderr.contains(name), "{}", outcome.stderr);

    let classify = [
        "classify",
        "voices/Actor_02",
        "--model",
        "run",
        "--format",
        "jsonl",
    ];
    let outcome = run(folder.path(), &classify);
    assert_eq!(outcome.code, 1);
    assert!(outcome.stderr.contains(name), "{}", outcome.stderr);
    let good = std::fs::read_dir(folder.path().join("voices/Actor_02"))
        .unwrap()
        .count()
        - 1;
    let (answers, failures): (Vec<&str>, Vec<&str>) =
        (outcome.stdout.lines()).partition(|line| line.contains("\"error\":null"));
    assert_eq!((answers.len(), failures.len()), (good, 1));

    let outcome = run_with_input(
        folder.path(),
        &["classify", "-", "--model", "run"],
        b"noise",
    );
    assert_eq!(outcome.code, 1);
    let outcome = run_with_input(folder.path(), &["classify", "-", "--model", "run"], b"");
    assert_eq!(outcome.code, 1);
}
