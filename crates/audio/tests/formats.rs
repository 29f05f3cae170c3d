//! Every kind of file that ffmpeg writes (scripts/audio_format_fixtures.sh), compared
//! with the samples before encoding or with ffmpeg's own decoding.

use std::io::Cursor;
use std::path::PathBuf;

use audio::{
    AudioError, Channels, DecodeLimits, DecodeSettings, Decoder, Recording, is_audio_name,
};

use crate::common::fixture;

fn format(name: &str) -> PathBuf {
    fixture("formats").join(name)
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(format(name)).unwrap()
}

fn all_formats() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(fixture("formats"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert!(names.len() > 25, "{names:?}");
    names
}

fn channel(n: usize) -> DecodeSettings {
    DecodeSettings {
        channels: Channels::One(n),
        ..DecodeSettings::default()
    }
}

fn limited(limits: DecodeLimits) -> DecodeSettings {
    DecodeSettings {
        limits,
        ..DecodeSettings::default()
    }
}

/// All samples, and the number of places at which some are lost.
fn drain(mut decoder: Decoder) -> Result<(Vec<f32>, u64), AudioError> {
    let mut samples = Vec::new();
    while let Some(block) = decoder.next_block()? {
        assert!(!block.is_empty());
        samples.extend_from_slice(block);
    }
    assert_eq!(decoder.position(), samples.len() as u64);
    Ok((samples, decoder.loss().places))
}

// Values

#[test]
fn lossless_files_have_exactly_the_samples_before_encoding() {
    let original = Recording::open(format("mono.wav")).unwrap();
    assert_eq!(original.samples().len(), 1600);
    for name in [
        "rf64.wav",
        "aiff_s16be.aiff",
        "aifc_sowt.aiff",
        "aifc_f32.aiff",
        "caf_s16le.caf",
        "caf_alac.caf",
        "mp4_alac.m4a",
        "ogg_flac.ogg",
        "mkv_flac.mkv",
        "mkv_pcm.mkv",
    ] {
        assert_eq!(Recording::open(format(name)).unwrap(), original, "{name}");
    }
}

/// (file, channels, rate, samples in it, samples before ffmpeg's first, largest
/// difference). Half a step of 16 bits is 1.53e-5: ffmpeg's output is rounded.
///
/// 1600 samples at 16 kHz were encoded (4800 at 48 kHz). The rest was added by the
/// encoder, and remains if the file does not state how much it is: MP2, bare AAC frames
/// and MP3 in WAV cannot state it; Symphonia ignores the end padding of Matroska.
const LOSSY: [(&str, usize, u32, usize, usize, f32); 20] = [
    ("alaw.wav", 1, 16_000, 1600, 0, 0.0),
    ("mulaw.wav", 1, 16_000, 1600, 0, 0.0),
    ("adpcm_ms.wav", 1, 16_000, 2000, 0, 0.0),
    ("adpcm_ms_stereo.wav", 2, 16_000, 2000, 0, 0.0),
    ("adpcm_ima.wav", 1, 16_000, 2020, 0, 0.0),
    ("adpcm_ima_stereo.wav", 2, 16_000, 2020, 0, 0.0),
    ("aifc_alaw.aiff", 1, 16_000, 1600, 0, 0.0),
    ("layer3.mp3", 2, 16_000, 1600, 0, 3.1e-5),
    ("layer2.mp2", 1, 16_000, 2304, 0, 6.2e-5),
    ("mp3_in_wav.wav", 1, 16_000, 2880, 0, 3.1e-5),
    ("vorbis.ogg", 2, 16_000, 1600, 0, 3.1e-5),
    ("vorbis.webm", 1, 16_000, 2048, 0, 3.1e-5),
    ("opus.ogg", 1, 48_000, 4800, 0, 3.1e-5),
    ("opus_stereo.opus", 2, 48_000, 4800, 0, 3.1e-5),
    ("opus.webm", 1, 48_000, 5448, 0, 3.1e-5),
    ("opus.mp4", 1, 48_000, 4800, 0, 3.1e-5),
    ("aac.m4a", 2, 16_000, 1600, 0, 3.1e-5),
    ("aac.mkv", 1, 16_000, 3072, 0, 3.1e-5),
    ("adts.aac", 1, 16_000, 3072, 0, 3.1e-5),
    ("mono.wav", 1, 16_000, 1600, 0, 0.0),
];

#[test]
fn lossy_files_decode_to_what_ffmpeg_decodes_them_to() {
    for (name, channels, rate, length, before, tolerance) in LOSSY {
        let decoder = Decoder::open(format(name), &DecodeSettings::default()).unwrap();
        assert_eq!(decoder.channels(), channels, "{name}");
        assert_eq!(decoder.sample_rate(), rate, "{name}");
        let Ok(reference) = std::fs::read(fixture("decoded").join(format!("{name}.s16"))) else {
            assert_eq!(name, "mono.wav");
            continue;
        };
        let reference: Vec<f32> = reference
            .as_chunks()
            .0
            .iter()
            .map(|two| f32::from(i16::from_le_bytes(*two)) / 32768.0)
            .collect();
        for c in 0..channels {
            let samples = Recording::open_with(format(name), &channel(c))
                .unwrap()
                .into_samples();
            assert_eq!(samples.len(), length, "{name}");
            // libopus keeps its own pre-skip when it decodes MP4.
            let ahead = if name == "opus.mp4" { 208 } else { 0 };
            let theirs = reference[c..].iter().step_by(channels).skip(ahead);
            let pairs = samples[before..].iter().zip(theirs);
            assert!(pairs.len() >= 1600, "{name}: {}", pairs.len());
            let worst = pairs.fold(0f32, |m, (a, b)| m.max((a - b).abs()));
            println!("{name}, channel {c}: {worst:e}");
            assert!(worst <= tolerance, "{name}, channel {c}: off by {worst}");
        }
    }
}

#[test]
fn every_file_sounds_like_the_original() {
    let original = Recording::open(format("mono.wav")).unwrap();
    for name in all_formats() {
        let settings = channel(0); // the left channel is that of the mono file
        let decoded = Recording::open_with(format(&name), &settings).unwrap();
        let decoded = decoded.resample(16_000).unwrap().into_samples();
        // The encoder's delay, if it remains, is at most 2048 samples.
        let (mut best, mut at) = (0.0, 0);
        for lag in 0..=decoded.len() - 1500 {
            let (mut ab, mut aa, mut bb) = (0f32, 0f32, 0f32);
            for (a, b) in original.samples().iter().zip(&decoded[lag..]) {
                (ab, aa, bb) = (ab + a * b, aa + a * a, bb + b * b);
            }
            let correlation = ab / (aa * bb).sqrt().max(1e-9);
            if correlation > best {
                (best, at) = (correlation, lag);
            }
        }
        println!("{name}: correlation {best} at {at}");
        assert!(best > 0.9, "{name}: correlation {best} at {at}");
    }
}

// Channels

#[test]
fn one_channel_can_be_chosen() {
    let open = |settings| Recording::open_with(format("stereo.wav"), &settings);
    let left = open(channel(0)).unwrap();
    let right = open(channel(1)).unwrap();
    let mix = open(DecodeSettings::default()).unwrap();
    assert_eq!(left, Recording::open(format("mono.wav")).unwrap());
    assert_ne!(left, right);
    for ((l, r), m) in left
        .samples()
        .iter()
        .zip(right.samples())
        .zip(mix.samples())
    {
        assert_eq!((l + r) * 0.5, *m);
    }
    let error = open(channel(2)).unwrap_err();
    assert!(matches!(error, AudioError::Settings { .. }), "{error:?}");
    assert!(error.to_string().contains("the file has 2"), "{error}");
}

// What a file is

#[test]
fn every_kind_of_file_is_recognised_by_its_name() {
    for name in all_formats() {
        assert!(is_audio_name(&format(&name)), "{name}");
    }
}

#[test]
fn the_content_decides_and_not_the_name() {
    let folder = tempfile::tempdir().unwrap();
    for (source, name) in [
        ("layer3.mp3", "an_mp3.wav"),
        ("aiff_s16be.aiff", "an_aiff.wav"),
        ("aac.m4a", "an_m4a.mp3"),
        ("mono.wav", "a_wav.flac"),
    ] {
        let path = folder.path().join(name);
        std::fs::copy(format(source), &path).unwrap();
        assert_eq!(
            Recording::open(&path).unwrap(),
            Recording::open(format(source)).unwrap(),
            "{name}"
        );
    }
}

#[test]
fn id3_tags_before_any_file_are_skipped() {
    for body in [0usize, 1, 300, 70_000] {
        let mut tag = b"ID3\x04\0\0".to_vec();
        tag.extend([21, 14, 7, 0].map(|shift| (body >> shift & 0x7F) as u8));
        tag.extend((0..body).map(|i| i as u8));
        for name in [
            "mono.wav",
            "rf64.wav",
            "layer3.mp3",
            "mkv_flac.mkv",
            "adts.aac",
        ] {
            let expected = Recording::open(format(name)).unwrap();
            let tagged = [tag.clone(), tag.clone(), bytes(name)].concat();
            assert_eq!(Recording::from_bytes(&tagged).unwrap(), expected, "{name}");
        }
    }
    assert!(Recording::from_bytes(b"ID3\x04\0\0\x7F\x7F\x7F\x7F").is_err());
}

#[test]
fn a_pipe_gives_what_the_file_gives() {
    for name in all_formats() {
        let settings = DecodeSettings::default();
        let file = drain(Decoder::open(format(&name), &settings).unwrap()).unwrap();
        let pipe = Decoder::from_reader(Cursor::new(bytes(&name)), &settings);
        let (mut pipe, damaged) = drain(pipe.unwrap()).unwrap();
        if name.ends_with(".opus") || name.ends_with(".ogg") {
            // Only the last page states how much of it is padding.
            pipe.truncate(file.0.len());
        }
        assert_eq!((pipe, damaged), file, "{name}");
    }
}

// Damage

#[test]
fn nan_samples_are_corrupt_in_an_aiff_too() {
    let mut aiff = bytes("aifc_f32.aiff");
    let end = aiff.len();
    aiff[end - 4..].copy_from_slice(&f32::NAN.to_be_bytes());
    let error = Recording::from_bytes(&aiff).unwrap_err();
    assert!(matches!(error, AudioError::Corrupt { .. }), "{error:?}");
    assert!(error.to_string().contains("sample 1599"), "{error}");
}

#[test]
fn a_file_truncated_anywhere_gives_its_beginning_or_a_typed_error() {
    for name in all_formats() {
        let whole = bytes(&name);
        let expected = Recording::from_bytes(&whole).unwrap().into_samples();
        for length in (0..whole.len()).step_by(13) {
            match Recording::from_bytes(&whole[..length]) {
                // Without the end of the file, the amount of padding is unknown.
                Ok(cut) => assert!(cut.samples().len() <= expected.len() + 5760, "{name}"),
                Err(AudioError::Corrupt { .. } | AudioError::Unsupported { .. }) => {}
                Err(other) => panic!("{name}, {length} bytes: {other:?}"),
            }
        }
    }
}

#[test]
fn a_changed_byte_never_panics() {
    let mut seed = 1u32;
    let mut random = move || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        seed >> 8
    };
    for name in all_formats() {
        let whole = bytes(&name);
        for _ in 0..150 {
            let mut bytes = whole.clone();
            for _ in 0..1 + random() % 4 {
                // Changes in headers matter more than in samples.
                let within = if random() % 2 == 0 { 300 } else { bytes.len() };
                let at = random() as usize % within.min(bytes.len());
                bytes[at] = random() as u8;
            }
            if let Ok(recording) = Recording::from_bytes(&bytes) {
                assert!(recording.samples().iter().all(|s| s.is_finite()), "{name}");
            }
        }
    }
}

#[test]
fn damage_inside_an_mp3_is_silent_and_counted() {
    let mut mp3 = bytes("layer3.mp3");
    let whole = Recording::from_bytes(&mp3).unwrap();
    let middle = mp3.len() / 2;
    mp3[middle..middle + 200].fill(0);
    let settings = DecodeSettings {
        max_lost: 1.0,
        ..DecodeSettings::default()
    };
    let (samples, places) = drain(Decoder::from_bytes(mp3.clone(), &settings).unwrap()).unwrap();
    // What is lost is silent, so that the rest stays at its time.
    assert!(samples.len().abs_diff(whole.samples().len()) < 576);
    assert!(places > 0);
    // Most of so short a file is too much.
    let error = Recording::from_bytes(&mp3).unwrap_err();
    assert!(matches!(error, AudioError::Corrupt { .. }), "{error:?}");
}

#[test]
fn an_mp3_header_followed_by_nothing_is_corrupt() {
    let mut frame = vec![0xFF, 0xFB, 0x90, 0x44];
    frame.resize(600, 0xA5);
    let error = Recording::from_bytes(&frame).unwrap_err();
    assert!(matches!(error, AudioError::Corrupt { .. }), "{error:?}");
}

#[test]
fn the_longest_block_of_adpcm_is_read() {
    const BLOCK: u16 = 65_532;
    let mut wav = b"RIFF\0\0\0\0WAVEfmt \x14\0\0\0\x11\0\x01\0\x80\x3E\0\0\0\0\0\0".to_vec();
    wav.extend(BLOCK.to_le_bytes());
    wav.extend(b"\x04\0\x02\0\xFF\xFFdata");
    wav.extend(u32::from(BLOCK).to_le_bytes());
    wav.resize(wav.len() + usize::from(BLOCK), 0);
    let recording = Recording::from_bytes(&wav).unwrap();
    // A sample in the header of the block, and two in each byte after it.
    assert_eq!(recording.samples().len(), 1 + 2 * (usize::from(BLOCK) - 4));
}

#[test]
fn inputs_that_once_broke_the_decoder_no_longer_do() {
    let mut files = 0;
    for entry in std::fs::read_dir(fixture("crashers")).unwrap() {
        let path = entry.unwrap().path();
        // Inputs of the other fuzz targets are seeds of scripts/fuzz.
        if !path
            .file_name()
            .unwrap()
            .to_string_lossy()
            .starts_with("decode_")
        {
            continue;
        }
        let settings = limited(DecodeLimits {
            max_seconds: Some(60.0),
            ..DecodeLimits::default()
        });
        let bytes = std::fs::read(&path).unwrap();
        let file = Decoder::from_bytes(bytes.clone(), &settings).and_then(drain);
        let pipe = Decoder::from_reader(Cursor::new(bytes), &settings).and_then(drain);
        println!(
            "{}: {:?}",
            path.display(),
            file.as_ref().map(|(s, _)| s.len())
        );
        if let (Ok(file), Ok(pipe)) = (file, pipe) {
            assert_eq!(file, pipe, "{}", path.display());
        }
        files += 1;
    }
    assert!(files > 0);
}

// Limits and progress

#[test]
fn limits_are_errors_that_name_them() {
    let assert_too_long = |result: Result<Recording, AudioError>, says: &str| match result {
        Err(error @ AudioError::TooLong { .. }) => {
            assert!(error.to_string().contains(says), "{error}");
        }
        other => panic!(
            "too long expected, got {:?}",
            other.map(|r| r.samples().len())
        ),
    };
    for name in ["mono.wav", "layer3.mp3", "ogg_flac.ogg", "vorbis.ogg"] {
        let open = |limits| Recording::open_with(format(name), &limited(limits));
        let none = DecodeLimits::NONE;
        let seconds = |s| DecodeLimits {
            max_seconds: Some(s),
            ..none
        };
        assert_too_long(open(seconds(0.05)), "0.05 s");
        assert!(open(seconds(0.1)).is_ok(), "{name}");
        let file_bytes = |n| DecodeLimits {
            max_file_bytes: Some(n),
            ..none
        };
        let length = bytes(name).len() as u64;
        assert_too_long(open(file_bytes(length - 1)), "are allowed");
        assert!(open(file_bytes(length)).is_ok(), "{name}");
        let memory = |n| DecodeLimits {
            max_memory: Some(n),
            ..none
        };
        assert_too_long(open(memory(6399)), "6399 bytes");
        assert!(open(memory(6400)).is_ok(), "{name}");
        // The length of a pipe is known only as it is read.
        let piped =
            Decoder::from_reader(Cursor::new(bytes(name)), &limited(file_bytes(length - 1)));
        assert_too_long(piped.and_then(Decoder::read_to_end), "more bytes");
    }
}

#[test]
fn progress_rises_to_one() {
    for name in all_formats() {
        let mut decoder = Decoder::open(format(&name), &DecodeSettings::default()).unwrap();
        let mut last = 0.0;
        while decoder.next_block().unwrap().is_some() {
            let now = decoder.progress().unwrap();
            assert!((last..=1.0).contains(&now), "{name}: {last} to {now}");
            last = now;
        }
        // A CAF header counts the codec's padding, and this file is short.
        assert!(last > 0.3, "{name}: {last}");
        assert_eq!(decoder.progress(), Some(1.0), "{name}");
        assert!(decoder.next_block().unwrap().is_none());
    }
}
