//! `/v1/watch`: what a live session says, read-only.

use std::sync::Arc;

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::StreamExt;
use serde::Deserialize;
use serde_json::json;

use crate::api_error::ApiError;
use crate::mailbox::{Kind, Mailbox};
use crate::sessions::{LiveSession, Subscriber};
use crate::socket::{Counted, Outgoing, Place, limited};
use crate::state::{Shared, stopped};

#[derive(Deserialize)]
pub(crate) struct Asked {
    session: Option<String>,
    flat: Option<String>,
}

pub(crate) async fn watch(
    State(state): State<Shared>,
    Query(asked): Query<Asked>,
    socket: WebSocketUpgrade,
) -> Result<Response, ApiError> {
    if let Some(name) = &asked.session
        && state.sessions.get(name).is_none()
    {
        let text = format!("there is no session {name:?} at present");
        return Err(ApiError::new(
            StatusCode::NOT_FOUND,
            "session_not_found",
            text,
        ));
    }
    let most = state.limits.watchers;
    let place = Place::take(&state, Counted::Watchers, most, "watchers")?;
    Ok(limited(&state, socket).on_upgrade(move |socket| run(state, socket, asked, place)))
}

async fn run(state: Shared, socket: WebSocket, asked: Asked, _place: Place) {
    state.metrics.watchers.inc();
    follow(&state, socket, &asked).await;
    state.metrics.watchers.dec();
}

async fn follow(state: &Shared, socket: WebSocket, asked: &Asked) {
    let (mut outgoing, mut stream) = Outgoing::start(socket, state.limits.behind);
    let mailbox = Arc::clone(&outgoing.mailbox);
    let is_flat = asked.flat.as_deref().is_some_and(|flat| flat != "0");
    let mut newest = state.sessions.newest();
    let mut stopping = state.stopping.clone();
    let mut watched: Option<Arc<LiveSession>> = None;
    let mut is_first = true;
    loop {
        let name = match &asked.session {
            Some(name) => Some(name.clone()),
            None => newest.borrow_and_update().clone(),
        };
        let next = name.and_then(|name| state.sessions.get(&name));
        let is_same = match (&watched, &next) {
            (Some(old), Some(new)) => Arc::ptr_eq(old, new),
            (None, None) => !is_first,
            _ => false,
        };
        if !is_same {
            if let Some(old) = &watched {
                old.unsubscribe(&mailbox);
            }
            started(state, &mailbox, next.as_deref());
            if let Some(new) = &next {
                new.subscribe(Subscriber {
                    mailbox: Arc::clone(&mailbox),
                    is_flat,
                    ends: asked.session.is_some(),
                });
            }
            watched = next;
            is_first = false;
        }
        // It may have ended before it was subscribed to.
        if asked
            .session
            .as_ref()
            .is_some_and(|name| state.sessions.get(name).is_none())
        {
            mailbox.end();
        }
        tokio::select! {
            _ = &mut outgoing.writer => break,
            changed = newest.changed(), if asked.session.is_none() => if changed.is_err() { break },
            () = stopped(&mut stopping) => {
                outgoing.ending.set(1001, "server_stopping");
                mailbox.end();
                let _ = outgoing.writer.await;
                break;
            }
            message = stream.next() => match message {
                Some(Ok(Message::Pong(_))) => outgoing.pong.heard(),
                // Watchers have nothing to say.
                Some(Ok(Message::Ping(_) | Message::Text(_) | Message::Binary(_))) => {}
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
            },
        }
    }
    if let Some(session) = &watched {
        session.unsubscribe(&mailbox);
    }
}

fn started(state: &Shared, mailbox: &Mailbox, session: Option<&LiveSession>) {
    let labels = match (session, state.models.first()) {
        (Some(session), _) => session.labels.clone(),
        (None, Some((_, model))) => model.description().labels.clone(),
        (None, None) => Vec::new(),
    };
    let name = session.map(|session| &session.name);
    let object = json!({"type": "watch.started", "session": name, "labels": labels});
    mailbox.push(Kind::Keep, object.to_string().into());
}
