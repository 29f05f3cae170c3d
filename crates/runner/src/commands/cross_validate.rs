//! `affekt cross-validate`: how good a recipe is on speakers that were never heard.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, ensure};
use corpus::{Clip, Corpus, Folds, Split};
use metrics::cross_validation::{FoldResult, Summary};
use model::Recognizer;
use training::run_folder::{RUNS, model_file};
use training::sturdy::{self, Disturbed};
use training::{CrossValidation, FeatureTable, Settings, claim};

use crate::backend;
use crate::check;
use crate::corpus_options::{self, CorpusOptions};
use crate::encoder_process::Ffmpeg;
use crate::output::{list, write_file};
use crate::settings_options::SettingsOptions;
use crate::sturdiness;
use crate::terminal::{INTERRUPTED, Terminal};

/// `affekt cross-validate`.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  affekt cross-validate ravdess/                          Luna-Jimenez's five folds, one seed
  affekt cross-validate ravdess/ --config emotion --seeds 5 --out results/luna5
  affekt cross-validate emodb/ --protocol loso
  affekt cross-validate ravdess/ emodb/ --protocol loco --labels map.toml --label-set common
  affekt cross-validate ravdess/ --protocol k10 --set training.mixup=0.2
  affekt cross-validate ravdess/ --classifier svm         a classical baseline

Protocols: those of the corpus's card (ravdess: luna5, emobox6), loso (leave one
speaker out), loco (leave one of several corpora out), k5, k10 and so on (folds
of speakers), a TOML file of fixed lists, and leaky-random, which tests speakers
that were trained on and only shows how much that flatters. nested- in front of
any of them (nested-luna5) is for comparing recipes: it leaves each fold out in
turn and tests the others.

The folder holds report.html (everything on one page), results.json,
predictions.csv, folds.csv, classes.csv, speakers.csv, settings.toml, and under
folds/ the model and the predictions of each training. To resume after an
interruption, run the same command again.")]
pub struct Args {
    /// Folders of recordings, manifests (.csv) or a list of corpora (.toml)
    #[arg(required = true, value_name = "DIR|FILE")]
    pub dirs: Vec<PathBuf>,
    /// How they are read.
    #[command(flatten)]
    pub corpus: CorpusOptions,
    /// The settings.
    #[command(flatten)]
    pub settings: SettingsOptions,
    /// Which folds [default: the first of the corpus's card, else loso; loco for several corpora]
    #[arg(long, value_name = "NAME|FILE.toml")]
    pub protocol: Option<String>,
    /// Trainings of each fold, with the seeds 1, 2, ...
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub seeds: u64,
    /// The folder of the results [default: runs/DATE-CORPUS-PROTOCOL]
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// Also measure how sturdy the models of the first seed are: at other levels, with
    /// noise, clicks, a telephone, codecs, other speeds, and on short pieces
    #[arg(long)]
    pub sturdy: bool,
    /// Trainings at once [default: the number of processors]
    #[arg(long)]
    pub jobs: Option<usize>,
}

/// Trains every fold with every seed and pools the answers on their test speakers.
pub fn run(args: &Args) -> Result<ExitCode> {
    let mut settings = settings(args)?;
    let device = backend::device(settings.backend)?;
    let sources = args.corpus.sources(&args.dirs, &settings.corpus)?;
    let corpus = corpus_options::open(&sources)?;
    settings.corpus = corpus.read_as();
    let protocol = match &args.protocol {
        Some(name) => name.clone(),
        None => Folds::default_protocol(&corpus),
    };
    let folds = Folds::new(&protocol, &corpus)?;
    describe(&folds, args.seeds);
    let folder = match &args.out {
        Some(folder) => folder.clone(),
        None => default_folder(&corpus.card.name, &protocol),
    };
    claim(&folder, &settings, &protocol, &sources.resolved(&corpus))?;

    let terminal = Terminal::new()?;
    if !args.settings.no_check && folds.speaker_disjoint() {
        let splits = (0..folds.folds().len()).map(|fold| folds.split(fold, &corpus, 1, false));
        let splits = splits.collect::<Result<Vec<Split>, _>>()?;
        check::before_training(&corpus, &splits, &terminal)?;
    }
    let all: Vec<usize> = (0..corpus.clips.len()).collect();
    let store = args.settings.store()?;
    let store = store.as_ref();
    let features = FeatureTable::extract(&corpus, &all, &all, &settings, store, &terminal)?;
    let processors = || std::thread::available_parallelism().map_or(1, |n| n.get());
    let cross_validation = CrossValidation {
        corpus: &corpus,
        folds: &folds,
        features: &features,
        settings: &settings,
        seeds: args.seeds,
        jobs: args.jobs.unwrap_or_else(processors),
        folder: &folder,
        device: &device,
        speaker_adaptation: true,
    };
    let Some(done) = cross_validation.run(&terminal)? else {
        eprintln!("Stopped; finished trainings are kept. Run the same command again to resume.");
        return Ok(ExitCode::from(INTERRUPTED));
    };
    write(
        &folder,
        &done.summary,
        &done.results,
        &command(args, &protocol),
    )?;
    if args.sturdy {
        let disturbed = disturbed(&corpus, &folds, &folder, &terminal)?;
        sturdiness::report(&disturbed, Some(&folder))?;
    }
    list("could not be read", features.failed());
    println!("Results: {}", folder.join("report.html").display());
    print!("{}", report::text::cross_validation(&done.summary));
    Ok(ExitCode::SUCCESS)
}

/// The test speakers' clips of each fold, disturbed, and classified by the fold's
/// model of the first seed.
fn disturbed(
    corpus: &Corpus,
    folds: &Folds,
    folder: &Path,
    terminal: &Terminal,
) -> Result<Vec<Disturbed>> {
    let ffmpeg = Ffmpeg::find();
    let mut pooled: Vec<Disturbed> = Vec::new();
    for (index, fold) in folds.folds().iter().enumerate() {
        let model = folder.join("folds").join(format!("{}-seed1", fold.name));
        let recognizer = Recognizer::open(model_file(&model)?)?;
        let split = folds.split(index, corpus, 1, false)?;
        let clips: Vec<&Clip> = split.test.iter().map(|clip| &corpus.clips[*clip]).collect();
        let encoder = sturdiness::encoder(&ffmpeg);
        let own = sturdy::disturb(&recognizer, corpus, &clips, encoder, terminal)?;
        if pooled.is_empty() {
            pooled = own;
            continue;
        }
        for (all, own) in pooled.iter_mut().zip(own) {
            all.merge(own)?;
        }
    }
    Ok(pooled)
}

/// The settings of every training. The protocol says who is tested: validation
/// speakers that a file names would be test speakers in some fold, so only
/// their absence is kept.
fn settings(args: &Args) -> Result<Settings> {
    let more = vec![("corpus", args.corpus.corpus.clone())];
    let mut settings = args.settings.settings(None, more)?;
    ensure!(
        settings.from.is_none(),
        "the settings fine-tune another model (`from`), which may have heard the speakers that \
         are tested; cross-validation trains from the start"
    );
    settings.test_speakers = None;
    settings.validation_speakers = settings.validation_speakers.filter(Vec::is_empty);
    Ok(settings)
}

fn default_folder(corpus: &str, protocol: &str) -> PathBuf {
    let date = jiff::Zoned::now().strftime("%Y-%m-%d");
    let protocol = Path::new(protocol).file_stem().unwrap_or_default();
    Path::new(RUNS).join(format!("{date}-{corpus}-{}", protocol.to_string_lossy()))
}

pub(super) fn describe(folds: &Folds, seeds: u64) {
    eprintln!("{} ({})", folds.title(), folds.name());
    if !folds.speaker_disjoint() {
        eprintln!(
            "warning: every tested speaker is in training too; this says nothing about new speakers"
        );
        return;
    }
    for fold in folds.folds() {
        eprintln!("  {:<8} tests speakers {}", fold.name, fold.test.join(", "));
    }
    if !folds.absent().is_empty() {
        eprintln!(
            "  not in this folder: speakers {}",
            folds.absent().join(", ")
        );
    }
    if !folds.impossible().is_empty() {
        let names = folds.impossible().join(", ");
        eprintln!("  left out, since none of their speakers is here: {names}");
    }
    eprintln!("  {} trainings", folds.folds().len() as u64 * seeds);
}

/// The command that gives these results again.
fn command(args: &Args, protocol: &str) -> String {
    let dirs: Vec<String> = args.dirs.iter().map(|d| d.display().to_string()).collect();
    format!(
        "affekt cross-validate {} --protocol {protocol} --seeds {}{}{}",
        dirs.join(" "),
        args.seeds,
        args.corpus.as_typed(),
        args.settings.as_typed()
    )
}

/// Writes the tables and the page.
pub(super) fn write(
    folder: &Path,
    summary: &Summary,
    results: &[FoldResult],
    command: &str,
) -> Result<()> {
    for (name, rows) in [
        ("folds.csv", &summary.folds),
        ("classes.csv", &summary.classes),
        ("speakers.csv", &summary.speaker_rows),
    ] {
        write_file(&folder.join(name), &report::tables::rows_csv(rows)?)?;
    }
    let page = report::html::cross_validation(summary, results, command)?;
    write_file(&folder.join("report.html"), page.as_bytes())
}
