use super::super::sentence::Frame;
use super::*;

/// Somebody who holds one vowel, as steadily as a machine.
fn manner(pitch: f64) -> Manner {
    Manner {
        pitch,
        range: 0.0,
        ending: 0.0,
        tremor: 0.0,
        jitter: 0.0,
        shimmer: 0.0,
        open: 0.6,
        tilt: 9.0,
        breath: 0.0,
        tract: 1.0,
        articulation: 1.0,
        level: -20.0,
    }
}

/// Half a second of the vowel of "are".
fn vowel(voicing: f64, aspiration: f64) -> Track {
    let frame = Frame {
        formants: [730.0, 1090.0, 2440.0],
        voicing,
        aspiration,
        frication: 0.0,
        frication_hz: 4000.0,
    };
    Track {
        frames: vec![frame; 200],
        accents: Vec::new(),
    }
}

fn sound(track: &Track, manner: &Manner) -> Vec<f64> {
    render(track, manner, &mut Random::new(1, [1, 1, 1]))
}

/// Normalised autocorrelation of the middle of a sound at a lag in samples.
fn similarity(samples: &[f64], lag: usize) -> f64 {
    let middle = &samples[2000..6000];
    let later = &samples[2000 + lag..6000 + lag];
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    dot(middle, later) / (dot(middle, middle) * dot(later, later)).sqrt()
}

/// Lag of the first clear peak of the autocorrelation, as a pitch in Hz.
fn measured_pitch(samples: &[f64]) -> f64 {
    let curve: Vec<f64> = (0..320).map(|lag| similarity(samples, lag)).collect();
    let top = curve[25..].iter().fold(0.0f64, |top, s| top.max(*s));
    let lag = (25..319)
        .find(|&lag| {
            curve[lag] > 0.9 * top && curve[lag] >= curve[lag - 1] && curve[lag] >= curve[lag + 1]
        })
        .unwrap();
    RATE / lag as f64
}

/// Gain at a frequency of a filter with this response to an impulse.
fn gain(response: &[f64], hz: f64) -> f64 {
    let w = TAU * hz / RATE;
    let (re, im) = (response.iter().enumerate()).fold((0.0, 0.0), |(re, im), (n, h)| {
        let angle = w * n as f64;
        (re + h * angle.cos(), im - h * angle.sin())
    });
    f64::hypot(re, im)
}

fn impulse_response(mut filter: impl FnMut(f64) -> f64) -> Vec<f64> {
    (0..8000)
        .map(|n| filter(if n == 0 { 1.0 } else { 0.0 }))
        .collect()
}

#[test]
fn the_voice_has_the_pitch_asked_for() {
    for pitch in [90.0, 120.0, 210.0, 330.0] {
        let measured = measured_pitch(&sound(&vowel(1.0, 0.0), &manner(pitch)));
        // The slow wander of the pitch moves it by up to 2 %.
        assert!((measured / pitch - 1.0).abs() < 0.05, "{pitch}: {measured}");
    }
}

#[test]
fn jitter_shimmer_and_breath_make_a_voice_less_periodic() {
    let periodic = |manner: &Manner| {
        let samples = sound(&vowel(1.0, 0.0), manner);
        let lag = (RATE / manner.pitch).round() as usize;
        (lag - 3..=lag + 3)
            .map(|lag| similarity(&samples, lag))
            .fold(0.0f64, f64::max)
    };
    let steady = manner(120.0);
    let clean = periodic(&steady);
    assert!(clean > 0.97, "{clean}");
    let rough = Manner {
        jitter: 0.03,
        shimmer: 0.15,
        ..steady.clone()
    };
    let breathy = Manner {
        breath: 0.4,
        ..steady.clone()
    };
    assert!(periodic(&rough) < clean - 0.03);
    assert!(periodic(&breathy) < clean - 0.03);
}

/// The spectrum of a whisper is that of the tract alone, since the noise has
/// none: its ripples must be where the formants are, and move with the tract.
#[test]
fn whispered_formants_are_where_they_were_put() {
    for tract in [1.0, 1.16] {
        let manner = Manner {
            tract,
            ..manner(120.0)
        };
        let samples = sound(&vowel(0.0, 1.0), &manner);
        // Mean power in a band of 60 Hz, over frames of 20 ms.
        let power = |hz: f64| -> f64 {
            samples
                .chunks_exact(320)
                .map(|frame| {
                    let windowed: Vec<f64> = (frame.iter().enumerate())
                        .map(|(n, s)| s * (0.5 - 0.5 * (TAU * n as f64 / 320.0).cos()))
                        .collect();
                    gain(&windowed, hz).powi(2)
                })
                .sum()
        };
        let [f1, f2, f3] = [730.0, 1090.0, 2440.0].map(|hz: f64| hz * tract);
        for (formant, valley) in [(f1, 300.0), (f2, 1700.0 * tract), (f3, 1750.0 * tract)] {
            assert!(power(formant) > 4.0 * power(valley), "{formant} {valley}");
        }
    }
}

#[test]
fn a_resonator_peaks_at_its_frequency_with_its_bandwidth() {
    for (hz, width) in [(500.0, 60.0), (1500.0, 90.0), (5500.0, 300.0)] {
        let mut resonator = Resonator::default();
        resonator.tune(hz, width);
        let response = impulse_response(|x| resonator.next(x));
        assert!((gain(&response, 0.0) - 1.0).abs() < 1e-9);
        let top = gain(&response, hz);
        assert!(top > gain(&response, hz - width) && top > gain(&response, hz + width));
        // Half of the power half a bandwidth away.
        for edge in [hz - width / 2.0, hz + width / 2.0] {
            let part = (gain(&response, edge) / top).powi(2);
            assert!((part - 0.5).abs() < 0.06, "{hz}: {part}");
        }
    }
}

#[test]
fn the_band_of_noise_has_gain_1_at_its_centre_and_0_at_0_hz() {
    let mut resonator = Resonator::default();
    resonator.tune(4500.0, 900.0);
    let response = impulse_response(|x| resonator.next_band(x));
    assert!(gain(&response, 0.0) < 1e-9);
    assert!((gain(&response, 4500.0) - 1.0).abs() < 0.1);
}

#[test]
fn the_tilt_loses_what_it_says_at_3_khz() {
    for db in [0.0, 3.0, 10.0, 25.0] {
        let mut tilt = LowPass::losing(db, 3000.0);
        let response = impulse_response(|x| tilt.next(x));
        assert!((gain(&response, 0.0) - 1.0).abs() < 1e-9);
        let lost = -20.0 * gain(&response, 3000.0).log10();
        assert!((lost - db).abs() < 1e-6, "{db}: {lost}");
    }
}

#[test]
fn the_glottal_flow_opens_closes_and_stays_closed() {
    for open in [0.4, 0.6, 0.8] {
        let steps: Vec<f64> = (0..=1000)
            .map(|n| flow(f64::from(n) / 1000.0, open))
            .collect();
        let top = (0..1000).max_by(|a, b| steps[*a].total_cmp(&steps[*b]));
        let top = top.unwrap() as f64 / 1000.0;
        assert!((top - open * 2.0 / 3.0).abs() < 0.002);
        assert!(steps[0] == 0.0 && steps[1000] == 0.0);
        assert!(steps.iter().all(|s| (0.0..=1.0).contains(s)));
        assert!(steps.windows(2).all(|p| (p[1] - p[0]).abs() < 0.02));
        assert!(
            steps[(1000.0 * open) as usize + 1..]
                .iter()
                .all(|s| *s == 0.0)
        );
    }
}

#[test]
fn the_level_is_the_one_asked_for_unless_it_would_clip() {
    let effective = |level| {
        let samples = sound(
            &vowel(1.0, 0.0),
            &Manner {
                level,
                ..manner(120.0)
            },
        );
        let power = samples.iter().map(|s| s * s).sum::<f64>() / samples.len() as f64;
        let peak = samples.iter().fold(0.0f64, |peak, s| peak.max(s.abs()));
        (10.0 * power.log10(), peak)
    };
    assert!((effective(-30.0).0 + 30.0).abs() < 1e-6);
    assert!((effective(3.0).1 - 0.95).abs() < 1e-9);
}
