//! The pretrained encoder as nodes: from mel bands of speech to the embedding.

use recurrent::parameters::Array;

use super::graph::{Graph, Name, int, ints};
use super::layers;
use super::proto::data_type;
use crate::{Encoder, ModelError};

/// Below and above any state.
const OUTSIDE: f32 = 1e9;

/// The embedding `[batch, numbers]` of `[batch, time, 40]` mel powers, of which
/// `inside`, `[batch, time, 1]`, says whether they are within their clip.
pub(super) fn embedding(
    graph: &mut Graph,
    encoder: &Encoder,
    rows: &str,
    lengths: &str,
    inside: &str,
) -> Result<Name, ModelError> {
    graph.scope = "encoder/".into();
    let mut arrays = encoder.parameters();
    let mut take = |name: &str| -> Result<Array, ModelError> {
        let own = name.strip_prefix("recurrent.").unwrap_or(name);
        arrays.remove(own).ok_or_else(|| ModelError::Export {
            what: format!("the encoder has no parameter {name}"),
        })
    };
    // Padding can hold anything, NaN too, and must not reach a product.
    let zero = graph.floats("zero", &[], &[0.0]);
    let rows = graph.node("Where", "inside_rows", &[inside, rows, &zero]);
    let swapped = || vec![ints("perm", &[1, 0, 2])];
    let steps = graph.node_with("Transpose", "steps", &[&rows], swapped());
    let short = vec![int("to", i64::from(data_type::INT32))];
    let short = graph.node_with("Cast", "sequence_lens", &[lengths], short);
    let columns = audio::SpeechLevel::COLUMNS;
    let network = encoder.network();
    let states = layers::recurrent(graph, network, &mut take, steps, columns, &short)?;
    let states = graph.node_with("Transpose", "states", &[&states], swapped());
    let statistics = statistics(graph, &states, inside);
    let statistics: Vec<&str> = statistics.iter().map(String::as_str).collect();
    let beside = vec![int("axis", 1)];
    let embedding = graph.node_with("Concat", "embedding", &statistics, beside);
    graph.scope = String::new();
    Ok(embedding)
}

/// Each `[batch, units]`, in the order of [`Encoder::names`].
fn statistics(graph: &mut Graph, states: &str, inside: &str) -> [Name; 5] {
    let time = graph.ints("time_axis", &[1]);
    let zero = graph.floats("no_state", &[], &[0.0]);
    let one = graph.floats("one_frame", &[], &[1.0]);
    let number = || vec![int("to", i64::from(data_type::FLOAT))];
    let ones = graph.node_with("Cast", "ones", &[inside], number());
    let count = graph.node("ReduceSum", "count", &[&ones, &time]);

    let kept = graph.node("Where", "kept", &[inside, states, &zero]);
    let sum = graph.node("ReduceSum", "sum", &[&kept, &time]);
    let mean = graph.node("Div", "mean_row", &[&sum, &count]);
    let apart = graph.node("Sub", "apart", &[states, &mean]);
    let square = graph.node("Mul", "square", &[&apart, &apart]);
    let square = graph.node("Where", "kept_square", &[inside, &square, &zero]);
    let squares = graph.node("ReduceSum", "squares", &[&square, &time]);
    let variance = graph.node("Div", "variance", &[&squares, &count]);
    let deviation = graph.node("Sqrt", "deviation_row", &[&variance]);

    // Each frame less the one before it.
    let (first, second) = (graph.ints("first", &[0]), graph.ints("second", &[1]));
    let (last, end) = (graph.ints("last", &[-1]), graph.ints("end", &[i64::MAX]));
    let later = graph.node("Slice", "later", &[states, &second, &end, &time]);
    let earlier = graph.node("Slice", "earlier", &[states, &first, &last, &time]);
    let step = graph.node("Sub", "step", &[&later, &earlier]);
    let step = graph.node("Abs", "step_size", &[&step]);
    let both = graph.node("Slice", "both_inside", &[inside, &second, &end, &time]);
    let step = graph.node("Where", "kept_step", &[&both, &step, &zero]);
    let steps_sum = graph.node("ReduceSum", "steps_sum", &[&step, &time]);
    let steps_count = graph.node("Sub", "one_less", &[&count, &one]);
    let steps_count = graph.node("Max", "steps_count", &[&steps_count, &one]);
    let difference = graph.node("Div", "difference_row", &[&steps_sum, &steps_count]);

    let mut extreme = |name: &str, operator: &str, outside: f32| {
        let outside = graph.floats(&format!("outside_{name}"), &[], &[outside]);
        let moved = graph.node(
            "Where",
            &format!("{name}_states"),
            &[inside, states, &outside],
        );
        let settings = vec![ints("axes", &[1]), int("keepdims", 0)];
        graph.node_with(operator, name, &[&moved], settings)
    };
    let highest = extreme("highest", "ReduceMax", -OUTSIDE);
    let lowest = extreme("lowest", "ReduceMin", OUTSIDE);
    let mut flat = |name: &str, row: &str| graph.node("Squeeze", name, &[row, &time]);
    [
        flat("mean", &mean),
        flat("deviation", &deviation),
        flat("difference", &difference),
        highest,
        lowest,
    ]
}
