//! A running stream allocates nothing, however long it runs.

use audio::{
    FeatureSpec, FeatureStream, Mfcc, MfccConfig, MfccStream, Pitch, PitchConfig, PitchWindow,
    StreamResampler, VadSettings, VadStream,
};

use crate::counting::allocations;

#[test]
fn a_warm_mfcc_stream_does_not_allocate() {
    for config in [
        MfccConfig::kaldi(),
        MfccConfig::htk(),
        MfccConfig::python_speech_features(),
        MfccConfig {
            top_db: None,
            ..MfccConfig::librosa()
        },
        MfccConfig {
            top_db: None,
            ..MfccConfig::torchaudio()
        },
    ] {
        let mfcc = Mfcc::new(&config, 16_000).unwrap();
        for mut stream in [
            MfccStream::new(&mfcc).unwrap(),
            MfccStream::averaged(&mfcc, 3).unwrap(),
            MfccStream::log_mel(&mfcc).unwrap(),
        ] {
            let samples = [0.1, -0.2, 0.3, 0.05, -0.4].repeat(1_000);
            let mut rows = 0;
            let made = allocations(|| {
                for size in [1, 160, 480, 3, 5_000] {
                    for chunk in samples.chunks(size) {
                        stream.push(chunk, |_| rows += 1);
                    }
                }
                stream.finish(|_| rows += 1);
            });
            assert!(rows > 10);
            assert_eq!(made, 0, "{config:?}");
        }
    }
}

#[test]
fn a_warm_pitch_stream_does_not_allocate() {
    // A rough voice that glides and falls silent, so that frames have different
    // numbers of candidates, then noise.
    let rough = |n: u32| (n.wrapping_mul(2_654_435_761) >> 16) as f32 / 65_536.0 - 0.5;
    let samples: Vec<f32> = (0..32_000u32)
        .map(|n| {
            let t = n as f32 / 16_000.0;
            let voice = ((t * (110.0 + 70.0 * t)).fract() - 0.5) * (t * 9.0).sin().max(0.0);
            if n < 24_000 {
                voice + 0.02 * rough(n)
            } else {
                rough(n)
            }
        })
        .collect();
    for config in [
        PitchConfig::default(),
        PitchConfig {
            window: PitchWindow::Gaussian,
            max_candidates: 4,
            time_step: 0.003,
            ..PitchConfig::default()
        },
    ] {
        let pitch = Pitch::new(&config, 16_000).unwrap();
        for look_back in [0, 10] {
            let mut stream = pitch.stream(look_back);
            let (mut frames, mut voiced) = (0, 0);
            let mut feed = |size: usize| {
                for chunk in samples.chunks(size) {
                    stream.push(chunk, |frame| {
                        frames += 1;
                        voiced += usize::from(frame.frequency.is_some());
                    });
                }
            };
            // Warm up with the first frames and the largest chunk.
            feed(5_000);
            let made = allocations(|| {
                for size in [160, 1, 480, 5_000] {
                    feed(size);
                }
            });
            assert!(voiced > 50 && frames > 900, "{voiced} of {frames}");
            assert_eq!(made, 0, "{config:?}, {look_back}");
        }
    }
}

#[test]
fn a_resampler_with_room_for_its_output_does_not_allocate() {
    let samples = [0.1, -0.2, 0.3, 0.05, -0.4].repeat(4_000);
    for (from, to) in [(44_100, 16_000), (48_000, 16_000), (8_000, 16_000)] {
        let mut resampler = StreamResampler::new(from, to).unwrap();
        let mut out = Vec::with_capacity(100_000);
        let made = allocations(|| {
            for size in [1, 480, 20_000] {
                out.clear();
                for chunk in samples.chunks(size) {
                    resampler.push(chunk, &mut out).unwrap();
                }
                resampler.finish(&mut out).unwrap();
            }
        });
        assert!(out.len() > 6_000);
        assert_eq!(made, 0, "{from} to {to} Hz");
    }
}

#[test]
fn warm_streams_of_features_and_voice_activity_do_not_allocate() {
    let mut spec = FeatureSpec::recommended().for_stream();
    spec.blocks[0].deltas = 2;
    let mut features = FeatureStream::with_running_mean(&spec, 16_000, 1.0).unwrap();
    let mut activity = VadStream::new(&VadSettings::default(), 16_000).unwrap();
    // Bursts of a rough sound, half a second long, every second.
    let samples: Vec<f32> = (0..64_000u32)
        .map(|n| match n / 8_000 % 2 {
            0 => 0.0,
            _ => (n.wrapping_mul(2_654_435_761) >> 16) as f32 / 65_536.0 - 0.5,
        })
        .collect();
    // Features with pitch allocate nothing once they have seen such a signal.
    let mut prosody =
        FeatureStream::with_running_mean(&FeatureSpec::emotion().for_stream(), 16_000, 1.0)
            .unwrap();
    prosody.push(&samples, |_| ());
    prosody.finish(|_| ());
    let (mut rows, mut segments) = (0, 0);
    let made = allocations(|| {
        for size in [1, 160, 5_000] {
            for chunk in samples.chunks(size) {
                features.push(chunk, |_| rows += 1);
                prosody.push(chunk, |_| ());
                activity.push(chunk, |_| segments += 1);
            }
            prosody.finish(|_| ());
            features.finish(|_| rows += 1);
            activity.finish(|_| segments += 1);
        }
    });
    assert_eq!((rows, segments), (3 * 199, 3 * 4));
    assert_eq!(made, 0);
}
