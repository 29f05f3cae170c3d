//! What `classify`, `features` and `plot` read of a file, and what they write.

use std::path::Path;

use crate::harness::run;

/// A second of something like speech.
fn voice(hertz: f32) -> Vec<f32> {
    (0..16_000)
        .map(|n| {
            let t = n as f32 / 16_000.0;
            let syllable = (9.0 * t).sin().abs();
            let harmonics = 1..12;
            let tone: f32 = harmonics
                .map(|k| (std::f32::consts::TAU * hertz * t * k as f32).sin() / k as f32)
                .sum();
            0.3 * syllable * tone
        })
        .collect()
}

/// A 16-bit WAV of these channels.
fn write(path: &Path, channels: &[Vec<f32>]) {
    let count = channels.len() as u16;
    let frames = channels[0].len();
    let data = (frames * channels.len() * 2) as u32;
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((36 + data).to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0\x01\0");
    bytes.extend(count.to_le_bytes());
    bytes.extend(16_000u32.to_le_bytes());
    bytes.extend((32_000 * u32::from(count)).to_le_bytes());
    bytes.extend((2 * count).to_le_bytes());
    bytes.extend(b"\x10\0data");
    bytes.extend(data.to_le_bytes());
    for frame in 0..frames {
        for channel in channels {
            bytes.extend(((channel[frame] * 20_000.0) as i16).to_le_bytes());
        }
    }
    std::fs::write(path, bytes).unwrap();
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn each_channel_gets_the_answer_that_it_gets_alone() {
    let folder = tempfile::tempdir().unwrap();
    let call = folder.path().join("call.wav");
    write(&call, &[voice(120.0), voice(230.0)]);
    let classify = |channel: &str| {
        let arguments = [
            "classify",
            "call.wav",
            "--channel",
            channel,
            "--format",
            "json",
        ];
        json(&run(folder.path(), &arguments).ok().stdout)
    };
    let each = classify("each");
    assert_eq!(each.as_array().unwrap().len(), 2);
    for channel in 0..2 {
        let alone = &classify(&channel.to_string())[0];
        assert_eq!(each[channel]["channel"], channel.to_string());
        assert_eq!(each[channel]["probabilities"], alone["probabilities"]);
    }
    assert_ne!(each[0]["probabilities"], each[1]["probabilities"]);
    let missing = run(folder.path(), &["classify", "call.wav", "--channel", "2"]);
    assert_eq!(missing.code, 1);
    assert!(
        missing.stderr.contains("no channel 2"),
        "{}",
        missing.stderr
    );
    assert_eq!(
        missing.stderr.matches("call.wav").count(),
        1,
        "{}",
        missing.stderr
    );
}

#[test]
fn a_failed_file_keeps_its_place_with_its_error_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("a.wav"), &[voice(120.0)]);
    std::fs::write(folder.path().join("b.wav"), "no sound").unwrap();
    write(&folder.path().join("c.wav"), &[voice(230.0)]);
    let classify = |more: &[&str]| {
        let arguments = [&["classify", "a.wav", "b.wav", "gone.wav", "c.wav"], more].concat();
        let outcome = run(folder.path(), &arguments);
        assert_eq!(outcome.code, 1);
        assert!(
            outcome.stderr.contains("2 of 4 inputs failed"),
            "{}",
            outcome.stderr
        );
        outcome.stdout
    };
    let list = json(&classify(&["--format", "json"]));
    let paths: Vec<&str> = (list.as_array().unwrap().iter())
        .map(|record| record["path"].as_str().unwrap())
        .collect();
    assert_eq!(paths, ["a.wav", "b.wav", "gone.wav", "c.wav"]);
    let error = list[1]["error"].as_str().unwrap();
    assert!(
        error.starts_with("b.wav: ") && list[1]["label"].is_null(),
        "{error}"
    );
    assert!(list[0]["error"].is_null());

    let csv = classify(&["--format", "csv"]);
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 5);
    assert!(
        lines[2].starts_with("b.wav,,,,") && lines[2].contains(error),
        "{}",
        lines[2]
    );

    assert!(classify(&["--out", "all.csv"]).is_empty());
    assert_eq!(
        std::fs::read_to_string(folder.path().join("all.csv")).unwrap(),
        csv
    );
    assert!(classify(&["--out", "all.parquet"]).is_empty());
    let bytes = std::fs::read(folder.path().join("all.parquet")).unwrap();
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
}

#[test]
fn a_format_that_cannot_be_written_so_is_refused_before_any_work() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, what) in [
        (["--out", "x.xml"], "the ending tells the format"),
        (["--format", "parquet"], "add --out FILE.parquet"),
    ] {
        let outcome = run(
            folder.path(),
            &[&["classify", "a.wav"], &arguments[..]].concat(),
        );
        assert!(
            outcome.code != 0 && outcome.stderr.contains(what),
            "{}",
            outcome.stderr
        );
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_recording_of_minutes_is_the_mean_of_its_pieces_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let samples = voice(120.0).repeat(310);
    audio::write_wav(folder.path().join("long.wav"), &samples, 16_000).unwrap();
    let outcome = run(
        folder.path(),
        &["classify", "long.wav", "--format", "jsonl"],
    )
    .ok();
    assert!(
        outcome.stderr.contains("the mean over 5 pieces"),
        "{}",
        outcome.stderr
    );
    assert_eq!(json(&outcome.stdout)["seconds"], 310.0);
}

#[test]
fn features_and_plot_take_a_part_of_a_channel() {
    let folder = tempfile::tempdir().unwrap();
    write(
        &folder.path().join("both.wav"),
        &[voice(120.0), voice(230.0)],
    );
    let second = voice(230.0);
    let half: Vec<f32> = second[4000..12_000].to_vec();
    write(&folder.path().join("half.wav"), &[half]);
    let features = |arguments: &[&str]| {
        let all = [&["features"], arguments, &["--format", "csv", "--out", "-"]].concat();
        run(folder.path(), &all).ok().stdout
    };
    let part = ["--channel", "1", "--start", "0.25", "--end", "0.75"];
    assert_eq!(
        features(&[&["both.wav"], &part[..]].concat()),
        features(&["half.wav"])
    );
    let arguments = [&["plot", "both.wav", "--out", "p.svg"], &part[..]].concat();
    run(folder.path(), &arguments).ok();
    let picture = std::fs::read_to_string(folder.path().join("p.svg")).unwrap();
    assert!(
        picture.contains("0.5"),
        "the time axis ends at half a second"
    );
}

#[test]
fn settings_of_features_are_changed_by_their_paths_and_printed() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("a.wav"), &[voice(120.0)]);
    let features = |more: &[&str]| {
        let arguments = ["features", "a.wav", "--preset", "kaldi"];
        run(folder.path(), &[&arguments[..], more].concat())
    };
    let printed = features(&["--print-settings", "--set", "mfcc.n_mels=40"])
        .ok()
        .stdout;
    assert!(
        printed.contains("n_mels = 40") && printed.contains("lifter"),
        "{printed}"
    );
    let set = ["--set", "mfcc.n_mfcc=5", "--set", "blocks.0.deltas=1"];
    let csv = features(&[&set[..], &["--format", "csv", "--out", "-"]].concat())
        .ok()
        .stdout;
    let head = csv.lines().next().unwrap();
    assert!(
        head.ends_with(
            "mfcc_4,delta_log_energy,delta_mfcc_1,delta_mfcc_2,delta_mfcc_3,delta_mfcc_4"
        ),
        "{head}"
    );
    assert!(!csv.contains(",-0,"), "a zero has no sign");
    let wrong = features(&["--set", "mfcc.mels=40", "--out", "x.npy"]);
    assert_eq!(wrong.code, 1);
    assert!(
        wrong.stderr.contains("there is no setting `mels`"),
        "{}",
        wrong.stderr
    );
}

#[test]
fn a_timeline_says_when_somebody_speaks_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let silence = vec![0.0; 24_000];
    let samples = [&silence[..], &voice(140.0).repeat(3), &silence].concat();
    write(&folder.path().join("a b.wav"), &[samples]);
    let timeline = |format: &str| {
        let arguments = ["timeline", "a b.wav", "--format", format];
        run(folder.path(), &arguments).ok().stdout
    };
    let spans = json(&timeline("json"));
    let spans = spans.as_array().unwrap();
    let at = |span: &serde_json::Value, key: &str| span[key].as_f64().unwrap();
    // Without a gap, from the beginning to the end.
    assert_eq!(at(&spans[0], "start"), 0.0);
    assert!((at(&spans[spans.len() - 1], "end") - 6.0).abs() < 0.01);
    for pair in spans.windows(2) {
        assert_eq!(pair[0]["end"], pair[1]["start"]);
    }
    let spoken = spans.iter().filter(|span| span["speech"] == true);
    let (first, last) = spoken.fold((9.0f64, 0.0f64), |(first, last), span| {
        (first.min(at(span, "start")), last.max(at(span, "end")))
    });
    assert!(
        (1.25..2.1).contains(&first) && (4.2..5.1).contains(&last),
        "{first} {last}"
    );

    assert_eq!(timeline("jsonl").lines().count(), spans.len());
    assert_eq!(timeline("csv").lines().count(), spans.len() + 1);
    assert!(timeline("vtt").starts_with("WEBVTT\n"));
    assert!(timeline("textgrid").contains(&format!("intervals: size = {}", spans.len())));
    assert!(timeline("text").contains("no speech"));
    let both = run(
        folder.path(),
        &["timeline", "a b.wav", "a b.wav", "--format", "srt"],
    );
    assert!(
        both.code != 0 && both.stderr.contains("one recording"),
        "{}",
        both.stderr
    );
}
