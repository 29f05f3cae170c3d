//! `affekt ensemble`: several models as one, whose probabilities are averaged.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, ensure};
use model::{Backend, Encoder, Model, Provenance};
use training::run_folder::model_file;

use crate::output::write_file;

/// `affekt ensemble`.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  affekt ensemble runs/a runs/b runs/c --out both.safetensors
  affekt ensemble results/folds/*/model.safetensors --out all-folds.safetensors

The models must have been trained with the same settings but for the seed and
the speakers. Training with `members` in its settings gives an ensemble at once.")]
pub struct Args {
    /// Model files and runs' folders, two at least
    #[arg(required = true, num_args = 2.., value_name = "FILE|RUN")]
    pub models: Vec<PathBuf>,
    /// The file to write, replaced if it is there
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// Puts the networks of all models into one file.
pub fn run(args: &Args) -> Result<ExitCode> {
    let device = Backend::Flex.device()?;
    let mut models = Vec::with_capacity(args.models.len());
    for choice in &args.models {
        let file = model_file(choice)?;
        models.push((Model::load(&file, &device)?, file.display().to_string()));
    }
    let (mut ensemble, first) = models.remove(0);
    for (model, name) in models {
        let (a, b) = (&ensemble.description, &model.description);
        for (what, same) in [
            ("labels", a.labels == b.labels),
            ("features", a.features == b.features),
            ("network", a.architecture == b.architecture),
            ("encoder", encoder(&ensemble) == encoder(&model)),
            ("shares", ensemble.network_share == model.network_share),
        ] {
            ensure!(
                same,
                "{name} differs from {first} in its {what}: only models that were trained with the \
                 same settings can be put together"
            );
        }
        join(&mut ensemble, model);
    }
    write_file(&args.out, &ensemble.to_bytes()?)?;
    println!(
        "{}: {} networks and {} linear classifiers, {} parameters",
        args.out.display(),
        ensemble.members.len(),
        ensemble.linear.len(),
        ensemble.parameter_count()
    );
    Ok(ExitCode::SUCCESS)
}

fn encoder(model: &Model) -> Option<String> {
    model.encoder.as_ref().map(Encoder::fingerprint)
}

/// Adds a model's networks and linear classifiers. Whoever any of them was trained
/// on counts as heard.
fn join(ensemble: &mut Model, model: Model) {
    let parts = |model: &Model| (model.members.len() + model.linear.len()) as f32;
    let (before, added) = (parts(ensemble), parts(&model));
    let d = &mut ensemble.description;
    d.temperature =
        (d.temperature * before + model.description.temperature * added) / (before + added);
    ensemble.members.extend(model.members);
    ensemble.linear.extend(model.linear);
    let (a, b) = (&mut d.provenance, model.description.provenance);
    union(&mut a.train_speakers, b.train_speakers);
    union(&mut a.validation_speakers, b.validation_speakers);
    let heard = [&a.train_speakers[..], &a.validation_speakers].concat();
    a.test_speakers
        .retain(|s| b.test_speakers.contains(s) && !heard.contains(s));
    // The parts' figures are not the whole's.
    (a.test_uar, a.test_accuracy, a.cross_validation) = (None, None, None);
    if a.corpus != b.corpus {
        *a = Provenance {
            corpus: format!("{}; {}", a.corpus, b.corpus),
            licence: format!("{}; {}", a.licence, b.licence),
            ..a.clone()
        };
    }
}

fn union(names: &mut Vec<String>, more: Vec<String>) {
    for name in more {
        if !names.contains(&name) {
            names.push(name);
        }
    }
}
