//! Memory is bounded however long the file, and false headers allocate nothing.
//!
//! A program of its own, because it counts allocations.

mod allocations;
mod counting;

use std::io::{self, Read};

use audio::{DecodeSettings, Decoder, FeatureSpec, FeatureStream, StreamResampler};

use counting::peak_of;

fn header(channels: u16, rate: u32, data: u32) -> Vec<u8> {
    let mut header = b"RIFF\xFF\xFF\xFF\xFFWAVEfmt \x10\0\0\0\x01\0".to_vec();
    header.extend(channels.to_le_bytes());
    header.extend(rate.to_le_bytes());
    header.extend((rate * 2 * u32::from(channels)).to_le_bytes());
    header.extend((2 * channels).to_le_bytes());
    header.extend(b"\x10\0data");
    header.extend(data.to_le_bytes());
    header
}

/// A WAV file that is generated while it is read.
struct Endless {
    header: Vec<u8>,
    /// Remaining bytes of samples.
    left: u64,
    tone: u8,
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.header.is_empty() {
            let n = self.header.len().min(buffer.len());
            buffer[..n].copy_from_slice(&self.header[..n]);
            self.header.drain(..n);
            return Ok(n);
        }
        let n = self.left.min(buffer.len() as u64) as usize;
        self.tone = self.tone.wrapping_add(31);
        buffer[..n].fill(self.tone & 0x1F);
        self.left -= n as u64;
        Ok(n)
    }
}

#[test]
fn three_hours_are_decoded_and_resampled_in_megabytes() {
    const RATE: u32 = 8_000;
    const SAMPLES: u64 = 3 * 3600 * RATE as u64;
    let mut given = 0;
    let peak = peak_of(|| {
        let file = Endless {
            header: header(1, RATE, u32::MAX),
            left: 2 * SAMPLES,
            tone: 0,
        };
        let mut decoder = Decoder::from_reader(file, &DecodeSettings::default()).unwrap();
        let mut resampler = StreamResampler::new(RATE, 16_000).unwrap();
        let mut out = Vec::new();
        while let Some(block) = decoder.next_block().unwrap() {
            resampler.push(block, &mut out).unwrap();
            given += out.len() as u64;
            out.clear();
        }
        resampler.finish(&mut out).unwrap();
        given += out.len() as u64;
        assert_eq!(decoder.position(), SAMPLES);
    });
    println!("three hours: {peak} bytes at most");
    assert_eq!(given, 2 * SAMPLES);
    assert!(peak < 4 << 20, "{peak} bytes");
}

#[test]
fn an_hour_becomes_features_in_megabytes() {
    const RATE: u32 = 16_000;
    const SAMPLES: u64 = 3600 * RATE as u64;
    let mut spec = FeatureSpec::recommended().for_stream();
    spec.blocks[0].subtract_mean = audio::Columns::None;
    let mut rows = 0u64;
    let peak = peak_of(|| {
        let file = Endless {
            header: header(1, RATE, u32::MAX),
            left: 2 * SAMPLES,
            tone: 0,
        };
        let mut decoder = Decoder::from_reader(file, &DecodeSettings::default()).unwrap();
        let mut stream = FeatureStream::new(&spec, decoder.sample_rate()).unwrap();
        while let Some(block) = decoder.next_block().unwrap() {
            stream.push(block, |_| rows += 1);
        }
        stream.finish(|_| rows += 1);
    });
    println!("an hour: {rows} rows, {peak} bytes at most");
    assert_eq!(rows, 3600 * 50 - 1);
    assert!(peak < 4 << 20, "{peak} bytes");
}

#[test]
fn a_false_header_allocates_little() {
    let mut wrong = vec![
        header(26, 192_000, 0xFFFF_FFFE),
        header(1, 768_000, 0x7FFF_F000),
        // A LIST chunk of four gigabytes, with a tag as large
        [
            &header(1, 8_000, 0)[..36],
            b"LIST\xF0\xFF\xFF\xFFINFOISFT\xE0\xFF\xFF\xFF",
        ]
        .concat(),
        b"RF64\xFF\xFF\xFF\xFFWAVEds64\x1C\0\0\0".to_vec(),
        b"ID3\x04\0\0\x7F\x7F\x7F\x7F".to_vec(),
        b"caff\0\x01\0\0desc\0\0\0\0\0\0\0\x20".to_vec(),
        b"FORM\x7F\xFF\xFF\xFFAIFFCOMM\0\0\0\x12\0\x01\x7F\xFF\xFF\xFF\0\x10".to_vec(),
        b"\xFF\xFF\xFF\xFFmoov".to_vec(),
        include_bytes!("../fixtures/crashers/decode_aifc_64766_channels").to_vec(),
        include_bytes!("../fixtures/crashers/decode_caf_184549376_frames_a_packet").to_vec(),
    ];
    wrong[3].extend([0xFF; 24]);
    for file in wrong {
        let shown = String::from_utf8_lossy(&file[..file.len().min(60)]).into_owned();
        let peak = peak_of(|| {
            let decoder = Decoder::from_bytes(file, &DecodeSettings::default());
            let _ = decoder.and_then(Decoder::read_to_end);
        });
        println!("{peak}: {shown:?}");
        assert!(peak < 20 << 20, "{peak} bytes for {shown:?}");
    }
}
