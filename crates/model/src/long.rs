//! Recordings of any length in bounded memory.
//!
//! One answer for a whole recording is for utterances. A recording longer than
//! [`Recognizer::WHOLE`] seconds is prepared in pieces of a minute while it is decoded;
//! its answer is the mean of theirs, weighted by how long somebody speaks in each.

use audio::{Decoder, Features, Frames, Recording};
use rayon::prelude::*;

use crate::{Classification, ModelError, Prepared, Recognizer};

/// Seconds of a piece of a long recording; the last one has up to twice as many.
const PIECE: f64 = 60.0;

impl Recognizer {
    /// The longest recording that [`prepare_stream`](Self::prepare_stream) takes as a
    /// whole, in seconds.
    pub const WHOLE: f64 = 300.0;

    /// As [`prepare`](Self::prepare), of a file that is decoded meanwhile. In memory are
    /// at most five minutes of samples, and the features. `progress` is told the share
    /// that is done, where it is known.
    ///
    /// # Errors
    ///
    /// [`ModelError::Audio`] if the file cannot be decoded or is too short for one frame.
    pub fn prepare_stream(
        &self,
        decoder: &mut Decoder,
        mut progress: impl FnMut(f64),
    ) -> Result<Prepared, ModelError> {
        let rate = decoder.sample_rate();
        let [whole, piece] = [Self::WHOLE, PIECE].map(|s| (s * f64::from(rate)) as usize);
        let mut kept: Vec<f32> = Vec::new();
        let mut waiting: Vec<Recording> = Vec::new();
        let mut pieces: Vec<Prepared> = Vec::new();
        while let Some(block) = decoder.next_block()? {
            kept.extend_from_slice(block);
            // Many at once, so that every core has one.
            if kept.len() > whole {
                let mut rest = kept.as_slice();
                while rest.len() >= 2 * piece {
                    let (first, after) = rest.split_at(piece);
                    waiting.push(Recording::from_samples(first.to_vec(), rate)?);
                    rest = after;
                }
                kept = rest.to_vec();
                pieces.extend(self.prepare_pieces(std::mem::take(&mut waiting))?);
            }
            if let Some(share) = decoder.progress() {
                progress(share);
            }
        }
        let last = Recording::from_samples(kept, rate)?;
        if pieces.is_empty() {
            return self.prepare(&last);
        }
        let samples = last.samples();
        // Fewer than two pieces are left after a cut, but up to five where none was cut
        // since.
        let count = (samples.len() / piece).max(1);
        for samples in samples.chunks(samples.len().div_ceil(count).max(1)) {
            waiting.push(Recording::from_samples(samples.to_vec(), rate)?);
        }
        pieces.extend(self.prepare_pieces(waiting)?);
        Ok(Prepared::joined(pieces))
    }

    fn prepare_pieces(&self, pieces: Vec<Recording>) -> Result<Vec<Prepared>, ModelError> {
        let prepared = pieces.into_par_iter().map(|piece| {
            let prepared = self.prepare(&piece)?;
            Ok(prepared.without_states())
        });
        prepared.collect()
    }
}

/// The mean of the answers to the pieces of a recording, weighted by the speech in each.
pub(crate) fn mean(answers: Vec<Classification>) -> Option<Classification> {
    let mut weights: Vec<f64> = answers
        .iter()
        .map(|a| a.speech_seconds.unwrap_or(1.0))
        .collect();
    if weights.iter().sum::<f64>() == 0.0 {
        weights.fill(1.0);
    }
    let all: f64 = weights.iter().sum();
    let mean = |of: &dyn Fn(&Classification) -> Option<f32>| -> Option<f32> {
        let values = answers.iter().zip(&weights);
        let values = values.map(|(answer, weight)| Some(f64::from(of(answer)?) * weight / all));
        values.sum::<Option<f64>>().map(|mean| mean as f32)
    };
    let first = answers.first()?;
    let scores = (0..first.scores.len()).map(|label| {
        let probability = mean(&|answer| answer.scores.get(label).map(|(_, p)| *p));
        (first.scores[label].0.clone(), probability.unwrap_or(0.0))
    });
    Some(Classification {
        scores: scores.collect(),
        speech_seconds: answers.iter().map(|a| a.speech_seconds).sum(),
        unfamiliarity: mean(&|answer| answer.unfamiliarity),
        abstain_below: first.abstain_below,
    })
}

impl Prepared {
    /// Without the encoder's states, which are many times larger than all else, and
    /// which nothing but the functionals is made from.
    fn without_states(mut self) -> Self {
        let columns = self.features.encoder.columns();
        let Features { encoder, .. } = &mut self.features;
        *encoder = Frames::new(Vec::new(), columns);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(calm: f32, speech: Option<f64>) -> Classification {
        Classification {
            scores: vec![("calm".into(), calm), ("angry".into(), 1.0 - calm)],
            speech_seconds: speech,
            unfamiliarity: Some(calm),
            abstain_below: 0.3,
        }
    }

    #[test]
    fn pieces_count_by_their_speech() {
        let mean = |answers: &[Classification]| mean(answers.to_vec()).unwrap();
        let of_two = mean(&[answer(0.8, Some(30.0)), answer(0.2, Some(10.0))]);
        assert!((of_two.scores[0].1 - 0.65).abs() < 1e-6);
        assert_eq!(of_two.speech_seconds, Some(40.0));
        assert!((of_two.unfamiliarity.unwrap() - 0.65).abs() < 1e-6);
        // Silence says nothing, unless there is nothing else.
        let silence = answer(0.1, Some(0.0));
        assert_eq!(
            mean(&[answer(0.8, Some(1.0)), silence.clone()]).scores[0].1,
            0.8
        );
        assert!(!mean(&[silence.clone(), silence]).is_speech());
        // Where it is unknown, all count the same.
        assert!((mean(&[answer(0.8, None), answer(0.2, None)]).scores[0].1 - 0.5).abs() < 1e-6);
    }
}
