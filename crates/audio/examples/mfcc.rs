//! Prints the MFCCs of a file, one line per frame:
//! `cargo run -p audio --example mfcc -- FILE [librosa|torchaudio|kaldi|python_speech_features|htk]`

use std::io::Write;

use audio::{Mfcc, MfccConfig, Recording};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("name an audio file")?;
    let config = match arguments.next().as_deref() {
        Some("librosa") => MfccConfig::librosa(),
        Some("torchaudio") => MfccConfig::torchaudio(),
        Some("python_speech_features") => MfccConfig::python_speech_features(),
        Some("htk") => MfccConfig::htk(),
        Some("kaldi") | None => MfccConfig::kaldi(),
        Some(other) => return Err(format!("{other} is not a preset; they are librosa, torchaudio, kaldi, python_speech_features and htk").into()),
    };
    let recording = Recording::open(file)?;
    let mfcc = Mfcc::new(&config, recording.sample_rate())?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", config.column_names().join(","))?;
    for frame in mfcc.compute(recording.samples()).rows() {
        let values: Vec<String> = frame.iter().map(|v| format!("{v:.4}")).collect();
        writeln!(out, "{}", values.join(","))?;
    }
    Ok(())
}
