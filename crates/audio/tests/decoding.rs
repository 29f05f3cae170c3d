//! Every kind of WAV and FLAC file, good and bad, and how it is read.

use audio::{AudioError, DecodeSettings, Recording, SampleFormat, Source, write_wav, write_wav_as};

use crate::common::{fixture, ravdess};

const PCM: u16 = 1;
const FLOAT: u16 = 3;
const EXTENSIBLE: u16 = 0xFFFE;

/// A WAV file assembled field by field, so that any part of it can be wrong.
#[derive(Clone)]
struct Wav {
    tag: u16,
    channels: u16,
    rate: u32,
    bits: u16,
    /// The part of a WAVE_FORMAT_EXTENSIBLE header after its size.
    extension: Vec<u8>,
    before: Vec<(&'static [u8; 4], Vec<u8>)>,
    data: Vec<u8>,
    after: Vec<(&'static [u8; 4], Vec<u8>)>,
    riff_length: Option<u32>,
    data_length: Option<u32>,
}

impl Wav {
    fn new(tag: u16, bits: u16, data: Vec<u8>) -> Wav {
        Wav {
            tag,
            channels: 1,
            rate: 16_000,
            bits,
            extension: Vec::new(),
            before: Vec::new(),
            data,
            after: Vec::new(),
            riff_length: None,
            data_length: None,
        }
    }

    fn int16(samples: &[i16]) -> Wav {
        Wav::new(
            PCM,
            16,
            samples.iter().flat_map(|s| s.to_le_bytes()).collect(),
        )
    }

    fn extensible(mut self, tag: u16, valid_bits: u16) -> Wav {
        self.tag = EXTENSIBLE;
        self.extension = valid_bits.to_le_bytes().to_vec();
        self.extension.extend(4u32.to_le_bytes());
        self.extension.extend(tag.to_le_bytes());
        self.extension.extend([
            0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x80, 0x00, 0x00, 0xAA, 0x00, 0x38, 0x9B, 0x71,
        ]);
        self
    }

    fn bytes(&self) -> Vec<u8> {
        fn chunk(out: &mut Vec<u8>, id: &[u8; 4], length: u32, body: &[u8]) {
            out.extend(id);
            out.extend(length.to_le_bytes());
            out.extend(body);
            if body.len() % 2 == 1 {
                out.push(0);
            }
        }
        let block = self.channels.wrapping_mul(self.bits / 8);
        let mut format = Vec::new();
        format.extend(self.tag.to_le_bytes());
        format.extend(self.channels.to_le_bytes());
        format.extend(self.rate.to_le_bytes());
        format.extend(self.rate.wrapping_mul(u32::from(block)).to_le_bytes());
        format.extend(block.to_le_bytes());
        format.extend(self.bits.to_le_bytes());
        if !self.extension.is_empty() {
            format.extend((self.extension.len() as u16).to_le_bytes());
            format.extend(&self.extension);
        }
        let mut body = b"WAVE".to_vec();
        chunk(&mut body, b"fmt ", format.len() as u32, &format);
        for (id, content) in &self.before {
            chunk(&mut body, id, content.len() as u32, content);
        }
        let length = self.data_length.unwrap_or(self.data.len() as u32);
        chunk(&mut body, b"data", length, &self.data);
        for (id, content) in &self.after {
            chunk(&mut body, id, content.len() as u32, content);
        }
        let mut file = Vec::new();
        let length = self.riff_length.unwrap_or(body.len() as u32);
        chunk(&mut file, b"RIFF", length, &body);
        file
    }

    fn open(&self) -> Result<Recording, AudioError> {
        Recording::from_bytes(&self.bytes())
    }

    fn samples(&self) -> Vec<f32> {
        self.open().unwrap().into_samples()
    }
}

/// However much is lost.
fn any_loss() -> DecodeSettings {
    DecodeSettings {
        max_lost: 1.0,
        ..DecodeSettings::default()
    }
}

fn assert_corrupt(result: Result<Recording, AudioError>, says: &str) {
    match result {
        Err(error @ AudioError::Corrupt { .. }) => {
            assert!(error.to_string().contains(says), "{error}");
        }
        other => panic!("corrupt expected, got {other:?}"),
    }
}

fn assert_unsupported(bytes: &[u8], says: &str) {
    match Recording::from_bytes(bytes) {
        Err(error @ AudioError::Unsupported { .. }) => {
            assert!(error.to_string().contains(says), "{error}");
        }
        other => panic!("unsupported expected, got {other:?}"),
    }
}

// Sample formats

#[test]
fn u8_is_centred_on_128() {
    let wav = Wav::new(PCM, 8, vec![0, 64, 128, 192, 255, 128]);
    assert_eq!(wav.samples(), [-1.0, -0.5, 0.0, 0.5, 127.0 / 128.0, 0.0]);
}

#[test]
fn int16_spans_minus_one_to_one() {
    let wav = Wav::int16(&[-32768, -16384, -1, 0, 1, 16384, 32767]);
    let step = 1.0 / 32768.0;
    assert_eq!(
        wav.samples(),
        [-1.0, -0.5, -step, 0.0, step, 0.5, 1.0 - step]
    );
}

#[test]
fn int24_and_int32_have_their_own_full_scale() {
    let int24 = |v: i32| v.to_le_bytes()[..3].to_vec();
    let data = [-8_388_608, -1, 0, 4_194_304].map(int24).concat();
    let step = 1.0 / 8_388_608.0;
    assert_eq!(Wav::new(PCM, 24, data).samples(), [-1.0, -step, 0.0, 0.5]);
    let data = [i32::MIN, 0, 1 << 30].map(i32::to_le_bytes).concat();
    assert_eq!(Wav::new(PCM, 32, data).samples(), [-1.0, 0.0, 0.5]);
}

#[test]
fn floats_are_unchanged_even_beyond_full_scale() {
    let values = [-1.5f32, -0.25, 0.0, 1e-20, 3.0];
    let data = values.map(f32::to_le_bytes).concat();
    assert_eq!(Wav::new(FLOAT, 32, data).samples(), values);
    let data = values.map(|v| f64::from(v).to_le_bytes()).concat();
    assert_eq!(Wav::new(FLOAT, 64, data).samples(), values);
}

#[test]
fn extensible_headers_hold_the_same_formats() {
    let int16 = Wav::int16(&[-32768, 100, 0]);
    assert_eq!(int16.clone().extensible(PCM, 16).samples(), int16.samples());
    let int24 = Wav::new(PCM, 24, vec![0, 0, 0x40, 0, 0, 0xC0]);
    assert_eq!(int24.extensible(PCM, 24).samples(), [0.5, -0.5]);
    let float = Wav::new(FLOAT, 32, 0.25f32.to_le_bytes().to_vec());
    assert_eq!(float.extensible(FLOAT, 32).samples(), [0.25]);
    let float = Wav::new(FLOAT, 64, 0.25f64.to_le_bytes().to_vec());
    assert_eq!(float.extensible(FLOAT, 64).samples(), [0.25]);
}

#[test]
fn int24_in_32_bits_is_left_justified() {
    let data = [1i32 << 30, i32::MIN].map(i32::to_le_bytes).concat();
    let wav = Wav::new(PCM, 32, data).extensible(PCM, 24);
    assert_eq!(wav.samples(), [0.5, -1.0]);
}

#[test]
fn unknown_sample_formats_are_errors_and_not_panics() {
    for bits in [0, 1, 4, 12, 20, 48, 64, 0xFFFF] {
        assert!(
            Wav::new(PCM, bits, vec![0; 48]).open().is_err(),
            "{bits} bits"
        );
        let extensible = Wav::new(PCM, bits, vec![0; 48]).extensible(PCM, bits);
        assert!(extensible.open().is_err(), "{bits} bits, extensible");
        assert!(Wav::new(FLOAT, bits.min(63), vec![0; 48]).open().is_err());
    }
    // ADPCM of 16 bits, MPEG layer 3 without a frame, and an unknown format
    for tag in [2, 0x11, 0x55, 0x1234] {
        let result = Wav::new(tag, 16, vec![0; 48]).open();
        assert!(result.is_err(), "format {tag}: {result:?}");
    }
}

// Channels and rates

#[test]
fn channels_are_averaged() {
    for channels in [1u16, 2, 3, 4, 6, 8] {
        let frame: Vec<i16> = (0..channels as i16).map(|c| 1000 * c).collect();
        let mut wav = Wav::int16(&frame.repeat(5));
        wav.channels = channels;
        let mean = 500.0 * f32::from(channels - 1) / 32768.0;
        let samples = wav.samples();
        assert_eq!(samples.len(), 5, "{channels} channels");
        for s in samples {
            assert!(
                (s - mean).abs() < 1e-6,
                "{channels} channels: {s}, not {mean}"
            );
        }
    }
}

#[test]
fn a_stereo_file_with_equal_channels_equals_the_mono_file() {
    let mono = Wav::int16(&[5, -700, 32767, -32768]);
    let mut stereo = Wav::int16(&[5, 5, -700, -700, 32767, 32767, -32768, -32768]);
    stereo.channels = 2;
    assert_eq!(stereo.open().unwrap(), mono.open().unwrap());
}

#[test]
fn zero_channels_are_corrupt() {
    let mut wav = Wav::int16(&[1, 2, 3]);
    wav.channels = 0;
    assert_corrupt(wav.open(), "channel");
    assert!(wav.extensible(PCM, 16).open().is_err());
}

#[test]
fn too_many_channels_are_an_error() {
    for channels in [64, 0x8000, 0xFFFF] {
        let mut wav = Wav::int16(&[0; 64]);
        wav.channels = channels;
        assert!(wav.open().is_err(), "{channels} channels");
        let wav = wav.extensible(PCM, 16);
        assert!(wav.open().is_err(), "{channels} channels, extensible");
    }
}

#[test]
fn rates_from_8_to_192_khz_are_kept() {
    for rate in [
        8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000, 192_000,
    ] {
        let mut wav = Wav::int16(&[1, 2, 3]);
        wav.rate = rate;
        assert_eq!(wav.open().unwrap().sample_rate(), rate);
    }
}

#[test]
fn a_sample_rate_out_of_range_is_corrupt() {
    for rate in [0, 1, 999, 768_001, u32::MAX] {
        let mut wav = Wav::int16(&[1, 2, 3]);
        wav.rate = rate;
        assert_corrupt(wav.open(), &format!("sample rate of {rate} Hz"));
    }
}

// Chunks and lengths

#[test]
fn chunks_before_and_after_the_samples_are_skipped() {
    let plain = Wav::int16(&[1, -2, 3]);
    let mut wav = plain.clone();
    wav.before = vec![(b"FLLR", vec![7; 4044]), (b"junk", vec![9; 3])];
    wav.after = vec![
        (b"LIST", b"INFOISFT\x05\0\0\0Lavf\0\0".to_vec()),
        (b"bext", vec![1; 858]),
        (b"_PMX", vec![2; 777]),
    ];
    assert_eq!(wav.open().unwrap(), plain.open().unwrap());
}

#[test]
fn an_odd_number_of_data_bytes_is_padded() {
    let mut wav = Wav::new(PCM, 8, vec![128, 192, 64]);
    wav.after = vec![(b"LIST", b"INFO".to_vec())];
    assert_eq!(wav.samples(), [0.0, 0.5, -0.5]);
}

#[test]
fn odd_chunks_without_their_padding_byte_are_skipped_too() {
    let plain = Wav::int16(&[1, -2, 3]);
    for length in [1usize, 3, 7, 255] {
        let mut bytes = plain.bytes();
        let mut list = b"LIST".to_vec();
        list.extend((length as u32).to_le_bytes());
        list.extend(vec![b'a'; length]);
        // After the format chunk, before `data`
        bytes.splice(36..36, list);
        let read = Recording::from_bytes(&bytes).unwrap();
        assert_eq!(read, plain.open().unwrap(), "{length} bytes");
    }
}

#[test]
fn files_with_the_lengths_that_pipes_write_are_read_to_the_end() {
    let expected = Wav::int16(&[10, 20, 30, 40]).samples();
    for (riff, data) in [
        (0xFFFF_FFFF, 0xFFFF_FFFF),
        (0x7FFF_F024, 0x7FFF_F000),
        (0xFFFF_FFFF, 0xFFFF_FFDA),
        (0x8000_0024, 0x8000_0000),
    ] {
        let mut wav = Wav::int16(&[10, 20, 30, 40]);
        wav.riff_length = Some(riff);
        wav.data_length = Some(data);
        assert_eq!(wav.samples(), expected, "{riff:x} {data:x}");
    }
}

#[test]
fn a_file_truncated_in_the_samples_gives_those_before_and_says_what_is_missing() {
    let samples: Vec<i16> = (0..5000).collect();
    let whole = Wav::int16(&samples).bytes();
    for missing in [1, 2, 3, 1000, 2000, 9_998, 10_000] {
        let bytes = &whole[..whole.len() - missing];
        let cut = Recording::from_bytes_with(bytes, &any_loss());
        let left = (10_000 - missing) / 2;
        if left == 0 {
            assert_corrupt(cut, "nothing in it");
            continue;
        }
        let cut = cut.unwrap();
        assert_eq!(cut.samples().len(), left, "{missing} bytes missing");
        let loss = cut.reading().loss;
        let lost = (5000 - left) as f64 / 16_000.0;
        assert!((loss.missing_at_end - lost).abs() < 1e-4, "{loss:?}");
        assert_eq!((loss.seconds, loss.places), (loss.missing_at_end, 1));
        // A tenth may be missing, more is an error.
        assert_eq!(Recording::from_bytes(bytes).is_ok(), missing <= 1000);
        assert!(
            cut.samples()
                .iter()
                .zip(0..)
                .all(|(s, i)| *s == i as f32 / 32768.0)
        );
    }
}

#[test]
fn a_header_without_samples_is_an_empty_recording() {
    let recording = Wav::int16(&[]).open().unwrap();
    assert!(recording.samples().is_empty());
    assert_eq!(recording.duration(), 0.0);
}

#[test]
fn one_sample_is_one_sample() {
    assert_eq!(Wav::int16(&[16384]).samples(), [0.5]);
}

#[test]
fn an_empty_file_is_corrupt() {
    assert_corrupt(Recording::from_bytes(&[]), "empty");
}

#[test]
fn a_truncated_header_is_corrupt() {
    let whole = Wav::int16(&[1, 2, 3]).bytes();
    for length in 4..44 {
        let result = Recording::from_bytes(&whole[..length]);
        assert!(
            matches!(result, Err(AudioError::Corrupt { .. })),
            "{length} bytes: {result:?}"
        );
    }
}

#[test]
fn a_file_without_data_or_format_chunk_is_corrupt() {
    let whole = Wav::int16(&[1, 2, 3]).bytes();
    let renamed = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] = b'x';
        Recording::from_bytes(&bytes)
    };
    assert_corrupt(renamed(36), "data");
    assert_corrupt(renamed(12), "format");
}

/// RF64 and BW64: the lengths are in a chunk of their own.
fn rf64(id: &[u8; 4], wav: &Wav, data: u64) -> Vec<u8> {
    let plain = wav.bytes();
    let mut file = id.to_vec();
    file.extend(b"\xFF\xFF\xFF\xFFWAVEds64\x1C\0\0\0");
    file.extend((plain.len() as u64).to_le_bytes());
    file.extend(data.to_le_bytes());
    file.extend([0; 12]);
    file.extend(&plain[12..]);
    file
}

#[test]
fn rf64_and_bw64_take_their_length_from_the_ds64_chunk() {
    let mut wav = Wav::int16(&[10, -20, 30, -40]);
    let expected = wav.samples();
    wav.data_length = Some(0xFFFF_FFFF);
    wav.after = vec![(b"LIST", vec![7; 20])];
    for id in [b"RF64", b"BW64"] {
        let read = |data| {
            Recording::from_bytes(&rf64(id, &wav, data))
                .unwrap()
                .into_samples()
        };
        assert_eq!(read(8), expected);
        assert_eq!(read(4), expected[..2]);
        // No length at all: read to the end, including the LIST chunk.
        assert_eq!(read(u64::MAX).len(), 4 + 14);
    }
    // A length below 4 GB may be in its usual place.
    wav.data_length = None;
    let plain = Recording::from_bytes(&rf64(b"RF64", &wav, 0)).unwrap();
    assert_eq!(plain.samples(), expected);
}

#[test]
fn two_lengths_of_0_mean_a_recorder_that_lost_power() {
    let mut wav = Wav::int16(&[10, 20, 30]);
    let expected = wav.samples();
    wav.data_length = Some(0);
    assert!(
        wav.samples().is_empty(),
        "an empty file states its own length"
    );
    wav.riff_length = Some(0);
    assert_eq!(wav.samples(), expected);
}

#[test]
fn invalid_block_sizes_are_ignored() {
    let plain = Wav::int16(&[100, -200, 300]);
    for block in [0u16, 1, 3, 4, 0xFFFF] {
        let mut bytes = plain.bytes();
        bytes[32..34].copy_from_slice(&block.to_le_bytes());
        let read = Recording::from_bytes(&bytes).unwrap();
        assert_eq!(read, plain.open().unwrap(), "block of {block}");
    }
}

#[test]
fn odd_widths_are_left_justified_in_whole_bytes() {
    // 12 bits in two bytes, 20 in three
    let mut wav = Wav::new(PCM, 12, 0x4000u16.to_le_bytes().to_vec());
    let with_block = |wav: &Wav, block: u16| {
        let mut bytes = wav.bytes();
        bytes[32..34].copy_from_slice(&block.to_le_bytes());
        Recording::from_bytes(&bytes).unwrap().into_samples()
    };
    assert_eq!(with_block(&wav, 2), [0.5]);
    wav = Wav::new(PCM, 20, vec![0, 0, 0xC0]);
    assert_eq!(with_block(&wav, 3), [-0.5]);
    wav = Wav::new(PCM, 24, (1i32 << 30).to_le_bytes().to_vec());
    assert_eq!(with_block(&wav, 4), [0.5]);
}

/// Symphonia multiplies these two in 16 bits, which panics with overflow checks on. They
/// must never reach it.
#[test]
fn channels_times_bytes_beyond_16_bits_are_refused() {
    for (channels, bits) in [
        (0x8000, 16),
        (0x5556, 24),
        (0x4000, 32),
        (0x2000, 64),
        (27, 16),
    ] {
        for tag in [PCM, FLOAT, 2, 6, 7, 0x11] {
            let mut wav = Wav::new(tag, bits, vec![0; 64]);
            wav.channels = channels;
            assert_corrupt(wav.open(), &format!("{channels} channels"));
            assert!(wav.extensible(tag, bits).open().is_err());
        }
    }
}

#[test]
fn a_header_of_many_empty_chunks_is_corrupt() {
    let mut wav = Wav::int16(&[1]);
    wav.before = vec![(b"junk", Vec::new()); 20_000];
    assert_corrupt(wav.open(), "too many chunks");
}

#[test]
fn an_id3_tag_before_riff_is_skipped() {
    let wav = Wav::int16(&[1, 2, 3]);
    let tagged = [&b"ID3\x03\0\0\0\0\0\x05hello"[..], &wav.bytes()].concat();
    assert_eq!(Recording::from_bytes(&tagged).unwrap(), wav.open().unwrap());
}

#[test]
fn silence_constants_and_clipping_are_read_like_any_other_sound() {
    for value in [0, 12_345, i16::MAX, i16::MIN] {
        let samples = Wav::int16(&[value; 1000]).samples();
        assert_eq!(samples, [f32::from(value) / 32768.0; 1000]);
    }
}

#[test]
fn a_law_and_mu_law_follow_g711() {
    // ITU-T G.711: both signs of the smallest and the largest code
    let samples = Wav::new(6, 8, vec![0xD5, 0x55, 0xAA, 0x2A]).samples();
    assert_eq!(samples, [8.0, -8.0, 32256.0, -32256.0].map(|s| s / 32768.0));
    let samples = Wav::new(7, 8, vec![0xFF, 0x7F, 0x80, 0x00]).samples();
    assert_eq!(samples, [0.0, 0.0, 32124.0, -32124.0].map(|s| s / 32768.0));
    let law = Wav::new(7, 8, vec![0x80]).extensible(7, 8);
    assert_eq!(law.samples(), [32124.0 / 32768.0]);
}

// Invalid samples

#[test]
fn nan_and_infinity_are_corrupt() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let data = [0.0, bad].map(f32::to_le_bytes).concat();
        assert_corrupt(Wav::new(FLOAT, 32, data).open(), "sample 1");
    }
    // Finite in double precision, but beyond single precision
    let data = 1e300f64.to_le_bytes().to_vec();
    assert_corrupt(Wav::new(FLOAT, 64, data).open(), "sample 0");
}

#[test]
fn samples_given_directly_are_checked_too() {
    assert!(Recording::from_samples(vec![0.0], 0).is_err());
    assert!(Recording::from_samples(vec![0.0, f32::NAN], 16_000).is_err());
    assert!(Recording::from_samples(Vec::new(), 16_000).is_ok());
}

// Files that are something else

#[test]
fn other_kinds_are_named() {
    assert_unsupported(b"This is a letter, not a recording.\n", "text");
    assert_unsupported(b"Hi", "text");
    assert_unsupported(b"#!AMR\n", "AMR");
    assert_unsupported(b"\x30\x26\xB2\x75\x8E\x66\xCF\x11", "WMA");
    assert_unsupported(b"RIFF\x10\0\0\0AVI LIST", "AVI");
    assert_unsupported(b"\x0B\x77\0\0\0\0", "Dolby Digital");
    assert_unsupported(b"\x89PNG\r\n\x1A\n\0\0\0\0", "PNG");
    assert_unsupported(b"\x80\x81\x82\x83", "not a known kind");
}

#[test]
fn the_extension_does_not_matter_and_errors_name_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let right = folder.path().join("actually_wav.mp3");
    std::fs::write(&right, Wav::int16(&[1, 2]).bytes()).unwrap();
    assert_eq!(Recording::open(&right).unwrap().samples().len(), 2);

    let wrong = folder.path().join("letter.wav");
    std::fs::write(&wrong, "Dear Sir or Madam,").unwrap();
    let absent = folder.path().join("absent.wav");
    for path in [&wrong, &absent, &folder.path().to_path_buf()] {
        let error = Recording::open(path).unwrap_err();
        assert!(
            error.to_string().contains(path.to_str().unwrap()),
            "{error}"
        );
    }
    assert!(matches!(
        Recording::open(&absent),
        Err(AudioError::Io { path: Source::File(p), .. }) if p == absent
    ));
}

// FLAC, written by libsndfile (scripts/mfcc_fixtures.py)

fn flac(name: &str) -> Vec<u8> {
    std::fs::read(fixture(name)).unwrap()
}

#[test]
fn flac_gives_the_samples_of_the_wav_beside_it() {
    for name in ["mono_16_bit", "stereo_24_bit"] {
        let wav = Recording::from_bytes(&flac(&format!("{name}.wav"))).unwrap();
        let flac = Recording::from_bytes(&flac(&format!("{name}.flac"))).unwrap();
        assert!(wav.samples().len() > 500);
        assert_eq!(flac, wav, "{name}");
    }
}

#[test]
fn a_truncated_flac_gives_its_complete_frames() {
    let whole = flac("mono_16_bit.flac");
    let expected = Recording::from_bytes(&whole).unwrap().into_samples();
    let mut lengths = std::collections::BTreeSet::new();
    for length in (0..whole.len()).step_by(7) {
        match Recording::from_bytes_with(&whole[..length], &any_loss()) {
            Ok(cut) => {
                assert!(expected.starts_with(cut.samples()), "{length} bytes");
                assert!(!cut.reading().loss.is_none(), "{length} bytes");
                lengths.insert(cut.samples().len());
            }
            Err(AudioError::Corrupt { .. }) => assert!(lengths.is_empty(), "{length} bytes"),
            Err(other) => panic!("{length} bytes: {other:?}"),
        }
    }
    println!("{lengths:?}");
    assert!(
        lengths.contains(&4096) && lengths.contains(&8192),
        "{lengths:?}"
    );
}

// All at once

#[test]
fn no_changed_byte_makes_the_reader_panic() {
    let mut stereo = Wav::int16(&[1, 2, 3, 4, 5, 6]).extensible(PCM, 16);
    stereo.channels = 2;
    stereo.before = vec![(b"LIST", b"INFOISFT\x04\0\0\0Lavf".to_vec())];
    stereo.after = vec![(b"LIST", b"INFO".to_vec())];
    let float = Wav::new(FLOAT, 32, 0.5f32.to_le_bytes().repeat(3));
    for whole in [stereo.bytes(), float.bytes(), flac("mono_16_bit.flac")] {
        for at in 0..whole.len().min(600) {
            for value in [0, 1, 0x7F, 0x80, 0xFF, whole[at] ^ 1, whole[at] ^ 0x10] {
                let mut bytes = whole.clone();
                bytes[at] = value;
                // Any result is fine if its values are valid.
                if let Ok(recording) = Recording::from_bytes(&bytes) {
                    assert!(recording.samples().len() <= 100_000);
                    assert!(recording.samples().iter().all(|s| s.is_finite()));
                    assert!(recording.sample_rate() > 0);
                }
            }
        }
    }
}

// Writing

#[test]
fn files_written_in_16_bits_are_read_back_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tone.wav");
    let samples: Vec<f32> = (-32768..32768).map(|i| i as f32 / 32768.0).collect();
    write_wav(&path, &samples, 22_050).unwrap();
    let read = Recording::open(&path).unwrap();
    assert_eq!(read.sample_rate(), 22_050);
    assert_eq!(read.samples(), samples);
}

#[test]
fn samples_beyond_full_scale_are_clipped_in_16_bits_and_kept_as_floats() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("loud.wav");
    let samples = [-2.0, -1.0, 0.1, 1.0, 1.5];
    write_wav(&path, &samples, 16_000).unwrap();
    let top = 32767.0 / 32768.0;
    let read = Recording::open(&path).unwrap().into_samples();
    assert_eq!([read[0], read[1], read[3], read[4]], [-1.0, -1.0, top, top]);
    write_wav_as(&path, &samples, 16_000, SampleFormat::Float32).unwrap();
    assert_eq!(Recording::open(&path).unwrap().into_samples(), samples);
}

#[test]
fn writing_leaves_no_partial_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wav");
    assert!(write_wav(&path, &[0.0], 0).is_err());
    write_wav(&path, &[0.0; 100], 16_000).unwrap();
    write_wav(&path, &[0.5; 10], 16_000).unwrap();
    assert_eq!(Recording::open(&path).unwrap().into_samples(), [0.5; 10]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);

    let nowhere = folder.path().join("absent/a.wav");
    let error = write_wav(&nowhere, &[0.0], 16_000).unwrap_err();
    assert!(matches!(error, AudioError::Io { .. }));
    assert!(error.to_string().contains("absent/a.wav"), "{error}");

    // The name belongs to a folder: renaming fails, and nothing is left behind.
    std::fs::create_dir(folder.path().join("taken.wav")).unwrap();
    assert!(write_wav(folder.path().join("taken.wav"), &[0.0], 16_000).is_err());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}

// Real recordings

#[test]
fn ravdess_files_are_read_at_their_true_length() {
    let Some(folder) = ravdess() else {
        return;
    };
    let mut read = 0;
    for actor in ["Actor_02", "Actor_05"] {
        for entry in std::fs::read_dir(folder.join(actor)).unwrap() {
            let path = entry.unwrap().path();
            let recording = Recording::open(&path).unwrap();
            assert_eq!(recording.sample_rate(), 48_000, "{}", path.display());
            let seconds = recording.duration();
            assert!(
                (2.9..5.4).contains(&seconds),
                "{}: {seconds} s",
                path.display()
            );
            // The samples begin after a padding chunk; read as samples, it and the
            // text after it would be loud and far from zero.
            let peak = recording.samples().iter().fold(0f32, |m, s| m.max(s.abs()));
            assert!(peak > 0.0, "{}", path.display());
            assert!(recording.samples()[0].abs() < 0.01, "{}", path.display());
            read += 1;
        }
    }
    assert_eq!(read, 120);
}
