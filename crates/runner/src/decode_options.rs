//! Which part of a recording to read: `--channel`, `--track`, `--start`, `--end`.

use audio::{Channels, DecodeSettings};

/// Which part of a recording to read.
#[derive(clap::Args, Clone, Debug)]
pub struct DecodeOptions {
    /// The channel to read: mix (the mean of all), loudest, each (a result for every channel), or its number, from 0
    #[arg(long, value_name = "N|mix|each|loudest", default_value = "mix", value_parser = channel)]
    pub channel: Channel,
    /// What else of it.
    #[command(flatten)]
    pub part: PartOptions,
}

/// Which part of a recording to read, for commands that read one channel.
#[derive(clap::Args, Clone, Debug)]
pub struct OneChannelOptions {
    /// The channel to read: mix (the mean of all), loudest, or its number, from 0
    #[arg(long, value_name = "N|mix|loudest", default_value = "mix", value_parser = one_channel)]
    pub channel: Channels,
    /// What else of it.
    #[command(flatten)]
    pub part: PartOptions,
}

/// Track, start and end.
#[derive(clap::Args, Clone, Debug)]
pub struct PartOptions {
    /// The audio track to read of a file with several, from 0 [default: the one that a player takes]
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

/// Which channels to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// One, or the mean of all.
    Take(Channels),
    /// Every one by itself.
    Each,
}

fn channel(text: &str) -> Result<Channel, String> {
    match text {
        "each" => Ok(Channel::Each),
        other => one_channel(other)
            .map(Channel::Take)
            .map_err(|_| "not a channel: mix, each, loudest or a number from 0".into()),
    }
}

fn one_channel(text: &str) -> Result<Channels, String> {
    match text {
        "mix" => Ok(Channels::Mix),
        "loudest" => Ok(Channels::Loudest),
        number => number
            .parse()
            .map(Channels::One)
            .map_err(|_| "not a channel: mix, loudest or a number from 0".into()),
    }
}

/// How a channel is called in results; none for the mean of all.
pub fn channel_name(channels: Channels) -> Option<String> {
    match channels {
        Channels::Mix => None,
        Channels::One(number) => Some(number.to_string()),
        _ => Some("loudest".to_owned()),
    }
}

#[cfg(test)]
impl Default for OneChannelOptions {
    fn default() -> Self {
        Self {
            channel: Channels::Mix,
            part: PartOptions {
                track: None,
                start: 0.0,
                end: None,
                max_lost: 0.1,
            },
        }
    }
}

impl PartOptions {
    /// How to decode a file, all channels averaged.
    pub fn settings(&self) -> DecodeSettings {
        DecodeSettings {
            track: self.track,
            start: self.start,
            end: self.end,
            max_lost: self.max_lost,
            ..DecodeSettings::default()
        }
    }
}

impl OneChannelOptions {
    /// How to decode a file.
    pub fn settings(&self) -> DecodeSettings {
        DecodeSettings {
            channels: self.channel,
            ..self.part.settings()
        }
    }
}
