//! The measurements that blocks are made from, in rows.

use super::rows::{Averager, RowGrid, nearest};
use crate::error::AudioError;
use crate::frames::Frames;
use crate::mfcc::Mfcc;
use crate::simd::dot;
use crate::spectral::{SpectralConfig, SpectralFeature, SpectralShape};
use crate::voice::{
    Harmonicity, HarmonicityConfig, Intensity, IntensityConfig, Pitch, PitchConfig,
};

/// The least power, -100 dB of full scale.
const SILENCE: f32 = 1e-10;

/// The settings of a source.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Wanted {
    Mfcc,
    LogMel,
    Shape(Vec<SpectralFeature>),
    /// Mean square in dB of full scale.
    Level,
    Intensity(f64),
    /// F0 in Hz, 0 if unvoiced, and strength.
    Pitch(PitchConfig),
    Harmonicity(HarmonicityConfig),
}

/// A source with its tables.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Mfcc(Mfcc),
    LogMel(Mfcc),
    Shape(SpectralShape),
    Level,
    Intensity(Intensity),
    Pitch(Pitch),
    Harmonicity(Harmonicity),
}

impl Source {
    pub(super) fn new(wanted: &Wanted, mfcc: &Mfcc) -> Result<Self, AudioError> {
        let rate = mfcc.sample_rate();
        Ok(match wanted {
            Wanted::Mfcc => Source::Mfcc(mfcc.clone()),
            Wanted::LogMel => Source::LogMel(mfcc.clone()),
            Wanted::Shape(features) => {
                let config = SpectralConfig {
                    features: features.clone(),
                    ..SpectralConfig::framed_like(mfcc.config())
                };
                Source::Shape(SpectralShape::new(&config, rate)?)
            }
            Wanted::Level => Source::Level,
            Wanted::Intensity(floor) => {
                let config = IntensityConfig {
                    floor: *floor,
                    ..IntensityConfig::default()
                };
                Source::Intensity(Intensity::new(&config, rate)?)
            }
            Wanted::Pitch(config) => Source::Pitch(Pitch::new(config, rate)?),
            Wanted::Harmonicity(config) => Source::Harmonicity(Harmonicity::new(config, rate)?),
        })
    }

    pub(super) fn columns(&self) -> usize {
        match self {
            Source::Mfcc(mfcc) => mfcc.config().n_mfcc,
            Source::LogMel(mfcc) => mfcc.config().n_mels,
            Source::Shape(shape) => shape.column_names().len(),
            Source::Level | Source::Intensity(_) | Source::Harmonicity(_) => 1,
            Source::Pitch(_) => 2,
        }
    }

    /// The rows of a whole recording.
    pub(super) fn rows(&self, samples: &[f32], grid: &RowGrid) -> Frames {
        let frames = grid.frames.count(samples.len());
        let times = (0..grid.count(samples.len())).map(|row| grid.time(row, frames));
        let mut data = Vec::new();
        match self {
            Source::Mfcc(mfcc) => return mfcc.compute_averaged(samples, grid.average),
            Source::LogMel(mfcc) => return mfcc.log_mel_averaged(samples, grid.average),
            Source::Shape(shape) => {
                let shapes = shape.compute(samples);
                let mut averager = Averager::new(shapes.columns(), grid.average);
                for frame in shapes.rows() {
                    averager.push(frame, |row| data.extend_from_slice(row));
                }
                averager.finish(|row| data.extend_from_slice(row));
            }
            Source::Level => {
                let mut averager = Averager::new(1, grid.average);
                let mut buffer = vec![0.0; grid.frames.window_length];
                for t in 0..frames {
                    let power = power(grid, samples, 0, t, &mut buffer);
                    averager.push(&[power], |row| data.push(decibels(row[0])));
                }
                averager.finish(|row| data.push(decibels(row[0])));
            }
            Source::Intensity(intensity) => data.extend(times.map(|time| {
                let middle = grid.sample(time);
                audible(intensity.frame(samples, middle))
            })),
            Source::Pitch(pitch) => {
                let track = pitch.track(samples);
                for time in times {
                    let frame = at(&track.frames, &track.times, track.time_step, time);
                    let hertz = frame.and_then(|f| f.frequency).unwrap_or(0.0);
                    let strength = frame.map_or(0.0, |f| f.strength);
                    data.extend([hertz as f32, strength as f32]);
                }
            }
            Source::Harmonicity(harmonicity) => {
                let track = harmonicity.track(samples);
                let step = harmonicity.config().time_step;
                data.extend(times.map(|time| {
                    let ratio = at(&track.decibels, &track.times, step, time);
                    ratio.copied().flatten().unwrap_or(0.0) as f32
                }));
            }
        }
        Frames::new(data, self.columns())
    }
}

/// The value at the time nearest to `time`; `None` if there are no values.
fn at<'a, T>(values: &'a [T], times: &[f64], step: f64, time: f64) -> Option<&'a T> {
    let i = nearest(time, *times.first()?, step) as usize;
    values.get(i.min(values.len().checked_sub(1)?))
}

/// Mean square of frame `t`; `kept` is the signal from sample `first` on.
pub(super) fn power(
    grid: &RowGrid,
    kept: &[f32],
    first: usize,
    t: usize,
    buffer: &mut [f32],
) -> f32 {
    let frame = grid.frames.gather_from(kept, first, t, buffer);
    dot(frame, frame) / frame.len().max(1) as f32
}

pub(super) fn decibels(power: f32) -> f32 {
    10.0 * power.max(SILENCE).log10()
}

/// Levels below the threshold of hearing, and those of digital silence, are 0 dB.
pub(super) fn audible(decibels: f64) -> f32 {
    decibels.max(0.0) as f32
}
