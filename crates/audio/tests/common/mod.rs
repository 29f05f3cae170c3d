//! What more than one of these tests reads.

// Each test is a program of its own and uses a part.
#![allow(dead_code)]

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

/// `tests/fixtures/NAME`.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

/// What a reference tool gave: `tests/fixtures/TOOL.json`.
pub fn reference<T: DeserializeOwned>(tool: &str) -> T {
    let text = std::fs::read_to_string(fixture(&format!("{tool}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The signal of `scripts/mfcc_fixtures.py`, 16-bit integers: a saw that glides
/// and swells, noise, and a stretch of digital silence.
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

/// 16-bit integers at full scale +-1.
pub fn floats(integers: &[i64]) -> Vec<f32> {
    integers.iter().map(|&i| i as f32 / 32768.0).collect()
}

/// The folder of real recordings that `RAVDESS_DIR` names; where it is unset,
/// says that the test skips.
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
