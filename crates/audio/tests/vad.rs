//! Voice activity: known answers for synthetic sounds, error rates on real speech.

use audio::{
    AudioError, Recording, Segment, VadSettings, VadStream, cut_speech, speech_segments, vad_frames,
};

use crate::common::{Random, ravdess_files};

const RATE: u32 = 16_000;

/// Noise of several kinds, the same every time.
struct Noise(Random);

impl Noise {
    fn new(seed: u64) -> Self {
        Noise(Random(seed))
    }

    /// Between -1 and 1.
    fn next(&mut self) -> f64 {
        f64::from(self.0.bits()) / f64::from(1u32 << 30) - 1.0
    }

    fn below(&mut self, n: usize) -> usize {
        ((self.next() + 1.0) / 2.0 * n as f64) as usize % n
    }

    /// Approximately normal, with standard deviation 1.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.next()).sum::<f64>() / 2.0
    }

    fn white(&mut self, n: usize) -> Vec<f64> {
        (0..n).map(|_| self.normal()).collect()
    }

    /// Falling by 3 dB per octave, with standard deviation 1: white noise through Paul
    /// Kellet's filter, within 0.05 dB above 10 Hz.
    fn pink(&mut self, n: usize) -> Vec<f64> {
        let poles = [
            (0.99886, 0.0555179),
            (0.99332, 0.0750759),
            (0.96900, 0.1538520),
            (0.86650, 0.3104856),
            (0.55000, 0.5329522),
            (-0.7616, -0.0168980),
        ];
        let mut states = [0.0; 6];
        let mut last = 0.0;
        let mut out: Vec<f64> = (0..n + 4_000)
            .map(|_| {
                let white = self.normal();
                for (state, (pole, gain)) in states.iter_mut().zip(poles) {
                    *state = pole * *state + gain * white;
                }
                let sum = states.iter().sum::<f64>() + last + white * 0.5362;
                last = white * 0.115926;
                sum
            })
            .skip(4_000)
            .collect();
        let power = out.iter().map(|x| x * x).sum::<f64>() / n.max(1) as f64;
        out.iter_mut().for_each(|x| *x /= power.sqrt());
        out
    }
}

fn recording(samples: impl IntoIterator<Item = f64>) -> Recording {
    Recording::from_samples(samples.into_iter().map(|x| x as f32).collect(), RATE).unwrap()
}

fn heard(recording: &Recording) -> Vec<Segment> {
    speech_segments(recording, &VadSettings::default()).unwrap()
}

/// A buzz like a voice: 30 decreasing harmonics of 130 Hz, four syllables per second.
fn voice(n: usize) -> f64 {
    let t = n as f64 / f64::from(RATE);
    let syllables = 0.55 - 0.45 * (std::f64::consts::TAU * 4.0 * t).cos();
    let angle = std::f64::consts::TAU * 130.0 * t;
    let buzz: f64 = (1..=30)
        .map(|k| (angle * f64::from(k) + f64::from(k * k)).sin() / f64::from(k))
        .sum();
    0.1 * syllables * buzz
}

/// `duration` seconds of noise, with `sound` added during the intervals `on`.
fn scene(
    duration: f64,
    on: &[(f64, f64)],
    noise_level: f64,
    sound: impl Fn(usize) -> f64,
) -> Recording {
    let mut random = Noise::new(1);
    let n = (duration * f64::from(RATE)) as usize;
    recording((0..n).map(|i| {
        let t = i as f64 / f64::from(RATE);
        let sounding = on.iter().any(|&(from, to)| (from..to).contains(&t));
        noise_level * random.normal() + if sounding { sound(i) } else { 0.0 }
    }))
}

#[test]
fn silence_constants_and_steady_sounds_are_not_speech() {
    let mut random = Noise::new(2);
    let n = 10 * RATE as usize;
    let hum = |i: usize| {
        let angle = std::f64::consts::TAU * 50.0 * i as f64 / f64::from(RATE);
        0.1 * (1..8).map(|k| (f64::from(k) * angle).sin()).sum::<f64>()
    };
    let (white, pink) = (random.white(n), random.pink(n));
    for (name, samples) in [
        ("digital silence", vec![0.0; n]),
        ("direct current", vec![0.5; n]),
        (
            "one bit of dither",
            white.iter().map(|x| x.signum() / 65_536.0).collect(),
        ),
        (
            "quiet white noise",
            white.iter().map(|x| x * 1e-3).collect(),
        ),
        (
            "a tone",
            (0..n).map(|i| 0.1 * (i as f64 * 0.4).sin()).collect(),
        ),
        ("loud white noise", white.iter().map(|x| x * 0.2).collect()),
        ("quiet pink noise", pink.iter().map(|x| x * 1e-3).collect()),
        ("loud pink noise", pink.iter().map(|x| x * 0.2).collect()),
        ("mains hum", (0..n).map(hum).collect()),
    ] {
        assert_eq!(heard(&recording(samples)), [], "{name}");
    }
    assert_eq!(heard(&recording([])), []);
    assert_eq!(heard(&recording([0.1; 5])), []);
}

#[test]
fn a_recording_that_starts_after_digital_silence_is_heard_at_its_start() {
    let all = heard(&scene(4.0, &[(1.0, 2.5)], 0.0, voice));
    assert_eq!(all.len(), 1, "{all:?}");
    assert!((all[0].start - 0.9).abs() < 0.05, "{all:?}");
    assert!((all[0].end - 2.6).abs() < 0.1, "{all:?}");
}

#[test]
fn bursts_of_voice_in_noise_are_found_where_they_are() {
    let on = [(1.0, 2.0), (3.5, 4.5), (6.0, 9.0)];
    for (rate, noise) in [(20.0, 0.01), (10.0, 0.03)] {
        let all = heard(&scene(10.0, &on, noise, voice));
        assert_eq!(all.len(), 3, "about {rate} dB: {all:?}");
        for (segment, (from, to)) in all.iter().zip(on) {
            assert!((segment.start - (from - 0.1)).abs() < 0.1, "{segment:?}");
            assert!((segment.end - (to + 0.1)).abs() < 0.12, "{segment:?}");
        }
    }
}

#[test]
fn bursts_of_noise_and_of_tones_are_activity() {
    let bursts = std::cell::RefCell::new(Noise::new(9));
    let louder = |_: usize| 0.1 * bursts.borrow_mut().normal();
    let all = heard(&scene(4.0, &[(1.5, 2.5)], 0.005, louder));
    assert_eq!(all.len(), 1);
    assert!((all[0].start - 1.4).abs() < 0.03, "{all:?}");
    assert!((2.6..2.71).contains(&all[0].end), "{all:?}");
    for radians in [0.1, 0.4, 1.0] {
        let tone = |i: usize| 0.1 * (i as f64 * radians).sin();
        let all = heard(&scene(4.0, &[(1.5, 2.5)], 0.005, tone));
        assert_eq!(all.len(), 1, "{radians}: {all:?}");
        assert!((all[0].start - 1.4).abs() < 0.03, "{all:?}");
        assert!((2.58..2.71).contains(&all[0].end), "{all:?}");
    }
}

#[test]
fn a_louder_background_is_activity_only_for_the_memory() {
    let mut random = Noise::new(3);
    let n = 12 * RATE as usize;
    let step = (0..n).map(|i| random.normal() * if i < n / 3 { 1e-3 } else { 2e-2 });
    let all = heard(&recording(step.collect::<Vec<_>>()));
    assert_eq!(all.len(), 1, "{all:?}");
    assert!((all[0].start - 3.9).abs() < 0.1, "{all:?}");
    assert!(all[0].end < 4.0 + 2.0 + 0.5, "{all:?}");
}

#[test]
fn the_level_of_a_recording_does_not_matter() {
    let loud = scene(6.0, &[(1.0, 2.0), (3.5, 4.5)], 0.01, voice);
    let quiet = loud.samples().iter().map(|x| x / 16.0).collect();
    let quiet = Recording::from_samples(quiet, RATE).unwrap();
    let (loud, quiet) = (heard(&loud), heard(&quiet));
    assert_eq!(loud.len(), quiet.len());
    for (a, b) in loud.iter().zip(&quiet) {
        assert!((a.start - b.start).abs() < 0.03 && (a.end - b.end).abs() < 0.03);
    }
}

#[test]
fn a_stream_finds_the_same_segments_in_chunks_of_any_size() {
    let mut random = Noise::new(4);
    let scene = scene(
        9.7,
        &[(0.5, 1.2), (2.0, 2.3), (3.0, 6.0), (9.0, 9.7)],
        0.01,
        voice,
    );
    let settings = VadSettings::default();
    let (frames, segments) = (vad_frames(&scene, &settings).unwrap(), heard(&scene));
    assert!(segments.len() >= 3);
    let mut stream = VadStream::new(&settings, RATE).unwrap();
    for most in [1, 2, 160, 1_000, 50_000] {
        let (mut streamed, mut found) = (Vec::new(), Vec::new());
        let mut from = 0;
        while from < scene.samples().len() {
            let to = (from + random.below(most + 1)).min(scene.samples().len());
            stream.push_frames(&scene.samples()[from..to], |frame, segment| {
                streamed.push(frame);
                found.extend(segment);
            });
            from = to;
        }
        stream.finish(|segment| found.push(segment));
        assert_eq!(streamed, frames, "chunks of up to {most}");
        assert_eq!(found, segments, "chunks of up to {most}");
    }
}

#[test]
fn a_stream_reports_since_when_somebody_speaks() {
    let scene = scene(4.0, &[(1.0, 2.0)], 0.01, voice);
    let mut stream = VadStream::new(&VadSettings::default(), RATE).unwrap();
    let at = |seconds: f64| (seconds * f64::from(RATE)) as usize;
    let mut ended = None;
    stream.push(&scene.samples()[..at(0.9)], |s| ended = Some(s));
    assert_eq!(stream.speaking_since(), None);
    stream.push(&scene.samples()[at(0.9)..at(1.6)], |s| ended = Some(s));
    let since = stream.speaking_since().unwrap();
    assert!((since - 0.9).abs() < 0.1, "{since}");
    stream.push(&scene.samples()[at(1.6)..at(2.1)], |s| ended = Some(s));
    assert_eq!(ended, None);
    stream.push(&scene.samples()[at(2.1)..at(2.6)], |s| ended = Some(s));
    assert_eq!(ended.unwrap().start, since);
    assert_eq!(stream.speaking_since(), None);
}

#[test]
fn long_speech_is_cut_into_pieces_without_losing_any() {
    let scene = scene(
        30.0,
        &[(1.0, 13.0), (16.0, 17.0), (20.0, 29.0)],
        0.005,
        voice,
    );
    let settings = VadSettings::default();
    let segments = speech_segments(&scene, &settings).unwrap();
    let pieces = cut_speech(&scene, &settings, 4.0).unwrap();
    assert!(pieces.len() > segments.len());
    let total = |all: &[Segment]| all.iter().map(Segment::duration).sum::<f64>();
    assert!((total(&segments) - total(&pieces)).abs() < 1e-9);
    for piece in &pieces {
        assert!(piece.duration() <= 4.0 + 1e-9, "{piece:?}");
        let samples = piece.of(&scene).duration();
        assert!((samples - piece.duration()).abs() < 1e-3);
    }
    assert!(pieces.windows(2).all(|p| p[0].end <= p[1].start));
    assert_eq!(cut_speech(&scene, &settings, 1e9).unwrap(), segments);
    for bad in [0.0, -1.0, f64::NAN] {
        assert!(matches!(
            cut_speech(&scene, &settings, bad),
            Err(AudioError::Settings { .. })
        ));
    }
}

#[test]
fn every_sample_rate_works() {
    for rate in [8_000, 11_025, 22_050, 44_100, 48_000, 192_000] {
        let scene = scene(4.0, &[(1.0, 2.5)], 0.003, voice)
            .resample(rate)
            .unwrap();
        let all = heard(&scene);
        assert_eq!(all.len(), 1, "{rate} Hz: {all:?}");
        assert!((all[0].start - 0.9).abs() < 0.15, "{rate} Hz: {all:?}");
        assert!((all[0].end - 2.6).abs() < 0.15, "{rate} Hz: {all:?}");
    }
}

#[test]
fn settings_can_be_stored_and_are_checked_by_name() {
    let settings = VadSettings::default();
    settings.validate().unwrap();
    let text = serde_json::to_string(&settings).unwrap();
    assert_eq!(
        serde_json::from_str::<VadSettings>(&text).unwrap(),
        settings
    );
    assert!(serde_json::from_str::<VadSettings>(r#"{"hangover":1}"#).is_err());
    type Change = fn(&mut VadSettings);
    let changes: [(&str, Change); 8] = [
        ("enter_db", |s| s.enter_db = f64::NAN),
        ("leave_db", |s| s.leave_db = 2.0),
        ("quietest_db", |s| s.quietest_db = 1.0),
        ("memory", |s| s.memory = 0.0),
        ("memory", |s| s.memory = 1e9),
        ("pause", |s| s.pause = -0.1),
        ("shortest", |s| s.shortest = f64::INFINITY),
        ("padding", |s| s.padding = 31.0),
    ];
    for (name, change) in changes {
        let mut bad = settings.clone();
        change(&mut bad);
        let error = VadStream::new(&bad, RATE).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    }
    for rate in [0, 1_000, 7_999, 1_000_000] {
        let error = VadStream::new(&settings, rate).unwrap_err();
        assert!(error.to_string().contains("resample"), "{error}");
    }
}

/// The reference: frames of 25 ms every 10 ms are speech if they lie at most `range` dB
/// below the loudest frame of the clean recording. Gaps under 0.2 s are filled, bursts
/// under 0.05 s dropped.
fn reference(clean: &Recording, range: f64) -> Vec<bool> {
    let levels: Vec<f64> = clean
        .samples()
        .windows(400)
        .step_by(160)
        .map(|frame| frame.iter().map(|&x| f64::from(x).powi(2)).sum())
        .collect();
    let loudest = levels.iter().copied().fold(0.0, f64::max);
    let mut speech: Vec<bool> = levels
        .iter()
        .map(|&x| x > loudest * 10f64.powf(-range / 10.0))
        .collect();
    for (value, longest, ends_too) in [(false, 20, false), (true, 5, true)] {
        let mut from = 0;
        while from < speech.len() {
            let run = speech[from..]
                .iter()
                .take_while(|&&s| s == speech[from])
                .count();
            let at_end = from == 0 || from + run == speech.len();
            if speech[from] == value && run < longest && (ends_too || !at_end) {
                speech[from..from + run].fill(!value);
            }
            from += run;
        }
    }
    speech
}

/// Every 7th recording of the folder named by `RAVDESS_DIR`, except every 28th; those
/// were used to choose the settings.
fn real_speech() -> Option<Vec<Recording>> {
    let files = ravdess_files()?;
    let clips: Vec<Recording> = files
        .iter()
        .enumerate()
        .filter(|(i, _)| i % 7 == 0 && i % 28 != 0)
        .map(|(_, f)| Recording::open(f).unwrap().resample(RATE).unwrap())
        .collect();
    Some(clips)
}

fn settings_of_the_measurement() -> VadSettings {
    VadSettings {
        padding: 0.0,
        pause: 0.15,
        ..Default::default()
    }
}

#[test]
fn real_speech_is_found_in_noise() {
    let Some(clips) = real_speech() else {
        return;
    };
    let settings = settings_of_the_measurement();
    println!(
        "{} recordings: missed speech, false speech, both; % of frames",
        clips.len()
    );
    let mut random = Noise::new(5);
    for (name, snr, most) in [
        ("clean", None, 8.0),
        ("white 20 dB", Some((true, 20.0)), 6.0),
        ("white 10 dB", Some((true, 10.0)), 8.0),
        ("white 5 dB", Some((true, 5.0)), 10.0),
        ("pink 20 dB", Some((false, 20.0)), 6.0),
        ("pink 10 dB", Some((false, 10.0)), 8.0),
        ("pink 5 dB", Some((false, 5.0)), 10.0),
    ] {
        let (mut missed, mut false_alarms, mut speech, mut silence) = (0, 0, 0, 0);
        for clip in &clips {
            let truth = reference(clip, 35.0);
            let mut noisy = clip.clone();
            if let Some((white, snr)) = snr {
                let n = clip.samples().len();
                let (mut power, mut count) = (0.0, 0);
                for (frame, _) in clip
                    .samples()
                    .windows(400)
                    .step_by(160)
                    .zip(&truth)
                    .filter(|f| *f.1)
                {
                    power += frame.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>();
                    count += 400;
                }
                let level = (power / f64::from(count) * 10f64.powf(-snr / 10.0)).sqrt();
                let noise = if white {
                    random.white(n)
                } else {
                    random.pink(n)
                };
                let samples = clip.samples().iter().zip(noise);
                let samples = samples.map(|(x, noise)| x + (level * noise) as f32);
                noisy = Recording::from_samples(samples.collect(), RATE).unwrap();
            }
            let segments = speech_segments(&noisy, &settings).unwrap();
            for (t, &is_speech) in truth.iter().enumerate() {
                let time = 0.0125 + 0.01 * t as f64;
                let found = segments.iter().any(|s| (s.start..s.end).contains(&time));
                match is_speech {
                    true => (speech, missed) = (speech + 1, missed + i32::from(!found)),
                    false => {
                        (silence, false_alarms) = (silence + 1, false_alarms + i32::from(found))
                    }
                }
            }
        }
        let percent = |a: i32, b: i32| 100.0 * f64::from(a) / f64::from(b);
        let both = percent(missed + false_alarms, speech + silence);
        println!(
            "{name:12} {:5.1} {:5.1} {both:5.1}",
            percent(missed, speech),
            percent(false_alarms, silence)
        );
        assert!(both < most, "{name}: {both} % of the frames are wrong");
    }
}

/// Most false alarms are speech that fades away, so their number depends on the level
/// down to which the reference counts as speech.
#[test]
fn false_alarms_on_real_speech_are_mostly_its_ends() {
    let Some(clips) = real_speech() else {
        return;
    };
    let settings = settings_of_the_measurement();
    let share = |part: usize, whole: usize| 100.0 * part as f64 / whole as f64;
    let mut rates = Vec::new();
    for range in [35.0, 45.0] {
        // Runs of false alarms: after speech, before, between, by themselves.
        let (mut kinds, mut silence) = ([0; 4], 0);
        for clip in &clips {
            let truth = reference(clip, range);
            let segments = speech_segments(clip, &settings).unwrap();
            let is_false = |t: &usize| {
                let time = 0.0125 + 0.01 * *t as f64;
                !truth[*t] && segments.iter().any(|s| (s.start..s.end).contains(&time))
            };
            silence += truth.iter().filter(|speech| !**speech).count();
            let mut from = 0;
            while from < truth.len() {
                let run = (from..truth.len()).take_while(is_false).count();
                let after = from > 0 && truth[from - 1];
                let before = truth.get(from + run) == Some(&true);
                kinds[match (after, before) {
                    (true, false) => 0,
                    (false, true) => 1,
                    (true, true) => 2,
                    (false, false) => 3,
                }] += run;
                from += run.max(1);
            }
        }
        let all = kinds.iter().sum();
        println!(
            "{range} dB: {:.1} % false alarms; of them {:.0} % after speech, {:.0} % before, \
             {:.0} % between, {:.0} % by themselves",
            share(all, silence),
            share(kinds[0], all),
            share(kinds[1], all),
            share(kinds[2], all),
            share(kinds[3], all)
        );
        assert!(share(kinds[3], all) < 15.0);
        assert!(kinds[0] > kinds[1] + kinds[3]);
        rates.push(share(all, silence));
    }
    assert!(rates[1] < 0.7 * rates[0]);
}
