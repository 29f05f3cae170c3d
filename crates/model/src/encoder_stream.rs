//! The encoder's embedding of sound that is still arriving.
//!
//! The encoder reads forward only, so each frame of speech goes through its layers
//! once, however many windows it is part of. Whether a frame is speech is known .45 s
//! after it; for an answer about now, what would pass if the sound ended here goes
//! through a copy of the layers' states.

use std::collections::VecDeque;

use audio::{SpeechLevel, SpeechStream};
use recurrent::FrozenState;

use crate::encoder::Pooled;
use crate::{Encoder, ModelError};

/// Samples from one frame to the next.
const HOP: u64 = 160;

/// The states of an [`Encoder`] for samples that arrive, and embeddings of any part of
/// them that is still kept. Made by
/// [`Recognizer::embedding_stream`](crate::Recognizer::embedding_stream).
#[derive(Clone, Debug)]
pub struct EmbeddingStream {
    encoder: Encoder,
    speech: SpeechStream,
    state: FrozenState,
    /// The frames of speech that are kept, with their states.
    states: VecDeque<(u64, [f32; Encoder::UNITS])>,
    frames: Vec<u64>,
    rows: Vec<f32>,
}

impl EmbeddingStream {
    /// For mono samples at 16 kHz.
    ///
    /// # Errors
    ///
    /// [`ModelError::Audio`] if the level's settings cannot be used.
    pub fn new(encoder: &Encoder, level: &SpeechLevel) -> Result<Self, ModelError> {
        Ok(Self {
            encoder: encoder.clone(),
            speech: SpeechStream::new(level, 16_000)?,
            state: FrozenState::default(),
            states: VecDeque::new(),
            frames: Vec::new(),
            rows: Vec::new(),
        })
    }

    /// Takes the next samples.
    pub fn push(&mut self, samples: &[f32]) {
        self.rows.clear();
        self.frames.clear();
        let (frames, rows) = (&mut self.frames, &mut self.rows);
        self.speech.push(samples, |frame, row| {
            frames.push(frame as u64);
            rows.extend_from_slice(row);
        });
        if !self.rows.is_empty() {
            let states = self.encoder.frozen.next(&self.rows, &mut self.state);
            let (states, _) = states.as_chunks();
            self.states
                .extend(self.frames.iter().copied().zip(states.iter().copied()));
        }
    }

    /// The embedding of the frames of speech from this sample on, as if the sound
    /// ended here.
    pub fn embedding(&self, from: u64) -> Vec<f32> {
        let mut pooled = Pooled::default();
        for (_, state) in self.states.range(self.first(from)..) {
            pooled.add(state);
        }
        let mut rows = Vec::new();
        self.speech.clone().finish(|frame, row| {
            if frame as u64 * HOP >= from {
                rows.extend_from_slice(row);
            }
        });
        if !rows.is_empty() {
            let states = self.encoder.frozen.next(&rows, &mut self.state.clone());
            let states = states.chunks_exact(Encoder::UNITS);
            states.for_each(|state| pooled.add(state));
        }
        pooled.embedding()
    }

    /// Forgets the frames before this sample.
    pub fn forget(&mut self, before: u64) {
        let first = self.first(before);
        self.states.drain(..first);
    }

    /// Begins anew with the next frame: the layers forget what they heard, and what is
    /// kept is dropped.
    pub fn restart(&mut self) {
        self.state = FrozenState::default();
        self.states.clear();
    }

    /// How many of the frames kept are before a sample.
    fn first(&self, sample: u64) -> usize {
        self.states
            .partition_point(|(frame, _)| frame * HOP < sample)
    }
}
