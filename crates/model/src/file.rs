//! A model as one safetensors file.
//!
//! A model is an ensemble of networks of the same shape and of linear classifiers,
//! whose probabilities are averaged; often of one of them. Its tensors are the
//! networks' parameters under their paths
//! (`members.0.recurrent.layers.0.forward.weight_hh`, `members.0.head.weight`, ...),
//! the linear classifiers' (`linear.0.weight`, ...), the weights of the encoder
//! where it is not the one that comes with the crate
//! (`encoder.layers.0.forward.weight_hh`, ..., in half precision where that loses
//! nothing), and the statistics of the training clips (`familiarity.means`, ...,
//! [`Familiarity`]). The metadata, which safetensors keeps as strings, hold
//! everything else needed to use them:
//!
//! | key | value |
//! |---|---|
//! | `format` | `speech-emotion-lstm` |
//! | `format_version` | `5`; `4`, which had neither encoder nor linear classifiers, is read too |
//! | `labels` | JSON list of names, in the order of the scores |
//! | `features` | JSON of the audio crate's `FeatureSpec` |
//! | `normalisations` | JSON list with one [`Normalisation`] for each network |
//! | `network_share` | how much each network counts in the mean of the probabilities |
//! | `linear` | JSON list with inputs, share and [`Normalisation`] of each linear classifier |
//! | `linear_methods` | JSON list of how each of them was fitted ([`LinearMethod`], or null); using a model does not need it |
//! | `encoder` | the fingerprint of the encoder's weights ([`Encoder::fingerprint`]), if the features have one |
//! | `architecture` | JSON of [`Architecture`] |
//! | `temperature` | the divisor of the probabilities' logarithms |
//! | `provenance` | JSON of [`Provenance`] |
//!
//! Python reads it with `safetensors.safe_open(path, "numpy")`.

use std::collections::HashMap;
use std::path::Path;

use audio::FeatureSpec;
use burn::tensor::Device;
use recurrent::Init;
use recurrent::parameters::{Parameters, parameters, with_parameters};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::encoder::{functional_names, functionals};
use crate::linear::LinearHeader;
use crate::tensor_file::serialize_with_halves;
use crate::{
    Architecture, Classifier, Encoder, Familiarity, Inputs, LinearClassifier, LinearMethod,
    ModelError, Normalisation, Provenance, deserialize,
};

const FORMAT: &str = "speech-emotion-lstm";
const FORMAT_VERSION: u32 = 5;
/// Versions that can be read, the newest last.
const READABLE: [u32; 2] = [4, FORMAT_VERSION];
/// More networks than this in one file are a mistake.
const MEMBERS_AT_MOST: usize = 1000;

/// One classifier or an ensemble of several, with everything needed to use it
/// on a recording.
///
/// Its fields are public, like those of [`Member`] and [`Description`], because
/// a training builds models piece by piece: it adds networks, sets the
/// temperature after calibration and notes test results in the provenance. What
/// uses a model checks it: [`Model::load`] and
/// [`Recognizer::new`](crate::Recognizer::new).
#[derive(Clone, Debug)]
pub struct Model {
    /// The networks.
    pub members: Vec<Member>,
    /// How much the probabilities of each network count in the mean, beside the
    /// shares of the linear classifiers.
    pub network_share: f32,
    /// The linear classifiers. There is at least one of them or of the networks.
    pub linear: Vec<LinearClassifier>,
    /// The encoder, if the features have its input.
    pub encoder: Option<Encoder>,
    /// The statistics of the training clips, if the features have functionals.
    pub familiarity: Option<Familiarity>,
    /// Everything except the weights.
    pub description: Description,
}

/// One network of a model, with its normalisation.
#[derive(Clone, Debug)]
pub struct Member {
    /// The network.
    pub classifier: Classifier,
    /// How features are normalised before the network gets them.
    pub normalisation: Normalisation,
}

/// Everything about a model except its weights.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Description {
    /// Names of the classes, in the order of the scores.
    pub labels: Vec<String>,
    /// How features are extracted from samples.
    pub features: FeatureSpec,
    /// The networks' shape.
    pub architecture: Architecture,
    /// The divisor of the probabilities' logarithms (temperature scaling; Guo
    /// et al., 2017). It is set so that of the answers with a probability of
    /// 0.7, seven in ten are right. 1 changes nothing.
    pub temperature: f32,
    /// Where the model comes from.
    pub provenance: Provenance,
}

impl Description {
    /// Checks every part and that there are labels to choose from.
    ///
    /// # Errors
    ///
    /// [`ModelError::Settings`] or [`ModelError::Audio`] says what is out of range.
    pub fn validate(&self) -> Result<(), ModelError> {
        self.features.validate()?;
        self.architecture.validate()?;
        let wrong = |what: &str| Err(ModelError::Settings { what: what.into() });
        if !(2..=10_000).contains(&self.labels.len()) {
            return wrong("a classifier needs 2 to 10000 labels");
        }
        if !(self.temperature.is_finite() && self.temperature > 0.0) {
            return wrong("the temperature must be a number above 0");
        }
        Ok(())
    }

    /// What a network of the model is given of a clip.
    pub fn inputs(&self) -> Inputs {
        let functionals = self.features.functional_names().len();
        Inputs {
            columns: self.features.columns(),
            functionals,
            embedding: self.functionals() - functionals,
        }
    }

    /// Names of a clip's functionals: those of the audio crate, then those of the
    /// encoder's embedding.
    pub fn functional_names(&self) -> Vec<String> {
        functional_names(&self.features)
    }

    /// The number of a clip's functionals.
    pub fn functionals(&self) -> usize {
        functionals(&self.features)
    }

    /// A network of this shape with initial weights.
    pub fn init(&self, init: &mut Init) -> Classifier {
        let labels = self.labels.len();
        self.architecture.init(&self.inputs(), labels, init)
    }

    /// The number of parameters of one such network, without creating it.
    pub fn parameter_count(&self) -> usize {
        let labels = self.labels.len();
        self.architecture.parameter_count(&self.inputs(), labels)
    }
}

impl Model {
    /// Writes the model to a temporary file beside `path`, then renames it: a
    /// reader sees the old file or the new one, never a part.
    ///
    /// # Errors
    ///
    /// [`ModelError::Io`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), ModelError> {
        let path = path.as_ref();
        let written = audio::write_atomically(path, &self.to_bytes()?);
        written.map_err(|source| ModelError::Io {
            path: path.into(),
            source,
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
    /// [`ModelError::Settings`] if the description cannot be serialised.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ModelError> {
        let d = &self.description;
        let normalisations: Vec<&Normalisation> =
            self.members.iter().map(|m| &m.normalisation).collect();
        let linear: Vec<LinearHeader> = self.linear.iter().map(LinearHeader::of).collect();
        let mut metadata = HashMap::from([
            ("format".to_string(), FORMAT.to_string()),
            ("format_version".to_string(), FORMAT_VERSION.to_string()),
            ("labels".to_string(), json(&d.labels)?),
            ("features".to_string(), json(&d.features)?),
            ("normalisations".to_string(), json(&normalisations)?),
            ("network_share".to_string(), json(&self.network_share)?),
            ("linear".to_string(), json(&linear)?),
            ("architecture".to_string(), json(&d.architecture)?),
            ("temperature".to_string(), json(&d.temperature)?),
            ("provenance".to_string(), json(&d.provenance)?),
        ]);
        let methods: Vec<Option<LinearMethod>> = self.linear.iter().map(|c| c.method).collect();
        if methods.iter().any(Option::is_some) {
            metadata.insert("linear_methods".to_string(), json(&methods)?);
        }
        if let Some(encoder) = &self.encoder {
            metadata.insert("encoder".to_string(), json(&encoder.fingerprint())?);
        }
        serialize_with_halves(&self.parameters(), ENCODER, metadata)
    }

    /// Reads a model; `name` stands for the file in error messages.
    pub(crate) fn parse(bytes: &[u8], name: &str, device: &Device) -> Result<Self, ModelError> {
        let (parameters, metadata) = deserialize(bytes, name)?;
        check_format(&metadata, name)?;
        let corrupt = |what: String| ModelError::Corrupt {
            name: name.into(),
            what,
        };
        let description = read_description(&metadata).map_err(corrupt)?;
        let normalisations = read_normalisations(&metadata, &description).map_err(corrupt)?;
        // Checked before any memory is allocated for the networks that the header describes.
        let networks = parameters
            .iter()
            .filter(|(name, _)| name.starts_with(MEMBERS));
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
            let network = description.init(&mut Init::blank(device));
            let own = group(&member_prefix(index));
            let classifier =
                with_parameters(network, &own).map_err(|error| corrupt(error.to_string()))?;
            members.push(Member {
                classifier,
                normalisation,
            });
        }
        let linear = optional::<Vec<LinearHeader>>(&metadata, "linear").map_err(corrupt)?;
        let methods = optional::<Vec<Option<LinearMethod>>>(&metadata, "linear_methods");
        let methods = methods.map_err(corrupt)?.unwrap_or_default();
        let linear = linear.unwrap_or_default().into_iter().enumerate();
        let linear = linear.map(|(index, header)| {
            let own = group(&linear_prefix(index));
            let method = methods.get(index).copied().flatten();
            let classifier = header.classifier(&own, method, &description);
            classifier
                .ok_or_else(|| corrupt("a linear classifier does not fit the features".into()))
        });
        let linear = linear.collect::<Result<Vec<_>, _>>()?;
        let encoder = match description.features.encoder {
            None => None,
            Some(_) => {
                let wanted: String = field(&metadata, "encoder").map_err(corrupt)?;
                Some(read_encoder(&group(ENCODER), &wanted, name)?)
            }
        };
        let network_share = optional(&metadata, "network_share").map_err(corrupt)?;
        let network_share = network_share.unwrap_or(1.0);
        if !(f32::is_finite(network_share) && network_share > 0.0) {
            return Err(corrupt("the networks' share is not above 0".into()));
        }
        if members.is_empty() && linear.is_empty() {
            return Err(corrupt(
                "it has neither networks nor linear classifiers".into(),
            ));
        }
        let familiarity = group(FAMILIARITY);
        let familiarity = match familiarity.is_empty() {
            true => None,
            false => Some(
                Familiarity::from_parameters(
                    &familiarity,
                    Familiarity::range(&description.features),
                )
                .ok_or_else(|| corrupt("its familiarity does not fit the features".into()))?,
            ),
        };
        Ok(Self {
            members,
            network_share,
            linear,
            encoder,
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
        Self::ensemble(vec![classifier], &normalisation, description)
    }

    /// An ensemble of several networks of one training.
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
            network_share: 1.0,
            linear: Vec::new(),
            encoder: None,
            familiarity: None,
            description,
        }
    }

    /// Everything that is saved as tensors, under the names in the file.
    pub fn parameters(&self) -> Parameters {
        let members = self.members.iter().enumerate();
        let named = members.flat_map(|(index, member)| {
            let own = parameters(&member.classifier).into_iter();
            own.map(move |(name, array)| (member_prefix(index) + &name, array))
        });
        let linear = self.linear.iter().enumerate();
        let linear = linear.flat_map(|(index, classifier)| {
            let own = classifier.parameters().into_iter();
            own.map(move |(name, array)| (linear_prefix(index) + &name, array))
        });
        // What comes with the crate need not be in every model.
        let encoder = self
            .encoder
            .iter()
            .filter(|encoder| !encoder.is_pretrained());
        let encoder = encoder.flat_map(Encoder::parameters);
        let encoder = encoder.map(|(name, array)| (ENCODER.to_string() + &name, array));
        let familiarity = self.familiarity.iter().flat_map(Familiarity::parameters);
        let familiarity = familiarity.map(|(name, array)| (FAMILIARITY.to_string() + &name, array));
        named
            .chain(linear)
            .chain(encoder)
            .chain(familiarity)
            .collect()
    }

    /// The number of parameters of all its networks, of its linear classifiers and of
    /// its encoder.
    pub fn parameter_count(&self) -> usize {
        let linear = self.linear.iter().map(LinearClassifier::parameter_count);
        let encoder = self
            .encoder
            .as_ref()
            .map_or(0, |_| Encoder::parameter_count());
        self.members.len() * self.description.parameter_count() + linear.sum::<usize>() + encoder
    }

    /// The names and shapes of the tensors in the file.
    pub fn tensors(&self) -> impl Iterator<Item = (String, Vec<usize>)> {
        let parameters = self.parameters().into_iter();
        parameters.map(|(name, array)| (name, array.shape))
    }
}

/// Prefix of the tensors of [`Familiarity`].
const FAMILIARITY: &str = "familiarity.";

/// Prefix of the tensors of the encoder.
const ENCODER: &str = "encoder.";
/// Prefix of the tensors of all networks.
const MEMBERS: &str = "members.";

/// Prefix of one network's parameters.
fn member_prefix(index: usize) -> String {
    format!("{MEMBERS}{index}.")
}

/// Prefix of one linear classifier's parameters.
fn linear_prefix(index: usize) -> String {
    format!("linear.{index}.")
}

/// The encoder of a model: its own, or the one that comes with the crate.
fn read_encoder(weights: &Parameters, wanted: &str, name: &str) -> Result<Encoder, ModelError> {
    let corrupt = |what: &str| ModelError::Corrupt {
        name: name.into(),
        what: what.into(),
    };
    if !weights.is_empty() {
        let encoder = Encoder::from_parameters(weights);
        let encoder = encoder.ok_or_else(|| corrupt("its encoder is not of two LSTM layers"))?;
        return match encoder.fingerprint() == wanted {
            true => Ok(encoder),
            false => Err(corrupt(
                "its encoder is not the one that it was trained with",
            )),
        };
    }
    let encoder = Encoder::pretrained()?;
    match encoder.fingerprint() == wanted {
        true => Ok(encoder),
        false => Err(ModelError::Settings {
            what: format!(
                "{name} needs the encoder {wanted}, and this version comes with {}; train the \
                 model again",
                encoder.fingerprint()
            ),
        }),
    }
}

/// Whether the metadata are of a model of this format and version.
fn check_format(metadata: &HashMap<String, String>, name: &str) -> Result<(), ModelError> {
    let what = match metadata.get("format").map(String::as_str) {
        Some(FORMAT) => None,
        Some(other) => Some(format!("a safetensors file of the format `{other}`")),
        None => Some("a safetensors file of another kind".into()),
    };
    if let Some(what) = what {
        return Err(ModelError::NotAModel {
            name: name.into(),
            what,
        });
    }
    let version = metadata.get("format_version").cloned().unwrap_or_default();
    if !READABLE
        .iter()
        .any(|readable| version == readable.to_string())
    {
        return Err(ModelError::Version {
            name: name.into(),
            found: version,
            supported: FORMAT_VERSION,
        });
    }
    Ok(())
}

fn read_description(metadata: &HashMap<String, String>) -> Result<Description, String> {
    let description = Description {
        labels: field(metadata, "labels")?,
        features: field(metadata, "features")?,
        architecture: field(metadata, "architecture")?,
        temperature: field(metadata, "temperature")?,
        provenance: field(metadata, "provenance")?,
    };
    description.validate().map_err(|error| error.to_string())?;
    Ok(description)
}

/// The value of a key that older files lack.
fn optional<T: DeserializeOwned>(
    metadata: &HashMap<String, String>,
    key: &str,
) -> Result<Option<T>, String> {
    match metadata.contains_key(key) {
        true => field(metadata, key).map(Some),
        false => Ok(None),
    }
}

/// One normalisation for each network.
fn read_normalisations(
    metadata: &HashMap<String, String>,
    description: &Description,
) -> Result<Vec<Normalisation>, String> {
    let normalisations: Vec<Normalisation> = field(metadata, "normalisations")?;
    if normalisations.len() > MEMBERS_AT_MOST {
        return Err(format!(
            "{} networks, but at most {MEMBERS_AT_MOST} are possible",
            normalisations.len()
        ));
    }
    let columns = description.features.columns();
    let functionals = description.functionals();
    let fits = |n: &Normalisation| n.is_sound(columns, functionals);
    if !normalisations.iter().all(fits) {
        return Err("its normalisation does not fit the features".into());
    }
    Ok(normalisations)
}

fn json(value: &impl Serialize) -> Result<String, ModelError> {
    serde_json::to_string(value).map_err(|error| ModelError::Settings {
        what: format!("the description cannot be serialised: {error}"),
    })
}

fn field<T: DeserializeOwned>(metadata: &HashMap<String, String>, key: &str) -> Result<T, String> {
    let text = metadata
        .get(key)
        .ok_or_else(|| format!("its metadata have no `{key}`"))?;
    serde_json::from_str(text).map_err(|error| format!("its `{key}` cannot be read: {error}"))
}
