//! The check of the recordings before a training, and what it prints.

use anyhow::{Result, bail};
use corpus::check::{Finding, Findings, check, measure};
use corpus::{Corpus, Split};
use training::{Event, Observer, Stage};

use crate::output::count;

/// How many clips of a finding are named.
const NAMED: usize = 20;

/// Measures all clips and checks them; the observer is told of every clip.
pub fn findings(corpus: &Corpus, splits: &[Split], observer: &dyn Observer) -> Findings {
    observer.notice(Event::Begin {
        stage: Stage::Check,
        steps: corpus.clips.len() as u64,
        done: 0,
    });
    let measures = measure(corpus, || observer.notice(Event::Advance(1)));
    observer.notice(Event::End);
    check(corpus, &measures, splits)
}

/// Prints on standard error what was found.
pub fn print(found: &Findings) {
    let warnings = found.warnings.iter().map(|finding| ("warning", finding));
    let errors = found.errors.iter().map(|finding| ("error", finding));
    for (kind, Finding { what, clips, .. }) in warnings.chain(errors) {
        eprintln!("{kind}: {what}");
        for clip in clips.iter().take(NAMED) {
            eprintln!("  {clip}");
        }
        if clips.len() > NAMED {
            eprintln!("  and {} more", clips.len() - NAMED);
        }
    }
}

/// Checks the recordings of a training and prints what was found.
///
/// # Errors
///
/// Where something makes the training pointless or its result wrong.
pub fn before_training(corpus: &Corpus, splits: &[Split], observer: &dyn Observer) -> Result<()> {
    let found = findings(corpus, splits, observer);
    print(&found);
    if found.errors.is_empty() {
        return Ok(());
    }
    bail!(
        "the check of the recordings found {}, named above; mend the corpus, or train all the \
         same with --no-check",
        count(found.errors.len(), "error")
    );
}
