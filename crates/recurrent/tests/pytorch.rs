//! Networks from PyTorch compute what they compute there, and are written back
//! unchanged.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData, f16};
use recurrent::parameters::{Array, Parameters, to_safetensors};
use recurrent::pytorch::{Options, read, state_dict, to_bytes};
use recurrent::{
    AnyCell, Cell, CellKind, Dropout, Init, Recurrent, RecurrentConfig, RecurrentError,
    RecurrentLayer,
};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

const NETWORKS: [&str; 4] = ["lstm", "gru", "rnn_tanh", "rnn_relu"];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

fn options(name: &str) -> Options {
    Options {
        cell: (name == "rnn_relu").then_some(CellKind::RnnRelu),
        ..Options::default()
    }
}

fn network(file: &str, device: &Device) -> Recurrent {
    let name = file.split('.').next().unwrap();
    read(fixture(file), &options(name), device).unwrap()
}

/// The tensors and the metadata of a safetensors file.
fn contents(bytes: &[u8]) -> (Parameters, HashMap<String, String>) {
    let (_, header) = SafeTensors::read_metadata(bytes).unwrap();
    let tensors = SafeTensors::deserialize(bytes).unwrap();
    let arrays = tensors.iter().map(|(name, view)| {
        assert_eq!(view.dtype(), Dtype::F32, "{name}");
        let values = view.data().as_chunks::<4>().0.iter();
        let array = Array {
            shape: view.shape().to_vec(),
            values: values.map(|bytes| f32::from_le_bytes(*bytes)).collect(),
        };
        (name.to_string(), array)
    });
    (
        arrays.collect(),
        header.metadata().clone().unwrap_or_default(),
    )
}

/// What PyTorch computed, and the lengths of its sequences.
fn reference(name: &str) -> (Parameters, Vec<usize>) {
    let bytes = std::fs::read(fixture(&format!("{name}.reference.safetensors"))).unwrap();
    let (tensors, metadata) = contents(&bytes);
    (tensors, serde_json::from_str(&metadata["lengths"]).unwrap())
}

fn tensor<const D: usize>(array: &Array, device: &Device) -> Tensor<D> {
    let data = TensorData::new(array.values.clone(), array.shape.clone());
    Tensor::from_data(data, device)
}

fn assert_close(what: &str, got: &[f32], expected: &[f32]) {
    assert_eq!(got.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
    let apart = got.iter().zip(expected).map(|(g, e)| (g - e).abs());
    let apart = apart.fold(0.0_f32, f32::max);
    println!("{what}: {:.1e} relative", apart / largest);
    assert!(apart <= 1e-5 * largest, "{what}: {apart} of {largest}");
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

#[test]
fn outputs_states_and_gradients_are_pytorchs() {
    let device = Device::flex().autodiff();
    for name in NETWORKS {
        let network = network(&format!("{name}.safetensors"), &device);
        let (theirs, lengths) = reference(name);
        let frames = tensor::<3>(&theirs["frames"], &device).require_grad();
        let (outputs, states) = network
            .forward_from(frames.clone(), &lengths, None, &mut Dropout::inference())
            .unwrap();
        let check = |what: &str, got: Vec<f32>| {
            assert_close(&format!("{name} {what}"), &got, &theirs[what].values)
        };
        let loss = |what: &str| &theirs[&format!("loss_{what}")];

        // PyTorch fills the padding with zeros.
        check("outputs", values(outputs.clone()));
        let mut sum = (outputs * tensor(loss("outputs"), &device)).sum();
        let h: Vec<_> = states.iter().map(|state| state.h.clone()).collect();
        let h = Tensor::<2>::stack::<3>(h, 0);
        check("h_n", values(h.clone()));
        sum = sum + (h * tensor(loss("h_n"), &device)).sum();
        let c: Vec<_> = states.iter().filter_map(|state| state.c.clone()).collect();
        if !c.is_empty() {
            let c = Tensor::<2>::stack::<3>(c, 0);
            check("c_n", values(c.clone()));
            sum = sum + (c * tensor(loss("c_n"), &device)).sum();
        }

        let gradients = sum.backward();
        check("grad.frames", values(frames.grad(&gradients).unwrap()));
        for (index, layer) in network.layers.iter().enumerate() {
            let cell = |cell: &AnyCell, end: &str| {
                let name = |part: &str| format!("grad.{part}_l{index}{end}");
                let weights = cell.weights();
                let gradient = |weight: Tensor<2>| values(weight.grad(&gradients).unwrap());
                check(&name("weight_ih"), gradient(weights.weight_ih.val()));
                check(&name("weight_hh"), gradient(weights.weight_hh.val()));
                if theirs.contains_key(&name("bias_ih")) {
                    let bias = weights.bias.val().grad(&gradients).unwrap();
                    let mut both = values(bias);
                    check(&name("bias_ih"), both.clone());
                    if let AnyCell::Gru(gru) = cell {
                        let own = gru.bias_hn.as_ref().unwrap().val();
                        both.truncate(2 * cell.hidden());
                        both.extend(values(own.grad(&gradients).unwrap()));
                    }
                    check(&name("bias_hh"), both);
                }
            };
            cell(&layer.forward, "");
            if let Some(backward) = &layer.backward {
                cell(backward, "_reverse");
            }
        }
    }
}

#[test]
fn every_container_holds_the_same_network() {
    let device = Device::flex();
    for (file, name) in [
        // With the prefix `state_dict.lstm`, next to a head.
        ("lstm.pt", "lstm"),
        // In 64 bits.
        ("gru.pt", "gru"),
        ("rnn_tanh.pt", "rnn_tanh"),
        ("rnn_tanh.legacy.pt", "rnn_tanh"),
        ("rnn_relu.pt", "rnn_relu"),
    ] {
        let expected = network(&format!("{name}.safetensors"), &device);
        let got = network(file, &device);
        assert_eq!(state_dict(&got).unwrap(), state_dict(&expected).unwrap());
    }
    let named = |prefix: &str| {
        let options = Options {
            prefix: Some(prefix.into()),
            cell: Some(CellKind::Lstm),
        };
        read(fixture("lstm.pt"), &options, &device)
    };
    assert!(named("state_dict.lstm").is_ok());
    assert!(named("state_dict.lstm.").is_ok());
    let error = named("encoder").unwrap_err().to_string();
    assert!(error.contains("`state_dict.lstm`"), "{error}");
}

/// Writes a safetensors file and reads it as a network.
fn through_a_file(bytes: &[u8], options: &Options) -> Result<Recurrent, RecurrentError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights");
    std::fs::write(&path, bytes).unwrap();
    read(&path, options, &Device::flex())
}

#[test]
fn what_is_written_reads_back_as_the_same_network() {
    for name in NETWORKS {
        let original = network(&format!("{name}.safetensors"), &Device::flex());
        let bytes = to_bytes(&original).unwrap();
        let again = through_a_file(&bytes, &options(name)).unwrap();
        assert_eq!(state_dict(&again).unwrap(), state_dict(&original).unwrap());

        // The same names and shapes as PyTorch's own, except for the biases of a
        // network without biases.
        let own = std::fs::read(fixture(&format!("{name}.safetensors"))).unwrap();
        let (own, _) = contents(&own);
        let (ours, metadata) = contents(&bytes);
        for (tensor, array) in &own {
            assert_eq!(ours[tensor].shape, array.shape, "{tensor}");
        }
        assert!(ours.len() == own.len() || name == "rnn_relu");
        assert_eq!(metadata["input_size"], "3");
        assert_eq!(metadata["hidden_size"], "4");
    }
}

/// The LSTM's weights with their names and shapes, as values to change.
fn lstm() -> Parameters {
    let bytes = std::fs::read(fixture("lstm.safetensors")).unwrap();
    contents(&bytes).0
}

fn error_of(parameters: &Parameters, options: &Options) -> String {
    let bytes = to_safetensors(parameters, HashMap::new(), |_| false).unwrap();
    let error = through_a_file(&bytes, options).unwrap_err();
    assert!(matches!(error, RecurrentError::Weights { .. }), "{error}");
    error.to_string()
}

#[test]
fn a_file_without_such_a_network_is_an_error_that_says_why() {
    let changed = |change: &dyn Fn(&mut Parameters)| {
        let mut parameters = lstm();
        change(&mut parameters);
        error_of(&parameters, &Options::default())
    };
    let array = |shape: &[usize]| Array {
        shape: shape.to_vec(),
        values: vec![0.5; shape.iter().product()],
    };
    let put = |name: &'static str, shape: &'static [usize]| {
        changed(&|p| drop(p.insert(name.into(), array(shape))))
    };
    for (error, part) in [
        (put("weight_hr_l0", &[2, 4]), "proj_size"),
        (put("weight_hh_l0", &[20, 4]), "5 blocks"),
        (put("weight_hh_l0", &[15, 4]), "no recurrent layer"),
        (put("weight_hh_l0", &[16, 0]), "no recurrent layer"),
        (put("weight_ih_l0", &[16]), "a matrix is expected"),
        (
            put("weight_ih_l1", &[16, 4]),
            "weight_ih_l1 has shape [16, 4], but [16, 8]",
        ),
        (put("bias_hh_l1", &[4]), "bias_hh_l1"),
        (put("weight_ih_l3", &[16, 8]), "weight_ih_l2 is missing"),
        (put("weight_ih_l18446744073709551615", &[1]), "missing"),
        (put("other.weight_ih_l0", &[16, 3]), "`other`, ``"),
        (
            changed(&|p| drop(p.remove("weight_hh_l1_reverse"))),
            "weight_hh_l1_reverse is missing",
        ),
        (
            changed(&|p| drop(p.remove("bias_hh_l0"))),
            "bias_hh_l0 is missing",
        ),
        (
            changed(&|p| p.retain(|name, _| name.starts_with("bias"))),
            "no tensor is named weight_ih_l0",
        ),
        (
            changed(&|p| p.get_mut("bias_ih_l0").unwrap().values[3] = f32::NAN),
            "bias_ih_l0 holds",
        ),
    ] {
        assert!(error.contains(part), "{error}: {part}");
    }
    let asked = |cell| Options {
        cell: Some(cell),
        ..Options::default()
    };
    for cell in [CellKind::Gru, CellKind::Coupled, CellKind::RnnRelu] {
        let error = error_of(&lstm(), &asked(cell));
        assert!(error.contains("of Lstm"), "{error}");
    }
}

#[test]
fn weights_of_16_and_64_bits_are_converted_and_other_numbers_refused() {
    let plain = lstm();
    let stored = |dtype: Dtype, bytes: &dyn Fn(f32) -> Vec<u8>| {
        let data: Vec<_> = plain
            .iter()
            .map(|(name, array)| {
                let bytes: Vec<u8> = array.values.iter().flat_map(|&v| bytes(v)).collect();
                (name, array.shape.clone(), bytes)
            })
            .collect();
        let views = data
            .iter()
            .map(|(name, shape, data)| {
                let view = TensorView::new(dtype, shape.clone(), data).unwrap();
                (name.as_str(), view)
            })
            .collect::<Vec<_>>();
        let bytes = safetensors::serialize(views, None).unwrap();
        through_a_file(&bytes, &Options::default())
    };
    let expected = state_dict(&network("lstm.safetensors", &Device::flex())).unwrap();
    let double = stored(Dtype::F64, &|v| f64::from(v).to_le_bytes().to_vec()).unwrap();
    assert_eq!(state_dict(&double).unwrap(), expected);
    let half = stored(Dtype::F16, &|v| f16::from_f32(v).to_le_bytes().to_vec()).unwrap();
    // bfloat16 is the upper half of a 32-bit float.
    let brain = stored(Dtype::BF16, &|v| v.to_le_bytes()[2..].to_vec()).unwrap();
    for (network, within) in [(half, 1e-3), (brain, 1e-2)] {
        for (name, array) in state_dict(&network).unwrap() {
            for (got, expected) in array.values.iter().zip(&expected[&name].values) {
                assert!((got - expected).abs() < within, "{name}");
            }
        }
    }
    let whole = stored(Dtype::I32, &|v| (v as i32).to_le_bytes().to_vec()).unwrap_err();
    assert!(whole.to_string().contains("I32"), "{whole}");
    let beyond = stored(Dtype::F64, &|_| 1e300_f64.to_le_bytes().to_vec()).unwrap_err();
    assert!(matches!(beyond, RecurrentError::Weights { .. }), "{beyond}");
}

#[test]
fn every_truncation_is_a_typed_error_and_no_flipped_byte_panics() {
    for file in [
        "lstm.safetensors",
        "lstm.pt",
        "gru.pt",
        "rnn_tanh.legacy.pt",
    ] {
        let bytes = std::fs::read(fixture(file)).unwrap();
        for length in (0..bytes.len()).step_by(41).chain([8, 9, bytes.len() - 1]) {
            let error = through_a_file(&bytes[..length], &Options::default()).unwrap_err();
            assert!(matches!(error, RecurrentError::Weights { .. }), "{error}");
        }
        for place in (0..bytes.len()).step_by(17) {
            let mut damaged = bytes.clone();
            damaged[place] ^= 0x15;
            let _ = through_a_file(&damaged, &Options::default());
        }
    }
}

#[test]
fn a_missing_file_is_an_error_that_names_it() {
    let error = read("nowhere.pt", &Options::default(), &Device::flex()).unwrap_err();
    assert!(matches!(error, RecurrentError::Io { .. }), "{error}");
    assert!(error.to_string().contains("nowhere.pt"));
}

#[test]
fn a_network_that_pytorch_does_not_have_is_refused() {
    let init = |config: RecurrentConfig| config.init(&mut Init::new(1, &Device::flex()));
    let plain = || RecurrentConfig::new(CellKind::Lstm, 4, 4);
    let refused = |network: &Recurrent, part: &str| {
        let error = to_bytes(network).unwrap_err();
        assert!(matches!(error, RecurrentError::Export { .. }), "{error}");
        assert!(error.to_string().contains(part), "{error}: {part}");
    };
    for (cell, part) in [
        (CellKind::Peephole, "peepholes"),
        (CellKind::PeepholeFull, "peepholes"),
        (CellKind::Coupled, "coupled"),
        (CellKind::GruResetBefore, "resets before"),
    ] {
        refused(&init(RecurrentConfig::new(cell, 4, 4)), part);
    }
    let residual = RecurrentConfig {
        residual: true,
        ..plain()
    };
    refused(&init(residual), "residual");
    let norm = RecurrentConfig {
        layer_norm: true,
        ..plain()
    };
    refused(&init(norm), "normalisation");
    let projected = RecurrentConfig {
        projection: Some(2),
        ..plain()
    };
    refused(&init(projected), "projected");
    refused(&Recurrent::from_layers(Vec::new()), "without layers");
    let mut layers: Vec<RecurrentLayer> = init(plain()).layers;
    layers.extend(init(RecurrentConfig::new(CellKind::Lstm, 4, 5)).layers);
    refused(&Recurrent::from_layers(layers), "layers differ");
}
