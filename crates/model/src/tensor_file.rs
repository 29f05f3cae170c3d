//! Named arrays in a safetensors file: what models and checkpoints are saved as.

use std::collections::HashMap;

use recurrent::parameters::{Array, Parameters, to_safetensors};
use safetensors::tensor::{Dtype, SafeTensors};

use crate::ModelError;

/// Named arrays and metadata as the bytes of a safetensors file. The same
/// content gives the same bytes.
///
/// # Errors
///
/// [`ModelError::Settings`] if an array's shape does not fit its values.
pub fn serialize(
    parameters: &Parameters,
    metadata: HashMap<String, String>,
) -> Result<Vec<u8>, ModelError> {
    Ok(to_safetensors(parameters, metadata)?)
}

/// The arrays and metadata of a safetensors file whose tensors all consist of
/// 32-bit floats. `name` stands for the file in error messages.
///
/// # Errors
///
/// [`ModelError::NotAModel`] if the bytes do not begin as a safetensors file;
/// [`ModelError::Corrupt`] if they are cut off, inconsistent, or hold other
/// numbers.
pub fn deserialize(
    bytes: &[u8],
    name: &str,
) -> Result<(Parameters, HashMap<String, String>), ModelError> {
    let not_ours = |what: &str| ModelError::NotAModel {
        name: name.into(),
        what: what.into(),
    };
    let corrupt = |what: String| ModelError::Corrupt {
        name: name.into(),
        what,
    };
    if bytes.is_empty() {
        return Err(not_ours("the file is empty"));
    }
    // A file begins with the header's length in 8 bytes, then the header in JSON.
    if bytes.get(8) != Some(&b'{') {
        return Err(not_ours("no safetensors header"));
    }
    let damaged = |error| corrupt(format!("{error}"));
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
    let metadata = header.metadata().clone().unwrap_or_default();
    let tensors = SafeTensors::deserialize(bytes).map_err(damaged)?;
    let mut parameters = Parameters::new();
    for (tensor_name, view) in tensors.iter() {
        if view.dtype() != Dtype::F32 {
            return Err(corrupt(format!(
                "the tensor {tensor_name} does not consist of 32-bit floats"
            )));
        }
        let (values, _) = view.data().as_chunks::<4>();
        let array = Array {
            shape: view.shape().to_vec(),
            values: values
                .iter()
                .map(|bytes| f32::from_le_bytes(*bytes))
                .collect(),
        };
        parameters.insert(tensor_name.to_string(), array);
    }
    Ok((parameters, metadata))
}
