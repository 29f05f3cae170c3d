//! `runner info`: what a model is and where it comes from.

use std::process::ExitCode;

use anyhow::Result;
use model::{Backend, Model};

use crate::cli;
use crate::run_folder;

/// Prints the model's description, for people or as JSON.
pub fn run(args: cli::Info) -> Result<ExitCode> {
    let file = run_folder::model_file(args.model.as_deref())?;
    let model = Model::load(&file, &Backend::Flex.device()?)?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&model.description)?);
        return Ok(ExitCode::SUCCESS);
    }
    print!("{}", text(&file.display().to_string(), &model));
    Ok(ExitCode::SUCCESS)
}

fn text(file: &str, model: &Model) -> String {
    let d = &model.description;
    let p = &d.provenance;
    let or_none = |list: &[String]| match list {
        [] => "none".to_string(),
        list => list.join(", "),
    };
    let figure = |value: Option<f64>| match value {
        Some(value) => format!("{:.1} %", 100.0 * value),
        None => "not measured".into(),
    };
    let a = &d.architecture;
    let directions = if a.bidirectional {
        "bidirectional "
    } else {
        ""
    };
    let columns = d.features.column_names();
    let lines = [
        ("model", file.to_string()),
        ("labels", d.labels.join(", ")),
        (
            "features",
            format!(
                "{} columns ({} to {}) every {:.1} ms at {} Hz; {} functionals",
                columns.len(),
                columns.first().map_or("", String::as_str),
                columns.last().map_or("", String::as_str),
                1000.0 * d.features.frame_period(),
                d.features.sample_rate,
                d.features.functional_names().len()
            ),
        ),
        (
            "network",
            format!(
                "{} layer(s) of {directions}LSTM with {} hidden units, {} parameters",
                a.layers,
                a.hidden,
                model.parameter_count()
            ),
        ),
        ("corpus", p.corpus.clone()),
        ("licence", p.licence.clone()),
        ("trained on speakers", or_none(&p.train_speakers)),
        ("validated on", or_none(&p.validation_speakers)),
        ("tested on", or_none(&p.test_speakers)),
        ("test UAR", figure(p.test_uar)),
        ("test accuracy", figure(p.test_accuracy)),
        (
            "made",
            format!(
                "{}, epoch {}, seed {}, program version {}",
                p.date, p.epoch, p.seed, p.program_version
            ),
        ),
    ];
    lines
        .iter()
        .map(|(name, value)| format!("{name:<20} {value}\n"))
        .collect()
}
