//! From a recording to the features of a model, by settings that the model keeps.
//!
//! A [`FeatureSpec`] is written into every trained model, so that what it is
//! used with cannot differ from what it was trained on.

use serde::{Deserialize, Serialize};

use crate::deltas::{DeltaMethod, delta};
use crate::error::AudioError;
use crate::frames::Frames;
use crate::functionals::{NAMES, functionals};
use crate::mfcc::{
    FftLength, Floor, Framing, Log, MelNorm, MelScale, Mfcc, MfccConfig, Span, Zeroth,
};
use crate::recording::Recording;
use crate::resample::SAMPLE_RATES;
use crate::trim::TrimSettings;

mod stream;

pub use stream::FeatureStream;

/// More frames than this are never averaged into one (5 s at a hop of 10 ms).
const AVERAGE_AT_MOST: usize = 500;

/// Which features to extract, and from what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureSpec {
    /// Recordings are resampled to this rate in Hz.
    pub sample_rate: u32,
    /// Silence before and after the speech is cut; `None` keeps it.
    pub trim: Option<TrimSettings>,
    /// How the MFCCs are computed.
    pub mfcc: MfccConfig,
    /// Orders of deltas beside the MFCCs: 0, 1 or 2, by regression over two
    /// frames on either side ([`DeltaMethod::HTK`]).
    pub deltas: usize,
    /// Subtract from every MFCC column its mean over the utterance: takes away
    /// microphone, room, and part of the speaker.
    pub subtract_mean: bool,
    /// Average this many neighbouring frames in mel power, before the
    /// logarithm; 1 is off.
    pub average: usize,
    /// Give statistics over the utterance beside the frames.
    pub functionals: bool,
}

impl Default for FeatureSpec {
    fn default() -> Self {
        Self::recommended()
    }
}

impl FeatureSpec {
    /// The MFCC part of the recipe that did best in trials on acted emotional
    /// speech: 16 kHz; trimmed at 35 dB with 0.1 s of margin; 80 HTK mels from 20 to
    /// 8000 Hz over windows of 25 ms; natural logarithm with floor 1e-6; pairs
    /// of frames averaged to one every 20 ms; MFCC 0 to 19 less their mean;
    /// and their statistics.
    ///
    /// Frames lie wholly inside the recording (not centred), so that a stream
    /// gives the same ones.
    pub fn recommended() -> Self {
        FeatureSpec {
            sample_rate: 16_000,
            trim: Some(TrimSettings::default()),
            mfcc: MfccConfig {
                window_length: Span::Samples(400),
                hop_length: Span::Samples(160),
                framing: Framing::WholeWindow,
                n_fft: FftLength::Samples(512),
                n_mels: 80,
                f_min: 20.0,
                f_max: Some(8_000.0),
                mel_scale: MelScale::Htk,
                mel_norm: MelNorm::Peak,
                log: Log::Natural,
                floor: Floor::AtLeast(1e-6),
                top_db: None,
                n_mfcc: 20,
                zeroth: Zeroth::Coefficient,
                ..MfccConfig::librosa()
            },
            deltas: 0,
            subtract_mean: true,
            average: 2,
            functionals: true,
        }
    }

    /// Checks all settings.
    ///
    /// # Errors
    ///
    /// [`AudioError::Settings`] naming the setting, its value and its bounds.
    pub fn validate(&self) -> Result<(), AudioError> {
        self.prepare().map(|_| ())
    }

    fn prepare(&self) -> Result<Mfcc, AudioError> {
        if !SAMPLE_RATES.contains(&self.sample_rate) {
            return Err(AudioError::settings(format!(
                "sample_rate is {} Hz, it must be {} to {}",
                self.sample_rate,
                SAMPLE_RATES.start(),
                SAMPLE_RATES.end()
            )));
        }
        if let Some(trim) = &self.trim {
            trim.validate()?;
        }
        if self.deltas > 2 {
            return Err(AudioError::settings(format!(
                "deltas is {}, it must be 0, 1 or 2",
                self.deltas
            )));
        }
        if !(1..=AVERAGE_AT_MOST).contains(&self.average) {
            return Err(AudioError::settings(format!(
                "average is {}, it must be 1 (off) to {AVERAGE_AT_MOST}",
                self.average
            )));
        }
        Mfcc::new(&self.mfcc, self.sample_rate)
    }

    /// Names of the columns of the frames: `mfcc_0` ..., `delta_mfcc_0` ...,
    /// `delta_delta_mfcc_0` ...
    pub fn column_names(&self) -> Vec<String> {
        let base = self.mfcc.column_names();
        (0..=self.deltas)
            .flat_map(|order| {
                let prefix = "delta_".repeat(order);
                base.iter().map(move |name| format!("{prefix}{name}"))
            })
            .collect()
    }

    /// Names of the functionals: six of each MFCC (`mfcc_0_mean`, ...), then
    /// `duration`, the seconds of trimmed speech. None if they are off.
    pub fn functional_names(&self) -> Vec<String> {
        if !self.functionals {
            return Vec::new();
        }
        let base = self.mfcc.column_names();
        base.iter()
            .flat_map(|name| NAMES.iter().map(move |f| format!("{name}_{f}")))
            .chain(["duration".to_owned()])
            .collect()
    }

    /// Seconds from one row of the frames to the next.
    pub fn frame_period(&self) -> f64 {
        let hop = self
            .mfcc
            .hop_length
            .samples(self.sample_rate, self.mfcc.rounding);
        (hop * self.average) as f64 / f64::from(self.sample_rate.max(1))
    }

    /// Prepares for extraction.
    ///
    /// # Errors
    ///
    /// As [`validate`](Self::validate).
    pub fn extractor(&self) -> Result<FeatureExtractor, AudioError> {
        Ok(FeatureExtractor {
            mfcc: self.prepare()?,
            spec: self.clone(),
        })
    }
}

/// The features of one recording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Features {
    /// One row every [`frame_period`](FeatureSpec::frame_period):
    /// `[frames, columns]`, the columns named by
    /// [`column_names`](FeatureSpec::column_names).
    pub frames: Frames,
    /// Statistics over the recording, of the MFCCs before their mean is
    /// removed, named by [`functional_names`](FeatureSpec::functional_names).
    pub functionals: Vec<f32>,
}

/// Extracts features; made by [`FeatureSpec::extractor`], for any number of
/// recordings and threads.
#[derive(Clone, Debug)]
pub struct FeatureExtractor {
    spec: FeatureSpec,
    mfcc: Mfcc,
}

impl FeatureExtractor {
    /// The features of `recording`: resampled, trimmed, computed. Silence is
    /// not an error; its features are finite.
    ///
    /// # Errors
    ///
    /// [`AudioError::TooShort`] where there is less than one frame.
    /// [`AudioError::Settings`] where the recording has an impossible sample
    /// rate.
    pub fn extract(&self, recording: &Recording) -> Result<Features, AudioError> {
        let mut recording = recording.resample(self.spec.sample_rate)?;
        if let Some(trim) = &self.spec.trim {
            recording = recording.trim(trim);
        }
        let mfcc = self
            .mfcc
            .compute_averaged(&recording.samples, self.spec.average);
        if mfcc.is_empty() {
            return Err(AudioError::TooShort {
                seconds: recording.duration(),
                needed: self.mfcc.samples_needed() as f64 / f64::from(self.spec.sample_rate),
            });
        }
        let mut statistics = Vec::new();
        if self.spec.functionals {
            statistics = functionals(&mfcc);
            statistics.push(recording.duration() as f32);
        }
        let base = if self.spec.subtract_mean {
            less_mean(&mfcc)
        } else {
            mfcc
        };
        let frames = match self.spec.deltas {
            0 => base,
            orders => {
                let deltas: Vec<Frames> = (1..=orders)
                    .map(|order| delta(&base, order, DeltaMethod::HTK))
                    .collect();
                base.beside(&deltas.iter().collect::<Vec<_>>())
            }
        };
        Ok(Features {
            frames,
            functionals: statistics,
        })
    }

    /// The settings.
    pub fn spec(&self) -> &FeatureSpec {
        &self.spec
    }
}

/// Every column less its mean.
fn less_mean(frames: &Frames) -> Frames {
    let mut means = vec![0.0f64; frames.columns()];
    for row in frames.rows() {
        for (mean, &v) in means.iter_mut().zip(row) {
            *mean += f64::from(v);
        }
    }
    for mean in &mut means {
        *mean /= frames.len() as f64;
    }
    let data = frames
        .rows()
        .flat_map(|row| {
            row.iter()
                .zip(&means)
                .map(|(&v, mean)| (f64::from(v) - mean) as f32)
        })
        .collect();
    Frames::new(data, frames.columns())
}
