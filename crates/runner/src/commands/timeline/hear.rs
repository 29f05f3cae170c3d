//! A recording through a session, or through one for each speaker.

use std::path::Path;

use anyhow::{Context, Result};
use audio::Decoder;
use live::{Event, Session, Timeline, Verdict, message};
use metrics::diarization::Interval;
use model::Recognizer;
use report::segments::Segment;

use super::annotations::{Annotations, recording};
use super::{Args, Listened};

/// Seconds of sound that are handed over at once, so that all cores have something to do.
const AT_ONCE: f64 = 8.0;

/// A voice of a recording.
struct Voice<'a> {
    name: Option<String>,
    /// When it is heard; always, if there is no other.
    times: Option<Vec<&'a Interval>>,
    session: Session,
    heard: Heard,
}

/// What was heard of a voice.
struct Heard {
    timeline: Timeline,
    curves: Vec<(f64, Vec<f32>)>,
}

impl Heard {
    fn take(&mut self, event: Event, args: &Args, labels: &[String], updates: &mut String) {
        if args.updates {
            *updates += &format!("{}\n", message(&event, labels));
        }
        if let Event::Update(update) = event {
            // The curves are moved back as the segments are.
            let time = (update.audio_end - args.look_ahead).max(0.0);
            self.curves.push((time, update.smooth.clone()));
            self.timeline.push(update);
        }
    }
}

/// Listens to a recording.
///
/// # Errors
///
/// Where it cannot be decoded, or the speakers' file does not name it.
pub fn hear(
    args: &Args,
    recognizer: &Recognizer,
    path: &Path,
    speakers: Option<&Annotations>,
    progress: impl Fn(f64),
) -> Result<Listened> {
    let mut decoder = Decoder::open(path, &args.part.settings())?;
    let rate = decoder.sample_rate();
    let labels = recognizer.description().labels.clone();
    let mut voices = voices(args, recognizer, path, speakers, rate)?;
    let mut updates = String::new();
    let at_once = (AT_ONCE * f64::from(rate)) as usize;
    let mut waiting: Vec<f32> = Vec::with_capacity(2 * at_once);
    let mut heard = 0u64;
    loop {
        let is_over = match decoder.next_block()? {
            Some(block) => {
                waiting.extend_from_slice(block);
                false
            }
            None => true,
        };
        if waiting.len() >= at_once || is_over {
            let begin = args.part.part.start + heard as f64 / f64::from(rate);
            for voice in &mut voices {
                let take = |event| voice.heard.take(event, args, &labels, &mut updates);
                let samples = masked(&waiting, begin, f64::from(rate), voice.times.as_deref());
                voice.session.push(&samples, take)?;
            }
            heard += waiting.len() as u64;
            waiting.clear();
        }
        if is_over {
            break;
        }
        if let Some(share) = decoder.progress() {
            progress(share);
        }
    }
    let mut segments = Vec::new();
    let mut curves = Vec::new();
    for mut voice in voices {
        let take = |event| voice.heard.take(event, args, &labels, &mut updates);
        voice.session.finish(take)?;
        voice.heard.timeline.finish();
        args.live.save(&voice.session)?;
        let offset = args.part.part.start;
        let segment = |span: &live::Span| Segment {
            start: offset + span.start,
            end: offset + span.end,
            label: span.label.map(|label| labels[label].clone()),
            speech: span.verdict != Verdict::NoSpeech,
            verdict: span.verdict.name(),
            probabilities: span.probabilities.clone(),
            unfamiliarity: span.unfamiliarity,
            speaker: voice.name.clone(),
        };
        segments.extend(voice.heard.timeline.spans().iter().map(segment));
        curves = together(curves, &voice.heard.curves);
    }
    segments.sort_by(|a, b| a.start.total_cmp(&b.start));
    let seconds = decoder.position() as f64 / f64::from(rate);
    for note in decoder.reading().notes(seconds) {
        eprintln!("note: {}: {note}", path.display());
    }
    Ok(Listened {
        path: path.to_path_buf(),
        duration: args.part.part.start + seconds,
        segments,
        curves: curves
            .into_iter()
            .map(|(time, p)| (args.part.part.start + time, p))
            .collect(),
        updates,
    })
}

/// One voice, or those that the speakers' file names.
fn voices<'a>(
    args: &Args,
    recognizer: &Recognizer,
    path: &Path,
    speakers: Option<&'a Annotations>,
    rate: u32,
) -> Result<Vec<Voice<'a>>> {
    let voice = |name: Option<String>, times| -> Result<Voice<'a>> {
        Ok(Voice {
            name,
            times,
            session: args.live.session(recognizer, rate)?,
            heard: Heard {
                timeline: Timeline::new(args.look_ahead),
                curves: Vec::new(),
            },
        })
    };
    let Some(speakers) = speakers else {
        return Ok(vec![voice(None, None)?]);
    };
    let name = recording(path);
    let intervals = speakers.get(&name);
    let intervals =
        intervals.with_context(|| format!("the speakers' file does not name {name}"))?;
    let mut names: Vec<&String> = intervals.iter().map(|interval| &interval.label).collect();
    names.sort();
    names.dedup();
    let of_name = |name: &&String| intervals.iter().filter(|i| i.label == **name).collect();
    (names
        .iter()
        .map(|name| voice(Some((*name).clone()), Some(of_name(name)))))
    .collect()
}

/// The samples, silent where the voice is not heard.
fn masked(samples: &[f32], begin: f64, rate: f64, times: Option<&[&Interval]>) -> Vec<f32> {
    let Some(times) = times else {
        return samples.to_vec();
    };
    let mut kept = vec![0.0; samples.len()];
    let place = |time: f64| (((time - begin) * rate).round().max(0.0) as usize).min(samples.len());
    for interval in times {
        let (from, to) = (place(interval.start), place(interval.end));
        kept[from..to.max(from)].copy_from_slice(&samples[from..to.max(from)]);
    }
    kept
}

/// The curves of several voices in one: at each time the one that is louder there.
fn together(all: Vec<(f64, Vec<f32>)>, one: &[(f64, Vec<f32>)]) -> Vec<(f64, Vec<f32>)> {
    if all.is_empty() {
        return one.to_vec();
    }
    let sum = |p: &[f32]| p.iter().sum::<f32>();
    let pairs = all.into_iter().zip(one);
    pairs
        .map(|(a, b)| if sum(&b.1) > sum(&a.1) { b.clone() } else { a })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_times_of_a_voice_are_heard() {
        let interval = Interval {
            start: 1.2,
            end: 1.4,
            label: "anna".into(),
        };
        let samples = [1.0; 10];
        let heard = masked(&samples, 1.0, 10.0, Some(&[&interval]));
        assert_eq!(heard, [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(masked(&samples, 2.0, 10.0, Some(&[&interval])), [0.0; 10]);
        assert_eq!(masked(&samples, 2.0, 10.0, None), samples);
    }
}
