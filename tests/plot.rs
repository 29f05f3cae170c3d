//! `affekt plot`: a picture of a recording.

use crate::harness::run;

/// A second of a voice-like buzz at 44.1 kHz.
fn buzz() -> Vec<f32> {
    (0..44_100)
        .map(|n| {
            let angle = n as f32 * 150.0 * std::f32::consts::TAU / 44_100.0;
            (1..20)
                .map(|k| 0.05 * (angle * k as f32).sin())
                .sum::<f32>()
        })
        .collect()
}

#[test]
fn a_recording_becomes_an_svg_that_is_named_after_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("far")).unwrap();
    audio::write_wav(folder.path().join("far/voice.wav"), &buzz(), 44_100).unwrap();
    let outcome = run(folder.path(), &["plot", "far/voice.wav"]).ok();
    assert_eq!(outcome.last_line(), "voice.svg");
    let picture = std::fs::read_to_string(folder.path().join("voice.svg")).unwrap();
    assert!(picture.starts_with("<svg"), "{:.100}", picture);
    assert!(picture.trim_end().ends_with("</svg>"));
    for text in ["voice.wav", "44.1 kHz", "median pitch 150 Hz", "Waveform"] {
        assert!(picture.contains(text), "{text}");
    }
    // What is there already is replaced only where it is named.
    let again = run(folder.path(), &["plot", "far/voice.wav"]);
    assert_eq!(again.code, 1);
    assert!(again.stderr.contains("--out voice.svg"), "{}", again.stderr);
    let named = ["plot", "far/voice.wav", "--out", "voice.svg"];
    run(folder.path(), &named).ok();
    let replaced = std::fs::read_to_string(folder.path().join("voice.svg")).unwrap();
    assert!(replaced == picture, "the same recording, the same picture");
}

#[test]
fn what_is_no_recording_leaves_no_picture_and_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("letter.wav"), "Dear Sir or Madam,").unwrap();
    audio::write_wav(folder.path().join("empty.wav"), &[], 16_000).unwrap();
    for name in ["letter.wav", "empty.wav", "absent.wav"] {
        let outcome = run(folder.path(), &["plot", name, "--out", "picture.svg"]);
        assert_eq!(outcome.code, 1, "{name}");
        assert!(outcome.stderr.contains(name), "{}", outcome.stderr);
        assert!(!folder.path().join("picture.svg").exists(), "{name}");
    }
    audio::write_wav(folder.path().join("voice.wav"), &buzz(), 44_100).unwrap();
    let outcome = run(folder.path(), &["plot", "voice.wav", "--out", "voice.png"]);
    assert_eq!(outcome.code, 1);
    assert!(outcome.stderr.contains(".svg"), "{}", outcome.stderr);
}
