//! Trainings side by side, one for each fold and seed.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use anyhow::{Context, Result, anyhow};
use indicatif::ProgressBar;
use model::burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::enrolment::{self, Enrolled};
use crate::corpus::Corpus;
use crate::protocol::Folds;
use crate::report::{EpochMetrics, Predictions};
use crate::run_folder;
use crate::settings::Settings;
use crate::training::finish::{Tested, finish, test};
use crate::training::{FeatureTable, Parts, Trainer};

/// One training: a fold with a seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Which of the protocol's folds.
    pub fold: usize,
    /// The seed of everything random in it.
    pub seed: u64,
}

/// What a task leaves, beside its predictions and its model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskResult {
    /// The fold's name.
    pub fold: String,
    /// The seed.
    pub seed: u64,
    /// The epoch whose weights were kept.
    pub epoch: usize,
    /// Numbers in the network.
    pub parameters: usize,
    /// Seconds of training, on one thread.
    pub seconds: f64,
    /// The same test with some of each speaker's clips known.
    pub enrolled: Vec<Enrolled>,
    /// The learning curves.
    pub epochs: Vec<EpochMetrics>,
}

const RESULT: &str = "result.json";
const PREDICTIONS: &str = "predictions.csv";

/// The trainings of a cross-validation.
pub struct Tasks<'a> {
    /// The recordings.
    pub corpus: &'a Corpus,
    /// The protocol's folds.
    pub folds: &'a Folds,
    /// Their features.
    pub table: &'a FeatureTable,
    /// What every training depends on, but for its seed.
    pub settings: &'a Settings,
    /// Where the results go.
    pub folder: &'a Path,
    /// Where they are computed.
    pub device: &'a Device,
}

impl Tasks<'_> {
    /// Every fold with every seed from 1 to `seeds`, all folds of a seed together.
    pub fn list(&self, seeds: u64) -> Vec<Task> {
        (1..=seeds)
            .flat_map(|seed| (0..self.folds.folds.len()).map(move |fold| Task { fold, seed }))
            .collect()
    }

    fn folder(&self, task: &Task) -> PathBuf {
        let fold = &self.folds.folds[task.fold].name;
        self.folder
            .join("folds")
            .join(format!("{fold}-seed{}", task.seed))
    }

    /// What the task has left, where it is done.
    pub fn done(&self, task: &Task) -> Option<(TaskResult, Predictions)> {
        let folder = self.folder(task);
        let text = std::fs::read_to_string(folder.join(RESULT)).ok()?;
        let result = serde_json::from_str(&text).ok()?;
        Some((result, Predictions::read(&folder.join(PREDICTIONS)).ok()?))
    }

    /// Runs the tasks that are not done on `jobs` threads. Each training has
    /// one thread to itself, which wastes nothing on waiting for another.
    ///
    /// `progress` counts epochs. False where `interrupted` was set before all were done.
    ///
    /// # Errors
    ///
    /// The first error of any task; those under way are finished first.
    pub fn run(
        &self,
        tasks: &[Task],
        jobs: usize,
        interrupted: &AtomicBool,
        progress: &ProgressBar,
    ) -> Result<bool> {
        let next = AtomicUsize::new(0);
        let failed: Mutex<Option<anyhow::Error>> = Mutex::new(None);
        let stop =
            || interrupted.load(Ordering::Relaxed) || failed.lock().is_ok_and(|f| f.is_some());
        let work = || {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
            while !stop() {
                let Some(task) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) else {
                    break;
                };
                let epochs = Trainer::epochs_at_most(&self.settings.training) as u64;
                if self.done(task).is_some() {
                    progress.inc(epochs);
                    continue;
                }
                pool.install(|| self.train(task, interrupted, progress))
                    .with_context(|| {
                        format!(
                            "fold {}, seed {}",
                            self.folds.folds[task.fold].name, task.seed
                        )
                    })?;
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            for _ in 0..jobs.clamp(1, tasks.len().max(1)) {
                scope.spawn(|| {
                    if let (Err(error), Ok(mut failed)) = (work(), failed.lock()) {
                        failed.get_or_insert(error);
                    }
                });
            }
        });
        match failed.into_inner() {
            Ok(Some(error)) => Err(error),
            Ok(None) => Ok(!interrupted.load(Ordering::Relaxed)),
            Err(_) => Err(anyhow!("a training ended by itself")),
        }
    }

    fn train(&self, task: &Task, interrupted: &AtomicBool, progress: &ProgressBar) -> Result<()> {
        let validate = self.settings.validation_speakers.is_none();
        let split = self
            .folds
            .split(task.fold, self.corpus, task.seed, validate)?;
        let settings = Settings {
            seed: task.seed,
            ..self.settings.clone()
        };
        let parts = Parts::select(
            self.corpus,
            &split,
            self.table,
            &settings.training.auxiliary,
        )?;
        let description = parts.describe(self.corpus, &split, &settings)?;
        let (train, validation, normalisation) = parts.clips(&settings)?;
        let mut trainer = Trainer::new(&description, &settings.training, task.seed, self.device);
        let mut epochs = Vec::new();
        while !trainer.is_done() {
            match trainer.run_epoch(&train, &validation, interrupted, |_, _| {})? {
                Some(metrics) => epochs.push(metrics),
                None => return Ok(()),
            }
            progress.inc(1);
        }
        let skipped = Trainer::epochs_at_most(&settings.training) - epochs.len();
        progress.inc(skipped as u64);

        let device = self.device;
        let recognizer = finish(
            &trainer,
            &parts,
            &normalisation,
            description,
            self.corpus,
            device,
        )?;
        let enrolled = enrolment::curve(&recognizer, &parts.test, task.seed)?;
        let Tested {
            model, predictions, ..
        } = test(recognizer, &parts, self.corpus)?;

        let folder = self.folder(task);
        std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        predictions.write(&folder.join(PREDICTIONS))?;
        model.save(folder.join(run_folder::MODEL))?;
        let result = TaskResult {
            fold: self.folds.folds[task.fold].name.clone(),
            seed: task.seed,
            epoch: model.description.provenance.epoch,
            parameters: model.parameter_count(),
            seconds: epochs.iter().map(|epoch| epoch.seconds).sum(),
            enrolled,
            epochs,
        };
        // Last: a folder with a result is a finished task.
        let json = serde_json::to_string_pretty(&result)?;
        crate::report::write_atomically(&folder.join(RESULT), json.as_bytes())
    }
}
