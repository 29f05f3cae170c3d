//! Folds made from the speakers that a corpus has: each speaker, each corpus, or
//! groups drawn at random.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::SEED;
use crate::speakers::sorted;
use crate::{Corpus, CorpusError, Fold, Protocol};

/// The name of the protocol that leaves one corpus out.
pub const LOCO: &str = "loco";

/// The protocol of this name, if it is one of these.
///
/// # Errors
///
/// `loco` of one corpus; more folds than speakers, or fewer than two.
pub(super) fn protocol(
    name: &str,
    corpus: &Corpus,
    speakers: &[String],
) -> Result<Option<Protocol>, CorpusError> {
    let (title, folds) = if name == "loso" {
        (
            "Leave one speaker out".to_owned(),
            one_speaker_out(speakers),
        )
    } else if name == LOCO {
        ("Leave one corpus out".to_owned(), one_corpus_out(corpus)?)
    } else if let Some(k) = name.strip_prefix('k').and_then(|k| k.parse().ok()) {
        let title = format!("{k} folds of speakers, drawn by seed {SEED}");
        (title, groups(name, k, corpus, speakers)?)
    } else {
        return Ok(None);
    };
    Ok(Some(Protocol {
        name: name.to_owned(),
        title,
        source: String::new(),
        folds,
    }))
}

fn one_speaker_out(speakers: &[String]) -> Vec<Fold> {
    let folds = speakers.iter().map(|speaker| Fold {
        // The name of a folder of results: not every system allows a colon there.
        name: speaker.replace(':', "-"),
        test: vec![speaker.clone()],
    });
    folds.collect()
}

fn one_corpus_out(corpus: &Corpus) -> Result<Vec<Fold>, CorpusError> {
    if corpus.members.len() < 2 {
        return Err(CorpusError::protocol(format!(
            "`{LOCO}` leaves one corpus out, and there is only {}; name several folders",
            corpus.card.name
        )));
    }
    let folds = (corpus.members.iter().enumerate()).map(|(index, member)| {
        let of_member = corpus.clips.iter().filter(|clip| clip.member == index);
        Fold {
            name: member.name.clone(),
            test: sorted(of_member.map(|clip| clip.speaker.clone()).collect()),
        }
    });
    Ok(folds.collect())
}

/// `k` groups of speakers, alike in size and in the share of each sex.
fn groups(
    name: &str,
    k: usize,
    corpus: &Corpus,
    speakers: &[String],
) -> Result<Vec<Fold>, CorpusError> {
    if !(2..=speakers.len()).contains(&k) {
        return Err(CorpusError::protocol(format!(
            "`{name}`: {k} folds cannot be made of {} speakers; choose from 2 to {}",
            speakers.len(),
            speakers.len()
        )));
    }
    // By sex first, then dealt out in turn: every fold has its share of each.
    let mut order = speakers.to_vec();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(SEED));
    order.sort_by_key(|speaker| corpus.card.sex(speaker));
    let folds = (0..k).map(|fold| Fold {
        name: (fold + 1).to_string(),
        test: sorted(order.iter().skip(fold).step_by(k).cloned().collect()),
    });
    Ok(folds.collect())
}
