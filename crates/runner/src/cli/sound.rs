//! The commands about sound and features, without a model.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// `runner features`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  runner features voice.wav --preset librosa --format npy --out voice.npy
  runner features interviews/ --preset kaldi --format parquet --out tables/
  runner features voice.wav --format csv --out -
  runner features voice.wav --preset recommended --blocks mfcc,prosody,spectral --out voice.npy

A folder gives a table for each recording, under the same names. A file that
cannot be read is reported, the rest go on, and the exit code is 1.")]
pub struct Features {
    /// A recording, or a folder of recordings
    pub input: PathBuf,
    /// Whose frames and MFCCs to compute
    #[arg(long, value_enum, default_value_t = Preset::Librosa)]
    pub preset: Preset,
    /// What to measure of the preset's frames, in the order of the columns, separated by commas [default: the preset's]
    #[arg(long, value_enum, value_name = "BLOCK,...", value_delimiter = ',')]
    pub blocks: Vec<Block>,
    /// npy: an array [frames, columns]; csv and parquet: named columns and the time
    #[arg(long, value_enum, default_value_t = TableFormat::Npy)]
    pub format: TableFormat,
    /// The file to write, or a folder for a folder; - writes CSV to standard output
    #[arg(long, value_name = "PATH")]
    pub out: PathBuf,
    /// Resample to this rate in Hz first [default: the recording's own]
    #[arg(long, value_name = "HZ")]
    pub sample_rate: Option<u32>,
    /// Coefficients of a frame [default: the preset's]
    #[arg(long, value_name = "N")]
    pub n_mfcc: Option<usize>,
}

/// The MFCCs of a reference tool, or the frames that models see.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
#[value(rename_all = "snake_case")]
pub enum Preset {
    /// librosa.feature.mfcc
    Librosa,
    /// torchaudio.transforms.MFCC
    Torchaudio,
    /// Kaldi's compute-mfcc-feats
    Kaldi,
    /// python_speech_features.mfcc
    PythonSpeechFeatures,
    /// HTK, as openSMILE's MFCC12_0
    Htk,
    /// What a model trained with the default settings sees: 16 kHz, trimmed
    Recommended,
    /// The same, with prosody
    Emotion,
}

/// A measure of frames, by its default settings.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
#[value(rename_all = "snake_case")]
pub enum Block {
    /// Cepstral coefficients
    Mfcc,
    /// Logarithm of the mel spectrum
    LogMel,
    /// Log F0, voicing, strength and level, also relative to the recording's
    Prosody,
    /// F0 in Hz and voicing
    Pitch,
    /// Sound pressure level in dB
    Intensity,
    /// Zero crossings, centroid, bandwidth, roll-off, flatness, flux
    Spectral,
    /// Energy by pitch class
    Chroma,
    /// Harmonics-to-noise ratio in dB
    Harmonicity,
}

/// How `features` writes.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableFormat {
    /// NumPy's array file, 32-bit floats.
    Npy,
    /// Text with a header.
    Csv,
    /// Apache Parquet.
    Parquet,
}

/// `runner plot`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  runner plot voice.wav                         writes voice.svg into this folder
  runner plot interview.mp3 --out pictures/interview.svg

One SVG picture, which every browser shows: waveform with the speech shaded, mel
spectrogram, MFCCs as the recommended settings make them, pitch and intensity.
Recordings of any length give a picture of less than a megabyte.")]
pub struct Plot {
    /// The recording
    pub file: PathBuf,
    /// The picture to write, replaced if it is there [default: the recording's name with .svg, in this folder, which must not be there yet]
    #[arg(long, value_name = "PICTURE.svg")]
    pub out: Option<PathBuf>,
}

/// `runner synth`.
#[derive(Args, Debug)]
pub struct Synth {
    /// The folder to write; made if need be
    pub dir: PathBuf,
    /// Speakers
    #[arg(long, default_value_t = 12)]
    pub speakers: usize,
    /// Recordings of each emotion and speaker
    #[arg(long, default_value_t = 4)]
    pub takes: usize,
    /// The seed: the same one writes the same bytes
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}
