//! Changing the sample rate, by Fourier transform.
//!
//! The low-pass filter has linear phase, its delay is removed, and its
//! transition band is the top two per cent below the lower of the two Nyquist
//! frequencies. `plan.rs` explains the method, `stream.rs` applies it; whole
//! recordings go through the same stream. The resampler is written here because
//! it has to be fast: with [rubato](https://docs.rs/rubato), whose blocks are
//! half zeros, resampling took most of the time from files to features. The
//! tests compare it with rubato.

mod plan;
mod stream;

use std::ops::RangeInclusive;

pub use stream::StreamResampler;

use crate::error::AudioError;
use crate::recording::Recording;

/// Speeds that [`change_speed`] allows.
pub const SPEEDS: RangeInclusive<f64> = 0.25..=4.0;

impl Recording {
    /// The same sound at `sample_rate` Hz: `ceil(n * to / from)` samples, with no
    /// delay added. The same rate gives a copy.
    ///
    /// # Errors
    ///
    /// [`AudioError::Settings`] if a rate is outside [`SAMPLE_RATES`](crate::SAMPLE_RATES).
    pub fn resample(&self, sample_rate: u32) -> Result<Self, AudioError> {
        stream::check_rates(self.sample_rate, sample_rate)?;
        Ok(Recording {
            samples: convert(&self.samples, self.sample_rate, sample_rate)?,
            sample_rate,
            reading: self.reading,
        })
    }
}

/// The recording played `factor` times as fast: tempo and pitch rise together,
/// the sample rate stays the same. 1.1 makes a clip 10 % shorter.
///
/// Used to enlarge training sets ([Ko et al. 2015](https://www.isca-archive.org/interspeech_2015/ko15_interspeech.html)).
/// `factor` is rounded to thousandths and limited to [`SPEEDS`]; NaN changes
/// nothing.
pub fn change_speed(recording: &Recording, factor: f64) -> Recording {
    if factor.is_nan() {
        return recording.clone();
    }
    let thousandths = (factor.clamp(*SPEEDS.start(), *SPEEDS.end()) * 1000.0).round() as u32;
    let samples = convert(&recording.samples, thousandths, 1000);
    let samples = samples.unwrap_or_else(|_| recording.samples.clone());
    Recording::of(samples, recording.sample_rate)
}

/// `samples` at `from` Hz as if sampled at `to` Hz: `ceil(n * to / from)` of them.
fn convert(samples: &[f32], from: u32, to: u32) -> Result<Vec<f32>, AudioError> {
    if from == to || samples.is_empty() {
        return Ok(samples.to_vec());
    }
    let mut resampler = StreamResampler::between(from, to);
    let length = resampler.length_after(samples.len() as u64) as usize;
    let mut out = Vec::with_capacity(length + resampler.block());
    resampler.push(samples, &mut out)?;
    resampler.finish(&mut out)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::stream::gcd;
    use super::*;

    use rubato::audioadapter_buffers::direct::InterleavedSlice;
    use rubato::{Fft, FixedSync, Resampler, WindowFunction};

    fn tone(hertz: f64, rate: u32, seconds: f64) -> Vec<f32> {
        let n = (seconds * f64::from(rate)) as usize;
        (0..n)
            .map(|i| (0.5 * (2.0 * PI * hertz * i as f64 / f64::from(rate)).sin()) as f32)
            .collect()
    }

    /// The largest difference away from the ends, where the tone begins and stops.
    fn difference(a: &[f32], b: &[f32]) -> f32 {
        let edge = a.len() / 5;
        a[edge..a.len() - edge]
            .iter()
            .zip(&b[edge..])
            .fold(0.0, |m, (x, y)| m.max((x - y).abs()))
    }

    const PAIRS: [(u32, u32); 11] = [
        (48_000, 16_000),
        (44_100, 16_000),
        (22_050, 16_000),
        (16_000, 48_000),
        (8_000, 16_000),
        (192_000, 16_000),
        (96_000, 44_100),
        (11_025, 16_000),
        (16_001, 16_000),
        (15_999, 16_000),
        (16_000, 1_000),
    ];

    #[test]
    fn a_tone_stays_the_tone_without_delay() {
        for (from, to) in PAIRS {
            let hertz = 0.3 * f64::from(from.min(to)) / 2.0;
            let out = convert(&tone(hertz, from, 1.0), from, to).unwrap();
            let error = difference(&out, &tone(hertz, to, 1.0));
            println!("{from} to {to}: {error:e}");
            assert!(error < 1e-4, "{from} to {to} Hz: off by {error}");
        }
    }

    /// rubato's FFT resampler, with a filter of the same pass band.
    fn by_rubato(samples: &[f32], from: u32, to: u32) -> Vec<f32> {
        let divisor = gcd(from, to);
        let (up, down) = ((to / divisor) as usize, (from / divisor) as usize);
        // An even number of blocks makes the delay a whole number of samples.
        let blocks = 1024usize.div_ceil(up.min(down)).next_multiple_of(2);
        let mut fft = Fft::<f32>::new_custom(
            from as usize,
            to as usize,
            blocks * down,
            1,
            1,
            WindowFunction::BlackmanHarris2,
            FixedSync::Input,
        )
        .unwrap();
        let length = (samples.len() as u64 * u64::from(to)).div_ceil(u64::from(from)) as usize;
        let room = fft.process_all_needed_output_len(samples.len()).max(length);
        let mut out = vec![0.0; room];
        let input = InterleavedSlice::new(samples, 1, samples.len()).unwrap();
        let mut output = InterleavedSlice::new_mut(&mut out, 1, room).unwrap();
        fft.process_all_into_buffer(&input, &mut output, samples.len(), None)
            .unwrap();
        out.truncate(length);
        out
    }

    /// The whole of it, the ends included. Where a tone begins and stops at once
    /// it has something of every frequency, and the filters' slopes differ a
    /// little; where it fades in and out, nothing is left to differ.
    #[test]
    fn the_whole_recording_is_resampled_as_rubato_does_it() {
        for (from, to) in PAIRS {
            for n in [1, 100, 4_801, 16_000] {
                let mut samples = tone(0.11 * f64::from(from.min(to)), from, 1.0);
                samples.truncate(n);
                let n = samples.len();
                let faded: Vec<f32> = (0..n)
                    .map(|i| (PI * i as f64 / n as f64).sin().powi(4) as f32 * samples[i])
                    .collect();
                for (samples, most) in [(samples, 5e-3), (faded, 1e-5)] {
                    if n < 4_801 && most < 1e-3 {
                        continue; // a fade of so few is no fade
                    }
                    let out = convert(&samples, from, to).unwrap();
                    let expected = by_rubato(&samples, from, to);
                    assert_eq!(out.len(), expected.len(), "{n}, {from} to {to} Hz");
                    let differences = out.iter().zip(&expected).map(|(a, b)| (a - b).abs());
                    let error = differences.fold(0.0, f32::max);
                    println!("{n}, {from} to {to} Hz: {error:e} of {most:e}");
                    assert!(error < most, "{n}, {from} to {to} Hz: off by {error}");
                }
            }
        }
    }

    #[test]
    fn the_cut_into_chunks_changes_no_bit() {
        for (from, to) in PAIRS.into_iter().chain([(16_000, 16_000)]) {
            let samples = tone(0.07 * f64::from(from), from, 0.4);
            let whole = convert(&samples, from, to).unwrap();
            let mut resampler = StreamResampler::new(from, to).unwrap();
            for chunk in [1, 37, 160, 1_024, 4_097, samples.len()] {
                let mut out = Vec::new();
                for chunk in samples.chunks(chunk) {
                    resampler.push(chunk, &mut out).unwrap();
                }
                resampler.finish(&mut out).unwrap();
                assert_eq!(out, whole, "chunks of {chunk}, {from} to {to} Hz");
            }
        }
    }

    #[test]
    fn the_length_is_that_of_the_exact_ratio_rounded_up() {
        for (from, to) in PAIRS {
            for n in [0, 1, 2, 100, 4_801, 16_000] {
                let out = convert(&vec![0.1; n], from, to).unwrap();
                let exact = (n as u64 * u64::from(to)).div_ceil(u64::from(from));
                assert_eq!(out.len() as u64, exact, "{n} samples, {from} to {to} Hz");
            }
        }
    }

    #[test]
    fn speech_passes_to_7800_hz_and_nothing_folds_back_into_it() {
        for hertz in [50.0, 1_000.0, 4_000.0, 7_000.0, 7_800.0] {
            let out = convert(&tone(hertz, 48_000, 1.0), 48_000, 16_000).unwrap();
            let error = difference(&out, &tone(hertz, 16_000, 1.0));
            println!("{hertz} Hz: {error:e}");
            assert!(error < 1e-4, "{hertz} Hz: off by {error}");
        }
        for hertz in [8_100.0, 9_000.0, 15_000.0, 20_000.0] {
            let out = convert(&tone(hertz, 48_000, 1.0), 48_000, 16_000).unwrap();
            let left = difference(&out, &vec![0.0; out.len()]);
            println!("{hertz} Hz: {left:e}");
            assert!(left < 1e-4, "{hertz} Hz: {left} left");
        }
    }

    #[test]
    fn a_false_rate_is_refused_before_anything_is_allocated() {
        for (from, to) in [(1, 16_000), (16_000, u32::MAX), (16_000, 0)] {
            let recording = Recording::of(vec![0.0; 10], from);
            assert!(recording.resample(to).is_err(), "{from} to {to} Hz");
        }
    }

    #[test]
    fn the_same_rate_is_a_copy() {
        let recording = Recording::from_samples(tone(440.0, 44_100, 0.1), 44_100).unwrap();
        assert_eq!(recording.resample(44_100).unwrap(), recording);
    }

    #[test]
    fn speed_changes_tempo_and_pitch_together() {
        let recording = Recording::from_samples(tone(500.0, 16_000, 1.0), 16_000).unwrap();
        for factor in [0.85, 0.9, 1.1, 1.15, 0.001, 2.0] {
            let faster = change_speed(&recording, factor);
            let factor = factor.max(0.25);
            assert_eq!(faster.sample_rate, 16_000);
            assert_eq!(faster.samples.len(), (16_000.0 / factor).ceil() as usize);
            let expected = tone(500.0 * factor, 16_000, 1.0 / factor);
            let error = difference(&faster.samples, &expected);
            assert!(error < 1e-4, "factor {factor}: off by {error}");
        }
        assert_eq!(change_speed(&recording, 1.0), recording);
        assert_eq!(change_speed(&recording, f64::NAN), recording);
    }

    #[test]
    fn nan_and_infinity_are_refused_and_leave_the_stream_as_it_was() {
        for to in [16_000, 48_000] {
            let mut resampler = StreamResampler::new(48_000, to).unwrap();
            let (sound, mut out) = (tone(440.0, 48_000, 0.1), Vec::new());
            resampler.push(&sound, &mut out).unwrap();
            for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                assert!(resampler.push(&[0.0, bad], &mut out).is_err());
            }
            resampler.finish(&mut out).unwrap();
            assert_eq!(out, convert(&sound, 48_000, to).unwrap());
        }
        let recording = Recording::of(vec![f32::NAN; 10], 48_000);
        assert!(recording.resample(16_000).is_err());
        let _ = change_speed(&recording, 1.1);
    }

    #[test]
    fn absurd_samples_give_finite_ones() {
        let samples: Vec<f32> = (0..48_000)
            .map(|n| if n % 2 == 0 { f32::MAX } else { f32::MIN })
            .collect();
        let loud = Recording::of(samples, 48_000);
        let resampled = loud.resample(16_000).unwrap();
        assert!(resampled.samples.iter().all(|sample| sample.is_finite()));
    }
}
