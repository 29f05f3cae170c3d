//! Records of texts and numbers as CSV and Parquet.

use std::sync::Arc;

use parquet::basic::{LogicalType, Repetition, Type as PhysicalType};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

use crate::ReportError;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Texts.
    Text,
    /// Numbers.
    Number,
}

/// A field of a record.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A text.
    Text(String),
    /// A number.
    Number(f64),
    /// Nothing.
    Missing,
}

impl Value {
    /// A number, if there is one.
    pub fn number(value: Option<f64>) -> Self {
        value.map_or(Self::Missing, Self::Number)
    }

    /// A text, if there is one.
    pub fn text(value: Option<&str>) -> Self {
        value.map_or(Self::Missing, |text| Self::Text(text.to_owned()))
    }

    fn to_field(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            // Without the sign of a zero.
            Self::Number(number) => (number + 0.0).to_string(),
            Self::Missing => String::new(),
        }
    }
}

/// Records with named columns.
///
/// ```
/// use report::tables::{Kind, Records, Value};
///
/// let mut records = Records::new([("path", Kind::Text), ("seconds", Kind::Number)]);
/// records.push(vec![Value::Text("a.wav".into()), Value::Number(-0.0)])?;
/// records.push(vec![Value::Text("b.wav".into()), Value::Missing])?;
/// assert_eq!(
///     String::from_utf8(records.csv()?).unwrap(),
///     "path,seconds\na.wav,0\nb.wav,\n"
/// );
/// # Ok::<(), report::ReportError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Records {
    columns: Vec<(String, Kind)>,
    rows: Vec<Vec<Value>>,
}

impl Records {
    /// No record yet, of these columns.
    pub fn new<N: Into<String>>(columns: impl IntoIterator<Item = (N, Kind)>) -> Self {
        let columns = columns.into_iter().map(|(name, kind)| (name.into(), kind));
        Self {
            columns: columns.collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a record.
    ///
    /// # Errors
    ///
    /// [`ReportError::Mismatch`] if it has another number of fields than there are
    /// columns, or a field is of the other kind.
    pub fn push(&mut self, row: Vec<Value>) -> Result<(), ReportError> {
        let fits = |((_, kind), value): (&(String, Kind), &Value)| match value {
            Value::Text(_) => *kind == Kind::Text,
            Value::Number(_) => *kind == Kind::Number,
            Value::Missing => true,
        };
        if row.len() != self.columns.len() || !self.columns.iter().zip(&row).all(fits) {
            return Err(ReportError::Mismatch {
                what: "a record does not fit the columns".into(),
            });
        }
        self.rows.push(row);
        Ok(())
    }

    /// A CSV file with the names in the first line. Numbers have enough digits to give
    /// the same `f64` when read back; what is missing is empty.
    ///
    /// # Errors
    ///
    /// [`ReportError::Encoding`] if the library fails.
    pub fn csv(&self) -> Result<Vec<u8>, ReportError> {
        let names = self.columns.iter().map(|(name, _)| name.as_str());
        let mut bytes = line(names).map_err(ReportError::encoding("CSV"))?;
        bytes.extend(self.csv_lines()?);
        Ok(bytes)
    }

    /// [`csv`](Self::csv) without the first line.
    ///
    /// # Errors
    ///
    /// [`ReportError::Encoding`] if the library fails.
    pub fn csv_lines(&self) -> Result<Vec<u8>, ReportError> {
        let mut bytes = Vec::new();
        for row in &self.rows {
            let fields = row.iter().map(Value::to_field);
            bytes.extend(line(fields).map_err(ReportError::encoding("CSV"))?);
        }
        Ok(bytes)
    }

    /// An Apache Parquet file: texts as strings, numbers as doubles, both optional.
    ///
    /// # Errors
    ///
    /// [`ReportError::Encoding`] if the library fails.
    pub fn parquet(&self) -> Result<Vec<u8>, ReportError> {
        self.write_parquet()
            .map_err(ReportError::encoding("Parquet"))
    }

    fn write_parquet(&self) -> parquet::errors::Result<Vec<u8>> {
        let properties = Arc::new(WriterProperties::builder().build());
        let schema = Arc::new(self.parquet_schema()?);
        let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties)?;
        let mut group = writer.next_row_group()?;
        for (index, (_, kind)) in self.columns.iter().enumerate() {
            let Some(mut column) = group.next_column()? else {
                break;
            };
            let values = || self.rows.iter().map(|row| &row[index]);
            let levels: Vec<i16> = values().map(|v| i16::from(*v != Value::Missing)).collect();
            match kind {
                Kind::Text => {
                    let texts = values().filter_map(|value| match value {
                        Value::Text(text) => Some(ByteArray::from(text.as_str())),
                        _ => None,
                    });
                    let texts: Vec<ByteArray> = texts.collect();
                    let typed = column.typed::<ByteArrayType>();
                    typed.write_batch(&texts, Some(&levels), None)?;
                }
                Kind::Number => {
                    let numbers = values().filter_map(|value| match value {
                        Value::Number(number) => Some(number + 0.0),
                        _ => None,
                    });
                    let numbers: Vec<f64> = numbers.collect();
                    let typed = column.typed::<DoubleType>();
                    typed.write_batch(&numbers, Some(&levels), None)?;
                }
            }
            column.close()?;
        }
        group.close()?;
        writer.into_inner()
    }

    fn parquet_schema(&self) -> parquet::errors::Result<Type> {
        let field = |(name, kind): &(String, Kind)| {
            let (physical, logical) = match kind {
                Kind::Text => (PhysicalType::BYTE_ARRAY, Some(LogicalType::String)),
                Kind::Number => (PhysicalType::DOUBLE, None),
            };
            Type::primitive_type_builder(name, physical)
                .with_repetition(Repetition::OPTIONAL)
                .with_logical_type(logical)
                .build()
                .map(Arc::new)
        };
        let fields = self.columns.iter().map(field).collect::<Result<_, _>>()?;
        Type::group_type_builder("records")
            .with_fields(fields)
            .build()
    }
}

fn line(fields: impl Iterator<Item = impl AsRef<[u8]>>) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(fields)?;
    writer
        .into_inner()
        .map_err(|error| error.into_error().into())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use parquet::file::reader::{FileReader, SerializedFileReader};

    #[test]
    fn parquet_reads_back_with_what_is_missing() {
        let mut records = Records::new([("path", Kind::Text), ("seconds", Kind::Number)]);
        records
            .push(vec![Value::Text("ä.wav".into()), Value::Missing])
            .unwrap();
        records
            .push(vec![Value::Missing, Value::Number(1.5)])
            .unwrap();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&records.parquet().unwrap()).unwrap();
        let reader = SerializedFileReader::new(file).unwrap();
        let rows = reader
            .get_row_iter(None)
            .unwrap()
            .map(|row| row.unwrap().to_string());
        let rows: Vec<String> = rows.collect();
        assert_eq!(
            rows,
            [
                "{path: \"ä.wav\", seconds: null}",
                "{path: null, seconds: 1.5}"
            ]
        );
    }

    #[test]
    fn a_record_that_does_not_fit_is_refused() {
        let mut records = Records::new([("path", Kind::Text)]);
        assert!(records.push(vec![Value::Number(1.0)]).is_err());
        assert!(records.push(vec![Value::Missing, Value::Missing]).is_err());
    }
}
