//! The blocks of a feature specification: each compared with a slow, simple version of
//! itself, and all on a common grid of rows.

use std::f64::consts::TAU;

use audio::{
    AudioError, Chroma, Columns, FeatureBlock, FeatureSpec, Features, FftLength, Framing,
    Harmonicity, HarmonicityConfig, Intensity, IntensityConfig, Measure, Mfcc, MfccConfig, Pitch,
    PitchConfig, ProsodyConfig, Recording, SpeakingRate, SpeakingRateConfig, SpectralConfig,
    SpectralFeature, SpectralShape, delta,
};

use crate::common::{framings, ravdess_files, spec_of};

const RATE: u32 = 16_000;

/// Similar to a voice: a pulse train of gliding pitch through a resonance, louder and
/// softer, with pauses and a little noise.
fn voice(seconds: f64) -> Vec<f32> {
    let n = (seconds * f64::from(RATE)) as usize;
    let (mut phase, mut y1, mut y2) = (0.0, 0.0, 0.0);
    let angle = TAU * 700.0 / f64::from(RATE);
    let mut state = 1u32;
    (0..n)
        .map(|i| {
            let time = i as f64 / f64::from(RATE);
            phase += (150.0 + 60.0 * (2.0 * time).sin()) / f64::from(RATE);
            let voiced = time % 0.6 > 0.17;
            let pulse = if phase >= 1.0 && voiced { 1.0 } else { 0.0 };
            phase -= phase.floor();
            let y = pulse + 2.0 * 0.97 * angle.cos() * y1 - 0.97 * 0.97 * y2;
            (y2, y1) = (y1, y);
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = f64::from(state >> 8) / f64::from(1 << 23) - 1.0;
            (0.1 * y * (1.2 + (3.0 * time).sin()) + 0.002 * noise) as f32
        })
        .collect()
}

/// The synthetic voice, and a real one if there is a corpus.
fn voices() -> Vec<Recording> {
    let mut all = vec![Recording::from_samples(voice(2.3), RATE).unwrap()];
    if let Some(files) = ravdess_files() {
        let real = Recording::open(&files[0]).unwrap();
        all.push(real.resample(RATE).unwrap());
    }
    all
}

fn every_measure() -> Vec<Measure> {
    use SpectralFeature as F;
    vec![
        Measure::Mfcc,
        Measure::LogMel,
        Measure::Prosody(ProsodyConfig::default()),
        Measure::Pitch(PitchConfig::default()),
        Measure::Intensity { floor: 100.0 },
        Measure::Spectral(vec![
            F::ZeroCrossingRate,
            F::Centroid,
            F::RollOff(0.85),
            F::Flatness,
            F::Flux,
        ]),
        Measure::Chroma(Chroma::default()),
        Measure::Harmonicity(HarmonicityConfig::default()),
    ]
}

fn extract(spec: &FeatureSpec, recording: &Recording) -> Features {
    spec.extractor().unwrap().extract(recording).unwrap()
}

/// The column of that name.
fn column(spec: &FeatureSpec, features: &Features, name: &str) -> Vec<f64> {
    let names = spec.column_names();
    let at = names.iter().position(|n| n == name).expect(name);
    features.frames.column(at).map(f64::from).collect()
}

/// Times of rows of two whole windows of 400 samples every 160.
fn row_times(samples: usize) -> Vec<f64> {
    let frames = (samples - 400) / 160 + 1;
    let centres: Vec<f64> = (0..frames)
        .map(|t| (160.0 * t as f64 + 200.0) / f64::from(RATE))
        .collect();
    centres
        .chunks(2)
        .map(|pair| pair.iter().sum::<f64>() / pair.len() as f64)
        .collect()
}

/// Index of the time nearest to `time`.
fn nearest(times: &[f64], time: f64) -> usize {
    let distance = |i: &usize| (times[*i] - time).abs();
    (0..times.len())
        .min_by(|a, b| distance(a).total_cmp(&distance(b)))
        .unwrap()
}

fn assert_close(name: &str, got: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(got.len(), expected.len(), "{name}: rows");
    for (t, (got, expected)) in got.iter().zip(expected).enumerate() {
        assert!(
            (got - expected).abs() <= tolerance,
            "{name}, row {t}: {got}, not {expected}"
        );
    }
}

fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.into_iter().collect();
    values.iter().sum::<f64>() / values.len() as f64
}

/// Prosody by its description: F0 of each row (0 if unvoiced), strength and level.
fn slow_tracks(samples: &[f32]) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let times = row_times(samples.len());
    let track = Pitch::new(&PitchConfig::default(), RATE)
        .unwrap()
        .track(samples);
    let frames: Vec<_> = times
        .iter()
        .map(|&time| track.frames[nearest(&track.times, time)])
        .collect();
    let powers: Vec<f64> = samples
        .windows(400)
        .step_by(160)
        .map(|w| mean(w.iter().map(|&x| f64::from(x).powi(2))))
        .collect();
    let level = powers
        .chunks(2)
        .map(|pair| 10.0 * mean(pair.iter().copied()).max(1e-10).log10());
    (
        frames.iter().map(|f| f.frequency.unwrap_or(0.0)).collect(),
        frames.iter().map(|f| f.strength).collect(),
        level.collect(),
    )
}

#[test]
fn every_column_of_prosody_is_as_described() {
    let spec = spec_of(vec![Measure::Prosody(ProsodyConfig::default())]);
    for recording in voices() {
        let features = extract(&spec, &recording);
        let (hertz, strength, level) = slow_tracks(recording.samples());
        let voiced: Vec<usize> = (0..hertz.len()).filter(|&t| hertz[t] > 0.0).collect();
        assert!(voiced.len() > 10 && voiced.len() < hertz.len());
        let middle = mean(voiced.iter().map(|&t| hertz[t].ln()));
        let loudest = level.iter().copied().fold(f64::MIN, f64::max);
        let log_f0 = |t: usize| {
            let before = voiced.iter().copied().rfind(|&v| v <= t);
            let after = voiced.iter().copied().find(|&v| v >= t);
            match (before, after) {
                (Some(a), Some(b)) if a < b => {
                    let share = (t - a) as f64 / (b - a) as f64;
                    (1.0 - share) * hertz[a].ln() + share * hertz[b].ln()
                }
                (Some(v), _) | (None, Some(v)) => hertz[v].ln(),
                (None, None) => unreachable!("some rows are voiced"),
            }
        };
        let rows = 0..hertz.len();
        let is_voiced = |t: usize| hertz[t] > 0.0;
        let check = |name: &str, expected: Vec<f64>| {
            let got = column(&spec, &features, name);
            assert_close(name, &got, &expected, 1e-4);
        };
        check("prosody_log_f0", rows.clone().map(log_f0).collect());
        let relative = |t| {
            if is_voiced(t) {
                log_f0(t) - middle
            } else {
                0.0
            }
        };
        check(
            "prosody_log_f0_relative",
            rows.clone().map(relative).collect(),
        );
        let flag = |t| if is_voiced(t) { 1.0 } else { 0.0 };
        check("prosody_voiced", rows.clone().map(flag).collect());
        check("prosody_strength", strength);
        let below = |t: usize| (level[t] - loudest).max(-50.0);
        check("prosody_level_relative", rows.map(below).collect());
        check("prosody_level", level);
    }
}

#[test]
fn the_functionals_of_prosody_are_as_described() {
    let mut spec = spec_of(vec![Measure::Prosody(ProsodyConfig::default())]);
    spec.blocks[0].functionals = true;
    for recording in voices() {
        let features = extract(&spec, &recording);
        let (hertz, strength, level) = slow_tracks(recording.samples());
        let names = spec.functional_names();
        let check = |name: &str, expected: f64| {
            let at = names.iter().position(|n| n == name).expect(name);
            let got = f64::from(features.functionals[at]);
            let tolerance = 1e-3 * expected.abs().max(1.0);
            assert!(
                (got - expected).abs() < tolerance,
                "{name}: {got}, not {expected}"
            );
        };
        let deviation = |values: &[f64]| {
            let middle = mean(values.iter().copied());
            mean(values.iter().map(|v| (v - middle).powi(2))).sqrt()
        };
        let percentile = |values: &[f64], share: f64| {
            let mut sorted = values.to_vec();
            sorted.sort_by(f64::total_cmp);
            let place = share * (sorted.len() - 1) as f64;
            let above = sorted[place.ceil() as usize];
            let below = sorted[place.floor() as usize];
            below + (above - below) * place.fract()
        };
        let log_f0: Vec<Option<f64>> = hertz.iter().map(|&f| (f > 0.0).then(|| f.ln())).collect();
        let levels: Vec<Option<f64>> = level.iter().map(|&v| Some(v)).collect();
        for (name, contour) in [("log_f0", &log_f0), ("level", &levels)] {
            let values: Vec<f64> = contour.iter().copied().flatten().collect();
            let number = |end: &str, expected| check(&format!("prosody_{name}_{end}"), expected);
            number("mean", mean(values.iter().copied()));
            number("deviation", deviation(&values));
            let (low, high) = (percentile(&values, 0.05), percentile(&values, 0.95));
            number("p5", low);
            number("p50", percentile(&values, 0.5));
            number("p95", high);
            number("range", high - low);
            let mut slopes = Vec::new();
            for t in 1..contour.len() {
                if let (Some(a), Some(b)) = (contour[t - 1], contour[t]) {
                    slopes.push((b - a) / 0.02);
                }
            }
            number("mean_abs_slope", mean(slopes.iter().map(|s| s.abs())));
            number(
                "rising_slope",
                mean(slopes.iter().copied().filter(|&s| s > 0.0)),
            );
            number(
                "falling_slope",
                mean(slopes.iter().copied().filter(|&s| s < 0.0)),
            );
            // Cov(t, v) / Var(t)
            let points: Vec<(f64, f64)> = contour
                .iter()
                .enumerate()
                .filter_map(|(t, v)| Some((0.02 * t as f64, (*v)?)))
                .collect();
            let middle = mean(points.iter().map(|p| p.0));
            let covariance = mean(points.iter().map(|p| (p.0 - middle) * p.1));
            let variance = mean(points.iter().map(|p| (p.0 - middle).powi(2)));
            number("trend", covariance / variance);
        }

        let voiced: Vec<usize> = (0..hertz.len()).filter(|&t| hertz[t] > 0.0).collect();
        let strengths: Vec<f64> = voiced.iter().map(|&t| strength[t]).collect();
        check(
            "prosody_level_voiced_mean",
            mean(voiced.iter().map(|&t| level[t])),
        );
        check(
            "prosody_voiced_share",
            voiced.len() as f64 / hertz.len() as f64,
        );
        check("prosody_strength_mean", mean(strengths.iter().copied()));
        check("prosody_strength_deviation", deviation(&strengths));
        let text: String = hertz
            .iter()
            .map(|&f| if f > 0.0 { 'v' } else { ' ' })
            .collect();
        let stretches: Vec<usize> = text.split_whitespace().map(str::len).collect();
        let gaps: Vec<usize> = text
            .trim()
            .split('v')
            .map(str::len)
            .filter(|&n| n > 0)
            .collect();
        assert!(gaps.len() > 1);
        let seconds = |rows: &[usize]| mean(rows.iter().map(|&n| 0.02 * n as f64));
        check(
            "prosody_stretches_per_second",
            stretches.len() as f64 / (0.02 * hertz.len() as f64),
        );
        check("prosody_stretch_mean", seconds(&stretches));
        check(
            "prosody_stretch_longest",
            0.02 * *stretches.iter().max().unwrap() as f64,
        );
        check("prosody_gap_mean", seconds(&gaps));
        let rate = SpeakingRate::new(&SpeakingRateConfig::default(), RATE).unwrap();
        let syllables = rate.syllables(recording.samples()).speech_rate();
        check("prosody_syllables_per_second", syllables);
        check("duration", recording.duration());
    }
}

#[test]
fn pitch_and_harmonicity_are_those_of_the_nearest_frame() {
    let spec = spec_of(vec![
        Measure::Pitch(PitchConfig::default()),
        Measure::Harmonicity(HarmonicityConfig::default()),
    ]);
    for recording in voices() {
        let features = extract(&spec, &recording);
        let (hertz, ..) = slow_tracks(recording.samples());
        assert_close("Hz", &column(&spec, &features, "pitch_hz"), &hertz, 1e-3);
        let voiced: Vec<f64> = hertz
            .iter()
            .map(|&f| f64::from(u8::from(f > 0.0)))
            .collect();
        let got = column(&spec, &features, "pitch_voiced");
        assert_close("voiced", &got, &voiced, 0.0);
        let track = Harmonicity::new(&HarmonicityConfig::default(), RATE)
            .unwrap()
            .track(recording.samples());
        let ratios: Vec<f64> = row_times(recording.samples().len())
            .iter()
            .map(|&time| track.decibels[nearest(&track.times, time)].unwrap_or(0.0))
            .collect();
        let got = column(&spec, &features, "harmonicity_db");
        assert_close("harmonicity", &got, &ratios, 1e-4);
    }
}

#[test]
fn intensity_is_that_of_praat_at_the_times_of_rows() {
    let spec = spec_of(vec![Measure::Intensity { floor: 100.0 }]);
    for recording in voices() {
        let features = extract(&spec, &recording);
        let got = column(&spec, &features, "intensity_db");
        // Frames so close that one is at every row's time, to a sample.
        let config = IntensityConfig {
            time_step: 1e-4,
            ..IntensityConfig::default()
        };
        let track = Intensity::new(&config, RATE)
            .unwrap()
            .track(recording.samples());
        for (time, got) in row_times(recording.samples().len()).iter().zip(got) {
            // Near the ends Praat has no frames.
            if let Some(expected) = track.at(*time) {
                let expected = expected.max(0.0);
                // The time lies between two samples, which at an onset differ by this
                // much.
                assert!((got - expected).abs() < 0.15, "{time} s: {got}, {expected}");
            }
        }
    }
}

#[test]
fn rows_of_spectra_are_means_over_their_frames() {
    let spec = spec_of(every_measure());
    for recording in voices() {
        let features = extract(&spec, &recording);
        let mut config = SpectralConfig::framed_like(&spec.mfcc);
        config
            .features
            .retain(|f| !matches!(f, SpectralFeature::Rms | SpectralFeature::Bandwidth));
        let shape = SpectralShape::new(&config, RATE).unwrap();
        let frames = shape.compute(recording.samples());
        for (j, name) in shape.column_names().iter().enumerate() {
            let values: Vec<f64> = frames.column(j).map(f64::from).collect();
            let means: Vec<f64> = values.chunks(2).map(|p| mean(p.iter().copied())).collect();
            let tolerance = 1e-6 * means.iter().fold(1.0, |m: f64, v| m.max(v.abs()));
            assert_close(name, &column(&spec, &features, name), &means, tolerance);
        }
        let mfcc = Mfcc::new(&spec.mfcc, RATE).unwrap();
        let averaged = mfcc.compute_averaged(recording.samples(), 2);
        let mel = mfcc.log_mel_averaged(recording.samples(), 2);
        for (t, row) in features.frames.rows().enumerate() {
            assert_eq!(row[..20], *averaged.row(t));
            assert_eq!(row[20..100], *mel.row(t));
        }
    }
}

#[test]
fn averaged_log_mel_spectra_are_of_mean_power() {
    let mfcc = Mfcc::new(&FeatureSpec::recommended().mfcc, RATE).unwrap();
    let samples = voice(0.3);
    let (single, triple) = (mfcc.log_mel(&samples), mfcc.log_mel_averaged(&samples, 3));
    let singles: Vec<&[f32]> = single.rows().collect();
    for (group, row) in singles.chunks(3).zip(triple.rows()) {
        for (m, &got) in row.iter().enumerate() {
            let power = mean(group.iter().map(|frame| f64::from(frame[m]).exp()));
            assert!((f64::from(got) - power.ln()).abs() < 1e-4, "band {m}");
        }
    }
}

#[test]
fn rows_measure_a_glide_at_their_own_time_with_every_framing() {
    // 200 Hz per second: a delay of 10 ms would be an error of 2 Hz.
    let n = 2 * RATE as usize;
    let glide: Vec<f32> = (0..n)
        .map(|i| {
            let t = i as f64 / f64::from(RATE);
            (0.5 * (TAU * (150.0 * t + 100.0 * t * t)).sin()) as f32
        })
        .collect();
    let recording = Recording::from_samples(glide, RATE).unwrap();
    for framing in framings() {
        for average in [1, 2, 5] {
            let mut spec = spec_of(vec![Measure::Pitch(PitchConfig {
                time_step: 0.001,
                ..PitchConfig::default()
            })]);
            (spec.mfcc.framing, spec.average) = (framing, average);
            let features = extract(&spec, &recording);
            // The middle of the first frame's window, in samples.
            let first = match framing {
                Framing::CenteredZero | Framing::CenteredReflect => 0.0,
                Framing::WholeTransform => 256.0,
                Framing::WholeWindow | Framing::PaddedTail => 200.0,
                Framing::Mirrored => 80.0,
                other => panic!("no case for {other:?}"),
            };
            let got = column(&spec, &features, "pitch_hz");
            for (row, hertz) in got.iter().enumerate() {
                let frame = (row * average) as f64 + 0.5 * (average - 1) as f64;
                let time = (first + 160.0 * frame) / f64::from(RATE);
                if (0.1..1.8).contains(&time) {
                    let expected = 150.0 + 200.0 * time;
                    assert!(
                        (hertz - expected).abs() < 0.5,
                        "{framing:?}, {average}, {time} s: {hertz}, not {expected}"
                    );
                }
            }
        }
    }
}

#[test]
fn all_blocks_have_the_same_rows_at_every_length_framing_and_average() {
    let mut spec = spec_of(every_measure());
    for block in &mut spec.blocks {
        block.deltas = 1;
        block.functionals = true;
        block.subtract_mean = Columns::All;
    }
    let names = spec.column_names();
    assert_eq!(names.len(), spec.columns());
    assert_eq!(names.len(), 2 * (20 + 80 + 6 + 2 + 1 + 5 + 12 + 1));
    let sound = voice(1.0);
    for framing in framings() {
        for average in [1, 2, 7] {
            (spec.mfcc.framing, spec.average) = (framing, average);
            let extractor = spec.extractor().unwrap();
            let mfcc = Mfcc::new(&spec.mfcc, RATE).unwrap();
            for n in [1, 399, 400, 512, 600, 799, 1_000, 2_047, 2_048, 16_000] {
                for samples in [sound[..n].to_vec(), vec![0.0; n]] {
                    let recording = Recording::from_samples(samples, RATE).unwrap();
                    let frames = mfcc.frame_count(n);
                    match extractor.extract(&recording) {
                        Ok(features) => {
                            assert_eq!(features.frames.len(), frames.div_ceil(average));
                            assert_eq!(features.frames.columns(), names.len());
                            let functionals = spec.functional_names().len();
                            assert_eq!(features.functionals.len(), functionals);
                            let all = features.frames.data().iter().chain(&features.functionals);
                            assert!(all.clone().all(|v| v.is_finite()), "{framing:?}, {n}");
                        }
                        Err(AudioError::TooShort { .. }) => assert_eq!(frames, 0),
                        Err(error) => panic!("{framing:?}, {n} samples: {error}"),
                    }
                }
            }
        }
    }
}

#[test]
fn blocks_are_in_their_order_with_their_own_deltas_and_means() {
    let recording = Recording::from_samples(voice(1.5), RATE).unwrap();
    let plain = spec_of(every_measure());
    let raw = extract(&plain, &recording);
    let mut spec = plain.clone();
    spec.blocks.reverse();
    for block in &mut spec.blocks {
        match block.measure {
            Measure::Prosody(_) => {
                block.subtract_mean = Columns::Named(vec!["prosody_level".into()]);
                block.deltas = 2;
            }
            Measure::Mfcc => block.subtract_mean = Columns::All,
            _ => {}
        }
    }
    let names = spec.column_names();
    assert_eq!(names[0], "harmonicity_db");
    assert_eq!(names.last().unwrap(), "mfcc_19");
    let features = extract(&spec, &recording);
    let changed = extract(&spec, &recording).frames;
    assert_eq!(names.len(), plain.columns() + 12);
    for name in plain.column_names() {
        let values = column(&plain, &raw, &name);
        let middle = mean(values.iter().copied());
        let subtracted = name.starts_with("mfcc_") || name == "prosody_level";
        let less = if subtracted { middle } else { 0.0 };
        let expected: Vec<f64> = values.iter().map(|v| v - less).collect();
        assert_close(&name, &column(&spec, &features, &name), &expected, 1e-4);
        if name.starts_with("prosody_") {
            let base = column(&spec, &features, &name);
            let base = audio::Frames::new(base.iter().map(|&v| v as f32).collect(), 1);
            for (order, prefix) in [(1, "delta_"), (2, "delta_delta_")] {
                let name = format!("{prefix}{name}");
                let slope = delta(&base, order, audio::DeltaMethod::HTK);
                let expected: Vec<f64> = slope.column(0).map(f64::from).collect();
                assert_close(&name, &column(&spec, &features, &name), &expected, 1e-6);
            }
        }
    }
    assert_eq!(changed, features.frames);
}

#[test]
fn the_emotion_preset_is_the_recommended_one_with_prosody() {
    let (spec, recommended) = (FeatureSpec::emotion(), FeatureSpec::recommended());
    spec.validate().unwrap();
    assert_eq!(spec.columns(), 26);
    let names = spec.functional_names();
    assert_eq!(names.len(), 150);
    let mut distinct = names.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), 150);
    assert_eq!(names[119], "mfcc_19_mean_abs_difference");
    assert_eq!(names[120], "prosody_log_f0_mean");
    assert_eq!(names[149], "duration");
    let recording = Recording::from_samples(voice(2.0), RATE).unwrap();
    let (with, without) = (
        extract(&spec, &recording),
        extract(&recommended, &recording),
    );
    for (with, without) in with.frames.rows().zip(without.frames.rows()) {
        assert_eq!(with[..20], *without);
    }
    assert_eq!(with.functionals[..120], without.functionals[..120]);
    assert_eq!(with.functionals[149], without.functionals[120]);
}

#[test]
fn gain_moves_the_level_and_nothing_else_of_prosody() {
    let spec = spec_of(vec![Measure::Prosody(ProsodyConfig::default())]);
    let loud = voice(1.5);
    let quiet = loud.iter().map(|x| x / 8.0).collect();
    let loud = extract(&spec, &Recording::from_samples(loud, RATE).unwrap());
    let quiet = extract(&spec, &Recording::from_samples(quiet, RATE).unwrap());
    for (loud, quiet) in loud.frames.rows().zip(quiet.frames.rows()) {
        for j in [0, 1, 2, 3, 5] {
            assert!((loud[j] - quiet[j]).abs() < 1e-4, "column {j}");
        }
        assert!((loud[4] - quiet[4] - 18.0618).abs() < 1e-3);
    }
}

#[test]
fn every_measure_can_be_stored_and_unknown_settings_are_refused() {
    let mut spec = spec_of(every_measure());
    spec.blocks[0].subtract_mean = Columns::All;
    spec.blocks[2].subtract_mean = Columns::Named(vec!["prosody_level".into()]);
    spec.blocks[1].deltas = 2;
    let text = serde_json::to_string(&spec).unwrap();
    let read: FeatureSpec = serde_json::from_str(&text).unwrap();
    assert_eq!(read, spec);
    read.validate().unwrap();
    for place in [
        "\"prosody\":{",
        "\"pitch\":{",
        "\"intensity\":{",
        "\"chroma\":{",
        "\"harmonicity\":{",
        "{\"measure\":",
    ] {
        assert!(text.contains(place), "{place}");
        let odd = if place.ends_with(':') {
            text.replacen(place, &format!("{{\"fluor\":1,{}", &place[1..]), 1)
        } else {
            text.replacen(place, &format!("{place}\"fluor\":1,"), 1)
        };
        let error = serde_json::from_str::<FeatureSpec>(&odd).unwrap_err();
        assert!(error.to_string().contains("fluor"), "{place}: {error}");
    }
    // Omitted settings of a block have their defaults.
    let short: FeatureBlock = serde_json::from_str(r#"{"measure":{"prosody":{}}}"#).unwrap();
    let default = Measure::Prosody(ProsodyConfig::default());
    assert_eq!(short, FeatureBlock::new(default));
}

#[test]
fn blocks_out_of_range_are_refused_by_name() {
    let pitch = |change: fn(&mut PitchConfig)| {
        let mut config = PitchConfig::default();
        change(&mut config);
        config
    };
    let prosody = |floor_db| {
        vec![Measure::Prosody(ProsodyConfig {
            floor_db,
            ..ProsodyConfig::default()
        })]
    };
    let chroma = |n_chroma| {
        vec![Measure::Chroma(Chroma {
            n_chroma,
            ..Chroma::default()
        })]
    };
    for (measures, said) in [
        (vec![], "blocks lists 0 measures, it must be 1 to 32"),
        (vec![Measure::Mfcc; 33], "blocks lists 33 measures"),
        (
            vec![Measure::Mfcc, Measure::Mfcc],
            "the blocks have the column mfcc_0 twice",
        ),
        (
            vec![
                Measure::Spectral(vec![SpectralFeature::Chroma(Chroma::default())]),
                Measure::Chroma(Chroma::default()),
            ],
            "the blocks have the column chroma_c twice",
        ),
        (prosody(0.0), "blocks[0] (prosody): floor_db is 0"),
        (prosody(f64::NAN), "floor_db is NaN"),
        (
            vec![Measure::Mfcc, Measure::Pitch(pitch(|p| p.floor = 0.0))],
            "blocks[1] (pitch): floor is 0, it must be 1 to",
        ),
        (
            vec![Measure::Pitch(pitch(|p| p.time_step = f64::INFINITY))],
            "time_step is inf",
        ),
        (
            vec![Measure::Intensity { floor: -1.0 }],
            "blocks[0] (intensity): floor is -1",
        ),
        (
            vec![Measure::Spectral(vec![])],
            "blocks[0] (spectral): features lists 0",
        ),
        (chroma(0), "blocks[0] (chroma): n_chroma is 0"),
        (
            vec![Measure::Harmonicity(HarmonicityConfig {
                periods: 0.0,
                ..HarmonicityConfig::default()
            })],
            "blocks[0] (harmonicity): periods is 0",
        ),
    ] {
        let spec = spec_of(measures);
        let error = spec.validate().expect_err(said);
        assert!(matches!(error, AudioError::Settings { .. }), "{error}");
        assert!(error.to_string().contains(said), "{said}: {error}");
        assert!(spec.extractor().is_err());
    }
    let mut spec = FeatureSpec::recommended();
    spec.blocks[0].subtract_mean = Columns::Named(vec!["mfcc_20".into()]);
    let error = spec.validate().unwrap_err().to_string();
    assert!(error.contains("subtract_mean names \"mfcc_20\""), "{error}");
    spec.blocks[0].subtract_mean = Columns::Named(vec!["mfcc_19".into()]);
    spec.validate().unwrap();
}

#[test]
fn settings_cannot_ask_for_gigabytes() {
    let low = Measure::Harmonicity(HarmonicityConfig {
        floor: 1.0,
        periods: 20.0,
        ..HarmonicityConfig::default()
    });
    let fine = Measure::Chroma(Chroma {
        n_chroma: 1_200,
        ..Chroma::default()
    });
    for (measure, said) in [
        (low, "floor is 1 Hz, it must be at least 1.2"),
        (fine, "n_chroma is 1200 and n_fft 1048576"),
    ] {
        let mut spec = spec_of(vec![measure]);
        spec.mfcc.n_fft = FftLength::Samples(1 << 20);
        let error = spec.validate().unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn a_pitch_floor_that_does_not_fit_the_rate_names_its_block() {
    let mut spec = spec_of(vec![Measure::Prosody(ProsodyConfig {
        pitch: PitchConfig {
            floor: 550.0,
            ..PitchConfig::default()
        },
        ..ProsodyConfig::default()
    })]);
    spec.sample_rate = 1_000;
    spec.mfcc = MfccConfig::kaldi();
    let error = spec.validate().unwrap_err().to_string();
    assert!(error.starts_with("blocks[0] (prosody):"), "{error}");
}
