//! Tables of frames as files other tools read: npy, CSV, Parquet.

use std::sync::Arc;

use anyhow::Result;
use audio::Frames;
use npyz::WriterBuilder;
use parquet::basic::{Repetition, Type as PhysicalType};
use parquet::data_type::{DoubleType, FloatType};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

/// Frames with the names of their columns and the seconds between them.
pub struct Table<'a> {
    /// `[frames, columns]`.
    pub frames: &'a Frames,
    /// Names of the columns.
    pub names: &'a [String],
    /// Seconds from one frame to the next.
    pub period: f64,
}

impl Table<'_> {
    /// NumPy's array file, `[frames, columns]` of 32-bit floats; `numpy.load` reads it.
    pub fn npy(&self) -> Result<Vec<u8>> {
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

    /// Text with a header: `time` in seconds, then the columns. Every number
    /// has the digits that give the same 32-bit float back.
    pub fn csv(&self) -> Result<Vec<u8>> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(
            ["time"]
                .into_iter()
                .chain(self.names.iter().map(String::as_str)),
        )?;
        for (row, time) in self.frames.rows().zip(self.times()) {
            // Six decimals: microseconds.
            writer.write_field(format!("{time:.6}"))?;
            writer.write_record(row.iter().map(f32::to_string))?;
        }
        Ok(writer.into_inner()?)
    }

    /// Apache Parquet: `time` as double, the columns as float.
    pub fn parquet(&self) -> Result<Vec<u8>> {
        let field = |name: &str, kind| -> Result<Arc<Type>> {
            let builder = Type::primitive_type_builder(name, kind);
            Ok(Arc::new(
                builder.with_repetition(Repetition::REQUIRED).build()?,
            ))
        };
        let mut fields = vec![field("time", PhysicalType::DOUBLE)?];
        for name in self.names {
            fields.push(field(name, PhysicalType::FLOAT)?);
        }
        let schema = Type::group_type_builder("frames")
            .with_fields(fields)
            .build()?;
        let properties = Arc::new(WriterProperties::builder().build());
        let mut writer = SerializedFileWriter::new(Vec::new(), Arc::new(schema), properties)?;
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
        Ok(writer.into_inner()?)
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

    fn table() -> (Frames, Vec<String>) {
        let frames = Frames::new(vec![1.5, -2.0, 0.1, 4.0, 1e-7, 6.0], 2);
        (frames, vec!["mfcc_0".into(), "mfcc_1".into()])
    }

    #[test]
    fn npy_reads_back_with_its_shape() {
        let (frames, names) = table();
        let bytes = Table {
            frames: &frames,
            names: &names,
            period: 0.01,
        }
        .npy()
        .unwrap();
        let file = npyz::NpyFile::new(&bytes[..]).unwrap();
        assert_eq!(file.shape(), [3, 2]);
        assert_eq!(file.into_vec::<f32>().unwrap(), frames.data());
    }

    #[test]
    fn csv_reads_back_to_the_last_bit() {
        let (frames, names) = table();
        let bytes = Table {
            frames: &frames,
            names: &names,
            period: 0.01,
        }
        .csv()
        .unwrap();
        let text = String::from_utf8(bytes).unwrap();
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
        let (frames, names) = table();
        let bytes = Table {
            frames: &frames,
            names: &names,
            period: 0.01,
        }
        .parquet()
        .unwrap();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
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
}
