//! Tables as files for other programs: CSV, NumPy and Parquet.

mod frame_table;
mod records;
mod rows_csv;

pub use frame_table::FrameTable;
pub use records::{Kind, Records, Value};
pub use rows_csv::rows_csv;
