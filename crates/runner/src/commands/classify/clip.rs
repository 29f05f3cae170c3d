//! From an input to what the model needs of it: decoded, prepared, measured.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use audio::{AudioError, Channels, DecodeSettings, Decoder, Loss};
use indicatif::ProgressBar;
use model::{ModelError, Prepared, Recognizer};

use crate::decode_options::{Channel, channel_name};
use crate::output::Input;

/// Steps of the progress bar for each recording.
pub const STEPS: u64 = 1000;

/// A recording, or a channel of one, to classify.
#[derive(Clone, Debug)]
pub struct Task {
    /// Its path, or `-` for standard input.
    pub path: PathBuf,
    channels: Channels,
    /// What was read from standard input.
    bytes: Option<Arc<[u8]>>,
}

impl Task {
    /// How the channel is called in results; none for the mean of all.
    pub fn channel(&self) -> Option<String> {
        channel_name(self.channels)
    }

    fn open(&self, part: &DecodeSettings) -> Result<Decoder, ModelError> {
        let settings = DecodeSettings {
            channels: self.channels,
            ..*part
        };
        Ok(match &self.bytes {
            Some(bytes) => Decoder::from_bytes(Arc::clone(bytes), &settings)?,
            None if self.path == Path::new("-") => {
                Decoder::from_reader(std::io::stdin(), &settings)?
            }
            None => Decoder::open(&self.path, &settings)?,
        })
    }
}

/// A recording that was decoded and prepared.
pub struct Clip {
    pub prepared: Prepared,
    pub seconds: f64,
    pub loss: Loss,
    /// What people should be told of how it was read.
    pub notes: Vec<String>,
}

/// What an input stands for: itself, or each of its channels.
///
/// # Errors
///
/// What is wrong with the input.
pub fn tasks(
    input: &Input,
    channel: Channel,
    part: &DecodeSettings,
) -> Result<Vec<Task>, ModelError> {
    let mut task = Task {
        path: input.path.clone(),
        channels: Channels::Mix,
        bytes: None,
    };
    match channel {
        Channel::Take(channels) => {
            task.channels = channels;
            Ok(vec![task])
        }
        Channel::Each => {
            if task.path == Path::new("-") {
                task.bytes = Some(standard_input()?.into());
            }
            let channels = task.open(part)?.channels();
            Ok((0..channels)
                .map(|channel| Task {
                    channels: Channels::One(channel),
                    ..task.clone()
                })
                .collect())
        }
    }
}

fn standard_input() -> Result<Vec<u8>, ModelError> {
    let mut bytes = Vec::new();
    let read = std::io::stdin().read_to_end(&mut bytes);
    read.map_err(|source| ModelError::Io {
        path: "standard input".into(),
        source,
    })?;
    Ok(bytes)
}

/// Decodes and prepares a recording; the bar goes on by [`STEPS`].
///
/// # Errors
///
/// What is wrong with it.
pub fn prepare(
    recognizer: &Recognizer,
    task: &Task,
    part: &DecodeSettings,
    bar: &ProgressBar,
) -> Result<Clip, ModelError> {
    let mut done = 0;
    let mut progress = |share: f64| {
        let now = ((share * STEPS as f64) as u64).clamp(done, STEPS);
        bar.inc(now - done);
        done = now;
    };
    let clip = decoded(recognizer, task, part, &mut progress);
    progress(1.0);
    clip
}

fn decoded(
    recognizer: &Recognizer,
    task: &Task,
    part: &DecodeSettings,
    progress: impl FnMut(f64),
) -> Result<Clip, ModelError> {
    let mut decoder = task.open(part)?;
    let prepared = recognizer.prepare_stream(&mut decoder, progress)?;
    let seconds = decoder.position() as f64 / f64::from(decoder.sample_rate());
    let reading = decoder.reading();
    let mut notes = reading.notes(seconds);
    let pieces = prepared.pieces().count();
    if pieces > 1 {
        notes.push(format!(
            "{:.0} minutes long; the answer is the mean over {pieces} pieces, weighted by the \
             speech in each (`affekt timeline` says when which emotion is heard)",
            seconds / 60.0
        ));
    }
    Ok(Clip {
        prepared,
        seconds,
        loss: reading.loss,
        notes,
    })
}

/// An error that names its input once.
pub fn named(path: &Path, error: impl Into<ModelError>) -> String {
    match error.into() {
        // In memory it has no name.
        ModelError::Audio(error @ AudioError::Settings { .. }) if path == Path::new("-") => {
            format!("standard input: {error}")
        }
        error => training::with_path(path, error),
    }
}
