//! Whether recordings can be trained on: what is found before the first epoch,
//! instead of after hours.
//!
//! ```
//! use corpus::check::{check, measure};
//! # use corpus::synth::{SynthSettings, write_corpus};
//! # use corpus::{AUTO, Sources, split_by_speaker};
//! # let folder = tempfile::tempdir().unwrap();
//! # let folder = folder.path().to_path_buf();
//! # let small = SynthSettings { speakers: 4, takes_per_emotion: 1, seed: 1 };
//! # write_corpus(&folder, &small, |_done, _all| {})?;
//! let corpus = Sources::new(&[folder], AUTO)?.open()?;
//! let split = split_by_speaker(&corpus, None, None, 42)?;
//!
//! let measures = measure(&corpus, || {});
//! let found = check(&corpus, &measures, &[split]);
//! assert!(found.errors.is_empty());
//! # Ok::<(), corpus::CorpusError>(())
//! ```
//!
//! | an error | a warning |
//! |---|---|
//! | the same sound in two parts of a split | the same sound under two labels or speakers in one part |
//! | a label that the test has and the training does not | a label with few clips, of one speaker, or without a test |
//! | | clips that are silent, quiet, clipped, very short, very long, damaged or unreadable |

mod findings;
mod measures;

use crate::{Corpus, Split};

pub use measures::{Measures, measure};

/// What is wrong with some clips, or with a label or speaker.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// One line for people, without a full stop.
    pub what: String,
    /// The clips: the path, and what of it.
    pub clips: Vec<String>,
}

/// What a check has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Findings {
    /// What makes a result wrong or a training pointless.
    pub errors: Vec<Finding>,
    /// What should be looked at.
    pub warnings: Vec<Finding>,
}

/// Checks a corpus by what was [measured](measure) of its clips, and by how it is
/// split. Without a split, what depends on one is not checked.
pub fn check(corpus: &Corpus, measures: &[Result<Measures, String>], splits: &[Split]) -> Findings {
    let mut found = Findings::default();
    findings::clips(corpus, measures, &mut found);
    findings::labels(corpus, measures, splits, &mut found);
    findings::twins(corpus, measures, splits, &mut found);
    found
}

#[cfg(test)]
mod tests;
