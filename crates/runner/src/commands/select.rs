//! `affekt select`: the best of several recipes, chosen without the test speakers.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, ensure};
use corpus::Folds;
use training::run_folder::RUNS;
use training::{Candidate, FeatureStore, LOOKS, Selection, Settings};

use super::cross_validate::{describe, write};
use crate::backend;
use crate::corpus_options::{self, CorpusOptions};
use crate::terminal::{INTERRUPTED, Terminal};

/// `affekt select`.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  affekt select ravdess/ --config small.toml --config large.toml --seeds 3
  affekt select ravdess/ --config emotion --config emotion-scratch --out runs/choice

Who compares recipes on test speakers and reports the best one's figure reports
luck. Here each fold of the protocol has a recipe chosen without it: every recipe
is tried on the nested folds (one fold left out, another tested by a model of the
rest), and for each fold the recipe is taken that is best where this fold is left
out. Only then is each fold tested, once, and the answers are pooled.

The folder holds choice.json (what was chosen for each fold, and by which figures),
looks.csv (every look that was taken; lines are only added), and report.html,
results.json and predictions.csv as `affekt cross-validate` writes them. To resume
after an interruption, run the same command again.")]
pub struct Args {
    /// Folders of recordings, manifests (.csv) or a list of corpora (.toml)
    #[arg(required = true, value_name = "DIR|FILE")]
    pub dirs: Vec<PathBuf>,
    /// How they are read.
    #[command(flatten)]
    pub corpus: CorpusOptions,
    /// A settings file or a recipe to choose from; give two or more
    #[arg(long, required = true, value_name = "FILE|RECIPE")]
    pub config: Vec<PathBuf>,
    /// Which folds [default: the first of the corpus's card, else loso]
    #[arg(long, value_name = "NAME|FILE.toml")]
    pub protocol: Option<String>,
    /// Trainings of each fold and recipe, with the seeds 1, 2, ...
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub seeds: u64,
    /// The folder of the results [default: runs/DATE-CORPUS-PROTOCOL-choice]
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// Trainings at once [default: the number of processors]
    #[arg(long)]
    pub jobs: Option<usize>,
    /// Where to compute: auto, flex, ndarray or wgpu
    #[arg(long)]
    pub backend: Option<model::Backend>,
    /// Extract all features anew and keep none
    #[arg(long)]
    pub no_cache: bool,
}

/// Compares, chooses, tests.
pub fn run(args: &Args) -> Result<ExitCode> {
    ensure!(
        args.config.len() > 1,
        "there is only one recipe; name two or more, each with --config"
    );
    let mut candidates = args
        .config
        .iter()
        .map(|file| candidate(args, file))
        .collect::<Result<Vec<_>>>()?;
    let device = backend::device(candidates[0].settings.backend)?;
    let sources = args
        .corpus
        .sources(&args.dirs, &candidates[0].settings.corpus)?;
    let corpus = corpus_options::open(&sources)?;
    for candidate in &mut candidates {
        candidate.settings.corpus = corpus.read_as();
    }
    let protocol = match &args.protocol {
        Some(name) => name.clone(),
        None => Folds::default_protocol(&corpus),
    };
    let folds = Folds::new(&protocol, &corpus)?;
    let nested = Folds::new(&format!("nested-{protocol}"), &corpus)?;
    describe(&folds, args.seeds);
    let folder = match &args.out {
        Some(folder) => folder.clone(),
        None => default_folder(&corpus.card.name, &protocol),
    };
    let store = match args.no_cache {
        true => None,
        false => Some(FeatureStore::of_user()?),
    };
    let terminal = Terminal::new()?;
    let processors = || std::thread::available_parallelism().map_or(1, |n| n.get());
    let selection = Selection {
        corpus: &corpus,
        folds: &folds,
        nested: &nested,
        candidates: &candidates,
        seeds: args.seeds,
        jobs: args.jobs.unwrap_or_else(processors),
        store: store.as_ref(),
        folder: &folder,
        device: &device,
    };
    let Some(selected) = selection.run(&terminal)? else {
        eprintln!("Stopped; finished trainings are kept. Run the same command again to resume.");
        return Ok(ExitCode::from(INTERRUPTED));
    };
    write(
        &folder,
        &selected.summary,
        &selected.results,
        &command(args, &protocol),
    )?;
    for choice in &selected.choices {
        let figures = choice.nested_uar.iter();
        let figures = figures.map(|(name, uar)| format!("{name} {uar:.3}"));
        let figures: Vec<String> = figures.collect();
        println!(
            "{}: {} ({})",
            choice.fold,
            choice.candidate,
            figures.join(", ")
        );
    }
    println!("Every look: {}", folder.join(LOOKS).display());
    println!("Results: {}", folder.join("report.html").display());
    print!("{}", report::text::cross_validation(&selected.summary));
    Ok(ExitCode::SUCCESS)
}

/// The settings of a file or a recipe, named after it.
fn candidate(args: &Args, file: &Path) -> Result<Candidate> {
    let mut builder = Settings::builder().recipe_or_file(file)?;
    let more = [
        ("corpus", args.corpus.corpus.clone()),
        ("backend", args.backend.map(|backend| backend.to_string())),
    ];
    for (path, value) in more {
        if let Some(value) = value {
            builder = builder.set(path, &value)?;
        }
    }
    let mut settings = builder.build()?;
    ensure!(
        settings.from.is_none(),
        "{} fine-tunes another model (`from`), which may have heard the speakers that are tested",
        file.display()
    );
    // The protocol says who is tested.
    settings.test_speakers = None;
    settings.validation_speakers = settings.validation_speakers.filter(Vec::is_empty);
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    Ok(Candidate {
        name: name.into_owned(),
        settings,
    })
}

fn default_folder(corpus: &str, protocol: &str) -> PathBuf {
    let date = jiff::Zoned::now().strftime("%Y-%m-%d");
    let protocol = Path::new(protocol).file_stem().unwrap_or_default();
    let protocol = protocol.to_string_lossy();
    Path::new(RUNS).join(format!("{date}-{corpus}-{protocol}-choice"))
}

/// The command that gives these results again.
fn command(args: &Args, protocol: &str) -> String {
    let dirs: Vec<String> = args.dirs.iter().map(|d| d.display().to_string()).collect();
    let configs = args.config.iter();
    let configs: String = configs
        .map(|file| format!(" --config {}", file.display()))
        .collect();
    let dirs = dirs.join(" ");
    let typed = args.corpus.as_typed();
    format!(
        "affekt select {dirs}{configs} --protocol {protocol} --seeds {}{typed}",
        args.seeds
    )
}
