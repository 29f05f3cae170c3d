//! `runner train`: from a folder of recordings to a model tested on speakers
//! it never heard.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use audio::Features;
use indicatif::ProgressBar;
use model::{Description, Model, Normalisation, Provenance, Recognizer};
use serde::{Deserialize, Serialize};

use super::{ensure_some, is_synthetic, list, scan};
use crate::corpus::{Clip, Corpus, Split, split_by_speaker};
use crate::features::extract_all;
use crate::report::plots::learning_curves_svg;
use crate::report::{EpochLog, EpochMetrics, text, write_atomically};
use crate::settings::Settings;
use crate::synth::SynthSettings;
use crate::training::{Clips, Trainer, TrainingClips, checkpoint};
use crate::{cli, evaluation, progress, run_folder};

/// Where the synthetic corpus goes when no folder is named.
const SYNTHETIC: &str = "runs/synthetic-corpus";
/// Where features are kept.
const CACHE: &str = "runs/.cache";
/// What the shell says of a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// What `--resume` needs beyond the settings.
#[derive(Serialize, Deserialize)]
struct Data {
    dir: PathBuf,
}

/// Trains, tests, and leaves a run folder.
pub fn run(args: cli::Train) -> Result<ExitCode> {
    let (settings, dir, folder, resumed) = match &args.resume {
        Some(folder) => {
            let mut settings = Settings::load(&folder.join("settings.toml"))
                .with_context(|| format!("{}: not a run's folder", folder.display()))?;
            if let Some(epochs) = args.epochs {
                settings.training.epochs = epochs;
            }
            let file = folder.join("data.toml");
            let text =
                std::fs::read_to_string(&file).with_context(|| format!("{}", file.display()))?;
            let data: Data =
                toml::from_str(&text).with_context(|| format!("{}", file.display()))?;
            (settings, data.dir, folder.clone(), true)
        }
        None => {
            let settings = settings(&args)?;
            settings.validate()?;
            let dir = match &args.dir {
                Some(dir) => dir.clone(),
                None => synthetic_corpus()?,
            };
            (settings, dir, PathBuf::new(), false)
        }
    };
    let device = settings.backend.device()?;
    let corpus = scan(&dir, &settings.corpus)?;
    let split = split_by_speaker(
        &corpus,
        settings.test_speakers.as_deref(),
        settings.validation_speakers.as_deref(),
        settings.seed,
    )?;
    describe(&split);

    let folder = match resumed {
        true => folder,
        false => {
            let name = args.name.clone().unwrap_or_else(|| corpus_name(&corpus));
            run_folder::create(args.out.as_deref(), &name)?
        }
    };
    // With the speakers as they were chosen, so that the file says all and repeats it.
    let settings = Settings {
        test_speakers: Some(split.test_speakers.clone()),
        validation_speakers: Some(split.validation_speakers.clone()),
        ..settings
    };
    write_atomically(
        &folder.join("settings.toml"),
        settings.to_toml()?.as_bytes(),
    )?;
    let data = Data {
        dir: dir.canonicalize().unwrap_or(dir),
    };
    write_atomically(
        &folder.join("data.toml"),
        toml::to_string(&data)?.as_bytes(),
    )?;

    let cache = (!args.no_cache).then(|| Path::new(CACHE));
    let parts = Parts::extract(&corpus, &split, &settings, cache)?;
    let description = Description {
        labels: corpus.card.label_names(),
        features: settings.features.clone(),
        normalisation: Normalisation::fit(parts.train.iter().flat_map(|(clips, _)| clips))?,
        architecture: settings.architecture.clone(),
        provenance: provenance(&corpus, &split, &settings),
    };
    description.validate()?;
    let train = TrainingClips::new(parts.train, &description.normalisation)?;
    let validation = Clips::new(
        parts
            .validation
            .iter()
            .map(|(clip, features)| (features, clip.label)),
        &description.normalisation,
    )?;

    let mut trainer = Trainer::new(&description, &settings.training, settings.seed, &device);
    let log_file = folder.join("metrics.jsonl");
    let (mut log, mut epochs) = if resumed {
        checkpoint::load(&mut trainer, &folder.join("checkpoint.safetensors"))?;
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
            checkpoint::save(trainer, &folder.join("checkpoint.safetensors"))
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
    finish(
        &folder,
        &trainer,
        description,
        &epochs,
        &corpus,
        &parts.test,
        &device,
    )?;
    list("could not be read", parts.failed);
    println!("{}", last_line(&folder, &split, &corpus)?);
    Ok(ExitCode::SUCCESS)
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
    set(&mut settings.corpus, &args.corpus);
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

fn provenance(corpus: &Corpus, split: &Split, settings: &Settings) -> Provenance {
    let synthetic = is_synthetic(corpus);
    Provenance {
        corpus: if synthetic {
            "synthetic voices (a program's, not people's)".into()
        } else {
            corpus.card.title.clone()
        },
        licence: if synthetic {
            "none: nobody's recordings".into()
        } else {
            corpus.card.licence.clone()
        },
        corpus_card: settings.corpus.clone(),
        synthetic,
        train_speakers: split.train_speakers.clone(),
        validation_speakers: split.validation_speakers.clone(),
        test_speakers: split.test_speakers.clone(),
        seed: settings.seed,
        program_version: env!("CARGO_PKG_VERSION").into(),
        date: jiff::Zoned::now().strftime("%Y-%m-%d").to_string(),
        ..Provenance::default()
    }
}

/// The features of the three parts.
struct Parts<'a> {
    /// Each clip at each speed, with its label.
    train: Vec<(Vec<Features>, usize)>,
    validation: Vec<(&'a Clip, Features)>,
    test: Vec<(&'a Clip, Features)>,
    /// What is wrong with the clips that are in none.
    failed: Vec<String>,
}

impl<'a> Parts<'a> {
    fn extract(
        corpus: &'a Corpus,
        split: &Split,
        settings: &Settings,
        cache: Option<&Path>,
    ) -> Result<Self> {
        let speeds = &settings.training.speeds;
        let heard = split.train.len() * speeds.len() + split.validation.len() + split.test.len();
        let bar = progress::bar("features", heard as u64);
        let mut failed = Vec::new();
        let mut extract = |indices: &[usize], speed: f64| -> Result<Vec<Option<Features>>> {
            let paths: Vec<&Path> = indices
                .iter()
                .map(|&index| corpus.clips[index].path.as_path())
                .collect();
            let (features, failures) =
                extract_all(&corpus.root, &paths, &settings.features, speed, cache, &bar)?;
            failed.extend(failures.into_iter().map(|failure| failure.message));
            Ok(features)
        };
        let with_clips = |indices: &[usize], features: Vec<Option<Features>>| {
            let clips = indices.iter().map(|&index| &corpus.clips[index]);
            clips
                .zip(features)
                .filter_map(|(clip, features)| Some((clip, features?)))
                .collect::<Vec<_>>()
        };

        let validation = with_clips(&split.validation, extract(&split.validation, 1.0)?);
        let test = with_clips(&split.test, extract(&split.test, 1.0)?);
        let mut variants: Vec<Vec<Features>> = vec![Vec::new(); split.train.len()];
        for speed in speeds {
            let heard = extract(&split.train, *speed)?;
            for (variants, features) in variants.iter_mut().zip(heard) {
                variants.extend(features);
            }
        }
        bar.finish_and_clear();
        let labels = split.train.iter().map(|&index| corpus.clips[index].label);
        let train: Vec<_> = variants
            .into_iter()
            .zip(labels)
            .filter(|(variants, _)| !variants.is_empty())
            .collect();
        failed.sort();
        failed.dedup();
        ensure_some(
            train.len(),
            &format!("no training clip could be read:\n{}", failed.join("\n")),
        )?;
        Ok(Self {
            train,
            validation,
            test,
            failed,
        })
    }
}

/// A flag that the first Ctrl-C sets; the second ends the process at once.
fn stop_on_ctrl_c() -> Result<Arc<AtomicBool>> {
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
    let bar: ProgressBar = progress::bar("training", (settings.training.epochs * steps) as u64);
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

/// Tests the kept epoch and writes the run folder's results.
fn finish(
    folder: &Path,
    trainer: &Trainer,
    mut description: Description,
    epochs: &[EpochMetrics],
    corpus: &Corpus,
    test: &[(&Clip, Features)],
    device: &model::burn::tensor::Device,
) -> Result<()> {
    let best = trainer.best().map(|best| best.epoch);
    description.provenance.epoch = best.unwrap_or(0);
    let title = format!("{}: learning curves", corpus_name(corpus));
    let curves = learning_curves_svg(epochs, best, &title)?;
    write_atomically(&folder.join("learning_curves.svg"), curves.as_bytes())?;

    let mut model = Model {
        classifier: trainer.best_classifier()?,
        description,
    };
    let recognizer = Recognizer::new(model.clone(), device.clone())?;
    let test: Vec<(&Clip, &Features)> = test.iter().map(|(clip, f)| (*clip, f)).collect();
    let predictions = evaluation::predict(&recognizer, corpus, &test)?;
    let matrix = predictions.confusion_matrix();
    model.description.provenance.test_uar = matrix.uar();
    model.description.provenance.test_accuracy = matrix.accuracy();
    let recognizer = Recognizer::new(model, device.clone())?;
    let title = format!("{}: speakers never heard", corpus_name(corpus));
    evaluation::write(folder, &predictions, &recognizer, &title)?;
    // Last, so that a folder with a model is a finished run.
    recognizer.model().save(folder.join(run_folder::MODEL))?;

    if let Some(metrics) = epochs.iter().find(|metrics| Some(metrics.epoch) == best) {
        let uar = metrics
            .validation_uar
            .map(|uar| format!(", validation UAR {uar:.3}"));
        println!(
            "Kept epoch {} of {}{}.",
            metrics.epoch,
            epochs.len(),
            uar.unwrap_or_default()
        );
    }
    if matrix.total() > 0 {
        println!("\n{}", text::summary(&matrix));
    }
    println!("Model and results: {}", folder.display());
    Ok(())
}

/// The line that says how good the model is.
fn last_line(folder: &Path, split: &Split, corpus: &Corpus) -> Result<String> {
    let model = model::Model::load(
        folder.join(run_folder::MODEL),
        &model::Backend::Flex.device()?,
    )?;
    let voices = if is_synthetic(corpus) {
        "synthetic speakers"
    } else {
        "speakers"
    };
    Ok(match model.description.provenance.test_uar {
        Some(uar) => format!(
            "UAR {uar:.3} on {} {voices} never heard in training",
            split.test_speakers.len()
        ),
        None => "UAR not measured: no test speakers".into(),
    })
}
