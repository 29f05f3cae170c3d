//! One recording: samples and their rate.
//!
//! What can be done with one is a method in the file that does it: opening in
//! `decode/recording.rs`, [`Recording::resample`] in `resample/mod.rs`,
//! [`Recording::trim`] in `trim.rs`.

use std::ops::RangeInclusive;

use crate::decode::Loss;
use crate::error::AudioError;

/// The sample rates this crate reads and converts, in Hz.
///
/// The bounds keep a false header from asking for gigabytes: 1 kHz is too low
/// for any speech, 768 kHz above any converter.
pub const SAMPLE_RATES: RangeInclusive<u32> = 1_000..=768_000;

/// A mono recording: finite samples at a rate of at least 1 Hz.
///
/// ```
/// let beep: Vec<f32> = (0..16000).map(|n| (n as f32 * 0.2).sin()).collect();
/// let recording = audio::Recording::from_samples(beep, 16000)?;
/// assert_eq!(recording.duration(), 1.0);
/// assert_eq!(recording.resample(8000)?.samples().len(), 8000);
/// # Ok::<(), audio::AudioError>(())
/// ```
/// Two are equal if their samples and rates are, wherever those came from.
#[derive(Clone, Debug)]
pub struct Recording {
    pub(crate) samples: Vec<f32>,
    pub(crate) sample_rate: u32,
    pub(crate) reading: Reading,
}

impl PartialEq for Recording {
    fn eq(&self, other: &Self) -> bool {
        (self.sample_rate, &self.samples) == (other.sample_rate, &other.samples)
    }
}

/// How a recording was read from its file: what is worth knowing beside the samples.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Reading {
    /// The sound that could not be read.
    pub loss: Loss,
    /// Channels in the file; 0 for samples that are from no file.
    pub channels: usize,
    /// Audio tracks in the file.
    pub tracks: usize,
    /// The track asked for, counted from 0.
    pub track: Option<usize>,
    /// Whether the file lacks the mark of its end that its kind should have, so that
    /// some of it may be missing (Ogg).
    pub is_open: bool,
    /// Whether the channels cancel each other out in their mean.
    pub cancelling: bool,
    /// The one channel with sound, where the others are empty and all were averaged.
    pub only_channel: Option<usize>,
}

impl Reading {
    /// What people should be told, a sentence each without a full stop; nothing for
    /// most files. `seconds` is the length of the recording.
    pub fn notes(&self, seconds: f64) -> Vec<String> {
        let mut notes = Vec::new();
        if !self.loss.is_none() {
            notes.push(self.loss.text(seconds));
        }
        if self.tracks > 1 && self.track.is_none() {
            notes.push(format!(
                "it has {} audio tracks; this is the first that a player would take",
                self.tracks
            ));
        }
        if self.is_open && self.loss.is_none() {
            notes.push("it has no mark of its end, so some of it may be missing".into());
        }
        if self.cancelling {
            notes.push(
                "its channels cancel each other out (opposite polarity), so their mean is \
                 almost silent; take one of them"
                    .into(),
            );
        }
        if let Some(only) = self.only_channel.filter(|_| self.channels > 2) {
            notes.push(format!(
                "of its {} channels only channel {only} (counted from 0) has sound",
                self.channels
            ));
        }
        notes
    }
}

impl Recording {
    /// A recording of samples that are already decoded, full scale ±1.
    ///
    /// # Errors
    ///
    /// [`AudioError::Settings`] if the rate is 0 Hz or a sample is NaN or infinite.
    pub fn from_samples(samples: Vec<f32>, sample_rate: u32) -> Result<Self, AudioError> {
        if sample_rate == 0 {
            return Err(AudioError::zero_rate());
        }
        if let Some(at) = samples.iter().position(|s| !s.is_finite()) {
            return Err(AudioError::settings(format!(
                "sample {at} is {}, samples must be finite",
                samples[at]
            )));
        }
        Ok(Recording::of(samples, sample_rate))
    }

    /// Finite samples at a rate above 0, from no file.
    pub(crate) fn of(samples: Vec<f32>, sample_rate: u32) -> Self {
        Recording {
            samples,
            sample_rate,
            reading: Reading::default(),
        }
    }

    /// The samples, full scale ±1 (floating-point files may go beyond).
    pub fn samples(&self) -> &[f32] {
        &self.samples
    }

    /// The samples, without a copy.
    pub fn into_samples(self) -> Vec<f32> {
        self.samples
    }

    /// Samples per second.
    pub fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    /// How the samples were read, and what of them could not be.
    pub fn reading(&self) -> &Reading {
        &self.reading
    }

    /// The same samples, read in another way: for a part of a recording.
    pub fn with_reading(self, reading: Reading) -> Self {
        Recording { reading, ..self }
    }

    /// Length in seconds.
    pub fn duration(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.sample_rate)
    }
}
