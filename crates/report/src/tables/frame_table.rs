//! Frames of features as npy, CSV and Parquet.

use std::sync::Arc;

use audio::Frames;
use npyz::WriterBuilder;
use parquet::basic::{Repetition, Type as PhysicalType};
use parquet::data_type::{DoubleType, FloatType};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

use crate::ReportError;

/// Frames of features with a name for each column and a time for each frame.
///
/// ```
/// use audio::Frames;
/// use report::tables::FrameTable;
///
/// let frames = Frames::new(vec![1.5, -2.0, 0.5, 4.0], 2); // two frames of two columns
/// let names = ["mfcc_0".to_owned(), "mfcc_1".to_owned()];
/// let table = FrameTable::new(&frames, &names, 0.01)?;
/// assert_eq!(
///     String::from_utf8(table.csv()?).unwrap(),
///     "time,mfcc_0,mfcc_1\n0.000000,1.5,-2\n0.010000,0.5,4\n"
/// );
/// # Ok::<(), report::ReportError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct FrameTable<'a> {
    frames: &'a Frames,
    names: &'a [String],
    period: f64,
}

impl<'a> FrameTable<'a> {
    /// A table of these frames. `names` are those of the columns, and `period` is
    /// the time from one frame to the next in seconds; the first frame is at 0 s.
    ///
    /// # Errors
    ///
    /// [`ReportError::Mismatch`] if there is not one name per column, or if the
    /// period is not a positive number.
    pub fn new(frames: &'a Frames, names: &'a [String], period: f64) -> Result<Self, ReportError> {
        let columns = frames.columns();
        if names.len() != columns {
            return Err(ReportError::Mismatch {
                what: format!("{} name(s) for {columns} columns of features", names.len()),
            });
        }
        if !(period > 0.0 && period.is_finite()) {
            return Err(ReportError::Mismatch {
                what: format!("{period} s is not a time between frames"),
            });
        }
        Ok(Self {
            frames,
            names,
            period,
        })
    }

    /// A NumPy file (`numpy.load`): 32-bit floats of shape `[frames, columns]`,
    /// without names and times.
    ///
    /// # Errors
    ///
    /// [`ReportError::Encoding`] if the library fails.
    pub fn npy(&self) -> Result<Vec<u8>, ReportError> {
        self.write_npy().map_err(ReportError::encoding("npy"))
    }

    fn write_npy(&self) -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut writer = npyz::WriteOptions::new()
            .default_dtype()
            .shape(&[self.frames.len() as u64, self.frames.columns() as u64])
            .writer(&mut bytes)
            .begin_nd()?;
        writer.extend(self.frames.data().iter().copied())?;
        writer.finish()?;
        Ok(bytes)
    }

    /// A CSV file: `time` in seconds, then the columns. Values have enough digits
    /// to give the same `f32` when read back, times are rounded to microseconds.
    ///
    /// # Errors
    ///
    /// [`ReportError::Encoding`] if the library fails.
    pub fn csv(&self) -> Result<Vec<u8>, ReportError> {
        self.write_csv().map_err(ReportError::encoding("CSV"))
    }

    fn write_csv(&self) -> Result<Vec<u8>, csv::Error> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_field("time")?;
        writer.write_record(self.names)?;
        for (row, time) in self.frames.rows().zip(self.times()) {
            writer.write_field(format!("{time:.6}"))?;
            // Without the sign of a zero.
            writer.write_record(row.iter().map(|value| (value + 0.0).to_string()))?;
        }
        writer
            .into_inner()
            .map_err(|error| error.into_error().into())
    }

    /// An Apache Parquet file: `time` in seconds as double, the columns as float.
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
        if let Some(mut column) = group.next_column()? {
            let times: Vec<f64> = self.times().collect();
            column
                .typed::<DoubleType>()
                .write_batch(&times, None, None)?;
            column.close()?;
        }
        for index in 0..self.frames.columns() {
            if let Some(mut column) = group.next_column()? {
                let values: Vec<f32> = self.frames.column(index).collect();
                column
                    .typed::<FloatType>()
                    .write_batch(&values, None, None)?;
                column.close()?;
            }
        }
        group.close()?;
        writer.into_inner()
    }

    fn parquet_schema(&self) -> parquet::errors::Result<Type> {
        let field = |name: &str, kind| {
            let builder = Type::primitive_type_builder(name, kind);
            builder
                .with_repetition(Repetition::REQUIRED)
                .build()
                .map(Arc::new)
        };
        let mut fields = vec![field("time", PhysicalType::DOUBLE)?];
        for name in self.names {
            fields.push(field(name, PhysicalType::FLOAT)?);
        }
        Type::group_type_builder("frames")
            .with_fields(fields)
            .build()
    }

    fn times(&self) -> impl Iterator<Item = f64> {
        let period = self.period;
        (0..self.frames.len()).map(move |frame| frame as f64 * period)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use parquet::file::reader::{FileReader, SerializedFileReader};

    fn frames() -> Frames {
        Frames::new(vec![1.5, -2.0, 0.1, 4.0, 1e-7, 6.0], 2)
    }

    fn names() -> [String; 2] {
        ["mfcc_0", "mfcc_1"].map(String::from)
    }

    #[test]
    fn npy_reads_back_with_its_shape() {
        let (frames, names) = (frames(), names());
        let table = FrameTable::new(&frames, &names, 0.01).unwrap();
        let bytes = table.npy().unwrap();
        let file = npyz::NpyFile::new(&bytes[..]).unwrap();
        assert_eq!(file.shape(), [3, 2]);
        assert_eq!(file.into_vec::<f32>().unwrap(), frames.data());
    }

    #[test]
    fn csv_reads_back_to_the_last_bit() {
        let (frames, names) = (frames(), names());
        let table = FrameTable::new(&frames, &names, 0.01).unwrap();
        let text = String::from_utf8(table.csv().unwrap()).unwrap();
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("time,mfcc_0,mfcc_1"));
        let values: Vec<f32> = lines
            .flat_map(|line| line.split(',').skip(1).map(|v| v.parse().unwrap()))
            .collect();
        assert_eq!(values, frames.data());
        assert!(text.contains("0.020000,"));
    }

    #[test]
    fn parquet_holds_every_column() {
        let (frames, names) = (frames(), names());
        let table = FrameTable::new(&frames, &names, 0.01).unwrap();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&table.parquet().unwrap()).unwrap();
        let reader = SerializedFileReader::new(file).unwrap();
        let rows: Vec<_> = reader
            .get_row_iter(None)
            .unwrap()
            .map(|row| row.unwrap())
            .collect();
        assert_eq!(rows.len(), 3);
        let text = rows[2].to_string();
        assert!(text.contains("mfcc_1: 6"), "{text}");
    }

    #[test]
    fn names_and_times_that_do_not_fit_are_refused() {
        let (frames, names) = (frames(), names());
        let refusal = |names: &[String], period| {
            let error = FrameTable::new(&frames, names, period).unwrap_err();
            assert!(matches!(error, ReportError::Mismatch { .. }), "{error:?}");
            error.to_string()
        };
        let message = refusal(&names[..1], 0.01);
        assert_eq!(message, "1 name(s) for 2 columns of features");
        for period in [0.0, -0.01, f64::NAN, f64::INFINITY] {
            assert!(refusal(&names, period).contains("time between frames"));
        }
    }
}
