//! Losses of coding: mu-law, fewer bits, a telephone line.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::filter::{Pass, butterworth};
use crate::recording::Recording;

/// Mu-law in 8 bits and back.
pub(crate) fn mu_law(samples: &mut [f32]) {
    for x in samples {
        let whole = (f64::from(*x) * 32768.0).round() as i16; // the cast clips
        *x = f32::from(through_g711(whole)) / 32768.0;
    }
}

/// A 16-bit sample coded and decoded by ITU-T G.711: sign, three bits of exponent,
/// four of mantissa.
fn through_g711(sample: i16) -> i16 {
    const BIAS: u32 = 132;
    const LARGEST: u32 = 32635;
    let biased = u32::from(sample.unsigned_abs()).min(LARGEST) + BIAS;
    let exponent = biased.ilog2() - 7;
    let mantissa = (biased >> (exponent + 3)) & 15;
    // Decoded to the middle of its interval.
    let magnitude = (((mantissa << 3) + BIAS) << exponent) - BIAS;
    if sample < 0 {
        -(magnitude as i16)
    } else {
        magnitude as i16
    }
}

/// Rounds to `bits` bits per sample.
pub(crate) fn quantise(samples: &mut [f32], bits: u32, dither: bool, rng: &mut ChaCha8Rng) {
    let steps = f64::from(1u32 << (bits - 1));
    for x in samples {
        let mut exact = f64::from(*x) * steps;
        if dither {
            exact += rng.random::<f64>() - rng.random::<f64>();
        }
        *x = (exact.round().clamp(-steps, steps - 1.0) / steps) as f32;
    }
}

/// The sample rate of telephone networks.
const LINE_RATE: u32 = 8000;

/// A telephone line.
pub(crate) fn telephone(mut recording: Recording) -> Recording {
    let rate = f64::from(recording.sample_rate);
    let samples = &mut recording.samples;
    butterworth(Pass::High, (300.0 / rate).min(0.49), 8).run(samples);
    if 3400.0 < 0.5 * rate {
        butterworth(Pass::Low, 3400.0 / rate, 8).run(samples);
    }
    if recording.sample_rate <= LINE_RATE {
        mu_law(&mut recording.samples);
        return recording;
    }
    let there_and_back = |recording: &Recording| {
        let mut line = recording.resample(LINE_RATE)?;
        mu_law(&mut line.samples);
        let mut back = line.resample(recording.sample_rate)?;
        back.samples.resize(recording.samples.len(), 0.0);
        Ok::<_, crate::error::AudioError>(back)
    };
    // A rate that cannot be resampled only gets the band limits.
    there_and_back(&recording).unwrap_or(recording)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn mu_law_is_that_of_g711() {
        // Python 3.11; G.711 has 14 bits, so every fourth 16-bit value covers it.
        // import audioop, struct
        // x = struct.pack("<16384h", *range(-32768, 32768, 4))
        // y = struct.unpack("<16384h", audioop.ulaw2lin(audioop.lin2ulaw(x, 2), 2))
        // sum(y), sum(v * v for v in y), y[::2048]
        let all: Vec<i64> = (-32768..=32767)
            .step_by(4)
            .map(|x| i64::from(through_g711(x as i16)))
            .collect();
        let some: Vec<i64> = all.iter().copied().step_by(2048).collect();
        assert_eq!(all.iter().sum::<i64>(), AUDIOOP_SUM);
        assert_eq!(all.iter().map(|v| v * v).sum::<i64>(), AUDIOOP_SQUARES);
        assert_eq!(some, AUDIOOP_SOME);
        let mut levels = all;
        levels.sort_unstable();
        levels.dedup();
        assert_eq!(levels.len(), 255, "two of the 256 codes are 0");
    }

    #[test]
    fn mu_law_levels_are_those_of_the_file_decoder() {
        let mut wav = b"RIFF\0\0\0\0WAVEfmt \x12\0\0\0\x07\0\x01\0".to_vec();
        wav.extend(8000u32.to_le_bytes());
        wav.extend(8000u32.to_le_bytes());
        wav.extend([1, 0, 8, 0, 0, 0]);
        wav.extend(b"data\0\x01\0\0");
        wav.extend(0..=255u8);
        let length = wav.len() as u32 - 8;
        wav[4..8].copy_from_slice(&length.to_le_bytes());
        let decoded = Recording::from_bytes(&wav).unwrap().samples;
        assert_eq!(decoded.len(), 256);
        let mut coded = decoded.clone();
        mu_law(&mut coded);
        assert_eq!(coded, decoded);
    }

    #[test]
    fn rounding_is_to_the_nearest_step_and_clips_at_full_scale() {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        for bits in [2, 4, 8, 16, 24] {
            let step = 1.0 / f64::from(1u32 << (bits - 1));
            let exact: Vec<f32> = (0..1000).map(|n| n as f32 / 600.0 - 0.9).collect();
            let mut rounded = exact.clone();
            quantise(&mut rounded, bits, false, &mut rng);
            for (&x, &y) in exact.iter().zip(&rounded) {
                let (x, y) = (f64::from(x), f64::from(y));
                if x < 1.0 - 1.5 * step {
                    assert!((x - y).abs() <= step / 2.0 + 1e-7, "{bits} bits: {x}, {y}");
                }
                assert!((-1.0..=1.0).contains(&y));
            }
        }
        let mut beyond = [2.0, -2.0, f32::MAX, f32::MIN];
        quantise(&mut beyond, 8, false, &mut rng);
        assert_eq!(beyond, [127.0 / 128.0, -1.0, 127.0 / 128.0, -1.0]);
    }

    #[test]
    fn dithered_rounding_is_unbiased_and_its_noise_does_not_depend_on_the_signal() {
        let step = 1.0 / 128.0;
        for level in [0.0, 0.25, 0.5, 0.8] {
            let x = (10.0 + level) * step;
            let mut samples = vec![x as f32; 200_000];
            quantise(&mut samples, 8, true, &mut ChaCha8Rng::seed_from_u64(1));
            let errors: Vec<f64> = samples.iter().map(|&y| (f64::from(y) - x) / step).collect();
            let mean = errors.iter().sum::<f64>() / errors.len() as f64;
            let power = errors.iter().map(|e| e * e).sum::<f64>() / errors.len() as f64;
            assert!(mean.abs() < 0.01, "{level}: mean error {mean} steps");
            // 1/12 of rounding and twice 1/12 of dither.
            assert!(
                (power - 0.25).abs() < 0.005,
                "{level}: {power} square steps"
            );
        }
    }

    const AUDIOOP_SUM: i64 = -32124;
    const AUDIOOP_SQUARES: i64 = 5861802799152;
    const AUDIOOP_SOME: [i64; 8] = [-32124, -24956, -16764, -8316, 0, 8316, 16764, 24956];
}
