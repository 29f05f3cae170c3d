//! The fused recurrence as an operation of Burn, which sends it to the backend
//! of its tensors.

#[cfg(feature = "ndarray")]
use burn::backend::NdArray;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, DispatchDevice, Flex, backend_extension};
use burn::tensor::{DType, Tensor};

use crate::operation::{Call, Fused};

/// The tensors of the operation besides its inputs `[batch, time, input]`, in
/// this order: input weights, recurrent weights, bias, peephole weights, initial
/// hidden states and initial cell states `[batch, hidden]`. What a cell does not
/// have is a placeholder. The tensors of two ways are stacked by rows.
pub(crate) type Operands = [Tensor<2>; 6];

/// Whether the operation can compute a layer of `hidden` units over this input.
pub(crate) fn takes(input: &Tensor<3>, hidden: usize) -> bool {
    let most_units = match input.device().inner().as_dispatch() {
        DispatchDevice::Flex(_) => usize::MAX,
        #[cfg(feature = "ndarray")]
        DispatchDevice::NdArray(_) => usize::MAX,
        // Graphics cards have no empty tensors.
        #[cfg(feature = "wgpu")]
        DispatchDevice::Cube(_) if !input.dims().contains(&0) => crate::gpu::MOST_UNITS,
        #[allow(unreachable_patterns)]
        _ => 0,
    };
    hidden <= most_units && input.dtype() == DType::F32
}

/// Outputs `[batch, time, ways * hidden]`, with the rows of the final states
/// after them if `call` asks for them.
pub(crate) fn sequence(inputs: Tensor<3>, operands: Operands, call: Call) -> Tensor<3> {
    let [ih, hh, bias, peephole, h, c] = operands.map(Tensor::into_dispatch);
    Tensor::from_dispatch(Dispatch::recurrent_sequence(
        inputs.into_dispatch(),
        ih,
        hh,
        bias,
        peephole,
        h,
        c,
        call,
    ))
}

/// What Burn dispatches to the backend of the tensors.
#[backend_extension(Flex, NdArray: cfg(feature = "ndarray"), Cube: cfg(feature = "wgpu"), Autodiff: cfg(feature = "train"))]
pub(crate) trait RecurrentOps: Backend {
    #[allow(clippy::too_many_arguments)]
    fn recurrent_sequence(
        inputs: FloatTensor<Self>,
        weight_ih: FloatTensor<Self>,
        weight_hh: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        peephole: FloatTensor<Self>,
        h: FloatTensor<Self>,
        c: FloatTensor<Self>,
        call: Call,
    ) -> FloatTensor<Self>;
}

/// The operation without gradients, on a [`Fused`] backend.
macro_rules! without_gradients {
    ($backend:ty) => {
        impl RecurrentOps for $backend {
            fn recurrent_sequence(
                inputs: FloatTensor<Self>,
                weight_ih: FloatTensor<Self>,
                weight_hh: FloatTensor<Self>,
                bias: FloatTensor<Self>,
                peephole: FloatTensor<Self>,
                h: FloatTensor<Self>,
                c: FloatTensor<Self>,
                call: Call,
            ) -> FloatTensor<Self> {
                let tensors = [inputs, weight_ih, weight_hh, bias, peephole, h, c];
                <Self as Fused>::forward(&tensors, &call, false).0
            }
        }
    };
}

without_gradients!(Flex);
#[cfg(feature = "ndarray")]
without_gradients!(NdArray);
#[cfg(feature = "wgpu")]
without_gradients!(burn::backend::Cube);
