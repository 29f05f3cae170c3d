//! What is measured of a clip.

use audio::Recording;
use sha2::{Digest, Sha256};

use crate::{Corpus, Excerpt, map_recordings};

/// A sample at or above this counts as clipped, if its neighbours do too.
const FULL_SCALE: f32 = 0.999;

/// Samples of a block.
const BLOCK: usize = 1024;

/// What is measured of a clip.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Measures {
    /// Length.
    pub seconds: f64,
    /// Of it, what could not be read.
    pub seconds_lost: f64,
    /// The largest sample; full scale is 1.
    pub peak: f32,
    /// Level of the loud parts in dB below full scale: what 95 of 100 blocks of 1024
    /// samples stay below, so that pauses do not count. Minus infinity for silence.
    pub level_db: f64,
    /// Share of the samples in runs of three and more at full scale.
    pub clipped: f64,
    /// The SHA-256 of the samples: the same for the same sound in another file, as long
    /// as nothing is lost in between.
    pub sound: [u8; 32],
}

impl Measures {
    /// Measures a recording.
    pub fn of(recording: &Recording) -> Self {
        let samples = recording.samples();
        let mut hash = Sha256::new();
        hash.update(recording.sample_rate().to_le_bytes());
        let (mut peak, mut clipped, mut run) = (0f32, 0usize, 0usize);
        let mut powers = Vec::with_capacity(samples.len() / BLOCK + 1);
        let mut bytes = Vec::with_capacity(4 * BLOCK);
        for block in samples.chunks(BLOCK) {
            bytes.clear();
            let mut power = 0f64;
            for &sample in block {
                // -0 is the same sound as 0.
                bytes.extend((sample + 0.0).to_le_bytes());
                peak = peak.max(sample.abs());
                power += f64::from(sample) * f64::from(sample);
                run = if sample.abs() >= FULL_SCALE {
                    run + 1
                } else {
                    0
                };
                clipped += match run {
                    0..3 => 0,
                    3 => 3,
                    _ => 1,
                };
            }
            hash.update(&bytes);
            powers.push(power / block.len() as f64);
        }
        powers.sort_by(f64::total_cmp);
        let loud = powers.get(powers.len() * 95 / 100).copied();
        let count = samples.len().max(1) as f64;
        Self {
            seconds: recording.duration(),
            seconds_lost: recording.reading().loss.seconds,
            peak,
            level_db: 10.0 * loud.unwrap_or(0.0).log10(),
            clipped: clipped as f64 / count,
            sound: hash.finalize().into(),
        }
    }
}

/// Decodes and measures every clip, in parallel, in the order of
/// [`Corpus::clips`]; or says in words that name the file why it cannot be read.
/// `done` is called after each.
pub fn measure(corpus: &Corpus, done: impl Fn() + Sync) -> Vec<Result<Measures, String>> {
    let excerpts: Vec<Excerpt> = corpus.clips.iter().map(Excerpt::from).collect();
    map_recordings(&excerpts, |_, recording| {
        let measures = recording.map(|recording| Measures::of(&recording));
        done();
        measures.map_err(|error| error.to_string())
    })
}
