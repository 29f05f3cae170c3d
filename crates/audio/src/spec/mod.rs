//! From a recording to the features of a model, by settings that the model stores.
//!
//! A [`FeatureSpec`] is saved in every trained model, so that a recording is
//! always turned into the features that the model was trained on. It is a list of
//! blocks over a common grid of rows:
//!
//! ```text
//! recording ─ resampled ─ trimmed ─ frames ─ rows of `average` frames
//!                                              │
//!            for each block, in order: measure ─ minus its mean ─ deltas   columns
//!                                        └ functionals                     numbers
//! ```
//!
//! | file | what |
//! |---|---|
//! | `settings.rs`, `block.rs`, `prosody_config.rs` | the settings, and the names of columns and functionals |
//! | `rows.rs` | where the rows lie in the recording |
//! | `source.rs`, `prosody.rs` | the measures, row by row |
//! | `plan.rs` | which measures a specification needs, each taken once |
//! | `extract.rs` | the features of a whole recording |
//! | `stream.rs`, `feed.rs` | the same as samples arrive |

mod block;
mod extract;
mod feed;
mod plan;
mod prosody;
mod prosody_config;
mod rows;
mod settings;
mod source;
mod stream;

pub use block::{Columns, FeatureBlock, Measure};
pub use extract::{FeatureExtractor, Features, RowTimes};
pub use prosody_config::ProsodyConfig;
pub use settings::FeatureSpec;
pub use stream::FeatureStream;
