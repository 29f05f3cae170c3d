//! Speech corpora as data: labelled clips with their speakers, from whatever
//! says so, and a split that sets whole speakers apart.
//!
//! 1. [`Sources`] is what a user names: one folder or several, and how to read
//!    them. [`Sources::open`] makes a [`Corpus`] of it.
//! 2. A folder is read in one of three ways, and `auto` finds out which by
//!    what it holds:
//!    - by a [`CorpusCard`], which says how a corpus's files are named, which
//!      part of a name is the emotion and which the speaker. Cards are TOML
//!      files that people can read; those in `datasets/` are built in;
//!    - as *a folder per label*, for recordings that somebody sorted;
//!    - by a *manifest*, a CSV file with a line for each clip.
//! 3. A [`LabelMap`] renames, merges and drops classes, and several corpora are
//!    put together over a common [`LabelSet`].
//! 4. [`split_by_speaker`] divides the clips so that no voice is in two parts.
//!    A random division of clips would let the model recognise the speaker, and
//!    measure that instead of the emotion.
//!
//! Reading is strict: what does not fit is listed with the reason or is an
//! error, never guessed at. Nothing here opens a recording: what a corpus is,
//! is told by names and by a manifest.

mod card;
mod combine;
mod counts;
mod detect;
mod folders;
mod labels;
mod manifest;
mod names;
mod scan;
mod sources;
mod split;
#[cfg(test)]
mod testing;
mod walk;

pub use card::{
    CorpusCard, DefaultSplit, FileNames, Fold, Label, Part, Protocol, Sex, Source, Speaker,
};
pub use combine::LabelSet;
pub use counts::Counts;
pub use labels::LabelMap;
pub use scan::{Clip, Corpus, Member, Segment, Skipped};
pub use sources::{AUTO, CorpusSource, Sources};
pub(crate) use split::refuse_unknown_speakers;
pub use split::{Chosen, Split, split_by_speaker};

use std::cmp::Ordering;

use anyhow::{Result, ensure};

/// Stands for the speaker of clips of whom nobody knows who speaks. All of them
/// together are kept in one part, since any two may be of one voice.
pub const UNKNOWN_SPEAKER: &str = "?";

/// Orders speaker names as people do: numbers by value, before other names by
/// letters ("2" before "10" before "DC"), each within its corpus.
pub(crate) fn speaker_order(a: &str, b: &str) -> Ordering {
    let ((corpus_a, a), (corpus_b, b)) = (people_and_name(a), people_and_name(b));
    let by_name = match (a.parse::<u64>(), b.parse::<u64>()) {
        (Ok(x), Ok(y)) => x.cmp(&y).then_with(|| a.cmp(b)),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        (Err(_), Err(_)) => a.cmp(b),
    };
    corpus_a.cmp(corpus_b).then(by_name)
}

/// The one of `known` that `given` means: the same name, or the same but for
/// zeros in front ("01" means "1", "3" means "03").
pub(crate) fn same_speaker<'a>(
    given: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    fn bare(speaker: &str) -> (&str, &str) {
        let (corpus, name) = people_and_name(speaker);
        (corpus, name.trim_start_matches('0'))
    }
    let given = given.trim();
    let mut alike = None;
    for name in known {
        if name == given {
            return Some(name);
        }
        if alike.is_none() && !bare(given).1.is_empty() && bare(name) == bare(given) {
            alike = Some(name);
        }
    }
    alike
}

/// "ravdess:1" is speaker 1 of ravdess; without a colon there is one corpus.
pub(crate) fn people_and_name(speaker: &str) -> (&str, &str) {
    speaker.split_once(':').unwrap_or(("", speaker))
}

/// Whether nobody knows who this speaker is.
pub(crate) fn is_unknown(speaker: &str) -> bool {
    people_and_name(speaker).1 == UNKNOWN_SPEAKER
}

/// Refuses a name of a speaker that the command line or the names of result
/// folders could not hold.
fn check_speaker(name: &str) -> Result<()> {
    ensure!(
        !name.is_empty() && name != UNKNOWN_SPEAKER && name != "none",
        "{name:?} is no name for a speaker"
    );
    ensure!(
        !name.contains(['/', '\\', ':', ',']) && !name.contains(char::is_control),
        "the speaker {name:?} has one of / \\ : , in the name; give another name"
    );
    Ok(())
}

/// A name of letters, digits, `-`, `_` and `.`, as cards have it, from any text.
fn short_name(text: &str) -> String {
    let name: String = (text.chars())
        .map(|c| match c.is_ascii_alphanumeric() || "-_.".contains(c) {
            true => c,
            false => '-',
        })
        .collect();
    match name.is_empty() || [".", "..", AUTO].contains(&name.as_str()) {
        true => "recordings".to_owned(),
        false => name,
    }
}
