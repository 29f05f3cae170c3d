//! What all requests share.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use live::SessionSettings;
use model::Recognizer;
use tokio::sync::watch;

use crate::api_error::ApiError;
use crate::config::OnEvent;
use crate::files::Files;
use crate::metrics::Metrics;
use crate::sessions::Sessions;
use crate::speakers::Speakers;
use crate::{Limits, OscQuery};

pub(crate) type Shared = Arc<State>;

pub(crate) struct State {
    pub(crate) models: Vec<(String, Recognizer)>,
    pub(crate) live: SessionSettings,
    pub(crate) limits: Limits,
    pub(crate) token: Option<String>,
    pub(crate) allow_hosts: Vec<String>,
    pub(crate) allow_origins: Vec<String>,
    /// Reached from this machine only.
    pub(crate) is_local: bool,
    pub(crate) palette: String,
    pub(crate) osc: Option<OscQuery>,
    pub(crate) on_event: Option<OnEvent>,
    pub(crate) metrics: Metrics,
    pub(crate) sessions: Sessions,
    pub(crate) speakers: Speakers,
    pub(crate) files: Files,
    /// Bytes of uploads in memory.
    pub(crate) uploading: AtomicUsize,
    /// Connections that listen or will.
    pub(crate) listeners: AtomicUsize,
    /// Connections that watch.
    pub(crate) watching: AtomicUsize,
    /// True once the server stops.
    pub(crate) stopping: watch::Receiver<bool>,
}

impl State {
    /// The model of this name, or the first one.
    pub(crate) fn model(&self, name: Option<&str>) -> Result<&(String, Recognizer), ApiError> {
        let found = match name {
            None => self.models.first(),
            Some(name) => self.models.iter().find(|(known, _)| known == name),
        };
        found.ok_or_else(|| {
            let known: Vec<&str> = self.models.iter().map(|(name, _)| name.as_str()).collect();
            ApiError::field(
                "model",
                "model_not_found",
                format!(
                    "there is no model {:?}; there are {}",
                    name.unwrap_or(""),
                    known.join(", ")
                ),
            )
        })
    }

    pub(crate) fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }
}

/// Waits until the server stops.
pub(crate) async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // Without a sender there is no server any more either.
    let _ = stopping.wait_for(|stop| *stop).await;
}
