//! Augmentations do what they say, measured on their output.

use std::f64::consts::PI;

use audio::{Augmentation, Augmenter, Colour, Recording, Step};

fn always(augmentation: Augmentation) -> Augmenter {
    Augmenter::new(vec![Step {
        probability: 1.0,
        augmentation,
    }])
    .unwrap()
}

fn recording(samples: Vec<f32>, rate: u32) -> Recording {
    Recording::from_samples(samples, rate).unwrap()
}

fn tone(hertz: f64, rate: u32, seconds: f64) -> Recording {
    let n = (seconds * f64::from(rate)) as usize;
    let wave = |i: usize| (0.5 * (2.0 * PI * hertz * i as f64 / f64::from(rate)).sin()) as f32;
    recording((0..n).map(wave).collect(), rate)
}

/// A rough sound that swells and fades: not silent, not steady.
fn speech_like(rate: u32, seconds: f64) -> Recording {
    let n = (seconds * f64::from(rate)) as usize;
    let wave = |i: usize| {
        let t = i as f64 / f64::from(rate);
        let voice: f64 = (1..20)
            .map(|k| (2.0 * PI * 120.0 * f64::from(k) * t).sin() / f64::from(k))
            .sum();
        (0.2 * voice * (PI * 3.0 * t).sin().powi(2)) as f32
    };
    recording((0..n).map(wave).collect(), rate)
}

fn power(samples: &[f32]) -> f64 {
    samples.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / samples.len() as f64
}

fn db(ratio: f64) -> f64 {
    10.0 * ratio.log10()
}

/// Power at one frequency, over samples under a Hann window.
fn power_at(samples: &[f32], hertz: f64, rate: u32) -> f64 {
    let n = samples.len() as f64;
    let (mut re, mut im) = (0.0, 0.0);
    for (i, &x) in samples.iter().enumerate() {
        let w = 0.5 - 0.5 * (2.0 * PI * i as f64 / n).cos();
        let angle = 2.0 * PI * hertz * i as f64 / f64::from(rate);
        re += w * f64::from(x) * angle.cos();
        im += w * f64::from(x) * angle.sin();
    }
    re * re + im * im
}

/// The strongest frequency near `expected`, in Hz.
fn frequency(samples: &[f32], expected: f64, rate: u32) -> f64 {
    let middle = &samples[samples.len() / 5..samples.len() * 4 / 5];
    let (mut best, mut step) = (expected, expected * 0.02);
    while step > expected * 1e-5 {
        let at = |i: i32| best + step * f64::from(i);
        let strongest = (-10..=10)
            .max_by(|&a, &b| {
                power_at(middle, at(a), rate).total_cmp(&power_at(middle, at(b), rate))
            })
            .unwrap();
        best = at(strongest);
        step /= 5.0;
    }
    best
}

#[test]
fn noise_has_the_requested_ratio() {
    let clean = speech_like(16_000, 2.0);
    let street = recording(
        (0..30_000).map(|n| ((n * n) as f32 * 1e-3).sin()).collect(),
        22_050,
    );
    for snr in [-5.0, 0.0, 10.0, 30.0] {
        let snr_db = [snr, snr];
        let mut all = vec![];
        for colour in [Colour::White, Colour::Pink] {
            all.push(always(Augmentation::Noise { colour, snr_db }));
        }
        let step = Step {
            probability: 1.0,
            augmentation: Augmentation::Background { snr_db },
        };
        all.push(Augmenter::with_backgrounds(vec![step], vec![street.clone()]).unwrap());
        for augmenter in all {
            let noisy = augmenter.apply(&clean, 5);
            let noise: Vec<f32> = noisy
                .samples()
                .iter()
                .zip(clean.samples())
                .map(|(a, b)| a - b)
                .collect();
            let measured = db(power(clean.samples()) / power(&noise));
            println!("{snr} dB: {measured:.4}");
            assert!((measured - snr).abs() < 0.1, "{measured} dB, not {snr}");
        }
    }
}

#[test]
fn ratios_are_drawn_from_the_whole_range() {
    let clean = speech_like(8000, 0.5);
    let augmenter = always(Augmentation::Noise {
        colour: Colour::White,
        snr_db: [0.0, 20.0],
    });
    let drawn: Vec<f64> = (0..200)
        .map(|seed| {
            let noisy = augmenter.apply(&clean, seed);
            let noise: Vec<f32> = noisy
                .samples()
                .iter()
                .zip(clean.samples())
                .map(|(a, b)| a - b)
                .collect();
            db(power(clean.samples()) / power(&noise))
        })
        .collect();
    assert!(drawn.iter().all(|d| (-0.1..20.1).contains(d)));
    for quarter in 0..4 {
        let low = 5.0 * f64::from(quarter);
        let n = drawn.iter().filter(|&&d| d >= low && d < low + 5.0).count();
        assert!((25..80).contains(&n), "{n} of 200 from {low} dB");
    }
}

/// Power spectrum, averaged over blocks of 8192 samples.
fn spectrum(samples: &[f32]) -> Vec<f64> {
    let size = 8192;
    let fft = realfft::RealFftPlanner::<f32>::new().plan_fft_forward(size);
    let mut sums = vec![0.0; size / 2 + 1];
    let mut bins = fft.make_output_vec();
    for chunk in samples.chunks_exact(size) {
        let mut windowed: Vec<f32> = chunk
            .iter()
            .enumerate()
            .map(|(i, x)| x * (0.5 - 0.5 * (2.0 * PI * i as f64 / size as f64).cos()) as f32)
            .collect();
        fft.process(&mut windowed, &mut bins).unwrap();
        for (sum, bin) in sums.iter_mut().zip(&bins) {
            *sum += f64::from(bin.norm_sqr());
        }
    }
    sums
}

#[test]
fn white_noise_is_flat_and_pink_noise_falls_by_3_db_per_octave() {
    // With a very soft tone, the output is the noise.
    let rate = 16_000;
    let clean = tone(1.0, rate, 120.0);
    for (colour, slope) in [(Colour::White, 0.0), (Colour::Pink, -3.01)] {
        let noisy = always(Augmentation::Noise {
            colour,
            snr_db: [-60.0, -60.0],
        })
        .apply(&clean, 11);
        let spectrum = spectrum(noisy.samples());
        // Octaves from 50 Hz up to 6400 Hz: the mean power of their bins.
        let octaves: Vec<f64> = (0..7)
            .map(|k| {
                let bin = |hertz: f64| (hertz * 8192.0 / f64::from(rate)).round() as usize;
                let low = 50.0 * 2f64.powi(k);
                let octave = &spectrum[bin(low)..bin(2.0 * low)];
                db(octave.iter().sum::<f64>() / octave.len() as f64)
            })
            .collect();
        let steps: Vec<f64> = octaves.windows(2).map(|w| w[1] - w[0]).collect();
        let mean = steps.iter().sum::<f64>() / steps.len() as f64;
        println!("{colour:?}: {mean:.3} dB an octave on average; {steps:.2?}");
        assert!((mean - slope).abs() < 0.15, "{colour:?}: {mean}");
        for step in steps {
            assert!((step - slope).abs() < 0.5, "{colour:?}: {step} dB");
        }
    }
}

#[test]
fn gain_is_exact_and_clips_only_if_requested() {
    let clean = speech_like(16_000, 0.2);
    for gain in [-20.0, -6.0, 0.0, 6.0, 40.0] {
        let db = [gain, gain];
        let louder = always(Augmentation::Gain { db, clip: false }).apply(&clean, 0);
        let clipped = always(Augmentation::Gain { db, clip: true }).apply(&clean, 0);
        let factor = 10f64.powf(gain / 20.0);
        for ((&x, &y), &z) in clean
            .samples()
            .iter()
            .zip(louder.samples())
            .zip(clipped.samples())
        {
            assert_eq!(y, (f64::from(x) * factor) as f32);
            assert_eq!(z, y.clamp(-1.0, 1.0));
        }
    }
}

#[test]
fn pitch_moves_a_tone_by_its_factor_and_keeps_the_length() {
    for rate in [16_000, 44_100] {
        for semitones in [-12.0, -4.0, -1.0, 0.0, 0.5, 3.0, 7.0, 12.0] {
            let clean = tone(440.0, rate, 1.0);
            let augmenter = always(Augmentation::Pitch {
                semitones: [semitones; 2],
            });
            let moved = augmenter.apply(&clean, 0);
            assert_eq!(moved.samples().len(), clean.samples().len());
            let expected = 440.0 * 2f64.powf(semitones / 12.0);
            let measured = frequency(moved.samples(), expected, rate);
            let cents = 1200.0 * (measured / expected).log2();
            let middle = moved.samples().len() / 5..moved.samples().len() * 4 / 5;
            let level = db(power(&moved.samples()[middle]) / 0.125);
            println!("{semitones} semitones: {cents:.2} cents, {level:.2} dB off");
            assert!(cents.abs() < 2.0, "{measured} Hz, not {expected}");
            assert!(level.abs() < 0.5, "{level} dB");
        }
    }
}

#[test]
fn tempo_changes_the_length_and_keeps_the_frequency() {
    for rate in [8_000, 16_000, 48_000] {
        for factor in [0.5, 0.8, 0.95, 1.0, 1.1, 1.3, 2.0] {
            let clean = tone(440.0, rate, 1.0);
            let augmenter = always(Augmentation::Tempo {
                factor: [factor; 2],
            });
            let stretched = augmenter.apply(&clean, 0).into_samples();
            let length = (f64::from(rate) / factor).round() as usize;
            assert_eq!(stretched.len(), length);
            let measured = frequency(&stretched, 440.0, rate);
            let level = db(power(&stretched[length / 5..length * 4 / 5]) / 0.125);
            println!("{factor}: {measured:.3} Hz, {level:.2} dB");
            assert!((measured / 440.0 - 1.0).abs() < 1e-3, "{measured} Hz");
            assert!(level.abs() < 0.5, "{level} dB");
        }
    }
}

#[test]
fn a_tempo_very_close_to_1_gives_the_recording() {
    let clean = speech_like(16_000, 0.5);
    let stretched = always(Augmentation::Tempo {
        factor: [1.0 + 1e-6; 2],
    })
    .apply(&clean, 0);
    assert_eq!(stretched.samples().len(), clean.samples().len());
    for (a, b) in stretched.samples().iter().zip(clean.samples()) {
        assert!((a - b).abs() < 1e-5);
    }
}

#[test]
fn tempo_keeps_the_relative_levels_of_a_voice() {
    let clean = speech_like(16_000, 2.0);
    for factor in [0.8, 1.25] {
        let stretched = always(Augmentation::Tempo {
            factor: [factor; 2],
        })
        .apply(&clean, 0);
        // The levels of twenty equal parts rise and fall in the same way.
        let levels = |r: &Recording| -> Vec<f64> {
            r.samples()
                .chunks(r.samples().len().div_ceil(20))
                .map(power)
                .collect()
        };
        let (a, b) = (levels(&clean), levels(&stretched));
        let product: f64 = a.iter().zip(&b).map(|(x, y)| x * y).sum();
        let norms = a.iter().map(|x| x * x).sum::<f64>() * b.iter().map(|x| x * x).sum::<f64>();
        let similarity = product / norms.sqrt();
        println!("{factor}: {similarity:.4}");
        assert!(similarity > 0.98, "{similarity}");
        let level = db(power(stretched.samples()) / power(clean.samples()));
        assert!(level.abs() < 1.0, "{level} dB");
    }
}

#[test]
fn speed_moves_pitch_and_length_together() {
    let clean = tone(300.0, 16_000, 1.0);
    let faster = always(Augmentation::Speed { factor: [1.1; 2] }).apply(&clean, 0);
    assert_eq!(faster.samples().len(), 14_546);
    assert!((frequency(faster.samples(), 330.0, 16_000) - 330.0).abs() < 0.1);
}

#[test]
fn reverb_decays_as_requested_and_keeps_length_and_power() {
    let rate = 16_000;
    let mut click = vec![0.0; 32_000];
    click[1000] = 1.0;
    let click = recording(click, rate);
    for rt60 in [0.3, 0.8] {
        let augmenter = always(Augmentation::Reverb {
            rt60: [rt60; 2],
            direct_db: [0.0; 2],
        });
        let wet = augmenter.apply(&click, 2);
        assert_eq!(wet.samples().len(), click.samples().len());
        assert!(db(power(wet.samples()) / power(click.samples())).abs() < 1e-3);
        assert!(wet.samples()[..1000].iter().all(|x| x.abs() < 1e-6));
        // Schroeder: the remaining energy, from -5 to -25 dB.
        let mut left: Vec<f64> = wet.samples()[1001..]
            .iter()
            .map(|&x| f64::from(x).powi(2))
            .collect();
        for i in (0..left.len() - 1).rev() {
            left[i] += left[i + 1];
        }
        let when = |level: f64| left.iter().position(|e| db(e / left[0]) <= level).unwrap() as f64;
        let measured = 3.0 * (when(-25.0) - when(-5.0)) / f64::from(rate);
        println!("RT60 {rt60}: {measured:.3}");
        assert!(
            (measured / rt60 - 1.0).abs() < 0.1,
            "{measured} s, not {rt60}"
        );
    }
}

#[test]
fn a_telephone_passes_only_speech_frequencies() {
    let level = |hertz: f64, rate: u32| {
        let clean = tone(hertz, rate, 0.5);
        let heard = always(Augmentation::Telephone).apply(&clean, 0);
        assert_eq!(heard.samples().len(), clean.samples().len());
        db(power(&heard.samples()[4000..]) / power(&clean.samples()[4000..]))
    };
    for rate in [16_000, 48_000] {
        for hertz in [400.0, 1000.0, 3000.0] {
            assert!(level(hertz, rate).abs() < 1.0, "{hertz} Hz at {rate}");
        }
        for hertz in [50.0, 100.0, 5000.0, 7000.0] {
            assert!(level(hertz, rate) < -25.0, "{hertz} Hz at {rate}");
        }
    }
}

#[test]
fn band_limits_attenuate_beyond_the_cutoff() {
    let filtered = |augmentation: Augmentation, hertz: f64| {
        let clean = tone(hertz, 16_000, 0.5);
        let out = always(augmentation).apply(&clean, 0);
        db(power(&out.samples()[2000..]) / power(&clean.samples()[2000..]))
    };
    let high = Augmentation::HighPass {
        hertz: [500.0; 2],
        order: 4,
    };
    let low = Augmentation::LowPass {
        hertz: [2000.0; 2],
        order: 4,
    };
    assert!((filtered(high.clone(), 500.0) + 3.01).abs() < 0.1);
    assert!(filtered(high.clone(), 125.0) < -45.0);
    assert!(filtered(high, 4000.0).abs() < 0.1);
    assert!((filtered(low.clone(), 2000.0) + 3.01).abs() < 0.1);
    assert!(filtered(low.clone(), 7000.0) < -45.0);
    assert!(filtered(low, 200.0).abs() < 0.1);
}

fn every_kind() -> Vec<Augmentation> {
    vec![
        Augmentation::Noise {
            colour: Colour::White,
            snr_db: [0.0, 20.0],
        },
        Augmentation::Noise {
            colour: Colour::Pink,
            snr_db: [0.0, 20.0],
        },
        Augmentation::Background {
            snr_db: [0.0, 20.0],
        },
        Augmentation::Gain {
            db: [-10.0, 10.0],
            clip: false,
        },
        Augmentation::Speed { factor: [0.9, 1.1] },
        Augmentation::Pitch {
            semitones: [-3.0, 3.0],
        },
        Augmentation::Tempo { factor: [0.8, 1.2] },
        Augmentation::Reverb {
            rt60: [0.1, 0.5],
            direct_db: [-5.0, 10.0],
        },
        Augmentation::HighPass {
            hertz: [50.0, 500.0],
            order: 2,
        },
        Augmentation::LowPass {
            hertz: [1000.0, 7000.0],
            order: 8,
        },
        Augmentation::MuLaw,
        Augmentation::Bits {
            bits: [4, 12],
            dither: true,
        },
        Augmentation::Telephone,
        Augmentation::Crop {
            seconds: [0.1, 0.4],
        },
    ]
}

fn with_background(steps: Vec<Step>) -> Augmenter {
    Augmenter::with_backgrounds(
        steps,
        vec![speech_like(8000, 0.3), tone(700.0, 44_100, 0.2)],
    )
    .unwrap()
}

#[test]
fn the_seed_determines_the_result_on_any_thread() {
    let clean = speech_like(16_000, 0.5);
    for augmentation in every_kind() {
        let fixed = matches!(augmentation, Augmentation::MuLaw | Augmentation::Telephone);
        let step = Step {
            probability: 1.0,
            augmentation,
        };
        let augmenter = with_background(vec![step.clone()]);
        let here = augmenter.apply(&clean, 9);
        let there = std::thread::scope(|s| s.spawn(|| augmenter.apply(&clean, 9)).join().unwrap());
        assert_eq!(here, there, "{step:?}");
        assert_ne!(here, clean, "{step:?}");
        if !fixed {
            assert_ne!(here, augmenter.apply(&clean, 10), "{step:?}");
        }
    }
}

#[test]
fn a_step_draws_the_same_whatever_the_other_steps() {
    let clean = speech_like(16_000, 0.3);
    let last = Step {
        probability: 1.0,
        augmentation: Augmentation::Gain {
            db: [-10.0, 10.0],
            clip: false,
        },
    };
    let never = |augmentation| Step {
        probability: 0.0,
        augmentation,
    };
    let results: Vec<Recording> = every_kind()
        .into_iter()
        .map(|first| with_background(vec![never(first), last.clone()]).apply(&clean, 4))
        .collect();
    assert!(results.iter().all(|r| *r == results[0]));
    assert_ne!(results[0], clean);
}

#[test]
fn a_step_is_applied_with_its_probability() {
    let clean = tone(100.0, 8000, 0.01);
    let augmenter = Augmenter::new(vec![Step {
        probability: 0.3,
        augmentation: Augmentation::Gain {
            db: [6.0, 6.0],
            clip: false,
        },
    }])
    .unwrap();
    let taken = (0..2000)
        .filter(|&seed| augmenter.apply(&clean, seed) != clean)
        .count();
    assert!((540..660).contains(&taken), "{taken} of 2000");
}

#[test]
fn extreme_recordings_do_not_panic_and_stay_finite() {
    let extreme = [f32::MAX, f32::MIN, 1.0, -1e30, f32::MIN_POSITIVE].repeat(400);
    for rate in [1, 500, 8000, 48_000, 2_000_000] {
        for samples in [
            vec![],
            vec![0.0],
            vec![0.7],
            vec![0.0; 1000],
            vec![0.1; 37],
            extreme.clone(),
        ] {
            let input = recording(samples, rate);
            for augmentation in every_kind() {
                let step = Step {
                    probability: 1.0,
                    augmentation,
                };
                let output = with_background(vec![step.clone()]).apply(&input, 1);
                assert!(
                    output.samples().iter().all(|x| x.is_finite()),
                    "{step:?}, {} samples at {rate} Hz",
                    input.samples().len()
                );
                if power(input.samples()) == 0.0
                    && !matches!(step.augmentation, Augmentation::Bits { .. })
                {
                    assert!(
                        output.samples().iter().all(|&x| x == 0.0),
                        "{step:?}: silence stays"
                    );
                }
            }
        }
    }
}

#[test]
fn codecs_stay_within_full_scale() {
    let loud = recording(
        (0..8000).map(|n| 5.0 * (n as f32 * 0.3).sin()).collect(),
        16_000,
    );
    for augmentation in [
        Augmentation::MuLaw,
        Augmentation::Bits {
            bits: [8, 8],
            dither: true,
        },
        Augmentation::Gain {
            db: [3.0, 3.0],
            clip: true,
        },
    ] {
        let out = always(augmentation).apply(&loud, 0);
        assert!(out.samples().iter().all(|x| x.abs() <= 1.0));
    }
}

#[test]
fn steps_can_be_stored_and_unknown_settings_are_refused() {
    let steps: Vec<Step> = every_kind()
        .into_iter()
        .map(|augmentation| Step {
            probability: 0.5,
            augmentation,
        })
        .collect();
    let text = serde_json::to_string(&steps).unwrap();
    assert_eq!(serde_json::from_str::<Vec<Step>>(&text).unwrap(), steps);
    let good = r#"{"probability":1,"augmentation":{"kind":"gain","db":[-6,6]}}"#;
    assert!(serde_json::from_str::<Step>(good).is_ok());
    for bad in [
        r#"{"probability":1,"augmentation":{"kind":"gain","dB":[-6,6]}}"#,
        r#"{"probability":1,"augmentation":{"kind":"gain","db":[-6,6],"clipp":true}}"#,
        r#"{"probability":1,"augmentation":{"kind":"echo"}}"#,
        r#"{"probability":1,"likelihood":2,"augmentation":{"kind":"mu_law"}}"#,
    ] {
        assert!(serde_json::from_str::<Step>(bad).is_err(), "{bad}");
    }
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let new = |probability: f64, augmentation: Augmentation| {
        Augmenter::new(vec![Step {
            probability,
            augmentation,
        }])
        .err()
        .map(|e| e.to_string())
    };
    for (augmentation, what) in [
        (
            Augmentation::Gain {
                db: [6.0, -6.0],
                clip: false,
            },
            "db is [6, -6]",
        ),
        (
            Augmentation::Gain {
                db: [f64::NAN, 0.0],
                clip: false,
            },
            "db is [NaN",
        ),
        (
            Augmentation::Tempo { factor: [0.0, 1.0] },
            "factor is [0, 1]",
        ),
        (
            Augmentation::Reverb {
                rt60: [0.5, 1e9],
                direct_db: [0.0; 2],
            },
            "rt60 is",
        ),
        (
            Augmentation::LowPass {
                hertz: [100.0; 2],
                order: 3,
            },
            "order is 3",
        ),
        (
            Augmentation::Bits {
                bits: [8, 40],
                dither: false,
            },
            "bits is [8, 40]",
        ),
        (
            Augmentation::Crop {
                seconds: [0.0, 1.0],
            },
            "seconds is",
        ),
        (
            Augmentation::Background { snr_db: [0.0; 2] },
            "background needs recordings",
        ),
    ] {
        let message = new(1.0, augmentation).expect(what);
        assert!(
            message.contains(what) && message.contains("step 1"),
            "{message}"
        );
    }
    assert!(
        new(1.5, Augmentation::MuLaw)
            .unwrap()
            .contains("probability is 1.5")
    );
    let silent = Augmenter::with_backgrounds(vec![], vec![recording(vec![0.0; 10], 8000)]);
    assert!(
        silent
            .unwrap_err()
            .to_string()
            .contains("background 1 is silent")
    );
}
