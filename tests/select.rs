//! `affekt select`: recipes chosen without the speakers that are tested.

use std::path::Path;

use crate::harness::run;

const GOOD: &str = r#"
features = "encoder"
validation_speakers = []
[training]
members = 0
linear = [{ inputs = "encoder" }]
variants = [{ speed = 1.0 }]
"#;

fn read(folder: &Path, file: &str) -> String {
    std::fs::read_to_string(folder.join(file)).unwrap()
}

#[test]
fn each_fold_gets_what_is_best_without_it_and_every_look_is_logged_once() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let voices = ["synth", "voices", "--speakers", "6", "--takes", "1"];
    run(folder, &voices).ok();
    std::fs::write(folder.join("good.toml"), GOOD).unwrap();
    let weak = GOOD.replace("\"encoder\" }", "\"encoder\", shrinkage = 1.0 }");
    std::fs::write(folder.join("weak.toml"), weak).unwrap();
    let arguments = [
        "select",
        "voices",
        "--config",
        "good.toml",
        "--config",
        "weak.toml",
        "--protocol",
        "k3",
        "--seeds",
        "1",
        "--backend",
        "flex",
        "--out",
        "chosen",
    ];
    let said = run(folder, &arguments).ok().stdout;
    assert!(said.contains("Every look"), "{said}");
    let choices: Vec<serde_json::Value> =
        serde_json::from_str(&read(folder, "chosen/choice.json")).unwrap();
    assert_eq!(choices.len(), 3);
    for choice in &choices {
        let uar = |name: &str| choice["nested_uar"][name].as_f64().unwrap();
        let best = if uar("weak") > uar("good") {
            "weak"
        } else {
            "good"
        };
        assert_eq!(choice["candidate"], best, "{choice}");
    }
    let looks = read(folder, "chosen/looks.csv");
    // Two candidates on nested folds, three folds tested, and the heading.
    assert_eq!(looks.lines().count(), 6, "{looks}");
    let results: serde_json::Value =
        serde_json::from_str(&read(folder, "chosen/results.json")).unwrap();
    assert_eq!(results["folds"].as_array().unwrap().len(), 3);
    // Again: nothing is computed or looked at twice.
    run(folder, &arguments).ok();
    assert_eq!(read(folder, "chosen/looks.csv"), looks);
}

#[test]
fn one_recipe_alone_or_two_of_one_name_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run(
        folder,
        &["synth", "voices", "--speakers", "4", "--takes", "1"],
    )
    .ok();
    let one = run(folder, &["select", "voices", "--config", "plain"]);
    assert_ne!(one.code, 0);
    assert!(one.stderr.contains("two or more"), "{one:?}");
    let twice = ["select", "voices", "--config", "plain", "--config", "plain"];
    let twice = run(folder, &twice);
    assert_ne!(twice.code, 0);
    assert!(twice.stderr.contains("same name"), "{twice:?}");
}
