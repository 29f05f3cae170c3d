//! Recordings of acted emotions, and what `emotion_sequence` hears in them.

use std::path::{Path, PathBuf};

use audio::{
    FeatureSpec, Frames, Intensity, IntensityConfig, Mfcc, MfccConfig, Pitch, PitchConfig,
    Recording, SpeakingRate, SpeakingRateConfig,
};

use super::Outcome;

/// The emotions in the order of RAVDESS's numbers, from 01.
pub const EMOTIONS: [&str; 8] = [
    "neutral",
    "calm",
    "happy",
    "sad",
    "angry",
    "fearful",
    "disgust",
    "surprised",
];

/// Everything is heard at this rate in Hz.
pub const RATE: u32 = 16_000;
/// Samples from row to row: 20 ms.
const HOP: usize = 320;
/// MFCCs of a row.
const MFCCS: usize = 13;
/// Numbers of a row: the MFCCs, pitch, voicing, intensity, speaking rate.
pub const COLUMNS: usize = MFCCS + 4;
/// Seconds over which syllables are counted.
const RATE_SECONDS: f64 = 1.5;

/// A file whose name says who speaks and how.
#[derive(Clone, Debug)]
pub struct Clip {
    /// The file.
    pub path: PathBuf,
    /// Number of the actor.
    pub speaker: u32,
    /// Place in [`EMOTIONS`].
    pub emotion: usize,
}

impl Clip {
    /// Reads a name as RAVDESS has them: `03-01-05-02-01-01-16.wav` is emotion
    /// 05, actor 16. `None` for any other name.
    pub fn named(path: &Path) -> Option<Self> {
        let parts: Vec<u32> = path
            .file_stem()?
            .to_str()?
            .split('-')
            .map(|part| part.parse().ok())
            .collect::<Option<_>>()?;
        match parts[..] {
            [_, _, emotion @ 1..=8, _, _, _, speaker] => Some(Clip {
                path: path.into(),
                speaker,
                emotion: emotion as usize - 1,
            }),
            _ => None,
        }
    }

    /// All clips below a folder, in the order of their paths.
    pub fn below(folder: &Path) -> Outcome<Vec<Self>> {
        let mut clips = Vec::new();
        let mut folders = vec![folder.to_path_buf()];
        while let Some(folder) = folders.pop() {
            let entries = std::fs::read_dir(&folder)
                .map_err(|error| format!("{}: {error}", folder.display()))?;
            for entry in entries {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|kind| kind == "wav") {
                    clips.extend(Clip::named(&path));
                }
            }
        }
        clips.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(clips)
    }
}

/// What is heard in a recording, row by row.
pub struct Heard {
    /// The samples at [`RATE`], full scale ±1.
    pub samples: Vec<f32>,
    /// Middle of each row's window in seconds.
    pub times: Vec<f64>,
    /// Pitch in Hz where the voice has one.
    pub pitch: Vec<Option<f64>>,
    /// Intensity in dB.
    pub intensity: Vec<f64>,
    /// Syllables a second over the last [`RATE_SECONDS`].
    pub rate: Vec<f64>,
    /// `[rows, COLUMNS]`: all of it, with the MFCCs.
    pub rows: Frames,
}

/// Listens to recordings.
pub struct Listener {
    mfcc: Mfcc,
    pitch: Pitch,
    intensity: Intensity,
    rate: SpeakingRate,
}

impl Listener {
    /// With the tables that it needs.
    pub fn new() -> Outcome<Self> {
        let mfcc = MfccConfig {
            n_mfcc: MFCCS,
            ..FeatureSpec::recommended().mfcc
        };
        let pitch = PitchConfig {
            time_step: f64::from(HOP as u32) / f64::from(RATE),
            ..PitchConfig::default()
        };
        Ok(Listener {
            mfcc: Mfcc::new(&mfcc, RATE)?,
            pitch: Pitch::new(&pitch, RATE)?,
            intensity: Intensity::new(&IntensityConfig::default(), RATE)?,
            rate: SpeakingRate::new(&SpeakingRateConfig::default(), RATE)?,
        })
    }

    /// Hears a file.
    pub fn hear(&self, path: &Path) -> Outcome<Heard> {
        let samples = Recording::open(path)?.resample(RATE)?.into_samples();
        let average = HOP / self.mfcc.hop_length();
        let mfccs = self.mfcc.compute_averaged(&samples, average);
        if mfccs.is_empty() {
            return Err(format!("{}: too short to be heard", path.display()).into());
        }
        let pitches = self.pitch.track(&samples);
        let intensities = self.intensity.track(&samples);
        let nuclei = self.rate.syllables(&samples).nuclei;

        let span = (average - 1) * self.mfcc.hop_length() + self.mfcc.window_length();
        let times: Vec<f64> = (0..mfccs.len())
            .map(|row| (row * HOP + span / 2) as f64 / f64::from(RATE))
            .collect();
        let pitch: Vec<Option<f64>> = times.iter().map(|&t| pitches.at(t)).collect();
        // At the ends, where no window fits, the nearest value.
        let mut level = intensities.decibels.first().copied().unwrap_or(0.0);
        let intensity: Vec<f64> = times
            .iter()
            .map(|&t| {
                level = intensities.at(t).unwrap_or(level);
                level.max(0.0)
            })
            .collect();
        let rate: Vec<f64> = times
            .iter()
            .map(|&t| {
                let recent = t - RATE_SECONDS..=t;
                nuclei.iter().filter(|&n| recent.contains(n)).count() as f64 / RATE_SECONDS
            })
            .collect();

        let mut data = Vec::with_capacity(mfccs.len() * COLUMNS);
        // Where there is no pitch the last one stands, in octaves over 100 Hz.
        let mut octaves = 0.0;
        for (k, mfcc) in mfccs.rows().enumerate() {
            octaves = pitch[k].map_or(octaves, |hertz| (hertz / 100.0).log2());
            let voiced = f64::from(u8::from(pitch[k].is_some()));
            data.extend_from_slice(mfcc);
            data.extend([octaves, voiced, intensity[k], rate[k]].map(|x| x as f32));
        }
        Ok(Heard {
            samples,
            times,
            pitch,
            intensity,
            rate,
            rows: Frames::new(data, COLUMNS),
        })
    }
}
