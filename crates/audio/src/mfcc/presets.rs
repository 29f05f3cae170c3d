//! The default settings of each of the common tools.
//!
//! Every preset is tested against the numbers of its tool; the fixtures are
//! made by `scripts/mfcc_fixtures.py`. Dither, which some of the tools add by
//! default, is random and is left out.

use super::config::{
    DctNorm, FftLength, Floor, Framing, Lifter, Log, MelNorm, MelScale, MelShape, MfccConfig,
    PreEmphasis, Rounding, Span, Spectrum, Window, Zeroth,
};

impl MfccConfig {
    /// `librosa.feature.mfcc(y=y, sr=sr)` of librosa 0.11. Note that
    /// `librosa.load` resamples to 22050 Hz by default.
    pub fn librosa() -> Self {
        MfccConfig {
            input_scale: 1.0,
            window_length: Span::Samples(2048),
            hop_length: Span::Samples(512),
            rounding: Rounding::Truncate,
            framing: Framing::CenteredZero,
            remove_dc: false,
            pre_emphasis: PreEmphasis::Off,
            window: Window::Hann,
            window_periodic: true,
            n_fft: FftLength::Samples(2048),
            spectrum: Spectrum::Power,
            n_mels: 128,
            f_min: 0.0,
            f_max: None,
            warp: 1.0,
            mel_scale: MelScale::Slaney,
            mel_shape: MelShape::LinearInHertz,
            mel_norm: MelNorm::Area,
            log: Log::Decibel,
            floor: Floor::AtLeast(1e-10),
            top_db: Some(80.0),
            n_mfcc: 20,
            dct_norm: DctNorm::Ortho,
            lifter: Lifter::Off,
            zeroth: Zeroth::Coefficient,
            zeroth_last: false,
        }
    }

    /// `torchaudio.transforms.MFCC(sample_rate)` of torchaudio 2.11. For
    /// `log_mels=True` set `log` to natural, `floor` to `Floor::Add(1e-6)` and
    /// `top_db` to none.
    pub fn torchaudio() -> Self {
        MfccConfig {
            window_length: Span::Samples(400),
            hop_length: Span::Samples(200),
            framing: Framing::CenteredReflect,
            n_fft: FftLength::Samples(400),
            mel_scale: MelScale::Htk,
            mel_norm: MelNorm::Peak,
            n_mfcc: 40,
            ..Self::librosa()
        }
    }

    /// Kaldi's `compute-mfcc-feats` without dither, as `kaldi-native-fbank`
    /// 1.22 computes it. Kaldi works on 16-bit integers, hence the input
    /// scale. `torchaudio.compliance.kaldi.mfcc` is the same with `zeroth` set
    /// to `Zeroth::Coefficient`.
    pub fn kaldi() -> Self {
        MfccConfig {
            input_scale: 32768.0,
            window_length: Span::Milliseconds(25.0),
            hop_length: Span::Milliseconds(10.0),
            rounding: Rounding::Truncate,
            framing: Framing::WholeWindow,
            remove_dc: true,
            pre_emphasis: PreEmphasis::PerFrame(0.97),
            window: Window::Povey,
            window_periodic: false,
            n_fft: FftLength::PowerOfTwo,
            spectrum: Spectrum::Power,
            n_mels: 23,
            f_min: 20.0,
            f_max: None,
            warp: 1.0,
            mel_scale: MelScale::Htk,
            mel_shape: MelShape::LinearInMel,
            mel_norm: MelNorm::Peak,
            log: Log::Natural,
            floor: Floor::AtLeast(f32::EPSILON as f64),
            top_db: None,
            n_mfcc: 13,
            dct_norm: DctNorm::Ortho,
            lifter: Lifter::Sine(22.0),
            zeroth: Zeroth::RawEnergy,
            zeroth_last: false,
        }
    }

    /// `python_speech_features.mfcc(signal, rate)` of version 0.6, given the
    /// 16-bit integers of a file (hence the input scale). It has 512 points at every
    /// rate, and cuts longer windows, of 20.5 kHz and above, to them; its authors
    /// advise `nfft` of a power of two that holds the window there, which is
    /// `n_fft: FftLength::PowerOfTwo` here.
    pub fn python_speech_features() -> Self {
        MfccConfig {
            rounding: Rounding::HalfUp,
            framing: Framing::PaddedTail,
            remove_dc: false,
            pre_emphasis: PreEmphasis::Signal(0.97),
            window: Window::Rectangular,
            n_fft: FftLength::Cut(512),
            spectrum: Spectrum::PowerPerPoint,
            n_mels: 26,
            f_min: 0.0,
            mel_shape: MelShape::WholeBins,
            floor: Floor::ReplaceZero(f64::EPSILON),
            zeroth: Zeroth::SpectralEnergy,
            ..Self::kaldi()
        }
    }

    /// HTK's `MFCC_0` as openSMILE's `MFCC12_0_D_A.conf` sets it up: twelve
    /// coefficients, then the zeroth. Its bands reach to 8 kHz, and at lower rates than
    /// 16 kHz to half the rate: openSMILE does the same there.
    pub fn htk() -> Self {
        MfccConfig {
            // openSMILE multiplies the power spectrum by the square of this.
            input_scale: 32767.0,
            rounding: Rounding::HalfUp,
            remove_dc: false,
            window: Window::Hamming,
            n_mels: 26,
            f_min: 0.0,
            f_max: Some(8000.0),
            mel_shape: MelShape::OpenSmile,
            floor: Floor::AtLeast(1.0),
            dct_norm: DctNorm::Htk,
            zeroth: Zeroth::Coefficient,
            zeroth_last: true,
            ..Self::kaldi()
        }
    }
}
