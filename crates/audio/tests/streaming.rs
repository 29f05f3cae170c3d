//! Streamed MFCCs and features equal those of whole recordings, to the last bit.

use audio::{
    AudioError, Columns, FeatureSpec, FeatureStream, Floor, Framing, Log, Mfcc, MfccConfig,
    MfccStream, Recording, Span, Zeroth,
};

use crate::common::{Random, framings, ravdess_files};

fn noise(random: &mut Random, n: usize) -> Vec<f32> {
    (0..n)
        .map(|_| 0.2 * (random.bits() as f32 / f32::from(1u16 << 15) / 32_768.0 - 1.0))
        .collect()
}

fn collect(
    stream: &mut MfccStream,
    samples: &[f32],
    pieces: &[std::ops::Range<usize>],
) -> Vec<f32> {
    let mut rows = Vec::new();
    for piece in pieces {
        stream.push(&samples[piece.clone()], |row| rows.extend_from_slice(row));
    }
    stream.finish(|row| rows.extend_from_slice(row));
    rows
}

/// The number of values that differ in any bit.
fn differing(a: &[f32], b: &[f32]) -> usize {
    assert_eq!(a.len(), b.len(), "numbers of values");
    a.iter()
        .zip(b)
        .filter(|(x, y)| x.to_bits() != y.to_bits())
        .count()
}

fn causal_presets() -> Vec<(&'static str, MfccConfig)> {
    let fixed = |config: MfccConfig| MfccConfig {
        top_db: None,
        ..config
    };
    vec![
        ("librosa", fixed(MfccConfig::librosa())),
        ("torchaudio", fixed(MfccConfig::torchaudio())),
        (
            "torchaudio, log_mels",
            MfccConfig {
                log: Log::Natural,
                floor: Floor::Add(1e-6),
                ..fixed(MfccConfig::torchaudio())
            },
        ),
        ("kaldi", MfccConfig::kaldi()),
        (
            "kaldi, snip_edges=false",
            MfccConfig {
                framing: Framing::Mirrored,
                zeroth: Zeroth::WindowedEnergy,
                ..MfccConfig::kaldi()
            },
        ),
        (
            "python_speech_features",
            MfccConfig::python_speech_features(),
        ),
        ("htk", MfccConfig::htk()),
        ("recommended", FeatureSpec::recommended().mfcc),
    ]
}

#[test]
fn every_causal_preset_streams_bit_for_bit_in_chunks_of_any_size() {
    let mut random = Random(1);
    for (name, config) in causal_presets() {
        let mfcc = Mfcc::new(&config, 16_000).unwrap();
        let mut stream = MfccStream::new(&mfcc).unwrap();
        for round in 0..12 {
            let n = [random.below(600), random.below(20_000)][round % 2];
            let samples = noise(&mut random, n);
            let pieces = random.pieces(n);
            let rows = collect(&mut stream, &samples, &pieces);
            let batch = mfcc.compute(&samples);
            assert_eq!(differing(&rows, batch.data()), 0, "{name}, {n} samples");
        }
    }
}

#[test]
fn log_mel_and_averaged_rows_stream_bit_for_bit() {
    let mut random = Random(2);
    for (name, config) in causal_presets() {
        let mfcc = Mfcc::new(&config, 16_000).unwrap();
        let mut log_mel = MfccStream::log_mel(&mfcc).unwrap();
        for average in [1, 2, 3, 7] {
            let mut averaged = MfccStream::averaged(&mfcc, average).unwrap();
            let n = random.below(12_000);
            let samples = noise(&mut random, n);
            let rows = collect(&mut averaged, &samples, &random.pieces(n));
            let batch = mfcc.compute_averaged(&samples, average);
            assert_eq!(differing(&rows, batch.data()), 0, "{name}, {average}, {n}");
            let rows = collect(&mut log_mel, &samples, &random.pieces(n));
            let batch = mfcc.log_mel(&samples);
            assert_eq!(differing(&rows, batch.data()), 0, "{name}, log mel, {n}");
        }
    }
}

#[test]
fn every_framing_window_and_hop_streams_bit_for_bit_at_every_length() {
    let mut random = Random(3);
    let spans = [
        (400, 160, 512),
        (25, 10, 33),
        (9, 40, 9),
        (1, 1, 3),
        (64, 300, 128),
    ];
    for framing in framings() {
        for (window, hop, n_fft) in spans {
            let config = MfccConfig {
                framing,
                window_length: Span::Samples(window),
                hop_length: Span::Samples(hop),
                n_fft: audio::FftLength::Samples(n_fft),
                n_mels: 4,
                n_mfcc: 3,
                ..MfccConfig::kaldi()
            };
            let mfcc = Mfcc::new(&config, 16_000).unwrap();
            let mut stream = MfccStream::new(&mfcc).unwrap();
            let short = 0..2 * n_fft.min(60);
            let long = [n_fft - 1, n_fft, n_fft + 1, 999, 1_000, 1_001, 2_400, 4_000];
            for n in short.chain(long) {
                let samples = noise(&mut random, n);
                let rows = collect(&mut stream, &samples, &random.pieces(n));
                let batch = mfcc.compute(&samples);
                assert_eq!(
                    differing(&rows, batch.data()),
                    0,
                    "{framing:?} {window} {hop} {n_fft}, {n} samples"
                );
            }
        }
    }
}

#[test]
fn a_frame_is_ready_with_its_last_sample() {
    let mfcc = Mfcc::new(&MfccConfig::kaldi(), 16_000).unwrap();
    let mut stream = MfccStream::new(&mfcc).unwrap();
    let mut rows = 0;
    stream.push(&[0.1; 399], |_| rows += 1);
    assert_eq!(rows, 0);
    stream.push(&[0.1; 1], |_| rows += 1);
    assert_eq!(rows, 1);
    stream.push(&[0.1; 159], |_| rows += 1);
    assert_eq!(rows, 1);
    stream.push(&[0.1; 1], |_| rows += 1);
    assert_eq!(rows, 2);
    assert_eq!(stream.samples(), 560);
}

#[test]
fn a_reset_stream_starts_from_nothing() {
    let mut random = Random(4);
    let samples = noise(&mut random, 5_000);
    for (name, config) in causal_presets() {
        let mfcc = Mfcc::new(&config, 16_000).unwrap();
        let mut stream = MfccStream::averaged(&mfcc, 2).unwrap();
        stream.push(&noise(&mut random, 3_333), |_| ());
        stream.reset();
        let rows = collect(&mut stream, &samples, &random.pieces(5_000));
        assert_eq!(
            differing(&rows, mfcc.compute_averaged(&samples, 2).data()),
            0,
            "{name}"
        );
    }
}

#[test]
fn top_db_is_refused_by_name_with_advice() {
    for config in [MfccConfig::librosa(), MfccConfig::torchaudio()] {
        let mfcc = Mfcc::new(&config, 16_000).unwrap();
        for stream in [
            MfccStream::new(&mfcc),
            MfccStream::averaged(&mfcc, 2),
            MfccStream::log_mel(&mfcc),
        ] {
            let error = stream.unwrap_err();
            assert!(matches!(error, AudioError::WholeRecording { .. }));
            assert!(error.to_string().contains("set top_db to none"), "{error}");
        }
    }
}

#[test]
fn real_speech_streams_bit_for_bit() {
    let Some(files) = ravdess_files() else {
        return;
    };
    let mut random = Random(5);
    for file in files.iter().step_by(200) {
        let recording = Recording::open(file).unwrap();
        for (name, config) in causal_presets() {
            let mfcc = Mfcc::new(&config, recording.sample_rate()).unwrap();
            let mut stream = MfccStream::new(&mfcc).unwrap();
            let samples = recording.samples();
            let rows = collect(&mut stream, samples, &random.pieces(samples.len()));
            let batch = mfcc.compute(samples);
            assert_eq!(
                differing(&rows, batch.data()),
                0,
                "{name}, {}",
                file.display()
            );
        }
    }
}

fn streamable() -> FeatureSpec {
    let mut spec = FeatureSpec::recommended().for_stream();
    spec.blocks[0].subtract_mean = Columns::None;
    spec
}

#[test]
fn streamed_features_are_the_extracted_ones_bit_for_bit() {
    let mut random = Random(6);
    for (name, mfcc) in causal_presets() {
        for deltas in 0..=2 {
            for average in [1, 2] {
                let mut spec = FeatureSpec {
                    mfcc: mfcc.clone(),
                    average,
                    ..streamable()
                };
                spec.blocks[0].deltas = deltas;
                let n = 2_048 + random.below(9_000);
                let samples = noise(&mut random, n);
                let mut stream = FeatureStream::new(&spec, 16_000).unwrap();
                let mut rows = Vec::new();
                for piece in random.pieces(n) {
                    stream.push(&samples[piece], |row| rows.extend_from_slice(row));
                }
                stream.finish(|row| rows.extend_from_slice(row));
                let recording = Recording::from_samples(samples, 16_000).unwrap();
                let batch = spec.extractor().unwrap().extract(&recording).unwrap();
                assert_eq!(stream.columns(), batch.frames.columns());
                assert_eq!(differing(&rows, batch.frames.data()), 0, "{name}, {deltas}");
            }
        }
    }
}

#[test]
fn what_needs_the_whole_recording_is_refused_by_name() {
    type Change = fn(&mut FeatureSpec);
    let changes: [(&str, Change); 4] = [
        ("subtract_mean", |s| {
            s.blocks[0].subtract_mean = Columns::All
        }),
        ("functionals", |s| s.blocks[0].functionals = true),
        ("trim", |s| s.trim = Some(audio::TrimSettings::default())),
        ("top_db", |s| s.mfcc.top_db = Some(80.0)),
    ];
    FeatureStream::new(&streamable(), 16_000).unwrap();
    for (name, change) in changes {
        let mut spec = streamable();
        change(&mut spec);
        let error = FeatureStream::new(&spec, 16_000).unwrap_err();
        assert!(
            matches!(error, AudioError::WholeRecording { .. }),
            "{error}"
        );
        assert!(error.to_string().starts_with(name), "{error}");
    }
    let error = FeatureStream::new(&streamable(), 48_000).unwrap_err();
    assert!(error.to_string().contains("48000 Hz"), "{error}");
    for seconds in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(FeatureStream::with_running_mean(&streamable(), 16_000, seconds).is_err());
    }
}

#[test]
fn a_running_mean_is_the_mean_so_far_and_then_forgets() {
    let spec = streamable();
    let samples = noise(&mut Random(7), 48_000);
    let recording = Recording::from_samples(samples.clone(), 16_000).unwrap();
    let raw = spec
        .extractor()
        .unwrap()
        .extract(&recording)
        .unwrap()
        .frames;
    let with_mean = FeatureSpec::recommended().for_stream();
    let rows = |seconds: f64| {
        let mut stream = FeatureStream::with_running_mean(&with_mean, 16_000, seconds).unwrap();
        let mut rows: Vec<Vec<f32>> = Vec::new();
        stream.push(&samples, |row| rows.push(row.to_vec()));
        stream.finish(|row| rows.push(row.to_vec()));
        rows
    };
    for (t, row) in rows(1e6).iter().enumerate() {
        for (j, value) in row.iter().enumerate() {
            let mean = raw.column(j).take(t + 1).map(f64::from).sum::<f64>() / (t + 1) as f64;
            let expected = f64::from(raw.row(t)[j]) - mean;
            assert!((f64::from(*value) - expected).abs() < 1e-3, "row {t}, {j}");
        }
    }
    // 0.1 s are five rows: each row has a weight of a fifth, the earlier mean of four
    // fifths.
    let short = rows(0.1);
    let mean = |t: usize| f64::from(raw.row(t)[0]) - f64::from(short[t][0]);
    for t in 10..40 {
        let expected = 0.8 * mean(t - 1) + 0.2 * f64::from(raw.row(t)[0]);
        assert!((mean(t) - expected).abs() < 1e-3, "row {t}");
    }
}
