//! The pretrained speech encoder: from frames of speech to one vector a clip.
//!
//! Twenty speakers are few to learn what a voice is from. The encoder has learned
//! it from thousands: it is the two lower LSTM layers (256 units each) of a
//! network that tells speakers apart (`encoder/README.md` says whose, from what,
//! and under which licence). What it hears in a voice to tell speakers apart is
//! also what carries emotion, so a linear classifier on its states does better
//! than a whole network trained on one corpus.
//!
//! ```text
//! mel bands of speech [frames, 40] ── 2 LSTM layers ── states [frames, 256]
//!                                                          │
//!                       mean, deviation, mean |difference| ┤
//!                                       highest and lowest ┘  embedding [1280]
//! ```
//!
//! The embedding is added to a recording's functionals, so that all that is done
//! with those (normalisation, enrolment, familiarity) is done with it too.
//!
//! The encoder reads forward only: its states at a frame depend on nothing later,
//! and a stream has those of a file ([`EmbeddingStream`](crate::EmbeddingStream)).

use std::sync::Arc;
#[cfg(feature = "pretrained")]
use std::sync::OnceLock;

use audio::{FeatureExtractor, FeatureSpec, Features, Frames, Recording};
use burn::tensor::Device;
use recurrent::parameters::{Parameters, parameters, with_parameters};
use recurrent::{CellKind, Frozen, FrozenState, Init, Recurrent, RecurrentConfig};

use crate::ModelError;
#[cfg(feature = "pretrained")]
use crate::deserialize;

/// The statistics of a state over a clip, in the embedding's order.
const STATISTICS: [&str; 5] = ["mean", "deviation", "difference", "highest", "lowest"];
/// Frames that go through the layers at once, so that an hour needs little memory.
const FRAMES_AT_ONCE: usize = 4096;

/// A pretrained speech encoder.
#[derive(Clone, Debug)]
pub struct Encoder {
    network: Recurrent,
    /// The same, packed once: 3.5 MB, which all clones share, as many as a server has sessions.
    pub(crate) frozen: Arc<Frozen>,
    fingerprint: String,
    is_pretrained: bool,
}

impl Encoder {
    /// Units of a layer, and so numbers of a state.
    pub const UNITS: usize = 256;
    /// Layers.
    pub const LAYERS: usize = 2;
    /// Numbers of an embedding.
    pub const EMBEDDING: usize = STATISTICS.len() * Self::UNITS;

    fn shape() -> RecurrentConfig {
        RecurrentConfig {
            layers: Self::LAYERS,
            ..RecurrentConfig::new(CellKind::Lstm, audio::SpeechLevel::COLUMNS, Self::UNITS)
        }
    }

    /// The encoder that comes with the crate.
    ///
    /// # Errors
    ///
    /// [`ModelError::Settings`] where the crate was built without the feature
    /// `pretrained`.
    #[cfg(feature = "pretrained")]
    pub fn pretrained() -> Result<Self, ModelError> {
        const BYTES: &[u8] = include_bytes!("../encoder/encoder.safetensors");
        let name = "the pretrained encoder";
        // Read once: its weights are the same for every recogniser.
        static ENCODER: OnceLock<Option<Encoder>> = OnceLock::new();
        let read = || {
            let (weights, _) = deserialize(BYTES, name).ok()?;
            Some(Self {
                is_pretrained: true,
                ..Self::from_pytorch(weights)?
            })
        };
        let encoder = ENCODER.get_or_init(read).clone();
        encoder.ok_or_else(|| ModelError::Corrupt {
            name: name.into(),
            what: "its tensors are not those of two LSTM layers of 256 units".into(),
        })
    }

    /// The encoder that comes with the crate.
    ///
    /// # Errors
    ///
    /// [`ModelError::Settings`]: the crate was built without the feature `pretrained`.
    #[cfg(not(feature = "pretrained"))]
    pub fn pretrained() -> Result<Self, ModelError> {
        Err(ModelError::Settings {
            what: "the features need the pretrained encoder, which is not compiled in; build \
                   with the cargo feature `pretrained`"
                .into(),
        })
    }

    /// From tensors with PyTorch's names; `None` if they are of another network.
    #[cfg(feature = "pretrained")]
    fn from_pytorch(mut weights: Parameters) -> Option<Self> {
        let mut ours = Parameters::new();
        for layer in 0..Self::shape().layers {
            let mut take = |part: &str| weights.remove(&format!("lstm.{part}_l{layer}"));
            let (input, recurrent) = (take("weight_ih")?, take("weight_hh")?);
            let (mut bias, other) = (take("bias_ih")?, take("bias_hh")?);
            for (bias, other) in bias.values.iter_mut().zip(&other.values) {
                *bias += other;
            }
            let name = |part: &str| format!("layers.{layer}.forward.{part}");
            ours.insert(name("weight_ih"), input);
            ours.insert(name("weight_hh"), recurrent);
            ours.insert(name("bias"), bias);
        }
        Self::from_parameters(&ours)
    }

    /// From the weights of its layers; `None` if they are of another network.
    pub(crate) fn from_parameters(weights: &Parameters) -> Option<Self> {
        let network = Self::shape().init(&mut Init::blank(&Device::flex()));
        let network = with_parameters(network, weights).ok()?;
        Some(Self {
            frozen: Arc::new(network.frozen().ok()?),
            network,
            fingerprint: fingerprint(weights),
            is_pretrained: false,
        })
    }

    /// Tells these weights from others: FNV-1a of 64 bits, word by word, over them and
    /// over the names of the statistics, as 16 hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        self.fingerprint.clone()
    }

    /// Whether it is the one that comes with the crate.
    pub fn is_pretrained(&self) -> bool {
        self.is_pretrained
    }

    /// The layers.
    pub fn network(&self) -> &Recurrent {
        &self.network
    }

    /// The weights of its layers.
    pub fn parameters(&self) -> Parameters {
        parameters(&self.network)
    }

    /// The number of its parameters.
    pub fn parameter_count() -> usize {
        Self::shape().parameter_count()
    }

    /// Names of the embedding's numbers: `encoder_mean_0` ... `encoder_lowest_255`.
    pub fn names() -> Vec<String> {
        let of = |statistic: &'static str| {
            (0..Self::UNITS).map(move |unit| format!("encoder_{statistic}_{unit}"))
        };
        STATISTICS.into_iter().flat_map(of).collect()
    }

    /// The second layer's states: `[frames, 256]`, from `[frames, 40]` levelled mel
    /// powers of speech.
    ///
    /// # Errors
    ///
    /// [`ModelError::Settings`] if the rows have another number of columns.
    pub fn states(&self, rows: &Frames) -> Result<Frames, ModelError> {
        let mut states = Vec::with_capacity(rows.len() * Self::UNITS);
        self.walk(rows, |piece| states.extend_from_slice(piece))?;
        Ok(Frames::new(states, Self::UNITS))
    }

    /// The embedding of a clip: the states' means, deviations, mean absolute
    /// differences from frame to frame, highest and lowest values; zeros where nobody
    /// speaks.
    ///
    /// # Errors
    ///
    /// As [`states`](Self::states).
    pub fn embedding(&self, rows: &Frames) -> Result<Vec<f32>, ModelError> {
        let mut pooled = Pooled::default();
        self.walk(rows, |piece| {
            piece.chunks_exact(Self::UNITS).for_each(|s| pooled.add(s));
        })?;
        Ok(pooled.embedding())
    }

    /// The states, in pieces.
    fn walk(&self, rows: &Frames, mut each: impl FnMut(&[f32])) -> Result<(), ModelError> {
        let columns = audio::SpeechLevel::COLUMNS;
        if rows.columns() != columns {
            return Err(ModelError::Settings {
                what: format!(
                    "the encoder needs frames of {columns} mel bands, not of {}",
                    rows.columns()
                ),
            });
        }
        let mut state = FrozenState::default();
        for piece in rows.data().chunks(FRAMES_AT_ONCE * columns) {
            each(&self.frozen.next(piece, &mut state));
        }
        Ok(())
    }
}

fn fingerprint(weights: &Parameters) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut add = |word: u32| hash = (hash ^ u64::from(word)).wrapping_mul(0x0100_0000_01b3);
    STATISTICS
        .iter()
        .flat_map(|name| name.bytes())
        .for_each(|byte| add(byte.into()));
    for (name, array) in weights {
        name.bytes().for_each(|byte| add(byte.into()));
        array.values.iter().for_each(|value| add(value.to_bits()));
    }
    format!("{hash:016x}")
}

/// Sums over states.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pooled {
    frames: f64,
    sums: Vec<f64>,
    squares: Vec<f64>,
    differences: Vec<f64>,
    highest: Vec<f32>,
    lowest: Vec<f32>,
    last: Vec<f32>,
}

impl Pooled {
    pub(crate) fn add(&mut self, state: &[f32]) {
        if self.last.is_empty() {
            self.sums = vec![0.0; state.len()];
            self.squares = vec![0.0; state.len()];
            self.differences = vec![0.0; state.len()];
            self.highest = state.to_vec();
            self.lowest = state.to_vec();
            self.last = state.to_vec();
        }
        self.frames += 1.0;
        for (unit, &now) in state.iter().enumerate() {
            let value = f64::from(now);
            self.sums[unit] += value;
            self.squares[unit] += value * value;
            self.differences[unit] += f64::from((now - self.last[unit]).abs());
            self.highest[unit] = self.highest[unit].max(now);
            self.lowest[unit] = self.lowest[unit].min(now);
        }
        self.last.copy_from_slice(state);
    }

    pub(crate) fn embedding(&self) -> Vec<f32> {
        if self.last.is_empty() {
            return vec![0.0; Encoder::EMBEDDING];
        }
        let mean = |sum: &f64| sum / self.frames;
        // States are below 1, so the squares lose no digits that matter.
        let deviation =
            |(sum, square): (&f64, &f64)| (mean(square) - mean(sum).powi(2)).max(0.0).sqrt();
        let steps = (self.frames - 1.0).max(1.0);
        let means = self.sums.iter().map(mean);
        let deviations = self.sums.iter().zip(&self.squares).map(deviation);
        let differences = self.differences.iter().map(|sum| sum / steps);
        let sums = means.chain(deviations).chain(differences);
        let extremes = self.highest.iter().chain(&self.lowest);
        sums.map(|value| value as f32)
            .chain(extremes.copied())
            .collect()
    }
}

/// From recordings to the features of a model: those of the audio crate, and the
/// encoder's embedding among the functionals where the settings have one.
#[derive(Clone, Debug)]
pub struct Extractor {
    audio: FeatureExtractor,
    encoder: Option<Encoder>,
}

impl Extractor {
    /// For these settings, with the encoder that comes with the crate where they
    /// have one.
    ///
    /// # Errors
    ///
    /// [`ModelError::Audio`] if the settings cannot be used; as
    /// [`Encoder::pretrained`].
    pub fn new(spec: &FeatureSpec) -> Result<Self, ModelError> {
        let encoder = match spec.encoder {
            Some(_) => Some(Encoder::pretrained()?),
            None => None,
        };
        Self::with_encoder(spec, encoder)
    }

    /// For these settings, with this encoder.
    ///
    /// # Errors
    ///
    /// [`ModelError::Audio`] if the settings cannot be used, and
    /// [`ModelError::Settings`] if they need an encoder and there is none.
    pub fn with_encoder(spec: &FeatureSpec, encoder: Option<Encoder>) -> Result<Self, ModelError> {
        if spec.encoder.is_some() != encoder.is_some() {
            return Err(ModelError::Settings {
                what: "the features and the model do not agree on whether there is an encoder"
                    .into(),
            });
        }
        Ok(Self {
            audio: spec.extractor()?,
            encoder,
        })
    }

    /// The features of a recording.
    ///
    /// # Errors
    ///
    /// [`ModelError::Audio`] as [`FeatureExtractor::extract`].
    pub fn extract(&self, recording: &Recording) -> Result<Features, ModelError> {
        self.extract_with(recording, None)
    }

    /// As [`extract`](Self::extract), with the encoder's embedding if it is known.
    pub(crate) fn extract_with(
        &self,
        recording: &Recording,
        embedding: Option<Vec<f32>>,
    ) -> Result<Features, ModelError> {
        let mut features = self.audio.extract(recording)?;
        if let Some(encoder) = &self.encoder {
            let embedding = match embedding {
                Some(embedding) => embedding,
                None => encoder.embedding(&features.encoder)?,
            };
            features.functionals.extend(embedding);
        }
        Ok(features)
    }

    /// When the rows of a recording's features are.
    #[cfg(feature = "train")]
    pub(crate) fn row_times(&self, recording: &Recording) -> Result<audio::RowTimes, ModelError> {
        Ok(self.audio.row_times(recording)?)
    }

    /// The settings of the features.
    pub(crate) fn spec(&self) -> &FeatureSpec {
        self.audio.spec()
    }

    /// The encoder, if the features have one.
    pub(crate) fn encoder(&self) -> Option<&Encoder> {
        self.encoder.as_ref()
    }
}

/// Names of the functionals of a model with these features: the audio crate's,
/// then the embedding's.
pub(crate) fn functional_names(spec: &FeatureSpec) -> Vec<String> {
    let mut names = spec.functional_names();
    if spec.encoder.is_some() {
        names.extend(Encoder::names());
    }
    names
}

/// How many they are.
pub(crate) fn functionals(spec: &FeatureSpec) -> usize {
    let embedding = spec.encoder.as_ref().map_or(0, |_| Encoder::EMBEDDING);
    spec.functional_names().len() + embedding
}
