//! Linear classifiers: the settings below `[[training.linear]]`.

use model::{LinearInputs, LinearMethod, SvmLoss};
use serde::{Deserialize, Serialize};

use crate::TrainingError;

/// Shrinkages that are compared, from the one that holds a classifier back most.
pub const SHRINKAGES: [f64; 5] = [0.9, 0.7, 0.5, 0.3, 0.1];
/// Costs that are compared, from the one that holds a classifier back most.
pub const COSTS: [f64; 6] = [1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0];

/// A linear classifier of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Linear {
    /// How it is fitted.
    pub kind: LinearKind,
    /// What it reads.
    pub inputs: LinearInputs,
    /// Of LDA: how much its covariance is shrunk towards a multiple of the identity,
    /// above 0 and at most 1; unset, that of [`SHRINKAGES`] under which training
    /// speakers who were left out of a fit are recognised best.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shrinkage: Option<f64>,
    /// Of the others: what the clips' losses count beside the weights' squares, above
    /// 0; unset, chosen from [`COSTS`] in the same way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
    /// Of an SVM: its loss; unset, the squared hinge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<SvmLoss>,
    /// How much its probabilities count in the model's average.
    pub share: f32,
}

/// How a linear classifier is fitted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LinearKind {
    /// Linear discriminant analysis.
    #[default]
    Lda,
    /// Multinomial logistic regression.
    Logistic,
    /// A support vector machine, one label against the rest.
    Svm,
}

impl Default for Linear {
    fn default() -> Self {
        Self {
            kind: LinearKind::default(),
            inputs: LinearInputs::default(),
            shrinkage: None,
            cost: None,
            loss: None,
            share: 1.0,
        }
    }
}

impl Linear {
    /// The ways to fit it that are compared, from the one that holds it back most;
    /// one alone where the strength is set.
    pub fn candidates(&self) -> Vec<LinearMethod> {
        let (set, compared) = match self.kind {
            LinearKind::Lda => (self.shrinkage, &SHRINKAGES[..]),
            LinearKind::Logistic | LinearKind::Svm => (self.cost, &COSTS[..]),
        };
        let strengths = set.map_or(compared.to_vec(), |strength| vec![strength]);
        let method = |strength| match self.kind {
            LinearKind::Lda => LinearMethod::Lda {
                shrinkage: strength,
            },
            LinearKind::Logistic => LinearMethod::Logistic { cost: strength },
            LinearKind::Svm => LinearMethod::Svm {
                cost: strength,
                loss: self.loss.unwrap_or_default(),
            },
        };
        strengths.into_iter().map(method).collect()
    }

    /// Says which setting is out of its range, or of another kind.
    ///
    /// # Errors
    ///
    /// [`TrainingError::Settings`] or [`TrainingError::Model`].
    pub(super) fn validate(&self) -> Result<(), TrainingError> {
        let is_lda = self.kind == LinearKind::Lda;
        let rules = [
            (
                self.share.is_finite() && self.share > 0.0,
                "a linear classifier's share must be above 0",
            ),
            (
                self.shrinkage.is_none() || is_lda,
                "a shrinkage belongs to the kind `lda`; the others have a cost",
            ),
            (
                self.cost.is_none() || !is_lda,
                "a cost belongs to the kinds `svm` and `logistic`; `lda` has a shrinkage",
            ),
            (
                self.loss.is_none() || self.kind == LinearKind::Svm,
                "a loss belongs to the kind `svm`",
            ),
        ];
        if let Some((_, what)) = rules.iter().find(|(holds, _)| !holds) {
            return Err(TrainingError::settings(*what));
        }
        for candidate in self.candidates() {
            candidate.validate()?;
        }
        Ok(())
    }
}
