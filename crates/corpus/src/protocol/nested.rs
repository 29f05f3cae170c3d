//! Every ordered pair of a protocol's folds: the first is left out altogether, the
//! second is tested by a model of the rest.

use super::{Folds, HeldOut};
use crate::{Corpus, CorpusError, Fold, Split};

/// What stands before the name of the protocol whose folds are paired.
pub(super) const PREFIX: &str = "nested-";

/// # Errors
///
/// The inner protocol has pairs itself, or tests clips and not speakers.
pub(super) fn folds(name: &str, inner: Folds) -> Result<Folds, CorpusError> {
    if !matches!(inner.held_out, HeldOut::Speakers) {
        return Err(CorpusError::protocol(format!(
            "`{name}`: the folds of `{}` cannot be nested; choose a protocol that holds out each \
             speaker once",
            inner.name
        )));
    }
    let mut folds = Vec::new();
    let mut left_out = Vec::new();
    for outer in &inner.folds {
        for fold in inner.folds.iter().filter(|fold| fold.name != outer.name) {
            folds.push(Fold {
                name: format!("{}-without-{}", fold.name, outer.name),
                ..fold.clone()
            });
            left_out.push(outer.test.clone());
        }
    }
    Ok(Folds {
        name: name.to_owned(),
        title: format!("Nested folds of: {}", inner.title),
        folds,
        held_out: HeldOut::Pairs(left_out),
        ..inner
    })
}

/// The split without these speakers.
pub(super) fn leave_out(
    mut split: Split,
    left_out: &[String],
    corpus: &Corpus,
    fold: &str,
) -> Result<Split, CorpusError> {
    for part in [&mut split.train, &mut split.validation] {
        part.retain(|clip| !left_out.contains(&corpus.clips[*clip].speaker));
    }
    for part in [&mut split.train_speakers, &mut split.validation_speakers] {
        part.retain(|speaker| !left_out.contains(speaker));
    }
    match split.train.is_empty() {
        false => Ok(split),
        true => Err(CorpusError::speakers(format!(
            "{}: in the fold {fold} nobody is left to train on: use a protocol with more folds",
            corpus.root.display()
        ))),
    }
}
