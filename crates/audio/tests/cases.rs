//! Files as people have them: each stands for a kind that other readers, or an earlier
//! version of this one, met badly. All are of synthetic speech, about 4.5 s long; the
//! lengths are FFmpeg's: `ffmpeg -i FILE -ac 1 -ar 16000 -f s16le - | wc -c`, by 32000.

use std::path::PathBuf;

use audio::{AudioError, DecodeSettings, Decoder, Recording};

use crate::common::{Random, fixture};

fn case(name: &str) -> PathBuf {
    fixture("cases").join(name)
}

/// Names, the kind that each stands for, and the true length in seconds.
const READ: [(&str, &str, f64); 21] = [
    (
        "vbr_noxing.mp3",
        "a length estimated from the first frames",
        4.56,
    ),
    (
        "concat_two_mp3_with_info.mp3",
        "a header that counts the first of two files",
        9.144,
    ),
    (
        "podcast_mono_then_stereo.mp3",
        "channels that change",
        9.142,
    ),
    ("jingle_rate_change.mp3", "a rate that changes", 9.194),
    (
        "zoom_h1n_block_types.mp3",
        "block types that differ between granules",
        4.571,
    ),
    ("freeformat.mp3", "a bit rate that no header states", 4.571),
    (
        "http_header_first.mp3",
        "text in front of the first frame",
        4.571,
    ),
    ("mpeg2_mid.mp3", "a beginning in mid-frame", 4.572),
    ("ape.mp3", "a tag of another kind at the end", 4.571),
    (
        "id3v1_lyrics.mp3",
        "lyrics between the sound and the tag",
        4.571,
    ),
    (
        "mediarecorder_60ms_128k.webm",
        "Opus packets of more than 1500 bytes",
        4.532,
    ),
    (
        "mediarecorder_unknown_clusters.webm",
        "clusters of unknown size",
        4.532,
    ),
    ("imessage_opus.caf", "Opus in CAF", 4.54),
    ("opusenc_four.opus", "Opus of four channels", 4.532),
    (
        "telegram_android_no_eos.ogg",
        "an Ogg file without its last page",
        4.534,
    ),
    ("phone_he_aac.m4a", "HE-AAC that says so", 4.44),
    (
        "phone_he_aac_implicit.m4a",
        "HE-AAC that does not say so",
        4.44,
    ),
    ("safari_fragmented.mp4", "an MP4 file in fragments", 4.565),
    (
        "trimmed_on_phone.m4a",
        "an edit list that cuts both ends",
        3.244,
    ),
    (
        "mulaw_bits16.wav",
        "mu-law whose header states 16 bits",
        4.532,
    ),
    ("ima4.caf", "Apple's ADPCM", 4.532),
];

/// Names, and what the error calls them.
const NAMED: [(&str, &str); 4] = [
    ("asterisk_gsm.wav", "GSM"),
    ("rec.wma", "Windows Media"),
    ("dvd.ac3", "AC-3"),
    ("speex.ogg", "Speex"),
];

/// HE-AAC's own delay, which FFmpeg takes off and the file does not state, is 0.09 s.
const TOLERANCE: f64 = 0.1;

#[test]
fn every_kind_is_read_to_its_true_length_without_a_loss() {
    let mut wrong = Vec::new();
    for (name, kind, seconds) in READ {
        match Recording::open(case(name)) {
            Err(error) => wrong.push(format!("{kind}: {error}")),
            Ok(recording) => {
                let (length, loss) = (recording.duration(), recording.reading().loss);
                let peak = recording
                    .samples()
                    .iter()
                    .fold(0f32, |peak, s| peak.max(s.abs()));
                if (length - seconds).abs() > TOLERANCE || peak < 0.05 {
                    wrong.push(format!("{name} ({kind}): {length:.3} s for {seconds}"));
                }
                // What comes before the first whole frame is no sound of this file.
                if loss.seconds > 0.1 {
                    wrong.push(format!("{name} ({kind}): {loss:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_not_built_in_is_named_with_the_command_that_converts_it() {
    for (name, expected) in NAMED {
        let error = Recording::open(case(name)).unwrap_err();
        assert!(matches!(error, AudioError::Unsupported { .. }), "{error:?}");
        let text = error.to_string();
        assert!(
            text.contains(expected) && text.contains("ffmpeg -i"),
            "{text}"
        );
        assert!(!text.contains("damaged"), "{text}");
    }
}

#[test]
fn a_file_with_two_tracks_says_so_and_gives_either() {
    let path = case("obs_two_tracks.mp4");
    let level = |track| {
        let settings = DecodeSettings {
            track,
            ..DecodeSettings::default()
        };
        let recording = Recording::open_with(&path, &settings).unwrap();
        assert_eq!(recording.reading().tracks, 2);
        recording
            .samples()
            .iter()
            .fold(0f32, |peak, s| peak.max(s.abs()))
    };
    let (first, second) = (level(Some(0)), level(Some(1)));
    assert!(
        first.min(second) < 0.001 && first.max(second) > 0.05,
        "{first} {second}"
    );
    let settings = DecodeSettings {
        track: Some(2),
        ..DecodeSettings::default()
    };
    let error = Recording::open_with(&path, &settings)
        .unwrap_err()
        .to_string();
    assert!(error.contains('2'), "{error}");
}

/// The first and the last part of a file with all between cut at many places, and with
/// two stretches exchanged.
fn damaged(bytes: &[u8], random: &mut Random) -> [Vec<u8>; 2] {
    let n = bytes.len();
    let cut = bytes[..n / 3 + random.below(n - n / 3)].to_vec();
    let width = 10 + random.below(n / 10);
    let first = n / 10 + random.below(n - n / 10 - 2 * width);
    let second = first + width + random.below(n - first - 2 * width + 1);
    let mut swapped = bytes.to_vec();
    swapped[first..first + width].copy_from_slice(&bytes[second..second + width]);
    swapped[second..second + width].copy_from_slice(&bytes[first..first + width]);
    [cut, swapped]
}

#[test]
fn what_is_cut_off_or_exchanged_is_told_from_a_file_and_from_a_pipe() {
    let settings = DecodeSettings::default();
    let (mut tried, mut silent) = (0, Vec::new());
    let mut random = Random(7);
    for (name, _, seconds) in READ {
        let bytes = std::fs::read(case(name)).unwrap();
        for copy in (0..10).flat_map(|_| damaged(&bytes, &mut random)) {
            let of_file = Recording::from_bytes(&copy);
            let of_pipe = Decoder::from_reader(std::io::Cursor::new(copy), &settings)
                .and_then(Decoder::read_to_end);
            for recording in [of_file, of_pipe].into_iter().flatten() {
                tried += 1;
                let reading = recording.reading();
                let is_told = !reading.loss.is_none() || reading.is_open;
                if recording.duration() < seconds - 0.15 && !is_told {
                    silent.push((name, recording.duration()));
                }
            }
        }
    }
    // A cut between two frames of a kind without any mark of its end leaves no trace.
    assert!(
        tried > 200 && silent.len() * 50 < tried,
        "{tried} {silent:?}"
    );
}

#[test]
fn zeros_at_the_end_are_no_loss() {
    let settings = DecodeSettings::default();
    for name in [
        "safari_fragmented.mp4",
        "mediarecorder_60ms_128k.webm",
        "mediarecorder_unknown_clusters.webm",
        "opusenc_four.opus",
    ] {
        let bytes = std::fs::read(case(name)).unwrap();
        let whole = Recording::from_bytes(&bytes).unwrap();
        let padded = [&bytes[..], &[0; 4096]].concat();
        let of_pipe = Decoder::from_reader(std::io::Cursor::new(padded.clone()), &settings);
        let of_pipe = of_pipe.and_then(Decoder::read_to_end).unwrap();
        for recording in [Recording::from_bytes(&padded).unwrap(), of_pipe] {
            assert_eq!(recording.samples().len(), whole.samples().len(), "{name}");
            assert!(recording.reading().loss.is_none(), "{name}");
        }
    }
}
