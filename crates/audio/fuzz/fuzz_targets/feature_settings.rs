//! Any settings, as a model file or a user might have them, are either refused or work
//! on a short recording in bounded time and memory.

#![no_main]

use audio::{FeatureSpec, Recording};
use libfuzzer_sys::fuzz_target;

#[global_allocator]
static BOUNDED: audio_fuzz::Bounded = audio_fuzz::Bounded;

fuzz_target!(|data: &[u8]| {
    let Ok(spec) = serde_json::from_slice::<FeatureSpec>(data) else {
        return;
    };
    let Ok(extractor) = spec.extractor() else {
        return;
    };
    let samples = (0..4000).map(|n| (n as f32 * 0.1).sin() * 0.5).collect();
    let recording = Recording::from_samples(samples, 16_000).unwrap();
    if let Ok(features) = extractor.extract(&recording) {
        assert_eq!(features.functionals.len(), spec.functional_names().len());
    }
});
