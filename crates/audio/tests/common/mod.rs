//! What several of these tests share: fixtures, signals, recordings.

use std::ops::Range;
use std::path::{Path, PathBuf};

use audio::{FeatureBlock, FeatureSpec, Framing, Measure};
use serde::de::DeserializeOwned;

/// `tests/fixtures/NAME`.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

/// The numbers of a reference tool: `tests/fixtures/TOOL.json`.
pub fn reference<T: DeserializeOwned>(tool: &str) -> T {
    let text = std::fs::read_to_string(fixture(&format!("{tool}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The signal of `scripts/mfcc_fixtures.py`, 16-bit integers: a sawtooth that
/// glides and swells, noise, and a stretch of digital silence.
pub fn signal(n: usize, rate: u32) -> Vec<i64> {
    let (mut state, mut phase) = (1u32, 0u32);
    let n = n as i64;
    (0..n)
        .map(|i| {
            let pitch = 100 + 80 * i / n;
            phase = phase.wrapping_add(((pitch << 32) / i64::from(rate)) as u32);
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let swell = (i * 2048 / n) % 512;
            let swell = swell.min(511 - swell);
            let saw = i64::from(phase >> 16) - 32768;
            let noise = i64::from(state >> 16) - 32768;
            if 7 * n <= 10 * i && 10 * i < 8 * n {
                0
            } else {
                (saw * swell + noise * 16) >> 10
            }
        })
        .collect()
}

/// 16-bit integers as samples of full scale ±1.
pub fn floats(integers: &[i64]) -> Vec<f32> {
    integers.iter().map(|&i| i as f32 / 32768.0).collect()
}

/// The folder of real recordings named by `RAVDESS_DIR`. If that is not set, prints
/// that the test is skipped.
pub fn ravdess() -> Option<PathBuf> {
    let folder = std::env::var_os("RAVDESS_DIR").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: RAVDESS_DIR is not set");
    }
    folder
}

/// The recordings of all actors, in order.
pub fn ravdess_files() -> Option<Vec<PathBuf>> {
    let mut files = Vec::new();
    for actor in std::fs::read_dir(ravdess()?).unwrap() {
        let actor = actor.unwrap().path();
        if actor.is_dir() {
            files.extend(std::fs::read_dir(actor).unwrap().map(|f| f.unwrap().path()));
        }
    }
    files.retain(|file| file.extension().is_some_and(|e| e == "wav"));
    files.sort();
    assert!(!files.is_empty());
    Some(files)
}

/// A small random generator: good enough for noise and chunk sizes, and the same
/// every time.
pub struct Random(pub u64);

impl Random {
    /// 31 random bits.
    pub fn bits(&mut self) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as u32
    }

    pub fn below(&mut self, n: usize) -> usize {
        self.bits() as usize % n
    }

    /// `0..n` in pieces: mostly small ones, some empty, now and then a long one.
    pub fn pieces(&mut self, n: usize) -> Vec<Range<usize>> {
        let most = [1, 2, 7, 160, 1_000, 5_000][self.below(6)];
        let mut pieces = Vec::new();
        let mut from = 0;
        while from < n {
            let to = (from + self.below(most + 1)).min(n);
            pieces.push(from..to);
            from = to;
        }
        pieces.push(n..n);
        pieces
    }
}

/// White noise within `level`, the same every time; the seed differs between tests.
pub fn noise(n: usize, level: f32, seed: u32) -> Vec<f32> {
    let mut state = seed;
    (0..n)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            level * ((state >> 8) as f32 / 8_388_608.0 - 1.0)
        })
        .collect()
}

pub fn framings() -> [Framing; 6] {
    [
        Framing::CenteredZero,
        Framing::CenteredReflect,
        Framing::WholeTransform,
        Framing::WholeWindow,
        Framing::Mirrored,
        Framing::PaddedTail,
    ]
}

/// The recommended specification, not trimmed, with these measures as its blocks.
pub fn spec_of(measures: Vec<Measure>) -> FeatureSpec {
    FeatureSpec {
        trim: None,
        blocks: measures.into_iter().map(FeatureBlock::new).collect(),
        ..FeatureSpec::recommended()
    }
}

/// For comparing values to the last bit.
pub fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|v| v.to_bits()).collect()
}
