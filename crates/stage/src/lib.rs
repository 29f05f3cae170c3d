//! Emotions for the stage: as [OSC](osc) messages for TouchDesigner, Max, VRChat and
//! others, and as [colours](lights) of lamps by Art-Net and sACN.
//!
//! ```text
//! live::Update ── Scene ──┬── Osc::packets ──── bytes for UDP
//!                         └── Lights::tick ──── DMX ── artnet / sacn ── bytes for UDP
//! ```
//!
//! There are no sockets here: everything is bytes, several times a second, for whoever
//! sends them. [`command`] reads what the stage says back.

pub mod affect;
pub mod command;
mod error;
pub mod lights;
pub mod osc;
pub mod palette;
mod scene;

pub use command::Command;
pub use error::StageError;
pub use lights::Lights;
pub use osc::{Address, Osc, Preset};
pub use palette::Palette;
pub use scene::Scene;
