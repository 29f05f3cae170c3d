//! Properties of the whole path from a recording to the features of a model.

use audio::{
    AudioError, Columns, FeatureSpec, Floor, Lifter, Mfcc, MfccConfig, Recording, Span,
    TrimSettings, Zeroth,
};

use crate::common::{self, framings};

fn noise(n: usize, level: f32) -> Vec<f32> {
    common::noise(n, level, 1)
}

fn recording(n: usize) -> Recording {
    Recording::from_samples(noise(n, 0.3), 16_000).unwrap()
}

fn presets() -> [(&'static str, MfccConfig); 5] {
    [
        ("librosa", MfccConfig::librosa()),
        ("torchaudio", MfccConfig::torchaudio()),
        ("kaldi", MfccConfig::kaldi()),
        (
            "python_speech_features",
            MfccConfig::python_speech_features(),
        ),
        ("htk", MfccConfig::htk()),
    ]
}

#[test]
fn the_recommended_features_have_the_shape_their_names_say() {
    let spec = FeatureSpec::recommended();
    let features = spec
        .extractor()
        .unwrap()
        .extract(&recording(16_000))
        .unwrap();
    assert_eq!(spec.frame_period(), 0.02);
    assert_eq!(features.frames.len(), 49);
    assert_eq!(features.frames.columns(), spec.column_names().len());
    assert_eq!(spec.column_names()[..2], ["mfcc_0", "mfcc_1"]);
    assert_eq!(features.functionals.len(), spec.functional_names().len());
    assert_eq!(spec.functional_names().len(), 121);
    assert_eq!(
        spec.functional_names()[..6],
        [
            "mfcc_0_mean",
            "mfcc_0_deviation",
            "mfcc_0_p5",
            "mfcc_0_p50",
            "mfcc_0_p95",
            "mfcc_0_mean_abs_difference"
        ]
    );
    assert_eq!(spec.functional_names()[120], "duration");
    assert_eq!(features.functionals[120], 1.0);
}

#[test]
fn deltas_are_named_after_their_column() {
    let mut spec = FeatureSpec::recommended();
    spec.blocks[0].deltas = 2;
    spec.blocks[0].functionals = false;
    let names = spec.column_names();
    assert_eq!(names.len(), 60);
    assert_eq!(
        [&names[0], &names[20], &names[40]],
        ["mfcc_0", "delta_mfcc_0", "delta_delta_mfcc_0"]
    );
    let features = spec
        .extractor()
        .unwrap()
        .extract(&recording(8_000))
        .unwrap();
    assert_eq!(features.frames.columns(), 60);
    assert!(features.functionals.is_empty());
    assert!(spec.functional_names().is_empty());
}

#[test]
fn columns_are_named_as_the_preset_orders_them() {
    let names = |config: MfccConfig| config.column_names();
    assert_eq!(names(MfccConfig::kaldi())[..2], ["log_energy", "mfcc_1"]);
    assert_eq!(names(MfccConfig::htk())[0], "mfcc_1");
    assert_eq!(names(MfccConfig::htk())[12], "mfcc_0");
    let dropped = MfccConfig {
        zeroth: Zeroth::Dropped,
        ..MfccConfig::librosa()
    };
    assert_eq!(names(dropped.clone())[0], "mfcc_1");
    // Dropping the zeroth coefficient shifts the others, and changes none of them.
    let samples = noise(16_000, 0.1);
    let with = Mfcc::new(&MfccConfig::librosa(), 16_000)
        .unwrap()
        .compute(&samples);
    let without = Mfcc::new(&dropped, 16_000).unwrap().compute(&samples);
    assert_eq!(with.row(3)[1..], without.row(3)[..19]);
}

#[test]
fn a_subtracted_mean_is_gone_from_the_frames_but_not_from_the_functionals() {
    let spec = FeatureSpec::recommended();
    let features = spec
        .extractor()
        .unwrap()
        .extract(&recording(20_000))
        .unwrap();
    let mut kept = spec.clone();
    kept.blocks[0].subtract_mean = Columns::None;
    let raw = kept
        .extractor()
        .unwrap()
        .extract(&recording(20_000))
        .unwrap();
    assert_eq!(raw.functionals, features.functionals);
    let frames = raw.frames.len() as f32;
    for column in 0..20 {
        let mean: f32 = features.frames.column(column).sum::<f32>() / frames;
        assert!(mean.abs() < 1e-4, "column {column} has mean {mean}");
        let raw_mean: f32 = raw.frames.column(column).sum::<f32>() / frames;
        assert!((raw_mean - features.functionals[6 * column]).abs() < 1e-3);
    }
}

#[test]
fn averaging_is_of_powers_before_the_logarithm() {
    let config = FeatureSpec::recommended().mfcc;
    let mfcc = Mfcc::new(&config, 16_000).unwrap();
    let samples = noise(400 + 160 * 4, 0.2); // five frames: two pairs and one left over
    let mel = mfcc.log_mel(&samples);
    let averaged = mfcc.compute_averaged(&samples, 2);
    assert_eq!((mel.len(), averaged.len()), (5, 3));
    for (row, pair) in averaged.rows().zip([&[0, 1][..], &[2, 3], &[4]]) {
        let log_mean: Vec<f64> = (0..80)
            .map(|m| {
                let power = |&t: &usize| f64::from(mel.row(t)[m]).exp();
                (pair.iter().map(power).sum::<f64>() / pair.len() as f64).ln()
            })
            .collect();
        for (n, &value) in row.iter().enumerate() {
            let scale = if n == 0 { 1.0 / 80.0 } else { 2.0 / 80.0 };
            let expected: f64 = log_mean
                .iter()
                .enumerate()
                .map(|(m, x)| x * (std::f64::consts::PI * n as f64 * (m as f64 + 0.5) / 80.0).cos())
                .sum::<f64>()
                * f64::sqrt(scale);
            assert!((f64::from(value) - expected).abs() < 1e-3, "mfcc_{n}");
        }
    }
    assert_eq!(mfcc.compute_averaged(&samples, 1), mfcc.compute(&samples));
}

#[test]
fn too_little_sound_is_an_error_in_seconds() {
    let extractor = FeatureSpec::recommended().extractor().unwrap();
    for n in [0, 1, 399] {
        match extractor.extract(&recording(n)) {
            Err(error @ AudioError::TooShort { needed, .. }) => {
                assert_eq!(needed, 0.025);
                assert!(error.to_string().contains("0.0250 s"), "{error}");
            }
            other => panic!("{n} samples: {other:?}"),
        }
    }
    let one = extractor.extract(&recording(400)).unwrap();
    assert_eq!(one.frames.len(), 1);
    assert!(one.functionals.iter().all(|v| v.is_finite()));
}

#[test]
fn silence_constants_and_clipping_give_finite_features() {
    let square: Vec<f32> = (0..16_000)
        .map(|i| if i / 50 % 2 == 0 { 1.0 } else { -1.0 })
        .collect();
    for samples in [
        vec![0.0; 16_000],
        vec![1.0; 16_000],
        vec![1e-30; 16_000],
        square,
        vec![3e4; 16_000],
    ] {
        let recording = Recording::from_samples(samples.clone(), 16_000).unwrap();
        let mut spec = FeatureSpec::recommended();
        spec.blocks[0].deltas = 2;
        for (name, mfcc) in presets() {
            spec.mfcc = mfcc;
            let features = spec.extractor().unwrap().extract(&recording).unwrap();
            let all = features.frames.data().iter().chain(&features.functionals);
            assert!(all.clone().all(|v| v.is_finite()), "{name}: {}", samples[0]);
        }
    }
}

#[test]
fn recordings_of_any_sample_rate_are_accepted() {
    let extractor = FeatureSpec::recommended().extractor().unwrap();
    for rate in [8_000, 11_025, 22_050, 44_100, 48_000, 192_000] {
        let second = Recording::from_samples(noise(rate as usize, 0.2), rate).unwrap();
        let features = extractor.extract(&second).unwrap();
        assert_eq!(features.frames.len(), 49, "{rate} Hz");
        let false_rate = Recording::from_samples(second.into_samples(), 1).unwrap();
        assert!(matches!(
            extractor.extract(&false_rate),
            Err(AudioError::Settings { .. })
        ));
    }
}

#[test]
fn threads_share_an_extractor_and_agree() {
    let extractor = FeatureSpec::recommended().extractor().unwrap();
    let recording = recording(30_000);
    let alone = extractor.extract(&recording).unwrap();
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| extractor.clone().extract(&recording).unwrap()))
            .collect();
        for run in runs {
            assert_eq!(run.join().unwrap(), alone);
        }
    });
}

#[test]
fn settings_can_be_stored_and_unknown_ones_are_refused() {
    for (name, mfcc) in presets() {
        let spec = FeatureSpec {
            mfcc,
            ..FeatureSpec::recommended()
        };
        let text = serde_json::to_string(&spec).unwrap();
        let read: FeatureSpec = serde_json::from_str(&text).unwrap();
        assert_eq!(read, spec, "{name}");
        for part in ["{", "\"mfcc\":{", "\"trim\":{"] {
            let odd = text.replacen(part, &format!("{part}\"pitch_shift\":1,"), 1);
            let error = serde_json::from_str::<FeatureSpec>(&odd).unwrap_err();
            assert!(error.to_string().contains("pitch_shift"), "{error}");
        }
    }
}

#[test]
fn contradictory_settings_are_refused_by_name() {
    type Change = fn(&mut FeatureSpec);
    let changes: [(&str, Change); 22] = [
        ("sample_rate", |s| s.sample_rate = 0),
        ("f_max", |s| s.sample_rate = 8_000),
        ("threshold_db", |s| {
            s.trim = Some(TrimSettings {
                threshold_db: f64::NAN,
                margin: 0.1,
            })
        }),
        ("deltas", |s| s.blocks[0].deltas = 3),
        ("average", |s| s.average = 0),
        ("average", |s| s.average = usize::MAX),
        ("input_scale", |s| s.mfcc.input_scale = 0.0),
        ("window_length", |s| s.mfcc.window_length = Span::Samples(0)),
        ("window_length", |s| {
            s.mfcc.window_length = Span::Samples(513)
        }),
        ("window_length", |s| {
            s.mfcc.window_length = Span::Milliseconds(40.0)
        }),
        ("hop_length", |s| s.mfcc.hop_length = Span::Samples(0)),
        ("hop_length", |s| {
            s.mfcc.hop_length = Span::Milliseconds(0.001)
        }),
        ("hop_length", |s| {
            s.mfcc.hop_length = Span::Milliseconds(f64::INFINITY)
        }),
        ("n_mels", |s| s.mfcc.n_mels = 0),
        ("n_mels", |s| s.mfcc.n_mels = usize::MAX),
        ("n_mfcc", |s| s.mfcc.n_mfcc = 81),
        ("n_mfcc", |s| s.mfcc.n_mfcc = 0),
        ("f_min", |s| s.mfcc.f_min = -1.0),
        ("f_max", |s| s.mfcc.f_max = Some(20.0)),
        ("floor", |s| s.mfcc.floor = Floor::AtLeast(0.0)),
        ("floor", |s| s.mfcc.floor = Floor::Add(1e-60)),
        ("lifter", |s| s.mfcc.lifter = Lifter::Sine(0.0)),
    ];
    FeatureSpec::recommended().validate().unwrap();
    for (name, change) in changes {
        let mut spec = FeatureSpec::recommended();
        change(&mut spec);
        match spec.validate() {
            Err(AudioError::Settings { what }) => assert!(what.contains(name), "{name}: {what}"),
            other => panic!("{name}: {other:?}"),
        }
        assert!(spec.extractor().is_err(), "{name}");
    }
}

#[test]
fn every_length_gives_the_stated_number_of_frames() {
    for (name, config) in presets() {
        for framing in framings() {
            let config = MfccConfig {
                framing,
                ..config.clone()
            };
            let mfcc = Mfcc::new(&config, 16_000).unwrap();
            let needed = mfcc.samples_needed();
            for n in [0, 1, 2, 79, 80, 81, 399, 400, 401, 511, 512, 2048, 3000] {
                let frames = mfcc.compute(&noise(n, 0.1));
                assert_eq!(frames.len(), mfcc.frame_count(n), "{name} {framing:?} {n}");
                assert_eq!(
                    frames.is_empty(),
                    n < needed,
                    "{name} {framing:?}: {n} of {needed} samples"
                );
                assert!(frames.data().iter().all(|v| v.is_finite()));
            }
        }
    }
}

#[test]
fn frames_that_lie_inside_do_not_depend_on_what_comes_after() {
    // Streaming relies on this property.
    let mfcc = Mfcc::new(&FeatureSpec::recommended().mfcc, 16_000).unwrap();
    let samples = noise(16_000, 0.3);
    let whole = mfcc.compute(&samples);
    for n in [400, 1_000, 7_777, 15_999] {
        let part = mfcc.compute(&samples[..n]);
        assert_eq!(
            part.data(),
            &whole.data()[..part.data().len()],
            "{n} samples"
        );
    }
    let shifted = mfcc.compute(&samples[160 * 7..]);
    assert_eq!(shifted.row(0), whole.row(7));
}

#[test]
fn gain_moves_only_the_zeroth_coefficient() {
    let config = MfccConfig {
        n_mfcc: 20,
        floor: Floor::AtLeast(1e-30),
        ..FeatureSpec::recommended().mfcc
    };
    let mfcc = Mfcc::new(&config, 16_000).unwrap();
    let quiet = noise(8_000, 0.01);
    let loud: Vec<f32> = quiet.iter().map(|s| s * 8.0).collect();
    let (quiet, loud) = (mfcc.compute(&quiet), mfcc.compute(&loud));
    // ln of a power gain of 64 in each of 80 bands, times sqrt(80)/80
    let gain = 64f32.ln() * 80f32.sqrt();
    for (q, l) in quiet.rows().zip(loud.rows()) {
        assert!((l[0] - q[0] - gain).abs() < 1e-3);
        for n in 1..20 {
            assert!((l[n] - q[n]).abs() < 1e-3, "mfcc_{n}");
        }
    }
}
