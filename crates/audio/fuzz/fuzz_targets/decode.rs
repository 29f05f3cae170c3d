//! Decodes any bytes: in bounded time and memory, with finite samples, and with the same
//! samples from a file as from a pipe.

#![no_main]

use std::io::Cursor;

use audio::{AudioError, Channels, DecodeLimits, DecodeSettings, Decoder};
use libfuzzer_sys::fuzz_target;

#[global_allocator]
static BOUNDED: audio_fuzz::Bounded = audio_fuzz::Bounded;

fuzz_target!(
    init: {
        // The decoder turns a panic inside a demuxer or codec into an error, which is
        // not a finding unless strict; any other panic still ends the process.
        if std::env::var_os("FUZZ_STRICT").is_none() {
            std::panic::set_hook(Box::new(|info| eprintln!("panic: {info}")));
        }
    },
    |data: &[u8]| {
        let settings = DecodeSettings {
            channels: match data.len() % 3 {
                0 => Channels::One(0),
                _ => Channels::Mix,
            },
            limits: DecodeLimits {
                max_seconds: Some(60.0),
                ..DecodeLimits::default()
            },
            // Loss is not what is looked for: as much of the code as possible runs.
            max_lost: 1.0,
            ..DecodeSettings::default()
        };
        let whole = run(Decoder::from_bytes(data.to_vec(), &settings));
        let piped = run(Decoder::from_reader(Cursor::new(data.to_vec()), &settings));
        if let (Some(whole), Some(piped)) = (whole, piped)
            && data.starts_with(b"RIFF")
        {
            assert_eq!(whole, piped);
        }
    }
);

/// Decodes to the end; the number of samples, if there was no error.
fn run(decoder: Result<Decoder, AudioError>) -> Option<u64> {
    let mut decoder = decoder.ok()?;
    assert!(audio::SAMPLE_RATES.contains(&decoder.sample_rate()));
    while let Some(block) = decoder.next_block().ok()? {
        assert!(!block.is_empty());
        assert!(block.iter().all(|s| s.is_finite()));
        if let Some(progress) = decoder.progress() {
            assert!((0.0..=1.0).contains(&progress));
        }
    }
    Some(decoder.position())
}
