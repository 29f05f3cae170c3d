//! Where a model comes from: what it will say of its corpus, speakers and day.

use corpus::synth::MARKER;
use corpus::{Corpus, Split};
use metrics::cross_validation::{Spread, Summary};
use model::{CrossValidation, Provenance};

use crate::settings::Settings;

/// Whether a program made the recordings, or some of them.
pub fn is_synthetic(corpus: &Corpus) -> bool {
    let mut roots = corpus.members.iter().map(|member| &member.root);
    roots.any(|root| root.join(MARKER).is_file())
}

/// The day, or the one that `SOURCE_DATE_EPOCH` names in seconds since 1970,
/// with which a model can be reproduced to the byte
/// (<https://reproducible-builds.org/specs/source-date-epoch/>).
pub(crate) fn today() -> String {
    let named = std::env::var("SOURCE_DATE_EPOCH").ok();
    let named = named.and_then(|seconds| jiff::Timestamp::from_second(seconds.parse().ok()?).ok());
    let day = match named {
        Some(time) => time.to_zoned(jiff::tz::TimeZone::UTC),
        None => jiff::Zoned::now(),
    };
    day.strftime("%Y-%m-%d").to_string()
}

/// What a model trained on this split says of where it comes from, before it is tested.
pub(crate) fn provenance(corpus: &Corpus, split: &Split, settings: &Settings) -> Provenance {
    let synthetic = is_synthetic(corpus);
    let (title, licence) = match synthetic {
        true => (
            "synthetic voices (a program's, not people's)",
            "none: nobody's recordings",
        ),
        false => (&*corpus.card.title, &*corpus.card.licence),
    };
    Provenance {
        corpus: title.into(),
        licence: licence.into(),
        corpus_card: settings.corpus.clone(),
        synthetic,
        train_speakers: split.train_speakers.clone(),
        validation_speakers: split.validation_speakers.clone(),
        test_speakers: split.test_speakers.clone(),
        seed: settings.seed,
        program_version: env!("CARGO_PKG_VERSION").into(),
        date: today(),
        ..Provenance::default()
    }
}

/// What a model keeps of the figures that a cross-validation of the same
/// settings found.
pub fn cross_validation_for_model(summary: &Summary) -> CrossValidation {
    let mean = |spread: Option<Spread>| spread.map_or(0.0, |spread| spread.mean);
    CrossValidation {
        protocol: summary.protocol_title.clone(),
        speakers: summary.speakers,
        clips: summary.clips,
        seeds: summary.seeds,
        uar: mean(summary.uar),
        uar_deviation: summary.uar.and_then(|uar| uar.deviation),
        uar_interval: summary.uar_interval,
        accuracy: mean(summary.accuracy),
        calibration_error: summary.calibration_error,
        recalls: (summary.classes.iter())
            .map(|row| (row.name.clone(), mean(row.figure)))
            .collect(),
        adapted: (summary
            .adaptation
            .iter()
            .filter(|adapted| !adapted.labelled))
        .map(|adapted| (adapted.clips, mean(adapted.uar)))
        .collect(),
    }
}
