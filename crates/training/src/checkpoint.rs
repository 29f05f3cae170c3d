//! Checkpoints: everything that a training needs to be resumed, in one file.
//!
//! A safetensors file with the current weights (`now/...`), their average
//! (`average/...`), those of the best epoch (`best/...`) and of the finished
//! networks (`done/0/...`), and the optimiser's state. It is written under a
//! temporary name after every epoch, so a kill at any moment leaves the last
//! one whole.

use std::collections::HashMap;
use std::path::Path;

use recurrent::parameters::{Array, Parameters};
use serde::{Deserialize, Serialize};

use crate::TrainingError;
use crate::network::Best;
use crate::trainer::{State, Trainer};

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

/// Writes the checkpoint of a training.
///
/// # Errors
///
/// [`TrainingError::Io`] where it cannot be written.
pub fn save(trainer: &Trainer, path: &Path) -> Result<(), TrainingError> {
    let state = trainer.state().map_err(damaged(path))?;
    let mut arrays = Parameters::new();
    let mut put = |group: &str, parameters: Parameters| {
        for (name, array) in parameters {
            arrays.insert(format!("{group}/{name}"), array);
        }
    };
    put("now", state.weights);
    put("average", state.average);
    for (index, done) in state.finished.into_iter().enumerate() {
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
        epochs_done: state.finished_epochs,
        epoch: state.epoch,
        best,
        optimizer_bytes: state.optimizer.len(),
        auxiliary_bytes: auxiliary.map(|optimizer| optimizer.len()),
    };
    let progress = serde_json::to_string(&progress);
    let progress = progress.map_err(|error| damaged(path)(error.to_string()))?;
    let metadata = HashMap::from([("progress".to_string(), progress)]);
    let bytes = model::serialize(&arrays, metadata)?;
    audio::write_atomically(path, &bytes).map_err(TrainingError::io(path))
}

/// Brings `trainer`, made with the same settings, to where the checkpoint is.
///
/// # Errors
///
/// [`TrainingError::Io`] where it cannot be read, [`TrainingError::Checkpoint`]
/// where it is damaged or of other settings.
pub fn load(trainer: &mut Trainer, path: &Path) -> Result<(), TrainingError> {
    let damaged = damaged(path);
    let bytes = std::fs::read(path).map_err(TrainingError::io(path))?;
    let (mut arrays, metadata) = model::deserialize(&bytes, &path.display().to_string())?;
    let progress = metadata.get("progress");
    let progress: Progress = progress
        .and_then(|progress| serde_json::from_str(progress).ok())
        .ok_or_else(|| damaged("not a checkpoint".into()))?;
    let optimizer = arrays
        .remove("optimizer")
        .ok_or_else(|| damaged("the optimiser's state is missing".into()))?;
    let optimizer = unpack(&optimizer, progress.optimizer_bytes);
    if optimizer.len() != progress.optimizer_bytes {
        return Err(damaged("the optimiser's state is cut off".into()));
    }
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
        finished: done,
        finished_epochs: progress.epochs_done,
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
    trainer.set_state(state).map_err(damaged)
}

/// For `map_err`: what is wrong with the checkpoint in this file.
fn damaged(path: &Path) -> impl Fn(String) -> TrainingError {
    move |what| TrainingError::Checkpoint {
        path: path.into(),
        what,
    }
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
    use audio::{FeatureSpec, Features, Frames};
    use burn::tensor::Device;
    use model::{Architecture, Convolution, Description, Normalisation, Provenance};
    use recurrent::parameters::parameters;

    use super::*;
    use crate::clips::{TrainingClip, TrainingClips, ValidationClips};
    use crate::settings::{Auxiliary, EnrolmentDraws, Training};

    #[test]
    fn a_training_resumed_from_any_epoch_ends_with_the_same_weights() {
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
            .map(|clip| {
                Features::new(
                    Frames::new((0..6 * columns).map(|k| value(k + clip)).collect(), columns),
                    (0..functionals).map(|k| value(k * clip)).collect(),
                )
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
        let nobody = ValidationClips::default();
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
            whole.run_epoch(&train, &nobody, &()).unwrap();
            save(&whole, &file(whole.epoch())).unwrap();
        }
        assert_eq!((whole.epoch(), weights(&whole).len()), (4, 2));
        for epoch in 1..=4 {
            let mut resumed = begin();
            load(&mut resumed, &file(epoch)).unwrap();
            assert_eq!(resumed.epoch(), epoch);
            while !resumed.is_done() {
                resumed.run_epoch(&train, &nobody, &()).unwrap();
            }
            assert!(weights(&resumed) == weights(&whole), "from epoch {epoch}");
        }
    }
}
