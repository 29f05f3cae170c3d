//! The layers that the [`Classifier`](crate::Classifier) is made of.
//!
//! Every layer takes a padded batch `[batch, time, features]` with the length
//! of each sequence, and neither padding nor the rest of the batch changes a
//! sequence's result. Convolutions and pooling are here; the recurrent layers
//! and what they are built from come from the crate [`recurrent`].

mod convolution;
mod pooling;

use burn::tensor::Tensor;

use crate::ModelError;

pub use convolution::{Convolution, ConvolutionLayer};
pub use pooling::{Pooling, PoolingKind};
pub use recurrent::{Dropout, Init, LayerNorm, Linear, Recurrent, RecurrentConfig, padding_mask};

/// The rows of a tensor `[rows, columns]`, as numbers on the host.
///
/// # Errors
///
/// [`ModelError::Backend`] where the device does not give its result back.
pub fn rows(tensor: Tensor<2>) -> Result<Vec<Vec<f32>>, ModelError> {
    let columns = tensor.dims()[1];
    let flat: Vec<f32> = tensor
        .try_into_vec_as()
        .map_err(|error| ModelError::Backend {
            backend: "device".into(),
            what: format!("the result could not be read back: {error:?}"),
        })?;
    Ok(flat.chunks(columns).map(<[f32]>::to_vec).collect())
}
