//! The blocks of a feature specification: a measure and what is done with it.

use serde::{Deserialize, Serialize};

use super::prosody_config::{self, ProsodyConfig};
use crate::error::AudioError;
use crate::functionals::NAMES;
use crate::mfcc::MfccConfig;
use crate::spectral::{Chroma, SpectralConfig, SpectralFeature};
use crate::voice::{HarmonicityConfig, PitchConfig};

/// The most samples in a window whose length follows from the pitch floor, so that
/// settings from a file cannot ask for gigabytes.
const LONGEST_WINDOW: f64 = (1 << 19) as f64;

/// A measure of every row and what is done with it: one or more columns.
///
/// ```
/// use audio::{FeatureBlock, FeatureSpec, Measure, SpectralFeature};
/// let mut spec = FeatureSpec::recommended();
/// spec.blocks.push(FeatureBlock {
///     deltas: 1,
///     ..FeatureBlock::new(Measure::Spectral(vec![SpectralFeature::Flatness]))
/// });
/// let names = spec.column_names();
/// assert_eq!(names[20..], ["spectral_flatness", "delta_spectral_flatness"]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureBlock {
    /// The measure.
    pub measure: Measure,
    /// Orders of deltas after its columns: 0, 1 or 2, by regression over two rows
    /// on either side ([`DeltaMethod::HTK`](crate::DeltaMethod::HTK)).
    #[serde(default)]
    pub deltas: usize,
    /// Columns from which their mean over the utterance is subtracted. For MFCCs
    /// that removes the microphone, the room, and part of the speaker.
    #[serde(default)]
    pub subtract_mean: Columns,
    /// Whether statistics over the utterance are computed, of the columns before
    /// their mean is subtracted: mean, standard deviation, percentiles 5, 50 and 95,
    /// and mean absolute difference of each; for prosody those of [`ProsodyConfig`].
    #[serde(default)]
    pub functionals: bool,
}

impl FeatureBlock {
    /// The measure alone: no deltas, no mean subtracted, no functionals.
    pub fn new(measure: Measure) -> Self {
        FeatureBlock {
            measure,
            deltas: 0,
            subtract_mean: Columns::None,
            functionals: false,
        }
    }

    /// An error in the settings of this block, number `i`, with its place.
    pub(super) fn locate(&self, i: usize, error: AudioError) -> AudioError {
        match error {
            AudioError::Settings { what } => {
                AudioError::settings(format!("blocks[{i}] ({}): {what}", self.measure.name()))
            }
            other => other,
        }
    }
}

/// A selection of a block's columns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Columns {
    /// No column.
    #[default]
    None,
    /// All columns.
    All,
    /// The columns with these names.
    Named(Vec<String>),
}

impl Columns {
    /// For each of the columns `names`, whether it is selected.
    pub(super) fn among(&self, names: &[String]) -> Vec<bool> {
        let is_selected = |name| match self {
            Columns::None => false,
            Columns::All => true,
            Columns::Named(chosen) => chosen.contains(name),
        };
        names.iter().map(is_selected).collect()
    }
}

/// What is measured of every row.
///
/// A row is `average` consecutive frames of the [`FeatureSpec`](super::FeatureSpec).
/// Its time is the middle between the centres of the first and the last of them.
/// Measures that have frames of their own (pitch, harmonicity) are taken from the
/// frame nearest to that time; rows before their first frame or after their last
/// take that frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Measure {
    /// The cepstral coefficients of the mean mel spectrum of the row's frames, by
    /// the specification's `mfcc`: `mfcc_0` ...
    Mfcc,
    /// The logarithm of that mean mel spectrum: `log_mel_0` ...
    LogMel,
    /// Pitch, voicing and level, which carry emotion: six columns, see
    /// [`ProsodyConfig`].
    Prosody(ProsodyConfig),
    /// `pitch_hz`, 0 if unvoiced, and `pitch_voiced`, 1 or 0, of the nearest frame
    /// of [`Pitch::track`](crate::Pitch::track).
    Pitch(PitchConfig),
    /// `intensity_db`: the [`Intensity`](crate::Intensity) at exactly the row's time
    /// (over a window whose length follows from its floor), in dB re 2e-5, at least
    /// 0. At the ends of the recording the window is cut off.
    Intensity {
        /// Lowest pitch in Hz whose periods are smoothed out, see
        /// [`IntensityConfig`](crate::IntensityConfig).
        floor: f64,
    },
    /// The shape of the spectrum, over the frames and windows of `mfcc`: the mean of
    /// each measure over the row's frames.
    Spectral(Vec<SpectralFeature>),
    /// Energy by pitch class, averaged in the same way: `chroma_c` ...
    Chroma(Chroma),
    /// `harmonicity_db`: the harmonics-to-noise ratio in dB of the nearest frame of
    /// [`Harmonicity::track`](crate::Harmonicity::track); 0 (as much noise as tone)
    /// if that frame has none.
    Harmonicity(HarmonicityConfig),
}

impl Measure {
    /// Its name in a settings file.
    pub fn name(&self) -> &'static str {
        match self {
            Measure::Mfcc => "mfcc",
            Measure::LogMel => "log_mel",
            Measure::Prosody(_) => "prosody",
            Measure::Pitch(_) => "pitch",
            Measure::Intensity { .. } => "intensity",
            Measure::Spectral(_) => "spectral",
            Measure::Chroma(_) => "chroma",
            Measure::Harmonicity(_) => "harmonicity",
        }
    }

    /// Checks everything that needs no tables.
    pub(super) fn validate(&self, mfcc: &MfccConfig, sample_rate: u32) -> Result<(), AudioError> {
        let spectral = |features: &[SpectralFeature]| {
            SpectralConfig {
                features: features.to_vec(),
                ..SpectralConfig::framed_like(mfcc)
            }
            .validate()
        };
        // The longest window that the measure can have: a Gaussian, twice as long
        // as its effective length.
        let window = match self {
            Measure::Prosody(ProsodyConfig { pitch, .. }) | Measure::Pitch(pitch) => {
                Some((6.0, pitch.floor))
            }
            Measure::Intensity { floor } => Some((6.4, *floor)),
            Measure::Harmonicity(config) => Some((2.0 * config.periods, config.floor)),
            _ => None,
        };
        if let Some((periods, floor)) = window {
            let lowest = periods * f64::from(sample_rate) / LONGEST_WINDOW;
            // A floor below 1 Hz is refused elsewhere.
            if floor >= 1.0 && floor < lowest {
                return Err(AudioError::settings(format!(
                    "floor is {floor} Hz, it must be at least {lowest} Hz so that the window has \
                     at most {LONGEST_WINDOW} samples"
                )));
            }
        }
        match self {
            Measure::Prosody(config) => config.validate(),
            Measure::Spectral(features) => spectral(features),
            Measure::Chroma(chroma) => spectral(&[SpectralFeature::Chroma(*chroma)]),
            _ => Ok(()),
        }
    }

    /// Names of its columns over the frames of `mfcc`.
    pub(super) fn column_names(&self, mfcc: &MfccConfig) -> Vec<String> {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        match self {
            Measure::Mfcc => mfcc.column_names(),
            Measure::LogMel => (0..mfcc.n_mels).map(|n| format!("log_mel_{n}")).collect(),
            Measure::Prosody(_) => owned(&prosody_config::COLUMNS),
            Measure::Pitch(_) => owned(&["pitch_hz", "pitch_voiced"]),
            Measure::Intensity { .. } => owned(&["intensity_db"]),
            Measure::Spectral(features) => features.iter().flat_map(|f| f.names()).collect(),
            Measure::Chroma(chroma) => SpectralFeature::Chroma(*chroma).names(),
            Measure::Harmonicity(_) => owned(&["harmonicity_db"]),
        }
    }

    /// Names of its functionals, given the names of its columns.
    pub(super) fn functional_names(&self, columns: &[String]) -> Vec<String> {
        match self {
            Measure::Prosody(_) => prosody_config::FUNCTIONALS
                .iter()
                .map(|name| format!("prosody_{name}"))
                .collect(),
            _ => columns
                .iter()
                .flat_map(|column| NAMES.iter().map(move |name| format!("{column}_{name}")))
                .collect(),
        }
    }
}
