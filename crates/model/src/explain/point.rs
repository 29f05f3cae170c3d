//! A recording as each classifier of a model gets it, and the score of such points.

use audio::{Features, Frames};

use super::GroupPlaces;
use crate::linear::softmax;
use crate::nn::rows;
use crate::{Batch, ModelError, Recognizer};

/// Probabilities below this count as this, so that the score stays finite.
const LEAST: f64 = 1e-280;

/// A recording, normalised for each classifier: 0 is the training's mean.
#[derive(Clone, Debug)]
pub(super) struct Point {
    /// All functionals, for each linear classifier.
    pub linear: Vec<Vec<f32>>,
    /// For each network.
    pub members: Vec<Features>,
}

impl Point {
    pub fn new(recognizer: &Recognizer, features: &Features) -> Result<Self, ModelError> {
        let model = recognizer.model();
        let linear = (model.linear.iter()).map(|classifier| classifier.normalised(features));
        let linear = linear.collect::<Result<_, ModelError>>()?;
        let members = (model.members.iter()).map(|member| member.normalisation.apply(features));
        Ok(Self {
            linear,
            members: members.collect::<Result<_, _>>()?,
        })
    }

    /// The point at a share of the way from the training's mean to this one.
    #[cfg(feature = "train")]
    pub fn scaled(&self, share: f32) -> Self {
        let times = |values: &[f32]| values.iter().map(|x| x * share).collect::<Vec<f32>>();
        let member = |features: &Features| {
            let frames = Frames::new(times(features.frames.data()), features.frames.columns());
            Features::new(frames, times(&features.functionals))
        };
        Self {
            linear: self.linear.iter().map(|row| times(row)).collect(),
            members: self.members.iter().map(member).collect(),
        }
    }

    /// The point with a group of features at the training's mean.
    pub fn without(&self, places: &GroupPlaces) -> Self {
        let clear = |row: &mut [f32], places: &[usize]| {
            for place in places {
                row[*place] = 0.0;
            }
        };
        let mut point = self.clone();
        for row in &mut point.linear {
            clear(row, &places.functionals);
        }
        for features in &mut point.members {
            let columns = features.frames.columns();
            let mut data = features.frames.data().to_vec();
            if columns > 0 {
                let rows = data.chunks_exact_mut(columns);
                rows.for_each(|row| clear(row, &places.columns));
            }
            features.frames = Frames::new(data, columns);
            clear(&mut features.functionals, &places.functionals);
        }
        point
    }
}

/// Each classifier's part of the mean of the probabilities: of the linear classifiers,
/// then of each network. They add up to 1.
pub(super) struct Shares {
    pub linear: Vec<f64>,
    pub network: f64,
}

impl Shares {
    pub fn of(recognizer: &Recognizer) -> Self {
        let model = recognizer.model();
        let linear: Vec<f64> = model.linear.iter().map(|l| f64::from(l.share)).collect();
        let network = f64::from(model.network_share);
        let all = linear.iter().sum::<f64>() + network * model.members.len() as f64;
        Shares {
            linear: linear.into_iter().map(|share| share / all).collect(),
            network: network / all,
        }
    }
}

impl Recognizer {
    /// The scores of a label at several points.
    pub(super) fn scores_at(&self, points: &[Point], label: usize) -> Result<Vec<f64>, ModelError> {
        let mut scores = Vec::with_capacity(points.len());
        for points in points.chunks(Self::BATCH) {
            let of_networks = self.network_probabilities(points)?;
            let linear = |point: &Point| self.linear_probabilities(point);
            for (point, networks) in points.iter().zip(of_networks) {
                let mixture = self.mixture(&linear(point), &networks);
                scores.push(self.score(&mixture, label));
            }
        }
        Ok(scores)
    }

    /// The probabilities of each linear classifier.
    pub(super) fn linear_probabilities(&self, point: &Point) -> Vec<Vec<f64>> {
        let spec = &self.description().features;
        let linear = self.model().linear.iter().zip(&point.linear);
        let of = linear.map(|(l, row)| softmax(&l.scores_of(&row[l.inputs.range(spec)])));
        of.collect()
    }

    /// The probabilities of each network, for each of the points.
    fn network_probabilities(&self, points: &[Point]) -> Result<Vec<Vec<Vec<f64>>>, ModelError> {
        let mut all = vec![Vec::new(); points.len()];
        for (place, member) in self.model().members.iter().enumerate() {
            let clips: Vec<&Features> = points.iter().map(|p| &p.members[place]).collect();
            let batch = Batch::new(&clips, &self.device);
            let found = rows(member.classifier.probabilities(&batch))?;
            for (all, row) in all.iter_mut().zip(found) {
                all.push(row.into_iter().map(f64::from).collect());
            }
        }
        Ok(all)
    }

    /// The mean of the probabilities by shares.
    pub(super) fn mixture(&self, linear: &[Vec<f64>], networks: &[Vec<f64>]) -> Vec<f64> {
        let shares = Shares::of(self);
        let mut sum = vec![0.0; self.description().labels.len()];
        let network_shares = networks.iter().map(|_| shares.network);
        let parts = (linear.iter().zip(shares.linear.iter().copied()))
            .chain(networks.iter().zip(network_shares));
        for (probabilities, share) in parts {
            for (sum, probability) in sum.iter_mut().zip(probabilities) {
                *sum += share * probability;
            }
        }
        sum
    }

    /// The logarithms of the labels' final probabilities, up to a common number.
    fn logarithms(&self, mixture: &[f64]) -> Vec<f64> {
        let temperature = f64::from(self.description().temperature);
        let offset = |label: usize| self.offsets.get(label).copied().unwrap_or(0.0);
        let each = mixture.iter().enumerate();
        each.map(|(label, p)| p.max(LEAST).ln() / temperature + offset(label))
            .collect()
    }

    /// The score: the logarithm of the odds of a label's final probability.
    pub(super) fn score(&self, mixture: &[f64], label: usize) -> f64 {
        let logarithms = self.logarithms(mixture);
        let (_, log_sum) = others(&logarithms, label);
        logarithms[label] - log_sum
    }

    /// The derivative of the score by each probability of the mixture.
    #[cfg(feature = "train")]
    pub(super) fn score_gradient(&self, mixture: &[f64], label: usize) -> Vec<f64> {
        let temperature = f64::from(self.description().temperature);
        let (powers, _) = others(&self.logarithms(mixture), label);
        let pairs = mixture.iter().zip(powers).enumerate();
        pairs
            .map(|(k, (p, share))| match p {
                p if *p <= LEAST => 0.0,
                p if k == label => 1.0 / (temperature * p),
                p => -share / (temperature * p),
            })
            .collect()
    }
}

/// The shares of the other labels among themselves, and the logarithm of their sum.
fn others(logarithms: &[f64], label: usize) -> (Vec<f64>, f64) {
    let rest = (logarithms.iter().enumerate()).filter(|(k, _)| *k != label);
    let most = rest.map(|(_, l)| *l).fold(f64::NEG_INFINITY, f64::max);
    let power = |(k, l): (usize, &f64)| if k == label { 0.0 } else { (l - most).exp() };
    let powers: Vec<f64> = logarithms.iter().enumerate().map(power).collect();
    let sum: f64 = powers.iter().sum();
    let shares = powers.into_iter().map(|power| power / sum).collect();
    (shares, most + sum.ln())
}
