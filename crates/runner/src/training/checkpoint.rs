//! Everything a training needs to go on, in one file.
//!
//! A safetensors file with the present weights (`now/...`), those of the best
//! epoch (`best/...`) and the optimiser's state; written under a temporary
//! name after every epoch, so a kill at any moment leaves the last one whole.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use model::parameters::{Array, Parameters};
use serde::{Deserialize, Serialize};

use super::Trainer;
use super::trainer::Best;
use crate::report::write_atomically;

/// What is not an array.
#[derive(Serialize, Deserialize)]
struct Progress {
    epoch: usize,
    best: Option<BestProgress>,
    optimizer_bytes: usize,
}

#[derive(Serialize, Deserialize)]
struct BestProgress {
    epoch: usize,
    uar: Option<f64>,
    loss: Option<f64>,
}

/// Writes where `trainer` stands.
pub fn save(trainer: &Trainer, path: &Path) -> Result<()> {
    let (epoch, best, weights, optimizer) = trainer.state()?;
    let mut arrays = Parameters::new();
    for (name, array) in weights {
        arrays.insert(format!("now/{name}"), array);
    }
    for (name, array) in best.iter().flat_map(|best| &best.parameters) {
        arrays.insert(format!("best/{name}"), array.clone());
    }
    arrays.insert("optimizer".into(), pack(&optimizer));
    let progress = Progress {
        epoch,
        best: best.map(|best| BestProgress {
            epoch: best.epoch,
            uar: best.uar,
            loss: best.loss,
        }),
        optimizer_bytes: optimizer.len(),
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
    let under = |prefix: &str| -> Parameters {
        arrays
            .iter()
            .filter_map(|(name, array)| Some((name.strip_prefix(prefix)?.into(), array.clone())))
            .collect()
    };
    let best = progress.best.map(|best| Best {
        epoch: best.epoch,
        uar: best.uar,
        loss: best.loss,
        parameters: under("best/"),
    });
    trainer
        .set_state(progress.epoch, best, &under("now/"), optimizer)
        .with_context(|| name)
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
