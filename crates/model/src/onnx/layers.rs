//! Convolutions and recurrent layers as nodes of ONNX.
//!
//! In ONNX the blocks of the gates have another order. Both directions are in one
//! tensor, and the two biases are concatenated:
//!
//! | node | blocks in ONNX | here |
//! |---|---|---|
//! | `LSTM` | i, o, f, c; peepholes i, o, f | i, f, g, o; peepholes i, f, o |
//! | `GRU` | z, r, h | r, z, n |
//! | `RNN` | one | one |
//!
//! ONNX has a flag for coupled gates, but few runtimes support it. It is not
//! needed: `1 - σ(x) = σ(-x)`, so an LSTM whose forget gate has the negated
//! weights of the input gate computes the same.

use super::graph::{Graph, Name, float, int, ints, text, texts};
use crate::{Convolution, ModelError};
use recurrent::kernel::Formula;
use recurrent::parameters::Array;
use recurrent::{AnyCell, Cell, LayerNorm, Recurrent};

/// Takes one of the network's parameters by its name.
pub(super) type Take<'a> = dyn FnMut(&str) -> Result<Array, ModelError> + 'a;

/// Which block of ours becomes a block of ONNX's weights, as it is or negated.
enum Block {
    Is(usize),
    Negated(usize),
}

use Block::{Is, Negated};

/// The node of a formula.
struct Operator {
    name: &'static str,
    blocks: &'static [Block],
    activation: Option<&'static str>,
    reset_after: Option<bool>,
}

impl Operator {
    fn of(formula: Formula) -> Self {
        let plain = |name, blocks| Operator {
            name,
            blocks,
            activation: None,
            reset_after: None,
        };
        let gru = |after| Operator {
            reset_after: Some(after),
            ..plain("GRU", &[Is(1), Is(0), Is(2)])
        };
        let rnn = |activation| Operator {
            activation: Some(activation),
            ..plain("RNN", &[Is(0)])
        };
        match formula {
            Formula::Lstm | Formula::Peephole => plain("LSTM", &[Is(0), Is(3), Is(1), Is(2)]),
            Formula::Coupled => plain("LSTM", &[Is(0), Is(2), Negated(0), Is(1)]),
            Formula::GruResetAfter => gru(true),
            Formula::GruResetBefore => gru(false),
            Formula::Tanh => rnn("Tanh"),
            Formula::Relu => rnn("Relu"),
        }
    }

    /// `values`, with `width * hidden` numbers per block, in ONNX's order.
    fn reorder(&self, values: &[f32], hidden: usize, width: usize) -> Vec<f32> {
        let size = hidden * width;
        let mut result = Vec::with_capacity(self.blocks.len() * size);
        for block in self.blocks {
            match *block {
                Is(at) => result.extend(&values[at * size..(at + 1) * size]),
                Negated(at) => result.extend(values[at * size..(at + 1) * size].iter().map(|v| -v)),
            }
        }
        result
    }
}

/// Adds convolution `index` over `frames`, `[batch, time, columns]`. Returns its
/// output in the same layout, the clips' new lengths, and their mask.
pub(super) fn convolution(
    graph: &mut Graph,
    index: usize,
    shape: Convolution,
    take: &mut Take<'_>,
    frames: &str,
    lengths: &str,
) -> Result<(Name, Name, Name), ModelError> {
    let outer = graph.scope.clone();
    graph.scope += &format!("convolution{index}/");
    let mut part = |part: &str| take(&format!("convolutions.{index}.{part}"));
    let (weight, bias) = (part("linear.weight")?, part("linear.bias")?);
    let (scale, shift) = (part("norm.weight")?, part("norm.bias")?);
    let Convolution {
        channels,
        kernel,
        stride,
    } = shape;
    // From [channels, kernel * input], frame after frame, to [channels, input, kernel].
    let input = weight.values.len() / (channels * kernel).max(1);
    let places = (0..channels).flat_map(|channel| {
        (0..input).flat_map(move |i| (0..kernel).map(move |k| (channel * kernel + k) * input + i))
    });
    let weight: Vec<f32> = places.map(|at| weight.values[at]).collect();
    let weight = graph.floats("weight", &[channels, input, kernel], &weight);
    let bias = graph.floats("bias", &[channels], &bias.values);

    let last_two = || vec![ints("perm", &[0, 2, 1])];
    let columns = graph.node_with("Transpose", "columns", &[frames], last_two());
    let left = (kernel - 1) / 2;
    let settings = vec![
        ints("kernel_shape", &[kernel as i64]),
        ints("strides", &[stride as i64]),
        ints("pads", &[left as i64, (kernel - 1 - left) as i64]),
    ];
    let looks = graph.node_with("Conv", "looks", &[&columns, &weight, &bias], settings);
    let looks = graph.node_with("Transpose", "frames", &[&looks], last_two());
    let scale = graph.floats("norm_scale", &[channels], &scale.values);
    let shift = graph.floats("norm_shift", &[channels], &shift.values);
    let normed = graph.node_with(
        "LayerNormalization",
        "norm",
        &[&looks, &scale, &shift],
        vec![int("axis", -1), float("epsilon", LayerNorm::EPSILON)],
    );
    let channels = graph.node("Relu", "relu", &[&normed]);

    let more = graph.ints("stride_less_1", &[stride as i64 - 1]);
    let stride = graph.ints("stride", &[stride as i64]);
    let lengths = graph.node("Add", "lengths_up", &[lengths, &more]);
    let lengths = graph.node("Div", "lengths", &[&lengths, &stride]);
    let inside = super::inside(graph, &channels, &lengths);
    let zero = graph.floats("zero", &[], &[0.0]);
    let frames = graph.node("Where", "inside_channels", &[&inside, &channels, &zero]);
    graph.scope = outer;
    Ok((frames, lengths, inside))
}

/// Adds the recurrent layers over `frames`, `[time, batch, columns]`; the result
/// has the same layout.
///
/// # Errors
///
/// [`ModelError::Export`] for full peephole matrices, and for a layer whose
/// directions have different cells.
pub(super) fn recurrent(
    graph: &mut Graph,
    network: &Recurrent,
    take: &mut Take<'_>,
    mut frames: Name,
    columns: usize,
    lengths: &str,
) -> Result<Name, ModelError> {
    let mut width = columns;
    for (index, layer) in network.layers.iter().enumerate() {
        let name = |part: &str| format!("layer{index}/{part}");
        let mut cells = vec![("forward", &layer.forward)];
        cells.extend(layer.backward.as_ref().map(|cell| ("backward", cell)));
        let path = format!("recurrent.layers.{index}");
        let mut outputs = both_directions(graph, &path, &name, &cells, take, &frames, lengths)?;
        let mut output = cells.len() * layer.forward.hidden();
        if layer.projection.is_some() {
            let matrix = take(&format!("{path}.projection.weight"))?;
            let shift = take(&format!("{path}.projection.bias"))?;
            output = shift.values.len();
            let transposed = transpose(&matrix);
            let matrix = graph.floats(
                &name("projection_weight"),
                &transposed.shape,
                &transposed.values,
            );
            let shift = graph.floats(&name("projection_bias"), &shift.shape, &shift.values);
            outputs = graph.node("MatMul", &name("projected"), &[&outputs, &matrix]);
            outputs = graph.node("Add", &name("projection"), &[&outputs, &shift]);
        }
        if network.is_residual() && output == width {
            outputs = graph.node("Add", &name("residual"), &[&outputs, &frames]);
        }
        if layer.norm.is_some() {
            let scale = take(&format!("{path}.norm.weight"))?;
            let shift = take(&format!("{path}.norm.bias"))?;
            let scale = graph.floats(&name("norm_scale"), &scale.shape, &scale.values);
            let shift = graph.floats(&name("norm_shift"), &shift.shape, &shift.values);
            outputs = graph.node_with(
                "LayerNormalization",
                &name("norm"),
                &[&outputs, &scale, &shift],
                vec![int("axis", -1), float("epsilon", LayerNorm::EPSILON)],
            );
        }
        frames = outputs;
        width = output;
    }
    Ok(frames)
}

/// One layer's node, and the nodes that put its directions side by side.
fn both_directions(
    graph: &mut Graph,
    path: &str,
    name: &dyn Fn(&str) -> Name,
    cells: &[(&str, &AnyCell)],
    take: &mut Take<'_>,
    frames: &str,
    lengths: &str,
) -> Result<Name, ModelError> {
    let unlike = |what: &str| ModelError::Export {
        what: format!("ONNX has no node for {what}"),
    };
    let first = cells[0].1;
    let (input, hidden, directions) = (first.input(), first.hidden(), cells.len());
    let formula = first
        .formula()
        .ok_or_else(|| unlike("an LSTM with full peephole matrices"))?;
    let alike = |cell: &AnyCell| {
        cell.formula() == Some(formula) && (cell.input(), cell.hidden()) == (input, hidden)
    };
    if !cells.iter().all(|(_, cell)| alike(cell)) {
        return Err(unlike("a layer whose directions have different cells"));
    }
    let operator = Operator::of(formula);
    let (mut w, mut r, mut b, mut p) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (direction, _) in cells {
        let mut part = |part: &str| take(&format!("{path}.{direction}.{part}"));
        w.extend(operator.reorder(&part("weight_ih")?.values, hidden, input));
        r.extend(operator.reorder(&part("weight_hh")?.values, hidden, hidden));
        let bias = operator.reorder(&part("bias")?.values, hidden, 1);
        let mut recurrent = vec![0.0; bias.len()];
        b.extend(bias);
        if formula == Formula::GruResetAfter {
            recurrent[2 * hidden..].copy_from_slice(&part("bias_hn")?.values);
        }
        b.extend(recurrent);
        if formula == Formula::Peephole {
            let peephole = part("peephole")?.values;
            for gate in [0, 2, 1] {
                p.extend(&peephole[gate * hidden..(gate + 1) * hidden]);
            }
        }
    }
    let rows = operator.blocks.len() * hidden;
    let w = graph.floats(&name("W"), &[directions, rows, input], &w);
    let r = graph.floats(&name("R"), &[directions, rows, hidden], &r);
    let b = graph.floats(&name("B"), &[directions, 2 * rows], &b);
    let mut inputs = vec![frames, &w, &r, &b, lengths];
    let p = match formula {
        Formula::Peephole => Some(graph.floats(&name("P"), &[directions, 3 * hidden], &p)),
        _ => None,
    };
    if let Some(p) = &p {
        // Without initial states.
        inputs.extend(["", "", p]);
    }
    let mut settings = vec![
        int("hidden_size", hidden as i64),
        text(
            "direction",
            match directions {
                1 => "forward",
                _ => "bidirectional",
            },
        ),
    ];
    if let Some(activation) = operator.activation {
        settings.push(texts("activations", &vec![activation; directions]));
    }
    if let Some(after) = operator.reset_after {
        settings.push(int("linear_before_reset", i64::from(after)));
    }
    let outputs = graph.node_with(operator.name, &name("outputs"), &inputs, settings);
    // [time, directions, batch, hidden] to [time, batch, directions * hidden]
    let order = vec![ints("perm", &[0, 2, 1, 3])];
    let outputs = graph.node_with("Transpose", &name("directions"), &[&outputs], order);
    let shape = graph.ints(&name("shape"), &[0, 0, (directions * hidden) as i64]);
    Ok(graph.node("Reshape", &name("states"), &[&outputs, &shape]))
}

/// The transposed matrix.
fn transpose(matrix: &Array) -> Array {
    let (rows, columns) = (matrix.shape[0], matrix.shape[1]);
    let places = (0..columns).flat_map(|column| (0..rows).map(move |row| row * columns + column));
    Array {
        shape: vec![columns, rows],
        values: places.map(|at| matrix.values[at]).collect(),
    }
}
