//! What is said: two sentences as a sequence of sounds over time.
//!
//! They have the sounds of the sentences of RAVDESS, "Kids are talking by the door"
//! and "Dogs are sitting by the door": enough vowels, glides, stops, fricatives and a
//! nasal to make the spectrum move as in speech. Vowel formants are the averages of
//! men by Peterson and Barney (1952, Control methods used in a study of the vowels,
//! JASA 24(2): 175-184). Consonants are at the usual loci, rounded.

/// Samples in a frame of a [`Track`], 2.5 ms.
pub(super) const FRAME: usize = 40;
/// Frames a second.
pub(super) const FRAME_RATE: f64 = super::SAMPLE_RATE as f64 / FRAME as f64;

/// A stretch of speech with one target for the articulators.
#[derive(Clone, Copy, Debug)]
struct Segment {
    /// Duration in ms at rate 1.
    ms: f64,
    /// First three formants of an average man, in Hz.
    formants: [f64; 3],
    /// Amplitude of the voice, 0 to 1.
    voicing: f64,
    /// Amplitude of noise at the glottis, 0 to 1.
    aspiration: f64,
    /// Amplitude of noise at a constriction of the mouth, 0 to 1.
    frication: f64,
    /// Centre frequency of that noise in Hz.
    frication_hz: f64,
}

const LABIAL: [f64; 3] = [230.0, 900.0, 2300.0];
const ALVEOLAR: [f64; 3] = [250.0, 1750.0, 2650.0];
const VELAR: [f64; 3] = [250.0, 2000.0, 2400.0];
const DENTAL: [f64; 3] = [280.0, 1300.0, 2550.0];
const IH: [f64; 3] = [390.0, 1990.0, 2550.0];
const AH: [f64; 3] = [730.0, 1090.0, 2440.0];
const AW: [f64; 3] = [570.0, 840.0, 2410.0];
const ER: [f64; 3] = [490.0, 1350.0, 1690.0];
const EE: [f64; 3] = [320.0, 2150.0, 2850.0];
const SCHWA: [f64; 3] = [500.0, 1450.0, 2450.0];

const fn sound(ms: f64, formants: [f64; 3], voicing: f64) -> Segment {
    Segment {
        ms,
        formants,
        voicing,
        aspiration: 0.0,
        frication: 0.0,
        frication_hz: 4000.0,
    }
}

const fn vowel(ms: f64, formants: [f64; 3]) -> Segment {
    sound(ms, formants, 1.0)
}

const fn noise(ms: f64, formants: [f64; 3], voicing: f64, amplitude: f64, hz: f64) -> Segment {
    Segment {
        frication: amplitude,
        frication_hz: hz,
        ..sound(ms, formants, voicing)
    }
}

const fn breath(ms: f64, formants: [f64; 3]) -> Segment {
    Segment {
        aspiration: 1.0,
        ..sound(ms, formants, 0.0)
    }
}

/// The stress of a syllable (0: none, 1: accented) and its sounds.
type Syllable = (f64, &'static [Segment]);

const KIDS: Syllable = (
    0.8,
    &[
        noise(16.0, VELAR, 0.0, 0.8, 2200.0),
        breath(18.0, VELAR),
        vowel(85.0, IH),
        sound(26.0, ALVEOLAR, 0.15),
        noise(48.0, ALVEOLAR, 0.25, 0.35, 5600.0),
    ],
);
const DOGS: Syllable = (
    0.8,
    &[
        noise(8.0, ALVEOLAR, 0.1, 0.4, 4200.0),
        vowel(105.0, AW),
        sound(28.0, VELAR, 0.15),
        noise(48.0, ALVEOLAR, 0.25, 0.35, 5600.0),
    ],
);
const ARE: Syllable = (0.1, &[vowel(45.0, AH), vowel(35.0, ER)]);
const TALK: Syllable = (
    1.0,
    &[
        sound(36.0, ALVEOLAR, 0.0),
        noise(12.0, ALVEOLAR, 0.0, 0.9, 4500.0),
        breath(20.0, ALVEOLAR),
        vowel(100.0, AW),
        sound(34.0, VELAR, 0.0),
        noise(14.0, VELAR, 0.0, 0.6, 2100.0),
    ],
);
const SIT: Syllable = (
    1.0,
    &[
        noise(70.0, ALVEOLAR, 0.0, 0.8, 5900.0),
        vowel(80.0, IH),
        sound(32.0, ALVEOLAR, 0.0),
        noise(12.0, ALVEOLAR, 0.0, 0.7, 4500.0),
    ],
);
const ING: Syllable = (0.0, &[vowel(50.0, IH), sound(50.0, VELAR, 0.4)]);
const BY: Syllable = (
    0.4,
    &[sound(32.0, LABIAL, 0.12), vowel(55.0, AH), vowel(60.0, EE)],
);
const THE: Syllable = (
    0.0,
    &[noise(28.0, DENTAL, 0.35, 0.06, 4800.0), vowel(40.0, SCHWA)],
);
const DOOR: Syllable = (
    0.9,
    &[
        sound(34.0, ALVEOLAR, 0.12),
        noise(8.0, ALVEOLAR, 0.1, 0.4, 4200.0),
        vowel(105.0, AW),
        sound(75.0, ER, 0.7),
    ],
);

/// The two sentences.
const SENTENCES: [&[Syllable]; 2] = [
    &[KIDS, ARE, TALK, ING, BY, THE, DOOR],
    &[DOGS, ARE, SIT, ING, BY, THE, DOOR],
];

/// The articulators at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Frame {
    /// First three formants of an average man, in Hz.
    pub formants: [f64; 3],
    /// Amplitude of the voice, 0 to 1.
    pub voicing: f64,
    /// Amplitude of noise at the glottis, 0 to 1.
    pub aspiration: f64,
    /// Amplitude of noise at a constriction of the mouth, 0 to 1.
    pub frication: f64,
    /// Centre frequency of that noise in Hz.
    pub frication_hz: f64,
}

/// A sentence over time, independent of the voice.
#[derive(Clone, Debug)]
pub(super) struct Track {
    /// A frame for every 2.5 ms.
    pub frames: Vec<Frame>,
    /// Middle (in frames) and weight (0 to 1) of every accent.
    pub accents: Vec<(f64, f64)>,
}

/// Lays out a sentence (0 or 1) in time. `rate` is 1 at the usual rate and more when
/// faster. `stretch` gives a factor for the duration of each syllable.
pub(super) fn track(statement: usize, rate: f64, mut stretch: impl FnMut() -> f64) -> Track {
    let syllables = SENTENCES[statement];
    let mut frames: Vec<Frame> = Vec::new();
    let mut accents = Vec::new();
    let mut end = 0.0;
    for (index, (weight, segments)) in syllables.iter().enumerate() {
        // The last syllable is longer, as at the end of every phrase.
        let last = if index + 1 == syllables.len() {
            1.2
        } else {
            1.0
        };
        let factor = last * stretch() / rate;
        let start = end;
        for segment in *segments {
            end += segment.ms * factor * FRAME_RATE / 1000.0;
            let stress = 0.75 + 0.25 * weight;
            frames.resize(
                end.round() as usize,
                Frame {
                    formants: segment.formants,
                    voicing: segment.voicing * stress,
                    aspiration: segment.aspiration,
                    frication: segment.frication,
                    frication_hz: segment.frication_hz,
                },
            );
        }
        if *weight > 0.0 {
            accents.push(((start + end) / 2.0, *weight));
        }
    }
    smooth(&mut frames);
    Track { frames, accents }
}

/// Turns steps into movements: the tongue takes about 40 ms from one target to the
/// next, and amplitudes change within 8 ms.
fn smooth(frames: &mut [Frame]) {
    for formant in 0..3 {
        smooth_one(frames, 16, |frame| &mut frame.formants[formant]);
    }
    smooth_one(frames, 4, |frame| &mut frame.voicing);
    smooth_one(frames, 3, |frame| &mut frame.aspiration);
    smooth_one(frames, 2, |frame| &mut frame.frication);
    // Fade in over 15 ms and out over 80 ms, so that nothing starts or ends with a
    // click.
    let n = frames.len();
    for (index, frame) in frames.iter_mut().enumerate() {
        let edge = (index as f64 / 6.0).min((n - 1 - index) as f64 / 32.0);
        let edge = 0.5 - 0.5 * (std::f64::consts::PI * edge.min(1.0)).cos();
        frame.voicing *= edge;
        frame.aspiration *= edge;
        frame.frication *= edge;
    }
}

/// Weighted mean with a raised cosine of 2 `half` + 1 frames. The first and the last
/// value continue beyond the ends.
fn smooth_one(frames: &mut [Frame], half: usize, field: impl Fn(&mut Frame) -> &mut f64) {
    let values: Vec<f64> = frames.iter_mut().map(|frame| *field(frame)).collect();
    let weights: Vec<f64> = (0..=2 * half)
        .map(|k| {
            let x = (k as f64 - half as f64) / (half as f64 + 1.0);
            0.5 + 0.5 * (std::f64::consts::PI * x).cos()
        })
        .collect();
    let total: f64 = weights.iter().sum();
    for (index, frame) in frames.iter_mut().enumerate() {
        let sum: f64 = (weights.iter().enumerate())
            .map(|(k, weight)| {
                let at = (index + k).saturating_sub(half).min(values.len() - 1);
                weight * values[at]
            })
            .sum();
        *field(frame) = sum / total;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_faster_rate_shortens_the_sentence_in_proportion() {
        for statement in 0..2 {
            let slow = track(statement, 0.8, || 1.0).frames.len() as f64;
            let fast = track(statement, 1.6, || 1.0).frames.len() as f64;
            assert!((slow / fast - 2.0).abs() < 0.02);
            let seconds = track(statement, 1.0, || 1.0).frames.len() as f64 / FRAME_RATE;
            assert!((0.8..1.4).contains(&seconds), "{seconds}");
        }
    }

    #[test]
    fn amplitudes_stay_within_0_and_1_and_start_and_end_at_0() {
        for statement in 0..2 {
            let frames = track(statement, 1.0, || 1.0).frames;
            for frame in &frames {
                for amplitude in [frame.voicing, frame.aspiration, frame.frication] {
                    assert!((0.0..=1.0).contains(&amplitude));
                }
                let [f1, f2, f3] = frame.formants;
                assert!(150.0 < f1 && f1 < f2 && f2 < f3 && f3 < 3000.0);
            }
            for edge in [frames.first().unwrap(), frames.last().unwrap()] {
                assert_eq!(
                    (edge.voicing, edge.aspiration, edge.frication),
                    (0.0, 0.0, 0.0)
                );
            }
        }
    }

    #[test]
    fn formants_move_without_jumps() {
        let frames = track(0, 1.0, || 1.0).frames;
        for pair in frames.windows(2) {
            for formant in 0..3 {
                let step = (pair[1].formants[formant] - pair[0].formants[formant]).abs();
                assert!(step < 120.0, "{step} Hz within 2.5 ms");
            }
        }
    }
}
