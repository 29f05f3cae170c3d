//! Events as JSON, one object each: what `affekt listen` writes, and a server sends.
//!
//! | `type` | fields |
//! |---|---|
//! | `utterance.start` | `start` |
//! | `measurement` | those of [`Update`](crate::Update), with `label` by its name and `probabilities` (smoothed) and `raw` by label |
//! | `utterance.end` | `start`, `end`, `label`, `probabilities`, `unfamiliarity`, `likeness`, `new_voice` |

use serde_json::{Map, Value, json};

use crate::{Event, Update, Utterance};

/// An event as a JSON object; `labels` are the session's.
pub fn message(event: &Event, labels: &[String]) -> Value {
    match event {
        Event::Begin { at } => json!({"type": "utterance.start", "start": at}),
        Event::Update(update) => measurement(update, labels),
        Event::End(utterance) => end(utterance, labels),
    }
}

fn measurement(update: &Update, labels: &[String]) -> Value {
    json!({
        "type": "measurement",
        "audio_start": update.audio_start,
        "audio_end": update.audio_end,
        "label": update.label.and_then(|label| labels.get(label)),
        "verdict": update.verdict.name(),
        "speech": update.speech,
        "probabilities": named(labels, &update.smooth),
        "raw": update.raw.as_ref().map(|raw| named(labels, raw)),
        "unfamiliarity": update.unfamiliarity,
        "level_db": update.level_db,
        "pitch_hz": update.pitch_hz,
        "adapted": update.adapted,
        "lag": update.lag,
        "dropped": update.dropped,
    })
}

fn end(utterance: &Utterance, labels: &[String]) -> Value {
    let answer = utterance.answer.as_ref();
    let scores: Option<Vec<f32>> = answer.map(|a| a.scores().iter().map(|(_, p)| *p).collect());
    json!({
        "type": "utterance.end",
        "start": utterance.start,
        "end": utterance.end,
        "label": utterance.label,
        "probabilities": scores.map(|scores| named(labels, &scores)),
        "unfamiliarity": answer.and_then(|answer| answer.unfamiliarity()),
        "likeness": utterance.likeness,
        "new_voice": utterance.new_voice,
    })
}

fn named(labels: &[String], values: &[f32]) -> Map<String, Value> {
    let pairs = labels.iter().zip(values);
    pairs.map(|(label, p)| (label.clone(), json!(p))).collect()
}
