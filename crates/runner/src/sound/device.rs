//! Microphones through [cpal](https://docs.rs/cpal): CoreAudio, WASAPI, ALSA.

use std::sync::mpsc::{self, Receiver, Sender};

use anyhow::{Context, Result, anyhow, bail};
use audio::StreamResampler;
use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{FromSample, SampleFormat, SizedSample, SupportedStreamConfig};

use super::microphone::{AWAY_AFTER, RATE};

/// A microphone that is open.
pub struct Stream {
    description: String,
    channels: usize,
    /// To [`RATE`], from another one.
    resampler: Option<StreamResampler>,
    heard: Receiver<Heard>,
    /// Sound comes as long as it lives.
    _stream: cpal::Stream,
}

/// What the system's own thread tells.
enum Heard {
    /// Samples, channels interleaved.
    Samples(Vec<f32>),
    /// The device is gone.
    Failed(String),
}

/// The microphones: name, description, whether it is the default.
///
/// # Errors
///
/// Where the system does not tell.
pub fn list() -> Result<Vec<(String, String, bool)>> {
    let host = cpal::default_host();
    let default = host.default_input_device().map(|device| name(&device));
    let devices = host
        .input_devices()
        .context("the sound system does not answer")?;
    let microphones = devices.map(|device| {
        let name = name(&device);
        let is_default = default.as_ref() == Some(&name);
        (name, host.id().to_string(), is_default)
    });
    Ok(microphones.collect())
}

impl Stream {
    /// Opens a microphone: by its name or a part of it, else the system's choice.
    ///
    /// # Errors
    ///
    /// Where no microphone can be opened.
    pub fn open(wanted: Option<&str>) -> Result<Self> {
        let host = cpal::default_host();
        let device = match wanted {
            None => host
                .default_input_device()
                .context("there is no microphone; `affekt devices` lists them")?,
            Some(wanted) => {
                let lower = wanted.to_lowercase();
                let mut devices = host.input_devices()?;
                let found = devices.find(|device| name(device).to_lowercase().contains(&lower));
                found.with_context(|| {
                    format!("there is no microphone {wanted:?}; `affekt devices` lists them")
                })?
            }
        };
        let config = device.default_input_config()?;
        let (sender, heard) = mpsc::channel();
        let stream = match config.sample_format() {
            SampleFormat::I8 => build::<i8>(&device, &config, sender),
            SampleFormat::I16 => build::<i16>(&device, &config, sender),
            SampleFormat::I32 => build::<i32>(&device, &config, sender),
            SampleFormat::U16 => build::<u16>(&device, &config, sender),
            SampleFormat::F32 => build::<f32>(&device, &config, sender),
            SampleFormat::F64 => build::<f64>(&device, &config, sender),
            other => Err(anyhow!("its samples are {other}, which is not supported")),
        }?;
        stream.play()?;
        Ok(Stream {
            description: name(&device),
            channels: usize::from(config.channels()).max(1),
            resampler: match config.sample_rate() {
                RATE => None,
                rate => Some(StreamResampler::new(rate, RATE)?),
            },
            heard,
            _stream: stream,
        })
    }

    /// What it is called, for people.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The next samples at [`RATE`].
    ///
    /// # Errors
    ///
    /// Where nothing comes any more.
    pub fn next(&mut self) -> Result<Vec<f32>> {
        let heard = self.heard.recv_timeout(AWAY_AFTER);
        let interleaved = match heard.context("the microphone sends nothing any more")? {
            Heard::Samples(samples) => samples,
            Heard::Failed(error) => bail!("{error}"),
        };
        let mean = |frame: &[f32]| frame.iter().sum::<f32>() / self.channels as f32;
        let mono: Vec<f32> = interleaved.chunks_exact(self.channels).map(mean).collect();
        let Some(resampler) = &mut self.resampler else {
            return Ok(mono);
        };
        let mut converted = Vec::new();
        resampler.push(&mono, &mut converted)?;
        Ok(converted)
    }
}

/// A stream of samples of this kind, handed on as they come.
fn build<T: SizedSample>(
    device: &cpal::Device,
    config: &SupportedStreamConfig,
    sender: Sender<Heard>,
) -> Result<cpal::Stream>
where
    f32: FromSample<T>,
{
    let failed = sender.clone();
    let stream = device.build_input_stream(
        (*config).into(),
        move |samples: &[T], _: &_| {
            let samples = samples.iter().map(|sample| f32::from_sample_(*sample));
            // Nobody listens any more only when the stream is about to end.
            let _ = sender.send(Heard::Samples(samples.collect()));
        },
        move |error: cpal::Error| {
            // What the system mends by itself is no failure.
            use cpal::ErrorKind::{DeviceChanged, RealtimeDenied, Xrun};
            if !matches!(error.kind(), DeviceChanged | RealtimeDenied | Xrun) {
                let _ = failed.send(Heard::Failed(error.to_string()));
            }
        },
        None,
    )?;
    Ok(stream)
}

fn name(device: &cpal::Device) -> String {
    let description = device.description();
    description.map_or("a microphone".to_owned(), |description| {
        description.name().to_owned()
    })
}
