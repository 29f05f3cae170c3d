//! The choice of a candidate for each frame: the path through all frames with the
//! greatest strength and the least change.
//!
//! Boersma (1993), equations 23 to 27. A frame is either unvoiced, with a strength that
//! grows the more silent the frame is, or takes a candidate, with the strength of the
//! candidate minus a cost for low frequencies. Between frames there is a cost for each
//! octave of change and for voicing that starts or ends. Dynamic programming (Viterbi)
//! finds the best path.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::candidates::PitchCandidate;

/// The settings of the choice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Costs {
    pub(crate) ceiling: f64,
    pub(crate) silence_threshold: f64,
    pub(crate) voicing_threshold: f64,
    pub(crate) octave_cost: f64,
    /// Per octave and frame.
    pub(crate) octave_jump_cost: f64,
    /// Per change.
    pub(crate) voiced_unvoiced_cost: f64,
}

impl Costs {
    /// Strength of the unvoiced candidate.
    fn unvoiced(&self, intensity: f64) -> f64 {
        let silence = if self.silence_threshold > 0.0 {
            2.0 - intensity * (1.0 + self.voicing_threshold) / self.silence_threshold
        } else {
            0.0
        };
        self.voicing_threshold + silence.max(0.0)
    }

    /// Whether a frame is so quiet that it is unvoiced on every best path, whatever its
    /// candidates and neighbours: a voiced state gains at most 1, and saves at most two
    /// changes of voicing. The candidates of such a frame are not needed.
    pub(crate) fn surely_unvoiced(&self, intensity: f64) -> bool {
        self.unvoiced(intensity) > 1.0 + 2.0 * self.voiced_unvoiced_cost
    }
}

/// The pitch of one frame.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PitchFrame {
    /// F0 in Hz; `None` if the frame is unvoiced.
    pub frequency: Option<f64>,
    /// Voicing strength, 0 to 1: the autocorrelation at the period; 0 if the frame is
    /// unvoiced.
    pub strength: f64,
}

/// The best paths so far, one for each candidate of the latest frame.
pub(crate) struct Path {
    costs: Costs,
    /// States of all frames that are not decided yet, frame by frame; the first of
    /// each frame is "unvoiced".
    states: VecDeque<State>,
    /// Number of states of each of these frames.
    counts: VecDeque<usize>,
}

#[derive(Clone, Copy)]
struct State {
    /// `log2` of the frequency; `None` if unvoiced.
    octave: Option<f64>,
    frame: PitchFrame,
    /// Sum of strengths minus costs along the best path to this state.
    score: f64,
    /// The state of the previous frame on that path.
    from: usize,
}

impl Path {
    pub(crate) fn new(costs: Costs) -> Self {
        Path {
            costs,
            states: VecDeque::new(),
            counts: VecDeque::new(),
        }
    }

    /// Number of frames added and not taken yet.
    pub(crate) fn len(&self) -> usize {
        self.counts.len()
    }

    /// Adds a frame. `intensity` is its peak relative to that of the recording, 0 to 1.
    pub(crate) fn push(&mut self, candidates: &[PitchCandidate], intensity: f64) {
        let costs = self.costs;
        let before = self.counts.back().copied().unwrap_or(0);
        let offset = self.states.len() - before;
        let unvoiced = State {
            octave: None,
            frame: PitchFrame {
                frequency: None,
                strength: 0.0,
            },
            score: costs.unvoiced(intensity),
            from: 0,
        };
        let voiced = candidates.iter().map(|candidate| {
            let octave = candidate.frequency.log2();
            State {
                octave: Some(octave),
                frame: PitchFrame {
                    frequency: Some(candidate.frequency),
                    strength: candidate.strength,
                },
                score: candidate.strength - costs.octave_cost * (costs.ceiling.log2() - octave),
                from: 0,
            }
        });
        for mut state in std::iter::once(unvoiced).chain(voiced) {
            let mut best: Option<(usize, f64)> = None;
            for (from, previous) in self.states.range(offset..offset + before).enumerate() {
                let cost = match (previous.octave, state.octave) {
                    (None, None) => 0.0,
                    (Some(a), Some(b)) => costs.octave_jump_cost * (a - b).abs(),
                    _ => costs.voiced_unvoiced_cost,
                };
                let score = previous.score - cost;
                if best.is_none_or(|(_, best)| score > best) {
                    best = Some((from, score));
                }
            }
            if let Some((from, score)) = best {
                state.from = from;
                state.score += score;
            }
            self.states.push_back(state);
        }
        self.counts.push_back(1 + candidates.len());
    }

    /// Removes and returns the oldest frame, as decided by the best path to the latest.
    pub(crate) fn take_oldest(&mut self) -> Option<PitchFrame> {
        let mut oldest = None;
        self.walk_back(|_, frame| oldest = Some(frame));
        let count = self.counts.pop_front()?;
        self.states.drain(..count);
        oldest
    }

    /// Removes and returns all frames in order.
    pub(crate) fn take_all(&mut self) -> Vec<PitchFrame> {
        let unvoiced = PitchFrame {
            frequency: None,
            strength: 0.0,
        };
        let mut frames = vec![unvoiced; self.len()];
        self.walk_back(|i, frame| frames[i] = frame);
        self.states.clear();
        self.counts.clear();
        frames
    }

    /// Visits the frames of the best path, the latest first.
    fn walk_back(&self, mut visit: impl FnMut(usize, PitchFrame)) {
        let Some(&count) = self.counts.back() else {
            return;
        };
        let mut offset = self.states.len() - count;
        let mut at = 0;
        for i in 1..count {
            if self.states[offset + i].score > self.states[offset + at].score {
                at = i;
            }
        }
        for i in (0..self.counts.len()).rev() {
            let state = self.states[offset + at];
            visit(i, state.frame);
            at = state.from;
            if i > 0 {
                offset -= self.counts[i - 1];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COSTS: Costs = Costs {
        ceiling: 600.0,
        silence_threshold: 0.03,
        voicing_threshold: 0.45,
        octave_cost: 0.01,
        octave_jump_cost: 0.35,
        voiced_unvoiced_cost: 0.14,
    };

    fn candidate(frequency: f64, strength: f64) -> PitchCandidate {
        PitchCandidate {
            frequency,
            strength,
        }
    }

    fn frequencies(frames: &[PitchFrame]) -> Vec<f64> {
        frames.iter().map(|f| f.frequency.unwrap_or(0.0)).collect()
    }

    /// The best of all paths by exhaustive search.
    fn exhaustive(costs: Costs, frames: &[Vec<PitchCandidate>]) -> Vec<f64> {
        fn search(
            costs: Costs,
            frames: &[Vec<PitchCandidate>],
            chosen: &mut Vec<f64>,
            score: f64,
            best: &mut (f64, Vec<f64>),
        ) {
            let Some(frame) = frames.get(chosen.len()) else {
                if score > best.0 {
                    *best = (score, chosen.clone());
                }
                return;
            };
            let unvoiced = (0.0, costs.voicing_threshold);
            let voiced = frame.iter().map(|c| {
                let cost = costs.octave_cost * (costs.ceiling / c.frequency).log2();
                (c.frequency, c.strength - cost)
            });
            for (f, s) in std::iter::once(unvoiced).chain(voiced) {
                let step = match chosen.last() {
                    None => 0.0,
                    Some(&p) if p == 0.0 && f == 0.0 => 0.0,
                    Some(&p) if p == 0.0 || f == 0.0 => costs.voiced_unvoiced_cost,
                    Some(&p) => costs.octave_jump_cost * (p / f).log2().abs(),
                };
                chosen.push(f);
                search(costs, frames, chosen, score + s - step, best);
                chosen.pop();
            }
        }
        let mut best = (f64::NEG_INFINITY, Vec::new());
        search(costs, frames, &mut Vec::new(), 0.0, &mut best);
        best.1
    }

    fn random_frames(count: usize) -> Vec<Vec<PitchCandidate>> {
        let mut state = 7u32;
        let mut random = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state >> 8) / f64::from(1 << 24)
        };
        (0..count)
            .map(|_| {
                (0..3)
                    .map(|_| candidate(75.0 + 500.0 * random(), random()))
                    .collect()
            })
            .collect()
    }

    #[test]
    fn the_path_is_the_best_of_all() {
        let frames = random_frames(8);
        let mut path = Path::new(COSTS);
        for frame in &frames {
            path.push(frame, 1.0);
        }
        assert_eq!(frequencies(&path.take_all()), exhaustive(COSTS, &frames));
    }

    #[test]
    fn an_octave_error_of_one_frame_is_overruled() {
        let mut path = Path::new(COSTS);
        for i in 0..7 {
            let (true_one, half) = if i == 3 { (0.8, 0.9) } else { (0.9, 0.8) };
            path.push(&[candidate(200.0, true_one), candidate(100.0, half)], 1.0);
        }
        assert_eq!(frequencies(&path.take_all()), [200.0; 7]);
    }

    #[test]
    fn frames_that_are_too_quiet_are_unvoiced() {
        let mut path = Path::new(COSTS);
        for intensity in [1.0, 0.1, 0.001] {
            path.push(&[candidate(200.0, 0.95)], intensity);
        }
        assert_eq!(frequencies(&path.take_all()), [200.0, 200.0, 0.0]);
    }

    #[test]
    fn candidates_of_surely_unvoiced_frames_make_no_difference() {
        let intensities = [1.0, 0.025, 0.024, 0.001, 1.0, 0.02, 0.5, 0.01];
        assert!(COSTS.surely_unvoiced(0.024) && !COSTS.surely_unvoiced(0.025));
        let (mut with, mut without) = (Path::new(COSTS), Path::new(COSTS));
        let frames = random_frames(800);
        for (frame, &intensity) in frames.iter().zip(intensities.iter().cycle()) {
            with.push(frame, intensity);
            let known = if COSTS.surely_unvoiced(intensity) {
                &[]
            } else {
                frame.as_slice()
            };
            without.push(known, intensity);
        }
        assert_eq!(with.take_all(), without.take_all());
    }

    #[test]
    fn a_bounded_look_back_that_is_long_enough_changes_nothing() {
        let frames = random_frames(300);
        let mut path = Path::new(COSTS);
        let mut bounded = Path::new(COSTS);
        let mut decided = Vec::new();
        for frame in &frames {
            path.push(frame, 1.0);
            bounded.push(frame, 1.0);
            if bounded.len() > 20 {
                decided.extend(bounded.take_oldest());
            }
        }
        decided.extend(bounded.take_all());
        assert_eq!(decided, path.take_all());
    }
}
