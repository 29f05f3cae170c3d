//! Everything a training needs to go on, in one file.
//!
//! A safetensors file with the present weights (`now/...`), their average
//! (`average/...`), those of the best epoch (`best/...`) and of the networks
//! that are done (`done/0/...`), and the optimiser's state; written under a temporary
//! name after every epoch, so a kill at any moment leaves the last one whole.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use model::parameters::{Array, Parameters};
use serde::{Deserialize, Serialize};

use super::Trainer;
use super::trainer::{Best, State};
use crate::report::write_atomically;

/// The name of the auxiliary heads' optimiser.
const AUXILIARY: &str = "auxiliary_optimizer";

/// What is not an array.
#[derive(Serialize, Deserialize)]
struct Progress {
    epochs_done: usize,
    epoch: usize,
    best: Option<BestProgress>,
    optimizer_bytes: usize,
    auxiliary_bytes: Option<usize>,
}

#[derive(Serialize, Deserialize)]
struct BestProgress {
    epoch: usize,
    uar: Option<f64>,
    loss: Option<f64>,
}

/// Writes where `trainer` stands.
pub fn save(trainer: &Trainer, path: &Path) -> Result<()> {
    let state = trainer.state()?;
    let mut arrays = Parameters::new();
    let mut put = |group: &str, parameters: Parameters| {
        for (name, array) in parameters {
            arrays.insert(format!("{group}/{name}"), array);
        }
    };
    put("now", state.weights);
    put("average", state.average);
    for (index, done) in state.done.into_iter().enumerate() {
        put(&format!("done/{index}"), done);
    }
    let best = state.best.map(|best| {
        put("best", best.parameters);
        BestProgress {
            epoch: best.epoch,
            uar: best.uar,
            loss: best.loss,
        }
    });
    let auxiliary = state.auxiliary.map(|(weights, optimizer)| {
        put("auxiliary", weights);
        optimizer
    });
    arrays.insert("optimizer".into(), pack(&state.optimizer));
    if let Some(optimizer) = &auxiliary {
        arrays.insert(AUXILIARY.into(), pack(optimizer));
    }
    let progress = Progress {
        epochs_done: state.epochs_done,
        epoch: state.epoch,
        best,
        optimizer_bytes: state.optimizer.len(),
        auxiliary_bytes: auxiliary.map(|optimizer| optimizer.len()),
    };
    let metadata = HashMap::from([("progress".to_string(), serde_json::to_string(&progress)?)]);
    write_atomically(path, &model::serialize(&arrays, metadata)?)
}

/// Brings `trainer`, made of the same settings, to where the checkpoint stands.
pub fn load(trainer: &mut Trainer, path: &Path) -> Result<()> {
    let name = path.display().to_string();
    let bytes = std::fs::read(path).with_context(|| name.clone())?;
    let (mut arrays, metadata) = model::deserialize(&bytes, &name)?;
    let progress = metadata
        .get("progress")
        .with_context(|| format!("{name}: not a checkpoint"))?;
    let progress: Progress =
        serde_json::from_str(progress).with_context(|| format!("{name}: not a checkpoint"))?;
    let optimizer = arrays
        .remove("optimizer")
        .with_context(|| format!("{name}: lacks the optimiser's state"))?;
    let optimizer = unpack(&optimizer, progress.optimizer_bytes);
    ensure!(
        optimizer.len() == progress.optimizer_bytes,
        "{name}: the optimiser's state is cut off"
    );
    let auxiliary = arrays.remove(AUXILIARY).zip(progress.auxiliary_bytes);
    let under = |group: &str| -> Parameters {
        let own = arrays.iter().filter_map(|(name, array)| {
            let name = name.strip_prefix(group)?.strip_prefix('/')?;
            Some((name.to_string(), array.clone()))
        });
        own.collect()
    };
    let done = (0..)
        .map(|index| under(&format!("done/{index}")))
        .take_while(|network| !network.is_empty())
        .collect();
    let state = State {
        done,
        epochs_done: progress.epochs_done,
        epoch: progress.epoch,
        best: progress.best.map(|best| Best {
            epoch: best.epoch,
            uar: best.uar,
            loss: best.loss,
            parameters: under("best"),
        }),
        weights: under("now"),
        average: under("average"),
        auxiliary: auxiliary.map(|(array, bytes)| (under("auxiliary"), unpack(&array, bytes))),
        optimizer,
    };
    trainer.set_state(state).with_context(|| name)
}

/// Bytes as the bits of 32-bit floats, the one kind of array the file holds.
fn pack(bytes: &[u8]) -> Array {
    let values: Vec<f32> = bytes
        .chunks(4)
        .map(|chunk| {
            let mut word = [0; 4];
            word[..chunk.len()].copy_from_slice(chunk);
            f32::from_le_bytes(word)
        })
        .collect();
    Array {
        shape: vec![values.len()],
        values,
    }
}

fn unpack(array: &Array, count: usize) -> Vec<u8> {
    let bytes = array.values.iter().flat_map(|value| value.to_le_bytes());
    bytes.take(count).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use audio::{FeatureSpec, Features, Frames};
    use model::burn::tensor::Device;
    use model::parameters::parameters;
    use model::{Architecture, Convolution, Description, Normalisation, Provenance};

    use super::*;
    use crate::settings::{Auxiliary, EnrolmentDraws, Training};
    use crate::training::{Clips, TrainingClip, TrainingClips};

    #[test]
    fn a_training_gone_on_from_any_epoch_ends_with_the_same_weights() {
        let description = Description {
            labels: ["calm", "angry"].map(String::from).to_vec(),
            features: FeatureSpec::recommended(),
            architecture: Architecture {
                convolutions: vec![Convolution {
                    channels: 4,
                    ..Convolution::default()
                }],
                hidden: 3,
                functional_units: 3,
                ..Architecture::default()
            },
            temperature: 1.0,
            provenance: Provenance::default(),
        };
        let columns = description.features.column_names().len();
        let functionals = description.features.functional_names().len();
        let value = |k: usize| ((k * 37) % 89) as f32 / 44.0 - 1.0;
        let clips: Vec<Features> = (0..8)
            .map(|clip| Features {
                frames: Frames::new((0..6 * columns).map(|k| value(k + clip)).collect(), columns),
                functionals: (0..functionals).map(|k| value(k * clip)).collect(),
            })
            .collect();
        let settings = Training {
            epochs: 2,
            members: 2,
            batch_size: 4,
            average: 0.9,
            enrolment: Some(EnrolmentDraws {
                least: 1,
                ..EnrolmentDraws::default()
            }),
            auxiliary: vec![Auxiliary {
                part: "speaker".into(),
                weight: -0.5,
            }],
            ..Training::default()
        };
        let training_clip = |(k, features)| TrainingClip {
            variants: vec![features],
            label: k % 2,
            speaker: k / 4,
            auxiliary: vec![Some(k / 4)],
        };
        let normalisation = Normalisation::fit(&clips).unwrap();
        let train = clips.iter().enumerate().map(training_clip).collect();
        let train = TrainingClips::new(train, normalisation, true);
        let (nobody, go_on) = (Clips::default(), AtomicBool::new(false));
        let begin = || Trainer::new(&description, &settings, 3, &Device::flex());
        let weights = |trainer: &Trainer| -> Vec<Parameters> {
            trainer
                .classifiers()
                .unwrap()
                .iter()
                .map(parameters)
                .collect()
        };

        let folder = tempfile::tempdir().unwrap();
        let file = |epoch: usize| folder.path().join(format!("{epoch}.safetensors"));
        let mut whole = begin();
        while !whole.is_done() {
            whole.run_epoch(&train, &nobody, &go_on, |_, _| {}).unwrap();
            save(&whole, &file(whole.epoch())).unwrap();
        }
        assert_eq!((whole.epoch(), weights(&whole).len()), (4, 2));
        for epoch in 1..=4 {
            let mut resumed = begin();
            load(&mut resumed, &file(epoch)).unwrap();
            assert_eq!(resumed.epoch(), epoch);
            while !resumed.is_done() {
                resumed
                    .run_epoch(&train, &nobody, &go_on, |_, _| {})
                    .unwrap();
            }
            assert!(weights(&resumed) == weights(&whole), "from epoch {epoch}");
        }
    }
}
