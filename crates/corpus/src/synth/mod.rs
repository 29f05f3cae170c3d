//! A small synthetic corpus of emotional speech, for a machine that has none.
//!
//! With it, training, evaluation and classification can be tried and tested from
//! end to end without a download. It sounds like a voice and moves like one, but no
//! person ever spoke it: a model trained on it has learned the rules of this module
//! and knows nothing about people.
//!
//! A clip is made in four steps, each in a file of its own:
//!
//! 1. `sentence`: *what* is said, as the position of the articulators over time. It
//!    is one of two sentences with the sounds of those of RAVDESS;
//! 2. `manner`: *how* it is said, by emotion, speaker (vocal tract, pitch, habits)
//!    and take;
//! 3. `voice`: the sound, a glottal source (buzz and hiss) filtered by the
//!    resonances of a vocal tract, after Fant, Rosenberg and Klatt;
//! 4. `folder`: the files, in the folders and under the names of RAVDESS, with
//!    near-silence before and after, at 16 kHz, 16 bits, mono.
//!
//! Everything is drawn from generators keyed by seed, speaker and clip. The same
//! settings therefore give the same files byte for byte on one machine, in any number
//! of threads, and more speakers or takes add files without changing the others. On
//! another platform the sine may differ in its last digit, and a sample with it.

mod folder;
mod manner;
mod random;
mod sentence;
mod voice;

pub use folder::{MARKER, SynthReport, SynthSettings, write_corpus};

/// Sample rate of the synthetic recordings in Hz.
pub const SAMPLE_RATE: u32 = 16_000;
