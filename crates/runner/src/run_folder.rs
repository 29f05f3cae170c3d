//! The folder a training leaves behind.
//!
//! | file | what |
//! |---|---|
//! | `model.safetensors` | the model |
//! | `settings.toml` | what it was trained with; `--config` takes it back |
//! | `data.toml` | where the corpus lay, for `--resume` |
//! | `metrics.jsonl` | one line for each epoch |
//! | `predictions.csv` | every test clip with its probabilities |
//! | `report.json` | accuracy, UAR, recalls, confusion matrix |
//! | `confusion_matrix.svg`, `learning_curves.svg` | pictures |
//! | `checkpoint.safetensors` | what `--resume` goes on from |

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use model::Model;
use model::burn::tensor::Device;

/// Where runs go unless said otherwise, below the present folder.
pub const RUNS: &str = "runs";

/// The model's name in a run folder.
pub const MODEL: &str = "model.safetensors";

/// Makes the run's folder: `out`, or a new `runs/<date>-<name>`.
pub fn create(out: Option<&Path>, name: &str) -> Result<PathBuf> {
    if let Some(out) = out {
        ensure!(
            !out.join(MODEL).exists() && !out.join("settings.toml").exists(),
            "{}: there is a run already; name another folder, or go on with it by `--resume {}`",
            out.display(),
            out.display()
        );
        std::fs::create_dir_all(out).with_context(|| format!("{}", out.display()))?;
        return Ok(out.into());
    }
    ensure!(
        !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_alphanumeric() || "-_.".contains(c)),
        "`{name}`: a run's name is made of letters, digits, `-`, `_` and `.`"
    );
    let runs = Path::new(RUNS);
    std::fs::create_dir_all(runs).with_context(|| format!("{}", runs.display()))?;
    let date = jiff::Zoned::now().strftime("%Y-%m-%d");
    for number in 1.. {
        let folder = match number {
            1 => runs.join(format!("{date}-{name}")),
            _ => runs.join(format!("{date}-{name}-{number}")),
        };
        // Making it is what claims the name: two runs at once get two folders.
        match std::fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).with_context(|| format!("{}", folder.display())),
        }
    }
    unreachable!("the range has no end")
}

/// What stands for the newest model under `runs/` where a model is named.
pub const NEWEST: &str = "newest";

/// The model that `choice` names, and a name for it: a file, the one in a run
/// folder, `newest`, or without a choice the one that comes with the program.
///
/// # Errors
///
/// Where there is no such model, or it cannot be read.
pub fn open_model(choice: Option<&Path>, device: &Device) -> Result<(Model, String)> {
    match choice {
        Some(choice) => {
            let file = model_file(choice)?;
            Ok((Model::load(&file, device)?, file.display().to_string()))
        }
        None => pretrained(device),
    }
}

#[cfg(feature = "pretrained")]
fn pretrained(device: &Device) -> Result<(Model, String)> {
    let name = "the one that comes with the program";
    Ok((Model::pretrained(device)?, name.into()))
}

#[cfg(not(feature = "pretrained"))]
fn pretrained(_: &Device) -> Result<(Model, String)> {
    bail!("this program was built without a model: name one with `--model`, or `--model {NEWEST}`")
}

/// The model file that `choice` names.
pub fn model_file(choice: &Path) -> Result<PathBuf> {
    match choice {
        newest if newest == Path::new(NEWEST) => newest_model(Path::new(RUNS)),
        folder if folder.is_dir() => {
            let file = folder.join(MODEL);
            ensure!(
                file.is_file(),
                "{}: no {MODEL} in this folder; is its training finished?",
                folder.display()
            );
            Ok(file)
        }
        file => Ok(file.into()),
    }
}

fn newest_model(runs: &Path) -> Result<PathBuf> {
    let newest = std::fs::read_dir(runs)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join(MODEL)))
        .filter_map(|file| Some((file.metadata().ok()?.modified().ok()?, file)))
        .max();
    match newest {
        Some((_, file)) => Ok(file),
        None => bail!(
            "there is no model yet under {}/: train one with `runner train`, or name one with `--model`",
            runs.display()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_a_run_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("run");
        create(Some(&out), "").unwrap();
        create(Some(&out), "").unwrap();
        std::fs::write(out.join("settings.toml"), "").unwrap();
        let error = create(Some(&out), "").unwrap_err().to_string();
        assert!(error.contains("--resume"), "{error}");
    }

    #[test]
    fn the_newest_model_is_found_and_a_folder_stands_for_its_model() {
        let folder = tempfile::tempdir().unwrap();
        let make = |name: &str, age: u64| {
            let run = folder.path().join(name);
            std::fs::create_dir(&run).unwrap();
            let file = std::fs::File::create(run.join(MODEL)).unwrap();
            let time = std::time::SystemTime::now() - std::time::Duration::from_secs(age);
            file.set_modified(time).unwrap();
            run
        };
        assert!(newest_model(folder.path()).is_err());
        make("z-old", 100);
        let new = make("a-new", 10);
        std::fs::create_dir(folder.path().join("unfinished")).unwrap();
        assert_eq!(newest_model(folder.path()).unwrap(), new.join(MODEL));
        assert_eq!(model_file(&new).unwrap(), new.join(MODEL));
        assert!(model_file(&folder.path().join("unfinished")).is_err());
    }
}
