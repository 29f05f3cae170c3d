//! Which frames are speech: runs of loud frames, and a little around them.
//!
//! Loud frames count only in runs of 8 or more, so a click of 10 ms, which with the
//! high-pass's decay touches up to 6 frames, is not speech. A run is widened by 10 frames on both
//! sides: quiet beginnings and endings of words belong to it, and pauses of up to
//! .2 s within words are closed.

use std::collections::VecDeque;

/// Frames of the shortest run.
const SHORTEST: usize = 8;
/// Frames added on both sides of a run.
const MARGIN: usize = 10;
/// So many frames wait for what comes after them.
pub(super) const DELAY: usize = SHORTEST - 1 + MARGIN;

/// Passes on the frames that are speech, [`DELAY`] frames late.
#[derive(Clone, Debug)]
pub(super) struct Gate<T> {
    waiting: VecDeque<(T, bool)>,
    /// Loud frames in a row, up to now.
    run: usize,
    /// Frames to come that belong to the last run's margin.
    margin: usize,
}

impl<T> Gate<T> {
    pub fn new() -> Self {
        Gate {
            waiting: VecDeque::with_capacity(DELAY + 1),
            run: 0,
            margin: 0,
        }
    }

    /// Takes a frame, and gives one that is decided, if it is speech.
    pub fn push(&mut self, frame: T, is_loud: bool) -> Option<T> {
        self.run = if is_loud { self.run + 1 } else { 0 };
        let in_run = self.run >= SHORTEST;
        self.waiting.push_back((frame, in_run || self.margin > 0));
        if in_run {
            self.margin = MARGIN;
            if self.run == SHORTEST {
                let before = self.waiting.iter_mut().rev().take(SHORTEST + MARGIN);
                before.for_each(|(_, is_speech)| *is_speech = true);
            }
        } else {
            self.margin = self.margin.saturating_sub(1);
        }
        if self.waiting.len() <= DELAY {
            return None;
        }
        self.pop()
    }

    /// Ends the signal: gives the frames of speech that still wait, and forgets
    /// the run.
    pub fn finish(&mut self, mut each: impl FnMut(T)) {
        while !self.waiting.is_empty() {
            if let Some(frame) = self.pop() {
                each(frame);
            }
        }
        self.run = 0;
        self.margin = 0;
    }

    fn pop(&mut self) -> Option<T> {
        let (frame, is_speech) = self.waiting.pop_front()?;
        is_speech.then_some(frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The frames that pass, of `count` frames of which these are loud.
    fn passed(count: usize, is_loud: impl Fn(usize) -> bool) -> Vec<usize> {
        let mut gate = Gate::new();
        let mut passed = Vec::new();
        for frame in 0..count {
            passed.extend(gate.push(frame, is_loud(frame)));
        }
        gate.finish(|frame| passed.push(frame));
        passed
    }

    #[test]
    fn a_run_passes_with_its_margins() {
        let run = passed(100, |frame| (40..48).contains(&frame));
        assert_eq!(run, (30..58).collect::<Vec<_>>());
        let at_the_ends = passed(24, |frame| !(8..16).contains(&frame));
        assert_eq!(at_the_ends, (0..24).collect::<Vec<_>>());
    }

    #[test]
    fn a_click_is_no_run_and_does_not_widen_one() {
        assert!(passed(100, |frame| (40..47).contains(&frame)).is_empty());
        let run = passed(100, |frame| (40..50).contains(&frame) || frame == 55);
        assert_eq!(run, (30..60).collect::<Vec<_>>());
    }

    #[test]
    fn pauses_of_up_to_twenty_frames_are_closed() {
        let with_pause = |pause: usize| {
            passed(100, |frame| {
                (20..30).contains(&frame) || (30 + pause..50 + pause).contains(&frame)
            })
        };
        let frames = with_pause(20);
        assert!(frames.windows(2).all(|pair| pair[1] == pair[0] + 1));
        let frames = with_pause(21);
        assert_eq!(
            frames
                .windows(2)
                .filter(|pair| pair[1] != pair[0] + 1)
                .count(),
            1
        );
    }
}
