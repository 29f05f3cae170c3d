//! An error as people read it: the message, and the option that helps.
//!
//! Libraries name no option of this program; where an error has a setting that
//! may help ([`corpus::Hint`]), the option's name is added here.

use anyhow::Error;
use corpus::{CorpusError, Hint};
use training::TrainingError;

/// The message on one line or several, without `error:`.
pub fn message(error: &Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        // Some messages contain their cause already.
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    match hint(error).map(options) {
        Some(options) => format!("{text}\n{options}"),
        None => text,
    }
}

/// The setting that may help.
fn hint(error: &Error) -> Option<&Hint> {
    error.chain().find_map(|cause| {
        let inner = match cause.downcast_ref::<TrainingError>() {
            Some(TrainingError::Corpus(inner)) => Some(inner),
            _ => cause.downcast_ref::<CorpusError>(),
        };
        inner?.hint()
    })
}

/// How to make that setting on the command line.
fn options(hint: &Hint) -> String {
    match hint {
        Hint::ReadAs(ways) if !ways.is_empty() => {
            let ways: Vec<String> = ways.iter().map(|way| format!("--corpus {way}")).collect();
            format!("use {}", ways.join(" or "))
        }
        Hint::SpeakerPattern => "use --speaker-pattern '(?<speaker>...)', or hold nobody out: \
             --test-speakers none --validation-speakers none"
            .into(),
        Hint::LabelMap => "use --labels MAP.toml (datasets/README.md)".into(),
        Hint::LabelSet => "use --label-set common or --label-set all".into(),
        _ => "use --corpus with the name or the file of a card".into(),
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn a_cause_is_said_once() {
        let cause = || std::io::Error::other("the disk is full");
        let repeated = Error::new(TrainingError::Io {
            path: "a.csv".into(),
            source: cause(),
        });
        assert_eq!(message(&repeated), "a.csv: the disk is full");
        let added = Err::<(), _>(cause()).context("cannot write a.csv");
        assert_eq!(
            message(&added.unwrap_err()),
            "cannot write a.csv: the disk is full"
        );
    }

    #[test]
    fn an_error_of_a_corpus_names_the_option_that_helps() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["anger/a.wav", "joy/b.wav", "ann/c.wav"] {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let sources = corpus::Sources::new(&[folder.path().into()], "auto").unwrap();
        let error = sources.open().unwrap_err();
        let said = message(&Error::new(TrainingError::Corpus(error)));
        assert!(said.ends_with("use --corpus folders"), "{said}");
    }
}
