//! Names that are written in several ways: `Angry` and `angry`, `M3` and `m3`.
//!
//! A label in two spellings would be two classes. A speaker in two spellings could
//! be trained on as one and tested as the other, and "never heard in training"
//! would be untrue. So names that differ only in case, in spaces, or in how an
//! accent is encoded are one name; speakers also where they differ in zeros in
//! front of a number.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use unicode_normalization::UnicodeNormalization;

/// What two spellings of one name have in common.
pub(crate) fn key(name: &str) -> String {
    let words: Vec<&str> = name.split_whitespace().collect();
    words
        .join(" ")
        .nfkc()
        .flat_map(char::to_lowercase)
        .nfc()
        .collect()
}

/// As [`key`], for the name of a speaker: zeros in front of a number do not count.
pub(crate) fn speaker_key(name: &str) -> String {
    let key = key(name);
    let bare = key.trim_start_matches('0');
    match bare.starts_with(|c: char| c.is_ascii_digit()) {
        true => bare.to_owned(),
        false => key,
    }
}

/// One spelling for each name.
pub(crate) struct Spelling {
    chosen: HashMap<String, String>,
    /// The other spellings of a name that has several, with the chosen one.
    several: BTreeMap<String, Vec<String>>,
}

impl Spelling {
    /// Chooses, of the spellings of a name, the one that is there most often; of
    /// those as often, the first in alphabetical order from the small letters on.
    pub(crate) fn new<'a>(
        names: impl IntoIterator<Item = &'a str>,
        key: fn(&str) -> String,
    ) -> Self {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for name in names {
            *counts.entry(name).or_default() += 1;
        }
        let mut groups: BTreeMap<String, Vec<(&str, usize)>> = BTreeMap::new();
        for (name, count) in counts {
            groups.entry(key(name)).or_default().push((name, count));
        }
        let (mut chosen, mut several) = (HashMap::new(), BTreeMap::new());
        for group in groups.into_values() {
            // Small letters come after capital ones in the order of bytes.
            let best = group.iter().max_by_key(|(name, count)| (*count, *name));
            let Some((best, _)) = best else { continue };
            for (name, _) in &group {
                chosen.insert((*name).to_owned(), (*best).to_owned());
            }
            if group.len() > 1 {
                let others = group.iter().map(|(name, _)| *name).filter(|n| n != best);
                several.insert((*best).to_owned(), others.map(str::to_owned).collect());
            }
        }
        Self { chosen, several }
    }

    /// The chosen spelling of a name.
    pub(crate) fn of<'a>(&'a self, name: &'a str) -> Cow<'a, str> {
        self.chosen.get(name).map_or(name, String::as_str).into()
    }

    /// What was taken for what, for people: `speaker m3, also written M3`.
    pub(crate) fn notes(&self, what: &str) -> Vec<String> {
        let lines = self.several.iter();
        lines
            .map(|(name, others)| format!("{what} {name}, also written {}", others.join(", ")))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_name_are_folded_into_the_most_frequent() {
        let names = ["Angry", "angry", "angry ", "sad", "JOY", "Joy"];
        let spelling = Spelling::new(names, key);
        let folded: Vec<_> = names.iter().map(|name| spelling.of(name)).collect();
        assert_eq!(folded, ["angry ", "angry ", "angry ", "sad", "Joy", "Joy"]);
        assert_eq!(spelling.notes("label")[0], "label Joy, also written JOY");
    }

    #[test]
    fn accents_are_the_same_composed_and_decomposed() {
        assert_eq!(key("Zoe\u{308}"), key("zo\u{eb}"));
        assert_ne!(key("zoe"), key("zo\u{eb}"));
    }

    #[test]
    fn zeros_in_front_of_a_speakers_number_do_not_count() {
        for (a, b) in [("01", "1"), ("M3", "m3"), ("0", "0"), (" Ann  B", "ann b")] {
            assert_eq!(speaker_key(a), speaker_key(b), "{a} {b}");
        }
        for (a, b) in [("0x", "x"), ("00", "1"), ("10", "1")] {
            assert_ne!(speaker_key(a), speaker_key(b), "{a} {b}");
        }
    }
}
