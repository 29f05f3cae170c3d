//! The options that say which model to use, and opening it.

use std::path::{Path, PathBuf};

use anyhow::Result;
use burn::tensor::Device;
use clap::Args;
use model::{Backend, Model, Recognizer, RecognizerBuilder};
use training::run_folder::model_file;

use crate::backend;

/// Which model, and where it computes.
#[derive(Args, Debug)]
pub struct ModelOptions {
    /// A model file, a run's folder, or `newest` for the newest under runs/ [default: the pretrained model]
    #[arg(long, short, value_name = "FILE|RUN")]
    pub model: Option<PathBuf>,
    /// Where to compute: auto, flex, ndarray or wgpu
    #[arg(long, default_value_t = Backend::Auto)]
    pub backend: Backend,
}

impl ModelOptions {
    /// A recogniser with this model on this backend, to be completed.
    ///
    /// # Errors
    ///
    /// Where there is no such model or backend.
    pub fn recognizer(&self) -> Result<RecognizerBuilder<'static>> {
        let builder = Recognizer::builder().backend(backend::usable(self.backend)?);
        Ok(match &self.model {
            Some(choice) => builder.model_file(model_file(choice)?),
            None => builder,
        })
    }
}

/// The model that `choice` names and what to call it; without a choice the
/// pretrained one.
///
/// # Errors
///
/// Where there is no such model, or it cannot be read.
pub fn load(choice: Option<&Path>, device: &Device) -> Result<(Model, String)> {
    match choice {
        Some(choice) => {
            let file = model_file(choice)?;
            Ok((Model::load(&file, device)?, file.display().to_string()))
        }
        None => {
            let recognizer = Recognizer::builder().build()?;
            Ok((recognizer.into_model(), "the pretrained model".into()))
        }
    }
}
