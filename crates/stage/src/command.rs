//! What the stage says back, by OSC.
//!
//! | address | argument | |
//! |---|---|---|
//! | `/emotion/reset` | any or none | forget the voice: somebody else speaks |
//! | `/emotion/speaker` | a word | listen with the profile of this name |
//! | `/emotion/threshold` | 0 to 1 | give labels from this probability on |

use rosc::{OscMessage, OscPacket, OscType, decoder};

/// A command.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Command {
    /// Forget the voice.
    Reset,
    /// Listen with the profile of this name.
    Speaker(String),
    /// Give labels from this smoothed probability on.
    Threshold(f32),
}

/// The commands in a packet, for addresses that begin with `prefix`. What is no OSC, or
/// something else, has none.
pub fn commands(packet: &[u8], prefix: &str) -> Vec<Command> {
    let mut found = Vec::new();
    if let Ok((_, packet)) = decoder::decode_udp(packet) {
        collect(packet, prefix, &mut found);
    }
    found
}

fn collect(packet: OscPacket, prefix: &str, found: &mut Vec<Command>) {
    match packet {
        OscPacket::Message(message) => found.extend(command(&message, prefix)),
        OscPacket::Bundle(bundle) => {
            for packet in bundle.content {
                collect(packet, prefix, found);
            }
        }
    }
}

fn command(message: &OscMessage, prefix: &str) -> Option<Command> {
    let first = message.args.first();
    match message.addr.strip_prefix(prefix)? {
        // A button sends 1 when it is pressed and 0 when it is let go.
        "/reset" => match first {
            Some(OscType::Int(0) | OscType::Bool(false)) => None,
            Some(OscType::Float(value)) if *value == 0.0 => None,
            _ => Some(Command::Reset),
        },
        "/speaker" => match first? {
            OscType::String(name) => Some(Command::Speaker(name.clone())),
            _ => None,
        },
        "/threshold" => {
            let value = match first? {
                OscType::Float(value) => *value,
                OscType::Double(value) => *value as f32,
                OscType::Int(value) => *value as f32,
                _ => return None,
            };
            (0.0..=1.0)
                .contains(&value)
                .then_some(Command::Threshold(value))
        }
        _ => None,
    }
}
