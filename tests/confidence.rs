//! What a model knows of itself: ensembles, known voices, and when to give no label.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::harness::run;

const SETTINGS: &str = r#"
backend = "flex"
test_speakers = ["1", "2"]
validation_speakers = ["3"]
features = "emotion"

[architecture]
convolutions = [{ channels = 12, kernel = 5, stride = 2 }]
hidden = 8

[training]
epochs = 4
members = 2
average = 0.9
mixup = 0.2
crop = 0.8
auxiliary = [{ part = "intensity", weight = 0.3 }, { part = "speaker", weight = -0.1 }]
masks = { frequency_masks = 1, frequency_width = 3, time_masks = 1, time_width = 5, time_share = 0.2, fill = "zero" }
enrolment = { least = 1, most = 5, unknown = 0.3 }
variants = [{}, { speed = 0.9, warp = 1.1 }, { steps = [{ probability = 1.0, augmentation = { kind = "gain", db = [-6.0, 6.0] } }] }]
"#;

/// Synthetic voices and an ensemble of two networks trained on them with every
/// part of the recipe turned on, made once for all tests.
fn trained() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    FOLDER
        .get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            let voices = ["synth", "voices", "--speakers", "6", "--takes", "2"];
            run(folder.path(), &voices).ok();
            std::fs::write(folder.path().join("settings.toml"), SETTINGS).unwrap();
            let arguments = [
                "train",
                "voices",
                "--config",
                "settings.toml",
                "--out",
                "runs/a",
            ];
            run(folder.path(), &arguments).ok();
            folder
        })
        .path()
}

fn voices(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder.join("voices/Actor_01")).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|e| e == "wav"));
    files.sort();
    files
}

/// The lines of `classify --format jsonl`.
fn classify(folder: &Path, arguments: &[&str]) -> Vec<serde_json::Value> {
    let all = [&["classify", "--format", "jsonl"], arguments].concat();
    let outcome = run(folder, &all).ok();
    let lines = outcome.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn silence_gets_no_label_and_noise_is_marked_as_unlike_the_training() {
    let folder = trained();
    audio::write_wav(folder.join("silence.wav"), &[0.0; 16_000], 16_000).unwrap();
    let mut state = 1u32;
    let noise: Vec<f32> = (0..16_000)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state as f32 / u32::MAX as f32 - 0.5
        })
        .collect();
    audio::write_wav(folder.join("noise.wav"), &noise, 16_000).unwrap();
    let options = ["--model", "runs/a", "silence.wav", "noise.wav"];
    let answers = classify(folder, &options);
    assert!(answers[0]["label"].is_null());
    assert_eq!(answers[0]["no_label_because"], "no speech");
    assert_eq!(answers[0]["speech_seconds"], 0.0);
    assert!(
        answers[1]["unfamiliarity"].as_f64().unwrap() > 1.0,
        "{answers:?}"
    );
    let text = run(folder, &[&["classify"], &options[..]].concat())
        .ok()
        .stdout;
    assert!(text.contains("silence.wav: no speech"), "{text}");

    let voices: Vec<String> = voices(folder)
        .iter()
        .map(|v| v.display().to_string())
        .collect();
    let mut arguments = vec!["--model", "runs/a"];
    arguments.extend(voices.iter().map(String::as_str));
    let answers = classify(folder, &arguments);
    let familiar = |a: &&serde_json::Value| a["unfamiliarity"].as_f64().unwrap() < 1.0;
    assert!(answers.iter().filter(familiar).count() > answers.len() / 2);
    assert!(answers.iter().all(|answer| answer["label"].is_string()));
}

#[test]
fn below_the_threshold_the_model_abstains() {
    let folder = trained();
    let voice = voices(folder)[0].display().to_string();
    let options = ["--model", "runs/a", &voice, "--abstain-below", "1"];
    let answers = classify(folder, &options);
    assert!(answers[0]["label"].is_null());
    assert_eq!(answers[0]["no_label_because"], "unsure");
    let wrong = run(folder, &["classify", &voice, "--abstain-below", "2"]);
    assert_eq!(wrong.code, 2);
}

#[test]
fn adaptation_to_the_speaker_changes_the_answers() {
    let folder = trained();
    let files: Vec<String> = voices(folder)
        .iter()
        .map(|v| v.display().to_string())
        .collect();
    let mut arguments = vec!["--model", "runs/a"];
    arguments.extend(files.iter().map(String::as_str));
    let stranger = classify(folder, &arguments);
    arguments.push("--speaker");
    let known = classify(folder, &arguments);
    assert_eq!(stranger.len(), known.len());
    assert_ne!(stranger[0]["probabilities"], known[0]["probabilities"]);
}

#[test]
fn few_shot_adaptation_makes_the_given_labels_more_probable() {
    let folder = trained();
    let files = voices(folder);
    let table = |label: &str| {
        let rows = files
            .iter()
            .take(6)
            .map(|file| format!("{},{label}\n", file.display()));
        format!("path,label\n{}", rows.collect::<String>())
    };
    std::fs::write(folder.join("happy.csv"), table("happy")).unwrap();
    let voice = files[7].display().to_string();
    let options = ["--model", "runs/a", &voice];
    let happy = |more: &[&str]| {
        let answers = classify(folder, &[&options[..], more].concat());
        answers[0]["probabilities"]["happy"].as_f64().unwrap()
    };
    assert!(happy(&["--few-shot", "happy.csv"]) > happy(&[]));
    std::fs::write(folder.join("odd.csv"), table("hapy")).unwrap();
    let wrong = run(
        folder,
        &[&["classify", "--few-shot", "odd.csv"], &options[..]].concat(),
    );
    assert_eq!(wrong.code, 1);
    assert!(wrong.stderr.contains("odd.csv, line 2"), "{wrong:?}");
    assert!(wrong.stderr.contains("neutral, calm"), "{wrong:?}");
}

#[test]
fn an_ensemble_trains_to_the_same_model_again_and_after_a_kill() {
    let folder = trained();
    let train = |out: &str| {
        let mut child = crate::harness::command(folder);
        child
            .env("SOURCE_DATE_EPOCH", "1000000000")
            .args(["train", "voices", "--config", "settings.toml", "--out", out])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null());
        child.spawn().unwrap()
    };
    let model = |run: &str| std::fs::read(folder.join(run).join("model.safetensors")).unwrap();
    assert!(train("runs/b").wait().unwrap().success());
    assert!(train("runs/c").wait().unwrap().success());
    assert!(model("runs/b") == model("runs/c"), "the same bytes");

    // Killed within the second network; tried again where it was too quick.
    let lines = |run: &str| {
        let metrics = folder.join(run).join("metrics.jsonl");
        std::fs::read_to_string(metrics)
            .unwrap_or_default()
            .lines()
            .count()
    };
    let unfinished = (0..10).any(|_| {
        let _ = std::fs::remove_dir_all(folder.join("runs/killed"));
        let mut child = train("runs/killed");
        while lines("runs/killed") < 5 && child.try_wait().unwrap().is_none() {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        !folder.join("runs/killed/model.safetensors").exists()
    });
    assert!(unfinished);
    run(folder, &["train", "--resume", "runs/killed"]).ok();
    assert_eq!(lines("runs/killed"), 8, "4 epochs of 2 networks");
    let predictions = |run: &str| std::fs::read(folder.join(run).join("predictions.csv")).unwrap();
    assert!(predictions("runs/killed") == predictions("runs/b"));
}

#[test]
fn models_are_put_together_and_gone_on_from() {
    let folder = trained();
    let other = [
        "train",
        "voices",
        "--config",
        "settings.toml",
        "--seed",
        "2",
        "--out",
        "runs/seed2",
    ];
    run(folder, &other).ok();
    let together = [
        "ensemble",
        "runs/a",
        "runs/seed2",
        "--out",
        "four.safetensors",
    ];
    let said = run(folder, &together).ok().stdout;
    assert!(said.contains("4 networks"), "{said}");
    let voice = voices(folder)[0].display().to_string();
    assert_eq!(
        classify(folder, &["--model", "four.safetensors", &voice]).len(),
        1
    );
    let onnx = [
        "export",
        "four.safetensors",
        "--format",
        "onnx",
        "--out",
        "four.onnx",
    ];
    run(folder, &onnx).ok();
    let pytorch = [
        "export",
        "four.safetensors",
        "--format",
        "pytorch",
        "--member",
        "5",
        "--out",
        "five",
    ];
    let refused = run(folder, &pytorch);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("no network 5"), "{refused:?}");

    let more = [
        "train",
        "voices",
        "--config",
        "settings.toml",
        "--from",
        "runs/a",
        "--out",
        "runs/more",
    ];
    run(folder, &more).ok();
    let first_loss = |run: &str| {
        let metrics = std::fs::read_to_string(folder.join(run).join("metrics.jsonl")).unwrap();
        let first: serde_json::Value =
            serde_json::from_str(metrics.lines().next().unwrap()).unwrap();
        first["train_loss"].as_f64().unwrap()
    };
    assert!(first_loss("runs/more") < first_loss("runs/a"));
    let plain = run(
        folder,
        &["train", "voices", "--epochs", "1", "--out", "runs/plain"],
    );
    plain.ok();
    let unlike = [
        "ensemble",
        "runs/a",
        "runs/plain",
        "--out",
        "no.safetensors",
    ];
    let refused = run(folder, &unlike);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("differs"), "{refused:?}");
}

#[test]
fn without_a_model_named_the_pretrained_one_answers() {
    let folder = trained();
    let voice = voices(folder)[0].display().to_string();
    let answers = classify(folder, &[&voice]);
    assert_eq!(answers[0]["probabilities"].as_object().unwrap().len(), 8);
    let info = run(folder, &["info"]).ok().stdout;
    assert!(info.contains("the pretrained model"), "{info}");
    assert!(
        info.contains("CC BY-NC-SA") && info.contains("cross-validated"),
        "{info}"
    );
    let newest = classify(folder, &["--model", "newest", &voice]);
    assert_eq!(newest.len(), 1);
}
