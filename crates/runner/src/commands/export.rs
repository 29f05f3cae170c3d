//! `affekt export`: a trained model as a file for other programs.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use model::{Backend, Member, Model, onnx};
use recurrent::pytorch;
use training::run_folder::model_file;

use crate::output::write_file;

/// `affekt export`.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  affekt export runs/2026-01-31-ravdess --format onnx --out emotions.onnx
  affekt export model.safetensors --format pytorch --out lstm.safetensors

onnx (operator set 17) holds the whole way from features to probabilities, the
normalisation too. It takes
  frames          [batch, time, columns]     features as they are, padded at the end
  lengths         [batch]                    frames of each clip, 64-bit integers
  functionals     [batch, functionals]       statistics of each clip
  speech          [batch, speech_time, 40]   the encoder's input, padded at the end
  speech_lengths  [batch]                    its frames of each clip, at least 1
each only where the model needs it (the encoder is in the file), and gives probabilities
[batch, labels]. Its metadata name the labels, the
columns and the settings that the features are made with.

pytorch holds the recurrent layers alone, under PyTorch's names, as safetensors:
  network = torch.nn.LSTM(20, 64, bidirectional=True, batch_first=True)
  network.load_state_dict(safetensors.torch.load_file(\"lstm.safetensors\"))
The sizes stand in the file's metadata; their input is normalised already.")]
pub struct Args {
    /// A model file or a run's folder
    #[arg(value_name = "FILE|RUN")]
    pub model: PathBuf,
    /// onnx for other runtimes, pytorch to go on there
    #[arg(long, value_enum)]
    pub format: ExportFormat,
    /// Which of an ensemble's networks goes to PyTorch
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub member: usize,
    /// The file to write, replaced if it is there
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// What `export` writes.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// Open Neural Network Exchange: the whole model
    Onnx,
    /// safetensors with the names of torch.nn: the recurrent layers
    Pytorch,
}

/// Writes the file, and says what it holds.
pub fn run(args: &Args) -> Result<ExitCode> {
    let file = model_file(&args.model)?;
    let model = Model::load(&file, &Backend::Flex.device()?)?;
    let (bytes, what) = match args.format {
        ExportFormat::Onnx => (
            onnx::to_bytes(&model)?,
            "from features to probabilities, labels and settings in its metadata",
        ),
        ExportFormat::Pytorch => (
            pytorch::to_bytes(&member(&model, args.member)?.classifier.recurrent)?,
            "the recurrent layers alone, for load_state_dict",
        ),
    };
    write_file(&args.out, &bytes)?;
    println!("{}: {what}", args.out.display());
    Ok(ExitCode::SUCCESS)
}

/// One of the model's networks, counted from 1.
fn member(model: &Model, number: usize) -> Result<&Member> {
    ensure!(
        !model.members.is_empty(),
        "the model has no recurrent layers, only linear classifiers; use --format onnx"
    );
    let member = number
        .checked_sub(1)
        .and_then(|index| model.members.get(index));
    member.with_context(|| {
        let count = model.members.len();
        format!("there is no network {number}: the model has {count}, counted from 1")
    })
}

#[cfg(test)]
mod tests {
    use audio::{FeatureSpec, Features, Frames};
    use model::{Architecture, Description, Normalisation, Provenance};

    use recurrent::{CellKind, Init};

    use super::*;

    /// A folder with an untrained model in it.
    fn folder(cell: CellKind) -> tempfile::TempDir {
        let features = FeatureSpec::recommended();
        let columns = features.column_names().len();
        let clip = Features::new(
            Frames::new((0..3 * columns).map(|v| v as f32).collect(), columns),
            vec![1.0; features.functional_names().len()],
        );
        let description = Description {
            labels: ["calm", "angry"].map(String::from).to_vec(),
            features,
            architecture: Architecture {
                cell,
                hidden: 4,
                ..Architecture::default()
            },
            temperature: 1.0,
            provenance: Provenance::default(),
        };
        let device = Backend::Flex.device().unwrap();
        let classifier = description.init(&mut Init::new(1, &device));
        let normalisation = Normalisation::fit([&clip]).unwrap();
        let model = Model::single(classifier, normalisation, description);
        let folder = tempfile::tempdir().unwrap();
        model.save(folder.path().join("model.safetensors")).unwrap();
        folder
    }

    fn export(folder: &tempfile::TempDir, format: ExportFormat) -> Result<Vec<u8>> {
        let out = folder.path().join("exported");
        run(&Args {
            model: folder.path().into(),
            format,
            member: 1,
            out: out.clone(),
        })?;
        Ok(std::fs::read(out)?)
    }

    #[test]
    fn a_runs_folder_becomes_a_file_of_either_format() {
        let folder = folder(CellKind::Lstm);
        let onnx = export(&folder, ExportFormat::Onnx).unwrap();
        let said = String::from_utf8_lossy(&onnx).into_owned();
        assert!(said.contains("probabilities") && said.contains("calm"));
        let bytes = export(&folder, ExportFormat::Pytorch).unwrap();
        let (weights, metadata) = model::deserialize(&bytes, "exported").unwrap();
        assert_eq!(weights["weight_hh_l0_reverse"].shape, [16, 4]);
        assert_eq!(metadata["module"], "LSTM");
    }

    #[test]
    fn what_the_format_does_not_have_is_an_error_and_leaves_no_file() {
        let folder = folder(CellKind::Coupled);
        let error = export(&folder, ExportFormat::Pytorch).unwrap_err();
        assert!(error.to_string().contains("coupled"), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
