//! `runner features`: the features of recordings as tables.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use audio::{FeatureSpec, Frames, Mfcc, MfccConfig, Recording};
use rayon::prelude::*;

use crate::cli::{self, Preset, TableFormat};
use crate::features::message;
use crate::report::write_atomically;
use crate::tables::Table;
use crate::{progress, sound_files};

/// Writes a table for the recording, or for each below the folder.
pub fn run(args: cli::Features) -> Result<ExitCode> {
    if !args.input.is_dir() {
        let table = table(&args, &args.input)
            .map_err(|error| anyhow::anyhow!(message(&args.input, &format!("{error:#}"))))?;
        if args.out == Path::new("-") {
            ensure!(
                args.format == TableFormat::Csv,
                "only `--format csv` goes to standard output"
            );
            std::io::stdout().write_all(&table)?;
        } else {
            write_atomically(&args.out, &table)?;
        }
        return Ok(ExitCode::SUCCESS);
    }

    let (files, mut failures) = sound_files::below(&args.input);
    let bar = progress::bar("features", files.len() as u64);
    let written: Vec<Result<()>> = files
        .par_iter()
        .map(|file| {
            let result = write_beside(&args, file);
            bar.inc(1);
            result
        })
        .collect();
    bar.finish_and_clear();
    for (file, result) in files.iter().zip(&written) {
        if let Err(error) = result {
            failures.push(message(file, &format!("{error:#}")));
        }
    }
    for failure in &failures {
        eprintln!("error: {failure}");
    }
    let count = written.iter().filter(|result| result.is_ok()).count();
    println!("{count} tables in {}", args.out.display());
    Ok(if failures.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The table of one recording of a folder, under the same name in the other folder.
fn write_beside(args: &cli::Features, file: &Path) -> Result<()> {
    let extension = match args.format {
        TableFormat::Npy => "npy",
        TableFormat::Csv => "csv",
        TableFormat::Parquet => "parquet",
    };
    let relative = file.strip_prefix(&args.input).unwrap_or(file);
    let out: PathBuf = args.out.join(relative).with_extension(extension);
    let table = table(args, file)?;
    if let Some(folder) = out.parent() {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    write_atomically(&out, &table)
}

/// The bytes of a recording's table.
fn table(args: &cli::Features, file: &Path) -> Result<Vec<u8>> {
    let mut recording = Recording::open(file)?;
    if let Some(rate) = args.sample_rate {
        recording = recording.resample(rate)?;
    }
    let (frames, names, period) = match config(args.preset) {
        Some(config) => mfcc(config, args.n_mfcc, &recording)?,
        None => recommended(args, &recording)?,
    };
    let table = Table {
        frames: &frames,
        names: &names,
        period,
    };
    match args.format {
        TableFormat::Npy => table.npy(),
        TableFormat::Csv => table.csv(),
        TableFormat::Parquet => table.parquet(),
    }
}

/// The preset's settings; `None` where it is more than MFCCs.
fn config(preset: Preset) -> Option<MfccConfig> {
    match preset {
        Preset::Librosa => Some(MfccConfig::librosa()),
        Preset::Torchaudio => Some(MfccConfig::torchaudio()),
        Preset::Kaldi => Some(MfccConfig::kaldi()),
        Preset::PythonSpeechFeatures => Some(MfccConfig::python_speech_features()),
        Preset::Htk => Some(MfccConfig::htk()),
        Preset::Recommended => None,
    }
}

fn mfcc(
    mut config: MfccConfig,
    n_mfcc: Option<usize>,
    recording: &Recording,
) -> Result<(Frames, Vec<String>, f64)> {
    if let Some(n_mfcc) = n_mfcc {
        config.n_mfcc = n_mfcc;
    }
    let mfcc = Mfcc::new(&config, recording.sample_rate)?;
    let frames = mfcc.compute(&recording.samples);
    if frames.is_empty() {
        bail!(
            "the recording has {} samples, fewer than the {} of one frame",
            recording.samples.len(),
            mfcc.samples_needed()
        );
    }
    let period = mfcc.hop_length() as f64 / f64::from(recording.sample_rate);
    Ok((frames, config.column_names(), period))
}

fn recommended(args: &cli::Features, recording: &Recording) -> Result<(Frames, Vec<String>, f64)> {
    let mut spec = FeatureSpec::recommended();
    if let Some(n_mfcc) = args.n_mfcc {
        spec.mfcc.n_mfcc = n_mfcc;
    }
    if let Some(rate) = args.sample_rate {
        spec.sample_rate = rate;
    }
    let frames = spec.extractor()?.extract(recording)?.frames;
    Ok((frames, spec.column_names(), spec.frame_period()))
}
