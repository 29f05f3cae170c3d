//! The model file: a saved model is read back unchanged, and other files are refused.

use crate::common::{model, recording};
use model::{Backend, Model, ModelError, Recognizer, deserialize, serialize};
use recurrent::parameters::Array;

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
fn a_saved_model_gives_the_same_answers() {
    let model = model();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    model.save(&path).unwrap();
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        1,
        "a temporary file was left behind"
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
fn an_ensemble_averages_the_probabilities_of_its_networks() {
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
    // Temperature 2: the square roots, scaled to a sum of 1.
    let mut warm = model.clone();
    warm.description.temperature = 2.0;
    let roots: Vec<f32> = scores(&model).iter().map(|p| p.sqrt()).collect();
    let sum: f32 = roots.iter().sum();
    for (warm, root) in scores(&warm).iter().zip(&roots) {
        assert!((warm - root / sum).abs() < 1e-6);
    }
}

#[test]
fn the_tensors_are_named_after_their_place_in_the_network() {
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
        // It must not panic; a changed digit of a mean is still a model.
        let _ = load(&damaged);
    }
}

#[test]
fn other_files_and_other_versions_are_refused_with_different_errors() {
    let bytes = model().to_bytes().unwrap();
    assert!(matches!(
        load(b"RIFF????WAVEfmt "),
        Err(ModelError::NotAModel { .. })
    ));
    let other = with_metadata(&bytes, "format", "something-else");
    assert!(matches!(load(&other), Err(ModelError::NotAModel { .. })));
    let later = with_metadata(&bytes, "format_version", "6");
    let error = load(&later).unwrap_err();
    assert!(
        matches!(&error, ModelError::Version { found, .. } if found == "6"),
        "{error}"
    );
}

#[test]
fn a_header_that_describes_a_huge_network_is_refused() {
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

/// The same model as a file of version 4: one mean and a triangle for the
/// familiarity, and no shares.
fn version_4(model: &Model) -> Vec<u8> {
    let (mut arrays, mut metadata) = deserialize(&model.to_bytes().unwrap(), "new").unwrap();
    let size = arrays["familiarity.deviation"].values.len();
    arrays.retain(|name, _| !name.starts_with("familiarity."));
    let mut array = |name: &str, values: Vec<f32>| {
        let shape = vec![values.len()];
        arrays.insert(format!("familiarity.{name}"), Array { shape, values });
    };
    array("mean", vec![0.5; size]);
    // The identity, half as large.
    let triangle = (0..size).flat_map(|i| (0..=i).map(move |j| if i == j { 0.5 } else { 0.0 }));
    array("whitening", triangle.collect());
    array("limit", vec![2.0]);
    metadata.remove("network_share");
    metadata.remove("linear");
    metadata.insert("format_version".into(), "4".into());
    serialize(&arrays, metadata).unwrap()
}

#[test]
fn a_file_of_version_4_is_read_and_written_again_as_version_5() {
    let model = model();
    let old = load(&version_4(&model)).unwrap();
    assert!(old.linear.is_empty() && old.encoder.is_none());
    assert_eq!(old.network_share, 1.0);
    assert_eq!(old.members.len(), model.members.len());
    let familiarity = old.familiarity.as_ref().unwrap();
    let size = old.description.functionals();
    // Every number 2 above its mean, at half the deviation's inverse: 1.
    let distance = familiarity.distance(&vec![2.5; size]);
    assert!((distance - 1.0).abs() < 1e-6, "{distance}");
    assert!((familiarity.unfamiliarity(&vec![2.5; size]) - 0.5).abs() < 1e-6);
    let again = load(&old.to_bytes().unwrap()).unwrap();
    assert_eq!(again.familiarity, old.familiarity);
    assert_eq!(again.parameters(), old.parameters());
}
