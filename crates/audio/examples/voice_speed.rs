//! Measures the speed of the measures of a voice, on one thread, over the WAV files of
//! a folder: `cargo run -p audio --example voice_speed -- FOLDER`. For comparison,
//! `scripts/voice_fixtures.py --speed FOLDER` measures Praat on the same files.

use std::path::{Path, PathBuf};
use std::time::Instant;

use audio::{
    Harmonicity, HarmonicityConfig, Intensity, IntensityConfig, PerturbationConfig, Pitch,
    PitchConfig, Pulses, Recording, SpeakingRate, SpeakingRateConfig,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args()
        .nth(1)
        .ok_or("name a folder of WAV files")?;
    let mut files = Vec::new();
    find(Path::new(&folder), &mut files)?;
    files.sort();
    files.truncate(100);
    let recordings: Vec<Recording> = files
        .iter()
        .map(Recording::open)
        .collect::<Result<_, _>>()?;
    let seconds: f64 = recordings.iter().map(Recording::duration).sum();
    println!(
        "{} files, {seconds:.1} s; processor time of one thread, best of 3",
        recordings.len()
    );
    let rate = recordings
        .first()
        .ok_or("the folder has no WAV files")?
        .sample_rate();

    let time = |name: &str, work: &dyn Fn(&[f32])| {
        let mut best = f64::INFINITY;
        for _ in 0..3 {
            let start = Clock::start();
            for recording in recordings.iter().filter(|r| r.sample_rate() == rate) {
                work(recording.samples());
            }
            best = best.min(start.seconds());
        }
        let (times, frame) = (seconds / best, best / seconds * 1e4);
        println!("{name}: {times:.0} times real time, {frame:.1} us per frame of 10 ms");
    };
    let pitch = Pitch::new(&PitchConfig::default(), rate)?;
    time("pitch", &|x| {
        std::hint::black_box(pitch.track(x));
    });
    let intensity = Intensity::new(&IntensityConfig::default(), rate)?;
    time("intensity", &|x| {
        std::hint::black_box(intensity.track(x));
    });
    let harmonicity = Harmonicity::new(&HarmonicityConfig::default(), rate)?;
    time("harmonicity", &|x| {
        std::hint::black_box(harmonicity.track(x));
    });
    time("pitch, jitter and shimmer", &|x| {
        let pulses = Pulses::find(x, rate, &pitch.track(x));
        let config = PerturbationConfig::default();
        let shimmer = pulses.shimmer_local(x, rate, &config);
        std::hint::black_box((pulses.jitter_local(&config), shimmer));
    });
    let speaking = SpeakingRate::new(&SpeakingRateConfig::default(), rate)?;
    time("speaking rate", &|x| {
        std::hint::black_box(speaking.syllables(x));
    });
    Ok(())
}

/// Processor time of this thread if the system reports it (Linux), so that other
/// programs do not count; otherwise elapsed time.
struct Clock(Option<f64>, Instant);

impl Clock {
    fn processor() -> Option<f64> {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        let nanoseconds: f64 = text.split_whitespace().next()?.parse().ok()?;
        Some(nanoseconds * 1e-9)
    }

    fn start() -> Self {
        Clock(Self::processor(), Instant::now())
    }

    fn seconds(&self) -> f64 {
        match (self.0, Self::processor()) {
            (Some(start), Some(end)) => end - start,
            _ => self.1.elapsed().as_secs_f64(),
        }
    }
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            find(&path, files)?;
        } else if path.extension().is_some_and(|e| e == "wav") {
            files.push(path);
        }
    }
    Ok(())
}
