//! What is counted, for Prometheus.

use std::fmt::Write;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

type Labels = Vec<(&'static str, String)>;
type Seconds = Counter<f64, std::sync::atomic::AtomicU64>;

/// The bounds of histograms of times, in seconds.
const TIMES: [f64; 12] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0,
];

/// What is counted.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Labels, Counter>,
    request_seconds: Family<Labels, Histogram>,
    pub(crate) sessions: Gauge,
    sessions_ended: Family<Labels, Counter>,
    pub(crate) watchers: Gauge,
    audio: Family<Labels, Seconds>,
    pub(crate) dropped: Seconds,
    pub(crate) updates: Counter,
    pub(crate) lag: Histogram,
    pub(crate) waiting: Gauge,
    refused: Family<Labels, Counter>,
    pub(crate) batch: Histogram,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("affekt");
        let this = Self {
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(|| Histogram::new(TIMES)),
            sessions: Gauge::default(),
            sessions_ended: Family::default(),
            watchers: Gauge::default(),
            audio: Family::default(),
            dropped: Seconds::default(),
            updates: Counter::default(),
            lag: Histogram::new(TIMES),
            waiting: Gauge::default(),
            refused: Family::default(),
            batch: Histogram::new([1.0, 2.0, 4.0, 8.0, 16.0]),
            registry: Registry::default(),
        };
        macro_rules! register {
            ($field:ident, $name:literal, $help:literal) => {
                registry.register($name, $help, this.$field.clone());
            };
        }
        register!(requests, "requests", "Requests by path and status");
        register!(request_seconds, "request_seconds", "How long answers took");
        register!(sessions, "sessions", "Live sessions");
        register!(
            sessions_ended,
            "sessions_ended",
            "Live sessions that ended, by the end"
        );
        register!(watchers, "watchers", "Watchers");
        register!(audio, "audio_seconds", "Seconds of sound heard");
        register!(dropped, "dropped_seconds", "Seconds of live sound lost");
        register!(updates, "updates", "Updates of live sessions");
        register!(
            lag,
            "lag_seconds",
            "From the arrival of the last sound of an update to the update"
        );
        register!(waiting, "queue", "Recordings that wait");
        register!(refused, "refused", "Requests refused, by the reason");
        register!(batch, "batch_size", "Recordings classified at once");
        Self { registry, ..this }
    }

    pub(crate) fn request(&self, path: &str, status: u16, time: Duration) {
        let path = ("path", path.to_owned());
        let labels = vec![path.clone(), ("status", status.to_string())];
        self.requests.get_or_create(&labels).inc();
        let time = time.as_secs_f64();
        self.request_seconds
            .get_or_create(&vec![path])
            .observe(time);
    }

    pub(crate) fn ended(&self, end: &str) {
        self.sessions_ended
            .get_or_create(&vec![("end", end.to_owned())])
            .inc();
    }

    pub(crate) fn refused(&self, reason: &str) {
        self.refused
            .get_or_create(&vec![("reason", reason.to_owned())])
            .inc();
    }

    /// `kind` is `live` or `file`.
    pub(crate) fn heard(&self, kind: &str, seconds: f64) {
        let labels = vec![("kind", kind.to_owned())];
        self.audio.get_or_create(&labels).inc_by(seconds);
    }

    /// In Prometheus's text format.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let version = env!("CARGO_PKG_VERSION");
        let _ = writeln!(
            text,
            "# HELP affekt_info The version.\n# TYPE affekt_info gauge\naffekt_info{{version=\"{version}\"}} 1"
        );
        if let Some((memory, files)) = process() {
            let _ = writeln!(
                text,
                "# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes {memory}\n\
                 # TYPE process_open_fds gauge\nprocess_open_fds {files}"
            );
        }
        // Writing into a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// Resident bytes and open files, where the system tells (Linux).
fn process() -> Option<(u64, usize)> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    let files = std::fs::read_dir("/proc/self/fd").ok()?.count();
    Some((kilobytes << 10, files))
}
