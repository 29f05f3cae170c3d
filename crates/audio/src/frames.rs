//! A matrix of features: one row per frame, one column per feature.

use serde::{Deserialize, Serialize};

/// Features over time, row-major `[frames, columns]`.
///
/// ```
/// let frames = audio::Frames::new(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 3);
/// assert_eq!(frames.len(), 2);
/// assert_eq!(frames.row(1), [4.0, 5.0, 6.0]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Frames {
    data: Vec<f32>,
    columns: usize,
}

/// Deserialised frames before their shape is checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    data: Vec<f32>,
    columns: usize,
}

impl TryFrom<Unchecked> for Frames {
    type Error = String;

    fn try_from(raw: Unchecked) -> Result<Self, String> {
        if fits(raw.data.len(), raw.columns) {
            Ok(Frames {
                data: raw.data,
                columns: raw.columns,
            })
        } else {
            Err(format!(
                "{} values do not fill rows of {} columns",
                raw.data.len(),
                raw.columns
            ))
        }
    }
}

fn fits(values: usize, columns: usize) -> bool {
    values == 0 || (columns > 0 && values.is_multiple_of(columns))
}

impl Frames {
    /// Frames from row-major `data` with `columns` values per row.
    ///
    /// # Panics
    ///
    /// If `data` does not consist of whole rows.
    pub fn new(data: Vec<f32>, columns: usize) -> Self {
        assert!(
            fits(data.len(), columns),
            "{} values do not fill rows of {columns} columns",
            data.len()
        );
        Frames { data, columns }
    }

    /// All values, row by row.
    pub fn data(&self) -> &[f32] {
        &self.data
    }

    /// All values, row by row, without a copy.
    pub fn into_data(self) -> Vec<f32> {
        self.data
    }

    /// Number of features per frame.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Number of frames.
    pub fn len(&self) -> usize {
        self.data.len().checked_div(self.columns).unwrap_or(0)
    }

    /// Whether there is no frame.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// The features of frame `i`.
    ///
    /// # Panics
    ///
    /// If there is no frame `i`.
    pub fn row(&self, i: usize) -> &[f32] {
        &self.data[i * self.columns..(i + 1) * self.columns]
    }

    /// The frames in order.
    pub fn rows(&self) -> std::slice::ChunksExact<'_, f32> {
        self.data.chunks_exact(self.columns.max(1))
    }

    /// The values of column `j` over time.
    pub fn column(&self, j: usize) -> impl Iterator<Item = f32> + '_ {
        self.rows().map(move |row| row[j])
    }

    /// These frames with the columns of `others` to their right.
    ///
    /// # Panics
    ///
    /// If one of `others` has another number of frames.
    pub fn beside(&self, others: &[&Frames]) -> Frames {
        for other in others {
            assert_eq!(other.len(), self.len(), "numbers of frames differ");
        }
        let columns = self.columns + others.iter().map(|o| o.columns).sum::<usize>();
        let mut data = Vec::with_capacity(self.len() * columns);
        for i in 0..self.len() {
            data.extend_from_slice(self.row(i));
            for other in others {
                data.extend_from_slice(other.row(i));
            }
        }
        Frames::new(data, columns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_columns_address_the_same_values() {
        let frames = Frames::new((0..12).map(|v| v as f32).collect(), 4);
        assert_eq!((frames.len(), frames.columns()), (3, 4));
        for (i, row) in frames.rows().enumerate() {
            assert_eq!(row, frames.row(i));
            for (j, value) in row.iter().enumerate() {
                assert_eq!(frames.column(j).nth(i), Some(*value));
            }
        }
    }

    #[test]
    fn zero_frames_are_not_an_error() {
        let frames = Frames::new(Vec::new(), 13);
        assert!(frames.is_empty());
        assert_eq!(frames.rows().count(), 0);
        assert_eq!(Frames::new(Vec::new(), 0).len(), 0);
    }

    #[test]
    fn a_ragged_file_is_refused() {
        let good: Frames = serde_json::from_str(r#"{"data":[1.0,2.0],"columns":2}"#).unwrap();
        assert_eq!(good.len(), 1);
        for bad in [
            r#"{"data":[1.0,2.0,3.0],"columns":2}"#,
            r#"{"data":[1.0],"columns":0}"#,
        ] {
            assert!(serde_json::from_str::<Frames>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn beside_keeps_rows_together() {
        let left = Frames::new(vec![1.0, 2.0], 1);
        let right = Frames::new(vec![3.0, 4.0, 5.0, 6.0], 2);
        let both = left.beside(&[&right]);
        assert_eq!(both.data(), [1.0, 3.0, 4.0, 2.0, 5.0, 6.0]);
    }
}
