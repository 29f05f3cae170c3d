//! `runner train`: from a folder of recordings to a model tested on speakers
//! it never heard.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use model::Backend;

use super::{list, scan, sources};
use crate::corpus::{Corpus, Sources, Split, split_by_speaker};
use crate::cross_validation::Summary;
use crate::report::plots::learning_curves_svg;
use crate::report::{ConfusionMatrix, EpochLog, EpochMetrics, text, write_atomically};
use crate::settings::Settings;
use crate::synth::SynthSettings;
use crate::training::finish::{Tested, finish, test};
use crate::training::{
    Clips, FeatureTable, Parts, Trainer, TrainingClips, checkpoint, is_synthetic,
};
use crate::trial::usable;
use crate::{cli, evaluation, progress, run_folder};

/// Where the synthetic corpus goes when no folder is named.
const SYNTHETIC: &str = "runs/synthetic-corpus";
/// Where features are kept.
pub(super) const CACHE: &str = "runs/.cache";
/// What the shell says of a program that Ctrl-C ended.
pub(super) const INTERRUPTED: u8 = 130;

/// What a training is about to do.
struct Plan {
    settings: Settings,
    /// The recordings.
    sources: Sources,
    /// The run to go on with; `None` begins a new one.
    resumed: Option<PathBuf>,
}

/// Trains, tests, and leaves a run folder.
pub fn run(args: cli::Train) -> Result<ExitCode> {
    let plan = match &args.resume {
        Some(folder) => resume(folder, &args)?,
        None => begin(&args)?,
    };
    let device = usable(plan.settings.backend)?.device()?;
    let corpus = scan(&plan.sources)?;
    let split = split_by_speaker(
        &corpus,
        plan.settings.test_speakers.as_deref(),
        plan.settings.validation_speakers.as_deref(),
        plan.settings.seed,
    )?;
    describe(&split);
    // With the speakers as they were chosen, so that the file says all and repeats it.
    let settings = Settings {
        corpus: corpus.read_as(),
        test_speakers: Some(split.test_speakers.clone()),
        validation_speakers: Some(split.validation_speakers.clone()),
        ..plan.settings
    };
    let folder = match &plan.resumed {
        Some(folder) => folder.clone(),
        None => {
            let name = args.name.unwrap_or_else(|| corpus_name(&corpus));
            run_folder::create(args.out.as_deref(), &name)?
        }
    };
    let data = toml::to_string(&plan.sources.resolved(&corpus))?;
    write_text(&folder.join("settings.toml"), &settings.to_toml()?)?;
    write_text(&folder.join("data.toml"), &data)?;

    let cache = (!args.no_cache).then(|| Path::new(CACHE));
    let others = [&split.validation[..], &split.test].concat();
    let table = FeatureTable::extract(&corpus, &split.train, &others, &settings, cache)?;
    let parts = Parts::select(&corpus, &split, &table, &settings.training.auxiliary)?;
    let description = parts.describe(&corpus, &split, &settings)?;
    let (train, validation, normalisation) = parts.clips(&settings)?;

    let mut trainer = Trainer::new(&description, &settings.training, settings.seed, &device);
    if let Some(from) = &settings.from {
        let (model, name) = run_folder::open_model(Some(from), &device)?;
        trainer
            .begin_with(&model)
            .with_context(|| format!("{name} cannot be gone on from"))?;
    }
    let checkpoint_file = folder.join("checkpoint.safetensors");
    let log_file = folder.join("metrics.jsonl");
    // An interruption within the first epoch leaves no checkpoint.
    let (mut log, mut epochs) = if checkpoint_file.exists() {
        checkpoint::load(&mut trainer, &checkpoint_file)?;
        eprintln!("Going on after epoch {}.", trainer.epoch());
        EpochLog::resume(&log_file, trainer.epoch())?
    } else {
        (EpochLog::create(&log_file)?, Vec::new())
    };
    let interrupted = stop_on_ctrl_c()?;
    let finished = train_epochs(
        &mut trainer,
        &train,
        &validation,
        &interrupted,
        &settings,
        |trainer, metrics| {
            log.append(&metrics)?;
            epochs.push(metrics);
            checkpoint::save(trainer, &checkpoint_file)
        },
    )?;
    if !finished {
        eprintln!(
            "Stopped after epoch {}; nothing is lost. Go on with `runner train --resume {}`.",
            trainer.epoch(),
            folder.display()
        );
        return Ok(ExitCode::from(INTERRUPTED));
    }

    let name = corpus_name(&corpus);
    let best = trainer.best().map(|best| best.epoch);
    let curves = learning_curves_svg(&epochs, best, &format!("{name}: learning curves"))?;
    write_text(&folder.join("learning_curves.svg"), &curves)?;
    let recognizer = finish(
        &trainer,
        &parts,
        &normalisation,
        description,
        &corpus,
        &device,
    )?;
    let Tested {
        mut model,
        predictions,
        matrix,
    } = test(recognizer, &parts, &corpus)?;
    if let Some(results) = &args.results {
        let found = Summary::read(results)?;
        model.description.provenance.cross_validation = Some(found.for_model());
    }
    let title = format!("{name}: speakers never heard");
    evaluation::write(&folder, &predictions, &model.description, &title)?;
    // Last, so that a folder with a model is a finished run.
    model.save(folder.join(run_folder::MODEL))?;

    println!("Kept epoch {} of {}.", best.unwrap_or(0), epochs.len());
    if matrix.total() > 0 {
        println!("\n{}", text::summary(&matrix));
    }
    println!("Model and results: {}", folder.display());
    list("could not be read", table.failed);
    println!("{}", last_line(&matrix, &split, &corpus));
    Ok(ExitCode::SUCCESS)
}

/// A new run.
fn begin(args: &cli::Train) -> Result<Plan> {
    let settings = settings(args)?;
    settings.validate()?;
    let dirs = match args.dirs.as_slice() {
        [] => vec![synthetic_corpus()?],
        dirs => dirs.to_vec(),
    };
    Ok(Plan {
        sources: sources(&dirs, &settings.corpus, &args.corpus)?,
        settings,
        resumed: None,
    })
}

/// An interrupted run, with the settings it was begun with.
fn resume(folder: &Path, args: &cli::Train) -> Result<Plan> {
    let mut settings = Settings::load(&folder.join("settings.toml"))
        .with_context(|| format!("{}: not a run's folder", folder.display()))?;
    if let Some(epochs) = args.epochs {
        settings.training.epochs = epochs;
    }
    let file = folder.join("data.toml");
    Ok(Plan {
        settings,
        sources: Sources::load(&file)?,
        resumed: Some(folder.into()),
    })
}

fn write_text(path: &Path, text: &str) -> Result<()> {
    write_atomically(path, text.as_bytes())
}

/// The settings from the file, or the defaults, with the options given on the command line.
fn settings(args: &cli::Train) -> Result<Settings> {
    let mut settings = match &args.config {
        Some(file) => Settings::load(file)?,
        None => Settings::default(),
    };
    fn set<T: Clone>(setting: &mut T, option: &Option<T>) {
        if let Some(value) = option {
            *setting = value.clone();
        }
    }
    if let Some(from) = &args.from {
        let (model, _) = run_folder::open_model(Some(from), &Backend::Flex.device()?)?;
        settings.features = model.description.features;
        settings.architecture = model.description.architecture;
        settings.from = Some(from.canonicalize().unwrap_or_else(|_| from.clone()));
    }
    set(&mut settings.corpus, &args.corpus.corpus);
    set(&mut settings.seed, &args.seed);
    set(&mut settings.backend, &args.backend);
    set(&mut settings.training.epochs, &args.epochs);
    set(&mut settings.training.batch_size, &args.batch_size);
    set(&mut settings.training.learning_rate, &args.learning_rate);
    set(&mut settings.architecture.hidden, &args.hidden);
    set(&mut settings.architecture.layers, &args.layers);
    let speakers = |list: &Vec<String>| match list.as_slice() {
        [none] if none == "none" => Vec::new(),
        list => list.to_vec(),
    };
    if let Some(list) = &args.test_speakers {
        settings.test_speakers = Some(speakers(list));
    }
    if let Some(list) = &args.validation_speakers {
        settings.validation_speakers = Some(speakers(list));
    }
    Ok(settings)
}

/// The corpus for machines that have none, made where it is not there yet.
fn synthetic_corpus() -> Result<PathBuf> {
    eprintln!(
        "No folder named: training on a SYNTHETIC corpus, made by a program in {SYNTHETIC}.\n\
         It shows that everything works; it knows nothing of real voices."
    );
    let dir = PathBuf::from(SYNTHETIC);
    super::synth::write(&dir, &SynthSettings::default())?;
    Ok(dir)
}

fn corpus_name(corpus: &Corpus) -> String {
    if is_synthetic(corpus) {
        "synthetic".into()
    } else {
        corpus.card.name.clone()
    }
}

fn describe(split: &Split) {
    let line = |what: &str, clips: &[usize], speakers: &[String], how: String| {
        eprintln!(
            "  {what:<10} {:>5} clips  speakers {}{how}",
            clips.len(),
            if speakers.is_empty() {
                "none".into()
            } else {
                speakers.join(", ")
            }
        );
    };
    line("train", &split.train, &split.train_speakers, String::new());
    line(
        "validation",
        &split.validation,
        &split.validation_speakers,
        format!(" ({})", split.validation_chosen),
    );
    line(
        "test",
        &split.test,
        &split.test_speakers,
        format!(" ({})", split.test_chosen),
    );
    if !split.absent.is_empty() {
        eprintln!("  not in this folder: speakers {}", split.absent.join(", "));
    }
}

/// A flag that the first Ctrl-C sets; the second ends the process at once.
pub(super) fn stop_on_ctrl_c() -> Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    let seen = flag.clone();
    ctrlc::set_handler(move || {
        if seen.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(INTERRUPTED));
        }
    })
    .context("Ctrl-C cannot be watched for")?;
    Ok(flag)
}

/// Runs epochs until the training is done; false where it was interrupted.
fn train_epochs(
    trainer: &mut Trainer,
    train: &TrainingClips,
    validation: &Clips,
    interrupted: &AtomicBool,
    settings: &Settings,
    mut epoch_done: impl FnMut(&Trainer, EpochMetrics) -> Result<()>,
) -> Result<bool> {
    let steps = train.len().div_ceil(settings.training.batch_size);
    let epochs = Trainer::epochs_at_most(&settings.training);
    let bar = progress::bar("training", (epochs * steps) as u64);
    bar.set_position((trainer.epoch() * steps) as u64);
    bar.reset_eta();
    while !trainer.is_done() {
        let done = trainer.epoch() * steps;
        let metrics = trainer.run_epoch(train, validation, interrupted, |step, _| {
            bar.set_position((done + step) as u64);
        })?;
        let Some(metrics) = metrics else {
            bar.abandon();
            return Ok(false);
        };
        let uar = metrics
            .validation_uar
            .map(|uar| format!(" validation UAR {uar:.3}"));
        bar.set_message(format!(
            "epoch {} loss {:.3}{}",
            metrics.epoch,
            metrics.train_loss,
            uar.unwrap_or_default()
        ));
        epoch_done(trainer, metrics)?;
    }
    bar.finish_and_clear();
    Ok(true)
}

/// The line that says how good the model is.
fn last_line(matrix: &ConfusionMatrix, split: &Split, corpus: &Corpus) -> String {
    let voices = match is_synthetic(corpus) {
        true => "synthetic speakers",
        false => "speakers",
    };
    match matrix.uar() {
        Some(uar) => format!(
            "UAR {uar:.3} on {} {voices} never heard in training",
            split.test_speakers.len()
        ),
        None => "UAR not measured: no test speakers".into(),
    }
}
