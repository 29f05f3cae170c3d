//! The fused kernel against Burn's own LSTM and GRU.

use burn::nn::{GruConfig, LstmConfig};
use burn::tensor::Distribution;

use super::*;

/// Burn has two linear layers for every gate; this crate stacks them.
fn stacked(gates: &[&burn::nn::GateController]) -> Parameters {
    let values = |tensors: Vec<Tensor<2>>| {
        let tensor = Tensor::cat(tensors, 0);
        Array {
            shape: tensor.dims().to_vec(),
            values: tensor.try_to_vec_as::<f32>().unwrap(),
        }
    };
    let bias = |linear: &burn::nn::Linear| linear.bias.as_ref().unwrap().val().unsqueeze_dim(1);
    let ih = gates
        .iter()
        .map(|g| g.input_transform.weight.val().transpose());
    let hh = gates
        .iter()
        .map(|g| g.hidden_transform.weight.val().transpose());
    let b = gates
        .iter()
        .map(|g| bias(&g.input_transform) + bias(&g.hidden_transform));
    let mut b = values(b.collect());
    b.shape.pop();
    Parameters::from([
        ("weight_ih".to_string(), values(ih.collect())),
        ("weight_hh".to_string(), values(hh.collect())),
        ("bias".to_string(), b),
    ])
}

#[test]
fn outputs_and_input_gradients_equal_burns_own_lstm_in_both_directions() {
    let device = Device::flex().autodiff();
    for reverse in [false, true] {
        let theirs = LstmConfig::new(5, 7, true)
            .with_reverse(reverse)
            .init(&device);
        let forget = theirs.forget_gate.as_ref().unwrap();
        let gates = [
            &theirs.input_gate,
            forget,
            &theirs.cell_gate,
            &theirs.output_gate,
        ];
        let ours = CellKind::Lstm.init(5, 7, &WeightInit::default(), &mut Init::new(0, &device));
        let ours = with_parameters(ours, &stacked(&gates)).unwrap();
        let direction = if reverse {
            Direction::Backward
        } else {
            Direction::Forward
        };
        compare(
            &ours,
            direction,
            |input| theirs.forward(input, None).0,
            &device,
        );
    }
}

#[test]
fn outputs_and_input_gradients_equal_burns_own_gru_with_either_reset() {
    let device = Device::flex().autodiff();
    for (kind, reset_after) in [(CellKind::Gru, true), (CellKind::GruResetBefore, false)] {
        let theirs = GruConfig::new(5, 7, true)
            .with_reset_after(reset_after)
            .init(&device);
        let gates = [&theirs.reset_gate, &theirs.update_gate, &theirs.new_gate];
        let mut weights = stacked(&gates);
        if reset_after {
            let own = theirs
                .new_gate
                .hidden_transform
                .bias
                .as_ref()
                .unwrap()
                .val();
            let own = own.try_to_vec_as::<f32>().unwrap();
            let input = theirs.new_gate.input_transform.bias.as_ref().unwrap().val();
            let bias = weights.get_mut("bias").unwrap();
            bias.values[14..].copy_from_slice(&input.try_to_vec_as::<f32>().unwrap());
            weights.insert(
                "bias_hn".to_string(),
                Array {
                    shape: vec![7],
                    values: own,
                },
            );
        }
        let ours = kind.init(5, 7, &WeightInit::default(), &mut Init::new(0, &device));
        let ours = with_parameters(ours, &weights).unwrap();
        compare(
            &ours,
            Direction::Forward,
            |input| theirs.forward(input, None),
            &device,
        );
    }
}

fn compare(
    ours: &AnyCell,
    direction: Direction,
    theirs: impl Fn(Tensor<3>) -> Tensor<3>,
    device: &Device,
) {
    let input = Tensor::<3>::random([3, 11, 5], Distribution::Normal(0.0, 1.0), device);
    let weight = Tensor::<3>::random([3, 11, 7], Distribution::Normal(0.0, 1.0), device);
    let both = |outputs: Tensor<3>, input: Tensor<3>| {
        let gradients = (outputs.clone() * weight.clone()).sum().backward();
        (outputs, input.grad(&gradients).unwrap())
    };
    let x = input.clone().require_grad();
    let (expected, slope) = both(theirs(x.clone()), x);
    let x = input.require_grad();
    let (actual, actual_slope) = both(walk(ours, x.clone(), Walk::new(&[11; 3], direction)).0, x);
    assert!(actual.all_close(expected, Some(1e-5), Some(2e-6)));
    assert!(actual_slope.all_close(slope, Some(1e-4), Some(1e-5)));
}
