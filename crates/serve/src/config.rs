//! What a server is told at its start.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use live::{Event, SessionSettings};
use model::Recognizer;
use stage::Palette;

/// What a server is told at its start.
pub struct Config {
    /// Where to listen.
    pub address: SocketAddr,
    /// The models by name, at least one; the first is the default.
    pub models: Vec<(String, Recognizer)>,
    /// How live sessions listen unless they say otherwise.
    pub live: SessionSettings,
    /// What is too much.
    pub limits: Limits,
    /// Who wants to come in has to know it; none asks nobody.
    pub token: Option<String>,
    /// Names of this server in the `Host` of requests, beside those of this machine and
    /// its addresses.
    pub allow_hosts: Vec<String>,
    /// Other sites whose pages may use this server, such as `https://example.org`.
    pub allow_origins: Vec<String>,
    /// Where speakers' profiles are kept; none keeps them in memory.
    pub data: Option<PathBuf>,
    /// Colours of the labels.
    pub palette: Palette,
    /// What is sent to the stage, for those who ask by OSCQuery.
    pub osc: Option<OscQuery>,
    /// Hears every event of the newest live session; `None` says that it has ended.
    pub on_event: Option<OnEvent>,
}

/// Hears events of the newest live session.
pub type OnEvent = Arc<dyn Fn(Option<&Event>) + Send + Sync>;

/// What is sent to the stage by OSC.
#[derive(Clone, Debug)]
pub struct OscQuery {
    /// What is sent.
    pub addresses: Vec<stage::Address>,
    /// The port of the first receiver.
    pub port: u16,
}

/// What is too much.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of an upload.
    pub upload: usize,
    /// Seconds of sound in an uploaded recording.
    pub seconds: f64,
    /// Live sessions at a time.
    pub sessions: usize,
    /// Watchers at a time.
    pub watchers: usize,
    /// Recordings that wait to be classified.
    pub waiting: usize,
    /// Connections at a time.
    pub connections: usize,
    /// Bytes of a WebSocket message.
    pub message: usize,
    /// How far behind a reader may be.
    pub behind: Duration,
    /// How long a header may take to arrive, and a connection may be idle.
    pub header: Duration,
    /// How long a client may pause within a body or without sound.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            upload: 100 << 20,
            seconds: 4.0 * 3600.0,
            sessions: 100,
            watchers: 400,
            waiting: 64,
            connections: 4096,
            message: 1 << 20,
            behind: Duration::from_secs(20),
            header: Duration::from_secs(5),
            idle: Duration::from_secs(60),
        }
    }
}
