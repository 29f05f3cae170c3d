//! Reading a file of weights: its format, its tensors, the network they describe.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::{Device, bf16, f16};
use pytorch_reader::{DType, PytorchError, PytorchReader};
use safetensors::tensor::{Dtype, SafeTensors};

use super::{Options, Shape, place};
use crate::RecurrentError;
use crate::parameters::{Array, Parameters, with_parameters};
use crate::{
    CellKind, Init, InputWeights, Recurrent, RecurrentConfig, RecurrentWeights, WeightInit,
};

/// An open file. Its values are read tensor by tensor, when they are needed.
pub(super) enum File {
    Safetensors(Vec<u8>),
    Pytorch(PytorchReader, u64),
}

impl File {
    /// The outer error: the file cannot be read. The inner one: what is wrong in it.
    pub fn open(path: &Path) -> Result<Result<Self, String>, RecurrentError> {
        use std::io::Read;
        let io = |source| RecurrentError::Io {
            path: path.into(),
            source,
        };
        let mut start = [0; 9];
        let mut file = std::fs::File::open(path).map_err(io)?;
        let has_start = match file.read_exact(&mut start) {
            Ok(()) => true,
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => false,
            Err(error) => return Err(io(error)),
        };
        // A safetensors file starts with its header's length in 8 bytes, then JSON.
        if has_start && start[8] == b'{' {
            return Ok(Ok(File::Safetensors(std::fs::read(path).map_err(io)?)));
        }
        Ok(match PytorchReader::new(path) {
            Ok(reader) => {
                let length = file.metadata().map_err(io)?.len();
                Ok(File::Pytorch(reader, length))
            }
            Err(PytorchError::Io(error)) if !is_damage(&error) => return Err(io(error)),
            Err(PytorchError::InvalidFormat(what)) => Err(format!(
                "neither a safetensors file nor a file from torch.save ({what})"
            )),
            Err(error) => Err(format!("a damaged file from torch.save ({error})")),
        })
    }

    /// The network in the file; an error says what is wrong with it.
    pub fn network(&self, options: &Options, device: &Device) -> Result<Recurrent, String> {
        match self {
            File::Safetensors(bytes) => {
                let tensors = SafeTensors::deserialize(bytes)
                    .map_err(|error| format!("a damaged safetensors file ({error})"))?;
                let shapes = tensors
                    .iter()
                    .map(|(name, view)| (name.to_string(), view.shape().to_vec()));
                let wanted = Wanted::among(shapes.collect(), options)?;
                wanted.network(device, |name| {
                    let view = tensors.tensor(name).map_err(|error| error.to_string())?;
                    let kind = match view.dtype() {
                        Dtype::F64 => DType::F64,
                        Dtype::F32 => DType::F32,
                        Dtype::F16 => DType::F16,
                        Dtype::BF16 => DType::BF16,
                        other => return Err(not_floats(name, &format!("{other:?}"))),
                    };
                    floats(name, kind, view.data())
                })
            }
            File::Pytorch(reader, length) => {
                let shapes = reader
                    .tensors()
                    .iter()
                    .map(|(name, tensor)| (name.clone(), tensor.shape().to_vec()));
                let wanted = Wanted::among(shapes.collect(), options)?;
                wanted.network(device, |name| {
                    let tensor = reader
                        .get(name)
                        .ok_or_else(|| format!("the tensor {name} is missing"))?;
                    // A forged file can claim any shape for a single number.
                    if tensor.num_elements() as u64 > *length {
                        return Err(format!("the tensor {name} is larger than the file"));
                    }
                    let bytes = tensor
                        .read()
                        .map_err(|error| format!("a damaged file from torch.save ({error})"))?;
                    floats(name, tensor.dtype(), &bytes)
                })
            }
        }
    }
}

/// Whether the error means a damaged file, and not a failure to read it.
fn is_damage(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof)
}

fn not_floats(name: &str, kind: &str) -> String {
    format!("the tensor {name} has the type {kind}, but weights are F64, F32, F16 or BF16")
}

/// Little-endian numbers as 32-bit floats.
fn floats(name: &str, kind: DType, bytes: &[u8]) -> Result<Vec<f32>, String> {
    fn each<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f32) -> Vec<f32> {
        bytes.as_chunks().0.iter().map(|&b| number(b)).collect()
    }
    let values = match kind {
        DType::F64 => each(bytes, |b| f64::from_le_bytes(b) as f32),
        DType::F32 => each(bytes, f32::from_le_bytes),
        DType::F16 => each(bytes, |b| f16::from_le_bytes(b).to_f32()),
        DType::BF16 => each(bytes, |b| bf16::from_le_bytes(b).to_f32()),
        other => return Err(not_floats(name, &format!("{other:?}"))),
    };
    match values.iter().all(|value| value.is_finite()) {
        true => Ok(values),
        false => Err(format!(
            "the tensor {name} holds NaN, infinities, or numbers too large for 32 bits"
        )),
    }
}

/// The network that the names and shapes of a file describe.
struct Wanted {
    prefix: String,
    shape: Shape,
    biased: bool,
    /// All tensors of the file.
    shapes: BTreeMap<String, Vec<usize>>,
}

impl Wanted {
    fn among(shapes: BTreeMap<String, Vec<usize>>, options: &Options) -> Result<Self, String> {
        let prefix = prefix(&shapes, options.prefix.as_deref())?;
        let own: Vec<&str> = shapes
            .keys()
            .filter_map(|name| name.strip_prefix(&prefix))
            .collect();
        if own.iter().any(|name| name.starts_with("weight_hr_l")) {
            return Err("its LSTM has a projection (proj_size), which is not supported".into());
        }
        // The highest layer that any tensor names, so that a missing one is found.
        let layers = own
            .iter()
            .filter_map(|name| layer_of(name))
            .max()
            .map_or(1, |layer| layer.saturating_add(1));
        if layers > own.len() {
            return Err(format!(
                "its tensors name layer {}, but most layers below are missing",
                layers - 1
            ));
        }
        let of = |name: &str| {
            let name = format!("{prefix}{name}");
            match shapes.get(&name) {
                None => Err(format!("the tensor {name} is missing")),
                Some(shape) => match shape[..] {
                    [rows, columns] => Ok([rows, columns]),
                    _ => Err(format!(
                        "the tensor {name} has shape {shape:?}, but a matrix is expected"
                    )),
                },
            }
        };
        let [rows, hidden] = of("weight_hh_l0")?;
        let [_, input] = of("weight_ih_l0")?;
        let blocks = match rows.checked_div(hidden) {
            Some(blocks) if blocks * hidden == rows && input > 0 => blocks,
            _ => {
                return Err(format!(
                    "weight_hh_l0 has shape [{rows}, {hidden}] and weight_ih_l0 takes {input} \
                     numbers, which fits no recurrent layer"
                ));
            }
        };
        let told = match blocks {
            4 => CellKind::Lstm,
            3 => CellKind::Gru,
            1 => CellKind::Rnn,
            _ => {
                return Err(format!(
                    "weight_hh_l0 has {blocks} blocks of {hidden} rows; an LSTM has 4, a GRU 3, \
                     an RNN 1"
                ));
            }
        };
        let cell = match (options.cell, told) {
            (None, told) => told,
            (Some(CellKind::RnnRelu), CellKind::Rnn) => CellKind::RnnRelu,
            (Some(asked), told) if asked == told => told,
            (Some(asked), told) => {
                return Err(format!(
                    "its shapes are those of {told:?}, but {asked:?} was asked for"
                ));
            }
        };
        Ok(Wanted {
            shape: Shape {
                cell,
                input,
                hidden,
                layers,
                bidirectional: own.iter().any(|name| name.ends_with("_reverse")),
            },
            biased: own.iter().any(|name| name.starts_with("bias_ih_l")),
            prefix,
            shapes,
        })
    }

    /// The network, with the values that `values` gives for each tensor's name.
    fn network(
        &self,
        device: &Device,
        values: impl Fn(&str) -> Result<Vec<f32>, String>,
    ) -> Result<Recurrent, String> {
        let Shape {
            cell,
            input,
            hidden,
            layers,
            bidirectional,
        } = self.shape;
        let rows = match cell {
            CellKind::Lstm => 4 * hidden,
            CellKind::Gru => 3 * hidden,
            _ => hidden,
        };
        let tensor = |name: String, shape: &[usize]| -> Result<Array, String> {
            let name = format!("{}{name}", self.prefix);
            match self.shapes.get(&name) {
                None => Err(format!("the tensor {name} is missing")),
                Some(found) if found != shape => Err(format!(
                    "the tensor {name} has shape {found:?}, but {shape:?} is expected"
                )),
                Some(_) => Ok(Array {
                    shape: shape.to_vec(),
                    values: values(&name)?,
                }),
            }
        };
        let mut ours = Parameters::new();
        for (layer, direction) in self.shape.places() {
            let width = match layer {
                0 => input,
                _ => hidden * (1 + usize::from(bidirectional)),
            };
            let theirs = |part: &str, shape: &[usize]| tensor(place(part, layer, direction), shape);
            let mut put = |part: &str, array: Array| {
                ours.insert(format!("layers.{layer}.{direction}.{part}"), array);
            };
            put("weight_ih", theirs("weight_ih", &[rows, width])?);
            put("weight_hh", theirs("weight_hh", &[rows, hidden])?);
            let (mut bias, mut other) = match self.biased {
                true => (
                    theirs("bias_ih", &[rows])?,
                    theirs("bias_hh", &[rows])?.values,
                ),
                false => (
                    Array {
                        shape: vec![rows],
                        values: vec![0.0; rows],
                    },
                    vec![0.0; rows],
                ),
            };
            if cell == CellKind::Gru {
                let own = Array {
                    shape: vec![hidden],
                    values: other.split_off(2 * hidden),
                };
                put("bias_hn", own);
            }
            bias.values
                .iter_mut()
                .zip(&other)
                .for_each(|(b, o)| *b += o);
            put("bias", bias);
        }
        let config = RecurrentConfig {
            layers,
            bidirectional,
            // Replaced at once, so drawn in the quickest way.
            weights: WeightInit {
                input: InputWeights::Uniform,
                recurrent: RecurrentWeights::Uniform,
                ..WeightInit::default()
            },
            ..RecurrentConfig::new(cell, input, hidden)
        };
        with_parameters(config.init(&mut Init::blank(device)), &ours)
            .map_err(|error| error.to_string())
    }
}

/// The layer's number in a name such as `weight_ih_l12_reverse`.
fn layer_of(name: &str) -> Option<usize> {
    ["weight_ih_l", "weight_hh_l", "bias_ih_l", "bias_hh_l"]
        .iter()
        .find_map(|part| name.strip_prefix(part))
        .map(|rest| rest.strip_suffix("_reverse").unwrap_or(rest))
        .and_then(|number| number.parse().ok())
}

/// The prefix of the network's tensors, with its dot.
fn prefix(shapes: &BTreeMap<String, Vec<usize>>, named: Option<&str>) -> Result<String, String> {
    let there: Vec<&str> = shapes
        .keys()
        .filter_map(|name| name.strip_suffix("weight_ih_l0"))
        .filter(|prefix| prefix.is_empty() || prefix.ends_with('.'))
        .collect();
    let shown = |prefixes: &[&str]| {
        let prefixes: Vec<String> = prefixes
            .iter()
            .map(|prefix| format!("`{}`", prefix.trim_end_matches('.')))
            .collect();
        prefixes.join(", ")
    };
    let dotted = |name: &str| match name {
        "" => String::new(),
        name if name.ends_with('.') => name.to_string(),
        name => format!("{name}."),
    };
    match (named.map(dotted), &there[..]) {
        (_, []) => Err(
            "no tensor is named weight_ih_l0, as in nn.LSTM, nn.GRU and nn.RNN; save the \
             state_dict() of the network"
                .into(),
        ),
        (Some(named), there) if there.contains(&&named[..]) => Ok(named),
        (Some(named), there) => Err(format!(
            "no recurrent network has the prefix `{}`; the file has {}",
            named.trim_end_matches('.'),
            shown(there)
        )),
        (None, [only]) => Ok(only.to_string()),
        (None, several) => Err(format!(
            "several recurrent networks, with the prefixes {}; name one of them",
            shown(several)
        )),
    }
}
