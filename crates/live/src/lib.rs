//! From samples that arrive to emotions over time.
//!
//! A [`Session`] takes samples in chunks of any size and gives [`Event`]s: an
//! [`Update`] for every hop of sound, and the beginning and the end of every
//! utterance. Its clock is the samples, so that the events do not depend on how fast
//! or in which chunks they come: a file gives the same as a microphone.
//!
//! ```text
//! samples ─ resampled to 16 kHz ─ voice activity ─ window of speech ─ the model
//!                                      │                                  │
//!                                  utterances            smoothed ─ label with hysteresis
//! ```
//!
//! - [`settings`](SessionSettings): how long the window is, how answers are smoothed,
//!   when a label changes, each with what it is for.
//! - [`Timeline`]: updates put together into segments, for recordings.
//!
//! There are no sockets and no devices in this crate, and no clock but the samples. Several
//! hops that come at once are computed on all cores.
//!
//! ```no_run
//! use live::{Event, Session, SessionSettings};
//! use model::Recognizer;
//!
//! let recognizer = Recognizer::builder().build()?;
//! let mut session = Session::new(recognizer, SessionSettings::default(), 48_000)?;
//! # let chunks: Vec<Vec<f32>> = Vec::new();
//! for chunk in chunks {
//!     session.push(&chunk, |event| {
//!         if let Event::Update(update) = event {
//!             println!("{:.2} s: {:?}", update.audio_end, update.label);
//!         }
//!     })?;
//! }
//! # Ok::<(), live::LiveError>(())
//! ```

mod answer;
mod error;
mod event;
mod message;
mod queue;
mod session;
mod settings;
mod smoothing;
mod speech;
mod timeline;
mod voice;

pub use error::LiveError;
pub use event::{Event, Update, Utterance, Verdict};
pub use message::message;
pub use queue::{Full, Queue, Taken};
pub use session::Session;
pub use settings::SessionSettings;
pub use smoothing::{Hysteresis, Smoothing};
pub use timeline::{Span, Timeline};
pub use voice::Profile;

/// All analysis is at this rate in Hz, the one that models hear.
const RATE: u32 = 16_000;

const _: () = {
    const fn crosses_threads<T: Send>() {}
    crosses_threads::<Session>();
    crosses_threads::<Event>();
    crosses_threads::<LiveError>();
};
