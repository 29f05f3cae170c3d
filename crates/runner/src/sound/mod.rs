//! Sound that arrives: from a file, standard input or a microphone, through a thread
//! and a [`Queue`].

#[cfg(any(not(target_os = "linux"), feature = "alsa"))]
mod device;
mod file;
pub mod microphone;
#[cfg(all(target_os = "linux", not(feature = "alsa")))]
mod pulse;

use std::sync::Arc;
use std::sync::mpsc;

use anyhow::{Context, Result, anyhow};
use audio::DecodeSettings;
use live::Queue;

pub use file::{FileSound, Raw, RawFormat};
pub use microphone::Microphone;

/// Where sound comes from.
pub enum Sound {
    /// A file or standard input.
    File(FileSound),
    /// A microphone.
    Microphone(Microphone),
}

/// A source that runs, as a thread of its own.
pub struct Running {
    /// What it has heard.
    pub queue: Arc<Queue>,
    /// Samples per second.
    pub sample_rate: u32,
    /// Where it comes from, for people.
    pub name: String,
}

/// What a source's thread says when it is open: its rate, its name, and its queue.
type Opened = mpsc::Sender<Result<Running>>;

impl Sound {
    /// Opens it. Samples that come wait in the queue.
    ///
    /// # Errors
    ///
    /// Where it cannot be opened.
    pub fn start(self, settings: DecodeSettings) -> Result<Running> {
        let (opened, answer) = mpsc::channel();
        std::thread::Builder::new()
            .name("sound".into())
            .spawn(move || match self {
                Sound::File(file) => file.run(&settings, &opened),
                Sound::Microphone(microphone) => microphone.run(&opened),
            })
            .context("cannot start a thread")?;
        answer
            .recv()
            .map_err(|_| anyhow!("no sound can be opened"))?
    }
}
