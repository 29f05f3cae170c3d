//! How it sounds: a glottal source filtered by the resonances of a vocal tract.
//!
//! In Fant's source-filter theory (1960, Acoustic Theory of Speech Production) the
//! larynx makes a buzz or a hiss, independent of the vowel, and the tube above it is
//! a filter, independent of the pitch.
//!
//! - The buzz is the derivative of a glottal flow with Rosenberg's shape (1971, Effect
//!   of glottal pulse shape on the quality of natural vowels, JASA 49(2B): 583-590): it
//!   rises with half a cosine, falls with a quarter of a cosine to an abrupt closure,
//!   and stays closed. The derivative models the radiation from the lips. Periods
//!   differ a little in length (jitter) and in strength (shimmer).
//! - The hiss is noise that comes in pulses while the glottis is open.
//! - The filter is Klatt's cascade of second-order resonators (1980, Software for a
//!   cascade/parallel formant synthesizer, JASA 67(3): 971-995). The spectral tilt of
//!   the source is a low-pass given in dB at 3 kHz, also after Klatt. Nasal zeros are
//!   left out.

use std::f64::consts::{FRAC_PI_2, PI, TAU};

use super::SAMPLE_RATE;
use super::random::Random;
use super::sentence::{FRAME, FRAME_RATE, Track};

const RATE: f64 = SAMPLE_RATE as f64;

/// Amplitude of noise made in the mouth, relative to the voice.
const FRICATION: f64 = 0.9;
/// Amplitude of a breath that is a separate sound, as after "k".
const BREATH: f64 = 0.2;

/// How a voice is used in one utterance.
#[derive(Clone, Debug)]
pub(super) struct Manner {
    /// Pitch in Hz around which the melody moves.
    pub pitch: f64,
    /// Height of accents above it, in semitones.
    pub range: f64,
    /// Movement of the pitch over the last third, in semitones.
    pub ending: f64,
    /// Depth of a tremor of the pitch, in semitones.
    pub tremor: f64,
    /// Relative standard deviation of the length of a period.
    pub jitter: f64,
    /// Relative standard deviation of the strength of a period.
    pub shimmer: f64,
    /// Part of the period in which the glottis is open, 0 to 1.
    pub open: f64,
    /// Loss of the source at 3 kHz, in dB; at least 0.
    pub tilt: f64,
    /// Amplitude of the hiss relative to the buzz.
    pub breath: f64,
    /// Factor on all formants: 1 for the vocal tract of an average man, more for a
    /// shorter one.
    pub tract: f64,
    /// Factor on the distance of F1 and F2 from those of the neutral vowel.
    pub articulation: f64,
    /// Root-mean-square level of the whole utterance in dB of full scale.
    pub level: f64,
}

/// The samples of the sentence at 16 kHz, as long as the track.
pub(super) fn render(track: &Track, manner: &Manner, random: &mut Random) -> Vec<f64> {
    let melody = melody(track, manner, random);
    let mut source = Glottis::new(manner);
    let mut tilt = LowPass::losing(manner.tilt, 3000.0);
    let mut tract = [Resonator::default(); 8];
    let mut mouth = Resonator::default();

    let mut samples = Vec::with_capacity(track.frames.len() * FRAME);
    for (frame, pitch) in track.frames.iter().zip(melody) {
        for (index, resonator) in tract.iter_mut().enumerate() {
            let (hz, width) = formant(index, frame.formants, manner);
            resonator.tune(hz, width);
        }
        mouth.tune(frame.frication_hz * manner.tract.sqrt(), 900.0);
        for _ in 0..FRAME {
            let buzz = source.next(pitch, frame.voicing, manner, random);
            let open = source.opening();
            let hiss = (manner.breath * frame.voicing * (0.3 + 0.7 * open)
                + BREATH * frame.aspiration)
                * random.noise();
            let sound = tilt.next(buzz) + hiss;
            let sound = (tract.iter_mut()).fold(sound, |sound, resonator| resonator.next(sound));
            // The band-pass removes what is below the centre of the noise.
            let noise = mouth.next_band(FRICATION * frame.frication * random.noise());
            samples.push(sound + noise);
        }
    }
    set_level(&mut samples, manner.level);
    samples
}

/// The pitch of every frame in Hz.
fn melody(track: &Track, manner: &Manner, random: &mut Random) -> Vec<f64> {
    let n = track.frames.len() as f64;
    let width = 0.09 * FRAME_RATE;
    let accents: Vec<(f64, f64)> = (track.accents.iter())
        .map(|(at, weight)| (*at, weight * manner.range * random.between(0.6, 1.4)))
        .collect();
    let start = random.between(0.0, TAU);
    let speed = random.between(5.0, 7.0);
    // A slow drift, the sum of three slow waves, as in Klatt's flutter.
    let drift: Vec<(f64, f64)> = [1.3, 2.9, 4.7]
        .iter()
        .map(|hz| (hz * random.between(0.8, 1.2), random.between(0.0, TAU)))
        .collect();
    (0..track.frames.len())
        .map(|index| {
            let x = index as f64;
            let seconds = x / FRAME_RATE;
            let bumps: f64 = (accents.iter())
                .map(|(at, height)| height * (-((x - at) / width).powi(2)).exp())
                .sum();
            let fall = -0.5 * manner.range * (x / n - 0.3);
            let last_third = ((x / n - 0.67) / 0.33).max(0.0);
            let ending = manner.ending * last_third * last_third * (3.0 - 2.0 * last_third);
            let tremor = manner.tremor * (TAU * speed * seconds + start).sin();
            let drift: f64 = (drift.iter())
                .map(|(hz, phase)| 0.12 * (TAU * hz * seconds + phase).sin())
                .sum();
            let semitones = bumps + fall + ending + tremor + drift;
            (manner.pitch * (semitones / 12.0).exp2()).clamp(50.0, 700.0)
        })
        .collect()
}

/// Centre and bandwidth in Hz of a formant (0 is F1).
fn formant(index: usize, low: [f64; 3], manner: &Manner) -> (f64, f64) {
    // Above F3, those of a uniform tube: one in every 1000 Hz.
    let hz = match index {
        0 => 500.0 + manner.articulation * (low[0] - 500.0),
        1 => 1450.0 + manner.articulation * (low[1] - 1450.0),
        2 => low[2],
        _ => 3500.0 + 1000.0 * (index - 3) as f64,
    };
    let hz = (hz * manner.tract).max(180.0);
    // An open glottis damps the first formant.
    let width = match index {
        0 => 60.0 + 90.0 * (manner.open - 0.4).max(0.0),
        1 => 90.0,
        2 => 140.0,
        _ => 220.0 + 80.0 * (index - 3) as f64,
    };
    (hz, width)
}

/// The buzz: the derivative of the flow through the glottis, period by period.
struct Glottis {
    /// Samples since the period began.
    since: f64,
    /// Length of the period in samples.
    period: f64,
    strength: f64,
    /// The flow at the previous sample.
    flow: f64,
    open: f64,
}

impl Glottis {
    fn new(manner: &Manner) -> Self {
        Self {
            since: 0.0,
            period: 1.0,
            strength: 0.0,
            flow: 0.0,
            open: manner.open,
        }
    }

    fn next(&mut self, pitch: f64, voicing: f64, manner: &Manner, random: &mut Random) -> f64 {
        self.since += 1.0;
        if self.since >= self.period {
            self.since -= self.period;
            self.period = RATE / pitch * (1.0 + random.normal(manner.jitter));
            self.strength = voicing * (1.0 + random.normal(manner.shimmer)).max(0.0);
        }
        let before = self.flow;
        self.flow = self.strength * flow(self.since / self.period, self.open);
        // The difference of the flow is the mean of its derivative over the sample,
        // which removes most of the aliasing of the abrupt closure. Times the period,
        // so that a higher voice is not louder.
        (self.flow - before) * self.period / 8.0
    }

    /// How far the glottis is open, 0 to 1.
    fn opening(&self) -> f64 {
        self.flow
    }
}

/// Rosenberg's flow at a phase of 0 to 1 of the period. The glottis is open for the
/// first part, `open`; the flow rises for two thirds of that and falls for one third.
fn flow(phase: f64, open: f64) -> f64 {
    let rise = open * 2.0 / 3.0;
    if phase < rise {
        0.5 - 0.5 * (PI * phase / rise).cos()
    } else if phase < open {
        (FRAC_PI_2 * (phase - rise) / (open - rise)).cos()
    } else {
        0.0
    }
}

/// Klatt's resonator, with gain 1 at 0 Hz.
#[derive(Clone, Copy, Debug, Default)]
struct Resonator {
    a: f64,
    b: f64,
    c: f64,
    y1: f64,
    y2: f64,
}

impl Resonator {
    /// Sets centre and bandwidth in Hz. With a centre too close to half the sample
    /// rate, the resonator passes everything unchanged.
    fn tune(&mut self, hz: f64, width: f64) {
        if hz > 0.47 * RATE {
            (self.a, self.b, self.c) = (1.0, 0.0, 0.0);
            return;
        }
        let radius = (-PI * width / RATE).exp();
        self.c = -radius * radius;
        self.b = 2.0 * radius * (TAU * hz / RATE).cos();
        self.a = 1.0 - self.b - self.c;
    }

    fn next(&mut self, x: f64) -> f64 {
        let y = self.a * x + self.b * self.y1 + self.c * self.y2;
        (self.y2, self.y1) = (self.y1, y);
        y
    }

    /// The same as a band-pass, with gain 0 at 0 Hz and about 1 at the centre.
    fn next_band(&mut self, x: f64) -> f64 {
        let before = self.y2;
        let y = (1.0 + self.c) / 2.0 * x + self.b * self.y1 + self.c * self.y2;
        (self.y2, self.y1) = (self.y1, y);
        y - before
    }
}

/// A first-order low-pass with gain 1 at 0 Hz.
struct LowPass {
    keep: f64,
    y: f64,
}

impl LowPass {
    /// One that loses `db` at `hz`.
    fn losing(db: f64, hz: f64) -> Self {
        // |H|^2 = (1-k)^2 / (1 - 2k cos w + k^2) = g, solved for k.
        let g = 10f64.powf(-db.max(0.0) / 10.0);
        let w = TAU * hz / RATE;
        let p = (1.0 - g * w.cos()) / (1.0 - g).max(1e-12);
        let keep = if g > 1.0 - 1e-9 {
            0.0
        } else {
            p - (p * p - 1.0).max(0.0).sqrt()
        };
        Self { keep, y: 0.0 }
    }

    fn next(&mut self, x: f64) -> f64 {
        self.y = x + self.keep * (self.y - x);
        self.y
    }
}

/// Scales to a root mean square in dB of full scale, or less where it would clip.
fn set_level(samples: &mut [f64], db: f64) {
    let n = samples.len().max(1) as f64;
    let effective = (samples.iter().map(|s| s * s).sum::<f64>() / n).sqrt();
    let peak = samples.iter().fold(0.0f64, |peak, s| peak.max(s.abs()));
    if peak == 0.0 {
        return;
    }
    let gain = (10f64.powf(db / 20.0) / effective).min(0.95 / peak);
    for sample in samples {
        *sample *= gain;
    }
}

#[cfg(test)]
mod tests;
