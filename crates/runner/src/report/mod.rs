//! What a run leaves behind for people and programs to read.
//!
//! Data arrives here as predictions and epochs and leaves as files:
//!
//! - [`metrics`]: the confusion matrix and every figure that follows from it
//!   (accuracy, recalls, UAR, precision, F1);
//! - [`text`]: the same as a summary for a terminal of 80 columns;
//! - [`plots`]: the confusion matrix, the learning curves and recordings as SVG pictures;
//! - [`epochs`]: the metrics of each epoch, one JSON object a line;
//! - [`predictions`]: every prediction with its probabilities, as CSV;
//! - [`files`]: how an output reaches its final name in one step.

pub mod epochs;
pub mod files;
pub mod metrics;
pub mod plots;
pub mod predictions;
pub mod text;

pub use epochs::{EpochLog, EpochMetrics};
pub use files::write_atomically;
pub use metrics::ConfusionMatrix;
pub use predictions::{Prediction, Predictions};
