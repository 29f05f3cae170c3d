//! Every difference between MFCC implementations, as a setting.

use serde::{Deserialize, Serialize};

use crate::error::AudioError;

/// Settings of an MFCC computation, in the order in which they apply:
/// samples, frames, window, power spectrum, mel bands, logarithm, cosine
/// transform, lifter.
///
/// Start from a preset ([`librosa`](Self::librosa),
/// [`torchaudio`](Self::torchaudio), [`kaldi`](Self::kaldi),
/// [`python_speech_features`](Self::python_speech_features),
/// [`htk`](Self::htk)) and change what you need:
///
/// ```
/// use audio::{MfccConfig, Span};
/// let config = MfccConfig {
///     hop_length: Span::Samples(160),
///     n_mfcc: 13,
///     ..MfccConfig::librosa()
/// };
/// config.validate()?;
/// # Ok::<(), audio::AudioError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MfccConfig {
    /// Samples are multiplied by this first. 32768 gives the numbers of tools
    /// that work on 16-bit integers.
    pub input_scale: f64,
    /// Length of the window.
    pub window_length: Span,
    /// Distance between the starts of two frames.
    pub hop_length: Span,
    /// How spans in milliseconds become samples.
    pub rounding: Rounding,
    /// Where frames lie and what happens at the ends.
    pub framing: Framing,
    /// Whether each frame's mean is subtracted.
    pub remove_dc: bool,
    /// High-pass before the window.
    pub pre_emphasis: PreEmphasis,
    /// Shape of the window.
    pub window: Window,
    /// Whether the window is that of the FFT (period `window_length`) or
    /// symmetric (period `window_length - 1`).
    pub window_periodic: bool,
    /// Length of the Fourier transform.
    pub n_fft: FftLength,
    /// The values summed over a band.
    pub spectrum: Spectrum,
    /// Number of mel bands.
    pub n_mels: usize,
    /// Lower edge of the lowest band in Hz.
    pub f_min: f64,
    /// Upper edge of the highest band in Hz; `None` is half the sample rate. More than
    /// that is an error, but for [`MelShape::OpenSmile`] the same as `None`.
    pub f_max: Option<f64>,
    /// Vocal tract length perturbation: frequencies are warped by this factor
    /// before the bands are placed, 0.5 to 2; 1 is off. At 1.1 a band lies 10 %
    /// higher, and a voice looks 10 % lower, as from a longer vocal tract. The
    /// warp is that of [Jaitly and Hinton
    /// 2013](https://www.cs.toronto.edu/~hinton/absps/perturb.pdf), who draw the
    /// factor from 0.9 to 1.1 to enlarge a training set. It is linear up to
    /// 4.8 kHz (or 0.6 of half the sample rate if that is less), and linear from
    /// there to half the sample rate, which is not moved.
    #[serde(default = "no_warp")]
    pub warp: f64,
    /// The mel scale.
    pub mel_scale: MelScale,
    /// Shape of the bands.
    pub mel_shape: MelShape,
    /// Height of the bands.
    pub mel_norm: MelNorm,
    /// Unit of the logarithm.
    pub log: Log,
    /// How the logarithm is kept finite.
    pub floor: Floor,
    /// Raises all values to at least this many dB (or nepers) below the maximum
    /// of the whole clip. Because it depends on the whole clip, streams refuse it.
    pub top_db: Option<f64>,
    /// Number of coefficients, including the zeroth (unless it is dropped).
    pub n_mfcc: usize,
    /// Scaling of the cosine transform.
    pub dct_norm: DctNorm,
    /// Weights of the coefficients.
    pub lifter: Lifter,
    /// What the zeroth coefficient is.
    pub zeroth: Zeroth,
    /// Whether the zeroth coefficient comes after the others, as in HTK.
    pub zeroth_last: bool,
}

/// For settings saved before `warp` existed.
fn no_warp() -> f64 {
    1.0
}

/// A length of time, fixed in samples or in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Span {
    /// The same number of samples at every rate.
    Samples(usize),
    /// The same time at every rate.
    Milliseconds(f64),
}

/// How milliseconds become whole samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Rounding {
    /// Towards zero (Kaldi).
    Truncate,
    /// To the nearest integer, halves up (python_speech_features, openSMILE).
    HalfUp,
}

impl Span {
    /// The span in samples at `sample_rate` Hz.
    pub fn samples(self, sample_rate: u32, rounding: Rounding) -> usize {
        match self {
            Span::Samples(n) => n,
            Span::Milliseconds(ms) => {
                // Kaldi multiplies in this order (0.001 in double precision),
                // which decides how exact halves are rounded.
                let exact = f64::from(sample_rate) * 0.001 * ms;
                match rounding {
                    // The product may be slightly below the exact whole number.
                    Rounding::Truncate => (exact + 1e-9) as usize,
                    Rounding::HalfUp => (exact + 0.5 + 1e-9) as usize,
                }
            }
        }
    }
}

/// Where frames lie. `n` samples, hop `s`, window `l`, transform `n_fft`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Framing {
    /// Frame `t` is centred on sample `t s`, with zeros beyond the ends:
    /// `1 + n/s` frames (librosa, `center=True`).
    CenteredZero,
    /// The same with the signal mirrored at its ends without repeating the end
    /// sample (torchaudio).
    CenteredReflect,
    /// Frame `t` starts at sample `t s`, is `n_fft` long with the window in its
    /// middle, and lies entirely within the signal: `1 + (n - n_fft)/s` frames
    /// (librosa and torchaudio, `center=False`).
    WholeTransform,
    /// Window `t` starts at sample `t s` and lies entirely within the signal:
    /// `1 + (n - l)/s` frames (Kaldi with `snip_edges`, HTK).
    WholeWindow,
    /// Window `t` is centred on sample `(t + 1/2) s`; the signal is mirrored
    /// with the end sample repeated: `(n + s/2)/s` frames (Kaldi without `snip_edges`).
    Mirrored,
    /// Window `t` starts at sample `t s`, and the last one is padded with zeros:
    /// `1 + ceil((n - l)/s)` frames (python_speech_features).
    PaddedTail,
}

/// First-order high-pass `y[i] = x[i] - k x[i-1]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PreEmphasis {
    /// None.
    Off,
    /// Inside each frame; its first sample becomes `(1 - k) x[0]` (Kaldi, HTK).
    PerFrame(f64),
    /// Over the whole signal; its first sample is unchanged (python_speech_features).
    Signal(f64),
}

/// Window shapes; `x` runs from 0 to 1 over the period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Window {
    /// 1.
    Rectangular,
    /// `0.5 - 0.5 cos(2 pi x)`.
    Hann,
    /// `0.54 - 0.46 cos(2 pi x)`.
    Hamming,
    /// `(0.5 - 0.5 cos(2 pi x))^0.85` (Kaldi).
    Povey,
    /// `0.42 - 0.5 cos(2 pi x) + 0.08 cos(4 pi x)`.
    Blackman,
}

/// Length of the Fourier transform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FftLength {
    /// This many points, at least the length of the window.
    Samples(usize),
    /// The smallest power of two that holds the window.
    PowerOfTwo,
    /// This many points; a window that is longer is cut to its first so many samples,
    /// as `numpy.fft.rfft(frame, n)` does.
    Cut(usize),
}

/// The values summed over a band.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Spectrum {
    /// `|X|^2`.
    Power,
    /// `|X|^2 / n_fft` (python_speech_features).
    PowerPerPoint,
    /// `|X|`.
    Magnitude,
}

/// Mel scales.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MelScale {
    /// `2595 log10(1 + f/700)`. `1127 ln(1 + f/700)` gives the same bands, since
    /// the factor cancels.
    Htk,
    /// Linear below 1 kHz, logarithmic above (Slaney's Auditory Toolbox).
    Slaney,
}

/// Shape of the mel bands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MelShape {
    /// Triangles over frequency (librosa, torchaudio).
    LinearInHertz,
    /// Triangles over mel (Kaldi, HTK).
    LinearInMel,
    /// Triangles over mel as openSMILE computes them. Bin `k` is assumed to lie at
    /// `k b` Hz, where `b` follows from the length of the window in milliseconds
    /// before it is rounded to samples; only bins strictly between
    /// `round(f_min / b)` and `round(f_max / b)` count. At 16 and 32 kHz this
    /// makes no difference.
    OpenSmile,
    /// Triangles between whole bins, `floor((n_fft + 1) f / rate)` (python_speech_features).
    WholeBins,
}

/// Height of the mel bands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MelNorm {
    /// Peak 1.
    Peak,
    /// Area 1 over Hz: `2 / (right - left)` (librosa's `slaney`).
    Area,
}

/// Unit of the logarithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Log {
    /// `ln x`.
    Natural,
    /// `10 log10 x`.
    Decibel,
}

/// How the logarithm is kept finite.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Floor {
    /// `max(x, floor)`.
    AtLeast(f64),
    /// `x + floor` (torchaudio's `log_mels`).
    Add(f64),
    /// `floor` if `x` is 0 (python_speech_features).
    ReplaceZero(f64),
}

impl Floor {
    fn value(self) -> f64 {
        match self {
            Floor::AtLeast(v) | Floor::Add(v) | Floor::ReplaceZero(v) => v,
        }
    }
}

/// Scaling of the type-II cosine transform over `N` bands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DctNorm {
    /// Orthonormal: `sqrt(1/N)` for the zeroth, `sqrt(2/N)` for the others.
    Ortho,
    /// `sqrt(2/N)` for all (HTK).
    Htk,
    /// 2 for all (scipy's `norm=None`).
    None,
}

/// Weights of the coefficients, `n` counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Lifter {
    /// None.
    Off,
    /// `1 + L/2 sin(pi n / L)` (HTK, Kaldi, python_speech_features).
    Sine(f64),
    /// `1 + L/2 sin(pi (n + 1) / L)` (librosa).
    ShiftedSine(f64),
}

/// What the zeroth coefficient is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Zeroth {
    /// The zeroth coefficient of the cosine transform.
    Coefficient,
    /// `ln` of the sum of squares of the frame before pre-emphasis and window
    /// (Kaldi's `raw_energy`).
    RawEnergy,
    /// `ln` of the sum of squares of the frame after the window.
    WindowedEnergy,
    /// `ln` of the sum over the spectrum (python_speech_features).
    SpectralEnergy,
    /// Nothing: the first column is coefficient 1.
    Dropped,
}

/// The longest transform and window, so that settings from a file cannot ask for
/// gigabytes.
const LONGEST: usize = 1 << 20;
/// The most mel bands, likewise.
const MOST_BANDS: usize = 4096;

impl MfccConfig {
    /// Checks everything that does not depend on the sample rate.
    ///
    /// # Errors
    ///
    /// [`AudioError::Settings`] naming the setting, its value and the allowed range.
    pub fn validate(&self) -> Result<(), AudioError> {
        let check = |ok: bool, what: String| {
            if ok {
                Ok(())
            } else {
                Err(AudioError::settings(what))
            }
        };
        let positive = |v: f64| v.is_finite() && v > 0.0;
        check(
            positive(self.input_scale),
            format!("input_scale is {}, it must be above 0", self.input_scale),
        )?;
        for (name, span) in [
            ("window_length", self.window_length),
            ("hop_length", self.hop_length),
        ] {
            let ok = match span {
                Span::Samples(n) => (1..=LONGEST).contains(&n),
                Span::Milliseconds(ms) => positive(ms) && ms <= 60_000.0,
            };
            check(
                ok,
                format!("{name} is {span:?}, it must be 1 to {LONGEST} samples"),
            )?;
        }
        if let FftLength::Samples(n) | FftLength::Cut(n) = self.n_fft {
            check(
                (1..=LONGEST).contains(&n),
                format!("n_fft is {n}, it must be 1 to {LONGEST}"),
            )?;
        }
        if let (FftLength::Samples(n), Span::Samples(window)) = (self.n_fft, self.window_length) {
            check(
                window <= n,
                format!("window_length is {window} samples, it must fit into n_fft, which is {n}"),
            )?;
        }
        if let PreEmphasis::PerFrame(k) | PreEmphasis::Signal(k) = self.pre_emphasis {
            check(
                k.is_finite() && (0.0..=1.0).contains(&k),
                format!("pre_emphasis is {k}, it must be 0 to 1"),
            )?;
        }
        check(
            (1..=MOST_BANDS).contains(&self.n_mels),
            format!("n_mels is {}, it must be 1 to {MOST_BANDS}", self.n_mels),
        )?;
        check(
            self.f_min.is_finite() && self.f_min >= 0.0,
            format!("f_min is {} Hz, it must be 0 or more", self.f_min),
        )?;
        if let Some(f_max) = self.f_max {
            check(
                f_max.is_finite() && f_max > self.f_min,
                format!(
                    "f_max is {f_max} Hz, it must be above f_min, {}",
                    self.f_min
                ),
            )?;
        }
        check(
            (0.5..=2.0).contains(&self.warp),
            format!("warp is {}, it must be 0.5 to 2 (1 is off)", self.warp),
        )?;
        let floor = self.floor.value();
        check(
            positive(floor) && floor as f32 > 0.0,
            format!("floor is {floor}, it must be above 0 (and above 1e-45)"),
        )?;
        if let Some(top_db) = self.top_db {
            check(
                top_db.is_finite() && top_db >= 0.0,
                format!("top_db is {top_db}, it must be 0 or more"),
            )?;
        }
        let available = match self.zeroth {
            Zeroth::Dropped => self.n_mels - 1,
            _ => self.n_mels,
        };
        check(
            (1..=available).contains(&self.n_mfcc),
            format!(
                "n_mfcc is {}, it must be 1 to {available} with {} mel bands",
                self.n_mfcc, self.n_mels
            ),
        )?;
        if let Lifter::Sine(l) | Lifter::ShiftedSine(l) = self.lifter {
            check(
                positive(l),
                format!("lifter is {l}, it must be above 0; switch it off with \"off\""),
            )?;
        }
        Ok(())
    }

    /// Names of the columns in their order: `mfcc_0` ...
    pub fn column_names(&self) -> Vec<String> {
        let first = usize::from(self.zeroth == Zeroth::Dropped);
        let mut names: Vec<String> = (first..first + self.n_mfcc)
            .map(|n| format!("mfcc_{n}"))
            .collect();
        if matches!(
            self.zeroth,
            Zeroth::RawEnergy | Zeroth::WindowedEnergy | Zeroth::SpectralEnergy
        ) {
            names[0] = "log_energy".into();
        }
        if self.zeroth_last && first == 0 {
            names.rotate_left(1);
        }
        names
    }
}
