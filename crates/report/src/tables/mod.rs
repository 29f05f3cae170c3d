//! Tables as files for other programs: CSV, NumPy and Parquet.

mod frame_table;
mod rows_csv;

pub use frame_table::FrameTable;
pub use rows_csv::rows_csv;
