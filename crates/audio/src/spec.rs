//! From a recording to the features of a model, by settings that the model keeps.
//!
//! A [`FeatureSpec`] is written into every trained model, so that what it is
//! used with cannot differ from what it was trained on. It is a list of blocks
//! over one grid of rows:
//!
//! ```text
//! recording ─ resampled ─ trimmed ─ frames ─ rows of `average` frames
//!                                              │
//!            for each block, in order: measure ─ less its mean ─ deltas   columns
//!                                        └ functionals                    numbers
//! ```

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::error::AudioError;
use crate::mfcc::{
    FftLength, Floor, Framing, Log, MelNorm, MelScale, Mfcc, MfccConfig, Span, Zeroth,
};
use crate::resample::SAMPLE_RATES;
use crate::trim::TrimSettings;

mod block;
mod extract;
mod prosody;
mod rows;
mod source;
mod stream;

pub use block::{Columns, FeatureBlock, Measure, ProsodyConfig};
pub use extract::{FeatureExtractor, Features};
use source::at_block;
pub use stream::FeatureStream;

/// More frames than this are never averaged into one (5 s at a hop of 10 ms).
const AVERAGE_AT_MOST: usize = 500;
/// More blocks than this are a mistake.
const BLOCKS_AT_MOST: usize = 32;
/// More columns than this, deltas included, have no use.
const COLUMNS_AT_MOST: usize = 16_384;

/// Which features to extract, and from what.
///
/// In a file of settings, with the settings of `mfcc` left out here:
///
/// ```toml
/// sample_rate = 16000
/// average = 2
/// trim = { threshold_db = 35.0, margin = 0.1 }
/// mfcc = {}
///
/// [[blocks]]
/// measure = "mfcc"
/// deltas = 1
/// subtract_mean = "all"
///
/// [[blocks]]
/// measure = { prosody = {} }
/// subtract_mean = { named = ["prosody_level"] }
/// functionals = true
///
/// [[blocks]]
/// measure = { spectral = ["flatness", { roll_off = 0.85 }] }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureSpec {
    /// Recordings are resampled to this rate in Hz.
    pub sample_rate: u32,
    /// Silence before and after the speech is cut; `None` keeps it.
    pub trim: Option<TrimSettings>,
    /// The frames that every block stands on, and how the mel spectrum and the
    /// coefficients of [`Measure::Mfcc`] and [`Measure::LogMel`] are computed.
    pub mfcc: MfccConfig,
    /// Neighbouring frames averaged into one row, mel spectra in power before
    /// the logarithm; 1 is off.
    pub average: usize,
    /// What is measured, in the order of the columns.
    pub blocks: Vec<FeatureBlock>,
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
            average: 2,
            blocks: vec![FeatureBlock {
                subtract_mean: Columns::All,
                functionals: true,
                ..FeatureBlock::new(Measure::Mfcc)
            }],
        }
    }

    /// [`recommended`](Self::recommended) with prosody beside the MFCCs: 26
    /// columns, and 150 functionals, 30 of them of prosody and duration.
    pub fn emotion() -> Self {
        let mut spec = Self::recommended();
        spec.blocks.push(FeatureBlock {
            functionals: true,
            ..FeatureBlock::new(Measure::Prosody(ProsodyConfig::default()))
        });
        spec
    }

    /// The same without what no stream has: neither trimmed nor with
    /// functionals. Means stay, for
    /// [`FeatureStream::with_running_mean`] to stand in for.
    pub fn for_stream(mut self) -> Self {
        self.trim = None;
        for block in &mut self.blocks {
            block.functionals = false;
        }
        self
    }

    /// Checks all settings.
    ///
    /// # Errors
    ///
    /// [`AudioError::Settings`] naming the setting, its value and its bounds.
    pub fn validate(&self) -> Result<(), AudioError> {
        self.prepare().map(|_| ())
    }

    fn prepare(&self) -> Result<(Mfcc, source::Plan), AudioError> {
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
        if !(1..=AVERAGE_AT_MOST).contains(&self.average) {
            return Err(AudioError::settings(format!(
                "average is {}, it must be 1 (off) to {AVERAGE_AT_MOST}",
                self.average
            )));
        }
        let mfcc = Mfcc::new(&self.mfcc, self.sample_rate)?;
        self.validate_blocks()?;
        let plan = source::Plan::new(self, &mfcc)?;
        Ok((mfcc, plan))
    }

    /// What can be checked of the blocks before their tables are made.
    fn validate_blocks(&self) -> Result<(), AudioError> {
        if !(1..=BLOCKS_AT_MOST).contains(&self.blocks.len()) {
            return Err(AudioError::settings(format!(
                "blocks lists {} measures, it must be 1 to {BLOCKS_AT_MOST}",
                self.blocks.len()
            )));
        }
        for (i, block) in self.blocks.iter().enumerate() {
            self.validate_block(block)
                .map_err(|error| at_block(i, block, error))?;
        }
        let names = self.column_names();
        if names.len() > COLUMNS_AT_MOST {
            return Err(AudioError::settings(format!(
                "blocks give {} columns, they must be {COLUMNS_AT_MOST} at most",
                names.len()
            )));
        }
        let mut seen = HashSet::new();
        match names.iter().find(|name| !seen.insert(*name)) {
            Some(name) => Err(AudioError::settings(format!(
                "blocks give the column {name} twice, it must be in one of them only"
            ))),
            None => Ok(()),
        }
    }

    fn validate_block(&self, block: &FeatureBlock) -> Result<(), AudioError> {
        block.measure.validate(&self.mfcc, self.sample_rate)?;
        if block.deltas > 2 {
            return Err(AudioError::settings(format!(
                "deltas is {}, it must be 0, 1 or 2",
                block.deltas
            )));
        }
        if let Columns::Named(chosen) = &block.subtract_mean {
            let names = block.measure.column_names(&self.mfcc);
            if let Some(other) = chosen.iter().find(|name| !names.contains(name)) {
                return Err(AudioError::settings(format!(
                    "subtract_mean names {other:?}, it must be of the block's own columns, {}",
                    names.join(", ")
                )));
            }
        }
        Ok(())
    }

    /// Names of the columns of the frames, block after block, those of a block
    /// followed by their deltas: `mfcc_0` ..., `delta_mfcc_0` ...,
    /// `delta_delta_mfcc_0` ..., `prosody_log_f0` ... None is twice there.
    pub fn column_names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for block in &self.blocks {
            let base = block.measure.column_names(&self.mfcc);
            for order in 0..=block.deltas.min(2) {
                let prefix = "delta_".repeat(order);
                names.extend(base.iter().map(|name| format!("{prefix}{name}")));
            }
        }
        names
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.column_names().len()
    }

    /// Names of the functionals, block after block (`mfcc_0_mean`, ...), then
    /// `duration`, the seconds of trimmed speech. None if no block gives any.
    pub fn functional_names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for block in self.blocks.iter().filter(|block| block.functionals) {
            let base = block.measure.column_names(&self.mfcc);
            names.extend(block.measure.functional_names(&base));
        }
        if !names.is_empty() {
            names.push("duration".to_owned());
        }
        names
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
        FeatureExtractor::new(self)
    }
}
