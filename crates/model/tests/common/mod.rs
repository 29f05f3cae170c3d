//! Sounds and a small untrained model, for tests.

// Every test file is a program of its own and uses some of these.
#![allow(dead_code)]

use audio::{FeatureSpec, Recording};
use model::{
    Architecture, Backend, Convolution, Description, Familiarity, Member, Model, Normalisation,
    Provenance,
};
use recurrent::Init;

/// Samples a second of every sound here.
pub const RATE: u32 = 16_000;

/// A tone of one second.
pub fn recording(hertz: f32) -> Recording {
    let samples = (0..RATE)
        .map(|n| 0.3 * (std::f32::consts::TAU * hertz * n as f32 / RATE as f32).sin())
        .collect();
    Recording::from_samples(samples, RATE).unwrap()
}

/// Something like a voice: buzzing with overtones, louder and softer four times
/// a second; `pitch` in Hz.
pub fn voice(pitch: f32, seconds: f32) -> Recording {
    let samples = (0..(seconds * RATE as f32) as usize).map(|n| {
        let time = n as f32 / RATE as f32;
        let tau = std::f32::consts::TAU;
        let phase = tau * pitch * time + 2.0 * (tau * 1.3 * time).sin();
        let buzz = (1..20).map(|k| (k as f32 * phase).sin() / k as f32);
        let syllables = (tau * 2.0 * time).sin().powi(2);
        0.2 * syllables * buzz.sum::<f32>()
    });
    Recording::from_samples(samples.collect(), RATE).unwrap()
}

/// A second of white noise.
pub fn noise() -> Recording {
    let mut state = 1u32;
    let samples = (0..RATE).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state as f32 / u32::MAX as f32 - 0.5
    });
    Recording::from_samples(samples.collect(), RATE).unwrap()
}

/// A second of nothing.
pub fn silence() -> Recording {
    Recording::from_samples(vec![0.0; RATE as usize], RATE).unwrap()
}

/// An ensemble of two small networks with random weights.
pub fn model() -> Model {
    let features = FeatureSpec::recommended();
    let extractor = features.extractor().unwrap();
    let clips = [200.0, 900.0].map(|hertz| extractor.extract(&recording(hertz)).unwrap());
    let description = Description {
        labels: ["calm", "angry", "sad"].map(String::from).to_vec(),
        features,
        architecture: Architecture {
            convolutions: vec![Convolution::default()],
            hidden: 8,
            layers: 2,
            ..Architecture::default()
        },
        temperature: 1.5,
        provenance: Provenance {
            corpus: "two tones".into(),
            seed: 3,
            test_uar: Some(0.25),
            ..Provenance::default()
        },
    };
    let device = Backend::Flex.device().unwrap();
    let member = |seed| Member {
        classifier: description.init(&mut Init::new(seed, &device)),
        normalisation: Normalisation::fit(&clips).unwrap(),
    };
    let range = Familiarity::range(&description.features);
    let labelled = clips.iter().map(|clip| (&clip.functionals[..], 0));
    let familiarity = Familiarity::fit(labelled, range).unwrap();
    Model {
        members: vec![member(3), member(4)],
        network_share: 0.5,
        linear: Vec::new(),
        encoder: None,
        familiarity: Some(familiarity),
        description,
    }
}
