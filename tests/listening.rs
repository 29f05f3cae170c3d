//! `listen` and `timeline`: the same ears for pipes, files and recordings, and what goes
//! out to the stage.

use std::net::UdpSocket;
use std::path::Path;
use std::time::Duration;

use crate::harness::{run, run_with_input};

const RATE: u32 = 16_000;

/// A voice that speaks from 1 to 4 s and from 6 to 8 s of nine.
fn talk() -> Vec<f32> {
    (0..9 * RATE)
        .map(|n| {
            let t = n as f32 / RATE as f32;
            let speaks = (1.0..4.0).contains(&t) || (6.0..8.0).contains(&t);
            let pitch = 150.0 + 20.0 * (3.0 * t).sin();
            let harmonic =
                |k: u8| (std::f32::consts::TAU * pitch * t * f32::from(k)).sin() / f32::from(k);
            let tone: f32 = (1..15).map(harmonic).sum();
            let syllable = (14.0 * t).sin().abs();
            if speaks { 0.2 * syllable * tone } else { 0.0 }
        })
        .collect()
}

fn bytes(samples: &[f32]) -> Vec<u8> {
    let integers = samples.iter().map(|s| (s * 32_767.0) as i16);
    integers.flat_map(i16::to_le_bytes).collect()
}

fn wav(folder: &Path) {
    let samples: Vec<f32> = talk();
    audio::write_wav(folder.join("talk.wav"), &samples, RATE).unwrap();
}

#[test]
fn listening_to_a_pipe_gives_the_updates_of_the_timeline() {
    let folder = tempfile::tempdir().unwrap();
    wav(folder.path());
    let of_file = run(folder.path(), &["timeline", "talk.wav", "--updates"]).ok();
    let with_header = std::fs::read(folder.path().join("talk.wav")).unwrap();
    let listen = ["listen", "-", "--format", "jsonl"];
    let of_pipe = run_with_input(folder.path(), &listen, &with_header).ok();
    assert_eq!(of_pipe.stdout, of_file.stdout);
    let count = |kind: &str| {
        of_file
            .stdout
            .lines()
            .filter(|line| line.contains(kind))
            .count()
    };
    assert_eq!(count("\"measurement\""), 36);
    assert_eq!(
        (count("\"utterance.start\""), count("\"utterance.end\"")),
        (2, 2)
    );
}

#[test]
fn samples_without_a_header_are_heard_as_they_are_described() {
    let folder = tempfile::tempdir().unwrap();
    let samples = talk();
    let floats: Vec<u8> = samples.iter().flat_map(|s| s.to_le_bytes()).collect();
    let stereo: Vec<f32> = samples.iter().flat_map(|s| [*s, *s]).collect();
    let lines = |arguments: &[&str], input: &[u8]| {
        let listen = [&["listen", "-", "--raw"], arguments].concat();
        run_with_input(folder.path(), &listen, input).ok().stdout
    };
    let mono = lines(&["s16le"], &bytes(&samples));
    assert_eq!(
        mono.lines()
            .filter(|line| line.contains("utterance:"))
            .count(),
        2,
        "{mono}"
    );
    assert_eq!(lines(&["s16le", "--channels", "2"], &bytes(&stereo)), mono);
    assert_eq!(
        lines(&["f32le"], &floats).lines().count(),
        mono.lines().count()
    );
    let outcome = run_with_input(
        folder.path(),
        &["listen", "-"],
        b"no sound at all, only text",
    );
    assert_eq!(outcome.code, 1);
    assert!(outcome.stderr.contains("--raw s16le"), "{}", outcome.stderr);
    let outcome = run(folder.path(), &["listen", "a.wav", "--raw", "s16le"]);
    assert_eq!(outcome.code, 2);
}

#[test]
fn the_sound_and_the_voice_are_kept_where_asked_for_and_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    wav(folder.path());
    let listen = [
        "listen",
        "talk.wav",
        "--record",
        "kept.wav",
        "--save-speaker",
        "anna.json",
    ];
    run(folder.path(), &listen).ok();
    let kept = audio::Recording::open(folder.path().join("kept.wav")).unwrap();
    assert!((kept.duration() - 9.0).abs() < 1e-3);
    let mut names: Vec<_> = (std::fs::read_dir(folder.path()).unwrap())
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "feature-store")
        .collect();
    names.sort();
    assert_eq!(names, ["anna.json", "kept.wav", "talk.wav"]);
    // A voice that is known is adapted to from the first answer on.
    let with = [
        "timeline",
        "talk.wav",
        "--updates",
        "--speaker",
        "anna.json",
    ];
    let adapted = run(folder.path(), &with).ok().stdout;
    let measured = || {
        adapted
            .lines()
            .filter(|line| line.contains("\"measurement\""))
    };
    assert!(measured().all(|line| line.contains("\"adapted\":true")));
    std::fs::write(folder.path().join("other.json"), "{}").unwrap();
    let outcome = run(
        folder.path(),
        &["listen", "talk.wav", "--speaker", "other.json"],
    );
    assert_eq!(outcome.code, 1);
    assert!(
        outcome.stderr.contains("no speaker profile"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn osc_goes_out_at_its_rate_and_ends_with_zeros() {
    let folder = tempfile::tempdir().unwrap();
    audio::write_wav(
        folder.path().join("talk.wav"),
        &talk()[..3 * RATE as usize],
        RATE,
    )
    .unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket
        .set_read_timeout(Some(Duration::from_millis(500)))
        .unwrap();
    let to = socket.local_addr().unwrap().to_string();
    let listen = [
        "listen",
        "talk.wav",
        "--pace",
        "--osc",
        &to,
        "--osc-rate",
        "10",
    ];
    run(folder.path(), &listen).ok();
    let mut packets = Vec::new();
    let mut packet = [0; 4096];
    while let Ok(length) = socket.recv(&mut packet) {
        packets.push(packet[..length].to_vec());
    }
    // Three seconds, and the time to load the model; a slow machine leaves ticks out.
    assert!((10..80).contains(&packets.len()), "{}", packets.len());
    assert!(
        packets
            .iter()
            .all(|packet| packet.starts_with(b"#bundle\0") && packet.len() <= 1472)
    );
    let level = |packet: &[u8]| {
        let name = b"/emotion/level\0\0,f\0\0";
        let at = packet
            .windows(name.len())
            .position(|part| part == name)
            .unwrap();
        let number = packet[at + name.len()..].first_chunk().unwrap();
        f32::from_be_bytes(*number)
    };
    assert!(packets.iter().any(|packet| level(packet) > 0.5));
    assert_eq!(level(packets.last().unwrap()), 0.0);
}

#[test]
fn a_timeline_is_written_for_every_program_and_scored() {
    let folder = tempfile::tempdir().unwrap();
    wav(folder.path());
    for (name, begins) in [
        ("a.csv", "path,start,end,label,verdict,speech"),
        ("a.json", "[\n"),
        ("a.jsonl", "{"),
        ("a.vtt", "WEBVTT"),
        ("a.srt", "1\n00:00:0"),
        ("a.TextGrid", "File type"),
        ("a.eaf", "<?xml"),
        ("a.svg", "<svg"),
        ("a.html", "<!doctype html>"),
    ] {
        run(folder.path(), &["timeline", "talk.wav", "--out", name]).ok();
        let text = std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(text.starts_with(begins), "{name}: {text:.60}");
    }
    // Its own answer is right all the time, and silence is no error.
    let rttm = run(folder.path(), &["timeline", "talk.wav", "--format", "rttm"])
        .ok()
        .stdout;
    std::fs::write(
        folder.path().join("own.rttm"),
        format!("{rttm}SPEAKER talk 1 0 0 <NA> <NA> sad <NA> <NA>\n"),
    )
    .unwrap();
    let scored = run(
        folder.path(),
        &["timeline", "talk.wav", "--reference", "own.rttm"],
    );
    assert!(scored.stderr.contains("EDER 0.0 %"), "{}", scored.stderr);
    std::fs::write(
        folder.path().join("who.csv"),
        "path,start,end,speaker\ntalk.wav,0.5,4.5,anna\ntalk.wav,5.5,9,ben\n",
    )
    .unwrap();
    let both = run(
        folder.path(),
        &["timeline", "talk.wav", "--speakers", "who.csv"],
    )
    .ok()
    .stdout;
    assert!(both.contains("anna: ") && both.contains("ben: "), "{both}");
}
