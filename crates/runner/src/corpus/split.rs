//! Dividing a corpus into training, validation and test by whole speakers.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Result, bail, ensure};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

use super::{Corpus, Sex, UNKNOWN_SPEAKER, same_speaker, speaker_order};

/// Share of the speakers that are tested on when nobody says whom.
const TEST_SHARE: f64 = 0.20;
/// Share of the remaining speakers that decide when training stops.
const VALIDATION_SHARE: f64 = 0.175;

/// A division of a corpus's clips in which no speaker is in two parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// Clips to train on, as indices into [`Corpus::clips`], ascending.
    pub train: Vec<usize>,
    /// Clips that decide when training stops; may be empty.
    pub validation: Vec<usize>,
    /// Clips of voices never heard before; empty only if that was asked for.
    pub test: Vec<usize>,
    /// Speakers of `train`.
    pub train_speakers: Vec<String>,
    /// Speakers of `validation`.
    pub validation_speakers: Vec<String>,
    /// Speakers of `test`.
    pub test_speakers: Vec<String>,
    /// How the test speakers were chosen.
    pub test_chosen: Chosen,
    /// How the validation speakers were chosen.
    pub validation_chosen: Chosen,
    /// Speakers that were to be held out, by the caller or the card, but of
    /// whom the corpus has no clip.
    pub absent: Vec<String>,
}

/// How the speakers of a part were chosen. Displays as the end of a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Chosen {
    /// The caller named them.
    Asked,
    /// They are the corpus's own, by its card or manifest.
    Card,
    /// They were drawn, balanced by sex.
    Drawn {
        /// The seed they were drawn with.
        seed: u64,
    },
}

impl fmt::Display for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Chosen::Asked => write!(f, "as asked for"),
            Chosen::Card => write!(f, "the corpus's own"),
            Chosen::Drawn { seed } => write!(f, "drawn with seed {seed}"),
        }
    }
}

/// Divides the clips of `corpus` by speaker.
///
/// `test` and `validation` name the speakers to hold out ("01" means "1"); an
/// empty list means none. Where they are not given:
///
/// - the test speakers are the card's own, if all or at least two of them are
///   present; else a fifth of the speakers, drawn with `seed`, balanced by sex;
/// - the validation speakers are the card's own, if the test speakers are too
///   and at least one of them is present; else about a sixth of the speakers
///   that are left (at least one, as long as one is left to train on), drawn in
///   the same way.
///
/// The result depends on the set of speakers and the seed alone.
///
/// # Errors
/// None of the speakers asked for is present; one is in both lists; or nobody is
/// left to train on. The message names the speakers there are.
pub fn split_by_speaker(
    corpus: &Corpus,
    test: Option<&[String]>,
    validation: Option<&[String]>,
    seed: u64,
) -> Result<Split> {
    let speakers = corpus.speakers();
    let mut absent = Vec::new();

    // Whoever is asked for as validation speaker is not drawn for the test.
    let asked_validation = match validation {
        Some(names) => Some(present(
            "validation",
            names,
            &speakers,
            corpus,
            &mut absent,
        )?),
        None => None,
    };
    let asked_test = match test {
        Some(names) => Some(present("test", names, &speakers, corpus, &mut absent)?),
        None => None,
    };
    if let (Some(test), Some(validation)) = (&asked_test, &asked_validation)
        && let Some(both) = test.iter().find(|s| validation.contains(s))
    {
        bail!(
            "speaker {both} is to be tested and validated on at once; \
             the test must be of speakers that nothing was chosen on"
        );
    }

    let (test_speakers, test_chosen) = match asked_test {
        Some(speakers) => (speakers, Chosen::Asked),
        None => {
            let free = without(&speakers, asked_validation.as_deref().unwrap_or(&[]));
            let card = corpus.card.split.as_ref().map(|split| &split.test[..]);
            let (own, gone) = partition(card.unwrap_or(&[]), &free);
            let enough = own.len() >= 2 || (gone.is_empty() && !own.is_empty());
            if enough && own.len() < free.len() {
                absent.extend(gone);
                (own, Chosen::Card)
            } else {
                refuse_unknown_speakers(corpus, &speakers)?;
                ensure!(
                    free.len() >= 2,
                    "{}: {} of one speaker only ({}), so there is no voice to test on that was \
                     not trained on; add recordings of other speakers, or test on nobody",
                    corpus.root.display(),
                    clips(corpus.clips.len()),
                    free.join(", ")
                );
                let count = share(free.len(), TEST_SHARE);
                (
                    draw(corpus, &free, count, seed, Purpose::Test),
                    Chosen::Drawn { seed },
                )
            }
        }
    };

    let (validation_speakers, validation_chosen) = match asked_validation {
        Some(speakers) => (speakers, Chosen::Asked),
        None => {
            let free = without(&speakers, &test_speakers);
            let card = (corpus.card.split.as_ref())
                .filter(|_| test_chosen == Chosen::Card)
                .map(|split| &split.validation[..]);
            let (own, gone) = partition(card.unwrap_or(&[]), &free);
            if !own.is_empty() && own.len() < free.len() {
                absent.extend(gone);
                (own, Chosen::Card)
            } else {
                let count = share(free.len(), VALIDATION_SHARE);
                (
                    draw(corpus, &free, count, seed, Purpose::Validation),
                    Chosen::Drawn { seed },
                )
            }
        }
    };

    let train_speakers = without(&without(&speakers, &test_speakers), &validation_speakers);
    ensure!(
        !train_speakers.is_empty(),
        "{}: nobody is left to train on: the corpus has the speakers {}, of whom {} are to be \
         tested and {} to be validated on",
        corpus.root.display(),
        speakers.join(", "),
        list(&test_speakers),
        list(&validation_speakers),
    );

    // Each clip goes where its speaker is: the parts cannot share a speaker,
    // since the three lists do not.
    let clips_of = |part: &[String]| {
        (corpus.clips.iter().enumerate())
            .filter(|(_, clip)| part.contains(&clip.speaker))
            .map(|(index, _)| index)
            .collect()
    };
    absent.sort_by(|a, b| speaker_order(a, b));
    absent.dedup();
    Ok(Split {
        train: clips_of(&train_speakers),
        validation: clips_of(&validation_speakers),
        test: clips_of(&test_speakers),
        train_speakers,
        validation_speakers,
        test_speakers,
        test_chosen,
        validation_chosen,
        absent,
    })
}

/// Refuses to set speakers apart where nobody knows who speaks.
pub(crate) fn refuse_unknown_speakers(corpus: &Corpus, speakers: &[String]) -> Result<()> {
    ensure!(
        speakers != [UNKNOWN_SPEAKER],
        "{}: nobody says who speaks in these {} recordings, so no voice can be kept out of the \
         training, and a test would measure how well voices are remembered. Say who speaks: \
         with --speaker-pattern '(?<speaker>...)' where the paths tell it, or by a manifest \
         with a column `speaker`. Without a test, train on all of them: --test-speakers none \
         --validation-speakers none",
        corpus.root.display(),
        corpus.clips.len()
    );
    Ok(())
}

/// The speakers asked for that are there; the others go to `absent`.
fn present(
    part: &str,
    asked: &[String],
    speakers: &[String],
    corpus: &Corpus,
    absent: &mut Vec<String>,
) -> Result<Vec<String>> {
    let (found, gone) = partition(asked, speakers);
    ensure!(
        !found.is_empty() || asked.is_empty(),
        "{}: none of the {part} speakers {} is in the corpus, which has {}",
        corpus.root.display(),
        asked.join(", "),
        speakers.join(", ")
    );
    absent.extend(gone);
    Ok(found)
}

/// Divides names into those of speakers that are there, as the corpus writes
/// them, each once and in order, and those of others, as given.
fn partition(names: &[String], speakers: &[String]) -> (Vec<String>, Vec<String>) {
    let mut found = Vec::new();
    let mut gone = Vec::new();
    for name in names {
        match same_speaker(name, speakers.iter().map(String::as_str)) {
            Some(speaker) => found.push(speaker.to_owned()),
            None => gone.push(name.trim().to_owned()),
        }
    }
    found.sort_by(|a, b| speaker_order(a, b));
    found.dedup();
    (found, gone)
}

fn without(speakers: &[String], taken: &[String]) -> Vec<String> {
    (speakers.iter())
        .filter(|s| !taken.contains(s))
        .cloned()
        .collect()
}

/// A share of `n` speakers: at least one, but never all.
fn share(n: usize, part: f64) -> usize {
    ((n as f64 * part).round() as usize)
        .max(1)
        .min(n.saturating_sub(1))
}

/// What speakers are drawn for; keeps the two draws independent of each other.
#[derive(Clone, Copy)]
enum Purpose {
    Test = 1,
    Validation = 2,
}

/// Draws `count` speakers so that the sexes have their share among them.
fn draw(
    corpus: &Corpus,
    from: &[String],
    count: usize,
    seed: u64,
    purpose: Purpose,
) -> Vec<String> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(purpose as u64);

    let mut groups: BTreeMap<Option<Sex>, Vec<&String>> = BTreeMap::new();
    for speaker in from {
        let sex = corpus.card.sex(speaker);
        groups.entry(sex).or_default().push(speaker);
    }
    let mut groups: Vec<Vec<&String>> = groups.into_values().collect();
    shuffle(&mut groups, &mut rng);
    for group in &mut groups {
        shuffle(group, &mut rng);
    }
    let shares: Vec<f64> = (groups.iter())
        .map(|group| group.len() as f64 / from.len() as f64)
        .collect();

    // One after the other, each from the group that lags most behind its share.
    let mut drawn: Vec<String> = Vec::with_capacity(count);
    let mut taken = vec![0usize; groups.len()];
    while drawn.len() < count {
        let lag = |g: usize| shares[g] * (drawn.len() + 1) as f64 - taken[g] as f64;
        let group = (0..groups.len())
            .filter(|&g| taken[g] < groups[g].len())
            .reduce(|best, g| if lag(g) > lag(best) + 1e-9 { g } else { best })
            .expect("fewer are drawn than there are");
        drawn.push(groups[group][taken[group]].clone());
        taken[group] += 1;
    }
    drawn.sort_by(|a, b| speaker_order(a, b));
    drawn
}

/// Fisher and Yates. Written out, because the same seed must give the same
/// split with every later version of the libraries.
fn shuffle<T>(items: &mut [T], rng: &mut ChaCha8Rng) {
    for last in (1..items.len()).rev() {
        let other = (u128::from(rng.next_u64()) * (last as u128 + 1)) >> 64;
        items.swap(last, other as usize);
    }
}

fn clips(n: usize) -> String {
    match n {
        1 => "1 clip".to_owned(),
        n => format!("{n} clips"),
    }
}

fn list(speakers: &[String]) -> String {
    match speakers {
        [] => "none".to_owned(),
        speakers => speakers.join(", "),
    }
}

#[cfg(test)]
mod tests;
