//! `affekt evaluate`: a model's figures on a corpus.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use audio::Features;
use corpus::{Clip, Corpus, Excerpt, same_speaker};
use metrics::ConfusionMatrix;
use model::{Backend, Recognizer};
use report::plots::confusion_matrix_svg;
use training::run_folder::{model_file, write_test};
use training::{
    Event, Exposure, Observer, Stage, TrainedOn, Variant, corpus_for, extract_all, predict, sturdy,
};

use crate::backend;
use crate::corpus_options::{self, CorpusOptions};
use crate::encoder_process::Ffmpeg;
use crate::output::{ensure_some, list, plural, write_file};
use crate::sturdiness;
use crate::terminal::Terminal;

/// `affekt evaluate`.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  affekt evaluate runs/2026-01-31-ravdess ravdess/          the speakers that it never heard
  affekt evaluate runs/2026-01-31-ravdess emodb/ --corpus auto --labels map.toml
  affekt evaluate runs/2026-01-31-ravdess ravdess/ --sturdy

Without --corpus the folders are read as those of the training were. Labels are
compared by name; the model must know all that the recordings have, and a map
renames or drops what it does not. A model that was trained with a map is
evaluated with the same one.")]
pub struct Args {
    /// A model file or a run's folder
    pub model: PathBuf,
    /// Folders of recordings, manifests (.csv) or a list of corpora (.toml)
    #[arg(required = true, value_name = "DIR|FILE")]
    pub dirs: Vec<PathBuf>,
    /// How they are read.
    #[command(flatten)]
    pub corpus: CorpusOptions,
    /// Only these speakers [default: those the model was not trained on]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub speakers: Option<Vec<String>>,
    /// Write predictions.csv, report.json and confusion_matrix.svg there
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// Also measure how sturdy it is: at other levels, with noise, clicks, a telephone,
    /// codecs (by FFmpeg, where installed), other speeds, and on short pieces
    #[arg(long)]
    pub sturdy: bool,
    /// Where to compute: auto, flex, ndarray or wgpu
    #[arg(long, default_value_t = Backend::Auto)]
    pub backend: Backend,
}

/// Classifies the corpus's clips and prints the figures.
pub fn run(args: &Args) -> Result<ExitCode> {
    let recognizer = Recognizer::builder()
        .model_file(model_file(&args.model)?)
        .backend(backend::usable(args.backend)?)
        .build()?;
    let description = recognizer.description();
    let default = corpus_for(&description.provenance, args.dirs.len());
    let sources = args.corpus.sources(&args.dirs, default)?;
    let corpus = sources.open_for(&description.labels)?;
    corpus_options::describe(&corpus);

    let trained_on = TrainedOn::new(&description.provenance, &corpus);
    let clips = wanted(args, &corpus, &trained_on);
    ensure_some(
        clips.len(),
        "no recording of the speakers asked for; by default those that the model was trained on \
         are left out, `--speakers` names others",
    )?;
    let exposure = trained_on.exposure(&corpus, &clips);

    let terminal = Terminal::new()?;
    let excerpts: Vec<Excerpt> = clips.iter().map(|clip| Excerpt::from(*clip)).collect();
    terminal.notice(Event::Begin {
        stage: Stage::Features,
        steps: excerpts.len() as u64,
        done: 0,
    });
    let plain = (&Variant::default(), 0);
    let extracted = extract_all(&excerpts, &description.features, plain, None, &terminal)?;
    terminal.notice(Event::End);
    let readable: Vec<(&Clip, &Features)> = clips
        .iter()
        .zip(&extracted.features)
        .filter_map(|(clip, features)| Some((*clip, features.as_ref()?)))
        .collect();
    let predictions = predict(&recognizer, &corpus, &readable)?;
    let matrix = predictions.confusion_matrix();
    println!("{}", report::text::confusion_matrix(&matrix));
    if let Some(folder) = &args.out {
        write_test(folder, &predictions, description)?;
        let title = format!("{}: {}", corpus.card.name, title(exposure));
        let picture = confusion_matrix_svg(&matrix, &title)?;
        write_file(&folder.join("confusion_matrix.svg"), picture.as_bytes())?;
        println!("Results: {}", folder.display());
    }
    if args.sturdy {
        let ffmpeg = Ffmpeg::find();
        let clips: Vec<&Clip> = readable.iter().map(|(clip, _)| *clip).collect();
        let encoder = sturdiness::encoder(&ffmpeg);
        let disturbed = sturdy::disturb(&recognizer, &corpus, &clips, encoder, &terminal)?;
        sturdiness::report(&disturbed, args.out.as_deref())?;
    }
    let failed: Vec<&str> = extracted.failed.iter().map(|f| &*f.message).collect();
    list("error", &failed);
    println!(
        "{}",
        last_line(&matrix, predictions.speakers().len(), exposure)
    );
    Ok(match failed.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// The clips of the speakers asked for, or of all that were not trained on.
fn wanted<'a>(args: &Args, corpus: &'a Corpus, trained_on: &TrainedOn) -> Vec<&'a Clip> {
    let is_wanted = |clip: &&Clip| match &args.speakers {
        Some(speakers) => {
            same_speaker(&clip.speaker, speakers.iter().map(String::as_str)).is_some()
        }
        None => !trained_on.contains(corpus, clip),
    };
    corpus.clips.iter().filter(is_wanted).collect()
}

/// Whose recordings a picture is of.
fn title(exposure: Exposure) -> &'static str {
    match exposure {
        Exposure::Unseen => "unseen speakers",
        Exposure::Seen => "speakers, some of them trained on",
        _ => "speakers, some of them unknown",
    }
}

/// The line that says how good the model is, and on whom.
fn last_line(matrix: &ConfusionMatrix, speakers: usize, exposure: Exposure) -> String {
    let Some(uar) = matrix.uar() else {
        return "UAR not measured: no recording could be read".into();
    };
    let whom = plural(speakers, "speaker");
    let exposed = match exposure {
        Exposure::Unseen => "never heard in training",
        Exposure::Seen => {
            "SOME OF WHOM THE MODEL WAS TRAINED ON: this says nothing about new speakers"
        }
        _ => "some of them UNKNOWN: the model may have been trained on them",
    };
    format!("UAR {uar:.3} on {speakers} {whom} {exposed}")
}
