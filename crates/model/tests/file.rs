//! The model file: what is saved comes back, and nothing else is taken for a model.

use audio::{FeatureSpec, Recording};
use model::recurrent::Init;
use model::{
    Architecture, Backend, Convolution, Description, Enrolment, Familiarity, Member, Model,
    ModelError, Normalisation, Provenance, Recognizer,
};

fn recording(hertz: f32) -> Recording {
    let samples = (0..16_000)
        .map(|n| 0.3 * (std::f32::consts::TAU * hertz * n as f32 / 16_000.0).sin())
        .collect();
    Recording::from_samples(samples, 16_000).unwrap()
}

fn model() -> Model {
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
    Model {
        members: vec![member(3), member(4)],
        familiarity: Some(Familiarity::fit(clips.iter().map(|c| &c.functionals[..])).unwrap()),
        description,
    }
}

fn load(bytes: &[u8]) -> Result<Model, ModelError> {
    Model::from_bytes(bytes, &Backend::Flex.device().unwrap())
}

/// The file's header as JSON, and what follows it.
fn split(bytes: &[u8]) -> (serde_json::Value, &[u8]) {
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    (header, &bytes[8 + length..])
}

/// The file with its metadata changed.
fn with_metadata(bytes: &[u8], key: &str, value: &str) -> Vec<u8> {
    let (mut header, data) = split(bytes);
    header["__metadata__"][key] = value.into();
    let mut text = header.to_string();
    while !text.len().is_multiple_of(8) {
        text.push(' ');
    }
    let mut result = (text.len() as u64).to_le_bytes().to_vec();
    result.extend(text.as_bytes());
    result.extend(data);
    result
}

#[test]
fn a_saved_model_says_what_it_said_before() {
    let model = model();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    model.save(&path).unwrap();
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        1,
        "no temporary file stays"
    );

    let device = Backend::Flex.device().unwrap();
    let before = Recognizer::new(model.clone(), device).unwrap();
    let after = Recognizer::open_on(&path, Backend::Flex).unwrap();
    assert_eq!(after.description(), before.description());
    assert_eq!(after.model().familiarity, model.familiarity);
    let (a, b) = (recording(440.0), recording(440.0));
    assert_eq!(before.classify(&a).unwrap(), after.classify(&b).unwrap());
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(load(&bytes).unwrap().to_bytes().unwrap(), bytes);
}

#[test]
fn an_ensemble_says_the_mean_of_what_its_networks_say() {
    let mut model = model();
    model.description.temperature = 1.0;
    let device = Backend::Flex.device().unwrap();
    let scores = |model: &Model| {
        let recognizer = Recognizer::new(model.clone(), device.clone()).unwrap();
        let answer = recognizer.classify(&recording(440.0)).unwrap();
        answer.scores().iter().map(|(_, p)| *p).collect::<Vec<_>>()
    };
    let alone = |index: usize| {
        scores(&Model {
            members: vec![model.members[index].clone()],
            ..model.clone()
        })
    };
    let (a, b) = (alone(0), alone(1));
    assert_ne!(a, b);
    for ((both, a), b) in scores(&model).iter().zip(&a).zip(&b) {
        assert!((both - (a + b) / 2.0).abs() < 1e-6);
    }
    // Twice the temperature: the square roots, brought to a sum of 1.
    let mut warm = model.clone();
    warm.description.temperature = 2.0;
    let roots: Vec<f32> = scores(&model).iter().map(|p| p.sqrt()).collect();
    let sum: f32 = roots.iter().sum();
    for (warm, root) in scores(&warm).iter().zip(&roots) {
        assert!((warm - root / sum).abs() < 1e-6);
    }
}

#[test]
fn nobody_enrolled_changes_nothing_and_a_speaker_does() {
    let model = model();
    let recognizer = Recognizer::new(model, Backend::Flex.device().unwrap()).unwrap();
    let nobody = recognizer.enrolled(&Enrolment::new()).unwrap();
    let (a, b) = (recording(440.0), recording(440.0));
    assert_eq!(
        nobody.classify(&a).unwrap(),
        recognizer.classify(&b).unwrap()
    );
    let somebody = Enrolment::of(&recognizer.features(&recording(300.0)).unwrap());
    let known = recognizer.enrolled(&somebody).unwrap();
    assert_ne!(
        known.classify(&a).unwrap(),
        recognizer.classify(&b).unwrap()
    );
}

#[test]
fn the_tensors_have_names_that_say_what_they_are() {
    let bytes = model().to_bytes().unwrap();
    let (header, _) = split(&bytes);
    for name in [
        "members.0.recurrent.layers.0.forward.weight_ih",
        "members.1.recurrent.layers.1.backward.weight_hh",
        "members.0.convolutions.0.linear.weight",
        "members.0.pooling.attention",
        "members.1.functionals.weight",
        "members.0.head.bias",
    ] {
        assert!(header.get(name).is_some(), "{name} in {header}");
    }
    assert_eq!(header["__metadata__"]["format"], "speech-emotion-lstm");
}

#[test]
fn the_description_counts_the_networks_parameters() {
    let mut model = model();
    model.familiarity = None;
    let counted: usize = model
        .tensors()
        .map(|(_, shape)| shape.iter().product::<usize>())
        .sum();
    assert_eq!(model.parameter_count(), counted);
}

#[test]
fn every_truncation_is_a_typed_error() {
    let bytes = model().to_bytes().unwrap();
    for length in (0..bytes.len())
        .step_by(997)
        .chain([7, 8, 9, bytes.len() - 1])
    {
        let error = load(&bytes[..length]).unwrap_err();
        assert!(
            matches!(
                error,
                ModelError::Corrupt { .. } | ModelError::NotAModel { .. }
            ),
            "{length}: {error}"
        );
    }
}

#[test]
fn every_flipped_byte_of_the_header_loads_or_is_a_typed_error() {
    let bytes = model().to_bytes().unwrap();
    let header = bytes.len() - split(&bytes).1.len();
    for place in 0..header {
        let mut damaged = bytes.clone();
        damaged[place] ^= 0x15;
        // Not panicking is the claim; a changed digit of a mean is still a model.
        let _ = load(&damaged);
    }
}

#[test]
fn other_files_and_other_versions_are_told_apart() {
    let bytes = model().to_bytes().unwrap();
    assert!(matches!(
        load(b"RIFF????WAVEfmt "),
        Err(ModelError::NotAModel { .. })
    ));
    let other = with_metadata(&bytes, "format", "something-else");
    assert!(matches!(load(&other), Err(ModelError::NotAModel { .. })));
    let later = with_metadata(&bytes, "format_version", "5");
    let error = load(&later).unwrap_err();
    assert!(
        matches!(&error, ModelError::Version { found, .. } if found == "5"),
        "{error}"
    );
}

#[test]
fn a_header_that_asks_for_the_whole_memory_is_refused() {
    let bytes = model().to_bytes().unwrap();
    let huge = r#"{"hidden":8192,"layers":64,"bidirectional":true,"pooling":"mean","functional_units":8192,"dropout":0.0}"#;
    let error = load(&with_metadata(&bytes, "architecture", huge)).unwrap_err();
    assert!(matches!(error, ModelError::Corrupt { .. }), "{error}");
    let absurd = huge.replace("8192", "99999999999");
    let error = load(&with_metadata(&bytes, "architecture", &absurd)).unwrap_err();
    assert!(matches!(error, ModelError::Corrupt { .. }), "{error}");
}

#[test]
fn a_missing_file_is_an_error_that_names_it() {
    let error = Recognizer::open_on("nowhere.safetensors", Backend::Flex).unwrap_err();
    assert!(matches!(error, ModelError::Io { .. }));
    assert!(error.to_string().contains("nowhere.safetensors"));
}
