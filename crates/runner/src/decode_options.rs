//! Which part of a recording to read: `--channel`, `--track`, `--start`, `--end`.

use audio::{Channels, DecodeSettings};

/// Which part of a recording to read.
#[derive(clap::Args, Clone, Debug)]
pub struct DecodeOptions {
    /// The channel to read: mix (the mean of all), loudest, or its number, from 0
    #[arg(long, value_name = "N|mix|loudest", default_value = "mix", value_parser = channel)]
    pub channel: Channels,
    /// The audio track to read of a file with several, from 0 [default: the first]
    #[arg(long, value_name = "N")]
    pub track: Option<usize>,
    /// Where to start, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0)]
    pub start: f64,
    /// Where to stop, in seconds from the start of the file [default: its end]
    #[arg(long, value_name = "SECONDS")]
    pub end: Option<f64>,
    /// The largest share of the sound that may be lost to damage; more is an error
    #[arg(long, value_name = "SHARE", default_value_t = 0.1)]
    pub max_lost: f64,
}

fn channel(text: &str) -> Result<Channels, String> {
    match text {
        "mix" => Ok(Channels::Mix),
        "loudest" => Ok(Channels::Loudest),
        number => number
            .parse()
            .map(Channels::One)
            .map_err(|_| "not a channel: mix, loudest or a number from 0".into()),
    }
}

impl DecodeOptions {
    /// How to decode a file.
    pub fn settings(&self) -> DecodeSettings {
        DecodeSettings {
            channels: self.channel,
            track: self.track,
            start: self.start,
            end: self.end,
            max_lost: self.max_lost,
            ..DecodeSettings::default()
        }
    }
}
