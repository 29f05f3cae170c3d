//! `affekt features`: the features of recordings as tables.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use audio::{
    Chroma, Decoder, FeatureBlock, FeatureSpec, HarmonicityConfig, IntensityConfig, Measure,
    MfccConfig, PitchConfig, ProsodyConfig, Recording, SpectralFeature,
};
use rayon::prelude::*;
use report::tables::FrameTable;
use training::{change_features, with_path};

use crate::decode_options::OneChannelOptions;
use crate::output::{self, recordings, write_file};
use crate::settings_options::assignment;
use crate::terminal;

/// The rate of the settings that are printed for a folder, whose recordings may have
/// any.
const PRINTED_RATE: u32 = 16_000;

/// `affekt features`.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  affekt features voice.wav --preset librosa --format npy --out voice.npy
  affekt features interviews/ --preset kaldi --format parquet --out tables/
  affekt features voice.wav --format csv --out -
  affekt features voice.wav --preset recommended --blocks mfcc,prosody,spectral --out voice.npy
  affekt features call.wav --channel 1 --start 60 --end 90 --format csv --out -
  affekt features voice.wav --preset kaldi --set mfcc.n_mels=40 --set mfcc.window_length=20 \
      --set blocks.0.deltas=2 --out voice.npy
  affekt features voice.wav --preset htk --print-settings     all settings, as TOML

A preset is the tool's default call at every sample rate. --set changes one of its
settings by the path that --print-settings shows.

A folder gives a table for each recording, under the same names. A file that
cannot be read is reported, the rest go on, and the exit code is 1.")]
pub struct Args {
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
    #[arg(long, value_name = "PATH", required_unless_present = "print_settings")]
    pub out: Option<PathBuf>,
    /// Resample to this rate in Hz first [default: the recording's own]
    #[arg(long, value_name = "HZ")]
    pub sample_rate: Option<u32>,
    /// Coefficients of a frame [default: the preset's]
    #[arg(long, value_name = "N")]
    pub n_mfcc: Option<usize>,
    /// Change one setting by its path, as often as needed: --set mfcc.n_mels=40
    #[arg(long, value_name = "PATH=VALUE", value_parser = assignment)]
    pub set: Vec<String>,
    /// Print the settings as TOML and compute nothing
    #[arg(long)]
    pub print_settings: bool,
    /// Which part of each recording to read.
    #[command(flatten)]
    pub part: OneChannelOptions,
}

/// The MFCCs of a reference tool, or the frames that models see.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
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
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
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
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableFormat {
    /// NumPy's array file, 32-bit floats.
    Npy,
    /// Text with a header.
    Csv,
    /// Apache Parquet.
    Parquet,
}

/// Writes a table for the recording, or for each below the folder.
pub fn run(args: &Args) -> Result<ExitCode> {
    if args.print_settings {
        let rate = match args.input.is_dir() {
            true => PRINTED_RATE,
            false => Decoder::open(&args.input, &args.part.settings())?.sample_rate(),
        };
        print!("{}", toml::to_string_pretty(&spec(args, rate)?)?);
        return Ok(ExitCode::SUCCESS);
    }
    let out = args
        .out
        .clone()
        .context("give a file or a folder with --out")?;
    if !args.input.is_dir() {
        let table = table(args, &args.input)
            .map_err(|error| anyhow::anyhow!(with_path(&args.input, format!("{error:#}"))))?;
        if out == Path::new("-") {
            ensure!(
                args.format == TableFormat::Csv,
                "only `--format csv` goes to standard output"
            );
            std::io::stdout().write_all(&table)?;
        } else {
            write_file(&out, &table)?;
        }
        return Ok(ExitCode::SUCCESS);
    }

    let inputs = recordings(std::slice::from_ref(&args.input));
    let mut failures: Vec<String> = inputs.iter().filter_map(|i| i.failure.clone()).collect();
    let files = inputs.iter().filter(|input| input.failure.is_none());
    let files: Vec<&Path> = files.map(|input| input.path.as_path()).collect();
    let bar = terminal::bar("features", files.len() as u64);
    let written: Vec<Result<()>> = files
        .par_iter()
        .map(|file| {
            let result = write_beside(args, &out, file);
            bar.inc(1);
            result
        })
        .collect();
    bar.finish_and_clear();
    for (file, result) in files.iter().zip(&written) {
        if let Err(error) = result {
            failures.push(with_path(file, format!("{error:#}")));
        }
    }
    for failure in &failures {
        eprintln!("error: {failure}");
    }
    let count = written.iter().filter(|result| result.is_ok()).count();
    println!("{} in {}", output::count(count, "table"), out.display());
    Ok(if failures.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The table of one recording of a folder, under the same name in the other folder.
fn write_beside(args: &Args, folder: &Path, file: &Path) -> Result<()> {
    let extension = match args.format {
        TableFormat::Npy => "npy",
        TableFormat::Csv => "csv",
        TableFormat::Parquet => "parquet",
    };
    let relative = file.strip_prefix(&args.input).unwrap_or(file);
    let out: PathBuf = folder.join(relative).with_extension(extension);
    let table = table(args, file)?;
    if let Some(folder) = out.parent() {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    write_file(&out, &table)
}

/// The bytes of a recording's table.
fn table(args: &Args, file: &Path) -> Result<Vec<u8>> {
    let recording = Recording::open_with(file, &args.part.settings())?;
    for note in recording.reading().notes(recording.duration()) {
        eprintln!("note: {}: {note}", file.display());
    }
    let spec = spec(args, recording.sample_rate())?;
    let frames = spec.extractor()?.extract(&recording)?.frames;
    let names = spec.column_names();
    let table = FrameTable::new(&frames, &names, spec.frame_period())?;
    Ok(match args.format {
        TableFormat::Npy => table.npy()?,
        TableFormat::Csv => table.csv()?,
        TableFormat::Parquet => table.parquet()?,
    })
}

/// What is asked for of a recording of this rate.
///
/// # Errors
///
/// Where a setting that is to be changed does not exist, or does not fit.
fn spec(args: &Args, recorded_at: u32) -> Result<FeatureSpec> {
    // As the tool computes them: of the recording as it is.
    let tool = |mfcc: MfccConfig| FeatureSpec {
        sample_rate: recorded_at,
        trim: None,
        level: None,
        mfcc,
        average: 1,
        blocks: vec![FeatureBlock::new(Measure::Mfcc)],
        encoder: None,
        speech_frames: false,
    };
    let mut spec = match args.preset {
        Preset::Librosa => tool(MfccConfig::librosa()),
        Preset::Torchaudio => tool(MfccConfig::torchaudio()),
        Preset::Kaldi => tool(MfccConfig::kaldi()),
        Preset::PythonSpeechFeatures => tool(MfccConfig::python_speech_features()),
        Preset::Htk => tool(MfccConfig::htk()),
        Preset::Recommended => FeatureSpec::recommended(),
        Preset::Emotion => FeatureSpec::emotion(),
    };
    if let Some(n_mfcc) = args.n_mfcc {
        spec.mfcc.n_mfcc = n_mfcc;
    }
    if let Some(rate) = args.sample_rate {
        spec.sample_rate = rate;
    }
    if !args.blocks.is_empty() {
        let preset = std::mem::take(&mut spec.blocks);
        spec.blocks = args.blocks.iter().map(|b| block(*b, &preset)).collect();
    }
    for block in &mut spec.blocks {
        // Tables are of frames.
        block.functionals = false;
    }
    for change in &args.set {
        let (path, value) = change.split_once('=').unwrap_or((change, ""));
        spec = change_features(&spec, path.trim(), value.trim())?;
    }
    Ok(spec)
}

/// The block as the preset has it, or else by its default settings.
fn block(wanted: Block, preset: &[FeatureBlock]) -> FeatureBlock {
    let measure = match wanted {
        Block::Mfcc => Measure::Mfcc,
        Block::LogMel => Measure::LogMel,
        Block::Prosody => Measure::Prosody(ProsodyConfig::default()),
        Block::Pitch => Measure::Pitch(PitchConfig::default()),
        Block::Intensity => Measure::Intensity {
            floor: IntensityConfig::default().floor,
        },
        Block::Spectral => Measure::Spectral(vec![
            SpectralFeature::ZeroCrossingRate,
            SpectralFeature::Centroid,
            SpectralFeature::Bandwidth,
            SpectralFeature::RollOff(0.85),
            SpectralFeature::Flatness,
            SpectralFeature::Flux,
        ]),
        Block::Chroma => Measure::Chroma(Chroma::default()),
        Block::Harmonicity => Measure::Harmonicity(HarmonicityConfig::default()),
    };
    let same = |block: &&FeatureBlock| block.measure.name() == measure.name();
    let as_preset = preset.iter().find(same).cloned();
    as_preset.unwrap_or_else(|| FeatureBlock::new(measure))
}
