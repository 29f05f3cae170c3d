//! Every container, codec, number of channels, rate and bit rate that FFmpeg writes,
//! compared with FFmpeg's own decoding: the length within one packet, and a
//! correlation above 0.99. What is not read must be named for what it is.
//!
//! Skipped where FFmpeg is not installed. `cargo test -p audio matrix -- --nocapture`
//! prints the cells.

use std::path::Path;
use std::process::{Command, Stdio};

use audio::{AudioError, Recording};
use rayon::prelude::*;

/// Seconds of a cell's sound.
const SECONDS: f64 = 1.2;

/// One file: its ending, how FFmpeg is to write it, and what is in it.
struct Cell {
    ending: &'static str,
    codec: Vec<String>,
    channels: usize,
    rate: u32,
    /// Samples of a packet, by which the length may differ.
    packet: usize,
    /// What an error names where the codec is not read.
    refused: Option<&'static str>,
}

impl Cell {
    fn name(&self) -> String {
        let codec = self.codec.join(" ");
        format!(
            "{} [{codec}] {} ch, {} Hz",
            self.ending, self.channels, self.rate
        )
    }
}

/// What became of a cell.
enum Outcome {
    Read,
    Refused,
    /// FFmpeg itself cannot write it.
    Impossible,
    Wrong(String),
}

struct Cells(Vec<Cell>);

impl Cells {
    /// All combinations of these channels and rates.
    fn add(
        &mut self,
        endings: &[&'static str],
        codecs: &[&str],
        channels: &[usize],
        rates: &[u32],
        packet: usize,
    ) {
        for (ending, codec) in endings
            .iter()
            .flat_map(|e| codecs.iter().map(move |c| (e, c)))
        {
            for (channels, rate) in channels
                .iter()
                .flat_map(|c| rates.iter().map(move |r| (*c, *r)))
            {
                self.0.push(Cell {
                    ending,
                    codec: codec.split(' ').map(str::to_owned).collect(),
                    channels,
                    rate,
                    packet,
                    refused: None,
                });
            }
        }
    }

    fn refused(&mut self, ending: &'static str, codec: &str, rate: u32, name: &'static str) {
        self.add(&[ending], &[codec], &[1], &[rate], 0);
        if let Some(cell) = self.0.last_mut() {
            cell.refused = Some(name);
        }
    }
}

fn cells() -> Vec<Cell> {
    let mut all = Cells(Vec::new());
    let plain = [
        "pcm_u8",
        "pcm_s16le",
        "pcm_s24le",
        "pcm_s32le",
        "pcm_f32le",
        "pcm_f64le",
    ];
    all.add(&["wav"], &plain, &[1, 2, 6], &[16_000, 44_100], 1);
    all.add(&["wav"], &["pcm_alaw", "pcm_mulaw"], &[1, 2], &[8000], 1);
    all.add(
        &["wav"],
        &["adpcm_ima_wav", "adpcm_ms"],
        &[1, 2],
        &[8000, 44_100],
        4096,
    );
    all.add(&["wav"], &["pcm_s16le -rf64 always"], &[1, 2], &[16_000], 1);
    all.add(&["w64"], &["pcm_s16le", "pcm_f32le"], &[1, 2], &[16_000], 1);
    all.add(
        &["au"],
        &["pcm_s16be", "pcm_mulaw", "pcm_f32be"],
        &[1, 2],
        &[8000],
        1,
    );
    let big = ["pcm_s16be", "pcm_s24be", "pcm_f32be", "pcm_mulaw"];
    all.add(&["aiff"], &big, &[1, 2], &[22_050], 1);
    all.add(
        &["caf"],
        &["pcm_s16be", "pcm_s16le", "pcm_f32le"],
        &[1, 2],
        &[44_100],
        1,
    );
    all.add(
        &["flac", "oga", "mka"],
        &["flac"],
        &[1, 2, 6],
        &[16_000, 48_000],
        4608,
    );
    all.add(&["m4a", "caf"], &["alac"], &[1, 2], &[44_100], 4096);
    all.add(
        &["mov"],
        &["pcm_s16le", "pcm_s16be"],
        &[1, 2],
        &[48_000],
        1024,
    );
    all.add(
        &["mkv"],
        &["pcm_s16le", "pcm_f32le"],
        &[1, 2],
        &[48_000],
        1024,
    );
    let mp3 = [
        "libmp3lame -b:a 32k",
        "libmp3lame -b:a 64k",
        "libmp3lame -q:a 4",
    ];
    let rates = [8000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000];
    all.add(&["mp3"], &mp3, &[1, 2], &rates, 1152);
    all.add(
        &["mp3"],
        &["libmp3lame -q:a 9 -write_xing 0"],
        &[1, 2],
        &[22_050, 44_100],
        2304,
    );
    all.add(
        &["mka", "mp4", "wav"],
        &["libmp3lame -b:a 64k"],
        &[1, 2],
        &[44_100],
        1152,
    );
    all.add(
        &["mp2"],
        &["mp2 -b:a 96k"],
        &[1, 2],
        &[16_000, 32_000, 48_000],
        1152,
    );
    let aac = ["aac -b:a 48k", "aac -b:a 96k"];
    all.add(
        &["aac", "m4a"],
        &aac,
        &[1, 2],
        &[8000, 16_000, 44_100, 48_000],
        2048,
    );
    all.add(
        &["aac", "m4a", "mkv"],
        &["aac -b:a 256k"],
        &[6],
        &[48_000],
        2048,
    );
    all.add(&["mkv", "mov"], &["aac -b:a 64k"], &[1, 2], &[32_000], 2048);
    let vorbis = ["libvorbis -q:a 1", "libvorbis -q:a 6"];
    all.add(
        &["ogg", "webm", "mka"],
        &vorbis,
        &[1, 2],
        &[16_000, 44_100],
        2048,
    );
    all.add(
        &["ogg", "mka"],
        &["libvorbis -q:a 3"],
        &[3, 4, 5, 6, 8],
        &[44_100],
        2048,
    );
    let opus = ["libopus -b:a 16k", "libopus -b:a 64k -frame_duration 60"];
    all.add(
        &["opus", "webm", "mka", "mp4", "caf"],
        &opus,
        &[1, 2],
        &[48_000],
        2880,
    );
    let many = ["libopus -b:a 192k -mapping_family 1"];
    all.add(
        &["opus", "webm", "mp4"],
        &many,
        &[3, 4, 5, 6, 8],
        &[48_000],
        960,
    );

    all.refused("mov", "alac", 44_100, "Apple Lossless in a QuickTime film");
    all.refused("ac3", "ac3", 48_000, "AC-3");
    all.refused("eac3", "eac3", 48_000, "AC-3");
    all.refused("mkv", "ac3", 48_000, "AC-3");
    all.refused("mp4", "ac3", 48_000, "AC-3");
    all.refused("asf", "wmav2", 44_100, "Windows Media");
    all.refused("ogg", "libspeex", 16_000, "Speex");
    all.refused("wav", "libgsm_ms", 8000, "GSM");
    all.refused("wav", "g722", 16_000, "ADPCM");
    all.refused("dts", "dca -strict -2", 48_000, "DTS");
    all.refused("mkv", "dca -strict -2", 48_000, "DTS");
    all.refused("mka", "wavpack", 44_100, "WavPack");
    all.refused("wv", "wavpack", 44_100, "WavPack");
    all.refused("mka", "tta", 44_100, "TTA");
    all.refused("tta", "tta", 44_100, "True Audio");
    all.refused("mkv", "truehd -strict -2", 48_000, "TrueHD");
    all.refused("flv", "libmp3lame", 44_100, "Flash");
    all.refused("ts", "aac", 48_000, "MPEG transport stream");
    all.refused("avi", "libmp3lame", 44_100, "AVI");
    all.0
}

/// Opus in each of its modes, at all lengths of frames.
fn opus_cells() -> Vec<Cell> {
    let mut all = Cells(Vec::new());
    for rate in ["8k", "14k", "24k", "40k", "64k", "128k"] {
        for use_ in ["voip", "audio", "lowdelay"] {
            for duration in ["2.5", "5", "10", "20", "40", "60"] {
                let codec =
                    format!("libopus -b:a {rate} -application {use_} -frame_duration {duration}");
                all.add(&["opus"], &[&codec], &[1, 2], &[48_000], 2880);
            }
        }
    }
    all.0
}

/// Something like speech: a gliding voice in syllables, a hiss after each, and another
/// tone in each channel.
fn voice(channels: usize, rate: u32) -> Vec<u8> {
    let count = (SECONDS * f64::from(rate)) as usize;
    let mut bytes = Vec::with_capacity(count * channels * 4);
    let (mut phase, mut state) = (0.0f64, 1u32);
    for n in 0..count {
        let t = n as f64 / f64::from(rate);
        phase += (110.0 + 60.0 * (2.0 * t).sin()) / f64::from(rate);
        let syllable = (std::f64::consts::PI * 3.0 * t).sin().powi(2);
        let tone: f64 = (1..20)
            .map(|k| (std::f64::consts::TAU * phase * f64::from(k)).sin() / f64::from(k))
            .sum();
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let hiss = f64::from(state >> 8) / f64::from(1 << 23) - 1.0;
        let value = 0.2 * syllable * tone + 0.02 * (1.0 - syllable) * hiss;
        for channel in 0..channels {
            // A tone of its own, by which a channel that is wrong is noticed.
            let own = (std::f64::consts::TAU * (300.0 + 200.0 * channel as f64) * t).sin();
            bytes.extend(((0.7 * value + 0.1 * own) as f32).to_le_bytes());
        }
    }
    bytes
}

fn ffmpeg() -> Command {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg
        .args(["-nostdin", "-hide_banner", "-v", "error", "-y"])
        .stdin(Stdio::null());
    ffmpeg
}

fn is_installed() -> bool {
    let found = ffmpeg()
        .arg("-version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    found.is_ok_and(|status| status.success())
}

fn decoded(file: &Path, channels: usize) -> Option<Vec<f32>> {
    let output = ffmpeg()
        .arg("-i")
        .arg(file)
        .args(["-vn", "-f", "f32le", "-c:a", "pcm_f32le", "-"])
        .output()
        .ok()?;
    let samples: Vec<f32> = (output.stdout.as_chunks::<4>().0.iter())
        .map(|bytes| f32::from_le_bytes(*bytes))
        .collect();
    let mean = |frame: &[f32]| frame.iter().sum::<f32>() / channels as f32;
    Some(samples.chunks_exact(channels).map(mean).collect())
}

/// The highest correlation with the other shifted by at most `most` samples.
fn correlation(a: &[f32], b: &[f32], most: usize) -> f64 {
    let at = |shift: isize| {
        let (a, b) = match shift < 0 {
            true => (a, b.get(shift.unsigned_abs()..).unwrap_or(&[])),
            false => (a.get(shift.unsigned_abs()..).unwrap_or(&[]), b),
        };
        let pairs = || a.iter().zip(b).map(|(a, b)| (f64::from(*a), f64::from(*b)));
        let product: f64 = pairs().map(|(a, b)| a * b).sum();
        let powers: (f64, f64) =
            pairs().fold((0.0, 0.0), |sum, (a, b)| (sum.0 + a * a, sum.1 + b * b));
        product / (powers.0 * powers.1).sqrt().max(1e-12)
    };
    let direct = at(0);
    if direct > 0.99 || most < 2 {
        return direct;
    }
    let most = most as isize;
    (-most..=most).map(at).fold(direct, f64::max)
}

fn outcome(cell: &Cell, folder: &Path, number: usize) -> Outcome {
    let raw = folder.join(format!("{number}.raw"));
    let file = folder.join(format!("{number}.{}", cell.ending));
    std::fs::write(&raw, voice(cell.channels, cell.rate)).unwrap();
    let (rate, channels) = (cell.rate.to_string(), cell.channels.to_string());
    let encoded = ffmpeg()
        .args(["-f", "f32le", "-ar", &rate, "-ac", &channels, "-i"])
        .arg(&raw)
        .arg("-c:a")
        .args(&cell.codec)
        .arg(&file)
        .stderr(Stdio::null())
        .status();
    if !encoded.is_ok_and(|status| status.success()) {
        return Outcome::Impossible;
    }
    let recording = match (Recording::open(&file), cell.refused) {
        (Ok(recording), None) => recording,
        (Err(error @ AudioError::Unsupported { .. }), Some(name)) => {
            let text = error.to_string();
            return match text.contains(name) && text.contains("ffmpeg -i") {
                true => Outcome::Refused,
                false => Outcome::Wrong(format!("refused without a name or a command: {text}")),
            };
        }
        (Ok(_), Some(name)) => return Outcome::Wrong(format!("{name} is read after all")),
        (Err(error), _) => return Outcome::Wrong(error.to_string()),
    };
    let Some(expected) = decoded(&file, cell.channels).filter(|e| !e.is_empty()) else {
        return Outcome::Impossible;
    };
    let length = recording.samples().len();
    if length.abs_diff(expected.len()) > cell.packet {
        return Outcome::Wrong(format!("{length} samples, FFmpeg has {}", expected.len()));
    }
    if !recording.reading().loss.is_none() {
        return Outcome::Wrong(format!("a loss: {:?}", recording.reading().loss));
    }
    match correlation(recording.samples(), &expected, cell.packet) {
        high if high > 0.99 => Outcome::Read,
        low => Outcome::Wrong(format!("a correlation of {low:.4} with FFmpeg's")),
    }
}

fn run(cells: &[Cell]) -> (usize, usize) {
    let folder = tempfile::tempdir().unwrap();
    let outcomes: Vec<Outcome> = (cells.par_iter().enumerate())
        .map(|(number, cell)| outcome(cell, folder.path(), number))
        .collect();
    let count = |is: fn(&Outcome) -> bool| outcomes.iter().filter(|o| is(o)).count();
    let read = count(|o| matches!(o, Outcome::Read));
    let refused = count(|o| matches!(o, Outcome::Refused));
    let impossible = count(|o| matches!(o, Outcome::Impossible));
    println!("{read} read, {refused} refused by name, {impossible} that FFmpeg does not write");
    let mut wrong = Vec::new();
    for (cell, outcome) in cells.iter().zip(&outcomes) {
        match outcome {
            Outcome::Wrong(what) => wrong.push(format!("{}: {what}", cell.name())),
            Outcome::Impossible => println!("not written: {}", cell.name()),
            Outcome::Refused => println!("refused: {}", cell.name()),
            Outcome::Read => {}
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    (read, refused)
}

#[test]
fn what_ffmpeg_writes_is_read_as_ffmpeg_reads_it_or_named() {
    if !is_installed() {
        println!("skipped: FFmpeg is not installed");
        return;
    }
    let (read, refused) = run(&cells());
    assert!(read > 150 && refused > 10, "{read} read, {refused} refused");
}

#[test]
fn opus_of_every_mode_length_and_rate_is_read_as_ffmpeg_reads_it() {
    if !is_installed() {
        println!("skipped: FFmpeg is not installed");
        return;
    }
    let (read, _) = run(&opus_cells());
    assert!(read > 150, "{read}");
}
