//! Corpora as a user meets them: found by content, listed, mapped, put together.

use std::path::Path;

use crate::harness::{Outcome, run};

/// A third of a second that differs from name to name.
fn voice(name: &str) -> Vec<f32> {
    let seed = name
        .bytes()
        .fold(7u32, |seed, b| seed.wrapping_mul(31) + u32::from(b));
    let hertz = 100.0 + (seed % 15_000) as f32 / 100.0;
    (0..5300)
        .map(|n| 0.3 * (n as f32 * hertz * std::f32::consts::TAU / 16_000.0).sin())
        .collect()
}

/// Writes short recordings with these names into `folder`.
fn record(folder: &Path, names: &[String]) {
    for name in names {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        audio::write_wav(&path, &voice(name), 16_000).unwrap();
    }
}

/// Every one of `first` with every one of `second`, in the places of `{a}` and `{b}`.
fn names(form: &str, first: &[&str], second: &[&str]) -> Vec<String> {
    let each = |a: &&str| {
        let form = form.replace("{a}", a);
        second.iter().map(move |b| form.replace("{b}", b)).collect()
    };
    first
        .iter()
        .flat_map(|a| -> Vec<String> { each(a) })
        .collect()
}

fn ravdess(folder: &Path) {
    let emotions = ["01", "03", "05"];
    let form = "ravdess/Actor_{a}/03-01-{b}-01-01-01-{a}.wav";
    record(folder, &names(form, &["01", "02", "03", "04"], &emotions));
}

fn emodb(folder: &Path) {
    record(
        folder,
        &names(
            "emodb/{a}a01{b}a.wav",
            &["03", "08", "09", "10"],
            &["N", "F", "W"],
        ),
    );
}

const MAP: &str = "\
drop = ['calm', 'sad', 'fearful', 'disgust', 'surprised', 'boredom', 'fear', 'sadness']
[rename]
happy = 'happiness'
angry = 'anger'
";

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

/// The options of a training that takes no time.
const QUICK: [&str; 6] = ["--epochs", "1", "--backend", "flex", "--no-cache", "--out"];

fn train(folder: &Path, arguments: &[&str], out: &str) -> Outcome {
    run(folder, &[&["train"], arguments, &QUICK, &[out]].concat())
}

fn read(folder: &Path, file: &str) -> String {
    std::fs::read_to_string(folder.join(file)).unwrap()
}

#[test]
fn every_corpus_is_found_by_the_names_of_its_files_and_counted() {
    let layouts = [
        (
            "ravdess",
            names(
                "Actor_{a}/03-01-{b}-01-01-01-{a}.wav",
                &["01", "02"],
                &["01", "08"],
            ),
        ),
        (
            "ravdess-song",
            names(
                "Actor_{a}/03-02-{b}-01-01-01-{a}.wav",
                &["01", "24"],
                &["01", "06"],
            ),
        ),
        (
            "emodb",
            names("wav/{a}a01{b}a.wav", &["03", "16"], &["W", "N"]),
        ),
        (
            "crema-d",
            names(
                "AudioWAV/{a}_DFA_{b}_XX.wav",
                &["1001", "1091"],
                &["ANG", "SAD"],
            ),
        ),
        (
            "tess",
            names(
                "{a}_any/{a}_back_{b}.wav",
                &["OAF", "YAF"],
                &["angry", "ps"],
            ),
        ),
        (
            "savee",
            names("AudioData/{a}/{b}01.wav", &["DC", "KL"], &["a", "su"]),
        ),
        (
            "emovo",
            names("{a}/{b}-{a}-b1.wav", &["f1", "m3"], &["dis", "neu"]),
        ),
        (
            "nemo",
            names(
                "samples/{a}_{b}_1.wav",
                &["EB0", "WR0"],
                &["anger", "surprised"],
            ),
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (name, files) in &layouts {
        let dir = folder.path().join("data").join(name);
        record(&dir, files);
        record(&dir, &["stray.wav".to_owned()]);
        let outcome = run(&dir, &["corpus", "."]).ok();
        assert!(
            outcome.stdout.contains(&format!("read as {name} (4 of 5")),
            "{outcome:?}"
        );
        assert!(
            outcome.stdout.contains("skipped: ./stray.wav"),
            "{outcome:?}"
        );
        assert_eq!(
            outcome.last_line(),
            "4 recordings of 2 speakers, 1 file skipped"
        );
    }
}

#[test]
fn what_a_folder_is_must_be_clear() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    record(
        folder,
        &names("a/Actor_01/03-{a}-01-01-01-01-01.wav", &["01", "02"], &[""]),
    );
    let both = run(folder, &["corpus", "a"]);
    assert_eq!(both.code, 1);
    for name in ["--corpus ravdess ", "--corpus ravdess-song"] {
        assert!(both.stderr.contains(name), "{both:?}");
    }
    run(folder, &["corpus", "a", "--corpus", "ravdess-song"]).ok();

    record(
        folder,
        &names("b/{a}/{b}.wav", &["ann", "bob"], &["1", "2"]),
    );
    let neither = run(folder, &["train", "b"]);
    assert_eq!(neither.code, 1);
    assert!(neither.stderr.contains("--corpus folders"), "{neither:?}");
    assert_eq!(run(folder, &["corpus"]).code, 2);
    assert_eq!(run(folder, &["corpus", "b", "--label-set", "most"]).code, 2);
}

#[test]
fn a_folder_per_label_trains_where_a_pattern_tells_the_speakers() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let speakers = ["ann_1", "bob_2", "cleo_3", "dan_4"];
    record(
        folder,
        &names("sorted/{b}/{a}.wav", &speakers, &["joy", "anger"]),
    );

    let unknown = train(folder, &["sorted"], "a");
    assert_eq!(unknown.code, 1);
    for word in ["nobody says who speaks", "--speaker-pattern", "manifest"] {
        assert!(unknown.stderr.contains(word), "{unknown:?}");
    }
    let folds = run(folder, &["cross-validate", "sorted", "--protocol", "loso"]);
    assert_eq!(folds.code, 1);
    assert!(folds.stderr.contains("keeps speakers apart"), "{folds:?}");

    let pattern = ["sorted", "--speaker-pattern", "/(?<speaker>[a-z]+)_[0-9]"];
    let trained = train(
        folder,
        &[&pattern[..], &["--test-speakers", "dan"]].concat(),
        "a",
    )
    .ok();
    assert!(
        trained.last_line().contains("on 1 speaker never heard"),
        "{trained:?}"
    );
    let data = read(folder, "a/data.toml");
    assert!(
        data.contains("corpus = \"folders\"") && data.contains("speaker_pattern"),
        "{data}"
    );

    // The run's own list of corpora gives the same recordings again.
    let again = train(folder, &["a/data.toml", "--config", "a/settings.toml"], "b").ok();
    assert_eq!(
        read(folder, "a/predictions.csv"),
        read(folder, "b/predictions.csv")
    );
    assert_eq!(trained.last_line(), again.last_line());
    // Of voices that nobody knows nothing is claimed.
    let outcome = run(folder, &["evaluate", "a", "sorted"]).ok();
    assert!(outcome.last_line().contains("UNKNOWN"), "{outcome:?}");
}

#[test]
fn a_manifest_says_clips_speakers_and_split() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    record(folder, &names("{a}{b}.wav", &["long"], &["1", "2", "3"]));
    write(
        folder,
        "calls.csv",
        "path,label,speaker,start,end,split\n\
         long1.wav,joy,ann,0,0.16,train\n\
         long1.wav,anger,ann,0.16,,train\n\
         long2.wav,joy,bob,,0.2,validation\n\
         long2.wav,anger,bob,0.1,,validation\n\
         long3.wav,joy,eve,0.0,0.1,test\n\
         long3.wav,anger,eve,0.1,0.3,test\n",
    );
    let outcome = train(folder, &["calls.csv"], "a").ok();
    assert!(
        outcome
            .stderr
            .contains("test           2 clips  speakers eve"),
        "{outcome:?}"
    );
    assert!(!outcome.stdout.contains("could not be read"), "{outcome:?}");

    write(
        folder,
        "late.csv",
        "path,label,speaker,start\nlong1.wav,joy,ann,0\nlong1.wav,joy,ann,9\n\
         long1.wav,anger,ann,0.1\nlong2.wav,anger,bob,0\n",
    );
    let arguments = [
        "late.csv",
        "--test-speakers",
        "bob",
        "--validation-speakers",
        "none",
    ];
    let outcome = train(folder, &arguments, "b").ok();
    assert!(
        outcome.stderr.contains("from 9 s to the end"),
        "{outcome:?}"
    );

    write(
        folder,
        "bad.csv",
        "path,label,speaker\nlong1.wav,joy,ann\nlong4.wav,joy,bob\n",
    );
    let outcome = run(folder, &["corpus", "bad.csv"]);
    assert_eq!(outcome.code, 1);
    assert!(outcome.stderr.contains("bad.csv, line 3"), "{outcome:?}");
}

/// The samples as an AIFF of one channel and 16 bits.
fn aiff(samples: &[f32]) -> Vec<u8> {
    let frames = samples.len() as u32;
    let mut file = b"FORM\0\0\0\0AIFFCOMM\0\0\0\x12\0\x01".to_vec();
    file.extend(frames.to_be_bytes());
    // 16 bits; 16 kHz as an 80-bit float.
    file.extend([0, 16, 0x40, 0x0c, 0xfa, 0, 0, 0, 0, 0, 0, 0]);
    file.extend(b"SSND");
    file.extend((8 + 2 * frames).to_be_bytes());
    file.extend([0; 8]);
    for sample in samples {
        file.extend(((sample * 32768.0) as i16).to_be_bytes());
    }
    let size = (file.len() - 8) as u32;
    file[4..8].copy_from_slice(&size.to_be_bytes());
    file
}

#[test]
fn a_file_of_tess_that_is_aiff_inside_is_heard() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    record(
        folder,
        &names(
            "tess/{a}_x/{a}_{b}.wav",
            &["OAF", "YAF"],
            &["germ_angry", "neat_fear", "back_ps"],
        ),
    );
    let odd = folder.join("tess/YAF_x/YAF_germ_angry.wav");
    std::fs::write(&odd, aiff(&voice("germ"))).unwrap();
    let arguments = [
        "tess",
        "--test-speakers",
        "YAF",
        "--validation-speakers",
        "none",
    ];
    let outcome = train(folder, &arguments, "a").ok();
    assert!(!outcome.stderr.contains("could not be read"), "{outcome:?}");
    let predictions = read(folder, "a/predictions.csv");
    assert!(predictions.contains("YAF_germ_angry.wav"), "{predictions}");
}

/// The samples as a WAV of two channels and 16 bits.
fn stereo(left: &[f32], right: &[f32]) -> Vec<u8> {
    let data = 4 * left.len() as u32;
    let mut file = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x02\0".to_vec();
    file[4..8].copy_from_slice(&(36 + data).to_le_bytes());
    file.extend(16_000_u32.to_le_bytes());
    file.extend(64_000_u32.to_le_bytes());
    file.extend(b"\x04\0\x10\0data");
    file.extend(data.to_le_bytes());
    for (left, right) in left.iter().zip(right) {
        for sample in [left, right] {
            // As `audio::write_wav` does, so that the samples are the same.
            file.extend(((sample * 32768.0).round() as i16).to_le_bytes());
        }
    }
    file
}

#[test]
fn of_emovos_unlike_channels_the_first_alone_is_heard() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let files = names(
        "{a}/{b}-{a}-b1.wav",
        &["f1", "f2", "m1"],
        &["dis", "gio", "neu"],
    );
    record(&folder.join("mono"), &files);
    for name in &files {
        let path = folder.join("stereo").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, stereo(&voice(name), &voice("another"))).unwrap();
    }
    let predictions = |dir: &str, out: &str| {
        let speakers = ["--test-speakers", "m1", "--validation-speakers", "none"];
        train(folder, &[&[dir], &speakers[..]].concat(), out).ok();
        read(folder, &format!("{out}/predictions.csv"))
    };
    assert_eq!(predictions("stereo", "a"), predictions("mono", "b"));
}

#[test]
fn labels_are_renamed_merged_and_dropped_by_a_map() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    ravdess(folder);
    let map = "\
        drop = ['sad', 'fearful', 'disgust', 'surprised']\n\
        [rename]\ncalm = 'neutral'\nhappy = 'happiness'\nangry = 'anger'\n";
    write(folder, "map.toml", map);
    let arguments = ["ravdess", "--labels", "map.toml", "--test-speakers", "1,2"];
    train(folder, &arguments, "a").ok();
    let head = read(folder, "a/predictions.csv");
    let head = head.lines().next().unwrap();
    assert!(head.ends_with("p_neutral,p_happiness,p_anger"), "{head}");

    // A model's labels are compared by name.
    let plain = run(folder, &["evaluate", "a", "ravdess"]);
    assert_eq!(plain.code, 1);
    assert!(plain.stderr.contains("--labels MAP.toml"), "{plain:?}");
    let mapped = run(
        folder,
        &["evaluate", "a", "ravdess", "--labels", "map.toml"],
    )
    .ok();
    assert!(
        mapped.last_line().contains("on 2 speakers never heard"),
        "{mapped:?}"
    );

    write(folder, "slip.toml", "drop = ['surpised']");
    let slip = train(folder, &["ravdess", "--labels", "slip.toml"], "b");
    assert_eq!(slip.code, 1);
    assert!(slip.stderr.contains("no label \"surpised\""), "{slip:?}");
    assert!(!folder.join("b").exists(), "a failed start leaves nothing");
}

#[test]
fn two_corpora_train_together_and_each_is_left_out_in_turn() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    ravdess(folder);
    emodb(folder);
    write(folder, "map.toml", MAP);
    let both = ["ravdess", "emodb", "--labels", "map.toml"];

    let differ = run(folder, &["corpus", "ravdess", "emodb"]);
    assert_eq!(differ.code, 1);
    assert!(differ.stderr.contains("--label-set common"), "{differ:?}");

    let common = [&both[..], &["--label-set", "common"]].concat();
    let speakers = ["--test-speakers", "ravdess:1,emodb:03"];
    train(folder, &[&common[..], &speakers].concat(), "a").ok();
    let settings = read(folder, "a/settings.toml");
    assert!(
        settings.contains("corpus = \"ravdess+emodb\""),
        "{settings}"
    );
    let predictions = read(folder, "a/predictions.csv");
    assert!(
        predictions.contains("emodb/03a01Na.wav,emodb:03,neutral"),
        "{predictions}"
    );

    // Alone, the actors of RAVDESS are the same people as in both.
    let one = [
        "evaluate", "a", "ravdess", "--labels", "map.toml", "--corpus", "auto",
    ];
    let outcome = run(folder, &one).ok();
    assert!(
        outcome.last_line().contains("on 1 speaker never heard"),
        "{outcome:?}"
    );

    let options = [
        "--protocol",
        "loco",
        "--epochs",
        "1",
        "--backend",
        "flex",
        "--out",
        "loco",
    ];
    let arguments = [&["cross-validate"], &common[..], &options].concat();
    let outcome = run(folder, &arguments).ok();
    for fold in [
        "ravdess  tests speakers ravdess:1,",
        "emodb    tests speakers emodb:03,",
    ] {
        assert!(outcome.stderr.contains(fold), "{outcome:?}");
    }
    for fold in ["ravdess-seed1", "emodb-seed1"] {
        assert!(folder.join("loco/folds").join(fold).is_dir(), "{fold}");
    }
    assert!(
        outcome.last_line().contains("on 8 unseen speakers"),
        "{outcome:?}"
    );

    // Other labels are other results.
    write(
        folder,
        "map.toml",
        &MAP.replace("happy = 'happiness'", "happiness = 'happy'"),
    );
    let other = run(folder, &arguments);
    assert_eq!(other.code, 1);
    assert!(
        other.stderr.contains("other recordings or labels"),
        "{other:?}"
    );
}

#[test]
fn help_says_how_recordings_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let help = run(folder.path(), &["corpus", "--help"]).ok().stdout;
    for word in [
        "Examples",
        "manifest.csv",
        "crema-d",
        "--labels",
        "--label-set",
        "--speaker-pattern",
    ] {
        assert!(help.contains(word), "{word}");
    }
}
