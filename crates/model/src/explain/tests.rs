//! The claims of an explanation, on voices made of harmonics.

use std::f64::consts::TAU;

use audio::{FeatureBlock, FeatureSpec, Measure, ProsodyConfig, Recording};
use burn::tensor::Device;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use recurrent::Init;
use recurrent::parameters::{Array, Parameters};

use super::*;
use crate::linear::LinearHeader;
use crate::{
    Architecture, Description, LinearClassifier, LinearClips, LinearInputs, LinearMethod, Model,
    Normalisation, Provenance,
};

const RATE: u32 = 16_000;

/// A voice of harmonics below two formants, in syllables of a quarter of a second.
struct Voice {
    pitch: f64,
    formants: [f64; 2],
    level: f64,
    syllable: f64,
}

impl Voice {
    fn drawn(pitch: f64, random: &mut ChaCha8Rng) -> Self {
        Voice {
            pitch: pitch * random.random_range(0.95..1.05),
            formants: [
                random.random_range(400.0..800.0),
                random.random_range(1100.0..2200.0),
            ],
            level: random.random_range(0.1..0.4),
            syllable: random.random_range(0.18..0.32),
        }
    }

    fn samples(&self, seconds: f64) -> Vec<f32> {
        let gain = |hertz: f64| -> f64 {
            let near = |formant: f64| 1.0 / (1.0 + ((hertz - formant) / 120.0).powi(2));
            self.formants.into_iter().map(near).sum::<f64>() + 0.02
        };
        let harmonics: Vec<(f64, f64)> = (1..)
            .map(|k| f64::from(k) * self.pitch)
            .take_while(|hertz| *hertz < 4000.0)
            .map(|hertz| (hertz, gain(hertz)))
            .collect();
        let all: f64 = harmonics.iter().map(|(_, gain)| gain).sum();
        let count = (seconds * f64::from(RATE)) as usize;
        let sample = |n: usize| {
            let time = n as f64 / f64::from(RATE);
            let loud = (TAU / 2.0 * time / self.syllable).sin().powi(2) + 0.02;
            let bend = 0.3 * (TAU * 1.3 * time).sin();
            let each = harmonics.iter();
            let sum: f64 = each
                .map(|(hertz, gain)| gain * (TAU * hertz * time + bend * hertz / self.pitch).sin())
                .sum();
            (self.level * loud * sum / all) as f32
        };
        (0..count).map(sample).collect()
    }
}

/// A second of silence, two of a voice, a second of silence; with faint noise.
fn between_silences() -> Recording {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut samples = vec![0.0; RATE as usize];
    for pitch in [170.0, 120.0, 230.0, 190.0] {
        samples.extend(Voice::drawn(pitch, &mut random).samples(0.5));
    }
    samples.extend(vec![0.0; RATE as usize]);
    for sample in &mut samples {
        *sample += random.random_range(-1e-5..1e-5);
    }
    Recording::from_samples(samples, RATE).unwrap()
}

#[cfg(feature = "pretrained")]
fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
    let (ma, mb) = (mean(a), mean(b));
    let product = |x: &[f64], mx: f64, y: &[f64], my: f64| -> f64 {
        x.iter().zip(y).map(|(x, y)| (x - mx) * (y - my)).sum()
    };
    product(a, ma, b, mb) / (product(a, ma, a, ma) * product(b, mb, b, mb)).sqrt()
}

#[cfg(all(feature = "pretrained", feature = "train"))]
#[test]
fn integrated_gradients_add_up_to_the_score() {
    let recognizer = Recognizer::pretrained().unwrap();
    let recording = between_silences();
    for label in [None, Some(0), Some(3), Some(6)] {
        let settings = ExplainSettings {
            label,
            hop: 0.25,
            ..ExplainSettings::default()
        };
        let explained = recognizer.explain(&recording, &settings).unwrap();
        let gradients = &explained.gradients;
        let difference = explained.score - gradients.baseline;
        println!("{label:?}: gap {} of {difference}", gradients.gap);
        // The tolerance that docs/explain.md states.
        assert!(gradients.gap.abs() < 0.05);
        // The same parts by moments and by groups.
        let in_time: f64 = gradients.moments.iter().map(|(_, part)| part).sum();
        let by_group: f64 = gradients.groups.iter().map(|(_, part)| part).sum();
        let all = difference + gradients.gap;
        assert!(
            (in_time + gradients.whole - all).abs() < 1e-3,
            "{in_time} {all}"
        );
        assert!((by_group - all).abs() < 1e-4, "{by_group} {all}");
        // Moments are where the voice is.
        let inside = |(time, _): &(f64, f64)| (0.7..3.3).contains(time);
        assert!(gradients.moments.iter().all(inside));
    }
}

#[cfg(feature = "pretrained")]
#[test]
fn the_score_is_the_logarithm_of_the_odds_of_the_answer() {
    let recognizer = Recognizer::pretrained().unwrap();
    let recording = between_silences();
    let answer = recognizer.classify(&recording).unwrap();
    for label in 0..8 {
        let settings = ExplainSettings {
            label: Some(label),
            window: 1.0,
            hop: 1.0,
            steps: 1,
        };
        let explained = recognizer.explain(&recording, &settings).unwrap();
        let probability = f64::from(answer.scores()[label].1);
        let odds = (probability / (1.0 - probability)).ln();
        assert_eq!(explained.probability, answer.scores()[label].1);
        assert!(
            (explained.score - odds).abs() < 1e-3,
            "{} {odds}",
            explained.score
        );
    }
}

#[cfg(feature = "pretrained")]
#[test]
fn silence_made_silent_changes_far_less_than_speech_does() {
    let recognizer = Recognizer::pretrained().unwrap();
    let settings = ExplainSettings::default();
    let explained = recognizer.explain(&between_silences(), &settings).unwrap();
    let most = |from: f64, to: f64| -> f64 {
        let inside = explained
            .windows
            .iter()
            .filter(|w| w.start >= from && w.end <= to);
        inside
            .filter_map(|w| w.change)
            .map(f64::abs)
            .fold(0.0, f64::max)
    };
    let silence = most(0.0, 0.9).max(most(3.1, 4.0));
    let speech = most(1.0, 3.0);
    println!("silence {silence}, speech {speech}");
    assert!(
        speech > 0.3 && silence < 0.05 * speech,
        "{silence} {speech}"
    );
}

/// Adebayo and others (2018): an attribution that stays the same when the weights are
/// drawn anew explains the sound, not the model.
#[cfg(all(feature = "pretrained", feature = "train"))]
#[test]
fn with_random_weights_the_attribution_is_another() {
    let trained = Recognizer::pretrained().unwrap();
    let recording = between_silences();
    let settings = ExplainSettings {
        label: Some(4),
        ..ExplainSettings::default()
    };
    // While there is speech: in silence all attributions are alike.
    let speech = |(time, _): &(f64, f64)| (1.0..3.0).contains(time);
    let curves = |recognizer: &Recognizer, settings: &ExplainSettings| {
        let explained = recognizer.explain(&recording, settings).unwrap();
        let occlusion = explained.curve(0.05).into_iter().filter(speech);
        let occlusion: Vec<f64> = occlusion.map(|(_, value)| value).collect();
        let mut gradients = vec![0.0; 40];
        for (time, part) in explained.gradients.moments.iter().filter(|m| speech(m)) {
            gradients[((time - 1.0) / 0.05) as usize] += part;
        }
        [occlusion, gradients]
    };
    let of_trained = curves(&trained, &settings);
    let both = |other: [Vec<f64>; 2]| [0, 1].map(|k| correlation(&of_trained[k], &other[k]).abs());
    let finer = ExplainSettings {
        hop: 0.0625,
        steps: 64,
        ..settings.clone()
    };
    let same = both(curves(&trained, &finer));
    println!("the same weights: {same:?}");
    assert!(same.into_iter().all(|r| r > 0.9), "{same:?}");
    let mut mean = [0.0; 2];
    for seed in 0..8 {
        let other = both(curves(&randomised(&trained, seed), &settings));
        println!("seed {seed}: {other:?}");
        mean = [0, 1].map(|k| mean[k] + other[k] / 8.0);
    }
    println!("mean {mean:?}");
    assert!(mean.into_iter().all(|r| r < 0.5), "{mean:?}");
}

/// The same model with weights drawn anew.
#[cfg(feature = "pretrained")]
fn randomised(recognizer: &Recognizer, seed: u64) -> Recognizer {
    let device = Device::flex();
    let mut model = recognizer.model().clone();
    for member in &mut model.members {
        member.classifier = model.description.init(&mut Init::new(seed, &device));
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let labels = model.description.labels.len();
    for classifier in &mut model.linear {
        let size = classifier.inputs.range(&model.description.features).len();
        let mut draw = |shape: Vec<usize>| {
            let count = shape.iter().product();
            let values = (0..count).map(|_| random.random_range(-0.1..0.1)).collect();
            Array { shape, values }
        };
        let parameters = Parameters::from([
            ("weight".into(), draw(vec![labels, size])),
            ("bias".into(), draw(vec![labels])),
        ]);
        let header = LinearHeader::of(classifier);
        *classifier = header
            .classifier(&parameters, classifier.method, &model.description)
            .unwrap();
    }
    Recognizer::new(model, device).unwrap()
}

/// A linear classifier fitted to voices whose labels differ in pitch alone.
fn of_pitch() -> Recognizer {
    let mut features = FeatureSpec::recommended();
    features.blocks.push(FeatureBlock {
        functionals: true,
        ..FeatureBlock::new(Measure::Prosody(ProsodyConfig::default()))
    });
    // Bands so wide that they tell formants, not harmonics.
    (features.mfcc.n_mels, features.mfcc.n_mfcc) = (16, 6);
    let extractor = features.extractor().unwrap();
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let clips: Vec<_> = (0..160)
        .map(|n| {
            let pitch = [130.0, 180.0][n % 2];
            let samples = Voice::drawn(pitch, &mut random).samples(1.2);
            let recording = Recording::from_samples(samples, RATE).unwrap();
            extractor.extract(&recording).unwrap()
        })
        .collect();
    let normalisation = Normalisation::fit(&clips).unwrap();
    let mut rows = LinearClips::default();
    for (n, clip) in clips.iter().enumerate() {
        rows.push(&normalisation.apply(clip).unwrap().functionals, n % 2);
    }
    let inputs = LinearInputs::Functionals;
    let method = LinearMethod::Lda { shrinkage: 0.5 };
    let linear = LinearClassifier::fit(&rows, 2, method, true, inputs, normalisation).unwrap();
    let model = Model {
        members: Vec::new(),
        network_share: 1.0,
        linear: vec![linear],
        encoder: None,
        familiarity: None,
        description: Description {
            labels: vec!["low".into(), "high".into()],
            features,
            architecture: Architecture::default(),
            temperature: 1.0,
            provenance: Provenance::default(),
        },
    };
    Recognizer::new(model, Device::flex()).unwrap()
}

#[test]
fn where_pitch_alone_tells_the_labels_apart_pitch_is_named_first() {
    let recognizer = of_pitch();
    let mut random = ChaCha8Rng::seed_from_u64(11);
    for (label, pitch) in [(0, 130.0), (1, 180.0), (0, 125.0), (1, 190.0)] {
        let samples = Voice::drawn(pitch, &mut random).samples(1.2);
        let recording = Recording::from_samples(samples, RATE).unwrap();
        let explained = recognizer
            .explain(&recording, &ExplainSettings::default())
            .unwrap();
        assert_eq!(explained.label, label);
        let groups = explained.groups.iter();
        let first = groups.max_by(|a, b| a.change.total_cmp(&b.change)).unwrap();
        println!("{:?}", explained.groups);
        assert_eq!(first.group, FeatureGroup::Pitch);
        #[cfg(feature = "train")]
        {
            let parts = explained.gradients.groups.iter();
            let first = parts.max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
            assert_eq!(first.0, FeatureGroup::Pitch);
            // Functionals alone have no time.
            assert!(
                explained
                    .gradients
                    .moments
                    .iter()
                    .all(|(_, part)| *part == 0.0)
            );
        }
    }
}

#[test]
fn what_cannot_be_explained_is_refused() {
    let recognizer = of_pitch();
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let voice = Voice::drawn(150.0, &mut random).samples(1.0);
    let voice = Recording::from_samples(voice, RATE).unwrap();
    let silence = Recording::from_samples(vec![0.0; RATE as usize], RATE).unwrap();
    let long = Recording::from_samples(vec![0.0; 301 * 8000], 8000).unwrap();
    let refused = |recording: &Recording, settings: ExplainSettings, why: &str| {
        let error = recognizer
            .explain(recording, &settings)
            .unwrap_err()
            .to_string();
        assert!(error.contains(why), "{error}");
    };
    let default = ExplainSettings::default;
    refused(&silence, default(), "nobody speaks");
    refused(&long, default(), "at most 300 s");
    refused(
        &voice,
        ExplainSettings {
            label: Some(2),
            ..default()
        },
        "no label 2",
    );
    refused(
        &voice,
        ExplainSettings {
            hop: 0.5,
            ..default()
        },
        "gaps",
    );
    refused(
        &voice,
        ExplainSettings {
            window: f64::NAN,
            ..default()
        },
        "window is NaN",
    );
    refused(
        &voice,
        ExplainSettings {
            steps: 0,
            ..default()
        },
        "steps is 0",
    );
}
