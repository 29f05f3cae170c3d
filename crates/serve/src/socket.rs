//! What the two WebSockets share: a place, what goes out, and how it ends.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::task::JoinHandle;
use tokio::time::{interval, timeout};

use crate::api_error::ApiError;
use crate::mailbox::{Mailbox, Post};
use crate::state::Shared;

/// How often a client is asked whether it is there.
const PING: Duration = Duration::from_secs(5);
/// Bytes that wait in a socket at most.
const BUFFER: usize = 128 << 10;

/// A socket with our limits; messages are sent one by one.
pub(crate) fn limited(state: &Shared, socket: WebSocketUpgrade) -> WebSocketUpgrade {
    socket
        .max_message_size(state.limits.message)
        .max_frame_size(state.limits.message)
        .write_buffer_size(0)
        .max_write_buffer_size(BUFFER)
}

/// What a place is taken among.
#[derive(Clone, Copy)]
pub(crate) enum Counted {
    Listeners,
    Watchers,
}

/// A place among those who may be connected at a time, given back at the end.
pub(crate) struct Place {
    state: Shared,
    counted: Counted,
}

impl Place {
    /// Takes one of so many places; `what` they are, in words.
    pub(crate) fn take(
        state: &Shared,
        counted: Counted,
        most: usize,
        what: &str,
    ) -> Result<Self, ApiError> {
        let place = Self {
            state: state.clone(),
            counted,
        };
        let before = place.counter().fetch_add(1, Ordering::AcqRel);
        if before >= most || state.is_stopping() {
            state.metrics.refused(what);
            let text = format!("there are too many {what}; try again later");
            return Err(ApiError::busy(text));
        }
        Ok(place)
    }

    fn counter(&self) -> &AtomicUsize {
        match self.counted {
            Counted::Listeners => &self.state.listeners,
            Counted::Watchers => &self.state.watching,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.counter().fetch_sub(1, Ordering::AcqRel);
    }
}

/// How a connection is to be closed: a WebSocket code and a reason.
#[derive(Default)]
pub(crate) struct Ending(Mutex<Option<(u16, &'static str)>>);

impl Ending {
    /// The first one counts.
    pub(crate) fn set(&self, code: u16, reason: &'static str) {
        let mut ending = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ending.get_or_insert((code, reason));
    }

    pub(crate) fn get(&self) -> (u16, &'static str) {
        let ending = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ending.unwrap_or((1000, "session_closed"))
    }
}

/// When the client last answered a ping.
pub(crate) struct Pong {
    began: Instant,
    milliseconds: AtomicU64,
}

impl Pong {
    fn new() -> Self {
        Self {
            began: Instant::now(),
            milliseconds: AtomicU64::new(0),
        }
    }

    pub(crate) fn heard(&self) {
        let now = self.began.elapsed().as_millis() as u64;
        self.milliseconds.store(now, Ordering::Relaxed);
    }

    fn since(&self) -> Duration {
        let last = Duration::from_millis(self.milliseconds.load(Ordering::Relaxed));
        self.began.elapsed().saturating_sub(last)
    }
}

/// The way out of a connection: what is put into the mailbox is sent by a task.
pub(crate) struct Outgoing {
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) ending: Arc<Ending>,
    pub(crate) pong: Arc<Pong>,
    pub(crate) writer: JoinHandle<()>,
}

impl Outgoing {
    /// Starts the task; the other half is what the client says. A client that is
    /// `behind` for longer is let go.
    pub(crate) fn start(socket: WebSocket, behind: Duration) -> (Self, SplitStream<WebSocket>) {
        let (sink, stream) = socket.split();
        let (mailbox, ending) = (Arc::<Mailbox>::default(), Arc::<Ending>::default());
        let pong = Arc::new(Pong::new());
        let task = write(
            sink,
            Arc::clone(&mailbox),
            Arc::clone(&ending),
            Arc::clone(&pong),
            behind,
        );
        let outgoing = Self {
            mailbox,
            ending,
            pong,
            writer: tokio::spawn(task),
        };
        (outgoing, stream)
    }
}

/// Sends what comes into a mailbox, until its end.
async fn write(
    mut sink: SplitSink<WebSocket, Message>,
    mailbox: Arc<Mailbox>,
    ending: Arc<Ending>,
    pong: Arc<Pong>,
    behind: Duration,
) {
    let mut ping = interval(PING);
    let mut send = async |message: Message| -> bool {
        matches!(timeout(behind, sink.send(message)).await, Ok(Ok(())))
    };
    let close = |code, reason: &'static str| {
        Message::Close(Some(CloseFrame {
            code,
            reason: reason.into(),
        }))
    };
    let sent = loop {
        tokio::select! {
            post = mailbox.next() => match post {
                Post::Message(text) => if !send(Message::Text(text)).await { break false },
                Post::End => {
                    let (code, reason) = ending.get();
                    send(close(code, reason)).await;
                    break true;
                }
                Post::Overflow => break false,
            },
            _ = ping.tick() => {
                if pong.since() > behind + PING { break false }
                if !send(Message::Ping(Bytes::new())).await { break false }
            }
        }
    };
    if !sent {
        tracing::info!("a client reads too slowly and is closed");
        let close = sink.send(close(1008, "reads too slowly"));
        let _ = timeout(Duration::from_secs(1), close).await;
    }
}
