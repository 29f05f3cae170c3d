//! How emotions and speakers use the voice.
//!
//! The directions are those that reviews of acted speech agree on (Murray and
//! Arnott 1993, Toward the simulation of emotion in synthetic speech, JASA
//! 93(2): 1097-1108; Scherer 2003, Vocal communication of emotion, Speech
//! Communication 40: 227-256): anger is loud, bright, fast and high; sadness
//! soft, dull, slow and flat; fear high, fast and unsteady; joy high, lively and
//! bright; disgust slow and rough; surprise ends high. The sizes are our own. They
//! are chosen together with the spread so that a simple model recognises most, but
//! not all, emotions in an unseen voice.

use super::random::Random;
use super::voice::Manner;

/// Number of emotions, those of RAVDESS in its order.
pub(super) const EMOTIONS: usize = 8;

/// A change of the way of speaking. Zero is no change.
#[derive(Clone, Copy, Debug, Default)]
struct Shift {
    /// Pitch, in semitones.
    pitch: f64,
    /// Height of accents: factor as a power of two.
    range: f64,
    /// Movement at the end, in semitones.
    ending: f64,
    /// Level in dB.
    level: f64,
    /// Speaking rate: factor as a power of two.
    rate: f64,
    /// Jitter and shimmer: factor as a power of two.
    rough: f64,
    /// Level of the hiss in dB.
    breath: f64,
    /// Spectral tilt in dB at 3 kHz.
    tilt: f64,
    /// Part of the period in which the glottis is open.
    open: f64,
    /// Precision of the vowels: factor as a power of two.
    articulation: f64,
    /// Trembling in semitones.
    tremor: f64,
    /// Spread (above 0) or rounded lips: relative shift of the formants.
    lips: f64,
}

impl Shift {
    /// `self + x * a`.
    fn plus(self, a: Shift, x: f64) -> Shift {
        Shift {
            pitch: self.pitch + x * a.pitch,
            range: self.range + x * a.range,
            ending: self.ending + x * a.ending,
            level: self.level + x * a.level,
            rate: self.rate + x * a.rate,
            rough: self.rough + x * a.rough,
            breath: self.breath + x * a.breath,
            tilt: self.tilt + x * a.tilt,
            open: self.open + x * a.open,
            articulation: self.articulation + x * a.articulation,
            tremor: self.tremor + x * a.tremor,
            lips: self.lips + x * a.lips,
        }
    }

    /// A random change whose parts have the standard deviations in `self`.
    fn drawn(self, random: &mut Random) -> Shift {
        Shift {
            pitch: random.normal(self.pitch),
            range: random.normal(self.range),
            ending: random.normal(self.ending),
            level: random.normal(self.level),
            rate: random.normal(self.rate),
            rough: random.normal(self.rough),
            breath: random.normal(self.breath),
            tilt: random.normal(self.tilt),
            open: random.normal(self.open),
            articulation: random.normal(self.articulation),
            tremor: random.normal(self.tremor),
            lips: random.normal(self.lips),
        }
    }
}

const NONE: Shift = Shift {
    pitch: 0.0,
    range: 0.0,
    ending: 0.0,
    level: 0.0,
    rate: 0.0,
    rough: 0.0,
    breath: 0.0,
    tilt: 0.0,
    open: 0.0,
    articulation: 0.0,
    tremor: 0.0,
    lips: 0.0,
};

/// What each emotion changes from neutral speech.
const EMOTION: [Shift; EMOTIONS] = [
    // Neutral.
    NONE,
    // Calm.
    Shift {
        pitch: -1.0,
        range: -0.5,
        level: -4.0,
        rate: -0.2,
        rough: -0.3,
        breath: 4.0,
        tilt: 3.5,
        open: 0.06,
        ..NONE
    },
    // Happy.
    Shift {
        pitch: 4.5,
        range: 0.8,
        ending: 0.5,
        level: 4.0,
        rate: 0.05,
        breath: -2.0,
        tilt: -3.0,
        articulation: 0.15,
        lips: 0.06,
        ..NONE
    },
    // Sad.
    Shift {
        pitch: 0.5,
        range: -0.7,
        ending: -2.0,
        level: -5.0,
        rate: -0.35,
        rough: 0.7,
        breath: 6.0,
        tilt: 4.5,
        open: 0.08,
        articulation: -0.25,
        tremor: 0.2,
        lips: -0.03,
    },
    // Angry.
    Shift {
        pitch: 4.0,
        range: 0.6,
        ending: -2.5,
        level: 8.5,
        rate: 0.15,
        rough: 0.8,
        breath: -4.0,
        tilt: -6.0,
        open: -0.12,
        articulation: 0.25,
        ..NONE
    },
    // Fearful.
    Shift {
        pitch: 6.0,
        range: 0.1,
        ending: 1.0,
        level: 2.0,
        rate: 0.3,
        rough: 1.2,
        breath: 4.0,
        tilt: -1.0,
        open: 0.03,
        tremor: 0.45,
        ..NONE
    },
    // Disgust.
    Shift {
        pitch: -1.0,
        range: 0.2,
        ending: -2.0,
        level: 1.5,
        rate: -0.3,
        rough: 1.6,
        breath: 1.0,
        tilt: -2.5,
        open: -0.08,
        articulation: 0.1,
        lips: -0.04,
        ..NONE
    },
    // Surprised.
    Shift {
        pitch: 5.0,
        range: 1.0,
        ending: 7.0,
        level: 2.5,
        rate: 0.0,
        breath: 2.0,
        tilt: -1.0,
        articulation: 0.1,
        ..NONE
    },
];

/// Standard deviations between takes.
const TAKE: Shift = Shift {
    pitch: 0.8,
    range: 0.2,
    ending: 0.8,
    level: 1.2,
    rate: 0.06,
    rough: 0.25,
    breath: 1.2,
    tilt: 0.9,
    open: 0.02,
    articulation: 0.06,
    tremor: 0.06,
    lips: 0.01,
};

/// How much speakers differ in one emotion, relative to [`TAKE`].
const HABIT: f64 = 0.5;
/// How much speakers differ in general, relative to [`TAKE`].
const OWN: f64 = 0.7;

/// Somebody's voice.
#[derive(Clone, Debug)]
pub(super) struct Speaker {
    /// Neutral pitch in Hz.
    pitch: f64,
    /// Factor on the formants.
    tract: f64,
    /// How strongly emotions are expressed, around 1.
    expression: f64,
    /// The difference from the average speaker.
    own: Shift,
    /// A further difference with each emotion.
    habits: [Shift; EMOTIONS],
    /// Level of the background noise in dB of full scale.
    pub(super) background: f64,
}

impl Speaker {
    /// The speaker with this number. Even ones are women, as in RAVDESS.
    pub(super) fn draw(seed: u64, number: u64) -> Self {
        let random = &mut Random::new(seed, [number, 0, 0]);
        let (pitch, tract) = if number.is_multiple_of(2) {
            (200.0, 1.16)
        } else {
            (112.0, 1.0)
        };
        Self {
            pitch: pitch * (random.normal(2.0) / 12.0).exp2(),
            tract: tract * (1.0 + random.normal(0.03)),
            expression: random.between(0.8, 1.2),
            own: NONE.plus(TAKE.drawn(random), OWN),
            habits: std::array::from_fn(|_| NONE.plus(TAKE.drawn(random), HABIT)),
            background: random.between(-82.0, -72.0),
        }
    }

    /// One take of an emotion (0 is neutral), and its speaking rate. A strong
    /// intensity has larger shifts.
    pub(super) fn take(&self, emotion: usize, strong: bool, random: &mut Random) -> (Manner, f64) {
        let amount = self.expression * if strong { 1.45 } else { 1.05 };
        let shift = NONE
            .plus(EMOTION[emotion], amount)
            .plus(self.own, 1.0)
            .plus(self.habits[emotion], 1.0)
            .plus(TAKE.drawn(random), 1.0);
        let rough = shift.rough.exp2();
        let manner = Manner {
            pitch: (self.pitch * (shift.pitch / 12.0).exp2()).clamp(65.0, 450.0),
            range: 3.0 * shift.range.clamp(-2.0, 1.6).exp2(),
            ending: shift.ending - 1.5,
            tremor: shift.tremor.max(0.0),
            jitter: (0.006 * rough).min(0.04),
            shimmer: (0.03 * rough).min(0.2),
            open: (0.6 + shift.open).clamp(0.35, 0.85),
            tilt: (9.0 + shift.tilt).max(0.0),
            breath: (0.06 * 10f64.powf(shift.breath / 20.0)).min(0.5),
            tract: self.tract * (1.0 + shift.lips.clamp(-0.1, 0.1)),
            articulation: shift.articulation.exp2().clamp(0.6, 1.3),
            level: -34.0 + shift.level,
        };
        (manner, shift.rate.exp2().clamp(0.65, 1.6))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_speakers_have_higher_voices_and_shorter_tracts() {
        for seed in 0..20 {
            let mean = |odd: u64| {
                let voices: Vec<Speaker> =
                    (0..12).map(|i| Speaker::draw(seed, 2 * i + odd)).collect();
                let n = voices.len() as f64;
                (
                    voices.iter().map(|v| v.pitch).sum::<f64>() / n,
                    voices.iter().map(|v| v.tract).sum::<f64>() / n,
                )
            };
            let (men, women) = (mean(1), mean(0));
            assert!(women.0 > 1.3 * men.0 && women.1 > 1.05 * men.1);
        }
    }

    /// Means over many speakers, so that what is left is the emotion.
    #[test]
    fn emotions_differ_as_the_literature_says() {
        let mean = |emotion: usize, of: fn(&(Manner, f64)) -> f64| {
            let n = 200;
            let sum: f64 = (1..=n)
                .map(|number| {
                    let random = &mut Random::new(9, [number, 9, 9]);
                    of(&Speaker::draw(1, number).take(emotion, false, random))
                })
                .sum();
            sum / n as f64
        };
        let [
            neutral,
            calm,
            happy,
            sad,
            angry,
            fearful,
            disgust,
            surprised,
        ] = std::array::from_fn(|emotion| emotion);
        let level = |emotion| mean(emotion, |(m, _)| m.level);
        let pitch = |emotion| mean(emotion, |(m, _)| m.pitch);
        let rate = |emotion| mean(emotion, |(_, rate)| *rate);
        assert!(level(angry) > level(happy) && level(happy) > level(neutral));
        assert!(level(neutral) > level(calm) && level(calm) > level(sad));
        assert!(pitch(fearful) > pitch(neutral) && pitch(happy) > pitch(neutral));
        assert!(rate(fearful) > rate(neutral) && rate(neutral) > rate(sad));
        assert!(mean(disgust, |(m, _)| m.jitter) > mean(neutral, |(m, _)| m.jitter));
        assert!(mean(surprised, |(m, _)| m.ending) > 3.0);
        assert!(mean(sad, |(m, _)| m.tilt) > mean(angry, |(m, _)| m.tilt));
    }
}
