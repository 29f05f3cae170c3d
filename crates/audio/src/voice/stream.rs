//! Pitch of sound as it arrives.

use super::candidates::{PitchCandidate, Scratch};
use super::grid::sample_below;
use super::path::{Path, PitchFrame};
use super::pitch::{Pitch, relative};

/// Pitch of samples that arrive in chunks of any size; made by [`Pitch::stream`].
///
/// Frame `i` is centred at half a window plus `i * time_step` seconds into the stream
/// ([`time`](Self::time)). It is decided when `look_back` later frames have been
/// analysed: the delay from its centre is half a window plus `look_back * time_step`,
/// 120 ms with the default settings and a look-back of 10.
///
/// There are two differences from [`Pitch::track`], which knows the whole recording:
/// frames are counted from the first sample instead of being centred in the
/// recording, and silence is relative to the loudest sample so far, or to
/// [`set_peak`](Self::set_peak). If neither matters and the look-back is long enough,
/// the frames are equal. Chunk sizes make no difference. Memory is bounded, and after
/// a short while nothing is allocated.
pub struct PitchStream {
    pitch: Pitch,
    look_back: usize,
    path: Path,
    scratch: Scratch,
    candidates: Vec<PitchCandidate>,
    /// Samples from `buffered_from` on.
    buffer: Vec<f32>,
    buffered_from: u64,
    analysed: u64,
    peak: f64,
}

impl std::fmt::Debug for PitchStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PitchStream")
            .field("pitch", &self.pitch)
            .field("look_back", &self.look_back)
            .field("analysed", &self.analysed)
            .finish_non_exhaustive()
    }
}

impl Pitch {
    /// Pitch of sound as it arrives; see [`PitchStream`] for its delay and how it
    /// differs. A decision on a frame waits for `look_back` later frames; 10 frames
    /// of 10 ms are plenty.
    pub fn stream(&self, look_back: usize) -> PitchStream {
        let pitch = self.clone();
        PitchStream {
            path: Path::new(pitch.costs()),
            scratch: pitch.analyser().scratch(),
            candidates: Vec::with_capacity(pitch.analyser().max_candidates()),
            buffer: Vec::new(),
            buffered_from: 0,
            analysed: 0,
            peak: 0.0,
            look_back,
            pitch,
        }
    }
}

impl PitchStream {
    /// Takes the next samples and calls `decided` with each frame that they decide, in
    /// order.
    pub fn push(&mut self, samples: &[f32], mut decided: impl FnMut(PitchFrame)) {
        self.buffer.extend_from_slice(samples);
        let length = self.pitch.window_length();
        let mut done = 0;
        loop {
            let start = (self.start(self.analysed) - self.buffered_from) as usize;
            let Some(frame) = self.buffer.get(start..start + length) else {
                break;
            };
            // The peak grows frame by frame, so that chunk sizes make no difference.
            for &x in &frame[(done.max(start) - start).min(length)..] {
                let x = f64::from(x.abs());
                if x > self.peak {
                    self.peak = x;
                }
            }
            done = start + length;
            self.candidates.clear();
            let (costs, peak) = (self.pitch.costs(), self.peak);
            let local = self.pitch.analyser().analyse(
                frame,
                &mut self.scratch,
                &mut self.candidates,
                |local| !costs.surely_unvoiced(relative(local, peak)),
            );
            self.path.push(&self.candidates, relative(local, peak));
            self.analysed += 1;
            while self.path.len() > self.look_back {
                self.path.take_oldest().into_iter().for_each(&mut decided);
            }
        }
        let keep_from = self.start(self.analysed) - self.buffered_from;
        let drop = (keep_from as usize).min(self.buffer.len());
        self.buffer.drain(..drop);
        self.buffered_from += drop as u64;
    }

    /// Ends the stream and returns the frames not decided yet.
    pub fn finish(mut self) -> Vec<PitchFrame> {
        self.path.take_all()
    }

    /// Ends the signal: calls `decided` with the frames not decided yet. The stream is
    /// then ready for another signal, and forgets the loudest sample.
    pub(crate) fn end(&mut self, mut decided: impl FnMut(PitchFrame)) {
        while let Some(frame) = self.path.take_oldest() {
            decided(frame);
        }
        self.buffer.clear();
        self.buffered_from = 0;
        self.analysed = 0;
        self.peak = 0.0;
    }

    /// Sets the level that silence is relative to: the greatest absolute sample value
    /// expected. Louder samples still raise it.
    pub fn set_peak(&mut self, peak: f64) {
        self.peak = peak.max(0.0);
    }

    /// Centre of frame `i` in seconds from the start of the stream.
    pub fn time(&self, i: u64) -> f64 {
        0.5 * self.pitch.window_seconds() + i as f64 * self.pitch.config().time_step
    }

    /// First sample of frame `i`.
    fn start(&self, i: u64) -> u64 {
        let half = (self.pitch.window_length() / 2) as i64;
        let start = sample_below(self.time(i), self.pitch.sample_rate()) + 1 - half;
        start.max(0) as u64
    }
}
