//! `affekt evaluate`: a model's figures on a corpus.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use metrics::ConfusionMatrix;
use model::{Backend, Recognizer};
use report::plots::confusion_matrix_svg;
use training::run_folder::{model_file, write_test};
use training::{Exposure, corpus_for, predict, sturdy};

use crate::backend;
use crate::corpus_options::{self, CorpusOptions};
use crate::encoder_process::Ffmpeg;
use crate::output::{plural, write_file};
use crate::sturdiness;
use crate::terminal::Terminal;
use crate::test_clips::TestClips;

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

    let terminal = Terminal::new()?;
    let test = TestClips::read(&corpus, description, args.speakers.as_deref(), &terminal)?;
    let exposure = test.exposure;
    let predictions = predict(&recognizer, &corpus, &test.pairs())?;
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
        let encoder = sturdiness::encoder(&ffmpeg);
        let disturbed = sturdy::disturb(&recognizer, &corpus, &test.clips(), encoder, &terminal)?;
        sturdiness::report(&disturbed, args.out.as_deref())?;
    }
    let failed = test.report_failures();
    println!(
        "{}",
        last_line(&matrix, predictions.speakers().len(), exposure)
    );
    Ok(match failed {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
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
