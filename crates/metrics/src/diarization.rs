//! Emotion over time against a reference: the emotion diarization error rate.
//!
//! EDER is the share of a recording's time that has the wrong emotion
//! ([Wang, Ravanelli and Yacoubi 2023](https://arxiv.org/abs/2306.12991), as in
//! SpeechBrain's `EDER`): (missed + false alarm + confusion) / duration. In the
//! reference, time without an emotion is neutral. There is no tolerance at borders.
//!
//! ```
//! use metrics::diarization::{Interval, errors};
//!
//! let interval = |start, end, label: &str| Interval { start, end, label: label.into() };
//! let reference = [interval(0.39, 1.10, "angry")];
//! let predicted = [interval(0.0, 0.6, "neutral"), interval(0.6, 1.2, "angry")];
//! let errors = errors(&reference, &predicted, 1.22, "neutral");
//! assert!((errors.rate() - 0.27049).abs() < 1e-5);
//! ```

use std::collections::BTreeMap;
use std::path::Path;

use crate::MetricsError;

/// A stretch of time with a label.
#[derive(Clone, Debug, PartialEq)]
pub struct Interval {
    /// When it begins, in seconds.
    pub start: f64,
    /// When it ends.
    pub end: f64,
    /// Its label.
    pub label: String,
}

/// Seconds with the wrong emotion, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Errors {
    /// An emotion in the reference, none predicted; and time that nothing covers.
    pub missed: f64,
    /// An emotion predicted, none in the reference.
    pub false_alarm: f64,
    /// Another emotion than that of the reference.
    pub confusion: f64,
    /// All of the time.
    pub duration: f64,
}

impl Errors {
    /// The error rate, 0 to 1; 0 without any time.
    pub fn rate(&self) -> f64 {
        match self.duration > 0.0 {
            true => (self.missed + self.false_alarm + self.confusion) / self.duration,
            false => 0.0,
        }
    }

    /// Adds those of another recording.
    pub fn add(&mut self, other: &Errors) {
        self.missed += other.missed;
        self.false_alarm += other.false_alarm;
        self.confusion += other.confusion;
        self.duration += other.duration;
    }
}

/// The errors of `predicted`. Predicted intervals that overlap are cut in the middle of
/// what they share; time that none covers is an error. Intervals of the reference
/// should not overlap; where they do, the first one counts.
pub fn errors(
    reference: &[Interval],
    predicted: &[Interval],
    duration: f64,
    neutral: &str,
) -> Errors {
    let predicted = without_overlaps(predicted);
    let mut borders: Vec<f64> = reference
        .iter()
        .chain(&predicted)
        .flat_map(|interval| [interval.start, interval.end])
        .chain([0.0, duration])
        .filter(|time| (0.0..=duration).contains(time))
        .collect();
    borders.sort_by(f64::total_cmp);
    let at = |intervals: &[Interval], time: f64| {
        let found = intervals.iter().find(|i| i.start <= time && time < i.end);
        found.map(|interval| interval.label.clone())
    };
    let mut errors = Errors {
        duration,
        ..Errors::default()
    };
    for pair in borders.windows(2) {
        let (length, middle) = (pair[1] - pair[0], 0.5 * (pair[0] + pair[1]));
        let truth = at(reference, middle).unwrap_or_else(|| neutral.to_owned());
        match at(&predicted, middle) {
            Some(answer) if answer == truth => {}
            Some(_) if truth == neutral => errors.false_alarm += length,
            Some(answer) if answer != neutral => errors.confusion += length,
            _ => errors.missed += length,
        }
    }
    errors
}

/// Intervals by their beginnings, cut where two overlap.
fn without_overlaps(intervals: &[Interval]) -> Vec<Interval> {
    let mut sorted = intervals.to_vec();
    sorted.sort_by(|a, b| a.start.total_cmp(&b.start));
    for index in 1..sorted.len() {
        let (before, after) = sorted.split_at_mut(index);
        let (one, other) = (&mut before[index - 1], &mut after[0]);
        if one.end > other.start {
            let middle = 0.5 * (other.start + one.end.min(other.end));
            one.end = middle;
            other.start = middle;
        }
    }
    sorted
}

/// The intervals of every recording in a file of ten fields a line (RTTM): the label is
/// the eighth field, the speaker's name in diarization.
///
/// # Errors
///
/// [`MetricsError::Format`] naming the line; `path` is for the message.
pub fn from_rttm(text: &str, path: &Path) -> Result<BTreeMap<String, Vec<Interval>>, MetricsError> {
    let mut recordings: BTreeMap<String, Vec<Interval>> = BTreeMap::new();
    for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        if fields.is_empty() || fields[0].starts_with(";;") {
            continue;
        }
        let time = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok());
        let interval = match (time(3), time(4), fields.get(7)) {
            (Some(start), Some(length), Some(label)) if start >= 0.0 && length >= 0.0 => Interval {
                start,
                end: start + length,
                label: (*label).to_owned(),
            },
            _ => {
                return Err(MetricsError::Format {
                    path: path.to_path_buf(),
                    what: format!(
                        "line {}: {line:?} is not RTTM: SPEAKER NAME 1 START LENGTH <NA> <NA> \
                         LABEL <NA> <NA>",
                        number + 1
                    ),
                });
            }
        };
        recordings
            .entry(fields[1].to_owned())
            .or_default()
            .push(interval);
    }
    Ok(recordings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(start: f64, end: f64, label: &str) -> Interval {
        Interval {
            start,
            end,
            label: label.to_owned(),
        }
    }

    #[test]
    fn every_kind_of_error_is_counted_by_its_seconds() {
        let reference = [interval(2.0, 6.0, "angry")];
        let predicted = [
            interval(0.0, 1.0, "neutral"),
            interval(1.0, 3.0, "angry"),
            interval(3.0, 4.0, "sad"),
            interval(4.0, 7.0, "neutral"),
        ];
        let errors = errors(&reference, &predicted, 10.0, "neutral");
        assert_eq!(
            (errors.false_alarm, errors.confusion, errors.missed),
            (1.0, 1.0, 2.0 + 3.0),
            "nothing covers the last three seconds"
        );
        assert!((errors.rate() - 0.7).abs() < 1e-12);
    }

    #[test]
    fn intervals_that_overlap_are_cut_in_the_middle() {
        let cut = without_overlaps(&[interval(1.0, 3.0, "b"), interval(0.0, 2.0, "a")]);
        assert_eq!(cut, [interval(0.0, 1.5, "a"), interval(1.5, 3.0, "b")]);
    }

    #[test]
    fn a_thousand_random_cases_are_those_of_a_count_in_milliseconds() {
        let mut state = 1u64;
        let mut below = |n: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) % n
        };
        for _ in 0..1000 {
            // Whole milliseconds, tiled, so that a count is exact.
            let mut tiled = |duration: u64| {
                let mut intervals = Vec::new();
                let mut at = 0;
                while at < duration {
                    let end = (at + 1 + below(400)).min(duration);
                    let label = ["neutral", "angry", "sad"][below(3) as usize];
                    if below(8) > 0 {
                        intervals.push((at, end, label));
                    }
                    at = end;
                }
                intervals
            };
            let duration = 1000;
            let (truth, answer) = (tiled(duration), tiled(duration));
            let label = |intervals: &[(u64, u64, &'static str)], ms: u64| {
                let found = intervals
                    .iter()
                    .find(|(from, to, _)| (*from..*to).contains(&ms));
                found.map(|(.., label)| *label)
            };
            let wrong = (0..duration)
                .filter(|ms| label(&answer, *ms) != Some(label(&truth, *ms).unwrap_or("neutral")))
                .count();
            let seconds = |intervals: &[(u64, u64, &str)]| -> Vec<Interval> {
                let each = intervals.iter();
                each.map(|(from, to, label)| {
                    interval(*from as f64 / 1000.0, *to as f64 / 1000.0, label)
                })
                .collect()
            };
            let errors = errors(&seconds(&truth), &seconds(&answer), 1.0, "neutral");
            assert!((errors.rate() - wrong as f64 / 1000.0).abs() < 1e-9);
        }
    }

    #[test]
    fn rttm_is_read_and_a_wrong_line_is_named() {
        let text = ";; a remark\nSPEAKER a 1 0.5 1.25 <NA> <NA> sad <NA> <NA>\n\n";
        let read = from_rttm(text, Path::new("a.rttm")).unwrap();
        assert_eq!(read["a"], [interval(0.5, 1.75, "sad")]);
        let error = from_rttm("SPEAKER a 1 x 1", Path::new("a.rttm"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("line 1"), "{error}");
    }
}
