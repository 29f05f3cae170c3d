//! Streams any samples in chunks of any size: the rows equal those of the same samples
//! pushed at once, and those of the whole recording, bit for bit.
//!
//! Streams are made once for each kind of settings and reused, because planning their
//! transforms takes longer than running them. So an input also tests whether a stream
//! forgets the previous signal, even one that was not finished.

#![no_main]

use std::cell::RefCell;
use std::collections::HashMap;

use audio::{
    Chroma, Columns, FeatureBlock, FeatureExtractor, FeatureSpec, FeatureStream, Measure,
    MfccConfig, PitchConfig, ProsodyConfig, Recording, SpectralFeature, StreamResampler,
};
use libfuzzer_sys::fuzz_target;

#[global_allocator]
static BOUNDED: audio_fuzz::Bounded = audio_fuzz::Bounded;

/// 15 984 Hz stands for odd ratios (999 to 1000). It is not 15 999 Hz, whose
/// transform of 2 x 3 x 5333 points would take a hundred times as long.
const RATES: [u32; 8] = [
    8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 15_984, 192_000,
];

/// Preset, orders of deltas, frames averaged, whether there are other measures than
/// MFCCs.
type Kind = (u8, usize, usize, bool);

/// The stream and the extractor for one kind of settings.
struct Tools {
    stream: FeatureStream,
    /// None with a running mean, which only streams have.
    whole: Option<FeatureExtractor>,
    sample_rate: u32,
}

thread_local! {
    static TOOLS: RefCell<HashMap<Kind, Tools>> = RefCell::default();
    static RESAMPLERS: RefCell<HashMap<(u32, u32), StreamResampler>> = RefCell::default();
}

fuzz_target!(|data: &[u8]| {
    let &[preset, options, rate, chunk, ref rest @ ..] = data else {
        return;
    };
    // The bytes are raw floats (including NaN and infinity), or 16-bit integers.
    let samples: Vec<f32> = if options & 0x10 != 0 {
        let (fours, _) = rest.as_chunks();
        fours.iter().map(|b| f32::from_le_bytes(*b)).collect()
    } else {
        let (twos, _) = rest.as_chunks();
        twos.iter()
            .map(|b| f32::from(i16::from_le_bytes(*b)) / 32768.0)
            .collect()
    };
    // Repeated, so that there are enough samples for frames.
    let samples = samples.repeat(1 + usize::from(options >> 6));
    let rate = RATES[usize::from(rate) % RATES.len()];

    let kind = (
        preset % 4,
        usize::from(options & 3) % 3,
        1 + usize::from(options >> 2 & 3),
        options & 0x20 != 0,
    );
    TOOLS.with_borrow_mut(|all| {
        let tools = all.entry(kind).or_insert_with(|| Tools::new(kind));
        RESAMPLERS.with_borrow_mut(|all| {
            let rates = (rate, tools.sample_rate);
            let resampler = all
                .entry(rates)
                .or_insert_with(|| StreamResampler::new(rates.0, rates.1).unwrap());
            let same_rate = rates.0 == rates.1;
            let at_once = tools.run(resampler, same_rate, &samples, usize::MAX);
            let in_chunks = tools.run(resampler, same_rate, &samples, 1 + usize::from(chunk));
            assert_eq!(
                at_once.as_ref().map(|run| &run.bits),
                in_chunks.as_ref().map(|run| &run.bits)
            );
            if let Some(run) = at_once {
                tools.compare_with_whole(run);
            }
        });
    });
});

/// The output of a stream.
struct Run {
    /// The bits of all rows.
    bits: Vec<u32>,
    resampled: Vec<f32>,
}

impl Tools {
    fn new((preset, deltas, average, more): Kind) -> Self {
        let running_mean = deltas == 1;
        let mut measures = vec![Measure::Mfcc];
        if more {
            let shape = vec![SpectralFeature::ZeroCrossingRate, SpectralFeature::Flux];
            measures.extend([
                Measure::LogMel,
                Measure::Intensity { floor: 100.0 },
                Measure::Chroma(Chroma::default()),
                Measure::Spectral(shape),
            ]);
        }
        if more && running_mean {
            measures.extend([
                Measure::Prosody(ProsodyConfig::default()),
                Measure::Pitch(PitchConfig::default()),
            ]);
        }
        let blocks = measures.into_iter().map(|measure| FeatureBlock {
            deltas,
            subtract_mean: if running_mean {
                Columns::All
            } else {
                Columns::None
            },
            ..FeatureBlock::new(measure)
        });
        let spec = FeatureSpec {
            trim: None,
            average,
            mfcc: match preset {
                0 => MfccConfig::kaldi(),
                1 => MfccConfig::python_speech_features(),
                2 => MfccConfig::htk(),
                _ => FeatureSpec::recommended().mfcc,
            },
            blocks: blocks.collect(),
            ..FeatureSpec::recommended()
        };
        Tools {
            stream: if running_mean {
                FeatureStream::with_running_mean(&spec, spec.sample_rate, 3.0)
            } else {
                FeatureStream::new(&spec, spec.sample_rate)
            }
            .unwrap(),
            whole: (!running_mean).then(|| spec.extractor().unwrap()),
            sample_rate: spec.sample_rate,
        }
    }

    /// All rows, from chunks of at most `chunk` samples; `None` if the resampler refuses a
    /// sample, which leaves both in the middle of a signal.
    fn run(
        &mut self,
        resampler: &mut StreamResampler,
        same_rate: bool,
        samples: &[f32],
        chunk: usize,
    ) -> Option<Run> {
        let stream = &mut self.stream;
        let mut block = Vec::new();
        resampler.finish(&mut block).unwrap();
        stream.reset();
        let (mut bits, mut resampled) = (Vec::new(), Vec::new());
        let mut each = |row: &[f32]| bits.extend(row.iter().map(|v| v.to_bits()));
        for chunk in samples.chunks(chunk.min(samples.len()).max(1)) {
            block.clear();
            if same_rate {
                // Bypasses the resampler, so that samples it refuses reach the stream.
                block.extend_from_slice(chunk);
            } else {
                resampler.push(chunk, &mut block).ok()?;
            }
            stream.push(&block, &mut each);
            resampled.extend_from_slice(&block);
        }
        block.clear();
        resampler.finish(&mut block).unwrap();
        stream.push(&block, &mut each);
        stream.finish(&mut each);
        resampled.extend_from_slice(&block);
        assert_eq!(bits.len() % stream.columns(), 0);
        Some(Run { bits, resampled })
    }

    fn compare_with_whole(&self, run: Run) {
        let Some(extractor) = &self.whole else {
            return;
        };
        let Ok(recording) = Recording::from_samples(run.resampled, self.sample_rate) else {
            return; // not all of them are numbers
        };
        let whole = match extractor.extract(&recording) {
            Ok(features) => features.frames.data().iter().map(|v| v.to_bits()).collect(),
            Err(_) => Vec::new(), // too short for a row
        };
        assert_eq!(run.bits, whole);
    }
}
