//! How long a hop takes: the sound of a file, pushed hop by hop.
//!
//! ```sh
//! cargo run -p live --features model/pretrained --example hop_times -- voice.wav
//! ```

use std::time::Instant;

use audio::Recording;
use live::{Event, Session, SessionSettings};
use model::Recognizer;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("which file?")?;
    let recording = Recording::open(path)?;
    let settings = SessionSettings::default();
    let recognizer = Recognizer::builder().build()?;
    let mut session = Session::new(recognizer, settings, recording.sample_rate())?;
    let hop = (settings.hop * f64::from(recording.sample_rate())) as usize;
    // Of hops with an answer, which cost most.
    let mut times = Vec::new();
    for samples in recording.samples().chunks(hop) {
        let began = Instant::now();
        let mut is_answered = false;
        session.push(samples, |event| {
            is_answered |= matches!(event, Event::Update(update) if update.raw.is_some());
        })?;
        if is_answered {
            times.push(began.elapsed().as_secs_f64() * 1000.0);
        }
    }
    times.sort_by(f64::total_cmp);
    let quantile = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!(
        "{} hops of {:.0} ms with an answer: median {:.1} ms, 95 % within {:.1} ms, longest {:.1} ms",
        times.len(),
        settings.hop * 1000.0,
        quantile(0.5),
        quantile(0.95),
        quantile(1.0)
    );
    Ok(())
}
