//! Speech corpora as data: labelled clips with their speakers, and splits that
//! keep the speakers apart.
//!
//! 1. [`Sources`] says what to read: one folder or several, and how.
//!    [`Sources::open`] makes a [`Corpus`] of it, a list of [`Clip`]s with
//!    their labels and speakers.
//! 2. A folder is read in one of three ways. `auto` finds out which by what
//!    the folder holds:
//!    - by a [`CorpusCard`]: a TOML file that says how the files are named, and
//!      which part of a name is the emotion and which the speaker. The cards in
//!      `datasets/` are built in;
//!    - as *a folder per label*, for recordings that somebody sorted by hand;
//!    - by a *manifest*: a CSV file with a line for each clip.
//! 3. A [`LabelMap`] renames, merges and drops labels. Several corpora are
//!    combined over a common [`LabelSet`].
//! 4. [`split_by_speaker`] divides the clips into training, validation and test
//!    so that no speaker is in two parts. [`Folds`] does it for every fold of an
//!    evaluation protocol. A random split of clips would let a model recognise
//!    the speaker, and would measure that instead of the emotion.
//! 5. [`Excerpt::open`] decodes the part of a file that a clip is, and
//!    [`map_recordings`] decodes many, each file once.
//!
//! ```
//! use corpus::synth::{SynthSettings, write_corpus};
//! use corpus::{AUTO, Excerpt, Sources, split_by_speaker};
//!
//! # let folder = tempfile::tempdir().unwrap();
//! # let folder = folder.path().to_path_buf();
//! // Recordings to try things on: four synthetic speakers, eight emotions.
//! let small = SynthSettings { speakers: 4, takes_per_emotion: 1, seed: 1 };
//! write_corpus(&folder, &small, |_done, _all| {})?;
//!
//! // The files are named as in RAVDESS, so its card reads them.
//! let corpus = Sources::new(&[folder], AUTO)?.open()?;
//! assert_eq!(corpus.read_as(), "ravdess");
//! assert_eq!(corpus.clips.len(), 4 * 8);
//! assert_eq!(corpus.speakers(), ["1", "2", "3", "4"]);
//!
//! // Whole speakers are held out. Here they are named; without names, they are
//! // the card's own or drawn with the seed.
//! let test = ["3".to_owned()];
//! let split = split_by_speaker(&corpus, Some(&test), None, 42)?;
//! assert_eq!(split.test.len(), 8);
//! assert!(!split.train_speakers.contains(&"3".to_owned()));
//!
//! let clip = &corpus.clips[split.test[0]];
//! assert_eq!(corpus.card.label_names()[clip.label], "neutral");
//! assert_eq!(Excerpt::from(clip).open()?.sample_rate(), 16_000);
//! # Ok::<(), corpus::CorpusError>(())
//! ```
//!
//! Reading is strict: a file that does not fit is listed with the reason
//! ([`Corpus::skipped`]) or is an error. Nothing is guessed. Reading a corpus
//! looks at names and tables alone; the recordings are not opened.
//!
//! Errors are [`CorpusError`], sorted by what you can do about them.

mod card;
pub mod check;
mod combine;
mod counts;
mod cuts;
mod detect;
mod duplicates;
mod error;
mod excerpt;
mod file_names;
mod folders;
mod label_table;
mod labels;
mod manifest;
pub mod protocol;
mod scan;
mod sources;
mod speakers;
mod spelling;
mod split;
pub mod synth;
mod table;
#[cfg(test)]
mod testing;
pub mod walk;

pub use card::{
    CorpusCard, DefaultSplit, FileNames, Fold, Label, LabelTable, Part, Protocol, Sex, Source,
    Speaker,
};
pub use combine::LabelSet;
pub use counts::Counts;
pub use cuts::map_recordings;
pub use error::{CorpusError, Hint};
pub use excerpt::Excerpt;
pub use labels::LabelMap;
pub use manifest::{LabelledClip, labelled_clips};
pub use protocol::Folds;
pub use scan::{Clip, Corpus, Member, Segment, Skipped};
pub use sources::{AUTO, CorpusSource, Sources};
pub use speakers::{
    UNKNOWN_SPEAKER, identity, is_unknown, people_and_name, same_speaker, speaker_order,
};
pub use split::{Chosen, Split, split_by_speaker};

// Corpora and errors cross threads: clips are decoded in parallel.
const _: () = {
    const fn crosses_threads<T: Send + Sync>() {}
    crosses_threads::<Corpus>();
    crosses_threads::<Sources>();
    crosses_threads::<Folds>();
    crosses_threads::<Split>();
    crosses_threads::<Excerpt<'static>>();
    crosses_threads::<CorpusError>();
};
