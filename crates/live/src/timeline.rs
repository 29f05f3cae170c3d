//! Updates put together into segments.

use std::collections::VecDeque;

use crate::{Update, Verdict};

/// A stretch of time with one state.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Span {
    /// When it begins, in seconds.
    pub start: f64,
    /// When it ends.
    pub end: f64,
    /// The label by its number; none where there is speech without one.
    pub label: Option<usize>,
    /// What it means; never [`Verdict::Unfamiliar`], which `unfamiliarity` tells.
    pub verdict: Verdict,
    /// The mean of the smoothed probabilities.
    pub probabilities: Vec<f32>,
    /// The mean of how unlike the training data it is.
    pub unfamiliarity: Option<f32>,
    updates: u32,
    unlike: u32,
}

/// The segments of a recording, from its updates.
///
/// An update stands for the time from the one before it to its own. A live answer is
/// late, because its window lies in the past; a recording need not be. So the time of
/// an update gets the answer of the one that comes `look_ahead` seconds later, or the
/// last one before the pause; the first second of speech then has an answer too.
///
/// Neighbours with the same label, or that are both silent, unsure or too short, are
/// one segment. The segments follow each other without a gap, from 0 to the end.
#[derive(Clone, Debug, PartialEq)]
pub struct Timeline {
    look_ahead: f64,
    spans: Vec<Span>,
    /// Of the present stretch of speech: updates that are not in a segment yet.
    waiting: VecDeque<Update>,
}

impl Timeline {
    /// `look_ahead` in seconds; 0 gives the segments as they are heard live.
    pub fn new(look_ahead: f64) -> Self {
        Self {
            look_ahead,
            spans: Vec::new(),
            waiting: VecDeque::new(),
        }
    }

    /// Adds an update.
    pub fn push(&mut self, update: Update) {
        if !update.speech {
            self.finish();
            let end = update.audio_end;
            self.add(end, &update);
            return;
        }
        self.waiting.push_back(update);
        while let (Some(first), Some(last)) = (self.waiting.front(), self.waiting.back())
            && last.audio_end - first.audio_end >= self.look_ahead - 1e-9
        {
            let (end, answer) = (first.audio_end, last.clone());
            self.waiting.pop_front();
            self.add(end, &answer);
        }
    }

    /// Ends the recording.
    pub fn finish(&mut self) {
        if let Some(last) = self.waiting.back().cloned() {
            for update in std::mem::take(&mut self.waiting) {
                self.add(update.audio_end, &last);
            }
        }
    }

    /// The segments so far.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// The time up to `end` has the answer of this update.
    fn add(&mut self, end: f64, answer: &Update) {
        let start = self.spans.last().map_or(0.0, |span| span.end);
        let (label, verdict) = (answer.label, answer.verdict);
        let verdict = match verdict {
            Verdict::Unfamiliar => Verdict::Label,
            verdict => verdict,
        };
        let is_other = |span: &Span| (span.label, span.verdict) != (label, verdict);
        if self.spans.last().is_none_or(is_other) {
            self.spans.push(Span {
                start,
                end: start,
                label,
                verdict,
                probabilities: vec![0.0; answer.smooth.len()],
                unfamiliarity: None,
                updates: 0,
                unlike: 0,
            });
        }
        let Some(span) = self.spans.last_mut() else {
            return;
        };
        span.end = end;
        span.updates += 1;
        let share = 1.0 / span.updates as f32;
        for (mean, value) in span.probabilities.iter_mut().zip(&answer.smooth) {
            *mean += share * (value - *mean);
        }
        if let Some(unlike) = answer.unfamiliarity {
            span.unlike += 1;
            let mean = span.unfamiliarity.unwrap_or(0.0);
            span.unfamiliarity = Some(mean + (unlike - mean) / span.unlike as f32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(end: f64, label: Option<usize>, verdict: Verdict, first: f32) -> Update {
        let speech = verdict != Verdict::NoSpeech;
        Update {
            audio_start: 0.0,
            audio_end: end,
            raw: None,
            smooth: vec![first, 1.0 - first],
            label,
            verdict,
            speech,
            unfamiliarity: speech.then_some(first),
            level_db: -20.0,
            pitch_hz: None,
            adapted: false,
            lag: 0.0,
            dropped: 0.0,
        }
    }

    fn short(look_ahead: f64, updates: &[Update]) -> Vec<(f64, f64, Option<usize>, Verdict)> {
        let mut timeline = Timeline::new(look_ahead);
        for update in updates {
            timeline.push(update.clone());
        }
        timeline.finish();
        let spans = timeline.spans().iter();
        spans
            .map(|span| (span.start, span.end, span.label, span.verdict))
            .collect()
    }

    #[test]
    fn neighbours_alike_are_one_segment_and_nothing_is_left_out() {
        use Verdict::{Label, NoSpeech, TooLittle, Unfamiliar, Unsure};
        let updates = [
            update(0.25, None, NoSpeech, 0.0),
            update(0.5, None, TooLittle, 0.0),
            update(0.75, None, Unsure, 0.5),
            update(1.0, Some(0), Label, 0.6),
            update(1.25, Some(0), Unfamiliar, 0.8),
            update(1.3, None, NoSpeech, 0.0),
        ];
        assert_eq!(
            short(0.0, &updates),
            [
                (0.0, 0.25, None, NoSpeech),
                (0.25, 0.5, None, TooLittle),
                (0.5, 0.75, None, Unsure),
                (0.75, 1.25, Some(0), Label),
                (1.25, 1.3, None, NoSpeech),
            ]
        );
        // Half a second ahead, the answers come earlier and the pauses stay.
        assert_eq!(
            short(0.5, &updates),
            [
                (0.0, 0.25, None, NoSpeech),
                (0.25, 1.25, Some(0), Label),
                (1.25, 1.3, None, NoSpeech),
            ]
        );
        // Nothing beyond the pause is looked at.
        assert_eq!(short(9.0, &updates), short(0.5, &updates));
    }

    #[test]
    fn probabilities_and_unfamiliarity_are_means() {
        let mut timeline = Timeline::new(0.0);
        timeline.push(update(0.25, Some(0), Verdict::Label, 0.6));
        timeline.push(update(0.5, Some(0), Verdict::Label, 0.8));
        assert!((timeline.spans()[0].probabilities[0] - 0.7).abs() < 1e-6);
        assert!((timeline.spans()[0].unfamiliarity.unwrap() - 0.7).abs() < 1e-6);
    }
}
