//! A model as one safetensors file.
//!
//! The tensors are the network's parameters under their paths
//! (`recurrent.layers.0.forward.weight_hh`, `head.weight`, ...). The metadata, which
//! safetensors keeps as strings, hold everything needed to use them:
//!
//! | key | value |
//! |---|---|
//! | `format` | `speech-emotion-lstm` |
//! | `format_version` | `3` |
//! | `labels` | JSON list of names, in the order of the scores |
//! | `features` | JSON of the audio crate's `FeatureSpec` |
//! | `normalisation` | JSON of [`Normalisation`] |
//! | `architecture` | JSON of [`Architecture`] |
//! | `provenance` | JSON of [`Provenance`] |
//!
//! Python reads it with `safetensors.safe_open(path, "numpy")`.

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;

use audio::FeatureSpec;
use burn::tensor::Device;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::parameters::{Array, Parameters, parameters, shapes, with_parameters};
use crate::recurrent::Init;
use crate::{Architecture, Classifier, ModelError, Normalisation};

const FORMAT: &str = "speech-emotion-lstm";
const FORMAT_VERSION: u32 = 3;

/// A classifier with all that is needed to use it on a recording.
#[derive(Clone, Debug)]
pub struct Model {
    /// The network.
    pub classifier: Classifier,
    /// Everything about it.
    pub description: Description,
}

/// Everything about a model but its weights.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Description {
    /// Names of the classes, in the order of the scores.
    pub labels: Vec<String>,
    /// How features are made from samples.
    pub features: FeatureSpec,
    /// What is taken from the features before the network sees them.
    pub normalisation: Normalisation,
    /// The network's shape.
    pub architecture: Architecture,
    /// Where the model comes from.
    pub provenance: Provenance,
}

/// Where a model comes from, and how good it was found to be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Provenance {
    /// Title of the corpus it was trained on, for people.
    pub corpus: String,
    /// Name of that corpus's card, for programs.
    pub corpus_card: String,
    /// Whether a program made the recordings, so that the figures say nothing of people.
    pub synthetic: bool,
    /// Licence terms that follow from the corpus.
    pub licence: String,
    /// Speakers trained on.
    pub train_speakers: Vec<String>,
    /// Speakers that decided when to stop.
    pub validation_speakers: Vec<String>,
    /// Speakers never heard in training.
    pub test_speakers: Vec<String>,
    /// The seed of everything random.
    pub seed: u64,
    /// Version of the program that trained it.
    pub program_version: String,
    /// Day of the training, `2026-01-31`.
    pub date: String,
    /// Epoch the weights are of, from 1.
    pub epoch: usize,
    /// Unweighted average recall on the test speakers, 0 to 1.
    pub test_uar: Option<f64>,
    /// Accuracy on the test speakers, 0 to 1.
    pub test_accuracy: Option<f64>,
}

impl Description {
    /// # Errors
    ///
    /// [`ModelError::Settings`] or [`ModelError::Audio`] where the parts do not fit each other.
    pub fn validate(&self) -> Result<(), ModelError> {
        self.features.validate()?;
        self.architecture.validate()?;
        let wrong = |what: &str| Err(ModelError::Settings { what: what.into() });
        if !(2..=10_000).contains(&self.labels.len()) {
            return wrong("a classifier needs from 2 to 10000 labels");
        }
        let columns = self.features.column_names().len();
        let functionals = self.features.functional_names().len();
        if !self.normalisation.frames.is_sound(columns)
            || !self.normalisation.functionals.is_sound(functionals)
        {
            return wrong("the normalisation does not fit the features");
        }
        Ok(())
    }

    /// A network of this shape with initial weights.
    pub fn init(&self, init: &mut Init) -> Classifier {
        self.architecture.init(
            self.features.column_names().len(),
            self.features.functional_names().len(),
            self.labels.len(),
            init,
        )
    }

    /// What the parameters of such a network take, without making it.
    fn parameter_count(&self) -> usize {
        self.architecture.parameter_count(
            self.features.column_names().len(),
            self.features.functional_names().len(),
            self.labels.len(),
        )
    }
}

impl Model {
    /// Writes the model to a temporary name beside `path`, then renames it.
    ///
    /// # Errors
    ///
    /// [`ModelError::Io`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), ModelError> {
        let path = path.as_ref();
        let io = |source| ModelError::Io {
            path: path.into(),
            source,
        };
        let bytes = self.to_bytes()?;
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(".part");
        let write = || -> std::io::Result<()> {
            let mut file = std::fs::File::create(&temporary)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            std::fs::rename(&temporary, path)
        };
        write().map_err(|error| {
            // Nothing half-made stays behind.
            let _ = std::fs::remove_file(&temporary);
            io(error)
        })
    }

    /// Reads a model from a file onto `device`.
    ///
    /// # Errors
    ///
    /// [`ModelError::Io`], [`ModelError::NotAModel`], [`ModelError::Version`] or
    /// [`ModelError::Corrupt`].
    pub fn load(path: impl AsRef<Path>, device: &Device) -> Result<Self, ModelError> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|source| ModelError::Io {
            path: path.into(),
            source,
        })?;
        Self::parse(&bytes, &path.display().to_string(), device)
    }

    /// Reads a model from the bytes of its file.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load), without [`ModelError::Io`].
    pub fn from_bytes(bytes: &[u8], device: &Device) -> Result<Self, ModelError> {
        Self::parse(bytes, "model", device)
    }

    /// The bytes of the model's file.
    ///
    /// # Errors
    ///
    /// [`ModelError::Settings`] where the description cannot be serialised.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ModelError> {
        let d = &self.description;
        let metadata = HashMap::from([
            ("format".to_string(), FORMAT.to_string()),
            ("format_version".to_string(), FORMAT_VERSION.to_string()),
            ("labels".to_string(), json(&d.labels)?),
            ("features".to_string(), json(&d.features)?),
            ("normalisation".to_string(), json(&d.normalisation)?),
            ("architecture".to_string(), json(&d.architecture)?),
            ("provenance".to_string(), json(&d.provenance)?),
        ]);
        serialize(&parameters(&self.classifier), metadata)
    }

    fn parse(bytes: &[u8], name: &str, device: &Device) -> Result<Self, ModelError> {
        let corrupt = |what: String| ModelError::Corrupt {
            name: name.into(),
            what,
        };
        let (parameters, metadata) = deserialize(bytes, name)?;
        match metadata.get("format").map(String::as_str) {
            Some(FORMAT) => {}
            Some(other) => {
                return Err(ModelError::NotAModel {
                    name: name.into(),
                    what: format!("a safetensors file of the format `{other}`"),
                });
            }
            None => {
                return Err(ModelError::NotAModel {
                    name: name.into(),
                    what: "a safetensors file of another program".into(),
                });
            }
        }
        let version = metadata.get("format_version").cloned().unwrap_or_default();
        if version != FORMAT_VERSION.to_string() {
            return Err(ModelError::Version {
                name: name.into(),
                found: version,
                supported: FORMAT_VERSION,
            });
        }
        let description = Description {
            labels: field(&metadata, "labels").map_err(corrupt)?,
            features: field(&metadata, "features").map_err(corrupt)?,
            normalisation: field(&metadata, "normalisation").map_err(corrupt)?,
            architecture: field(&metadata, "architecture").map_err(corrupt)?,
            provenance: field(&metadata, "provenance").map_err(corrupt)?,
        };
        description
            .validate()
            .map_err(|error| corrupt(error.to_string()))?;
        // Before any memory is taken for the network the header describes.
        let found: usize = parameters.values().map(|array| array.values.len()).sum();
        let expected = description.parameter_count();
        if found != expected {
            return Err(corrupt(format!(
                "{found} weights, but its architecture has {expected}"
            )));
        }
        let network = description.init(&mut Init::new(0, device));
        let classifier = with_parameters(network, &parameters).map_err(corrupt)?;
        Ok(Self {
            classifier,
            description,
        })
    }

    /// Numbers in the network.
    pub fn parameter_count(&self) -> usize {
        self.description.parameter_count()
    }

    /// Names and shapes of the tensors in the file.
    pub fn tensors(&self) -> impl Iterator<Item = (String, Vec<usize>)> {
        shapes(&self.classifier).into_iter()
    }
}

fn json(value: &impl Serialize) -> Result<String, ModelError> {
    serde_json::to_string(value).map_err(|error| ModelError::Settings {
        what: format!("the description cannot be written: {error}"),
    })
}

fn field<T: DeserializeOwned>(metadata: &HashMap<String, String>, key: &str) -> Result<T, String> {
    let text = metadata
        .get(key)
        .ok_or_else(|| format!("its metadata lack `{key}`"))?;
    serde_json::from_str(text).map_err(|error| format!("its `{key}` cannot be read: {error}"))
}

/// Named arrays and metadata as the bytes of a safetensors file.
pub fn serialize(
    parameters: &Parameters,
    metadata: HashMap<String, String>,
) -> Result<Vec<u8>, ModelError> {
    let failed = |error: safetensors::SafeTensorError| ModelError::Settings {
        what: format!("the tensors cannot be written: {error}"),
    };
    let bytes: Vec<(String, Vec<usize>, Vec<u8>)> = parameters
        .iter()
        .map(|(name, array)| {
            let bytes = array
                .values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect();
            (name.clone(), array.shape.clone(), bytes)
        })
        .collect();
    let views: Vec<(&str, TensorView<'_>)> = bytes
        .iter()
        .map(|(name, shape, bytes)| {
            Ok((
                name.as_str(),
                TensorView::new(Dtype::F32, shape.clone(), bytes)?,
            ))
        })
        .collect::<Result<_, _>>()
        .map_err(failed)?;
    safetensors::serialize(views, Some(metadata)).map_err(failed)
}

/// The arrays and metadata of a safetensors file whose tensors are all 32-bit floats.
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
    // The header is its length in 8 bytes, then JSON.
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
                "the tensor {tensor_name} is not of 32-bit floats"
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
