//! The features of a signal that is still arriving.

use super::FeatureSpec;
use crate::deltas::{DeltaMethod, DeltaStream};
use crate::error::AudioError;
use crate::mfcc::MfccStream;

/// The frames of a [`FeatureSpec`], of samples that come in chunks of any size.
///
/// The rows are those that [`extract`](crate::FeatureExtractor::extract) gives
/// for all samples together, bit for bit (but for a running mean, see
/// [`with_running_mean`](Self::with_running_mean)). Deltas look ahead and make
/// a row late, see [`look_ahead`](Self::look_ahead). Memory is bounded, and
/// nothing is allocated after `new`.
///
/// ```
/// use audio::{FeatureSpec, FeatureStream};
/// let spec = FeatureSpec {
///     trim: None,
///     functionals: false,
///     deltas: 1,
///     ..FeatureSpec::recommended()
/// };
/// // The mean of the last 3 seconds, as that of the whole is not known yet.
/// let mut stream = FeatureStream::with_running_mean(&spec, 16_000, 3.0)?;
/// let mut rows = 0;
/// for chunk in [0.1; 16_000].chunks(1_000) {
///     stream.push(chunk, |row| {
///         assert_eq!(row.len(), spec.column_names().len());
///         rows += 1;
///     });
/// }
/// stream.finish(|_| rows += 1);
/// assert_eq!(rows, 49);
/// # Ok::<(), audio::AudioError>(())
/// ```
#[derive(Debug)]
pub struct FeatureStream {
    mfcc: MfccStream,
    mean: Option<RunningMean>,
    deltas: DeltaStream,
    look_ahead: f64,
}

impl FeatureStream {
    /// A stream of samples at `sample_rate` Hz, which must be the rate of the
    /// features: resample before.
    ///
    /// # Errors
    ///
    /// [`AudioError::WholeRecording`] where `trim`, `subtract_mean`,
    /// `functionals` or `mfcc.top_db` is on, saying what to do instead.
    /// [`AudioError::Settings`] for another sample rate, and as
    /// [`validate`](FeatureSpec::validate).
    pub fn new(spec: &FeatureSpec, sample_rate: u32) -> Result<Self, AudioError> {
        if spec.subtract_mean {
            return Err(AudioError::WholeRecording {
                setting: "subtract_mean needs the mean of".into(),
                instead: "use a running mean, or switch it off".into(),
            });
        }
        Self::prepare(spec, sample_rate, None)
    }

    /// The same, every MFCC column less its mean so far. Once there have been
    /// `seconds` of signal, older rows fade exponentially with that time
    /// constant. It stands in for [`subtract_mean`](FeatureSpec::subtract_mean)
    /// and is near it, not equal to it, above all in the first second.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new); [`AudioError::Settings`] where `seconds` is not
    /// above 0.
    pub fn with_running_mean(
        spec: &FeatureSpec,
        sample_rate: u32,
        seconds: f64,
    ) -> Result<Self, AudioError> {
        if !(seconds.is_finite() && seconds > 0.0) {
            return Err(AudioError::settings(format!(
                "a running mean over {seconds} s is none, it must be above 0 s"
            )));
        }
        Self::prepare(spec, sample_rate, Some(seconds))
    }

    fn prepare(
        spec: &FeatureSpec,
        sample_rate: u32,
        seconds: Option<f64>,
    ) -> Result<Self, AudioError> {
        let mfcc = spec.prepare()?;
        if sample_rate != spec.sample_rate {
            return Err(AudioError::settings(format!(
                "the stream is at {sample_rate} Hz and the features are of {} Hz; \
                 resample the stream first",
                spec.sample_rate
            )));
        }
        if spec.trim.is_some() {
            return Err(AudioError::WholeRecording {
                setting: "trim measures silence against the loudest moment of".into(),
                instead: "set trim to none, and leave silence out by voice activity".into(),
            });
        }
        if spec.functionals {
            return Err(AudioError::WholeRecording {
                setting: "functionals are statistics over".into(),
                instead: "switch functionals off, or extract segment by segment".into(),
            });
        }
        let mfcc = MfccStream::averaged(&mfcc, spec.average)?;
        let mean = seconds.map(|seconds| RunningMean {
            rows_at_most: (seconds / spec.frame_period()).max(1.0),
            rows: 0.0,
            means: vec![0.0; mfcc.columns()],
            row: vec![0.0; mfcc.columns()],
        });
        Ok(FeatureStream {
            deltas: DeltaStream::new(mfcc.columns(), spec.deltas, DeltaMethod::HTK)?,
            look_ahead: 2.0 * spec.deltas as f64 * spec.frame_period(),
            mfcc,
            mean,
        })
    }

    /// Takes the next samples, none or many, and calls `each` with every row
    /// that they complete.
    pub fn push(&mut self, samples: &[f32], mut each: impl FnMut(&[f32])) {
        let (mean, deltas) = (&mut self.mean, &mut self.deltas);
        self.mfcc.push(samples, |row| match mean {
            Some(mean) => deltas.push(mean.subtract_from(row), &mut each),
            None => deltas.push(row, &mut each),
        });
    }

    /// Ends the signal: calls `each` with the rows that are still due. The
    /// stream is then ready for another signal.
    pub fn finish(&mut self, mut each: impl FnMut(&[f32])) {
        let (mean, deltas) = (&mut self.mean, &mut self.deltas);
        self.mfcc.finish(|row| match mean {
            Some(mean) => deltas.push(mean.subtract_from(row), &mut each),
            None => deltas.push(row, &mut each),
        });
        self.deltas.finish(each);
        self.reset();
    }

    /// Forgets the signal so far; the next sample is the first of another.
    pub fn reset(&mut self) {
        self.mfcc.reset();
        self.deltas.reset();
        if let Some(mean) = &mut self.mean {
            mean.rows = 0.0;
            mean.means.fill(0.0);
        }
    }

    /// Values in a row, named by [`column_names`](FeatureSpec::column_names).
    pub fn columns(&self) -> usize {
        self.deltas.columns()
    }

    /// Seconds that a row comes after the last sample of its own frames: two
    /// rows for each order of deltas.
    pub fn look_ahead(&self) -> f64 {
        self.look_ahead
    }
}

/// The mean of the rows so far, the old ones fading.
#[derive(Debug)]
struct RunningMean {
    rows_at_most: f64,
    rows: f64,
    means: Vec<f64>,
    row: Vec<f32>,
}

impl RunningMean {
    /// `row`, counted in, less the mean.
    fn subtract_from(&mut self, row: &[f32]) -> &[f32] {
        self.rows = (self.rows + 1.0).min(self.rows_at_most);
        for ((out, mean), &x) in self.row.iter_mut().zip(&mut self.means).zip(row) {
            *mean += (f64::from(x) - *mean) / self.rows;
            *out = (f64::from(x) - *mean) as f32;
        }
        &self.row
    }
}
