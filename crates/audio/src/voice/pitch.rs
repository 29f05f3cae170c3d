//! Fundamental frequency and voicing: settings, whole recordings, the track.

use serde::{Deserialize, Serialize};

use super::candidates::{Analyser, PitchCandidate, PitchWindow, Settings};
use super::grid::{Grid, linear, sample_below};
use super::path::{Costs, Path, PitchFrame};
use crate::error::AudioError;

/// Periods of the lowest pitch in a window.
const PERIODS: f64 = 3.0;

/// Settings of the pitch analysis. The defaults are those of Praat's `To Pitch (ac)`,
/// with a frame every 10 ms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PitchConfig {
    /// Seconds from one frame to the next.
    pub time_step: f64,
    /// Lowest pitch in Hz. It determines the length of the window: three periods.
    pub floor: f64,
    /// Highest pitch in Hz; limited to half the sample rate.
    pub ceiling: f64,
    /// Candidates per frame, including the unvoiced one; at least `ceiling / floor`
    /// are used.
    pub max_candidates: usize,
    /// Shape of the window.
    pub window: PitchWindow,
    /// Frames whose peak is below this share of the recording's peak tend to count as
    /// silent.
    pub silence_threshold: f64,
    /// Strength of the unvoiced candidate, which a voiced one has to exceed.
    pub voicing_threshold: f64,
    /// Cost per octave below the ceiling: favours high pitch.
    pub octave_cost: f64,
    /// Cost per octave of change between frames 10 ms apart; shorter steps cost
    /// proportionally more.
    pub octave_jump_cost: f64,
    /// Cost of a change between voiced and unvoiced, scaled in the same way.
    pub voiced_unvoiced_cost: f64,
}

impl Default for PitchConfig {
    fn default() -> Self {
        PitchConfig {
            time_step: 0.01,
            floor: 75.0,
            ceiling: 600.0,
            max_candidates: 15,
            window: PitchWindow::Hann,
            silence_threshold: 0.03,
            voicing_threshold: 0.45,
            octave_cost: 0.01,
            octave_jump_cost: 0.35,
            voiced_unvoiced_cost: 0.14,
        }
    }
}

impl PitchConfig {
    /// Checks everything that does not depend on the sample rate.
    ///
    /// # Errors
    ///
    /// [`AudioError::Settings`] naming the setting, its value and the allowed range.
    pub fn validate(&self) -> Result<(), AudioError> {
        check("time_step", self.time_step, 1e-4, 10.0)?;
        check("floor", self.floor, 1.0, 1e5)?;
        check("ceiling", self.ceiling, self.floor, 1e6)?;
        if self.ceiling == self.floor {
            return Err(AudioError::settings(format!(
                "ceiling and floor are both {} Hz, the ceiling must be above the floor",
                self.floor
            )));
        }
        if !(2..=1000).contains(&self.max_candidates) {
            return Err(AudioError::settings(format!(
                "max_candidates is {}, it must be 2 to 1000",
                self.max_candidates
            )));
        }
        check("silence_threshold", self.silence_threshold, 0.0, 1.0)?;
        check("voicing_threshold", self.voicing_threshold, 0.0, 1.0)?;
        check("octave_cost", self.octave_cost, 0.0, 100.0)?;
        check("octave_jump_cost", self.octave_jump_cost, 0.0, 100.0)?;
        check(
            "voiced_unvoiced_cost",
            self.voiced_unvoiced_cost,
            0.0,
            100.0,
        )
    }
}

/// Checks that a setting is a number in its allowed range.
pub(crate) fn check(name: &str, value: f64, low: f64, high: f64) -> Result<(), AudioError> {
    if (low..=high).contains(&value) {
        Ok(())
    } else {
        Err(AudioError::settings(format!(
            "{name} is {value}, it must be {low} to {high}"
        )))
    }
}

/// Pitch analysis at one sample rate: the settings with their tables, ready to be
/// used by many threads. Clones share the transforms.
///
/// ```
/// use audio::{Pitch, PitchConfig};
/// let pitch = Pitch::new(&PitchConfig::default(), 16_000)?;
/// let tone: Vec<f32> = (0..16_000)
///     .map(|n| (n as f32 * 220.0 / 16_000.0 * std::f32::consts::TAU).sin())
///     .collect();
/// let track = pitch.track(&tone);
/// assert_eq!(track.len(), 97);
/// assert!((track.frames[40].frequency.unwrap() - 220.0).abs() < 0.01);
/// # Ok::<(), audio::AudioError>(())
/// ```
#[derive(Clone)]
pub struct Pitch {
    config: PitchConfig,
    sample_rate: u32,
    analyser: Analyser,
    costs: Costs,
}

impl std::fmt::Debug for Pitch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pitch")
            .field("config", &self.config)
            .field("sample_rate", &self.sample_rate)
            .finish_non_exhaustive()
    }
}

impl Pitch {
    /// Prepares the tables for `sample_rate` Hz.
    ///
    /// # Errors
    ///
    /// [`AudioError::Settings`] if a setting is out of range, or the window for the
    /// floor has too few samples at this rate.
    pub fn new(config: &PitchConfig, sample_rate: u32) -> Result<Self, AudioError> {
        config.validate()?;
        let ceiling = config.ceiling.min(0.5 * f64::from(sample_rate));
        let settings = Settings {
            window: config.window,
            periods: PERIODS,
            floor: config.floor,
            ceiling,
            max_candidates: config.max_candidates.max((ceiling / config.floor) as usize),
            voicing_threshold: config.voicing_threshold,
            octave_cost: config.octave_cost,
            strongest_only: false,
        };
        let analyser = analyser(settings, sample_rate)?;
        let per_step = 0.01 / config.time_step;
        Ok(Pitch {
            config: config.clone(),
            sample_rate,
            analyser,
            costs: Costs {
                ceiling,
                silence_threshold: config.silence_threshold,
                voicing_threshold: config.voicing_threshold,
                octave_cost: config.octave_cost,
                octave_jump_cost: config.octave_jump_cost * per_step,
                voiced_unvoiced_cost: config.voiced_unvoiced_cost * per_step,
            },
        })
    }

    /// The pitch of a whole recording (`samples` at full scale ±1; any other scale
    /// gives the same result). No frames if there are fewer samples than a window.
    pub fn track(&self, samples: &[f32]) -> PitchTrack {
        let grid = Grid::new(
            samples.len(),
            self.sample_rate,
            self.window_seconds(),
            self.config.time_step,
        );
        let mut path = Path::new(self.costs);
        let peak = peak(samples);
        let mut candidates = Vec::with_capacity(self.analyser.max_candidates());
        let mut scratch = self.analyser.scratch();
        let length = self.window_length();
        for frame in windows(samples, self.sample_rate, grid, length) {
            candidates.clear();
            let worth = |local| !self.costs.surely_unvoiced(relative(local, peak));
            let local = self
                .analyser
                .analyse(frame, &mut scratch, &mut candidates, worth);
            path.push(&candidates, relative(local, peak));
        }
        PitchTrack {
            time_step: self.config.time_step,
            duration: samples.len() as f64 / f64::from(self.sample_rate),
            times: grid.times(),
            frames: path.take_all(),
        }
    }

    /// The candidates of a single frame of [`window_length`](Self::window_length)
    /// samples, in order of falling frequency, independent of other frames; none if
    /// the frame has another length or is constant.
    pub fn candidates(&self, frame: &[f32]) -> Vec<PitchCandidate> {
        let mut candidates = Vec::new();
        if frame.len() == self.window_length() {
            let mut scratch = self.analyser.scratch();
            self.analyser
                .analyse(frame, &mut scratch, &mut candidates, |_| true);
        }
        candidates
    }

    /// The settings.
    pub fn config(&self) -> &PitchConfig {
        &self.config
    }

    /// Samples per second.
    pub fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    /// Samples in a frame.
    pub fn window_length(&self) -> usize {
        self.analyser.frame_length()
    }

    /// The shortest recording that has a frame, in seconds.
    pub fn window_seconds(&self) -> f64 {
        match self.config.window {
            PitchWindow::Hann => PERIODS / self.config.floor,
            PitchWindow::Gaussian => 2.0 * PERIODS / self.config.floor,
        }
    }

    pub(super) fn analyser(&self) -> &Analyser {
        &self.analyser
    }

    pub(super) fn costs(&self) -> Costs {
        self.costs
    }
}

/// An [`Analyser`], or the error for settings it cannot have.
pub(crate) fn analyser(settings: Settings, sample_rate: u32) -> Result<Analyser, AudioError> {
    let ceiling_fits = settings.floor < settings.ceiling;
    Analyser::new(settings, sample_rate)
        .filter(|_| ceiling_fits)
        .ok_or_else(|| {
            AudioError::settings(format!(
                "at {sample_rate} Hz the window for a pitch floor of {} Hz has too few samples; \
                 lower the floor or use a higher sample rate",
                settings.floor
            ))
        })
}

/// The samples of each frame of the grid, `length` of them (an even number).
pub(crate) fn windows(
    samples: &[f32],
    sample_rate: u32,
    grid: Grid,
    length: usize,
) -> impl Iterator<Item = &[f32]> {
    (0..grid.count).filter_map(move |i| {
        let start = sample_below(grid.time(i), sample_rate) + 1 - (length / 2) as i64;
        // The grid keeps windows within the samples; rounding may shift one by a
        // sample.
        let last = samples.len().checked_sub(length)?;
        let start = start.clamp(0, last as i64) as usize;
        samples.get(start..start + length)
    })
}

/// The greatest distance of a sample from the mean.
pub(crate) fn peak(samples: &[f32]) -> f64 {
    let mean = samples.iter().map(|&x| f64::from(x)).sum::<f64>() / samples.len().max(1) as f64;
    let (low, high) = samples
        .iter()
        .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &x| {
            (
                if x < low { x } else { low },
                if x > high { x } else { high },
            )
        });
    (f64::from(high) - mean).max(mean - f64::from(low))
}

/// A frame's peak as a share of the recording's peak, at most 1.
pub(crate) fn relative(local: f64, peak: f64) -> f64 {
    if peak > 0.0 {
        (local / peak).min(1.0)
    } else {
        0.0
    }
}

/// The pitch of a recording over time.
///
/// Frame `i` is centred on `times[i]`; see [`len`](Self::len) for their number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PitchTrack {
    /// Seconds from one frame to the next.
    pub time_step: f64,
    /// Length of the recording in seconds.
    pub duration: f64,
    /// Centres of the frames in seconds.
    pub times: Vec<f64>,
    /// Frequency and strength of each frame.
    pub frames: Vec<PitchFrame>,
}

impl PitchTrack {
    /// Number of frames: as many as fit with their whole windows, `time_step` apart;
    /// the remaining time is divided between both ends.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether the recording was too short for a single frame.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// F0 of every frame in Hz, 0 if it is unvoiced: for tools that expect only
    /// numbers. Averages should be taken over voiced frames only.
    pub fn frequencies(&self) -> Vec<f64> {
        self.frames
            .iter()
            .map(|f| f.frequency.unwrap_or(0.0))
            .collect()
    }

    /// Share of the frames that are voiced; 0 without frames.
    pub fn voiced_share(&self) -> f64 {
        let voiced = self.frames.iter().filter(|f| f.frequency.is_some()).count();
        voiced as f64 / self.len().max(1) as f64
    }

    /// F0 in Hz at any `time`, interpolated linearly between frames. `None` if the
    /// nearest frame is unvoiced, or `time` is more than half a step before the first
    /// frame or after the last.
    pub fn at(&self, time: f64) -> Option<f64> {
        linear(&self.times, self.time_step, time, |i| {
            self.frames.get(i)?.frequency
        })
    }

    /// Start and end of the voiced stretches in seconds: half a step before their
    /// first frame and after their last.
    pub fn voiced_intervals(&self) -> Vec<(f64, f64)> {
        let mut intervals: Vec<(f64, f64)> = Vec::new();
        let mut open = false;
        for (frame, &time) in self.frames.iter().zip(&self.times) {
            let voiced = frame.frequency.is_some();
            let end = (time + 0.5 * self.time_step).min(self.duration);
            match (voiced, open, intervals.last_mut()) {
                (true, true, Some(last)) => last.1 = end,
                (true, ..) => intervals.push(((time - 0.5 * self.time_step).max(0.0), end)),
                _ => {}
            }
            open = voiced;
        }
        intervals
    }
}
