//! Frames that exceed the background.

use serde::{Deserialize, Serialize};

use super::settings::VadSettings;
use crate::error::AudioError;
use crate::mfcc::{
    FftLength, Floor, Framing, Log, MelNorm, MelScale, Mfcc, MfccConfig, MfccStream, Span, tables,
};

/// Length of the window, and distance between two frames, in seconds.
const WINDOW: f64 = 0.025;
const HOP: f64 = 0.010;
/// Number of mel bands between these frequencies in Hz; fewer at low sample rates.
const BANDS: f64 = 20.0;
const LOWEST: f64 = 100.0;
const HIGHEST: f64 = 7_500.0;
/// Weight of the previous level in a smoothed level.
const SMOOTHING: f32 = 0.7;
/// How far the mean of a smoothed level lies above its minimum in noise, in dB.
const BIAS: f32 = 2.5;
/// The most that one band contributes to the prominence, in dB.
const MOST: f32 = 20.0;
/// The memory consists of the lowest levels of this many parts.
const PARTS: usize = 10;

/// The voice activity of one frame.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct VadFrame {
    /// The middle of the frame, in seconds from the start.
    pub time: f64,
    /// How far the bands exceed their background on average, in dB.
    pub prominence: f32,
    /// Whether it is speech (before minimum length, pauses and padding are applied).
    pub speech: bool,
}

/// From samples to frames that are speech or not.
#[derive(Debug)]
pub(super) struct Detector {
    levels: MfccStream,
    tracker: Tracker,
    sample_rate: f64,
    hop: f64,
    half_window: f64,
}

/// Rates one frame after the other by its levels.
#[derive(Debug)]
struct Tracker {
    /// Corrects each band's level to 0 dB for white noise of full scale.
    offsets: Vec<f32>,
    enter: f32,
    leave: f32,
    quietest: f32,
    frames_per_part: usize,
    frames: usize,
    speech: bool,
    smoothed: Vec<f32>,
    /// Lowest levels of the current part, and of the previous parts in a ring.
    lowest: Vec<f32>,
    parts: Vec<f32>,
}

impl Detector {
    pub(super) fn new(settings: &VadSettings, sample_rate: u32) -> Result<Self, AudioError> {
        let rate = f64::from(sample_rate);
        let highest = HIGHEST.min(0.47 * rate);
        let mel = |hertz: f64| (1.0 + hertz / 700.0).ln();
        let share = (mel(highest) - mel(LOWEST)) / (mel(HIGHEST) - mel(LOWEST));
        // The highest bands are wide and their levels steady. At rates without
        // them, all bands are made wider.
        let bands = (BANDS * share * share).round().max(1.0) as usize;
        let config = MfccConfig {
            window_length: Span::Milliseconds(WINDOW * 1e3),
            hop_length: Span::Milliseconds(HOP * 1e3),
            framing: Framing::WholeWindow,
            n_fft: FftLength::PowerOfTwo,
            n_mels: bands,
            n_mfcc: 1,
            f_min: LOWEST,
            f_max: Some(highest),
            mel_scale: MelScale::Htk,
            mel_norm: MelNorm::Peak,
            log: Log::Decibel,
            floor: Floor::AtLeast(1e-30),
            top_db: None,
            ..MfccConfig::librosa()
        };
        let mfcc = Mfcc::new(&config, sample_rate)?;
        let window = tables::window(config.window, config.window_periodic, mfcc.window_length());
        let power: f64 = window.iter().map(|w| w * w).sum();
        let weights = tables::mel_bands(&config, rate, window.len(), mfcc.n_fft(), highest);
        let offsets: Vec<f32> = weights
            .iter()
            .map(|band| {
                let sum: f64 = band.weights.iter().sum();
                (-10.0 * (sum * power).log10()) as f32
            })
            .collect();
        let frames = settings.memory * rate / mfcc.hop_length() as f64;
        Ok(Detector {
            levels: MfccStream::log_mel(&mfcc)?,
            sample_rate: rate,
            hop: mfcc.hop_length() as f64 / rate,
            half_window: mfcc.window_length() as f64 / rate / 2.0,
            tracker: Tracker {
                enter: settings.enter_db as f32,
                leave: settings.leave_db as f32,
                quietest: settings.quietest_db as f32,
                frames_per_part: ((frames / PARTS as f64).round() as usize).max(1),
                frames: 0,
                speech: false,
                smoothed: vec![0.0; bands],
                lowest: vec![0.0; bands],
                parts: vec![f32::INFINITY; bands * PARTS],
                offsets,
            },
        })
    }

    pub(super) fn push(&mut self, samples: &[f32], mut each: impl FnMut(VadFrame)) {
        let (tracker, hop, half_window) = (&mut self.tracker, self.hop, self.half_window);
        self.levels.push(samples, |levels| {
            let time = tracker.frames as f64 * hop + half_window;
            let prominence = tracker.prominence(levels);
            let threshold = if tracker.speech {
                tracker.leave
            } else {
                tracker.enter
            };
            // Must be above 0: silence does not exceed silence.
            tracker.speech = prominence >= threshold && prominence > 0.0;
            each(VadFrame {
                time,
                prominence,
                speech: tracker.speech,
            });
        });
    }

    /// The part of the time around its middle that belongs to a frame, half-way to
    /// the neighbouring frames, in seconds.
    pub(super) fn edges(&self) -> (f64, f64) {
        (-self.hop / 2.0, self.hop / 2.0)
    }

    /// Seconds of signal so far.
    pub(super) fn seconds(&self) -> f64 {
        self.levels.samples() as f64 / self.sample_rate
    }

    pub(super) fn reset(&mut self) {
        self.levels.reset();
        self.tracker.frames = 0;
        self.tracker.speech = false;
    }
}

impl Tracker {
    fn prominence(&mut self, levels: &[f32]) -> f32 {
        let bands = levels.len();
        let first = self.frames == 0;
        if first {
            self.parts.fill(f32::INFINITY);
        }
        let mut sum = 0.0;
        for (band, (level, offset)) in levels.iter().zip(&self.offsets).enumerate() {
            // `max` replaces NaN by the quietest level.
            let level = (level + offset).max(self.quietest);
            let smoothed = &mut self.smoothed[band];
            let lowest = &mut self.lowest[band];
            if first {
                *smoothed = level;
                *lowest = level;
            }
            *smoothed = SMOOTHING * *smoothed + (1.0 - SMOOTHING) * level;
            *lowest = lowest.min(*smoothed);
            let parts = self.parts[band..].iter().step_by(bands);
            let background = parts.fold(*lowest, |low, &part| low.min(part));
            sum += (*smoothed - background - BIAS).clamp(0.0, MOST);
        }
        self.frames += 1;
        if self.frames.is_multiple_of(self.frames_per_part) {
            let part = self.frames / self.frames_per_part % PARTS;
            self.parts[part * bands..(part + 1) * bands].copy_from_slice(&self.lowest);
            self.lowest.copy_from_slice(&self.smoothed);
        }
        sum / bands as f32
    }
}
