//! Microphones on systems where none can be opened yet.

use anyhow::{Result, bail};

use super::Opened;

/// A microphone.
pub struct Microphone {
    /// Its name; none is the system's choice.
    pub name: Option<String>,
}

impl Microphone {
    pub(super) fn run(self, opened: &Opened) {
        let _ = opened.send(list().and(Err(anyhow::anyhow!("no microphone"))));
    }
}

/// The microphones: name, description, whether it is the default.
///
/// # Errors
///
/// Always: pipe the sound in instead.
pub fn list() -> Result<Vec<(String, String, bool)>> {
    bail!(
        "microphones are read on Linux only so far; pipe the sound in: ffmpeg -f avfoundation -i \
         :0 -f s16le -ar 16000 -ac 1 - | affekt listen - --raw s16le --rate 16000"
    )
}
