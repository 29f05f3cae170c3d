//! The messages of the WebSockets that are not events of a session.

use axum::extract::ws::Utf8Bytes;
use live::{SessionSettings, Smoothing};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use stage::Scene;

/// What a client says.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub(crate) enum FromClient {
    #[serde(rename = "session.update")]
    Update(Box<SessionUpdate>),
    #[serde(rename = "keepalive")]
    KeepAlive {},
    #[serde(rename = "flush")]
    Flush {},
    #[serde(rename = "reset")]
    Reset {},
    #[serde(rename = "speaker.save")]
    SaveSpeaker { name: String },
    #[serde(rename = "session.close")]
    Close {},
}

/// How samples are stored.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    #[default]
    S16le,
    F32le,
    Auto,
}

impl Format {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Format::S16le => "s16le",
            Format::F32le => "f32le",
            Format::Auto => "auto",
        }
    }
}

/// Settings of a session, each optional.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SessionUpdate {
    pub(crate) format: Format,
    pub(crate) rate: Option<u32>,
    pub(crate) channels: Option<u16>,
    pub(crate) model: Option<String>,
    pub(crate) speaker: Option<String>,
    quick: bool,
    window: Option<f64>,
    first: Option<f64>,
    hop: Option<f64>,
    smooth: Option<f64>,
    enter: Option<f32>,
    leave: Option<f32>,
    hold: Option<f64>,
    learn: Option<bool>,
}

impl SessionUpdate {
    pub(crate) fn settings(&self, default: SessionSettings) -> SessionSettings {
        let mut settings = if self.quick { default.quick() } else { default };
        settings.window = self.window.unwrap_or(settings.window);
        settings.first = self.first.unwrap_or(settings.first.min(settings.window));
        settings.hop = self.hop.unwrap_or(settings.hop);
        settings.smoothing = match self.smooth {
            None => settings.smoothing,
            Some(0.0) => Smoothing::None,
            Some(seconds) => Smoothing::Exponential { seconds },
        };
        settings.label.enter = self.enter.unwrap_or(settings.label.enter);
        settings.label.leave = self
            .leave
            .unwrap_or(settings.label.leave.min(settings.label.enter));
        settings.label.hold = self.hold.unwrap_or(settings.label.hold);
        settings.learn = self.learn.unwrap_or(settings.learn);
        settings
    }
}

pub(crate) fn settings(settings: &SessionSettings) -> Value {
    json!({
        "window": settings.window, "first": settings.first, "hop": settings.hop,
        "smooth": match settings.smoothing {
            Smoothing::Exponential { seconds } => seconds,
            _ => 0.0,
        },
        "enter": settings.label.enter, "leave": settings.label.leave, "hold": settings.label.hold,
        "learn": settings.learn,
    })
}

pub(crate) fn error(code: &str, message: &str) -> Utf8Bytes {
    let object = json!({"type": "error", "code": code, "message": message});
    object.to_string().into()
}

/// The last message of a session.
pub(crate) fn closed(reason: &str, seconds: f64, dropped: f64) -> Utf8Bytes {
    let object = json!({
        "type": "session.closed", "reason": reason, "seconds": seconds, "dropped": dropped,
    });
    object.to_string().into()
}

/// One flat object of numbers.
pub(crate) fn flat(scene: &Scene, time: f64, alive: u64) -> Utf8Bytes {
    let mut object = Map::new();
    object.insert("t".into(), json!(time));
    for (label, (p, raw)) in scene.labels.iter().zip(scene.smooth.iter().zip(&scene.raw)) {
        object.insert(label.clone(), json!(p));
        object.insert(format!("raw_{label}"), json!(raw));
    }
    let number = scene.label.map_or(-1, |label| label as i64);
    let rest = [
        ("label", json!(number)),
        ("confidence", json!(scene.confidence)),
        ("speech", json!(u8::from(scene.speech))),
        ("level", json!(scene.level)),
        ("pitch", json!(scene.pitch)),
        ("valence", json!(scene.valence)),
        ("arousal", json!(scene.arousal)),
        ("unfamiliarity", json!(scene.unfamiliarity)),
        ("lag", json!(scene.lag)),
        ("alive", json!(alive)),
    ];
    object.extend(rest.map(|(name, value)| (name.to_owned(), value)));
    Value::Object(object).to_string().into()
}
