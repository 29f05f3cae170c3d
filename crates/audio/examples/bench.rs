//! Measures the time this crate takes on folders of WAV files, and prints the seconds
//! as JSON: `cargo run -p audio --example bench -- FOLDER_16K FOLDER [WORK [TIMES]]`.
//!
//! FOLDER_16K has recordings at one rate, read beforehand, for everything that starts
//! from samples; FOLDER has the original files, for decoding. `scripts/bench_audio.py`
//! makes the folders, runs this and the Python packages in turn and compares them.
//! WORK selects one measurement, and TIMES repeats it, for a profiler.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Duration;

use audio::{FeatureSpec, Mfcc, MfccConfig, Pitch, PitchConfig, Recording, Span};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let same_rate = files(
        arguments
            .next()
            .ok_or("name a folder of recordings at one rate, and a folder of files")?
            .as_ref(),
    )?;
    let any_rate = files(
        arguments
            .next()
            .ok_or("name a folder of files as well")?
            .as_ref(),
    )?;
    let only = arguments.next();
    let times: u32 = arguments.next().map_or(Ok(1), |n| n.parse())?;
    let clips = same_rate
        .iter()
        .map(Recording::open)
        .collect::<Result<Vec<_>, _>>()?;
    let originals = any_rate
        .iter()
        .map(Recording::open)
        .collect::<Result<Vec<_>, _>>()?;
    let rate = clips
        .first()
        .ok_or("the first folder is empty")?
        .sample_rate();

    let mut seconds = BTreeMap::new();
    let mut time = |name: &str, work: &mut dyn FnMut() -> Result<(), Failure>| {
        if only.as_deref().is_some_and(|only| only != name) {
            return Ok(());
        }
        work()?; // warms up caches, pages and the processor's clock
        let start = now();
        for _ in 0..times {
            work()?;
        }
        let mean = (now() - start).as_secs_f64() / f64::from(times);
        seconds.insert(name.to_owned(), mean);
        Ok::<(), Failure>(())
    };

    for (name, config) in [
        ("kaldi", MfccConfig::kaldi()),
        (
            "python_speech_features",
            MfccConfig::python_speech_features(),
        ),
        ("librosa", librosa()),
        ("torchaudio", torchaudio()),
        ("htk", MfccConfig::htk()),
    ] {
        let mfcc = Mfcc::new(&config, rate)?;
        time(name, &mut || {
            for clip in &clips {
                black_box(mfcc.compute(clip.samples()));
            }
            Ok(())
        })?;
    }
    time("decode", &mut || {
        for file in &any_rate {
            black_box(Recording::open(file)?);
        }
        Ok(())
    })?;
    time("resample", &mut || {
        for clip in &originals {
            black_box(clip.resample(16_000)?);
        }
        Ok(())
    })?;
    let mfcc = Mfcc::new(&librosa(), 16_000)?;
    time("files", &mut || Ok(mfcc_of_files(&any_rate, &mfcc)?))?;
    // Every 10 ms, from 75 to 600 Hz.
    let pitch = Pitch::new(&PitchConfig::default(), rate)?;
    time("pitch", &mut || {
        for clip in &clips {
            black_box(pitch.track(clip.samples()));
        }
        Ok(())
    })?;
    let extractor = FeatureSpec::recommended().extractor()?;
    time("recommended features", &mut || {
        for clip in &originals {
            black_box(extractor.extract(clip)?);
        }
        Ok(())
    })?;

    // The time of the slower of two threads, each with half of the files.
    if only.is_none() {
        let halves = any_rate.split_at(any_rate.len() / 2);
        let busy = std::thread::scope(|scope| {
            [halves.0, halves.1]
                .map(|half| {
                    scope.spawn(|| {
                        mfcc_of_files(half, &mfcc)?;
                        let start = now();
                        mfcc_of_files(half, &mfcc)?;
                        Ok::<_, audio::AudioError>(now() - start)
                    })
                })
                .into_iter()
                .map(|thread| thread.join().map_err(|_| "a thread ended early"))
                .collect::<Result<Vec<_>, _>>()
        })?;
        let busy = busy.into_iter().collect::<Result<Vec<_>, _>>()?;
        let longest = busy.into_iter().max().unwrap_or_default();
        seconds.insert("files, two threads".into(), longest.as_secs_f64());
    }

    let spoken = |recordings: &[Recording]| recordings.iter().map(Recording::duration).sum::<f64>();
    println!(
        "{}",
        serde_json::json!({
            "seconds": seconds,
            "audio_16k": spoken(&clips),
            "audio": spoken(&originals),
        })
    );
    Ok(())
}

/// From files at any sample rate to MFCCs at 16 kHz.
fn mfcc_of_files(files: &[PathBuf], mfcc: &Mfcc) -> Result<(), audio::AudioError> {
    for file in files {
        let recording = Recording::open(file)?.resample(16_000)?;
        black_box(mfcc.compute(recording.samples()));
    }
    Ok(())
}

/// Processor time of this thread; on a busy machine, elapsed time would include other
/// programs.
#[cfg(unix)]
fn now() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

#[cfg(not(unix))]
fn now() -> Duration {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    START.get_or_init(std::time::Instant::now).elapsed()
}

/// 40 coefficients from 128 bands, windows of 400 samples every 160.
fn librosa() -> MfccConfig {
    MfccConfig {
        n_fft: audio::FftLength::Samples(512),
        window_length: Span::Samples(400),
        hop_length: Span::Samples(160),
        n_mfcc: 40,
        ..MfccConfig::librosa()
    }
}

fn torchaudio() -> MfccConfig {
    MfccConfig {
        hop_length: Span::Samples(160),
        ..MfccConfig::torchaudio()
    }
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_, std::io::Error>>()?;
    files.sort();
    Ok(files)
}
