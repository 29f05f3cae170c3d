//! Integrated gradients (Sundararajan, Taly and Yan, 2017) of the recogniser's score.
//!
//! On the straight way from the baseline, where every normalised number is 0, to the
//! recording, the gradient of the score is averaged; a number's part is that mean times
//! the number. All parts add up to the score minus the baseline's, but for the error of
//! the sum over steps, which is told (`gap`).
//!
//! The score is that of the whole ensemble: the gradient goes through the odds, the
//! temperature and the mean of the probabilities. That of the linear classifiers is
//! written here; that of the networks is Burn's.

use audio::{Features, Recording};
use burn::tensor::{Device, Tensor, TensorData};
use recurrent::Init;
use recurrent::parameters::{parameters, with_parameters};
use serde::Serialize;

use super::FeatureGroup;
use super::point::Shares;
use super::states::{of_embedding, over_frames};
use super::{GroupPlaces, Point, feature_groups};
use crate::{Batch, Classifier, Encoder, ModelError, Recognizer};

/// Frames of all steps that go through a network at once.
const FRAMES_AT_ONCE: usize = 1 << 15;
/// The steepest slope that a network is given: of 32 bits, and times a probability.
const MOST: f64 = 1e30;

/// What each number of a recording contributes to its score.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct IntegratedGradients {
    /// The score where every number is the training's mean.
    pub baseline: f64,
    /// The sum of all parts minus the difference in score between the recording and the
    /// baseline: how far the sum over steps is from the integral.
    pub gap: f64,
    /// How many steps there were.
    pub steps: usize,
    /// The parts of moments, in order of time: seconds, and the part of the row of
    /// features, or of the encoder's state, there.
    pub moments: Vec<(f64, f64)>,
    /// The part of what is of the whole recording: its functionals but for the
    /// embedding.
    pub whole: f64,
    /// The parts of the groups of features.
    pub groups: Vec<(FeatureGroup, f64)>,
}

/// Mean gradients by one classifier's inputs.
struct Slopes {
    frames: Vec<f64>,
    functionals: Vec<f64>,
}

pub(super) fn integrated(
    recognizer: &Recognizer,
    (recording, features): (&Recording, &Features),
    point: &Point,
    label: usize,
    steps: usize,
) -> Result<IntegratedGradients, ModelError> {
    let (linear, networks) = slopes(recognizer, point, label, steps)?;
    let model = recognizer.model();
    let times = recognizer.extractor.row_times(recording)?;
    let columns = features.frames.columns();
    let mut functionals = vec![0.0; features.functionals.len()];
    let mut by_column = vec![0.0; columns];
    let mut by_row = vec![0.0; features.frames.len()];
    let mut by_state = vec![0.0; features.encoder.len()];
    let states = match &model.encoder {
        Some(encoder) if !features.encoder.is_empty() => Some(encoder.states(&features.encoder)?),
        _ => None,
    };
    let of_linear = (linear.iter().zip(&point.linear).zip(&model.linear))
        .map(|((slopes, row), classifier)| (slopes, row, &classifier.normalisation));
    let of_networks = (networks.iter().zip(&point.members).zip(&model.members))
        .map(|((slopes, clip), member)| (slopes, &clip.functionals, &member.normalisation));
    for (slopes, row, normalisation) in of_linear.chain(of_networks) {
        for ((sum, slope), x) in functionals.iter_mut().zip(&slopes.functionals).zip(row) {
            *sum += slope * f64::from(*x);
        }
        if let Some(states) = &states {
            let first = functionals.len() - Encoder::EMBEDDING;
            let own = &slopes.functionals[first..];
            let embedding = &features.functionals[first..];
            let statistics = of_embedding(&normalisation.functionals);
            let parts = over_frames(states, embedding, own, statistics);
            by_state
                .iter_mut()
                .zip(parts)
                .for_each(|(sum, part)| *sum += part);
        }
    }
    for (slopes, clip) in networks.iter().zip(&point.members) {
        for (place, (slope, x)) in slopes.frames.iter().zip(clip.frames.data()).enumerate() {
            let part = slope * f64::from(*x);
            by_column[place % columns] += part;
            by_row[place / columns] += part;
        }
    }
    let mut moments: Vec<(f64, f64)> = (times.frames.into_iter().zip(by_row))
        .chain(times.encoder.into_iter().zip(by_state))
        .collect();
    moments.sort_by(|a, b| a.0.total_cmp(&b.0));
    let placed = states.map_or(0, |_| Encoder::EMBEDDING);
    let whole = functionals[..functionals.len() - placed].iter().sum();
    let ends = [point.clone(), point.scaled(0.0)];
    let ends = recognizer.scores_at(&ends, label)?;
    let parts = by_column.iter().chain(&functionals).sum::<f64>();
    let of_group = |places: GroupPlaces| {
        let columns = places.columns.iter().map(|c| by_column[*c]);
        let numbers = places.functionals.iter().map(|f| functionals[*f]);
        (places.group, columns.chain(numbers).sum())
    };
    Ok(IntegratedGradients {
        baseline: ends[1],
        gap: parts - (ends[0] - ends[1]),
        steps,
        moments,
        whole,
        groups: (feature_groups(&recognizer.description().features).into_iter())
            .map(of_group)
            .collect(),
    })
}

/// The mean gradients of every linear classifier and of every network over the [`way`].
fn slopes(
    recognizer: &Recognizer,
    point: &Point,
    label: usize,
    steps: usize,
) -> Result<(Vec<Slopes>, Vec<Slopes>), ModelError> {
    let model = recognizer.model();
    let device = recognizer.device.clone().autodiff();
    let networks = copies(recognizer, &device)?;
    let empty = |frames: usize, functionals: usize| Slopes {
        frames: vec![0.0; frames],
        functionals: vec![0.0; functionals],
    };
    let mut linear: Vec<Slopes> = point.linear.iter().map(|row| empty(0, row.len())).collect();
    let mut of_networks: Vec<Slopes> = (point.members.iter())
        .map(|clip| empty(clip.frames.data().len(), clip.functionals.len()))
        .collect();
    let shares = Shares::of(recognizer);
    let rows = point.members.first().map_or(1, |clip| clip.frames.len());
    let at_once = (FRAMES_AT_ONCE / rows.max(1)).clamp(1, steps.max(1));
    let way = way(steps);
    for part in way.chunks(at_once) {
        let points: Vec<Point> = part.iter().map(|(s, _)| point.scaled(*s)).collect();
        let mut passes = Vec::with_capacity(networks.len());
        for (place, network) in networks.iter().enumerate() {
            passes.push(Pass::forward(network, &points, place, &device)?);
        }
        let mut wanted = Vec::with_capacity(points.len());
        for (k, at) in points.iter().enumerate() {
            let of_linear = recognizer.linear_probabilities(at);
            let of_networks: Vec<Vec<f64>> = passes.iter().map(|p| p.rows[k].clone()).collect();
            let mixture = recognizer.mixture(&of_linear, &of_networks);
            let gradient = recognizer.score_gradient(&mixture, label);
            for (place, probabilities) in of_linear.iter().enumerate() {
                let share = shares.linear[place] * part[k].1;
                let classifier = &model.linear[place];
                let range = classifier.inputs.range(&recognizer.description().features);
                let mean: f64 = gradient.iter().zip(probabilities).map(|(g, p)| g * p).sum();
                for ((weights, g), p) in classifier.weights().zip(&gradient).zip(probabilities) {
                    let slope = share * p * (g - mean);
                    let sums = linear[place].functionals[range.clone()].iter_mut();
                    sums.zip(weights)
                        .for_each(|(sum, w)| *sum += slope * f64::from(*w));
                }
            }
            let factor = shares.network * part[k].1;
            wanted.extend(
                gradient
                    .iter()
                    .map(|g| (g * factor).clamp(-MOST, MOST) as f32),
            );
        }
        for (pass, slopes) in passes.into_iter().zip(&mut of_networks) {
            pass.backward(&wanted, slopes, &device)?;
        }
    }
    Ok((linear, of_networks))
}

/// The steps of the way, each with its place and its length: the middles of equal parts
/// of `u`, at `u³` of the way. Near the baseline all frames are alike, and the norms of
/// the convolutions and the deviations of the pooling make the score bend there; with
/// equal steps the gap is twenty times as large.
fn way(steps: usize) -> Vec<(f32, f64)> {
    let middles = (0..steps).map(|k| (k as f64 + 0.5) / steps as f64);
    middles
        .map(|u| (u.powi(3) as f32, 3.0 * u.powi(2) / steps as f64))
        .collect()
}

/// The networks where gradients are recorded.
fn copies(recognizer: &Recognizer, device: &Device) -> Result<Vec<Classifier>, ModelError> {
    let members = recognizer.model().members.iter().map(|member| {
        let blank = recognizer.description().init(&mut Init::blank(device));
        with_parameters(blank, &parameters(&member.classifier)).map_err(|error| {
            ModelError::Settings {
                what: format!("the network does not fit its description: {error}"),
            }
        })
    });
    members.collect()
}

/// A pass of points through a network, of which the gradients can be asked for.
struct Pass {
    frames: Tensor<3>,
    functionals: Option<Tensor<2>>,
    probabilities: Tensor<2>,
    rows: Vec<Vec<f64>>,
}

impl Pass {
    fn forward(
        network: &Classifier,
        points: &[Point],
        place: usize,
        device: &Device,
    ) -> Result<Self, ModelError> {
        let clips: Vec<&Features> = points.iter().map(|point| &point.members[place]).collect();
        let mut batch = Batch::new(&clips, device);
        batch.frames = batch.frames.require_grad();
        batch.functionals = batch.functionals.map(Tensor::require_grad);
        let probabilities = network.probabilities(&batch);
        let rows = crate::nn::rows(probabilities.clone())?;
        let wide = |row: Vec<f32>| row.into_iter().map(f64::from).collect();
        Ok(Self {
            frames: batch.frames,
            functionals: batch.functionals,
            rows: rows.into_iter().map(wide).collect(),
            probabilities,
        })
    }

    /// Adds the gradients of the sum of `wanted` times the probabilities, summed over
    /// the points.
    fn backward(
        self,
        wanted: &[f32],
        slopes: &mut Slopes,
        device: &Device,
    ) -> Result<(), ModelError> {
        let shape = self.probabilities.dims();
        let wanted = Tensor::<2>::from_data(TensorData::new(wanted.to_vec(), shape), device);
        let all = (self.probabilities * wanted).sum().backward();
        let [_, rows, columns] = self.frames.dims();
        if let Some(gradient) = self.frames.grad(&all) {
            let sum: Tensor<2> = gradient.sum_dim(0).reshape([1, rows * columns]);
            add(&mut slopes.frames, sum)?;
        }
        if let Some(gradient) = self.functionals.and_then(|f| f.grad(&all)) {
            add(&mut slopes.functionals, gradient.sum_dim(0))?;
        }
        Ok(())
    }
}

fn add(sums: &mut [f64], row: Tensor<2>) -> Result<(), ModelError> {
    let row = crate::nn::rows(row)?.concat();
    sums.iter_mut()
        .zip(row)
        .for_each(|(sum, x)| *sum += f64::from(x));
    Ok(())
}
