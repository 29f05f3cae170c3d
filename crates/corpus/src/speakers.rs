//! Names of speakers: how they are ordered and compared.
//!
//! A speaker of one corpus has a plain name, `7` or `ann`. Where several corpora
//! are combined, the name of the people it belongs to stands in front:
//! `ravdess:7`.

use std::cmp::Ordering;

use crate::error::ensure;
use crate::spelling::speaker_key;

/// The speaker of clips whose speaker nobody knows. All such clips of a corpus
/// stay in one part of a split, since any two may have the same voice.
pub const UNKNOWN_SPEAKER: &str = "?";

/// Orders speakers as people do: by corpus, then numbers by value, then other
/// names by their letters ("2", "10", "DC").
pub fn speaker_order(a: &str, b: &str) -> Ordering {
    let ((corpus_a, a), (corpus_b, b)) = (people_and_name(a), people_and_name(b));
    let by_name = match (a.parse::<u64>(), b.parse::<u64>()) {
        (Ok(x), Ok(y)) => x.cmp(&y).then_with(|| a.cmp(b)),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        (Err(_), Err(_)) => a.cmp(b),
    };
    corpus_a.cmp(corpus_b).then(by_name)
}

/// The speaker among `known` that `given` names. Neither zeros in front nor capital
/// letters count: "01" names "1", "3" names "03", "ann" names "Ann". A name that is
/// exactly the same wins.
pub fn same_speaker<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given = given.trim();
    let mut alike = None;
    for name in known {
        if name == given {
            return Some(name);
        }
        if alike.is_none() && identity(name) == identity(given) {
            alike = Some(name);
        }
    }
    alike
}

/// What two ways to write a speaker's name have in common: the same people, and the
/// same name but for capital letters and zeros in front.
pub fn identity(speaker: &str) -> (&str, String) {
    let (people, name) = people_and_name(speaker);
    (people, speaker_key(name))
}

/// The parts of `ravdess:1`: the name of the people, and the speaker's name
/// among them. The first is empty where there is one corpus only.
pub fn people_and_name(speaker: &str) -> (&str, &str) {
    speaker.split_once(':').unwrap_or(("", speaker))
}

/// Whether nobody knows who this speaker is; see [`UNKNOWN_SPEAKER`].
pub fn is_unknown(speaker: &str) -> bool {
    people_and_name(speaker).1 == UNKNOWN_SPEAKER
}

/// Refuses a speaker's name that could not stand in a list of speakers or in
/// the name of a folder of results.
pub(crate) fn check_speaker(name: &str) -> Result<(), String> {
    ensure!(
        !name.is_empty() && name != UNKNOWN_SPEAKER && name != "none",
        "{name:?} cannot be the name of a speaker"
    );
    ensure!(
        !name.contains(['/', '\\', ':', ',']) && !name.contains(char::is_control),
        "the speaker {name:?} has one of / \\ : , in the name; give another name"
    );
    Ok(())
}

/// Sorts speakers and leaves each once.
pub(crate) fn sorted(mut speakers: Vec<String>) -> Vec<String> {
    speakers.sort_by(|a, b| speaker_order(a, b));
    speakers.dedup();
    speakers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speakers_of_several_corpora_are_ordered_within_each() {
        let mut speakers = ["b:10", "b:2", "a:x", "3", "a:1"];
        speakers.sort_by(|a, b| speaker_order(a, b));
        assert_eq!(speakers, ["3", "a:1", "a:x", "b:2", "b:10"]);
    }

    #[test]
    fn a_speaker_is_named_with_or_without_zeros_within_its_corpus() {
        let known = ["a:1", "b:1"];
        assert_eq!(same_speaker("b:01", known), Some("b:1"));
        assert_eq!(same_speaker("1", known), None);
        assert_eq!(same_speaker(" 3", ["03", "3"]), Some("3"));
        assert_eq!(same_speaker("0", ["00"]), None);
        assert_eq!(same_speaker("m03", ["M3", "M03"]), Some("M03"));
    }
}
