//! The pretrained encoder against PyTorch and librosa (`scripts/encoder_fixture.py`).

use audio::{Frames, Recording, SpeechLevel, SpeechStream};
use model::{EmbeddingStream, Encoder, Extractor, deserialize};
use recurrent::parameters::Parameters;

fn fixture() -> Parameters {
    let bytes = include_bytes!("fixtures/encoder.safetensors");
    deserialize(bytes, "the fixture").unwrap().0
}

/// The input of PyTorch's network: the mel powers at -30 dB.
fn levelled(fixture: &Parameters) -> Frames {
    let level = fixture["level"].values[0];
    let mel = fixture["mel"].values.iter().map(|x| x * level);
    Frames::new(mel.collect(), SpeechLevel::COLUMNS)
}

fn furthest(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max)
}

#[test]
fn states_and_embedding_are_pytorchs() {
    let (fixture, encoder) = (fixture(), Encoder::pretrained().unwrap());
    let rows = levelled(&fixture);
    let states = encoder.states(&rows).unwrap();
    let apart = furthest(states.data(), &fixture["states"].values);
    assert!(apart < 1e-4, "{apart}");
    let embedding = encoder.embedding(&rows).unwrap();
    let apart = furthest(&embedding, &fixture["embedding"].values);
    assert!(apart < 1e-4, "{apart}");
    assert_eq!(embedding.len(), Encoder::names().len());
}

#[test]
fn the_embedding_of_a_stream_is_that_of_the_sound_so_far_whatever_the_chunks() {
    let encoder = Encoder::pretrained().unwrap();
    let samples = &fixture()["samples"].values;
    let level = SpeechLevel::default();
    let rows_of = |samples: &[f32]| {
        let mut stream = SpeechStream::new(&level, 16_000).unwrap();
        let mut rows = Vec::new();
        stream.push(samples, |_, row| rows.extend_from_slice(row));
        stream.finish(|_, row| rows.extend_from_slice(row));
        Frames::new(rows, 40)
    };
    for at_once in [100, 1600, samples.len()] {
        let mut stream = EmbeddingStream::new(&encoder, &level).unwrap();
        let mut heard = 0;
        for chunk in samples.chunks(at_once) {
            stream.push(chunk);
            heard += chunk.len();
            if heard == samples.len() || heard % 16_000 == 0 {
                let whole = encoder.embedding(&rows_of(&samples[..heard])).unwrap();
                assert_eq!(stream.embedding(0), whole, "{at_once} {heard}");
            }
        }
        let tail = stream.embedding(samples.len() as u64 / 2);
        stream.forget(samples.len() as u64 / 2);
        assert_eq!(stream.embedding(samples.len() as u64 / 2), tail);
        assert_ne!(tail, encoder.embedding(&rows_of(samples)).unwrap());
    }
}

#[test]
fn the_rows_are_librosas_mel_powers_times_a_gain() {
    let fixture = fixture();
    let mel = Frames::new(fixture["mel"].values.clone(), 40);
    let mut stream = SpeechStream::new(&SpeechLevel::default(), 16_000).unwrap();
    let (mut rows, mut gains) = (0, Vec::new());
    let mut check = |frame: usize, row: &[f32]| {
        let theirs = mel.row(frame);
        let gain = row.iter().sum::<f32>() / theirs.iter().sum::<f32>();
        let largest = theirs.iter().copied().fold(0.0, f32::max);
        for (ours, theirs) in row.iter().zip(theirs) {
            assert!(
                (ours / gain - theirs).abs() < 1e-4 * largest,
                "frame {frame}"
            );
        }
        rows += 1;
        gains.push(gain);
    };
    stream.push(&fixture["samples"].values, &mut check);
    stream.finish(&mut check);
    // The sound rises from nothing and falls to it: its ends are not speech.
    assert!((50..=81).contains(&rows), "{rows}");
    // Nearly the gain that brings the whole sound to -30 dB.
    let middle = gains[rows / 2] / fixture["level"].values[0];
    assert!((0.3..3.0).contains(&middle), "{middle}");
}

fn embedding(samples: &[f32]) -> Vec<f32> {
    let extractor = Extractor::new(&audio::FeatureSpec::encoder()).unwrap();
    let recording = Recording::from_samples(samples.to_vec(), 16_000).unwrap();
    extractor.extract(&recording).unwrap().functionals
}

/// Some words' worth of the fixture's voice.
fn speech() -> Vec<f32> {
    let voice = &fixture()["samples"].values;
    let mut speech = vec![0.0; 8_000];
    for loudness in [1.0, 0.6, 0.8] {
        speech.extend(voice.iter().map(|x| x * loudness));
    }
    speech.resize(speech.len() + 8_000, 0.0);
    // A room is never silent.
    for (n, x) in speech.iter_mut().enumerate() {
        *x += 1e-3 * ((n % 977 * (n % 977)) as f32 * 0.37).sin();
    }
    speech
}

#[test]
fn gain_and_offset_change_nothing() {
    let speech = speech();
    let plain = embedding(&speech);
    for gain in [0.1, 0.5, 3.0] {
        let louder: Vec<f32> = speech.iter().map(|x| x * gain).collect();
        let apart = furthest(&embedding(&louder), &plain);
        assert!(apart < 0.1, "gain {gain}: {apart}");
    }
    let shifted: Vec<f32> = speech.iter().map(|x| x + 0.02).collect();
    let apart = furthest(&embedding(&shifted), &plain);
    assert!(apart < 0.05, "offset: {apart}");
}

#[test]
fn silence_and_clicks_around_the_speech_change_nothing() {
    let speech = speech();
    let plain = embedding(&speech);
    let mut later = vec![0.0; 32_000];
    later.extend_from_slice(&speech);
    later.extend(vec![0.0; 48_000]);
    assert_eq!(furthest(&embedding(&later), &plain), 0.0);
    let mut clicked = later.clone();
    let end = 32_000 + speech.len();
    clicked[end + 8_000..end + 8_160].fill(0.5);
    let apart = furthest(&embedding(&clicked), &plain);
    assert!(apart < 0.05, "{apart}");
}

#[test]
fn without_speech_the_embedding_is_zero() {
    assert!(embedding(&[0.0; 16_000]).iter().all(|x| *x == 0.0));
}
