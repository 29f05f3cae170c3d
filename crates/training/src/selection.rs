//! Choosing among recipes without the speakers that the choice is judged by.
//!
//! Whoever compares recipes on test speakers and reports the best one's figure
//! reports luck. Here every fold of a protocol has a recipe chosen without it:
//!
//! 1. every candidate is cross-validated on the *nested* folds of the protocol: for
//!    each ordered pair of folds, one is left out altogether and the other is tested
//!    by a model of the rest;
//! 2. for each fold, the candidate is chosen that has the highest UAR over the pairs
//!    that leave this fold out;
//! 3. each fold is then tested once, by models of its chosen candidate, and the
//!    answers of all folds are pooled.
//!
//! Every look is written down as it is taken: `looks.csv` in the results' folder has
//! a line for each candidate's nested figures and for each fold that was tested. It
//! is only ever added to, so it says how often anybody looked.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use burn::tensor::Device;
use corpus::{Corpus, Folds};
use metrics::cross_validation::{FoldResult, Summary};
use metrics::{ConfusionMatrix, Predictions, PredictionsCsv};
use serde::Serialize;

use crate::cross_validation::{PREDICTIONS, RESULTS, SETTINGS, design};
use crate::run_folder::{write, write_json};
use crate::{CrossValidation, FeatureStore, FeatureTable, Observer, Settings, TrainingError};

/// The log of what was looked at, in the folder of a selection.
pub const LOOKS: &str = "looks.csv";
/// What was chosen, in the folder of a selection.
pub const CHOICE: &str = "choice.json";

/// Settings that may be chosen.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Its name, unlike the others'; a folder is called so.
    pub name: String,
    /// What every training depends on, but for its seed.
    pub settings: Settings,
}

/// A selection that is about to be done.
pub struct Selection<'a> {
    /// The recordings.
    pub corpus: &'a Corpus,
    /// The folds that the chosen candidates are tested on.
    pub folds: &'a Folds,
    /// The nested folds of the same protocol.
    pub nested: &'a Folds,
    /// What is chosen from.
    pub candidates: &'a [Candidate],
    /// Every training is done with the seeds 1 to this.
    pub seeds: u64,
    /// Trainings at once.
    pub jobs: usize,
    /// Where features are kept.
    pub store: Option<&'a FeatureStore>,
    /// Where the results go.
    pub folder: &'a Path,
    /// Where they are computed.
    pub device: &'a Device,
}

/// What was chosen, and how good it is.
pub struct Selected {
    /// For each fold, in their order.
    pub choices: Vec<Choice>,
    /// The figures of the chosen candidates on their folds.
    pub summary: Summary,
    /// Each fold and seed.
    pub results: Vec<FoldResult>,
}

/// The candidate of a fold.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Choice {
    /// The fold that it was chosen without.
    pub fold: String,
    /// Its name.
    pub candidate: String,
    /// The UAR of every candidate over the pairs that leave the fold out.
    pub nested_uar: BTreeMap<String, f64>,
}

/// Answers of a fold and seed.
type Tested = (FoldResult, Predictions);

impl Selection<'_> {
    /// Compares, chooses, tests. `None` where the observer interrupted it; what is
    /// finished is kept, and the same call goes on.
    ///
    /// # Errors
    ///
    /// As [`CrossValidation::run`]; [`TrainingError::Settings`] where there is no
    /// candidate, or two have one name.
    pub fn run(&self, observer: &dyn Observer) -> Result<Option<Selected>, TrainingError> {
        self.check()?;
        let mut nested: Vec<Vec<Tested>> = Vec::new();
        for candidate in self.candidates {
            let folder = self.folder.join("nested").join(&candidate.name);
            let Some(done) = self.validate(candidate, self.nested, (&folder, false), observer)?
            else {
                return Ok(None);
            };
            self.look("nested", candidate, self.nested.name(), uar_of(&done))?;
            nested.push(done);
        }
        let choices = self.choices(&nested)?;
        write_json(&self.folder.join(CHOICE), &choices)?;

        let mut tested: Vec<Tested> = Vec::new();
        for choice in &choices {
            let chosen = |candidate: &&Candidate| candidate.name == choice.candidate;
            let Some(candidate) = self.candidates.iter().find(chosen) else {
                continue;
            };
            let folder = self.folder.join("tested").join(&choice.fold);
            let fold = self.folds.only(&choice.fold);
            let Some(done) = self.validate(candidate, &fold, (&folder, true), observer)? else {
                return Ok(None);
            };
            self.look("tested", candidate, &choice.fold, uar_of(&done))?;
            tested.extend(done);
        }
        // As a cross-validation has them: all folds of a seed together.
        tested.sort_by_key(|(result, _)| result.seed);
        self.pooled(choices, tested).map(Some)
    }

    fn check(&self) -> Result<(), TrainingError> {
        let names = self.candidates.iter().map(|candidate| &candidate.name);
        let mut names: Vec<&String> = names.collect();
        names.sort();
        names.dedup();
        match (self.candidates.len(), names.len()) {
            (0, _) => Err(TrainingError::settings("there is nothing to choose from")),
            (all, unlike) if all != unlike => Err(TrainingError::settings(
                "two candidates have the same name; give their files unlike names",
            )),
            _ => Ok(()),
        }
    }

    fn validate(
        &self,
        candidate: &Candidate,
        folds: &Folds,
        (folder, speaker_adaptation): (&Path, bool),
        observer: &dyn Observer,
    ) -> Result<Option<Vec<Tested>>, TrainingError> {
        let settings = &candidate.settings;
        std::fs::create_dir_all(folder).map_err(TrainingError::io(folder))?;
        let (path, text) = (folder.join(SETTINGS), settings.to_toml()?);
        if std::fs::read_to_string(&path).is_ok_and(|known| known != text) {
            let what = "results of other settings are in this folder; name another one";
            return Err(TrainingError::folder(folder, what));
        }
        write(&path, text.as_bytes())?;
        let all: Vec<usize> = (0..self.corpus.clips.len()).collect();
        let (corpus, store) = (self.corpus, self.store);
        let features = FeatureTable::extract(corpus, &all, &all, settings, store, observer)?;
        let validation = CrossValidation {
            corpus,
            folds,
            features: &features,
            settings,
            seeds: self.seeds,
            jobs: self.jobs,
            folder,
            device: self.device,
            speaker_adaptation,
        };
        validation.answers(observer)
    }

    /// For each fold the candidate that is best without it.
    fn choices(&self, nested: &[Vec<Tested>]) -> Result<Vec<Choice>, TrainingError> {
        let folds = self.folds.folds().iter();
        folds
            .map(|fold| {
                let ending = format!("-without-{}", fold.name);
                let without = |tested: &Vec<Tested>| {
                    let pairs = tested.iter();
                    let pairs = pairs.filter(|(result, _)| result.fold.ends_with(&ending));
                    pooled_uar(pairs.map(|(_, predictions)| predictions))
                };
                let uars: Vec<f64> = nested.iter().map(without).collect();
                let best = uars.iter().enumerate().max_by(|a, b| {
                    // Of equals the one that was named first.
                    a.1.total_cmp(b.1).then(b.0.cmp(&a.0))
                });
                let best = best.map_or(0, |(place, _)| place);
                let names = self
                    .candidates
                    .iter()
                    .map(|candidate| candidate.name.clone());
                Ok(Choice {
                    fold: fold.name.clone(),
                    candidate: self.candidates[best].name.clone(),
                    nested_uar: names.zip(uars).collect(),
                })
            })
            .collect()
    }

    fn pooled(&self, choices: Vec<Choice>, tested: Vec<Tested>) -> Result<Selected, TrainingError> {
        let summary = Summary::new(&design(self.corpus, self.folds), &tested)?;
        write_json(&self.folder.join(RESULTS), &summary)?;
        let mut csv = PredictionsCsv::new(&self.corpus.card.label_names());
        for (result, predictions) in &tested {
            csv.add(&result.fold, Some(result.seed), predictions)?;
        }
        write(&self.folder.join(PREDICTIONS), &csv.into_bytes())?;
        Ok(Selected {
            choices,
            summary,
            results: tested.into_iter().map(|(result, _)| result).collect(),
        })
    }

    /// Adds a line to the log, unless it is there: a selection that goes on after an
    /// interruption looks at nothing twice.
    fn look(
        &self,
        kind: &str,
        candidate: &Candidate,
        folds: &str,
        uar: f64,
    ) -> Result<(), TrainingError> {
        let path = self.folder.join(LOOKS);
        let mut log = std::fs::read_to_string(&path)
            .unwrap_or_else(|_| "kind,candidate,folds,seeds,uar,day\n".into());
        let line = format!("{kind},{},{folds},{},{uar:.4},", candidate.name, self.seeds);
        if log.lines().any(|known| known.starts_with(&line)) {
            return Ok(());
        }
        // Writing to a string cannot fail.
        let _ = writeln!(log, "{line}{}", crate::provenance::today());
        write(&path, log.as_bytes())
    }
}

fn uar_of(tested: &[Tested]) -> f64 {
    pooled_uar(tested.iter().map(|(_, predictions)| predictions))
}

/// Of all answers together.
fn pooled_uar<'a>(answers: impl Iterator<Item = &'a Predictions>) -> f64 {
    let matrices = answers.map(Predictions::confusion_matrix);
    let pooled = matrices.reduce(|mut all: ConfusionMatrix, other| {
        // The labels are those of one corpus.
        let _ = all.merge(&other);
        all
    });
    pooled.and_then(|matrix| matrix.uar()).unwrap_or(0.0)
}
