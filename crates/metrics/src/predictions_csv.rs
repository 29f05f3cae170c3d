//! `predictions.csv`: writing and reading.

use std::path::Path;

use csv::StringRecord;

use crate::{MetricsError, Prediction, Predictions};

/// The columns before the probabilities.
const COLUMNS: [&str; 7] = [
    "fold",
    "seed",
    "path",
    "speaker",
    "label",
    "predicted",
    "probability",
];
const SEED: usize = 1;
const PATH: usize = 2;
const SPEAKER: usize = 3;
const LABEL: usize = 4;
const PREDICTED: usize = 5;
/// What the column of a label's probability begins with.
const PROBABILITY_PREFIX: &str = "p_";

/// A CSV file of predictions: of one test, of one fold, or of a whole
/// cross-validation. The columns are always the same:
///
/// ```csv
/// fold,seed,path,speaker,label,predicted,probability,p_angry,p_calm
/// F0,1,Actor_01/03-01-02-01-01-01-01.wav,1,calm,calm,0.9,0.1,0.9
/// ```
///
/// | column | content |
/// |---|---|
/// | `fold`, `seed` | which training of a cross-validation; empty for a single test |
/// | `path` | the file, relative to the root of the corpus, with `/` on every system |
/// | `speaker` | the speaker, as the corpus names them |
/// | `label` | the true label; empty if it is not known |
/// | `predicted` | the predicted label |
/// | `probability` | the probability of the predicted label |
/// | `p_<label>` | the probability of each label, from 0 to 1; `NaN` from a model that diverged |
///
/// Probabilities have enough digits to give the same `f32` when read back.
/// [`Predictions::read`] reads the file.
///
/// ```
/// use metrics::{Prediction, Predictions, PredictionsCsv};
///
/// let mut fold = Predictions::new(["angry", "calm"]);
/// fold.push(Prediction {
///     path: "Actor_01/a.wav".into(),
///     speaker: "1".into(),
///     label: Some(1),
///     predicted: 1,
///     probabilities: vec![0.1, 0.9],
/// })?;
/// let mut csv = PredictionsCsv::new(fold.labels());
/// csv.add("F0", Some(1), &fold)?;
/// assert_eq!(
///     String::from_utf8(csv.into_bytes()).unwrap(),
///     "fold,seed,path,speaker,label,predicted,probability,p_angry,p_calm\n\
///      F0,1,Actor_01/a.wav,1,calm,calm,0.9,0.1,0.9\n"
/// );
/// # Ok::<(), metrics::MetricsError>(())
/// ```
#[derive(Debug)]
pub struct PredictionsCsv {
    labels: Vec<String>,
    writer: csv::Writer<Vec<u8>>,
}

impl PredictionsCsv {
    /// A file with the header of these labels, and no rows yet.
    pub fn new(labels: &[String]) -> Self {
        let probabilities = labels.iter().map(|l| format!("{PROBABILITY_PREFIX}{l}"));
        let fixed = COLUMNS.iter().map(|column| (*column).to_owned());
        let mut csv = Self {
            labels: labels.to_vec(),
            writer: csv::Writer::from_writer(Vec::new()),
        };
        csv.write(&fixed.chain(probabilities).collect::<Vec<_>>().into());
        csv
    }

    /// Adds the predictions of one test. Outside of a cross-validation `fold` is
    /// empty and `seed` is `None`.
    ///
    /// # Errors
    ///
    /// [`MetricsError::Mismatch`] if the labels are not those of the header. Then
    /// nothing is added.
    pub fn add(
        &mut self,
        fold: &str,
        seed: Option<u64>,
        predictions: &Predictions,
    ) -> Result<(), MetricsError> {
        let labels = predictions.labels();
        if labels != self.labels {
            return Err(MetricsError::Mismatch {
                what: format!(
                    "predictions over different labels cannot be in one file: [{}] and [{}]",
                    self.labels.join(", "),
                    labels.join(", ")
                ),
            });
        }
        let seed = seed.map_or(String::new(), |seed| seed.to_string());
        for row in predictions.rows() {
            let mut record = StringRecord::new();
            record.push_field(fold);
            record.push_field(&seed);
            record.push_field(&with_forward_slashes(&row.path));
            record.push_field(&row.speaker);
            record.push_field(row.label.map_or("", |class| &labels[class]));
            record.push_field(&labels[row.predicted]);
            record.push_field(&row.probabilities[row.predicted].to_string());
            for probability in &row.probabilities {
                record.push_field(&probability.to_string());
            }
            self.write(&record);
        }
        Ok(())
    }

    /// The content of the file.
    pub fn into_bytes(self) -> Vec<u8> {
        self.writer.into_inner().expect(IN_MEMORY)
    }

    fn write(&mut self, record: &StringRecord) {
        self.writer.write_record(record).expect(IN_MEMORY);
    }
}

const IN_MEMORY: &str = "writing to memory does not fail, and all records are equally long";

impl Predictions {
    /// The predictions of a single test as a CSV file, as described at
    /// [`PredictionsCsv`].
    pub fn to_csv(&self) -> Vec<u8> {
        let mut csv = PredictionsCsv::new(self.labels());
        csv.add("", None, self)
            .expect("the header is made of the same labels");
        csv.into_bytes()
    }

    /// Reads a CSV file as described at [`PredictionsCsv`]. Folds and seeds are
    /// not kept: the rows of all of them are read into one list.
    ///
    /// # Errors
    ///
    /// [`MetricsError::Io`] if the file cannot be read. [`MetricsError::Format`]
    /// if the header is a different one, or if a row does not fit the header; the
    /// message names the file, the line and what is wrong there.
    pub fn read(path: &Path) -> Result<Self, MetricsError> {
        let bytes = std::fs::read(path).map_err(|source| MetricsError::Io {
            path: path.into(),
            source,
        })?;
        parse(&bytes).map_err(|what| MetricsError::Format {
            path: path.into(),
            what,
        })
    }
}

fn parse(bytes: &[u8]) -> Result<Predictions, String> {
    let mut reader = csv::Reader::from_reader(bytes);
    let header = reader.headers().map_err(|error| error.to_string())?;
    let labels = labels_of_header(header).map_err(|what| format!("line 1: {what}"))?;
    let mut predictions = Predictions::new(labels);
    for record in reader.records() {
        // An error of the csv crate names the line itself.
        let record = record.map_err(|error| error.to_string())?;
        let line = record.position().map_or(0, csv::Position::line);
        let row = parse_row(&record, predictions.labels());
        row.and_then(|row| predictions.push(row).map_err(|error| error.to_string()))
            .map_err(|what| format!("line {line}: {what}"))?;
    }
    Ok(predictions)
}

/// The labels that a header names, if it is the header of such a file.
fn labels_of_header(header: &StringRecord) -> Result<Vec<String>, String> {
    let mut columns = header.iter();
    for expected in COLUMNS {
        let found = columns.next().unwrap_or_default();
        if found != expected {
            return Err(format!(
                "not a file of predictions: column \"{expected}\" expected, found \"{found}\" \
                 (the header is {},{PROBABILITY_PREFIX}<label>,...)",
                COLUMNS.join(",")
            ));
        }
    }
    let mut labels: Vec<String> = Vec::new();
    for column in columns {
        match column.strip_prefix(PROBABILITY_PREFIX) {
            Some("") | None => {
                return Err(format!(
                    "column \"{column}\" is not the probability of a label \
                     ({PROBABILITY_PREFIX}<label>)"
                ));
            }
            Some(label) if labels.iter().any(|known| known == label) => {
                return Err(format!("column \"{column}\" appears twice"));
            }
            Some(label) => labels.push(label.to_owned()),
        }
    }
    if labels.is_empty() {
        return Err(format!(
            "there is no column {PROBABILITY_PREFIX}<label> after the first {}",
            COLUMNS.len()
        ));
    }
    Ok(labels)
}

/// The prediction of a record, which the csv crate has checked to be as long as
/// the header.
fn parse_row(record: &StringRecord, labels: &[String]) -> Result<Prediction, String> {
    let class = |column: usize| {
        let name = &record[column];
        let found = labels.iter().position(|label| label == name);
        found.ok_or_else(|| {
            format!(
                "{} \"{name}\" is not among the labels of the header ({})",
                COLUMNS[column],
                labels.join(", ")
            )
        })
    };
    let seed = &record[SEED];
    if !seed.is_empty() && seed.parse::<u64>().is_err() {
        return Err(format!("seed \"{seed}\" is not a whole number"));
    }
    let probabilities = (labels.iter().enumerate())
        .map(|(index, label)| {
            let field = &record[COLUMNS.len() + index];
            let value: Option<f32> = field.trim().parse().ok();
            let valid = value.filter(|value| value.is_nan() || (0.0..=1.0).contains(value));
            valid.ok_or_else(|| {
                format!("{PROBABILITY_PREFIX}{label} \"{field}\" is not a number from 0 to 1")
            })
        })
        .collect::<Result<_, _>>()?;
    Ok(Prediction {
        path: record[PATH].into(),
        speaker: record[SPEAKER].to_owned(),
        label: match &record[LABEL] {
            "" => None,
            _ => Some(class(LABEL)?),
        },
        predicted: class(PREDICTED)?,
        probabilities,
    })
}

/// The same text for the same file on every system. A name that is not UTF-8,
/// which is rare, is written with replacement characters.
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

    fn read_bytes(bytes: &[u8]) -> Result<Predictions, MetricsError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("predictions.csv");
        std::fs::write(&path, bytes).unwrap();
        Predictions::read(&path)
    }

    fn error_of(csv: &str) -> String {
        let error = read_bytes(csv.as_bytes()).unwrap_err();
        assert!(matches!(error, MetricsError::Format { .. }), "{error:?}");
        let message = error.to_string();
        assert!(message.contains("predictions.csv"), "{message}");
        message
    }

    #[test]
    fn what_is_written_is_read_back_to_the_last_bit() {
        assert_eq!(read_bytes(&sample().to_csv()).unwrap(), sample());
    }

    #[test]
    fn the_rows_of_all_folds_and_seeds_are_read_back() {
        let mut csv = PredictionsCsv::new(sample().labels());
        for (fold, seed) in [("F0", 1), ("F1, late", 1), ("F0", 2)] {
            csv.add(fold, Some(seed), &sample()).unwrap();
        }
        let read = read_bytes(&csv.into_bytes()).unwrap();
        assert_eq!(read.labels(), sample().labels());
        let thrice = [sample().rows(), sample().rows(), sample().rows()].concat();
        assert_eq!(read.rows(), thrice);
    }

    #[test]
    fn a_model_that_diverged_can_be_written_and_read() {
        let mut predictions = Predictions::new(["a", "b", "c"]);
        predictions
            .push(prediction("x.wav", Some(0), [f32::NAN; 3]))
            .unwrap();
        let read = read_bytes(&predictions.to_csv()).unwrap();
        assert!(read.rows()[0].probabilities.iter().all(|p| p.is_nan()));
    }

    #[test]
    fn the_file_is_as_documented() {
        let mut predictions = Predictions::new(["angry", "calm"]);
        let row = Prediction {
            path: ["Actor_01", "x.wav"].iter().collect(),
            speaker: "1".into(),
            label: Some(1),
            predicted: 1,
            probabilities: vec![0.1, 0.9],
        };
        predictions.push(row).unwrap();
        assert_eq!(
            String::from_utf8(predictions.to_csv()).unwrap(),
            "fold,seed,path,speaker,label,predicted,probability,p_angry,p_calm\n\
             ,,Actor_01/x.wav,1,calm,calm,0.9,0.1,0.9\n"
        );
        let mut all = PredictionsCsv::new(predictions.labels());
        all.add("F0", Some(3), &predictions).unwrap();
        assert_eq!(
            String::from_utf8(all.into_bytes()).unwrap(),
            "fold,seed,path,speaker,label,predicted,probability,p_angry,p_calm\n\
             F0,3,Actor_01/x.wav,1,calm,calm,0.9,0.1,0.9\n"
        );
    }

    #[test]
    fn predictions_over_different_labels_are_not_put_into_one_file() {
        let mut csv = PredictionsCsv::new(&["a".to_owned(), "b".to_owned()]);
        let error = csv.add("", None, &sample()).unwrap_err();
        assert!(matches!(error, MetricsError::Mismatch { .. }), "{error:?}");
        assert!(error.to_string().contains("[a, b] and [angry"), "{error}");
        assert_eq!(
            String::from_utf8(csv.into_bytes()).unwrap().lines().count(),
            1
        );
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = Predictions::read(Path::new("no/such.csv")).unwrap_err();
        assert!(matches!(error, MetricsError::Io { .. }), "{error:?}");
        assert!(error.to_string().contains("such.csv"), "{error}");
    }

    #[test]
    fn another_header_is_refused() {
        let message = error_of("fold,seed,file,speaker,label,predicted,probability,p_a\n");
        assert!(
            message.contains("line 1: not a file of predictions"),
            "{message}"
        );
        assert!(
            message.contains("column \"path\" expected, found \"file\""),
            "{message}"
        );
        // Without the first two columns.
        let message = error_of("path,speaker,label,predicted,probability,p_a\n");
        assert!(
            message.contains("column \"fold\" expected, found \"path\""),
            "{message}"
        );
        let message = error_of("");
        assert!(
            message.contains("column \"fold\" expected, found \"\""),
            "{message}"
        );
        let message = error_of("fold,seed,path,speaker,label,predicted,probability\n");
        assert!(message.contains("no column p_<label>"), "{message}");
        let message = error_of("fold,seed,path,speaker,label,predicted,probability,p_a,b\n");
        assert!(
            message.contains("column \"b\" is not the probability"),
            "{message}"
        );
        let message = error_of("fold,seed,path,speaker,label,predicted,probability,p_a,p_a\n");
        assert!(message.contains("\"p_a\" appears twice"), "{message}");
    }

    #[test]
    fn a_wrong_row_is_named_by_its_line() {
        let head = "fold,seed,path,speaker,label,predicted,probability,p_a,p_b\n\
                    ,,x.wav,1,a,a,0.6,0.6,0.4\n";
        for (row, what) in [
            (
                ",,y.wav,1,angst,a,0.6,0.6,0.4",
                "label \"angst\" is not among",
            ),
            (",,y.wav,1,a,,0.6,0.6,0.4", "predicted \"\" is not among"),
            (",,y.wav,1,a,a,0.6,0.6,many", "p_b \"many\" is not a number"),
            (",,y.wav,1,a,a,0.6,1.6,0.4", "p_a \"1.6\" is not a number"),
            (
                ",one,y.wav,1,a,a,0.6,0.6,0.4",
                "seed \"one\" is not a whole number",
            ),
        ] {
            let message = error_of(&format!("{head}{row}\n"));
            assert!(message.contains(&format!("line 3: {what}")), "{message}");
        }
        // The csv crate's own words.
        let message = error_of(&format!("{head},,y.wav,1,a,a,0.6,0.6\n"));
        assert!(message.contains("line: 3"), "{message}");
    }
}
