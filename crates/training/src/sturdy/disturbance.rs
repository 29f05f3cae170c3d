//! What is done to the clips, and how.

use audio::{Augmentation, Augmenter, Colour, Recording, Step};

/// A change of a recording's sound.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Disturbance {
    /// As it is.
    None,
    /// Louder or softer, in dB, clipped at full scale.
    Gain(f64),
    /// So loud that the largest sample is .99.
    Peak,
    /// An offset of 2 % of full scale.
    Offset,
    /// A click of 10 ms at half of full scale, half a second after the speech.
    ClickAfter,
    /// The same in the middle of the speech.
    ClickWithin,
    /// White noise, so many dB below the speech.
    White(f64),
    /// Pink noise, so many dB below the speech.
    Pink(f64),
    /// A room with .4 s of reverberation as strong as the direct sound.
    Room,
    /// A telephone: 300 to 3400 Hz at 8 kHz, mu-law.
    Telephone,
    /// Encoded and decoded.
    Coded(Codec),
    /// Faster or slower by this factor, pitch with it.
    Speed(f64),
    /// A piece of so many seconds from the middle of the speech.
    Piece(f64),
}

/// A codec that loses what listeners hardly miss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Codec {
    /// Opus at 16 kbit/s.
    Opus,
    /// MP3 at 32 kbit/s.
    Mp3,
}

/// Encodes what this library can only decode.
pub trait Encode: Sync {
    /// The file of a recording; `wav` is the recording as a WAV file.
    ///
    /// # Errors
    ///
    /// What went wrong, for people.
    fn encode(&self, wav: &[u8], codec: Codec) -> Result<Vec<u8>, String>;
}

/// Loud and quiet frames of speech are within so many dB.
const SPEECH_RANGE: f64 = 25.0;

impl Disturbance {
    /// All of them, in the order of the tables; the first changes nothing.
    pub fn all() -> Vec<Self> {
        use Disturbance as D;
        let mut all = vec![D::None];
        all.extend([-20.0, -10.0, -6.0, 6.0, 10.0, 20.0].map(D::Gain));
        all.extend([
            D::Peak,
            D::Offset,
            D::ClickAfter,
            D::ClickWithin,
            D::Telephone,
        ]);
        all.extend([Codec::Opus, Codec::Mp3].map(D::Coded));
        all.extend([20.0, 10.0, 5.0].map(D::White));
        all.extend([D::Pink(20.0), D::Room]);
        all.extend([0.9, 1.1].map(D::Speed));
        all.extend([0.5, 1.0, 1.5, 2.0, 3.0].map(D::Piece));
        all
    }

    /// Its name in tables.
    pub fn name(self) -> String {
        match self {
            Disturbance::None => "as recorded".into(),
            Disturbance::Gain(db) => format!("gain {db:+} dB"),
            Disturbance::Peak => "peak-normalised".into(),
            Disturbance::Offset => "offset of 2 %".into(),
            Disturbance::ClickAfter => "click after the speech".into(),
            Disturbance::ClickWithin => "click within the speech".into(),
            Disturbance::White(db) => format!("white noise, {db} dB"),
            Disturbance::Pink(db) => format!("pink noise, {db} dB"),
            Disturbance::Room => "room, 0.4 s".into(),
            Disturbance::Telephone => "telephone".into(),
            Disturbance::Coded(Codec::Opus) => "Opus, 16 kbit/s".into(),
            Disturbance::Coded(Codec::Mp3) => "MP3, 32 kbit/s".into(),
            Disturbance::Speed(factor) => format!("speed {:+.0} %", (factor - 1.0) * 100.0),
            Disturbance::Piece(seconds) => format!("piece of {seconds} s"),
        }
    }

    /// Whether every word and the voice stay easy to hear, so that the answers should
    /// not change.
    pub fn keeps_words(self) -> bool {
        match self {
            Disturbance::White(db) | Disturbance::Pink(db) => db >= 20.0,
            Disturbance::None
            | Disturbance::Room
            | Disturbance::Speed(_)
            | Disturbance::Piece(_) => false,
            _ => true,
        }
    }

    /// The codec, if it is one.
    pub fn codec(self) -> Option<Codec> {
        match self {
            Disturbance::Coded(codec) => Some(codec),
            _ => None,
        }
    }

    pub(super) fn is_piece(self) -> bool {
        matches!(self, Disturbance::Piece(_))
    }

    /// The disturbed recording, and whether it is shorter than the piece asked for and
    /// so stayed whole. Without `encode` a codec changes nothing.
    ///
    /// # Errors
    ///
    /// Where the encoder fails, or what it wrote cannot be read.
    pub fn apply(
        self,
        recording: &Recording,
        seed: u64,
        encode: Option<&dyn Encode>,
    ) -> Result<(Recording, bool), String> {
        let rate = recording.sample_rate();
        let mut samples = recording.samples().to_vec();
        let text = |error: audio::AudioError| error.to_string();
        match self {
            Disturbance::None => return Ok((recording.clone(), false)),
            Disturbance::Gain(db) => scale(&mut samples, 10f64.powf(db / 20.0) as f32),
            Disturbance::Peak => {
                let peak = samples.iter().fold(0.0f32, |peak, x| peak.max(x.abs()));
                if peak > 0.0 {
                    scale(&mut samples, 0.99 / peak);
                }
            }
            Disturbance::Offset => samples.iter_mut().for_each(|x| *x += 0.02),
            Disturbance::ClickAfter | Disturbance::ClickWithin => {
                let (begin, end) = speech(recording);
                let at = match self {
                    Disturbance::ClickAfter => end + rate as usize / 2,
                    _ => (begin + end) / 2,
                };
                let length = rate as usize / 100;
                if samples.len() < at + length {
                    samples.resize(at + length + rate as usize / 10, 0.0);
                }
                // A square wave of about 2500 Hz: a contact that bounces.
                let half = (rate as usize / 5000).max(1);
                for (n, x) in samples[at..at + length].iter_mut().enumerate() {
                    *x += if (n / half).is_multiple_of(2) {
                        0.5
                    } else {
                        -0.5
                    };
                }
            }
            Disturbance::White(db) => return noisy(recording, Colour::White, db, seed),
            Disturbance::Pink(db) => return noisy(recording, Colour::Pink, db, seed),
            Disturbance::Room => {
                let room = Augmentation::Reverb {
                    rt60: [0.4, 0.4],
                    direct_db: [0.0, 0.0],
                };
                return augmented(recording, room, seed);
            }
            Disturbance::Telephone => return augmented(recording, Augmentation::Telephone, seed),
            Disturbance::Coded(codec) => {
                let Some(encode) = encode else {
                    return Ok((recording.clone(), false));
                };
                let coded = encode.encode(&wav(recording), codec)?;
                return Ok((Recording::from_bytes(&coded).map_err(text)?, false));
            }
            Disturbance::Speed(factor) => {
                return Ok((audio::change_speed(recording, factor), false));
            }
            Disturbance::Piece(seconds) => {
                let (begin, end) = speech(recording);
                let length = (seconds * f64::from(rate)) as usize;
                if end - begin <= length {
                    return Ok((recording.clone(), true));
                }
                let first = begin + (end - begin - length) / 2;
                samples = samples[first..first + length].to_vec();
            }
        }
        // As a 16-bit file holds it.
        for x in &mut samples {
            *x = (*x * 32768.0).round().clamp(-32768.0, 32767.0) / 32768.0;
        }
        Ok((Recording::from_samples(samples, rate).map_err(text)?, false))
    }
}

fn scale(samples: &mut [f32], gain: f32) {
    samples.iter_mut().for_each(|x| *x *= gain);
}

fn augmented(
    recording: &Recording,
    augmentation: Augmentation,
    seed: u64,
) -> Result<(Recording, bool), String> {
    let step = Step {
        probability: 1.0,
        augmentation,
    };
    let augmenter = Augmenter::new(vec![step]).map_err(|error| error.to_string())?;
    Ok((augmenter.apply(recording, seed), false))
}

/// Noise so many dB below the level of the speech, pauses not counted.
fn noisy(
    recording: &Recording,
    colour: Colour,
    below: f64,
    seed: u64,
) -> Result<(Recording, bool), String> {
    // The augmentation's ratio is that to the whole recording.
    let samples = recording.samples();
    let whole = power(samples);
    let louder = 10.0 * (active_power(samples, recording.sample_rate()) / whole).log10();
    let snr = if louder.is_finite() {
        below - louder
    } else {
        below
    };
    let noise = Augmentation::Noise {
        colour,
        snr_db: [snr, snr],
    };
    augmented(recording, noise, seed)
}

fn power(samples: &[f32]) -> f64 {
    let squares = samples.iter().map(|x| f64::from(*x).powi(2));
    squares.sum::<f64>() / samples.len().max(1) as f64
}

/// The mean power of the frames of 10 ms within 25 dB of the loudest but one in twenty.
fn active_power(samples: &[f32], rate: u32) -> f64 {
    let mut powers: Vec<f64> = samples
        .chunks((rate as usize / 100).max(1))
        .map(power)
        .collect();
    powers.sort_by(f64::total_cmp);
    let Some(last) = powers.len().checked_sub(1) else {
        return 0.0;
    };
    let least = powers[last * 19 / 20] * 10f64.powf(-SPEECH_RANGE / 10.0);
    let active: Vec<f64> = powers.into_iter().filter(|power| *power > least).collect();
    active.iter().sum::<f64>() / active.len().max(1) as f64
}

/// From the first to the last sample of speech: of frames within 25 dB of the loudest
/// but one in twenty.
fn speech(recording: &Recording) -> (usize, usize) {
    let samples = recording.samples();
    let frame = (recording.sample_rate() as usize / 100).max(1);
    let powers: Vec<f64> = samples.chunks(frame).map(power).collect();
    let mut sorted = powers.clone();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else {
        return (0, 0);
    };
    let least = sorted[last * 19 / 20] * 10f64.powf(-SPEECH_RANGE / 10.0);
    let is_speech = |power: &f64| *power > least;
    let begin = powers.iter().position(is_speech).unwrap_or(0);
    let end = powers
        .iter()
        .rposition(is_speech)
        .map_or(powers.len(), |at| at + 1);
    (begin * frame, (end * frame).min(samples.len()))
}

/// A mono WAV file of 16 bits.
fn wav(recording: &Recording) -> Vec<u8> {
    let rate = recording.sample_rate();
    let data = recording.samples().iter().flat_map(|x| {
        let x = (x * 32768.0).round().clamp(-32768.0, 32767.0);
        (x as i16).to_le_bytes()
    });
    let data: Vec<u8> = data.collect();
    let size = data.len() as u32;
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((36 + size).to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    bytes.extend(rate.to_le_bytes());
    bytes.extend((2 * rate).to_le_bytes());
    bytes.extend(b"\x02\0\x10\0data");
    bytes.extend(size.to_le_bytes());
    bytes.extend(data);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Half a second of quiet, a second of a loud hum, half a second of quiet.
    fn recording() -> Recording {
        let hum = |n: usize| {
            let loud = if (8_000..24_000).contains(&n) {
                0.2
            } else {
                1e-4
            };
            loud * (n as f32 * 0.1).sin()
        };
        Recording::from_samples((0..32_000).map(hum).collect(), 16_000).unwrap()
    }

    fn apply(disturbance: Disturbance) -> Vec<f32> {
        let (disturbed, _) = disturbance.apply(&recording(), 7, None).unwrap();
        disturbed.into_samples()
    }

    #[test]
    fn names_are_unlike_and_the_first_changes_nothing() {
        let all = Disturbance::all();
        let mut names: Vec<String> = all.iter().map(|d| d.name()).collect();
        assert_eq!(apply(all[0]), recording().samples());
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all.len());
    }

    #[test]
    fn the_same_seed_gives_the_same_sound() {
        for disturbance in Disturbance::all() {
            assert_eq!(apply(disturbance), apply(disturbance), "{disturbance:?}");
        }
    }

    #[test]
    fn a_click_after_the_speech_leaves_the_speech_as_it_was() {
        let clicked = apply(Disturbance::ClickAfter);
        let plain = recording();
        for (a, b) in clicked[..24_000].iter().zip(plain.samples()) {
            assert!((a - b).abs() < 1.0 / 32768.0);
        }
        let loud = |samples: &[f32]| samples.iter().filter(|x| x.abs() > 0.4).count();
        assert_eq!(loud(&clicked), 160);
        let within = apply(Disturbance::ClickWithin);
        let moved = within
            .iter()
            .zip(plain.samples())
            .filter(|(a, b)| (*a - *b).abs() > 0.4);
        assert_eq!(moved.count(), 160);
    }

    #[test]
    fn noise_is_as_far_below_the_speech_as_it_says() {
        for db in [20.0, 5.0] {
            let noisy = apply(Disturbance::White(db));
            let noise: Vec<f32> = noisy
                .iter()
                .zip(recording().samples())
                .map(|(a, b)| a - b)
                .collect();
            let below =
                10.0 * (power(&recording().samples()[8_000..24_000]) / power(&noise)).log10();
            assert!((below - db).abs() < 0.5, "{below}");
        }
    }

    #[test]
    fn a_piece_is_from_the_middle_of_the_speech_and_a_short_clip_stays_whole() {
        let (piece, whole) = Disturbance::Piece(0.5)
            .apply(&recording(), 1, None)
            .unwrap();
        assert!(!whole);
        assert_eq!(piece.samples().len(), 8_000);
        assert!(power(&piece.samples()[..1_000]) > 0.01);
        let (piece, whole) = Disturbance::Piece(1.5)
            .apply(&recording(), 1, None)
            .unwrap();
        assert!(whole && piece.samples().len() == 32_000);
    }

    #[test]
    fn gain_is_clipped_as_in_a_file_and_an_offset_is_two_percent() {
        let louder = apply(Disturbance::Gain(20.0));
        assert!(louder.iter().all(|x| x.abs() <= 1.0) && louder.iter().any(|x| *x > 0.999));
        let shifted = apply(Disturbance::Offset);
        let mean = shifted.iter().sum::<f32>() / shifted.len() as f32;
        assert!((mean - 0.02).abs() < 1e-3, "{mean}");
    }

    #[test]
    fn the_wav_file_is_read_back_as_it_was() {
        let read = Recording::from_bytes(&wav(&recording())).unwrap();
        assert_eq!(read.sample_rate(), 16_000);
        for (a, b) in read.samples().iter().zip(recording().samples()) {
            assert!((a - b).abs() <= 0.5 / 32768.0);
        }
    }
}
