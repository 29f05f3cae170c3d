//! Kinds of file that are a header and then samples, beside WAV: each has the same
//! four samples, and each says what is missing when it is cut.

use audio::{AudioError, Channels, DecodeSettings, Recording};

const SAMPLES: [i16; 4] = [1000, -2000, 30_000, -32_768];
const RATE: u32 = 16_000;

fn little() -> Vec<u8> {
    SAMPLES.iter().flat_map(|s| s.to_le_bytes()).collect()
}

fn big() -> Vec<u8> {
    SAMPLES.iter().flat_map(|s| s.to_be_bytes()).collect()
}

/// The content of a WAV's format chunk: mono, 16 bits.
fn format() -> Vec<u8> {
    let mut format = vec![1, 0, 1, 0];
    format.extend(RATE.to_le_bytes());
    format.extend((2 * RATE).to_le_bytes());
    format.extend([2, 0, 16, 0]);
    format
}

fn chunk(id: &[u8], content: &[u8]) -> Vec<u8> {
    [id, &(content.len() as u32).to_le_bytes(), content].concat()
}

fn samples_before_the_format() -> Vec<u8> {
    let body = [chunk(b"data", &little()), chunk(b"fmt ", &format())].concat();
    chunk(b"RIFF", &[b"WAVE".as_slice(), &body].concat())
}

fn rifx() -> Vec<u8> {
    let mut file = b"RIFX\0\0\0\x2CWAVEfmt \0\0\0\x10\0\x01\0\x01".to_vec();
    file.extend(RATE.to_be_bytes());
    file.extend((2 * RATE).to_be_bytes());
    file.extend(b"\0\x02\0\x10data\0\0\0\x08");
    [file, big()].concat()
}

fn wave64() -> Vec<u8> {
    let guid = |name: &[u8], rest: &[u8]| [name, rest].concat();
    const REST: &[u8] = &[
        0xF3, 0xAC, 0xD3, 0x11, 0x8C, 0xD1, 0, 0xC0, 0x4F, 0x8E, 0xDB, 0x8A,
    ];
    const RIFF: &[u8] = &[
        0x2E, 0x91, 0xCF, 0x11, 0xA5, 0xD6, 0x28, 0xDB, 4, 0xC1, 0, 0,
    ];
    let chunk = |name: &[u8], content: &[u8]| {
        let length = (24 + content.len() as u64).to_le_bytes();
        [guid(name, REST), length.to_vec(), content.to_vec()].concat()
    };
    let mut file = guid(b"riff", RIFF);
    file.extend(112u64.to_le_bytes());
    file.extend(guid(b"wave", REST));
    file.extend(chunk(b"fmt ", &format()));
    file.extend(chunk(b"data", &little()));
    file
}

fn au() -> Vec<u8> {
    let numbers = [24u32, 8, 3, RATE, 1].map(u32::to_be_bytes).concat();
    [b".snd".to_vec(), numbers, big()].concat()
}

fn sphere() -> Vec<u8> {
    let text = "NIST_1A\n   1024\nchannel_count -i 1\nsample_rate -i 16000\nsample_n_bytes -i 2\n\
                sample_count -i 4\nsample_byte_format -s2 10\nsample_coding -s3 pcm\nend_head\n";
    let mut file = text.as_bytes().to_vec();
    file.resize(1024, b' ');
    [file, big()].concat()
}

fn all() -> [(&'static str, Vec<u8>); 5] {
    [
        ("samples before the format", samples_before_the_format()),
        ("RIFX", rifx()),
        ("Wave64", wave64()),
        ("AU", au()),
        ("SPHERE", sphere()),
    ]
}

fn any_loss() -> DecodeSettings {
    DecodeSettings {
        max_lost: 1.0,
        ..DecodeSettings::default()
    }
}

#[test]
fn every_kind_of_header_leads_to_the_same_samples() {
    let expected = SAMPLES.map(|s| f32::from(s) / 32_768.0);
    for (kind, bytes) in all() {
        let recording = Recording::from_bytes(&bytes).unwrap();
        assert_eq!(recording.samples(), expected, "{kind}");
        assert_eq!(recording.sample_rate(), RATE, "{kind}");
        assert!(recording.reading().loss.is_none(), "{kind}");
        // The same from a pipe, where the samples come first too.
        let pipe = std::io::Cursor::new(bytes);
        let decoder = audio::Decoder::from_reader(pipe, &DecodeSettings::default()).unwrap();
        assert_eq!(decoder.read_to_end().unwrap(), recording, "{kind}");
    }
}

#[test]
fn a_cut_file_of_every_kind_says_what_is_missing() {
    for (kind, bytes) in all().into_iter().skip(1) {
        let cut = &bytes[..bytes.len() - 4];
        let recording = Recording::from_bytes_with(cut, &any_loss()).unwrap();
        assert_eq!(recording.samples().len(), 2, "{kind}");
        let loss = recording.reading().loss;
        assert!(
            (loss.missing_at_end - 2.0 / 16_000.0).abs() < 1e-9,
            "{kind}: {loss:?}"
        );
        // Half is more than the tenth that may be lost.
        let error = Recording::from_bytes(cut).unwrap_err();
        assert!(
            matches!(error, AudioError::Corrupt { .. }),
            "{kind}: {error:?}"
        );
        for length in 0..bytes.len() - 8 {
            let _ = Recording::from_bytes(&bytes[..length]);
        }
    }
}

/// Mu-law whose header says 16 bits or none, as telephone systems write it.
#[test]
fn a_byte_of_mu_law_is_a_sample_whatever_the_header_says() {
    for bits in [8u8, 16, 0] {
        let mut format = format();
        format[0] = 7;
        format[14] = bits;
        // 0xFF is silence, 0x80 and 0x00 are the ends of the scale (G.711, table 2a).
        let body = [chunk(b"fmt ", &format), chunk(b"data", &[0xFF, 0x80, 0x00])].concat();
        let wav = chunk(b"RIFF", &[b"WAVE".as_slice(), &body].concat());
        let samples = Recording::from_bytes(&wav).unwrap().into_samples();
        let full = 32_124.0 / 32_768.0;
        assert_eq!(samples, [0.0, full, -full], "{bits} bits");
    }
}

/// Two channels of opposite polarity.
fn cancelling() -> Vec<u8> {
    let mut format = format();
    format[2] = 2;
    format[12] = 4;
    let tone = (0..1600).map(|n| (3000.0 * (n as f32 * 0.1).sin()) as i16);
    let data: Vec<u8> = tone
        .flat_map(|s| [s.to_le_bytes(), (-s).to_le_bytes()].concat())
        .collect();
    let body = [chunk(b"fmt ", &format), chunk(b"data", &data)].concat();
    chunk(b"RIFF", &[b"WAVE".as_slice(), &body].concat())
}

#[test]
fn channels_that_cancel_each_other_out_are_told_and_one_of_them_is_not_silent() {
    let mixed = Recording::from_bytes(&cancelling()).unwrap();
    assert!(mixed.reading().cancelling);
    assert!(mixed.reading().notes(mixed.duration())[0].contains("opposite polarity"));
    for channels in [Channels::Loudest, Channels::One(0), Channels::One(1)] {
        let settings = DecodeSettings {
            channels,
            ..DecodeSettings::default()
        };
        let one = Recording::from_bytes_with(&cancelling(), &settings).unwrap();
        assert!(one.samples().iter().any(|s| s.abs() > 0.05), "{channels:?}");
        assert!(
            one.reading().notes(one.duration()).is_empty(),
            "{channels:?}"
        );
    }
}

#[test]
fn a_start_and_an_end_are_cut_to_the_sample() {
    let settings = DecodeSettings {
        start: 0.01,
        end: Some(0.05),
        channels: Channels::One(0),
        ..DecodeSettings::default()
    };
    let part = Recording::from_bytes_with(&cancelling(), &settings).unwrap();
    let whole = DecodeSettings {
        channels: Channels::One(0),
        ..DecodeSettings::default()
    };
    let whole = Recording::from_bytes_with(&cancelling(), &whole).unwrap();
    assert_eq!(part.samples(), &whole.samples()[160..800]);
    for (start, end) in [(-1.0, None), (f64::NAN, None), (0.5, Some(0.5))] {
        let settings = DecodeSettings {
            start,
            end,
            ..settings
        };
        let error = Recording::from_bytes_with(&cancelling(), &settings).unwrap_err();
        assert!(matches!(error, AudioError::Settings { .. }), "{error:?}");
    }
}
