//! `affekt info`: what a model is and where it comes from.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use model::{
    Backend, CrossValidation, Description, Encoder, LinearClassifier, LinearInputs, LinearMethod,
    Model,
};
use recurrent::CellKind;
use serde::Serialize;

use crate::model_options::load;

/// `affekt info`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// A model file, a run's folder, or `newest` for the newest under runs/ [default: the model that comes with the program]
    pub model: Option<PathBuf>,
    /// Everything as JSON
    #[arg(long)]
    pub json: bool,
}

/// What `--json` prints: the description, and what the classifiers are.
#[derive(Serialize)]
struct Everything<'a> {
    #[serde(flatten)]
    description: &'a Description,
    linear: Vec<LinearLine>,
}

/// A linear classifier.
#[derive(Serialize)]
struct LinearLine {
    /// Null where the file does not say.
    method: Option<LinearMethod>,
    inputs: LinearInputs,
    share: f32,
}

impl LinearLine {
    fn of(classifier: &LinearClassifier) -> Self {
        Self {
            method: classifier.method,
            inputs: classifier.inputs,
            share: classifier.share,
        }
    }
}

/// Prints the model's description, for people or as JSON.
pub fn run(args: &Args) -> Result<ExitCode> {
    let device = Backend::Flex.device()?;
    let (model, file) = load(args.model.as_deref(), &device)?;
    if args.json {
        let everything = Everything {
            description: &model.description,
            linear: model.linear.iter().map(LinearLine::of).collect(),
        };
        println!("{}", serde_json::to_string_pretty(&everything)?);
        return Ok(ExitCode::SUCCESS);
    }
    print!("{}", text(&file, &model));
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
    let encoder = model.encoder.as_ref().map(|encoder| {
        let whose = if encoder.is_pretrained() {
            "pretrained"
        } else {
            "fine-tuned"
        };
        format!(
            "{whose}, 2 LSTM layers of {} units ({})",
            Encoder::UNITS,
            encoder.fingerprint()
        )
    });
    let network = format!(
        "{}{}{} layer(s) of {directions}{} with {} hidden units",
        match model.members.len() {
            1 => String::new(),
            several => format!("{several} of: "),
        },
        match a.convolutions.len() {
            0 => String::new(),
            some => format!("{some} convolution(s), "),
        },
        a.layers,
        cell_name(a.cell),
        a.hidden,
    );
    let frames = format!(
        "{} columns ({} to {}) every {:.1} ms at {} Hz; ",
        columns.len(),
        columns.first().map_or("", String::as_str),
        columns.last().map_or("", String::as_str),
        1000.0 * d.features.frame_period(),
        d.features.sample_rate,
    );
    let lines = [
        ("model", file.to_string()),
        ("labels", d.labels.join(", ")),
        (
            "features",
            format!(
                "{}{} functionals",
                if columns.is_empty() { "" } else { &frames },
                d.functionals()
            ),
        ),
        ("encoder", encoder.unwrap_or("none".into())),
        (
            "network",
            if model.members.is_empty() {
                "none".into()
            } else {
                network
            },
        ),
        ("linear classifiers", linear(model)),
        ("parameters", model.parameter_count().to_string()),
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
    let lines = lines.into_iter();
    lines
        .chain(p.cross_validation.iter().flat_map(found))
        .map(|(name, value)| format!("{name:<20} {value}\n"))
        .collect()
}

/// How each linear classifier was fitted, and on how many numbers.
fn linear(model: &Model) -> String {
    let one = |classifier: &LinearClassifier| {
        let range = classifier.inputs.range(&model.description.features);
        let method = match classifier.method {
            Some(method) => method.to_string(),
            None => "LDA".into(),
        };
        format!("{method}, on {} functionals", range.len())
    };
    match &model.linear[..] {
        [] => "none".into(),
        linear => linear.iter().map(one).collect::<Vec<_>>().join("; "),
    }
}

/// The cell as settings name it, in capitals.
fn cell_name(cell: CellKind) -> String {
    let name = serde_json::to_value(cell).unwrap_or_default();
    name.as_str().unwrap_or("cell").to_uppercase()
}

/// What a cross-validation of the same settings found.
fn found(c: &CrossValidation) -> Vec<(&'static str, String)> {
    let percent = |value: f64| format!("{:.1} %", 100.0 * value);
    let mut uar = percent(c.uar);
    if let Some(deviation) = c.uar_deviation {
        uar += &format!(", deviation {} over {} seeds", percent(deviation), c.seeds);
    }
    if let Some([low, high]) = c.uar_interval {
        uar += &format!(
            "; 95 % interval over speakers {} to {}",
            percent(low),
            percent(high)
        );
    }
    let recalls = c
        .recalls
        .iter()
        .map(|(label, r)| format!("{label} {:.0} %", 100.0 * r));
    let adapted = c.adapted.iter().map(|(clips, uar)| match clips {
        Some(clips) => format!("{clips}: {}", percent(*uar)),
        None => format!("all: {}", percent(*uar)),
    });
    vec![
        (
            "cross-validated",
            format!(
                "{}: {} clips of {} speakers, each by models that never heard them",
                c.protocol, c.clips, c.speakers
            ),
        ),
        ("  UAR", uar),
        ("  accuracy", percent(c.accuracy)),
        ("  calibration error", format!("{:.3}", c.calibration_error)),
        ("  recalls", recalls.collect::<Vec<_>>().join(", ")),
        ("  UAR, clips known", adapted.collect::<Vec<_>>().join(", ")),
    ]
}
