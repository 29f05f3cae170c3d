//! The level of active speech, as it is heard.
//!
//! Levels of frames are counted in a histogram of half decibels that forgets with
//! a time constant of one second of sound. From it come, frame by frame:
//!
//! - the *loud* level, which 5 frames of 100 exceed. A single click cannot move it;
//! - the *background*, which 90 of 100 exceed;
//! - what counts as speech: within `speech_range_db` of the loud level, and 10 dB
//!   above the background;
//! - the *active level*: the mean power of the frames within 15 dB of the loud
//!   level, each counted as at most that loud (the idea of ITU-T P.56, with a
//!   relative threshold).
//!
//! Digital silence is never counted: a pause of zeros does not make what follows
//! look loud.

/// Half decibels in the histogram, from [`LOWEST`].
const BINS: usize = 260;
/// The lower edge of the histogram in dB of full scale.
const LOWEST: f64 = -110.0;
/// Bins in a decibel.
const PER_DB: f64 = 2.0;
/// At and below this level a frame is digital silence or its dither.
const SILENCE: f64 = -90.0;
/// Frames after which a frame counts 1/e.
const MEMORY: f64 = 100.0;
/// The share of frames below the loud level, and below the background.
const LOUD: f64 = 0.95;
const BACKGROUND: f64 = 0.10;
/// Speech is at least so much above the background, in dB.
const ABOVE_BACKGROUND: f64 = 10.0;
/// The active level is that of frames within so many dB of the loud level.
const ACTIVE_RANGE: f64 = 15.0;
/// A frame may exceed the loud level by so many dB; what is louder is held down.
const HEADROOM: f64 = 5.0;

/// What is known of a signal's levels.
#[derive(Clone, Debug)]
pub(super) struct Level {
    range: f64,
    target: f64,
    counts: Vec<f64>,
    total: f64,
    /// Mean square in the middle of each bin.
    powers: Vec<f64>,
    /// Frames so far that were within the active range.
    active: usize,
    now: Option<Thresholds>,
}

/// Levels in dB of full scale.
#[derive(Clone, Copy, Debug)]
struct Thresholds {
    loud: f64,
    speech: f64,
    active: f64,
}

/// What is done with a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Decision {
    /// Whether its level is that of speech.
    pub is_speech: bool,
    /// The factor of its powers.
    pub gain: f64,
}

/// A mean square in dB of full scale.
pub(super) fn decibels(power: f64) -> f64 {
    10.0 * (power + 1e-12).log10()
}

fn middle(bin: usize) -> f64 {
    LOWEST + (bin as f64 + 0.5) / PER_DB
}

impl Level {
    /// Of a signal whose active level is to become `target` dB, with speech down
    /// to `range` dB below the loud level.
    pub fn new(target: f64, range: f64) -> Self {
        Level {
            range,
            target,
            counts: vec![0.0; BINS],
            total: 0.0,
            powers: (0..BINS)
                .map(|bin| 10f64.powf(middle(bin) / 10.0))
                .collect(),
            active: 0,
            now: None,
        }
    }

    /// Counts a frame's mean square.
    pub fn add(&mut self, power: f64) {
        let level = decibels(power);
        // NaN too.
        if level.partial_cmp(&SILENCE) != Some(std::cmp::Ordering::Greater) {
            return;
        }
        let kept = (-1.0 / MEMORY).exp();
        self.counts.iter_mut().for_each(|count| *count *= kept);
        let bin = (((level - LOWEST) * PER_DB) as usize).min(BINS - 1);
        self.counts[bin] += 1.0;
        self.total = self.total * kept + 1.0;
        let now = self.thresholds();
        self.active += usize::from(middle(bin) >= now.active);
        self.now = Some(now);
    }

    /// The number of frames so far whose level was that of loud speech.
    pub fn active_frames(&self) -> usize {
        self.active
    }

    /// What is done with a frame of this mean square, by the levels known now.
    pub fn decide(&self, power: f64) -> Decision {
        let Some(now) = self.now else {
            return Decision {
                is_speech: false,
                gain: 1.0,
            };
        };
        let level = decibels(power);
        let active = self.active_level(&now);
        let most = now.loud + HEADROOM;
        Decision {
            is_speech: level > SILENCE && level > now.speech,
            gain: 10f64.powf((self.target - active - (level - most).max(0.0)) / 10.0),
        }
    }

    fn thresholds(&self) -> Thresholds {
        let loud = middle(self.percentile(LOUD));
        let background = middle(self.percentile(BACKGROUND));
        let least = background + ABOVE_BACKGROUND;
        Thresholds {
            loud,
            speech: least.max(loud - self.range),
            active: least.max(loud - ACTIVE_RANGE),
        }
    }

    fn percentile(&self, share: f64) -> usize {
        let mut below = 0.0;
        for (bin, &count) in self.counts.iter().enumerate() {
            below += count;
            if count > 0.0 && below >= share * self.total {
                return bin;
            }
        }
        // Reached where rounding leaves the sum a little short.
        self.counts.iter().rposition(|&c| c > 0.0).unwrap_or(0)
    }

    /// The mean power of active frames in dB; the loud level where none is active.
    fn active_level(&self, now: &Thresholds) -> f64 {
        let (mut power, mut frames) = (0.0, 0.0);
        let most = 10f64.powf(now.loud / 10.0);
        for (bin, (&count, &of_bin)) in self.counts.iter().zip(&self.powers).enumerate() {
            if count > 0.0 && middle(bin) >= now.active {
                power += count * of_bin.min(most);
                frames += count;
            }
        }
        match frames > 0.0 {
            true => 10.0 * (power / frames).log10(),
            false => now.loud,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn power(db: f64) -> f64 {
        10f64.powf(db / 10.0)
    }

    /// Speech of -20 dB for two seconds of three, on a background of -60 dB.
    fn speech(level: &mut Level, gain_db: f64) {
        for frame in 0..300 {
            let db = if frame % 3 == 0 { -60.0 } else { -20.0 };
            level.add(power(db + gain_db));
        }
    }

    #[test]
    fn speech_comes_out_at_the_level_asked_for_whatever_the_gain() {
        for gain_db in [-25.0, -6.0, 0.0, 15.0] {
            let mut level = Level::new(-30.0, 30.0);
            speech(&mut level, gain_db);
            let decision = level.decide(power(-20.0 + gain_db));
            assert!(decision.is_speech);
            let out = decibels(power(-20.0 + gain_db) * decision.gain);
            assert!((out + 30.0).abs() < 0.5, "{gain_db}: {out}");
            assert!(!level.decide(power(-60.0 + gain_db)).is_speech);
        }
    }

    #[test]
    fn a_click_moves_no_threshold_and_is_held_down() {
        let mut level = Level::new(-30.0, 30.0);
        speech(&mut level, 0.0);
        let before = level.decide(power(-20.0));
        (0..3).for_each(|_| level.add(power(-3.0)));
        let after = level.decide(power(-20.0));
        assert!((decibels(after.gain) - decibels(before.gain)).abs() < 0.3);
        let click = level.decide(power(-3.0));
        let out = decibels(power(-3.0) * click.gain);
        assert!(out < -30.0 + HEADROOM + 0.6, "{out}");
    }

    #[test]
    fn digital_silence_changes_nothing_and_another_speaker_is_levelled_within_four_seconds() {
        let mut level = Level::new(-30.0, 30.0);
        speech(&mut level, 0.0);
        let before = level.decide(power(-20.0));
        (0..1000).for_each(|_| level.add(0.0));
        level.add(f64::NAN);
        assert_eq!(level.decide(power(-20.0)), before);
        (0..350).for_each(|_| level.add(power(-45.0)));
        let out = decibels(power(-45.0) * level.decide(power(-45.0)).gain);
        assert!((out + 30.0).abs() < 3.0, "{out}");
    }

    #[test]
    fn nothing_is_speech_before_anything_is_heard() {
        let level = Level::new(-30.0, 30.0);
        assert!(!level.decide(power(-20.0)).is_speech);
    }
}
