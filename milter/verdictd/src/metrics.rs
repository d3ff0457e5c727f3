//! Figures for Prometheus, health and readiness, over HTTP. No address of anybody is in any figure.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::scan::{Durations, Scanners};
use crate::verdict::{Failure, NAMES, Report, Verdict};

/// OpenMetrics 1.0, which Prometheus reads since 2.5.
const FORMAT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A scanner's answer to a ping is good for so long.
const PROBED: Duration = Duration::from_secs(2);

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Named {
    verdict: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Of {
    scanner: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Failed {
    scanner: &'static str,
    why: &'static str,
}

/// Seconds, from a mail of one line to a scanner that hangs.
fn buckets() -> Histogram {
    Histogram::new([0.005, 0.02, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0])
}

/// What is counted.
#[derive(Debug)]
pub struct Counters {
    registry: Registry,
    messages: Family<Named, Counter>,
    failures: Family<Failed, Counter>,
    seconds: Family<Of, Histogram>,
    forged: Counter,
    octets: Counter,
    broken: Counter,
    /// Mail servers' connections now.
    pub connections: Gauge,
    /// Mails that are scanned now, or wait for their turn.
    pub scans: Gauge,
}

impl Counters {
    pub fn new() -> Counters {
        let mut registry = Registry::with_prefix("verdictd");
        let seconds = Family::new_with_constructor(buckets as fn() -> Histogram);
        let counters = Counters {
            messages: Family::default(),
            failures: Family::default(),
            seconds,
            forged: Counter::default(),
            octets: Counter::default(),
            broken: Counter::default(),
            connections: Gauge::default(),
            scans: Gauge::default(),
            registry: Registry::default(),
        };
        registry.register("messages", "Messages by verdict", counters.messages.clone());
        registry.register("scanner_failures", "Scans without an answer", counters.failures.clone());
        registry.register_with_unit(
            "scan",
            "From the first octet of a message to the scanner's answer",
            Unit::Seconds,
            counters.seconds.clone(),
        );
        registry.register(
            "forged_headers",
            "Header fields of ours that strangers wrote",
            counters.forged.clone(),
        );
        registry.register_with_unit(
            "scanned",
            "Size of all messages",
            Unit::Bytes,
            counters.octets.clone(),
        );
        registry.register(
            "broken_sessions",
            "Mail servers that broke the protocol",
            counters.broken.clone(),
        );
        registry.register(
            "connections",
            "Mail servers' connections now",
            counters.connections.clone(),
        );
        registry.register(
            "scans",
            "Messages that are scanned now or wait for it",
            counters.scans.clone(),
        );
        // A figure that is not there yet can't be told from one that is gone.
        for verdict in NAMES {
            drop(counters.messages.get_or_create(&Named { verdict }));
        }
        Counters { registry, ..counters }
    }

    /// A message has its verdict.
    pub fn message(&self, verdict: &Verdict, octets: u64, forged: u64) {
        self.messages.get_or_create(&Named { verdict: verdict.name }).inc();
        self.octets.inc_by(octets);
        self.forged.inc_by(forged);
    }

    /// What the scanners did for it.
    pub fn scanned(&self, report: &Report, took: &Durations) {
        let failed = |scanner, failure: Option<&Failure>| {
            if let Some(failure) = failure {
                self.failures.get_or_create(&Failed { scanner, why: failure.kind() }).inc();
            }
        };
        failed("rspamd", report.spam.as_ref().and_then(|spam| spam.as_ref().err()));
        failed("clamd", report.virus.as_ref().and_then(|virus| virus.as_ref().err()));
        for (scanner, took) in [("rspamd", took.rspamd), ("clamd", took.clamd)] {
            if let Some(took) = took {
                self.seconds.get_or_create(&Of { scanner }).observe(took.as_secs_f64());
            }
        }
    }

    /// A mail server broke the protocol.
    pub fn broke(&self) {
        self.broken.inc();
    }
}

impl Default for Counters {
    fn default() -> Counters {
        Counters::new()
    }
}

/// Adds one for as long as it lives.
#[derive(Debug)]
pub struct Counted(Gauge);

impl Counted {
    pub fn one(gauge: &Gauge) -> Counted {
        gauge.inc();
        Counted(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

struct Desk {
    counters: Arc<Counters>,
    scanners: Arc<ArcSwap<Scanners>>,
    /// When the scanners were asked last, and what is wrong.
    probed: Mutex<Option<(Instant, Vec<String>)>>,
}

impl Desk {
    async fn troubles(&self) -> Vec<String> {
        let mut probed = self.probed.lock().await;
        if let Some((_, last)) = probed.as_ref().filter(|(at, _)| at.elapsed() < PROBED) {
            return last.clone();
        }
        let troubles = self.scanners.load_full().troubles().await;
        *probed = Some((Instant::now(), troubles.clone()));
        troubles
    }
}

/// Opens the socket.
pub async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Answers until `shutdown`.
pub async fn serve(
    listener: TcpListener,
    counters: Arc<Counters>,
    scanners: Arc<ArcSwap<Scanners>>,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let desk = Desk { counters, scanners, probed: Mutex::new(None) };
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .with_state(Arc::new(desk));
    axum::serve(listener, router).with_graceful_shutdown(shutdown.cancelled_owned()).await
}

async fn metrics(State(desk): State<Arc<Desk>>) -> Response {
    let mut out = String::new();
    match text::encode(&mut out, &desk.counters.registry) {
        Ok(()) => ([(header::CONTENT_TYPE, FORMAT)], out).into_response(),
        Err(error) => {
            tracing::error!(%error, "the figures could not be written out");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// All scanners answer.
async fn readyz(State(desk): State<Arc<Desk>>) -> Response {
    let troubles = desk.troubles().await;
    if troubles.is_empty() {
        return "ready\n".into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", troubles.join("\n"))).into_response()
}
