//! From frames to segments.

use serde::{Deserialize, Serialize};

use super::detector::VadFrame;
use super::settings::VadSettings;
use crate::recording::Recording;

/// A segment of speech, in seconds from the start of the recording.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// Its start.
    pub start: f64,
    /// Its end.
    pub end: f64,
}

impl Segment {
    /// Length in seconds.
    pub fn duration(&self) -> f64 {
        self.end - self.start
    }

    /// The part of `recording` within the segment.
    pub fn of(&self, recording: &Recording) -> Recording {
        let at = |seconds: f64| {
            let sample = (seconds * f64::from(recording.sample_rate)).round();
            (sample as usize).min(recording.samples.len())
        };
        let start = at(self.start);
        Recording::of(
            recording.samples[start..at(self.end).max(start)].to_vec(),
            recording.sample_rate,
        )
    }
}

/// Joins frames of speech into segments.
#[derive(Debug)]
pub(super) struct Segmenter {
    /// Pauses up to this many seconds are bridged.
    pause: f64,
    shortest: f64,
    padding: f64,
    /// The open segment, without padding: start, end.
    open: Option<(f64, f64)>,
}

impl Segmenter {
    pub(super) fn new(settings: &VadSettings) -> Self {
        Segmenter {
            // Segments whose paddings would touch are merged.
            pause: settings.pause.max(2.0 * settings.padding),
            shortest: settings.shortest,
            padding: settings.padding,
            open: None,
        }
    }

    /// Takes the frame from `from` to `to` seconds; returns the segment that it
    /// completes.
    pub(super) fn push(&mut self, from: f64, to: f64, speech: bool) -> Option<Segment> {
        if speech {
            let start = self.open.map_or(from, |(start, _)| start);
            self.open = Some((start, to));
            return None;
        }
        match self.open {
            // Half a microsecond of tolerance, since frame times are rounded.
            Some((start, end)) if to - end > self.pause + 5e-7 => {
                self.open = None;
                self.segment(start, end)
            }
            _ => None,
        }
    }

    /// The segment still open at the end of a signal of `duration` seconds.
    pub(super) fn finish(&mut self, duration: f64) -> Option<Segment> {
        let (start, end) = self.open.take()?;
        let mut segment = self.segment(start, end)?;
        segment.end = segment.end.min(duration);
        Some(segment)
    }

    pub(super) fn reset(&mut self) {
        self.open = None;
    }

    pub(super) fn speaking_since(&self) -> Option<f64> {
        let (start, end) = self.open?;
        self.segment(start, end).map(|segment| segment.start)
    }

    fn segment(&self, start: f64, end: f64) -> Option<Segment> {
        (end - start >= self.shortest - 5e-7).then(|| Segment {
            start: (start - self.padding).max(0.0),
            end: end + self.padding,
        })
    }
}

/// Cuts `segment` into pieces of at most `longest` seconds.
pub(super) fn cut(
    segment: Segment,
    frames: &[VadFrame],
    longest: f64,
    mut each: impl FnMut(Segment),
) {
    let mut start = segment.start;
    while segment.end - start > longest {
        let (from, to) = (start + longest / 2.0, start + longest);
        let first = frames.partition_point(|frame| frame.time < from);
        let last = frames.partition_point(|frame| frame.time <= to);
        let at = frames[first..last.max(first)]
            .iter()
            .min_by(|a, b| a.prominence.total_cmp(&b.prominence))
            .map_or(to, |frame| frame.time);
        each(Segment { start, end: at });
        start = at;
    }
    each(Segment {
        start,
        end: segment.end,
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Segments of frames of 10 ms, of which those marked `#` are speech.
    fn segments(frames: &str, settings: &VadSettings) -> Vec<(f64, f64)> {
        let mut segmenter = Segmenter::new(settings);
        let mut all = Vec::new();
        for (t, c) in frames.chars().enumerate() {
            let from = t as f64 * 0.01;
            all.extend(segmenter.push(from, from + 0.01, c == '#'));
        }
        all.extend(segmenter.finish(frames.len() as f64 * 0.01));
        let hundredths = |seconds: f64| (seconds * 1e4).round() / 1e2;
        all.iter()
            .map(|s| (hundredths(s.start), hundredths(s.end)))
            .collect()
    }

    #[test]
    fn pauses_are_bridged_short_bursts_dropped_and_padding_stays_within_the_signal() {
        let settings = VadSettings {
            pause: 0.03,
            shortest: 0.02,
            padding: 0.0,
            ..Default::default()
        };
        assert_eq!(segments("", &settings), []);
        assert_eq!(segments("......", &settings), []);
        assert_eq!(segments("..##..", &settings), [(2.0, 4.0)]);
        assert_eq!(segments("..#....", &settings), []);
        assert_eq!(segments("##...##", &settings), [(0.0, 7.0)]);
        assert_eq!(segments("##....##", &settings), [(0.0, 2.0), (6.0, 8.0)]);
        assert_eq!(segments("#..#....", &settings), [(0.0, 4.0)]);
        let padded = VadSettings {
            padding: 0.02,
            ..settings.clone()
        };
        assert_eq!(segments("...##......", &padded), [(1.0, 7.0)]);
        assert_eq!(segments("##", &padded), [(0.0, 2.0)]);
        // Four frames apart, the paddings touch; five apart, they do not.
        assert_eq!(segments("##....##", &padded), [(0.0, 8.0)]);
        assert_eq!(segments("##.....##", &padded), [(0.0, 4.0), (5.0, 9.0)]);
    }

    #[test]
    fn long_segments_are_cut_where_they_are_quietest() {
        let frames: Vec<VadFrame> = (0..1_000)
            .map(|t| VadFrame {
                time: t as f64 * 0.01,
                prominence: if t % 130 == 0 { 0.5 } else { 9.0 },
                speech: true,
            })
            .collect();
        let whole = Segment {
            start: 0.0,
            end: 9.5,
        };
        let mut pieces = Vec::new();
        cut(whole, &frames, 2.0, |piece| pieces.push(piece));
        assert_eq!((pieces[0].start, pieces[0].end), (0.0, 1.3));
        assert_eq!((pieces[1].start, pieces[1].end), (1.3, 2.6));
        assert!(pieces.iter().all(|p| p.duration() <= 2.0 + 1e-9));
        assert!(pieces.windows(2).all(|p| p[0].end == p[1].start));
        assert_eq!(pieces.last().unwrap().end, 9.5);
    }
}
