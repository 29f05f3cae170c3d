//! The folder that a training leaves behind.
//!
//! | file | what |
//! |---|---|
//! | `model.safetensors` | the model |
//! | `settings.toml` | what it was trained with; can be used again |
//! | `data.toml` | where the corpus was, to resume the training |
//! | `metrics.jsonl` | one line for each epoch |
//! | `predictions.csv` | every test clip with its probabilities |
//! | `report.json` | accuracy, UAR, recalls, confusion matrix |
//! | `checkpoint.safetensors` | the last epoch, to resume the training |
//!
//! The model is written last: a folder with a model is a finished training.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use corpus::Sources;
use metrics::{ConfusionMatrix, EpochMetrics, Predictions};
use model::Description;
use serde::Serialize;

use crate::experiment::Journal;
use crate::{EpochLog, Fitted, Settings, Trainer, TrainingError, checkpoint};

/// Where runs go unless another folder is named, below the current one.
pub const RUNS: &str = "runs";
/// The model's name in a run folder.
pub const MODEL: &str = "model.safetensors";
/// What stands for the newest model below [`RUNS`] where a model is named.
pub const NEWEST: &str = "newest";

const SETTINGS: &str = "settings.toml";
const DATA: &str = "data.toml";
const EPOCHS: &str = "metrics.jsonl";
const PREDICTIONS: &str = "predictions.csv";
const REPORT: &str = "report.json";
const CHECKPOINT: &str = "checkpoint.safetensors";

/// The folder of one training. As a [`Journal`] it keeps every epoch.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    log: Option<EpochLog>,
}

impl RunFolder {
    /// Makes the folder of a new training: `out`, or a new `runs/<date>-<name>`.
    ///
    /// # Errors
    ///
    /// [`TrainingError::Folder`] where `out` holds a training already, or the
    /// name is not one for a folder; [`TrainingError::Io`] where it cannot be made.
    pub fn create(out: Option<&Path>, name: &str) -> Result<Self, TrainingError> {
        let path = match out {
            Some(out) => {
                if out.join(MODEL).exists() || out.join(SETTINGS).exists() {
                    let what = "there is a training in this folder already; resume it, or name \
                                another folder";
                    return Err(TrainingError::folder(out, what));
                }
                fs::create_dir_all(out).map_err(TrainingError::io(out))?;
                out.to_owned()
            }
            None => new_folder(Path::new(RUNS), name)?,
        };
        Ok(Self { path, log: None })
    }

    /// The folder of a training that was interrupted.
    ///
    /// # Errors
    ///
    /// [`TrainingError::Folder`] where there is none.
    pub fn open(path: &Path) -> Result<Self, TrainingError> {
        if !path.join(SETTINGS).is_file() {
            let what = format!("not the folder of a training: there is no {SETTINGS} in it");
            return Err(TrainingError::folder(path, what));
        }
        Ok(Self {
            path: path.to_owned(),
            log: None,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The settings and the recordings that the training was started with.
    ///
    /// # Errors
    ///
    /// Where they cannot be read.
    pub fn plan(&self) -> Result<(Settings, Sources), TrainingError> {
        let settings = Settings::load(&self.path.join(SETTINGS))?;
        Ok((settings, Sources::load(&self.path.join(DATA))?))
    }

    /// Writes what the training depends on.
    ///
    /// # Errors
    ///
    /// [`TrainingError::Io`] where it cannot be written.
    pub fn write_plan(&self, settings: &Settings, sources: &Sources) -> Result<(), TrainingError> {
        write(&self.path.join(SETTINGS), settings.to_toml()?.as_bytes())?;
        write(&self.path.join(DATA), sources_toml(sources)?.as_bytes())
    }

    /// Writes the results of the training, the model last.
    ///
    /// # Errors
    ///
    /// [`TrainingError::Io`] where they cannot be written.
    pub fn write_results(&self, fitted: &Fitted) -> Result<(), TrainingError> {
        write_test(&self.path, &fitted.predictions, &fitted.model.description)?;
        Ok(fitted.model.save(self.path.join(MODEL))?)
    }
}

impl Journal for RunFolder {
    fn resume(&mut self, trainer: &mut Trainer) -> Result<Vec<EpochMetrics>, TrainingError> {
        let (checkpoint, log) = (self.path.join(CHECKPOINT), self.path.join(EPOCHS));
        // A training that is interrupted in its first epoch leaves no checkpoint.
        let (log, epochs) = if checkpoint.exists() {
            checkpoint::load(trainer, &checkpoint)?;
            EpochLog::resume(&log, trainer.epoch())?
        } else {
            (EpochLog::create(&log)?, Vec::new())
        };
        self.log = Some(log);
        Ok(epochs)
    }

    fn epoch(&mut self, trainer: &Trainer, metrics: &EpochMetrics) -> Result<(), TrainingError> {
        if let Some(log) = &mut self.log {
            log.append(metrics)?;
        }
        checkpoint::save(trainer, &self.path.join(CHECKPOINT))
    }
}

/// The figures of a test, for programs.
#[derive(Serialize)]
struct Report<'a> {
    clips: u64,
    accuracy: Option<f64>,
    uar: Option<f64>,
    recalls: Vec<(&'a str, Option<f64>)>,
    speakers: Vec<&'a str>,
    confusion_matrix: &'a ConfusionMatrix,
    description: &'a Description,
}

/// Writes `predictions.csv` and `report.json` of a test into a folder, which is
/// made if need be.
///
/// # Errors
///
/// [`TrainingError::Io`] where they cannot be written.
pub fn write_test(
    folder: &Path,
    predictions: &Predictions,
    description: &Description,
) -> Result<(), TrainingError> {
    fs::create_dir_all(folder).map_err(TrainingError::io(folder))?;
    let matrix = predictions.confusion_matrix();
    let labels = matrix.labels().iter().map(String::as_str);
    let report = Report {
        clips: matrix.total(),
        accuracy: matrix.accuracy(),
        uar: matrix.uar(),
        recalls: labels.zip(matrix.recalls()).collect(),
        speakers: predictions.speakers(),
        confusion_matrix: &matrix,
        description,
    };
    write(&folder.join(PREDICTIONS), &predictions.to_csv())?;
    write_json(&folder.join(REPORT), &report)
}

/// The model file that `choice` names: a file, the one in a run folder, or
/// [`NEWEST`] for the newest below [`RUNS`].
///
/// # Errors
///
/// [`TrainingError::Folder`] where a folder holds no model.
pub fn model_file(choice: &Path) -> Result<PathBuf, TrainingError> {
    if choice == Path::new(NEWEST) {
        return newest_model(Path::new(RUNS));
    }
    if !choice.is_dir() {
        return Ok(choice.into());
    }
    let file = choice.join(MODEL);
    match file.is_file() {
        true => Ok(file),
        false => {
            let what = format!("no {MODEL} in this folder; is its training finished?");
            Err(TrainingError::folder(choice, what))
        }
    }
}

fn newest_model(runs: &Path) -> Result<PathBuf, TrainingError> {
    let files = fs::read_dir(runs).into_iter().flatten();
    let newest = files
        .filter_map(|entry| Some(entry.ok()?.path().join(MODEL)))
        .filter_map(|file| Some((file.metadata().ok()?.modified().ok()?, file)))
        .max();
    match newest {
        Some((_, file)) => Ok(file),
        None => {
            let what = "there is no model in this folder yet; train one, or name a model file";
            Err(TrainingError::folder(runs, what))
        }
    }
}

/// Makes `<runs>/<date>-<name>`, with a number where it is there already.
pub(crate) fn new_folder(runs: &Path, name: &str) -> Result<PathBuf, TrainingError> {
    let is_plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || !name.chars().all(is_plain) {
        return Err(TrainingError::folder(
            Path::new(name),
            "a run's name is made of letters, digits, `-`, `_` and `.`",
        ));
    }
    fs::create_dir_all(runs).map_err(TrainingError::io(runs))?;
    let date = jiff::Zoned::now().strftime("%Y-%m-%d");
    let mut number = 1u64;
    loop {
        let folder = match number {
            1 => runs.join(format!("{date}-{name}")),
            _ => runs.join(format!("{date}-{name}-{number}")),
        };
        // Making it claims the name: two trainings at once get two folders.
        match fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(TrainingError::io(&folder)(error)),
        }
    }
}

pub(crate) fn sources_toml(sources: &Sources) -> Result<String, TrainingError> {
    toml::to_string(sources).map_err(|error| TrainingError::settings(error.to_string()))
}

pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), TrainingError> {
    audio::write_atomically(path, bytes).map_err(TrainingError::io(path))
}

pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), TrainingError> {
    let json = serde_json::to_vec_pretty(value).map_err(std::io::Error::from);
    write(path, &json.map_err(TrainingError::io(path))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_a_training_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("run");
        RunFolder::create(Some(&out), "").unwrap();
        RunFolder::create(Some(&out), "").unwrap();
        fs::write(out.join(SETTINGS), "").unwrap();
        let error = RunFolder::create(Some(&out), "").unwrap_err().to_string();
        assert!(error.contains("resume it"), "{error}");
    }

    #[test]
    fn runs_of_one_day_and_name_are_numbered() {
        let runs = tempfile::tempdir().unwrap();
        let first = new_folder(runs.path(), "a").unwrap();
        let second = new_folder(runs.path(), "a").unwrap();
        assert_eq!(second, PathBuf::from(format!("{}-2", first.display())));
        for name in ["", "a/b", "a b"] {
            assert!(new_folder(runs.path(), name).is_err(), "{name}");
        }
    }

    #[test]
    fn the_newest_model_is_found_and_a_folder_stands_for_its_model() {
        let folder = tempfile::tempdir().unwrap();
        let make = |name: &str, age: u64| {
            let run = folder.path().join(name);
            fs::create_dir(&run).unwrap();
            let file = fs::File::create(run.join(MODEL)).unwrap();
            let time = std::time::SystemTime::now() - std::time::Duration::from_secs(age);
            file.set_modified(time).unwrap();
            run
        };
        assert!(newest_model(folder.path()).is_err());
        make("z-old", 100);
        let new = make("a-new", 10);
        fs::create_dir(folder.path().join("unfinished")).unwrap();
        assert_eq!(newest_model(folder.path()).unwrap(), new.join(MODEL));
        assert_eq!(model_file(&new).unwrap(), new.join(MODEL));
        assert!(model_file(&folder.path().join("unfinished")).is_err());
    }
}
