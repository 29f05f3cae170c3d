//! Benchmarks of this crate on a synthetic voice, so that no corpus is needed:
//! `cargo bench -p audio`, or for one benchmark `cargo bench -p audio -- kaldi`.
//!
//! Throughput is in input samples per second; divided by the sample rate it is the
//! real-time factor. `scripts/bench_audio.py` compares with other packages on real
//! recordings.

use std::f64::consts::TAU;

use audio::{
    FftLength, Mfcc, MfccConfig, MfccStream, Pitch, PitchConfig, Recording, Span, write_wav,
};
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};

const RATE: u32 = 16_000;
const SECONDS: u32 = 4;

fn main() {
    divan::main();
}

/// Similar to a voice: four syllables per second with twelve harmonics, whose pitch
/// glides around 120 Hz, a little noise, and a pause after each second.
fn voice(rate: u32) -> Vec<f32> {
    let (mut phase, mut noise) = (0.0, 1u32);
    (0..SECONDS * rate)
        .map(|n| {
            let time = f64::from(n) / f64::from(rate);
            phase += (120.0 + 30.0 * (TAU * 0.7 * time).sin()) / f64::from(rate);
            let tone: f64 = (1..=12)
                .map(|k| (TAU * f64::from(k) * phase).sin() / f64::from(k))
                .sum();
            let syllable = (0.5 - 0.5 * (TAU * 4.0 * time).cos()) * f64::from(time.fract() < 0.75);
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let hiss = f64::from(noise >> 8) / f64::from(1 << 24) - 0.5;
            (0.2 * syllable * tone + 0.002 * hiss) as f32
        })
        .collect()
}

/// One thread, whole recordings.
fn coefficients(bencher: Bencher, config: MfccConfig) {
    let mfcc = Mfcc::new(&config, RATE).expect("the settings are valid");
    let samples = voice(RATE);
    bencher
        .counter(ItemsCount::new(samples.len()))
        .bench(|| mfcc.compute(black_box(&samples)));
}

#[divan::bench]
fn kaldi(bencher: Bencher) {
    coefficients(bencher, MfccConfig::kaldi());
}

#[divan::bench]
fn python_speech_features(bencher: Bencher) {
    coefficients(bencher, MfccConfig::python_speech_features());
}

/// 40 coefficients from 128 bands, windows of 400 samples every 160.
#[divan::bench]
fn librosa(bencher: Bencher) {
    let config = MfccConfig {
        n_fft: FftLength::Samples(512),
        window_length: Span::Samples(400),
        hop_length: Span::Samples(160),
        n_mfcc: 40,
        ..MfccConfig::librosa()
    };
    coefficients(bencher, config);
}

#[divan::bench]
fn torchaudio(bencher: Bencher) {
    let config = MfccConfig {
        hop_length: Span::Samples(160),
        ..MfccConfig::torchaudio()
    };
    coefficients(bencher, config);
}

#[divan::bench(args = [48_000, 44_100, 8_000])]
fn resample_to_16_khz(bencher: Bencher, from: u32) {
    let recording = Recording::from_samples(voice(from), from).expect("the samples are finite");
    bencher
        .counter(ItemsCount::new(recording.samples().len()))
        .bench(|| black_box(&recording).resample(RATE));
}

/// A WAV file of 16-bit samples at 48 kHz, from the disk cache.
#[divan::bench]
fn decode(bencher: Bencher) {
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    let path = folder.path().join("voice.wav");
    let samples = voice(48_000);
    write_wav(&path, &samples, 48_000).expect("the folder takes files");
    bencher
        .counter(ItemsCount::new(samples.len()))
        .bench(|| Recording::open(black_box(&path)));
}

/// Every 10 ms, from 75 to 600 Hz.
#[divan::bench]
fn pitch(bencher: Bencher) {
    let pitch = Pitch::new(&PitchConfig::default(), RATE).expect("the settings are valid");
    let samples = voice(RATE);
    bencher
        .counter(ItemsCount::new(samples.len()))
        .bench(|| pitch.track(black_box(&samples)));
}

/// One row of coefficients, from 10 ms of sound.
#[divan::bench]
fn streaming_frame(bencher: Bencher) {
    let mfcc = Mfcc::new(&MfccConfig::kaldi(), RATE).expect("the settings are valid");
    let mut stream = MfccStream::new(&mfcc).expect("these settings need no whole recording");
    let samples = voice(RATE);
    let chunk = RATE as usize / 100;
    let mut chunks = samples.chunks_exact(chunk).cycle();
    bencher.counter(ItemsCount::new(chunk)).bench_local(|| {
        if let Some(chunk) = chunks.next() {
            stream.push(black_box(chunk), |row| {
                black_box(row);
            });
        }
    });
}
