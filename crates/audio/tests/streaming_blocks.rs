//! Streams of all kinds of blocks: causal measures equal those of whole recordings to
//! the last bit; the others have a causal form, or are refused.

use audio::{
    AudioError, Chroma, Columns, FeatureSpec, FeatureStream, HarmonicityConfig, Measure, Pitch,
    PitchConfig, ProsodyConfig, Recording, SpectralConfig, SpectralFeature, SpectralShape,
    SpectralStream,
};

use crate::common::{Random, bits, framings, spec_of};

/// Bursts of a buzz of changing pitch, with noise between them.
fn voice(random: &mut Random, n: usize) -> Vec<f32> {
    let (mut phase, mut level) = (0.0f32, 0.0f32);
    (0..n)
        .map(|i| {
            if i % 3_000 == 0 {
                level = random.below(3) as f32 * 0.2;
            }
            phase += (120.0 + 40.0 * (i as f32 * 1e-4).sin()) / 16_000.0;
            phase -= phase.floor();
            level * (phase - 0.5) + 1e-3 * (random.below(2_000) as f32 / 1_000.0 - 1.0)
        })
        .collect()
}

fn prosody() -> Measure {
    Measure::Prosody(ProsodyConfig::default())
}

fn rows(
    stream: &mut FeatureStream,
    samples: &[f32],
    pieces: &[std::ops::Range<usize>],
) -> Vec<f32> {
    let mut rows = Vec::new();
    for piece in pieces {
        stream.push(&samples[piece.clone()], |row| rows.extend_from_slice(row));
    }
    stream.finish(|row| rows.extend_from_slice(row));
    rows
}

fn at_once(stream: &mut FeatureStream, samples: &[f32]) -> Vec<f32> {
    let whole = 0..samples.len();
    rows(stream, samples, std::slice::from_ref(&whole))
}

#[test]
fn spectral_shape_streams_bit_for_bit_in_chunks_of_any_size() {
    let mut random = Random(1);
    for framing in framings() {
        let config = SpectralConfig {
            framing,
            ..SpectralConfig::librosa()
        };
        let shape = SpectralShape::new(&config, 16_000).unwrap();
        let mut stream = SpectralStream::new(&shape);
        assert_eq!(stream.columns(), shape.column_names().len());
        for round in 0..8 {
            let n = [random.below(3_000), random.below(20_000)][round % 2];
            let samples = voice(&mut random, n);
            let mut rows = Vec::new();
            for piece in random.pieces(n) {
                stream.push(&samples[piece], |row| rows.extend_from_slice(row));
            }
            stream.finish(|row| rows.extend_from_slice(row));
            let batch = shape.compute(&samples);
            assert_eq!(bits(&rows), bits(batch.data()), "{framing:?}, {n} samples");
        }
    }
}

#[test]
fn causal_blocks_stream_bit_for_bit_at_every_framing_average_and_chunk_size() {
    let mut random = Random(2);
    let mut spec = spec_of(vec![
        Measure::Intensity { floor: 100.0 },
        Measure::Mfcc,
        Measure::Spectral(vec![
            SpectralFeature::ZeroCrossingRate,
            SpectralFeature::Rms,
            SpectralFeature::Centroid,
            SpectralFeature::RollOff(0.85),
            SpectralFeature::Flatness,
            SpectralFeature::Flux,
        ]),
        Measure::LogMel,
        Measure::Chroma(Chroma::default()),
    ]);
    for (i, block) in spec.blocks.iter_mut().enumerate() {
        block.deltas = i % 3;
    }
    for framing in framings() {
        for average in [1, 2, 5] {
            (spec.mfcc.framing, spec.average) = (framing, average);
            let extractor = spec.extractor().unwrap();
            let mut stream = FeatureStream::new(&spec, 16_000).unwrap();
            assert_eq!(stream.columns(), spec.columns());
            for round in 0..4 {
                let n = [512 + random.below(1_500), random.below(15_000) + 512][round % 2];
                let samples = voice(&mut random, n);
                let streamed = rows(&mut stream, &samples, &random.pieces(n));
                let recording = Recording::from_samples(samples, 16_000).unwrap();
                let batch = extractor.extract(&recording).unwrap().frames;
                assert_eq!(
                    bits(&streamed),
                    bits(batch.data()),
                    "{framing:?}, {average}, {n} samples"
                );
            }
        }
    }
}

#[test]
fn chunk_sizes_make_no_difference_to_running_measures() {
    let mut random = Random(3);
    let mut spec = spec_of(vec![
        prosody(),
        Measure::Mfcc,
        // Other pitch settings than those of prosody.
        Measure::Pitch(PitchConfig {
            time_step: 0.007,
            ..PitchConfig::default()
        }),
    ]);
    spec.blocks[0].subtract_mean = Columns::Named(vec!["prosody_level".into()]);
    spec.blocks[1].subtract_mean = Columns::All;
    spec.blocks[1].deltas = 2;
    for framing in framings() {
        spec.mfcc.framing = framing;
        let mut stream = FeatureStream::with_running_mean(&spec, 16_000, 0.5).unwrap();
        let extractor = spec.extractor().unwrap();
        for round in 0..4 {
            let n = [512 + random.below(1_500), random.below(20_000) + 512][round % 2];
            let samples = voice(&mut random, n);
            let whole = at_once(&mut stream, &samples);
            let cut = rows(&mut stream, &samples, &random.pieces(n));
            assert_eq!(bits(&whole), bits(&cut), "{framing:?}, {n} samples");
            let recording = Recording::from_samples(samples, 16_000).unwrap();
            let batch = extractor.extract(&recording).unwrap().frames;
            assert_eq!(whole.len(), batch.data().len(), "{framing:?}, {n} samples");
        }
    }
}

/// Each column of prosody, computed from its description over all rows so far.
#[test]
fn running_prosody_is_as_described() {
    let spec = spec_of(vec![prosody()]);
    let samples = voice(&mut Random(4), 40_000);
    // With such a long time constant, nothing fades.
    let mut stream = FeatureStream::with_running_mean(&spec, 16_000, 1e9).unwrap();
    let streamed = at_once(&mut stream, &samples);

    let mut pitch = Pitch::new(&PitchConfig::default(), 16_000)
        .unwrap()
        .stream(10);
    let mut frames = Vec::new();
    let time_of: Vec<f64> = (0..400).map(|i| pitch.time(i)).collect();
    pitch.push(&samples, |frame| frames.push(frame));
    frames.extend(pitch.finish());

    let power = |start: usize| {
        let window = &samples[start..start + 400];
        window.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / 400.0
    };
    let starts: Vec<usize> = (0..=samples.len() - 400).step_by(160).collect();
    let (mut held, mut voiced, mut levels) = ((75.0f64 * 600.0).sqrt().ln(), vec![], vec![]);
    let mut seen_both = [false; 2];
    for (pair, row) in starts.chunks(2).zip(streamed.chunks(6)) {
        let count = pair.len() as f64;
        let time = pair.iter().map(|&s| (s + 200) as f64).sum::<f64>() / count / 16_000.0;
        let distance = |i: &usize| (time_of[*i] - time).abs();
        let nearest = (0..frames.len())
            .min_by(|a, b| distance(a).total_cmp(&distance(b)))
            .unwrap();
        let frame = frames[nearest];
        let log_f0 = frame.frequency.map(f64::ln);
        if let Some(log_f0) = log_f0 {
            held = log_f0;
            voiced.push(log_f0);
        }
        let level = 10.0 * (pair.iter().map(|&s| power(s)).sum::<f64>() / count).log10();
        levels.push(level);
        let mean = voiced.iter().sum::<f64>() / voiced.len().max(1) as f64;
        let loudest = levels.iter().copied().fold(f64::MIN, f64::max);
        let expected = [
            held,
            log_f0.map_or(0.0, |f| f - mean),
            f64::from(u8::from(log_f0.is_some())),
            frame.strength,
            level,
            (level - loudest).max(-50.0),
        ];
        for (got, expected) in row.iter().zip(expected) {
            assert!(
                (f64::from(*got) - expected).abs() < 1e-3,
                "{time} s: {row:?}, not {expected}"
            );
        }
        seen_both[usize::from(log_f0.is_some())] = true;
    }
    assert_eq!(seen_both, [true; 2]);
}

#[test]
fn the_loudest_row_fades_with_the_time_constant() {
    let spec = spec_of(vec![prosody()]);
    let samples: Vec<f32> = (0..64_000)
        .map(|n| if n < 8_000 { 0.5 } else { 0.01 } * (n as f32 * 0.1).sin())
        .collect();
    let mut stream = FeatureStream::with_running_mean(&spec, 16_000, 1.0).unwrap();
    let streamed = at_once(&mut stream, &samples);
    let relative: Vec<f32> = streamed.chunks(6).map(|row| row[5]).collect();
    // 34 dB lower from row 25 on; every row, a fiftieth of the difference fades.
    for (row, got) in relative.iter().enumerate().skip(25) {
        let expected = 20.0 * 0.02f32.log10() * 0.98f32.powi(row as i32 - 24);
        assert!((got - expected).abs() < 1.0, "row {row}: {got}");
    }
}

#[test]
fn rows_are_delayed_by_at_most_the_look_ahead() {
    for measures in [
        vec![Measure::Mfcc],
        vec![Measure::Intensity { floor: 50.0 }],
        vec![prosody(), Measure::Mfcc],
    ] {
        let mut spec = spec_of(measures);
        spec.blocks[0].deltas = 1;
        let mut stream = FeatureStream::with_running_mean(&spec, 16_000, 3.0).unwrap();
        let mut given = 0;
        for (n, x) in voice(&mut Random(5), 20_000).into_iter().enumerate() {
            let before = given;
            stream.push(&[x], |_| given += 1);
            // The last sample of row `before` is the last of its second frame.
            let end = 320 * before + 160 + 400;
            if given == before && n + 1 > end {
                let late = (n + 1 - end) as f64 / 16_000.0;
                assert!(
                    late <= stream.look_ahead(),
                    "{late} s, {:?}",
                    spec.blocks[0]
                );
            }
        }
        assert!(given > 40);
    }
}

#[test]
fn measures_without_a_causal_form_are_refused_by_name() {
    for (measure, name, has_form) in [
        (prosody(), "prosody", true),
        (Measure::Pitch(PitchConfig::default()), "pitch", true),
        (
            Measure::Harmonicity(HarmonicityConfig::default()),
            "harmonicity",
            false,
        ),
    ] {
        let spec = spec_of(vec![Measure::Mfcc, measure]);
        let error = FeatureStream::new(&spec, 16_000).unwrap_err();
        assert!(
            matches!(error, AudioError::WholeRecording { .. }),
            "{error}"
        );
        assert!(error.to_string().starts_with(name), "{error}");
        let running = FeatureStream::with_running_mean(&spec, 16_000, 3.0);
        assert_eq!(running.is_ok(), has_form, "{name}");
    }
    FeatureStream::with_running_mean(&FeatureSpec::emotion().for_stream(), 16_000, 3.0).unwrap();
}
