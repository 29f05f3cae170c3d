//! `affekt explain`: which seconds and which features decide a label.

use std::path::Path;

use crate::harness::run;

/// A synthetic corpus with RAVDESS's names, and one of its recordings.
fn corpus(folder: &Path) -> String {
    run(
        folder,
        &["synth", "voices", "--speakers", "2", "--takes", "1"],
    )
    .ok();
    "voices/Actor_02/03-01-05-01-01-01-02.wav".into()
}

#[test]
fn a_recording_is_explained_in_words_in_numbers_and_as_a_picture() {
    let folder = tempfile::tempdir().unwrap();
    let file = corpus(folder.path());
    let text = run(folder.path(), &["explain", &file]).ok().stdout;
    for part in [
        "Which seconds",
        "Which features",
        "encoder",
        "gap",
        "not what causes",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }

    let arguments = ["explain", &file, "--label", "SAD", "--format", "json"];
    let json = run(folder.path(), &arguments).ok().stdout;
    let found: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(found["label"], "sad");
    let number = |value: &serde_json::Value| value.as_f64().unwrap();
    let gradients = &found["gradients"];
    let moments = gradients["moments"].as_array().unwrap().iter();
    let in_time: f64 = moments.map(|moment| number(&moment[1])).sum();
    let difference = number(&found["score"]) - number(&gradients["baseline"]);
    let gap = in_time + number(&gradients["whole"]) - difference;
    assert!(gap.abs() < 0.05, "{gap}");
    assert!((gap - number(&gradients["gap"])).abs() < 1e-3);
    let windows = found["windows"].as_array().unwrap();
    let last = &windows[windows.len() - 1];
    assert_eq!(number(&last["end"]), number(&found["seconds"]));

    run(folder.path(), &["explain", &file, "--out", "why.svg"]).ok();
    let picture = std::fs::read_to_string(folder.path().join("why.svg")).unwrap();
    assert!(picture.starts_with("<svg") && picture.trim_end().ends_with("</svg>"));
    for part in [
        "Spectrogram",
        "Occlusion",
        "Integrated gradients",
        "seconds",
    ] {
        assert!(picture.contains(part), "{part}");
    }
}

#[test]
fn a_corpus_is_explained_by_exchanging_features_and_a_page_shows_it() {
    let folder = tempfile::tempdir().unwrap();
    corpus(folder.path());
    let base = ["explain", "voices", "--speakers", "1,2", "--repeats", "2"];
    let with = |more: &[&str]| run(folder.path(), &[&base[..], more].concat()).ok();
    let json = with(&["--format", "json"]).stdout;
    let found: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&found["clips"], &found["repeats"]),
        (&16.into(), &2.into())
    );
    let groups = found["groups"].as_array().unwrap();
    assert_eq!(groups.len(), 6);
    // The same seed, the same numbers; another one, others.
    assert_eq!(with(&["--format", "json"]).stdout, json);
    assert_ne!(with(&["--format", "json", "--seed", "2"]).stdout, json);

    with(&["--out", "page.html", "--pictures", "2"]);
    let page = std::fs::read_to_string(folder.path().join("page.html")).unwrap();
    assert_eq!(page.matches("<svg").count(), 2);
    for group in [
        "pitch",
        "level",
        "spectrum",
        "rate",
        "voice quality",
        "encoder",
    ] {
        assert!(page.contains(&format!("<td>{group}</td>")), "{group}");
    }
    assert!(!page.contains("src=") && !page.contains("<link"));
}

#[test]
fn what_cannot_be_explained_is_named_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let file = corpus(folder.path());
    std::fs::write(folder.path().join("letter.wav"), "Dear Sir or Madam,").unwrap();
    audio::write_wav(folder.path().join("silence.wav"), &[0.0; 16_000], 16_000).unwrap();
    let failed = |arguments: &[&str], parts: &[&str]| {
        let outcome = run(folder.path(), &[&["explain"], arguments].concat());
        assert_eq!(outcome.code, 1, "{arguments:?}");
        for part in parts {
            assert!(
                outcome.stderr.contains(part),
                "{part} in {}",
                outcome.stderr
            );
        }
    };
    failed(&["letter.wav"], &["letter.wav"]);
    failed(&["absent.wav"], &["absent.wav"]);
    failed(&["silence.wav"], &["silence.wav", "nobody speaks"]);
    failed(
        &[&file, "--label", "bored"],
        &["`bored`", "neutral, calm, happy"],
    );
    failed(&[&file, "--hop", "1"], &["gaps between the windows"]);
    failed(&[&file, "--format", "html"], &["labelled recordings"]);
    failed(&["voices", "--out", "page.svg"], &["one recording"]);
    assert!(!folder.path().join("page.svg").exists());
}
