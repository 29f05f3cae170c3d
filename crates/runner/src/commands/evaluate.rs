//! `runner evaluate`: a model's figures on a corpus.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use audio::Features;
use model::Recognizer;

use super::{ensure_some, list, scan};
use crate::corpus::{Clip, same_speaker};
use crate::features::extract_all;
use crate::report::text;
use crate::settings::Variant;
use crate::training::is_synthetic;
use crate::trial::usable;
use crate::{cli, evaluation, progress, run_folder};

/// Classifies the corpus's clips and prints the figures.
pub fn run(args: cli::Evaluate) -> Result<ExitCode> {
    let file = run_folder::model_file(Some(&args.model))?;
    let recognizer = Recognizer::open_on(&file, usable(args.backend)?)?;
    let provenance = recognizer.description().provenance.clone();
    let card = args
        .corpus
        .unwrap_or_else(|| provenance.corpus_card.clone());
    let corpus = scan(&args.dir, &card)?;
    evaluation::same_labels(&recognizer, &corpus)?;

    // The model may have been fitted to these voices; another corpus's names are other people.
    let same_corpus =
        provenance.corpus_card == card && provenance.synthetic == is_synthetic(&corpus);
    let among = |speaker: &str, speakers: &[String]| {
        same_speaker(speaker, speakers.iter().map(String::as_str)).is_some()
    };
    let seen = |speaker: &str| {
        same_corpus
            && (among(speaker, &provenance.train_speakers)
                || among(speaker, &provenance.validation_speakers))
    };
    let wanted = |clip: &Clip| match &args.speakers {
        Some(speakers) => among(&clip.speaker, speakers),
        None => !seen(&clip.speaker),
    };
    let clips: Vec<&Clip> = corpus.clips.iter().filter(|clip| wanted(clip)).collect();
    ensure_some(
        clips.len(),
        "no recording of the speakers asked for; by default those the model was trained on are \
         left out, `--speakers` names others",
    )?;
    let heard = clips.iter().any(|clip| seen(&clip.speaker));

    let paths: Vec<&Path> = clips.iter().map(|clip| clip.path.as_path()).collect();
    let bar = progress::bar("features", paths.len() as u64);
    let spec = &recognizer.description().features;
    let (features, failed) =
        extract_all(&corpus.root, &paths, spec, &Variant::default(), None, &bar)?;
    bar.finish_and_clear();
    let readable: Vec<(&Clip, &Features)> = clips
        .iter()
        .zip(&features)
        .filter_map(|(clip, features)| Some((*clip, features.as_ref()?)))
        .collect();
    let predictions = evaluation::predict(&recognizer, &corpus, &readable)?;
    let matrix = predictions.confusion_matrix();
    println!("{}", text::summary(&matrix));
    if let Some(folder) = &args.out {
        let voices = if heard {
            "some of them trained on"
        } else {
            "never heard"
        };
        let title = format!("{}: speakers {voices}", corpus.card.name);
        evaluation::write(folder, &predictions, recognizer.description(), &title)?;
        println!("Results: {}", folder.display());
    }
    let some_failed = !failed.is_empty();
    list(
        "error",
        failed.into_iter().map(|failure| failure.message).collect(),
    );
    let voices = if heard {
        "speakers SOME OF WHOM THE MODEL WAS TRAINED ON: this says nothing about strangers"
    } else {
        "speakers never heard in training"
    };
    let mut speakers: Vec<&str> = readable.iter().map(|(clip, _)| &*clip.speaker).collect();
    speakers.sort_unstable();
    speakers.dedup();
    match matrix.uar() {
        Some(uar) => println!("UAR {uar:.3} on {} {voices}", speakers.len()),
        None => println!("UAR not measured: no recording could be read"),
    }
    Ok(if some_failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}
