//! The options about settings that `train` and `cross-validate` share.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::CommandFactory;
use clap::error::ErrorKind;
use model::{Backend, Model};
use training::{FeatureStore, LinearKind, Settings, Training};

use crate::cli::Cli;

/// The settings that `train` and `cross-validate` share.
#[derive(clap::Args, Clone, Debug)]
pub struct SettingsOptions {
    /// A settings file, such as an earlier run's settings.toml, or a recipe: emotion (the most accurate), plain or classical
    #[arg(long, value_name = "FILE|RECIPE")]
    pub config: Option<PathBuf>,
    /// A linear classifier on the clips' functionals instead of the networks
    #[arg(long, value_enum, value_name = "KIND")]
    pub classifier: Option<ClassifierKind>,
    /// Change one setting by its path, as often as needed: --set training.mixup=0.2; it wins over --config
    #[arg(long, value_name = "PATH=VALUE", value_parser = assignment)]
    pub set: Vec<String>,
    /// Most passes over the training clips, as --set training.epochs=N
    #[arg(long, value_name = "N")]
    pub epochs: Option<usize>,
    /// Where to compute: auto, flex, ndarray or wgpu
    #[arg(long)]
    pub backend: Option<Backend>,
    /// Extract all features anew and keep none
    #[arg(long)]
    pub no_cache: bool,
    /// Do not check the recordings first
    #[arg(long)]
    pub no_check: bool,
}

/// The linear classifiers that can take the place of the networks.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClassifierKind {
    /// A support vector machine, one label against the rest
    Svm,
    /// Multinomial logistic regression
    Logistic,
    /// Linear discriminant analysis
    Lda,
}

impl ClassifierKind {
    fn in_settings(self) -> LinearKind {
        match self {
            ClassifierKind::Svm => LinearKind::Svm,
            ClassifierKind::Logistic => LinearKind::Logistic,
            ClassifierKind::Lda => LinearKind::Lda,
        }
    }

    fn name(self) -> &'static str {
        match self {
            ClassifierKind::Svm => "svm",
            ClassifierKind::Logistic => "logistic",
            ClassifierKind::Lda => "lda",
        }
    }
}

/// The recipe of a classifier on functionals, where none is named.
const CLASSICAL: &str = "classical";

/// A setting's path and value.
pub fn assignment(text: &str) -> Result<String, String> {
    match text.contains('=') {
        true => Ok(text.to_owned()),
        false => Err("write a path and a value, as in training.mixup=0.2".into()),
    }
}

impl SettingsOptions {
    /// The settings of the file or recipe, with what else the command line says;
    /// `more` are further settings by their paths, which win.
    ///
    /// # Errors
    ///
    /// Where a setting is unknown or out of its range.
    pub fn settings(
        &self,
        fine_tune: Option<(&Model, &Path)>,
        more: Vec<(&str, Option<String>)>,
    ) -> Result<Settings> {
        let mut builder = Settings::builder();
        let classical = self.classifier.map(|_| Path::new(CLASSICAL));
        if let Some(file) = self.config.as_deref().or(classical) {
            builder = builder.recipe_or_file(file)?;
        }
        if let Some(kind) = self.classifier {
            builder = builder.classifier(kind.in_settings())?;
        }
        if let Some((model, file)) = fine_tune {
            builder = builder.fine_tuned(model, file)?;
        }
        for assignment in &self.set {
            if let Some((path, value)) = assignment.split_once('=') {
                builder = builder.set(path.trim(), value.trim())?;
            }
        }
        let own = [
            ("training.epochs", self.epochs.map(|n| n.to_string())),
            ("backend", self.backend.map(|b| b.to_string())),
        ];
        for (path, value) in own.into_iter().chain(more) {
            if let Some(value) = value {
                builder = builder.set(path, &value)?;
            }
        }
        let settings = builder.build()?;
        self.refuse_unread(&settings);
        Ok(settings)
    }

    /// Ends the process as wrong usage does, where an option changes networks and
    /// there are none.
    fn refuse_unread(&self, settings: &Settings) {
        if settings.training.members > 0 {
            return;
        }
        let paths = self.set.iter().filter_map(|set| set.split_once('='));
        let mut paths = paths.map(|(path, _)| path.trim());
        let option = match self.epochs {
            Some(_) => Some("--epochs".to_owned()),
            None => paths
                .find(|path| Training::only_networks_read(path))
                .map(|path| format!("--set {path}")),
        };
        if let Some(option) = option {
            let what = format!(
                "{option} is for networks, and these settings train none; leave it out, or \
                 train a network (without --classifier, and with training.members above 0)"
            );
            let mut command = Cli::command();
            command.error(ErrorKind::ArgumentConflict, what).exit();
        }
    }

    /// Where features are kept, unless they are not to be.
    ///
    /// # Errors
    ///
    /// Where the system has no folder for caches.
    pub fn store(&self) -> Result<Option<FeatureStore>> {
        Ok(match self.no_cache {
            true => None,
            false => Some(FeatureStore::of_user()?),
        })
    }

    /// The options as they are typed, to repeat a command.
    pub fn as_typed(&self) -> String {
        let config = self.config.as_ref().map(|file| file.display().to_string());
        let classifier = self.classifier.map(|kind| kind.name().to_owned());
        let options = [
            ("config", config),
            ("classifier", classifier),
            ("epochs", self.epochs.map(|n| n.to_string())),
            ("backend", self.backend.map(|b| b.to_string())),
        ];
        let sets = self.set.iter().map(|set| ("set", Some(set.clone())));
        let given = options.into_iter().chain(sets);
        let given = given.filter_map(|(name, value)| Some(format!(" --{name} {}", value?)));
        given.collect()
    }
}
