//! The ONNX file of a model: a sound graph of the nodes that the model needs.
//! What it computes is checked by `scripts/check_onnx.py`.

use std::collections::{HashMap, HashSet};

use audio::{FeatureSpec, Features, Frames};
use burn::tensor::Device;
use model::onnx::proto::{
    AttributeProto, GraphProto, Length, ModelProto, NodeProto, ValueInfoProto,
};
use model::onnx::{to_bytes, to_proto};
use model::{
    Architecture, Convolution, Description, Model, ModelError, Normalisation, PoolingKind,
    Provenance,
};
use prost::Message;
use recurrent::{CellKind, Init};

const HIDDEN: usize = 6;
const COLUMNS: usize = 20;

fn model(architecture: Architecture, functionals: bool) -> Model {
    let mut features = FeatureSpec::recommended();
    features.blocks[0].functionals = functionals;
    let functionals = features.functional_names().len();
    let clip = Features::new(
        Frames::new((0..3 * COLUMNS).map(|v| v as f32).collect(), COLUMNS),
        vec![1.0; functionals],
    );
    let description = Description {
        labels: ["calm", "angry", "sad"].map(String::from).to_vec(),
        features,
        architecture,
        temperature: 1.5,
        provenance: Provenance::default(),
    };
    let classifier = description.init(&mut Init::new(3, &Device::flex()));
    Model::single(
        classifier,
        Normalisation::fit([&clip]).unwrap(),
        description,
    )
}

fn of_cell(cell: CellKind) -> Architecture {
    Architecture {
        cell,
        hidden: HIDDEN,
        layers: 2,
        ..Architecture::default()
    }
}

fn of_pooling(pooling: PoolingKind) -> Architecture {
    Architecture {
        pooling,
        ..of_cell(CellKind::Lstm)
    }
}

fn graph(architecture: Architecture) -> GraphProto {
    to_proto(&model(architecture, true)).unwrap().graph.unwrap()
}

fn nodes<'a>(graph: &'a GraphProto, operator: &str) -> Vec<&'a NodeProto> {
    let is = |node: &&NodeProto| node.op_type.as_deref() == Some(operator);
    graph.node.iter().filter(is).collect()
}

fn setting<'a>(node: &'a NodeProto, name: &str) -> Option<&'a AttributeProto> {
    let mut settings = node.attribute.iter();
    settings.find(|setting| setting.name.as_deref() == Some(name))
}

fn name(value: &ValueInfoProto) -> &str {
    value.name.as_deref().unwrap()
}

fn shape(value: &ValueInfoProto) -> Vec<Length> {
    let tensor = value.r#type.as_ref().unwrap().tensor_type.as_ref().unwrap();
    let dimensions = tensor.shape.as_ref().unwrap().dim.iter();
    dimensions.map(|d| d.value.clone().unwrap()).collect()
}

#[test]
fn the_bytes_parse_back_to_what_was_written() {
    let model = model(of_cell(CellKind::Lstm), true);
    let bytes = to_bytes(&model).unwrap();
    let parsed = ModelProto::decode(&bytes[..]).unwrap();
    assert_eq!(parsed, to_proto(&model).unwrap());
    assert_eq!(parsed.opset_import[0].version, Some(17));
    let metadata: HashMap<_, _> = parsed
        .metadata_props
        .iter()
        .map(|entry| (entry.key.clone().unwrap(), entry.value.clone().unwrap()))
        .collect();
    let labels: Vec<String> = serde_json::from_str(&metadata["labels"]).unwrap();
    assert_eq!(labels, model.description.labels);
    let features: FeatureSpec = serde_json::from_str(&metadata["features"]).unwrap();
    assert_eq!(features, model.description.features);
}

#[test]
fn every_value_is_made_once_before_it_is_taken_and_none_in_vain() {
    let poolings = [
        PoolingKind::Last,
        PoolingKind::Mean,
        PoolingKind::Max,
        PoolingKind::MeanDeviation,
        PoolingKind::MultiHead { heads: 3 },
    ];
    let cells = CellKind::ALL
        .into_iter()
        .filter(|cell| *cell != CellKind::PeepholeFull);
    let more = Architecture {
        residual: true,
        layer_norm: true,
        bidirectional: false,
        ..of_cell(CellKind::Gru)
    };
    let convolutions = Architecture {
        convolutions: vec![Convolution::default(); 2],
        ..of_cell(CellKind::Lstm)
    };
    let all = cells
        .map(of_cell)
        .chain(poolings.map(of_pooling))
        .chain([more, convolutions]);
    let mut models: Vec<Model> = all.map(|architecture| model(architecture, true)).collect();
    let mut ensemble = models[models.len() - 1].clone();
    ensemble.members.push(ensemble.members[0].clone());
    models.push(ensemble);
    for model in models {
        let architecture = &model.description.architecture;
        let graph = to_proto(&model).unwrap().graph.unwrap();
        let mut made = HashSet::from([""]);
        for constant in &graph.initializer {
            let name = constant.name.as_deref().unwrap();
            assert!(made.insert(name), "{architecture:?}: {name} twice");
            let count: i64 = constant.dims.iter().product();
            let bytes = constant.raw_data.as_ref().unwrap().len() as i64;
            let size = if constant.data_type == Some(1) { 4 } else { 8 };
            assert_eq!(bytes, count * size, "{name}");
        }
        made.extend(graph.input.iter().map(name));
        for node in &graph.node {
            for input in &node.input {
                assert!(made.contains(&input[..]), "{architecture:?}: {input}");
            }
            for output in &node.output {
                assert!(made.insert(output), "{architecture:?}: {output} twice");
            }
        }
        let taken = graph.node.iter().flat_map(|node| &node.input);
        let mut taken: HashSet<&str> = taken.map(String::as_str).collect();
        taken.extend(["", "probabilities"]);
        let vain: Vec<_> = made.symmetric_difference(&taken).collect();
        assert!(vain.is_empty(), "{architecture:?}: {vain:?}");
    }
}

#[test]
fn inputs_and_output_have_the_documented_shapes() {
    let named = |name: &str| Length::Param(name.into());
    let model = model(of_cell(CellKind::Lstm), true);
    let functionals = model.description.features.functional_names().len();
    let graph = to_proto(&model).unwrap().graph.unwrap();
    let inputs: HashMap<_, _> = graph.input.iter().map(|v| (name(v), shape(v))).collect();
    let frames = vec![named("batch"), named("time"), Length::Value(COLUMNS as i64)];
    assert_eq!(inputs["frames"], frames);
    assert_eq!(inputs["lengths"], [named("batch")]);
    let rows = [named("batch"), Length::Value(functionals as i64)];
    assert_eq!(inputs["functionals"], rows);
    assert_eq!(name(&graph.output[0]), "probabilities");
    assert_eq!(shape(&graph.output[0]), [named("batch"), Length::Value(3)]);
}

#[test]
fn features_without_functionals_need_no_such_input() {
    let model = model(of_cell(CellKind::Lstm), false);
    let graph = to_proto(&model).unwrap().graph.unwrap();
    let inputs: Vec<&str> = graph.input.iter().map(name).collect();
    assert_eq!(inputs, ["frames", "lengths"]);
}

#[test]
fn every_cell_becomes_its_node_with_weights_of_its_shape() {
    for (cell, operator, gates) in [
        (CellKind::Lstm, "LSTM", 4),
        (CellKind::Peephole, "LSTM", 4),
        (CellKind::Coupled, "LSTM", 4),
        (CellKind::Gru, "GRU", 3),
        (CellKind::GruResetBefore, "GRU", 3),
        (CellKind::Rnn, "RNN", 1),
        (CellKind::RnnRelu, "RNN", 1),
    ] {
        let graph = graph(of_cell(cell));
        let layers = nodes(&graph, operator);
        assert_eq!(layers.len(), 2, "{cell:?}");
        for (layer, input) in layers.iter().zip([COLUMNS, 2 * HIDDEN]) {
            let dims = |at: usize| {
                let constants = &mut graph.initializer.iter();
                let is = |name: &Option<String>| name.as_ref() == Some(&layer.input[at]);
                constants.find(|c| is(&c.name)).unwrap().dims.clone()
            };
            let rows = (gates * HIDDEN) as i64;
            assert_eq!(dims(1), [2, rows, input as i64], "{cell:?}");
            assert_eq!(dims(2), [2, rows, HIDDEN as i64]);
            assert_eq!(dims(3), [2, 2 * rows]);
            assert_eq!(layer.input[4], "sequence_lens");
            if cell == CellKind::Peephole {
                assert_eq!(dims(7), [2, 3 * HIDDEN as i64]);
            }
            let reset = setting(layer, "linear_before_reset").and_then(|s| s.i);
            let expected = match cell {
                CellKind::Gru => Some(1),
                CellKind::GruResetBefore => Some(0),
                _ => None,
            };
            assert_eq!(reset, expected, "{cell:?}");
            let direction = setting(layer, "direction").unwrap().s.clone();
            assert_eq!(direction.as_deref(), Some(&b"bidirectional"[..]));
        }
    }
}

#[test]
fn full_peephole_matrices_are_refused_with_a_reason() {
    let error = to_bytes(&model(of_cell(CellKind::PeepholeFull), true)).unwrap_err();
    assert!(matches!(error, ModelError::Export { .. }), "{error}");
    assert!(error.to_string().contains("peephole"), "{error}");
}
