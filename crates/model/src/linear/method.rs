//! The ways to fit a linear classifier, and the clips that it is fitted to.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ModelError;

/// How a linear classifier is fitted, with how strongly it is held back from following
/// the training clips.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LinearMethod {
    /// Linear discriminant analysis.
    Lda {
        /// How much the covariance is shrunk towards a multiple of the identity, above 0
        /// and at most 1.
        shrinkage: f64,
    },
    /// Multinomial logistic regression.
    Logistic {
        /// What a clip's loss counts beside the weights' squares, above 0; scikit-learn's
        /// `C`.
        cost: f64,
    },
    /// A linear support vector machine, one label against the rest.
    Svm {
        /// What a clip's loss counts beside the weights' squares, above 0; LIBLINEAR's
        /// and scikit-learn's `C`.
        cost: f64,
        /// How a clip on the wrong side of the margin counts.
        loss: SvmLoss,
    },
}

/// How a clip on the wrong side of a support vector machine's margin counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SvmLoss {
    /// In proportion to how far it is on that side.
    Hinge,
    /// By the square of that; LIBLINEAR's default.
    #[default]
    SquaredHinge,
}

impl LinearMethod {
    /// Says whether its setting is out of its range.
    ///
    /// # Errors
    ///
    /// [`ModelError::Settings`].
    pub fn validate(&self) -> Result<(), ModelError> {
        let wrong = |what: &str| Err(ModelError::Settings { what: what.into() });
        match *self {
            LinearMethod::Lda { shrinkage } if !(shrinkage > 0.0 && shrinkage <= 1.0) => {
                wrong("a linear classifier's shrinkage must be above 0 and at most 1")
            }
            LinearMethod::Logistic { cost } | LinearMethod::Svm { cost, .. }
                if !(cost > 0.0 && cost <= MOST_COST) =>
            {
                wrong("a linear classifier's cost must be above 0 and at most 10000")
            }
            _ => Ok(()),
        }
    }
}

/// Far above this a classifier is not held back at all, and takes minutes to fit.
const MOST_COST: f64 = 1e4;

impl fmt::Display for LinearMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LinearMethod::Lda { shrinkage } => write!(f, "LDA, shrinkage {shrinkage}"),
            LinearMethod::Logistic { cost } => write!(f, "logistic regression, cost {cost}"),
            LinearMethod::Svm { cost, loss } => {
                let loss = match loss {
                    SvmLoss::Hinge => "hinge",
                    SvmLoss::SquaredHinge => "squared hinge",
                };
                write!(f, "SVM ({loss} loss), cost {cost}")
            }
        }
    }
}

/// Normalised clips to fit a linear classifier to.
#[derive(Clone, Debug, Default)]
pub struct LinearClips {
    pub(super) rows: Vec<f32>,
    pub(super) labels: Vec<usize>,
}

impl LinearClips {
    /// Adds the normalised numbers of a clip.
    pub fn push(&mut self, row: &[f32], label: usize) {
        self.rows.extend_from_slice(row);
        self.labels.push(label);
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The rows, each of `size` numbers and a 1 behind them for the bias.
    pub(super) fn with_ones(&self, size: usize) -> Vec<f64> {
        let rows = self.rows.chunks_exact(size);
        let with_one = rows.flat_map(|row| row.iter().map(|x| f64::from(*x)).chain([1.0]));
        with_one.collect()
    }
}

/// How much more a clip of a rare label may count than the mean clip. The weight that
/// makes all labels count the same is 1.9 for the rarest label of RAVDESS and 1.7 for
/// EmoDB's; a single clip among a hundred would have 25, and drown the other labels.
pub const MOST_CLASS_WEIGHT: f64 = 4.0;

/// What a clip of each label counts: 1, or, where labels are balanced, what makes all
/// labels count the same, and at most [`MOST_CLASS_WEIGHT`].
pub(super) fn clip_weights(counts: &[usize], balanced: bool) -> Vec<f64> {
    let present = counts.iter().filter(|count| **count > 0).count();
    let mean = counts.iter().sum::<usize>() as f64 / present.max(1) as f64;
    let weight = |count: &usize| match balanced {
        true => (mean / *count.max(&1) as f64).min(MOST_CLASS_WEIGHT),
        false => 1.0,
    };
    counts.iter().map(weight).collect()
}
