//! Updates put together into segments.

use crate::Update;

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
    /// Whether somebody speaks.
    pub speech: bool,
    /// The mean of the smoothed probabilities.
    pub probabilities: Vec<f32>,
    /// The mean of how unlike the training data it is.
    pub unfamiliarity: Option<f32>,
    updates: u32,
    unlike: u32,
}

/// The segments of a recording, from its updates.
///
/// An update is about the time from the one before it to its own. Neighbours with the
/// same label, or that are both silent, are one segment; a segment of speech without a
/// label stays one of its own. The segments follow each other without a gap, from 0 to
/// the end.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    spans: Vec<Span>,
}

impl Timeline {
    /// Adds an update.
    pub fn push(&mut self, update: &Update) {
        let start = self.spans.last().map_or(0.0, |span| span.end);
        let label = update.label;
        let same = |span: &&mut Span| span.label == label && span.speech == update.speech;
        let span = match self.spans.last_mut().filter(same) {
            Some(span) => span,
            None => {
                self.spans.push(Span {
                    start,
                    end: start,
                    label,
                    speech: update.speech,
                    probabilities: vec![0.0; update.smooth.len()],
                    unfamiliarity: None,
                    updates: 0,
                    unlike: 0,
                });
                let last = self.spans.len() - 1;
                &mut self.spans[last]
            }
        };
        span.end = update.audio_end;
        span.updates += 1;
        let share = 1.0 / span.updates as f32;
        for (mean, value) in span.probabilities.iter_mut().zip(&update.smooth) {
            *mean += share * (value - *mean);
        }
        if let Some(unlike) = update.unfamiliarity {
            span.unlike += 1;
            let mean = span.unfamiliarity.unwrap_or(0.0);
            span.unfamiliarity = Some(mean + (unlike - mean) / span.unlike as f32);
        }
    }

    /// The segments so far.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(end: f64, label: Option<usize>, speech: bool, first: f32) -> Update {
        Update {
            audio_start: 0.0,
            audio_end: end,
            raw: None,
            smooth: vec![first, 1.0 - first],
            label,
            speech,
            unfamiliarity: speech.then_some(first),
            level_db: -20.0,
            adapted: false,
        }
    }

    #[test]
    fn neighbours_alike_are_one_segment_and_nothing_is_left_out() {
        let mut timeline = Timeline::default();
        for update in [
            update(0.25, None, false, 0.0),
            update(0.5, None, true, 0.5),
            update(0.75, Some(0), true, 0.6),
            update(1.0, Some(0), true, 0.8),
            update(1.1, None, false, 0.0),
        ] {
            timeline.push(&update);
        }
        let short: Vec<_> = (timeline.spans().iter())
            .map(|span| (span.start, span.end, span.label, span.speech))
            .collect();
        assert_eq!(
            short,
            [
                (0.0, 0.25, None, false),
                (0.25, 0.5, None, true),
                (0.5, 1.0, Some(0), true),
                (1.0, 1.1, None, false),
            ]
        );
        assert!((timeline.spans()[2].probabilities[0] - 0.7).abs() < 1e-6);
        assert!((timeline.spans()[2].unfamiliarity.unwrap() - 0.7).abs() < 1e-6);
    }
}
