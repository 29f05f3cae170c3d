//! Levelled speech: a stream is the file, and what is not speech does not exist.

use audio::{
    AudioError, FeatureSpec, FeatureStream, Features, Recording, SpeechLevel, SpeechStream,
};

use crate::common::ravdess_files;

const RATE: u32 = 16_000;

/// Syllables of a hum with partials, `loud` at most, over a faint noise.
fn syllables(seconds: f64, loud: f32) -> Vec<f32> {
    let mut state = 1u32;
    (0..(seconds * f64::from(RATE)) as usize)
        .map(|n| {
            let time = n as f32 / RATE as f32;
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = (state >> 8) as f32 / (1 << 23) as f32 - 1.0;
            let beat = (std::f32::consts::TAU * 1.7 * time).sin().max(0.0);
            let tone = (1..12).map(|k| (k as f32 * 900.0 * time).sin() / k as f32);
            loud * (0.4 * beat * tone.sum::<f32>() + 0.002 * noise)
        })
        .collect()
}

fn features(samples: &[f32]) -> Features {
    let spec = FeatureSpec {
        trim: None,
        level: Some(SpeechLevel::default()),
        encoder: Some(SpeechLevel::default()),
        ..FeatureSpec::emotion()
    };
    let recording = Recording::from_samples(samples.to_vec(), RATE).unwrap();
    spec.extractor().unwrap().extract(&recording).unwrap()
}

fn streamed(samples: &[f32], chunk: usize) -> Vec<f32> {
    let mut stream = SpeechStream::new(&SpeechLevel::default(), RATE).unwrap();
    let mut rows = Vec::new();
    for chunk in samples.chunks(chunk) {
        stream.push(chunk, |_, row| rows.extend_from_slice(row));
    }
    stream.finish(|_, row| rows.extend_from_slice(row));
    rows
}

#[test]
fn in_chunks_of_any_size_the_rows_are_those_of_the_file_bit_for_bit() {
    let mut voices = vec![syllables(6.0, 0.3), syllables(0.2, 0.3), vec![0.0; 5_000]];
    if let Some(files) = ravdess_files() {
        let real = Recording::open(&files[0]).unwrap().resample(RATE).unwrap();
        voices.push(real.into_samples());
    }
    for voice in voices {
        let whole = features(&voice).encoder;
        for chunk in [1, 160, 1_001, 100_000] {
            assert_eq!(streamed(&voice, chunk), whole.data(), "chunks of {chunk}");
        }
    }
}

#[test]
fn a_finished_stream_starts_from_nothing() {
    let (first, second) = (syllables(2.0, 0.5), syllables(3.0, 0.02));
    let mut stream = SpeechStream::new(&SpeechLevel::default(), RATE).unwrap();
    stream.push(&first, |_, _| {});
    stream.finish(|_, _| {});
    let mut rows = Vec::new();
    stream.push(&second, |_, row| rows.extend_from_slice(row));
    stream.finish(|_, row| rows.extend_from_slice(row));
    assert_eq!(rows, streamed(&second, 1_000));
}

#[test]
fn frames_are_numbered_in_order_and_arrive_within_the_look_ahead() {
    let voice = syllables(10.0, 0.3);
    let mut stream = SpeechStream::new(&SpeechLevel::default(), RATE).unwrap();
    let mut last = None;
    for (n, chunk) in voice.chunks(160).enumerate() {
        stream.push(chunk, |frame, _| {
            assert!(last < Some(frame));
            last = Some(frame);
            // After the first seconds, in which the level is being learnt.
            let late = (n as f64 - frame as f64) / 100.0;
            let most = stream_look_ahead() + 0.03;
            assert!(n < 300 || late <= most, "frame {frame} at {n}");
        });
    }
    assert!(last > Some(800));
}

fn stream_look_ahead() -> f64 {
    let stream = SpeechStream::new(&SpeechLevel::default(), RATE);
    stream.unwrap().look_ahead()
}

#[test]
fn blocks_at_a_level_hardly_follow_the_gain() {
    let plain = features(&syllables(3.0, 0.3));
    for gain in [0.1, 0.3, 2.0] {
        let other = features(&syllables(3.0, 0.3 * gain));
        assert_eq!(other.frames.len(), plain.frames.len(), "gain {gain}");
        for (a, b) in other.functionals.iter().zip(&plain.functionals) {
            assert!((a - b).abs() < 0.5 + 0.02 * b.abs(), "gain {gain}: {a} {b}");
        }
    }
}

#[test]
fn without_speech_there_are_no_rows_and_the_blocks_are_of_the_whole() {
    let silent = features(&[0.0; 16_000]);
    assert!(silent.encoder.is_empty());
    assert_eq!(silent.frames.len(), 49);
    assert!(silent.functionals.iter().all(|x| x.is_finite()));
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let named = |spec: FeatureSpec, what: &str| {
        let error = spec.validate().unwrap_err();
        assert!(matches!(error, AudioError::Settings { .. }));
        assert!(error.to_string().contains(what), "{error}");
    };
    let encoder = FeatureSpec::encoder();
    named(
        FeatureSpec {
            sample_rate: 22_050,
            ..encoder.clone()
        },
        "16000",
    );
    named(
        FeatureSpec {
            encoder: Some(SpeechLevel {
                level_db: 3.0,
                ..SpeechLevel::default()
            }),
            ..encoder.clone()
        },
        "level_db",
    );
    named(
        FeatureSpec {
            level: Some(SpeechLevel::default()),
            ..FeatureSpec::emotion()
        },
        "trim",
    );
    named(
        FeatureSpec {
            encoder: None,
            ..encoder.clone()
        },
        "blocks",
    );
    let error = FeatureStream::new(&encoder, RATE).unwrap_err();
    assert!(error.to_string().contains("SpeechStream"), "{error}");
    let levelled = FeatureSpec {
        level: Some(SpeechLevel::default()),
        trim: None,
        ..FeatureSpec::recommended()
    };
    let error = FeatureStream::with_running_mean(&levelled, RATE, 3.0).unwrap_err();
    assert!(
        matches!(error, AudioError::WholeRecording { .. }),
        "{error}"
    );
}
