//! `runner cross-validate`: how good a recipe is on voices it never heard.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};

use super::train::{CACHE, INTERRUPTED, stop_on_ctrl_c};
use super::{list, scan, sources};
use crate::corpus::Sources;
use crate::cross_validation::summary::{RESULTS, Row, Spread};
use crate::cross_validation::{Summary, TaskResult, Tasks, page};
use crate::protocol::{Folds, LOCO};
use crate::report::{Predictions, write_atomically};
use crate::settings::Settings;
use crate::training::{FeatureTable, Trainer};
use crate::trial::usable;
use crate::{cli, progress};

/// Trains every fold with every seed and pools what they say of their test speakers.
pub fn run(args: cli::CrossValidate) -> Result<ExitCode> {
    let mut settings = settings(&args)?;
    let device = usable(settings.backend)?.device()?;
    let sources = sources(&args.dirs, &settings.corpus, &args.corpus)?;
    let corpus = scan(&sources)?;
    settings.corpus = corpus.read_as();
    let protocol = match &args.protocol {
        Some(name) => name.clone(),
        None => match corpus.card.protocols.first() {
            Some(protocol) => protocol.name.clone(),
            None if corpus.members.len() > 1 => LOCO.into(),
            None => "loso".into(),
        },
    };
    let folds = Folds::new(&protocol, &corpus)?;
    describe(&folds, args.seeds);
    let folder = match &args.out {
        Some(folder) => folder.clone(),
        None => default_folder(&corpus.card.name, &protocol),
    };
    claim(&folder, &settings, &protocol, &sources.resolved(&corpus))?;

    let all: Vec<usize> = (0..corpus.clips.len()).collect();
    let cache = (!args.no_cache).then(|| Path::new(CACHE));
    let table = FeatureTable::extract(&corpus, &all, &all, &settings, cache)?;
    let tasks = Tasks {
        corpus: &corpus,
        folds: &folds,
        table: &table,
        settings: &settings,
        folder: &folder,
        device: &device,
    };
    let list_of_tasks = tasks.list(args.seeds);
    let jobs = args
        .jobs
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, |n| n.get()));
    let interrupted = stop_on_ctrl_c()?;
    let epochs = list_of_tasks.len() * Trainer::epochs_at_most(&settings.training);
    let bar = progress::bar("folds and seeds", epochs as u64);
    let finished = tasks.run(&list_of_tasks, jobs, &interrupted, &bar)?;
    bar.finish_and_clear();
    if !finished {
        eprintln!("Stopped; what is done is kept. Run the same command again to go on.");
        return Ok(ExitCode::from(INTERRUPTED));
    }
    let results: Vec<(TaskResult, Predictions)> = list_of_tasks
        .iter()
        .filter_map(|task| tasks.done(task))
        .collect();
    ensure!(
        results.len() == list_of_tasks.len(),
        "{}: some results could not be read back",
        folder.display()
    );
    let summary = Summary::new(&corpus.card.title, &folds, &results)?;
    write(&folder, &summary, &results, &command(&args, &protocol))?;
    print(&summary, &folder);
    list("could not be read", table.failed);
    Ok(ExitCode::SUCCESS)
}

fn settings(args: &cli::CrossValidate) -> Result<Settings> {
    let mut settings = match &args.config {
        Some(file) => Settings::load(file)?,
        None => Settings::default(),
    };
    if let Some(corpus) = &args.corpus.corpus {
        settings.corpus = corpus.clone();
    }
    if let Some(epochs) = args.epochs {
        settings.training.epochs = epochs;
    }
    if let Some(backend) = args.backend {
        settings.backend = backend;
    }
    // The protocol says who is tested. Whoever a file names to be validated on
    // would be a test speaker in some fold; none at all is a choice of its own.
    ensure!(
        settings.from.is_none(),
        "the settings begin with another model (`from`), which may have heard the voices that are \
         to be tested; cross-validation trains from the beginning"
    );
    settings.test_speakers = None;
    settings.validation_speakers = settings.validation_speakers.filter(Vec::is_empty);
    settings.validate()?;
    Ok(settings)
}

fn default_folder(corpus: &str, protocol: &str) -> PathBuf {
    let date = jiff::Zoned::now().strftime("%Y-%m-%d");
    let protocol = Path::new(protocol).file_stem().unwrap_or_default();
    Path::new("runs").join(format!("{date}-{corpus}-{}", protocol.to_string_lossy()))
}

/// Makes the folder, or takes one that the same settings, protocol and
/// recordings began.
fn claim(folder: &Path, settings: &Settings, protocol: &str, sources: &Sources) -> Result<()> {
    let (file, data_file) = (folder.join("settings.toml"), folder.join("data.toml"));
    let data = toml::to_string(sources)?;
    let text = format!(
        "# runner cross-validate --protocol {protocol}\n{}",
        settings.to_toml()?
    );
    if let Ok(before) = std::fs::read_to_string(&file) {
        ensure!(
            before == text,
            "{}: results of other settings or another protocol are here; name another folder with --out",
            folder.display()
        );
        ensure!(
            std::fs::read_to_string(&data_file).is_ok_and(|before| before == data),
            "{}: results of other recordings or labels are here; name another folder with --out",
            folder.display()
        );
        return Ok(());
    }
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    write_atomically(&data_file, data.as_bytes())?;
    write_atomically(&file, text.as_bytes())
}

fn describe(folds: &Folds, seeds: u64) {
    eprintln!("{} ({})", folds.title, folds.name);
    if !folds.speaker_disjoint {
        eprintln!("warning: every tested speaker is in training too; this measures no skill");
        return;
    }
    for fold in &folds.folds {
        eprintln!("  {:<8} tests speakers {}", fold.name, fold.test.join(", "));
    }
    if !folds.absent.is_empty() {
        eprintln!("  not in this folder: speakers {}", folds.absent.join(", "));
    }
    if !folds.impossible.is_empty() {
        eprintln!(
            "  without any speaker, not run: {}",
            folds.impossible.join(", ")
        );
    }
    eprintln!("  {} trainings", folds.folds.len() as u64 * seeds);
}

/// The command that gives these results again.
fn command(args: &cli::CrossValidate, protocol: &str) -> String {
    let dirs: Vec<String> = args.dirs.iter().map(|d| d.display().to_string()).collect();
    let mut command = format!(
        "runner cross-validate {} --protocol {protocol} --seeds {}",
        dirs.join(" "),
        args.seeds
    );
    for (name, value) in [
        ("corpus", args.corpus.corpus.clone()),
        (
            "labels",
            (args.corpus.labels.as_ref()).map(|file| file.display().to_string()),
        ),
        (
            "label-set",
            (args.corpus.label_set).map(|rule| rule.to_string()),
        ),
        (
            "speaker-pattern",
            (args.corpus.speaker_pattern.as_ref()).map(|pattern| format!("'{pattern}'")),
        ),
        (
            "config",
            args.config.as_ref().map(|file| file.display().to_string()),
        ),
        ("epochs", args.epochs.map(|n| n.to_string())),
        ("backend", args.backend.map(|b| b.to_string())),
    ] {
        if let Some(value) = value {
            command += &format!(" --{name} {value}");
        }
    }
    command
}

fn write(
    folder: &Path,
    summary: &Summary,
    results: &[(TaskResult, Predictions)],
    command: &str,
) -> Result<()> {
    let json = serde_json::to_string_pretty(summary)?;
    write_atomically(&folder.join(RESULTS), json.as_bytes())?;
    for (name, rows) in [
        ("folds.csv", &summary.folds),
        ("classes.csv", &summary.classes),
        ("speakers.csv", &summary.speaker_rows),
    ] {
        write_atomically(&folder.join(name), &csv_of(rows)?)?;
    }
    write_atomically(&folder.join("predictions.csv"), &all_predictions(results)?)?;
    let curves: Vec<TaskResult> = results.iter().map(|(result, _)| result.clone()).collect();
    let html = page::html(summary, &curves, command)?;
    write_atomically(&folder.join("report.html"), html.as_bytes())
}

fn csv_of(rows: &[Row]) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["name", "clips", "mean", "deviation"])?;
    for row in rows {
        let text = |figure: Option<f64>| figure.map_or(String::new(), |f| f.to_string());
        writer.write_record([
            row.name.clone(),
            row.clips.to_string(),
            text(row.figure.map(|figure| figure.mean)),
            text(row.figure.and_then(|figure| figure.deviation)),
        ])?;
    }
    Ok(writer.into_inner()?)
}

/// Every prediction, with the fold and the seed it is of.
fn all_predictions(results: &[(TaskResult, Predictions)]) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for (index, (result, predictions)) in results.iter().enumerate() {
        let labels = predictions.labels();
        if index == 0 {
            let fixed = ["fold", "seed", "path", "speaker", "label", "predicted"];
            let names = labels.iter().map(|label| format!("p_{label}"));
            writer.write_record(fixed.into_iter().map(String::from).chain(names))?;
        }
        for row in predictions.rows() {
            let fixed = [
                result.fold.clone(),
                result.seed.to_string(),
                row.path.display().to_string(),
                row.speaker.clone(),
                row.label
                    .map_or(String::new(), |label| labels[label].clone()),
                labels[row.predicted].clone(),
            ];
            let probabilities = row.probabilities.iter().map(f32::to_string);
            writer.write_record(fixed.into_iter().chain(probabilities))?;
        }
    }
    Ok(writer.into_inner()?)
}

fn print(summary: &Summary, folder: &Path) {
    let figure = |spread: Option<Spread>| match spread.map(|s| (s.mean, s.deviation)) {
        Some((mean, Some(deviation))) => format!("{mean:.3} +- {deviation:.3}"),
        Some((mean, None)) => format!("{mean:.3}"),
        None => "none".into(),
    };
    for (what, rows) in [("fold", &summary.folds), ("class", &summary.classes)] {
        for row in rows {
            println!("{what:<6} {:<12} {}", row.name, figure(row.figure));
        }
    }
    for adapted in &summary.enrolled {
        println!("adapted {:<15} {}", adapted.known(), figure(adapted.uar));
    }
    println!("accuracy            {}", figure(summary.accuracy));
    println!("calibration error   {:.3}", summary.calibration_error);
    println!("Results: {}", folder.join("report.html").display());
    let interval = summary
        .uar_interval
        .map(|[low, high]| format!(", 95 % interval over speakers {low:.3} to {high:.3}"))
        .unwrap_or_default();
    let voices = match summary.speaker_disjoint {
        true => "speakers never heard in training",
        false => "speakers that WERE heard in training (leaky)",
    };
    println!(
        "UAR {} pooled over {} {voices}{interval}",
        figure(summary.uar),
        summary.speakers
    );
}
