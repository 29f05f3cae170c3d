//! What a feature specification is a list of.

use serde::{Deserialize, Serialize};

use super::prosody;
use crate::error::AudioError;
use crate::functionals::NAMES;
use crate::mfcc::MfccConfig;
use crate::spectral::{Chroma, SpectralConfig, SpectralFeature};
use crate::voice::{HarmonicityConfig, PitchConfig};

/// Windows by the floor of the pitch are at most this many samples long, so that
/// settings from a file cannot ask for gigabytes.
const LONGEST_WINDOW: f64 = (1 << 19) as f64;

/// A measure of every row and what becomes of it: some columns side by side.
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
    /// What is measured.
    pub measure: Measure,
    /// Orders of deltas beside its columns: 0, 1 or 2, by regression over two
    /// rows on either side ([`DeltaMethod::HTK`](crate::DeltaMethod::HTK)).
    #[serde(default)]
    pub deltas: usize,
    /// Columns that are given less their mean over the utterance. Of MFCCs that
    /// takes away microphone, room, and part of the speaker.
    #[serde(default)]
    pub subtract_mean: Columns,
    /// Statistics over the utterance, of the columns before their mean is
    /// subtracted: mean, deviation, percentiles 5, 50 and 95, and mean absolute
    /// difference of each; of prosody those of [`ProsodyConfig`].
    #[serde(default)]
    pub functionals: bool,
}

impl FeatureBlock {
    /// The measure as it is, without functionals.
    pub fn new(measure: Measure) -> Self {
        FeatureBlock {
            measure,
            deltas: 0,
            subtract_mean: Columns::None,
            functionals: false,
        }
    }
}

/// Some of a block's columns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Columns {
    /// None of them.
    #[default]
    None,
    /// All of them.
    All,
    /// Those of these names.
    Named(Vec<String>),
}

impl Columns {
    /// Which of the columns called `names` are meant.
    pub(super) fn among(&self, names: &[String]) -> Vec<bool> {
        let is_meant = |name| match self {
            Columns::None => false,
            Columns::All => true,
            Columns::Named(chosen) => chosen.contains(name),
        };
        names.iter().map(is_meant).collect()
    }
}

/// What is measured of every row.
///
/// A row is `average` frames of the [`FeatureSpec`](super::FeatureSpec) in a
/// row, its time the middle between the centres of the first and the last of
/// them. What is found at times of its own is taken at the time nearest to the
/// row's, and rows before the first or after the last of those have its value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Measure {
    /// The cepstral coefficients of the specification's `mfcc`, of the mean mel
    /// spectrum of the row's frames: `mfcc_0` ...
    Mfcc,
    /// The logarithm of that mean mel spectrum: `log_mel_0` ...
    LogMel,
    /// Pitch, voicing and level, as emotion is heard in them: six columns, see
    /// [`ProsodyConfig`].
    Prosody(ProsodyConfig),
    /// `pitch_hz`, 0 where unvoiced, and `pitch_voiced`, 1 or 0, of the nearest
    /// frame of [`Pitch::track`](crate::Pitch::track).
    Pitch(PitchConfig),
    /// `intensity_db`: what [`Intensity`](crate::Intensity) finds at the row's
    /// very time (its frames are as long as its floor asks), in dB re 2e-5,
    /// 0 at least. Near the ends of the recording the window is cut off.
    Intensity {
        /// Lowest pitch in Hz whose periods are smoothed over, see
        /// [`IntensityConfig`](crate::IntensityConfig).
        floor: f64,
    },
    /// The shape of the spectrum, over the frames and windows of `mfcc`: the
    /// mean of each measure over the row's frames.
    Spectral(Vec<SpectralFeature>),
    /// Energy by pitch class, likewise: `chroma_c` ...
    Chroma(Chroma),
    /// `harmonicity_db`: the harmonics-to-noise ratio in dB of the nearest
    /// frame of [`Harmonicity::track`](crate::Harmonicity::track); 0, as much
    /// noise as tone, where that has none.
    Harmonicity(HarmonicityConfig),
}

impl Measure {
    /// Its name in a file of settings.
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

    /// Checks what tables are not needed for.
    pub(super) fn validate(&self, mfcc: &MfccConfig, sample_rate: u32) -> Result<(), AudioError> {
        let spectral = |features: &[SpectralFeature]| {
            SpectralConfig {
                features: features.to_vec(),
                ..SpectralConfig::framed_like(mfcc)
            }
            .validate()
        };
        // Twice as many periods as in effect: the longest, a Gaussian.
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
            // Below 1 Hz is refused for itself.
            if floor >= 1.0 && floor < lowest {
                return Err(AudioError::settings(format!(
                    "floor is {floor} Hz, it must be at least {lowest} Hz for a window of \
                     {LONGEST_WINDOW} samples at most"
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

    /// Names of its columns, where frames are `mfcc`'s.
    pub(super) fn column_names(&self, mfcc: &MfccConfig) -> Vec<String> {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        match self {
            Measure::Mfcc => mfcc.column_names(),
            Measure::LogMel => (0..mfcc.n_mels).map(|n| format!("log_mel_{n}")).collect(),
            Measure::Prosody(_) => owned(&prosody::COLUMNS),
            Measure::Pitch(_) => owned(&["pitch_hz", "pitch_voiced"]),
            Measure::Intensity { .. } => owned(&["intensity_db"]),
            Measure::Spectral(features) => features.iter().flat_map(|f| f.names()).collect(),
            Measure::Chroma(chroma) => SpectralFeature::Chroma(*chroma).names(),
            Measure::Harmonicity(_) => owned(&["harmonicity_db"]),
        }
    }

    /// Names of its functionals, of columns called `columns`.
    pub(super) fn functional_names(&self, columns: &[String]) -> Vec<String> {
        match self {
            Measure::Prosody(_) => prosody::FUNCTIONALS
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

/// Prosody: six columns, and functionals of its own.
///
/// | column | what |
/// |---|---|
/// | `prosody_log_f0` | natural logarithm of F0 in Hz; on a straight line between voiced rows, held before the first and after the last |
/// | `prosody_log_f0_relative` | the same less its mean over voiced rows; 0 where unvoiced |
/// | `prosody_voiced` | 1 or 0 |
/// | `prosody_strength` | the autocorrelation at the period, 0 to 1; 0 where unvoiced |
/// | `prosody_level` | mean square of the samples under the row's frames in dB of full scale, -100 at least |
/// | `prosody_level_relative` | the same less the loudest row's, [`floor_db`](Self::floor_db) at least |
///
/// F0, voicing and strength are those of the nearest frame of
/// [`Pitch::track`](crate::Pitch::track). Where no row is voiced,
/// `prosody_log_f0` is that of the pitch range's geometric middle.
///
/// The functionals (`prosody_log_f0_mean` ...) are over rows. Of log F0, over
/// voiced rows, and of the level, over all:
///
/// | functional | what |
/// |---|---|
/// | `mean`, `deviation`, `p5`, `p50`, `p95` | as of any column |
/// | `range` | `p95` less `p5` |
/// | `mean_abs_slope`, `rising_slope`, `falling_slope` | means of the change between neighbouring rows a second: of its size, where it rises, where it falls; of F0 where both are voiced |
/// | `trend` | slope a second of the straight line that fits best (least squares) |
///
/// and then
///
/// | functional | what |
/// |---|---|
/// | `level_voiced_mean` | mean level of voiced rows, in dB; the mean of all where none is voiced |
/// | `voiced_share` | share of the rows that are voiced |
/// | `strength_mean`, `strength_deviation` | over voiced rows |
/// | `stretches_per_second` | runs of voiced rows a second |
/// | `stretch_mean`, `stretch_longest` | their length in seconds |
/// | `gap_mean` | mean length in seconds of the unvoiced runs between them |
/// | `syllables_per_second` | [`Syllables::speech_rate`](crate::Syllables::speech_rate), at its default settings |
///
/// What there is nothing to take from is 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProsodyConfig {
    /// How pitch is found.
    pub pitch: PitchConfig,
    /// Lowest value in dB of `prosody_level_relative`, below 0.
    pub floor_db: f64,
}

impl Default for ProsodyConfig {
    /// Praat's pitch; 50 dB below the loudest row.
    fn default() -> Self {
        ProsodyConfig {
            pitch: PitchConfig::default(),
            floor_db: -50.0,
        }
    }
}

impl ProsodyConfig {
    pub(super) fn validate(&self) -> Result<(), AudioError> {
        if (-300.0..0.0).contains(&self.floor_db) {
            Ok(())
        } else {
            Err(AudioError::settings(format!(
                "floor_db is {}, it must be -300 to below 0",
                self.floor_db
            )))
        }
    }
}
