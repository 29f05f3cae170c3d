//! How much of a timeline is right.

use anyhow::{Result, ensure};
use metrics::diarization::{Errors, Interval, errors};

use super::Listened;
use super::annotations::{Annotations, recording};
use crate::output::count;

/// The errors of all recordings that the reference names, as a line.
///
/// # Errors
///
/// Where it names none of them.
pub fn text(listened: &[Listened], reference: &Annotations, neutral: &str) -> Result<String> {
    let mut all = Errors::default();
    let mut scored = 0;
    for one in listened {
        let Some(truth) = reference.get(&recording(&one.path)) else {
            eprintln!(
                "note: {}: the reference does not name it",
                one.path.display()
            );
            continue;
        };
        scored += 1;
        // Whoever is silent or undecided has no emotion.
        let label = |label: &Option<String>| label.clone().unwrap_or_else(|| neutral.to_owned());
        let predicted = one.segments.iter().map(|segment| Interval {
            start: segment.start,
            end: segment.end,
            label: label(&segment.label),
        });
        all.add(&errors(
            truth,
            &predicted.collect::<Vec<_>>(),
            one.duration,
            neutral,
        ));
    }
    ensure!(scored > 0, "the reference names none of the recordings");
    let share = |seconds: f64| 100.0 * seconds / all.duration.max(1e-9);
    Ok(format!(
        "EDER {:.1} % of {:.1} s in {}: missed {:.1} %, false alarm {:.1} %, confusion {:.1} %\n",
        100.0 * all.rate(),
        all.duration,
        count(scored, "recording"),
        share(all.missed),
        share(all.false_alarm),
        share(all.confusion)
    ))
}
