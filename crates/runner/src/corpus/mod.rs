//! Speech corpora as data: a card says what a corpus is, a scan finds its
//! recordings, a split sets whole speakers apart.
//!
//! 1. [`CorpusCard`] describes a corpus: how its files are named, which part of
//!    a name is the emotion and which the speaker, where to get it, under what
//!    terms. Cards are TOML files that people can read; those in `datasets/`
//!    are built in, and a user's own is loaded from a path.
//! 2. [`Corpus::scan`] walks a folder, reads every file name strictly by the
//!    card, and returns the [`Clip`]s in a fixed order, with every sound file
//!    that does not fit and the reason.
//! 3. [`split_by_speaker`] divides the clips so that no voice is in two parts.
//!    A random division of clips would let the model recognise the speaker, and
//!    measure that instead of the emotion.
//!
//! Nothing here opens a recording: what a corpus is, is told by its names.

mod card;
mod names;
mod scan;
mod split;

pub use card::{
    CorpusCard, DefaultSplit, FileNames, Fold, Label, Part, Protocol, Sex, Source, Speaker,
};
pub use scan::{Clip, Corpus, Counts, Skipped};
pub use split::{Chosen, Split, split_by_speaker};

use std::cmp::Ordering;

/// Orders speaker names as people do: numbers by value, before other names by
/// letters ("2" before "10" before "DC").
pub(crate) fn speaker_order(a: &str, b: &str) -> Ordering {
    match (a.parse::<u64>(), b.parse::<u64>()) {
        (Ok(x), Ok(y)) => x.cmp(&y).then_with(|| a.cmp(b)),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        (Err(_), Err(_)) => a.cmp(b),
    }
}

/// The one of `known` that `given` means: the same name, or the same but for
/// zeros in front ("01" means "1", "3" means "03").
pub(crate) fn same_speaker<'a>(
    given: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let bare = |name: &str| name.trim_start_matches('0').to_owned();
    let given = given.trim();
    let mut alike = None;
    for name in known {
        if name == given {
            return Some(name);
        }
        if alike.is_none() && !bare(given).is_empty() && bare(name) == bare(given) {
            alike = Some(name);
        }
    }
    alike
}
