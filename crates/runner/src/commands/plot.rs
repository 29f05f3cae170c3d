//! `affekt plot`: a picture of one recording.
//!
//! The file is decoded block by block. What is kept of it grows slowly: the
//! extremes of the waveform, samples at 16 kHz, and frames of pitch and
//! intensity; an hour takes some 300 MB. Heat maps have at most
//! `MOST_COLUMNS` columns however long the recording.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use audio::{
    DecodeSettings, Decoder, FeatureSpec, FftLength, Floor, Frames, Framing, Intensity,
    IntensityConfig, Log, MelNorm, MelScale, Mfcc, MfccConfig, Pitch, PitchConfig, Span,
    StreamResampler, VadSettings, VadStream,
};
use rayon::prelude::*;
use report::plots::{RecordingPicture, Spectrogram, recording_svg};
use training::with_path;

use crate::decode_options::OneChannelOptions;
use crate::output::write_file;

/// `affekt plot`.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  affekt plot voice.wav                         writes voice.svg into this folder
  affekt plot interview.mp3 --out pictures/interview.svg

One SVG picture, which every browser shows: waveform with the speech shaded, mel
spectrogram, MFCCs as the recommended settings make them, pitch and intensity.
Recordings of any length give a picture of less than a megabyte.")]
pub struct Args {
    /// The recording
    pub file: PathBuf,
    /// The picture to write, replaced if it is there [default: the recording's name with .svg, in this folder, which must not be there yet]
    #[arg(long, value_name = "PICTURE.svg")]
    pub out: Option<PathBuf>,
    /// Which part of the recording to read.
    #[command(flatten)]
    pub part: OneChannelOptions,
}

/// All analysis is at this rate: its 8 kHz hold what matters in speech, and it
/// is the rate that models hear.
pub(crate) const RATE: u32 = 16_000;
/// A column of a heat map stands for this many seconds at least.
const COLUMN_SECONDS: f64 = 0.004;
/// A heat map has this many columns at most.
const MOST_COLUMNS: usize = 2000;
/// Where a column stands for more than a frame, frames are this far apart.
const FRAME_SECONDS: f64 = 0.01;
/// The waveform is kept as this many pairs of extremes at most.
const MOST_EXTREMES: usize = 1 << 14;
/// Mel bands of the spectrogram.
const BANDS: usize = 160;

/// Draws the recording, and says where the picture is.
pub fn run(args: &Args) -> Result<ExitCode> {
    let out = output(&args.file, args.out.as_deref())?;
    let picture = picture(&args.file, &args.part.settings())
        .map_err(|error| anyhow::anyhow!(with_path(&args.file, format!("{error:#}"))))?;
    write_file(&out, recording_svg(&picture)?.as_bytes())?;
    println!("{}", out.display());
    Ok(ExitCode::SUCCESS)
}

/// The file to write: the one that is named, or one in this folder that is not
/// there yet.
fn output(file: &Path, named: Option<&Path>) -> Result<PathBuf> {
    if let Some(out) = named {
        let is_svg = out
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("svg"));
        ensure!(
            is_svg,
            "{}: the picture is an SVG file, give --out a name that ends with .svg",
            out.display()
        );
        return Ok(out.to_owned());
    }
    let name = file
        .file_name()
        .with_context(|| format!("{}: not the name of a file", file.display()))?;
    let out = Path::new(name).with_extension("svg");
    ensure!(
        !out.exists(),
        "{} is there already; to replace it, add --out {}",
        out.display(),
        out.display()
    );
    Ok(out)
}

/// All that the picture shows of a recording.
fn picture(file: &Path, part: &DecodeSettings) -> Result<RecordingPicture> {
    let heard = Heard::listen(file, part)?;
    let samples = &heard.samples;
    let (pitch, (intensity, (spectrogram, mfcc))) = rayon::join(
        || Ok::<_, anyhow::Error>(Pitch::new(&PitchConfig::default(), RATE)?.track(samples)),
        || {
            let intensity = Intensity::new(&IntensityConfig::default(), RATE)
                .map(|intensity| intensity.track(samples));
            let maps = (spectrogram(samples, heard.sample_rate), mfcc(samples));
            (intensity, maps)
        },
    );
    let (pitch, intensity) = (pitch?, intensity?);
    let frequencies = pitch.frames.iter().map(|frame| frame.frequency);
    Ok(RecordingPicture {
        name: file.file_name().map_or_else(
            || file.display().to_string(),
            |name| name.to_string_lossy().into(),
        ),
        duration: heard.duration,
        sample_rate: heard.sample_rate,
        waveform_step: heard.waveform.stretch as f64 / f64::from(heard.sample_rate),
        waveform: heard.waveform.extremes,
        speech: heard.speech,
        spectrogram: spectrogram?,
        mfcc: mfcc?,
        pitch: pitch.times.iter().copied().zip(frequencies).collect(),
        pitch_step: pitch.time_step,
        intensity: intensity
            .times
            .into_iter()
            .zip(intensity.decibels)
            .collect(),
        intensity_step: intensity.time_step,
    })
}

/// What is kept of a recording from decoding.
struct Heard {
    sample_rate: u32,
    duration: f64,
    waveform: Envelope,
    speech: Vec<(f64, f64)>,
    /// At [`RATE`].
    samples: Vec<f32>,
}

impl Heard {
    fn listen(file: &Path, part: &DecodeSettings) -> Result<Self> {
        let mut decoder = Decoder::open(file, part)?;
        let sample_rate = decoder.sample_rate();
        let mut resampler = StreamResampler::new(sample_rate, RATE)?;
        let mut vad = VadStream::new(&VadSettings::default(), sample_rate)?;
        let mut waveform = Envelope::new(MOST_EXTREMES);
        let (mut samples, mut speech) = (Vec::new(), Vec::new());
        while let Some(block) = decoder.next_block()? {
            waveform.push(block);
            vad.push(block, |segment| speech.push((segment.start, segment.end)));
            resampler.push(block, &mut samples)?;
        }
        vad.finish(|segment| speech.push((segment.start, segment.end)));
        resampler.finish(&mut samples)?;
        let count = decoder.position();
        for note in decoder
            .reading()
            .notes(count as f64 / f64::from(sample_rate))
        {
            eprintln!("note: {}: {note}", file.display());
        }
        ensure!(
            count > 0,
            "there is no sample in this recording, so there is nothing to draw"
        );
        Ok(Heard {
            sample_rate,
            duration: count as f64 / f64::from(sample_rate),
            waveform,
            speech,
            samples,
        })
    }
}

/// The least and the greatest of every so many samples of a stream of unknown
/// length: when there are too many pairs, two become one.
struct Envelope {
    extremes: Vec<(f32, f32)>,
    most: usize,
    /// Samples of a pair.
    stretch: usize,
    /// Samples in the last pair so far.
    filled: usize,
}

impl Envelope {
    fn new(most: usize) -> Self {
        Envelope {
            extremes: Vec::new(),
            most,
            stretch: 1,
            filled: 1,
        }
    }

    fn push(&mut self, samples: &[f32]) {
        for &sample in samples {
            match self
                .extremes
                .last_mut()
                .filter(|_| self.filled < self.stretch)
            {
                Some(last) => {
                    *last = (last.0.min(sample), last.1.max(sample));
                    self.filled += 1;
                }
                None => {
                    if self.extremes.len() == self.most {
                        self.halve();
                    }
                    self.extremes.push((sample, sample));
                    self.filled = 1;
                }
            }
        }
    }

    /// Halves the number of pairs, which is even and all are full.
    fn halve(&mut self) {
        let (pairs, _) = self.extremes.as_chunks::<2>();
        let merged = pairs.iter().map(|[a, b]| (a.0.min(b.0), a.1.max(b.1)));
        self.extremes = merged.collect();
        self.stretch *= 2;
    }
}

/// Mel spectrogram up to 8 kHz, or half the recording's own rate if that is less:
/// windows of 32 ms, and in each column the greatest power of its frames, lest
/// short sounds vanish from a long recording.
pub(crate) fn spectrogram(samples: &[f32], sample_rate: u32) -> Result<Spectrogram> {
    let f_max = 0.5 * f64::from(sample_rate.min(RATE));
    let config = MfccConfig {
        window_length: Span::Samples(512),
        // More points than samples: the lowest bands are narrower than a bin of 512.
        n_fft: FftLength::Samples(2048),
        n_mels: BANDS,
        f_max: Some(f_max),
        mel_scale: MelScale::Htk,
        mel_norm: MelNorm::Peak,
        log: Log::Decibel,
        floor: Floor::AtLeast(1e-10),
        top_db: None,
        ..MfccConfig::librosa()
    };
    let decibels = columns(samples, config, Mfcc::log_mel, |column, frames| {
        for frame in frames.rows() {
            for (greatest, &value) in column.iter_mut().zip(frame) {
                *greatest = greatest.max(value);
            }
        }
    })?;
    Ok(Spectrogram { decibels, f_max })
}

/// The MFCCs of the recommended settings, which models are trained on; in each
/// column the mean over its frames.
fn mfcc(samples: &[f32]) -> Result<Frames> {
    let config = FeatureSpec::recommended().mfcc;
    columns(samples, config, Mfcc::compute, |column, frames| {
        for (j, mean) in column.iter_mut().enumerate() {
            *mean = frames.column(j).sum::<f32>() / frames.len() as f32;
        }
    })
}

/// Frames of any length of recording in [`MOST_COLUMNS`] columns at most, which
/// divide it evenly.
///
/// A column has one frame in its middle, or several [`FRAME_SECONDS`] apart that
/// `merge` makes one of; it begins with negative infinity.
fn columns(
    samples: &[f32],
    config: MfccConfig,
    compute: fn(&Mfcc, &[f32]) -> Frames,
    merge: impl Fn(&mut [f32], &Frames) + Sync,
) -> Result<Frames> {
    let config = MfccConfig {
        // Windows are laid one after the other, so each is a frame by itself.
        hop_length: config.window_length,
        framing: Framing::WholeWindow,
        ..config
    };
    let mfcc = Mfcc::new(&config, RATE)?;
    let window = mfcc.samples_needed();
    let seconds = samples.len() as f64 / f64::from(RATE);
    let count = ((seconds / COLUMN_SECONDS).round() as usize).clamp(1, MOST_COLUMNS);
    let per_column = ((seconds / count as f64 / FRAME_SECONDS).round() as usize).max(1);
    let frames = (count * per_column) as f64;
    let merged: Vec<Vec<f32>> = (0..count)
        .into_par_iter()
        .map(|column| {
            let mut windows = vec![0.0; per_column * window];
            for (i, target) in windows.chunks_exact_mut(window).enumerate() {
                let frame = (column * per_column + i) as f64;
                let middle = ((frame + 0.5) / frames * samples.len() as f64) as usize;
                copy_window(samples, middle, target);
            }
            let frames = compute(&mfcc, &windows);
            let mut merged = vec![f32::NEG_INFINITY; frames.columns()];
            merge(&mut merged, &frames);
            merged
        })
        .collect();
    let width = merged.first().map_or(0, Vec::len);
    Ok(Frames::new(merged.concat(), width))
}

/// The samples around `middle`; zeros stand before and after the recording.
fn copy_window(samples: &[f32], middle: usize, target: &mut [f32]) {
    let before = target.len() / 2;
    let from = middle.saturating_sub(before);
    let to = (middle + target.len() - before).min(samples.len());
    let start = before.saturating_sub(middle);
    target[start..start + to - from].copy_from_slice(&samples[from..to]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_envelope_of_any_length_keeps_every_extreme() {
        for count in [1, 7, 8, 9, 1000, 4096, 5001] {
            let samples: Vec<f32> = (0..count).map(|n| (n * 7919 % 1013) as f32).collect();
            let mut envelope = Envelope::new(8);
            for block in samples.chunks(13) {
                envelope.push(block);
            }
            let expected: Vec<(f32, f32)> = samples
                .chunks(envelope.stretch)
                .map(|part| {
                    let low = part.iter().copied().fold(f32::INFINITY, f32::min);
                    (low, part.iter().copied().fold(f32::NEG_INFINITY, f32::max))
                })
                .collect();
            assert_eq!(envelope.extremes, expected, "{count}");
            assert!(expected.len() <= 8);
        }
    }

    #[test]
    fn windows_beyond_the_ends_are_filled_with_zeros() {
        let window = |middle| {
            let mut target = [0.0; 4];
            copy_window(&[1.0, 2.0, 3.0], middle, &mut target);
            target
        };
        assert_eq!(window(0), [0.0, 0.0, 1.0, 2.0]);
        assert_eq!(window(2), [1.0, 2.0, 3.0, 0.0]);
    }

    #[test]
    fn a_click_is_in_its_column_however_long_the_recording() {
        for (seconds, at) in [(0.5, 0.3), (30.0, 7.0)] {
            let mut samples = vec![0.0; (seconds * 16_000.0) as usize];
            samples[(at * 16_000.0) as usize] = 1.0;
            let spectrogram = spectrogram(&samples, 16_000).unwrap();
            let levels: Vec<f32> = spectrogram.decibels.column(80).collect();
            let loud: Vec<usize> = (0..levels.len()).filter(|&i| levels[i] > -50.0).collect();
            let middle = (loud[0] + loud[loud.len() - 1]) as f64 / 2.0 + 0.5;
            let found = middle / levels.len() as f64 * seconds;
            assert!((found - at).abs() < 0.01, "{found} s where it is at {at} s");
            assert!(levels.len() <= MOST_COLUMNS);
        }
    }

    #[test]
    fn only_svg_files_are_written() {
        let out = |name: &str| output(Path::new("a.wav"), Some(Path::new(name)));
        assert_eq!(out("x/y.SVG").unwrap(), Path::new("x/y.SVG"));
        let error = out("y.png").unwrap_err().to_string();
        assert!(error.contains("y.png") && error.contains(".svg"), "{error}");
        let unnamed = output(Path::new("far/voice.mp3"), None).unwrap();
        assert_eq!(unnamed, Path::new("voice.svg"));
    }

    #[test]
    fn a_recording_without_samples_and_a_file_without_sound_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("empty.wav");
        audio::write_wav(&file, &[], 16_000).unwrap();
        let draw = |file: &Path| {
            let out = Some(folder.path().join("out.svg"));
            run(&Args {
                file: file.into(),
                out,
                part: OneChannelOptions::default(),
            })
            .map(|_| ())
        };
        let error = draw(&file).unwrap_err().to_string();
        assert!(error.contains("empty.wav: there is no sample"), "{error}");
        let error = draw(&folder.path().join("absent.wav"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("absent.wav"), "{error}");
        assert!(!folder.path().join("out.svg").exists());
        audio::write_wav(&file, &[0.5], 16_000).unwrap();
        draw(&file).unwrap();
        assert!(folder.path().join("out.svg").exists());
    }
}
