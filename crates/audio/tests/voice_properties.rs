//! Properties of pitch and the other measures of a voice.

use std::f64::consts::TAU;

use audio::{
    AudioError, Harmonicity, HarmonicityConfig, Intensity, IntensityConfig, PerturbationConfig,
    Pitch, PitchConfig, PitchFrame, PitchWindow, Pulses, SpeakingRate, SpeakingRateConfig,
};

use crate::common;

fn pitch(rate: u32) -> Pitch {
    Pitch::new(&PitchConfig::default(), rate).unwrap()
}

fn sine(frequency: f64, rate: u32, seconds: f64) -> Vec<f32> {
    (0..(seconds * f64::from(rate)) as usize)
        .map(|n| (0.5 * (TAU * frequency * n as f64 / f64::from(rate)).sin()) as f32)
        .collect()
}

fn noise(n: usize) -> Vec<f32> {
    common::noise(n, 1.0, 12345)
}

/// Similar to a voice: a pulse train of gliding pitch through a resonance, with a
/// pause.
fn voice(rate: u32, seconds: f64) -> Vec<f32> {
    let n = (seconds * f64::from(rate)) as usize;
    let (mut phase, mut y1, mut y2) = (0.0, 0.0, 0.0);
    let angle = TAU * 700.0 / f64::from(rate);
    (0..n)
        .map(|i| {
            let share = i as f64 / n as f64;
            phase += (120.0 + 150.0 * share) / f64::from(rate);
            let silent = (0.4..0.5).contains(&share);
            let pulse = if phase >= 1.0 && !silent { 1.0 } else { 0.0 };
            phase -= phase.floor();
            let y = pulse + 2.0 * 0.97 * angle.cos() * y1 - 0.97 * 0.97 * y2;
            (y2, y1) = (y1, y);
            0.1 * y as f32
        })
        .collect()
}

#[test]
fn a_sine_has_its_frequency_from_75_to_600_hertz_at_every_rate() {
    for rate in [8_000, 11_025, 16_000, 22_050, 44_100, 48_000] {
        let pitch = pitch(rate);
        for frequency in [76.0, 100.0, 150.3, 220.0, 333.3, 440.0, 599.0] {
            let track = pitch.track(&sine(frequency, rate, 0.3));
            assert!(track.len() >= 26);
            for frame in &track.frames {
                let got = frame.frequency.unwrap_or(0.0);
                let error = (got / frequency - 1.0).abs();
                assert!(error < 2e-3, "{frequency} Hz at {rate} Hz: {got}");
                assert!(frame.strength > 0.98 && frame.strength <= 1.0);
            }
        }
    }
}

#[test]
fn white_noise_is_unvoiced() {
    for rate in [16_000, 48_000] {
        let samples = noise(2 * rate as usize);
        let share = pitch(rate).track(&samples).voiced_share();
        assert!(share < 0.02, "{share} of the noise is voiced");
    }
}

#[test]
fn silence_is_unvoiced_and_finite() {
    for samples in [vec![0.0f32; 16_000], vec![0.25; 16_000]] {
        let track = pitch(16_000).track(&samples);
        assert_eq!(track.len(), 97);
        let unvoiced = PitchFrame {
            frequency: None,
            strength: 0.0,
        };
        assert!(track.frames.iter().all(|&f| f == unvoiced));
        assert!(track.times.iter().all(|t| t.is_finite()));
        let intensity = Intensity::new(&IntensityConfig::default(), 16_000).unwrap();
        assert!(
            intensity
                .track(&samples)
                .decibels
                .iter()
                .all(|d| d.is_finite())
        );
        let harmonicity = Harmonicity::new(&HarmonicityConfig::default(), 16_000).unwrap();
        assert_eq!(harmonicity.track(&samples).mean(), None);
        assert!(Pulses::find(&samples, 16_000, &track).times.is_empty());
        let rate = SpeakingRate::new(&SpeakingRateConfig::default(), 16_000).unwrap();
        assert_eq!(rate.syllables(&samples).speech_rate(), 0.0);
    }
}

#[test]
fn nan_and_infinite_samples_give_finite_results() {
    for bad in [f32::NAN, f32::INFINITY, f32::MAX] {
        let mut samples = voice(16_000, 0.5);
        samples[4000] = bad;
        let track = pitch(16_000).track(&samples);
        assert!(track.frames.iter().all(|f| f.strength.is_finite()));
        let pulses = Pulses::find(&samples, 16_000, &track);
        let config = PerturbationConfig::default();
        let _ = pulses.shimmer_local(&samples, 16_000, &config);
        let harmonicity = Harmonicity::new(&HarmonicityConfig::default(), 16_000).unwrap();
        assert!(
            harmonicity
                .track(&samples)
                .decibels
                .iter()
                .flatten()
                .all(|d| d.is_finite())
        );
        let rate = SpeakingRate::new(&SpeakingRateConfig::default(), 16_000).unwrap();
        assert!(rate.syllables(&samples).speech_rate().is_finite());
    }
}

#[test]
fn a_clip_shorter_than_a_window_has_no_frames() {
    let pitch = pitch(16_000);
    let harmonicity = Harmonicity::new(&HarmonicityConfig::default(), 16_000).unwrap();
    let intensity = Intensity::new(&IntensityConfig::default(), 16_000).unwrap();
    let rate = SpeakingRate::new(&SpeakingRateConfig::default(), 16_000).unwrap();
    for n in [0, 1, 2, 100, 638, 639] {
        let samples = noise(n);
        let track = pitch.track(&samples);
        assert!(
            track.is_empty() && track.voiced_intervals().is_empty(),
            "{n}"
        );
        assert_eq!(track.at(0.0), None);
        assert!(harmonicity.track(&samples).times.is_empty());
        assert!(intensity.track(&samples).times.is_empty());
        assert!(Pulses::find(&samples, 16_000, &track).times.is_empty());
        assert!(rate.syllables(&samples).nuclei.is_empty());
    }
    assert_eq!(pitch.track(&noise(640)).len(), 1);
}

#[test]
fn amplitude_changes_nothing_but_intensity() {
    let samples = voice(16_000, 1.0);
    // A power of two: no rounding differs.
    let quiet: Vec<f32> = samples.iter().map(|x| x / 256.0).collect();
    let (loud_track, quiet_track) = (pitch(16_000).track(&samples), pitch(16_000).track(&quiet));
    assert!(loud_track.voiced_share() > 0.7);
    assert_eq!(loud_track, quiet_track);
    let pulses = Pulses::find(&samples, 16_000, &loud_track);
    assert_eq!(pulses, Pulses::find(&quiet, 16_000, &quiet_track));
    let config = PerturbationConfig::default();
    assert_eq!(
        pulses.shimmer_local(&samples, 16_000, &config),
        pulses.shimmer_local(&quiet, 16_000, &config)
    );
    let harmonicity = Harmonicity::new(&HarmonicityConfig::default(), 16_000).unwrap();
    assert_eq!(harmonicity.track(&samples), harmonicity.track(&quiet));
    let intensity = Intensity::new(&IntensityConfig::default(), 16_000).unwrap();
    let pairs = intensity.track(&samples).decibels;
    for (loud, quiet) in pairs.iter().zip(intensity.track(&quiet).decibels) {
        let fallen = 20.0 * 256f64.log10();
        assert!(*loud < -200.0 || (loud - quiet - fallen).abs() < 1e-9);
    }
}

#[test]
fn a_pulse_train_has_a_pulse_per_period_and_no_jitter() {
    let rate = 48_000;
    let samples: Vec<f32> = (0..rate)
        .map(|n| (-0.02 * f64::from(n % 400)).exp() as f32)
        .collect();
    let track = pitch(rate as u32).track(&samples);
    let pulses = Pulses::find(&samples, rate as u32, &track);
    // 120 per second, minus the half windows at the ends.
    assert!(
        (115..=120).contains(&pulses.times.len()),
        "{}",
        pulses.times.len()
    );
    let config = PerturbationConfig::default();
    assert!((pulses.mean_period(&config).unwrap() - 1.0 / 120.0).abs() < 1e-7);
    assert!(pulses.jitter_local(&config).unwrap() < 1e-5);
    assert!(
        pulses
            .shimmer_local(&samples, rate as u32, &config)
            .unwrap()
            < 1e-4
    );
}

#[test]
fn a_stream_equals_the_whole_whatever_its_chunks() {
    for (rate, window) in [(16_000, PitchWindow::Hann), (48_000, PitchWindow::Gaussian)] {
        let config = PitchConfig {
            window,
            ..PitchConfig::default()
        };
        let pitch = Pitch::new(&config, rate).unwrap();
        // A whole number of steps plus the window: both grids are the same.
        let samples = voice(rate, pitch.window_seconds() + 1.2 + 1e-9);
        let whole = pitch.track(&samples);
        let peak = samples.iter().fold(0.0, |m: f32, x| m.max(x.abs()));
        for (chunk, look_back) in [(1, 1000), (160, 60), (997, 60), (samples.len(), 60)] {
            let mut stream = pitch.stream(look_back);
            stream.set_peak(f64::from(peak));
            let mut frames = Vec::new();
            for part in samples.chunks(chunk) {
                stream.push(part, |frame| frames.push(frame));
            }
            assert!((stream.time(3) - whole.times[3]).abs() < 1e-6);
            frames.extend(stream.finish());
            assert_eq!(frames, whole.frames, "chunks of {chunk} at {rate} Hz");
        }
    }
}

#[test]
fn a_stream_decides_each_frame_after_its_look_back() {
    let pitch = pitch(16_000);
    let samples = sine(200.0, 16_000, 1.0);
    for look_back in [0, 1, 10] {
        let mut stream = pitch.stream(look_back);
        let mut decided = 0;
        for (i, part) in samples.chunks(160).enumerate() {
            stream.push(part, |frame| {
                decided += 1;
                assert!((frame.frequency.unwrap() - 200.0).abs() < 0.1);
            });
            // A window is four chunks, a step one.
            assert_eq!(
                decided,
                (i + 1).saturating_sub(3 + look_back),
                "{look_back}"
            );
        }
        assert_eq!(stream.finish().len(), look_back.min(97));
    }
}

#[test]
fn invalid_settings_are_refused_by_name() {
    let defaults = PitchConfig::default;
    let bad = [
        (
            "time_step",
            PitchConfig {
                time_step: 0.0,
                ..defaults()
            },
        ),
        (
            "time_step",
            PitchConfig {
                time_step: f64::NAN,
                ..defaults()
            },
        ),
        (
            "floor",
            PitchConfig {
                floor: -75.0,
                ..defaults()
            },
        ),
        (
            "ceiling",
            PitchConfig {
                ceiling: 50.0,
                ..defaults()
            },
        ),
        (
            "ceiling",
            PitchConfig {
                ceiling: 75.0,
                ..defaults()
            },
        ),
        (
            "max_candidates",
            PitchConfig {
                max_candidates: 1,
                ..defaults()
            },
        ),
        (
            "voicing_threshold",
            PitchConfig {
                voicing_threshold: 1.5,
                ..defaults()
            },
        ),
        (
            "silence_threshold",
            PitchConfig {
                silence_threshold: -0.1,
                ..defaults()
            },
        ),
        (
            "octave_cost",
            PitchConfig {
                octave_cost: f64::INFINITY,
                ..defaults()
            },
        ),
        (
            "octave_jump_cost",
            PitchConfig {
                octave_jump_cost: -1.0,
                ..defaults()
            },
        ),
        (
            "voiced_unvoiced_cost",
            PitchConfig {
                voiced_unvoiced_cost: -1.0,
                ..defaults()
            },
        ),
    ];
    for (name, config) in bad {
        let error = Pitch::new(&config, 16_000).unwrap_err();
        assert!(matches!(error, AudioError::Settings { .. }));
        assert!(error.to_string().contains(name), "{name}: {error}");
    }
    for rate in [0, 1, 100, 150] {
        let error = Pitch::new(&defaults(), rate).unwrap_err().to_string();
        assert!(error.contains("sample"), "{rate}: {error}");
    }
    assert!(Harmonicity::new(&HarmonicityConfig::default(), 0).is_err());
    assert!(Intensity::new(&IntensityConfig::default(), 0).is_err());
    assert!(SpeakingRate::new(&SpeakingRateConfig::default(), 0).is_err());
}

#[test]
fn settings_can_be_stored_and_unknown_ones_are_refused() {
    let config = PitchConfig::default();
    let json = serde_json::to_string(&config).unwrap();
    assert_eq!(serde_json::from_str::<PitchConfig>(&json).unwrap(), config);
    let unknown = json.replace("floor", "flour");
    assert!(serde_json::from_str::<PitchConfig>(&unknown).is_err());
}
