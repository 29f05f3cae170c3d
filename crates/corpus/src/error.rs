//! What can go wrong, sorted by what the caller can do about it.

use std::io;
use std::path::{Path, PathBuf};

/// An error of this crate.
///
/// | variant | what to do next |
/// |---|---|
/// | [`Io`](Self::Io) | check the path, the permissions, the disk |
/// | [`Audio`](Self::Audio) | see [`audio::AudioError`] |
/// | [`Excerpt`](Self::Excerpt) | correct the times in the manifest, or the channel on the card |
/// | [`Card`](Self::Card) | correct the card, or name another one |
/// | [`Table`](Self::Table) | correct that line of the manifest |
/// | [`File`](Self::File) | correct the file |
/// | [`Sources`](Self::Sources) | ask for something that fits together |
/// | [`Layout`](Self::Layout) | read the folder in another way, or put other files into it |
/// | [`Labels`](Self::Labels) | map the labels, or choose a label set |
/// | [`Speakers`](Self::Speakers) | say who speaks, or name other speakers |
/// | [`Protocol`](Self::Protocol) | name another protocol |
/// | [`Synth`](Self::Synth) | correct the settings, or name an empty folder |
///
/// Where a setting of this crate would help, [`hint`](Self::hint) says which.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CorpusError {
    /// A file or folder could not be read or written.
    #[error("{}: {action}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What failed, such as "cannot read the manifest".
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A recording could not be decoded or written.
    #[error(transparent)]
    Audio(#[from] audio::AudioError),
    /// A recording lacks the segment or the channel that is asked for.
    #[error("{}: {what}", path.display())]
    Excerpt {
        /// The recording.
        path: PathBuf,
        /// What is asked for, and what the recording has.
        what: String,
    },
    /// A corpus card does not exist or contradicts itself.
    #[error("{}{what}", card_in_front(path.as_deref()))]
    Card {
        /// The card's file; `None` for a card that is not from a file.
        path: Option<PathBuf>,
        /// Which entry is wrong, and why.
        what: String,
    },
    /// A manifest has a mistake.
    #[error("{}{}: {what}", path.display(), line.map_or(String::new(), |n| format!(", line {n}")))]
    Table {
        /// The manifest.
        path: PathBuf,
        /// The line, counted from 1; `None` where the mistake is in no single line.
        line: Option<u64>,
        /// What is wrong.
        what: String,
    },
    /// A list of corpora, a label map or a protocol is not in its format.
    #[error("{}: {what}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What it should be, and what is wrong with it.
        what: String,
    },
    /// What is asked for does not fit together: folders, how to read them, names.
    #[error("{what}")]
    Sources {
        /// What does not fit, with the folder.
        what: String,
    },
    /// A folder does not hold what was asked for.
    #[error("{}: {what}", path.display())]
    Layout {
        /// The folder.
        path: PathBuf,
        /// What was looked for, and what is there.
        what: String,
        /// The setting that may help.
        hint: Option<Hint>,
    },
    /// The labels of corpora do not go together, or a label does not exist.
    #[error("{what}")]
    Labels {
        /// Which labels, with the corpus or the file.
        what: String,
        /// The setting that may help.
        hint: Option<Hint>,
    },
    /// The speakers cannot be kept apart as asked.
    #[error("{what}")]
    Speakers {
        /// Which speakers, with the corpus.
        what: String,
        /// The setting that may help.
        hint: Option<Hint>,
    },
    /// A protocol does not exist, or cannot be run on this corpus.
    #[error("{what}")]
    Protocol {
        /// Which one, and why not.
        what: String,
    },
    /// A synthetic corpus cannot be written as asked.
    #[error("{what}")]
    Synth {
        /// Which setting or which folder, and why not.
        what: String,
    },
}

/// The setting that may help after an error.
///
/// Messages name no option of any program. A program that offers these settings
/// can add the option's name to the message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hint {
    /// Say how to read the folder ([`CorpusSource::corpus`](crate::CorpusSource::corpus)):
    /// in one of these ways, or by the name or path of a card where none is given.
    ReadAs(Vec<String>),
    /// Say where the paths name the speaker
    /// ([`CorpusSource::speaker_pattern`](crate::CorpusSource::speaker_pattern)), write
    /// a manifest, or hold nobody out (empty lists for
    /// [`split_by_speaker`](crate::split_by_speaker)).
    SpeakerPattern,
    /// Rename or drop labels ([`Sources::labels`](crate::Sources::labels)).
    LabelMap,
    /// Choose between common and all labels
    /// ([`Sources::label_set`](crate::Sources::label_set)), as a rule after a label map.
    LabelSet,
}

impl CorpusError {
    /// The setting that may help, where there is one.
    pub fn hint(&self) -> Option<&Hint> {
        match self {
            Self::Layout { hint, .. } | Self::Labels { hint, .. } | Self::Speakers { hint, .. } => {
                hint.as_ref()
            }
            _ => None,
        }
    }

    /// For `map_err`: what failed on which path.
    pub(crate) fn io(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            path: path.to_path_buf(),
            action,
            source,
        }
    }

    pub(crate) fn layout(path: &Path, what: impl Into<String>) -> Self {
        Self::Layout {
            path: path.to_path_buf(),
            what: what.into(),
            hint: None,
        }
    }

    /// For `map_err`: a file whose content is wrong.
    pub(crate) fn file(path: &Path) -> impl FnOnce(String) -> Self {
        move |what| Self::File {
            path: path.to_path_buf(),
            what,
        }
    }

    pub(crate) fn sources(what: String) -> Self {
        Self::Sources { what }
    }

    pub(crate) fn labels(what: String) -> Self {
        Self::Labels { what, hint: None }
    }

    pub(crate) fn speakers(what: String) -> Self {
        Self::Speakers { what, hint: None }
    }

    pub(crate) fn protocol(what: String) -> Self {
        Self::Protocol { what }
    }

    pub(crate) fn synth(what: String) -> Self {
        Self::Synth { what }
    }

    /// The same error with the setting that may help.
    pub(crate) fn with_hint(mut self, setting: Hint) -> Self {
        if let Self::Layout { hint, .. } | Self::Labels { hint, .. } | Self::Speakers { hint, .. } =
            &mut self
        {
            *hint = Some(setting);
        }
        self
    }
}

/// The text of a TOML error, which shows the line.
pub(crate) fn toml_text(error: &toml::de::Error) -> String {
    error.to_string().trim_end().to_owned()
}

fn card_in_front(path: Option<&Path>) -> String {
    path.map_or(String::new(), |path| {
        format!(
            "{}: not a usable corpus card (datasets/README.md says how to write one): ",
            path.display()
        )
    })
}

/// Returns the formatted text as the error where the condition is false. For
/// checks whose caller knows which variant and which file the text belongs to.
macro_rules! ensure {
    ($condition:expr, $($text:tt)+) => {
        match $condition {
            true => {}
            false => return Err(format!($($text)+)),
        }
    };
}
pub(crate) use ensure;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_begins_with_the_place_and_ends_with_the_reason() {
        let table = |line| CorpusError::Table {
            path: "list.csv".into(),
            line,
            what: "the path is empty".into(),
        };
        assert_eq!(
            table(Some(3)).to_string(),
            "list.csv, line 3: the path is empty"
        );
        assert_eq!(table(None).to_string(), "list.csv: the path is empty");
        let card = CorpusError::Card {
            path: Some("mine.toml".into()),
            what: "labels: a code or a name is empty".into(),
        };
        assert!(card.to_string().starts_with("mine.toml: not a usable"));
        let error = CorpusError::io(Path::new("a"), "cannot read the folder")(
            io::ErrorKind::PermissionDenied.into(),
        );
        assert_eq!(
            error.to_string(),
            "a: cannot read the folder: permission denied"
        );
    }

    #[test]
    fn a_hint_is_kept_by_the_errors_that_have_one() {
        let error = CorpusError::labels("x".into()).with_hint(Hint::LabelMap);
        assert_eq!(error.hint(), Some(&Hint::LabelMap));
        let error = CorpusError::protocol("x".into()).with_hint(Hint::LabelMap);
        assert_eq!(error.hint(), None);
    }
}
