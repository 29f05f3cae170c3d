//! Cross-validation: every fold trained with every seed, every speaker tested
//! by models that never heard them.
//!
//! One folder holds all of it. While it runs, `folds/F0-seed1/` and so on
//! appear one by one, each complete or not there, so that an interrupted run
//! is resumed by starting it again. At the end the predictions of all folds are
//! pooled into a [`Summary`].

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use burn::tensor::Device;
use corpus::{Corpus, Folds, Sources};
use metrics::cross_validation::{Design, FoldResult, Summary};
use metrics::{Predictions, PredictionsCsv};

use crate::experiment::{Experiment, Fitted, Outcome};
use crate::run_folder::{MODEL, sources_toml, write, write_json};
use crate::{Event, FeatureTable, Observer, Settings, Stage, Trainer, TrainingError};

/// The summary's name in the folder of a cross-validation.
pub const RESULTS: &str = "results.json";

pub(crate) const SETTINGS: &str = "settings.toml";
const DATA: &str = "data.toml";
const RESULT: &str = "result.json";
/// The answers' name in the folder of a cross-validation.
pub(crate) const PREDICTIONS: &str = "predictions.csv";

/// A cross-validation that is about to be done.
pub struct CrossValidation<'a> {
    /// The recordings.
    pub corpus: &'a Corpus,
    /// The protocol's folds.
    pub folds: &'a Folds,
    /// The features of the corpus's clips.
    pub features: &'a FeatureTable,
    /// What every training depends on, but for its seed.
    pub settings: &'a Settings,
    /// Every fold is trained with the seeds 1 to this.
    pub seeds: u64,
    /// Trainings at once, each on one thread, which wastes nothing on waiting
    /// for another thread.
    pub jobs: usize,
    /// Where the results go; [`claim`] makes it.
    pub folder: &'a Path,
    /// Where they are computed.
    pub device: &'a Device,
    /// Whether the tests are also done after speaker adaptation.
    pub speaker_adaptation: bool,
}

/// The figures of a cross-validation and the results of its trainings.
pub struct CrossValidated {
    /// Everything pooled.
    pub summary: Summary,
    /// Each fold and seed.
    pub results: Vec<FoldResult>,
}

/// One training: a fold with a seed.
#[derive(Clone, Copy)]
struct Task {
    fold: usize,
    seed: u64,
}

/// Makes the folder of a cross-validation, or takes one that the same settings,
/// protocol and recordings began.
///
/// # Errors
///
/// [`TrainingError::Folder`] where results of other settings are there,
/// [`TrainingError::Io`] where it cannot be written.
pub fn claim(
    folder: &Path,
    settings: &Settings,
    protocol: &str,
    sources: &Sources,
) -> Result<(), TrainingError> {
    let data = sources_toml(sources)?;
    let settings = format!("# protocol: {protocol}\n{}", settings.to_toml()?);
    let before = |name: &str| std::fs::read_to_string(folder.join(name)).ok();
    if let Some(known) = before(SETTINGS) {
        let other = |what: &str| {
            let what = format!("results of other {what} are in this folder; name another one");
            Err(TrainingError::folder(folder, what))
        };
        if known != settings {
            return other("settings or another protocol");
        }
        if before(DATA).as_ref() != Some(&data) {
            return other("recordings or labels");
        }
        return Ok(());
    }
    std::fs::create_dir_all(folder).map_err(TrainingError::io(folder))?;
    write(&folder.join(DATA), data.as_bytes())?;
    write(&folder.join(SETTINGS), settings.as_bytes())
}

/// What the folds of a protocol test.
pub(crate) fn design(corpus: &Corpus, folds: &Folds) -> Design {
    Design {
        corpus: corpus.card.title.clone(),
        protocol: folds.name().into(),
        title: folds.title().into(),
        source: folds.source().into(),
        speaker_disjoint: folds.speaker_disjoint(),
        folds: folds.folds().iter().map(|fold| fold.name.clone()).collect(),
        speakers: corpus.speakers(),
        absent_speakers: folds.absent().to_vec(),
        impossible_folds: folds.impossible().to_vec(),
    }
}

impl CrossValidation<'_> {
    /// Runs what is not done yet, pools everything and writes `results.json`
    /// and `predictions.csv`. `None` where the observer interrupted it: the
    /// finished trainings are kept.
    ///
    /// # Errors
    ///
    /// The first error of any training; those in progress are finished first.
    pub fn run(&self, observer: &dyn Observer) -> Result<Option<CrossValidated>, TrainingError> {
        let Some(results) = self.answers(observer)? else {
            return Ok(None);
        };
        let summary = Summary::new(&design(self.corpus, self.folds), &results)?;
        write_json(&self.folder.join(RESULTS), &summary)?;
        let mut csv = PredictionsCsv::new(&self.corpus.card.label_names());
        for (result, predictions) in &results {
            csv.add(&result.fold, Some(result.seed), predictions)?;
        }
        write(&self.folder.join(PREDICTIONS), &csv.into_bytes())?;
        let results = results.into_iter().map(|(result, _)| result).collect();
        Ok(Some(CrossValidated { summary, results }))
    }

    /// Runs what is not done yet, and gives the result and the answers of each fold
    /// and seed. `None` where the observer interrupted it.
    pub(crate) fn answers(
        &self,
        observer: &dyn Observer,
    ) -> Result<Option<Vec<(FoldResult, Predictions)>>, TrainingError> {
        let tasks = self.tasks();
        let epochs = tasks.len() * Trainer::epochs_at_most(&self.settings.training);
        observer.notice(Event::Begin {
            stage: Stage::Folds,
            steps: epochs as u64,
            done: 0,
        });
        let finished = self.train_all(&tasks, observer)?;
        observer.notice(Event::End);
        if !finished {
            return Ok(None);
        }
        let results: Vec<(FoldResult, Predictions)> =
            tasks.iter().filter_map(|task| self.done(task)).collect();
        if results.len() != tasks.len() {
            let what = "some results could not be read back";
            return Err(TrainingError::folder(self.folder, what));
        }
        Ok(Some(results))
    }

    /// Every fold with every seed, all folds of a seed together.
    fn tasks(&self) -> Vec<Task> {
        let folds = self.folds.folds().len();
        let of_seed = |seed| (0..folds).map(move |fold| Task { fold, seed });
        (1..=self.seeds).flat_map(of_seed).collect()
    }

    /// Runs the tasks on `jobs` threads; false where the observer interrupted it.
    fn train_all(&self, tasks: &[Task], observer: &dyn Observer) -> Result<bool, TrainingError> {
        let next = AtomicUsize::new(0);
        let stopped = AtomicBool::new(false);
        let failed: Mutex<Option<TrainingError>> = Mutex::new(None);
        let work = || -> Result<(), TrainingError> {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
            let pool = pool.map_err(|error| TrainingError::settings(error.to_string()))?;
            while !stopped.load(Ordering::Relaxed) && !observer.interrupted() {
                let Some(task) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) else {
                    break;
                };
                pool.install(|| self.train(task, observer))?;
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            for _ in 0..self.jobs.clamp(1, tasks.len().max(1)) {
                scope.spawn(|| {
                    if let (Err(error), Ok(mut failed)) = (work(), failed.lock()) {
                        stopped.store(true, Ordering::Relaxed);
                        failed.get_or_insert(error);
                    }
                });
            }
        });
        match failed.into_inner() {
            Ok(None) => Ok(!observer.interrupted()),
            Ok(Some(error)) => Err(error),
            Err(_) => Err(TrainingError::settings("a training ended unexpectedly")),
        }
    }

    /// One training, unless its results are there already.
    fn train(&self, task: &Task, observer: &dyn Observer) -> Result<(), TrainingError> {
        let at_most = Trainer::epochs_at_most(&self.settings.training) as u64;
        if self.done(task).is_some() {
            observer.notice(Event::Advance(at_most));
            return Ok(());
        }
        let validate = self.settings.validation_speakers.is_none();
        let split = (self.folds).split(task.fold, self.corpus, task.seed, validate)?;
        let settings = Settings {
            seed: task.seed,
            ..self.settings.clone()
        };
        let experiment = Experiment {
            corpus: self.corpus,
            split: &split,
            features: self.features,
            settings: &settings,
            device: self.device,
            fine_tune: None,
            speaker_adaptation: self.speaker_adaptation,
        };
        let epochs = CountsEpochs(observer);
        let Outcome::Finished(fitted) = experiment.run(&mut (), &epochs)? else {
            return Ok(());
        };
        observer.notice(Event::Advance(at_most - fitted.epochs.len() as u64));
        self.keep(task, &fitted)
    }

    fn keep(&self, task: &Task, fitted: &Fitted) -> Result<(), TrainingError> {
        let folder = self.task_folder(task);
        std::fs::create_dir_all(&folder).map_err(TrainingError::io(&folder))?;
        let fold = &self.folds.folds()[task.fold].name;
        let mut csv = PredictionsCsv::new(fitted.predictions.labels());
        csv.add(fold, Some(task.seed), &fitted.predictions)?;
        write(&folder.join(PREDICTIONS), &csv.into_bytes())?;
        fitted.model.save(folder.join(MODEL))?;
        let result = FoldResult {
            fold: fold.clone(),
            seed: task.seed,
            epoch: fitted.best_epoch,
            parameters: fitted.model.parameter_count(),
            seconds: fitted.seconds,
            adaptation: fitted.adaptation.clone(),
            epochs: fitted.epochs.clone(),
        };
        // Last: a folder with a result is a finished task.
        write_json(&folder.join(RESULT), &result)
    }

    /// What a task has left, where it is done.
    fn done(&self, task: &Task) -> Option<(FoldResult, Predictions)> {
        let folder = self.task_folder(task);
        let text = std::fs::read_to_string(folder.join(RESULT)).ok()?;
        let result = serde_json::from_str(&text).ok()?;
        Some((result, Predictions::read(&folder.join(PREDICTIONS)).ok()?))
    }

    fn task_folder(&self, task: &Task) -> PathBuf {
        let fold = &self.folds.folds()[task.fold].name;
        let name = format!("{fold}-seed{}", task.seed);
        self.folder.join("folds").join(name)
    }
}

/// Of a training that runs beside others, only its epochs are counted.
struct CountsEpochs<'a>(&'a dyn Observer);

impl Observer for CountsEpochs<'_> {
    fn notice(&self, event: Event<'_>) {
        if let Event::Epoch(_) = event {
            self.0.notice(Event::Advance(1));
        }
    }

    fn interrupted(&self) -> bool {
        self.0.interrupted()
    }
}
