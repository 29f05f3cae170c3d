//! Any samples in chunks of any size through the streaming extractor: the rows
//! are those of the same samples pushed at once, bit for bit.

#![no_main]

use audio::{FeatureSpec, FeatureStream, MfccConfig, StreamResampler};
use libfuzzer_sys::fuzz_target;

#[global_allocator]
static BOUNDED: audio_fuzz::Bounded = audio_fuzz::Bounded;

const RATES: [u32; 8] = [
    8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 15_999, 192_000,
];

fuzz_target!(|data: &[u8]| {
    let &[preset, options, rate, chunk, ref rest @ ..] = data else {
        return;
    };
    let mfcc = match preset % 4 {
        0 => MfccConfig::kaldi(),
        1 => MfccConfig::python_speech_features(),
        2 => MfccConfig::htk(),
        _ => FeatureSpec::recommended().mfcc,
    };
    let spec = FeatureSpec {
        trim: None,
        subtract_mean: false,
        functionals: false,
        deltas: usize::from(options & 3) % 3,
        average: 1 + usize::from(options >> 2 & 3),
        mfcc,
        ..FeatureSpec::recommended()
    };
    // The bytes are floats as they come (NaN and infinity too), or 16-bit integers.
    let samples: Vec<f32> = if options & 0x10 != 0 {
        let (fours, _) = rest.as_chunks();
        fours.iter().map(|b| f32::from_le_bytes(*b)).collect()
    } else {
        let (twos, _) = rest.as_chunks();
        twos.iter()
            .map(|b| f32::from(i16::from_le_bytes(*b)) / 32768.0)
            .collect()
    };
    // A few thousand samples make frames worth the name.
    let samples = samples.repeat(1 + usize::from(options >> 6));

    let rate = RATES[usize::from(rate) % RATES.len()];
    let whole = run(&spec, rate, &samples, usize::MAX);
    let cut = run(&spec, rate, &samples, 1 + usize::from(chunk));
    assert_eq!(whole, cut);
});

/// The bits of all rows, from chunks of `chunk` samples or less.
fn run(spec: &FeatureSpec, rate: u32, samples: &[f32], chunk: usize) -> Option<Vec<u32>> {
    let mut stream = match running_mean(spec) {
        Some(seconds) => FeatureStream::with_running_mean(spec, spec.sample_rate, seconds),
        None => FeatureStream::new(spec, spec.sample_rate),
    }
    .ok()?;
    let mut resampler = StreamResampler::new(rate, spec.sample_rate).ok()?;
    // Past a resampler of no change, so that what it refuses gets to the stream too.
    let same_rate = rate == spec.sample_rate;
    let (mut bits, mut resampled) = (Vec::new(), Vec::new());
    let mut each = |row: &[f32]| bits.extend(row.iter().map(|v| v.to_bits()));
    for chunk in samples.chunks(chunk.min(samples.len()).max(1)) {
        if same_rate {
            stream.push(chunk, &mut each);
            continue;
        }
        resampled.clear();
        resampler.push(chunk, &mut resampled).ok()?;
        stream.push(&resampled, &mut each);
    }
    resampled.clear();
    resampler.finish(&mut resampled).ok()?;
    stream.push(&resampled, &mut each);
    stream.finish(&mut each);
    assert_eq!(bits.len() % stream.columns(), 0);
    Some(bits)
}

/// Seconds of the running mean, with one kind of settings.
fn running_mean(spec: &FeatureSpec) -> Option<f64> {
    (spec.deltas == 1).then_some(3.0)
}
