//! The metrics of every epoch, as JSON lines.
//!
//! One JSON object a line, each written whole as its epoch ends, so that the
//! file can be followed while training runs (`tail -f`), survives a kill, and is
//! read by anything: `pandas.read_json(path, lines=True)`, `jq`, or
//! [`read_epochs`]. Unlike the other outputs it grows in place: an unfinished
//! log is worth reading.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use metrics::EpochMetrics;

use crate::TrainingError;

/// The file of epoch metrics that a training run appends to.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use metrics::EpochMetrics;
/// use training::EpochLog;
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
    pub fn create(path: &Path) -> Result<Self, TrainingError> {
        let file = File::create(path).map_err(TrainingError::io(path))?;
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
    pub fn resume(
        path: &Path,
        last_epoch: usize,
    ) -> Result<(Self, Vec<EpochMetrics>), TrainingError> {
        if !path.exists() {
            return Ok((Self::create(path)?, Vec::new()));
        }
        let mut entries = read_entries(path)?;
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
        let file = reopen().map_err(TrainingError::io(path))?;
        let path = path.to_owned();
        let epochs = entries.into_iter().map(|entry| entry.metrics).collect();
        Ok((Self { path, file }, epochs))
    }

    /// Adds one epoch as one line, in a single write.
    ///
    /// # Errors
    ///
    /// If the disk is full, say.
    pub fn append(&mut self, metrics: &EpochMetrics) -> Result<(), TrainingError> {
        let line = serde_json::to_string(metrics).map_err(std::io::Error::from);
        let written = line.and_then(|line| self.file.write_all((line + "\n").as_bytes()));
        written.map_err(TrainingError::io(&self.path))
    }
}

/// Reads the metrics of all epochs, in order. A last line that a kill left
/// half-written is left out.
///
/// # Errors
///
/// If the file cannot be read, a line is not an epoch's metrics, or epochs do
/// not ascend; the message names the file and the line.
pub fn read_epochs(path: &Path) -> Result<Vec<EpochMetrics>, TrainingError> {
    let entries = read_entries(path)?;
    Ok(entries.into_iter().map(|entry| entry.metrics).collect())
}

/// One line of the file, and the byte after it.
struct Entry {
    metrics: EpochMetrics,
    end: usize,
    has_newline: bool,
}

fn read_entries(path: &Path) -> Result<Vec<Entry>, TrainingError> {
    let text = std::fs::read_to_string(path).map_err(TrainingError::io(path))?;
    let mut entries: Vec<Entry> = Vec::new();
    let mut end = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        end += line.len();
        let has_newline = line.ends_with('\n');
        let wrong = |what: String| TrainingError::Checkpoint {
            path: path.into(),
            what: format!("line {}: {what}", index + 1),
        };
        let metrics: EpochMetrics = match serde_json::from_str(line) {
            Ok(metrics) => metrics,
            Err(_) if !has_newline => break,
            Err(error) => return Err(wrong(format!("not the figures of an epoch: {error}"))),
        };
        if let Some(previous) = entries.last().map(|entry: &Entry| entry.metrics.epoch)
            && metrics.epoch <= previous
        {
            let epoch = metrics.epoch;
            return Err(wrong(format!("epoch {epoch} after epoch {previous}")));
        }
        entries.push(Entry {
            metrics,
            end,
            has_newline,
        });
    }
    Ok(entries)
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
        let message = error.to_string();
        assert!(message.contains("metrics.jsonl: line 2"), "{message}");
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
