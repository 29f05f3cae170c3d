//! Changing the sample rate, with [rubato](https://docs.rs/rubato)'s FFT resampler.
//!
//! The low-pass is linear in phase, its delay is taken off, and its transition
//! band is the top few per cent below the lower of the two Nyquist frequencies.

use std::ops::RangeInclusive;

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler, WindowFunction};

use crate::error::AudioError;
use crate::recording::Recording;

/// The sample rates taken, in Hz. The bounds keep a false header from asking
/// for gigabytes: 1 kHz is below any speech, 768 kHz above any converter.
pub const SAMPLE_RATES: RangeInclusive<u32> = 1_000..=768_000;

/// The FFT of the lower rate's side is at least this long. The filter's
/// transition band narrows with it: at 1024, 16 kHz keep 0 to 7.8 kHz.
const SHORTER_FFT: u64 = 1024;

/// Speeds that [`change_speed`] goes to.
pub const SPEEDS: RangeInclusive<f64> = 0.25..=4.0;

pub(crate) fn resample(recording: &Recording, to: u32) -> Result<Recording, AudioError> {
    let from = recording.sample_rate;
    for rate in [from, to] {
        if !SAMPLE_RATES.contains(&rate) {
            return Err(AudioError::settings(format!(
                "cannot resample from {from} to {to} Hz: rates go from {} to {} Hz",
                SAMPLE_RATES.start(),
                SAMPLE_RATES.end()
            )));
        }
    }
    Ok(Recording {
        samples: convert(&recording.samples, from, to)?,
        sample_rate: to,
    })
}

/// The recording played `factor` times as fast: tempo and pitch rise together,
/// the sample rate stays. 1.1 makes a clip 10 % shorter.
///
/// Used to enlarge training sets ([Ko et al. 2015](https://www.isca-archive.org/interspeech_2015/ko15_interspeech.html)).
/// `factor` is rounded to thousandths and kept within [`SPEEDS`]; one that is
/// not a number changes nothing.
pub fn change_speed(recording: &Recording, factor: f64) -> Recording {
    if factor.is_nan() {
        return recording.clone();
    }
    let thousandths = (factor.clamp(*SPEEDS.start(), *SPEEDS.end()) * 1000.0).round() as u32;
    Recording {
        samples: convert(&recording.samples, thousandths, 1000)
            .unwrap_or_else(|_| recording.samples.clone()),
        sample_rate: recording.sample_rate,
    }
}

/// `samples` taken at `from` Hz as if taken at `to` Hz: `ceil(n * to / from)` of them.
fn convert(samples: &[f32], from: u32, to: u32) -> Result<Vec<f32>, AudioError> {
    if from == to || samples.is_empty() {
        return Ok(samples.to_vec());
    }
    let failed = |e: &dyn std::fmt::Display| {
        AudioError::settings(format!("cannot resample from {from} to {to} Hz: {e}"))
    };
    let divisor = gcd(from, to);
    let (up, down) = (u64::from(to / divisor), u64::from(from / divisor));
    // An even number of the smallest blocks, so that half a block, the delay
    // to take off, is a whole number of samples on both sides.
    let blocks = SHORTER_FFT.div_ceil(up.min(down)).next_multiple_of(2);
    let mut resampler = Fft::<f32>::new_custom(
        from as usize,
        to as usize,
        (blocks * down) as usize,
        1,
        1,
        WindowFunction::BlackmanHarris2,
        FixedSync::Input,
    )
    .map_err(|e| failed(&e))?;

    let length = (samples.len() as u128 * u128::from(up)).div_ceil(u128::from(down)) as usize;
    let room = resampler
        .process_all_needed_output_len(samples.len())
        .max(length);
    let mut out = vec![0.0; room];
    let input = InterleavedSlice::new(samples, 1, samples.len()).map_err(|e| failed(&e))?;
    let mut output = InterleavedSlice::new_mut(&mut out, 1, room).map_err(|e| failed(&e))?;
    resampler
        .process_all_into_buffer(&input, &mut output, samples.len(), None)
        .map_err(|e| failed(&e))?;
    out.truncate(length);
    Ok(out)
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}
