//! `affekt train`: from a folder of recordings to a model tested on held-out speakers.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use corpus::synth::SynthSettings;
use corpus::{Corpus, Sources, Split, split_by_speaker};
use metrics::ConfusionMatrix;
use metrics::cross_validation::Summary;
use model::{Backend, Model};
use report::plots::{confusion_matrix_svg, learning_curves_svg};
use training::run_folder::model_file;
use training::{
    Experiment, FeatureTable, Fitted, Outcome, RESULTS, RunFolder, Settings,
    cross_validation_for_model, is_synthetic,
};

use super::synth;
use crate::backend;
use crate::check;
use crate::corpus_options::{self, CorpusOptions};
use crate::output::{list, plural, write_file};
use crate::settings_options::SettingsOptions;
use crate::terminal::{INTERRUPTED, Terminal};

/// Where the synthetic corpus goes when no folder is named.
const SYNTHETIC: &str = "runs/synthetic-corpus";

/// `affekt train`.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  affekt train                                  the synthetic corpus: tries everything out
  affekt train ravdess/                         RAVDESS; test speakers from its card
  affekt train ravdess/ --config emotion        the most accurate recipe
  affekt train ravdess/ --test-speakers 1,4,9,22 --seed 3
  affekt train ravdess/ --set training.mixup=0.2 --set architecture.hidden=96
  affekt train ravdess/ --classifier svm        a classical baseline, without a network
  affekt train sorted/                          a folder per label: sorted/joy/ann_1.wav
  affekt train ravdess/ emodb/ --labels map.toml --label-set common
  affekt train --resume runs/2026-01-31-ravdess

A run folder holds model.safetensors, settings.toml, metrics.jsonl,
predictions.csv, report.json, confusion_matrix.svg and learning_curves.svg.
Nothing is chosen on the test speakers: the epoch is chosen on the validation
speakers, and the normalisation comes from the training speakers.

--classifier puts a linear classifier on a clip's functionals in the place of the
network. Its cost (svm, logistic) or shrinkage (lda) is chosen by training speakers
who are left out of a fit, unless --set training.linear.0.cost=0.01 (or .shrinkage)
gives it. Without --config the features are those of the recipe `classical`.")]
pub struct Args {
    /// Folders of recordings, manifests (.csv) or a list of corpora (.toml); without any, a
    /// synthetic corpus is made and trained on
    #[arg(value_name = "DIR|FILE")]
    pub dirs: Vec<PathBuf>,
    /// How they are read.
    #[command(flatten)]
    pub corpus: CorpusOptions,
    /// The settings.
    #[command(flatten)]
    pub settings: SettingsOptions,
    /// Fine-tune another model: start from its networks, with its features and architecture
    #[arg(long, value_name = "FILE|RUN", conflicts_with = "classifier")]
    pub from: Option<PathBuf>,
    /// The folder of a cross-validation of the same settings, whose figures are noted in the model
    #[arg(long, value_name = "FOLDER")]
    pub results: Option<PathBuf>,
    /// Resume an interrupted training; only --epochs can be changed
    #[arg(long, value_name = "RUN", conflicts_with_all = ["from", "dirs", "config", "classifier", "set", "out", "name", "corpus", "labels", "label_set", "speaker_pattern", "seed", "backend", "test_speakers", "validation_speakers"])]
    pub resume: Option<PathBuf>,
    /// The run's folder [default: runs/DATE-NAME]
    #[arg(long, value_name = "FOLDER", conflicts_with = "name")]
    pub out: Option<PathBuf>,
    /// The run's name in the default folder [default: the corpus's name]
    #[arg(long)]
    pub name: Option<String>,
    /// Held-out speakers to test on: 1,4,9,22; "none" tests nobody
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub test_speakers: Option<Vec<String>>,
    /// Validation speakers, who decide which epoch is kept; "none" trains all epochs and keeps the last
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub validation_speakers: Option<Vec<String>>,
    /// The seed of everything random; the same seed gives the same model on the CPU
    #[arg(long)]
    pub seed: Option<u64>,
}

/// Trains, tests, and leaves a run folder.
pub fn run(args: &Args) -> Result<ExitCode> {
    let Plan {
        settings,
        sources,
        resumed,
    } = Plan::new(args)?;
    let device = backend::device(settings.backend)?;
    let corpus = corpus_options::open(&sources)?;
    let (test, validation) = (&settings.test_speakers, &settings.validation_speakers);
    let split = split_by_speaker(
        &corpus,
        test.as_deref(),
        validation.as_deref(),
        settings.seed,
    )?;
    describe(&split);
    let terminal = Terminal::new()?;
    if !args.settings.no_check && resumed.is_none() {
        check::before_training(&corpus, std::slice::from_ref(&split), &terminal)?;
    }
    // With the speakers that were chosen, so that the file says all and repeats it.
    let settings = Settings {
        corpus: corpus.read_as(),
        test_speakers: Some(split.test_speakers.clone()),
        validation_speakers: Some(split.validation_speakers.clone()),
        ..settings
    };
    let mut folder = match resumed {
        Some(folder) => folder,
        None => {
            let name = args.name.clone().unwrap_or_else(|| corpus_name(&corpus));
            RunFolder::create(args.out.as_deref(), &name)?
        }
    };
    folder.write_plan(&settings, &sources.resolved(&corpus))?;

    let others = [&split.validation[..], &split.test].concat();
    let store = args.settings.store()?;
    let (train, store) = (&split.train, store.as_ref());
    let features = FeatureTable::extract(&corpus, train, &others, &settings, store, &terminal)?;
    let fine_tune = match &settings.from {
        Some(from) => Some(Model::load(model_file(from)?, &device)?),
        None => None,
    };
    let experiment = Experiment {
        corpus: &corpus,
        split: &split,
        features: &features,
        settings: &settings,
        device: &device,
        fine_tune: fine_tune.as_ref(),
        speaker_adaptation: false,
    };
    match experiment.run(&mut folder, &terminal)? {
        Outcome::Interrupted { epoch } => {
            let folder = folder.path().display();
            eprintln!(
                "Stopped after epoch {epoch}; nothing is lost. Resume with `affekt train --resume {folder}`."
            );
            Ok(ExitCode::from(INTERRUPTED))
        }
        Outcome::Finished(mut fitted) => {
            if let Some(results) = &args.results {
                let found = Summary::read(&results.join(RESULTS))?;
                let noted = cross_validation_for_model(&found);
                fitted.model.description.provenance.cross_validation = Some(noted);
            }
            write_results(&folder, &fitted, &corpus_name(&corpus))?;
            print(&fitted, &folder, &features, &split, &corpus);
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// What a training is about to do.
struct Plan {
    settings: Settings,
    sources: Sources,
    /// The folder of the training to resume; none for a new one.
    resumed: Option<RunFolder>,
}

impl Plan {
    fn new(args: &Args) -> Result<Self> {
        let Some(folder) = &args.resume else {
            let settings = settings(args)?;
            let dirs = match args.dirs.as_slice() {
                [] => vec![synthetic_corpus()?],
                dirs => dirs.to_vec(),
            };
            return Ok(Self {
                sources: args.corpus.sources(&dirs, &settings.corpus)?,
                settings,
                resumed: None,
            });
        };
        let folder = RunFolder::open(folder)?;
        let (mut settings, sources) = folder.plan()?;
        if let Some(epochs) = args.settings.epochs {
            settings.training.epochs = epochs;
        }
        Ok(Self {
            settings,
            sources,
            resumed: Some(folder),
        })
    }
}

/// The settings of a new training.
fn settings(args: &Args) -> Result<Settings> {
    let speakers = |list: &Vec<String>| match list.as_slice() {
        [none] if none == "none" => "[]".to_owned(),
        list => format!("{list:?}"),
    };
    let more = vec![
        ("corpus", args.corpus.corpus.clone()),
        ("seed", args.seed.map(|seed| seed.to_string())),
        ("test_speakers", args.test_speakers.as_ref().map(speakers)),
        (
            "validation_speakers",
            args.validation_speakers.as_ref().map(speakers),
        ),
    ];
    let Some(from) = &args.from else {
        return args.settings.settings(None, more);
    };
    let model = Model::load(model_file(from)?, &Backend::Flex.device()?)?;
    let from = from.canonicalize().unwrap_or_else(|_| from.clone());
    args.settings.settings(Some((&model, &from)), more)
}

/// The corpus for machines that have none, made where it is not there yet.
fn synthetic_corpus() -> Result<PathBuf> {
    eprintln!(
        "No folder named: training on a SYNTHETIC corpus, made by a program in {SYNTHETIC}.\n\
         It shows that everything works; it knows nothing of real voices."
    );
    let dir = PathBuf::from(SYNTHETIC);
    synth::write(&dir, &SynthSettings::default())?;
    Ok(dir)
}

fn corpus_name(corpus: &Corpus) -> String {
    match is_synthetic(corpus) {
        true => "synthetic".into(),
        false => corpus.card.name.clone(),
    }
}

fn describe(split: &Split) {
    let line = |what: &str, clips: &[usize], speakers: &[String], how: String| {
        let speakers = match speakers {
            [] => "none".into(),
            speakers => speakers.join(", "),
        };
        let clips = clips.len();
        eprintln!("  {what:<10} {clips:>5} clips  speakers {speakers}{how}");
    };
    let (test, validation) = (&split.test_chosen, &split.validation_chosen);
    line("train", &split.train, &split.train_speakers, String::new());
    line(
        "validation",
        &split.validation,
        &split.validation_speakers,
        format!(" ({validation})"),
    );
    line(
        "test",
        &split.test,
        &split.test_speakers,
        format!(" ({test})"),
    );
    if !split.absent.is_empty() {
        eprintln!("  not in this folder: speakers {}", split.absent.join(", "));
    }
}

/// Writes the pictures, then everything else, the model last.
fn write_results(folder: &RunFolder, fitted: &Fitted, name: &str) -> Result<()> {
    let path = folder.path();
    let best = Some(fitted.best_epoch).filter(|epoch| *epoch > 0);
    if !fitted.epochs.is_empty() {
        let title = format!("{name}: learning curves");
        let curves = learning_curves_svg(&fitted.epochs, best, &title)?;
        write_file(&path.join("learning_curves.svg"), curves.as_bytes())?;
    }
    let title = format!("{name}: held-out speakers");
    let matrix = confusion_matrix_svg(&fitted.confusion_matrix(), &title)?;
    write_file(&path.join("confusion_matrix.svg"), matrix.as_bytes())?;
    Ok(folder.write_results(fitted)?)
}

fn print(
    fitted: &Fitted,
    folder: &RunFolder,
    features: &FeatureTable,
    split: &Split,
    corpus: &Corpus,
) {
    let matrix = fitted.confusion_matrix();
    match fitted.epochs.len() {
        0 => println!("Fitted in {:.1} s.", fitted.seconds),
        epochs => println!("Kept epoch {} of {epochs}.", fitted.best_epoch),
    }
    for method in fitted.model.linear.iter().filter_map(|c| c.method) {
        println!("Linear classifier: {method}.");
    }
    if matrix.total() > 0 {
        println!("\n{}", report::text::confusion_matrix(&matrix));
    }
    println!("Model and results: {}", folder.path().display());
    list("could not be read", features.failed());
    println!("{}", last_line(&matrix, split, corpus));
}

/// The line that says how good the model is.
fn last_line(matrix: &ConfusionMatrix, split: &Split, corpus: &Corpus) -> String {
    let kind = match is_synthetic(corpus) {
        true => "synthetic ",
        false => "",
    };
    let count = split.test_speakers.len();
    match matrix.uar() {
        Some(uar) => format!(
            "UAR {uar:.3} on {count} {kind}{} never heard in training",
            plural(count, "speaker")
        ),
        None => "UAR not measured: no test speakers".into(),
    }
}
