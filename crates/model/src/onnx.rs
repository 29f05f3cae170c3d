//! A trained model as an ONNX file, for other programs.
//!
//! [`to_bytes`] writes everything from features to probabilities into one graph
//! (operator set 17): the encoder with its pooling; the normalisation, the
//! convolutions, the recurrent layers, the pooling, the other branches and the
//! softmax of every network of the model; the linear classifiers; and the mean of
//! their probabilities. Feature extraction is not part of it; its settings are in
//! the metadata.
//!
//! | input | shape | |
//! |---|---|---|
//! | `frames` | `[batch, time, columns]`, 32-bit floats | features from the audio crate, not normalised; the padding can hold anything; only if a network reads them |
//! | `lengths` | `[batch]`, 64-bit integers | frames of each clip, from 1 to `time` |
//! | `speech` | `[batch, speech_time, 40]`, 32-bit floats | the encoder's input, `Features::encoder` of the audio crate; only if there is an encoder |
//! | `speech_lengths` | `[batch]`, 64-bit integers | its frames of each clip, from 1 to `speech_time` |
//! | `functionals` | `[batch, functionals]`, 32-bit floats | only if the features have functionals |
//!
//! | output | shape | |
//! |---|---|---|
//! | `probabilities` | `[batch, labels]` | each row sums to 1 |
//!
//! | metadata | value |
//! |---|---|
//! | `labels` | JSON list of names, in the order of the probabilities |
//! | `columns`, `functionals` | JSON lists of the inputs' column names |
//! | `features` | JSON of the audio crate's `FeatureSpec` |
//! | `architecture` | JSON of [`Architecture`](crate::Architecture) |
//! | `provenance` | JSON of [`Provenance`](crate::Provenance), with the licence |
//!
//! Neither padding nor other clips change a clip's probabilities: the recurrent
//! nodes get the lengths, and the pooling leaves out the padding.
//!
//! Sources: `onnx/onnx.proto` for the format ([`proto`]), `docs/Operators.md`
//! of the ONNX repository for the operators.

pub mod proto;

mod encoder;
mod graph;
mod layers;

use std::ops::Range;

use prost::Message;
use serde::Serialize;

use crate::{LinearClassifier, Member, Model, ModelError, PoolingKind};
use graph::{Graph, Name, int, ints, value};
use proto::{Length, ModelProto, OperatorSetIdProto, StringStringEntryProto, data_type};
use recurrent::parameters::{Array, parameters};

/// The version of ONNX's operator set that the nodes belong to.
const OPERATOR_SET: i64 = 17;
/// The version of the file format that belongs to it.
const FORMAT_VERSION: i64 = 8;

/// The bytes of an ONNX file.
///
/// # Errors
///
/// [`ModelError::Export`] if ONNX has no node for the network's cells: an LSTM
/// with full peephole matrices.
pub fn to_bytes(model: &Model) -> Result<Vec<u8>, ModelError> {
    Ok(to_proto(model)?.encode_to_vec())
}

/// The same as a protocol buffer message.
///
/// # Errors
///
/// As [`to_bytes`].
pub fn to_proto(model: &Model) -> Result<ModelProto, ModelError> {
    let d = &model.description;
    let (columns, functionals) = (d.features.column_names(), d.features.functional_names());
    let mut graph = Graph::default();
    let batch = || Length::Param("batch".into());
    let fixed = |length: usize| Length::Value(length as i64);
    let time = |name: &str| Length::Param(name.into());
    let frames = (d.architecture.layers > 0 && !model.members.is_empty()).then(|| {
        let frames = graph.input(
            "frames",
            data_type::FLOAT,
            &[batch(), time("time"), fixed(columns.len())],
            "Features of each frame, not normalised, padded at the end",
        );
        let lengths = graph.input(
            "lengths",
            data_type::INT64,
            &[batch()],
            "Frames of each clip",
        );
        let inside = inside(&mut graph, &frames, &lengths);
        Rows {
            frames,
            lengths,
            inside,
        }
    });
    let mut numbers = Vec::new();
    if !functionals.is_empty() {
        numbers.push(graph.input(
            "functionals",
            data_type::FLOAT,
            &[batch(), fixed(functionals.len())],
            "Statistics of each clip, not normalised",
        ));
    }
    if let Some(encoder) = &model.encoder {
        let rows = graph.input(
            "speech",
            data_type::FLOAT,
            &[
                batch(),
                time("speech_time"),
                fixed(audio::SpeechLevel::COLUMNS),
            ],
            "Levelled mel powers of each frame of speech, padded at the end",
        );
        let lengths = graph.input(
            "speech_lengths",
            data_type::INT64,
            &[batch()],
            "Frames of speech of each clip, at least 1",
        );
        graph.scope = "speech/".into();
        let inside = inside(&mut graph, &rows, &lengths);
        numbers.push(encoder::embedding(
            &mut graph, encoder, &rows, &lengths, &inside,
        )?);
    }
    let inputs = Inputs {
        rows: frames,
        functionals: match &numbers[..] {
            [] => None,
            [one] => Some(one.clone()),
            several => {
                let several: Vec<&str> = several.iter().map(String::as_str).collect();
                Some(graph.node_with("Concat", "numbers", &several, vec![int("axis", 1)]))
            }
        },
    };
    let several = model.members.len() + model.linear.len() > 1;
    let mut answers = Vec::with_capacity(model.members.len() + model.linear.len());
    for (index, member) in model.members.iter().enumerate() {
        if several {
            graph.scope = format!("member{index}/");
        }
        let answer = network(&mut graph, member, d.architecture.pooling(), &inputs)?;
        answers.push((answer, model.network_share));
    }
    for (index, classifier) in model.linear.iter().enumerate() {
        if several {
            graph.scope = format!("linear{index}/");
        }
        let range = classifier.inputs.range(&d.features);
        let answer = linear_classifier(&mut graph, classifier, range, &inputs)?;
        answers.push((answer, classifier.share));
    }
    graph.scope = String::new();
    let output = together(&mut graph, &answers, d.temperature);
    let output = value(
        &output,
        data_type::FLOAT,
        &[batch(), fixed(d.labels.len())],
        "Probability of each label",
    );

    let metadata = [
        ("labels", json(&d.labels)?),
        ("columns", json(&columns)?),
        ("functionals", json(&functionals)?),
        ("features", json(&d.features)?),
        ("architecture", json(&d.architecture)?),
        ("provenance", json(&d.provenance)?),
    ];
    let entry = |(key, value): (&str, String)| StringStringEntryProto {
        key: Some(key.into()),
        value: Some(value),
    };
    Ok(ModelProto {
        ir_version: Some(FORMAT_VERSION),
        producer_name: Some(env!("CARGO_PKG_NAME").into()),
        producer_version: Some(env!("CARGO_PKG_VERSION").into()),
        doc_string: Some(format!("Which of {} a voice carries", d.labels.join(", "))),
        graph: Some(graph.finish("classifier", output)),
        opset_import: vec![OperatorSetIdProto {
            domain: Some(String::new()),
            version: Some(OPERATOR_SET),
        }],
        metadata_props: metadata.map(entry).to_vec(),
    })
}

/// The inputs of every network of the model.
struct Inputs {
    rows: Option<Rows>,
    /// The functionals, then the encoder's embedding.
    functionals: Option<Name>,
}

/// Padded frames.
struct Rows {
    frames: Name,
    lengths: Name,
    inside: Name,
}

type Take<'a> = dyn FnMut(&str) -> Result<Array, ModelError> + 'a;

/// One network, from features to the probabilities of the labels.
fn network(
    graph: &mut Graph,
    member: &Member,
    pooling: PoolingKind,
    inputs: &Inputs,
) -> Result<Name, ModelError> {
    let mut arrays = parameters(&member.classifier);
    let mut take = |name: &str| {
        arrays.remove(name).ok_or_else(|| ModelError::Export {
            what: format!("the network has no parameter {name}"),
        })
    };
    let mut branches = Vec::new();
    if let Some(rows) = &inputs.rows {
        branches.push(frames_branch(graph, member, pooling, rows, &mut take)?);
    }
    let before = member.classifier.before_embedding();
    let all = member.normalisation.functionals.mean.len();
    let parts = [
        ("functionals", &member.classifier.functionals, 0..before),
        ("embedding", &member.classifier.embedding, before..all),
    ];
    for (name, layer, range) in parts {
        let (Some(_), Some(input)) = (layer, &inputs.functionals) else {
            continue;
        };
        let input = part(graph, name, input, &member.normalisation.functionals, range);
        let (weight, bias) = (
            take(&format!("{name}.weight"))?,
            take(&format!("{name}.bias"))?,
        );
        let branch = linear(graph, &format!("{name}_branch"), &input, &weight, &bias);
        branches.push(graph.node("Relu", &format!("{name}_relu"), &[&branch]));
    }
    let pooled = match &branches[..] {
        [one] => one.clone(),
        several => {
            let several: Vec<&str> = several.iter().map(String::as_str).collect();
            graph.node_with("Concat", "both", &several, vec![int("axis", 1)])
        }
    };
    let (weight, bias) = (take("head.weight")?, take("head.bias")?);
    let logits = linear(graph, "logits", &pooled, &weight, &bias);
    let over_labels = vec![int("axis", 1)];
    Ok(graph.node_with("Softmax", "answer", &[&logits], over_labels))
}

/// A linear classifier, from functionals to the probabilities of the labels.
fn linear_classifier(
    graph: &mut Graph,
    classifier: &LinearClassifier,
    range: Range<usize>,
    inputs: &Inputs,
) -> Result<Name, ModelError> {
    let input = inputs.functionals.as_ref();
    let input = input.ok_or_else(|| ModelError::Export {
        what: "a linear classifier has nothing to read".into(),
    })?;
    let statistics = &classifier.normalisation.functionals;
    let input = part(graph, "inputs", input, statistics, range);
    let mut arrays = classifier.parameters();
    let mut take = |name: &str| {
        arrays.remove(name).ok_or_else(|| ModelError::Export {
            what: format!("the linear classifier has no {name}"),
        })
    };
    let (weight, bias) = (take("weight")?, take("bias")?);
    let scores = linear(graph, "scores", &input, &weight, &bias);
    Ok(graph.node_with("Softmax", "answer", &[&scores], vec![int("axis", 1)]))
}

/// Some of the functionals, normalised.
fn part(
    graph: &mut Graph,
    name: &str,
    input: &str,
    statistics: &crate::Statistics,
    range: Range<usize>,
) -> Name {
    let all = statistics.mean.len();
    let chosen = crate::Statistics {
        mean: statistics.mean[range.clone()].to_vec(),
        deviation: statistics.deviation[range.clone()].to_vec(),
    };
    let mut own = input.to_string();
    if range.len() < all {
        let begin = graph.ints(&format!("{name}_begin"), &[range.start as i64]);
        let end = graph.ints(&format!("{name}_end"), &[range.end as i64]);
        let axis = graph.ints(&format!("{name}_axis"), &[1]);
        own = graph.node(
            "Slice",
            &format!("{name}_part"),
            &[input, &begin, &end, &axis],
        );
    }
    normalise(graph, name, &own, &chosen)
}

/// The convolutions, the recurrent layers and the pooling.
fn frames_branch(
    graph: &mut Graph,
    member: &Member,
    pooling: PoolingKind,
    rows: &Rows,
    mut take: &mut Take<'_>,
) -> Result<Name, ModelError> {
    let statistics = &member.normalisation.frames;
    let normalised = match statistics.mean.is_empty() {
        true => rows.frames.clone(),
        false => normalise(graph, "frames", &rows.frames, statistics),
    };
    // Padding can hold anything, NaN too, and must not reach a product.
    let zero = graph.floats("zero", &[], &[0.0]);
    let mut frames = graph.node(
        "Where",
        "inside_frames",
        &[&rows.inside, &normalised, &zero],
    );
    let (mut lengths, mut inside) = (rows.lengths.clone(), rows.inside.clone());
    // Only the encoder's input is not normalised.
    let mut columns = match statistics.mean.len() {
        0 => audio::SpeechLevel::COLUMNS,
        columns => columns,
    };
    for (index, layer) in member.classifier.convolutions.iter().enumerate() {
        (frames, lengths, inside) =
            layers::convolution(graph, index, layer.shape(), &mut take, &frames, &lengths)?;
        columns = layer.shape().channels;
    }
    let swapped = || vec![ints("perm", &[1, 0, 2])];
    let steps = graph.node_with("Transpose", "steps", &[&frames], swapped());
    let short = vec![int("to", i64::from(data_type::INT32))];
    let short = graph.node_with("Cast", "sequence_lens", &[&lengths], short);
    let recurrent = &member.classifier.recurrent;
    let states = layers::recurrent(graph, recurrent, &mut take, steps, columns, &short)?;
    let states = graph.node_with("Transpose", "states", &[&states], swapped());
    let attention = match member.classifier.pooling.attention {
        Some(_) => Some(take("pooling.attention")?),
        None => None,
    };
    Ok(pool(graph, pooling, attention, &states, &inside, &lengths))
}

/// The mean of the members' probabilities by their shares, after temperature
/// scaling, as in [`crate::Recognizer`].
fn together(graph: &mut Graph, answers: &[(Name, f32)], temperature: f32) -> Name {
    let total: f32 = answers.iter().map(|(_, share)| share).sum();
    let shared: Vec<Name> = answers
        .iter()
        .enumerate()
        .map(|(index, (answer, share))| {
            let share = graph.floats(&format!("share{index}"), &[], &[share / total]);
            graph.node("Mul", &format!("shared{index}"), &[answer, &share])
        })
        .collect();
    let shared: Vec<&str> = shared.iter().map(String::as_str).collect();
    let mean = graph.node("Sum", "mean_probabilities", &shared);
    let power = graph.floats("inverse_temperature", &[], &[1.0 / temperature]);
    let powers = graph.node("Pow", "tempered", &[&mean, &power]);
    let over_labels = graph.ints("labels_axis", &[1]);
    let sum = graph.node("ReduceSum", "sum", &[&powers, &over_labels]);
    graph.node("Div", "probabilities", &[&powers, &sum])
}

fn json(value: &impl Serialize) -> Result<String, ModelError> {
    serde_json::to_string(value).map_err(|error| ModelError::Export {
        what: format!("the description cannot be written: {error}"),
    })
}

/// The input minus the mean, divided by the standard deviation.
fn normalise(graph: &mut Graph, name: &str, input: &str, statistics: &crate::Statistics) -> Name {
    let size = [statistics.mean.len()];
    let mean = graph.floats(&format!("{name}_mean"), &size, &statistics.mean);
    let deviation = graph.floats(&format!("{name}_deviation"), &size, &statistics.deviation);
    let centred = graph.node("Sub", &format!("{name}_centred"), &[input, &mean]);
    graph.node(
        "Div",
        &format!("{name}_normalised"),
        &[&centred, &deviation],
    )
}

/// `W x + b` for every row.
fn linear(graph: &mut Graph, name: &str, input: &str, weight: &Array, bias: &Array) -> Name {
    let weight = graph.floats(&format!("{name}_weight"), &weight.shape, &weight.values);
    let bias = graph.floats(&format!("{name}_bias"), &bias.shape, &bias.values);
    let transposed = vec![int("transB", 1)];
    graph.node_with("Gemm", name, &[input, &weight, &bias], transposed)
}

/// `[batch, time, 1]`: whether a frame is inside its clip.
fn inside(graph: &mut Graph, frames: &str, lengths: &str) -> Name {
    let (zero, one) = (graph.int("int_zero", 0), graph.int("int_one", 1));
    let shape = graph.node("Shape", "frames_shape", &[frames]);
    let time = graph.node("Gather", "time", &[&shape, &one]);
    let places = graph.node("Range", "places", &[&zero, &time, &one]);
    let last = graph.ints("last_axis", &[-1]);
    let column = graph.node("Unsqueeze", "lengths_column", &[lengths, &last]);
    let inside = graph.node("Less", "inside_flat", &[&places, &column]);
    graph.node("Unsqueeze", "inside", &[&inside, &last])
}

/// From `[batch, time, hidden]` to `[batch, output]`, as in [`crate::Pooling`].
fn pool(
    graph: &mut Graph,
    kind: PoolingKind,
    attention: Option<Array>,
    states: &str,
    inside: &str,
    lengths: &str,
) -> Name {
    // Below any value or score of a network.
    const OUTSIDE: [f32; 1] = [-1e9];
    match kind {
        PoolingKind::Last => {
            let one = graph.ints("one", &[1]);
            let last = graph.node("Sub", "last_frame", &[lengths, &one]);
            let axis = graph.ints("index_axis", &[-1]);
            let last = graph.node("Unsqueeze", "last_index", &[&last, &axis]);
            let each = vec![int("batch_dims", 1)];
            return graph.node_with("GatherND", "pooled", &[states, &last], each);
        }
        PoolingKind::Max => {
            let outside = graph.floats("outside", &[], &OUTSIDE);
            let lowered = graph.node("Where", "lowered_states", &[inside, states, &outside]);
            let settings = vec![ints("axes", &[1]), int("keepdims", 0)];
            return graph.node_with("ReduceMax", "pooled", &[&lowered], settings);
        }
        _ => {}
    }
    let weights = match attention {
        None => {
            let over_time = graph.ints("count_axis", &[1]);
            let ones = vec![int("to", i64::from(data_type::FLOAT))];
            let ones = graph.node_with("Cast", "ones", &[inside], ones);
            let count = graph.node("ReduceSum", "count", &[&ones, &over_time]);
            graph.node("Div", "weights", &[&ones, &count])
        }
        Some(attention) => {
            let attention = graph.floats("attention", &attention.shape, &attention.values);
            let scores = graph.node("MatMul", "scores", &[states, &attention]);
            let outside = graph.floats("outside", &[], &OUTSIDE);
            let scores = graph.node("Where", "inside_scores", &[inside, &scores, &outside]);
            graph.node_with("Softmax", "weights", &[&scores], vec![int("axis", 1)])
        }
    };
    if let PoolingKind::MultiHead { .. } = kind {
        let heads = vec![ints("perm", &[0, 2, 1])];
        let heads = graph.node_with("Transpose", "head_weights", &[&weights], heads);
        let means = graph.node("MatMul", "head_means", &[&heads, states]);
        return graph.node_with("Flatten", "pooled", &[&means], vec![int("axis", 1)]);
    }
    let over_time = graph.ints("time_axis", &[1]);
    let weighted = graph.node("Mul", "weighted", &[states, &weights]);
    let mean = graph.node("ReduceSum", "mean", &[&weighted, &over_time]);
    if kind == PoolingKind::Mean {
        return graph.node("Squeeze", "pooled", &[&mean, &over_time]);
    }
    let apart = graph.node("Sub", "apart", &[states, &mean]);
    let square = graph.node("Mul", "square", &[&apart, &apart]);
    let square = graph.node("Mul", "weighted_square", &[&square, &weights]);
    let variance = graph.node("ReduceSum", "variance", &[&square, &over_time]);
    let floor = graph.floats("floor", &[], &[1e-6]);
    let variance = graph.node("Add", "variance_floor", &[&variance, &floor]);
    let deviation = graph.node("Sqrt", "deviation", &[&variance]);
    let both = vec![int("axis", 2)];
    let both = graph.node_with("Concat", "mean_deviation", &[&mean, &deviation], both);
    graph.node("Squeeze", "pooled", &[&both, &over_time])
}
