//! Spectral shape compared with librosa, and properties that hold for any sound.
//!
//! The numbers come from `scripts/spectral_fixtures.py`. Double precision must match
//! within 1e-6 of the largest value of a column, single precision within 1e-3; a
//! roll-off in single precision may be off by one bin.

use std::f32::consts::PI;

use audio::{
    Chroma, ChromaNorm, FftLength, Framing, MfccConfig, Span, SpectralConfig, SpectralFeature,
    SpectralShape, Window,
};
use serde::Deserialize;

use crate::common::{floats, reference, signal};

#[derive(Deserialize)]
struct Fixture {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    call: String,
    samples: usize,
    sample_rate: u32,
    n_frames: usize,
    frames: Vec<usize>,
    values: Vec<Vec<f64>>,
}

fn sizes(n_fft: usize, window: usize, hop: usize) -> SpectralConfig {
    SpectralConfig {
        n_fft: FftLength::Samples(n_fft),
        window_length: Span::Samples(window),
        hop_length: Span::Samples(hop),
        ..SpectralConfig::librosa()
    }
}

fn with_chroma(mut config: SpectralConfig, chroma: Chroma) -> SpectralConfig {
    *config.features.last_mut().unwrap() = SpectralFeature::Chroma(chroma);
    config
}

fn config(name: &str) -> SpectralConfig {
    let norm = |norm| Chroma {
        norm,
        ..Chroma::default()
    };
    match name {
        "defaults" => SpectralConfig::librosa(),
        "speech_whole_transforms" => SpectralConfig {
            framing: Framing::WholeTransform,
            ..sizes(512, 512, 160)
        },
        "window_shorter_than_fft" => SpectralConfig {
            window: Window::Hamming,
            ..with_chroma(sizes(512, 400, 160), norm(ChromaNorm::None))
        },
        "window_shorter_whole" => SpectralConfig {
            framing: Framing::WholeTransform,
            ..with_chroma(sizes(512, 400, 160), norm(ChromaNorm::Sum))
        },
        "quarter_tones_from_a_odd_fft" => SpectralConfig {
            framing: Framing::CenteredReflect,
            ..with_chroma(
                sizes(1000, 1000, 250),
                Chroma {
                    n_chroma: 24,
                    tuning: 0.25,
                    ctroct: 4.0,
                    octwidth: None,
                    norm: ChromaNorm::Length,
                    base_c: false,
                },
            )
        },
        "48_khz" => sizes(4096, 4096, 2048),
        "shorter_than_a_window" => sizes(512, 512, 160),
        other => panic!("no configuration for {other}"),
    }
}

#[test]
fn librosa_is_reproduced() {
    let fixture: Fixture = reference("spectral");
    let mut failures = Vec::new();
    for case in &fixture.cases {
        let shape = SpectralShape::new(&config(&case.name), case.sample_rate).unwrap();
        let ints = signal(case.samples, case.sample_rate);
        let floats = floats(&ints);
        let doubles: Vec<f64> = ints.iter().map(|&i| i as f64 / 32768.0).collect();
        let names = shape.column_names();
        let single = shape.compute(&floats);
        let double = shape.compute_f64(&doubles);
        assert_eq!(single.len(), case.n_frames, "{}", case.call);
        assert_eq!(double.len(), case.n_frames * names.len());
        for (c, name) in names.iter().enumerate() {
            // Errors are relative to the largest value of the column.
            let size = case.values.iter().fold(1e-3, |m: f64, r| m.max(r[c].abs()));
            let (mut worst_double, mut worst_single) = (0.0f64, 0.0f64);
            for (&t, row) in case.frames.iter().zip(&case.values) {
                assert_eq!(row.len(), names.len(), "{}", case.name);
                let error = |v: f64| (v - row[c]).abs() / size;
                worst_double = worst_double.max(error(double[t * names.len() + c]));
                let mut of_single = error(f64::from(single.row(t)[c]));
                if name.starts_with("spectral_roll_off") {
                    let n_fft = match shape.config().n_fft {
                        FftLength::Samples(n) => n as f64,
                        other => unreachable!("{other:?}"),
                    };
                    let bin = f64::from(case.sample_rate) / n_fft / size;
                    of_single = (of_single - bin).max(0.0);
                }
                worst_single = worst_single.max(of_single);
            }
            println!(
                "{} {name}: {worst_double:.1e}, {worst_single:.1e}",
                case.name
            );
            // Fixtures have seven decimals.
            if worst_double > 1e-6 + 1e-7 / size || worst_single > 1e-3 {
                failures.push(format!(
                    "{} {name}: off by {worst_double:.1e} and {worst_single:.1e}; {}",
                    case.name, case.call
                ));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn silence_constants_and_clicks_give_finite_values() {
    for preset in [
        MfccConfig::librosa(),
        MfccConfig::torchaudio(),
        MfccConfig::kaldi(),
        MfccConfig::python_speech_features(),
    ] {
        let shape = SpectralShape::new(&SpectralConfig::framed_like(&preset), 16_000).unwrap();
        let mut click = vec![0.0; 8000];
        click[4000] = 1.0;
        let tiny = vec![1e-30; 8000];
        let loud = [1e6, -1e6].repeat(4000);
        for sound in [vec![0.0; 8000], vec![1.0; 8000], click, tiny, loud] {
            let frames = shape.compute(&sound);
            assert!(!frames.is_empty());
            assert!(frames.data().iter().all(|v| v.is_finite()));
        }
        for n in 0..700 {
            let frames = shape.compute(&vec![0.1; n]);
            assert_eq!(frames.len(), shape.frame_count(n));
            assert_eq!(frames.is_empty(), n < shape.samples_needed());
        }
    }
}

#[test]
fn silence_has_the_documented_values() {
    let shape = SpectralShape::new(&SpectralConfig::librosa(), 16_000).unwrap();
    let frames = shape.compute(&vec![0.0; 16_000]);
    let expected: Vec<f32> = [0.0, -100.0, 0.0, 0.0, 0.0, 1.0, 0.0]
        .into_iter()
        .chain([0.0; 12])
        .collect();
    for row in frames.rows() {
        for (v, e) in row.iter().zip(&expected) {
            assert!((v - e).abs() < 1e-4, "{row:?}");
        }
    }
}

#[test]
fn a_tone_has_its_frequency_level_crossings_and_pitch_class() {
    let config = SpectralConfig::framed_like(&MfccConfig::kaldi());
    let shape = SpectralShape::new(
        &SpectralConfig {
            window: Window::Hann,
            n_fft: FftLength::Samples(4096),
            ..config
        },
        16_000,
    )
    .unwrap();
    let names = shape.column_names();
    let at = |name: &str| names.iter().position(|n| n == name).unwrap();
    for (hertz, class) in [
        (440.0f32, "chroma_a"),
        (523.25, "chroma_c"),
        (1174.66, "chroma_d"),
    ] {
        let tone: Vec<f32> = (0..16_000)
            .map(|n| 0.5 * (2.0 * PI * hertz * n as f32 / 16_000.0).sin())
            .collect();
        let frames = shape.compute(&tone);
        for row in frames.rows() {
            let level = 10.0 * 0.125f32.log10();
            assert!((row[at("rms_db")] - level).abs() < 0.3);
            assert!((row[at("spectral_centroid")] / hertz - 1.0).abs() < 0.05);
            let rate = 2.0 * hertz / 16_000.0;
            assert!((row[at("zero_crossing_rate")] - rate).abs() < 1.5 / 400.0);
            assert!(row[at("spectral_flatness")] < 0.05);
            assert!(row[at("spectral_flux")] < 0.05);
            assert_eq!(row[at(class)], 1.0, "{hertz} Hz: {row:?}");
        }
    }
}

#[test]
fn the_rows_are_those_of_the_mfccs() {
    for preset in [
        MfccConfig::librosa(),
        MfccConfig::kaldi(),
        MfccConfig::python_speech_features(),
        MfccConfig::htk(),
    ] {
        let mfcc = audio::Mfcc::new(&preset, 22_050).unwrap();
        let config = SpectralConfig::framed_like(&preset);
        let shape = SpectralShape::new(&config, 22_050).unwrap();
        let sound: Vec<f32> = (0..30_000).map(|n| (n as f32 * 0.03).sin()).collect();
        let both = mfcc.compute(&sound).beside(&[&shape.compute(&sound)]);
        assert_eq!(both.columns(), preset.n_mfcc + config.column_names().len());
    }
}

#[test]
fn columns_are_in_the_order_of_the_settings() {
    let all = SpectralConfig::librosa();
    let backwards = SpectralConfig {
        features: all.features.iter().rev().copied().collect(),
        ..all.clone()
    };
    let sound = floats(&signal(8000, 16_000));
    let a = SpectralShape::new(&all, 16_000).unwrap();
    let b = SpectralShape::new(&backwards, 16_000).unwrap();
    let (x, y) = (a.compute(&sound), b.compute(&sound));
    for (i, name) in a.column_names().iter().enumerate() {
        let j = b.column_names().iter().position(|n| n == name).unwrap();
        assert!(x.column(i).eq(y.column(j)), "{name}");
    }
    // A single measure gives the same, also one that needs no transform.
    for feature in &all.features {
        let one = SpectralConfig {
            features: vec![*feature],
            ..all.clone()
        };
        let one = SpectralShape::new(&one, 16_000).unwrap();
        let i = a
            .column_names()
            .iter()
            .position(|n| *n == one.column_names()[0])
            .unwrap();
        assert!(one.compute(&sound).column(0).eq(x.column(i)), "{feature:?}");
    }
}
