//! Tests that every setting of a training does something.
//!
//! Each field of [`Training`] and of [`Architecture`] is changed in turn, and
//! the training must come out differently: in the weights after one epoch, or,
//! where a setting cannot change those, in what it is for. A field that is
//! missing from the lists here fails the tests.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use audio::{FeatureSpec, FrameMasks, MaskFill, SpeechLevel};
use burn::tensor::Device;
use corpus::synth::{SynthSettings, write_corpus};
use corpus::{Corpus, Sources, Split, split_by_speaker};
use metrics::EpochMetrics;
use model::{Architecture, Convolution, LinearInputs, LinearMethod, PoolingKind, SvmLoss};
use recurrent::CellKind;
use recurrent::parameters::{Parameters, parameters};
use serde::Serialize;

use crate::settings::{Auxiliary, EnrolmentDraws, Linear, LinearKind, Settings, Training, Variant};
use crate::{
    Event, Experiment, FeatureStore, FeatureTable, Fitted, Journal, Observer, Outcome, Trainer,
    TrainingError,
};

/// A small corpus, unbalanced in its labels, with a store for its features.
struct Bench {
    corpus: Corpus,
    split: Split,
    store: FeatureStore,
    _folder: tempfile::TempDir,
}

/// The weights of all networks after the first epoch, and then a stop.
#[derive(Default)]
struct FirstEpoch {
    weights: Vec<Parameters>,
    seen: AtomicBool,
}

/// An observer that interrupts a training as soon as one epoch is done.
struct StopAfterOne(AtomicBool);

impl Observer for StopAfterOne {
    fn notice(&self, event: Event<'_>) {
        if let Event::Epoch(_) = event {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    fn interrupted(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Journal for FirstEpoch {
    fn resume(&mut self, _: &mut Trainer) -> Result<Vec<EpochMetrics>, TrainingError> {
        Ok(Vec::new())
    }

    fn epoch(&mut self, trainer: &Trainer, _: &EpochMetrics) -> Result<(), TrainingError> {
        if !self.seen.swap(true, Ordering::Relaxed) {
            self.weights = trainer.classifiers()?.iter().map(parameters).collect();
        }
        Ok(())
    }
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("corpus");
        let settings = SynthSettings {
            speakers: 4,
            takes_per_emotion: 1,
            seed: 1,
        };
        write_corpus(&dir, &settings, |_, _| {}).unwrap();
        let corpus = Sources::new(&[dir], "ravdess").unwrap().open().unwrap();
        let name = |number: &str| vec![number.to_owned()];
        let (test, validation) = (name("1"), name("2"));
        let mut split = split_by_speaker(&corpus, Some(&test), Some(&validation), 1).unwrap();
        // Labels of unlike size, so that class weights matter.
        let (clips, mut left_out) = (&corpus.clips, 0);
        split.train.retain(|&clip| {
            let is_out = clips[clip].label == 0 && left_out < 1;
            left_out += usize::from(is_out);
            !is_out
        });
        Self {
            store: FeatureStore::new(folder.path().join("store")),
            corpus,
            split,
            _folder: folder,
        }
    }

    fn run(&self, settings: &Settings, journal: &mut dyn Journal, stop: bool) -> Option<Fitted> {
        match self.try_run(settings, journal, stop).unwrap() {
            Outcome::Finished(fitted) => Some(*fitted),
            Outcome::Interrupted { .. } => None,
        }
    }

    fn try_run(
        &self,
        settings: &Settings,
        journal: &mut dyn Journal,
        stop: bool,
    ) -> Result<Outcome, TrainingError> {
        settings.validate().unwrap();
        let mut split = self.split.clone();
        if settings
            .validation_speakers
            .as_ref()
            .is_some_and(Vec::is_empty)
        {
            split.validation.clear();
        }
        let others = [&split.validation[..], &split.test].concat();
        let features = FeatureTable::extract(
            &self.corpus,
            &split.train,
            &others,
            settings,
            Some(&self.store),
            &(),
        );
        let experiment = Experiment {
            corpus: &self.corpus,
            split: &split,
            features: &features.unwrap(),
            settings,
            device: &Device::flex(),
            fine_tune: None,
            speaker_adaptation: false,
        };
        let one = StopAfterOne(AtomicBool::new(false));
        let observer: &dyn Observer = if stop { &one } else { &() };
        experiment.run(journal, observer)
    }

    /// The weights after one epoch.
    fn weights(&self, settings: &Settings) -> Vec<Parameters> {
        let mut journal = FirstEpoch::default();
        self.run(settings, &mut journal, true);
        assert!(!journal.weights.is_empty());
        journal.weights
    }

    /// The whole training.
    fn fitted(&self, settings: &Settings) -> Fitted {
        self.run(settings, &mut (), false).unwrap()
    }
}

/// A network and a training small enough for forty of them.
fn base() -> Settings {
    Settings {
        architecture: Architecture {
            hidden: 4,
            layers: 2,
            functional_units: 4,
            ..Architecture::default()
        },
        training: Training {
            epochs: 2,
            batch_size: 8,
            variants: vec![Variant::default()],
            ..Training::default()
        },
        ..Settings::default()
    }
}

/// The names of the settings of a table.
fn fields(settings: &impl Serialize) -> BTreeSet<String> {
    let table = toml::Table::try_from(settings).unwrap();
    table.into_iter().map(|(name, _)| name).collect()
}

type Change<T> = (&'static str, fn(&mut T));

#[test]
fn every_setting_of_the_training_changes_it() {
    let in_weights: [Change<Training>; 14] = [
        ("epochs", |t| t.epochs = 3),
        ("batch_size", |t| t.batch_size = 5),
        ("learning_rate", |t| t.learning_rate = 1e-3),
        ("weight_decay", |t| t.weight_decay = 0.5),
        ("gradient_clip", |t| t.gradient_clip = 1e-3),
        ("label_smoothing", |t| t.label_smoothing = 0.3),
        ("class_weights", |t| t.class_weights = false),
        ("variants", |t| t.variants[0].speed = 0.8),
        ("crop", |t| t.crop = 0.5),
        ("masks", |t| {
            t.masks = Some(FrameMasks {
                frequency_masks: 1,
                frequency_width: 3,
                time_masks: 2,
                time_width: 10,
                time_share: 0.5,
                fill: MaskFill::Zero,
            });
        }),
        ("mixup", |t| t.mixup = 0.4),
        ("average", |t| t.average = 0.9),
        ("enrolment", |t| {
            t.enrolment = Some(EnrolmentDraws {
                least: 1,
                ..EnrolmentDraws::default()
            });
        }),
        ("auxiliary", |t| {
            t.auxiliary = vec![Auxiliary {
                part: "speaker".into(),
                weight: 1.0,
            }];
        }),
    ];
    let elsewhere = [
        "patience",
        "temperature",
        "members",
        "linear",
        "network_share",
    ];

    let mut full = base().training;
    full.linear = vec![Linear::default()];
    in_weights.iter().for_each(|(_, change)| change(&mut full));
    let tested = in_weights.iter().map(|(name, _)| *name).chain(elsewhere);
    let tested: BTreeSet<String> = tested.map(str::to_owned).collect();
    assert_eq!(fields(&full), tested, "settings that are not tested here");

    let bench = Bench::new();
    let before = bench.weights(&base());
    assert!(bench.weights(&base()) == before, "not repeatable");
    for (name, change) in in_weights {
        let mut settings = base();
        change(&mut settings.training);
        assert!(bench.weights(&settings) != before, "{name} does nothing");
    }
}

#[test]
fn patience_temperature_and_members_do_what_they_are_for() {
    let bench = Bench::new();
    let with = |change: fn(&mut Settings)| {
        let mut settings = base();
        change(&mut settings);
        bench.fitted(&settings)
    };
    // Weights that hardly move: no epoch is better than the first.
    let epochs = |patience: usize| {
        let mut settings = base();
        settings.training.epochs = 6;
        settings.training.learning_rate = 1e-30;
        settings.training.patience = patience;
        let fitted = bench.fitted(&settings);
        (fitted.epochs.len(), fitted.best_epoch)
    };
    assert_eq!(epochs(1), (2, 1));
    assert_eq!(epochs(3), (4, 1));
    assert_eq!(epochs(30), (6, 1));

    // Without validation speakers the temperature is the one of the settings.
    let fitted = with(|s| {
        s.validation_speakers = Some(Vec::new());
        s.training.temperature = 1.7;
    });
    assert_eq!(fitted.model.description.temperature, 1.7);
    assert_eq!(fitted.best_epoch, 2);

    let fitted = with(|s| s.training.members = 3);
    assert_eq!(fitted.model.members.len(), 3);
    assert_eq!(fitted.epochs.len(), 6);
}

/// A support vector machine on the functionals.
fn svm(cost: Option<f64>, loss: Option<SvmLoss>) -> Linear {
    Linear {
        kind: LinearKind::Svm,
        inputs: LinearInputs::Functionals,
        cost,
        loss,
        ..Linear::default()
    }
}

#[test]
fn every_setting_of_the_linear_classifiers_changes_the_answers() {
    let bench = Bench::new();
    let answers = |change: fn(&mut Training)| {
        let mut settings = base();
        settings.features = FeatureSpec::emotion();
        settings.training.epochs = 1;
        settings.training.linear = vec![Linear {
            inputs: LinearInputs::Functionals,
            ..Linear::default()
        }];
        change(&mut settings.training);
        bench.fitted(&settings).predictions
    };
    let changes: [Change<Training>; 7] = [
        ("linear", |t| t.linear.clear()),
        ("kind", |t| t.linear[0].kind = LinearKind::Logistic),
        ("shrinkage", |t| t.linear[0].shrinkage = Some(1.0)),
        ("cost", |t| t.linear[0] = svm(Some(10.0), None)),
        ("loss", |t| {
            t.linear[0] = svm(Some(10.0), Some(SvmLoss::Hinge))
        }),
        ("share", |t| t.linear[0].share = 3.0),
        ("network_share", |t| t.network_share = 0.1),
    ];
    let all = Linear {
        shrinkage: Some(0.5),
        ..svm(Some(1.0), Some(SvmLoss::Hinge))
    };
    let tested = ["inputs", "kind", "shrinkage", "cost", "loss", "share"];
    assert_eq!(fields(&all), tested.map(str::to_owned).into());
    let before = answers(|_| {});
    assert!(answers(|_| {}) == before, "not repeatable");
    let mut all = vec![before];
    for (name, change) in changes {
        let after = answers(change);
        assert!(!all.contains(&after), "{name} does nothing");
        all.push(after);
    }
    // What has nothing to read is refused.
    let mut settings = base();
    settings.training.linear = vec![Linear::default()];
    let error = bench.try_run(&settings, &mut (), false).unwrap_err();
    assert!(error.to_string().contains("Encoder"), "{error}");
}

#[test]
fn without_networks_a_training_has_no_epochs_and_out_of_fold_answers_calibrate_it() {
    let bench = Bench::new();
    let mut settings = base();
    settings.features = FeatureSpec::encoder();
    settings.validation_speakers = Some(Vec::new());
    settings.training.members = 0;
    settings.training.linear = vec![Linear::default()];
    let fitted = bench.fitted(&settings);
    assert!(fitted.epochs.is_empty() && fitted.model.members.is_empty());
    assert_eq!(fitted.model.linear.len(), 1);
    assert_ne!(fitted.model.description.temperature, 1.0);
    // The model survives its file, and answers the same.
    let bytes = fitted.model.to_bytes().unwrap();
    let again = model::Model::from_bytes(&bytes, &Device::flex()).unwrap();
    assert_eq!(again.to_bytes().unwrap(), bytes);
    assert_eq!(again.linear, fitted.model.linear);
    assert!(bytes.len() < 1_000_000, "{}", bytes.len());
}

#[test]
fn a_strength_that_is_left_open_is_chosen_among_the_candidates_and_balance_counts() {
    let bench = Bench::new();
    let fitted = |change: fn(&mut Training)| {
        let mut settings = base();
        settings.features = FeatureSpec::emotion();
        settings.validation_speakers = Some(Vec::new());
        settings.training.members = 0;
        settings.training.linear = vec![svm(None, None)];
        change(&mut settings.training);
        bench.fitted(&settings).model
    };
    let method = |model: &model::Model| model.linear[0].method.unwrap();
    let open = fitted(|_| {});
    let candidates = svm(None, None).candidates();
    assert!(candidates.contains(&method(&open)));
    let set = fitted(|t| t.linear[0].cost = Some(0.5));
    let loss = SvmLoss::SquaredHinge;
    assert_eq!(method(&set), LinearMethod::Svm { cost: 0.5, loss });
    // The method is in the file.
    let bytes = set.to_bytes().unwrap();
    let again = model::Model::from_bytes(&bytes, &Device::flex()).unwrap();
    assert_eq!(again.linear, set.linear);
    let kinds: [fn(&mut Training); 3] = [
        |t| t.linear[0] = svm(Some(0.5), None),
        |t| {
            t.linear[0].kind = LinearKind::Logistic;
            t.linear[0].cost = Some(0.5);
        },
        |t| {
            t.linear[0].kind = LinearKind::Lda;
            t.linear[0].shrinkage = Some(0.5);
        },
    ];
    for kind in kinds {
        let with = |balanced: bool| {
            let mut settings = base();
            settings.features = FeatureSpec::emotion();
            settings.training.members = 0;
            settings.training.linear = vec![svm(None, None)];
            kind(&mut settings.training);
            settings.training.class_weights = balanced;
            bench.fitted(&settings).model.linear
        };
        assert!(with(true) != with(false), "class_weights does nothing");
    }
}

#[test]
fn pretrained_layers_start_from_the_encoder_and_are_fine_tuned() {
    let bench = Bench::new();
    let mut settings = base();
    settings.features = FeatureSpec::speech();
    settings.architecture = Architecture {
        hidden: 256,
        layers: 2,
        bidirectional: false,
        functional_units: 0,
        pretrained: true,
        ..Architecture::default()
    };
    settings.training.learning_rate = 1e-4;
    let encoder = model::Encoder::pretrained().unwrap().parameters();
    let furthest = |settings: &Settings| {
        let tuned = &bench.weights(settings)[0];
        let apart = encoder.iter().map(|(name, array)| {
            let own = &tuned[&format!("recurrent.{name}")];
            let apart = own.values.iter().zip(&array.values);
            apart.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
        });
        apart.fold(0.0, f32::max)
    };
    let apart = furthest(&settings);
    assert!(apart > 0.0 && apart < 0.01, "{apart}");
    settings.architecture.pretrained = false;
    assert!(furthest(&settings) > 0.1);

    settings.architecture.pretrained = true;
    settings.architecture.hidden = 128;
    let error = bench.try_run(&settings, &mut (), true).unwrap_err();
    assert!(error.to_string().contains("256"), "{error}");
}

#[test]
fn every_setting_of_the_architecture_changes_the_network() {
    let changes: [Change<Architecture>; 12] = [
        ("convolutions", |a| {
            a.convolutions = vec![Convolution {
                channels: 4,
                ..Convolution::default()
            }];
        }),
        ("cell", |a| a.cell = CellKind::Gru),
        ("hidden", |a| a.hidden = 5),
        ("layers", |a| a.layers = 1),
        ("bidirectional", |a| a.bidirectional = false),
        ("pooling", |a| a.pooling = PoolingKind::Mean),
        ("functional_units", |a| a.functional_units = 3),
        ("encoder_units", |a| a.encoder_units = 4),
        ("dropout", |a| a.dropout = 0.0),
        ("recurrent_dropout", |a| a.recurrent_dropout = 0.5),
        ("residual", |a| a.residual = true),
        ("layer_norm", |a| a.layer_norm = true),
    ];
    let tested: BTreeSet<String> = changes.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(
        fields(&base().architecture),
        tested,
        "settings that are not tested here"
    );

    let bench = Bench::new();
    // With an encoder, whose branch is one of the settings.
    let base = || Settings {
        features: FeatureSpec {
            encoder: Some(SpeechLevel::default()),
            ..FeatureSpec::recommended()
        },
        ..base()
    };
    let before = bench.weights(&base());
    for (name, change) in changes {
        let mut settings = base();
        change(&mut settings.architecture);
        assert!(bench.weights(&settings) != before, "{name} does nothing");
    }
}
