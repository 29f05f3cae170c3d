//! A model as one safetensors file.
//!
//! The tensors are the networks' parameters under their paths
//! (`members.0.recurrent.layers.0.forward.weight_hh`, `members.0.head.weight`,
//! ...): a model is one network or an ensemble of several, which are of the
//! same shape and whose probabilities are averaged. Beside them stands what
//! the training clips look like (`familiarity.mean`, ..., [`Familiarity`]). The metadata, which
//! safetensors keeps as strings, hold everything needed to use them:
//!
//! | key | value |
//! |---|---|
//! | `format` | `speech-emotion-lstm` |
//! | `format_version` | `4` |
//! | `labels` | JSON list of names, in the order of the scores |
//! | `features` | JSON of the audio crate's `FeatureSpec` |
//! | `normalisations` | JSON list of a [`Normalisation`] for each network |
//! | `architecture` | JSON of [`Architecture`] |
//! | `temperature` | what the logarithms of the probabilities are divided by |
//! | `provenance` | JSON of [`Provenance`] |
//!
//! Python reads it with `safetensors.safe_open(path, "numpy")`.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::Path;

use audio::FeatureSpec;
use burn::tensor::Device;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::parameters::{Array, Parameters, parameters, with_parameters};
use crate::recurrent::Init;
use crate::{Architecture, Classifier, Familiarity, ModelError, Normalisation, Provenance};

const FORMAT: &str = "speech-emotion-lstm";
const FORMAT_VERSION: u32 = 4;
/// More networks than this in one file are a mistake.
const MEMBERS_AT_MOST: usize = 1000;

/// One classifier or an ensemble of several, with all that is needed to use it
/// on a recording.
#[derive(Clone, Debug)]
pub struct Model {
    /// The networks, one at least.
    pub members: Vec<Member>,
    /// What its training clips look like, where the features have functionals.
    pub familiarity: Option<Familiarity>,
    /// Everything about them.
    pub description: Description,
}

/// A network of a model, with the statistics of what it was trained on.
#[derive(Clone, Debug)]
pub struct Member {
    /// The network.
    pub classifier: Classifier,
    /// What is taken from the features before the network sees them.
    pub normalisation: Normalisation,
}

/// Everything about a model but its weights.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Description {
    /// Names of the classes, in the order of the scores.
    pub labels: Vec<String>,
    /// How features are made from samples.
    pub features: FeatureSpec,
    /// The networks' shape.
    pub architecture: Architecture,
    /// What the logarithms of the probabilities are divided by, so that a
    /// probability of 0.7 is right in seven cases of ten (Guo et al., 2017); 1
    /// changes nothing.
    pub temperature: f32,
    /// Where the model comes from.
    pub provenance: Provenance,
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
        if !(self.temperature.is_finite() && self.temperature > 0.0) {
            return wrong("the temperature must be above 0");
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

    /// What the parameters of such a network count, without making it.
    pub fn parameter_count(&self) -> usize {
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
        let normalisations: Vec<&Normalisation> =
            self.members.iter().map(|m| &m.normalisation).collect();
        let metadata = HashMap::from([
            ("format".to_string(), FORMAT.to_string()),
            ("format_version".to_string(), FORMAT_VERSION.to_string()),
            ("labels".to_string(), json(&d.labels)?),
            ("features".to_string(), json(&d.features)?),
            ("normalisations".to_string(), json(&normalisations)?),
            ("architecture".to_string(), json(&d.architecture)?),
            ("temperature".to_string(), json(&d.temperature)?),
            ("provenance".to_string(), json(&d.provenance)?),
        ]);
        serialize(&self.parameters(), metadata)
    }

    pub(crate) fn parse(bytes: &[u8], name: &str, device: &Device) -> Result<Self, ModelError> {
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
            architecture: field(&metadata, "architecture").map_err(corrupt)?,
            temperature: field(&metadata, "temperature").map_err(corrupt)?,
            provenance: field(&metadata, "provenance").map_err(corrupt)?,
        };
        description
            .validate()
            .map_err(|error| corrupt(error.to_string()))?;
        let normalisations: Vec<Normalisation> =
            field(&metadata, "normalisations").map_err(corrupt)?;
        if !(1..=MEMBERS_AT_MOST).contains(&normalisations.len()) {
            return Err(corrupt(format!("it has {} networks", normalisations.len())));
        }
        let columns = description.features.column_names().len();
        let functionals = description.features.functional_names().len();
        let fits = |n: &Normalisation| n.is_sound(columns, functionals);
        if !normalisations.iter().all(fits) {
            return Err(corrupt(
                "the normalisation does not fit the features".into(),
            ));
        }
        // Before any memory is taken for the networks the header describes.
        let networks = parameters
            .iter()
            .filter(|(name, _)| !name.starts_with(FAMILIARITY));
        let found: usize = networks.map(|(_, array)| array.values.len()).sum();
        let expected = normalisations.len() * description.parameter_count();
        if found != expected {
            return Err(corrupt(format!(
                "{found} weights, but its architecture has {expected}"
            )));
        }
        let group = |prefix: &str| -> Parameters {
            let own = parameters.iter().filter_map(|(name, array)| {
                Some((name.strip_prefix(prefix)?.to_string(), array.clone()))
            });
            own.collect()
        };
        let mut members = Vec::with_capacity(normalisations.len());
        for (index, normalisation) in normalisations.into_iter().enumerate() {
            let network = description.init(&mut Init::new(0, device));
            let own = group(&member_prefix(index));
            let classifier = with_parameters(network, &own).map_err(corrupt)?;
            members.push(Member {
                classifier,
                normalisation,
            });
        }
        let familiarity = group(FAMILIARITY);
        let familiarity = match familiarity.is_empty() {
            true => None,
            false => Some(
                Familiarity::from_parameters(&familiarity, functionals)
                    .ok_or_else(|| corrupt("its familiarity does not fit the features".into()))?,
            ),
        };
        Ok(Self {
            members,
            familiarity,
            description,
        })
    }

    /// A model of one network.
    pub fn single(
        classifier: Classifier,
        normalisation: Normalisation,
        description: Description,
    ) -> Self {
        Self {
            members: vec![Member {
                classifier,
                normalisation,
            }],
            familiarity: None,
            description,
        }
    }

    /// A model of several networks of one training.
    pub fn ensemble(
        classifiers: Vec<Classifier>,
        normalisation: &Normalisation,
        description: Description,
    ) -> Self {
        let member = |classifier| Member {
            classifier,
            normalisation: normalisation.clone(),
        };
        Self {
            members: classifiers.into_iter().map(member).collect(),
            familiarity: None,
            description,
        }
    }

    /// Everything that the file keeps as tensors.
    pub fn parameters(&self) -> Parameters {
        let members = self.members.iter().enumerate();
        let named = members.flat_map(|(index, member)| {
            let own = parameters(&member.classifier).into_iter();
            own.map(move |(name, array)| (member_prefix(index) + &name, array))
        });
        let familiarity = self.familiarity.iter().flat_map(Familiarity::parameters);
        let familiarity = familiarity.map(|(name, array)| (FAMILIARITY.to_string() + &name, array));
        named.chain(familiarity).collect()
    }

    /// Numbers in all its networks.
    pub fn parameter_count(&self) -> usize {
        self.members.len() * self.description.parameter_count()
    }

    /// Names and shapes of the tensors in the file.
    pub fn tensors(&self) -> impl Iterator<Item = (String, Vec<usize>)> {
        let parameters = self.parameters().into_iter();
        parameters.map(|(name, array)| (name, array.shape))
    }
}

/// What stands before the names of what a model knows of its training clips.
const FAMILIARITY: &str = "familiarity.";

/// What stands before the names of a network's parameters.
fn member_prefix(index: usize) -> String {
    format!("members.{index}.")
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
    let bytes = safetensors::serialize(views, Some(metadata)).map_err(failed)?;
    in_order(bytes).ok_or_else(|| ModelError::Settings {
        what: "the header cannot be put in order".into(),
    })
}

/// The file with its header's entries in the order of their names. The library
/// leaves the metadata as a hash map has them, otherwise at each run, and the
/// same model is to give the same bytes.
fn in_order(bytes: Vec<u8>) -> Option<Vec<u8>> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    let (header, data) =
        rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    let mut header: BTreeMap<String, Value> = serde_json::from_slice(header).ok()?;
    if let Some(Value::Object(metadata)) = header.get_mut("__metadata__") {
        metadata.sort_keys();
    }
    let mut text = serde_json::to_vec(&header).ok()?;
    // The format wants the data to begin at a multiple of 8.
    text.resize(text.len().next_multiple_of(8), b' ');
    let length = (text.len() as u64).to_le_bytes();
    Some([&length, &text[..], data].concat())
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
