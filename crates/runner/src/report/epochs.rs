//! The metrics of every epoch, as JSON lines.
//!
//! One JSON object a line, each written whole as its epoch ends, so that the
//! file can be followed while training runs (`tail -f`), survives a kill, and is
//! read by anything: `pandas.read_json(path, lines=True)`, `jq`, or
//! [`read_epochs`]. Unlike the other outputs it grows in place: an unfinished
//! log is worth reading.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

/// What one epoch of training came to. Accuracy and UAR are fractions from 0 to
/// 1; a figure that is not finite (a loss that diverged) is `null` in the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochMetrics {
    /// The epoch, counted from 1.
    pub epoch: usize,
    /// Mean loss over the training samples while they were learnt, that is with
    /// dropout and augmentation, the weights changing from batch to batch.
    #[serde(deserialize_with = "null_is_nan")]
    pub train_loss: f64,
    /// Accuracy over the same.
    #[serde(deserialize_with = "null_is_nan")]
    pub train_accuracy: f64,
    /// Mean loss over the validation speakers after the epoch, where there are any.
    pub validation_loss: Option<f64>,
    /// UAR over the validation speakers after the epoch, where there are any.
    pub validation_uar: Option<f64>,
    /// The learning rate at the end of the epoch.
    pub learning_rate: f64,
    /// How long the epoch took, validation included, in seconds.
    pub seconds: f64,
}

/// The file of epoch metrics that a training run appends to.
///
/// ```
/// # fn main() -> anyhow::Result<()> {
/// use runner::report::{EpochLog, EpochMetrics};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("metrics.jsonl");
/// # let metrics = |epoch| EpochMetrics {
/// #     epoch,
/// #     train_loss: 2.0,
/// #     train_accuracy: 0.2,
/// #     validation_loss: None,
/// #     validation_uar: None,
/// #     learning_rate: 1e-3,
/// #     seconds: 1.0,
/// # };
/// let mut log = EpochLog::create(&path)?;
/// log.append(&metrics(1))?;
/// log.append(&metrics(2))?;
/// drop(log);
///
/// // The run was killed and continues from the checkpoint of epoch 1.
/// let (mut log, earlier) = EpochLog::resume(&path, 1)?;
/// assert_eq!(earlier, [metrics(1)]);
/// log.append(&metrics(2))?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct EpochLog {
    path: PathBuf,
    file: File,
}

impl EpochLog {
    /// Starts an empty log, replacing what is there.
    ///
    /// # Errors
    ///
    /// If the file cannot be created.
    pub fn create(path: &Path) -> anyhow::Result<Self> {
        let file =
            File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
        let path = path.to_owned();
        Ok(Self { path, file })
    }

    /// Continues the log of a run whose checkpoint is of epoch `last_epoch`:
    /// later epochs, which will be trained again, are cut off, and so is a line
    /// that a kill left half-written. Returns the epochs kept, for the learning
    /// curves. A missing file is an empty log.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened, or holds anything but epoch metrics; it is
    /// then left as it was.
    pub fn resume(path: &Path, last_epoch: usize) -> anyhow::Result<(Self, Vec<EpochMetrics>)> {
        let mut entries = match read_entries(path) {
            Err(error) if is_missing(&error) => return Ok((Self::create(path)?, Vec::new())),
            entries => entries?,
        };
        entries.retain(|entry| entry.metrics.epoch <= last_epoch);

        let reopen = || -> std::io::Result<File> {
            let mut file = OpenOptions::new().append(true).open(path)?;
            if let Some(last) = entries.last() {
                file.set_len(last.end as u64)?;
                if !last.has_newline {
                    file.write_all(b"\n")?;
                }
            } else {
                file.set_len(0)?;
            }
            Ok(file)
        };
        let file = reopen().with_context(|| format!("cannot continue {}", path.display()))?;
        let path = path.to_owned();
        let epochs = entries.into_iter().map(|entry| entry.metrics).collect();
        Ok((Self { path, file }, epochs))
    }

    /// Adds one epoch as one line, in a single write.
    ///
    /// # Errors
    ///
    /// If the disk is full, say.
    pub fn append(&mut self, metrics: &EpochMetrics) -> anyhow::Result<()> {
        let mut line = serde_json::to_string(metrics)?;
        line.push('\n');
        self.file
            .write_all(line.as_bytes())
            .with_context(|| format!("cannot write {}", self.path.display()))
    }
}

/// Reads the metrics of all epochs, in order. A last line that a kill left
/// half-written is left out.
///
/// # Errors
///
/// If the file cannot be read, a line is not an epoch's metrics, or epochs do
/// not ascend; the message names the file and the line.
pub fn read_epochs(path: &Path) -> anyhow::Result<Vec<EpochMetrics>> {
    let entries = read_entries(path)?;
    Ok(entries.into_iter().map(|entry| entry.metrics).collect())
}

/// One line of the file, and the byte after it.
struct Entry {
    metrics: EpochMetrics,
    end: usize,
    has_newline: bool,
}

fn read_entries(path: &Path) -> anyhow::Result<Vec<Entry>> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut entries: Vec<Entry> = Vec::new();
    let mut end = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        end += line.len();
        let has_newline = line.ends_with('\n');
        let place = || format!("{}, line {}", path.display(), index + 1);
        let metrics: EpochMetrics = match serde_json::from_str(line) {
            Err(_) if !has_newline => break,
            metrics => metrics.with_context(|| format!("{}: not an epoch's metrics", place()))?,
        };
        if let Some(previous) = entries.last() {
            anyhow::ensure!(
                metrics.epoch > previous.metrics.epoch,
                "{}: epoch {} after epoch {}",
                place(),
                metrics.epoch,
                previous.metrics.epoch
            );
        }
        entries.push(Entry {
            metrics,
            end,
            has_newline,
        });
    }
    Ok(entries)
}

fn is_missing(error: &anyhow::Error) -> bool {
    let cause = error.downcast_ref::<std::io::Error>();
    cause.is_some_and(|cause| cause.kind() == ErrorKind::NotFound)
}

/// JSON has no NaN; it is written as `null`, which a plain `f64` would refuse.
fn null_is_nan<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics(epoch: usize) -> EpochMetrics {
        EpochMetrics {
            epoch,
            train_loss: 2.0 / epoch as f64,
            train_accuracy: 0.1 * epoch as f64,
            validation_loss: Some(2.1),
            validation_uar: Some(0.3),
            learning_rate: 1e-3,
            seconds: 1.5,
        }
    }

    /// A folder with the log of these epochs in it.
    fn log_of(epochs: std::ops::RangeInclusive<usize>) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let mut log = EpochLog::create(&path).unwrap();
        for epoch in epochs {
            log.append(&metrics(epoch)).unwrap();
        }
        (folder, path)
    }

    fn epochs_in(path: &Path) -> Vec<usize> {
        let all = read_epochs(path).unwrap();
        all.iter().map(|metrics| metrics.epoch).collect()
    }

    #[test]
    fn what_was_appended_is_read_back() {
        let (_folder, path) = log_of(1..=3);
        assert_eq!(
            read_epochs(&path).unwrap(),
            [metrics(1), metrics(2), metrics(3)]
        );
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 3);
    }

    #[test]
    fn a_diverged_loss_is_null_and_reads_as_nan() {
        let (_folder, path) = log_of(1..=1);
        let diverged = EpochMetrics {
            epoch: 2,
            train_loss: f64::NAN,
            validation_loss: Some(f64::INFINITY),
            validation_uar: None,
            ..metrics(2)
        };
        EpochLog::resume(&path, 1)
            .unwrap()
            .0
            .append(&diverged)
            .unwrap();
        let read = read_epochs(&path).unwrap().pop().unwrap();
        assert!(read.train_loss.is_nan());
        assert_eq!((read.validation_loss, read.validation_uar), (None, None));
    }

    #[test]
    fn resuming_cuts_off_the_epochs_after_the_checkpoint() {
        let (_folder, path) = log_of(1..=5);
        let (mut log, kept) = EpochLog::resume(&path, 3).unwrap();
        assert_eq!(kept, [metrics(1), metrics(2), metrics(3)]);
        log.append(&metrics(4)).unwrap();
        assert_eq!(epochs_in(&path), [1, 2, 3, 4]);

        let (mut log, kept) = EpochLog::resume(&path, 0).unwrap();
        assert!(kept.is_empty());
        log.append(&metrics(1)).unwrap();
        assert_eq!(epochs_in(&path), [1]);
    }

    #[test]
    fn a_kill_at_any_byte_leaves_a_log_that_resumes() {
        let (_folder, path) = log_of(1..=2);
        let whole = std::fs::read(&path).unwrap();
        for length in 0..=whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            let (mut log, kept) = EpochLog::resume(&path, 2).unwrap();
            for epoch in kept.len() + 1..=3 {
                log.append(&metrics(epoch)).unwrap();
            }
            assert_eq!(epochs_in(&path), [1, 2, 3], "cut at byte {length}");
        }
    }

    #[test]
    fn resuming_without_a_file_starts_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let (mut log, kept) = EpochLog::resume(&path, 7).unwrap();
        assert!(kept.is_empty());
        log.append(&metrics(8)).unwrap();
        assert_eq!(epochs_in(&path), [8]);
    }

    #[test]
    fn a_line_that_is_not_metrics_is_named_and_the_file_kept() {
        let (_folder, path) = log_of(1..=2);
        let mut text = std::fs::read_to_string(&path).unwrap();
        text.insert_str(text.find('\n').unwrap() + 1, "{\"epoch\": 2}\n");
        std::fs::write(&path, &text).unwrap();
        let error = EpochLog::resume(&path, 1).unwrap_err();
        let message = format!("{error:#}");
        assert!(message.contains("metrics.jsonl, line 2"), "{message}");
        assert!(message.contains("train_loss"), "{message}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }

    #[test]
    fn epochs_that_do_not_ascend_are_refused() {
        let (_folder, path) = log_of(1..=2);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.repeat(2)).unwrap();
        let error = read_epochs(&path).unwrap_err().to_string();
        assert!(error.contains("line 3: epoch 1 after epoch 2"), "{error}");
    }
}
