//! Dividing a corpus into training, validation and test by whole speakers.

use std::collections::BTreeMap;
use std::fmt;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::speakers::sorted;
use crate::{Corpus, CorpusError, Hint, Sex, UNKNOWN_SPEAKER, same_speaker};

/// Share of the speakers that are drawn for the test.
const TEST_SHARE: f64 = 0.20;
/// Share of the remaining speakers that are drawn for validation.
const VALIDATION_SHARE: f64 = 0.175;

/// The clips to train, validate and test on. But for the protocol
/// [`leaky-random`](crate::protocol), no speaker is in two parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// Clips to train on, as indices into [`Corpus::clips`], ascending.
    pub train: Vec<usize>,
    /// Clips that decide which epoch is kept; may be empty.
    pub validation: Vec<usize>,
    /// Clips of unseen speakers; empty only if that was asked for.
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
    /// Speakers whom the caller or the card holds out, but of whom the corpus has
    /// no clip.
    pub absent: Vec<String>,
}

/// How the speakers of a part were chosen. Displays as the end of a sentence:
/// "drawn with seed 1".
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
/// `test` and `validation` name the speakers to hold out ("01" names "1"). An
/// empty list holds out nobody. Where no list is given:
///
/// - the test speakers are the card's own, if all of them or at least two are in
///   the corpus; else a fifth of the speakers, drawn with `seed` and balanced by
///   sex;
/// - the validation speakers are the card's own, if the test speakers are too and
///   at least one of them is in the corpus; else about a sixth of the remaining
///   speakers (at least one, as long as one is left to train on), drawn in the
///   same way.
///
/// The result depends only on the set of speakers, the card and the seed.
///
/// # Errors
///
/// [`CorpusError::Speakers`] where none of the named speakers is in the corpus,
/// one is in both lists, nobody is left to train on, or nobody knows who speaks.
/// The message names the speakers of the corpus.
pub fn split_by_speaker(
    corpus: &Corpus,
    test: Option<&[String]>,
    validation: Option<&[String]>,
    seed: u64,
) -> Result<Split, CorpusError> {
    let speakers = corpus.speakers();
    let mut absent = Vec::new();
    // Named first: whoever is to be validated on is not drawn for the test.
    let validation = named("validation", validation, &speakers, corpus, &mut absent)?;
    let test = named("test", test, &speakers, corpus, &mut absent)?;
    if let (Some(test), Some(validation)) = (&test, &validation)
        && let Some(both) = test.iter().find(|s| validation.contains(s))
    {
        return Err(CorpusError::speakers(format!(
            "speaker {both} is to be both tested and validated on; the test must be on speakers \
             that nothing was chosen on"
        )));
    }
    let (test_speakers, test_chosen) = match test {
        Some(speakers) => (speakers, Chosen::Asked),
        None => {
            let free = without(&speakers, validation.as_deref().unwrap_or(&[]));
            choose_test(corpus, &speakers, &free, seed, &mut absent)?
        }
    };
    let (validation_speakers, validation_chosen) = match validation {
        Some(speakers) => (speakers, Chosen::Asked),
        None => {
            let free = without(&speakers, &test_speakers);
            choose_validation(corpus, &free, test_chosen, seed, &mut absent)
        }
    };
    let train_speakers = without(&without(&speakers, &test_speakers), &validation_speakers);
    if train_speakers.is_empty() {
        return Err(CorpusError::speakers(format!(
            "{}: nobody is left to train on: the corpus has the speakers {}, of whom {} are to be \
             tested and {} to be validated on",
            corpus.root.display(),
            speakers.join(", "),
            list(&test_speakers),
            list(&validation_speakers),
        )));
    }

    // Each clip goes where its speaker is: the parts cannot share a speaker,
    // since the three lists do not.
    let clips_of = |part: &[String]| {
        (corpus.clips.iter().enumerate())
            .filter(|(_, clip)| part.contains(&clip.speaker))
            .map(|(index, _)| index)
            .collect()
    };
    Ok(Split {
        train: clips_of(&train_speakers),
        validation: clips_of(&validation_speakers),
        test: clips_of(&test_speakers),
        train_speakers,
        validation_speakers,
        test_speakers,
        test_chosen,
        validation_chosen,
        absent: sorted(absent),
    })
}

/// The test speakers where none are named: the card's own, or drawn from `free`.
fn choose_test(
    corpus: &Corpus,
    speakers: &[String],
    free: &[String],
    seed: u64,
    absent: &mut Vec<String>,
) -> Result<(Vec<String>, Chosen), CorpusError> {
    let card = corpus.card.split.as_ref().map(|split| &split.test[..]);
    let (own, gone) = partition(card.unwrap_or(&[]), free);
    let enough = own.len() >= 2 || (gone.is_empty() && !own.is_empty());
    if enough && own.len() < free.len() {
        absent.extend(gone);
        return Ok((own, Chosen::Card));
    }
    refuse_unknown_speakers(corpus, speakers)?;
    if free.len() < 2 {
        return Err(CorpusError::speakers(format!(
            "{}: {} of one speaker only ({}), so there is no unseen speaker to test on; add \
             recordings of other speakers, or test nobody",
            corpus.root.display(),
            clips(corpus.clips.len()),
            free.join(", ")
        )));
    }
    let count = share(free.len(), TEST_SHARE);
    let drawn = draw(corpus, free, count, seed, Purpose::Test);
    Ok((drawn, Chosen::Drawn { seed }))
}

/// The validation speakers where none are named, as [`choose_test`].
fn choose_validation(
    corpus: &Corpus,
    free: &[String],
    test_chosen: Chosen,
    seed: u64,
    absent: &mut Vec<String>,
) -> (Vec<String>, Chosen) {
    let card = (corpus.card.split.as_ref())
        .filter(|_| test_chosen == Chosen::Card)
        .map(|split| &split.validation[..]);
    let (own, gone) = partition(card.unwrap_or(&[]), free);
    if !own.is_empty() && own.len() < free.len() {
        absent.extend(gone);
        return (own, Chosen::Card);
    }
    let count = share(free.len(), VALIDATION_SHARE);
    let drawn = draw(corpus, free, count, seed, Purpose::Validation);
    (drawn, Chosen::Drawn { seed })
}

/// Refuses to keep speakers apart where nobody knows who speaks.
pub(crate) fn refuse_unknown_speakers(
    corpus: &Corpus,
    speakers: &[String],
) -> Result<(), CorpusError> {
    if speakers != [UNKNOWN_SPEAKER] {
        return Ok(());
    }
    let what = format!(
        "{}: nobody says who speaks in these {} recordings, so no voice can be held out of the \
         training, and a test would measure how well voices are remembered. Say who speaks: by a \
         speaker pattern, (?<speaker>...), where the paths tell it, or by a manifest with a column \
         `speaker`. Or train on all of them, with nobody tested or validated on",
        corpus.root.display(),
        corpus.clips.len()
    );
    Err(CorpusError::speakers(what).with_hint(Hint::SpeakerPattern))
}

/// The named speakers that are in the corpus. The others go to `absent`.
fn named(
    part: &str,
    names: Option<&[String]>,
    speakers: &[String],
    corpus: &Corpus,
    absent: &mut Vec<String>,
) -> Result<Option<Vec<String>>, CorpusError> {
    let Some(names) = names else { return Ok(None) };
    let (found, gone) = partition(names, speakers);
    if found.is_empty() && !names.is_empty() {
        return Err(CorpusError::speakers(format!(
            "{}: none of the {part} speakers {} is in the corpus, which has {}",
            corpus.root.display(),
            names.join(", "),
            speakers.join(", ")
        )));
    }
    absent.extend(gone);
    Ok(Some(found))
}

/// Divides names into those of the speakers, as the corpus writes them, each once
/// and in order, and the others, as given.
fn partition(names: &[String], speakers: &[String]) -> (Vec<String>, Vec<String>) {
    let mut found = Vec::new();
    let mut gone = Vec::new();
    for name in names {
        match same_speaker(name, speakers.iter().map(String::as_str)) {
            Some(speaker) => found.push(speaker.to_owned()),
            None => gone.push(name.trim().to_owned()),
        }
    }
    (sorted(found), gone)
}

fn without(speakers: &[String], taken: &[String]) -> Vec<String> {
    (speakers.iter())
        .filter(|s| !taken.contains(s))
        .cloned()
        .collect()
}

/// How many speakers a share of `n` is: at least one, but never all.
fn share(n: usize, part: f64) -> usize {
    ((n as f64 * part).round() as usize)
        .max(1)
        .min(n.saturating_sub(1))
}

/// What speakers are drawn for. It keeps the two draws independent.
#[derive(Clone, Copy)]
enum Purpose {
    Test = 1,
    Validation = 2,
}

/// Draws `count` speakers, fewer than there are in `from`, so that each sex has its
/// share among them.
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

    // One after the other, each from the group that is furthest behind its share.
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
    sorted(drawn)
}

/// Fisher-Yates. Written out, since the same seed must give the same split with
/// every later version of the libraries.
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
