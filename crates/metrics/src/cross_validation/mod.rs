//! The figures of a cross-validation.
//!
//! A cross-validation trains one model for each fold and seed. Each model is
//! tested on the speakers of its fold, and each clip is tested once per seed.
//!
//! - [`Design`] says what was tested and how.
//! - [`FoldResult`], with its [`Predictions`](crate::Predictions), is the result of
//!   one training.
//! - [`Summary`] holds the figures of all of them.
//!
//! # How the figures are computed
//!
//! The predictions of all folds of one seed are pooled before a figure is
//! computed. Every figure is then given as [`Spread`]: mean and standard deviation
//! over the seeds.
//!
//! The 95 % confidence interval of the UAR shows how much the figure depends on
//! the choice of speakers. It is a bootstrap (Efron, *Bootstrap Methods: Another
//! Look at the Jackknife*, 1979) over speakers and not over clips, since the clips
//! of one speaker are not independent of each other.
//!
//! ```
//! use metrics::cross_validation::{Design, FoldResult, Summary};
//! use metrics::{Prediction, Predictions};
//!
//! let design = Design {
//!     corpus: "My corpus".into(),
//!     protocol: "loso".into(),
//!     speaker_disjoint: true,
//!     folds: vec!["anna".into(), "ben".into()],
//!     speakers: vec!["anna".into(), "ben".into()],
//!     ..Design::default()
//! };
//! let mut results = Vec::new();
//! for (fold, answer) in [("anna", 1), ("ben", 0)] {
//!     let mut predictions = Predictions::new(["calm", "angry"]);
//!     for (label, predicted) in [(0, 0), (1, answer)] {
//!         predictions.push(Prediction {
//!             path: format!("{fold}/{label}.wav").into(),
//!             speaker: fold.into(),
//!             label: Some(label),
//!             predicted,
//!             probabilities: vec![0.5; 2],
//!         })?;
//!     }
//!     let result = FoldResult {
//!         fold: fold.into(),
//!         seed: 1,
//!         epoch: 20,
//!         parameters: 1000,
//!         seconds: 60.0,
//!         adaptation: Vec::new(),
//!         epochs: Vec::new(),
//!     };
//!     results.push((result, predictions));
//! }
//!
//! let summary = Summary::new(&design, &results)?;
//! assert_eq!(summary.uar.unwrap().mean, 0.75); // recalls 2/2 and 1/2
//! assert_eq!(summary.folds[1].figure.unwrap().mean, 0.5);
//! # Ok::<(), metrics::MetricsError>(())
//! ```

mod adaptation;
mod bootstrap;
mod input;
mod pools;
mod spread;
mod summary;
#[cfg(test)]
mod tests;

pub use adaptation::{AdaptationRow, AdaptationTest};
pub use input::{Design, FoldResult};
pub use spread::Spread;
pub use summary::{Summary, SummaryRow};
