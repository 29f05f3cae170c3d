//! What users of the crate rely on at compile time.

use audio::*;

/// Anything can be moved to another thread and shared between threads.
#[test]
fn types_can_be_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<AudioError>();
    shared::<Augmenter>();
    shared::<Decoder>();
    shared::<DeltaStream>();
    shared::<FeatureExtractor>();
    shared::<FeatureSpec>();
    shared::<FeatureStream>();
    shared::<Features>();
    shared::<Frames>();
    shared::<Harmonicity>();
    shared::<Intensity>();
    shared::<Mfcc>();
    shared::<MfccStream>();
    shared::<Pitch>();
    shared::<PitchStream>();
    shared::<Recording>();
    shared::<SpeakingRate>();
    shared::<SpectralShape>();
    shared::<SpectralStream>();
    shared::<StreamResampler>();
    shared::<VadStream>();
}

/// Settings can be written as a literal with some of their defaults, from outside.
#[test]
fn settings_can_be_built_from_their_defaults() {
    let spec = FeatureSpec {
        average: 1,
        mfcc: MfccConfig {
            n_mfcc: 13,
            ..MfccConfig::kaldi()
        },
        blocks: vec![FeatureBlock {
            measure: Measure::Prosody(ProsodyConfig {
                pitch: PitchConfig {
                    floor: 60.0,
                    ..PitchConfig::default()
                },
                ..ProsodyConfig::default()
            }),
            ..FeatureBlock::new(Measure::Mfcc)
        }],
        ..FeatureSpec::default()
    };
    spec.validate().unwrap();
    let decode = DecodeSettings {
        limits: DecodeLimits {
            max_seconds: Some(60.0),
            ..DecodeLimits::default()
        },
        ..DecodeSettings::default()
    };
    assert_eq!(decode.channels, Channels::Mix);
    let vad = VadSettings {
        pause: 0.5,
        ..VadSettings::default()
    };
    vad.validate().unwrap();
}
