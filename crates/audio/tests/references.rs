//! The presets compared with the tools they are named after.
//!
//! The numbers in `tests/fixtures` come from `scripts/mfcc_fixtures.py`, which runs
//! the tools. Each case there has a name; the settings for it are here. For tools in
//! double precision, our double precision must match within 1e-6. Single precision
//! must match all tools within `1e-3 + 1e-5 |x|`, which is the error of the tools in
//! single precision themselves.

use std::path::PathBuf;

use audio::{
    DctNorm, DeltaMethod, FftLength, Floor, Frames, Framing, Lifter, Log, MelNorm, MelScale, Mfcc,
    MfccConfig, PreEmphasis, Recording, Span, Spectrum, Window, Zeroth, delta,
};
use serde::Deserialize;

use crate::common::{floats, ravdess, reference, signal};

#[derive(Deserialize)]
struct Fixture {
    precision: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    call: String,
    samples: usize,
    sample_rate: u32,
    n_frames: usize,
    frames: Vec<usize>,
    mfcc: Vec<Vec<f64>>,
    log_mel_frames: Vec<usize>,
    log_mel: Vec<Vec<f64>>,
}

/// How far `got` is from the reference, in units of the tolerance.
fn worst(
    got: impl Fn(usize, usize) -> f64,
    frames: &[usize],
    expected: &[Vec<f64>],
    tolerance: impl Fn(f64) -> f64,
) -> f64 {
    let mut worst: f64 = 0.0;
    for (&t, row) in frames.iter().zip(expected) {
        for (c, &e) in row.iter().enumerate() {
            let error = (got(t, c) - e).abs() / tolerance(e);
            assert!(!error.is_nan(), "frame {t}, column {c} is NaN");
            worst = worst.max(error);
        }
    }
    worst
}

fn single(x: f64) -> f64 {
    1e-3 + 1e-5 * x.abs()
}

/// Checks all cases of a tool and lists every failure, not only the first.
fn check(tool: &str, config: impl Fn(&str) -> MfccConfig) {
    let fixture: Fixture = reference(tool);
    assert!(!fixture.cases.is_empty());
    let mut failures = Vec::new();
    let tolerance_f64 = |x: f64| match fixture.precision.as_str() {
        "float64" => 1e-6,
        _ => single(x),
    };
    for case in &fixture.cases {
        let config = config(&case.name);
        let mfcc = Mfcc::new(&config, case.sample_rate).unwrap();
        let ints = signal(case.samples, case.sample_rate);
        let floats = floats(&ints);
        let doubles: Vec<f64> = ints.iter().map(|&i| i as f64 / 32768.0).collect();
        let columns = config.n_mfcc;

        let ours = mfcc.compute(&floats);
        if ours.len() != case.n_frames || mfcc.frame_count(floats.len()) != case.n_frames {
            failures.push(format!(
                "{}: {} frames, not {}",
                case.name,
                ours.len(),
                case.n_frames
            ));
            continue;
        }
        let double = mfcc.compute_f64(&doubles);
        let mel = mfcc.log_mel(&floats);
        let mel_double = mfcc.log_mel_f64(&doubles);
        let n_mels = config.n_mels;
        let in_f64 = |values: &[f64], width: usize, t: usize, c: usize| values[t * width + c];
        let cut: Vec<Vec<f64>> = case.mfcc.iter().map(|r| r[..columns].to_vec()).collect();
        for (what, error) in [
            (
                "mfcc in double",
                worst(
                    |t, c| in_f64(&double, columns, t, c),
                    &case.frames,
                    &cut,
                    tolerance_f64,
                ),
            ),
            (
                "log mel in double",
                worst(
                    |t, c| in_f64(&mel_double, n_mels, t, c),
                    &case.log_mel_frames,
                    &case.log_mel,
                    tolerance_f64,
                ),
            ),
            (
                "mfcc",
                worst(|t, c| f64::from(ours.row(t)[c]), &case.frames, &cut, single),
            ),
            (
                "log mel",
                worst(
                    |t, c| f64::from(mel.row(t)[c]),
                    &case.log_mel_frames,
                    &case.log_mel,
                    single,
                ),
            ),
        ] {
            println!("{tool} {}: {what}: {error:.3} of the tolerance", case.name);
            if error > 1.0 {
                failures.push(format!(
                    "{}: {what}: {error:.2} times the tolerance; the reference is {}",
                    case.name, case.call
                ));
            }
        }
    }
    assert!(failures.is_empty(), "{tool}\n{}", failures.join("\n"));
}

/// `n_fft=512, win_length=400, hop_length=160`
fn small(preset: MfccConfig) -> MfccConfig {
    MfccConfig {
        n_fft: FftLength::Samples(512),
        window_length: Span::Samples(400),
        hop_length: Span::Samples(160),
        ..preset
    }
}

/// `n_fft=n, hop_length=hop`
fn sizes(preset: MfccConfig, n_fft: usize, hop: usize) -> MfccConfig {
    MfccConfig {
        n_fft: FftLength::Samples(n_fft),
        window_length: Span::Samples(n_fft),
        hop_length: Span::Samples(hop),
        ..preset
    }
}

#[test]
fn librosa_is_reproduced() {
    check("librosa", |name| {
        let librosa = MfccConfig::librosa();
        match name {
            "defaults" => librosa,
            "window_shorter_than_fft" => MfccConfig {
                n_mfcc: 40,
                ..small(librosa)
            },
            "not_centred" => MfccConfig {
                framing: Framing::WholeTransform,
                n_mels: 40,
                ..small(librosa)
            },
            "htk_scale_no_norm_odd_sizes" => MfccConfig {
                n_mels: 40,
                mel_scale: MelScale::Htk,
                mel_norm: MelNorm::Peak,
                f_min: 50.0,
                f_max: Some(7000.0),
                ..sizes(librosa, 400, 160)
            },
            "odd_fft_magnitude" => MfccConfig {
                window_length: Span::Samples(441),
                n_fft: FftLength::Samples(441),
                spectrum: Spectrum::Magnitude,
                n_mels: 32,
                n_mfcc: 13,
                ..librosa
            },
            "lifter" => MfccConfig {
                n_mels: 64,
                n_mfcc: 13,
                lifter: Lifter::ShiftedSine(22.0),
                ..small(librosa)
            },
            "dct_not_scaled" => MfccConfig {
                n_mels: 26,
                n_mfcc: 13,
                dct_norm: DctNorm::None,
                ..small(librosa)
            },
            "hamming_reflect" => MfccConfig {
                window: Window::Hamming,
                framing: Framing::CenteredReflect,
                n_mels: 26,
                n_mfcc: 13,
                ..small(librosa)
            },
            "48_khz" => MfccConfig {
                n_mfcc: 34,
                ..sizes(librosa, 4096, 2048)
            },
            "more_bands_than_bins" => MfccConfig {
                n_mels: 40,
                n_mfcc: 13,
                ..sizes(librosa, 64, 32)
            },
            "shorter_than_a_window" => MfccConfig {
                n_mels: 40,
                n_mfcc: 13,
                ..small(librosa)
            },
            other => panic!("no configuration for {other}"),
        }
    });
}

#[test]
fn torchaudio_is_reproduced() {
    let log_mels = |config: MfccConfig| MfccConfig {
        log: Log::Natural,
        floor: Floor::Add(1e-6),
        top_db: None,
        ..config
    };
    check("torchaudio", |name| {
        let torchaudio = MfccConfig::torchaudio();
        match name {
            "defaults" => torchaudio,
            "log_mels" => log_mels(torchaudio),
            "slaney" => MfccConfig {
                n_mels: 40,
                n_mfcc: 13,
                mel_scale: MelScale::Slaney,
                mel_norm: MelNorm::Area,
                ..small(torchaudio)
            },
            "not_centred" => MfccConfig {
                framing: Framing::WholeTransform,
                n_mels: 80,
                n_mfcc: 20,
                f_min: 20.0,
                ..small(log_mels(torchaudio))
            },
            "48_khz" => MfccConfig {
                n_mels: 64,
                n_mfcc: 20,
                f_max: Some(8000.0),
                ..sizes(torchaudio, 1200, 480)
            },
            other => panic!("no configuration for {other}"),
        }
    });
}

#[test]
fn kaldi_native_fbank_is_reproduced() {
    check("kaldi_native_fbank", |name| {
        let kaldi = MfccConfig::kaldi();
        match name {
            "defaults" => kaldi,
            "mirrored_ends" => MfccConfig {
                framing: Framing::Mirrored,
                ..kaldi
            },
            "windowed_energy_hamming" => MfccConfig {
                zeroth: Zeroth::WindowedEnergy,
                window: Window::Hamming,
                ..kaldi
            },
            "c0_no_lifter" => MfccConfig {
                zeroth: Zeroth::Coefficient,
                lifter: Lifter::Off,
                ..kaldi
            },
            "bands_and_range_44_khz" => MfccConfig {
                n_mels: 40,
                n_mfcc: 20,
                f_min: 60.0,
                f_max: Some(7600.0),
                ..kaldi
            },
            other => panic!("no configuration for {other}"),
        }
    });
}

#[test]
fn torchaudio_compliance_kaldi_is_reproduced() {
    check("torchaudio_kaldi", |name| {
        let kaldi = MfccConfig {
            zeroth: Zeroth::Coefficient,
            ..MfccConfig::kaldi()
        };
        match name {
            "defaults" => kaldi,
            "energy" => MfccConfig::kaldi(),
            "mirrored_ends_blackman" => MfccConfig {
                framing: Framing::Mirrored,
                window: Window::Blackman,
                ..kaldi
            },
            "no_preparation" => MfccConfig {
                remove_dc: false,
                pre_emphasis: PreEmphasis::Off,
                window: Window::Hann,
                n_mels: 40,
                f_max: Some(7000.0),
                n_mfcc: 20,
                lifter: Lifter::Off,
                ..kaldi
            },
            other => panic!("no configuration for {other}"),
        }
    });
}

#[test]
fn python_speech_features_is_reproduced() {
    check("python_speech_features", |name| {
        let psf = MfccConfig::python_speech_features();
        match name {
            "defaults" | "shorter_than_a_window" => psf,
            name if name.starts_with("default_call") => psf,
            "half_samples_round_up_44_khz" => MfccConfig {
                window_length: Span::Milliseconds(12.5),
                n_fft: FftLength::PowerOfTwo,
                ..psf
            },
            "hamming_range_no_energy" => MfccConfig {
                window: Window::Hamming,
                n_mels: 40,
                n_mfcc: 20,
                f_min: 100.0,
                f_max: Some(7000.0),
                lifter: Lifter::Off,
                zeroth: Zeroth::Coefficient,
                ..psf
            },
            other => panic!("no configuration for {other}"),
        }
    });
}

fn opensmile(name: &str) -> MfccConfig {
    let htk = MfccConfig::htk();
    match name {
        "defaults" | "8_khz" | "22_khz" | "44_khz" => htk,
        "range_48_khz" => MfccConfig {
            f_min: 300.0,
            ..htk
        },
        other => panic!("no configuration for {other}"),
    }
}

#[test]
fn opensmile_is_reproduced() {
    check("opensmile", opensmile);
}

#[test]
fn opensmile_deltas_are_reproduced() {
    let fixture: Fixture = reference("opensmile");
    for case in &fixture.cases {
        let samples = floats(&signal(case.samples, case.sample_rate));
        let mfcc = Mfcc::new(&opensmile(&case.name), case.sample_rate)
            .unwrap()
            .compute(&samples);
        let once = delta(&mfcc, 1, DeltaMethod::HTK);
        let twice = delta(&mfcc, 2, DeltaMethod::HTK);
        let all = mfcc.beside(&[&once, &twice]);
        let got = |t: usize, c: usize| f64::from(all.row(t)[c]);
        // For the second order of the last two frames, openSMILE uses deltas beyond
        // the end; all others repeat the last one.
        let mut expected = case.mfcc.clone();
        for (&t, row) in case.frames.iter().zip(&mut expected) {
            if t + 2 >= case.n_frames {
                row.truncate(2 * mfcc.columns());
            }
        }
        let error = worst(got, &case.frames, &expected, single);
        assert!(error <= 1.0, "{}: {error} times the tolerance", case.name);
    }
}

#[derive(Deserialize)]
struct DeltaFixture {
    frames: Vec<Vec<f32>>,
    cases: Vec<DeltaCase>,
}

#[derive(Deserialize)]
struct DeltaCase {
    name: String,
    call: String,
    order: usize,
    delta: Vec<Vec<f64>>,
}

#[test]
fn deltas_are_those_of_librosa_python_speech_features_and_torchaudio() {
    let fixture: DeltaFixture = reference("deltas");
    let frames = Frames::new(fixture.frames.concat(), fixture.frames[0].len());
    let every: Vec<usize> = (0..frames.len()).collect();
    for case in &fixture.cases {
        let number: usize = case.name.rsplit('_').next().unwrap().parse().unwrap();
        let method = if case.name.starts_with("regression") {
            DeltaMethod::Regression { n: number }
        } else {
            DeltaMethod::SavitzkyGolay { width: number }
        };
        let ours = delta(&frames, case.order, method);
        let got = |t: usize, c: usize| f64::from(ours.row(t)[c]);
        let error = worst(got, &every, &case.delta, |x| 1e-6 + 1e-6 * x.abs());
        assert!(error <= 1.0, "{}: {error} times the tolerance", case.call);
    }
}

#[derive(Deserialize)]
struct RecordingFixture {
    recording: PathBuf,
    cases: Vec<RecordingCase>,
}

#[derive(Deserialize)]
struct RecordingCase {
    name: String,
    call: String,
    step: usize,
    n_frames: usize,
    frames: Vec<usize>,
    mfcc: Vec<Vec<f64>>,
}

#[test]
fn a_real_recording_gives_the_numbers_of_the_references() {
    let Some(folder) = ravdess() else {
        return;
    };
    let fixture: RecordingFixture = reference("recording");
    let recording = Recording::open(folder.join(&fixture.recording)).unwrap();
    assert_eq!(recording.sample_rate(), 48_000);
    let mut failures = Vec::new();
    for case in &fixture.cases {
        let samples: Vec<f32> = recording
            .samples()
            .iter()
            .copied()
            .step_by(case.step)
            .collect();
        let config = match case.name.as_str() {
            "librosa" => MfccConfig {
                n_fft: FftLength::Samples(1536 / case.step),
                window_length: Span::Samples(1200 / case.step),
                hop_length: Span::Samples(480 / case.step),
                ..MfccConfig::librosa()
            },
            "torchaudio" => MfccConfig {
                n_mfcc: 20,
                ..MfccConfig::torchaudio()
            },
            "torchaudio_kaldi" => MfccConfig {
                zeroth: Zeroth::Coefficient,
                ..MfccConfig::kaldi()
            },
            "kaldi_native_fbank" => MfccConfig::kaldi(),
            // With nfft of a power of two, as its authors advise at 48 kHz.
            "python_speech_features" => MfccConfig {
                n_fft: FftLength::PowerOfTwo,
                ..MfccConfig::python_speech_features()
            },
            "opensmile" => MfccConfig::htk(),
            other => panic!("no configuration for {other}"),
        };
        let rate = recording.sample_rate() / case.step as u32;
        let ours = Mfcc::new(&config, rate).unwrap().compute(&samples);
        assert_eq!(ours.len(), case.n_frames, "{}", case.call);
        let got = |t: usize, c: usize| f64::from(ours.row(t)[c]);
        let error = worst(got, &case.frames, &case.mfcc, single);
        println!("{}: {error:.3} of the tolerance", case.call);
        if error > 1.0 {
            failures.push(format!("{}: {error:.2} times the tolerance", case.call));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
