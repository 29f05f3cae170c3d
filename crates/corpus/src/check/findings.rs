//! The rules: what is an error, what a warning.

use std::collections::{BTreeMap, BTreeSet};

use super::{Finding, Findings, Measures};
use crate::walk::below;
use crate::{Corpus, Excerpt, Split, is_unknown};

/// Shorter clips hardly hold a syllable.
const SHORT: f64 = 0.3;
/// A clip is long if it is so many times as long as the median, and so many seconds.
const LONG: (f64, f64) = (10.0, 20.0);
/// Below this peak (-60 dB) there is nothing but the noise of a converter.
const SILENT: f32 = 0.001;
/// Below this level speech has hardly any bits left.
const QUIET: f64 = -55.0;
/// More clipped samples than this can be heard.
const CLIPPED: f64 = 0.001;
/// A label with fewer training clips is hardly learned.
const FEW: usize = 5;

/// A clip for people: its path below the corpus, with channel and segment.
fn name(corpus: &Corpus, clip: usize) -> String {
    let clip = &corpus.clips[clip];
    let path = below(&corpus.root, &clip.path).display();
    format!("{path}{}", Excerpt::from(clip).suffix())
}

fn plural(count: usize, word: &str) -> String {
    match count {
        1 => format!("1 {word}"),
        n => format!("{n} {word}s"),
    }
}

/// One finding for all clips that a rule finds, if there are any.
fn of_clips(
    clips: Vec<String>,
    what: impl FnOnce(&str, usize) -> String,
    found: &mut Vec<Finding>,
) {
    if !clips.is_empty() {
        let what = what(&plural(clips.len(), "clip"), clips.len());
        found.push(Finding { what, clips });
    }
}

/// What is wrong with single clips.
pub(super) fn clips(corpus: &Corpus, measures: &[Result<Measures, String>], found: &mut Findings) {
    let unreadable = measures
        .iter()
        .filter_map(|m| m.as_ref().err().cloned())
        .collect();
    of_clips(
        unreadable,
        |clips, _| format!("{clips} cannot be read"),
        &mut found.warnings,
    );
    let readable: Vec<(usize, &Measures)> = (measures.iter().enumerate())
        .filter_map(|(clip, measures)| Some((clip, measures.as_ref().ok()?)))
        .collect();
    let mut lengths: Vec<f64> = readable.iter().map(|(_, m)| m.seconds).collect();
    lengths.sort_by(f64::total_cmp);
    let median = lengths.get(lengths.len() / 2).copied().unwrap_or(0.0);
    let all: f64 = lengths.iter().sum();
    let is_long = |m: &Measures| m.seconds > (LONG.0 * median).max(LONG.1);
    let is_silent = |m: &Measures| m.peak < SILENT;
    let mut rule = |is: &dyn Fn(&Measures) -> bool,
                    detail: &dyn Fn(&Measures) -> String,
                    what: &dyn Fn(&str, usize) -> String| {
        let clips = readable.iter().filter(|(_, m)| is(m));
        let clips = clips.map(|(clip, m)| format!("{}: {}", name(corpus, *clip), detail(m)));
        of_clips(clips.collect(), what, &mut found.warnings);
    };
    let seconds = |m: &Measures| format!("{:.2} s", m.seconds);
    let is_are = |count: usize| if count == 1 { "is" } else { "are" };
    rule(
        &|m| m.seconds_lost > 0.0,
        &|m| format!("{:.3} s of {:.2} s", m.seconds_lost, m.seconds),
        &|clips, _| format!("{clips} cannot be read in full"),
    );
    rule(&|m| m.seconds < SHORT, &seconds, &|clips, n| {
        format!("{clips} {} shorter than {SHORT} s", is_are(n))
    });
    let long: f64 = readable
        .iter()
        .filter(|(_, m)| is_long(m))
        .map(|(_, m)| m.seconds)
        .sum();
    rule(&is_long, &seconds, &|clips, n| {
        format!(
            "{clips} {} far longer than the others (median {median:.1} s): {:.0} % of all the \
             sound, and of the time",
            is_are(n),
            100.0 * long / all.max(f64::MIN_POSITIVE)
        )
    });
    rule(
        &|m| m.seconds >= SHORT && is_silent(m),
        &|m| match m.peak {
            0.0 => "nothing but zeros".to_owned(),
            peak => format!("peak {:.0} dB", 20.0 * f64::from(peak).log10()),
        },
        &|clips, n| format!("{clips} {} silent", is_are(n)),
    );
    rule(
        &|m| !is_silent(m) && m.level_db < QUIET,
        &|m| format!("{:.0} dB", m.level_db),
        &|clips, n| format!("{clips} {} very quiet", is_are(n)),
    );
    rule(
        &|m| m.clipped > CLIPPED,
        &|m| format!("{:.1} % of the samples", 100.0 * m.clipped),
        &|clips, n| format!("{clips} {} clipped", is_are(n)),
    );
}

/// Labels that are too small to be learned or tested.
pub(super) fn labels(
    corpus: &Corpus,
    measures: &[Result<Measures, String>],
    splits: &[Split],
    found: &mut Findings,
) {
    let names = corpus.card.label_names();
    let clips_of = |label: usize, part: &[usize]| -> Vec<usize> {
        let readable = part.iter().copied().filter(|clip| measures[*clip].is_ok());
        readable
            .filter(|clip| corpus.clips[*clip].label == label)
            .collect()
    };
    let mut finding = |is_error: bool, what: String, clips: &[usize]| {
        let clips = clips.iter().map(|clip| name(corpus, *clip)).collect();
        let list = if is_error {
            &mut found.errors
        } else {
            &mut found.warnings
        };
        list.push(Finding { what, clips });
    };
    if let [speaker] = corpus.speakers().as_slice()
        && !is_unknown(speaker)
    {
        let what = format!("all clips are of one speaker, {speaker}: nobody can be held out");
        finding(false, what, &[]);
    }
    let whole: Vec<usize> = (0..corpus.clips.len()).collect();
    for (label, label_name) in names.iter().enumerate() {
        let all = clips_of(label, &whole);
        if all.is_empty() {
            finding(
                false,
                format!("the label {label_name} has no clip that can be read"),
                &[],
            );
            continue;
        }
        let speakers: BTreeSet<&str> = all
            .iter()
            .map(|clip| corpus.clips[*clip].speaker.as_str())
            .collect();
        if let (1, Some(speaker)) = (speakers.len(), speakers.first())
            && corpus.speakers().len() > 1
            && !is_unknown(speaker)
        {
            let what = format!(
                "all clips of the label {label_name} are of one speaker, {speaker}: it can be \
                 trained or tested, not both"
            );
            finding(false, what, &all);
        }
        let parts = splits.iter().map(|split| {
            let [train, test] = [&split.train, &split.test].map(|part| clips_of(label, part));
            (train, test, split.test.is_empty())
        });
        let parts: Vec<(Vec<usize>, Vec<usize>, bool)> = parts.collect();
        let untrained = parts
            .iter()
            .find(|(train, test, _)| train.is_empty() && !test.is_empty());
        if let Some((_, test, _)) = untrained {
            let what = format!(
                "the label {label_name} is tested without a single clip to train on ({} in the \
                 corpus), so none of it can be right; leave the label out, or test other speakers",
                plural(all.len(), "clip")
            );
            // In one of many folds it is bad luck; in the only split it is a mistake.
            finding(splits.len() == 1, what, test);
        } else if let Some((train, ..)) = (parts.iter().filter(|(train, ..)| train.len() < FEW))
            .min_by_key(|(train, ..)| train.len())
        {
            let what = format!(
                "the label {label_name} has {} to train on, too few to be learned",
                match train.len() {
                    0 => "no clip".to_owned(),
                    n => plural(n, "clip"),
                }
            );
            finding(false, what, train);
        }
        if let [(_, test, false)] = parts.as_slice()
            && test.is_empty()
        {
            let what = format!(
                "the label {label_name} has no clip to test on; its recall is not measured"
            );
            finding(false, what, &[]);
        }
    }
}

/// The same sound more than once.
pub(super) fn twins(
    corpus: &Corpus,
    measures: &[Result<Measures, String>],
    splits: &[Split],
    found: &mut Findings,
) {
    let mut by_sound: BTreeMap<[u8; 32], Vec<usize>> = BTreeMap::new();
    for (clip, measures) in measures.iter().enumerate() {
        // Silence is the same everywhere, and has a warning of its own.
        if let Some(m) = measures.as_ref().ok().filter(|m| m.peak >= SILENT) {
            by_sound.entry(m.sound).or_default().push(clip);
        }
    }
    let mut across = Vec::new();
    let [mut labels, mut speakers, mut copies] = [const { Vec::new() }; 3];
    for clips in by_sound.into_values().filter(|clips| clips.len() > 1) {
        let names: Vec<String> = clips.iter().map(|clip| name(corpus, *clip)).collect();
        let of_clips = |of: &dyn Fn(usize) -> String| -> Vec<String> {
            let each: BTreeSet<String> = clips.iter().map(|clip| of(*clip)).collect();
            each.into_iter().collect()
        };
        let label_names = corpus.card.label_names();
        let of_labels = of_clips(&|clip| label_names[corpus.clips[clip].label].clone());
        let of_speakers = of_clips(&|clip| corpus.clips[clip].speaker.clone());
        let same = names.join(" = ");
        if splits.iter().any(|split| in_two_parts(split, &clips)) {
            across.push(same);
        } else if of_labels.len() > 1 {
            labels.push(format!("{same} ({})", of_labels.join(", ")));
        } else if of_speakers.len() > 1 {
            speakers.push(format!("{same} ({})", of_speakers.join(", ")));
        } else {
            copies.push(same);
        }
    }
    let sounds = |n: usize| plural(n, "recording");
    let both = |n: usize| if n == 1 { "is" } else { "are" };
    of_clips(
        across,
        |_, n| {
            format!(
                "{} {} in the training and in the test or validation under two names, so the \
                 result would be too good; remove one of each",
                sounds(n),
                both(n)
            )
        },
        &mut found.errors,
    );
    for (clips, what) in [
        (labels, "there under two labels, one of which is wrong"),
        (speakers, "there under two speakers"),
        (copies, "there more than once"),
    ] {
        of_clips(
            clips,
            |_, n| format!("{} {} {what}", sounds(n), both(n)),
            &mut found.warnings,
        );
    }
}

fn in_two_parts(split: &Split, clips: &[usize]) -> bool {
    let parts = [&split.train, &split.validation, &split.test];
    let holding = parts
        .iter()
        .filter(|part| clips.iter().any(|clip| part.contains(clip)));
    holding.count() > 1
}
