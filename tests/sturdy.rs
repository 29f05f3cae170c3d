//! `--sturdy`: accuracy when the sound alone is changed.

use std::path::Path;

use crate::harness::run;

/// A small synthetic corpus and a linear classifier on the encoder, in seconds.
fn trained() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let voices = ["synth", "voices", "--speakers", "4", "--takes", "1"];
    run(folder.path(), &voices).ok();
    std::fs::write(folder.path().join("linear.toml"), LINEAR).unwrap();
    folder
}

const LINEAR: &str = r#"
features = "encoder"
validation_speakers = []
[training]
members = 0
linear = [{ inputs = "encoder" }]
variants = [{ speed = 1.0 }]
"#;

fn rows(folder: &Path, file: &str) -> Vec<serde_json::Value> {
    serde_json::from_slice(&std::fs::read(folder.join(file)).unwrap()).unwrap()
}

#[test]
fn every_disturbance_is_measured_or_says_why_not() {
    let folder = trained();
    let folder = folder.path();
    let training = [
        "train",
        "voices",
        "--config",
        "linear.toml",
        "--test-speakers",
        "1",
        "--backend",
        "flex",
        "--out",
        "run",
    ];
    let trained = run(folder, &training).ok();
    assert!(trained.stdout.contains("Fitted in"), "{trained:?}");
    assert!(!folder.join("run/learning_curves.svg").exists());

    let evaluated = ["evaluate", "run", "voices", "--sturdy", "--out", "report"];
    let said = run(folder, &evaluated).ok().stdout;
    assert!(said.contains("Worst drop"), "{said}");
    let rows = rows(folder, "report/sturdy.json");
    assert_eq!(rows.len(), 26);
    let of = |name: &str| {
        let found = rows.iter().find(|row| row["disturbance"] == name);
        found.unwrap_or_else(|| panic!("no row {name}"))
    };
    let uar = |name: &str| of(name)["uar"].as_f64().unwrap();
    // By construction: neither gain nor an offset changes what the encoder hears.
    let plain = uar("as recorded");
    for name in [
        "gain -10 dB",
        "gain +6 dB",
        "offset of 2 %",
        "peak-normalised",
    ] {
        assert!(
            (uar(name) - plain).abs() < 0.15,
            "{name}: {} {plain}",
            uar(name)
        );
    }
    for row in &rows {
        let measured = row["uar"].is_number();
        assert_ne!(measured, row["skipped"].is_string(), "{row}");
    }
}

#[test]
fn a_cross_validation_pools_the_disturbances_over_its_folds() {
    let folder = trained();
    let folder = folder.path();
    let arguments = [
        "cross-validate",
        "voices",
        "--config",
        "linear.toml",
        "--protocol",
        "k2",
        "--backend",
        "flex",
        "--sturdy",
        "--out",
        "cv",
    ];
    run(folder, &arguments).ok();
    let results: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("cv/results.json")).unwrap()).unwrap();
    let rows = rows(folder, "cv/sturdy.json");
    assert_eq!(rows[0]["clips"], results["clips"]);
    let plain = rows[0]["uar"].as_f64().unwrap();
    assert!((plain - results["uar"]["mean"].as_f64().unwrap()).abs() < 1e-9);
}
