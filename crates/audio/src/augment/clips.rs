//! Parts of recordings, and concatenation of recordings.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::error::AudioError;
use crate::recording::Recording;

/// Keeps a random part of `length` consecutive samples.
pub(crate) fn crop(samples: &mut Vec<f32>, length: usize, rng: &mut ChaCha8Rng) {
    if samples.len() > length {
        let start = rng.random_range(0..=samples.len() - length);
        samples.truncate(start + length);
        samples.drain(..start);
    }
}

/// The clips one after the other with `pause` seconds of silence between them, at
/// the sample rate of the first; levels are not changed. Clips of the same speaker
/// and emotion make a longer example of both.
///
/// # Errors
///
/// [`AudioError::Settings`] if there is no clip, the pause is not 0 to 60 seconds, or
/// a rate cannot be resampled.
pub fn concatenate(clips: &[&Recording], pause: f64) -> Result<Recording, AudioError> {
    let Some(first) = clips.first() else {
        return Err(AudioError::settings("there are no clips to concatenate"));
    };
    if !(0.0..=60.0).contains(&pause) {
        return Err(AudioError::settings(format!(
            "pause is {pause} s, it must be 0 to 60"
        )));
    }
    let sample_rate = first.sample_rate;
    let gap = (pause * f64::from(sample_rate)).round() as usize;
    let mut samples = Vec::new();
    for (i, clip) in clips.iter().enumerate() {
        if i > 0 {
            samples.resize(samples.len() + gap, 0.0);
        }
        if clip.sample_rate == sample_rate {
            samples.extend_from_slice(&clip.samples);
        } else {
            samples.extend(clip.resample(sample_rate)?.samples);
        }
    }
    Ok(Recording::of(samples, sample_rate))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn a_crop_is_a_part_of_the_recording_and_every_part_occurs() {
        let mut starts = [0; 6];
        for seed in 0..200 {
            let mut samples: Vec<f32> = (0..10).map(|n| n as f32).collect();
            crop(&mut samples, 5, &mut ChaCha8Rng::seed_from_u64(seed));
            assert_eq!(samples.len(), 5);
            assert!(samples.windows(2).all(|w| w[1] == w[0] + 1.0));
            starts[samples[0] as usize] += 1;
        }
        assert!(starts.iter().all(|&n| n > 10), "{starts:?}");
        let mut short = vec![1.0, 2.0];
        crop(&mut short, 5, &mut ChaCha8Rng::seed_from_u64(0));
        assert_eq!(short, [1.0, 2.0]);
    }

    #[test]
    fn clips_follow_one_another_with_pauses_at_the_first_rate() {
        let clip = |value, n, rate| Recording::from_samples(vec![value; n], rate).unwrap();
        let (a, b) = (clip(0.5, 800, 8000), clip(-0.5, 400, 8000));
        let both = concatenate(&[&a, &b], 0.01).unwrap();
        assert_eq!(both.samples.len(), 800 + 80 + 400);
        assert_eq!(both.samples[..800], a.samples);
        assert!(both.samples[800..880].iter().all(|&x| x == 0.0));
        assert_eq!(both.samples[880..], b.samples);
        let c = clip(0.1, 1600, 16_000);
        assert_eq!(concatenate(&[&a, &c], 0.0).unwrap().samples.len(), 1600);
        assert!(concatenate(&[], 0.0).is_err());
        assert!(concatenate(&[&a], f64::NAN).is_err());
    }
}
