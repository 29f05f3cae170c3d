//! Live features: MFCCs with deltas, and voice activity, of raw 16-bit mono samples at
//! 16 kHz from standard input.
//!
//!     arecord -f S16_LE -r 16000 -t raw | cargo run -p audio --example stream
//!
//! Prints a line for each segment of speech when it ends. Only the samples of the last
//! few windows are kept.

use std::io::{Read, Write};

use audio::{FeatureSpec, FeatureStream, VadSettings, VadStream};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut spec = FeatureSpec::recommended().for_stream();
    spec.blocks[0].deltas = 1;
    let mut features = FeatureStream::with_running_mean(&spec, 16_000, 3.0)?;
    let mut activity = VadStream::new(&VadSettings::default(), 16_000)?;
    let mut rows = 0;
    let mut input = std::io::stdin().lock();
    let mut out = std::io::stdout().lock();
    let mut bytes = [0; 3_200]; // 0.1 s
    loop {
        // A short read may end within a sample, so fill the whole block.
        let mut filled = 0;
        while filled < bytes.len() {
            match input.read(&mut bytes[filled..])? {
                0 => break,
                n => filled += n,
            }
        }
        let (pairs, _) = bytes[..filled].as_chunks::<2>();
        let samples: Vec<f32> = pairs
            .iter()
            .map(|&pair| f32::from(i16::from_le_bytes(pair)) / 32_768.0)
            .collect();
        features.push(&samples, |_| rows += 1);
        let mut segments = Vec::new();
        activity.push(&samples, |segment| segments.push(segment));
        let last = filled < bytes.len();
        if last {
            features.finish(|_| rows += 1);
            activity.finish(|segment| segments.push(segment));
        }
        for segment in segments {
            writeln!(
                out,
                "speech from {:.2} to {:.2} s; {rows} rows of {} features so far",
                segment.start,
                segment.end,
                features.columns()
            )?;
        }
        if last {
            return Ok(());
        }
    }
}
