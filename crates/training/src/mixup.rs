//! Mixup: clips of a batch are mixed with each other (Zhang et al., 2018).
//!
//! The vectors after the pooling are mixed, not the frames (Verma et al.,
//! 2019), and so are the losses of both labels. All clips of a batch have one
//! share, drawn from Beta(strength, strength).

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Beta, Distribution};

/// Which clip of a batch each is mixed with, and by what share.
pub(crate) struct Mix {
    /// Of each clip itself, at least a half.
    pub share: f32,
    /// The clip of the batch that each is mixed with.
    pub others: Vec<usize>,
}

/// A mix for a batch of so many clips; none at strength 0.
pub(crate) fn mix(clips: usize, strength: f64, rng: &mut ChaCha8Rng) -> Option<Mix> {
    let shares = Beta::new(strength, strength)
        .ok()
        .filter(|_| strength > 0.0)?;
    let share = shares.sample(rng);
    let mut others: Vec<usize> = (0..clips).collect();
    others.shuffle(rng);
    Some(Mix {
        // The larger part is the clip's own, so that the answers can be counted.
        share: share.max(1.0 - share) as f32,
        others,
    })
}

#[cfg(test)]
mod tests {
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    #[test]
    fn every_clip_keeps_the_larger_share_and_is_mixed_with_one_of_the_batch() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for _ in 0..100 {
            let Mix { share, mut others } = mix(7, 0.3, &mut rng).unwrap();
            assert!((0.5..=1.0).contains(&share));
            others.sort_unstable();
            assert_eq!(others, [0, 1, 2, 3, 4, 5, 6]);
        }
        assert!(mix(7, 0.0, &mut rng).is_none());
    }
}
