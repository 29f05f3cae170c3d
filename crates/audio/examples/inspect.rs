//! What is in audio files: their length, rate and channels, and what of them could
//! not be read.
//!
//! ```sh
//! cargo run -p audio --example inspect -- FILE...
//! ```

use audio::{DecodeSettings, Decoder};

fn main() {
    for path in std::env::args().skip(1) {
        match inspect(&path) {
            Ok(line) => println!("{path}: {line}"),
            Err(error) => println!("error: {error}"),
        }
    }
}

fn inspect(path: &str) -> Result<String, audio::AudioError> {
    let mut decoder = Decoder::open(path, &DecodeSettings::default())?;
    while decoder.next_block()?.is_some() {}
    let rate = decoder.sample_rate();
    let seconds = decoder.position() as f64 / f64::from(rate);
    let mut line = format!("{seconds:.3} s, {rate} Hz, {} channels", decoder.channels());
    for note in decoder.reading().notes(seconds) {
        line += &format!("; {note}");
    }
    Ok(line)
}
