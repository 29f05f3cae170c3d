//! The accept loop: connections with time limits, and a stop that lets nobody down.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{any, delete, get, post};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, Sleep, sleep, timeout};

use crate::api_error::ApiError;
use crate::files::Files;
use crate::metrics::Metrics;
use crate::sessions::Sessions;
use crate::speakers::Speakers;
use crate::state::{Shared, State, stopped};
use crate::{Config, ServeError, descriptions, emotions, guard, listen, page, watch as watchers};

/// How long a stop waits for sessions and requests.
const STOP: Duration = Duration::from_millis(4500);
/// Bytes that the system holds for a slow reader.
const SEND_BUFFER: usize = 64 << 10;

/// A server that listens.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    state: Shared,
    stop: watch::Sender<bool>,
}

impl Server {
    /// Opens the address. Runs within a Tokio runtime.
    ///
    /// # Errors
    ///
    /// [`ServeError::Bind`] for the address, [`ServeError::Io`] for the speakers' folder,
    /// [`ServeError::Settings`] without a model, or off this machine without a token.
    pub async fn bind(config: Config) -> Result<Self, ServeError> {
        let settings = |what: &str| ServeError::Settings { what: what.into() };
        if config.models.is_empty() {
            return Err(settings("there is no model; a server needs one"));
        }
        if !config.address.ip().is_loopback() && config.token.is_none() {
            return Err(settings(
                "on an address that others can reach a token is needed",
            ));
        }
        let bound = TcpListener::bind(config.address).await;
        let bind = |source| ServeError::Bind {
            address: config.address.to_string(),
            source,
        };
        let listener = bound.map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        let (stop, stopping) = watch::channel(false);
        let hex = |[r, g, b]: [u8; 3]| format!("#{r:02x}{g:02x}{b:02x}");
        let palette = &config.palette;
        let colours: serde_json::Map<_, _> = palette
            .labels()
            .map(|label| {
                (
                    label.to_owned(),
                    json!(hex(palette.colour(label).to_srgb())),
                )
            })
            .collect();
        let palette = json!({"silence": hex(palette.silence().to_srgb()), "colours": colours});
        Ok(Self {
            listener,
            address,
            state: Arc::new(State {
                is_local: address.ip().is_loopback(),
                palette: palette.to_string(),
                models: config.models,
                live: config.live,
                limits: config.limits,
                token: config.token,
                allow_hosts: config.allow_hosts,
                allow_origins: config.allow_origins,
                osc: config.osc,
                on_event: config.on_event,
                metrics: Metrics::new(),
                sessions: Sessions::new(threads)?,
                speakers: Speakers::open(config.data)?,
                files: Files::new(threads)?,
                uploading: AtomicUsize::new(0),
                listeners: AtomicUsize::new(0),
                watching: AtomicUsize::new(0),
                stopping,
            }),
            stop,
        })
    }

    /// Where it listens, with the port that the system chose for port 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stopped` is done: then the last verdicts are sent, sockets are
    /// closed with 1001, and after at most 4.5 seconds it returns.
    pub async fn run(self, stopped: impl Future<Output = ()>) {
        let router = router(&self.state);
        let places = Arc::new(Semaphore::new(self.state.limits.connections));
        let most = self.state.limits.connections;
        let mut stopped = std::pin::pin!(stopped);
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = &mut stopped => break,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "a connection cannot be accepted");
                    // Of open files there may be too many; some will be closed.
                    sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                self.state.metrics.refused("connections");
                continue;
            };
            let _ = stream.set_nodelay(true);
            let _ = socket2::SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER);
            let (router, state) = (router.clone(), Arc::clone(&self.state));
            tokio::spawn(async move {
                connection(stream, router, &state).await;
                drop(place);
            });
        }
        drop(self.listener);
        self.stop.send_replace(true);
        let state = &self.state;
        let quiet = async {
            loop {
                let open = state.listeners.load(Ordering::Acquire)
                    + state.watching.load(Ordering::Acquire)
                    + (most - places.available_permits());
                if open == 0 {
                    break;
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        if timeout(STOP, quiet).await.is_err() {
            tracing::warn!("some connections did not end in time");
        }
    }
}

async fn connection(stream: TcpStream, router: Router, state: &Shared) {
    let io = TokioIo::new(Impatient::new(stream, state.limits.behind));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(state.limits.header)
        .max_buf_size(64 << 10)
        .serve_connection(io, TowerToHyperService::new(router))
        .with_upgrades();
    let mut served = std::pin::pin!(served);
    let mut stopping = state.stopping.clone();
    // Broken connections are the client's affair.
    tokio::select! {
        _ = served.as_mut() => return,
        () = stopped(&mut stopping) => served.as_mut().graceful_shutdown(),
    }
    let _ = served.await;
}

fn router(state: &Shared) -> Router {
    let nothing =
        || async { ApiError::new(StatusCode::NOT_FOUND, "not_found", "there is nothing here") };
    let other_method = || async {
        let text = "this path does not take this method";
        ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "wrong_method", text)
    };
    Router::new()
        .route("/", get(page::index))
        .route("/wall", get(page::wall))
        .route("/{file}", get(page::asset))
        .route("/v1/audio/emotions", post(emotions::classify))
        .route(
            "/v1/speakers",
            get(emotions::speakers).post(emotions::enrol),
        )
        .route("/v1/speakers/{name}", delete(emotions::forget))
        .route("/v1/listen", any(listen::listen))
        .route("/v1/watch", any(watchers::watch))
        .route("/v2", get(descriptions::server))
        .route("/v2/health/live", get(descriptions::live))
        .route("/v2/health/ready", get(descriptions::ready))
        .route("/v2/models/{name}", get(descriptions::model))
        .route("/metrics", get(descriptions::metrics))
        .route("/openapi.json", get(descriptions::openapi))
        .route("/palette.json", get(descriptions::palette))
        .route("/oscquery/", get(descriptions::oscquery))
        .fallback(nothing)
        .method_not_allowed_fallback(other_method)
        .layer(DefaultBodyLimit::max(state.limits.upload + (1 << 20)))
        .layer(from_fn_with_state(Arc::clone(state), guard::guard))
        .with_state(Arc::clone(state))
}

/// A connection whose writes fail once nothing was taken for so long: a client that
/// reads too slowly, or not at all.
struct Impatient {
    stream: TcpStream,
    patience: Duration,
    until: Pin<Box<Sleep>>,
    is_waiting: bool,
}

impl Impatient {
    fn new(stream: TcpStream, patience: Duration) -> Self {
        Self {
            stream,
            patience,
            until: Box::pin(sleep(patience)),
            is_waiting: false,
        }
    }

    fn judged<T>(
        &mut self,
        context: &mut Context<'_>,
        polled: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.is_waiting = false;
            return polled;
        }
        if !self.is_waiting {
            self.is_waiting = true;
            self.until.as_mut().reset(Instant::now() + self.patience);
        }
        match self.until.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for Impatient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Impatient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judged(context, polled)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_flush(context);
        self.judged(context, polled)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
