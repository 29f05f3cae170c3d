//! A small synthetic corpus of emotional speech, for a machine that has none.
//!
//! It exists so that training, evaluation and classification can be tried and
//! tested end to end with nothing downloaded. It sounds like a voice and moves
//! like one, but no person ever spoke it: a model trained on it has learned
//! this module's rules and knows nothing about people.
//!
//! A clip is made in four steps, one file each:
//!
//! 1. `sentence`: *what* is said, the articulators over time, one of two
//!    sentences with the sounds of RAVDESS's;
//! 2. `manner`: *how* it is said, from the emotion, the speaker (vocal tract,
//!    pitch, habits) and the take;
//! 3. `voice`: the sound, a glottal source (buzz and hiss) through the
//!    resonances of a vocal tract, after Fant, Rosenberg and Klatt;
//! 4. `folder`: the files, in the folders and under the names of RAVDESS, with
//!    near-silence before and after, 16 kHz, 16 bit, mono.
//!
//! Everything is drawn from generators keyed by seed, speaker and clip, so the
//! same settings give the same files byte for byte on one machine, in any number
//! of threads, and more speakers or takes add files without changing the others.
//! (Another platform's sine may differ in its last digit, and so may a sample.)

mod folder;
mod manner;
mod random;
mod sentence;
mod voice;

pub use folder::{MARKER, SynthReport, SynthSettings, write_corpus};

/// Samples a second of the synthetic recordings.
pub const SAMPLE_RATE: u32 = 16_000;
