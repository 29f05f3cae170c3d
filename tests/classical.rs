//! `--classifier`: baselines without a network, from training to every use of a model.

use std::path::Path;

use crate::harness::{Outcome, run};

/// A small synthetic corpus.
fn corpus() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let voices = ["synth", "voices", "--speakers", "6", "--takes", "1"];
    run(folder.path(), &voices).ok();
    folder
}

fn train(folder: &Path, more: &[&str]) -> Outcome {
    let mut arguments = vec!["train", "voices", "--backend", "flex"];
    arguments.extend(more);
    run(folder, &arguments)
}

fn read(folder: &Path, file: &str) -> String {
    std::fs::read_to_string(folder.join(file)).unwrap()
}

/// The first recording of a synthetic actor.
fn recording(folder: &Path, actor: &str) -> String {
    let files = std::fs::read_dir(folder.join("voices").join(actor)).unwrap();
    let mut files: Vec<_> = files.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files[0].to_str().unwrap().to_owned()
}

#[test]
fn each_classifier_trains_without_a_network_and_serves_every_command() {
    let folder = corpus();
    let folder = folder.path();
    for (kind, named) in [
        ("svm", "SVM (squared hinge loss), cost"),
        ("logistic", "logistic regression, cost"),
        ("lda", "LDA, shrinkage"),
    ] {
        let trained = train(folder, &["--classifier", kind, "--out", kind]).ok();
        assert!(trained.stdout.contains(named), "{trained:?}");
        // Synthetic emotions are told apart by far more than chance, 1 in 8.
        assert!(trained.uar() > 0.4, "{trained:?}");
        let report: serde_json::Value =
            serde_json::from_str(&read(folder, &format!("{kind}/report.json"))).unwrap();
        assert!(report.is_object());
        assert!(
            read(folder, &format!("{kind}/predictions.csv"))
                .lines()
                .count()
                > 2
        );

        let info = run(folder, &["info", kind]).ok().stdout;
        assert!(
            info.contains(named) && info.contains("on 150 functionals"),
            "{info}"
        );
        let json = run(folder, &["info", kind, "--json"]).ok().stdout;
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert!(json["linear"][0]["method"][kind].is_object(), "{json}");

        let voice = recording(folder, "Actor_01");
        let said = run(
            folder,
            &["classify", &voice, "--model", kind, "--format", "json"],
        )
        .ok();
        let said: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
        assert!(said.to_string().contains("angry"), "{said}");
        let listened = run(
            folder,
            &["listen", &voice, "--model", kind, "--format", "jsonl"],
        );
        assert!(!listened.ok().stdout.is_empty());
        run(folder, &["evaluate", kind, "voices"]).ok();

        let onnx = format!("{kind}.onnx");
        run(
            folder,
            &["export", kind, "--format", "onnx", "--out", &onnx],
        )
        .ok();
        let pytorch = run(
            folder,
            &["export", kind, "--format", "pytorch", "--out", "no"],
        );
        assert_eq!(pytorch.code, 1);
        assert!(pytorch.stderr.contains("--format onnx"), "{pytorch:?}");
        let tuned = train(folder, &["--from", kind, "--out", "no"]);
        assert_eq!(tuned.code, 1);
        assert!(tuned.stderr.contains("no network"), "{tuned:?}");
        assert!(!folder.join("no").exists());
    }
}

#[test]
fn a_classifier_is_cross_validated_as_a_network_is() {
    let folder = corpus();
    let folder = folder.path();
    let arguments = [
        "cross-validate",
        "voices",
        "--classifier",
        "svm",
        "--set",
        "training.linear.0.cost=0.01",
        "--protocol",
        "k3",
        "--backend",
        "flex",
        "--out",
        "a",
    ];
    run(folder, &arguments).ok();
    let results: serde_json::Value = serde_json::from_str(&read(folder, "a/results.json")).unwrap();
    assert_eq!(results["folds"].as_array().unwrap().len(), 3);
    // With clips of the speaker known, as of a network.
    assert_eq!(results["enrolled"][0]["clips"], 1);
    let settings = read(folder, "a/settings.toml");
    assert!(settings.contains("cost = 0.01"), "{settings}");
    let page = read(folder, "a/report.html");
    assert!(
        page.contains("--classifier svm"),
        "the command that repeats it"
    );
    // Nobody who is tested was heard.
    let info = run(folder, &["info", "a/folds/1-seed1", "--json"]).ok();
    let model: serde_json::Value = serde_json::from_str(&info.stdout).unwrap();
    let heard = model["provenance"]["train_speakers"].as_array().unwrap();
    assert_eq!(heard.len(), 4);
    for tested in model["provenance"]["test_speakers"].as_array().unwrap() {
        assert!(!heard.contains(tested), "{model}");
    }
}

#[test]
fn what_makes_no_sense_with_a_classifier_is_wrong_usage() {
    let folder = tempfile::tempdir().unwrap();
    for (more, named) in [
        (&["--epochs", "3"][..], "--epochs is for networks"),
        (
            &["--set", "training.mixup=0.2"],
            "--set training.mixup is for networks",
        ),
        (
            &["--set", "architecture.hidden=3"],
            "--set architecture.hidden is for networks",
        ),
        (&["--from", "a.safetensors"], "--from"),
        (&["--resume", "runs/a"], "--resume"),
    ] {
        let mut arguments = vec!["train", "--classifier", "svm"];
        arguments.extend(more);
        let refused = run(folder.path(), &arguments);
        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(refused.stderr.contains(named), "{refused:?}");
    }
    for (kind, setting) in [("lda", "cost"), ("svm", "shrinkage"), ("logistic", "loss")] {
        let value = if setting == "loss" { "hinge" } else { "0.5" };
        let set = format!("training.linear.0.{setting}={value}");
        let refused = run(
            folder.path(),
            &["train", "--classifier", kind, "--set", &set],
        );
        assert_eq!(refused.code, 1, "{refused:?}");
        assert!(
            refused.stderr.contains("belongs to the kind"),
            "{refused:?}"
        );
    }
    let unknown = run(folder.path(), &["train", "--classifier", "forest"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("svm, logistic, lda"), "{unknown:?}");
}
