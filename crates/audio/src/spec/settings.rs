//! The specification of features, its presets and its names.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::block::{Columns, FeatureBlock, Measure};
use super::prosody_config::ProsodyConfig;
use crate::error::AudioError;
use crate::mfcc::{FftLength, Floor, Framing, Log, MelNorm, MelScale, MfccConfig, Span, Zeroth};
use crate::recording::SAMPLE_RATES;
use crate::speech::SpeechLevel;
use crate::trim::TrimSettings;

/// The most frames averaged into one row (5 s at a hop of 10 ms).
const AVERAGE_AT_MOST: usize = 500;
/// The most blocks.
const BLOCKS_AT_MOST: usize = 32;
/// The most columns, deltas included.
const COLUMNS_AT_MOST: usize = 16_384;

/// Which features to extract, and from what.
///
/// As TOML (the settings of `mfcc` are left out here):
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
    /// How silence before and after the speech is cut; `None` keeps it.
    pub trim: Option<TrimSettings>,
    /// The level that speech is brought to before the blocks are computed, so that
    /// they do not depend on the recording's gain. What is before and after the
    /// speech is cut; `trim` must be unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<SpeechLevel>,
    /// The frames that all blocks share, and the settings of [`Measure::Mfcc`] and
    /// [`Measure::LogMel`].
    pub mfcc: MfccConfig,
    /// Number of consecutive frames averaged into one row (of mel spectra the
    /// power, before the logarithm); 1 is off.
    pub average: usize,
    /// The measures, in the order of the columns. They may be left out where there
    /// is an `encoder`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<FeatureBlock>,
    /// The input of a pretrained speech encoder. It has rows of its own, of speech
    /// alone, and is taken from the recording as it is, without `trim`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoder: Option<SpeechLevel>,
    /// Whether the encoder's input is also the frames, instead of `blocks`: 40 columns,
    /// for networks that are to read what the encoder reads.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub speech_frames: bool,
}

impl Default for FeatureSpec {
    fn default() -> Self {
        Self::recommended()
    }
}

impl FeatureSpec {
    /// The MFCC features that did best in trials on acted emotional speech: 16 kHz;
    /// trimmed at 35 dB with 0.1 s of margin; 80 HTK mel bands from 20 to 8000 Hz
    /// over windows of 25 ms; natural logarithm with floor 1e-6; pairs of frames
    /// averaged to one row every 20 ms; MFCC 0 to 19 minus their mean; and their
    /// statistics.
    ///
    /// Frames lie entirely within the recording (not centred), so that a stream
    /// gives the same frames.
    pub fn recommended() -> Self {
        FeatureSpec {
            sample_rate: 16_000,
            trim: Some(TrimSettings::default()),
            level: None,
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
            encoder: None,
            speech_frames: false,
        }
    }

    /// [`recommended`](Self::recommended) with prosody added to the MFCCs: 26
    /// columns and 150 functionals, 30 of them for prosody and duration.
    pub fn emotion() -> Self {
        let mut spec = Self::recommended();
        spec.blocks.push(FeatureBlock {
            functionals: true,
            ..FeatureBlock::new(Measure::Prosody(ProsodyConfig::default()))
        });
        spec
    }

    /// The input of the pretrained speech encoder, and nothing else.
    pub fn encoder() -> Self {
        FeatureSpec {
            trim: None,
            blocks: Vec::new(),
            encoder: Some(SpeechLevel::default()),
            ..Self::recommended()
        }
    }

    /// The same with the encoder's input as frames, for fine-tuning the encoder.
    pub fn speech() -> Self {
        FeatureSpec {
            speech_frames: true,
            ..Self::encoder()
        }
    }

    /// The same features without what a stream cannot compute: no trimming and no
    /// functionals. Means are kept; use
    /// [`FeatureStream::with_running_mean`](super::FeatureStream::with_running_mean)
    /// for them.
    pub fn for_stream(mut self) -> Self {
        self.trim = None;
        self.level = None;
        for block in &mut self.blocks {
            block.functionals = false;
        }
        self
    }

    /// Checks everything that can be checked without preparing tables.
    pub(super) fn check(&self) -> Result<(), AudioError> {
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
        for level in self.level.iter().chain(&self.encoder) {
            level.validate(self.sample_rate)?;
        }
        if self.level.is_some() && self.trim.is_some() {
            return Err(AudioError::settings(
                "trim and level are both set, and level cuts silence too; set trim to none",
            ));
        }
        if !(1..=AVERAGE_AT_MOST).contains(&self.average) {
            return Err(AudioError::settings(format!(
                "average is {}, it must be 1 (off) to {AVERAGE_AT_MOST}",
                self.average
            )));
        }
        Ok(())
    }

    /// Checks the blocks as far as possible without preparing tables.
    pub(super) fn check_blocks(&self) -> Result<(), AudioError> {
        if self.speech_frames && (self.encoder.is_none() || !self.blocks.is_empty()) {
            return Err(AudioError::settings(
                "speech_frames takes the encoder's input as frames, so there must be an encoder \
                 and no blocks",
            ));
        }
        let least = usize::from(self.encoder.is_none());
        if !(least..=BLOCKS_AT_MOST).contains(&self.blocks.len()) {
            return Err(AudioError::settings(format!(
                "blocks lists {} measures, it must be {least} to {BLOCKS_AT_MOST}",
                self.blocks.len()
            )));
        }
        for (i, block) in self.blocks.iter().enumerate() {
            self.check_block(block)
                .map_err(|error| block.locate(i, error))?;
        }
        let names = self.column_names();
        if names.len() > COLUMNS_AT_MOST {
            return Err(AudioError::settings(format!(
                "the blocks have {} columns, the most allowed is {COLUMNS_AT_MOST}",
                names.len()
            )));
        }
        let mut seen = HashSet::new();
        match names.iter().find(|name| !seen.insert(*name)) {
            Some(name) => Err(AudioError::settings(format!(
                "the blocks have the column {name} twice, each column must be in one block only"
            ))),
            None => Ok(()),
        }
    }

    fn check_block(&self, block: &FeatureBlock) -> Result<(), AudioError> {
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
                    "subtract_mean names {other:?}, which is not a column of the block; its columns are {}",
                    names.join(", ")
                )));
            }
        }
        Ok(())
    }

    /// Names of the columns of the frames, block by block, those of a block followed
    /// by their deltas: `mfcc_0` ..., `delta_mfcc_0` ..., `delta_delta_mfcc_0` ...,
    /// `prosody_log_f0` ... Names are unique.
    pub fn column_names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for block in &self.blocks {
            let base = block.measure.column_names(&self.mfcc);
            for order in 0..=block.deltas.min(2) {
                let prefix = "delta_".repeat(order);
                names.extend(base.iter().map(|name| format!("{prefix}{name}")));
            }
        }
        if self.speech_frames {
            names.extend((0..SpeechLevel::COLUMNS).map(|band| format!("speech_mel_{band}")));
        }
        names
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.column_names().len()
    }

    /// Names of the functionals, block by block (`mfcc_0_mean`, ...), then
    /// `duration`, the seconds of trimmed speech. Empty if no block has functionals.
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

    /// Seconds from one row to the next.
    pub fn frame_period(&self) -> f64 {
        let hop = self
            .mfcc
            .hop_length
            .samples(self.sample_rate, self.mfcc.rounding);
        (hop * self.average) as f64 / f64::from(self.sample_rate.max(1))
    }
}
