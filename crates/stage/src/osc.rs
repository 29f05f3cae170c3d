//! Open Sound Control 1.0, one number an address.
//!
//! | address | |
//! |---|---|
//! | `/emotion/<label>` | smoothed probability, 0 to 1 |
//! | `/emotion/raw/<label>` | the model's probability, 0 to 1 |
//! | `/emotion/label` | number of the label from 0, -1 for none (int) |
//! | `/emotion/confidence` | smoothed probability of the label, or of the best one |
//! | `/emotion/speech` | 1 while somebody speaks, else 0 (int) |
//! | `/emotion/level` | 0 (-60 dB) to 1 (full scale) |
//! | `/emotion/pitch` | Hz, 0 where nothing is voiced |
//! | `/emotion/valence`, `/emotion/arousal` | -1 to 1, by [`affect`](crate::affect)'s table |
//! | `/emotion/unfamiliarity` | above 1 the rest is unreliable |
//! | `/emotion/lag` | seconds of sound that wait |
//! | `/emotion/alive` | counts up with every bundle (int) |
//!
//! A packet is one bundle of at most [`LARGEST`] bytes; more labels than fit go into a
//! second one.

use std::str::FromStr;

use rosc::{OscBundle, OscMessage, OscPacket, OscTime, OscType, encoder};

use crate::{Scene, StageError};

/// Bytes of a packet that no network splits: 1500 less the headers of IPv4 and UDP.
pub const LARGEST: usize = 1472;

/// For which program messages are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preset {
    /// TouchDesigner's OSC In CHOP, and any other program: the addresses above.
    #[default]
    TouchDesigner,
    /// Max: the same, and `/emotion/name`, the label as a word.
    Max,
    /// VRChat: `/avatar/parameters/Emotion<Label>` and a few more, each in a packet of
    /// its own.
    VrChat,
    /// Wekinator: one message `/wek/inputs` with all smoothed probabilities, then
    /// level, pitch, valence, arousal.
    Wekinator,
    /// Resolume: the smoothed probabilities of the first eight labels on the links of
    /// the dashboard, `/composition/dashboard/link1` to `link8`.
    Resolume,
}

impl Preset {
    /// All of them.
    pub const ALL: [Preset; 5] = [
        Preset::TouchDesigner,
        Preset::Max,
        Preset::VrChat,
        Preset::Wekinator,
        Preset::Resolume,
    ];

    /// As it is written on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Preset::TouchDesigner => "touchdesigner",
            Preset::Max => "max",
            Preset::VrChat => "vrchat",
            Preset::Wekinator => "wekinator",
            Preset::Resolume => "resolume",
        }
    }

    /// The most packets a second that the program is known to like.
    pub fn most_hertz(self) -> f64 {
        match self {
            Preset::VrChat => 10.0,
            _ => 60.0,
        }
    }
}

impl FromStr for Preset {
    type Err = StageError;

    fn from_str(text: &str) -> Result<Self, StageError> {
        let found = Preset::ALL.into_iter().find(|preset| preset.name() == text);
        found.ok_or_else(|| StageError::Settings {
            what: format!(
                "{text:?} is no preset; there are {}",
                Preset::ALL.map(Preset::name).join(", ")
            ),
        })
    }
}

/// An address that is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Address {
    /// From the first `/` on.
    pub path: String,
    /// A tag of OSC for each argument: `f`, `i`, `s`, `T` for true or false.
    pub types: String,
    /// The least and the greatest value, where there are such.
    pub range: Option<(f32, f32)>,
}

/// Makes the packets of scenes.
#[derive(Clone, Debug)]
pub struct Osc {
    preset: Preset,
    prefix: String,
    sent: i32,
}

impl Osc {
    /// Addresses begin with `prefix`, by default `/emotion`.
    ///
    /// # Errors
    ///
    /// [`StageError::Settings`] for a prefix that OSC does not allow.
    pub fn new(preset: Preset, prefix: &str) -> Result<Self, StageError> {
        let is_allowed = |c: char| c.is_ascii_graphic() && !"#*,?[]{}".contains(c);
        let is_address = prefix.starts_with('/') && !prefix.ends_with('/');
        if !is_address || !prefix.chars().all(is_allowed) {
            return Err(StageError::Settings {
                what: format!(
                    "{prefix:?} is no OSC prefix: it begins with / and has no space and none of \
                     # * , ? [ ] {{ }}"
                ),
            });
        }
        Ok(Osc {
            preset,
            prefix: prefix.to_owned(),
            sent: 0,
        })
    }

    /// The packets that show a scene.
    pub fn packets(&mut self, scene: &Scene) -> Vec<Vec<u8>> {
        self.sent = self.sent.checked_add(1).unwrap_or(0);
        let messages = self.messages(scene);
        match self.preset {
            Preset::VrChat | Preset::Wekinator => each(messages),
            _ => bundles(messages),
        }
    }

    /// What is sent for these labels, for those who ask (OSCQuery).
    pub fn addresses(&self, labels: &[String]) -> Vec<Address> {
        let messages = self.messages(&Scene::empty(labels));
        let address = |message: OscMessage| Address {
            types: message.args.iter().map(type_tag).collect(),
            range: range(&message.addr, labels.len()).filter(|_| message.args.len() == 1),
            path: message.addr,
        };
        messages.into_iter().map(address).collect()
    }

    fn messages(&self, scene: &Scene) -> Vec<OscMessage> {
        match self.preset {
            Preset::TouchDesigner => self.plain(scene),
            Preset::Max => {
                let mut messages = self.plain(scene);
                let name = scene.label.and_then(|label| scene.labels.get(label));
                let name = name.map_or("none", String::as_str);
                let name = OscType::String(name.to_owned());
                messages.push(message(format!("{}/name", self.prefix), name));
                messages
            }
            Preset::VrChat => vrchat(scene),
            Preset::Wekinator => vec![wekinator(scene)],
            Preset::Resolume => {
                let links = scene.smooth.iter().take(8).enumerate();
                let message = |(link, p): (usize, &f32)| {
                    let address = format!("/composition/dashboard/link{}", link + 1);
                    message(address, OscType::Float(*p))
                };
                links.map(message).collect()
            }
        }
    }

    fn plain(&self, scene: &Scene) -> Vec<OscMessage> {
        let mut messages = Vec::new();
        let mut add = |name: &str, value| {
            messages.push(message(format!("{}/{name}", self.prefix), value));
        };
        for (label, p) in scene.labels.iter().zip(&scene.smooth) {
            add(&part(label), OscType::Float(*p));
        }
        for (label, p) in scene.labels.iter().zip(&scene.raw) {
            add(&format!("raw/{}", part(label)), OscType::Float(*p));
        }
        add("label", OscType::Int(number(scene.label)));
        add("confidence", OscType::Float(scene.confidence));
        add("speech", OscType::Int(scene.speech.into()));
        add("level", OscType::Float(scene.level));
        add("pitch", OscType::Float(scene.pitch));
        add("valence", OscType::Float(scene.valence));
        add("arousal", OscType::Float(scene.arousal));
        add("unfamiliarity", OscType::Float(scene.unfamiliarity));
        add("lag", OscType::Float(scene.lag));
        add("alive", OscType::Int(self.sent));
        messages
    }
}

fn vrchat(scene: &Scene) -> Vec<OscMessage> {
    let mut messages = Vec::new();
    let mut add = |name: &str, value| {
        let address = format!("/avatar/parameters/Emotion{name}");
        messages.push(message(address, value));
    };
    for (label, p) in scene.labels.iter().zip(&scene.smooth) {
        let label = part(label);
        let mut letters = label.chars();
        let first = letters.next().map(|c| c.to_ascii_uppercase());
        let label: String = first.into_iter().chain(letters).collect();
        add(&label, OscType::Float(*p));
    }
    add("Label", OscType::Int(number(scene.label)));
    add("Speech", OscType::Bool(scene.speech));
    add("Level", OscType::Float(scene.level));
    add("Valence", OscType::Float(scene.valence));
    add("Arousal", OscType::Float(scene.arousal));
    messages
}

fn wekinator(scene: &Scene) -> OscMessage {
    let own = [scene.level, scene.pitch, scene.valence, scene.arousal];
    let floats = scene.smooth.iter().chain(&own);
    OscMessage {
        addr: "/wek/inputs".into(),
        args: floats.map(|value| OscType::Float(*value)).collect(),
    }
}

fn message(addr: String, value: OscType) -> OscMessage {
    OscMessage {
        addr,
        args: vec![value],
    }
}

fn type_tag(value: &OscType) -> char {
    match value {
        OscType::Int(_) => 'i',
        OscType::String(_) => 's',
        OscType::Bool(_) => 'T',
        _ => 'f',
    }
}

/// The range of an address, by its last part; that of probabilities where it is a label.
fn range(path: &str, labels: usize) -> Option<(f32, f32)> {
    let name = path.rsplit('/').next().unwrap_or(path).to_lowercase();
    match name.trim_start_matches("emotion") {
        "pitch" | "unfamiliarity" | "lag" | "alive" | "name" => None,
        "label" => Some((-1.0, labels as f32 - 1.0)),
        "valence" | "arousal" => Some((-1.0, 1.0)),
        _ => Some((0.0, 1.0)),
    }
}

/// A label's number, -1 for none.
fn number(label: Option<usize>) -> i32 {
    label.map_or(-1, |label| label as i32)
}

/// A label as a part of an address: what OSC does not allow in one becomes `_`.
fn part(label: &str) -> String {
    let allowed = |c: char| match c {
        c if c.is_ascii_alphanumeric() || "-_.".contains(c) => c,
        _ => '_',
    };
    label.chars().map(allowed).collect()
}

/// Messages in as few bundles as fit into packets.
fn bundles(messages: Vec<OscMessage>) -> Vec<Vec<u8>> {
    let mut packets = Vec::new();
    let mut rest = messages;
    while !rest.is_empty() {
        let mut count = rest.len();
        loop {
            // "Immediately", as OSC 1.0 writes it.
            let now = OscTime {
                seconds: 0,
                fractional: 1,
            };
            let content = rest[..count].iter().cloned().map(OscPacket::Message);
            let bundle = OscPacket::Bundle(OscBundle {
                timetag: now,
                content: content.collect(),
            });
            let bytes = encoder::encode(&bundle).unwrap_or_default();
            if bytes.len() <= LARGEST || count == 1 {
                packets.push(bytes);
                break;
            }
            count = count * 3 / 4;
        }
        rest.drain(..count);
    }
    packets
}

/// A packet for each message.
fn each(messages: Vec<OscMessage>) -> Vec<Vec<u8>> {
    let packets = messages.into_iter().map(OscPacket::Message);
    packets.filter_map(|p| encoder::encode(&p).ok()).collect()
}
