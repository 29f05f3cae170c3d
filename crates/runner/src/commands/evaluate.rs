//! `runner evaluate`: a model's figures on a corpus.

use std::collections::HashSet;
use std::process::ExitCode;

use anyhow::Result;
use audio::Features;
use model::{Provenance, Recognizer};

use super::{describe, ensure_some, list, sources};
use crate::corpus::{AUTO, Clip, Corpus, CorpusCard, is_unknown, people_and_name, same_speaker};
use crate::features::extract_all;
use crate::report::text;
use crate::settings::Variant;
use crate::sound::Sound;
use crate::training::is_synthetic;
use crate::trial::usable;
use crate::{cli, evaluation, progress, run_folder};

/// Classifies the corpus's clips and prints the figures.
pub fn run(args: cli::Evaluate) -> Result<ExitCode> {
    let file = run_folder::model_file(&args.model)?;
    let recognizer = Recognizer::open_on(&file, usable(args.backend)?)?;
    let provenance = recognizer.description().provenance.clone();
    // As the training's, if that was by cards, and of as many folders.
    let read_as = match provenance.corpus_card.as_str() {
        "folders" | "manifest" => AUTO,
        cards if [1, args.dirs.len()].contains(&cards.split('+').count()) => cards,
        _ => AUTO,
    };
    let sources = sources(&args.dirs, read_as, &args.corpus)?;
    let corpus = sources.open_for(&recognizer.description().labels)?;
    describe(&corpus);

    let heard_of = Heard::new(&provenance, is_synthetic(&corpus));
    let seen = |clip: &Clip| heard_of.knows(&corpus, clip);
    let wanted = |clip: &Clip| match &args.speakers {
        Some(speakers) => {
            same_speaker(&clip.speaker, speakers.iter().map(String::as_str)).is_some()
        }
        None => !seen(clip),
    };
    let clips: Vec<&Clip> = corpus.clips.iter().filter(|clip| wanted(clip)).collect();
    ensure_some(
        clips.len(),
        "no recording of the speakers asked for; by default those the model was trained on are \
         left out, `--speakers` names others",
    )?;
    let voices = match (
        clips.iter().any(|clip| seen(clip)),
        clips.iter().any(|clip| is_unknown(&clip.speaker)),
    ) {
        (true, _) => Voices::Heard,
        (false, true) => Voices::Unknown,
        (false, false) => Voices::Unheard,
    };

    let sounds: Vec<Sound> = clips.iter().map(|clip| Sound::from(*clip)).collect();
    let bar = progress::bar("features", sounds.len() as u64);
    let spec = &recognizer.description().features;
    let (features, failed) =
        extract_all(&corpus.root, &sounds, spec, &Variant::default(), None, &bar)?;
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
        let voices = match voices {
            Voices::Heard => "some of them trained on",
            Voices::Unknown => "not known",
            Voices::Unheard => "never heard",
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
    let voices = match voices {
        Voices::Heard => {
            "speakers SOME OF WHOM THE MODEL WAS TRAINED ON: this says nothing about strangers"
        }
        Voices::Unknown => {
            "groups of speakers, some of them NOBODY KNOWS WHO: they may have been trained on"
        }
        Voices::Unheard => "speakers never heard in training",
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

/// Whose voices the figures are of.
#[derive(Clone, Copy)]
enum Voices {
    /// Some were trained on.
    Heard,
    /// Of some nobody knows who speaks.
    Unknown,
    /// All are strangers to the model.
    Unheard,
}

/// Whom a model was fitted to: names of people, each within their corpus, since
/// another corpus's names are other people.
struct Heard {
    speakers: HashSet<(String, String)>,
}

impl Heard {
    /// Those that the model's provenance names; nobody where it was trained on
    /// synthetic voices and these are not, or the other way round.
    fn new(provenance: &Provenance, synthetic: bool) -> Self {
        let of_model = match CorpusCard::named(&provenance.corpus_card) {
            Ok(card) => card.people().to_owned(),
            Err(_) => provenance.corpus_card.clone(),
        };
        let speakers = provenance.train_speakers.iter();
        let speakers = speakers
            .chain(&provenance.validation_speakers)
            .filter(|_| provenance.synthetic == synthetic)
            .map(|speaker| match people_and_name(speaker) {
                ("", name) => (of_model.clone(), bare(name)),
                (people, name) => (people.to_owned(), bare(name)),
            });
        Self {
            speakers: speakers.collect(),
        }
    }

    /// Whether the clip's voice is known to be among them.
    fn knows(&self, corpus: &Corpus, clip: &Clip) -> bool {
        let Some(member) = corpus.members.get(clip.member) else {
            return false;
        };
        let (_, name) = people_and_name(&clip.speaker);
        // A folder or manifest is known to a model by the way it was read alone.
        let ways = [&member.people, &member.read_as];
        !is_unknown(name)
            && ways.iter().any(|people| {
                let key = ((*people).clone(), bare(name));
                self.speakers.contains(&key)
            })
    }
}

/// A speaker's number is the same with and without zeros in front.
fn bare(name: &str) -> String {
    let bare = name.trim_start_matches('0');
    if bare.is_empty() { name } else { bare }.to_owned()
}
