//! Exports of networks of every kind, with what they have to compute.
//!
//! ```sh
//! cargo run --example export_reference -p model -- FOLDER [MODEL.safetensors ...]
//! python3 scripts/check_onnx.py FOLDER
//! python3 scripts/check_pytorch_export.py FOLDER
//! ```
//!
//! Writes `NAME.onnx`, `NAME.pytorch.safetensors` (where PyTorch has such a
//! network) and `NAME.reference.safetensors`, with random clips of unlike
//! length and what this crate computes of them: `frames`, `lengths`,
//! `functionals`, `speech`, `speech_lengths`, `probabilities`, and of the first
//! network's recurrent part alone `recurrent_input`, `recurrent_lengths` and `recurrent`. Each network has random numbers in all its
//! parameters; models named behind the folder are taken as they are.

use std::collections::HashMap;
use std::error::Error;
use std::path::Path;

use audio::{FeatureSpec, Features, Frames, SpeechLevel};
use burn::tensor::{Device, Tensor};
use model::{
    Architecture, Batch, Convolution, Description, Encoder, LinearClassifier, LinearClips,
    LinearInputs, LinearMethod, Member, Model, Normalisation, PoolingKind, Provenance, Recognizer,
    onnx, serialize,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use recurrent::parameters::{Array, Parameters, parameters, with_parameters};
use recurrent::{CellKind, Dropout, Init, RecurrentConfig, RecurrentError, pytorch};

const LENGTHS: [usize; 6] = [60, 1, 23, 200, 2, 77];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let Some(folder) = arguments.next() else {
        eprintln!("usage: export_reference FOLDER [MODEL.safetensors ...]");
        std::process::exit(2);
    };
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    let device = Device::flex();
    let mut rng = ChaCha8Rng::seed_from_u64(12);
    for path in arguments {
        let name = Path::new(&path).file_stem().unwrap_or_default();
        let model = Model::load(&path, &device)?;
        write(folder, &name.to_string_lossy(), &model, &mut rng)?;
    }
    write(folder, "encoder", &with_encoder(true, &mut rng)?, &mut rng)?;
    write(
        folder,
        "encoder_alone",
        &with_encoder(false, &mut rng)?,
        &mut rng,
    )?;
    for (name, architecture) in architectures() {
        let mut features = FeatureSpec::recommended();
        features.blocks[0].functionals = name != "without_functionals";
        let projection = (name == "projection").then_some(2 * architecture.hidden);
        let model = random(features, architecture.clone(), projection, &mut rng)?;
        write(folder, name, &model, &mut rng)?;
        if name == "convolutions" {
            let other = random(
                model.description.features.clone(),
                architecture,
                None,
                &mut rng,
            )?;
            let members = [model.members.clone(), other.members].concat();
            write(folder, "ensemble", &Model { members, ..model }, &mut rng)?;
        }
    }
    Ok(())
}

fn architectures() -> Vec<(&'static str, Architecture)> {
    let usual = Architecture::default;
    let cell = |cell| Architecture { cell, ..usual() };
    let pooling = |pooling| Architecture { pooling, ..usual() };
    let deep = |cell| Architecture {
        layers: 2,
        hidden: 20,
        ..Architecture { cell, ..usual() }
    };
    vec![
        ("default", usual()),
        ("without_functionals", usual()),
        (
            "convolutions",
            Architecture {
                convolutions: [(8, 5, 2), (10, 4, 3), (8, 3, 1)]
                    .map(|(channels, kernel, stride)| Convolution {
                        channels,
                        kernel,
                        stride,
                    })
                    .to_vec(),
                ..usual()
            },
        ),
        ("gru", cell(CellKind::Gru)),
        ("gru_reset_before", cell(CellKind::GruResetBefore)),
        ("rnn", cell(CellKind::Rnn)),
        ("rnn_relu", cell(CellKind::RnnRelu)),
        ("coupled", cell(CellKind::Coupled)),
        ("peephole", cell(CellKind::Peephole)),
        ("two_layers", deep(CellKind::Lstm)),
        ("two_layers_gru", deep(CellKind::Gru)),
        ("two_layers_peephole", deep(CellKind::Peephole)),
        (
            "one_direction",
            Architecture {
                bidirectional: false,
                ..deep(CellKind::Lstm)
            },
        ),
        (
            "residual_and_norm",
            Architecture {
                layers: 3,
                residual: true,
                layer_norm: true,
                ..deep(CellKind::Lstm)
            },
        ),
        ("projection", deep(CellKind::Lstm)),
        ("pooling_last", pooling(PoolingKind::Last)),
        ("pooling_mean", pooling(PoolingKind::Mean)),
        ("pooling_max", pooling(PoolingKind::Max)),
        (
            "pooling_mean_deviation",
            pooling(PoolingKind::MeanDeviation),
        ),
        (
            "pooling_multi_head",
            pooling(PoolingKind::MultiHead { heads: 3 }),
        ),
    ]
}

/// A model with random numbers in all its parameters, and in its normalisation.
fn random(
    features: FeatureSpec,
    architecture: Architecture,
    projection: Option<usize>,
    rng: &mut ChaCha8Rng,
) -> Result<Model, Box<dyn Error>> {
    let bound = 1.0 / (architecture.hidden as f32).sqrt();
    let description = Description {
        labels: ["calm", "happy", "sad", "angry"].map(String::from).to_vec(),
        features,
        architecture,
        temperature: 1.5,
        provenance: Provenance::default(),
    };
    let clips = clips(&description, rng);
    let columns = description.features.columns();
    let init = &mut Init::new(1, &Device::flex());
    let mut classifier = description.init(init);
    if projection.is_some() {
        let a = &description.architecture;
        let config = RecurrentConfig {
            layers: a.layers,
            bidirectional: a.bidirectional,
            projection,
            ..RecurrentConfig::new(a.cell, columns, a.hidden)
        };
        classifier.recurrent = config.init(init);
    }
    let drawn: Parameters = parameters(&classifier)
        .into_iter()
        .map(|(name, array)| {
            // Large in the head, so that clips differ in their probabilities.
            let bound = if name.starts_with("head") { 0.3 } else { bound };
            let values = array.values.iter().map(|_| rng.random_range(-bound..bound));
            let values = values.collect();
            (name, Array { values, ..array })
        })
        .collect();
    Ok(Model::single(
        with_parameters(classifier, &drawn)?,
        Normalisation::fit(&clips)?,
        description,
    ))
}

/// A model with the pretrained encoder and a linear classifier, with a network that
/// reads the frames and the embedding beside it, or without.
fn with_encoder(network: bool, rng: &mut ChaCha8Rng) -> Result<Model, Box<dyn Error>> {
    let (features, architecture) = match network {
        true => (
            FeatureSpec {
                encoder: Some(SpeechLevel::default()),
                ..FeatureSpec::recommended()
            },
            Architecture {
                encoder_units: 8,
                ..Architecture::default()
            },
        ),
        false => (
            FeatureSpec::encoder(),
            Architecture {
                layers: 0,
                encoder_units: 8,
                ..Architecture::default()
            },
        ),
    };
    let mut model = random(features, architecture, None, rng)?;
    let normalisation = model.members[0].normalisation.clone();
    let inputs = LinearInputs::Encoder;
    let range = inputs.range(&model.description.features);
    let mut set = LinearClips::default();
    for label in (0..4).cycle().take(40) {
        let row = range.clone().map(|_| rng.random_range(-1.0f32..1.0));
        set.push(&row.collect::<Vec<_>>(), label);
    }
    let method = LinearMethod::Lda { shrinkage: 0.9 };
    let mut classifier = LinearClassifier::fit(&set, 4, method, true, inputs, normalisation)?;
    classifier.share = 0.6;
    model.linear.push(classifier);
    model.encoder = Some(Encoder::pretrained()?);
    if !network {
        model.members.clear();
    }
    Ok(model)
}

/// Clips that are not normalised. The embedding among the functionals is that of no
/// speech.
fn clips(d: &Description, rng: &mut ChaCha8Rng) -> Vec<Features> {
    let (columns, functionals) = (d.features.columns(), d.functionals());
    let mut row = |count: usize| -> Vec<f32> {
        let column = |at| (at % 7) as f32 - 2.0 + rng.random_range(-3.0..3.0);
        (0..count).map(column).collect()
    };
    LENGTHS
        .iter()
        .map(|&length| {
            Features::new(
                Frames::new((0..length).flat_map(|_| row(columns)).collect(), columns),
                row(functionals),
            )
        })
        .collect()
}

fn write(
    folder: &Path,
    name: &str,
    model: &Model,
    rng: &mut ChaCha8Rng,
) -> Result<(), Box<dyn Error>> {
    let d = &model.description;
    let mut clips = clips(d, rng);
    let own = d.features.functional_names().len();
    let mut tensors = Parameters::new();
    if let Some(encoder) = &model.encoder {
        let longest = LENGTHS.iter().copied().max().unwrap_or(0);
        let mut speech = Vec::new();
        for (clip, &frames) in clips.iter_mut().zip(&LENGTHS) {
            // Mel powers of levelled speech are below 1, and small above all.
            let rows = (0..40 * frames).map(|_| rng.random_range(-9.0f32..0.0).exp());
            let rows = Frames::new(rows.collect(), 40);
            clip.functionals.truncate(own);
            clip.functionals.extend(encoder.embedding(&rows)?);
            speech.extend_from_slice(rows.data());
            speech.resize(speech.len() + 40 * (longest - frames), 0.0);
        }
        let shape = vec![LENGTHS.len(), longest, 40];
        let values = speech;
        tensors.insert("speech".into(), Array { shape, values });
        tensors.insert("speech_lengths".into(), counts(&LENGTHS));
    }
    let answers = Recognizer::new(model.clone(), Device::flex())?
        .classify_features(&clips.iter().collect::<Vec<_>>())?;
    let probabilities = answers.iter();
    let probabilities = probabilities.flat_map(|a| a.scores().iter().map(|(_, p)| *p));
    let shape = vec![clips.len(), d.labels.len()];
    let values = probabilities.collect();
    tensors.insert("probabilities".into(), Array { shape, values });
    if own > 0 {
        let values = clips
            .iter()
            .flat_map(|clip| clip.functionals[..own].to_vec());
        let shape = vec![clips.len(), own];
        let values = values.collect();
        tensors.insert("functionals".into(), Array { shape, values });
    }
    let file = |end: &str| folder.join(format!("{name}.{end}"));
    if let Some(member) = model.members.first() {
        network(member, &clips, &mut tensors)?;
        match pytorch::to_bytes(&member.classifier.recurrent) {
            Ok(bytes) => std::fs::write(file("pytorch.safetensors"), bytes)?,
            Err(error @ RecurrentError::Export { .. }) => println!("{name}: {error}"),
            Err(error) => return Err(error.into()),
        }
    }
    std::fs::write(file("onnx"), onnx::to_bytes(model)?)?;
    let reference = serialize(&tensors, HashMap::new())?;
    std::fs::write(file("reference.safetensors"), reference)?;
    println!("{name}");
    Ok(())
}

fn counts(lengths: &[usize]) -> Array {
    Array {
        shape: vec![lengths.len()],
        values: lengths.iter().map(|&n| n as f32).collect(),
    }
}

/// What a network reads of the clips, and what its recurrent part computes.
fn network(
    member: &Member,
    clips: &[Features],
    tensors: &mut Parameters,
) -> Result<(), Box<dyn Error>> {
    let device = Device::flex();
    let raw = Batch::new(&clips.iter().collect::<Vec<_>>(), &device);
    let normalised = clips
        .iter()
        .map(|clip| member.normalisation.apply(clip))
        .collect::<Result<Vec<_>, _>>()?;
    let batch = Batch::new(&normalised.iter().collect::<Vec<_>>(), &device);
    let (mut frames, mut lengths) = (batch.frames, batch.lengths.clone());
    for convolution in &member.classifier.convolutions {
        (frames, lengths) = convolution.forward(frames, &lengths);
    }
    let recurrent = &member.classifier.recurrent;
    let hidden = recurrent.forward(frames.clone(), &lengths, &mut Dropout::inference());
    tensors.insert("frames".into(), array(raw.frames));
    tensors.insert("lengths".into(), counts(&batch.lengths));
    tensors.insert("recurrent_input".into(), array(frames));
    tensors.insert("recurrent_lengths".into(), counts(&lengths));
    tensors.insert("recurrent".into(), array(hidden));
    Ok(())
}

fn array<const D: usize>(tensor: Tensor<D>) -> Array {
    let data = tensor.into_data();
    Array {
        shape: data.shape().to_vec(),
        values: data.iter::<f32>().collect(),
    }
}
