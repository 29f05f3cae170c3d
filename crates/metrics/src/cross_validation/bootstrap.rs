//! The confidence interval of the UAR: a bootstrap over speakers.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::Spread;
use super::pools::Pools;
use crate::{ConfusionMatrix, MetricsError};

/// How often speakers are drawn.
const DRAWS: usize = 2000;
/// The same every time, so that the same results have the same interval.
const SEED: u64 = 1;

/// The 95 % confidence interval of the mean UAR over the seeds, by the percentile
/// bootstrap: as many speakers as there are, drawn with replacement, 2000 times.
/// `None` with fewer than two speakers. The order of the speakers matters, as it
/// decides which random number stands for which speaker.
pub(super) fn uar_interval(
    pools: &Pools,
    speakers: &[String],
) -> Result<Option<[f64; 2]>, MetricsError> {
    if speakers.len() < 2 {
        return Ok(None);
    }
    // One list for each seed, in the order of the speakers.
    let by_seed: Vec<Vec<Option<&ConfusionMatrix>>> = pools
        .seeds
        .iter()
        .map(|&seed| {
            let of_seed = speakers
                .iter()
                .map(|speaker| pools.of_speaker(speaker, seed));
            of_seed.collect()
        })
        .collect();
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let mut figures = Vec::with_capacity(DRAWS);
    for _ in 0..DRAWS {
        let drawn: Vec<usize> = speakers
            .iter()
            .map(|_| rng.random_range(0..speakers.len()))
            .collect();
        let mut values = Vec::with_capacity(by_seed.len());
        for matrices in &by_seed {
            let mut pooled = pools.empty();
            for matrix in drawn.iter().filter_map(|&speaker| matrices[speaker]) {
                pooled.merge(matrix)?;
            }
            values.extend(pooled.uar());
        }
        figures.extend(Spread::of(&values).map(|spread| spread.mean));
    }
    figures.sort_by(f64::total_cmp);
    let at = |share: f64| figures[((figures.len() - 1) as f64 * share).round() as usize];
    Ok((!figures.is_empty()).then(|| [at(0.025), at(0.975)]))
}
