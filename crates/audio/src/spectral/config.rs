//! Which measures of the spectrum's shape to take, and over which frames.

use serde::{Deserialize, Serialize};

use crate::error::AudioError;
use crate::mfcc::{FftLength, Framing, MfccConfig, Rounding, Span, Window};

/// The frames and the measures taken of each, in the order of the columns.
///
/// ```
/// use audio::{MfccConfig, SpectralConfig, SpectralFeature};
/// // The same rows as those of the MFCCs.
/// let config = SpectralConfig {
///     features: vec![SpectralFeature::Centroid, SpectralFeature::RollOff(0.95)],
///     ..SpectralConfig::framed_like(&MfccConfig::kaldi())
/// };
/// assert_eq!(config.column_names(), ["spectral_centroid", "spectral_roll_off_95"]);
/// # Ok::<(), audio::AudioError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpectralConfig {
    /// Length of the window.
    pub window_length: Span,
    /// Distance between the starts of two frames.
    pub hop_length: Span,
    /// How spans in milliseconds become samples.
    pub rounding: Rounding,
    /// Where frames lie and what happens at the ends.
    pub framing: Framing,
    /// Shape of the window.
    pub window: Window,
    /// Whether the window is that of the FFT (period `window_length`) or
    /// symmetric (period `window_length - 1`).
    pub window_periodic: bool,
    /// Length of the Fourier transform.
    pub n_fft: FftLength,
    /// What to measure, in the order of the columns.
    pub features: Vec<SpectralFeature>,
}

/// A measure of a frame. `x` are its samples, `S` the magnitudes of its windowed
/// spectrum, `f` the frequencies of the bins in Hz.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SpectralFeature {
    /// Sign changes within the window divided by its length, 0 to 1. Values within
    /// 1e-10 of 0 count as positive. Padding does not count, only samples of the
    /// recording (`librosa.feature.zero_crossing_rate`).
    ZeroCrossingRate,
    /// Level, `10 log10(mean x^2)` of the samples before the window is applied, in
    /// dB of full scale, at least -100
    /// (`librosa.feature.rms` and `amplitude_to_db(amin=1e-5, top_db=None)`).
    Rms,
    /// Centre of gravity of the spectrum, `sum f S / sum S`, in Hz
    /// (`librosa.feature.spectral_centroid`). 0 in silence.
    Centroid,
    /// Standard deviation about the centroid `c`, `sqrt(sum (f - c)^2 S / sum S)`, in Hz
    /// (`librosa.feature.spectral_bandwidth`). 0 in silence.
    Bandwidth,
    /// The frequency in Hz below which this share of `sum S` lies
    /// (`librosa.feature.spectral_rolloff`; its default share is 0.85). 0 in
    /// silence.
    RollOff(f64),
    /// Geometric mean of `max(S^2, 1e-10)` divided by its arithmetic mean: near 1
    /// for noise (and silence), near 0 for a tone
    /// (`librosa.feature.spectral_flatness`).
    Flatness,
    /// How much the shape of the spectrum changed since the previous frame: the
    /// Euclidean distance between the magnitudes of the two frames, each scaled to
    /// unit length. From 0 to sqrt 2, independent of the level and the length of
    /// the FFT; 1 from silence to sound; 0 for the first frame.
    ///
    /// This is the square root of the flux of [Tzanetakis and Cook 2002](https://doi.org/10.1109/TSA.2002.800560),
    /// equation 4. It is not librosa's onset strength, which sums the rises of mel
    /// bands in dB.
    Flux,
    /// Energy by pitch class.
    Chroma(Chroma),
}

/// Energy by pitch class: all octaves folded onto one, with the filter bank of
/// `librosa.feature.chroma_stft` (after
/// [Ellis 2007](https://www.ee.columbia.edu/~dpwe/resources/matlab/chroma-ansyn/)).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Chroma {
    /// Classes per octave; 12 are semitones.
    pub n_chroma: usize,
    /// Deviation from A4 = 440 Hz in classes. librosa estimates it from the clip
    /// by default; here it is a setting, so that a frame's features do not depend
    /// on the rest of the clip.
    pub tuning: f64,
    /// Centre of the octaves with the most weight, in octaves above 27.5 Hz.
    pub ctroct: f64,
    /// Width of the Gaussian about that centre in octaves; `None` gives all octaves
    /// the same weight.
    pub octwidth: Option<f64>,
    /// The norm that a frame's classes are divided by.
    pub norm: ChromaNorm,
    /// Whether the first class is C; otherwise it is A.
    pub base_c: bool,
}

impl Default for Chroma {
    /// librosa's settings, with tuning 0.
    fn default() -> Self {
        Chroma {
            n_chroma: 12,
            tuning: 0.0,
            ctroct: 5.0,
            octwidth: Some(2.0),
            norm: ChromaNorm::Max,
            base_c: true,
        }
    }
}

/// The norm that a frame's classes are divided by; silence stays 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ChromaNorm {
    /// No division: sums of power.
    None,
    /// The largest class (librosa's `norm=inf`).
    Max,
    /// The sum of the classes (`norm=1`).
    Sum,
    /// The root of the sum of their squares (`norm=2`).
    Length,
}

/// The most classes per octave.
const MOST_CHROMA: usize = 1200;
/// The most measures in a list.
const MOST_FEATURES: usize = 64;

impl SpectralConfig {
    /// All measures over librosa's frames: 2048 samples every 512, centred.
    pub fn librosa() -> Self {
        Self::framed_like(&MfccConfig::librosa())
    }

    /// All measures over the same frames as these MFCCs: the same framing, window
    /// and transform.
    pub fn framed_like(mfcc: &MfccConfig) -> Self {
        SpectralConfig {
            window_length: mfcc.window_length,
            hop_length: mfcc.hop_length,
            rounding: mfcc.rounding,
            framing: mfcc.framing,
            window: mfcc.window,
            window_periodic: mfcc.window_periodic,
            n_fft: mfcc.n_fft,
            features: vec![
                SpectralFeature::ZeroCrossingRate,
                SpectralFeature::Rms,
                SpectralFeature::Centroid,
                SpectralFeature::Bandwidth,
                SpectralFeature::RollOff(0.85),
                SpectralFeature::Flatness,
                SpectralFeature::Flux,
                SpectralFeature::Chroma(Chroma::default()),
            ],
        }
    }

    /// MFCC settings with these frames, whose rules are the same.
    pub(super) fn frames(&self) -> MfccConfig {
        MfccConfig {
            window_length: self.window_length,
            hop_length: self.hop_length,
            rounding: self.rounding,
            framing: self.framing,
            window: self.window,
            window_periodic: self.window_periodic,
            n_fft: self.n_fft,
            ..MfccConfig::librosa()
        }
    }

    /// Checks everything that does not depend on the sample rate.
    ///
    /// # Errors
    ///
    /// [`AudioError::Settings`] naming the setting, its value and the allowed range.
    pub fn validate(&self) -> Result<(), AudioError> {
        let wrong = |what: String| Err(AudioError::settings(what));
        self.frames().validate()?;
        if !(1..=MOST_FEATURES).contains(&self.features.len()) {
            return wrong(format!(
                "features lists {} measures, it must be 1 to {MOST_FEATURES}",
                self.features.len()
            ));
        }
        for (i, feature) in self.features.iter().enumerate() {
            match feature {
                SpectralFeature::RollOff(share) if !(*share > 0.0 && *share < 1.0) => {
                    return wrong(format!("roll_off is {share}, it must be between 0 and 1"));
                }
                SpectralFeature::Chroma(chroma) => chroma.validate()?,
                _ => {}
            }
            let names = feature.names();
            if self.features[..i].iter().any(|f| f.names() == names) {
                return wrong(format!("features lists {} twice", names[0]));
            }
        }
        Ok(())
    }

    /// Names of the columns.
    pub fn column_names(&self) -> Vec<String> {
        self.features.iter().flat_map(|f| f.names()).collect()
    }
}

impl SpectralFeature {
    /// Number of columns.
    pub(crate) fn columns(&self) -> usize {
        match self {
            SpectralFeature::Chroma(chroma) => chroma.n_chroma,
            _ => 1,
        }
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let one = |name: &str| vec![name.to_owned()];
        match self {
            SpectralFeature::ZeroCrossingRate => one("zero_crossing_rate"),
            SpectralFeature::Rms => one("rms_db"),
            SpectralFeature::Centroid => one("spectral_centroid"),
            SpectralFeature::Bandwidth => one("spectral_bandwidth"),
            SpectralFeature::RollOff(share) => {
                // 0.85 is 85, not 85.00000001; 0.995 is 99.5.
                let percent = (share * 1e6).round() / 1e4;
                vec![format!("spectral_roll_off_{percent}")]
            }
            SpectralFeature::Flatness => one("spectral_flatness"),
            SpectralFeature::Flux => one("spectral_flux"),
            SpectralFeature::Chroma(chroma) => chroma.names(),
        }
    }
}

impl Chroma {
    fn validate(&self) -> Result<(), AudioError> {
        let check = |ok: bool, what: String| {
            if ok {
                Ok(())
            } else {
                Err(AudioError::settings(what))
            }
        };
        check(
            (1..=MOST_CHROMA).contains(&self.n_chroma),
            format!(
                "n_chroma is {}, it must be 1 to {MOST_CHROMA}",
                self.n_chroma
            ),
        )?;
        check(
            self.tuning.is_finite() && self.tuning.abs() <= self.n_chroma as f64,
            format!(
                "tuning is {} classes, it must be within an octave",
                self.tuning
            ),
        )?;
        check(
            self.ctroct.is_finite() && (0.0..=20.0).contains(&self.ctroct),
            format!("ctroct is {}, it must be 0 to 20 octaves", self.ctroct),
        )?;
        check(
            self.octwidth.is_none_or(|w| w.is_finite() && w >= 0.01),
            format!(
                "octwidth is {:?}, it must be 0.01 octaves or more",
                self.octwidth
            ),
        )
    }

    fn names(&self) -> Vec<String> {
        const CLASSES: [&str; 12] = [
            "c", "c_sharp", "d", "d_sharp", "e", "f", "f_sharp", "g", "g_sharp", "a", "a_sharp",
            "b",
        ];
        let first = if self.base_c { 0 } else { 9 };
        (0..self.n_chroma)
            .map(|i| match self.n_chroma {
                12 => format!("chroma_{}", CLASSES[(first + i) % 12]),
                _ => format!("chroma_{i}"),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_stored_and_unknown_ones_are_refused() {
        let config = SpectralConfig::librosa();
        let text = serde_json::to_string(&config).unwrap();
        let back: SpectralConfig = serde_json::from_str(&text).unwrap();
        assert_eq!(back, config);
        let short = r#"{"chroma": {"n_chroma": 24}}"#;
        let chroma: SpectralFeature = serde_json::from_str(short).unwrap();
        assert_eq!(chroma.columns(), 24);
        assert!(serde_json::from_str::<SpectralFeature>(r#"{"chroma": {"nchroma": 24}}"#).is_err());
        assert!(serde_json::from_str::<SpectralFeature>(r#""centroyd""#).is_err());
    }

    #[test]
    fn every_column_has_one_name_of_its_own() {
        let names = SpectralConfig::librosa().column_names();
        assert_eq!(names.len(), 19);
        assert_eq!(names[4], "spectral_roll_off_85");
        assert_eq!(names[7..10], ["chroma_c", "chroma_c_sharp", "chroma_d"]);
        let mut sorted = names.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(sorted.len(), names.len());
    }

    #[test]
    fn invalid_settings_are_refused_by_name() {
        let with = |features: Vec<SpectralFeature>| {
            let config = SpectralConfig {
                features,
                ..SpectralConfig::librosa()
            };
            config.validate().err().map(|e| e.to_string())
        };
        use SpectralFeature as F;
        assert_eq!(with(vec![F::RollOff(0.5), F::RollOff(0.85)]), None);
        for (features, what) in [
            (vec![], "features lists 0"),
            (vec![F::Flux, F::Rms, F::Flux], "spectral_flux twice"),
            (vec![F::RollOff(1.0)], "roll_off is 1,"),
            (vec![F::RollOff(f64::NAN)], "roll_off is NaN"),
            (
                vec![F::Chroma(Chroma {
                    n_chroma: 0,
                    ..Chroma::default()
                })],
                "n_chroma is 0",
            ),
            (
                vec![F::Chroma(Chroma {
                    octwidth: Some(0.0),
                    ..Chroma::default()
                })],
                "octwidth is Some(0.0)",
            ),
        ] {
            let message = with(features).expect(what);
            assert!(message.contains(what), "{message}");
        }
        let config = SpectralConfig {
            hop_length: Span::Samples(0),
            ..SpectralConfig::librosa()
        };
        assert!(
            config
                .validate()
                .unwrap_err()
                .to_string()
                .contains("hop_length")
        );
    }
}
