//! Named parameters as the bytes of a safetensors file.

use std::collections::{BTreeMap, HashMap};

use ::safetensors::tensor::{Dtype, TensorView};
use serde_json::Value;

use super::Parameters;
use crate::RecurrentError;
use burn::tensor::f16;

/// Named parameters and metadata as the bytes of a safetensors file. The same
/// parameters and metadata give the same bytes. Of the names that `in_halves`
/// chooses, arrays that lose nothing by it are written in half precision.
///
/// # Errors
///
/// [`RecurrentError::Settings`] where an array does not have as many values as
/// its shape says.
pub fn to_safetensors(
    parameters: &Parameters,
    metadata: HashMap<String, String>,
    in_halves: impl Fn(&str) -> bool,
) -> Result<Vec<u8>, RecurrentError> {
    let failed = |error: ::safetensors::SafeTensorError| RecurrentError::Settings {
        what: format!("the tensors cannot be written: {error}"),
    };
    let half = |value: f32| f16::from_f32(value);
    let bytes: Vec<(&str, &[usize], Dtype, Vec<u8>)> = parameters
        .iter()
        .map(|(name, array)| {
            let values = array.values.iter();
            let is_half = in_halves(name) && values.clone().all(|&v| half(v).to_f32() == v);
            let (kind, bytes) = match is_half {
                true => (
                    Dtype::F16,
                    values.flat_map(|&v| half(v).to_le_bytes()).collect(),
                ),
                false => (Dtype::F32, values.flat_map(|v| v.to_le_bytes()).collect()),
            };
            (name.as_str(), array.shape.as_slice(), kind, bytes)
        })
        .collect();
    let views: Vec<(&str, TensorView<'_>)> = bytes
        .iter()
        .map(|(name, shape, kind, bytes)| {
            Ok((*name, TensorView::new(*kind, shape.to_vec(), bytes)?))
        })
        .collect::<Result<_, _>>()
        .map_err(failed)?;
    let bytes = ::safetensors::serialize(views, Some(metadata)).map_err(failed)?;
    in_order(bytes).ok_or_else(|| RecurrentError::Settings {
        what: "the header cannot be put in order".into(),
    })
}

/// The file with its header's entries sorted by name. The library writes the
/// metadata in the order of a hash map, which differs from run to run.
fn in_order(bytes: Vec<u8>) -> Option<Vec<u8>> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    let (header, data) =
        rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    let mut header: BTreeMap<String, Value> = serde_json::from_slice(header).ok()?;
    if let Some(Value::Object(metadata)) = header.get_mut("__metadata__") {
        metadata.sort_keys();
    }
    let mut text = serde_json::to_vec(&header).ok()?;
    // The format wants the data to start at a multiple of 8.
    text.resize(text.len().next_multiple_of(8), b' ');
    let length = (text.len() as u64).to_le_bytes();
    Some([&length, &text[..], data].concat())
}
