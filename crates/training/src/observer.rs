//! How a long computation tells what it is doing, and asks whether to go on.

use std::fmt;

use metrics::EpochMetrics;

/// A part of the work that takes long enough to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// Checking the recordings; a step is a clip.
    Check,
    /// Extracting features; a step is a clip in one variant.
    Features,
    /// Training one model; a step is a batch.
    Training,
    /// The trainings of a cross-validation; a step is an epoch.
    Folds,
    /// Classifying disturbed clips; a step is a clip with one disturbance.
    Disturbances,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Check => "recordings",
            Stage::Features => "features",
            Stage::Training => "training",
            Stage::Folds => "folds and seeds",
            Stage::Disturbances => "disturbances",
        })
    }
}

/// What an [`Observer`] is told.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A stage begins; `done` of its `steps` were done before, by a run that is resumed.
    Begin {
        /// The stage.
        stage: Stage,
        /// Steps of the whole stage.
        steps: u64,
        /// Steps that need not be done again.
        done: u64,
    },
    /// So many more steps of the stage are done.
    Advance(u64),
    /// An epoch of [`Stage::Training`] is done.
    Epoch(&'a EpochMetrics),
    /// The stage is over, whether all its steps were needed or not.
    End,
}

/// Watches a computation, and may stop it.
///
/// Features and folds are computed on several threads, so an observer is
/// shared: it takes `&self` and must be `Sync`. `()` watches nothing.
pub trait Observer: Sync {
    /// Something happened.
    fn notice(&self, event: Event<'_>) {
        let _ = event;
    }

    /// Whether to stop. Asked before every step of a training; what was done
    /// up to the last finished epoch is kept.
    fn interrupted(&self) -> bool {
        false
    }
}

impl Observer for () {}
