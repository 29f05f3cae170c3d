//! Prints pitch and intensity of a file, one line per frame:
//! `cargo run -p audio --example pitch -- FILE [FLOOR CEILING]`
//!
//! Columns: time in s, F0 in Hz (0 is unvoiced), voicing strength, intensity in dB.
//! Measures of the whole recording follow on standard error.

use std::io::Write;

use audio::{
    Harmonicity, HarmonicityConfig, Intensity, IntensityConfig, PerturbationConfig, Pitch,
    PitchConfig, Pulses, Recording, SpeakingRate, SpeakingRateConfig,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("name an audio file")?;
    let mut config = PitchConfig::default();
    if let Some(floor) = arguments.next() {
        config.floor = floor.parse()?;
    }
    if let Some(ceiling) = arguments.next() {
        config.ceiling = ceiling.parse()?;
    }
    let recording = Recording::open(file)?;
    let (samples, rate) = (recording.samples(), recording.sample_rate());

    let pitch = Pitch::new(&config, rate)?.track(samples);
    let intensity = Intensity::new(&IntensityConfig::default(), rate)?.track(samples);
    let mut out = std::io::stdout().lock();
    writeln!(out, "time,f0,strength,intensity")?;
    for (frame, &time) in pitch.frames.iter().zip(&pitch.times) {
        let f0 = frame.frequency.unwrap_or(0.0);
        let loudness = intensity.at(time).map(|db| format!("{db:.2}"));
        writeln!(
            out,
            "{time:.4},{f0:.2},{:.4},{}",
            frame.strength,
            loudness.unwrap_or_default()
        )?;
    }

    let perturbation = PerturbationConfig::default();
    let pulses = Pulses::find(samples, rate, &pitch);
    let percent = |share: Option<f64>| match share {
        Some(share) => format!("{:.2} %", 100.0 * share),
        None => "unknown (too few periods)".to_owned(),
    };
    eprintln!("jitter {}", percent(pulses.jitter_local(&perturbation)));
    eprintln!(
        "shimmer {}",
        percent(pulses.shimmer_local(samples, rate, &perturbation))
    );
    let harmonicity = Harmonicity::new(&HarmonicityConfig::default(), rate)?.track(samples);
    if let Some(mean) = harmonicity.mean() {
        eprintln!("harmonics-to-noise ratio {mean:.1} dB");
    }
    let syllables = SpeakingRate::new(&SpeakingRateConfig::default(), rate)?.syllables(samples);
    eprintln!(
        "{} syllables, {:.1} per second",
        syllables.nuclei.len(),
        syllables.speech_rate()
    );
    Ok(())
}
