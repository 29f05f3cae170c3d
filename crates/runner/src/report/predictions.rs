//! Every prediction with its probabilities, as CSV.
//!
//! One row per recording, so that anybody can compute their own figures, look
//! at the mistakes, or check ours:
//!
//! ```csv
//! path,speaker,label,predicted,probability,p_angry,p_calm
//! Actor_01/03-01-02-01-01-01-01.wav,1,calm,calm,0.9,0.1,0.9
//! ```
//!
//! `label` is empty where the truth is not known, and `probability` is that of
//! the predicted class, for the eye. Probabilities are written with the digits
//! that give the same `f32` back.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use csv::StringRecord;

use super::files::write_atomically;
use super::metrics::ConfusionMatrix;

/// The columns before the probabilities, and the prefix of those.
const COLUMNS: [&str; 5] = ["path", "speaker", "label", "predicted", "probability"];
const PROBABILITY_PREFIX: &str = "p_";

/// What the recogniser said of one recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// The recording, relative to the root of its corpus: results can then be
    /// compared between machines, and say nothing about anybody's disk.
    pub path: PathBuf,
    /// Who speaks, as the corpus names them.
    pub speaker: String,
    /// The true class as an index into the labels, where it is known.
    pub label: Option<usize>,
    /// The predicted class as an index into the labels.
    pub predicted: usize,
    /// The probability of each class, in the order of the labels.
    pub probabilities: Vec<f32>,
}

/// Predictions over one list of labels, every row of which fits that list.
#[derive(Debug, Clone, PartialEq)]
pub struct Predictions {
    labels: Vec<String>,
    rows: Vec<Prediction>,
}

impl Predictions {
    /// No predictions yet, over these classes.
    pub fn new<L: Into<String>>(labels: impl IntoIterator<Item = L>) -> Self {
        let labels = labels.into_iter().map(Into::into).collect();
        Self {
            labels,
            rows: Vec::new(),
        }
    }

    /// Adds one prediction.
    ///
    /// # Errors
    ///
    /// If a class is not among the labels, the probabilities are not one per
    /// label, or the path is absolute.
    pub fn push(&mut self, prediction: Prediction) -> anyhow::Result<()> {
        let Prediction {
            path,
            label,
            predicted,
            probabilities,
            ..
        } = &prediction;
        let classes = self.labels.len();
        let path_shown = path.display();
        for class in label.iter().chain([predicted]) {
            ensure!(
                *class < classes,
                "{path_shown}: class {class} of {classes} does not exist"
            );
        }
        ensure!(
            probabilities.len() == classes,
            "{path_shown}: {} probabilities for {classes} labels",
            probabilities.len()
        );
        ensure!(
            !path.is_absolute(),
            "{path_shown}: must be relative to the root of the corpus"
        );
        self.rows.push(prediction);
        Ok(())
    }

    /// The class names, in the order of the probabilities.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// The predictions, in the order in which they were added.
    pub fn rows(&self) -> &[Prediction] {
        &self.rows
    }

    /// How often each class was predicted as each, over the rows whose true
    /// class is known.
    pub fn confusion_matrix(&self) -> ConfusionMatrix {
        let known = self
            .rows
            .iter()
            .filter_map(|row| Some((row.label?, row.predicted)));
        ConfusionMatrix::from_pairs(&self.labels, known)
    }

    /// Writes the CSV file, whole or not at all.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let probability_columns = self
            .labels
            .iter()
            .map(|l| format!("{PROBABILITY_PREFIX}{l}"));
        writer.write_record(
            COLUMNS
                .map(String::from)
                .into_iter()
                .chain(probability_columns),
        )?;
        for row in &self.rows {
            let label = row.label.map_or("", |class| &self.labels[class]);
            let mut record = StringRecord::new();
            record.push_field(&with_forward_slashes(&row.path));
            record.push_field(&row.speaker);
            record.push_field(label);
            record.push_field(&self.labels[row.predicted]);
            record.push_field(&row.probabilities[row.predicted].to_string());
            for probability in &row.probabilities {
                record.push_field(&probability.to_string());
            }
            writer.write_record(&record)?;
        }
        write_atomically(path, &writer.into_inner()?)
    }

    /// Reads a file that [`write`](Self::write) wrote, or one of the same shape.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, the header is another one, or a row does not
    /// fit it; the message names the file, the line and what is wrong there.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let bytes =
            std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&bytes).with_context(|| path.display().to_string())
    }

    fn parse(bytes: &[u8]) -> anyhow::Result<Self> {
        let mut reader = csv::Reader::from_reader(bytes);
        let labels = labels_of_header(reader.headers()?).context("line 1")?;
        let mut predictions = Self::new(labels);
        for record in reader.records() {
            // An error of the csv crate names its line itself.
            let record = record?;
            let line = record.position().map_or(0, csv::Position::line);
            predictions
                .parse_row(&record)
                .and_then(|prediction| predictions.push(prediction))
                .with_context(|| format!("line {line}"))?;
        }
        Ok(predictions)
    }

    /// A record as long as the header, which the csv crate sees to.
    fn parse_row(&self, record: &StringRecord) -> anyhow::Result<Prediction> {
        let class = |column: usize| {
            let name = &record[column];
            let found = self.labels.iter().position(|label| label == name);
            found.with_context(|| {
                format!(
                    "{} \"{name}\" is not among the labels of the header ({})",
                    COLUMNS[column],
                    self.labels.join(", ")
                )
            })
        };
        let probabilities = (self.labels.iter().enumerate())
            .map(|(index, label)| {
                let field = &record[COLUMNS.len() + index];
                let value: Option<f32> = field.trim().parse().ok();
                // A model that diverged says NaN, and the file says so too.
                let valid = value.filter(|value| value.is_nan() || (0.0..=1.0).contains(value));
                valid.with_context(|| {
                    format!("{PROBABILITY_PREFIX}{label} \"{field}\" is not a number from 0 to 1")
                })
            })
            .collect::<anyhow::Result<_>>()?;
        Ok(Prediction {
            path: record[0].into(),
            speaker: record[1].to_owned(),
            label: if record[2].is_empty() {
                None
            } else {
                Some(class(2)?)
            },
            predicted: class(3)?,
            probabilities,
        })
    }
}

/// The labels that a header names, once it is known to be ours.
fn labels_of_header(header: &StringRecord) -> anyhow::Result<Vec<String>> {
    let mut columns = header.iter();
    for expected in COLUMNS {
        let found = columns.next().unwrap_or_default();
        ensure!(
            found == expected,
            "not a file of predictions: column \"{expected}\" expected, found \"{found}\" \
             (the header is {},{PROBABILITY_PREFIX}<label>,...)",
            COLUMNS.join(",")
        );
    }
    let mut labels: Vec<String> = Vec::new();
    for column in columns {
        match column.strip_prefix(PROBABILITY_PREFIX) {
            Some("") | None => bail!(
                "column \"{column}\" is not the probability of a label ({PROBABILITY_PREFIX}<label>)"
            ),
            Some(label) if labels.iter().any(|known| known == label) => {
                bail!("column \"{column}\" appears twice")
            }
            Some(label) => labels.push(label.to_owned()),
        }
    }
    ensure!(
        !labels.is_empty(),
        "no column {PROBABILITY_PREFIX}<label> follows the first five"
    );
    Ok(labels)
}

/// The same text for the same recording on every system. The rare name that is
/// not UTF-8 is shown with replacement characters.
fn with_forward_slashes(path: &Path) -> String {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prediction(path: &str, label: Option<usize>, probabilities: [f32; 3]) -> Prediction {
        let best = |a: &usize, b: &usize| probabilities[*a].total_cmp(&probabilities[*b]);
        Prediction {
            path: path.into(),
            speaker: "03".into(),
            label,
            predicted: (0..3).max_by(best).unwrap(),
            probabilities: probabilities.to_vec(),
        }
    }

    fn sample() -> Predictions {
        let mut predictions = Predictions::new(["angry", "calm, or not", "sad \"blue\""]);
        for row in [
            prediction("Actor_03/a.wav", Some(0), [0.7, 0.2, 0.1]),
            prediction(
                "Actor_03/b, \"c\".wav",
                Some(1),
                [1.0 / 3.0, 1e-12, 2.0 / 3.0],
            ),
            prediction("Actor_03/ä.wav", None, [0.0, 1.0, f32::MIN_POSITIVE]),
        ] {
            predictions.push(row).unwrap();
        }
        predictions
    }

    fn error_of(csv: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("predictions.csv");
        std::fs::write(&path, csv).unwrap();
        let message = format!("{:#}", Predictions::read(&path).unwrap_err());
        assert!(message.contains("predictions.csv"), "{message}");
        message
    }

    #[test]
    fn what_is_written_is_read_back_to_the_last_bit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("predictions.csv");
        sample().write(&path).unwrap();
        assert_eq!(Predictions::read(&path).unwrap(), sample());
    }

    #[test]
    fn the_file_is_the_one_documented() {
        let mut predictions = Predictions::new(["angry", "calm"]);
        let row = Prediction {
            path: ["Actor_01", "x.wav"].iter().collect(),
            speaker: "1".into(),
            label: Some(1),
            predicted: 1,
            probabilities: vec![0.1, 0.9],
        };
        predictions.push(row).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("predictions.csv");
        predictions.write(&path).unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "path,speaker,label,predicted,probability,p_angry,p_calm\n\
             Actor_01/x.wav,1,calm,calm,0.9,0.1,0.9\n"
        );
    }

    #[test]
    fn the_confusion_matrix_counts_the_rows_whose_label_is_known() {
        let matrix = sample().confusion_matrix();
        assert_eq!(matrix.labels(), sample().labels());
        assert_eq!(matrix.counts(), [[1, 0, 0], [0, 0, 1], [0, 0, 0]]);
    }

    #[test]
    fn rows_that_do_not_fit_the_labels_are_refused() {
        let mut predictions = Predictions::new(["a", "b", "c"]);
        let good = prediction("x.wav", Some(0), [0.2, 0.3, 0.5]);
        let mut refusal = |row: Prediction| predictions.push(row).unwrap_err().to_string();

        let message = refusal(Prediction {
            label: Some(3),
            ..good.clone()
        });
        assert_eq!(message, "x.wav: class 3 of 3 does not exist");
        let message = refusal(Prediction {
            predicted: 4,
            ..good.clone()
        });
        assert_eq!(message, "x.wav: class 4 of 3 does not exist");
        let message = refusal(Prediction {
            probabilities: vec![1.0],
            ..good.clone()
        });
        assert_eq!(message, "x.wav: 1 probabilities for 3 labels");
        let here = std::env::current_dir().unwrap();
        let message = refusal(Prediction { path: here, ..good });
        assert!(message.contains("relative to the root"), "{message}");
        assert!(predictions.rows().is_empty());
    }

    #[test]
    fn another_header_is_refused() {
        let message = error_of("file,speaker,label,predicted,probability,p_a\n");
        assert!(
            message.contains("line 1: not a file of predictions"),
            "{message}"
        );
        assert!(
            message.contains("column \"path\" expected, found \"file\""),
            "{message}"
        );
        let message = error_of("");
        assert!(
            message.contains("column \"path\" expected, found \"\""),
            "{message}"
        );
        let message = error_of("path,speaker,label,predicted,probability\n");
        assert!(message.contains("no column p_<label>"), "{message}");
        let message = error_of("path,speaker,label,predicted,probability,p_a,b\n");
        assert!(
            message.contains("column \"b\" is not the probability"),
            "{message}"
        );
        let message = error_of("path,speaker,label,predicted,probability,p_a,p_a\n");
        assert!(message.contains("\"p_a\" appears twice"), "{message}");
    }

    #[test]
    fn a_wrong_row_is_named_by_its_line() {
        let head = "path,speaker,label,predicted,probability,p_a,p_b\nx.wav,1,a,a,0.6,0.6,0.4\n";
        let message = error_of(&format!("{head}y.wav,1,angst,a,0.6,0.6,0.4\n"));
        assert!(
            message.contains("line 3: label \"angst\" is not among"),
            "{message}"
        );
        let message = error_of(&format!("{head}y.wav,1,a,,0.6,0.6,0.4\n"));
        assert!(
            message.contains("line 3: predicted \"\" is not among"),
            "{message}"
        );
        let message = error_of(&format!("{head}y.wav,1,a,a,0.6,0.6,many\n"));
        assert!(
            message.contains("line 3: p_b \"many\" is not a number"),
            "{message}"
        );
        let message = error_of(&format!("{head}y.wav,1,a,a,0.6,1.6,0.4\n"));
        assert!(
            message.contains("line 3: p_a \"1.6\" is not a number"),
            "{message}"
        );
        let message = error_of(&format!("{head}y.wav,1,a,a,0.6,0.6\n"));
        assert!(message.contains("line: 3"), "{message}");
    }
}
