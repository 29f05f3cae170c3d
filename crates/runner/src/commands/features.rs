//! `runner features`: the features of recordings as tables.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use audio::{
    Chroma, FeatureBlock, FeatureSpec, HarmonicityConfig, IntensityConfig, Measure, MfccConfig,
    PitchConfig, ProsodyConfig, Recording, SpectralFeature,
};
use rayon::prelude::*;

use crate::cli::{self, Block, Preset, TableFormat};
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
    let recording = Recording::open(file)?;
    let spec = spec(args, recording.sample_rate);
    let frames = spec.extractor()?.extract(&recording)?.frames;
    let table = Table {
        frames: &frames,
        names: &spec.column_names(),
        period: spec.frame_period(),
    };
    match args.format {
        TableFormat::Npy => table.npy(),
        TableFormat::Csv => table.csv(),
        TableFormat::Parquet => table.parquet(),
    }
}

/// What is asked for of a recording of this rate.
fn spec(args: &cli::Features, recorded_at: u32) -> FeatureSpec {
    // As the tool computes them: of the recording as it is.
    let tool = |mfcc: MfccConfig| FeatureSpec {
        sample_rate: recorded_at,
        trim: None,
        mfcc,
        average: 1,
        blocks: vec![FeatureBlock::new(Measure::Mfcc)],
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
    spec
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
