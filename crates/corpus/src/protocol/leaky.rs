//! Random folds of clips, which test voices that are also trained on.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::{Folds, HeldOut, SEED};
use crate::{Chosen, Corpus, Fold, Split};

/// The name of the protocol that leaks.
pub const LEAKY: &str = "leaky-random";
const FOLDS: usize = 5;

pub(super) fn folds(corpus: &Corpus) -> Folds {
    let mut order: Vec<usize> = (0..corpus.clips.len()).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(SEED));
    let clips = (0..FOLDS).map(|fold| {
        let mut test: Vec<usize> = order.iter().skip(fold).step_by(FOLDS).copied().collect();
        test.sort_unstable();
        test
    });
    let speakers = corpus.speakers();
    Folds {
        name: LEAKY.to_owned(),
        title: "LEAKY: random clips are tested, and every speaker is in training too".to_owned(),
        source: String::new(),
        held_out: HeldOut::Clips(clips.collect()),
        folds: (1..=FOLDS)
            .map(|fold| Fold {
                name: fold.to_string(),
                test: speakers.clone(),
            })
            .collect(),
        absent: Vec::new(),
        impossible: Vec::new(),
    }
}

/// The split that tests these clips. A sixth of the others is validated on, drawn
/// with `seed`, unless `validate` is false.
pub(super) fn split(test: &[usize], corpus: &Corpus, seed: u64, validate: bool) -> Split {
    let mut train: Vec<usize> = (0..corpus.clips.len())
        .filter(|clip| test.binary_search(clip).is_err())
        .collect();
    let mut validation = Vec::new();
    if validate {
        train.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        validation = train.split_off(train.len() - train.len() / 6);
        train.sort_unstable();
        validation.sort_unstable();
    }
    let speakers = corpus.speakers();
    let validation_speakers = match validate {
        true => speakers.clone(),
        false => Vec::new(),
    };
    Split {
        train,
        validation,
        test: test.to_vec(),
        train_speakers: speakers.clone(),
        validation_speakers,
        test_speakers: speakers,
        test_chosen: Chosen::Drawn { seed: SEED },
        validation_chosen: Chosen::Drawn { seed },
        absent: Vec::new(),
    }
}
