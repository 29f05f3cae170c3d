//! `runner export`: a trained model as a file for other programs.

use std::process::ExitCode;

use anyhow::{Context, Result};
use model::recurrent::pytorch;
use model::{Backend, Member, Model, onnx};

use crate::cli::{self, ExportFormat};
use crate::report::write_atomically;
use crate::run_folder;

/// Writes the file, and says what it holds.
pub fn run(args: cli::Export) -> Result<ExitCode> {
    let file = run_folder::model_file(&args.model)?;
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
    write_atomically(&args.out, &bytes)?;
    println!("{}: {what}", args.out.display());
    Ok(ExitCode::SUCCESS)
}

/// One of the model's networks, counted from 1.
fn member(model: &Model, number: usize) -> Result<&Member> {
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
    use model::recurrent::{CellKind, Init};
    use model::{Architecture, Description, Normalisation, Provenance};

    use super::*;

    /// A folder with an untrained model in it.
    fn folder(cell: CellKind) -> tempfile::TempDir {
        let features = FeatureSpec::recommended();
        let columns = features.column_names().len();
        let clip = Features {
            frames: Frames::new((0..3 * columns).map(|v| v as f32).collect(), columns),
            functionals: vec![1.0; features.functional_names().len()],
        };
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
        run(cli::Export {
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
