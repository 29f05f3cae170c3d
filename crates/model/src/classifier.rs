//! The network: from frames to one score for every label.
//!
//! ```text
//! frames [batch, time, columns] ── convolutions ── recurrent layers ── pooling over time ──┐
//!                                                                                          ├── linear ── logits [batch, labels]
//! functionals [batch, functionals] ── linear, ReLU ────────────────────────────────────────┤
//! embedding [batch, numbers] ──────── linear, ReLU ────────────────────────────────────────┘
//! ```
//!
//! Each of the three branches is optional.
//!
//! The convolutions are optional, too. They combine neighbouring frames and shorten
//! the sequence for the recurrent layers.
//!
//! The functionals (means, percentiles and the like of the whole utterance) carry
//! what the frames lose when the utterance's mean is subtracted from them: how loud
//! and how bright the voice is as a whole. The embedding is that of the pretrained
//! [`Encoder`](crate::Encoder); it comes after the functionals in the same vector.

use burn::module::Module;
use burn::tensor::activation::{log_softmax, relu, softmax};
use burn::tensor::{Tensor, TensorData};
use recurrent::CellKind;
use serde::{Deserialize, Serialize};

use crate::nn::{
    Convolution, ConvolutionLayer, Dropout, Init, Linear, Pooling, PoolingKind, Recurrent,
    RecurrentConfig,
};
use crate::{Batch, Encoder, ModelError};

/// The settings of the network. The rest of its shape follows from the features
/// and the labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Architecture {
    /// Convolutions over time before the recurrent layers, in their order.
    pub convolutions: Vec<Convolution>,
    /// The kind of recurrent cell.
    pub cell: CellKind,
    /// Hidden units per recurrent layer and direction.
    pub hidden: usize,
    /// The number of recurrent layers; 0 leaves the frames out.
    pub layers: usize,
    /// Whether every recurrent layer also has a backward direction.
    pub bidirectional: bool,
    /// The pooling over time.
    pub pooling: PoolingKind,
    /// Units of the dense branch over the utterance's functionals; 0 leaves them out.
    pub functional_units: usize,
    /// Units of the dense branch over the encoder's embedding; 0 leaves it out.
    pub encoder_units: usize,
    /// Probability of dropping a unit while training.
    pub dropout: f64,
    /// Probability of dropping a unit of the recurrent state while training: the
    /// same units at every step of a sequence.
    pub recurrent_dropout: f64,
    /// Add a recurrent layer's input to its output if the widths agree.
    pub residual: bool,
    /// Normalise each recurrent layer's output over its units.
    pub layer_norm: bool,
    /// Whether the recurrent layers start from the pretrained encoder's weights, to be
    /// fine-tuned; the frames must be its input (`speech_frames`), and the layers of
    /// its shape.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub pretrained: bool,
}

impl Default for Architecture {
    fn default() -> Self {
        Self {
            convolutions: Vec::new(),
            cell: CellKind::Lstm,
            hidden: 64,
            layers: 1,
            bidirectional: true,
            pooling: PoolingKind::Attention,
            functional_units: 64,
            encoder_units: 0,
            dropout: 0.3,
            recurrent_dropout: 0.0,
            residual: false,
            layer_norm: false,
            pretrained: false,
        }
    }
}

impl Architecture {
    // More than anybody needs, and few enough that a forged file cannot ask for
    // all the memory.
    const MOST: usize = 8192;

    /// Checks every setting.
    ///
    /// # Errors
    ///
    /// [`ModelError::Settings`] names the setting that is out of range.
    pub fn validate(&self) -> Result<(), ModelError> {
        let in_range = |name: &str, value: usize, least: usize, most: usize| {
            if (least..=most).contains(&value) {
                return Ok(());
            }
            Err(ModelError::Settings {
                what: format!("{name} is {value}, but must be from {least} to {most}"),
            })
        };
        for convolution in &self.convolutions {
            convolution.validate()?;
        }
        if self.convolutions.len() > 16 {
            return Err(ModelError::Settings {
                what: format!(
                    "there are {} convolutions, but at most 16 are possible",
                    self.convolutions.len()
                ),
            });
        }
        in_range("hidden", self.hidden, 1, Self::MOST)?;
        in_range("layers", self.layers, 0, 64)?;
        in_range("functional_units", self.functional_units, 0, Self::MOST)?;
        in_range("encoder_units", self.encoder_units, 0, Self::MOST)?;
        if self.layers == 0 && !self.convolutions.is_empty() {
            return Err(ModelError::Settings {
                what: "layers is 0, which leaves the frames out, but there are convolutions over \
                       them"
                    .into(),
            });
        }
        for (name, share) in [
            ("dropout", self.dropout),
            ("recurrent_dropout", self.recurrent_dropout),
        ] {
            if !(0.0..1.0).contains(&share) {
                return Err(ModelError::Settings {
                    what: format!("{name} is {share}, but must be at least 0 and below 1"),
                });
            }
        }
        self.pooling.validate()
    }

    fn stack(&self, columns: usize) -> RecurrentConfig {
        RecurrentConfig {
            cell: self.cell,
            input: self.convolutions.last().map_or(columns, |c| c.channels),
            hidden: self.hidden,
            layers: self.layers,
            bidirectional: self.bidirectional,
            residual: self.residual,
            layer_norm: self.layer_norm,
            dropout: self.dropout,
            recurrent_dropout: self.recurrent_dropout,
            ..RecurrentConfig::default()
        }
    }

    /// The convolutions, each with the features per frame of its input.
    fn convolutions(&self, columns: usize) -> impl Iterator<Item = (usize, &Convolution)> {
        let channels = self.convolutions.iter().map(|c| c.channels);
        std::iter::once(columns)
            .chain(channels)
            .zip(&self.convolutions)
    }

    /// The pooling over time; without layers there is nothing to pool.
    pub(crate) fn pooling(&self) -> PoolingKind {
        match self.layers {
            0 => PoolingKind::Mean,
            _ => self.pooling,
        }
    }

    /// How many numbers each branch gives to the last layer.
    fn branches(&self, inputs: &Inputs) -> [usize; 3] {
        let stack = self.stack(inputs.columns);
        let units = |inputs: usize, units: usize| if inputs > 0 { units } else { 0 };
        [
            units(self.layers, self.pooling.output(stack.output())),
            units(inputs.functionals, self.functional_units),
            units(inputs.embedding, self.encoder_units),
        ]
    }

    /// Checks that the network reads something, and nothing that is not there.
    ///
    /// # Errors
    ///
    /// [`ModelError::Settings`] says what is missing.
    pub fn fits(&self, inputs: &Inputs) -> Result<(), ModelError> {
        let wrong = |what: &str| Err(ModelError::Settings { what: what.into() });
        if self.layers > 0 && inputs.columns == 0 {
            return wrong(
                "the network has recurrent layers, but the features have no frames for them; set \
                 layers to 0, or list blocks",
            );
        }
        let encoders = self.cell == CellKind::Lstm
            && (self.hidden, self.layers) == (Encoder::UNITS, Encoder::LAYERS)
            && !(self.bidirectional || self.residual || self.layer_norm)
            && self.convolutions.is_empty()
            && inputs.columns == audio::SpeechLevel::COLUMNS;
        if self.pretrained && !encoders {
            return wrong(
                "pretrained starts the layers from the encoder's weights, so they must be 2 LSTM \
                 layers of 256 units in one direction over the encoder's 40 bands, without \
                 convolutions, residual connections or normalisations",
            );
        }
        if self.branches(inputs) == [0; 3] {
            return wrong(
                "the network reads nothing: it has no recurrent layers, and units neither for \
                 functionals nor for an encoder's embedding",
            );
        }
        Ok(())
    }

    /// The number of parameters of such a network, without making it.
    pub fn parameter_count(&self, inputs: &Inputs, labels: usize) -> usize {
        let stack = self.stack(inputs.columns);
        let [pooled, functionals, embedding] = self.branches(inputs);
        let frames = match self.layers {
            0 => 0,
            _ => {
                let convolutions = self.convolutions(inputs.columns);
                let convolutions = convolutions.map(|(input, c)| c.parameter_count(input));
                convolutions.sum::<usize>()
                    + stack.parameter_count()
                    + self.pooling.parameter_count(stack.output())
            }
        };
        frames
            + functionals * (inputs.functionals + 1)
            + embedding * (inputs.embedding + 1)
            + (pooled + functionals + embedding + 1) * labels
    }

    /// A network with initial weights, for these inputs and `labels` labels.
    pub fn init(&self, inputs: &Inputs, labels: usize, init: &mut Init) -> Classifier {
        let stack = self.stack(inputs.columns);
        let [pooled, functionals, embedding] = self.branches(inputs);
        let convolutions = self.convolutions(inputs.columns);
        let dense =
            |from: usize, to: usize, init: &mut Init| (to > 0).then(|| Linear::new(from, to, init));
        Classifier {
            convolutions: convolutions.map(|(input, c)| c.init(input, init)).collect(),
            recurrent: stack.init(init),
            pooling: Pooling::new(self.pooling(), stack.output(), init),
            functionals: dense(inputs.functionals, functionals, init),
            embedding: dense(inputs.embedding, embedding, init),
            head: Linear::new(pooled + functionals + embedding, labels, init),
            dropout: self.dropout,
            before_embedding: inputs.functionals,
        }
    }
}

/// What a network is given of a clip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inputs {
    /// Features of a frame.
    pub columns: usize,
    /// Functionals, the embedding not counted.
    pub functionals: usize,
    /// Numbers of the encoder's embedding, which come after the functionals.
    pub embedding: usize,
}

/// The network: convolutions, recurrent layers and pooling over the frames, a
/// branch of the functionals, one of the embedding, and a linear layer over them.
#[derive(Module, Debug)]
pub struct Classifier {
    /// The convolutions before the recurrent layers.
    pub convolutions: Vec<ConvolutionLayer>,
    /// The recurrent layers.
    pub recurrent: Recurrent,
    /// The pooling of their outputs.
    pub pooling: Pooling,
    /// The branch of the functionals, if they are used.
    pub functionals: Option<Linear>,
    /// The branch of the embedding, if it is used.
    pub embedding: Option<Linear>,
    /// From all branches to the scores of the labels.
    pub head: Linear,
    dropout: f64,
    /// Functionals that come before the embedding.
    #[module(skip)]
    before_embedding: usize,
}

impl Classifier {
    /// The scores of the labels before the softmax, `[batch, labels]`.
    pub fn logits(&self, batch: &Batch, dropout: &mut Dropout<'_>) -> Tensor<2> {
        self.scores(self.pooled(batch, dropout))
    }

    /// One vector for each clip, from which the scores are computed: the results
    /// of the branches, concatenated.
    pub fn pooled(&self, batch: &Batch, dropout: &mut Dropout<'_>) -> Tensor<2> {
        let mut branches = Vec::with_capacity(3);
        if !self.recurrent.layers.is_empty() {
            let (mut frames, mut lengths) = (batch.frames.clone(), batch.lengths.clone());
            for convolution in &self.convolutions {
                (frames, lengths) = convolution.forward(frames, &lengths);
                frames = dropout.apply(frames, self.dropout);
            }
            let hidden = self.recurrent.forward(frames, &lengths, dropout);
            branches.push(self.pooling.forward(hidden, &lengths));
        }
        if let Some(numbers) = &batch.functionals {
            let (before, all) = (self.before_embedding, numbers.dims()[1]);
            if let Some(branch) = &self.functionals {
                let functionals = numbers.clone().narrow(1, 0, before);
                branches.push(relu(branch.forward(functionals)));
            }
            if let Some(branch) = &self.embedding {
                let embedding = numbers.clone().narrow(1, before, all - before);
                branches.push(relu(branch.forward(embedding)));
            }
        }
        let pooled = match branches.len() {
            1 => branches.remove(0),
            _ => Tensor::cat(branches, 1),
        };
        dropout.apply(pooled, self.dropout)
    }

    /// The number of functionals that come before the embedding.
    #[cfg(feature = "onnx")]
    pub(crate) fn before_embedding(&self) -> usize {
        self.before_embedding
    }

    /// The scores of the labels for pooled vectors.
    pub fn scores(&self, pooled: Tensor<2>) -> Tensor<2> {
        self.head.forward(pooled)
    }

    /// The probabilities of the labels, `[batch, labels]`; each row sums to 1.
    pub fn probabilities(&self, batch: &Batch) -> Tensor<2> {
        softmax(self.logits(batch, &mut Dropout::inference()), 1)
    }
}

/// Cross-entropy, averaged over the batch.
///
/// - `logits`: `[batch, labels]`; `targets`: `batch` indices into the labels.
/// - `weights`: one factor for each label. The mean divides by the sum of the
///   targets' factors, as PyTorch's `CrossEntropyLoss` does.
/// - `smoothing`: the share of the target that is spread over all labels (label
///   smoothing, Szegedy et al., 2016).
pub fn cross_entropy(
    logits: Tensor<2>,
    targets: &[usize],
    weights: &[f32],
    smoothing: f32,
) -> Tensor<1> {
    let device = logits.device();
    let [batch, labels] = logits.dims();
    let mut wanted = vec![0.0; batch * labels];
    let mut total = 0.0;
    for (row, &target) in wanted.chunks_exact_mut(labels).zip(targets) {
        for (value, weight) in row.iter_mut().zip(weights) {
            *value = smoothing / labels as f32 * weight;
        }
        row[target] += (1.0 - smoothing) * weights[target];
        total += weights[target];
    }
    let wanted = Tensor::<2>::from_data(TensorData::new(wanted, [batch, labels]), &device);
    (log_softmax(logits, 1) * wanted).sum() * (-1.0 / total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio::{Features, Frames};
    use burn::tensor::Device;

    fn clip(frames: usize, seed: usize) -> Features {
        let value = |k: usize| ((k * 37 + seed * 101) % 89) as f32 / 44.0 - 1.0;
        Features::new(
            Frames::new((0..frames * 3).map(value).collect(), 3),
            (0..5).map(|k| value(k + 1000)).collect(),
        )
    }

    fn classifier(device: &Device) -> Classifier {
        let convolution = |channels, stride| Convolution {
            channels,
            stride,
            ..Convolution::default()
        };
        let architecture = Architecture {
            convolutions: vec![convolution(6, 1), convolution(7, 2)],
            hidden: 8,
            layers: 2,
            ..Architecture::default()
        };
        let inputs = Inputs {
            columns: 3,
            functionals: 5,
            embedding: 0,
        };
        architecture.init(&inputs, 4, &mut Init::new(7, device))
    }

    fn rows(classifier: &Classifier, clips: &[&Features], device: &Device) -> Vec<Vec<f32>> {
        let probabilities = classifier.probabilities(&Batch::new(clips, device));
        let flat = probabilities.try_to_vec_as::<f32>().unwrap();
        flat.chunks(4).map(<[f32]>::to_vec).collect()
    }

    fn close(a: &[f32], b: &[f32], tolerance: f32) -> bool {
        a.iter().zip(b).all(|(a, b)| (a - b).abs() < tolerance)
    }

    #[test]
    fn neither_padding_nor_other_clips_change_a_clips_probabilities() {
        let device = Device::flex();
        let classifier = classifier(&device);
        let clips = [clip(12, 1), clip(3, 2), clip(1, 3), clip(30, 4)];
        let forward: Vec<&Features> = clips.iter().collect();
        let backward: Vec<&Features> = clips.iter().rev().collect();
        let together = rows(&classifier, &forward, &device);
        let reversed = rows(&classifier, &backward, &device);
        for (index, clip) in clips.iter().enumerate() {
            let alone = &rows(&classifier, &[clip], &device)[0];
            assert!(close(&together[index], alone, 1e-6));
            assert!(close(&reversed[clips.len() - 1 - index], alone, 1e-6));
            assert!((alone.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        }
    }

    #[cfg(feature = "ndarray")]
    #[test]
    fn ndarray_gives_what_flex_gives() {
        let clips = [clip(12, 1), clip(3, 2)];
        let clips: Vec<&Features> = clips.iter().collect();
        let on = |device: Device| rows(&classifier(&device), &clips, &device);
        let ndarray = crate::Backend::Ndarray.device().unwrap();
        for (a, b) in on(Device::flex()).iter().zip(on(ndarray)) {
            assert!(close(a, &b, 1e-5));
        }
    }

    #[test]
    fn cross_entropy_equals_pytorchs() {
        // torch 2.15: torch.nn.functional.cross_entropy(
        //     torch.tensor([[1., 2., 0.5], [0., -1., 3.]]), torch.tensor([0, 2]),
        //     weight=torch.tensor([1., 2., .5]), label_smoothing=.1)
        let logits = Tensor::from_floats([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]], &Device::flex());
        let loss = cross_entropy(logits, &[0, 2], &[1.0, 2.0, 0.5], 0.1);
        let loss: f32 = loss.into_scalar();
        assert!((loss - 1.222_961_7).abs() < 1e-6, "{loss}");
    }
}
