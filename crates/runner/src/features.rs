//! Features of many recordings: extracted once, in parallel, and kept.
//!
//! The cache is one safetensors file for each corpus folder, feature settings
//! and variant (speed, vocal tract, augmentations), with the tensors `frames/<path>` and `functionals/<path>` of
//! every recording. A recording whose size or time of change differs from what
//! the cache saw is extracted again, so is everything when the settings or the
//! program's version change; a damaged cache is as good as none.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result};
use audio::{AudioError, Augmenter, FeatureExtractor, FeatureSpec, Features, Frames};
use indicatif::ProgressBar;
use model::parameters::{Array, Parameters};
use rayon::prelude::*;

use crate::report::write_atomically;
use crate::settings::Variant;
use crate::sound::Sound;

/// A recording whose features could not be had, and why.
#[derive(Debug)]
pub struct Failed {
    /// Its place in the list that was asked for.
    pub index: usize,
    /// What is wrong, in words that name the file.
    pub message: String,
}

/// The error in words that name the file, which an error of what a file holds does not.
pub fn message(path: &Path, error: &impl std::fmt::Display) -> String {
    let (path, error) = (path.display().to_string(), error.to_string());
    if error.starts_with(&path) {
        error
    } else {
        format!("{path}: {error}")
    }
}

/// Features of these sounds, in their order, each heard as `variant` says.
///
/// Recordings that cannot be read have no features and are listed beside.
/// `cache` is the folder of the caches; `None` keeps nothing.
pub fn extract_all(
    root: &Path,
    sounds: &[Sound],
    spec: &FeatureSpec,
    variant: &Variant,
    cache: Option<&Path>,
    progress: &ProgressBar,
) -> Result<(Vec<Option<Features>>, Vec<Failed>)> {
    let ear = Ear::new(spec, variant)?;
    let mut cache = match cache {
        Some(folder) => Some(Cache::open(folder, root, spec, variant)?),
        None => None,
    };
    let known = cache.as_ref();
    let results: Vec<(Result<Features>, bool)> = sounds
        .par_iter()
        .map(|sound| {
            let cached = known.and_then(|cache| cache.get(sound));
            let result = match cached {
                Some(features) => (Ok(features), true),
                None => (ear.hear(sound), false),
            };
            progress.inc(1);
            result
        })
        .collect();

    let mut features = Vec::with_capacity(sounds.len());
    let mut failed = Vec::new();
    let mut changed = false;
    for (index, (result, was_cached)) in results.into_iter().enumerate() {
        match result {
            Ok(clip) => {
                if let Some(cache) = cache.as_mut().filter(|_| !was_cached) {
                    cache.insert(&sounds[index], &clip);
                    changed = true;
                }
                features.push(Some(clip));
            }
            Err(error) => {
                let message = message(sounds[index].path, &format!("{error:#}"));
                failed.push(Failed { index, message });
                features.push(None);
            }
        }
    }
    if let Some(cache) = cache.filter(|_| changed) {
        cache.write()?;
    }
    Ok((features, failed))
}

/// Hears recordings as a variant says.
struct Ear {
    extractor: FeatureExtractor,
    speed: f64,
    augmenter: Augmenter,
    /// What the augmenter's draws depend on beside the recording's name.
    variant: String,
}

impl Ear {
    fn new(spec: &FeatureSpec, variant: &Variant) -> Result<Self, AudioError> {
        let mut spec = spec.clone();
        spec.mfcc.warp *= variant.warp;
        Ok(Self {
            extractor: spec.extractor()?,
            speed: variant.speed,
            augmenter: Augmenter::new(variant.steps.clone())?,
            variant: format!("{variant:?}"),
        })
    }

    fn hear(&self, sound: &Sound) -> Result<Features> {
        let mut recording = sound.open()?;
        if self.speed != 1.0 {
            recording = audio::change_speed(&recording, self.speed);
        }
        if !self.augmenter.steps().is_empty() {
            // Of the name alone, so that the cache and the order of the files do not matter.
            let name = sound.path.file_name().unwrap_or_default().to_string_lossy();
            let seed = fnv1a(&format!("{} {name}{}", self.variant, sound.suffix()));
            recording = self.augmenter.apply(&recording, seed);
        }
        Ok(self.extractor.extract(&recording)?)
    }
}

struct Cache {
    file: PathBuf,
    root: PathBuf,
    key: String,
    arrays: Parameters,
    stamps: BTreeMap<String, String>,
}

impl Cache {
    fn open(folder: &Path, root: &Path, spec: &FeatureSpec, variant: &Variant) -> Result<Self> {
        let root = root
            .canonicalize()
            .with_context(|| format!("{}", root.display()))?;
        let spec = serde_json::to_string(spec)?;
        let version = env!("CARGO_PKG_VERSION");
        let variant = serde_json::to_string(variant)?;
        let key = format!("{version} {} {variant} {spec}", root.display());
        let file = folder.join(format!("features-{:016x}.safetensors", fnv1a(&key)));
        let (arrays, stamps) = Self::read(&file, &key).unwrap_or_default();
        Ok(Self {
            file,
            root,
            key,
            arrays,
            stamps,
        })
    }

    fn read(file: &Path, key: &str) -> Option<(Parameters, BTreeMap<String, String>)> {
        let bytes = std::fs::read(file).ok()?;
        let (arrays, metadata) = model::deserialize(&bytes, "cache").ok()?;
        if metadata.get("key")? != key {
            return None;
        }
        let stamps = serde_json::from_str(metadata.get("stamps")?).ok()?;
        Some((arrays, stamps))
    }

    fn get(&self, sound: &Sound) -> Option<Features> {
        let name = self.name(sound);
        if *self.stamps.get(&name)? != stamp(sound.path)? {
            return None;
        }
        let frames = self.arrays.get(&format!("frames/{name}"))?;
        let functionals = self.arrays.get(&format!("functionals/{name}"))?;
        Some(Features {
            frames: Frames::new(frames.values.clone(), *frames.shape.get(1)?),
            functionals: functionals.values.clone(),
        })
    }

    fn insert(&mut self, sound: &Sound, features: &Features) {
        let name = self.name(sound);
        let Some(stamp) = stamp(sound.path) else {
            return;
        };
        let frames = Array {
            shape: vec![features.frames.len(), features.frames.columns()],
            values: features.frames.data().to_vec(),
        };
        let functionals = Array {
            shape: vec![features.functionals.len()],
            values: features.functionals.clone(),
        };
        self.arrays.insert(format!("frames/{name}"), frames);
        self.arrays
            .insert(format!("functionals/{name}"), functionals);
        self.stamps.insert(name, stamp);
    }

    fn write(&self) -> Result<()> {
        let metadata = HashMap::from([
            ("key".to_string(), self.key.clone()),
            ("stamps".to_string(), serde_json::to_string(&self.stamps)?),
        ]);
        let bytes = model::serialize(&self.arrays, metadata)?;
        let folder = self.file.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).with_context(|| format!("{}", folder.display()))?;
        write_atomically(&self.file, &bytes)
    }

    /// The recording's way from the root, or its full path where it lies
    /// elsewhere, and which part of it.
    fn name(&self, sound: &Sound) -> String {
        let full = (sound.path.canonicalize()).unwrap_or_else(|_| sound.path.into());
        let way = full.strip_prefix(&self.root).unwrap_or(&full);
        format!("{}{}", way.to_string_lossy(), sound.suffix())
    }
}

/// Size and time of change; `None` where the file cannot be asked.
fn stamp(path: &Path) -> Option<String> {
    let metadata = path.metadata().ok()?;
    let changed = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(format!("{} {}", metadata.len(), changed.as_nanos()))
}

/// FNV-1a, 64 bits: names a file; the key inside the file is what decides.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(path: &Path, hertz: f32) {
        let samples: Vec<f32> = (0..8000)
            .map(|n| 0.5 * (std::f32::consts::TAU * hertz * n as f32 / 16000.0).sin())
            .collect();
        audio::write_wav(path, &samples, 16000).unwrap();
    }

    #[test]
    fn the_cache_gives_what_extraction_gives_and_notices_a_changed_file() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("corpus");
        std::fs::create_dir(&root).unwrap();
        let (a, b) = (root.join("a.wav"), root.join("b.wav"));
        tone(&a, 200.0);
        std::fs::write(&b, "not a sound").unwrap();
        let cache = folder.path().join("cache");
        let spec = FeatureSpec::recommended();
        let run = |cache: Option<&Path>| {
            let sounds: [Sound; 2] = [a.as_path().into(), b.as_path().into()];
            let (plain, hidden) = (Variant::default(), ProgressBar::hidden());
            extract_all(&root, &sounds, &spec, &plain, cache, &hidden).unwrap()
        };

        let (fresh, failed) = run(None);
        assert_eq!(failed.len(), 1);
        assert_eq!(failed[0].index, 1);
        assert!(failed[0].message.contains("b.wav"));
        assert!(fresh[0].is_some() && fresh[1].is_none());

        assert_eq!(run(Some(&cache)).0, fresh);
        assert_eq!(std::fs::read_dir(&cache).unwrap().count(), 1);
        assert_eq!(run(Some(&cache)).0, fresh);

        tone(&a, 900.0);
        let (changed, _) = run(Some(&cache));
        assert_ne!(changed, fresh);
        assert_eq!(changed, run(None).0);
    }

    #[test]
    fn another_variant_gives_other_features() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        tone(&path, 200.0);
        let spec = FeatureSpec::recommended();
        let at = |speed, warp| {
            let variant = Variant {
                speed,
                warp,
                ..Variant::default()
            };
            let sounds = [path.as_path().into()];
            let hidden = ProgressBar::hidden();
            let (mut features, _) =
                extract_all(folder.path(), &sounds, &spec, &variant, None, &hidden).unwrap();
            features.remove(0).unwrap()
        };
        assert!(at(0.5, 1.0).frames.len() > at(1.0, 1.0).frames.len());
        assert_ne!(at(1.0, 1.1), at(1.0, 1.0));
    }
}
