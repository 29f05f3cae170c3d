//! When somebody speaks: stretches of speech, and utterances between pauses.

use std::collections::VecDeque;

use audio::{VadFrame, VadSettings, VadStream};

use crate::{LiveError, RATE, SessionSettings};

/// Somebody speaks now if there was speech within so many seconds.
const RECENT: f64 = 0.25;

/// Where speech is, as samples of the session.
pub(crate) struct Speech {
    vad: VadStream,
    frames: Vec<VadFrame>,
    /// Stretches that still matter: beginning and end.
    stretches: VecDeque<(u64, u64)>,
    /// Beginning of the present utterance.
    utterance: Option<u64>,
    /// No utterance begins before this, the end of the last one.
    free: u64,
}

impl Speech {
    pub(crate) fn new() -> Result<Self, LiveError> {
        Ok(Self {
            vad: VadStream::new(&VadSettings::default(), RATE)?,
            frames: Vec::new(),
            stretches: VecDeque::new(),
            utterance: None,
            free: 0,
        })
    }

    /// Hears the next samples.
    pub(crate) fn push(&mut self, samples: &[f32]) {
        let frames = &mut self.frames;
        self.vad.push_frames(samples, |frame, _| frames.push(frame));
    }

    /// Whether somebody speaks at `now`, by the samples pushed so far, and the beginning
    /// of an utterance, if one begins; not before `first`.
    pub(crate) fn notice(&mut self, now: u64, first: u64) -> (bool, Option<u64>) {
        for frame in self.frames.drain(..).filter(|frame| frame.speech) {
            let middle = (frame.time * f64::from(RATE)) as u64;
            let half = u64::from(RATE) / 200;
            let (from, to) = (middle.saturating_sub(half), middle + half);
            match self.stretches.back_mut() {
                // Frames are 10 ms apart.
                Some((_, end)) if from <= *end + half => *end = to,
                _ => self.stretches.push_back((from, to)),
            }
        }
        let recent = samples(RECENT);
        let last = self
            .stretches
            .back()
            .filter(|(_, end)| *end + recent > now && *end > self.free);
        let begin = match (last, self.utterance) {
            (Some((from, _)), None) => Some((*from).max(first).max(self.free)),
            _ => None,
        };
        self.utterance = self.utterance.or(begin);
        (last.is_some(), begin)
    }

    /// Beginning of the present utterance.
    pub(crate) fn utterance(&self) -> Option<u64> {
        self.utterance
    }

    /// Whether the present utterance is over: a pause, or too long.
    pub(crate) fn is_over(&self, now: u64, settings: &SessionSettings) -> bool {
        let Some(begin) = self.utterance else {
            return false;
        };
        let last = self.stretches.back().map_or(begin, |(_, end)| *end);
        now.saturating_sub(last) >= samples(settings.pause)
            || now - begin >= samples(settings.longest_utterance)
    }

    /// Ends the present utterance: its beginning and end.
    pub(crate) fn end(&mut self, now: u64) -> Option<(u64, u64)> {
        let begin = self.utterance.take()?;
        let last = self.stretches.back().map_or(now, |(_, end)| *end);
        let end = last.clamp(begin, now.max(begin));
        self.free = end;
        Some((begin, end))
    }

    /// Where a window before `now` begins that has `wanted` seconds of speech, and how
    /// much it has: all of the present utterance where that has less.
    pub(crate) fn window(&self, now: u64, wanted: f64) -> (u64, f64) {
        let Some(begin) = self.utterance else {
            return (now, 0.0);
        };
        let wanted = samples(wanted);
        let (mut start, mut spoken) = (now, 0u64);
        for (from, to) in self.stretches.iter().rev() {
            if *to <= begin {
                break;
            }
            let length = (to - (*from).max(begin)).min(wanted - spoken);
            spoken += length;
            start = to - length;
            if spoken == wanted {
                break;
            }
        }
        (start, spoken as f64 / f64::from(RATE))
    }

    /// Lets go of stretches before a sample.
    pub(crate) fn forget(&mut self, before: u64) {
        while self.stretches.front().is_some_and(|(_, end)| *end < before) {
            self.stretches.pop_front();
        }
    }
}

fn samples(seconds: f64) -> u64 {
    (seconds * f64::from(RATE)).round() as u64
}
