//! From speech to features: the audio library of a speech emotion recogniser. Its
//! MFCCs equal those of librosa, torchaudio, Kaldi, python_speech_features and
//! HTK/openSMILE.
//!
//! Data flows in one direction: file, [`Recording`], [`Frames`], [`Features`].
//!
//! # The features of a recording
//!
//! A [`FeatureSpec`] describes what to extract. It can be serialised, and a model
//! trained on its features stores it.
//!
//! ```
//! use audio::{FeatureSpec, Recording};
//!
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("hello.wav");
//! # let tone: Vec<f32> = (0..48_000).map(|n| 0.1 * (n as f32 * 0.05).sin()).collect();
//! # audio::write_wav(&path, &tone, 48_000)?;
//! let recording = Recording::open(&path)?; // any kind of file, rate and channels
//! let spec = FeatureSpec::recommended();
//! let features = spec.extractor()?.extract(&recording)?;
//!
//! assert_eq!(features.frames.columns(), 20);
//! assert_eq!(features.frames.len(), 49); // one second, a row every 20 ms
//! assert_eq!(features.functionals.len(), spec.functional_names().len());
//! # Ok::<(), audio::AudioError>(())
//! ```
//!
//! # MFCCs equal to those of another tool
//!
//! ```
//! use audio::{DeltaMethod, Mfcc, MfccConfig, delta};
//!
//! let samples: Vec<f32> = (0..16_000).map(|n| (n as f32 * 0.1).sin()).collect();
//! let librosa = Mfcc::new(&MfccConfig { n_mfcc: 13, ..MfccConfig::librosa() }, 16_000)?;
//! let mfcc = librosa.compute(&samples); // librosa.feature.mfcc(y=samples, sr=16000, n_mfcc=13)
//! let slope = delta(&mfcc, 1, DeltaMethod::LIBROSA);
//!
//! assert_eq!((mfcc.len(), mfcc.columns()), (32, 13));
//! assert_eq!(slope.columns(), 13);
//! # Ok::<(), audio::AudioError>(())
//! ```
//!
//! # Where things are
//!
//! | | whole recordings | streams |
//! |---|---|---|
//! | decoding | [`Recording`] | [`Decoder`] |
//! | another sample rate | [`Recording::resample`] | [`StreamResampler`] |
//! | trimming silence at the ends | [`Recording::trim`] | |
//! | MFCCs and log-mel spectra | [`Mfcc`], [`MfccConfig`] with its presets | [`MfccStream`] |
//! | deltas (slopes over time) | [`delta`] | [`DeltaStream`] |
//! | the features of a model: a list of blocks over a common grid of rows | [`FeatureSpec`], [`FeatureBlock`], [`Measure`], [`FeatureExtractor`] | [`FeatureStream`] |
//! | the input of a pretrained speech encoder: levelled mel bands of speech | [`SpeechLevel`] in a [`FeatureSpec`] | [`SpeechStream`] |
//! | when somebody speaks | [`speech_segments`], [`vad_frames`], [`cut_speech`] | [`VadStream`] |
//! | pitch and voicing | [`Pitch`] | [`PitchStream`] |
//! | loudness, noise in the voice, jitter and shimmer, syllables per second | [`Intensity`], [`Harmonicity`], [`Pulses`], [`SpeakingRate`] | |
//! | zero crossings, level, centroid, roll-off, flatness, flux, chroma | [`SpectralShape`], [`SpectralConfig`] | [`SpectralStream`] |
//! | augmentation of a training set | [`Augmenter`], [`FrameMasks`], [`change_speed`] | |
//! | writing files | [`write_wav`], [`write_atomically`] | |
//!
//! The output of a stream does not depend on how its input is split into chunks. It
//! equals that of the whole recording bit for bit, except for three things that a
//! stream cannot know: the mean of a recording
//! ([`FeatureStream::with_running_mean`]), its loudest sample and its length
//! ([`PitchStream`]).
//!
//! All errors are an [`AudioError`], sorted by what you can do about them.
//!
//! # Kinds of file
//!
//! WAV, Wave64, AU, SPHERE and FLAC are always read. Each of the other kinds is a feature, and all of
//! them are on by default (`all-formats`): `adpcm` (in WAV), `aiff`, `caf`, `mp3`,
//! `aac`, `isomp4` (M4A, MP4; AAC or ALAC), `vorbis`, `opus`, `mkv` (with WebM).
//!
//! Samples are `f32` with full scale ±1, rates are in Hz, times in seconds.

// Compiles the examples in the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod atomic;
mod augment;
mod decode;
mod deltas;
mod error;
mod frames;
mod functionals;
mod mfcc;
mod recording;
mod resample;
mod simd;
mod spec;
mod spectral;
mod speech;
mod trim;
mod vad;
mod voice;
mod wav;

pub use atomic::write_atomically;
pub use augment::{Augmentation, Augmenter, Colour, FrameMasks, MaskFill, Step, concatenate};
pub use decode::{
    Channels, DecodeLimits, DecodeSettings, Decoder, EXTENSIONS, Loss, is_audio_name,
};
pub use deltas::{DeltaMethod, DeltaStream, delta};
pub use error::{AudioError, Source};
pub use frames::Frames;
pub use mfcc::{
    DctNorm, FftLength, Floor, Framing, Lifter, Log, MelNorm, MelScale, MelShape, Mfcc, MfccConfig,
    MfccStream, PreEmphasis, Rounding, Span, Spectrum, Window, Zeroth,
};
pub use recording::{Reading, Recording, SAMPLE_RATES};
pub use resample::{SPEEDS, StreamResampler, change_speed};
pub use spec::{
    Columns, FeatureBlock, FeatureExtractor, FeatureSpec, FeatureStream, Features, Measure,
    ProsodyConfig, RowTimes,
};
pub use spectral::{
    Chroma, ChromaNorm, SpectralConfig, SpectralFeature, SpectralShape, SpectralStream,
};
pub use speech::{SpeechLevel, SpeechStream};
pub use trim::TrimSettings;
pub use vad::{Segment, VadFrame, VadSettings, VadStream, cut_speech, speech_segments, vad_frames};
pub use voice::{
    Harmonicity, HarmonicityConfig, HarmonicityTrack, Intensity, IntensityConfig, IntensityTrack,
    PerturbationConfig, Pitch, PitchCandidate, PitchConfig, PitchFrame, PitchStream, PitchTrack,
    PitchWindow, Pulses, SpeakingRate, SpeakingRateConfig, Syllables, harmonics_to_noise,
};
pub use wav::{SampleFormat, write_wav, write_wav_as};
