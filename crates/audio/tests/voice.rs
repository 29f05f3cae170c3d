//! Pitch, harmonicity, intensity, jitter, shimmer and speaking rate compared with
//! Praat.
//!
//! The numbers in `tests/fixtures` come from `scripts/voice_fixtures.py`, which runs
//! Praat through parselmouth. Each case there has a name; the settings for it are
//! here. Frames and their voicing must be the same; F0 is within 1e-5 of its value, strength within 2e-6, ratios within 0.01 dB,
//! intensity within 1e-4 dB, jitter and shimmer within 1e-3 of their values.

use std::path::PathBuf;

use audio::{
    Harmonicity, HarmonicityConfig, Intensity, IntensityConfig, PerturbationConfig, Pitch,
    PitchConfig, PitchWindow, Pulses, Recording, SpeakingRate, SpeakingRateConfig,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::common::{floats, ravdess, reference, signal};

#[derive(Deserialize)]
struct Fixture {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    measure: String,
    samples: usize,
    sample_rate: u32,
    #[serde(flatten)]
    reference: Value,
}

#[derive(Deserialize)]
struct PitchReference {
    first: f64,
    f0: Vec<f64>,
    strength: Vec<f64>,
}

/// Every `every`-th value of `count`.
#[derive(Deserialize)]
struct Contour {
    count: usize,
    every: usize,
    values: Vec<Option<f64>>,
}

#[derive(Deserialize)]
struct Perturbation {
    pulses: usize,
    pulse_times: Vec<f64>,
    mean_period: f64,
    jitter_local: f64,
    jitter_rap: f64,
    shimmer_local: f64,
}

#[derive(Deserialize)]
struct SyllablesReference {
    nuclei: Vec<f64>,
    sounding: Vec<(f64, f64)>,
}

/// Checks all cases of a measure; `compare` returns what is wrong with one.
fn check<T: DeserializeOwned>(
    measure: &str,
    compare: impl Fn(&str, &[f32], u32, T) -> Vec<String>,
) {
    let fixture: Fixture = reference("voice");
    let mut failures = Vec::new();
    let mut checked = 0;
    for case in fixture.cases.into_iter().filter(|c| c.measure == measure) {
        let samples = floats(&signal(case.samples, case.sample_rate));
        let reference = serde_json::from_value(case.reference).unwrap();
        for failure in compare(&case.name, &samples, case.sample_rate, reference) {
            failures.push(format!("{}, {} Hz: {failure}", case.name, case.sample_rate));
        }
        checked += 1;
    }
    assert!(checked >= 4, "only {checked} cases of {measure}");
    assert!(failures.is_empty(), "{measure}\n{}", failures.join("\n"));
}

fn off(what: &str, got: f64, expected: f64, tolerance: f64) -> Option<String> {
    let close = (got - expected).abs() <= tolerance;
    (!close).then(|| format!("{what} is {got}, not {expected}"))
}

/// The differences of two pitch tracks, by the measures of the literature.
#[derive(Default)]
struct PitchErrors {
    frames: usize,
    both_voiced: usize,
    /// Frames whose F0 is off by more than 20 %.
    gross: usize,
    /// Frames voiced in only one of the two.
    voicing: usize,
    relative: Vec<f64>,
    strength: f64,
}

impl PitchErrors {
    fn add(&mut self, track: &audio::PitchTrack, reference: &PitchReference) {
        assert_eq!(track.len(), reference.f0.len(), "frames");
        assert!((track.times[0] - reference.first).abs() < 1e-12);
        for (i, frame) in track.frames.iter().enumerate() {
            self.frames += 1;
            let expected = (reference.f0[i] > 0.0).then_some(reference.f0[i]);
            if frame.frequency.is_some() != expected.is_some() {
                self.voicing += 1;
            } else if let (Some(got), Some(expected)) = (frame.frequency, expected) {
                let error = (got / expected - 1.0).abs();
                self.both_voiced += 1;
                self.gross += usize::from(error > 0.2);
                self.relative.push(error);
                let strength = (frame.strength - reference.strength[i]).abs();
                self.strength = self.strength.max(strength);
            }
        }
    }

    fn report(&mut self) -> String {
        self.relative.sort_unstable_by(f64::total_cmp);
        format!(
            "{} frames, {} voiced in both; gross pitch error {:.3} %, voicing decision error \
             {:.3} %, median error {:.1e}, largest {:.1e}, of strength {:.1e}",
            self.frames,
            self.both_voiced,
            100.0 * self.gross as f64 / self.both_voiced.max(1) as f64,
            100.0 * self.voicing as f64 / self.frames.max(1) as f64,
            self.relative.get(self.relative.len() / 2).unwrap_or(&0.0),
            self.relative.last().unwrap_or(&0.0),
            self.strength,
        )
    }

    fn acceptable(&self) -> bool {
        self.voicing == 0 && self.strength <= 2e-6 && self.relative.iter().all(|&e| e <= 1e-5)
    }
}

#[test]
fn pitch_is_that_of_praat() {
    check("pitch", |name, samples, rate, reference| {
        let defaults = PitchConfig::default();
        let config = match name {
            "defaults" => defaults,
            "range_and_step" => PitchConfig {
                floor: 50.0,
                ceiling: 400.0,
                time_step: 0.005,
                ..defaults
            },
            "gaussian" => PitchConfig {
                window: PitchWindow::Gaussian,
                ..defaults
            },
            "few_candidates_low_threshold" => PitchConfig {
                max_candidates: 4,
                voicing_threshold: 0.2,
                ceiling: 300.0,
                ..defaults
            },
            "costs" => PitchConfig {
                octave_cost: 0.1,
                octave_jump_cost: 1.0,
                voiced_unvoiced_cost: 0.5,
                silence_threshold: 0.1,
                ..defaults
            },
            "ceiling_above_half_the_rate" => PitchConfig {
                ceiling: 20_000.0,
                floor: 100.0,
                ..defaults
            },
            "no_silence_threshold" => PitchConfig {
                silence_threshold: 0.0,
                ..defaults
            },
            other => panic!("no settings for {other}"),
        };
        let track = Pitch::new(&config, rate).unwrap().track(samples);
        let mut errors = PitchErrors::default();
        errors.add(&track, &reference);
        let report = errors.report();
        println!("{name}, {rate} Hz: {report}");
        (!errors.acceptable())
            .then_some(report)
            .into_iter()
            .collect()
    });
}

fn compare_contour(got: &[Option<f64>], reference: &Contour, tolerance: f64) -> Vec<String> {
    if got.len() != reference.count {
        return vec![format!("{} frames, not {}", got.len(), reference.count)];
    }
    let pairs = got.iter().step_by(reference.every).zip(&reference.values);
    pairs
        .enumerate()
        .filter_map(|(i, (got, expected))| match (got, expected) {
            (Some(got), Some(expected)) => off(&format!("value {i}"), *got, *expected, tolerance),
            (None, None) => None,
            _ => Some(format!("value {i} is {got:?}, not {expected:?}")),
        })
        .collect()
}

#[test]
fn harmonicity_is_that_of_praat() {
    check("harmonicity", |name, samples, rate, reference| {
        let config = match name {
            "defaults" => HarmonicityConfig::default(),
            "short_window" => HarmonicityConfig {
                periods: 1.0,
                ..HarmonicityConfig::default()
            },
            other => panic!("no settings for {other}"),
        };
        let track = Harmonicity::new(&config, rate).unwrap().track(samples);
        compare_contour(&track.decibels, &reference, 0.01)
    });
}

#[test]
fn intensity_is_that_of_praat() {
    check("intensity", |name, samples, rate, reference| {
        let config = match name {
            "defaults" => IntensityConfig::default(),
            "long_window_keeps_mean" => IntensityConfig {
                time_step: 0.016,
                floor: 50.0,
                subtract_mean: false,
            },
            other => panic!("no settings for {other}"),
        };
        let track = Intensity::new(&config, rate).unwrap().track(samples);
        let decibels: Vec<_> = track.decibels.into_iter().map(Some).collect();
        compare_contour(&decibels, &reference, 1e-4)
    });
}

fn compare_perturbation(samples: &[f32], rate: u32, reference: &Perturbation) -> Vec<String> {
    let track = Pitch::new(&PitchConfig::default(), rate)
        .unwrap()
        .track(samples);
    let pulses = Pulses::find(samples, rate, &track);
    let config = PerturbationConfig::default();
    let mut failures = Vec::new();
    if pulses.times.len() != reference.pulses {
        failures.push(format!("{} pulses", pulses.times.len()));
    }
    for &time in &reference.pulse_times {
        let nearest = pulses
            .times
            .iter()
            .map(|t| (t - time).abs())
            .fold(f64::INFINITY, f64::min);
        failures.extend(off("a pulse's distance", nearest, 0.0, 1e-6));
    }
    for (what, got, expected) in [
        ("period", pulses.mean_period(&config), reference.mean_period),
        (
            "jitter",
            pulses.jitter_local(&config),
            reference.jitter_local,
        ),
        ("rap", pulses.jitter_rap(&config), reference.jitter_rap),
        (
            "shimmer",
            pulses.shimmer_local(samples, rate, &config),
            reference.shimmer_local,
        ),
    ] {
        failures.extend(off(
            what,
            got.unwrap_or(f64::NAN),
            expected,
            1e-3 * expected,
        ));
    }
    failures
}

#[test]
fn jitter_and_shimmer_are_those_of_praat() {
    check("perturbation", |_, samples, rate, reference| {
        compare_perturbation(samples, rate, &reference)
    });
}

fn compare_syllables(samples: &[f32], rate: u32, reference: &SyllablesReference) -> Vec<String> {
    let got = SpeakingRate::new(&SpeakingRateConfig::default(), rate)
        .unwrap()
        .syllables(samples);
    let flat = |pairs: &[(f64, f64)]| pairs.iter().flat_map(|p| [p.0, p.1]).collect::<Vec<_>>();
    let mut failures = Vec::new();
    for (what, got, expected, tolerance) in [
        ("nuclei", got.nuclei, reference.nuclei.clone(), 0.005),
        (
            "sounding",
            flat(&got.sounding),
            flat(&reference.sounding),
            1e-6,
        ),
    ] {
        if got.len() != expected.len() {
            failures.push(format!("{what}: {got:?}, not {expected:?}"));
        }
        for (&got, &expected) in got.iter().zip(&expected) {
            failures.extend(off(what, got, expected, tolerance));
        }
    }
    failures
}

#[test]
fn syllables_are_those_of_the_script() {
    check("syllables", |_, samples, rate, reference| {
        compare_syllables(samples, rate, &reference)
    });
}

#[derive(Deserialize)]
struct RecordingsFixture {
    recordings: Vec<RecordingReference>,
}

#[derive(Deserialize)]
struct RecordingReference {
    recording: PathBuf,
    pitch: PitchReference,
    intensity: Contour,
    harmonicity: Contour,
    perturbation: Perturbation,
    syllables: SyllablesReference,
}

#[test]
fn real_recordings_give_praats_numbers() {
    let Some(folder) = ravdess() else {
        return;
    };
    let fixture: RecordingsFixture = reference("voice_recordings");
    let mut errors = PitchErrors::default();
    let mut failures = Vec::new();
    for reference in &fixture.recordings {
        let name = reference.recording.display();
        let recording = Recording::open(folder.join(&reference.recording)).unwrap();
        let (samples, rate) = (recording.samples(), recording.sample_rate());
        let pitch = Pitch::new(&PitchConfig::default(), rate).unwrap();
        errors.add(&pitch.track(samples), &reference.pitch);
        let intensity = Intensity::new(&IntensityConfig::default(), rate).unwrap();
        let decibels: Vec<_> = intensity.track(samples).decibels;
        let decibels: Vec<_> = decibels.into_iter().map(Some).collect();
        let harmonicity = Harmonicity::new(&HarmonicityConfig::default(), rate).unwrap();
        let ratios = harmonicity.track(samples).decibels;
        for (what, found) in [
            (
                "intensity",
                compare_contour(&decibels, &reference.intensity, 1e-4),
            ),
            (
                "harmonicity",
                compare_contour(&ratios, &reference.harmonicity, 0.01),
            ),
            (
                "perturbation",
                compare_perturbation(samples, rate, &reference.perturbation),
            ),
            (
                "syllables",
                compare_syllables(samples, rate, &reference.syllables),
            ),
        ] {
            failures.extend(found.iter().map(|f| format!("{name}: {what}: {f}")));
        }
    }
    let report = errors.report();
    println!("{report}");
    if !errors.acceptable() {
        failures.push(report);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
