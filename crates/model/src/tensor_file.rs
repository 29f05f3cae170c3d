//! Named arrays in a safetensors file: what models and checkpoints are saved as.

use std::collections::HashMap;

use recurrent::parameters::{Array, Parameters, to_safetensors};
use safetensors::tensor::{Dtype, SafeTensors};

use crate::ModelError;
use burn::tensor::f16;

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
    Ok(to_safetensors(parameters, metadata, |_| false)?)
}

/// The same, with the arrays under a prefix in half precision where that loses
/// nothing.
pub(crate) fn serialize_with_halves(
    parameters: &Parameters,
    prefix: &str,
    metadata: HashMap<String, String>,
) -> Result<Vec<u8>, ModelError> {
    Ok(to_safetensors(parameters, metadata, |name| {
        name.starts_with(prefix)
    })?)
}

/// The arrays and metadata of a safetensors file whose tensors all consist of
/// floats of 32 or 16 bits. `name` stands for the file in error messages.
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
        let data = view.data();
        let values = match view.dtype() {
            Dtype::F32 => data
                .as_chunks()
                .0
                .iter()
                .map(|&b| f32::from_le_bytes(b))
                .collect(),
            Dtype::F16 => {
                let halves = data.as_chunks().0.iter();
                halves.map(|&b| f16::from_le_bytes(b).to_f32()).collect()
            }
            _ => {
                return Err(corrupt(format!(
                    "the tensor {tensor_name} does not consist of floats of 32 or 16 bits"
                )));
            }
        };
        let array = Array {
            shape: view.shape().to_vec(),
            values,
        };
        parameters.insert(tensor_name.to_string(), array);
    }
    Ok((parameters, metadata))
}
