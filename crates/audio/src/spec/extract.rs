//! The features of a whole recording.

use serde::{Deserialize, Serialize};

use super::plan::{Made, Plan};
use super::settings::FeatureSpec;
use crate::deltas::{DeltaMethod, delta};
use crate::error::AudioError;
use crate::frames::Frames;
use crate::functionals::functionals;
use crate::mfcc::Mfcc;
use crate::recording::Recording;
use crate::speech::{Levelled, SpeechLevel, SpeechStream};

/// The features of one recording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Features {
    /// One row every [`frame_period`](FeatureSpec::frame_period) seconds:
    /// `[rows, columns]`, with the columns named by
    /// [`column_names`](FeatureSpec::column_names).
    pub frames: Frames,
    /// Statistics over the recording, of the columns before their mean is
    /// subtracted, named by [`functional_names`](FeatureSpec::functional_names).
    pub functionals: Vec<f32>,
    /// The input of a pretrained speech encoder, one row for each frame of speech:
    /// `[frames of speech, 40]`. No rows without
    /// [`encoder`](FeatureSpec::encoder), or without speech.
    #[serde(default = "no_rows")]
    pub encoder: Frames,
}

fn no_rows() -> Frames {
    Frames::new(Vec::new(), SpeechLevel::COLUMNS)
}

impl Features {
    /// Frames and functionals, without an encoder's input.
    pub fn new(frames: Frames, functionals: Vec<f32>) -> Self {
        Features {
            frames,
            functionals,
            encoder: no_rows(),
        }
    }
}

/// The middles of rows, in seconds from the start of the recording.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowTimes {
    /// Of [`Features::frames`].
    pub frames: Vec<f64>,
    /// Of [`Features::encoder`].
    pub encoder: Vec<f64>,
}

/// A recording as the blocks get it.
struct Heard {
    recording: Recording,
    /// Samples that were cut off before it.
    start: usize,
    encoder: Frames,
    /// The number of each frame of `encoder`.
    encoder_frames: Vec<usize>,
}

/// Extracts features from any number of recordings, on any number of threads. Made
/// by [`FeatureSpec::extractor`].
#[derive(Clone, Debug)]
pub struct FeatureExtractor {
    spec: FeatureSpec,
    mfcc: Mfcc,
    plan: Plan,
}

impl FeatureSpec {
    /// Prepares the tables for extraction.
    ///
    /// # Errors
    ///
    /// As [`validate`](Self::validate).
    pub fn extractor(&self) -> Result<FeatureExtractor, AudioError> {
        let (mfcc, plan) = self.prepare()?;
        Ok(FeatureExtractor {
            spec: self.clone(),
            mfcc,
            plan,
        })
    }
}

impl FeatureExtractor {
    /// The features of `recording`, which is resampled and trimmed first. Silence is
    /// not an error; its features are finite.
    ///
    /// # Errors
    ///
    /// [`AudioError::TooShort`] if there is less than one frame.
    /// [`AudioError::Settings`] if the sample rate of the recording is outside
    /// [`SAMPLE_RATES`](crate::SAMPLE_RATES).
    pub fn extract(&self, recording: &Recording) -> Result<Features, AudioError> {
        let Heard {
            recording, encoder, ..
        } = self.hear(recording)?;
        let samples = &recording.samples;
        let sources: Vec<Frames> = self
            .plan
            .sources
            .iter()
            .map(|source| source.rows(samples, &self.plan.rows))
            .collect();

        let mut statistics = Vec::new();
        let mut columns: Vec<Frames> = Vec::new();
        for (block, made) in self.spec.blocks.iter().zip(&self.plan.made) {
            let base = made.columns(&sources);
            if block.functionals {
                statistics.extend(self.functionals(made, &base, &sources, samples));
            }
            let names = block.measure.column_names(&self.spec.mfcc);
            let base = less_mean(base, &block.subtract_mean.among(&names));
            let deltas = (1..=block.deltas).map(|order| delta(&base, order, DeltaMethod::HTK));
            let deltas: Vec<Frames> = deltas.collect();
            columns.push(base);
            columns.extend(deltas);
        }
        if !statistics.is_empty() {
            statistics.push(recording.duration() as f32);
        }
        let frames = match &columns[..] {
            [first, rest @ ..] if !rest.is_empty() => {
                first.beside(&rest.iter().collect::<Vec<_>>())
            }
            _ => columns.pop().unwrap_or_else(|| Frames::new(Vec::new(), 0)),
        };
        let frames = match (self.spec.speech_frames, encoder.is_empty()) {
            (false, _) => frames,
            (true, false) => encoder.clone(),
            // Nobody speaks; a network needs a frame all the same.
            (true, true) => Frames::new(vec![0.0; SpeechLevel::COLUMNS], SpeechLevel::COLUMNS),
        };
        Ok(Features {
            frames,
            functionals: statistics,
            encoder,
        })
    }

    /// When the rows of [`extract`](Self::extract) are.
    ///
    /// # Errors
    ///
    /// As [`extract`](Self::extract).
    pub fn row_times(&self, recording: &Recording) -> Result<RowTimes, AudioError> {
        let heard = self.hear(recording)?;
        let rate = f64::from(self.spec.sample_rate);
        let start = heard.start as f64 / rate;
        let samples = heard.recording.samples.len();
        let (rows, frames) = (&self.plan.rows, self.plan.rows.frames.count(samples));
        let of_row = |row: usize| start + rows.time(row, frames);
        let encoder: Vec<f64> = (heard.encoder_frames.iter())
            .map(|frame| SpeechStream::seconds(*frame))
            .collect();
        let frames = match (self.spec.speech_frames, encoder.is_empty()) {
            (false, _) => (0..rows.count(samples)).map(of_row).collect(),
            (true, false) => encoder.clone(),
            (true, true) => vec![0.0],
        };
        Ok(RowTimes { frames, encoder })
    }

    /// What the blocks are computed from: resampled, levelled, trimmed.
    fn hear(&self, recording: &Recording) -> Result<Heard, AudioError> {
        let mut recording = recording.resample(self.spec.sample_rate)?;
        let (mut encoder, mut encoder_frames) = (no_rows(), Vec::new());
        let (mut levelled, mut start) = (None, 0);
        if let Some(config) = &self.spec.encoder {
            let whole = self.levelled(config, &recording)?;
            encoder = whole.rows;
            encoder_frames = whole.frames;
            levelled = Some((whole.samples, whole.start));
        }
        if let Some(config) = &self.spec.level {
            (recording.samples, start) = match levelled {
                Some(levelled) if self.spec.encoder.as_ref() == Some(config) => levelled,
                _ => {
                    let levelled = self.levelled(config, &recording)?;
                    (levelled.samples, levelled.start)
                }
            };
        }
        if let Some(trim) = &self.spec.trim {
            let speech = crate::trim::speech(&recording, trim);
            start += speech.start;
            recording.samples.truncate(speech.end);
            recording.samples.drain(..speech.start);
        }
        if self.plan.rows.count(recording.samples.len()) == 0 {
            return Err(AudioError::TooShort {
                seconds: recording.duration(),
                needed: self.mfcc.samples_needed() as f64 / f64::from(self.spec.sample_rate),
            });
        }
        Ok(Heard {
            recording,
            start,
            encoder,
            encoder_frames,
        })
    }

    fn levelled(
        &self,
        config: &SpeechLevel,
        recording: &Recording,
    ) -> Result<Levelled, AudioError> {
        let stream = SpeechStream::warped(config, self.spec.sample_rate, self.spec.mfcc.warp)?;
        Ok(stream.level(&recording.samples))
    }

    fn functionals(
        &self,
        made: &Made,
        base: &Frames,
        sources: &[Frames],
        samples: &[f32],
    ) -> Vec<f32> {
        match made {
            Made::Of(_) | Made::OfPitch(_) => functionals(base),
            Made::OfProsody {
                pitch,
                level,
                prosody,
            } => {
                let rate = self
                    .plan
                    .speaking_rate
                    .as_ref()
                    .map_or(0.0, |rate| rate.syllables(samples).speech_rate());
                let period = self.spec.frame_period();
                prosody.functionals(&sources[*pitch], &sources[*level], period, rate)
            }
        }
    }

    /// The settings.
    pub fn spec(&self) -> &FeatureSpec {
        &self.spec
    }
}

impl Made {
    /// The columns of a block.
    fn columns(&self, sources: &[Frames]) -> Frames {
        match self {
            Made::Of(source) => sources[*source].clone(),
            Made::OfPitch(source) => {
                let rows = sources[*source].rows();
                let data = rows.flat_map(|row| [row[0], f32::from(u8::from(row[0] > 0.0))]);
                Frames::new(data.collect(), 2)
            }
            Made::OfProsody {
                pitch,
                level,
                prosody,
            } => prosody.columns(&sources[*pitch], &sources[*level]),
        }
    }
}

/// Subtracts the mean from the `chosen` columns and leaves the others unchanged.
fn less_mean(frames: Frames, chosen: &[bool]) -> Frames {
    if !chosen.contains(&true) {
        return frames;
    }
    let mut means = vec![0.0f64; frames.columns()];
    for row in frames.rows() {
        for (mean, &v) in means.iter_mut().zip(row) {
            *mean += f64::from(v);
        }
    }
    for (mean, &chosen) in means.iter_mut().zip(chosen) {
        *mean = if chosen {
            *mean / frames.len() as f64
        } else {
            0.0
        };
    }
    let data = frames
        .rows()
        .flat_map(|row| {
            row.iter()
                .zip(&means)
                .map(|(&v, mean)| (f64::from(v) - mean) as f32)
        })
        .collect();
    Frames::new(data, frames.columns())
}
