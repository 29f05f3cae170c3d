//! Features of many recordings, in parallel, each heard as a variant says.

use std::collections::HashMap;
use std::path::Path;

use audio::{Augmenter, FeatureSpec, Features, Frames, Recording};
use corpus::{CorpusError, Excerpt};
use model::{Encoder, Extractor, ModelError};
use rayon::prelude::*;

use crate::feature_store::{Key, content};
use crate::settings::Variant;
use crate::{Event, FeatureStore, Observer, TrainingError};

/// A recording whose features could not be extracted, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// Its place in the list.
    pub index: usize,
    /// What is wrong, in words that name the file.
    pub message: String,
}

/// The features of a list of excerpts, in its order.
#[derive(Clone, Debug, Default)]
pub struct Extracted {
    /// None where an excerpt could not be read.
    pub features: Vec<Option<Features>>,
    /// The excerpts that could not be read.
    pub failed: Vec<Failed>,
}

/// An error with the name of the file in front, unless it names it already.
pub fn with_path(path: &Path, error: impl std::fmt::Display) -> String {
    let (path, error) = (path.display().to_string(), error.to_string());
    match error.starts_with(&path) {
        true => error,
        false => format!("{path}: {error}"),
    }
}

/// Extracts features, or takes them from `store`. The observer is told of
/// every excerpt; the stage is the caller's to begin and end.
///
/// `draw` is the number of the variant: what an augmentation draws at random
/// depends on it and on the file's name, and on nothing else.
///
/// # Errors
///
/// Where the feature settings or the variant cannot be used, or the store
/// cannot be written. A recording that cannot be read is listed instead.
pub fn extract_all(
    excerpts: &[Excerpt],
    spec: &FeatureSpec,
    (variant, draw): (&Variant, u64),
    store: Option<&FeatureStore>,
    observer: &dyn Observer,
) -> Result<Extracted, TrainingError> {
    let listener = Listener::new(spec, variant, draw)?;
    let contents = store.map_or_else(HashMap::new, |_| contents(excerpts));
    let keys: Vec<Option<(&FeatureStore, Key)>> = excerpts
        .iter()
        .map(|excerpt| {
            let content = contents.get(excerpt.path).and_then(Option::as_ref)?;
            Some((store?, listener.key(excerpt, content)))
        })
        .collect();
    let mut results: Vec<Option<Result<Features, String>>> = keys
        .par_iter()
        .map(|key| {
            let (store, key) = key.as_ref()?;
            let features = store.get(key)?;
            observer.notice(Event::Advance(1));
            Some(Ok(features))
        })
        .collect();
    // A file of which something is missing is decoded once for all of it.
    let missing: Vec<usize> = (0..excerpts.len())
        .filter(|&i| results[i].is_none())
        .collect();
    let to_hear: Vec<Excerpt> = missing.iter().map(|&index| excerpts[index]).collect();
    let heard = corpus::map_recordings(&to_hear, |place, recording| {
        let features = listener.hear(&to_hear[place], recording);
        if let (Ok(features), Some((store, key))) = (&features, &keys[missing[place]]) {
            store.put(key, features)?;
        }
        observer.notice(Event::Advance(1));
        Ok(features)
    });
    for (index, features) in missing.into_iter().zip(heard) {
        let features: Result<_, TrainingError> = features;
        results[index] = Some(features?);
    }

    let mut extracted = Extracted::default();
    for (index, result) in results.into_iter().flatten().enumerate() {
        if let Err(message) = &result {
            let message = message.clone();
            extracted.failed.push(Failed { index, message });
        }
        extracted.features.push(result.ok());
    }
    Ok(extracted)
}

/// The SHA-256 of every file, each read once however many excerpts it has.
fn contents<'a>(excerpts: &[Excerpt<'a>]) -> HashMap<&'a Path, Option<[u8; 32]>> {
    let mut paths: Vec<&Path> = excerpts.iter().map(|excerpt| excerpt.path).collect();
    paths.sort_unstable();
    paths.dedup();
    let hashed = paths.into_par_iter().map(|path| (path, content(path)));
    hashed.collect()
}

/// Hears recordings as a variant says.
struct Listener {
    extractor: Extractor,
    speed: f64,
    augmenter: Augmenter,
    draw: u64,
    /// The feature settings, the variant and the encoder as text, for the key.
    settings: String,
}

impl Listener {
    fn new(spec: &FeatureSpec, variant: &Variant, draw: u64) -> Result<Self, TrainingError> {
        let json = |error: serde_json::Error| TrainingError::settings(error.to_string());
        let settings = serde_json::to_string(&(spec, variant)).map_err(json)?;
        let mut spec = spec.clone();
        spec.mfcc.warp *= variant.warp;
        let encoder = match spec.encoder {
            Some(_) => Some(Encoder::pretrained()?),
            None => None,
        };
        let settings = match &encoder {
            Some(encoder) => settings + &encoder.fingerprint(),
            None => settings,
        };
        Ok(Self {
            extractor: Extractor::with_encoder(&spec, encoder)?,
            speed: variant.speed,
            augmenter: Augmenter::new(variant.steps.clone())?,
            draw,
            settings,
        })
    }

    /// The features, or what is wrong with the file.
    fn hear(
        &self,
        excerpt: &Excerpt,
        recording: Result<Recording, CorpusError>,
    ) -> Result<Features, String> {
        let path = excerpt.path;
        let mut recording = recording.map_err(|error| with_path(path, error))?;
        if self.speed != 1.0 {
            recording = audio::change_speed(&recording, self.speed);
        }
        if let Some(seed) = self.seed(excerpt) {
            recording = self.augmenter.apply(&recording, seed);
        }
        let mut features = (self.extractor.extract(&recording))
            .map_err(|error: ModelError| with_path(path, error))?;
        // The embedding is among the functionals; what it was made from is many times
        // larger, and no training reads it.
        features.encoder = Frames::new(Vec::new(), features.encoder.columns());
        Ok(features)
    }

    /// What an augmentation's random numbers come from; none where nothing is
    /// drawn. Neither the folder nor the other files matter, nor how a setting
    /// is called in this program.
    fn seed(&self, excerpt: &Excerpt) -> Option<u64> {
        if self.augmenter.steps().is_empty() {
            return None;
        }
        let name = excerpt.path.file_name().unwrap_or_default();
        let text = format!(
            "{} {}{}",
            self.draw,
            name.to_string_lossy(),
            excerpt.suffix()
        );
        Some(fnv1a(&text))
    }

    fn key(&self, excerpt: &Excerpt, content: &[u8; 32]) -> Key {
        let seed = self.seed(excerpt).map_or(String::new(), |s| s.to_string());
        Key::new(&[
            content,
            excerpt.suffix().as_bytes(),
            self.settings.as_bytes(),
            seed.as_bytes(),
        ])
    }
}

/// FNV-1a, 64 bits: the same number on every machine and in every version.
pub(crate) fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use audio::{Augmentation, Channels, Colour, Step};

    fn wave(hertz: f32) -> Vec<f32> {
        (0..16_000)
            .map(|n| 0.5 * (std::f32::consts::TAU * hertz * n as f32 / 16_000.0).sin())
            .collect()
    }

    fn tone(path: &Path, hertz: f32) {
        audio::write_wav(path, &wave(hertz), 16_000).unwrap();
    }

    fn extract(paths: &[&Path], variant: &Variant, draw: u64) -> Vec<Option<Features>> {
        let excerpts: Vec<Excerpt> = paths.iter().map(|path| (*path).into()).collect();
        let spec = FeatureSpec::recommended();
        let extracted = extract_all(&excerpts, &spec, (variant, draw), None, &());
        extracted.unwrap().features
    }

    #[test]
    fn the_store_gives_what_extraction_gives_and_a_changed_file_is_extracted_anew() {
        let folder = tempfile::tempdir().unwrap();
        let [a, b, copy] = ["a.wav", "b.wav", "copy.wav"].map(|name| folder.path().join(name));
        tone(&a, 200.0);
        std::fs::write(&b, "not a sound").unwrap();
        let store = FeatureStore::new(folder.path().join("store"));
        let spec = FeatureSpec::recommended();
        let run = |paths: [&Path; 2], store| {
            let excerpts = paths.map(Excerpt::from);
            extract_all(&excerpts, &spec, (&Variant::default(), 0), store, &()).unwrap()
        };

        let fresh = run([&a, &b], None);
        assert_eq!(fresh.failed.len(), 1);
        assert_eq!(fresh.failed[0].index, 1);
        assert!(fresh.failed[0].message.contains("b.wav"));
        assert!(fresh.features[0].is_some() && fresh.features[1].is_none());
        for _ in 0..2 {
            assert_eq!(run([&a, &b], Some(&store)).features, fresh.features);
            assert_eq!(store.usage().unwrap().clips, 1);
        }
        // The same bytes under another name are the same features.
        std::fs::copy(&a, &copy).unwrap();
        assert_eq!(run([&copy, &b], Some(&store)).features, fresh.features);
        assert_eq!(store.usage().unwrap().clips, 1);

        tone(&a, 900.0);
        let changed = run([&a, &b], Some(&store));
        assert_ne!(changed.features, fresh.features);
        assert_eq!(changed.features, run([&a, &b], None).features);
        assert_eq!(store.usage().unwrap().clips, 2);
    }

    #[test]
    fn another_variant_gives_other_features() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        tone(&path, 200.0);
        let at = |speed, warp| {
            let variant = Variant {
                speed,
                warp,
                ..Variant::default()
            };
            extract(&[&path], &variant, 0).remove(0).unwrap()
        };
        assert!(at(0.5, 1.0).frames.len() > at(1.0, 1.0).frames.len());
        assert_ne!(at(1.0, 1.1), at(1.0, 1.0));
    }

    #[test]
    fn noise_depends_on_the_files_name_and_the_number_of_the_variant_alone() {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["a.wav", "b.wav", "else/a.wav"].map(|name| folder.path().join(name));
        std::fs::create_dir(folder.path().join("else")).unwrap();
        paths.iter().for_each(|path| tone(path, 200.0));
        let [a, b, elsewhere] = paths.each_ref().map(|path| path.as_path());
        let noisy = Variant {
            steps: vec![Step {
                probability: 1.0,
                augmentation: Augmentation::Noise {
                    colour: Colour::White,
                    snr_db: [10.0, 20.0],
                },
            }],
            ..Variant::default()
        };
        let found = extract(&[a, b, elsewhere], &noisy, 3);
        assert_eq!(found[0], found[2]);
        assert_ne!(found[0], found[1]);
        assert_ne!(extract(&[a], &noisy, 4)[0], found[0]);
        // The number that a seed comes from is written down here, so that no
        // change of a name in the program changes results silently.
        assert_eq!(fnv1a("3 a.wav"), 0x6ca3_593d_f8a2_5f8d);
    }

    /// A 16-bit WAV with a sound of its own in each channel.
    fn stereo(path: &Path, left: &[f32], right: &[f32], rate: u32) {
        let mut bytes = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x02\0".to_vec();
        let data = left.len() as u32 * 4;
        bytes[4..8].copy_from_slice(&(36 + data).to_le_bytes());
        bytes.extend(rate.to_le_bytes());
        bytes.extend((rate * 4).to_le_bytes());
        bytes.extend([4, 0, 16, 0]);
        bytes.extend(b"data");
        bytes.extend(data.to_le_bytes());
        for (left, right) in left.iter().zip(right) {
            for sample in [left, right] {
                bytes.extend(((sample * 32768.0).round() as i16).to_le_bytes());
            }
        }
        std::fs::write(path, bytes).unwrap();
    }

    #[test]
    fn a_channel_and_a_segment_are_what_a_file_of_them_alone_would_be() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let (left, right) = (wave(200.0), wave(310.0));
        stereo(&at("both.wav"), &left, &right, 16_000);
        audio::write_wav(at("left.wav"), &left, 16_000).unwrap();
        audio::write_wav(at("part.wav"), &right[4000..12_000], 16_000).unwrap();

        let both = at("both.wav");
        let excerpt = |channels, segment| Excerpt {
            segment,
            channels,
            ..Excerpt::from(both.as_path())
        };
        let part = Some(corpus::Segment {
            start: 0.25,
            end: Some(0.75),
        });
        let cases = [
            excerpt(Channels::One(0), None),
            excerpt(Channels::One(1), part),
        ];
        let alone = [at("left.wav"), at("part.wav")];
        let alone: Vec<&Path> = alone.iter().map(PathBuf::as_path).collect();
        let expected = extract(&alone, &Variant::default(), 0);
        let (spec, plain) = (FeatureSpec::recommended(), Variant::default());
        let store = FeatureStore::new(at("store"));
        // Twice: as extracted, and as kept.
        for _ in 0..2 {
            let found = extract_all(&cases, &spec, (&plain, 0), Some(&store), &()).unwrap();
            assert!(found.failed.is_empty(), "{:?}", found.failed);
            assert_eq!(found.features, expected);
        }

        let late = Some(corpus::Segment {
            start: 0.5,
            end: Some(1.5),
        });
        for (excerpt, what) in [
            (excerpt(Channels::Mix, late), "1.00 s"),
            (excerpt(Channels::One(2), None), "channel 2"),
        ] {
            let found = extract_all(&[excerpt], &spec, (&plain, 0), None, &()).unwrap();
            assert!(found.failed[0].message.contains(what), "{:?}", found.failed);
            assert!(found.failed[0].message.contains("both.wav"));
        }
    }
}
