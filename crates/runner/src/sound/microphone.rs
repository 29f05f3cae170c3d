//! A microphone: opened, and opened again when it was away.
//!
//! On Linux through PulseAudio's protocol (`pulse.rs`), elsewhere, and with the feature
//! `alsa`, through cpal (`device.rs`). Both give samples at [`RATE`].

use std::sync::Arc;
use std::time::{Duration, Instant};

use live::{Full, Queue};

use super::{Opened, Running};

#[cfg(any(not(target_os = "linux"), feature = "alsa"))]
use super::device as backend;
#[cfg(all(target_os = "linux", not(feature = "alsa")))]
use super::pulse as backend;

pub use backend::list;

/// All microphones are heard at this rate.
pub(super) const RATE: u32 = 16_000;
/// A microphone that sends nothing for so long is away.
pub(super) const AWAY_AFTER: Duration = Duration::from_secs(2);
/// How often an absent one is tried again.
const RETRY: Duration = Duration::from_millis(500);
/// Seconds of sound that wait at most before the oldest is dropped.
const WAITING: f64 = 5.0;

/// A microphone.
pub struct Microphone {
    /// Its name, or a part of its description; none is the system's choice.
    pub name: Option<String>,
}

impl Microphone {
    pub(super) fn run(self, opened: &Opened) {
        let open = || backend::Stream::open(self.name.as_deref());
        let mut stream = match open() {
            Ok(stream) => stream,
            Err(error) => {
                // Whoever waits for it is still there.
                let _ = opened.send(Err(error));
                return;
            }
        };
        let name = stream.description().to_owned();
        let queue = Arc::new(Queue::new(RATE, WAITING, Full::DropOldest));
        let running = Running {
            queue: Arc::clone(&queue),
            sample_rate: RATE,
            name: name.clone(),
        };
        let _ = opened.send(Ok(running));
        let mut heard = Instant::now();
        loop {
            match stream.next() {
                Ok(samples) => {
                    heard = Instant::now();
                    if !queue.push(samples) {
                        return;
                    }
                }
                Err(error) => {
                    eprintln!("note: {name}: {error}; waiting for it");
                    stream = loop {
                        std::thread::sleep(RETRY);
                        if let Ok(stream) = open() {
                            break stream;
                        }
                        // So that somebody who no longer listens is noticed.
                        if !queue.push(Vec::new()) {
                            return;
                        }
                    };
                    let away = heard.elapsed().as_secs_f64();
                    eprintln!("note: {name}: is back after {away:.1} s");
                    queue.gap(away);
                    heard = Instant::now();
                }
            }
        }
    }
}
