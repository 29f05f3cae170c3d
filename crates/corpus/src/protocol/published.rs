//! Folds from a corpus's card or from a file.

use std::path::Path;

use super::{LEAKY, LOCO};
use crate::error::toml_text;
use crate::{Corpus, CorpusError, Protocol};

/// The protocol of this name on the corpus's card.
pub(super) fn on_card(name: &str, corpus: &Corpus) -> Option<Protocol> {
    let mut protocols = corpus.card.protocols.iter();
    protocols.find(|p| p.name == name).cloned()
}

/// The protocol in the file at this path.
///
/// # Errors
///
/// There is no such file, with the names that there are; or it is not a protocol.
pub(super) fn from_file(name: &str, corpus: &Corpus) -> Result<Protocol, CorpusError> {
    let path = Path::new(name);
    if !path.exists() {
        let card = corpus.card.protocols.iter().map(|p| p.name.as_str());
        let names: Vec<&str> = card.chain(["loso", LOCO, "k5", LEAKY]).collect();
        return Err(CorpusError::protocol(format!(
            "there is no protocol `{name}` for {}; there are {}, and the path of a file with \
             fixed lists",
            corpus.card.name,
            names.join(", ")
        )));
    }
    let text =
        std::fs::read_to_string(path).map_err(CorpusError::io(path, "cannot read the protocol"))?;
    toml::from_str(&text).map_err(|error| {
        CorpusError::file(path)(format!(
            "not a protocol; it has name, title, source and [[folds]] with name and test: {}",
            toml_text(&error)
        ))
    })
}
