//! The whole path on the embedded default: synthetic voices, a model, its answers.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::harness::{run, run_with_input};

/// A small synthetic corpus and a model trained on it, made once for all tests.
fn trained() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    FOLDER
        .get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            let voices = ["synth", "voices", "--speakers", "6", "--takes", "3"];
            run(folder.path(), &voices).ok();
            train(folder.path(), "runs/a", &["--seed", "5"]).ok();
            folder
        })
        .path()
}

/// The training of [`trained`], but for its seed.
const TRAINING: [&str; 11] = [
    "voices",
    "--test-speakers",
    "1,2",
    "--validation-speakers",
    "3",
    "--epochs",
    "6",
    "--set",
    "architecture.hidden=16",
    "--backend",
    "flex",
];

fn train(folder: &Path, out: &str, options: &[&str]) -> crate::harness::Outcome {
    let arguments = [&["train", "--out", out], &TRAINING[..], options].concat();
    run(folder, &arguments)
}

fn one_voice(folder: &Path) -> PathBuf {
    let actor = folder.join("voices/Actor_01");
    let mut files: Vec<PathBuf> = std::fs::read_dir(actor)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files.remove(3)
}

#[test]
fn a_training_leaves_every_file_it_promises() {
    let run_folder = trained().join("runs/a");
    for file in [
        "model.safetensors",
        "settings.toml",
        "metrics.jsonl",
        "predictions.csv",
        "report.json",
        "confusion_matrix.svg",
        "learning_curves.svg",
        "checkpoint.safetensors",
    ] {
        assert!(run_folder.join(file).is_file(), "{file}");
    }
    let leftovers = std::fs::read_dir(&run_folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("tmp") || name.contains("part"))
        .count();
    assert_eq!(leftovers, 0);
    let report: serde_json::Value =
        serde_json::from_slice(&std::fs::read(run_folder.join("report.json")).unwrap()).unwrap();
    let test: Vec<&str> = report["speakers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|speaker| speaker.as_str().unwrap())
        .collect();
    assert_eq!(test, ["1", "2"]);
}

#[test]
fn it_learns_something_and_says_so_in_the_last_line() {
    let folder = trained();
    let outcome = run(folder, &["evaluate", "runs/a", "voices"]).ok();
    assert!(
        outcome.last_line().contains("never heard"),
        "{}",
        outcome.last_line()
    );
    // Eight emotions: guessing gives 0.125.
    assert!(outcome.uar() > 0.3, "{}", outcome.last_line());
}

#[test]
fn evaluating_on_training_speakers_is_called_what_it_is() {
    let folder = trained();
    let outcome = run(folder, &["evaluate", "runs/a", "voices", "--speakers", "5"]).ok();
    assert!(
        outcome.last_line().contains("TRAINED ON"),
        "{}",
        outcome.last_line()
    );
}

#[test]
fn the_same_seed_gives_the_same_model_and_another_seed_another() {
    let folder = trained();
    let model = |run: &str| std::fs::read(folder.join(run).join("predictions.csv")).unwrap();
    train(folder, "runs/same", &["--seed", "5"]).ok();
    train(folder, "runs/other", &["--seed", "6"]).ok();
    assert!(model("runs/a") == model("runs/same"));
    assert!(model("runs/a") != model("runs/other"));
}

#[test]
fn settings_given_back_give_the_same_model() {
    let folder = trained();
    let arguments = [
        "train",
        "voices",
        "--config",
        "runs/a/settings.toml",
        "--out",
        "runs/config",
    ];
    run(folder, &arguments).ok();
    let predictions = |run: &str| std::fs::read(folder.join(run).join("predictions.csv")).unwrap();
    assert!(predictions("runs/a") == predictions("runs/config"));
}

#[test]
fn every_format_says_the_same() {
    let folder = trained();
    let voice = one_voice(folder);
    let voice = voice.to_str().unwrap();
    let classify = |format: &str| {
        run(
            folder,
            &["classify", voice, "--model", "runs/a", "--format", format],
        )
        .ok()
        .stdout
    };
    let json: serde_json::Value = serde_json::from_str(&classify("json")).unwrap();
    let line: serde_json::Value = serde_json::from_str(&classify("jsonl")).unwrap();
    assert_eq!(json[0], line);
    let label = line["label"].as_str().unwrap();
    let sum: f64 = line["probabilities"]
        .as_object()
        .unwrap()
        .values()
        .map(|p| p.as_f64().unwrap())
        .sum();
    assert!((sum - 1.0).abs() < 1e-5);
    let csv = classify("csv");
    let row: Vec<&str> = csv.lines().nth(1).unwrap().split(',').collect();
    assert_eq!(row[2], label);
    assert_eq!(row.len(), 10 + 8);
    assert!(line["seconds"].as_f64().unwrap() > 0.1);
    assert_eq!(line["seconds_lost"], 0.0);
    assert_eq!(row[5], line["seconds"].to_string());
    let text = classify("text");
    assert!(text.lines().next().unwrap().contains(label));
    let bars = text.lines().filter(|line| line.contains(" % "));
    assert_eq!(bars.count(), 8);
}

/// A twentieth is missing, then half of it.
#[test]
fn what_is_missing_of_a_file_is_told_and_too_much_of_it_is_an_error() {
    let folder = trained();
    let whole = std::fs::read(one_voice(folder)).unwrap();
    let cut = folder.join("cut.wav");
    std::fs::write(&cut, &whole[..whole.len() * 19 / 20]).unwrap();
    let arguments = ["classify", "cut.wav", "--model", "runs/a", "--format"];
    let told = run(folder, &[&arguments[..], &["jsonl"]].concat()).ok();
    let line: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    let lost = line["seconds_lost"].as_f64().unwrap();
    let share = lost / (lost + line["seconds"].as_f64().unwrap());
    assert!((0.04..0.06).contains(&share), "{share}");
    assert!(told.stderr.contains("note: cut.wav: "), "{}", told.stderr);

    std::fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
    let error = run(folder, &[&arguments[..], &["jsonl"]].concat());
    assert_eq!(error.code, 1);
    assert!(error.stderr.contains("cannot be read"), "{}", error.stderr);
    let all = [&arguments[..], &["jsonl", "--max-lost", "1"]].concat();
    run(folder, &all).ok();
}

#[test]
fn standard_input_gives_what_the_file_gives() {
    let folder = trained();
    let voice = one_voice(folder);
    let options = ["--model", "runs/a", "--format", "jsonl"];
    let from_file = run(
        folder,
        &[&["classify", voice.to_str().unwrap()], &options[..]].concat(),
    );
    let bytes = std::fs::read(&voice).unwrap();
    let from_pipe = run_with_input(folder, &[&["classify", "-"], &options[..]].concat(), &bytes);
    let probabilities = |outcome: &crate::harness::Outcome| {
        serde_json::from_str::<serde_json::Value>(&outcome.stdout).unwrap()["probabilities"].clone()
    };
    assert_eq!(
        probabilities(&from_file.ok()),
        probabilities(&from_pipe.ok())
    );
}

#[test]
fn ndarray_and_wgpu_give_the_probabilities_of_flex() {
    let folder = trained();
    let voice = one_voice(folder);
    let on = |backend: &str| {
        let arguments = [
            "classify",
            voice.to_str().unwrap(),
            "--model",
            "runs/a",
            "--format",
            "jsonl",
            "--backend",
            backend,
        ];
        let outcome = run(folder, &arguments);
        // Where a backend does not work the CPU answers, and says so.
        let ran = outcome.code == 0 && !outcome.stderr.contains("warning:");
        ran.then(|| {
            let value: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
            let probabilities = value["probabilities"].as_object().unwrap().clone();
            probabilities
                .values()
                .map(|p| p.as_f64().unwrap())
                .collect::<Vec<f64>>()
        })
    };
    let flex = on("flex").expect("flex is always there");
    let close = |other: &[f64]| flex.iter().zip(other).all(|(a, b)| (a - b).abs() < 1e-4);
    assert!(close(&on("ndarray").expect("ndarray is compiled in")));
    match on("wgpu") {
        Some(wgpu) => assert!(close(&wgpu), "{flex:?} {wgpu:?}"),
        None if std::env::var_os("REQUIRE_WGPU").is_some() => panic!("wgpu does not work here"),
        None => eprintln!("skipped: no graphics adapter"),
    }
}

#[test]
fn a_missing_graphics_driver_is_named_and_the_cpu_goes_on() {
    let folder = trained();
    let voice = one_voice(folder);
    let outcome = crate::harness::command(folder)
        .args(["classify", "--model", "runs/a", "--backend", "wgpu"])
        .arg(&voice)
        .env("VK_DRIVER_FILES", "/nowhere")
        .env("VK_ICD_FILENAMES", "/nowhere")
        .output()
        .unwrap();
    let message = String::from_utf8_lossy(&outcome.stderr);
    assert!(outcome.status.success(), "{message}");
    // A machine may have a driver of another kind (Metal, DirectX).
    if cfg!(target_os = "linux") {
        assert!(message.contains("using the CPU"), "{message}");
    }
    assert!(!outcome.stdout.is_empty());
}

/// Starts a training like [`trained`]'s and waits until it has done some epochs.
fn begin(folder: &Path, out: &str, epochs: usize) -> std::process::Child {
    let mut child = crate::harness::command(folder);
    child
        .args(["train", "--out", out, "--seed", "5"])
        .args(TRAINING);
    let mut child = child.stderr(std::process::Stdio::piped()).spawn().unwrap();
    while epochs_done(folder, out) < epochs && child.try_wait().unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    child
}

fn epochs_done(folder: &Path, run: &str) -> usize {
    let metrics = folder.join(run).join("metrics.jsonl");
    std::fs::read_to_string(metrics)
        .unwrap_or_default()
        .lines()
        .count()
}

#[test]
fn a_training_killed_and_resumed_ends_where_an_uninterrupted_one_does() {
    let folder = trained();
    // On a busy machine the training may end before the kill; then it is tried again.
    let unfinished = (0..10).any(|_| {
        let _ = std::fs::remove_dir_all(folder.join("runs/killed"));
        let mut child = begin(folder, "runs/killed", 2);
        child.kill().unwrap();
        child.wait().unwrap();
        !folder.join("runs/killed/model.safetensors").exists()
    });
    assert!(unfinished);
    run(folder, &["train", "--resume", "runs/killed"]).ok();
    let predictions = |run: &str| std::fs::read(folder.join(run).join("predictions.csv")).unwrap();
    assert!(predictions("runs/a") == predictions("runs/killed"));
    assert_eq!(epochs_done(folder, "runs/killed"), 6);
}

#[cfg(unix)]
#[test]
fn ctrl_c_saves_and_says_how_to_resume() {
    let folder = trained();
    let child = begin(folder, "runs/stopped", 1);
    let interrupt = ["-INT", &child.id().to_string()].map(String::from);
    assert!(
        std::process::Command::new("kill")
            .args(interrupt)
            .status()
            .unwrap()
            .success()
    );
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("--resume runs/stopped"), "{said}");
    run(folder, &["train", "--resume", "runs/stopped"]).ok();
    assert!(folder.join("runs/stopped/model.safetensors").is_file());
}

#[test]
fn info_and_devices_answer() {
    let folder = trained();
    let info = run(folder, &["info", "runs/a"]).ok().stdout;
    assert!(
        info.contains("synthetic") && info.contains("test UAR"),
        "{info}"
    );
    let json = run(folder, &["info", "runs/a", "--json"]).ok().stdout;
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["labels"].as_array().unwrap().len(), 8);
    let devices = run(folder, &["devices"]).ok().stdout;
    assert!(
        devices.contains("flex") && devices.contains("* "),
        "{devices}"
    );
}

#[test]
fn a_trained_model_goes_to_other_programs() {
    let folder = trained();
    for (format, file, inside) in [
        ("onnx", "model.onnx", &b"probabilities"[..]),
        ("pytorch", "lstm.safetensors", b"weight_hh_l0_reverse"),
    ] {
        let arguments = ["export", "runs/a", "--format", format, "--out", file];
        let outcome = run(folder, &arguments).ok();
        assert!(outcome.last_line().starts_with(file), "{}", outcome.stdout);
        let bytes = std::fs::read(folder.join(file)).unwrap();
        let found = bytes.windows(inside.len()).any(|part| part == inside);
        assert!(found, "{file} of {} bytes", bytes.len());
    }
}
