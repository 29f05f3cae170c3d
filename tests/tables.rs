//! `affekt features`: tables that other tools read.

use crate::harness::run;

/// The shape that a npy file's header states.
fn npy_shape(bytes: &[u8]) -> String {
    assert_eq!(&bytes[..6], b"\x93NUMPY");
    let header = String::from_utf8_lossy(&bytes[10..128]).into_owned();
    let shape = header.split("'shape': (").nth(1).expect("a shape");
    let shape = shape.split(')').next().unwrap();
    shape.trim_end_matches([',', ' ']).to_string()
}

#[test]
fn one_recording_gives_frames_by_coefficients_at_its_own_rate() {
    let folder = tempfile::tempdir().unwrap();
    let samples: Vec<f32> = (0..48_000).map(|n| (n as f32 * 0.05).sin() * 0.3).collect();
    audio::write_wav(folder.path().join("a.wav"), &samples, 48_000).unwrap();
    // One second at 48 kHz: librosa hops 512 samples and centres, Kaldi hops 10 ms and does not.
    for (preset, shape) in [("librosa", "94, 20"), ("kaldi", "98, 13")] {
        let arguments = ["features", "a.wav", "--preset", preset, "--out", "a.npy"];
        run(folder.path(), &arguments).ok();
        let bytes = std::fs::read(folder.path().join("a.npy")).unwrap();
        assert_eq!(npy_shape(&bytes), shape, "{preset}");
    }
    let arguments = [
        "features",
        "a.wav",
        "--preset",
        "librosa",
        "--sample-rate",
        "16000",
        "--n-mfcc",
        "13",
        "--out",
        "b.npy",
    ];
    run(folder.path(), &arguments).ok();
    let bytes = std::fs::read(folder.path().join("b.npy")).unwrap();
    assert_eq!(npy_shape(&bytes), "32, 13");
}

#[test]
fn blocks_give_their_columns_in_the_order_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let samples: Vec<f32> = (0..48_000).map(|n| (n as f32 * 0.05).sin() * 0.3).collect();
    audio::write_wav(folder.path().join("a.wav"), &samples, 48_000).unwrap();
    let header = |preset: &str, blocks: &str| {
        let arguments = [
            "features", "a.wav", "--preset", preset, "--blocks", blocks, "--format", "csv",
            "--out", "-",
        ];
        let csv = run(folder.path(), &arguments).ok().stdout;
        (csv.lines().next().unwrap().to_string(), csv.lines().count())
    };
    let (names, lines) = header("kaldi", "pitch,mfcc,spectral");
    assert!(names.starts_with("time,pitch_hz,pitch_voiced,log_energy,mfcc_1,"));
    assert!(names.ends_with(",spectral_flatness,spectral_flux"));
    assert_eq!(lines, 1 + 98);
    let (names, lines) = header("recommended", "harmonicity,intensity,chroma");
    assert!(names.starts_with("time,harmonicity_db,intensity_db,chroma_c,"));
    assert_eq!(lines, 1 + 49);

    let twice = [
        "features",
        "a.wav",
        "--blocks",
        "mfcc,mfcc",
        "--out",
        "a.npy",
    ];
    let outcome = run(folder.path(), &twice);
    assert_eq!(outcome.code, 1);
    assert!(
        outcome.stderr.contains("mfcc_0 twice"),
        "{}",
        outcome.stderr
    );
    let arguments = ["features", "a.wav", "--preset", "emotion", "--out", "a.npy"];
    run(folder.path(), &arguments).ok();
    let bytes = std::fs::read(folder.path().join("a.npy")).unwrap();
    assert_eq!(npy_shape(&bytes), "49, 26");
}

#[test]
fn a_folder_gives_a_table_for_each_recording_and_reports_the_bad_ones() {
    let folder = tempfile::tempdir().unwrap();
    run(
        folder.path(),
        &["synth", "voices", "--speakers", "1", "--takes", "1"],
    )
    .ok();
    std::fs::write(folder.path().join("voices/Actor_01/bad.wav"), "no sound").unwrap();
    let arguments = [
        "features", "voices", "--preset", "htk", "--format", "parquet", "--out", "tables",
    ];
    let outcome = run(folder.path(), &arguments);
    assert_eq!(outcome.code, 1);
    assert!(outcome.stderr.contains("bad.wav"), "{}", outcome.stderr);
    let tables = std::fs::read_dir(folder.path().join("tables/Actor_01"))
        .unwrap()
        .count();
    assert_eq!(tables, 8);
    assert!(
        outcome.last_line().starts_with("8 tables"),
        "{}",
        outcome.last_line()
    );
}

#[test]
fn csv_goes_to_standard_output_with_names_and_times() {
    let folder = tempfile::tempdir().unwrap();
    audio::write_wav(folder.path().join("a.wav"), &[0.1; 16_000], 16_000).unwrap();
    let arguments = [
        "features", "a.wav", "--preset", "kaldi", "--format", "csv", "--out", "-",
    ];
    let csv = run(folder.path(), &arguments).ok().stdout;
    let mut lines = csv.lines();
    assert!(lines.next().unwrap().starts_with("time,log_energy,mfcc_1,"));
    assert!(lines.nth(1).unwrap().starts_with("0.010000,"));
    let npy = ["features", "a.wav", "--out", "-"];
    assert_eq!(run(folder.path(), &npy).code, 1);
}
